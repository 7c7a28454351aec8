"""Posteriors of structured blocks and of priors without exact draws, against brute force on a grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sampler import chains
from scipy import stats

from blimp2pymc.joint_model.block_structure import UNIT_POWER
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample

N = 25


def _table() -> pd.DataFrame:
    rng = np.random.default_rng(17)
    a = rng.normal(size=N)
    return pd.DataFrame({"a": a, "b": 0.5 * a + rng.normal(size=N), "c": rng.normal(size=N), "x": rng.normal(size=N)})


def _normal(covariance: np.ndarray, columns: list[np.ndarray]) -> float:
    return float(stats.multivariate_normal(np.zeros(len(columns)), covariance).logpdf(np.column_stack(columns)).sum())


def _unit_variances(table: pd.DataFrame, r: float) -> float:
    return UNIT_POWER * np.log(1 - r**2) + _normal(np.array([[1, r], [r, 1]]), [table["a"], table["b"]])


def _equal_correlations(table: pd.DataFrame, r: float) -> float:
    matrix = np.array([[1, 0.3, r], [0.3, 1.5, r * np.sqrt(1.5)], [r, r * np.sqrt(1.5), 1]])
    matrix[0, 1] = matrix[1, 0] = 0.3 * np.sqrt(1.5)
    if np.linalg.eigvalsh(matrix)[0] <= 0:
        return -np.inf
    return _normal(matrix, [table["a"], table["b"], table["c"]])


def _equal_variances(table: pd.DataFrame, v: float) -> float:
    """Flat on the variance, the correlation integrated out over (-1, 1)."""
    grid = np.linspace(-0.995, 0.995, 300)
    values = [_normal(v * np.array([[1, r], [r, 1]]), [table["a"], table["b"]]) for r in grid]
    return float(np.logaddexp.reduce(values))


def _defined_variance(table: pd.DataFrame, v: float) -> float:
    joint = _normal(np.array([[v, 0.2 * v * np.sqrt(2)], [0.2 * v * np.sqrt(2), 2 * v]]), [table["a"], table["b"]])
    return joint + stats.gamma.logpdf(v, 2, scale=1 / 3)


def _modelled_variance(table: pd.DataFrame, slope: float, r: float) -> float:
    """Residuals of a with the log variance .2 + slope x, of b with variance 1.5."""
    scale = np.exp((0.2 + slope * table["x"]) / 2)
    standardized = [table["a"] / scale, table["b"] / np.sqrt(1.5)]
    return _normal(np.array([[1, r], [r, 1]]), standardized) - float(np.log(scale).sum())


def _correlation_beside_a_modelled_variance(table: pd.DataFrame, r: float) -> float:
    return _modelled_variance(table, 0.5, r)


def _slope_of_a_correlated_variance(table: pd.DataFrame, k: float) -> float:
    return _modelled_variance(table, k, 0.6)


def _cauchy_slope(table: pd.DataFrame, k: float) -> float:
    return _normal(np.array([[1.0]]), [table["b"] - k * table["a"]]) + stats.cauchy.logpdf(k, 1, 0.1)


def _beta_slope(table: pd.DataFrame, k: float) -> float:
    if not 0 < k < 0.7:
        return -np.inf
    return _normal(np.array([[1.0]]), [table["b"] - k * table["a"]]) + stats.beta.logpdf(k, 6, 2)


CASES: dict[str, tuple[str, str, tuple[float, float], Callable[[pd.DataFrame, float], float]]] = {
    "unit variances": ("a ~ 1@0; b ~ 1@0; a@1; b@1; a ~~ b@r;", "r", (-1, 1), _unit_variances),
    "equal and fixed correlations": (
        "a ~ 1@0; b ~ 1@0; c ~ 1@0; a@1; b@1.5; c@1; a ~~ b@.3; a b ~~ c@r;", "r", (-1, 1), _equal_correlations,
    ),
    "equal variances": ("a ~ 1@0; b ~ 1@0; a@v; b@v; a ~~ b;", "v", (0.2, 4), _equal_variances),
    "defined variance": (
        "a ~ 1@0; b ~ 1@0; a@v; b@u; a ~~ b@.2; PARAMETERS: u = 2*v; v ~ gamma(2, 3);", "v", (0.1, 4),
        _defined_variance,
    ),
    "correlation beside a modelled variance": (
        "a ~ 1@0; b ~ 1@0; var(a) ~ 1@.2 x@.5; b@1.5; a ~~ b@r;", "r", (-1, 1), _correlation_beside_a_modelled_variance,
    ),
    "slope of a modelled variance of a correlated residual": (
        "a ~ 1@0; b ~ 1@0; var(a) ~ 1@.2 x@k; b@1.5; a ~~ b@.6;", "k", (-2.5, 2.5), _slope_of_a_correlated_variance,
    ),
    "Cauchy prior of a slope": (
        "b ~ 1@0 a@k; b@1; PARAMETERS: k ~ cauchy(1, .1);", "k", (-1, 2), _cauchy_slope,
    ),
    "bounded beta prior of a slope": (
        "b ~ 1@0 a@k; b@1; PARAMETERS: k ~ beta(6, 2); k ~ truncate(-1, .7);", "k", (-1, 2), _beta_slope,
    ),
}  # fmt: skip
"""Case -> model, its parameter, where that can lie, log density of the posterior."""


@pytest.mark.parametrize("name", CASES)
def test_posterior_is_that_of_the_grid(name: str) -> None:
    script, parameter, (lower, upper), log_density = CASES[name]
    table = _table()
    grid = np.linspace(lower, upper, 802)[1:-1]
    values = np.array([log_density(table, each) for each in grid])
    weight = np.exp(values - values.max())
    weight /= weight.sum()
    mean = weight @ grid
    variance = weight @ (grid - mean) ** 2
    draws = sample(resolve(f"SEED: 1; MODEL: {script}", table), draws=8000, burn=300, chains=2, seed=3)
    drawn = draws.parameter(parameter)
    assert chains.within(drawn.mean(), mean, chains.autocovariance_error(drawn))
    squares = (drawn - mean) ** 2
    assert chains.within(squares.mean(), variance, chains.autocovariance_error(squares))


def test_correlations_that_cannot_be_zero_together_have_starting_values() -> None:
    script = "FIXED: x; MODEL: a ~ x; b ~ x; c ~ x; a ~~ b@.8; b ~~ c@.8; a ~~ c@r;"
    drawn = sample(resolve(f"SEED: 1; {script}", _table()), draws=500, burn=100, chains=4, seed=2).parameter("r")
    # Positive definite between .64 - .36 and .64 + .36.
    assert 0.28 < drawn.min() < drawn.max() < 1
