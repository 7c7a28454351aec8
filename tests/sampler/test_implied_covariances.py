"""Parameters that move as covariances they imply: which do, the coordinates, their Jacobian, the same posterior."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sampler import chains
from sampler.test_marginals import AUTOREGRESSIVE, growth, moved, started

from blimp2pymc.joint_model.ir import Column, Model
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.build import build
from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.plan.marginals import Path
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.sampler.verification.check import verify
from blimp2pymc.sampler.verification.marginal_changes import log_jacobian
from blimp2pymc.sampler.verification.point import Point

RECURSIVE = """LATENT: a b c; MODEL: 1 w -> a b; a ~~ b; c ~ a b; c -> z u; y0 ~ 1@0 a@1 b@0; y1 ~ 1@0 a@1 b@1;
    y2 ~ 1@0 a@1 b; y3 ~ 1@0 a@1 b@3; y0:y3@v; q ~ b c w;"""
"""A latent variable with latent predictors, a wave with one free loading of two, an outcome of two in a row."""
CORRELATED = """LATENT: a b; MODEL: 1 -> a b; a ~~ b; y0 ~ 1@0 a@1 b@0; y1 ~ 1@0 a@1 b@1; y2 ~ 1@0 a@1 b@2;
    y3 ~ 1@0 a@1 b@3; y0:y3@v; z ~ a b; u ~ w; z ~~ u;"""
SCRIPTS = {"autoregressive": AUTOREGRESSIVE, "recursive": RECURSIVE, "correlated residuals": CORRELATED}


def _table(n: int = 40) -> pd.DataFrame:
    data = growth(n)
    rng = np.random.default_rng(9)
    return data.assign(u=data["z"] + rng.normal(size=n), q=data["z"] + rng.normal(size=n))


def _path(model: Model) -> Path:
    return plan(model).marginals[0].paths[-1]


# ---------------------------------------------------------------- which


def test_coefficients_of_growth_factors_and_the_residual_variance() -> None:
    *_, last = _path(resolve(AUTOREGRESSIVE, growth())).implied
    assert last.outcome == Column("z")
    assert [each.coefficient for each in last.turned] == ["z ~ a", "z ~ b"]
    assert last.variance == "z residual variance"
    assert last.depends == {"a residual variance", "b residual variance", "a ~~ b"}


def test_a_recursive_system_follows_its_order() -> None:
    implied = {each.outcome.variable: each for each in _path(resolve(RECURSIVE, _table())).implied}
    names = list(implied)
    assert names[:2] == ["a", "b"]
    assert names.index("c") < min(names.index("u"), names.index("q"))
    assert [each.coefficient for each in implied["q"].turned] == ["q ~ b", "q ~ c"]
    assert {"c ~ a", "c residual variance"} < implied["q"].depends
    # One of two loadings is free, and the residual variance is that of all waves.
    assert [each.coefficient for each in implied["y2"].turned] == ["y2 ~ b"]
    assert implied["y2"].variance is None
    assert {"y0", "y1", "z"}.isdisjoint(names)


def test_variances_of_correlated_residuals_stay() -> None:
    *_, last = _path(resolve(CORRELATED, _table())).implied
    assert [each.coefficient for each in last.turned] == ["z ~ a", "z ~ b"]
    assert last.variance is None


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("LATENT: f; MODEL: f@1; f -> y0@l y1 y2; z ~ f;", id="known variance"),
        pytest.param(
            "LATENT: f g; MODEL: f@1; g@1; f ~~ g; f -> y0@l y1; g -> y2@k y3; z ~ f;", id="correlated, one predictor"
        ),
        pytest.param(AUTOREGRESSIVE.replace("z ~ a b w", "z ~ a@s b@s w"), id="shared coefficient"),
    ],
)
def test_what_does_not(script: str) -> None:
    found = plan(resolve(script, growth())).marginals
    assert not any(each.turned for one in found for path in one.paths for each in path.implied)


def test_correlated_predictors_of_known_variance() -> None:
    script = "LATENT: f g; MODEL: f@1; g@1; f ~~ g; f -> y0@l y1; g -> y2@k y3; z ~ f g;"
    turned = [each for each in _path(resolve(script, growth())).implied if each.turned]
    assert [(each.outcome.variable, each.depends) for each in turned] == [("z", {"f ~~ g"})]


# ---------------------------------------------------------------- coordinates and densities


def test_coordinates_are_covariances_and_variances() -> None:
    run = started(resolve(AUTOREGRESSIVE, growth(60)))
    path = _path(run.layout.model)
    names = list(path.parameters)
    found = _coordinates(run, path)
    values = chains.free_parameters(run)
    spread = np.sqrt([values["a residual variance"], values["b residual variance"]])
    correlation = np.array([[1, values["a ~~ b"]], [values["a ~~ b"], 1]])
    covariance = correlation * np.outer(spread, spread)
    slope = np.array([values["z ~ a"], values["z ~ b"]])
    assert found[[names.index("z ~ a"), names.index("z ~ b")]] == pytest.approx(covariance @ slope, rel=1e-12)
    total = values["z residual variance"] + slope @ covariance @ slope
    assert found[names.index("z residual variance")] == pytest.approx(np.log(total), rel=1e-12)


def _coordinates(run: ChainRun, path: Path) -> np.ndarray:
    """Current coordinates of a path, the last of the first marginal."""
    tables, _, state, work, _ = run.references
    run.work.vector[1, :] = 0.0
    index = len(plan(run.layout.model).marginals[0].paths) - 1
    assert np.isfinite(entries.path_log_density(tables, state, work, 0, index, 0.0))
    return run.work.vector[0, : len(path.parameters)].copy()


@pytest.mark.parametrize("name", SCRIPTS)
def test_jacobian_is_that_of_the_coordinates(name: str) -> None:
    model = resolve(SCRIPTS[name], _table())
    run = started(model)
    path = _path(model)
    index = len(plan(model).marginals[0].paths) - 1
    places = [run.layout.parameters[each] for each in path.parameters]
    old = run.state.theta.copy()
    derivative = np.zeros((len(places), len(places)))
    for k, place in enumerate(places):
        width = 1e-4 * abs(old[place])
        for steps, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
            run.state.theta[...] = old
            run.state.theta[place] += steps * width
            assert run.prepare()
            derivative[:, k] += weight * _coordinates(run, path) / (12 * width)
    run.state.theta[...] = old
    assert run.prepare()
    expected = log_jacobian(Point(run, build(model), np.random.default_rng(1)), index)
    assert -np.linalg.slogdet(derivative)[1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", SCRIPTS)
def test_densities_agree_with_the_graph(name: str) -> None:
    result = verify(resolve(SCRIPTS[name], _table()), states=3)
    assert "directions" in {row.kernel for row in result.rows}
    assert result.passed, str(result)
    assert max(row.difference for row in result.rows if row.kernel == "directions") < 1e-8


def test_a_path_stays_where_rounding_would_leave_nothing_of_a_variance() -> None:
    model = resolve(AUTOREGRESSIVE, growth(60))
    run = started(model)
    tables, _, state, work, _ = run.references
    run.state.theta[run.layout.parameters["z residual variance"]] = 1e-10
    assert run.prepare()
    assert np.isnan(entries.path_log_density(tables, state, work, 0, 0, 0.0))
    assert entries.sweeps(tables, state, work, 1, True)


# ---------------------------------------------------------------- draws


@pytest.mark.parametrize("name", SCRIPTS)
def test_everything_follows_a_move(name: str) -> None:
    chains.assert_everything_follows(resolve(SCRIPTS[name], _table()), burn=100, sweeps=120)


@pytest.mark.parametrize("name", SCRIPTS)
def test_posterior_is_the_same_in_both_coordinates(name: str) -> None:
    model = resolve(SCRIPTS[name], _table(150))
    how = plan(model)
    runs = [
        sample(model, each, draws=n, burn=2000, chains=2, seed=seed, log_likelihood=False)
        for each, n, seed in ((how, 4000, 1), (moved(how, implied=()), 8000, 2))
    ]
    chains.assert_same_posterior(model, *runs)


def test_highly_correlated_growth_factors_and_their_outcome_mix() -> None:
    rng = np.random.default_rng(5)
    n = 400
    level = rng.normal(0, 1, n)
    change = 0.4 * level + 0.08 * rng.normal(size=n)
    data = pd.DataFrame({f"y{t}": 3 + level + t * change + rng.normal(0, 0.8, n) for t in range(4)})
    data = data.assign(w=rng.normal(size=n), z=level + change + rng.normal(size=n))
    model = resolve(AUTOREGRESSIVE, data)
    how = plan(model)
    lag = {}
    for on in (True, False):
        each = how if on else moved(how, implied=())
        run = sample(model, each, draws=6000, burn=3000, chains=1, seed=3, log_likelihood=False)
        values = run.parameter("z ~ b")[0]
        lag[on] = float(np.corrcoef(np.arctan(values[:-10]), np.arctan(values[10:]))[0, 1])
    assert lag[True] < 0.5 * lag[False]
