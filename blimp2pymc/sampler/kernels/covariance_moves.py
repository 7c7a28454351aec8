"""Covariances of a block proposed as if all its elements were free, fixed variances restored by changes of scale.

Let S be the cross-products of the n residuals of p equations. A matrix is drawn from the inverse Wishart distribution
with scale S and m = n - p - 1 degrees of freedom, density proportional to

    q(T | S) = |S|^(m/2) |T|^(-(m+p+1)/2) exp(-tr(S T^-1)/2).

Its free variances and its correlations are the proposal. An equation with a fixed variance c got another one, c d^2,
which is brought back: with t = -log d its latent response changes its scale by exp(t), and so do its thresholds and
coefficients (`scale_moves`), K of them counted by their powers. The way back from there draws c/d^2 and the old
elements, given the cross-products that have changed as well. In the ratio of Metropolis and Hastings the traces cancel,
and with this m the determinants. With the free variances v, and all Jacobians, the logarithm of what is left is

    log priors at the new values - those at the old ones
        + (p - 1)/2 sum over free variances of (log v old - log v new)
        + sum over fixed variances of t (n - m + K).
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels import covariances, scale_moves
from blimp2pymc.sampler.kernels.slices import log_block_prior, log_prior
from blimp2pymc.sampler.numerics.generator import uniform
from blimp2pymc.sampler.numerics.moments import refresh_covariance, residual_product


@compiled
def log_priors(tables, index, state):
    """Log prior density of the block's elements at the current values."""
    residuals, priors = tables.residuals, tables.priors
    group = tables.covariance_moves.group[index]
    start, end = residuals.group_start[group], residuals.group_start[group + 1]
    total = 0.0
    for e in range(start, end):
        if tables.covariance_moves.scale[index, e - start] < 0:
            total += log_prior(priors, residuals.variance[e], state.theta[residuals.variance[e]])
        for f in range(start, e):
            parameter = residuals.correlation[group, e - start, f - start]
            total += log_prior(priors, parameter, state.theta[parameter])
    if priors.group_has_block[group]:
        total += log_block_prior(residuals, priors, group, state.theta, state.precision, state.log_determinant)
    return total


@compiled
def degrees_of_freedom(tables, index):
    """m, such that the power of the determinant cancels."""
    residuals, group = tables.residuals, tables.covariance_moves.group[index]
    return residuals.group_rows[group] - (residuals.group_start[group + 1] - residuals.group_start[group]) - 1.0


@compiled
def set_elements(tables, index, drawn, state, work):
    """Set the elements to those of a matrix; False where they have no covariance.

    The logarithms t of the changes of scale that belong to it are left in `work.vector[0]`, 0 where a variance is free.
    """
    residuals, group = tables.residuals, tables.covariance_moves.group[index]
    start, end = residuals.group_start[group], residuals.group_start[group + 1]
    for i in range(end - start):
        variance = residuals.variance[start + i]
        work.vector[0, i] = 0.0
        if tables.covariance_moves.scale[index, i] < 0:
            state.theta[variance] = drawn[i, i]
        else:
            fixed = 1.0 if variance < 0 else state.theta[variance]
            work.vector[0, i] = -0.5 * math.log(drawn[i, i] / fixed)
        for j in range(i):
            parameter = residuals.correlation[group, i, j]
            state.theta[parameter] = drawn[i, j] / math.sqrt(drawn[i, i] * drawn[j, j])
    return refresh_covariance(
        residuals, group, state.theta, state.covariance, state.precision, state.log_determinant, work.matrix[0]
    )


@compiled
def log_scales(tables, index, steps, state):
    """Part of the log ratio that belongs to changes of scale by exp(steps), which are not carried out yet."""
    moves, scales = tables.covariance_moves, tables.scale_moves
    group = moves.group[index]
    size = tables.residuals.group_start[group + 1] - tables.residuals.group_start[group]
    total, surplus = 0.0, tables.residuals.group_rows[group] - degrees_of_freedom(tables, index)
    for i in range(size):
        scale, t = moves.scale[index, i], steps[i]
        if scale < 0:
            continue
        total += surplus * t
        for k in range(scales.parameter_start[scale], scales.parameter_start[scale + 1]):
            parameter, power = scales.parameter[k], scales.parameter_power[k]
            value = state.theta[parameter]
            # A parameter may change its scale with several responses.
            new = value * math.exp(_power_of(tables, index, parameter, steps, size))
            if _is_first(tables, index, i, k, size):
                total += log_prior(tables.priors, parameter, new) - log_prior(tables.priors, parameter, value)
            total += power * t
    return total


@compiled
def _power_of(tables, index, parameter, steps, size):
    # Sum of its powers times steps.
    moves, scales, total = tables.covariance_moves, tables.scale_moves, 0.0
    for i in range(size):
        scale = moves.scale[index, i]
        if scale >= 0:
            for k in range(scales.parameter_start[scale], scales.parameter_start[scale + 1]):
                if scales.parameter[k] == parameter:
                    total += scales.parameter_power[k] * steps[i]
    return total


@compiled
def _is_first(tables, index, equation, place, size):
    # Whether no change of scale of an earlier equation has the parameter as well.
    moves, scales = tables.covariance_moves, tables.scale_moves
    for i in range(equation):
        scale = moves.scale[index, i]
        if scale >= 0:
            for k in range(scales.parameter_start[scale], scales.parameter_start[scale + 1]):
                if scales.parameter[k] == scales.parameter[place]:
                    return False
    return True


@compiled
def log_variances(tables, index, state):
    """Sum of the logarithms of the free variances."""
    residuals, group = tables.residuals, tables.covariance_moves.group[index]
    start, total = residuals.group_start[group], 0.0
    for e in range(start, residuals.group_start[group + 1]):
        if tables.covariance_moves.scale[index, e - start] < 0:
            total += math.log(state.theta[residuals.variance[e]])
    return total


@compiled
def log_ratio(tables, index, drawn, state, work):
    """Log of the acceptance ratio of a drawn matrix, whose elements are set.

    Changes of scale, which are not carried out, stay in `work.vector[0]`.
    """
    group = tables.covariance_moves.group[index]
    size = tables.residuals.group_start[group + 1] - tables.residuals.group_start[group]
    before = log_priors(tables, index, state) - 0.5 * (size - 1.0) * log_variances(tables, index, state)
    if not set_elements(tables, index, drawn, state, work):
        return -math.inf
    after = log_priors(tables, index, state) - 0.5 * (size - 1.0) * log_variances(tables, index, state)
    value = after - before + log_scales(tables, index, work.vector[0], state)
    return value if not math.isnan(value) else -math.inf


@compiled
def carry_out(tables, index, state, work):
    """Carry out the changes of scale in `work.vector[0]`; False when a covariance is no longer positive definite."""
    group = tables.covariance_moves.group[index]
    for i in range(tables.residuals.group_start[group + 1] - tables.residuals.group_start[group]):
        scale = tables.covariance_moves.scale[index, i]
        if scale >= 0 and not scale_moves.carry_out(tables, tables.scale_moves, scale, work.vector[0, i], state, work):
            return False
    return True


@compiled
def update(tables, state, work):
    """Propose every block once; -1, or the group whose covariance is lost."""
    moves, residuals = tables.covariance_moves, tables.residuals
    saved = work.proposal[0]
    for index in range(moves.group.size):
        group = moves.group[index]
        start, end = residuals.group_start[group], residuals.group_start[group + 1]
        size = end - start
        moments = state.sums[residuals.group_set[group]]
        products, drawn = work.matrix[0], work.matrix[2]
        for i in range(size):
            for j in range(i + 1):
                value = residual_product(residuals, state.coefficient, moments, start + i, start + j)
                products[i, j] = products[j, i] = value
        degrees = degrees_of_freedom(tables, index)
        if not covariances.draw(size, products, degrees, state.generator, work.matrix[1], drawn):
            continue
        for k in range(state.theta.size):
            saved[k] = state.theta[k]
        change = log_ratio(tables, index, drawn, state, work)
        if math.log(uniform(state.generator)) < change:
            if not carry_out(tables, index, state, work):
                return group
        else:
            for k in range(state.theta.size):
                state.theta[k] = saved[k]
            if not refresh_covariance(
                residuals, group, state.theta, state.covariance, state.precision, state.log_determinant, work.matrix[0]
            ):
                return group
    return -1
