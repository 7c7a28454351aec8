"""Simulation-based calibration (talts et al. 2018) from script to draws, with proper priors.

Parameters are drawn from the prior, data from the model, and the rank of each parameter among draws of its
posterior must be uniform. Geweke's tests reach single kernels; this one goes through the whole pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sampler import joint_density

from blimp2pymc.joint_model.block_structure import UNIT_POWER
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Model
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain import sample

REPLICATIONS, RANKS, THIN, BINS = 240, 59, 12, 10

SCRIPTS = {
    "missing predictors": "ORDINAL: g; FIXED: g; MODEL: y ~ x z g;",
    # Wide slopes of a product of two missing cells leave ridges that a sampler crosses rarely: narrower ones here.
    "interaction and correlated outcomes": """MODEL: x ~ w; z ~ x@a w; y ~ x@b z@c x*z@d; u ~ x; y ~~ u;
        PARAMETERS: a ~ normal(0, .5); b ~ normal(0, .5); c ~ normal(0, .5); d ~ normal(0, .5);""",
    "bounds, labels and definitions": """MODEL: x ~ w@a; z ~ x; y ~ x@b w@a g@difference; y@v;
        PARAMETERS: a ~ truncate(0, Inf); b ~ normal(0, 1); b ~ truncate(-1, 2); difference = 0.4*sqrt(v);""",
    # The slopes drawn by slice sampling have a predictor with mean 0: far from it they and the intercept mix slowly.
    "fixed, equal and bounded elements of blocks": """MODEL: x ~ w@a; z ~ w; x ~~ z@r; x@v; z@v;
        u ~ w@b; y ~ x@c; u ~~ y@s; u@1; y@1; PARAMETERS: v ~ gamma(2, 1); r ~ uniform(-.5, .9); a ~ beta(2, 2);
        b ~ cauchy(0, .5); b ~ truncate(-2, 2); c ~ normal(0, .5);""",
    "square of an incomplete predictor": """MODEL: x ~ w@a; y ~ x@b x^2@c; u ~ y@e;
        PARAMETERS: a ~ normal(0, 1); b ~ normal(0, 1); c ~ normal(0, 1); e ~ normal(0, 1);""",
}


DRAWS: Mapping[str, Callable[[np.random.Generator, float, float], float]] = {
    "flat": lambda rng, lower, upper: rng.uniform(lower, upper),
    "uniform": lambda rng, lower, upper: rng.uniform(lower, upper),
    "normal": lambda rng, mean, variance: rng.normal(mean, np.sqrt(variance)),
    "inverse_gamma": lambda rng, a, b: b / rng.gamma(a),
    "gamma": lambda rng, shape, rate: rng.gamma(shape) / rate,
    "beta": lambda rng, a, b: rng.beta(a, b),
    "cauchy": lambda rng, location, scale: location + scale * rng.standard_cauchy(),
}


def _template(n: int = 30) -> pd.DataFrame:
    rng = np.random.default_rng(12)
    table = pd.DataFrame(rng.normal(size=(n, 5)), columns=list("xzyuw"))
    table["g"] = np.arange(n) % 2.0
    for k, name in enumerate("xzyu"):
        table.loc[rng.permutation(n)[: 5 + k], name] = np.nan
    return table


def _prior_draw(model: Model, rng: np.random.Generator) -> dict[str, float]:
    free: dict[str, float] = {}
    for block in model.blocks:
        if not any(block.scale):
            # Two fixed variances: the density of the correlation is a power of 1 - r^2.
            (name,) = block.correlations.values()
            free[name] = 2 * rng.beta(1 + UNIT_POWER, 1 + UNIT_POWER) - 1
            continue
        if all(model.parameters[name].prior.distribution != "block" for name in block.correlations.values()):
            continue
        size, degrees = len(block.members), int(block.degrees_of_freedom)
        normals = rng.normal(size=(size, degrees)) / np.sqrt(np.array(block.scale))[:, None]
        sigma = np.linalg.inv(normals @ normals.T)
        for k, member in enumerate(block.members):
            free[str(model.equation_of[member].residual_variance)] = sigma[k, k]
        for (i, j), name in block.correlations.items():
            free[name] = sigma[i, j] / np.sqrt(sigma[i, i] * sigma[j, j])
    for name, parameter in model.parameters.items():
        prior = parameter.prior
        while parameter.is_free and not prior.lower <= free.get(name, np.nan) <= prior.upper:
            free[name] = DRAWS[prior.distribution](rng, *(prior.arguments or (prior.lower, prior.upper)))
    return free


def _simulated(
    model: Model, free: Mapping[str, float], rng: np.random.Generator
) -> tuple[Model, dict[str, np.ndarray]]:
    """The model with data simulated from it, and the data before cells are made missing."""
    parameters = joint_density.all_parameters(model, free)
    n = model.frame.n_rows
    errors: dict[Column, np.ndarray] = {}
    for block in model.blocks:
        root = np.linalg.cholesky(joint_density.covariance(model, block, parameters))
        errors |= dict(zip(block.members, root @ rng.normal(size=(len(block.members), n)), strict=True))
    columns = {Column(name): values for name, values in model.data.items()}
    for equation in model.equations:
        mean = sum(parameters[t.coefficient] * evaluate(t.expression, columns, parameters) for t in equation.terms)
        spread = np.sqrt(parameters[str(equation.residual_variance)])
        columns[equation.outcome] = mean + errors.get(equation.outcome, spread * rng.normal(size=n))
    complete = {name: columns[Column(name)] for name in model.data}
    data = {name: np.where(np.isnan(model.data[name]), np.nan, values) for name, values in complete.items()}
    return replace(model, data=data), complete


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_ranks_are_uniform(name):
    model = resolve(f"SEED: 1; {SCRIPTS[name]}", _template(), priors="proper")
    rng = np.random.default_rng(31)
    names = [each for each, parameter in model.parameters.items() if parameter.is_free]
    ranks: dict[str, list[int]] = {}
    for k in range(REPLICATIONS):
        free = _prior_draw(model, rng)
        filled, complete = _simulated(model, free, rng)
        draws = sample(
            filled, draws=RANKS * THIN, burn=300, chains=1, cores=1, seed=k, n_imputations=RANKS, log_likelihood=False
        )
        for each in names:
            ranks.setdefault(each, []).append(int((draws.parameter(each)[0, ::THIN] < free[each]).sum()))
        for variable, cells in draws.imputations.values.items():
            true = complete[variable][model.missing(variable)]
            ranks.setdefault(f"a cell of {variable}", []).append(int((cells[:, 0] < true[0]).sum()))
            ranks.setdefault(f"mean cell of {variable}", []).append(int((cells.mean(axis=1) < true.mean()).sum()))
    for each, found in ranks.items():
        counts = np.bincount(np.array(found) * BINS // (RANKS + 1), minlength=BINS)
        expected = REPLICATIONS / BINS
        statistic = ((counts - expected) ** 2 / expected).sum()
        # Chi-square with 9 degrees of freedom exceeds this once in ten thousand.
        assert statistic < 33.7, f"{each}: {counts}"
