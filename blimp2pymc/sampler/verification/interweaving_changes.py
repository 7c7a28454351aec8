"""Check of latent variables that follow their coefficients: their density beside that of the PyMC graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.sampler.chain import entries

if TYPE_CHECKING:
    from blimp2pymc.sampler.verification.point import Changes, Point


def interweaving_changes(point: Point, index: int) -> Changes:
    """Changes of the densities with the coefficients of a latent variable, its standardized residuals held.

    The graph's density has the Jacobian of the residuals, less the log density of the coefficients that are integrated
    out, given all else.
    """
    table, state = point.tables.interweavings, point.state
    members = table.parameter[table.parameter_start[index] : table.parameter_start[index + 1]]
    blocks = table.block[table.block_start[index] : table.block_start[index + 1]]

    def integrated() -> float:
        value = point.log_density(collapsed=True) + _log_deviations(point, index)
        return value - sum(_log_conditional(point, int(block)) for block in blocks)

    before = integrated()
    entries.hold_residuals(*point.compiled, index)
    at_old = entries.interweaving_log_density(*point.compiled, index)
    state.theta[members] += np.maximum(0.1, 0.2 * np.abs(state.theta[members])) * point.random.normal(size=len(members))
    at_new = entries.interweaving_log_density(*point.compiled, index)
    point.refresh()
    yield at_new - at_old, integrated() - before


def _log_deviations(point: Point, index: int) -> float:
    """Sum of the logarithms of the variable's residual deviations, where it is drawn."""
    tables = point.tables
    group = tables.residuals.equation_group[tables.interweavings.variance[index]]
    partner = tables.families.moments[tables.families.mean[group]]
    rows = tables.rows.class_start
    precision = point.state.columns[tables.families.precision[group]]
    return sum(
        -0.5 * np.log(precision[rows[c] : rows[c + 1]]).sum()
        for c in np.flatnonzero(tables.weighted.has_class[partner])
    )


def _log_conditional(point: Point, block: int) -> float:
    """Log density of the current coefficients of a block given all else, up to a constant."""
    size = entries.coefficient_conditional(*point.compiled, block)
    lower = np.tril(point.work.matrix[0][:size, :size])
    precision, gradient = lower + np.tril(lower, -1).T, point.work.vector[0][:size].copy()
    return 0.5 * (np.linalg.slogdet(precision)[1] - gradient @ np.linalg.solve(precision, gradient))
