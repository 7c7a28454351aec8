"""All parameters of a path moved together around an ellipse, with latent variables integrated out.

Elliptical slice sampling (`elliptical_slices`) of the path's coordinates, with mean and covariance as learned in
burn-in. The better the t distribution with these fits, the fewer angles are tried: two or three, however many
parameters there are. Where it does not fit, the steps are short, and lines (`directions`) are followed as well.
"""

from __future__ import annotations

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.directions import log_density_at
from blimp2pymc.sampler.numerics import elliptical_slices


@compiled
def move(tables, marginal, path, current, learned, state, work):
    """Move from a point with log density `current`, whose coordinates are in `work.vector[0]`; the new one."""
    marginals, bracket, axes = tables.marginals, work.bracket, work.proposal
    size = marginals.moved_start[path + 1] - marginals.moved_start[path]
    origin, direction, value = work.vector[0], work.vector[1], current
    elliptical_slices.begin(bracket, state.generator, origin, current, learned, size, axes, work.matrix[1])
    while bracket[elliptical_slices.PHASE] == elliptical_slices.SEARCHING:
        elliptical_slices.step(bracket, axes, size, direction)
        value = log_density_at(tables, marginal, path, 1.0, state, work, False)
        elliptical_slices.proceed(bracket, state.generator, size, value)
    if bracket[elliptical_slices.PHASE] == elliptical_slices.DONE:
        return value
    return log_density_at(tables, marginal, path, 0.0, state, work, True)
