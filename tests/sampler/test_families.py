"""Outcomes that are not normal: every kernel against an independent joint density, and whole posteriors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sampler import chains, checked, family_density, family_models

from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.draws import StatisticKind
from blimp2pymc.sampler.kernels import (
    categories,
    cells,
    coefficients,
    nonlinear,
    outcomes,
    row_densities,
    scoring,
    slices,
    variances,
)
from blimp2pymc.sampler.numerics import generator
from blimp2pymc.sampler.numerics.polya_gamma import polya_gamma

MODELS = {
    "binary": family_models.binary,
    "nominal": family_models.nominal,
    "counts": family_models.counts,
    "variances": family_models.variances,
    "correlated": family_models.correlated,
}


def _chain(name):
    run = chains.chain(MODELS[name]())
    return run, chains.free_parameters(run), run.completed()


@pytest.mark.parametrize("name", MODELS)
def test_density_of_coefficients(name):
    run, free, data = _chain(name)
    tables, state = run.layout.tables, run.state
    before = family_density.log_target(run, free, data)
    size = len(run.work.vector[0])
    seen = 0
    for index, update in chains.steps(run, "coefficients"):
        matrix, vector = np.zeros((size, size)), np.zeros(size)
        n = chains.callable_kernel(coefficients.conditional)(
            tables.residuals, tables.priors, tables.coefficients, index, state.theta, state.coefficient,
            state.precision, state.sums, run.work.derivative, matrix, vector,
        )  # fmt: skip
        step = np.zeros(size)
        step[:n] = 0.1 * np.arange(1, n + 1)
        moved = free | {target: free[target] + step[k] for k, target in enumerate(update.targets)}
        change = family_density.log_target(run, moved, data) - before
        density = chains.callable_kernel(coefficients.log_density)(step, n, matrix, vector)
        assert density == pytest.approx(change, abs=1e-6), update
        seen += 1
    assert seen


@pytest.mark.parametrize("name", MODELS)
def test_density_of_variances(name):
    run, free, data = _chain(name)
    tables, state = run.layout.tables, run.state
    before = family_density.log_target(run, free, data)
    density = chains.callable_kernel(variances.log_density)
    for index, update in chains.steps(run, "variances"):
        shape, scale = chains.callable_kernel(variances.conditional)(
            tables.residuals, tables.variances, index, state.coefficient, state.sums
        )
        old = free[update.targets[0]]
        change = family_density.log_target(run, free | {update.targets[0]: 1.3 * old}, data) - before
        assert density(1.3 * old, shape, scale) - density(old, shape, scale) == pytest.approx(change, abs=1e-6)


@pytest.mark.parametrize("name", ["nominal", "counts", "variances", "correlated"])
def test_density_of_scored_coefficients(name):
    run, free, data = _chain(name)
    before = family_density.log_target(run, free, data)
    density = chains.callable_kernel(scoring.log_density)
    seen = 0
    for index, update in chains.steps(run, "scoring"):
        at_old = density(run.layout.tables, index, False, run.state, run.work)
        moved = free | {target: free[target] + 0.1 * (k + 1) for k, target in enumerate(update.targets)}
        for target in update.targets:
            run.state.theta[run.layout.parameters[target]] = moved[target]
        assert run.prepare()
        at_new = density(run.layout.tables, index, False, run.state, run.work)
        assert at_new - at_old == pytest.approx(family_density.log_target(run, moved, data) - before, abs=1e-6)
        for target in update.targets:
            run.state.theta[run.layout.parameters[target]] = free[target]
        assert run.prepare()
        seen += 1
    assert seen


@pytest.mark.parametrize("factor", [1, 40, 50_000])
def test_density_of_dispersion(factor):
    model = family_models.counts()
    # Counts of all sizes: up to a hundred, of which there is a table, and beyond.
    model.data["y"][::3] *= factor
    run = chains.chain(model)
    free, data = chains.free_parameters(run), run.completed()
    before = family_density.log_target(run, free, data)
    density = chains.callable_kernel(slices.log_density)
    (found,) = chains.steps(run, "slice")
    index, update = found
    assert update.targets == ("y dispersion",)
    at_old = density(run.layout.tables, index, free["y dispersion"], run.state, run.work)
    for value in (1e-7, 1e-3, 0.4, 20.0) if factor == 1 else (1e-3, 0.4, 20.0):
        at_new = density(run.layout.tables, index, value, run.state, run.work)
        if value < 1e-6:
            # The oracle has no digits left here; the kernel has, next to the poisson distribution.
            limit = density(run.layout.tables, index, 1e-9, run.state, run.work)
            assert at_new == pytest.approx(limit, abs=1e-2)
            continue
        change = family_density.log_target(run, free | {"y dispersion": value}, data) - before
        assert at_new - at_old == pytest.approx(change, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("dispersion", [1e-12, 1e-6, 0.01, 0.5, 30.0, 1e5])
def test_rising_factorials(dispersion):
    rising = chains.callable_kernel(row_densities.log_rising)
    for count in (100, 101, 5_000, 1_000_000):
        exact = math.fsum(np.log1p(dispersion * np.arange(100, count)))
        assert rising(count, 100, dispersion) == pytest.approx(exact, rel=1e-10, abs=1e-8)


@pytest.mark.parametrize("name", ["binary", "variances", "correlated"])
def test_density_of_linear_cells(name):
    run, free, data = _chain(name)
    tables, state = run.layout.tables, run.state
    before = family_density.log_target(run, free, data)
    rows = run.layout.incomplete_rows
    names = [column.variable for column in run.layout.columns]
    seen = set()
    for block in np.flatnonzero(tables.cells.phase == 0):
        low = tables.cells.low[block]
        size = chains.callable_kernel(cells.conditional)(
            tables.residuals, tables.cells, block, low, 1, state.columns, state.coefficient, state.precision, run.work
        )
        first = tables.cells.member_start[block]
        members = [names[k] for k in tables.cells.member[first : first + size]]
        seen.update(members)
        old = np.array([data[each][rows[low]] for each in members])
        new = old + 0.3 * np.arange(1, size + 1)
        density = chains.callable_kernel(cells.log_density)
        changed = {key: values.copy() for key, values in data.items()}
        for each, value in zip(members, new, strict=True):
            changed[each][rows[low]] = value
        change = family_density.log_target(run, free, changed) - before
        assert density(new, size, 0, run.work) - density(old, size, 0, run.work) == pytest.approx(change, abs=1e-6)
    assert seen == {"binary": {"x", "w", "u"}, "variances": {"y", "z"}, "correlated": {"y", "u", "z", "q"}}[name]


@pytest.mark.parametrize("name", ["nominal", "counts", "variances", "correlated"])
def test_density_of_nonlinear_cells(name):
    run, free, data = _chain(name)
    tables, state = run.layout.tables, run.state
    before = family_density.log_target(run, free, data)
    rows = run.layout.incomplete_rows
    names = [column.variable for column in run.layout.columns]
    seen = set()
    for index in range(len(tables.nonlinear.column)):
        column, row = tables.nonlinear.column[index], tables.nonlinear.low[index]
        seen.add(names[column])
        arguments = (state.columns, state.theta, state.coefficient, state.precision, run.work)
        chains.callable_kernel(nonlinear.conditional)(
            tables.residuals, tables.nonlinear, index, row, state.columns, state.coefficient, run.work.by_equation
        )
        density = chains.callable_kernel(nonlinear.log_density)
        old = state.columns[column, row]
        at_old = density(tables, index, row, old, *arguments)
        for value in (old - 1.0, old + 0.5):
            changed = {key: values.copy() for key, values in data.items()}
            changed[names[column]][rows[row]] = value
            change = family_density.log_target(run, free, changed) - before
            assert density(tables, index, row, value, *arguments) - at_old == pytest.approx(change, abs=1e-6)
        density(tables, index, row, old, *arguments)
    assert seen == {"x"}


@pytest.mark.parametrize("c", [0.0, 0.7, -3.0, 12.0, 90.0, 2000.0])
def test_distribution_of_weights(c):
    state = generator.generator_states(7, 1)[0]
    draw = chains.callable_kernel(polya_gamma)
    draws = np.array([draw(state, c) for _ in range(20_000)])
    c = abs(c)
    mean = 0.25 if c == 0 else np.tanh(c / 2) / (2 * c)
    # The whole distribution by its Laplace transform cosh(c/2) / cosh(sqrt(c^2/4 + t/2)).
    for t in (0.3 / mean, 1 / mean, 4 / mean):
        root = np.sqrt(c * c / 4 + t / 2)
        expected = np.exp(np.logaddexp(c / 2, -c / 2) - np.logaddexp(root, -root))
        transformed = np.exp(-t * draws)
        assert chains.within(transformed.mean(), expected, transformed.std() / np.sqrt(draws.size))
    assert chains.within(draws.mean(), mean, draws.std() / np.sqrt(draws.size))


@pytest.mark.parametrize("eta", [-2.0, 0.4, 5.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_weights_turn_categories_into_normal_responses(eta, y):
    # p(y) = exp((y - 1/2) eta)/2 times the mean of exp(-w eta^2/2) over w ~ PG(1, 0).
    state = generator.generator_states(8, 1)[0]
    draw = chains.callable_kernel(polya_gamma)
    parts = np.array([np.exp(-0.5 * draw(state, 0.0) * eta**2) for _ in range(40_000)])
    scale = 0.5 * np.exp((y - 0.5) * eta)
    expected = 1 / (1 + np.exp(-eta)) if y else 1 / (1 + np.exp(eta))
    assert chains.within(scale * parts.mean(), expected, scale * parts.std() / np.sqrt(parts.size))


@pytest.mark.parametrize("mean", [0.2, 3.0, 11.0, 400.0])
@pytest.mark.parametrize("dispersion", [1e-13, 0.05, 2.0])
def test_draws_of_counts(mean, dispersion):
    from scipy import stats

    state = generator.generator_states(9, 1)[0]
    draw = chains.callable_kernel(outcomes.negative_binomial)
    draws = np.array([draw(state, mean, dispersion) for _ in range(20_000)])
    expected = stats.nbinom(1 / dispersion, 1 / (1 + dispersion * mean)) if dispersion > 1e-6 else stats.poisson(mean)
    cuts = np.unique(expected.ppf(np.linspace(0.05, 0.95, 19)))
    observed = np.histogram(draws, [-0.5, *(cuts + 0.5), np.inf])[0]
    probabilities = np.diff([0.0, *expected.cdf(cuts), 1.0])
    keep = probabilities * draws.size > 5
    observed = np.append(observed[keep], observed[~keep].sum())
    probabilities = np.append(probabilities[keep], probabilities[~keep].sum())
    if probabilities[-1] == 0.0:
        observed, probabilities = observed[:-1], probabilities[:-1]
    assert stats.chisquare(observed, draws.size * probabilities).pvalue > 1e-4


def _curvature(function, point, distance=1e-3):
    """Second derivatives, by central differences."""
    size = len(point)
    steps = distance * np.eye(size)
    found = np.empty((size, size))
    for i in range(size):
        for j in range(i + 1):
            ends = [function(point + s * steps[i] + t * steps[j]) for s in (1, -1) for t in (1, -1)]
            found[i, j] = found[j, i] = (ends[0] - ends[1] - ends[2] + ends[3]) / (4 * distance**2)
    return found


def _own_posterior(model, names, n=6000):
    """Posterior means and deviations of the parameters of y given complete data, by importance sampling."""
    from scipy import optimize, stats

    values = dict.fromkeys((name for name, each in model.parameters.items() if each.is_free), 1.0)
    positive = np.array([name.endswith(("dispersion", "variance")) for name in names])
    correlations = np.array([name.startswith("r ") for name in names])

    def natural(point):
        return np.where(correlations, np.tanh(point), np.where(positive, np.exp(point), point))

    def log_density(point):
        free = values | dict(zip(names, natural(point), strict=True))
        priors = sum(family_density.joint_density.log_prior(model.parameters[name].prior, free[name]) for name in names)
        likelihood = family_density.log_likelihoods(model, free, model.data)["y"][0].sum()
        jacobian = point[positive].sum() - 2 * np.log(np.cosh(point[correlations])).sum()
        return priors + likelihood + jacobian

    def loss(point):
        return -max(log_density(point), -1e10)

    best = optimize.minimize(loss, np.zeros(len(names)), method="BFGS")
    proposal = stats.multivariate_t(best.x, 1.3 * np.linalg.inv(_curvature(loss, best.x)), df=6, seed=3)
    points = proposal.rvs(n)
    log_weights = np.array([log_density(point) for point in points]) - proposal.logpdf(points)
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    drawn = natural(points)
    mean = weights @ drawn
    deviation = np.sqrt(weights @ (drawn - mean) ** 2)
    error = np.sqrt((weights**2) @ (drawn - mean) ** 2)
    return mean, deviation, error


OWN = {
    "binary": ("y0", "yx", "yw", "yxw"),
    "nominal": ("a0", "ax", "aw", "b0", "bx", "bw"),
    "counts": ("y0", "yx", "yw", "y dispersion"),
    "variances": ("y0", "yx", "v0", "vx"),
    "correlated": (
        "y0",
        "yx",
        "v0",
        "vx",
        "u0",
        "s0",
        "sw",
        "z0",
        "zx",
        "z residual variance",
        "r uy",
        "r uz",
        "r yz",
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_scored_coefficients_have_their_posterior(name):
    model = MODELS[name](missing=False)
    draws = sample(model, draws=20_000, burn=300, chains=2, seed=4)
    mean, deviation, error = _own_posterior(model, OWN[name])
    for k, parameter in enumerate(OWN[name]):
        drawn = draws.parameter(parameter)
        own = np.hypot(chains.autocovariance_error(drawn), error[k])
        assert chains.within(drawn.mean(), mean[k], own), parameter
        assert drawn.std() == pytest.approx(deviation[k], rel=0.08), parameter


def test_counts_too_large_to_compute_keep_their_density():
    # Far out on the log scale a count must become less likely, not more.
    model = family_models.counts(missing=False)
    run = chains.chain(model)
    state = run.state
    (index, _), *_ = chains.steps(run, "scoring")
    found = []
    for intercept in (5.0, 50.0, 800.0, 5000.0):
        state.theta[run.layout.parameters["y0"]] = intercept
        assert run.prepare()
        found.append(chains.callable_kernel(scoring.log_density)(run.layout.tables, index, False, state, run.work))
    assert np.isfinite(found).all()
    assert found == sorted(found, reverse=True)


def test_prior_of_separated_categories_holds_the_chain():
    # Every x above zero goes with 1: without a prior the slope has no posterior.
    model = family_models.binary(n=40, missing=False)
    model.data["y"][...] = model.data["x"] > 0
    mean, deviation, _ = _own_posterior(model, OWN["binary"])
    draws = sample(model, draws=6000, burn=300, chains=2, seed=4)
    for k, parameter in enumerate(OWN["binary"]):
        assert abs(draws.parameter(parameter).mean() - mean[k]) < 0.12 * deviation[k], parameter


def _completed(model, draws, k):
    data = {name: values.copy() for name, values in model.data.items()}
    for name, values in draws.imputations.values.items():
        data[name][np.isnan(model.data[name])] = values[k]
    return data, dict(zip(draws.parameter_names, draws.parameters[0, k], strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_log_likelihood_of_rows(name):
    model = MODELS[name]()
    draws = sample(model, draws=20, burn=20, chains=1, seed=3, n_imputations=20)
    rows = np.zeros((20, model.frame.n_rows))
    for k in range(20):
        data, parameters = _completed(model, draws, k)
        rows[k] = sum(each for each, _ in family_density.log_likelihoods(model, parameters, data).values())
        for equation in model.equations:
            if equation.residual_variance is not None and equation.outcome not in model.block_of:
                residual = data[equation.name] - family_density.predictor(equation.terms, parameters, data)
                variance = parameters[equation.residual_variance]
                rows[k] -= 0.5 * (np.log(2 * np.pi * variance) + residual**2 / variance)
    assert draws.log_likelihood.mean == pytest.approx(rows.mean(axis=0))
    assert draws.log_likelihood.variance == pytest.approx(rows.var(axis=0, ddof=1))


def test_a_missing_category_sets_the_variance_it_predicts():
    for name in ("centered categories that predict a variance",
                 "categories and counts that predict variances of correlated residuals"):  # fmt: skip
        run = chains.chain(checked.case(name))
        places = run.layout.tables.families.precision
        places = places[places >= 0]
        before = run.state.columns[places].copy()
        assert chains.callable_kernel(categories.update)(run.layout.tables, run.state, run.work) == -1
        drawn = run.state.columns[places].copy()
        assert not np.allclose(drawn, before)
        assert run.prepare()
        assert run.state.columns[places] == pytest.approx(drawn, rel=1e-12)


@pytest.mark.parametrize("name", ["variances", "correlated"])
def test_recorded_variances_of_rows(name):
    model = MODELS[name]()
    draws = sample(model, draws=10, burn=20, chains=1, seed=3, n_imputations=10)
    outcome = model.equation_of[family_models.Column("y")].outcome
    for k in range(10):
        data, parameters = _completed(model, draws, k)
        terms = model.equation_of[outcome].variance_terms
        variance = np.exp(family_density.predictor(terms, parameters, data))
        assert draws.statistic(StatisticKind.ROW_VARIANCE_MEAN, outcome)[0, k] == pytest.approx(variance.mean())
        for probability in (0.25, 0.5, 0.75):
            found = draws.statistic(StatisticKind.ROW_VARIANCE_QUANTILE, outcome, probability)[0, k]
            assert found == pytest.approx(np.quantile(variance, probability))
