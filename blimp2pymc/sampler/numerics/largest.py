"""The largest of several normal utilities: its probability, derivatives, and draws of all utilities given which it is.

Utility k is V_k + e_k/sqrt(2) with independent standard normal e: differences have variance 1 and correlations 1/2.
With the margins a_j = sqrt(2) (V_c - V_j) of utility c,

    Pr(c) = integral of phi(z) prod_j Phi(z + a_j) dz,

z standing for e_c. The integrand is log-concave and falls off at least as fast as the normal density around its mode.
Its Fourier transform falls off like that too, so that the trapezoidal rule with the spacing below is right to about
1e-11. For one margin Pr(c) = Phi(a/sqrt(2)). For two it is the bivariate normal distribution function with correlation
1/2 at h = a_1/sqrt(2) and k = a_2/sqrt(2), an integral with a smooth integrand over a short interval (drezner and
wesolowsky 1990; genz 2004),

    Pr(c) = Phi(h) Phi(k) + 1/(2 pi) integral from 0 to pi/6 of exp(-(h^2 + k^2 - 2 h k sin t)/(2 cos^2 t)) dt,

for which Gauss-Legendre quadrature is several times faster, where the probability is not too small for it.
"""

from __future__ import annotations

import math

import numpy as np

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.numerics.generator import normal, truncated_normal, uniform
from blimp2pymc.sampler.numerics.normal_table import normal_both

ROOT_HALF = math.sqrt(0.5)
SPACING = 2.0 * math.pi / math.sqrt(50.0)
"""Distance of nodes, times the root of the number of factors of the integrand."""


LEAST_BY_QUADRATURE = 1e-4
"""Probabilities of three utilities below this are summed by the trapezoidal rule."""


def _angles() -> np.ndarray:
    nodes, weights = np.polynomial.legendre.leggauss(12)
    t = np.pi / 12.0 * (nodes + 1.0)
    return np.array([np.sin(t), 0.5 / np.cos(t) ** 2, weights * np.pi / 12.0 / (2.0 * np.pi)])


ANGLES = _angles()
"""Sines of the nodes, halves of the inverse squares of their cosines, weights."""


@compiled
def log_and_slope(x):
    """Logarithm of the standard normal distribution function, and its derivative: within 2e-8 of itself."""
    if x > -30.0:
        probability, density = normal_both(x)
        return math.log(probability), density / probability
    # From here on the asymptotic series.
    r = 1.0 / (x * x)
    return -0.5 * x * x - math.log(-x) - 0.918938533204672742 + math.log1p(-r * (1.0 - 3.0 * r)), -x - 1.0 / x


@compiled
def _integrand(z, margins, n, slopes):
    # The integrand, and the derivatives of its logarithm by the margins.
    value = 0.3989422804014327 * math.exp(-0.5 * z * z)
    for j in range(n):
        probability, density = normal_both(z + margins[j])
        if not probability > 0.0:
            return 0.0
        value *= probability
        slopes[j] = density / probability
    return value


@compiled
def _probability_of_two(margins, slopes):
    # Pr(c) for two margins, and its derivatives.
    h, k = margins[0] * ROOT_HALF, margins[1] * ROOT_HALF
    below_h, density_h = normal_both(h)
    below_k, density_k = normal_both(k)
    squares, product = h * h + k * k, 2.0 * h * k
    total = below_h * below_k
    for i in range(ANGLES.shape[1]):
        total += ANGLES[2, i] * math.exp((product * ANGLES[0, i] - squares) * ANGLES[1, i])
    # Given the first, the second has mean h/2 and variance 3/4.
    given_h, _ = normal_both((k - 0.5 * h) * 1.1547005383792515)
    given_k, _ = normal_both((h - 0.5 * k) * 1.1547005383792515)
    slopes[0], slopes[1] = ROOT_HALF * density_h * given_h, ROOT_HALF * density_k * given_k
    return total


@compiled
def log_largest(margins, n, slopes, scratch):
    """Logarithm of Pr(c); writes its derivatives by the margins to `slopes`.

    They are within 2e-8 of themselves, to steer proposals. Minus infinity where the probability underflows.
    """
    if n == 1:
        value, slope = log_and_slope(margins[0] * ROOT_HALF)
        slopes[0] = slope * ROOT_HALF
        return value
    if n == 2:
        value = _probability_of_two(margins, slopes)
        if value > LEAST_BY_QUADRATURE:
            slopes[0] /= value
            slopes[1] /= value
            return math.log(value)
    smallest = 0.0
    for j in range(n):
        smallest = min(smallest, margins[j])
        slopes[j] = 0.0
    step, start = SPACING / math.sqrt(n + 1.0), -0.5 * smallest
    total = 0.0
    for direction in range(2):
        z = start if direction == 0 else start - step
        last = 0.0
        while True:
            value = _integrand(z, margins, n, scratch)
            total += value
            for j in range(n):
                slopes[j] += value * scratch[j]
            # Beyond the mode what is left is less than a few times the last value; NaN ends the sum as well.
            if not (value > last or value > 1e-12 * total):
                break
            last = value
            z += step if direction == 0 else -step
    if not total > 0.0:
        return -math.inf
    for j in range(n):
        slopes[j] /= total
    return math.log(step * total)


@compiled
def draw_largest(generator, margins, n, out):
    """Draw e_c given that utility c is the largest, then the others, to `out`; returns e_c.

    Exact, by rejection: the log density l(z) has a second derivative below -1, so that it lies below
    l(m) + l'(m) (z - m) - (z - m)^2/2 for any m. With m near the mode about one proposal in sqrt(n + 1) or more is
    accepted.
    """
    m = 0.0
    for j in range(n):
        m = max(m, -0.5 * margins[j])
    for _ in range(4):
        slope, curvature = -m, -1.0
        for j in range(n):
            x = m + margins[j]
            _, ratio = log_and_slope(x)
            slope += ratio
            curvature -= max(0.0, ratio * (ratio + x))
        m -= slope / curvature
    slope, there = -m, -0.5 * m * m
    for j in range(n):
        value, ratio = log_and_slope(m + margins[j])
        slope += ratio
        there += value
    while True:
        step = slope + normal(generator)
        z = m + step
        here = -0.5 * z * z
        for j in range(n):
            value, _ = log_and_slope(z + margins[j])
            here += value
        # With NaN for a margin the result is NaN.
        if not math.log(uniform(generator)) >= here - there - slope * step + 0.5 * step * step:
            break
    for j in range(n):
        out[j] = truncated_normal(generator, 0.0, 1.0, -math.inf, z + margins[j])
    return z
