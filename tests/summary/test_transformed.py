"""Tables and saved columns of transformed outcomes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import blimp2pymc
from blimp2pymc.joint_model.evaluate import inverse_yeo_johnson, yeo_johnson
from blimp2pymc.summary.fit import Fit
from blimp2pymc.summary.predictions import residuals, transformed

SCRIPT = """MODEL: yjt(y - 9) ~ x; 1/(r + 1) ~ x;
SEED: 3; BURN: 200; ITER: 400; CHAINS: 2; NIMPS: 4; OPTIONS: savelatent saveresidual;"""


@cache
def fitted() -> Fit:
    rng = np.random.default_rng(8)
    x = rng.normal(size=120)
    y = 9 + inverse_yeo_johnson(1 + x + rng.normal(size=120), np.asarray(0.5))
    y[::7] = np.nan
    r = 1 / (0.5 + 0.05 * x + 0.02 * rng.normal(size=120)) - 1
    r[::9] = np.nan
    return blimp2pymc.fit(SCRIPT, pd.DataFrame({"x": x, "y": y, "r": r}))


def test_tables_stand_under_the_outcome_as_it_was_written() -> None:
    table = fitted().estimates
    outcomes = table[table.block == "outcome"]
    assert set(outcomes.outcome) == {"yjt(y-9)", "1/(r+1)"}
    row = outcomes[outcomes.section == "Transformation"]
    assert list(row.outcome) == ["yjt(y-9)"]
    assert list(row.parameter) == ["Yeo-Johnson (lambda)"]
    assert 0 < float(row["median"].iloc[0]) < 2
    assert np.isnan(row["p"].iloc[0])


def test_sections_come_in_the_printed_order() -> None:
    table = fitted().estimates
    sections = list(dict.fromkeys(table[table.outcome == "yjt(y-9)"].section))
    assert sections == [
        "Variances", "Coefficients", "Transformation", "Standard Deviations", "Standardized Coefficients",
        "Proportion Variance Explained",
    ]  # fmt: skip


def test_saved_columns_are_on_the_scale_of_the_equation() -> None:
    fit = fitted()
    draws, model = fit.draws, fit.model
    saved = transformed(model, draws, 0)
    assert list(saved) == ["y.yjt"]
    chain, draw = draws.imputations.chain[0], draws.imputations.draw[0]
    power = draws.parameter("yjt(y-9) lambda")[chain, draw]
    completed = model.data["y"].copy()
    completed[np.isnan(completed)] = draws.imputations.values["y"][0]
    np.testing.assert_allclose(saved["y.yjt"], yeo_johnson(completed - 9, power))
    left = residuals(model, draws, 0)
    assert left["y.residual"].mean() == pytest.approx(0.0, abs=0.5)
    assert abs(left["r.residual"]).max() < 0.5


def test_imputed_values_have_an_image() -> None:
    values = fitted().draws.imputations.values["r"]
    assert (1 / (values + 1) > 0).all()
