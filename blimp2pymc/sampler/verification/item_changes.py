"""Check of latent variables that follow the parameters of their indicators: their density beside the PyMC graph's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.sampler.chain import entries

if TYPE_CHECKING:
    from blimp2pymc.sampler.verification.point import Changes, Point


def item_changes(point: Point, index: int) -> Changes:
    """Changes of the densities with the parameters, places held.

    The graph's density has the Jacobian: what values change by with their places, and that of log variances. It is
    without the weights of outcomes that hold the variable, which are integrated out.
    """
    moves, state = point.tables.item_moves, point.state
    span = slice(moves.parameter_start[index], moves.parameter_start[index + 1])
    outcomes = {k for groups in point.run.layout.plan.item_moves[index].outcomes for k in groups}
    members, is_variance = moves.parameter[span], moves.is_variance[span]

    def density() -> tuple[float, float]:
        at = entries.item_log_density(*point.compiled, index, True)
        jacobian = _log_deviations(point, index) + np.log(state.theta[members[is_variance]]).sum()
        point.refresh()
        weights = sum(tilt for group, (_, _, tilt) in point.weighted_rows().items() if group in outcomes)
        return at, point.log_density(collapsed=True) - weights + jacobian

    point.work.standardized[:] = 0.0
    entries.item_log_density(*point.compiled, index, False)
    before, expected = density()
    random = point.random.normal(size=len(members))
    step = np.maximum(0.1, 0.2 * np.abs(state.theta[members])) * random
    state.theta[members] = np.where(
        is_variance, state.theta[members] * np.exp(0.2 * random), state.theta[members] + step
    )
    after, expected_after = density()
    yield after - before, expected_after - expected


def _log_deviations(point: Point, index: int) -> float:
    """Sum of the logarithms of what values change by when their places change by 1; leaves both as they are."""
    column, places = point.state.columns[point.tables.item_moves.column[index]], point.work.standardized
    values = column.copy()
    places += 1.0
    entries.item_log_density(*point.compiled, index, True)
    rates = column - values
    places -= 1.0
    column[:] = values
    return float(np.log(rates[rates != 0.0]).sum())
