"""Missing categories that other equations look at: drawn together with their latent responses, row by row.

Let v be the category of a row and y* its latent response. Given category k, the residuals of all equations that
hold either are u_k + s_k y*, with precision W in each group. With

    P_k = sum s_k' W s_k,    h_k = -sum s_k' W u_k,    c_k = -1/2 sum u_k' W u_k

and y* integrated out over the interval (l_k, r_k) that stands for the category,

    log Pr(k) = c_k + h_k^2 / (2 P_k) - log(P_k) / 2 + log[Phi((r_k - m_k) sqrt(P_k)) - Phi((l_k - m_k) sqrt(P_k))],

m_k = h_k/P_k, up to a constant. Equations that are not normal hold the category alone, and add their log densities to
c_k.  Then y* is normal with mean m_k and precision P_k on that interval.

A nominal variable has a latent difference for each code but the reference: the category is that of the
largest difference, or the reference where all are negative. Where nothing but their own equations looks at the
differences, all of them are integrated out: with the probability p_k of category k given its predictors
(`predictor_densities`) and the sums over the other equations,

    log Pr(k) = c_k + log p_k,

and then all differences of the row are drawn jointly (`differences`). Elsewhere they are drawn one at a time. Given
the others there are two intervals: below the largest other (or 0), where the category is that of the largest
other, and above it, where the category is its own.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels import cells, differences
from blimp2pymc.sampler.kernels.log_variances import set_precision_of_row
from blimp2pymc.sampler.kernels.predictor_densities import log_probability_of_largest, set_predictors
from blimp2pymc.sampler.kernels.row_densities import log_density_of_row
from blimp2pymc.sampler.numerics.evaluator import evaluate
from blimp2pymc.sampler.numerics.generator import truncated_normal, uniform

FIXED, FIXED_SLOPE, CHANGING, CHANGING_SLOPE = range(4)
"""Entries: part of u or of s; the same for all categories, or not."""
REST, SLOPE, REST_OF_CATEGORY, SLOPE_OF_CATEGORY = range(4)
"""Rows of `Work.by_equation`."""
WEIGHT, MEAN, ROOT, LOWER, UPPER, CODE = range(6)
"""Rows of `Work.options`: log probability of a category, mean and root of the precision, interval, code."""
SQRT_HALF = math.sqrt(0.5)


@compiled
def log_probability(lower, upper):
    """Log of the standard normal probability of an interval."""
    if lower > 0.0:
        lower, upper = -upper, -lower
    share = 0.5 * (math.erfc(-upper * SQRT_HALF) - math.erfc(-lower * SQRT_HALF))
    if share > 1e-280:
        return math.log(share)
    # Far in the lower tail the upper end has all of it.
    return -0.5 * upper * upper - math.log(max(1.0, -upper)) - 0.918938533204672742


@compiled
def _add(residuals, categories, first, last, kind, place, row, columns, coefficient, out):
    for entry in range(first, last):
        if categories.entry_kind[entry] != kind:
            continue
        equation, rest = categories.entry_equation[entry], categories.entry_rest[entry]
        value = coefficient[equation, categories.entry_monomial[entry]]
        if value != 0.0:
            for k in range(residuals.column_start[rest], residuals.column_start[rest + 1]):
                value *= columns[residuals.monomial_column[k], row]
            out[place, equation] += value


@compiled
def set_category(tables, index, row, code, state, work):
    """Set the code of a row, and the functions of it."""
    categories = tables.categories
    state.columns[categories.score[index], row] = code
    for k in range(categories.program_start[index], categories.program_start[index + 1]):
        program = categories.program[k]
        state.columns[tables.functions.target[program], row] = evaluate(
            tables.functions, program, state.theta, state.columns, row, work.stack
        )


@compiled
def set_intervals(categories, index, row, theta, columns, options):
    """Write the intervals and codes of the categories the response can be in; returns their number."""
    first, last = categories.threshold_start[index], categories.threshold_start[index + 1]
    codes = categories.code_start[index]
    if not categories.is_nominal[index]:
        lower = -math.inf
        for k in range(last - first + 1):
            upper = theta[categories.threshold[first + k]] if first + k < last else math.inf
            options[LOWER, k], options[UPPER, k] = lower, upper
            options[CODE, k] = categories.code[codes + k]
            lower = upper
        return last - first + 1
    if categories.part[index] >= 0:
        n = categories.code_start[index + 1] - codes
        for k in range(n):
            options[LOWER, k], options[UPPER, k] = -math.inf, math.inf
            options[CODE, k] = categories.code[codes + k]
        return n
    # Codes of a nominal variable: the reference, that of this difference, those of the others.
    cut, options[CODE, 0], options[CODE, 1] = 0.0, categories.code[codes], categories.code[codes + 1]
    start = categories.rival_start[index]
    for k in range(start, categories.rival_start[index + 1]):
        value = columns[categories.rival[k], row]
        if value > cut:
            cut, options[CODE, 0] = value, categories.code[codes + 2 + k - start]
    options[LOWER, 0], options[UPPER, 0] = -math.inf, cut
    options[LOWER, 1], options[UPPER, 1] = cut, math.inf
    return 2


@compiled
def _at_category(tables, index, row, code, state, work):
    """Set the code of a row and modelled variances that depend on it; P_k, h_k and c_k, given `conditional`'s sums."""
    residuals, categories = tables.residuals, tables.categories
    columns, coefficient, precision, by_equation = state.columns, state.coefficient, state.precision, work.by_equation
    set_category(tables, index, row, code, state, work)
    squares, linear, constant = 0.0, 0.0, 0.0
    for segment in range(categories.segment_start[index], categories.segment_start[index + 1]):
        group = categories.segment_group[segment]
        low, high = residuals.group_start[group], residuals.group_start[group + 1]
        for equation in range(low, high):
            by_equation[REST_OF_CATEGORY, equation] = by_equation[REST, equation]
            by_equation[SLOPE_OF_CATEGORY, equation] = by_equation[SLOPE, equation]
        first, last = categories.entry_start[segment], categories.entry_start[segment + 1]
        _add(residuals, categories, first, last, CHANGING, REST_OF_CATEGORY, row, columns, coefficient, by_equation)
        _add(
            residuals, categories, first, last, CHANGING_SLOPE, SLOPE_OF_CATEGORY, row, columns, coefficient,
            by_equation,
        )  # fmt: skip
        set_precision_of_row(tables, group, row, columns, by_equation[REST_OF_CATEGORY])
        if categories.is_scored[segment]:
            continue
        share = 1.0 if residuals.weight[group] < 0 else columns[residuals.weight[group], row]
        for e in range(low, high):
            u, s = by_equation[REST_OF_CATEGORY, e], by_equation[SLOPE_OF_CATEGORY, e]
            for f in range(low, high):
                weight = share * precision[group, e - low, f - low]
                squares += weight * s * by_equation[SLOPE_OF_CATEGORY, f]
                linear -= weight * s * by_equation[REST_OF_CATEGORY, f]
                constant -= 0.5 * weight * u * by_equation[REST_OF_CATEGORY, f]
    for density in range(categories.density_start[index], categories.density_start[index + 1]):
        constant += log_density_of_row(
            tables, categories.density_group[density], row, columns, state.theta, by_equation[REST_OF_CATEGORY]
        )
    return squares, linear, constant


@compiled
def conditional(tables, index, row, state, work):
    """Write log probabilities, means and roots of precisions of all categories to `work.options`; how many."""
    residuals, categories = tables.residuals, tables.categories
    columns, coefficient = state.columns, state.coefficient
    options, by_equation = work.options, work.by_equation
    n = set_intervals(categories, index, row, state.theta, columns, options)
    start, end = categories.segment_start[index], categories.segment_start[index + 1]
    part, size = categories.part[index], 0
    if part >= 0:
        set_predictors(tables, part, row, 1, state, work)
        size = tables.trajectories.equation_start[part + 1] - tables.trajectories.equation_start[part]
    for segment in range(start, end):
        group = categories.segment_group[segment]
        for equation in range(residuals.group_start[group], residuals.group_start[group + 1]):
            by_equation[REST, equation] = by_equation[SLOPE, equation] = 0.0
        first, last = categories.entry_start[segment], categories.entry_start[segment + 1]
        _add(residuals, categories, first, last, FIXED, REST, row, columns, coefficient, by_equation)
        _add(residuals, categories, first, last, FIXED_SLOPE, SLOPE, row, columns, coefficient, by_equation)
    for k in range(n):
        squares, linear, constant = _at_category(tables, index, row, options[CODE, k], state, work)
        if part >= 0:
            # The reference comes first among the codes.
            probability = log_probability_of_largest(size, k - 1, 0, work, work.margins[3])
            options[MEAN, k], options[ROOT, k], options[WEIGHT, k] = 0.0, 1.0, constant + probability
            continue
        mean, root = linear / squares, math.sqrt(squares)
        options[MEAN, k], options[ROOT, k] = mean, root
        share = log_probability((options[LOWER, k] - mean) * root, (options[UPPER, k] - mean) * root)
        options[WEIGHT, k] = constant + 0.5 * linear * mean - math.log(root) + share
    return n


@compiled
def draw(tables, index, row, state, work):
    """Draw the category and the response of a row; False when no category has a density."""
    options = work.options
    n = conditional(tables, index, row, state, work)
    largest = -math.inf
    for k in range(n):
        largest = max(largest, options[WEIGHT, k])
    if not math.isfinite(largest):
        return False
    total = 0.0
    for k in range(n):
        options[WEIGHT, k] = math.exp(options[WEIGHT, k] - largest)
        total += options[WEIGHT, k]
    left, k = total * uniform(state.generator) - options[WEIGHT, 0], 0
    while left > 0.0 and k < n - 1:
        k += 1
        left -= options[WEIGHT, k]
    if tables.categories.density_start[index] < tables.categories.density_start[index + 1]:
        _at_category(tables, index, row, options[CODE, k], state, work)
    else:
        set_category(tables, index, row, options[CODE, k], state, work)
    if tables.categories.part[index] >= 0:
        differences.draw_row(tables, tables.categories.part[index], row, 0, state, work)
        return True
    place = tables.categories.place[index]
    if place >= 0:
        state.category[place + row - tables.categories.low[index]] = k
    state.columns[tables.categories.response[index], row] = truncated_normal(
        state.generator, options[MEAN, k], 1.0 / options[ROOT, k], options[LOWER, k], options[UPPER, k]
    )
    return True


@compiled
def update(tables, state, work):
    """Draw all missing categories; returns -1, or the column for which that failed."""
    categories = tables.categories
    for index in range(categories.score.size):
        for row in range(categories.low[index], categories.high[index]):
            if not draw(tables, index, row, state, work):
                return categories.score[index]
    return -1


@compiled
def set_codes_of_run(table, run, state):
    """Set nominal codes of a run of rows to the largest difference, or the reference."""
    codes, first = table.code_start[run], table.member_start[run]
    for row in range(table.missing_low[run], table.missing_high[run]):
        largest, code = 0.0, table.code[codes]
        for k in range(first, table.member_start[run + 1]):
            value = state.columns[table.member[k], row]
            if value > largest:
                largest, code = value, table.code[codes + 1 + k - first]
        state.columns[table.missing_score[run], row] = code


@compiled
def set_codes(table, state):
    """Set nominal codes at which no equation looks to the largest difference, or the reference."""
    for run in range(table.missing_low.size):
        set_codes_of_run(table, run, state)


@compiled
def update_differences(tables, state, work):
    """Draw the latent differences of observed nominal categories: normal, between what the category asks for."""
    table = tables.differences
    for index in range(table.block.size):
        block = table.block[index]
        column = state.columns[table.column[index]]
        start = table.category_start[index] - tables.cells.low[block]
        for low in range(tables.cells.low[block], tables.cells.high[block], 256):
            n = min(256, tables.cells.high[block] - low)
            cells.conditional(
                tables.residuals, tables.cells, block, low, n, state.columns, state.coefficient, state.precision, work
            )
            for i in range(n):
                row = low + i
                category = table.category[start + row]
                lower, upper = -math.inf, 0.0
                if category == table.column[index]:
                    # Its own category: above all others and 0.
                    lower, upper = 0.0, math.inf
                    for k in range(table.rival_start[index], table.rival_start[index + 1]):
                        lower = max(lower, state.columns[table.rival[k], row])
                elif category >= 0:
                    upper = state.columns[category, row]
                precision = work.precision[0, 0, i]
                column[row] = truncated_normal(
                    state.generator, work.linear[0, i] / precision, 1.0 / math.sqrt(precision), lower, upper
                )
