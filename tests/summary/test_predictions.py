"""Predicted values, probabilities and residuals equal those worked out from a snapshot's cells and parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hand_built import interaction
from summary.families import one_outcome
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.summary.category_probabilities import category_table
from blimp2pymc.summary.imputations import data_sets
from blimp2pymc.summary.predictions import predictions, residuals
from blimp2pymc.summary.tables import rows


def test_predictions_use_the_parameters_of_the_draw():
    model = interaction()
    draws = synthetic_draws(model)
    last = len(draws.imputations.chain) - 1
    frame = data_sets(model, draws)[last]
    at = draws.imputations.chain[last], draws.imputations.draw[last]
    b0, b1, b2, b3, b12 = (
        draws.parameter(name)[at] for name in ("y ~ Intercept", "b1", "y ~ x2", "y ~ d", "y ~ x1*x2")
    )
    x1, x2 = (frame[name] - draws.parameter(f"{name} mean")[at] for name in ("x1", "x2"))
    expected = b0 + b1 * x1 + b2 * x2 + b3 * frame["d"] + b12 * x1 * x2
    np.testing.assert_allclose(predictions(model, draws, last)["y.predicted"], expected)


@pytest.fixture(params=["normal", "probit", "logit", "multinomial", "negative_binomial"])
def case(request):
    model = one_outcome(request.param)
    draws = synthetic_draws(model)
    last = len(draws.imputations.chain) - 1
    at = draws.imputations.chain[last], draws.imputations.draw[last]
    values = {name: draws.parameter(name)[at] for name in draws.parameter_names}
    frame = data_sets(model, draws)[last]

    def eta(label: str) -> np.ndarray:
        b0, bx, bg = (values[f"{label} ~ {name}"] for name in ("Intercept", "x", "g"))
        return np.asarray(b0 + bx * frame["x"] + bg * frame["g"])

    return request.param, model, draws, last, values, frame, eta


def test_predicted_values_of_every_family(case):
    stats = pytest.importorskip("scipy.stats")
    family, model, draws, last, values, _, eta = case
    found = predictions(model, draws, last)
    if family == "probit":
        above = [1 - stats.norm.cdf(cut, eta("y")) for cut in (0.0, values["y threshold 2"])]
        expected = {"y.2.probability": above[0] - above[1], "y.5.probability": above[1]}
    elif family == "logit":
        expected = {"y.1.probability": 1 / (1 + np.exp(-eta("y")))}
    elif family == "multinomial":
        total = 1 + np.exp(eta("y.2")) + np.exp(eta("y.4"))
        expected = {f"y.{code}.probability": np.exp(eta(f"y.{code}")) / total for code in (2, 4)}
    else:
        expected = {"y.predicted": np.exp(eta("y")) if family == "negative_binomial" else eta("y")}
    assert list(found) == list(expected)
    for name, each in expected.items():
        np.testing.assert_allclose(found[name], each)


def test_residuals_of_every_family(case):
    family, model, draws, last, _, frame, eta = case
    found = residuals(model, draws, last)
    predicted = predictions(model, draws, last)
    if family == "probit":
        expected = {"y.residual": draws.imputations.values["y.latent"][last] - eta("y")}
    elif family == "logit":
        expected = {"y.residual": frame["y"] - predicted["y.1.probability"]}
    elif family == "multinomial":
        expected = {f"y.{code}.residual": (frame["y"] == code) - predicted[f"y.{code}.probability"] for code in (2, 4)}
    else:
        expected = {"y.residual": frame["y"] - predicted["y.predicted"]}
    assert list(found) == list(expected)
    for name, each in expected.items():
        np.testing.assert_allclose(found[name], each)


def test_multinomial_probit_outcomes_have_probabilities_residuals_and_tables():
    from scipy import stats

    rng = np.random.default_rng(4)
    data = pd.DataFrame({"n": np.resize([1.0, 3.0, 4.0], 30), "x": rng.normal(size=30)})
    model = resolve("NOMINAL: n; MODEL: probit(n) ~ x;", data)
    draws = synthetic_draws(model)
    chain, draw = draws.imputations.chain[0], draws.imputations.draw[0]
    values = {name: draws.parameter(name)[chain, draw] for name in draws.parameter_names}
    first, second = (values[f"n.{code} ~ Intercept"] + values[f"n.{code} ~ x"] * data["x"] for code in (3, 4))
    half = [[1.0, 0.5], [0.5, 1.0]]
    own = [stats.multivariate_normal.cdf([a, a - b], cov=half) for a, b in zip(first, second, strict=True)]
    other = [stats.multivariate_normal.cdf([b, b - a], cov=half) for a, b in zip(first, second, strict=True)]
    found = predictions(model, draws, 0)
    assert list(found) == ["n.3.probability", "n.4.probability"]
    np.testing.assert_allclose(found["n.3.probability"], own, atol=1e-6)
    np.testing.assert_allclose(found["n.4.probability"], other, atol=1e-6)
    response = draws.imputations.values["n.4.latent"][0]
    np.testing.assert_allclose(residuals(model, draws, 0)["n.4.residual"], response - second)
    table = category_table(model, draws, "n", "x")["median"]
    np.testing.assert_allclose(table.groupby("value").sum(), 1.0, atol=0.1)
    lines = {(row.section, row.parameter) for row in rows(model, draws)}
    assert {("Coefficients", "n.3 ~ x"), ("Variances", "n.4 ~ Residual Var.")} <= lines
    assert not any(section == "Correlations" for section, _ in lines)
