"""Latent responses of ordered categories, and the thresholds between them.

Given everything else, the latent response of a row is normal with precision P and mean h/P (see `cells`),
between the thresholds of its category k:

    y* ~ N(h/P, 1/P) on (tau_k, tau_k+1),   Pr(k) = Phi((tau_k+1 - h/P) sqrt(P)) - Phi((tau_k - h/P) sqrt(P)).

One variable at a time, its thresholds are drawn first, with its latent responses integrated out: their density
is that of the priors times the product of Pr(k) over rows. Proposals keep the order (cowles 1996): every free
threshold is normal around its current value, between the one proposed below it and the current one above
it; the ratio of the normalising constants enters the acceptance probability. Then its responses are drawn,
from the probabilities that are already known.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compiled import compiled
from blimp2pymc.sampler.generator import truncated_normal, uniform
from blimp2pymc.sampler.kernels import cells
from blimp2pymc.sampler.kernels.slices import log_prior
from blimp2pymc.sampler.normal_table import normal_probability, normal_score

PROPOSALS = 3
"""Proposals of the thresholds of a variable in every sweep."""
ACCEPTANCE = 0.35
"""Acceptance rate the proposals are tuned to."""
SMALLEST = 1e-290
"""Probability of a category below which its logarithm is not told apart."""
LEAST_INVERTED = 1e-10
"""A response whose category is less probable than this is drawn by rejection, not by inversion."""


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
            cells.conditional(
                tables.residuals, tables.cells, block, low, n, state.columns, state.coefficient, state.precision, work
            )
            precision, linear = work.precision[0, 0], work.linear[0]
            for i in range(n):
                mean[done + i] = linear[i] / precision[i]
                root[done + i] = math.sqrt(precision[i])
            done += n
    return done


@compiled
def set_bounds(responses, variable, theta, bounds):
    """Write a variable's thresholds to `bounds`, infinities around them; returns the number of categories."""
    first, last = responses.threshold_start[variable], responses.threshold_start[variable + 1]
    bounds[0] = -math.inf
    for k in range(first, last):
        bounds[k - first + 1] = theta[responses.threshold[k]]
    bounds[last - first + 1] = math.inf
    return last - first + 1


@compiled
def log_likelihood(responses, category, variable, n, bounds, mean, root, below, inside):
    """Log probability of all observed categories.

    Writes the probability of each category to `inside` and of what is below it to `below`; where a category is
    in the upper half, of what is above it, as a negative number, so that no digits are lost.
    """
    total, product = 0.0, 1.0
    start = responses.category_start[variable]
    for i in range(n):
        k = category[start + i]
        center, scale = mean[i], root[i]
        lower, upper = (bounds[k] - center) * scale, (bounds[k + 1] - center) * scale
        if lower > 0.0:
            outside = 0.0 if upper == math.inf else normal_probability(-upper)
            share = normal_probability(-lower) - outside
            below[i] = -outside
        else:
            outside = 0.0 if lower == -math.inf else normal_probability(lower)
            share = (1.0 if upper == math.inf else normal_probability(upper)) - outside
            below[i] = outside
        inside[i] = share
        product *= max(share, SMALLEST)
        if product < 1e-10:
            total += math.log(product)
            product = 1.0
    return total + math.log(product)


@compiled
def propose(responses, variable, bounds, new, step, generator):
    """Propose thresholds; returns log of the proposal's density back over its density there.

    Where a current threshold is above the one proposed for its upper neighbour there is no way back.
    """
    first = responses.threshold_start[variable]
    last = responses.threshold_start[variable + 1] - first + 1
    new[0], new[last] = bounds[0], bounds[last]
    for k in range(1, last):
        new[k] = bounds[k]
        if responses.is_drawn[first + k - 1]:
            new[k] = truncated_normal(generator, bounds[k], step, new[k - 1], bounds[k + 1])
    ratio = 0.0
    for k in range(1, last):
        if responses.is_drawn[first + k - 1]:
            if not bounds[k] < new[k + 1]:
                return -math.inf
            there = normal_probability((bounds[k + 1] - bounds[k]) / step)
            there -= normal_probability((new[k - 1] - bounds[k]) / step)
            back = normal_probability((new[k + 1] - new[k]) / step)
            back -= normal_probability((bounds[k - 1] - new[k]) / step)
            ratio += math.log(max(there, SMALLEST)) - math.log(max(back, SMALLEST))
    return ratio


@compiled
def log_priors(priors, responses, variable, bounds):
    """Log prior density of a variable's thresholds."""
    first, total = responses.threshold_start[variable], 0.0
    for k in range(first, responses.threshold_start[variable + 1]):
        if responses.is_drawn[k]:
            total += log_prior(priors, responses.threshold[k], bounds[k - first + 1])
    return total


@compiled
def draw_thresholds(tables, variable, n, state, work, adapting):
    """Draw the thresholds of a variable given `conditional`; leaves probabilities in `below[0]` and `inside[0]`."""
    responses, priors = tables.responses, tables.priors
    bounds, new = work.bounds[0], work.bounds[1]
    mean, root = work.response_mean, work.response_root
    set_bounds(responses, variable, state.theta, bounds)
    place = responses.step[variable]
    current = log_likelihood(responses, state.category, variable, n, bounds, mean, root, work.below[0], work.inside[0])
    if place < 0:
        return
    first = responses.threshold_start[variable]
    last = responses.threshold_start[variable + 1]
    current += log_priors(priors, responses, variable, bounds)
    for _ in range(PROPOSALS):
        ratio = propose(responses, variable, bounds, new, state.widths[place, 0], state.generator)
        value = log_likelihood(responses, state.category, variable, n, new, mean, root, work.below[1], work.inside[1])
        value += log_priors(priors, responses, variable, new)
        chance = math.exp(min(0.0, ratio + value - current))
        if uniform(state.generator) < chance:
            current = value
            for k in range(last - first):
                bounds[k + 1] = new[k + 1]
            for i in range(n):
                work.below[0, i], work.inside[0, i] = work.below[1, i], work.inside[1, i]
        if adapting:
            state.widths[place, 1] += 1.0
            state.widths[place, 0] *= math.exp((chance - ACCEPTANCE) / (1.0 + state.widths[place, 1]) ** 0.6)
        else:
            state.accepted[variable, 0] += chance
            state.accepted[variable, 1] += 1.0
    for k in range(first, last):
        if responses.is_drawn[k]:
            state.theta[responses.threshold[k]] = bounds[k - first + 1]


@compiled
def draw(tables, variable, state, work):
    """Draw the responses of a variable from the probabilities that `draw_thresholds` left."""
    responses = tables.responses
    bounds, mean, root = work.bounds[0], work.response_mean, work.response_root
    below, inside = work.below[0], work.inside[0]
    column = state.columns[responses.column[variable]]
    start, done = responses.category_start[variable], 0
    for b in range(responses.block_start[variable], responses.block_start[variable + 1]):
        block = responses.block[b]
        low = tables.cells.low[block]
        for i in range(done, done + tables.cells.high[block] - low):
            k = state.category[start + i]
            lower, upper = bounds[k], bounds[k + 1]
            if inside[i] > LEAST_INVERTED:
                share = inside[i] * uniform(state.generator)
                if (lower - mean[i]) * root[i] > 0.0:
                    value = mean[i] - normal_score(share - below[i]) / root[i]
                else:
                    value = mean[i] + normal_score(share + below[i]) / root[i]
                # The tables are not exact: at the ends of an interval a value may leave it.
                value = min(max(value, lower), upper)
            else:
                value = truncated_normal(state.generator, mean[i], 1.0 / root[i], lower, upper)
            column[low + i - done] = value
        done += tables.cells.high[block] - low


@compiled
def update(tables, state, work, adapting):
    """Draw thresholds and responses, variable by variable."""
    for variable in range(tables.responses.column.size):
        n = conditional(tables, variable, state, work)
        draw_thresholds(tables, variable, n, state, work, adapting)
        draw(tables, variable, state, work)


@compiled
def redraw(tables, state, work):
    """Draw responses at the current thresholds."""
    for variable in range(tables.responses.column.size):
        n = conditional(tables, variable, state, work)
        bounds = work.bounds[0]
        set_bounds(tables.responses, variable, state.theta, bounds)
        log_likelihood(
            tables.responses,
            state.category,
            variable,
            n,
            bounds,
            work.response_mean,
            work.response_root,
            work.below[0],
            work.inside[0],
        )
        draw(tables, variable, state, work)


@compiled
def set_scores(responses, state):
    """Set missing scores to the categories of their latent responses."""
    for variable in range(responses.column.size):
        response = state.columns[responses.column[variable]]
        score = state.columns[responses.score[variable]]
        first, last = responses.threshold_start[variable], responses.threshold_start[variable + 1]
        codes = responses.code_start[variable]
        for run in range(responses.missing_start[variable], responses.missing_start[variable + 1]):
            for row in range(responses.missing_low[run], responses.missing_high[run]):
                k = 0
                while first + k < last and response[row] > state.theta[responses.threshold[first + k]]:
                    k += 1
                score[row] = responses.code[codes + k]
