"""A latent variable moves with the coefficients of its mean and log variance, its standardized residuals held.

Let f_i = m_i + exp(e_i/2) z_i, with m and e linear in coefficients a (`plan.interweaving`). The z are standard normal
whatever a is, so that given z the density of a is that of its priors times that of everything else that looks at f.
Coefficients b of normal equations that hold f, a block of them in no equation with another, are integrated out. At
any b, with P and g as in `coefficients`,

    log p(a | z, rest) = log priors of a + log density of what looks at f, at b
                         + sum over blocks of log priors at b - log|P|/2 + g'P^-1 g/2 + constant,

and b is drawn given a right afterwards. One pass over the rows for each a that is tried, to sum the moments that change
with f.

All of a moves around an ellipse: elliptical slice sampling in units of a t distribution with mean and covariance
learned in burn-in (`elliptical_slices`). It begins when these are first known.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels import coefficients
from blimp2pymc.sampler.kernels.directions import FIRST_WINDOW, learn
from blimp2pymc.sampler.kernels.log_variances import set_dependent
from blimp2pymc.sampler.kernels.row_densities import log_density_of_rows
from blimp2pymc.sampler.kernels.slices import log_prior
from blimp2pymc.sampler.numerics import cholesky, elliptical_slices
from blimp2pymc.sampler.numerics.moments import (
    COUNT,
    add_moments,
    begin_moments,
    end_moments,
    linear_predictor,
    log_density_of_group,
    refresh_equation,
    sum_moments,
    update_weighted_moments,
)

FOLLOWING = 4
"""List of pairs of moments that change when latent variables follow their coefficients."""


@compiled
def _predict(tables, index, low, n, state, work, deviation):
    # Means to `work.eta[0]`, deviations to `deviation`.
    moving, families, residuals = tables.interweavings, tables.families, tables.residuals
    variance = moving.variance[index]
    working = families.monomial[residuals.equation_group[variance]]
    linear_predictor(
        residuals, variance, working, state.columns, state.coefficient, low, n, work.product, deviation
    )  # fmt: skip
    for i in range(n):
        deviation[i] = math.exp(0.5 * deviation[i])
    linear_predictor(
        residuals, moving.mean[index], moving.monomial[index], state.columns, state.coefficient, low, n, work.product,
        work.eta[0],
    )  # fmt: skip


@compiled
def _pass(tables, index, state, work, holds):
    # `holds`: values follow the residuals that are held; otherwise residuals are computed from the values.
    moving, rows = tables.interweavings, tables.rows
    own = tables.families.moments[tables.residuals.equation_group[moving.mean[index]]]
    mean, deviation = work.eta[0], work.eta[1]
    for c in range(rows.class_start.size - 1):
        if not tables.weighted.has_class[own, c]:
            continue
        for low in range(rows.class_start[c], rows.class_start[c + 1], 256):
            n = min(256, rows.class_start[c + 1] - low)
            _predict(tables, index, low, n, state, work, deviation)
            values = state.columns[moving.column[index], low : low + n]
            standardized = work.standardized[low : low + n]
            for i in range(n):
                if holds:
                    values[i] = mean[i] + deviation[i] * standardized[i]
                else:
                    standardized[i] = (values[i] - mean[i]) / deviation[i]


@compiled
def hold(tables, index, state, work):
    """Compute the standardized residuals, to be held."""
    _pass(tables, index, state, work, False)


@compiled
def _update_moments(tables, state, work):
    # Those that change with latent variables that follow their coefficients.
    rows = tables.rows
    n_classes = rows.class_start.size - 1
    work.ahead[COUNT] = 0
    for c in range(n_classes):
        which, total = c + FOLLOWING * n_classes, state.moments[c]
        begin_moments(rows, which, tables.base[c], total)
        add_moments(
            tables.residuals, rows, which, state.columns, rows.class_start[c], rows.class_start[c + 1], work.values,
            total, work.ahead,
        )  # fmt: skip
        end_moments(rows, which, total)
    sum_moments(rows, state.moments, state.sums)


@compiled
def log_density(tables, index, state, work):
    """Log density of the coefficients at their current values, after `hold`; sets the variable and its moments."""
    moving, residuals, priors = tables.interweavings, tables.residuals, tables.priors
    total = 0.0
    for k in range(moving.parameter_start[index], moving.parameter_start[index + 1]):
        total += log_prior(priors, moving.parameter[k], state.theta[moving.parameter[k]])
    for k in range(moving.equation_start[index], moving.equation_start[index + 1]):
        refresh_equation(residuals, moving.equation[k], state.theta, state.coefficient)
    _pass(tables, index, state, work, True)
    _update_moments(tables, state, work)
    for k in range(moving.weighted_start[index], moving.weighted_start[index + 1]):
        update_weighted_moments(tables, moving.weighted[k], state, work)
    for k in range(moving.normal_start[index], moving.normal_start[index + 1]):
        total += log_density_of_group(
            residuals, moving.normal[k], state.coefficient, state.precision, state.log_determinant, state.sums
        )
    for k in range(moving.density_start[index], moving.density_start[index + 1]):
        total += log_density_of_rows(tables, moving.density[k], state, False, work)
    for k in range(moving.block_start[index], moving.block_start[index + 1]):
        total += _integrated(tables, moving.block[k], state, work)
    return total if not math.isnan(total) else -math.inf


@compiled
def _integrated(tables, block, state, work):
    # Log priors at b - log|P|/2 + g'P^-1 g/2, NaN where P is singular.
    blocks, matrix, vector = tables.coefficients, work.matrix[0], work.vector[0]
    size = coefficients.conditional(
        tables.residuals, tables.priors, blocks, block, state.theta, state.coefficient, state.precision, state.sums,
        work.derivative, matrix, vector,
    )  # fmt: skip
    if not cholesky.factor(matrix, size):
        return math.nan
    cholesky.solve_lower(matrix, size, vector)
    total, first = 0.0, blocks.member_start[block]
    for i in range(size):
        parameter = blocks.member[first + i]
        total += log_prior(tables.priors, parameter, state.theta[parameter])
        total += 0.5 * vector[i] * vector[i] - math.log(matrix[i, i])
    return total


@compiled
def _move(tables, index, learned, state, work):
    """Move around an ellipse; False when the current values have no density."""
    moving, generator = tables.interweavings, state.generator
    first = moving.parameter_start[index]
    size = moving.parameter_start[index + 1] - first
    bracket, origin, axes, change = work.bracket, work.proposal[0], work.proposal[1:], work.vector[1]
    current = log_density(tables, index, state, work)
    if not current > -math.inf:
        return False
    for i in range(size):
        origin[i] = state.theta[moving.parameter[first + i]]
    elliptical_slices.begin(bracket, generator, origin, current, learned, size, axes, work.matrix[1])
    while bracket[elliptical_slices.PHASE] == elliptical_slices.SEARCHING:
        elliptical_slices.step(bracket, axes, size, change)
        for i in range(size):
            state.theta[moving.parameter[first + i]] = origin[i] + change[i]
        elliptical_slices.proceed(bracket, generator, size, log_density(tables, index, state, work))
    if bracket[elliptical_slices.PHASE] == elliptical_slices.FAILED:
        for i in range(size):
            state.theta[moving.parameter[first + i]] = origin[i]
        log_density(tables, index, state, work)
    return True


@compiled
def update(tables, state, work, adapting):
    """Move every latent variable that can be; -1, or the parameter of which no density is left."""
    moving = tables.interweavings
    for index in range(moving.column.size):
        first = moving.parameter_start[index]
        size = moving.parameter_start[index + 1] - first
        learned = state.learned[moving.learned[index] : moving.learned[index + 1]]
        if learned[1] > FIRST_WINDOW:
            hold(tables, index, state, work)
            if not _move(tables, index, learned, state, work):
                return moving.parameter[first]
            # The mean's equation sees its precisions.
            set_dependent(tables, tables.residuals.equation_group[moving.variance[index]], state, work)
            for k in range(moving.block_start[index], moving.block_start[index + 1]):
                if not coefficients.update(
                    tables.residuals, tables.priors, tables.coefficients, moving.block[k], 0.0, state, work
                ):
                    return moving.parameter[first]
        if adapting:
            position = work.vector[0]
            for i in range(size):
                position[i] = state.theta[moving.parameter[first + i]]
            learn(learned, size, position, work.matrix[0])
    return -1
