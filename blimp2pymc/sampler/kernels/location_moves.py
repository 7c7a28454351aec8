"""Changes of location: a constant c is added to a latent variable, coefficients take up what they can of it.

The coefficients of other equations change by -c D (`LocationMoves`), so that all residuals stay as they are but those
of few equations, the variable's own among them, which change by c s in every row. The coefficients b of that equation
are drawn with c: a residual changes by c s + sum_k d_k z_k, with its derivatives z by b. The change has Jacobian 1;
with the precisions W of groups, w of rows, and normal priors N(m, v), the step (c, d) is normal with precision P and
mean P^-1 h. With G_i the derivatives of the residuals r_i of a row,

    P = sum_i w_i G_i'W G_i + priors,    h = -sum_i w_i G_i'W r_i + priors,

the prior of a coefficient that takes up c having the derivative -D. Sums over rows are read off the moment matrices,
which change with a step: a monomial with the variable x in it is x m before, and x m + c m after it. The rows
themselves follow when they are gone through next (`row_passes`).
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.coefficients import move_along
from blimp2pymc.sampler.numerics import cholesky, overrelaxation
from blimp2pymc.sampler.numerics.moments import refresh_equation


@compiled
def moments_are_current(tables, state):
    """Whether moments are still those of the columns: nothing that draws before the moves has changed these."""
    return (
        tables.trajectories.share.size
        + tables.item_moves.column.size
        + tables.weighted.column.size
        + tables.nonlinear.column.size
        + tables.categories.score.size
        + tables.functions.target.size
        + tables.transformations.parameter.size
        + state.blocks.shape[0]
    ) == 0


@compiled
def _add_group(tables, move, group, state, work, matrix, vector):
    """Add all rows of a group to precision and linear part."""
    moves, residuals = tables.location_moves, tables.residuals
    start, end = residuals.group_start[group], residuals.group_start[group + 1]
    rate, pull, own = work.by_equation[0], work.by_equation[1], moves.own_equation[move]
    first = moves.drawn_start[move]
    n_drawn = moves.drawn_start[move + 1] - first if start <= own < end else 0
    precision, moments = state.precision[group], state.sums[residuals.group_set[group]]
    for k in range(n_drawn + 1):
        # What the constant (k = 0) or a coefficient of the own equation pulls at each residual.
        moment = moments[moves.drawn_monomial[first + k - 1] if k > 0 else 0]
        for f in range(start, end):
            pull[f] = 0.0
            if k > 0:
                pull[f] = moves.drawn_constant[first + k - 1] * precision[own - start, f - start]
            else:
                for e in range(start, end):
                    pull[f] += rate[e] * precision[e - start, f - start]
        for j in range(k + 1):
            factor = 0.0
            if j > 0:
                factor = pull[own] * moves.drawn_constant[first + j - 1]
            else:
                for f in range(start, end):
                    factor += pull[f] * rate[f]
            matrix[k, j] += factor * moment[moves.drawn_monomial[first + j - 1] if j > 0 else 0]
        for f in range(start, end):
            if pull[f] != 0.0:
                for i in range(residuals.monomial_start[f], residuals.monomial_start[f + 1]):
                    monomial = residuals.equation_monomial[i]
                    vector[k] -= pull[f] * state.coefficient[f, monomial] * moment[monomial]


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
    for k in range(moves.group_start[move], moves.group_start[move + 1]):
        _add_group(tables, move, moves.group[k], state, work, matrix, vector)
    return size


@compiled
def shift_rows(moves, low, high, state, work):
    """Carry out changes that have been drawn in rows low to high."""
    for move in range(moves.column.size):
        step = work.offset[move]
        if step != 0.0:
            column = state.columns[moves.column[move], low:high]
            for i in range(column.size):
                column[i] += step


@compiled
def _shift_moments(moves, move, step, sums):
    """Change the moments of the moves' equations as the column's change by a step does."""
    kept = moves.kept
    for s in range(sums.shape[0]):
        matrix = sums[s]
        # With T the change of the monomials, S becomes T S T': rows, then columns.
        for k in range(moves.shift_start[move], moves.shift_start[move + 1]):
            factor = moves.shift_factor[k] * step ** moves.shift_power[k]
            target, source = matrix[moves.shift_monomial[k]], matrix[moves.shift_rest[k]]
            for j in range(kept.size):
                target[kept[j]] += factor * source[kept[j]]
        for k in range(moves.shift_start[move], moves.shift_start[move + 1]):
            factor = moves.shift_factor[k] * step ** moves.shift_power[k]
            target, source = moves.shift_monomial[k], moves.shift_rest[k]
            for j in range(kept.size):
                matrix[kept[j], target] += factor * matrix[kept[j], source]


@compiled
def _carry_out_but_rows(tables, move, step, state, work):
    """Add a step to the coefficients, and change the moments."""
    moves = tables.location_moves
    _shift_moments(moves, move, step[0], state.sums)
    move_along(moves, move, step[0], state.theta, work.vector[1], work.vector[2])
    first = moves.drawn_start[move]
    for k in range(first, moves.drawn_start[move + 1]):
        state.theta[moves.drawn[k]] += step[1 + k - first]
    for k in range(moves.equation_start[move], moves.equation_start[move + 1]):
        refresh_equation(tables.residuals, moves.equation[k], state.theta, state.coefficient)


@compiled
def carry_out(tables, move, step, state, work):
    """Add a step to the column and the coefficients, and change the moments that moves look at."""
    column = state.columns[tables.location_moves.column[move]]
    for i in range(column.size):
        column[i] += step[0]
    _carry_out_but_rows(tables, move, step, state, work)


@compiled
def update(tables, state, work):
    """Draw all moves, exactly, given the moments; the rows follow in the next pass over them."""
    for move in range(tables.location_moves.column.size):
        size = conditional(tables, move, state, work)
        matrix, step = work.matrix[0], work.vector[0]
        if not cholesky.factor(matrix, size):
            continue
        cholesky.solve_lower(matrix, size, step)
        overrelaxation.add_normal(step, size, state.overrelaxation[0], state.generator)
        cholesky.solve_upper(matrix, size, step)
        if math.isfinite(step[0]):
            work.offset[move] = step[0]
            _carry_out_but_rows(tables, move, step, state, work)
