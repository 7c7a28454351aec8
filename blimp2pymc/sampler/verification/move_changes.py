"""Check of the moves: their density along the move, Jacobian included, beside that of the PyMC graph.

Every move is carried out and the graph's density compared before and after it, with the Jacobian written down here
from what has been multiplied or added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.sampler.chain import entries

if TYPE_CHECKING:
    from blimp2pymc.sampler.verification.point import Changes, Point

STEPS = (0.1, -0.05, 0.01)
"""Changes of the logarithm of a scale; the first that leads to a possible state is compared."""


def scale_changes(point: Point, index: int) -> Changes:
    """Changes of the densities with a change of scale."""
    move = point.form.plan.scale_moves[index]
    before = point.log_density(collapsed=True)
    at_old = entries.scale_log_density(*point.compiled, index, 0.0)
    for t in STEPS:
        at_new = entries.scale_log_density(*point.compiled, index, t)
        if np.isfinite(at_new) and entries.change_scale(*point.compiled, index, t):
            break
        point.restore()
    point.refresh()
    # Rows in which a column says nothing are integrated out.
    residuals, structure = point.tables.residuals, point.form.plan.structure
    rows = {each.outcome: residuals.group_rows[group] for each, group in
            zip(structure.residuals, residuals.equation_group, strict=True)}  # fmt: skip
    powers = sum(value for _, value in move.parameters) + sum(value * rows[column] for column, value in move.columns)
    yield at_new - at_old, point.log_density(collapsed=True) - before + powers * t


def location_changes(point: Point, index: int) -> Changes:
    """Changes of the densities with a change of location, which has Jacobian one."""
    before = point.log_density(collapsed=True)
    size = entries.location_conditional(*point.compiled, index)
    matrix, vector = point.work.matrix[0].copy(), point.work.vector[0].copy()
    step = np.zeros(len(vector))
    step[:size] = 2.0 * point.random.normal(size=size) / np.sqrt(np.diag(matrix)[:size])
    entries.change_location(*point.compiled, index, step)
    point.refresh()
    yield entries.coefficient_log_density(step, size, matrix, vector), point.log_density(collapsed=True) - before
