"""Changes of log densities by blocks that NUTS draws, beside those of the PyMC graph.

Both come from the graph, but not by the same way: the block's from its own terms, compiled as functions of a chain's
state, the graph's from all terms at the point that this state is translated to.
"""

from __future__ import annotations

import numpy as np

from blimp2pymc.sampler.verification.point import Changes, Point


def block_changes(point: Point, index: int) -> Changes:
    """Propose new values for every parameter of a block at once, and for each alone."""
    block, density = point.run.blocks[index], point.run.densities[index]
    theta, columns = point.state.theta, point.state.columns
    for which in (range(len(block.parameter)), *([k] for k in range(len(block.parameter)))):
        old = theta[block.parameter].copy()
        before, graph = density.log_density(old, theta, columns), _log_density(point)
        new = old.copy()
        for k in which:
            step = 0.1 * point.random.normal()
            kind, lower, upper = block.coordinate[k], block.lower[k], block.upper[k]
            if kind == 0:
                new[k] += step * max(0.2, abs(old[k]))
            elif kind == 1:
                new[k] = lower + (old[k] - lower) * np.exp(step)
            elif kind == 2:
                new[k] = upper - (upper - old[k]) * np.exp(step)
            else:
                new[k] = old[k] + 0.9 * np.clip(step, -1.0, 1.0) * min(old[k] - lower, upper - old[k])
        kernel = density.log_density(new, theta, columns) - before
        theta[block.parameter] = new
        point.refresh()
        yield kernel, _log_density(point) - graph


def _log_density(point: Point) -> float:
    """The graph's log density as it is: responses integrated out, weights no part of it."""
    weights = sum(tilt for _, _, tilt in point.weighted_rows().values())
    return point.log_density(responses=False) - weights
