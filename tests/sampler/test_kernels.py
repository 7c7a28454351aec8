"""Every kernel against an independent joint density, and its draws against its own conditional."""

from __future__ import annotations

import hand_built
import numpy as np
import pytest
from sampler import chains, joint_density, small_models

from blimp2pymc.sampler.kernels import cells, coefficients, covariances, nonlinear, slices, variances
from blimp2pymc.sampler.numerics import generator

MODELS = {
    "interaction": hand_built.interaction,
    "mediators": hand_built.correlated_mediators,
    "powers": small_models.powers,
    "definitions": small_models.definitions,
    "structured": small_models.structured,
    "shared": small_models.shared_variance,
    "centered": small_models.centered_outcome,
}


def _log_joint(run, free, data):
    return joint_density.log_joint(run.layout.model, free, data)


def _coefficient_conditional(run, index):
    tables, state = run.layout.tables, run.state
    size = len(run.work.vector[0])
    matrix, vector = np.zeros((size, size)), np.zeros(size)
    size = chains.callable_kernel(coefficients.conditional)(
        tables.residuals, tables.priors, tables.coefficients, index, state.theta, state.coefficient,
        state.precision, state.sums, run.work.derivative, matrix, vector,
    )  # fmt: skip
    return size, matrix, vector


def _coefficient_densities(name, collapsed):
    run = chains.chain(MODELS[name](), collapsed=collapsed)
    rng = np.random.default_rng(4)
    free, data = chains.free_parameters(run), run.completed()
    tables = run.layout.tables
    found = 0
    for index, update in chains.steps(run, "coefficients", "means", "bounded"):
        size, matrix, vector = _coefficient_conditional(run, index)
        step = np.zeros(len(vector))
        step[:size] = 0.1 * rng.normal(size=size)
        density = chains.callable_kernel(coefficients.log_density)(step, size, matrix, vector)
        theta = run.state.theta.copy()
        for place, target in enumerate(update.targets):
            theta[run.layout.parameters[target]] += step[place]
        scratch = np.zeros((2, len(theta)))
        first = tables.coefficients.shift_start[index]
        for shift, each in enumerate(update.shifts):
            chains.callable_kernel(coefficients.move_along)(
                tables.coefficients, first + shift, step[update.targets.index(each.mean)], theta, *scratch
            )
        moved = {parameter: theta[run.layout.parameters[parameter]] for parameter in free}
        if not all(run.layout.model.parameters[t].prior.lower < moved[t] for t in update.targets):
            continue
        found += 1
        change = _log_joint(run, moved, data) - _log_joint(run, free, data)
        if any(run.layout.plan.structure.groups[k].is_cut for k in _groups(run, update)):
            change = joint_density.log_joint(run.layout.model, moved, data, cuts=True) - joint_density.log_joint(
                run.layout.model, free, data, cuts=True
            )
        assert density == pytest.approx(change, abs=1e-6), update
    assert found


def _groups(run, update):
    groups = run.layout.plan.structure.groups
    return [k for k, group in enumerate(groups) if set(update.targets) & group.parameters]


@pytest.mark.parametrize("name", MODELS)
def test_density_of_coefficients(name):
    _coefficient_densities(name, False)


@pytest.mark.parametrize("name", ["interaction", "centered"])
def test_density_of_means(name):
    # With outcomes drawn, the joint density must change as the mean's own equations say: the others stay as they are.
    model = MODELS[name](missing=0.0) if name == "interaction" else small_models.centered_outcome()
    run = chains.chain(model, collapsed=True)
    assert any(update.shifts for update in run.layout.plan.updates)
    if name == "interaction":
        _coefficient_densities_complete(run)
    for _, update in chains.steps(run, "means"):
        assert update.shifts


def _coefficient_densities_complete(run):
    free, data = chains.free_parameters(run), run.completed()
    tables = run.layout.tables
    for index, update in chains.steps(run, "means"):
        size, matrix, vector = _coefficient_conditional(run, index)
        step = np.zeros(len(vector))
        step[:size] = 0.3
        theta = run.state.theta.copy()
        for place, target in enumerate(update.targets):
            theta[run.layout.parameters[target]] += step[place]
        for shift, each in enumerate(update.shifts, tables.coefficients.shift_start[index]):
            chains.callable_kernel(coefficients.move_along)(
                tables.coefficients, shift, step[update.targets.index(each.mean)], theta, *np.zeros((2, len(theta)))
            )
        moved = {name: theta[run.layout.parameters[name]] for name in free}
        density = chains.callable_kernel(coefficients.log_density)(step, size, matrix, vector)
        assert density == pytest.approx(_log_joint(run, moved, data) - _log_joint(run, free, data), abs=1e-6)


def test_draws_of_coefficients():
    run = chains.chain(hand_built.interaction())
    draw = chains.callable_kernel(coefficients.draw)
    tables, state = run.layout.tables, run.state
    index, _ = next(chains.steps(run, "coefficients"))
    size, matrix, vector = _coefficient_conditional(run, index)
    lower = np.tril(matrix[:size, :size])
    precision = lower + np.tril(lower, -1).T
    mean = np.linalg.solve(precision, vector[:size])
    whitened = []
    for _ in range(20_000):
        step = vector.copy()
        assert draw(
            tables.priors, tables.coefficients, index, state.theta, size, matrix.copy(), step, 0.0, state.generator
        )
        whitened.append(np.linalg.cholesky(precision).T @ (step[:size] - mean))
    _assert_standard_normal(np.array(whitened))


def _assert_standard_normal(draws):
    n = len(draws)
    assert np.all(np.abs(draws.mean(axis=0)) < 4.5 / np.sqrt(n))
    covariance = np.cov(draws.T).reshape(draws.shape[1], -1)
    assert np.all(np.abs(covariance - np.eye(draws.shape[1])) < 4.5 * np.sqrt(2 / n))


def test_draws_of_a_bounded_coefficient():
    from scipy import stats

    run = chains.chain(small_models.definitions())
    tables, state = run.layout.tables, run.state
    index, update = next(chains.steps(run, "bounded"))
    assert update.targets == ("yz",)
    _, matrix, vector = _coefficient_conditional(run, index)
    place = run.layout.parameters["yz"]
    state.theta[place] = 0.0
    for gradient in (-3.0, 0.0, 3.0):
        matrix[0, 0], vector[0] = 4.0, gradient
        draws = []
        for _ in range(20_000):
            step = vector.copy()
            kernel = chains.callable_kernel(coefficients.draw)
            assert kernel(tables.priors, tables.coefficients, index, state.theta, 1, matrix, step, 0.0, state.generator)
            draws.append(step[0])
        mean = gradient / 4
        expected = stats.truncnorm((0 - mean) / 0.5, np.inf, mean, 0.5)
        assert stats.kstest(draws, expected.cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", ["interaction", "mediators", "powers", "shared"])
def test_density_of_variances(name):
    run = chains.chain(MODELS[name]())
    tables, state = run.layout.tables, run.state
    free, data = chains.free_parameters(run), run.completed()
    found = 0
    for index, update in chains.steps(run, "variances"):
        shape, scale = chains.callable_kernel(variances.conditional)(
            tables.residuals, tables.variances, index, state.coefficient, state.sums
        )
        density = chains.callable_kernel(variances.log_density)
        old = free[update.targets[0]]
        moved = free | {update.targets[0]: 1.3 * old}
        change = _log_joint(run, moved, data) - _log_joint(run, free, data)
        assert density(1.3 * old, shape, scale) - density(old, shape, scale) == pytest.approx(change, abs=1e-6)
        found += 1
    assert found


def test_draws_of_variances():
    from scipy import stats

    state = generator.generator_states(7, 1)[0]
    draw = chains.callable_kernel(variances.draw)
    for shape, scale in ((0.4, 1.0), (3.0, 2.0), (250.0, 300.0)):
        draws = [draw(shape, scale, state) for _ in range(20_000)]
        assert stats.kstest(draws, stats.invgamma(shape, scale=scale).cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", ["interaction", "mediators"])
def test_density_of_covariances(name):
    run = chains.chain(MODELS[name]())
    tables, state = run.layout.tables, run.state
    free, data = chains.free_parameters(run), run.completed()
    index, update = next(chains.steps(run, "covariances"))
    group = tables.covariance[index]
    scale = np.zeros((2, 2))
    degrees = chains.callable_kernel(covariances.conditional)(
        tables.residuals, tables.priors, group, state.coefficient, state.sums, scale
    )
    density = chains.callable_kernel(covariances.log_density)
    first, second, correlation = update.targets

    def at(values):
        root = np.sqrt(values[first] * values[second])
        sigma = np.array([[values[first], values[correlation] * root], [values[correlation] * root, values[second]]])
        value = density(np.linalg.inv(sigma), np.linalg.slogdet(sigma)[1], 2, scale, degrees)
        # The kernel's density is that of the matrix; the oracle's that of variances and correlation.
        return value + np.log(root)

    moved = free | {first: 1.2 * free[first], second: 0.9 * free[second], correlation: 0.5 * free[correlation]}
    change = _log_joint(run, moved, data) - _log_joint(run, free, data)
    assert at(moved) - at(free) == pytest.approx(change, abs=1e-6)


def test_draws_of_covariances():
    rng = np.random.default_rng(3)
    root = rng.normal(size=(3, 3)) + 3 * np.eye(3)
    scale = root @ root.T
    state = generator.generator_states(8, 1)[0]
    draw = chains.callable_kernel(covariances.draw)
    degrees, n = 9.0, 20_000
    total, determinants = np.zeros((3, 3)), []
    for _ in range(n):
        drawn = np.zeros((3, 3))
        assert draw(3, scale.copy(), degrees, state, np.zeros((3, 3)), drawn)
        # Whitened precisions are Wishart with identity scale.
        whitened = root.T @ np.linalg.inv(drawn) @ root
        total += whitened
        determinants.append(np.linalg.slogdet(whitened)[1])
    from scipy.special import digamma, polygamma

    assert np.all(np.abs(total / n - degrees * np.eye(3)) < 4.5 * np.sqrt(2 * degrees / n))
    expected = sum(digamma((degrees - i) / 2) + np.log(2) for i in range(3))
    spread = np.sqrt(sum(polygamma(1, (degrees - i) / 2) for i in range(3)))
    assert chains.within(np.mean(determinants), expected, spread / np.sqrt(n))


@pytest.mark.parametrize("name", MODELS)
def test_density_of_cells(name):
    run = chains.chain(MODELS[name]())
    tables, state = run.layout.tables, run.state
    rng = np.random.default_rng(5)
    free, data = chains.free_parameters(run), run.completed()
    rows = run.layout.incomplete_rows
    names = [column.variable for column in run.layout.columns]
    conditional = chains.callable_kernel(cells.conditional)
    density = chains.callable_kernel(cells.log_density)
    before = _log_joint(run, free, data)
    assert tables.cells.phase.size
    for block in range(tables.cells.phase.size):
        low = tables.cells.low[block]
        n = min(256, tables.cells.high[block] - low)
        size = conditional(
            tables.residuals, tables.cells, block, low, n, state.columns, state.coefficient, state.precision, run.work
        )
        row = int(rng.integers(n))
        members = tables.cells.member[tables.cells.member_start[block] : tables.cells.member_start[block + 1]]
        old = state.columns[members, low + row].copy()
        new = old + rng.normal(size=size)
        changed = {key: values.copy() for key, values in data.items()}
        for member, value in zip(members, new, strict=True):
            changed[names[member]][rows[low + row]] = value
        change = _log_joint(run, free, changed) - before
        assert density(new, size, row, run.work) - density(old, size, row, run.work) == pytest.approx(change, abs=1e-6)


@pytest.mark.parametrize("name", ["interaction", "mediators"])
def test_draws_of_cells(name):
    run = chains.chain(MODELS[name]())
    tables, state = run.layout.tables, run.state
    conditional, draw = chains.callable_kernel(cells.conditional), chains.callable_kernel(cells.draw)
    for block in range(tables.cells.phase.size):
        low, high = tables.cells.low[block], tables.cells.high[block]
        n = min(256, high - low)
        members = tables.cells.member[tables.cells.member_start[block] : tables.cells.member_start[block + 1]]
        arguments = (tables.residuals, tables.cells, block, low, n)
        size = conditional(*arguments, state.columns, state.coefficient, state.precision, run.work)
        precision, linear = run.work.precision[:, :, :n].copy(), run.work.linear[:, :n].copy()
        whitened = []
        columns = state.columns.copy()
        for _ in range(2000):
            run.work.precision[:, :, :n], run.work.linear[:, :n] = precision, linear
            draw(tables.cells, block, size, low, n, columns, 0.0, state.generator, run.work)
            whitened.append(columns[members, low : low + n].copy())
        drawn = np.array(whitened)
        for row in range(min(n, 3)):
            lower = np.tril(precision[:size, :size, row])
            full = lower + np.tril(lower, -1).T
            mean = np.linalg.solve(full, linear[:size, row])
            _assert_standard_normal((drawn[:, :, row] - mean) @ np.linalg.cholesky(full))


def test_density_and_draws_of_nonlinear_cells():
    run = chains.chain(small_models.powers())
    tables, state = run.layout.tables, run.state
    free, data = chains.free_parameters(run), run.completed()
    rows = run.layout.incomplete_rows
    names = [column.variable for column in run.layout.columns]
    conditional = chains.callable_kernel(nonlinear.conditional)
    density, draw = chains.callable_kernel(nonlinear.log_density), chains.callable_kernel(nonlinear.draw)
    before = _log_joint(run, free, data)
    seen = set()
    for index in range(tables.nonlinear.column.size):
        column, row = tables.nonlinear.column[index], tables.nonlinear.low[index]
        seen.add(names[column])
        columns = state.columns.copy()
        conditional(tables.residuals, tables.nonlinear, index, row, columns, state.coefficient, run.work.by_equation)
        arguments = (columns, state.theta, state.coefficient, state.precision, run.work)
        old = columns[column, row]
        at_old = density(tables, index, row, old, *arguments)
        for value in (old - 1.0, old + 0.5):
            changed = {key: values.copy() for key, values in data.items()}
            changed[names[column]][rows[row]] = value
            change = _log_joint(run, free, changed) - before
            assert density(tables, index, row, value, *arguments) - at_old == pytest.approx(change, abs=1e-6)
        grid = np.linspace(-12, 12, 20_001)
        log_density = np.array([density(tables, index, row, x, *arguments) for x in grid])
        weight = np.exp(log_density - log_density.max())
        weight /= weight.sum()
        mean = weight @ grid
        deviation = np.sqrt(weight @ (grid - mean) ** 2)
        draws = np.zeros((1, 20_000))
        for k in range(draws.size):
            assert draw(tables, index, row, state, run.work, False)
            draws[0, k] = state.columns[column, row]
        error = chains.autocovariance_error(draws)
        assert chains.within(draws.mean(), mean, error)
        squared = (draws - mean) ** 2
        assert chains.within(squared.mean(), deviation**2, chains.autocovariance_error(squared))
        state.columns[...] = columns
        density(tables, index, row, old, state.columns, state.theta, state.coefficient, state.precision, run.work)
    assert seen == {"w", "x"}


@pytest.mark.parametrize("name", ["definitions", "structured"])
def test_density_of_slices(name):
    run = chains.chain(MODELS[name]())
    tables, state = run.layout.tables, run.state
    free, data = chains.free_parameters(run), run.completed()
    density = chains.callable_kernel(slices.log_density)
    seen = set()
    for index, update in chains.steps(run, "slice"):
        target = update.targets[0]
        seen.add(target)
        at_old = density(tables, index, free[target], state, run.work)
        for factor in (0.8, 1.1):
            moved = free | {target: factor * free[target]}
            change = _log_joint(run, moved, data) - _log_joint(run, free, data)
            value = density(tables, index, factor * free[target], state, run.work)
            assert value - at_old == pytest.approx(change, abs=1e-6)
        density(tables, index, free[target], state, run.work)
    expected = {"d", "y residual variance", "u residual variance"}
    assert seen == (expected if name == "definitions" else {"a residual variance", "b residual variance", "r"})


def test_draws_of_slices():
    run = chains.chain(small_models.structured())
    tables, state = run.layout.tables, run.state
    density, update = chains.callable_kernel(slices.log_density), chains.callable_kernel(slices.update)
    for index, step in chains.steps(run, "slice"):
        place = run.layout.parameters[step.targets[0]]
        theta = state.theta.copy()
        lower, upper = (-1, 1) if step.targets == ("r",) else (1e-6, 8.0)
        grid = np.linspace(lower, upper, 20_001)
        values = np.array([density(tables, index, x, state, run.work) for x in grid])
        weight = np.exp(values - values.max())
        weight /= weight.sum()
        mean = weight @ grid
        state.theta[...] = theta
        assert run.prepare()
        draws = np.zeros((1, 20_000))
        for k in range(draws.size):
            assert update(tables, index, state, run.work, False)
            draws[0, k] = state.theta[place]
        assert chains.within(draws.mean(), mean, chains.autocovariance_error(draws))
        squared = (draws - mean) ** 2
        assert chains.within(squared.mean(), weight @ (grid - mean) ** 2, chains.autocovariance_error(squared))
        state.theta[...] = theta
        assert run.prepare()
