"""Unstructured residual covariance of jointly normal equations: inverse Wishart.

With prior density |T|^(-(d+p+1)/2) exp(-tr(S T^-1)/2) and cross-products R of n residuals, the full
conditional is inverse Wishart with scale S + R and d + n degrees of freedom. The draw is reported as
variances and correlations, its elements as parameters.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.numerics import cholesky
from blimp2pymc.sampler.numerics.generator import gamma, normal
from blimp2pymc.sampler.numerics.moments import refresh_covariance, residual_product


@compiled
def conditional(residuals, priors, group, coefficient, sums, scale):
    """Write the scale matrix to `scale` and return the degrees of freedom."""
    start, end = residuals.group_start[group], residuals.group_start[group + 1]
    moments = sums[residuals.group_set[group]]
    for i in range(end - start):
        for j in range(i + 1):
            value = residual_product(residuals, coefficient, moments, start + i, start + j)
            if i == j:
                value += priors.group_scale[group, i]
            scale[i, j] = scale[j, i] = value
    return priors.group_degrees[group] + residuals.group_rows[group]


@compiled
def log_density(precision, log_determinant, size, scale, degrees):
    """Log density of a covariance, given its inverse and log determinant, up to a constant."""
    trace = 0.0
    for i in range(size):
        for j in range(size):
            trace += scale[i, j] * precision[i, j]
    return -0.5 * ((degrees + size + 1) * log_determinant + trace)


@compiled
def draw(size, scale, degrees, generator, triangle, covariance):
    """Draw a covariance (bartlett 1933); False when the scale is not positive definite. Overwrites `scale`.

    With scale = C C' and the lower triangular A of a standard Wishart matrix A A', a draw is
    (C A'^-1)(C A'^-1)'.
    """
    if degrees <= size - 1 or not cholesky.factor(scale, size):
        return False
    for i in range(size):
        for j in range(i):
            triangle[i, j] = normal(generator)
        triangle[i, i] = math.sqrt(2.0 * gamma(generator, 0.5 * (degrees - i)))
    # Rows of C A'^-1 solve x A' = c, hence A x' = c'.
    for i in range(size):
        for j in range(i + 1, size):
            scale[i, j] = 0.0
        cholesky.solve_lower(triangle, size, scale[i])
    for i in range(size):
        for j in range(i + 1):
            value = 0.0
            for k in range(size):
                value += scale[i, k] * scale[j, k]
            covariance[i, j] = covariance[j, i] = value
    return True


@compiled
def update(residuals, priors, group, state, work):
    """Draw the covariance of a group and set its variances and correlations; False when it has no proper draw."""
    scale, triangle, drawn = work.matrix[0], work.matrix[1], work.matrix[2]
    start, end = residuals.group_start[group], residuals.group_start[group + 1]
    size = end - start
    degrees = conditional(residuals, priors, group, state.coefficient, state.sums, scale)
    if not draw(size, scale, degrees, state.generator, triangle, drawn):
        return False
    for i in range(size):
        state.theta[residuals.variance[start + i]] = drawn[i, i]
        for j in range(i):
            state.theta[residuals.correlation[group, i, j]] = drawn[i, j] / math.sqrt(drawn[i, i] * drawn[j, j])
    return refresh_covariance(
        residuals, group, state.theta, state.covariance, state.precision, state.log_determinant, work.matrix[0]
    )
