"""Every warning: a script that earns it, and a script one step away that does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from joint_model.simulated import resolved

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.joint_model.warnings import WARNINGS

CASES = {
    "few-values": ("MODEL: y ~ i", "MODEL: y ~ d"),
    "lower-order-terms": ("MODEL: y ~ x3 x3*x4", "MODEL: y ~ x3 x4 x3*x4"),
    "idle-label": ("MODEL: y ~ x3@b", "MODEL: y ~ x3@b; PARAMETERS: twice = 2*b"),
    "repeated-term": ("MODEL: y ~ x3*x4 x4*x3", "MODEL: y ~ x3; y ~ x3@b"),
    "idle-definition": ("MODEL: s = x3 + x4; y ~ x3", "MODEL: s = x3 + x4; y ~ s"),
    "idle-fixed": ("FIXED: x3 x4; MODEL: y ~ x3", "FIXED: x3; MODEL: y ~ x3"),
    "idle-latent": ("LATENT: eta zeta; MODEL: eta -> x3 x4", "LATENT: eta; MODEL: eta -> x3 x4"),
    "latent-scale": ("LATENT: eta; MODEL: eta -> x3@l x4", "LATENT: eta; MODEL: eta@1; eta -> x3@l x4"),
    "single-indicator": ("LATENT: eta; MODEL: eta -> y; eta ~ x3", "LATENT: eta; MODEL: eta -> y y2"),
    "two-indicators": ("LATENT: eta; MODEL: eta -> y y2", "LATENT: eta; MODEL: eta -> y y2; eta ~ x3"),
    "flat-covariance": (
        "LATENT: f g; MODEL: f -> x1:x3; g -> m1 m2 m.1; f ~~ g; y ~ f g; y2 ~ f g",
        "LATENT: f g; MODEL: f -> x1:x3; g -> m1 m2 m.1; f ~~ g; y ~ f g; y2 ~ f x4",
    ),
    "chain-of-outcomes": (
        "LATENT: f; MODEL: f -> x1:x3; x1:x3 ~ 1",
        "LATENT: f; MODEL: f -> x1:x3; { x1:x3 } ~ 1; m1 m2 ~ y",
    ),
    "replaced-setting": ("MODEL: y ~ x3@0.5; y ~ x3@b", "LATENT: f; MODEL: f -> x1:x3; x1 ~ f@0.5; y ~ x3; y ~ x3@1"),
    "one-equation": ("MODEL: ln(count + 1) ~ x3; count ~ x4", "MODEL: ln(count + 1) ~ x3; ln(count + 1) ~ x4"),
    "quantity-like-variable": (
        "MODEL: y ~ x3@b; PARAMETERS: x3 = 2*b",
        "MODEL: y ~ x3@b; PARAMETERS: x4 = 2*b",
    ),
    "label-like-latent": (
        "LATENT: icept; MODEL: icept -> x3 x4; y ~ 1@icpt",
        "LATENT: icept; MODEL: icept -> x3 x4; y ~ 1@icept_y",
    ),
    "latent-sign": (
        "LATENT: eta; MODEL: eta@1; eta -> x3@l x4",
        "LATENT: eta; MODEL: eta@1; eta -> x3@l x4; PARAMETERS: l ~ truncate(0, Inf)",
    ),
    "uncentered-focal": (
        "MODEL: y ~ x3 x4 x3*x4; SIMPLE: x3 | x4",
        "CENTER: x3; MODEL: y ~ x3 x4 x3*x4; SIMPLE: x3 | x4",
    ),
    "empty-category": (
        "TRANSFORM: gap = n + (n == 3); ORDINAL: gap; MODEL: y ~ gap",
        "TRANSFORM: gap = n + 1; ORDINAL: gap; MODEL: y ~ gap",
    ),
    "many-categories": (
        "TRANSFORM: o = round(9*m2); ORDINAL: o; MODEL: o ~ x3",
        "TRANSFORM: o = round(m2); ORDINAL: o; MODEL: o ~ x3",
    ),
    "empty-cell": (
        "TRANSFORM: o = n*(d == 1 or n < 3); ORDINAL: d o; MODEL: o ~ d",
        "ORDINAL: d n; MODEL: n ~ d",
    ),
    "separation": (
        "TRANSFORM: b = (x3 > 0.3); ORDINAL: b; MODEL: b ~ x3 x4",
        "TRANSFORM: b = (x3 + x4 > 0.3); ORDINAL: b; MODEL: b ~ x3",
    ),
    "one-coefficient": ("NOMINAL: n; MODEL: y ~ n@k", "NOMINAL: n; MODEL: y ~ n.2@k n.3@l"),
    "never-together": (
        "TRANSFORM: a = missing(d == 1, x3); b = missing(d == 0, x4); MODEL: a ~ b",
        "TRANSFORM: a = missing(d == 1, x3); b = missing(i == 0, x4); MODEL: a ~ b",
    ),
    "never-apart": (
        "TRANSFORM: b = (x3 > 0); c = (x3 > 1); ORDINAL: b c; MODEL: b ~~ c",
        "TRANSFORM: b = (x3 > 0); c = (x4 > 0); ORDINAL: b c; MODEL: b ~~ c",
    ),
    "narrow-predictor": (
        "TRANSFORM: small = x3/50; ORDINAL: d; MODEL: d ~ small",
        "TRANSFORM: small = x3/5; ORDINAL: d; MODEL: d ~ small",
    ),
    "distant-predictor": (
        "TRANSFORM: year = x3 + 2020; COUNT: count; MODEL: count ~ year",
        "TRANSFORM: year = x3 + 2020; COUNT: count; CENTER: year; MODEL: count ~ year",
    ),
    "endless-flat": (
        "MODEL: y ~ (exp(-rate*x4))@1; PARAMETERS: rate ~ truncate(0, Inf)",
        "MODEL: y ~ (exp(-rate*x4))@1; PARAMETERS: rate ~ truncate(0, 2)",
    ),
    "idle-at-zero": (
        "MODEL: y ~ exp(-rate*x4); PARAMETERS: rate ~ truncate(0, 2)",
        "MODEL: y ~ exp(-rate*x4); PARAMETERS: rate ~ truncate(0.1, 2)",
    ),
    "suspected-missing-code": (
        "TRANSFORM: x3 = ifelse(x3 > 1, 999, x3); MODEL: y ~ x3",
        "TRANSFORM: x3 = ifelse(x3 > 1, missing(1, x3), x3); MODEL: y ~ x3",
    ),
    "no-interaction": ("MODEL: y ~ x3 x4; SIMPLE: x3 | x4", "MODEL: y ~ x3 x4 x3*x4; SIMPLE: x3 | x4"),
    "correlated-predictor": ("MODEL: y ~ x1; y ~~ x1", "MODEL: y ~ x1; x1 ~ x2; y2 ~~ x1"),
    "short-run": ("BURN: 10; MODEL: y ~ x3", "BURN: 1000; MODEL: y ~ x3"),
    "variance-only": ("MODEL: y ~ x1; x1@v", "MODEL: y ~ x1; x1@v; x1 ~ x3"),
    "column-as-coefficient": ("MODEL: y ~ x3@x4", "MODEL: y ~ x3@b"),
    "idle-centering": ("CENTER: x1; MODEL: y ~ x3", "CENTER: x1; MODEL: y ~ x1"),
    "observed-mean": ("FIXED: d; CENTER: d; MODEL: y ~ d", "FIXED: d; MODEL: y ~ d"),
}


def found(script: str) -> set[str]:
    return {note.code for note in resolved(script).notes if note.severity == "warning"}


@pytest.mark.parametrize("code", CASES)
def test_warning_is_given_where_it_belongs(code: str) -> None:
    earns, does_not = CASES[code]
    assert code in found(earns)
    assert code not in found(does_not)


def test_every_code_has_a_case() -> None:
    # What only a DataFrame can hold has a test of its own below.
    assert WARNINGS.keys() <= {*CASES, "categories-as-numbers"}


def messages(code: str, script: str) -> list[str]:
    return [note.message for note in resolved(script).notes if note.code == code]


def test_numbers_chosen_for_categories_have_gaps() -> None:
    assert not messages("empty-category", "TRANSFORM: gap = 10*n; ORDINAL: gap; MODEL: y ~ gap")
    (told,) = messages("empty-category", "TRANSFORM: gap = n + 2*(n == 3); ORDINAL: gap; MODEL: y ~ gap")
    assert told == "nobody has the codes 3, 4 of 'gap': their neighbours are treated as adjacent categories"


def test_empty_cells_of_a_table_are_listed() -> None:
    script = "TRANSFORM: o = ifelse(d == 1, 1 + (x3 > 0), 2 + (x3 > 0)); ORDINAL: d o; MODEL: o ~ d"
    assert messages("empty-cell", script) == ["nobody has the code 1 of 'o' where 'd' is 0, nor 3 where it is 1"]


def test_correlated_variables_that_no_row_has_both_of() -> None:
    script = "TRANSFORM: a = missing(d == 1, x3); b = missing(d == 0, x4); MODEL: a ~~ b"
    (told,) = messages("never-together", script)
    assert told.startswith("no row has both 'a' and 'b', so that their correlation rests on")


@pytest.mark.parametrize(
    "script",
    [
        "TRANSFORM: small = x3/50; MODEL: y ~ small",
        "TRANSFORM: small = x3/50; ORDINAL: d; MODEL: d ~ small@k; PARAMETERS: k ~ normal(0, 1000)",
        "TRANSFORM: rare = (x3 > 2.2); ORDINAL: d; MODEL: d ~ rare",
        "TRANSFORM: year = x3 + 2020; ORDINAL: d; MODEL: d ~ 1@k year; PARAMETERS: k ~ normal(0, 1000000)",
        "TRANSFORM: year = x3 + 2020; ORDINAL: d; MODEL: d ~ 1@0 year",
    ],
)
def test_scale_that_the_prior_leaves_alone(script: str) -> None:
    assert not {"narrow-predictor", "distant-predictor"} & found(script)


@pytest.mark.parametrize(
    ("script", "warned"),
    [
        ("MODEL: y ~ exp(-rate*x4)@c; PARAMETERS: rate ~ normal(1, 1)", True),
        ("MODEL: y ~ exp(-rate*x4)@c; PARAMETERS: rate ~ normal(1, 1); c ~ normal(0, 4)", False),
        ("MODEL: y ~ exp(-rate*x4)@c; PARAMETERS: rate ~ gamma(2, 1)", False),
        ("MODEL: y ~ 0 exp(-rate*x4); PARAMETERS: rate ~ normal(1, 1)", False),
        ("MODEL: y ~ exp(-rate*x4); PARAMETERS: rate ~ truncate(-2, -0.1)", False),
        ("MODEL: y ~ (x3*exp(rate*x4)) x3; PARAMETERS: rate ~ normal(1, 1)", True),
        ("MODEL: y ~ 0 phi(rate*x4); PARAMETERS: rate ~ normal(1, 1)", False),
    ],
)
def test_function_that_repeats_others_at_zero(script: str, warned: bool) -> None:
    assert ("idle-at-zero" in found(script)) is warned


def test_group_of_two_values_without_a_category() -> None:
    assert "empty-cell" in found("TRANSFORM: o = n*(d == 1 or n < 3); ORDINAL: o; MODEL: o ~ d")


@pytest.mark.parametrize(
    ("script", "warned"),
    [
        ("MODEL: y ~ x3^2", True),
        ("MODEL: y ~ x3 x3^2", False),
        ("MODEL: y ~ x3 x3^3", True),
        ("MODEL: y ~ x3 x3^2 x3^3", False),
        ("MODEL: y ~ x3 x4 m.1 x3*x4*m.1", True),
        ("MODEL: y ~ x3 x4 m.1 x3*x4 x3*m.1 x4*m.1 x3*x4*m.1", False),
        ("MODEL: y ~ (x3 + x4)*m.1 (x3 + x4) m.1", False),
        ("MODEL: y ~ x3 x3@x4", False),
        ("CENTER: x1; MODEL: y ~ x1 x1^2", False),
    ],
)
def test_lower_order_terms(script: str, warned: bool) -> None:
    assert ("lower-order-terms" in found(script)) is warned


@pytest.mark.parametrize(
    ("script", "warned"),
    [
        ("MODEL: y ~ x3 x3", True),
        ("MODEL: y ~ x3:x4 x4", True),
        ("MODEL: y ~ 1 0", True),
        ("MODEL: y ~ 1@0 intercept", True),
        ("MODEL: x3 x4 x3 -> y", True),
        ("MODEL: y ~ x3 x3@x4", False),
        ("MODEL: y ~ 1 x3", False),
        ("MODEL: x1 ~~ x1", False),
    ],
)
def test_repeated_terms(script: str, warned: bool) -> None:
    assert ("repeated-term" in found(script)) is warned


def test_categorical_that_is_computed_with() -> None:
    frame = pd.DataFrame({"y": np.arange(9.0) % 4, "x": pd.Categorical(list("abcabcabd"))})
    (warning,) = [each for each in resolve("MODEL: y ~ x;", frame).notes if each.code == "categories-as-numbers"]
    assert "0 for 'a', 1 for 'b', 2 for 'c', ..." in warning.message
    for command in ("ORDINAL: x;", "NOMINAL: x;"):
        notes = resolve(f"{command} MODEL: y ~ x;", frame).notes
        assert "categories-as-numbers" not in {each.code for each in notes}


@pytest.mark.parametrize(("iterations", "warned"), [(1000, False), (700, True)])
def test_iterations_are_counted_per_chain(iterations: int, warned: bool) -> None:
    assert ("short-run" in found(f"ITER: {iterations}; CHAINS: 4; MODEL: y ~ x3")) is warned


@pytest.mark.parametrize(
    ("script", "warned"),
    [
        ("MODEL: { i in 3:4 } : y ~ x[i]@b[i]; PARAMETERS: twice = 2*b3", False),
        ("MODEL: { i in 3:4 } : y ~ x[i]@b[i]", True),
        ("MODEL: y ~ x3@b3 x4@b4; PARAMETERS: twice = 2*b3", True),
    ],
)
def test_loop_of_labels_is_used_by_one_of_them(script: str, warned: bool) -> None:
    assert ("idle-label" in found(script)) is warned


def test_same_warning_of_several_names_at_one_place_is_one() -> None:
    model = resolved("FIXED: x3:x4; MODEL: y ~ d")
    (warning,) = [each for each in model.notes if each.code == "idle-fixed"]
    assert warning.message == "'x3' is FIXED, but is not in MODEL; nor is 'x4'"


@pytest.mark.parametrize(
    "use",
    ["PARAMETERS: p = b", "PARAMETERS: b ~ normal(0, 1)", "WALDTEST: b = 0", "SIMPLE: b | x3", "PARAMETERS: b = .3"],
)
def test_every_use_of_a_label_counts(use: str) -> None:
    assert "idle-label" not in found(f"MODEL: y ~ x3@b; {use}")


def test_reference_like_script_has_no_warning() -> None:
    script = "SEED: 1; FIXED: d; ORDINAL: d; CENTER: x1; MODEL: y ~ x1@b x1*d d; SIMPLE: x1 | d; WALDTEST: b = 0"
    assert found(script) == set()


@pytest.mark.parametrize(
    "script",
    [
        "LATENT: eta; MODEL: eta -> x3 x4",
        "LATENT: eta; MODEL: eta@1; eta -> x3@1 x4",
        "LATENT: eta; MODEL: eta@1; y ~ eta@2",
    ],
)
def test_oriented_latent_variables(script: str) -> None:
    assert "latent-sign" not in found(script)


@pytest.mark.parametrize("definition", ["l1 = 1", "l1 = 3 - l2 - l3"])
def test_loading_that_is_set_gives_the_scale(definition: str) -> None:
    script = "LATENT: eta; MODEL: { k in 1:3 } : x[k] ~ eta@l[k]; PARAMETERS: "
    assert "latent-scale" in found(script + "double = 2*l1")
    assert "latent-scale" not in found(script + definition)


def test_variance_of_a_factor_is_its_scale() -> None:
    assert "variance-only" not in found("LATENT: eta; MODEL: eta@1; eta -> x3@l x4")
