"""Latent responses that are not normal between thresholds: in a power, a function, an equation that is not normal.

Given everything else such a response has the density exp f(y*) of a cell (`nonlinear`), between the thresholds of its
category. Where the category is missing and other equations look at it, y* has the whole line, and f(y*) is that at the
code of the category it is in. Both are drawn by slice sampling, row by row.

Thresholds cannot be drawn with these responses integrated out, and given them they would hardly move. So the responses
follow. Let m and P be mean and precision of a response in the normal equations that hold it, its own among them, or in
its own alone. While thresholds tau move, each response keeps its place

    u = [Phi((y* - m) sqrt P) - Phi((tau_k - m) sqrt P)] / Pr(k)

in the distribution these equations give it. As dy*/du = Pr(k) exp(P (y* - m)^2 / 2) sqrt(2 pi / P), the density of the
thresholds given all u is that of their priors times

    product over rows of Pr(k) * product over rows of exp[f(y*) + P (y* - m)^2 / 2].

The first product is the density that `response_steps` draws thresholds from; its proposals are accepted with the ratio
of the second as well. Where other equations say nothing about a response, that ratio is 1. In rows whose category has
next to no probability, y* keeps its distance from the threshold, or its place between two of them as on a scale.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled, inlined
from blimp2pymc.sampler.kernels import nonlinear, thresholds
from blimp2pymc.sampler.numerics import slice_sampling
from blimp2pymc.sampler.numerics.normal_table import normal_probability, normal_score

OBSERVED, FOLLOWING = 3, 4
"""Kinds of `Nonlinear`: the category is observed, or is missing and follows from the response."""


@inlined
def prepare(tables, index, row, state, work):
    """Compute what the density of a response needs and does not change with it."""
    nonlinear.conditional(
        tables.residuals, tables.nonlinear, index, row, state.columns, state.coefficient, work.by_equation
    )


@inlined
def log_density_in_category(tables, index, row, value, state, work):
    """Log density of a response at `value`, its category as it is, up to a constant; sets the response."""
    return nonlinear.log_density(
        tables, index, row, value, state.columns, state.theta, state.coefficient, state.precision, work
    )


@compiled
def log_density(tables, index, row, value, state, work):
    """Log density of a response at `value` and of the category there; sets both, and functions of them."""
    if tables.nonlinear.kind[index] == FOLLOWING:
        responses, variable = tables.responses, tables.nonlinear.variable[index]
        k = thresholds.category_of(responses, variable, value, state.theta)
        state.columns[responses.score[variable], row] = responses.code[responses.code_start[variable] + k]
        state.category[tables.nonlinear.place[index] + row - tables.nonlinear.low[index]] = k
    return log_density_in_category(tables, index, row, value, state, work)


@compiled
def draw(tables, index, row, state, work, adapting):
    """Draw the response of a row; False when its current value has no density."""
    table, responses, bracket = tables.nonlinear, tables.responses, work.bracket
    width, variable = table.width[index], table.variable[index]
    lower, upper = -math.inf, math.inf
    if table.kind[index] == OBSERVED:
        k = state.category[table.place[index] + row - table.low[index]]
        first = responses.threshold_start[variable]
        if k > 0:
            lower = state.theta[responses.threshold[first + k - 1]]
        if first + k < responses.threshold_start[variable + 1]:
            upper = state.theta[responses.threshold[first + k]]
    old = state.columns[table.column[index], row]
    prepare(tables, index, row, state, work)
    current = log_density(tables, index, row, old, state, work)
    if not (current > -math.inf and lower <= old <= upper):
        return False
    x = slice_sampling.begin(bracket, state.generator, old, current, state.widths[width, 0], lower, upper)
    while bracket[slice_sampling.PHASE] < slice_sampling.DONE:
        x = slice_sampling.proceed(bracket, state.generator, log_density(tables, index, row, x, state, work))
    # The last point evaluated is the draw, unless sampling failed and the old value must be put back.
    if bracket[slice_sampling.PHASE] != slice_sampling.DONE:
        log_density(tables, index, row, x, state, work)
        return False
    state.evaluations[2] += bracket[slice_sampling.COUNT]
    state.evaluations[3] += 1.0
    if adapting:
        slice_sampling.adapt(state.widths, width, x - old)
    return True


@compiled
def update(tables, state, work, adapting):
    """Draw all such responses; returns -1, or the column for which that failed."""
    table = tables.nonlinear
    for index in range(table.column.size):
        if table.kind[index] < OBSERVED:
            continue
        for row in range(table.low[index], table.high[index]):
            if not draw(tables, index, row, state, work, adapting):
                return table.column[index]
    return -1


@compiled
def _between(low, high, value, new_low, new_high):
    # The value at the same place between other limits, and the log of its derivative by the old one.
    if math.isinf(low):
        return value + (new_high - high if math.isfinite(high) else 0.0), 0.0
    if math.isinf(high):
        return value + new_low - low, 0.0
    stretch = (new_high - new_low) / (high - low)
    return new_low + stretch * (value - low), math.log(stretch)


@compiled
def _moved(i, k, last, value, work):
    """The response of place i after a move from thresholds `bounds[0]` to `bounds[1]`.

    Returns it with the log of its derivative by the old one, less the log ratio of the probabilities of the category.
    """
    mean, root = work.response_mean[i], work.response_root[i]
    low, high, new_low, new_high = work.bounds[0, k], work.bounds[0, k + 1], work.bounds[1, k], work.bounds[1, k + 1]
    inside, new_inside = work.inside[0, i], work.inside[1, i]
    if min(inside, new_inside) <= thresholds.LEAST_INVERTED:
        new, slope = _between(low, high, value, new_low, new_high)
        ratio = math.log(max(new_inside, thresholds.SMALLEST)) - math.log(max(inside, thresholds.SMALLEST))
        return new, slope - ratio
    turned = thresholds.is_turned(k, last, (low - mean) * root)
    score = (value - mean) * root
    place = (normal_probability(-score if turned else score) - work.below[0, i]) / inside
    new_turned = thresholds.is_turned(k, last, (new_low - mean) * root)
    if turned != new_turned:
        place = 1.0 - place
    place = min(max(place, 0.0), 1.0)
    new_score = normal_score(work.below[1, i] + place * new_inside)
    new = min(max(mean + (-new_score if new_turned else new_score) / root, new_low), new_high)
    new_score = (new - mean) * root
    return new, 0.5 * (new_score * new_score - score * score)


@compiled
def carry(tables, variable, state, work):
    """Let the responses of a variable follow its thresholds from `work.bounds[0]` to `work.bounds[1]`.

    Given what `thresholds.log_likelihood` knows of both. Returns the log ratio of the second product of the density.
    """
    table, start = tables.nonlinear, tables.responses.category_start[variable]
    last = tables.responses.threshold_start[variable + 1] - tables.responses.threshold_start[variable]
    total = 0.0
    for index in range(table.column.size):
        if table.variable[index] != variable:
            continue
        for row in range(table.low[index], table.high[index]):
            place = table.place[index] + row - table.low[index]
            old = state.columns[table.column[index], row]
            work.carried[place - start] = old
            new, more = _moved(place - start, state.category[place], last, old, work)
            prepare(tables, index, row, state, work)
            total += more - log_density_in_category(tables, index, row, old, state, work)
            total += log_density_in_category(tables, index, row, new, state, work)
    return total


@compiled
def put_back(tables, variable, state, work):
    """Undo `carry`."""
    table, start = tables.nonlinear, tables.responses.category_start[variable]
    for index in range(table.column.size):
        if table.variable[index] == variable:
            for row in range(table.low[index], table.high[index]):
                old = work.carried[table.place[index] + row - table.low[index] - start]
                prepare(tables, index, row, state, work)
                log_density_in_category(tables, index, row, old, state, work)
