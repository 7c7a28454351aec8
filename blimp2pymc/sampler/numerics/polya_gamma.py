"""Polya-Gamma variates: weights that turn logistic likelihoods into normal ones (polson, scott and windle 2013).

PG(1, c) by the exact method of devroye: a quarter of a Jacobi variate, from a proposal that is an inverse
Gaussian below 0.64 and an exponential above, accepted by squeezing the alternating series of its density.
About 70 ns a variate; more than 999 of 1,000 proposals are accepted.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.numerics.generator import normal, uniform

SPLIT = 0.64
"""Where the proposal changes; the best point for all c (devroye 2009)."""


@compiled
def _normal_distribution(x):
    return 0.5 * math.erfc(-x * 0.7071067811865476)


@compiled
def _term(k, x):
    # Terms of the alternating series of the density at c = 0, in the form that decreases on each side.
    half = k + 0.5
    if x > 0.64:
        return math.pi * half * math.exp(-0.5 * half * half * math.pi * math.pi * x)
    return math.pi * half * (2.0 / (math.pi * x)) ** 1.5 * math.exp(-2.0 * half * half / x)


@compiled
def _left_of_split(generator, z):
    # Inverse Gaussian with mean 1/z and shape 1, restricted to (0, 0.64).
    if z < 1.0 / 0.64:
        while True:
            while True:
                first = -math.log(uniform(generator))
                second = -math.log(uniform(generator))
                if first * first <= 2.0 * second / 0.64:
                    break
            root = 1.0 + 0.64 * first
            x = 0.64 / (root * root)
            if uniform(generator) <= math.exp(-0.5 * z * z * x):
                return x
    mean = 1.0 / z
    while True:
        square = normal(generator) ** 2
        x = mean + 0.5 * mean * mean * square - 0.5 * mean * math.sqrt(4.0 * mean * square + (mean * square) ** 2)
        if uniform(generator) > mean / (mean + x):
            x = mean * mean / x
        if x < 0.64:
            return x


@compiled
def polya_gamma(generator, c):
    """A PG(1, c) variate, for any finite c."""
    z = 0.5 * abs(c)
    rate = 0.125 * math.pi * math.pi + 0.5 * z * z
    # Masses of the proposal's two parts, both times exp(z).
    right = 0.5 * math.pi / rate * math.exp(z - 0.64 * rate)
    left = _normal_distribution((0.64 * z - 1.0) / 0.8)
    if z < 30.0:
        left += math.exp(2.0 * z) * _normal_distribution(-(0.64 * z + 1.0) / 0.8)
    share = right / (right + 2.0 * left)
    while True:
        is_right = uniform(generator) < share
        x = 0.64 - math.log(uniform(generator)) / rate if is_right else _left_of_split(generator, z)
        total = _term(0, x)
        level = uniform(generator) * total
        k = 0
        while True:
            k += 1
            total -= _term(k, x)
            if level <= total:
                return 0.25 * x
            k += 1
            total += _term(k, x)
            if level > total:
                break


@compiled
def log_tilt(weight, c):
    """Log density of a PG(1, c) variate relative to PG(1, 0)."""
    half = 0.5 * abs(c)
    return half + math.log1p(math.exp(-2.0 * half)) - 0.6931471805599453 - 0.5 * c * c * weight
