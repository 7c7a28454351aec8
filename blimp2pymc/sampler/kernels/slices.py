"""Parameters of normal equations without a standard full conditional: slice sampling.

Covers parameters behind a definition that is no polynomial (`b = d * sqrt(v)`), variances with bounds or
priors of their own, and elements of a covariance with fixed, shared or zero elements. The log density is

    sum over groups of -(n log|T| + tr(T^-1 A S A'))/2, plus log priors,

which costs nothing per row. A threshold that a mean holds as well, as part of an expected score, lies between the
latent responses of the categories on its two sides. Elements of a covariance block have the block's inverse Wishart
density on the covariance matrix, with the Jacobian of the covariances (correlation times root of two variances).
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.log_variances import set_dependent
from blimp2pymc.sampler.kernels.row_densities import log_density_of_rows
from blimp2pymc.sampler.numerics import slice_sampling
from blimp2pymc.sampler.numerics.evaluator import set_parameters
from blimp2pymc.sampler.numerics.moments import log_density_of_group, refresh_covariance, refresh_equation


@compiled
def log_prior(priors, parameter, value):
    """Log prior density of a parameter, its block's left out, up to a constant."""
    if not priors.lower[parameter] < value < priors.upper[parameter]:
        return -math.inf
    kind, first, second = priors.kind[parameter], priors.first[parameter], priors.second[parameter]
    if kind == 1:
        return -0.5 * (value - first) ** 2 / second
    if kind == 2:
        return -(first + 1.0) * math.log(value) - second / value
    if kind == 3:
        return (first - 1.0) * math.log(value) - second * value
    if kind == 4:
        return (first - 1.0) * math.log(value) + (second - 1.0) * math.log1p(-value)
    if kind == 5:
        return -math.log1p(((value - first) / second) ** 2)
    return 0.0


@compiled
def within_limits(tables, index, value, state):
    """Whether a threshold lies between the latent responses on its two sides; true of what is no threshold."""
    variable, place = tables.slices.response[index], tables.slices.place[index]
    if variable < 0:
        return True
    responses = tables.responses
    column = state.columns[responses.column[variable]]
    for k in range(responses.category_start[variable], responses.category_start[variable + 1]):
        response = column[responses.row[k]]
        if response > value if state.category[k] <= place else response < value:
            return False
    return True


@compiled
def log_block_prior(residuals, priors, group, theta, precision, log_determinant):
    """Log prior density of a block's variances and correlations, up to a constant."""
    start, end = residuals.group_start[group], residuals.group_start[group + 1]
    size = end - start
    value = -0.5 * (priors.group_degrees[group] + size + 1) * log_determinant[group]
    for i in range(size):
        value -= 0.5 * priors.group_scale[group, i] * precision[group, i, i]
        for j in range(i):
            if priors.group_free_pair[group, i, j]:
                value += 0.5 * math.log(theta[residuals.variance[start + i]] * theta[residuals.variance[start + j]])
    return value


@compiled
def log_density(tables, index, value, state, work):
    """Log density of one parameter given all others; sets the parameter and what depends on it."""
    slices, residuals, priors = tables.slices, tables.residuals, tables.priors
    parameter = slices.parameter[index]
    result = log_prior(priors, parameter, value)
    if result == -math.inf or not within_limits(tables, index, value, state):
        return -math.inf
    state.theta[parameter] = value
    if tables.definitions.target.size > 0:
        set_parameters(tables.definitions, state.theta, state.columns, work.stack)
    for k in range(slices.equation_start[index], slices.equation_start[index + 1]):
        refresh_equation(residuals, slices.equation[k], state.theta, state.coefficient)
    for k in range(slices.group_start[index], slices.group_start[index + 1]):
        group = slices.group[k]
        if slices.covariance_changes[k]:
            if not refresh_covariance(
                residuals, group, state.theta, state.covariance, state.precision, state.log_determinant, work.matrix[0]
            ):
                return -math.inf
            if slices.is_block_element[index] and priors.group_has_block[group]:
                result += log_block_prior(residuals, priors, group, state.theta, state.precision, state.log_determinant)
        if slices.is_scored[k]:
            result += log_density_of_rows(tables, group, state, False, work)
        else:
            result += log_density_of_group(
                residuals, group, state.coefficient, state.precision, state.log_determinant, state.sums
            )
    return result if not math.isnan(result) else -math.inf


@compiled
def update(tables, index, state, work, adapting):
    """Draw one parameter; False when its current value has no density."""
    parameter = tables.slices.parameter[index]
    bracket = work.bracket
    old = state.theta[parameter]
    current = log_density(tables, index, old, state, work)
    if not current > -math.inf:
        return False
    x = slice_sampling.begin(
        bracket,
        state.generator,
        old,
        current,
        state.widths[parameter, 0],
        tables.priors.lower[parameter],
        tables.priors.upper[parameter],
    )
    while bracket[slice_sampling.PHASE] < slice_sampling.DONE:
        x = slice_sampling.proceed(bracket, state.generator, log_density(tables, index, x, state, work))
    log_density(tables, index, x, state, work)
    for k in range(tables.slices.group_start[index], tables.slices.group_start[index + 1]):
        if tables.slices.is_scored[k]:
            set_dependent(tables, tables.slices.group[k], state, work)
    state.evaluations[0] += bracket[slice_sampling.COUNT]
    state.evaluations[1] += 1.0
    if adapting:
        slice_sampling.adapt(state.widths, parameter, x - old)
    return bracket[slice_sampling.PHASE] == slice_sampling.DONE
