"""Implied variances in constraints: functions of coefficients where all predictors are complete."""

from __future__ import annotations

import numpy as np
import pytest
from joint_model.simulated import resolved, table

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import ParameterReference

VALUES = {"a": 0.4, "b": -0.7, "c": 0.3, "v": 1.2, "y ~ Intercept": 2.0}


@pytest.mark.parametrize("center", ["", "CENTER: x3;"])
def test_explained_variance_is_that_of_the_linear_predictor(center: str) -> None:
    model = resolved(f"""NOMINAL: d; FIXED: x3 x4 d; {center} MODEL: y ~ x3@a x4@b x3*x4@c d; y@v; y2@u;
        PARAMETERS: u = 10 - y.coefvar;""")
    definition = model.parameters["u"].definition
    data = table()
    x3 = data["x3"] - (data["x3"].mean() if center else 0)
    slope = next(name for name in model.parameters if name.startswith("y ~ d"))
    predictor = 0.4 * x3 - 0.7 * data["x4"] + 0.3 * x3 * data["x4"] + 0.9 * data["d"]
    found = evaluate(definition, {}, VALUES | {slope: 0.9})
    assert float(found) == pytest.approx(10 - predictor.var(ddof=1))


def test_total_variance_holds_the_residual() -> None:
    model = resolved("MODEL: y ~ x3@a; y@v; y2@u; PARAMETERS: q = y.totalvar; u = q - y.residvar/2;")
    found = evaluate(model.parameters["u"].definition, {}, VALUES)
    assert float(found) == pytest.approx(0.16 * table()["x3"].var(ddof=1) + 0.6)


def test_residual_variance_is_a_parameter_whatever_predicts() -> None:
    model = resolved("MODEL: y ~ x1; y@v; y2@u; PARAMETERS: u = y.residvar;")
    assert model.parameters["u"].definition == ParameterReference("v")


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("MODEL: y ~ x1@a; y2@u; PARAMETERS: u = y.coefvar;", "implied-variance-constraint"),
        ("LATENT: f; MODEL: f -> x1 x2 y; y2@u; PARAMETERS: u = y.totalvar;", "implied-variance-constraint"),
        ("MODEL: y ~ x3; var(y) ~ x3; y2@u; PARAMETERS: u = y.residvar;", "implied-variance-constraint"),
        ("MODEL: y ~ x3; y@v; PARAMETERS: v = y.totalvar - 1;", "circular-definition"),
    ],
)
def test_variances_of_unknown_values_are_refused(script: str, code: str) -> None:
    with pytest.raises(BlimpError) as caught:
        resolved(script)
    assert [each.code for each in caught.value.findings] == [code]


def test_numbers_are_those_of_the_rows_analysed() -> None:
    model = resolved("FILTER: x3 > 0; MODEL: y ~ x3@a; y2@u; PARAMETERS: u = y.coefvar;")
    kept = table().query("x3 > 0")["x3"]
    assert float(evaluate(model.parameters["u"].definition, {}, VALUES)) == pytest.approx(0.16 * np.var(kept, ddof=1))
