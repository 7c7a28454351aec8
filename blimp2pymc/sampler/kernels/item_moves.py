"""A latent variable moves with the parameters of its indicators, its place in its full conditional held.

Given parameters a and everything else, the value f_i of a row has the log density

    g_i(f) = -1/2 P f^2 + h f + sum over outcomes that are not normal of log p(y | linear predictors at f),

P and h from the normal equations that hold it, as in `cells`. Let m_i(a) be the value after some scoring steps from
h/P, none longer than 2 P^-1/2, and d_i(a) the root of the inverse of P plus the expected information there: mean and
standard deviation of a normal approximation of g_i, functions of a and of what is held. With z_i = (f_i - m_i)/d_i
held and f_i = m_i + d_i z_i, the density of a is that of the state it leads to, times the Jacobian:

    log p(a | z, rest) = log priors of a + sum of the logarithms of variances in a, which are the coordinates
                         + sum over rows of [log density of all equations that hold f_i, at f_i, + log d_i].

This is exact whatever m and d are. If the approximation was exact, z would not depend on a, and this would be the
density with f integrated out. All of a moves around ellipses (`elliptical_slices`) with mean and covariance
learned in burn-in. A density takes a pass over the rows.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.directions import FIRST_WINDOW, learn
from blimp2pymc.sampler.kernels.slices import log_prior
from blimp2pymc.sampler.numerics import elliptical_slices
from blimp2pymc.sampler.numerics.exponentials import exponential, log_of_one_plus, logarithm
from blimp2pymc.sampler.numerics.moments import multiply, refresh_covariance, refresh_equation

PRECISION, LINEAR, CENTER, INFORMATION, SCORE = range(5)
"""Rows of `Work.item_rows`."""
WINDOW_PER_PARAMETER = 2.0
"""Draws for each parameter in a window from which ellipses are learned, at least."""


@compiled
def _n_lines(tables, part):
    return tables.item_moves.line_start[part + 1] - tables.item_moves.line_start[part]


@compiled
def _set_lines(tables, part, sign, place, low, n, state, work):
    # Equations of a part, times `sign`, as linear functions of the variable, to `work.item_lines` from `place` on.
    moves, columns, product = tables.item_moves, state.columns, work.product
    for line in range(moves.line_start[part], moves.line_start[part + 1]):
        offset, slope = work.item_lines[0, place], work.item_lines[1, place]
        for i in range(n):
            offset[i] = slope[i] = 0.0
        for k in range(moves.entry_start[line], moves.entry_start[line + 1]):
            value = sign * state.coefficient[moves.line[line], moves.entry_monomial[k]]
            if value != 0.0:
                target = slope if moves.entry_holds[k] else offset
                multiply(tables.residuals, moves.entry_rest[k], columns, low, n, product)
                for i in range(n):
                    target[i] += value * product[i]
        place += 1
    return place


@compiled
def _add_normal(tables, part, group, place, low, n, state, work):
    # Add a normal group, whose equations are put down from `place` on, to precision and linear part.
    offset, slope = work.item_lines[0, place:], work.item_lines[1, place:]
    rows, weight = work.item_rows, tables.residuals.weight[group]
    size = _set_lines(tables, part, 1.0, place, low, n, state, work) - place
    for e in range(size):
        for f in range(size):
            same = state.precision[group, e, f]
            if same != 0.0:
                for i in range(n):
                    each = same * (state.columns[weight, low + i] if weight >= 0 else 1.0)
                    rows[0, i] += each * slope[e, i] * slope[f, i]
                    rows[1, i] -= each * slope[e, i] * offset[f, i]
    return place + size


@compiled
def _log_density_of_normal(tables, part, group, place, low, n, values, state, work):
    # Minus half the weighted squares of residuals. The quadratic function of the variable would lose its digits where a
    # variance is small, and its errors be taken for density.
    offset, slope = work.item_lines[0, place:], work.item_lines[1, place:]
    weight, size = tables.residuals.weight[group], _n_lines(tables, part)
    total = 0.0
    for e in range(size):
        for f in range(size):
            same = state.precision[group, e, f]
            if same != 0.0:
                for i in range(n):
                    each = same * (state.columns[weight, low + i] if weight >= 0 else 1.0)
                    first, second = offset[e, i] + slope[e, i] * values[i], offset[f, i] + slope[f, i] * values[i]
                    total -= 0.5 * each * first * second
    return total


@compiled
def _add_scores(tables, part, outcome, place, n, y, theta, work):
    # Add derivative and expected information of an outcome at the centers.
    moves, offset, slope, rows = tables.item_moves, work.item_lines[0], work.item_lines[1], work.item_rows
    center, information, score = rows[2], rows[3], rows[4]
    first = moves.line_start[part]
    size = _n_lines(tables, part)
    if moves.kind[outcome] == 1:
        dispersion = theta[moves.dispersion[outcome]]
        for i in range(n):
            rate = slope[place, i]
            mean = exponential(offset[place, i] + rate * center[i])
            rest = 1.0 / (1.0 + dispersion * mean)
            score[i] += rate * (y[i] - mean) * rest
            information[i] += rate * rate * mean * rest
    elif size == 1:
        for i in range(n):
            rate = slope[place, i]
            p = 1.0 / (1.0 + exponential(-offset[place, i] - rate * center[i]))
            score[i] += rate * ((1.0 if y[i] == moves.code[first] else 0.0) - p)
            information[i] += rate * rate * p * (1.0 - p)
    else:
        for i in range(n):
            largest = 0.0
            for k in range(size):
                largest = max(largest, offset[place + k, i] + slope[place + k, i] * center[i])
            total, mean, square, chosen = exponential(-largest), 0.0, 0.0, 0.0
            for k in range(size):
                rate = slope[place + k, i]
                p = exponential(offset[place + k, i] + rate * center[i] - largest)
                total += p
                mean += p * rate
                square += p * rate * rate
                if y[i] == moves.code[first + k]:
                    chosen = rate
            mean /= total
            score[i] += chosen - mean
            information[i] += square / total - mean * mean


@compiled
def _log_density_of_outcome(tables, part, outcome, place, n, y, values, theta, work):
    # Sum of the log densities of an outcome at some values of the variable, up to a constant.
    moves, offset, slope = tables.item_moves, work.item_lines[0], work.item_lines[1]
    first, size = moves.line_start[part], _n_lines(tables, part)
    value = 0.0
    if moves.kind[outcome] == 1:
        dispersion = theta[moves.dispersion[outcome]]
        log_dispersion, shape = math.log(dispersion), 1.0 / dispersion
        for i in range(n):
            eta = offset[place, i] + slope[place, i] * values[i]
            value += y[i] * eta - (y[i] + shape) * log_of_one_plus(eta + log_dispersion)
    elif size == 1:
        for i in range(n):
            eta = offset[place, i] + slope[place, i] * values[i]
            value -= log_of_one_plus(-eta if y[i] == moves.code[first] else eta)
    else:
        for i in range(n):
            largest, chosen = 0.0, 0.0
            for k in range(size):
                eta = offset[place + k, i] + slope[place + k, i] * values[i]
                largest = max(largest, eta)
                if y[i] == moves.code[first + k]:
                    chosen = eta
            total = exponential(-largest)
            for k in range(size):
                total += exponential(offset[place + k, i] + slope[place + k, i] * values[i] - largest)
            value += chosen - largest - math.log(total)
    return value


@compiled
def _approximate(tables, index, c, low, n, state, work):
    # Centers, and precisions there, of the values of some rows, to `work.item_rows`; where outcomes' equations begin.
    moves, rows = tables.item_moves, work.item_rows
    n_normal = moves.normal.size
    place = 0
    for i in range(n):
        rows[0, i] = rows[1, i] = 0.0
    for k in range(moves.normal_start[index], moves.normal_start[index + 1]):
        if moves.active[k, c]:
            place = _add_normal(tables, k, moves.normal[k], place, low, n, state, work)
    first = place
    for k in range(moves.outcome_start[index], moves.outcome_start[index + 1]):
        if moves.active[n_normal + k, c]:
            place = _set_lines(tables, n_normal + k, -1.0, place, low, n, state, work)
    for i in range(n):
        rows[2, i] = rows[1, i] / rows[0, i]
    for step in range(moves.steps[index] + 1):
        for i in range(n):
            rows[3, i] = rows[0, i]
            rows[4, i] = rows[1, i] - rows[0, i] * rows[2, i]
        place = first
        for k in range(moves.outcome_start[index], moves.outcome_start[index + 1]):
            part = n_normal + k
            if moves.active[part, c]:
                y = state.columns[moves.outcome[k], low : low + n]
                _add_scores(tables, part, k, place, n, y, state.theta, work)
                place += _n_lines(tables, part)
        if step < moves.steps[index]:
            for i in range(n):
                longest = 2.0 / math.sqrt(rows[0, i])
                rows[2, i] += max(-longest, min(longest, rows[4, i] / rows[3, i]))
    return first


@compiled
def log_density_of_rows(tables, index, holds, state, work):
    """Sum over rows of all log densities that the variable enters, and of log d.

    `holds`: values follow the places that are held, and are set; otherwise places are computed from the values.
    """
    moves, class_start, rows = tables.item_moves, tables.rows.class_start, work.item_rows
    total, n_normal = 0.0, moves.normal.size
    for c in range(class_start.size - 1):
        if not moves.active[moves.normal_start[index], c]:
            continue
        for k in range(moves.normal_start[index], moves.normal_start[index + 1]):
            if moves.active[k, c]:
                total -= 0.5 * (class_start[c + 1] - class_start[c]) * state.log_determinant[moves.normal[k]]
        for low in range(class_start[c], class_start[c + 1], 256):
            n = min(256, class_start[c + 1] - low)
            place = _approximate(tables, index, c, low, n, state, work)
            values, held = state.columns[moves.column[index], low : low + n], work.standardized[low : low + n]
            for i in range(n):
                deviation = 1.0 / math.sqrt(rows[3, i])
                if holds:
                    values[i] = rows[2, i] + deviation * held[i]
                else:
                    held[i] = (values[i] - rows[2, i]) / deviation
                total -= 0.5 * logarithm(rows[3, i])
            for k in range(moves.outcome_start[index], moves.outcome_start[index + 1]):
                part = n_normal + k
                if moves.active[part, c]:
                    y = state.columns[moves.outcome[k], low : low + n]
                    total += _log_density_of_outcome(tables, part, k, place, n, y, values, state.theta, work)
                    place += _n_lines(tables, part)
            place = 0
            for k in range(moves.normal_start[index], moves.normal_start[index + 1]):
                if moves.active[k, c]:
                    total += _log_density_of_normal(tables, k, moves.normal[k], place, low, n, values, state, work)
                    place += _n_lines(tables, k)
    return total


@compiled
def log_density(tables, index, holds, state, work):
    """Log density of the parameters at their current values; `holds` as in `log_density_of_rows`."""
    moves, theta = tables.item_moves, state.theta
    total = 0.0
    for k in range(moves.parameter_start[index], moves.parameter_start[index + 1]):
        parameter = moves.parameter[k]
        total += log_prior(tables.priors, parameter, theta[parameter])
        if moves.is_variance[k]:
            total += math.log(theta[parameter])
    if not total > -math.inf:
        return -math.inf
    for k in range(moves.equation_start[index], moves.equation_start[index + 1]):
        refresh_equation(tables.residuals, moves.equation[k], theta, state.coefficient)
    for k in range(moves.changing_start[index], moves.changing_start[index + 1]):
        if not refresh_covariance(
            tables.residuals, moves.changing[k], theta, state.covariance, state.precision, state.log_determinant,
            work.matrix[0],
        ):  # fmt: skip
            return -math.inf
    total += log_density_of_rows(tables, index, holds, state, work)
    return total if not math.isnan(total) else -math.inf


@compiled
def _coordinates(moves, first, size, theta, out):
    for i in range(size):
        value = theta[moves.parameter[first + i]]
        out[i] = math.log(value) if moves.is_variance[first + i] else value


@compiled
def _set(moves, first, size, origin, change, theta):
    # Parameters at a change from the origin.
    for i in range(size):
        value = origin[i] + change[i]
        theta[moves.parameter[first + i]] = math.exp(value) if moves.is_variance[first + i] else value


@compiled
def _move(tables, index, learned, state, work):
    """Move around an ellipse; False when the current values have no density."""
    moves, generator = tables.item_moves, state.generator
    first = moves.parameter_start[index]
    size = moves.parameter_start[index + 1] - first
    bracket, origin, axes, change = work.bracket, work.proposal[0], work.proposal[1:], work.vector[1]
    current = log_density(tables, index, False, state, work)
    if not current > -math.inf:
        return False
    _coordinates(moves, first, size, state.theta, origin)
    elliptical_slices.begin(bracket, generator, origin, current, learned, size, axes, work.matrix[1])
    while bracket[elliptical_slices.PHASE] == elliptical_slices.SEARCHING:
        elliptical_slices.step(bracket, axes, size, change)
        _set(moves, first, size, origin, change, state.theta)
        elliptical_slices.proceed(bracket, generator, size, log_density(tables, index, True, state, work))
    if bracket[elliptical_slices.PHASE] == elliptical_slices.FAILED:
        for i in range(size):
            change[i] = 0.0
        _set(moves, first, size, origin, change, state.theta)
        log_density(tables, index, True, state, work)
    return True


@compiled
def update(tables, state, work, adapting):
    """Move every latent variable that can be; -1, or the parameter of which no density is left."""
    moves = tables.item_moves
    for index in range(moves.column.size):
        first = moves.parameter_start[index]
        size = moves.parameter_start[index + 1] - first
        learned = state.learned[moves.learned[index] : moves.learned[index + 1]]
        if learned[1] > max(FIRST_WINDOW, 2.0 * WINDOW_PER_PARAMETER * size - 1.0):
            for _ in range(moves.ellipses[index]):
                if not _move(tables, index, learned, state, work):
                    return moves.parameter[first]
        if adapting:
            _coordinates(moves, first, size, state.theta, work.vector[0])
            learn(learned, size, work.vector[0], work.matrix[0])
    return -1
