"""The emitted file under plain `pm.sample` gives the posterior the model has in closed form."""

from __future__ import annotations

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytest

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.build import build
from blimp2pymc.pymc_source.names import python_names
from blimp2pymc.sampler.chain.chain import sample


@pytest.mark.slow
def test_regression_with_missing_outcomes_has_its_closed_form() -> None:
    """y ~ x, flat priors on coefficients and variance, rows without y: the posterior is that of the other rows.

    With n complete rows, p coefficients and S the residual sum of squares, the variance is
    IG((n - p)/2 - 1, S/2), and the coefficients have the mean of least squares and the covariance
    (X'X)^-1 E(variance).
    """
    rng = np.random.default_rng(5)
    x = rng.normal(size=60).round(2)
    y = (1 + 0.5 * x + rng.normal(size=60)).round(2)
    y[rng.random(60) < 0.2] = np.nan
    model = resolve("FIXED: x; MODEL: y ~ x;", pd.DataFrame({"y": y, "x": x}))
    with build(model):
        idata = pm.sample(1500, tune=1000, chains=2, cores=1, random_seed=1, nuts_sampler="pymc", progressbar=False)

    complete = ~np.isnan(y)
    design = np.column_stack([np.ones(complete.sum()), x[complete]])
    inverse = np.linalg.inv(design.T @ design)
    least_squares = inverse @ design.T @ y[complete]
    squares = ((y[complete] - design @ least_squares) ** 2).sum()
    a = (complete.sum() - 2) / 2 - 1
    variance = squares / 2 / (a - 1)
    posterior = idata["posterior"]
    expected = {
        "y_intercept": (least_squares[0], np.sqrt(inverse[0, 0] * variance)),
        "y_coefficient": (least_squares[1], np.sqrt(inverse[1, 1] * variance)),
        "y_residual_variance": (variance, variance / np.sqrt(a - 2)),
    }
    for name, (mean, deviation) in expected.items():
        draws = posterior[name].to_numpy().reshape(2, -1)
        error = float(np.asarray(az.mcse(draws, method="mean")))
        assert abs(draws.mean() - mean) < 4 * error, name
        assert draws.std() == pytest.approx(deviation, rel=4 * error / deviation + 0.05), name


@pytest.mark.slow
def test_sampler_and_source_agree_on_correlated_residuals_with_modelled_variances() -> None:
    """Missing cells in both outcomes; every parameter has the mean and the deviation that NUTS finds on the source."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=80)
    errors = np.array([[1, 0], [0.6, 0.8]]) @ rng.normal(size=(2, 80))
    table = pd.DataFrame({"x": x, "y": 1 + 0.5 * x + np.exp(0.5 * x) * errors[0], "z": x + 1.4 * errors[1]})
    for name in ("y", "z"):
        table.loc[rng.random(80) < 0.15, name] = np.nan
    model = resolve("SEED: 1; FIXED: x; MODEL: { y z } ~ x; var(y) ~ x; y ~~ z;", table)
    draws = sample(model, draws=4000, burn=500, chains=2, seed=3)
    with build(model):
        idata = pm.sample(2000, tune=1000, chains=2, cores=1, random_seed=1, nuts_sampler="pymc", progressbar=False)
    names = python_names(model).parameters
    for name in [name for name, each in model.parameters.items() if each.is_free]:
        theirs = idata["posterior"][names[name].variable].to_numpy()
        theirs = theirs if names[name].index is None else theirs[..., names[name].index]
        ours = draws.parameter(name)
        for power in (1, 2):
            error = np.hypot(*(float(np.asarray(az.mcse(each**power, method="mean"))) for each in (ours, theirs)))
            assert abs((ours**power).mean() - (theirs**power).mean()) < 4 * error, (name, power)


@pytest.mark.slow
def test_interaction_with_incomplete_predictors_converges() -> None:
    from hand_built import interaction

    with build(interaction(n=60)) as graph:
        idata = pm.sample(500, tune=800, chains=2, cores=1, random_seed=2, nuts_sampler="pymc", progressbar=False)
    names = [each.name for each in graph.free_RVs]
    rhat = az.rhat(idata["posterior"].to_dataset()[names])
    assert max(float(each.max()) for each in rhat.values()) < 1.05
    assert int(idata["sample_stats"]["diverging"].sum()) <= 5
