"""Tables of outcomes whose residual variance has predictors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.draws import StatisticKind
from blimp2pymc.summary.outcome_rows import outcome_rows


def test_rows_of_a_modelled_variance():
    rng = np.random.default_rng(2)
    x = rng.normal(size=200)
    y = 1 + 0.5 * x + np.exp(0.4 * x) * rng.normal(size=200)
    y[::7] = np.nan
    model = resolve("SEED: 1; MODEL: y ~ x; var(y) ~ 1@0.1 x;", pd.DataFrame({"x": x, "y": y}))
    draws = sample(model, draws=50, burn=50, chains=2, seed=1)
    rows = {(row.outcome, row.section, row.parameter): row for row in outcome_rows(model, draws)}
    assert list(rows) == [
        ("y", "Variances", "Q25% Residual Var."),
        ("y", "Variances", "Q50% Residual Var."),
        ("y", "Variances", "Mean Residual Var."),
        ("y", "Variances", "Q75% Residual Var."),
        ("y", "Coefficients", "Intercept"),
        ("y", "Coefficients", "x"),
        ("y", "Standardized Coefficients", "x"),
        ("y", "Proportion Variance Explained", "by Coefficients"),
        ("y", "Proportion Variance Explained", "by Residual Variation"),
        ("var(y)", "Coefficients", "Intercept"),
        ("var(y)", "Coefficients", "x"),
        ("var(y)", "Exponentiated Coefficients", "x"),
    ]
    slope = rows["var(y)", "Coefficients", "x"].draws
    assert np.exp(slope) == pytest.approx(rows["var(y)", "Exponentiated Coefficients", "x"].draws)
    variance = np.exp(0.1 + slope[:, :, None] * x)
    assert rows["y", "Variances", "Mean Residual Var."].draws == pytest.approx(variance.mean(axis=2))
    assert rows["y", "Variances", "Q50% Residual Var."].draws == pytest.approx(np.median(variance, axis=2))
    explained = draws.statistic(StatisticKind.PREDICTOR_VARIANCE, Column("y"))
    share = rows["y", "Proportion Variance Explained", "by Coefficients"].draws
    assert share == pytest.approx(explained / (explained + variance.mean(axis=2)))


def test_a_correlation_has_a_row_and_a_covariance_that_differs_between_rows_has_none():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.normal(size=(60, 4)), columns=["x", "y", "z", "m"])
    table.loc[::6, "y"] = np.nan
    model = resolve("SEED: 1; MODEL: { y z m } ~ x; var(y) ~ x; y z m ~~ y z m;", table)
    draws = sample(model, draws=30, burn=50, chains=1, seed=1, n_imputations=30)
    rows = [row for row in outcome_rows(model, draws) if row.block == "covariance"]
    assert [row.parameter for row in rows] == ["Cov(m,z)", "Cor(m,y)", "Cor(m,z)", "Cor(y,z)"]
    # Residuals are recorded as they are, not standardized.
    products = draws.statistic(StatisticKind.RESIDUAL_PRODUCT, Column("y"), Column("z"))[0]
    y = np.tile(table["y"].to_numpy(), (30, 1))
    y[:, table["y"].isna()] = draws.imputations.values["y"]
    mean = {name: draws.parameter(f"{name} ~ Intercept")[0][:, None]
            + draws.parameter(f"{name} ~ x")[0][:, None] * table["x"].to_numpy() for name in "yz"}  # fmt: skip
    assert products == pytest.approx(((y - mean["y"]) * (table["z"].to_numpy() - mean["z"])).sum(axis=1))
