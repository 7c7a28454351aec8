"""Perfect separation: found exactly where linear programming finds it, and named."""

from __future__ import annotations

import numpy as np
import pytest
from joint_model.simulated import table
from scipy.optimize import linprog

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.joint_model.separation import _runaway


def messages(script: str) -> list[str]:
    return [each.message for each in resolve(script, table()).notes if each.code == "separation"]


def can_be_separated(signed: np.ndarray) -> bool:
    """Whether some direction moves no row down and some rows up."""
    size = signed.shape[1]
    solved = linprog(-signed.sum(0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=[(-1, 1)] * size)
    return bool(-solved.fun > 1e-7)


def test_search_agrees_with_linear_programming() -> None:
    rng = np.random.default_rng(8)
    seen = []
    for place in range(300):
        n, p = rng.integers(8, 50), rng.integers(1, 5)
        predictors = rng.integers(0, 3, (n, p)).astype(float) if place % 2 else rng.normal(size=(n, p)).round(1)
        slopes = rng.normal(size=p) * rng.choice([0.0, 1.0, 4.0])
        answer = np.where(predictors @ slopes + rng.logistic(size=n) > 0, 1.0, -1.0)
        matrix = np.column_stack([np.ones(n), predictors])
        if np.ptp(answer) == 0 or np.linalg.matrix_rank(matrix) < p + 1:
            continue
        signed = matrix * answer[:, None]
        direction = _runaway(signed)
        seen.append(direction is not None)
        assert seen[-1] == can_be_separated(signed)
        if direction is not None:
            moved = signed @ direction
            assert moved.min() >= -1e-4 * moved.max()
    assert 20 < sum(seen) < len(seen) - 20


@pytest.mark.parametrize("family", ["ORDINAL: b; MODEL: b", "ORDINAL: b; MODEL: logit(b)", "NOMINAL: b; MODEL: b"])
def test_every_binary_family_is_told(family: str) -> None:
    (message,) = messages(f"TRANSFORM: b = (x3 > 0.3); {family} ~ x3 x4;")
    assert message == (
        "'x3' tells categories of 'b' apart without error, so that its coefficient is held by the prior alone"
    )


def test_predictors_that_separate_only_together() -> None:
    (message,) = messages("TRANSFORM: b = (x3 + x4 > 0.3); ORDINAL: b; MODEL: b ~ x3 x4 m1;")
    assert message.startswith("'x3' and 'x4' together tell categories of 'b' apart")


def test_group_in_which_an_outcome_never_happens() -> None:
    (message,) = messages("TRANSFORM: b = (n > 1)*(x4 > 0); ORDINAL: b; NOMINAL: n; MODEL: b ~ n x3;")
    assert message.startswith("'n.2' and 'n.3' together")


@pytest.mark.parametrize("is_separated", [True, False])
def test_many_rows(is_separated: bool) -> None:
    rng = np.random.default_rng(4)
    frame = table(n=20_001)
    frame["z"] = rng.normal(size=len(frame))
    answer = frame["z"] > 3.0
    if not is_separated:
        answer[frame["z"].idxmax()] = False
    frame["b"] = answer.astype(float)
    codes = {each.code for each in resolve("ORDINAL: b; MODEL: b ~ z;", frame).notes}
    assert ("separation" in codes) == is_separated


def test_ordered_categories_have_to_be_separated_at_every_threshold() -> None:
    three = "TRANSFORM: o = (x3 > 0) + {second}; ORDINAL: o; MODEL: o ~ x3 x4;"
    assert messages(three.format(second="(x3 > 1)"))
    assert not messages(three.format(second="(x3 > 0)*(x4 > 0)"))


def test_one_category_of_several() -> None:
    (message,) = messages("TRANSFORM: k = 1 + (x3 > 0) + (x3 > 0)*(x4 > 0); NOMINAL: k; MODEL: k ~ x3 m1;")
    assert message.startswith("'x3' tells category 1 of 'k' apart")


def test_counts_that_are_all_zero_in_a_group() -> None:
    (message,) = messages("TRANSFORM: c = count*d; COUNT: c; ORDINAL: d; MODEL: c ~ d x3;")
    assert message.startswith("'d' tells counts of 0 from others of 'c' apart")


@pytest.mark.parametrize("beside", ["f", "o.latent", "x4@0.5", "x4@k", "x1"])
def test_what_stands_beside_a_separating_predictor_does_not_hold_it(beside: str) -> None:
    (message,) = messages(
        "TRANSFORM: b = (x3 > 0.3); o = (x4 > 0)*1; ORDINAL: b o; LATENT: f; "
        f"MODEL: f -> y y2 m1; o ~ x2; b ~ x3 {beside}; i ~ 1@k;"
    )
    assert message.startswith("'x3' tells")


@pytest.mark.parametrize("rest", ["b ~ x3@k; y ~ x4@k;", "b ~ x3@k x4; y ~ x4@l; PARAMETERS: l = 2*k;"])
def test_what_else_depends_on_the_coefficient_holds_it(rest: str) -> None:
    assert not messages(f"TRANSFORM: b = (x3 > 0.3); ORDINAL: b; MODEL: {rest}")


def resolved_counts(counts: list[float]) -> Model:
    frame = table(n=len(counts))
    frame["c"] = counts
    return resolve("COUNT: c; MODEL: c ~ 1;", frame)


def test_counts_need_two_that_are_positive() -> None:
    for counts in ([0.0] * 40, [0.0] * 39 + [3.0]):
        with pytest.raises(BlimpError, match="its dispersion needs two"):
            resolved_counts(counts)
    resolved_counts([0.0] * 38 + [3.0, 1.0])


def test_predictor_whose_own_predictors_separate_it() -> None:
    found = messages("TRANSFORM: b = (x3 > 0.3); ORDINAL: b; CENTER: b; MODEL: x4 ~ b x3;")
    assert found == [
        "'x3' tells categories of 'b' apart without error, so that its coefficient is held by the prior alone"
    ]
