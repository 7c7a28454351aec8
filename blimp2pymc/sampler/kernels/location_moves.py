"""Changes of location: a constant c is added to a latent variable, coefficients take up what they can of it.

The coefficients change by -c D (`LocationMoves`), so that all residuals stay as they are but those of few equations,
the variable's own among them, which change by c s in every row. The change has Jacobian 1; with the precisions W of
groups, w of rows, and the coefficients' priors N(m, v), c is normal with precision P and mean h/P,

    P = sum over groups of (s'Ws) sum_i w_i + sum D^2/v,
    h = -sum over groups of s'W sum_i w_i r_i + sum D (b - m)/v.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compiled import compiled
from blimp2pymc.sampler.generator import normal
from blimp2pymc.sampler.kernels.coefficients import move_along
from blimp2pymc.sampler.moments import multiply, refresh_equation


@compiled
def _sum_residuals(tables, group, low, n, state, work, total):
    # Add up the weighted residuals of a group's equations over rows low to low + n; returns the sum of weights.
    residuals, columns = tables.residuals, state.columns
    start, end = residuals.group_start[group], residuals.group_start[group + 1]
    product = work.product
    weights = float(n)
    if residuals.weight[group] >= 0:
        weight = columns[residuals.weight[group], low : low + n]
        weights = 0.0
        for i in range(n):
            weights += weight[i]
    for equation in range(start, end):
        for k in range(residuals.monomial_start[equation], residuals.monomial_start[equation + 1]):
            monomial = residuals.equation_monomial[k]
            value = state.coefficient[equation, monomial]
            if value == 0.0:
                continue
            multiply(residuals, monomial, columns, low, n, product)
            dot = 0.0
            if residuals.weight[group] >= 0:
                weight = columns[residuals.weight[group], low : low + n]
                for i in range(n):
                    dot += weight[i] * product[i]
            else:
                for i in range(n):
                    dot += product[i]
            total[equation] += value * dot
    return weights


@compiled
def conditional(tables, move, state, work):
    """Precision P and linear part h of the constant."""
    moves, residuals, priors, theta = tables.location_moves, tables.residuals, tables.priors, state.theta
    precision = linear = 0.0
    slope = work.vector[0]
    for k in range(moves.move_start[move], moves.move_start[move + 1]):
        slope[moves.move_target[k]] = 0.0
    for k in range(moves.move_start[move], moves.move_start[move + 1]):
        slope[moves.move_target[k]] += moves.move_factor[k] * theta[moves.move_source[k]]
    for k in range(moves.move_start[move], moves.move_start[move + 1]):
        target = moves.move_target[k]
        if priors.kind[target] == 1:
            precision += slope[target] ** 2 / priors.second[target]
            linear += slope[target] * (theta[target] - priors.first[target]) / priors.second[target]
            # A target with several sources counts once.
            slope[target] = 0.0
    rate, total = work.by_equation[0], work.by_equation[1]
    for equation in range(rate.size):
        rate[equation], total[equation] = moves.rate[move, equation], 0.0
    for k in range(moves.rate_start[move], moves.rate_start[move + 1]):
        rate[moves.rate_equation[k]] -= moves.rate_factor[k] * theta[moves.rate_source[k]]
    for k in range(moves.group_start[move], moves.group_start[move + 1]):
        group = moves.group[k]
        weights = 0.0
        for run in range(moves.run_start[k], moves.run_start[k + 1]):
            for low in range(moves.run_low[run], moves.run_high[run], 256):
                weights += _sum_residuals(tables, group, low, min(256, moves.run_high[run] - low), state, work, total)
        start = residuals.group_start[group]
        for e in range(start, residuals.group_start[group + 1]):
            for f in range(start, residuals.group_start[group + 1]):
                weight = rate[e] * state.precision[group, e - start, f - start]
                precision += weight * rate[f] * weights
                linear -= weight * total[f]
    return precision, linear


@compiled
def carry_out(tables, move, step, state, work):
    """Add a constant to the column and change the coefficients with it; moments are left as they are."""
    moves = tables.location_moves
    column = state.columns[moves.column[move]]
    for i in range(column.size):
        column[i] += step
    move_along(moves, move, step, state.theta, work.vector[1], work.vector[2])
    for k in range(moves.equation_start[move], moves.equation_start[move + 1]):
        refresh_equation(tables.residuals, moves.equation[k], state.theta, state.coefficient)


@compiled
def update(tables, state, work):
    """Carry out all moves, exact draws; moments have to be computed afterwards."""
    for move in range(tables.location_moves.column.size):
        precision, linear = conditional(tables, move, state, work)
        if 0.0 < precision < math.inf:
            step = linear / precision + normal(state.generator) / math.sqrt(precision)
            carry_out(tables, move, step, state, work)
