"""Drawing with latent variables integrated out: against normal densities in closed form, and the same posterior."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sampler import chains
from sampler.test_latent import MEASUREMENT, factors

from blimp2pymc.joint_model.ir import Column, Model
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.sampler.plan.marginals import CORRELATION
from blimp2pymc.sampler.plan.rules import Plan, plan
from blimp2pymc.sampler.verification.check import verify

GROWTH = "LATENT: a b; MODEL: 1 w -> a b; a ~~ b; { t in 0:3 } : y[t] ~ 1@0 a@1 b@[t]; y0:y3@v;"
AUTOREGRESSIVE = """LATENT: a b; MODEL: { a b } ~ 1 w; a ~~ b; y0 ~ 1@a b@0;
    {t in 1:3}: y[t] ~ 1@a b@[t] (y[t-1] - a - [t-1]*b)@rho; z ~ a b w;"""
INTERACTION = "LATENT: f h; MODEL: f -> x1:x3; h@1; h -> m1@first m2:m3; y ~ f w f*w; h ~ f;"
EQUAL = "LATENT: f; MODEL: { v in x1 x2 x3 y } : [v] ~ 1 f@1;"


def growth(n: int = 150, seed: int = 2, slope: float = 0.7, error: float = 0.7) -> pd.DataFrame:
    """Four waves of linear growth, missing cells in two of them, a predictor and a distal outcome.

    `slope` and `error`: standard deviations of the rate of change and of what is left at every wave.
    """
    rng = np.random.default_rng(seed)
    level, change = rng.normal(3, 1, n), rng.normal(0.5, slope, n)
    data = pd.DataFrame({f"y{t}": level + t * change + rng.normal(0, error, n) for t in range(4)})
    data["w"] = rng.normal(size=n)
    data["z"] = level + change + rng.normal(size=n)
    data.loc[rng.random(n) < 0.3, "y3"] = np.nan
    data.loc[rng.random(n) < 0.2, "y1"] = np.nan
    return data


def started(model: Model) -> ChainRun:
    run = ChainRun.make_all(model, plan(model), 1, 20, 1, 3, 0, False)[0]
    run.start()
    run.advance(20)
    assert run.prepare()
    return run


def growth_log_density(model: Model, data: pd.DataFrame, parameters: dict[str, float]) -> float:
    """Log density of the observed waves, each row a multivariate normal of its own."""
    time = np.arange(4)
    loadings = np.column_stack([np.ones(4), time])
    spread = np.sqrt([parameters["a residual variance"], parameters["b residual variance"]])
    correlation = np.array([[1, parameters["a ~~ b"]], [parameters["a ~~ b"], 1]])
    covariance = loadings @ (correlation * np.outer(spread, spread)) @ loadings.T + parameters["v"] * np.eye(4)
    total = 0.0
    for row in data.itertuples():
        values = np.array([row.y0, row.y1, row.y2, row.y3])
        means = [parameters[f"{name} ~ Intercept"] + parameters[f"{name} ~ w"] * row.w for name in "ab"]
        seen = ~np.isnan(values)
        deviation = values[seen] - loadings[seen] @ means
        own = covariance[np.ix_(seen, seen)]
        total -= 0.5 * (np.linalg.slogdet(own)[1] + deviation @ np.linalg.solve(own, deviation))
    return total


# ---------------------------------------------------------------- what is integrated out


@pytest.mark.parametrize(
    "script, latent, blocks",
    [
        (GROWTH, [{"a", "b"}], [{f"{x} ~ {y}" for x in "ab" for y in ("Intercept", "w")}]),
        (AUTOREGRESSIVE, [{"a", "b"}], [{f"{x} ~ {y}" for x in "abz" for y in ("Intercept", "w")}]),
    ],
)
def test_coefficients_of_growth(script: str, latent: list, blocks: list) -> None:
    found = plan(resolve(script, growth())).marginals
    assert [{column.variable for column in each.latent} for each in found] == latent
    assert [set(block) for each in found for block in each.blocks] == blocks


def test_variances_and_everything_that_multiplies_a_latent_variable_move_along_directions() -> None:
    (found,) = plan(resolve(AUTOREGRESSIVE, growth())).marginals
    (path,) = found.paths[-1:]
    variances = {f"{name} residual variance" for name in ("a", "b", "y0", "y1", "y2", "y3", "z")}
    assert set(path.parameters) == variances | {"a ~~ b", "rho", "z ~ a", "z ~ b"}
    assert dict(zip(path.parameters, path.coordinates, strict=True))["a ~~ b"] == CORRELATION
    # Four outcomes for one latent variable tell enough about it: only its own variance is moved.
    (measured,) = plan(resolve(EQUAL, factors())).marginals
    assert [path.parameters for path in measured.paths] == [("f residual variance",)]


def test_latent_variables_in_products_stay() -> None:
    found = plan(resolve(INTERACTION, factors())).marginals
    assert [[column.variable for column in each.latent] for each in found] == [["h"]]
    assert plan(resolve(f"{MEASUREMENT} y ~ f g f*g;", factors())).marginals == ()
    assert plan(resolve("LATENT: f; MODEL: f -> x1:x3; y ~ f f^2;", factors())).marginals == ()
    assert plan(resolve("LATENT: f; MODEL: f -> x1:x3; y ~ (exp(f));", factors())).marginals == ()
    assert plan(resolve(GROWTH, growth()), integrated=False).marginals == ()
    assert plan(resolve(GROWTH, growth()), collapsed=False).marginals == ()


def test_factors_that_meet_in_no_equation_are_integrated_out_apart() -> None:
    found = plan(resolve("LATENT: f g; MODEL: f -> x1:x3; g -> m1:m3;", factors())).marginals
    assert [[column.variable for column in each.latent] for each in found] == [["f"], ["g"]]


def test_scale_of_a_latent_variable() -> None:
    (found,) = plan(resolve(INTERACTION, factors())).marginals
    path = next(each for each in found.paths if each.latent == Column("h"))
    weights = dict(zip(path.parameters, path.weights, strict=True))
    assert weights == {"h ~ f": 1.0, "first": -1.0, "m2 ~ h": -1.0, "m3 ~ h": -1.0}


@pytest.mark.parametrize(
    "script, expected",
    [
        pytest.param("f -> x1:x3;", ["f"], id="three outcomes"),
        pytest.param("f -> x1:x3; y ~ f;", [], id="four outcomes"),
        pytest.param("f@1; f -> x1@a x2:x3 y;", [], id="all loadings free"),
        pytest.param("f -> x1:x3; f ~ w; g -> m1:m3; g ~ f; y ~ f;", ["g"], id="three of one, four of another"),
        pytest.param("f -> x1@1 x2@1 x3@1 y@1;", ["f"], id="fixed loadings"),
        pytest.param("f -> x1@1 x2@1 x3 y;", ["f"], id="half of the loadings fixed"),
        pytest.param("f -> x1:x3 y; g -> m1:m3 w; h -> f g; h@1;", ["h"], id="outcomes that are latent variables"),
    ],
)
def test_latent_variables_with_many_outcomes_and_free_loadings_are_given(script: str, expected: list[str]) -> None:
    names = [name for name in "fgh" if f" {name} " in f" {script} "]
    model = resolve(f"LATENT: {' '.join(names)}; MODEL: {script}", factors())
    assert [column.variable for each in plan(model).marginals for column in each.latent] == expected


# ---------------------------------------------------------------- densities


def test_density_along_directions_is_that_of_the_data() -> None:
    data = growth(60)
    model = resolve(GROWTH, data)
    run = started(model)
    tables, _, state, work, _ = run.references
    path = run.layout.tables.marginals.moved
    names = list(run.layout.parameters)
    rng = np.random.default_rng(1)
    old = chains.free_parameters(run)
    size = len(path)
    for _ in range(3):
        run.work.vector[1, :size] = rng.normal(size=size)
        at_old = entries.path_log_density(tables, state, work, 0, 0, 0.0)
        at_new = entries.path_log_density(tables, state, work, 0, 0, 0.3)
        new = chains.free_parameters(run)
        jacobian = sum(
            np.log((1 - new[n] ** 2) / (1 - old[n] ** 2)) if n == "a ~~ b" else np.log(new[n] / old[n])
            for n in (names[k] for k in path)
        )
        # The covariance of the factors has a flat prior; that of variances and correlation has the Jacobian.
        prior = 0.5 * np.log(
            new["a residual variance"] * new["b residual variance"]
            / (old["a residual variance"] * old["b residual variance"])
        )  # fmt: skip
        expected = growth_log_density(model, data, new) - growth_log_density(model, data, old)
        assert at_new - at_old == pytest.approx(expected + jacobian + prior, abs=1e-6)
        for name, value in old.items():
            run.state.theta[run.layout.parameters[name]] = value
        assert run.prepare()


def test_coefficients_have_the_density_of_generalised_least_squares() -> None:
    data = growth(60)
    model = resolve(GROWTH, data)
    run = started(model)
    tables, _, state, work, _ = run.references
    size = entries.integrated_conditional(tables, state, work, 0, 0)
    matrix, vector = run.work.matrix[0].copy(), run.work.vector[0].copy()
    (block,) = run.layout.plan.marginals[0].blocks
    old = chains.free_parameters(run)
    rng = np.random.default_rng(5)
    for _ in range(3):
        step = np.zeros(len(vector))
        step[:size] = 0.2 * rng.normal(size=size)
        new = old | {name: old[name] + step[k] for k, name in enumerate(block)}
        expected = growth_log_density(model, data, new) - growth_log_density(model, data, old)
        assert entries.coefficient_log_density(step, size, matrix, vector) == pytest.approx(expected, abs=1e-6)


def test_density_is_accurate_where_a_variance_is_nearly_zero() -> None:
    data = growth(60)
    model = resolve(GROWTH, data)
    run = started(model)
    tables, _, state, work, _ = run.references
    old = chains.free_parameters(run)
    for value in (1e-4, 1e-9, 1e-18):
        found, expected = [], []
        for b in (value, 2 * value):
            run.state.theta[run.layout.parameters["b residual variance"]] = b
            assert run.prepare()
            run.work.vector[1, :] = 0.0
            found.append(entries.path_log_density(tables, state, work, 0, 0, 0.0))
            expected.append(growth_log_density(model, data, old | {"b residual variance": b}) + 1.5 * np.log(b))
        assert found[1] - found[0] == pytest.approx(expected[1] - expected[0], abs=1e-6)


@pytest.mark.parametrize(
    "script, data",
    [
        pytest.param(AUTOREGRESSIVE, growth, id="autoregressive"),
        pytest.param(INTERACTION + "PARAMETERS: first ~ truncate(0, Inf);", factors, id="interaction"),
        pytest.param("LATENT: f; MODEL: f@1; f -> x1@a x2:x3; w ~~ f; y ~ w;", factors, id="correlated predictor"),
        pytest.param("LATENT: f g h; MODEL: f -> x1:x3; g -> m1:m3; h -> f g y;", factors, id="second order"),
        pytest.param(GROWTH + "PARAMETERS: v ~ truncate(0.1, 2);", growth, id="bounds"),
    ],
)
def test_densities_agree_with_the_graph(script: str, data: object) -> None:
    result = verify(resolve(script, data(40)), states=2)  # type: ignore[operator]
    assert {"integrated"} < {row.kernel for row in result.rows}
    assert result.passed, str(result)


# ---------------------------------------------------------------- draws


@pytest.mark.parametrize(
    "script, data",
    [
        pytest.param(GROWTH, growth, id="growth"),
        pytest.param(AUTOREGRESSIVE, growth, id="autoregressive"),
        pytest.param(INTERACTION, factors, id="interaction"),
    ],
)
def test_posterior_is_the_same_without_integrating(script: str, data: object) -> None:
    model = resolve(script, data(150))  # type: ignore[operator]
    lengths = {True: 4000, False: 40_000}
    runs = {
        on: sample(model, plan(model, integrated=on), draws=n, burn=1000, chains=2, seed=3 + on, log_likelihood=False)
        for on, n in lengths.items()
    }
    assert_same_posterior(model, runs[True], runs[False])


@pytest.mark.parametrize("script", [GROWTH, AUTOREGRESSIVE])
def test_posterior_is_the_same_around_ellipses_as_along_lines(script: str) -> None:
    model = resolve(script, growth())
    how = plan(model)
    only_lines = moved(how, ellipses=0)
    lines = sample(model, only_lines, draws=4000, burn=1000, chains=2, seed=1, log_likelihood=False)
    # A quarter of the sweeps in which lines are followed as well would hide a wrong ellipse.
    only_ellipses = moved(how, ellipses=2, along=0.0)
    ellipses = sample(model, only_ellipses, draws=8000, burn=1000, chains=2, seed=2, log_likelihood=False)
    assert_same_posterior(model, lines, ellipses)


def moved(how: Plan, **changes: float) -> Plan:
    """A plan with other moves of what is drawn with latent variables integrated out."""
    marginals = tuple(
        replace(each, paths=tuple(path if path.weights else replace(path, **changes) for path in each.paths))
        for each in how.marginals
    )
    return replace(how, marginals=marginals)


def assert_same_posterior(model: Model, one: Draws, other: Draws) -> None:
    """Means and variances of all free parameters agree."""
    for name, parameter in model.parameters.items():
        if not parameter.is_free:
            continue
        values = [run.parameter(name) for run in (one, other)]
        # On a scale on which variances have no long tail.
        values = [np.log(each) if "variance" in name or name == "v" else each for each in values]
        error = np.hypot(*(chains.autocovariance_error(each) for each in values))
        assert chains.within(values[0].mean(), values[1].mean(), error), name
        squares = [(each - each.mean()) ** 2 for each in values]
        error = np.hypot(*(chains.autocovariance_error(each) for each in squares))
        assert chains.within(squares[0].mean(), squares[1].mean(), error), name


def test_variances_of_growth_no_longer_wait_for_the_latent_variables() -> None:
    model = resolve(GROWTH, growth(slope=0.3, error=1.0))
    lag = {}
    for on in (True, False):
        draws = sample(model, plan(model, integrated=on), draws=4000, burn=500, chains=1, seed=3, log_likelihood=False)
        values = np.log(draws.parameter("b residual variance")[0])
        lag[on] = float(np.corrcoef(values[:-5], values[5:])[0, 1])
    assert lag[True] < 0.1
    assert lag[False] > 0.3


def test_directions_are_the_posterior_covariance() -> None:
    model = resolve(GROWTH, growth())
    run = ChainRun.make_all(model, plan(model), 1, 3000, 1, 4, 0, False)[0]
    run.start()
    positions = []
    table = run.layout.tables.marginals
    for _ in range(3000):
        run.advance(1)
        values = run.state.theta[table.moved]
        positions.append(
            np.where(
                table.coordinate == CORRELATION, np.arctanh(np.clip(values, -0.9999, 0.9999)), np.log(np.abs(values))
            )
        )
    size = len(table.moved)
    factor = run.state.learned[2 + size + size * size : -size].reshape(size, size)
    observed = np.cov(np.array(positions[500:]).T)
    found = np.tril(factor) @ np.tril(factor).T
    scale = np.sqrt(np.outer(np.diag(observed), np.diag(observed)))
    assert np.abs((found - observed) / scale).max() < 0.35
