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

from blimp2pymc.sampler.compilation.compiled import compiled, inlined
from blimp2pymc.sampler.kernels.slices import log_prior
from blimp2pymc.sampler.numerics.generator import truncated_normal
from blimp2pymc.sampler.numerics.moments import CHUNK
from blimp2pymc.sampler.numerics.normal_table import normal_probability
from blimp2pymc.sampler.numerics.normal_tails import LIMIT, normal_density, normal_share

SMALLEST = 1e-290
"""Probability of a category below which its logarithm is not told apart."""
LEAST_INVERTED = 1e-10
"""A response whose category is less probable than this is drawn by rejection, not by inversion."""
UPPER, LOWER = 0, 1
"""Rows of the sums of derivatives of a category's log probability: by the threshold above it, and below it."""


@compiled
def set_bounds(responses, variable, theta, bounds):
    """Write a variable's thresholds to `bounds`, infinities around them."""
    first, last = responses.threshold_start[variable], responses.threshold_start[variable + 1]
    bounds[0] = -math.inf
    for k in range(first, last):
        bounds[k - first + 1] = theta[responses.threshold[k]]
    bounds[last - first + 1] = math.inf


@compiled
def log_likelihood(responses, variable, n, mean, state, bounds, work, which):
    """Log probability of all observed categories, given the means of n responses.

    Writes the probability of each category to `work.inside[which]` and of what is below it to `work.below[which]`;
    where `is_turned`, of what is above it, so that no digits are lost. Derivatives by the thresholds are added up in
    `work.slope_sums[which]`; those of every row, by the threshold above it and by the mean, are in `work.upper_slope`
    and `work.mean_slope`.
    """
    sums, start = work.slope_sums[which], responses.category_start[variable]
    last = responses.code_start[variable + 1] - responses.code_start[variable] - 1
    for k in range(last + 1):
        sums[UPPER, k] = sums[LOWER, k] = 0.0
    total, product = 0.0, 1.0
    for low in range(0, n, CHUNK):
        high = min(n, low + CHUNK)
        category = state.category[start + low : start + high]
        below, inside = work.below[which, low:high], work.inside[which, low:high]
        upper_slope, mean_slope = work.upper_slope[which, low:high], work.mean_slope[which, low:high]
        _set_limits(category, last, mean[low:high], work.response_root[low:high], bounds, below, inside, mean_slope)
        if last == 1:
            _set_shares_of_two(high - low, below, inside, upper_slope, mean_slope)
        else:
            _set_shares(high - low, below, inside, upper_slope, mean_slope)
        for i in range(high - low):
            product *= max(inside[i], SMALLEST)
            if product < 1e-15:
                total += math.log(product)
                product = 1.0
        for k in range(last + 1):
            upper = lower = 0.0
            for i in range(high - low):
                upper += upper_slope[i] if category[i] == k else 0.0
                lower += upper_slope[i] + mean_slope[i] if category[i] == k else 0.0
            sums[UPPER, k] += upper
            sums[LOWER, k] += lower
    return total + math.log(product)


@compiled
def _set_limits(category, last, mean, root, bounds, far, near, scale):
    # Standardized limits of each row's category, turned so that the one that counts is `near`; `scale` is the root,
    # negative where they are turned.
    for i in range(category.size):
        k, s = category[i], root[i]
        lower, upper = (bounds[k] - mean[i]) * s, (bounds[k + 1] - mean[i]) * s
        turned = is_turned(k, last, lower)
        far[i] = max(-upper if turned else lower, -LIMIT)
        near[i] = min(max(-lower if turned else upper, -LIMIT), LIMIT)
        scale[i] = -s if turned else s


@compiled
def _set_shares(n, below, inside, upper_slope, mean_slope):
    # From limits, and the scale in `mean_slope`, to probabilities and derivatives.
    for i in range(n):
        near, far, scale = inside[i], below[i], mean_slope[i]
        at_near, at_far = normal_density(near), normal_density(far)
        outside = normal_share(far, at_far)
        share = normal_share(near, at_near) - outside
        below[i], inside[i] = outside, share
        weight = abs(scale) / max(share, SMALLEST)
        at_near *= weight
        at_far *= weight
        slope = at_far if scale < 0.0 else at_near
        upper_slope[i] = slope
        mean_slope[i] = (at_near if scale < 0.0 else at_far) - slope


@compiled
def _set_shares_of_two(n, below, inside, upper_slope, mean_slope):
    # The same for two categories: there is nothing beyond the far limit.
    for i in range(n):
        near = inside[i]
        at_near = normal_density(near)
        share = normal_share(near, at_near)
        below[i], inside[i] = 0.0, share
        slope = at_near * mean_slope[i] / max(share, SMALLEST)
        upper_slope[i] = max(slope, 0.0)
        mean_slope[i] = -slope


@compiled
def category_of(responses, variable, value, theta):
    """Category whose thresholds a value is between."""
    first, last = responses.threshold_start[variable], responses.threshold_start[variable + 1]
    k = 0
    while first + k < last and value > theta[responses.threshold[first + k]]:
        k += 1
    return k


@inlined
def is_turned(category, last, lower):
    """Whether probabilities are counted from above: in the last category, and where the lower limit is above 0."""
    return (category == last) | (lower > 0.0)


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
    """Compute the probabilities at the current values; returns their log likelihood."""
    set_bounds(tables.responses, variable, state.theta, work.bounds[0])
    return log_likelihood(tables.responses, variable, n, work.response_mean, state, work.bounds[0], work, 0)
