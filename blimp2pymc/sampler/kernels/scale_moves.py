"""Changes of scale: columns and parameters are multiplied by powers of one factor g = exp(t).

With the power s_e of a residual, a_e that of the root of its variance, and d_e = s_e - a_e, the density of t is
that of the state it leads to, times the Jacobian (liu and sabatti 2000; the measure dg/g is dt):

    log f(t) = sum over groups of -1/2 sum_ef W_ef (sum of r_e r_f) exp((d_e + d_f) t) - n a_e t
               + log priors of the parameters and blocks at their new values
               + t (sum of the powers of all parameters, and of the unknown cells of all columns).

The sums over rows are moments, so that a density costs nothing per row; t is drawn by slice sampling from 0.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.slices import log_prior
from blimp2pymc.sampler.numerics import slice_sampling
from blimp2pymc.sampler.numerics.moments import refresh_covariance, refresh_equation, residual_product


@compiled
def conditional(tables, move, state, quadratic):
    """Write the weighted sums of products of residuals to `quadratic`, per pair of equations of a group."""
    moves, residuals = tables.scale_moves, tables.residuals
    place = 0
    for k in range(moves.group_start[move], moves.group_start[move + 1]):
        group = moves.group[k]
        start, end = residuals.group_start[group], residuals.group_start[group + 1]
        moments = state.sums[residuals.group_set[group]]
        for e in range(start, end):
            for f in range(start, e + 1):
                weight = state.precision[group, e - start, f - start] * (0.5 if e == f else 1.0)
                quadratic[place] = 0.0
                if weight != 0.0:
                    quadratic[place] = weight * residual_product(residuals, state.coefficient, moments, e, f)
                place += 1


@compiled
def log_density(tables, moves, move, t, state, quadratic):
    """Log density of t, up to a constant, given `conditional`."""
    residuals, priors = tables.residuals, tables.priors
    value = moves.drift[move] * t
    place = 0
    for k in range(moves.group_start[move], moves.group_start[move + 1]):
        group = moves.group[k]
        start, end = residuals.group_start[group], residuals.group_start[group + 1]
        for e in range(start, end):
            for f in range(start, e + 1):
                value -= quadratic[place] * math.exp((moves.residual[move, e] + moves.residual[move, f]) * t)
                place += 1
        if priors.group_has_block[group]:
            size = end - start
            for e in range(start, end):
                power = moves.deviation[move, e]
                value -= (priors.group_degrees[group] + size + 1) * power * t
                scale = priors.group_scale[group, e - start]
                value -= 0.5 * scale * state.precision[group, e - start, e - start] * math.exp(-2.0 * power * t)
                for f in range(start, e):
                    if priors.group_free_pair[group, e - start, f - start]:
                        value += (power + moves.deviation[move, f]) * t
    for k in range(moves.parameter_start[move], moves.parameter_start[move + 1]):
        parameter = moves.parameter[k]
        value += log_prior(priors, parameter, state.theta[parameter] * math.exp(moves.parameter_power[k] * t))
    return value if not math.isnan(value) else -math.inf


@compiled
def carry_out(tables, moves, move, t, state, work):
    """Multiply columns, parameters and moments; False when a covariance is no longer positive definite."""
    residuals = tables.residuals
    for k in range(moves.parameter_start[move], moves.parameter_start[move + 1]):
        state.theta[moves.parameter[k]] *= math.exp(moves.parameter_power[k] * t)
    for k in range(moves.column_start[move], moves.column_start[move + 1]):
        factor = math.exp(moves.column_power[k] * t)
        column = state.columns[moves.column[k]]
        for i in range(column.size):
            column[i] *= factor
    for k in range(moves.monomial_start[move], moves.monomial_start[move + 1]):
        a, factor = moves.monomial[k], math.exp(moves.monomial_power[k] * t)
        for matrices in (state.moments, state.sums):
            for s in range(matrices.shape[0]):
                for b in range(matrices.shape[1]):
                    matrices[s, a, b] *= factor
                    matrices[s, b, a] *= factor
    for k in range(moves.equation_start[move], moves.equation_start[move + 1]):
        refresh_equation(residuals, moves.equation[k], state.theta, state.coefficient)
    for k in range(moves.group_start[move], moves.group_start[move + 1]):
        if not refresh_covariance(
            residuals,
            moves.group[k],
            state.theta,
            state.covariance,
            state.precision,
            state.log_determinant,
            work.matrix[0],
        ):
            return False
    return True


@compiled
def update(tables, state, work):
    """Carry out all moves; -1, or the move after which no density is left."""
    moves = tables.scale_moves
    bracket, quadratic = work.bracket, work.quadratic
    for move in range(moves.drift.size):
        conditional(tables, move, state, quadratic)
        current = log_density(tables, moves, move, 0.0, state, quadratic)
        if not current > -math.inf:
            return move
        t = slice_sampling.begin(bracket, state.generator, 0.0, current, moves.width[move], -math.inf, math.inf)
        while bracket[slice_sampling.PHASE] < slice_sampling.DONE:
            t = slice_sampling.proceed(bracket, state.generator, log_density(tables, moves, move, t, state, quadratic))
        if bracket[slice_sampling.PHASE] == slice_sampling.DONE and not carry_out(tables, moves, move, t, state, work):
            return move
    return -1
