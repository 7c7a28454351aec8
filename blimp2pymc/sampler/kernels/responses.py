"""Latent responses of ordered categories, and the thresholds between them.

Given everything else, the latent response of a row is normal with precision P and mean h/P (see `cells`),
between the thresholds of its category k:

    y* ~ N(h/P, 1/P) on (tau_k, tau_k+1),   Pr(k) = Phi((tau_k+1 - h/P) sqrt(P)) - Phi((tau_k - h/P) sqrt(P)).

One variable at a time, its thresholds and coefficients are drawn first, with its latent responses integrated out
(`response_steps`). Then its responses are drawn, from the probabilities that are already known, and in rows without a
category those that other equations look at, as missing cells.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled, inlined
from blimp2pymc.sampler.kernels import cells, response_steps, thresholds
from blimp2pymc.sampler.numerics.generator import fill_uniform, truncated_normal
from blimp2pymc.sampler.numerics.moments import multiply
from blimp2pymc.sampler.numerics.normal_table import MIDDLE, middle_score, normal_score


@compiled
def conditional(tables, variable, state, work):
    """Means and roots of precisions of a variable's responses; returns the number of rows."""
    done = 0
    responses = tables.responses
    mean, root = work.response_mean, work.response_root
    for k in range(responses.block_start[variable], responses.block_start[variable + 1]):
        block = responses.block[k]
        for low in range(tables.cells.low[block], tables.cells.high[block], 256):
            n = min(256, tables.cells.high[block] - low)
            if responses.is_plain[variable]:
                _mean_of_equation(tables, variable, low, n, state, work, mean[done : done + n])
                for i in range(n):
                    root[done + i] = 1.0
            else:
                cells.conditional(
                    tables.residuals,
                    tables.cells,
                    block,
                    low,
                    n,
                    state.columns,
                    state.coefficient,
                    state.precision,
                    work,
                )
                precision, linear = work.precision[0, 0], work.linear[0]
                for i in range(n):
                    mean[done + i] = linear[i] / precision[i]
                    root[done + i] = math.sqrt(precision[i])
            done += n
    return done


@compiled
def _mean_of_equation(tables, variable, low, n, state, work, out):
    # Where nothing else looks at the response, it is normal around its equation's mean, with variance 1.
    residuals, own = tables.residuals, tables.responses.monomial[variable]
    equation = tables.responses.equation[variable]
    product = work.product
    for i in range(n):
        out[i] = 0.0
    for k in range(residuals.monomial_start[equation], residuals.monomial_start[equation + 1]):
        monomial = residuals.equation_monomial[k]
        value = state.coefficient[equation, monomial]
        if monomial == own or value == 0.0:
            continue
        multiply(residuals, monomial, state.columns, low, n, product)
        for i in range(n):
            out[i] -= value * product[i]


@compiled
def draw(tables, variable, n, state, work):
    """Draw the n responses of a variable from the probabilities that `thresholds` left."""
    responses, bounds = tables.responses, work.bounds[0]
    column = state.columns[responses.column[variable]]
    start = responses.category_start[variable]
    last = responses.code_start[variable + 1] - responses.code_start[variable] - 1
    for low in range(0, n, 256):
        size = min(256, n - low)
        below, inside = work.below[0, low : low + size], work.inside[0, low : low + size]
        share, score = work.normals[0:size], work.product[0:size]
        fill_uniform(state.generator, share)
        for i in range(size):
            share[i] = below[i] + inside[i] * share[i]
            score[i] = middle_score(share[i])
        for i in range(size):
            k, mean, root = state.category[start + low + i], work.response_mean[low + i], work.response_root[low + i]
            lower, upper = bounds[k], bounds[k + 1]
            if inside[i] > thresholds.LEAST_INVERTED:
                z = score[i] if MIDDLE <= share[i] <= 1.0 - MIDDLE else normal_score(share[i])
                value = mean + (-z if thresholds.is_turned(k, last, (lower - mean) * root) else z) / root
                # The inverse is not exact: at the ends of an interval a value may leave it.
                value = min(max(value, lower), upper)
            else:
                value = truncated_normal(state.generator, mean, 1.0 / root, lower, upper)
            column[responses.row[start + low + i]] = value


@inlined
def update(tables, variable, state, work, adapting):
    """Draw thresholds, coefficients and responses of a variable."""
    responses = tables.responses
    n = conditional(tables, variable, state, work)
    response_steps.draw(tables, variable, n, state, work, adapting)
    if not responses.is_sliced[variable]:
        draw(tables, variable, n, state, work)
        for k in range(responses.redrawn_start[variable], responses.redrawn_start[variable + 1]):
            cells.update_block(tables, responses.redrawn[k], state, work)


@compiled
def redraw(tables, state, work):
    """Draw responses at the current thresholds, those that are normal between them."""
    for variable in range(tables.responses.column.size):
        if tables.responses.is_sliced[variable]:
            continue
        n = conditional(tables, variable, state, work)
        thresholds.prepare(tables, variable, n, state, work)
        draw(tables, variable, n, state, work)


@compiled
def set_scores_of_rows(responses, variable, low, high, state):
    """Set scores of a variable to the categories of its latent responses, rows low to high."""
    response = state.columns[responses.column[variable]]
    score = state.columns[responses.score[variable]]
    codes = responses.code_start[variable]
    for row in range(low, high):
        score[row] = responses.code[codes + thresholds.category_of(responses, variable, response[row], state.theta)]


@compiled
def set_scores(responses, state):
    """Set missing scores to the categories of their latent responses."""
    for variable in range(responses.column.size):
        for run in range(responses.missing_start[variable], responses.missing_start[variable + 1]):
            set_scores_of_rows(responses, variable, responses.missing_low[run], responses.missing_high[run], state)
