"""Residual variances of normal equations: inverse gamma.

With prior density v^(-a-1) exp(-b/v), and the equations that share v having n residuals in all with sum of
squares Q, the full conditional is inverse gamma with shape a + n/2 and scale b + Q/2.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.numerics.generator import gamma
from blimp2pymc.sampler.numerics.moments import refresh_covariance, residual_product


@compiled
def conditional(residuals, variances, index, coefficient, sums):
    """Shape and scale."""
    shape, scale = variances.shape[index], variances.scale[index]
    for k in range(variances.equation_start[index], variances.equation_start[index + 1]):
        equation = variances.equation[k]
        group = residuals.equation_group[equation]
        moments = sums[residuals.group_set[group]]
        shape += 0.5 * residuals.group_rows[group]
        scale += 0.5 * residual_product(residuals, coefficient, moments, equation, equation)
    return shape, scale


@compiled
def log_density(value, shape, scale):
    """Log density up to a constant."""
    return -(shape + 1.0) * math.log(value) - scale / value


@compiled
def draw(shape, scale, generator):
    """Draw a variance."""
    return scale / gamma(generator, shape)


@compiled
def update(residuals, variances, index, state, work):
    """Draw one variance and refresh its groups; False when the full conditional is improper."""
    shape, scale = conditional(residuals, variances, index, state.coefficient, state.sums)
    if not (shape > 0.0 and scale > 0.0):
        return False
    state.theta[variances.parameter[index]] = draw(shape, scale, state.generator)
    for k in range(variances.equation_start[index], variances.equation_start[index + 1]):
        group = residuals.equation_group[variances.equation[k]]
        if not refresh_covariance(
            residuals, group, state.theta, state.covariance, state.precision, state.log_determinant, work.matrix[0]
        ):
            return False
    return True
