"""Changes of scale: columns and parameters are multiplied by powers of one factor g = exp(t).

With the power s_e of a residual, a_e that of the root of its variance, and d_e = s_e - a_e, the density of t is
that of the state it leads to, times the Jacobian (liu and sabatti 2000; the measure dg/g is dt):

    log f(t) = sum over groups of -1/2 sum_ef W_ef (sum of r_e r_f) exp((d_e + d_f) t) - n a_e t
               + log priors of the parameters and blocks at their new values
               + t (sum of the powers of all parameters, and of the unknown cells of all columns).

A residual with a fixed loading is the sum of two parts that have powers of their own, as if they were two residuals
with the same precision.

Where the logarithm of the variance is modelled, 2 a_e t is added to its intercept; rows have precisions of their own.
Where that intercept is fixed, the other coefficients change by v t. With c_i the derivatives of a row's log variance by
them, v minimises the sum of squares of 2 s_e - v'c_i; with precisions w_i, the density of that equation is

    sum over rows of -v'c_i t/2 - 1/2 w_i r_i^2 exp((2 s_e - v'c_i) t) + s_e t,

flat but for rows that the coefficients do not reach. It takes a pass over the rows.

The sums over rows are moments, so that a density costs nothing per row; t is drawn by slice sampling from 0.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled, inlined
from blimp2pymc.sampler.kernels.log_variances import set_dependent
from blimp2pymc.sampler.kernels.slices import log_prior
from blimp2pymc.sampler.numerics import cholesky, slice_sampling
from blimp2pymc.sampler.numerics.moments import (
    dot,
    linear_predictor,
    multiply,
    refresh_covariance,
    refresh_equation,
)


@compiled
def conditional(tables, move, state, work):
    """Write the weighted sums of products of residuals to `work.quadratic`, per pair of parts of a group's residuals.

    Where coefficients of a log variance change, also what `_spread` leaves.
    """
    moves, residuals, quadratic = tables.scale_moves, tables.residuals, work.quadratic
    if moves.spread_mean[move] >= 0:
        _spread(tables, move, state, work)
    place = 0
    for k in range(moves.group_start[move], moves.group_start[move + 1]):
        group = moves.group[k]
        start, moments = residuals.group_start[group], state.sums[residuals.group_set[group]]
        for i in range(moves.part_start[k], moves.part_start[k + 1]):
            for j in range(moves.part_start[k], i + 1):
                e, f = moves.part_equation[i] - start, moves.part_equation[j] - start
                weight = state.precision[group, e, f] * (0.5 if i == j else 1.0)
                quadratic[place] = 0.0
                if weight != 0.0:
                    quadratic[place] = weight * _product_of_parts(moves, i, j, state.coefficient, moments)
                place += 1


@inlined
def _product_of_parts(moves, first, second, coefficient, moments):
    """Sum over rows of the product of two parts of residuals."""
    e, f, total = moves.part_equation[first], moves.part_equation[second], 0.0
    for k in range(moves.part_monomial_start[first], moves.part_monomial_start[first + 1]):
        a = moves.part_monomial[k]
        if coefficient[e, a] == 0.0:
            continue
        inner = 0.0
        for j in range(moves.part_monomial_start[second], moves.part_monomial_start[second + 1]):
            b = moves.part_monomial[j]
            inner += moments[a, b] * coefficient[f, b]
        total += coefficient[e, a] * inner
    return total


@compiled
def _spread(tables, move, state, work):
    # The steps v to `work.vector[1]`, of every row v'c to `work.standardized` and w r^2 to `work.squares`.
    moves, residuals, rows = tables.scale_moves, tables.residuals, tables.rows
    mean, first = moves.spread_mean[move], moves.spread_start[move]
    size = moves.spread_start[move + 1] - first
    group = residuals.equation_group[mean]
    own = tables.families.moments[group]
    matrix, step, values = work.matrix[0], work.vector[1], work.values
    for k in range(size):
        step[k] = 0.0
        for j in range(k + 1):
            matrix[k, j] = 0.0
    for turn in range(2):
        if turn == 1:
            if cholesky.factor(matrix, size):
                cholesky.solve_lower(matrix, size, step)
                cholesky.solve_upper(matrix, size, step)
            else:
                for k in range(size):
                    step[k] = 0.0
        for c in range(rows.class_start.size - 1):
            if not tables.weighted.has_class[own, c]:
                continue
            for low in range(rows.class_start[c], rows.class_start[c + 1], 256):
                n = min(256, rows.class_start[c + 1] - low)
                taken, squares = work.standardized[low : low + n], work.squares[low : low + n]
                if turn == 1:
                    linear_predictor(
                        residuals, mean, -1, state.columns, state.coefficient, low, n, work.product, work.eta[0]
                    )
                    precision = state.columns[residuals.weight[group], low : low + n]
                    for i in range(n):
                        taken[i] = 0.0
                        squares[i] = precision[i] * work.eta[0, i] * work.eta[0, i]
                for k in range(size):
                    derivative = values[k]
                    multiply(residuals, moves.spread_monomial[first + k], state.columns, low, n, derivative)
                    for i in range(n):
                        derivative[i] *= moves.spread_constant[first + k]
                    if turn == 1:
                        for i in range(n):
                            taken[i] += step[k] * derivative[i]
                    else:
                        for j in range(k + 1):
                            matrix[k, j] += dot(derivative, values[j], n)
                        total = 0.0
                        for i in range(n):
                            total += derivative[i]
                        step[k] += 2.0 * moves.spread_power[move] * total


@compiled
def _log_density_of_spread(tables, moves, move, t, state, work):
    # Of the equation whose log variance takes up the change, and of the priors of its coefficients.
    rows, power = tables.rows, 2.0 * moves.spread_power[move]
    own = tables.families.moments[tables.residuals.equation_group[moves.spread_mean[move]]]
    value, first = 0.0, moves.spread_start[move]
    for k in range(first, moves.spread_start[move + 1]):
        parameter = moves.spread[k]
        value += log_prior(tables.priors, parameter, state.theta[parameter] + work.vector[1, k - first] * t)
    for c in range(rows.class_start.size - 1):
        if tables.weighted.has_class[own, c]:
            for i in range(rows.class_start[c], rows.class_start[c + 1]):
                taken = work.standardized[i]
                value -= 0.5 * (taken * t + work.squares[i] * math.exp((power - taken) * t))
    return value


@compiled
def log_density(tables, moves, move, t, state, work):
    """Log density of t, up to a constant, given `conditional`."""
    residuals, priors, quadratic = tables.residuals, tables.priors, work.quadratic
    value = moves.drift[move] * t
    place = 0
    for k in range(moves.group_start[move], moves.group_start[move + 1]):
        group = moves.group[k]
        start, end = residuals.group_start[group], residuals.group_start[group + 1]
        for i in range(moves.part_start[k], moves.part_start[k + 1]):
            for j in range(moves.part_start[k], i + 1):
                if quadratic[place] != 0.0:
                    value -= quadratic[place] * math.exp((moves.part_power[i] + moves.part_power[j]) * t)
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
    for k in range(moves.shift_start[move], moves.shift_start[move + 1]):
        value += log_prior(priors, moves.shift[k], state.theta[moves.shift[k]] + moves.shift_rate[k] * t)
    if moves.spread_mean[move] >= 0:
        value += _log_density_of_spread(tables, moves, move, t, state, work)
    return value if not math.isnan(value) else -math.inf


@compiled
def _shift(tables, parameter, step, group, state):
    # The intercept of a log variance, and what is multiplied by the rows' precisions.
    state.theta[parameter] += step
    factor = math.exp(-step)
    precision, sums = state.columns[tables.residuals.weight[group]], state.sums[tables.residuals.group_set[group]]
    for i in range(precision.size):
        precision[i] *= factor
    for a in range(sums.shape[0]):
        for b in range(sums.shape[1]):
            sums[a, b] *= factor


@compiled
def carry_out(tables, moves, move, t, state, work):
    """Multiply columns, parameters and moments; False when a covariance is no longer positive definite."""
    residuals = tables.residuals
    for k in range(moves.parameter_start[move], moves.parameter_start[move + 1]):
        state.theta[moves.parameter[k]] *= math.exp(moves.parameter_power[k] * t)
    for k in range(moves.shift_start[move], moves.shift_start[move + 1]):
        _shift(tables, moves.shift[k], moves.shift_rate[k] * t, moves.shift_group[k], state)
    for k in range(moves.spread_start[move], moves.spread_start[move + 1]):
        state.theta[moves.spread[k]] += work.vector[1, k - moves.spread_start[move]] * t
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
    if moves.spread_mean[move] >= 0:
        set_dependent(tables, residuals.equation_group[moves.spread_variance[move]], state, work)
    return True


@compiled
def update(tables, state, work):
    """Carry out all moves; -1, or the move after which no density is left."""
    moves = tables.scale_moves
    bracket = work.bracket
    for move in range(moves.drift.size):
        conditional(tables, move, state, work)
        current = log_density(tables, moves, move, 0.0, state, work)
        if not current > -math.inf:
            return move
        t = slice_sampling.begin(bracket, state.generator, 0.0, current, moves.width[move], -math.inf, math.inf)
        while bracket[slice_sampling.PHASE] < slice_sampling.DONE:
            t = slice_sampling.proceed(bracket, state.generator, log_density(tables, moves, move, t, state, work))
        if bracket[slice_sampling.PHASE] == slice_sampling.DONE and not carry_out(tables, moves, move, t, state, work):
            return move
    return -1
