"""Latent responses and thresholds: their densities, their draws, and whole posteriors against integration."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sampler import chains, joint_density, small_models

from blimp2pymc.joint_model.ir import Column, Form, Model, Prior
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.draws import StatisticKind
from blimp2pymc.sampler.kernels import response_steps, responses, thresholds
from blimp2pymc.sampler.plan.rules import plan


def _rows(run, variable):
    """Rows of the model's data with a category, in the order of the kernel."""
    tables = run.layout.tables
    blocks = tables.responses.block[tables.responses.block_start[variable] : tables.responses.block_start[variable + 1]]
    rows = run.layout.incomplete_rows
    return np.concatenate([rows[tables.cells.low[k] : tables.cells.high[k]] for k in blocks])


def _conditional(run, variable):
    n = chains.callable_kernel(responses.conditional)(run.layout.tables, variable, run.state, run.work)
    return run.work.response_mean[:n].copy(), 1 / run.work.response_root[:n]


def _category(run, variable):
    table = run.layout.tables.responses
    return run.state.category[table.category_start[variable] : table.category_start[variable + 1]]


# ---------------------------------------------------------------- kernels


def test_density_of_responses():
    run = chains.chain(small_models.ordinal())
    rng = np.random.default_rng(5)
    free, data = chains.free_parameters(run), run.completed()
    before = joint_density.log_joint(run.layout.model, free, data)
    assert np.isfinite(before)
    for variable, residual in enumerate(run.layout.plan.structure.responses):
        mean, deviation = _conditional(run, variable)
        rows, name = _rows(run, variable), f"{residual.equation.name}.latent"
        bounds = np.array([-np.inf, *(_value(run, each) for each in residual.equation.thresholds), np.inf])
        for k in rng.choice(len(rows), 10, replace=False):
            category = _category(run, variable)[k]
            old = data[name][rows[k]]
            lower, upper = max(bounds[category], old - 1), min(bounds[category + 1], old + 1)
            new = rng.uniform(lower, upper)
            changed = data | {name: data[name].copy()}
            changed[name][rows[k]] = new
            density = -0.5 * (((new - mean[k]) / deviation[k]) ** 2 - ((old - mean[k]) / deviation[k]) ** 2)
            change = joint_density.log_joint(run.layout.model, free, changed) - before
            assert density == pytest.approx(change, abs=1e-6)
            changed[name][rows[k]] = upper + 0.1 if upper == bounds[category + 1] else lower - 0.1
            outside = joint_density.log_joint(run.layout.model, free, changed)
            assert (outside == -np.inf) == (upper == bounds[category + 1] or lower == bounds[category])


def _value(run, name):
    return float(run.state.theta[run.layout.parameters[name]])


def test_density_of_thresholds():
    from scipy import stats

    run = chains.chain(small_models.ordinal())
    density = chains.callable_kernel(thresholds.log_likelihood)
    table, work = run.layout.tables.responses, run.work
    for variable, residual in enumerate(run.layout.plan.structure.responses):
        mean, deviation = _conditional(run, variable)
        category = _category(run, variable)

        def found(bounds, shift):
            shifted = work.response_mean + shift
            return density(table, variable, len(mean), shifted, run.state, bounds, work, 0)  # noqa: B023

        for shift in (0.0, 4.0, -9.0, 30.0):
            bounds = np.array([-np.inf, *(_value(run, each) for each in residual.equation.thresholds), np.inf])
            lower, upper = ((bounds[category + k] - mean - shift) / deviation for k in (0, 1))
            share = np.where(
                lower > 0, stats.norm.sf(lower) - stats.norm.sf(upper), stats.norm.cdf(upper) - stats.norm.cdf(lower)
            )
            value = found(bounds, shift)
            assert value == pytest.approx(np.log(np.maximum(share, 1e-290)).sum(), rel=1e-7, abs=1e-6)
            if shift in (0.0, 4.0):
                # Derivatives by the thresholds, and those of the rows.
                sums, rows = work.slope_sums[0].copy(), np.arange(len(mean))
                above, center = work.upper_slope[0, rows].copy(), work.mean_slope[0, rows].copy()
                for k in range(1, len(bounds) - 1):
                    step = np.where(np.arange(len(bounds)) == k, 1e-5, 0.0)
                    slope = (found(bounds + step, shift) - found(bounds - step, shift)) / 2e-5
                    assert sums[0, k - 1] - sums[1, k] == pytest.approx(slope, rel=1e-5, abs=1e-5)
                expected = stats.norm.pdf(upper) / deviation / share
                assert above == pytest.approx(expected, rel=1e-5, abs=1e-7)
                expected = stats.norm.pdf(lower) / deviation / share - expected
                assert center == pytest.approx(expected, rel=1e-5, abs=1e-6)


def _run(variable, coefficients):
    """A chain that draws only some coefficients with the thresholds of a variable."""
    model = small_models.ordinal(n=40)
    whole = plan(model)
    steps = tuple(
        replace(each, coefficients=coefficients) if each.response.variable == variable else each
        for each in whole.response_steps
    )
    run = ChainRun.make_all(model, replace(whole, response_steps=steps), 10, 5, 1, 1, 2, True)[0]
    run.start()
    run.advance(5)
    assert run.prepare()
    return run


@pytest.mark.parametrize(
    ("name", "coefficients"), [("y", ()), ("y", ("y0",)), ("u", ("u0", "uw"))], ids=["alone", "intercept", "slope"]
)
def test_draws_of_thresholds(name, coefficients):
    """Given the means, thresholds have the density of the category probabilities: compared by integration."""
    from scipy import stats

    run = _run(name, coefficients)
    update, state = chains.callable_kernel(response_steps.draw), run.state
    variable = [each.equation.name for each in run.layout.plan.structure.responses].index(name)
    places = [
        run.layout.parameters[each] for each in (*coefficients, *run.layout.plan.response_steps[variable].thresholds)
    ]
    mean, _ = _conditional(run, variable)
    rows = _rows(run, variable)
    design = [np.ones(len(rows)), run.completed()["w"][rows]][: len(coefficients)]
    mean = mean - sum(state.theta[place] * x for place, x in zip(places, design, strict=False))
    category = _category(run, variable)
    size = 400 if not coefficients else 80
    axes = [np.linspace(*limits, size) for limits in ((-2, 4), (-2, 3))[: len(coefficients)]]
    axes += [np.linspace(0.001, 6, size)] * (len(places) - len(coefficients))
    values = np.meshgrid(*axes, indexing="ij")
    slopes, cuts = values[: len(coefficients)], values[len(coefficients) :]
    log_density = -sum(each**2 for each in slopes) / 10
    for lower, upper in itertools.pairwise(cuts):
        log_density = np.where(lower < upper, log_density, -np.inf)
    for row, (m, k) in enumerate(zip(mean, category, strict=True)):
        center = m + sum(x[row] * each for x, each in zip(design, slopes, strict=True))
        below = [0.0, stats.norm.cdf(-center), *(stats.norm.cdf(cut - center) for cut in cuts), 1.0]
        with np.errstate(divide="ignore"):
            log_density = log_density + np.log(np.maximum(below[k + 1] - below[k], 0.0))
    weight = np.exp(log_density - log_density.max())
    weight /= weight.sum()
    drawn = np.zeros((20_000, len(places)))
    for k in range(-500, len(drawn)):
        _conditional(run, variable)
        update(run.layout.tables, variable, len(mean), state, run.work, k < 0)
        drawn[k] = state.theta[places]
    assert 0.6 < state.accepted[variable, 0] / state.accepted[variable, 1] <= 1
    now = mean + sum(state.theta[place] * x for place, x in zip(places, design, strict=False))
    assert run.work.response_mean[: len(mean)] == pytest.approx(now)
    for k, grid in enumerate(values):
        for power in (1, 2):
            found = drawn[None, :, k] ** power
            assert chains.within(found.mean(), (weight * grid**power).sum(), chains.autocovariance_error(found))


def test_thresholds_without_data_keep_their_prior():
    """A step as wide as the prior: proposals that cannot be taken back must be refused."""
    model = small_models.build(
        {"y": np.array([1.0, *[np.nan] * 4]), "x": np.zeros(5)},
        [("y", [("a", Column("x"))])],
        priors={"a": Prior("normal", (0.0, 1.0)), "y2": Prior("normal", (0.0, 1.0)), "y3": Prior("normal", (0.0, 1.0))},
        ordinal={"y": 4},
    )
    run = ChainRun.make_all(model, plan(model), 20_000, 0, 1, 5, 0, False)[0]
    run.start()
    places = [run.layout.parameters["y2"], run.layout.parameters["y3"]]
    run.state.widths[places[0]] = (1.0, 0.0)
    run.advance(20_000)
    expected = np.sort(np.abs(np.random.default_rng(1).normal(size=(400_000, 2))), axis=1)
    for k, place in enumerate(places):
        drawn = run.record.parameters[None, :, place]
        assert chains.within(drawn.mean(), expected[:, k].mean(), chains.autocovariance_error(drawn))


def test_draws_of_responses():
    from scipy import stats

    run = chains.chain(small_models.ordinal(n=40))
    draw, state, work = chains.callable_kernel(responses.draw), run.state, run.work
    update = chains.callable_kernel(response_steps.draw)
    variable, column = 1, run.layout.columns[Column("y", Form.LATENT_RESPONSE)]
    rows = [int(np.flatnonzero(run.layout.incomplete_rows == row)[0]) for row in _rows(run, variable)]
    _conditional(run, variable)
    # From the middle of a category to far in its tails, where draws are made by rejection.
    work.response_mean[:6] = 0.3, -2.0, 3.0, 12.0, -45.0, 45.0
    update(run.layout.tables, variable, len(rows), state, work, False)
    drawn = np.zeros((4000, 6))
    for k in range(len(drawn)):
        draw(run.layout.tables, variable, len(rows), state, work)
        drawn[k] = state.columns[column, rows[:6]]
    for k in range(6):
        category, mean = _category(run, variable)[k], work.response_mean[k]
        lower, upper = work.bounds[0, category] - mean, work.bounds[0, category + 1] - mean
        assert (drawn[:, k] >= work.bounds[0, category]).all() and (drawn[:, k] <= work.bounds[0, category + 1]).all()
        assert stats.kstest(drawn[:, k] - mean, stats.truncnorm(lower, upper).cdf).pvalue > 1e-4, k


# ---------------------------------------------------------------- whole posteriors


def _data(n: int = 30, seed: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = np.array([10.0, 20.0, 40.0])[np.digitize(0.3 + 0.7 * x + rng.normal(size=n), [0.0, 0.9])]
    y[3] = np.nan
    return pd.DataFrame({"x": x, "y": y})


def _probit(codes, size: int = 101) -> tuple[list[np.ndarray], np.ndarray]:
    """Posterior of intercept, slope and (three codes) the second threshold, on a grid."""
    from scipy import stats

    table = _data().dropna()
    axes = [np.linspace(-1.5, 2.5, size), np.linspace(-1.0, 3.5, size)]
    if len(codes) > 2:
        axes.append(np.linspace(0.0, 4.0, size))
    a, b, *rest = np.meshgrid(*axes, indexing="ij")
    log_density = -(a**2 + b**2) / 10
    for x, y in table.itertuples(index=False):
        mean = a + b * x
        below = [0.0, stats.norm.cdf(-mean), *(stats.norm.cdf(t - mean) for t in rest), 1.0]
        k = min(int(np.searchsorted((10.0, 20.0, 40.0), y)), len(codes) - 1)
        log_density += np.log(np.maximum(below[k + 1] - below[k], 1e-300))
    weight = np.exp(log_density - log_density.max())
    return [a, b, *rest], weight / weight.sum()


@pytest.mark.parametrize("codes", [(10.0, 20.0), (10.0, 20.0, 40.0)])
def test_probit_regression_is_that_of_integration(codes):
    table = _data()
    table["y"] = table["y"].where(table["y"].isna() | table["y"].isin(codes), codes[-1])
    model = resolve("ORDINAL: y; FIXED: x; MODEL: y ~ x;", table)
    draws = sample(model, draws=15_000, burn=500, chains=2, seed=3)
    values, weight = _probit(codes)
    names = ("y ~ Intercept", "y ~ x", "y threshold 2")[: len(values)]
    for name, grid in zip(names, values, strict=True):
        for power in (1, 2):
            drawn = draws.parameter(name) ** power
            error = chains.autocovariance_error(drawn)
            assert chains.within(drawn.mean(), (weight * grid**power).sum(), error), (name, power)
    # The missing outcome is drawn with the posterior probabilities of its categories.
    from scipy import stats

    mean = values[0] + values[1] * table["x"][3]
    probability = (weight * stats.norm.cdf(-mean)).sum()
    drawn = draws.cell_mean["y"][0]
    if len(codes) == 2:
        assert abs((20 - drawn) / 10 - probability) < 0.015
    assert set(np.unique(draws.imputations.values["y"])) <= set(codes)


def _indicators(n: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(12)
    f = rng.normal(size=n)
    table = pd.DataFrame({f"y{k}": 1.0 + np.digitize(0.2 * k + f + rng.normal(size=n), [0.0, 1.0]) for k in range(3)})
    table["x"] = 0.7 * f + rng.normal(size=n)
    table["b"] = (0.5 * f + rng.normal(size=n) > 0).astype(float)
    for name in table.columns:
        table.loc[rng.random(n) < 0.1, name] = np.nan
    return table


INDICATORS = "ORDINAL: y0:y2 b; LATENT: f; MODEL: f -> y0:y2 x; b ~ f;"


def _numpy_gibbs(model: Model, n: int, seed: int) -> dict[str, np.ndarray]:
    """Albert and Chib's sampler of the indicator model, written down for it alone."""
    from scipy.special import ndtr, ndtri

    rng = np.random.default_rng(seed)
    items = ["y0", "y1", "y2", "x", "b"]
    observed = {name: ~np.isnan(model.data[name]) for name in items}
    rows = model.frame.n_rows
    f, variance, psi = rng.normal(size=rows), 1.0, 1.0
    star = {name: np.where(observed[name], model.data[name], 0.0) for name in items}
    nu, loading = dict.fromkeys(items, 0.0), dict.fromkeys(items, 1.0)
    bounds = {name: np.array([-np.inf, 0.0, 0.7, np.inf]) if name[0] == "y" else np.array([-np.inf, 0.0, np.inf])
              for name in items if name != "x"}  # fmt: skip
    kept: dict[str, list[float]] = {}
    for _ in range(n):
        for name in items:
            mean = nu[name] + loading[name] * f
            if name == "x":
                drawn = mean + np.sqrt(variance) * rng.normal(size=rows)
                star[name] = np.where(observed[name], model.data[name], drawn)
                continue
            k = np.where(observed[name], model.data[name], 1.0).astype(int) - (name[0] == "y")
            low, high = (ndtr(bounds[name][k + shift] - mean) for shift in (0, 1))
            low, high = np.where(observed[name], low, 0.0), np.where(observed[name], high, 1.0)
            star[name] = mean + ndtri(np.clip(low + (high - low) * rng.random(rows), 1e-12, 1 - 1e-12))
            if name[0] == "y":
                top = star[name][observed[name] & (k == 2)].min()
                bounds[name][2] = rng.uniform(star[name][observed[name] & (k == 1)].max(), top)
        for name in items:
            s2 = variance if name == "x" else 1.0
            design = np.ones((rows, 1)) if name == "y0" else np.column_stack([np.ones(rows), f])
            target = star[name] - f if name == "y0" else star[name]
            precision = design.T @ design / s2 + np.eye(design.shape[1]) * (0.0 if name == "x" else 0.2)
            root = np.linalg.cholesky(precision)
            center = np.linalg.solve(precision, design.T @ target / s2)
            drawn = center + np.linalg.solve(root.T, rng.normal(size=design.shape[1]))
            nu[name], loading[name] = drawn[0], 1.0 if name == "y0" else drawn[1]
        squares = ((star["x"] - nu["x"] - loading["x"] * f) ** 2).sum()
        variance = squares / 2 / rng.gamma(rows / 2 - 1)
        psi = (f**2).sum() / 2 / rng.gamma(rows / 2 - 1)
        scale = {name: variance if name == "x" else 1.0 for name in items}
        p = 1 / psi + sum(loading[name] ** 2 / scale[name] for name in items)
        h = sum(loading[name] * (star[name] - nu[name]) / scale[name] for name in items)
        f = h / p + rng.normal(size=rows) / np.sqrt(p)
        values = {"f residual variance": psi, "x residual variance": variance}
        values |= {f"{name} ~ Intercept": nu[name] for name in items}
        values |= {f"{name} ~ f": loading[name] for name in items if name != "y0"}
        values |= {f"{name} threshold 2": bounds[name][2] for name in ("y0", "y1", "y2")}
        for key, value in values.items():
            kept.setdefault(key, []).append(value)
    return {name: np.array(values[n // 10 :])[None] for name, values in kept.items()}


@pytest.mark.slow
def test_indicators_with_categories_are_those_of_a_sampler_for_them_alone():
    model = resolve(INDICATORS, _indicators())
    draws = sample(model, draws=40_000, burn=1000, chains=2, seed=3)
    other = _numpy_gibbs(model, 60_000, 1)
    for name, values in other.items():
        drawn = draws.parameter(name)
        # The other sampler's thresholds mix slowly: wide batches.
        batches = values[0, : values.size - values.size % 60].reshape(60, -1).mean(axis=1)
        error = np.hypot(chains.autocovariance_error(drawn), batches.std(ddof=1) / np.sqrt(60))
        assert chains.within(drawn.mean(), values.mean(), error), name
        # Loadings have heavy tails, which a chain that mixes slowly seldom visits: the middle half is compared.
        quartiles = [np.ptp(np.quantile(each, [0.25, 0.75])) for each in (drawn, values)]
        assert quartiles[0] == pytest.approx(quartiles[1], rel=0.1), name


# ---------------------------------------------------------------- what is recorded


def test_statistics_and_cells_of_responses():
    model = resolve(INDICATORS, _indicators())
    draws = sample(model, plan(model), draws=20, burn=50, chains=1, seed=3, n_imputations=20)
    cells = draws.imputations.values
    for k in range(20):
        p = dict(zip(draws.parameter_names, draws.parameters[0, k], strict=True))
        for name in ("y1", "b"):
            response, f = cells[f"{name}.latent"][k], cells["f"][k]
            bounds = [p[each] for each in model.equation_of[Column(name)].thresholds]
            score = np.array(model.variables[name].categories)[np.searchsorted(bounds, response)]
            known = ~model.missing(name)
            assert np.array_equal(score[known], model.data[name][known])
            assert np.array_equal(score[~known], cells[name][k])
            explained = draws.statistic(StatisticKind.PREDICTOR_VARIANCE, Column(name))[0, k]
            assert explained == pytest.approx((p[f"{name} ~ f"] * f).var(ddof=1))
            residual = response - p[f"{name} ~ Intercept"] - p[f"{name} ~ f"] * f
            product = draws.statistic(StatisticKind.RESIDUAL_PRODUCT, Column(name), Column(name))[0, k]
            assert product == pytest.approx(residual @ residual, rel=1e-9)
            column = Column(name, Form.LATENT_RESPONSE)
            assert draws.statistic(StatisticKind.COLUMN_MEAN, column)[0, k] == pytest.approx(response.mean())
    assert {each for each in draws.acceptance if not each.startswith("trajectories")} == {
        *(f"thresholds of y{k}" for k in range(3)),
        "coefficients of b",
    }
    assert Column("y1") in draws.column_summaries and Column("y1", Form.LATENT_RESPONSE) not in draws.column_summaries
