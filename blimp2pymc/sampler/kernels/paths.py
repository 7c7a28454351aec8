"""The paths of parameters that are moved with latent variables or cells integrated out: which moves, in which sweeps.

Lines are followed in every sweep until they have been learned from a long window, and in a share of the sweeps from
then on; ellipses, which need far fewer densities but a distribution that fits, in every sweep from then on. Paths
without such a share follow ellipses only, which they learn from the other draws of their parameters.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import inlined
from blimp2pymc.sampler.kernels import directions, ellipses
from blimp2pymc.sampler.numerics.generator import uniform

LONG_WINDOW = 200.0
"""Draws of a window from which ellipses are learned."""


@inlined
def update(tables, marginal, path, state, work, adapting):
    """Move the parameters of a path; False after a failure."""
    marginals = tables.marginals
    first = marginals.moved_start[path]
    size = marginals.moved_start[path + 1] - first
    width = marginals.width[path]
    learned = state.learned[marginals.learned[path] : marginals.learned[path + 1]]
    is_learned = marginals.is_learned[path]
    # The window that is being filled is twice as long as the one before, from which the directions are.
    is_known = is_learned and marginals.ellipses[path] > 0 and learned[1] >= 2.0 * LONG_WINDOW
    if (is_known or not adapting) and marginals.share[marginal] < uniform(state.generator):
        return True
    along = marginals.along[path]
    if along == 0.0 and not is_known:
        if adapting:
            _learn(tables, path, width, size, learned, state, work)
        return True
    direction = work.vector[1]
    for i in range(size):
        direction[i] = marginals.weight[first + i]
    if not directions.coordinates(tables, path, state, work, work.vector[0]):
        return True
    current = directions.log_density_at(tables, marginal, path, 0.0, state, work, True)
    if not current > -math.inf:
        return False
    if not is_learned:
        return not math.isnan(directions.move(tables, marginal, path, width, current, state, work, adapting))
    factor = 2 + size + size * size
    if not is_known or uniform(state.generator) < along:
        for k in range(size):
            for i in range(size):
                direction[i] = learned[factor + i * size + k]
            current = directions.move(tables, marginal, path, width + k, current, state, work, adapting)
            if math.isnan(current):
                return False
    if is_known:
        for _ in range(marginals.ellipses[path]):
            if directions.coordinates(tables, path, state, work, work.vector[0]):
                current = ellipses.move(tables, marginal, path, current, learned, state, work)
    if adapting:
        _learn(tables, path, width, size, learned, state, work)
    return True


@inlined
def _learn(tables, path, width, size, learned, state, work):
    """Learn from the current point."""
    exists = directions.coordinates(tables, path, state, work, work.vector[0])
    if exists and directions.learn(learned, size, work.vector[0], work.matrix[0]):
        for k in range(size):
            state.widths[width + k, 0], state.widths[width + k, 1] = directions.LEARNED_WIDTH, 0.0
