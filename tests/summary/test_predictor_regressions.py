"""Tables of mixed predictors equal regressions worked out from the joint covariance matrix."""

from __future__ import annotations

import numpy as np
import pytest
from summary.mixed_predictors import drawn_parameters, mixed_predictors

from blimp2pymc.summary.predictor_rows import predictor_rows
from blimp2pymc.summary.tables import summarise

R = np.array([[1.0, 0.5], [0.5, 1.0]])


class Joint:
    """Mean given w = 0.5, slopes on w and covariance of x1, x2, d, n.2, n.3, (m.4) in one draw, by simulating nothing.

    Members are added one at a time: with z = a + b' before + e, the new covariances are b' Cov(before), the new
    variance b' Cov(before) b + Var(e).
    """

    def __init__(self, value) -> None:
        variance = np.array([value("x1 residual variance"), value("x2 residual variance")])
        off = value("x1 ~~ x2") * np.sqrt(variance.prod())
        self.names = ["x1", "x2"]
        self.covariance = np.array([[variance[0], off], [off, variance[1]]])
        self.on_w = np.array([value("x1 ~ w"), value("x2 ~ w")])
        self.value = value
        self.add(["d"], np.eye(1))
        self.add(["n.2", "n.3"], R)

    def add(self, names: list[str], residual: np.ndarray) -> None:
        slopes = np.array([[self.value(f"{name} ~ {other}") for other in self.names] for name in names])
        cross = slopes @ self.covariance
        own = cross @ slopes.T + residual
        self.covariance = np.block([[self.covariance, cross.T], [cross, own]])
        self.on_w = np.concatenate([self.on_w, [self.value(f"{name} ~ w") for name in names] + slopes @ self.on_w])
        self.names = self.names + names

    def given_others(self, names: list[str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Conditional covariance of some members given all others, and their slopes, on the model's scale."""
        own = [self.names.index(name) for name in names]
        rest = [k for k in range(len(self.names)) if k not in own]
        slopes = self.covariance[np.ix_(own, rest)] @ np.linalg.inv(self.covariance[np.ix_(rest, rest)])
        left = self.covariance[np.ix_(own, own)] - slopes @ self.covariance[np.ix_(rest, own)]
        by_name = {self.names[k]: slopes[:, j] for j, k in enumerate(rest)}
        by_name["w"] = self.on_w[own] - slopes @ self.on_w[rest]
        return left, by_name


@pytest.fixture(scope="module", params=[("n",), ("n", "m")], ids=["one nominal", "two nominal"])
def tables(request):
    model = mixed_predictors(request.param)
    draws = drawn_parameters(model)
    rows = {(each.outcome, each.section, each.parameter): each.draws for each in predictor_rows(model, draws)}
    joints = {}
    for c in range(draws.n_chains):
        for d in range(draws.n_draws):
            values = dict(zip(draws.parameter_names, draws.parameters[c, d], strict=True))
            joint = Joint(values.__getitem__)
            if "m" in request.param:
                joint.add(["m.4"], np.eye(1))
            joints[c, d] = joint
    return draws, rows, joints


def printed_scale(joint: Joint, name: str) -> float:
    """What makes the variance of a latent response given all others 1, in the mean over a nominal one's comparisons."""
    if name.startswith("x"):
        return 1.0
    group = ["n.2", "n.3"] if name.startswith("n") else [name]
    covariance, _ = joint.given_others(group)
    shape = R if len(group) == 2 else np.eye(1)
    return float(np.sqrt(len(group) / np.trace(np.linalg.solve(shape, covariance))))


def test_every_slope_and_residual_variance(tables) -> None:
    _, rows, joints = tables
    checked = 0
    for (outcome, section, parameter), values in rows.items():
        if section != "Level 1":
            continue
        is_nominal = outcome in ("n", "m")
        group = {"n": ["n.2", "n.3"], "m": ["m.4"]}.get(outcome, [outcome])
        for place, joint in joints.items():
            covariance, slopes = joint.given_others(group)
            own = printed_scale(joint, group[0])
            if parameter.startswith(("Var(", "Cov(")):
                i, j = (group.index(each) for each in (parameter[4:-1].split(",") * 2)[:2])
                expected = covariance[i, j] * own**2
            elif parameter == "Residual Var.":
                expected = covariance[0, 0] * own**2
            else:
                member, _, predictor = parameter.rpartition(" ~ ")
                k = group.index(member) if is_nominal else 0
                scale = 1.0 if predictor == "w" else printed_scale(joint, predictor)
                expected = slopes[predictor][k] * own / scale
            assert values[place] == pytest.approx(expected, rel=1e-9, abs=1e-12), (outcome, parameter)
            checked += 1
    assert checked > 150


def test_variances_of_latent_responses_are_constants(tables) -> None:
    draws, rows, _ = tables
    shape = (draws.n_chains, draws.n_draws)
    assert np.array_equal(rows["d", "Level 1", "Residual Var."], np.ones(shape))
    last = "m" if ("m", "Level 1", "Var(m.4)") in rows else "n"
    constants = {"n": {"Var(n.2)": 1.0, "Cov(n.3,n.2)": 0.5, "Var(n.3)": 1.0}, "m": {"Var(m.4)": 1.0}}[last]
    for name, constant in constants.items():
        values = rows[last, "Level 1", name]
        assert np.ptp(values) == 0
        assert values[0, 0] == pytest.approx(constant)


def test_means_and_thresholds_are_rescaled(tables) -> None:
    draws, rows, joints = tables
    scale = {name: np.empty((draws.n_chains, draws.n_draws)) for name in ("x1", "d", "n.2")}
    for place, joint in joints.items():
        for name, values in scale.items():
            values[place] = printed_scale(joint, name)
    assert np.allclose(rows["d", "Grand Mean", "Grand Mean"], draws.parameter("d mean") * scale["d"])
    assert np.allclose(rows["n", "Grand Mean", "Grand Mean: n.3"], draws.parameter("n.3 mean") * scale["n.2"])
    assert np.allclose(rows["x1", "Grand Mean", "Grand Mean"], draws.parameter("x1 mean"))
    assert np.array_equal(rows["d", "Thresholds", "Tau 1"], np.zeros((draws.n_chains, draws.n_draws)))
    assert np.allclose(rows["d", "Thresholds", "Tau 2"], draws.parameter("d threshold 2") * scale["d"])
    assert scale["d"].min() > 1, "others predict d beyond those before it"


def test_order_and_names_of_lines() -> None:
    model = mixed_predictors()
    table = summarise(predictor_rows(model, drawn_parameters(model)))
    lines = [f"{row.outcome}: {row.parameter}" for row in table.itertuples()]
    assert lines[:11] == [
        "n: Grand Mean: n.2", "n: Grand Mean: n.3",
        "n: n.2 ~ x1", "n: n.2 ~ d", "n: n.2 ~ w", "n: n.2 ~ x2",
        "n: n.3 ~ x1", "n: n.3 ~ d", "n: n.3 ~ w", "n: n.3 ~ x2",
        "n: Var(n.2)",
    ]  # fmt: skip
    assert [each for each in lines if each.startswith("d:")] == [
        "d: Grand Mean", "d: n.2", "d: n.3", "d: x1", "d: w", "d: x2", "d: Residual Var.", "d: Tau 1", "d: Tau 2",
    ]  # fmt: skip
    constant = table[table["parameter"].isin(["Tau 1", "Cov(n.3,n.2)"])]
    assert (constant["sd"] == 0).all()
    assert constant["n_eff"].isna().all()
