"""Normal draws on the other side of their mean: their joint distribution with the values before, and the posterior."""

from __future__ import annotations

from dataclasses import replace

import hand_built
import numpy as np
import pytest
from sampler import chains, small_models
from sampler.test_latent import MEASUREMENT, factors
from sampler.test_marginals import GROWTH, INTERACTION, growth

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.kernels import cells, coefficients
from blimp2pymc.sampler.kernels.cell_conditional import accumulate, conditional
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.sampler.plan.update import OVERRELAXATION

SHARE = 0.6
MODELS = {
    "interaction": hand_built.interaction,
    "mediators": hand_built.correlated_mediators,
    "latent interaction": lambda: resolve(INTERACTION, factors(120)),
    "growth": lambda: resolve(GROWTH, growth(80)),
}


def _assert_standard_normal(draws: np.ndarray) -> None:
    n = len(draws)
    assert np.all(np.abs(draws.mean(axis=0)) < 4.5 / np.sqrt(n))
    covariance = np.cov(draws.T).reshape(draws.shape[1], -1)
    assert np.all(np.abs(covariance - np.eye(draws.shape[1])) < 4.5 * np.sqrt(2 / n))


def _symmetric(lower: np.ndarray) -> np.ndarray:
    return np.tril(lower) + np.tril(lower, -1).T


def test_coefficients_given_their_values_before():
    run = chains.chain(hand_built.interaction())
    tables, state, work = run.layout.tables, run.state, run.work
    index, _ = next(chains.steps(run, "coefficients"))
    arguments = (tables.residuals, tables.priors, tables.coefficients)
    matrix, vector = work.matrix[0], work.vector[0]
    size = chains.callable_kernel(coefficients.conditional)(
        *arguments, index, state.theta, state.coefficient, state.precision, state.sums, work.derivative, matrix, vector
    )
    matrix, vector = matrix.copy(), vector.copy()
    precision = _symmetric(matrix[:size, :size])
    mean, root = np.linalg.solve(precision, vector[:size]), np.linalg.cholesky(precision)
    draw, draws = chains.callable_kernel(coefficients.draw), []
    for _ in range(20_000):
        step = vector.copy()
        assert draw(*arguments[1:], index, state.theta, size, matrix.copy(), step, SHARE, state.generator)
        # The values before are at 0, `mean` away.
        draws.append(root.T @ (step[:size] - mean - SHARE * mean) / np.sqrt(1 - SHARE**2))
    _assert_standard_normal(np.array(draws))


@pytest.mark.parametrize("name", MODELS)
def test_cells_given_their_values_before(name):
    run = chains.chain(MODELS[name](), collapsed=True)
    tables, state, work = run.layout.tables, run.state, run.work
    density, prepare, draw = (chains.callable_kernel(each) for each in (conditional, accumulate, cells.draw))
    table, columns = tables.cells, state.columns.copy()
    for block in np.flatnonzero(np.isin(table.phase, (0, 3))):
        low = table.low[block]
        n = min(256, table.high[block] - low)
        members = table.member[table.member_start[block] : table.member_start[block + 1]]
        arguments = (tables.residuals, table, block, low, n, state.columns, state.coefficient, state.precision, work)
        size = density(*arguments)
        precision, linear = work.precision[:size, :size, :n].copy(), work.linear[:size, :n].copy()
        share = np.where(np.arange(size) < table.overrelaxed[block], 0.0, SHARE)
        whitened = []
        for _ in range(2000):
            before = columns[members, low : low + n].copy()
            assert prepare(*arguments) == size
            draw(table, block, size, low, n, columns, SHARE, state.generator, work)
            after, found = columns[members, low : low + n], []
            for row in range(min(n, 3)):
                full = _symmetric(precision[:, :, row])
                mean, root = np.linalg.solve(full, linear[:, row]), np.linalg.cholesky(full)
                moved = root.T @ (after[:, row] - mean) + share * (root.T @ (before[:, row] - mean))
                found.append(moved / np.sqrt(1 - share**2))
            whitened.append(found)
        for row in range(min(n, 3)):
            _assert_standard_normal(np.array(whitened)[:, row])


def test_cells_behind_those_that_are_integrated_out():
    run = chains.chain(MODELS["latent interaction"](), collapsed=True)
    table, columns = run.layout.tables.cells, run.layout.columns
    integrated = {columns[each] for marginal in run.layout.plan.marginals for each in marginal.latent}
    places = []
    for block in range(table.phase.size):
        members = table.member[table.member_start[block] : table.member_start[block + 1]]
        if table.phase[block] in (0, 3):
            places.append((int(table.overrelaxed[block]), len(members)))
            assert not integrated & set(members[table.overrelaxed[block] :].tolist())
    assert any(0 < first < size for first, size in places)


@pytest.mark.parametrize(
    ("script", "data"),
    [(MEASUREMENT, factors(120)), (INTERACTION, factors(150)), (GROWTH, growth(120))],
    ids=["measurement", "latent interaction", "growth"],
)
def test_same_posterior(script, data):
    model = resolve(script, data)
    how = plan(model)
    assert how.overrelaxation == OVERRELAXATION
    runs = [
        sample(model, replace(how, overrelaxation=share), draws=20_000, burn=500, chains=2, seed=7)
        for share in (0.0, OVERRELAXATION)
    ]
    chains.assert_same_posterior(model, *runs)


def test_same_posterior_of_missing_values():
    model = small_models.ordinal()
    runs = [
        sample(model, replace(plan(model), overrelaxation=share), draws=20_000, burn=500, chains=2, seed=8)
        for share in (0.0, OVERRELAXATION)
    ]
    chains.assert_same_posterior(model, *runs)
