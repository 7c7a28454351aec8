"""Changes of location: a constant c is added to a latent variable, coefficients take up what they can of it.

The coefficients of other equations change by -c D (`LocationMoves`), so that all residuals stay as they are but those
of few equations, the variable's own among them, which change by c s in every row. The coefficients b of that equation
are drawn with c: a residual changes by c s + sum_k d_k z_k, with its derivatives z by b. The change has Jacobian 1;
with the precisions W of groups, w of rows, and normal priors N(m, v), the step (c, d) is normal with precision P and
mean P^-1 h. With G_i the derivatives of the residuals r_i of a row,

    P = sum_i w_i G_i'W G_i + priors,    h = -sum_i w_i G_i'W r_i + priors,

the prior of a coefficient that takes up c having the derivative -D.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.coefficients import move_along
from blimp2pymc.sampler.numerics import cholesky
from blimp2pymc.sampler.numerics.generator import normal
from blimp2pymc.sampler.numerics.moments import dot, fetch, multiply, prepare_values, refresh_equation, values_of


@compiled
def _add_rows(tables, move, group, low, n, state, work, matrix, vector):
    """Add rows low to low + n of a group to precision and linear part."""
    moves, residuals, columns, derivative = tables.location_moves, tables.residuals, state.columns, work.derivatives
    start, end = residuals.group_start[group], residuals.group_start[group + 1]
    rate, pull, own = work.by_equation[0], work.by_equation[1], moves.own_equation[move]
    first = moves.drawn_start[move]
    n_drawn = moves.drawn_start[move + 1] - first if start <= own < end else 0
    precision = state.precision[group]
    multiply(residuals, 0, columns, low, n, derivative[0])
    for k in range(n_drawn):
        multiply(residuals, moves.drawn_monomial[first + k], columns, low, n, derivative[k + 1])
    for k in range(n_drawn + 1):
        # What the constant (k = 0) or a coefficient of the own equation pulls at each residual.
        for f in range(start, end):
            pull[f] = 0.0
            if k > 0:
                pull[f] = moves.drawn_constant[first + k - 1] * precision[own - start, f - start]
            else:
                for e in range(start, end):
                    pull[f] += rate[e] * precision[e - start, f - start]
        weighted = derivative[k]
        if residuals.weight[group] >= 0:
            weight = columns[residuals.weight[group], low : low + n]
            weighted = work.product
            for i in range(n):
                weighted[i] = weight[i] * derivative[k, i]
        for j in range(k + 1):
            factor = 0.0
            if j > 0:
                factor = pull[own] * moves.drawn_constant[first + j - 1]
            else:
                for f in range(start, end):
                    factor += pull[f] * rate[f]
            matrix[k, j] += factor * dot(weighted, derivative[j], n)
        for f in range(start, end):
            if pull[f] != 0.0:
                vector[k] -= pull[f] * _product_with_residual(residuals, f, weighted, low, n, state, work.values)


@compiled
def _product_with_residual(residuals, equation, weighted, low, n, state, values):
    """Sum over rows of a residual times weights."""
    total = 0.0
    for k in range(residuals.monomial_start[equation], residuals.monomial_start[equation + 1]):
        monomial = residuals.equation_monomial[k]
        value = state.coefficient[equation, monomial]
        if value != 0.0:
            prepare_values(residuals, monomial, state.columns, low, n, values)
            total += value * dot(weighted, values_of(residuals, monomial, state.columns, low, n, values), n)
    return total


@compiled
def conditional(tables, move, state, work):
    """Write precision and linear part of the step to `work.matrix[0]` and `work.vector[0]`; return its size."""
    moves, priors, theta = tables.location_moves, tables.priors, state.theta
    matrix, vector, slope = work.matrix[0], work.vector[0], work.vector[1]
    first = moves.drawn_start[move]
    size = moves.drawn_start[move + 1] - first + 1
    for i in range(size):
        vector[i] = 0.0
        for j in range(i + 1):
            matrix[i, j] = 0.0
    for k in range(moves.move_start[move], moves.move_start[move + 1]):
        slope[moves.move_target[k]] = 0.0
    for k in range(moves.move_start[move], moves.move_start[move + 1]):
        slope[moves.move_target[k]] += moves.move_factor[k] * theta[moves.move_source[k]]
    for k in range(moves.move_start[move], moves.move_start[move + 1]):
        target = moves.move_target[k]
        if priors.kind[target] == 1:
            matrix[0, 0] += slope[target] ** 2 / priors.second[target]
            vector[0] += slope[target] * (theta[target] - priors.first[target]) / priors.second[target]
            # A target with several sources counts once.
            slope[target] = 0.0
    for k in range(1, size):
        parameter = moves.drawn[first + k - 1]
        if priors.kind[parameter] == 1:
            matrix[k, k] += 1.0 / priors.second[parameter]
            vector[k] += (priors.first[parameter] - theta[parameter]) / priors.second[parameter]
    rate = work.by_equation[0]
    for equation in range(rate.size):
        rate[equation] = moves.rate[move, equation]
    for k in range(moves.rate_start[move], moves.rate_start[move + 1]):
        rate[moves.rate_equation[k]] -= moves.rate_factor[k] * theta[moves.rate_source[k]]
    for run in range(moves.run_start[move], moves.run_start[move + 1]):
        for low in range(moves.run_low[run], moves.run_high[run], 256):
            n = min(256, moves.run_high[run] - low)
            for k in range(moves.read_start[run], moves.read_start[run + 1]):
                fetch(state.columns, moves.read[k], low + 256, 256)
            for k in range(moves.group_start[run], moves.group_start[run + 1]):
                _add_rows(tables, move, moves.group[k], low, n, state, work, matrix, vector)
    return size


@compiled
def carry_out(tables, move, step, state, work):
    """Add a step to the column and the coefficients; moments are left as they are."""
    moves = tables.location_moves
    column = state.columns[moves.column[move]]
    for i in range(column.size):
        column[i] += step[0]
    move_along(moves, move, step[0], state.theta, work.vector[1], work.vector[2])
    first = moves.drawn_start[move]
    for k in range(first, moves.drawn_start[move + 1]):
        state.theta[moves.drawn[k]] += step[1 + k - first]
    for k in range(moves.equation_start[move], moves.equation_start[move + 1]):
        refresh_equation(tables.residuals, moves.equation[k], state.theta, state.coefficient)


@compiled
def update(tables, state, work):
    """Carry out all moves, exact draws; moments have to be computed afterwards."""
    for move in range(tables.location_moves.column.size):
        size = conditional(tables, move, state, work)
        matrix, step = work.matrix[0], work.vector[0]
        if not cholesky.factor(matrix, size):
            continue
        cholesky.solve_lower(matrix, size, step)
        for i in range(size):
            step[i] += normal(state.generator)
        cholesky.solve_upper(matrix, size, step)
        if math.isfinite(step[0]):
            carry_out(tables, move, step, state, work)
