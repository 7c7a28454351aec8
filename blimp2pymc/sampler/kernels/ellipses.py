"""All parameters of a path moved together around an ellipse, with latent variables integrated out.

Elliptical slice sampling (murray, adams and mackay 2010) for a density that is no normal one (nishihara, murray and
adams 2014). Let m and L be the mean and the Cholesky factor of the covariance of the path's coordinates x as learned
in burn-in, z = L^-1 (x - m), and q = z'z. In n dimensions a t distribution of z with v degrees of freedom is a normal
one with variance s, s being inverse gamma with shape (v + n)/2 and scale (v + q)/2 given z. With s and a normal e of
variance s, z cos a + e sin a has the same t distribution for every angle a, and a is drawn by slice sampling from what
the density is in units of it:

    log density(x(a)) + (v + n)/2 log(1 + q(a)/v).

The better the t distribution fits, the fewer angles are tried: two or three, however many parameters there are. Where
it does not fit, the steps are short, and lines (`directions`) are followed as well.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.directions import log_density_at
from blimp2pymc.sampler.numerics import cholesky
from blimp2pymc.sampler.numerics.generator import gamma, normal, uniform

DEGREES = 8.0
"""Degrees of freedom v: tails that a posterior of a few variances may well have."""
MOST_ANGLES = 100
"""The arc shrinks to where the move began; after so many angles it ends there."""


@compiled
def move(tables, marginal, path, current, learned, state, work):
    """Move from a point with log density `current`, whose coordinates are in `work.vector[0]`; the new one."""
    marginals, generator = tables.marginals, state.generator
    size = marginals.moved_start[path + 1] - marginals.moved_start[path]
    factor = 2 + size + size * size
    center = factor + size * size
    origin, direction = work.vector[0], work.vector[1]
    deviation, other, lower = work.proposal[0], work.proposal[1], work.matrix[1]
    for i in range(size):
        deviation[i] = origin[i] - learned[center + i]
        for j in range(i + 1):
            lower[i, j] = learned[factor + i * size + j]
        other[i] = deviation[i]
    cholesky.solve_lower(lower, size, other)
    square = product = other_square = 0.0
    for i in range(size):
        square += other[i] * other[i]
    root = math.sqrt(0.5 * (DEGREES + square) / gamma(generator, 0.5 * (DEGREES + size)))
    noise = work.proposal[2]
    for i in range(size):
        noise[i] = root * normal(generator)
        product += other[i] * noise[i]
        other_square += noise[i] * noise[i]
    for i in range(size):
        other[i] = 0.0
        for j in range(i + 1):
            other[i] += lower[i, j] * noise[j]
    level = current + _log_ratio(square, size) + math.log(uniform(generator))
    angle = 2.0 * math.pi * uniform(generator)
    low, high = angle - 2.0 * math.pi, angle
    for _ in range(MOST_ANGLES):
        cosine, sine = math.cos(angle), math.sin(angle)
        for i in range(size):
            direction[i] = deviation[i] * (cosine - 1.0) + other[i] * sine
        value = log_density_at(tables, marginal, path, 1.0, state, work, False)
        at_angle = square * cosine * cosine + 2.0 * product * cosine * sine + other_square * sine * sine
        if value + _log_ratio(at_angle, size) > level:
            return value
        if angle < 0.0:
            low = angle
        else:
            high = angle
        angle = low + (high - low) * uniform(generator)
    for i in range(size):
        direction[i] = 0.0
    return log_density_at(tables, marginal, path, 0.0, state, work, True)


@compiled
def _log_ratio(square, size):
    """Minus the log density of the t distribution."""
    return 0.5 * (DEGREES + size) * math.log1p(square / DEGREES)
