"""Elliptical slice sampling from a density in units of a t distribution, by asking the caller for densities.

Elliptical slice sampling (murray, adams and mackay 2010) for a density that is no normal one (nishihara, murray and
adams 2014). Let m and L be a mean and the Cholesky factor of a covariance, z = L^-1 (x - m), and q = z'z. In n
dimensions a t distribution of z with v degrees of freedom is a normal one with variance s, s being inverse gamma with
shape (v + n)/2 and scale (v + q)/2 given z. With s and a normal e of variance s, z cos a + e sin a has the same t
distribution for every angle a, and a is drawn by slice sampling from what the density is in units of it:

    log density(x(a)) + (v + n)/2 log(1 + q(a)/v).

    begin(bracket, generator, origin, log_density, learned, size, axes, lower)
    while bracket[PHASE] == SEARCHING:
        step(bracket, axes, size, change)
        proceed(bracket, generator, size, log_density_at(origin + change))
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.numerics import cholesky
from blimp2pymc.sampler.numerics.generator import gamma, normal, uniform

PHASE, LEVEL, ANGLE, LOW, HIGH, SQUARE, PRODUCT, OTHER_SQUARE, COUNT = range(9)
SEARCHING, DONE, FAILED = 0.0, 1.0, 2.0
DEGREES = 8.0
"""Degrees of freedom v: tails that a posterior of a few variances may well have."""
MOST_ANGLES = 100
"""The arc shrinks to where the move began; after so many angles it ends there."""


@compiled
def begin(bracket, generator, origin, log_density, learned, size, axes, lower):
    """Begin at `origin` with its log density; write x - m and L e to two of three `axes`.

    `learned` holds m and L where `directions.learn` puts them, `lower` is scratch.
    """
    factor = 2 + size + size * size
    center = factor + size * size
    deviation, other, noise = axes[0], axes[1], axes[2]
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
    for i in range(size):
        noise[i] = root * normal(generator)
        product += other[i] * noise[i]
        other_square += noise[i] * noise[i]
    for i in range(size):
        other[i] = 0.0
        for j in range(i + 1):
            other[i] += lower[i, j] * noise[j]
    bracket[SQUARE], bracket[PRODUCT], bracket[OTHER_SQUARE] = square, product, other_square
    bracket[LEVEL] = log_density + _log_ratio(square, size) + math.log(uniform(generator))
    bracket[ANGLE] = 2.0 * math.pi * uniform(generator)
    bracket[LOW], bracket[HIGH] = bracket[ANGLE] - 2.0 * math.pi, bracket[ANGLE]
    bracket[COUNT], bracket[PHASE] = 0.0, SEARCHING


@compiled
def step(bracket, axes, size, change):
    """Write what x changes by at the current angle."""
    cosine, sine = math.cos(bracket[ANGLE]), math.sin(bracket[ANGLE])
    for i in range(size):
        change[i] = axes[0, i] * (cosine - 1.0) + axes[1, i] * sine


@compiled
def proceed(bracket, generator, size, log_density):
    """Take the log density at the current angle: it is the draw, or there is another angle to try."""
    angle = bracket[ANGLE]
    cosine, sine = math.cos(angle), math.sin(angle)
    square = bracket[SQUARE] * cosine * cosine + 2.0 * bracket[PRODUCT] * cosine * sine
    square += bracket[OTHER_SQUARE] * sine * sine
    bracket[COUNT] += 1.0
    if log_density + _log_ratio(square, size) > bracket[LEVEL]:
        bracket[PHASE] = DONE
        return
    if bracket[COUNT] >= MOST_ANGLES:
        bracket[PHASE] = FAILED
        return
    bracket[LOW if angle < 0.0 else HIGH] = angle
    bracket[ANGLE] = bracket[LOW] + (bracket[HIGH] - bracket[LOW]) * uniform(generator)


@compiled
def _log_ratio(square, size):
    # Minus the log density of the t distribution.
    return 0.5 * (DEGREES + size) * math.log1p(square / DEGREES)
