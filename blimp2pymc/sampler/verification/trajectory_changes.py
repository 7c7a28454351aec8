"""Check of trajectories: their density beside that of the PyMC graph, without what they integrate out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.verification.integrated_parts import given_values

if TYPE_CHECKING:
    from blimp2pymc.sampler.verification.point import Changes, Point


def trajectory_changes(point: Point, index: int) -> Changes:
    """Changes of the densities with all coefficients of a trajectory.

    The graph's density is that of the coefficients and of what stands for the outcome, less the log density of the
    latter given the coefficients, at latent values that fit either.
    """
    table, state = point.tables.trajectories, point.state
    members = table.member[table.member_start[index] : table.member_start[index + 1]]
    parts = range(*table.part_start[index : index + 2])

    def integrated() -> float:
        return point.log_density(collapsed=True) - sum(given_values(point, part) for part in parts)

    at_old, before = entries.trajectory_log_density(*point.compiled, index, False), integrated()
    scale = np.maximum(0.1, 0.2 * np.abs(state.theta[members]))
    state.theta[members] += scale * point.random.normal(size=len(members))
    point.refresh()
    yield entries.trajectory_log_density(*point.compiled, index, False) - at_old, integrated() - before
