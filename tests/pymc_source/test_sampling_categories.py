"""Emitted models of categories and counts under plain `pm.sample` give the posterior found on a grid."""

from __future__ import annotations

from collections.abc import Callable

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.build import build

Array = np.ndarray
WEAK = stats.norm(0, np.sqrt(5)).logpdf


def sample(script: str, data: pd.DataFrame, draws: int = 1500, *, augmented: bool = False):
    """Posterior of an emitted model by what `pm.sample` does of itself."""
    with build(resolve(script, data), augmented=augmented):
        idata = pm.sample(
            draws, tune=800, chains=2, cores=1, random_seed=3, nuts_sampler="pymc", progressbar=False
        )  # fmt: skip
    return idata["posterior"]


def moments_on_grid(axes: list[Array], log_density: Callable[..., Array]) -> tuple[Array, Array]:
    """Means and standard deviations of a density known up to a constant, by summation over a grid."""
    mesh = np.meshgrid(*axes, indexing="ij")
    logs = log_density(*(each[..., None] for each in mesh))
    weights = np.exp(logs - logs.max())
    for axis in range(len(axes)):
        edge = np.take(weights, [0, -1], axis=axis).max()
        assert edge < 1e-3 * weights.max(), f"the grid of parameter {axis} is too narrow"
    weights /= weights.sum()
    means = np.array([(weights * each).sum() for each in mesh])
    return means, np.sqrt([(weights * each**2).sum() - mean**2 for each, mean in zip(mesh, means, strict=True)])


def assert_agree(posterior, names: list[tuple[str, int | None]], means: Array, deviations: Array) -> None:
    """Means within four Monte Carlo errors, standard deviations within a tenth."""
    for (name, index), mean, deviation in zip(names, means, deviations, strict=True):
        draws = posterior[name].to_numpy()
        draws = draws if index is None else draws[..., index]
        error = float(np.asarray(az.mcse(draws, method="mean")))
        assert error < 0.15 * deviation, name
        assert abs(draws.mean() - mean) < 4 * error, (name, draws.mean(), mean)
        assert draws.std() == pytest.approx(deviation, rel=0.1), name


@pytest.mark.slow
@pytest.mark.parametrize("augmented", [False, True])
def test_ordinal_outcome(augmented: bool) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=60).round(2)
    o = np.digitize(0.6 * x + rng.normal(size=60), [-0.4, 0.6]).astype(float) + 1
    o[rng.random(60) < 0.1] = np.nan
    posterior = sample("ORDINAL: o; MODEL: o ~ x;", pd.DataFrame({"o": o, "x": x}), augmented=augmented)
    known = ~np.isnan(o)
    place, z = o[known].astype(int) - 1, x[known]

    def log_density(a: Array, b: Array, t: Array) -> Array:
        lower = np.where(place == 0, -np.inf, np.where(place == 1, 0.0, t))
        upper = np.where(place == 0, 0.0, np.where(place == 1, t, np.inf))
        cells = stats.norm.cdf(upper - a - b * z) - stats.norm.cdf(lower - a - b * z)
        return np.log(cells + 1e-300).sum(axis=-1) + (WEAK(a) + WEAK(b))[..., 0]

    axes = [np.linspace(-1, 2, 31), np.linspace(-0.8, 2, 31), np.linspace(0.1, 2.5, 31)]
    means, deviations = moments_on_grid(axes, log_density)
    assert_agree(posterior, [("o_intercept", None), ("o_coefficient", 0), ("o_threshold", 0)], means, deviations)


@pytest.mark.slow
def test_incomplete_binary_predictor() -> None:
    rng = np.random.default_rng(2)
    b = rng.binomial(1, 0.4, 50).astype(float)
    y = (1 + 1.2 * b + rng.normal(size=50)).round(2)
    b[rng.random(50) < 0.25] = np.nan
    posterior = sample("ORDINAL: b; MODEL: y ~ b;", pd.DataFrame({"y": y, "b": b}))

    def log_density(m: Array, intercept: Array, slope: Array, variance: Array) -> Array:
        each = [stats.norm.cdf(m if code else -m) * stats.norm.pdf(y, intercept + slope * code, np.sqrt(variance))
                for code in (0, 1)]  # fmt: skip
        cells = np.where(np.isnan(b), each[0] + each[1], np.where(b == 1, each[1], each[0]))
        return np.log(cells).sum(axis=-1) + WEAK(m)[..., 0]

    axes = [np.linspace(-1.3, 0.9, 23), np.linspace(-0.1, 2, 23), np.linspace(-0.6, 2.6, 23), np.linspace(0.3, 2.6, 24)]
    means, deviations = moments_on_grid(axes, log_density)
    names = [("b_mean", None), ("y_intercept", None), ("y_coefficient", 0), ("y_residual_variance", None)]
    assert_agree(posterior, names, means, deviations)


@pytest.mark.slow
def test_nominal_outcome() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=50).round(2)
    place = np.array([rng.choice(3, p=p / p.sum()) for p in np.exp(np.outer(x, [0.0, 0.7, -0.5]))])
    posterior = sample("NOMINAL: g; MODEL: g ~ x;", pd.DataFrame({"g": np.array([1.0, 2.0, 7.0])[place], "x": x}))

    def log_density(a: Array, b: Array, c: Array, d: Array) -> Array:
        second, third = a + b * x, c + d * x
        own = np.where(place == 0, 0.0, np.where(place == 1, second, third))
        prior = (WEAK(a) + WEAK(b) + WEAK(c) + WEAK(d))[..., 0]
        return (own - np.log(1 + np.exp(second) + np.exp(third))).sum(axis=-1) + prior

    axes = [np.linspace(-2.2, 2.2, 23), np.linspace(-0.9, 3, 23), np.linspace(-2.2, 2.2, 23), np.linspace(-3, 1.2, 23)]
    means, deviations = moments_on_grid(axes, log_density)
    names = [("g_2_intercept", None), ("g_2_coefficient", 0), ("g_7_intercept", None), ("g_7_coefficient", 0)]
    assert_agree(posterior, names, means, deviations)


@pytest.mark.slow
def test_count_outcome() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=80).round(2)
    c = rng.negative_binomial(2, 2 / (2 + np.exp(1 + 0.4 * x))).astype(float)
    posterior = sample("COUNT: c; MODEL: c ~ x;", pd.DataFrame({"c": c, "x": x}))

    def log_density(a: Array, b: Array, dispersion: Array) -> Array:
        size = 1 / dispersion
        likelihood = stats.nbinom.logpmf(c, size, size / (size + np.exp(a + b * x))).sum(axis=-1)
        return likelihood + (WEAK(a) + WEAK(b))[..., 0]

    axes = [np.linspace(0.4, 1.8, 31), np.linspace(-0.3, 1.1, 31), np.linspace(0.05, 2.2, 41)]
    means, deviations = moments_on_grid(axes, log_density)
    assert_agree(posterior, [("c_intercept", None), ("c_coefficient", 0), ("c_dispersion", None)], means, deviations)
