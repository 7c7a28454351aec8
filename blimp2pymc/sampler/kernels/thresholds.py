"""Thresholds of ordered categories, with the latent responses integrated out.

Given the means m and precisions s^2 of the responses (see `responses`) the density is that of the priors times the
product over rows of

    Pr(k) = Phi((tau_k+1 - m) s) - Phi((tau_k - m) s).

Here are this density, whose derivatives come with it at little cost, and a proposal of the thresholds alone that keeps
their order: every one is normal around its current value, between the one proposed below it and the current one above
it; the ratio of the normalising constants enters the acceptance probability (cowles 1996). `response_steps` proposes
them together with coefficients.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.slices import log_prior
from blimp2pymc.sampler.numerics.generator import truncated_normal
from blimp2pymc.sampler.numerics.normal_table import normal_both, normal_probability

SMALLEST = 1e-290
"""Probability of a category below which its logarithm is not told apart."""
LEAST_INVERTED = 1e-10
"""A response whose category is less probable than this is drawn by rejection, not by inversion."""
UPPER, LOWER = 0, 1
"""Rows of the sums of derivatives of a category's log probability: by the threshold above it, and below it."""


@compiled
def sort_places(responses, variable, n, state):
    """Order the rows of a variable by category."""
    start, first = responses.category_start[variable], responses.code_start[variable] + variable
    n_categories = responses.code_start[variable + 1] - responses.code_start[variable]
    place = state.category_place
    for k in range(n_categories + 1):
        place[first + k] = 0
    for i in range(n):
        place[first + state.category[start + i]] += 1
    for k in range(1, n_categories + 1):
        place[first + k] += place[first + k - 1]
    for i in range(n - 1, -1, -1):
        k = first + state.category[start + i]
        place[k] -= 1
        state.order[start + place[k]] = i


@compiled
def set_bounds(responses, variable, theta, bounds):
    """Write a variable's thresholds to `bounds`, infinities around them."""
    first, last = responses.threshold_start[variable], responses.threshold_start[variable + 1]
    bounds[0] = -math.inf
    for k in range(first, last):
        bounds[k - first + 1] = theta[responses.threshold[k]]
    bounds[last - first + 1] = math.inf


@compiled
def log_likelihood(responses, variable, mean, state, bounds, work, which):
    """Log probability of all observed categories, given the means; rows in the order of `sort_places`.

    Writes the probability of each category to `work.inside[which]` and of what is below it to `work.below[which]`;
    where `is_turned`, of what is above it, so that no digits are lost. Derivatives by the thresholds are added up in
    `work.slope_sums[which]`; those of every row, by the threshold above it and by the mean, are in `work.upper_slope`
    and `work.mean_slope`.
    """
    root, order = work.response_root, state.order
    below, inside, sums = work.below[which], work.inside[which], work.slope_sums[which]
    upper_slope, mean_slope = work.upper_slope[which], work.mean_slope[which]
    start, first = responses.category_start[variable], responses.code_start[variable] + variable
    last = responses.code_start[variable + 1] - responses.code_start[variable] - 1
    total, product = 0.0, 1.0
    for k in range(last + 1):
        lower_bound, upper_bound = bounds[k], bounds[k + 1]
        at_ends = k in (0, last)
        sum_upper = sum_lower = 0.0
        for j in range(start + state.category_place[first + k], start + state.category_place[first + k + 1]):
            i = order[j]
            scale = root[i]
            lower, upper = (lower_bound - mean[i]) * scale, (upper_bound - mean[i]) * scale
            turned = is_turned(k, last, lower)
            far, near = (-upper, -lower) if turned else (lower, upper)
            share, at_near = normal_both(near)
            outside = at_far = 0.0
            if not at_ends:
                outside, at_far = normal_both(far)
            share -= outside
            below[i], inside[i] = outside, share
            share = max(share, SMALLEST)
            product *= share
            if product < 1e-15:
                total += math.log(product)
                product = 1.0
            scale /= share
            at_near *= scale
            at_far *= scale
            slope = at_far if turned else at_near
            lower_slope = at_near if turned else at_far
            upper_slope[i] = slope
            mean_slope[i] = lower_slope - slope
            sum_upper += slope
            sum_lower += lower_slope
        sums[UPPER, k], sums[LOWER, k] = sum_upper, sum_lower
    return total + math.log(product)


@compiled
def category_of(responses, variable, value, theta):
    """Category whose thresholds a value is between."""
    first, last = responses.threshold_start[variable], responses.threshold_start[variable + 1]
    k = 0
    while first + k < last and value > theta[responses.threshold[first + k]]:
        k += 1
    return k


@compiled
def is_turned(category, last, lower):
    """Whether probabilities are counted from above: in the last category, and where the lower limit is above 0."""
    return category == last or lower > 0.0


@compiled
def log_priors(priors, responses, variable, bounds):
    """Log prior density of a variable's thresholds."""
    first, total = responses.threshold_start[variable], 0.0
    for k in range(first, responses.threshold_start[variable + 1]):
        if responses.is_drawn[k]:
            total += log_prior(priors, responses.threshold[k], bounds[k - first + 1])
    return total


@compiled
def accept(last, n, work):
    """Take over proposed thresholds, with the probabilities that belong to them."""
    for k in range(1, last):
        work.bounds[0, k] = work.bounds[1, k]
    for i in range(n):
        work.below[0, i], work.inside[0, i] = work.below[1, i], work.inside[1, i]


@compiled
def propose(responses, variable, bounds, new, step, generator):
    """Propose thresholds in order; returns log of the proposal's density back over its density there.

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
def prepare(tables, variable, n, state, work):
    """Sort the rows and compute the probabilities at the current values; returns their log likelihood."""
    responses = tables.responses
    # Sorted once, unless categories are drawn as well.
    if responses.is_changing[variable] or state.category_place[responses.code_start[variable + 1] + variable] != n:
        sort_places(responses, variable, n, state)
    set_bounds(responses, variable, state.theta, work.bounds[0])
    return log_likelihood(responses, variable, work.response_mean, state, work.bounds[0], work, 0)
