"""Outcomes that are not normal: every kernel against an independent joint density, and whole posteriors."""

from __future__ import annotations

import numpy as np
import pytest
from sampler import chains, family_density, family_models

from blimp2pymc.sampler.kernels import cells, coefficients, nonlinear, scoring, slices, variances
from blimp2pymc.sampler.moments import multiply  # noqa: F401  (compiled with the kernels)

MODELS = {
    "binary": family_models.binary,
    "nominal": family_models.nominal,
    "counts": family_models.counts,
    "variances": family_models.variances,
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


@pytest.mark.parametrize("name", ["nominal", "counts", "variances"])
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


def test_density_of_dispersion():
    run, free, data = _chain("counts")
    before = family_density.log_target(run, free, data)
    density = chains.callable_kernel(slices.log_density)
    (found,) = chains.steps(run, "slice")
    index, update = found
    assert update.targets == ("y dispersion",)
    at_old = density(run.layout.tables, index, free["y dispersion"], run.state, run.work)
    for value in (1e-7, 1e-3, 0.4, 20.0):
        at_new = density(run.layout.tables, index, value, run.state, run.work)
        if value < 1e-6:
            # The oracle has no digits left here; the kernel has, next to the poisson distribution.
            limit = density(run.layout.tables, index, 1e-9, run.state, run.work)
            assert at_new == pytest.approx(limit, abs=1e-2)
            continue
        change = family_density.log_target(run, free | {"y dispersion": value}, data) - before
        assert at_new - at_old == pytest.approx(change, abs=1e-6)


@pytest.mark.parametrize("name", ["binary", "variances"])
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
    assert seen == ({"x", "w", "u"} if name == "binary" else {"y", "z"})


@pytest.mark.parametrize("name", ["nominal", "counts", "variances"])
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
