"""Thresholds of ordered categories and the intercept of their equation, with the latent responses integrated out.

Given the means m and precisions s^2 of the responses (see `responses`) the density is that of the priors times the
product over rows of

    Pr(k) = Phi((tau_k+1 - m) s) - Phi((tau_k - m) s).

Its derivatives come with it at little cost. A Langevin step proposes all free thresholds and, where the means follow it
one by one, the intercept: normal around x + h/2 C g, with variance h C, g the gradient, C the inverse of the mean
information in burn-in (roberts and tweedie 1996). Proposals out of order have no density. In burn-in and in a part of
the sweeps afterwards there is a second proposal, of the thresholds alone, that keeps their order: every one is normal
around its current value, between the one proposed below it and the current one above it; the ratio of the normalising
constants enters the acceptance probability (cowles 1996).
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.slices import log_prior
from blimp2pymc.sampler.numerics import cholesky
from blimp2pymc.sampler.numerics.generator import normal, truncated_normal, uniform
from blimp2pymc.sampler.numerics.moments import refresh_equation
from blimp2pymc.sampler.numerics.normal_table import normal_both, normal_probability

ACCEPTANCE, IN_ORDER_ACCEPTANCE = 0.6, 0.35
"""Acceptance rates that Langevin steps and proposals in order are tuned to."""
SHARE = 0.25
"""Share of the sweeps after burn-in with a proposal in order."""
SMALLEST = 1e-290
"""Probability of a category below which its logarithm is not told apart."""
MEMORY, RIDGE = 200.0, 0.01
"""Sweeps over which information is averaged; what is added to its diagonal."""
UPPER, LOWER, UPPER_UPPER, LOWER_LOWER, UPPER_LOWER = range(5)
"""Rows of the derivatives of a category's log probability by the thresholds above and below it: sums, products."""


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
def log_likelihood(responses, variable, state, bounds, shift, work, which):
    """Log probability of all observed categories, means shifted by `shift`; rows in the order of `sort_places`.

    Writes the probability of each category to `work.inside[which]` and of what is below it to `work.below[which]`;
    where a category is in the upper half, of what is above it, as a negative number, so that no digits are lost.
    Derivatives by the thresholds are added up in `work.slope_sums[which]`.
    """
    mean, root = work.response_mean, work.response_root
    below, inside, sums = work.below[which], work.inside[which], work.slope_sums[which]
    start, first = responses.category_start[variable], responses.code_start[variable] + variable
    total, product = 0.0, 1.0
    for k in range(responses.code_start[variable + 1] - responses.code_start[variable]):
        lower_bound, upper_bound = bounds[k], bounds[k + 1]
        a = b = aa = bb = ab = 0.0
        for j in range(state.category_place[first + k], state.category_place[first + k + 1]):
            i = state.order[start + j]
            center, scale = mean[i] + shift, root[i]
            lower, upper = (lower_bound - center) * scale, (upper_bound - center) * scale
            at_lower = at_upper = 0.0
            if lower > 0.0:
                outside = 0.0
                if upper != math.inf:
                    outside, at_upper = normal_both(-upper)
                share, at_lower = normal_both(-lower)
                share -= outside
                below[i] = -outside
            else:
                outside, share = 0.0, 1.0
                if lower != -math.inf:
                    outside, at_lower = normal_both(lower)
                if upper != math.inf:
                    share, at_upper = normal_both(upper)
                share -= outside
                below[i] = outside
            inside[i] = share
            share = max(share, SMALLEST)
            product *= share
            if product < 1e-10:
                total += math.log(product)
                product = 1.0
            scale /= share
            at_upper *= scale
            at_lower *= scale
            a += at_upper
            b += at_lower
            aa += at_upper * at_upper
            bb += at_lower * at_lower
            ab += at_upper * at_lower
        sums[UPPER, k], sums[LOWER, k] = a, b
        sums[UPPER_UPPER, k], sums[LOWER_LOWER, k], sums[UPPER_LOWER, k] = aa, bb, ab
    return total + math.log(product)


@compiled
def log_priors(priors, responses, variable, theta, bounds, shift):
    """Log prior density of a variable's thresholds, and of the intercept that moves with them."""
    first, total = responses.threshold_start[variable], 0.0
    for k in range(first, responses.threshold_start[variable + 1]):
        if responses.is_drawn[k]:
            total += log_prior(priors, responses.threshold[k], bounds[k - first + 1])
    intercept = responses.intercept[variable]
    if intercept >= 0:
        total += log_prior(priors, intercept, theta[intercept] + shift)
    return total


@compiled
def _gradient(tables, variable, theta, bounds, shift, sums, out):
    # Derivatives by the drawn thresholds and the intercept; returns their number.
    responses, priors = tables.responses, tables.priors
    first = responses.threshold_start[variable]
    size, total = 0, 0.0
    for k in range(responses.threshold_start[variable + 1] - first):
        slope = sums[UPPER, k] - sums[LOWER, k + 1]
        total += slope
        if responses.is_drawn[first + k]:
            out[size] = slope + _prior_slope(priors, responses.threshold[first + k], bounds[k + 1])
            size += 1
    intercept = responses.intercept[variable]
    if intercept >= 0:
        out[size] = _prior_slope(priors, intercept, theta[intercept] + shift) - total
        size += 1
    return size


@compiled
def _prior_slope(priors, parameter, value):
    # Other priors have no part in the proposal.
    return (priors.first[parameter] - value) / priors.second[parameter] if priors.kind[parameter] == 1 else 0.0


@compiled
def _prior_precision(priors, parameter):
    return 1.0 / priors.second[parameter] if priors.kind[parameter] == 1 else 0.0


@compiled
def learn(tables, variable, state, work):
    """Add the squares of the derivatives at the current values to the mean information, and factor it."""
    responses, priors = tables.responses, tables.priors
    sums, information, factor = work.slope_sums[0], state.information[variable], state.factor[variable]
    intercept = responses.intercept[variable]
    weight = max(1.0 / (state.langevin[variable, 1] + 1.0), 1.0 / MEMORY)
    state.langevin[variable, 1] += 1.0
    first = responses.threshold_start[variable]
    size, every = 0, 0.0
    n_thresholds = responses.threshold_start[variable + 1] - first
    n_drawn = 0
    for k in range(n_thresholds):
        n_drawn += responses.is_drawn[first + k]
    for k in range(n_thresholds):
        own = sums[UPPER_UPPER, k] + sums[LOWER_LOWER, k + 1]
        with_last = -sums[UPPER_LOWER, k] if k > 0 else 0.0
        with_next = -sums[UPPER_LOWER, k + 1] if k + 1 < n_thresholds else 0.0
        every += own + with_last + with_next
        if not responses.is_drawn[first + k]:
            continue
        for j in range(size):
            value = with_last if j == size - 1 and responses.is_drawn[first + k - 1] else 0.0
            information[size, j] += weight * (value - information[size, j])
        information[size, size] += weight * (own - information[size, size])
        if intercept >= 0:
            value = -(own + with_last + with_next)
            information[n_drawn, size] += weight * (value - information[n_drawn, size])
        size += 1
    if intercept >= 0:
        information[size, size] += weight * (every - information[size, size])
        size += 1
    for i in range(size):
        for j in range(i + 1):
            factor[i, j] = information[i, j]
        factor[i, i] += RIDGE
    size = 0
    for k in range(n_thresholds):
        if responses.is_drawn[first + k]:
            factor[size, size] += _prior_precision(priors, responses.threshold[first + k])
            size += 1
    if intercept >= 0:
        factor[size, size] += _prior_precision(priors, intercept)
        size += 1
    return cholesky.factor(factor, size)


@compiled
def _drift(factor, size, gradient, step, out):
    # h/2 C g
    for i in range(size):
        out[i] = gradient[i]
    cholesky.solve_lower(factor, size, out)
    cholesky.solve_upper(factor, size, out)
    for i in range(size):
        out[i] *= 0.5 * step


@compiled
def _distance(factor, size, vector):
    # v' C^-1 v
    total = 0.0
    for j in range(size):
        value = 0.0
        for i in range(j, size):
            value += factor[i, j] * vector[i]
        total += value * value
    return total


@compiled
def langevin_step(tables, variable, n, shift, current, state, work, adapting):
    """Propose thresholds and intercept; returns the new shift of the means and log density.

    `current` is the log density at the thresholds `work.bounds[0]` and the shift so far.
    """
    responses, priors = tables.responses, tables.priors
    bounds, new, factor = work.bounds[0], work.bounds[1], state.factor[variable]
    gradient, drift, move = work.langevin[0], work.langevin[1], work.langevin[2]
    step = state.langevin[variable, 0]
    size = _gradient(tables, variable, state.theta, bounds, shift, work.slope_sums[0], gradient)
    _drift(factor, size, gradient, step, drift)
    there = 0.0
    for i in range(size):
        move[i] = normal(state.generator)
        there += move[i] * move[i]
    cholesky.solve_upper(factor, size, move)
    for i in range(size):
        move[i] = drift[i] + math.sqrt(step) * move[i]
    first = responses.threshold_start[variable]
    last = responses.threshold_start[variable + 1] - first + 1
    new[0], new[last] = bounds[0], bounds[last]
    place, in_order = 0, True
    for k in range(1, last):
        new[k] = bounds[k]
        if responses.is_drawn[first + k - 1]:
            new[k] += move[place]
            place += 1
        in_order = in_order and new[k] > new[k - 1]
    proposed = shift + move[place] if responses.intercept[variable] >= 0 else shift
    chance, value = 0.0, -math.inf
    if in_order:
        value = log_priors(priors, responses, variable, state.theta, new, proposed)
        if value > -math.inf:
            value += log_likelihood(responses, variable, state, new, proposed, work, 1)
            _gradient(tables, variable, state.theta, new, proposed, work.slope_sums[1], gradient)
            _drift(factor, size, gradient, step, drift)
            for i in range(size):
                drift[i] = (move[i] + drift[i]) / math.sqrt(step)
            back = _distance(factor, size, drift)
            chance = math.exp(min(0.0, value - current + 0.5 * (there - back)))
    if adapting:
        step *= math.exp((chance - ACCEPTANCE) / (1.0 + state.langevin[variable, 1]) ** 0.6)
        state.langevin[variable, 0] = min(max(step, 1e-6), 4.0)
    else:
        state.accepted[variable, 0] += chance
        state.accepted[variable, 1] += 1.0
    if uniform(state.generator) < chance:
        accept(last, n, work)
        return proposed, value
    return shift, current


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
def step_in_order(tables, variable, n, shift, current, state, work, adapting):
    """Propose thresholds in order; returns the log density."""
    responses, place = tables.responses, tables.responses.step[variable]
    ratio = propose(responses, variable, work.bounds[0], work.bounds[1], state.widths[place, 0], state.generator)
    value = log_likelihood(responses, variable, state, work.bounds[1], shift, work, 1)
    value += log_priors(tables.priors, responses, variable, state.theta, work.bounds[1], shift)
    chance = math.exp(min(0.0, ratio + value - current))
    if adapting:
        state.widths[place, 1] += 1.0
        state.widths[place, 0] *= math.exp((chance - IN_ORDER_ACCEPTANCE) / (1.0 + state.widths[place, 1]) ** 0.6)
    if uniform(state.generator) < chance:
        accept(responses.threshold_start[variable + 1] - responses.threshold_start[variable] + 1, n, work)
        return value
    return current


@compiled
def prepare(tables, variable, n, state, work):
    """Sort the rows and compute the probabilities at the current values; returns the log density."""
    responses = tables.responses
    # Sorted once, unless categories are drawn as well.
    if responses.is_changing[variable] or state.category_place[responses.code_start[variable + 1] + variable] != n:
        sort_places(responses, variable, n, state)
    set_bounds(responses, variable, state.theta, work.bounds[0])
    return log_likelihood(responses, variable, state, work.bounds[0], 0.0, work, 0)


@compiled
def draw(tables, variable, n, state, work, adapting):
    """Draw the thresholds of a variable given `responses.conditional`, and the intercept: the means follow.

    Leaves probabilities in `below[0]` and `inside[0]`.
    """
    responses = tables.responses
    current = prepare(tables, variable, n, state, work)
    if responses.step[variable] < 0:
        return
    shift = 0.0
    current += log_priors(tables.priors, responses, variable, state.theta, work.bounds[0], shift)
    known = state.langevin[variable, 1] > 0.0 and not adapting
    if known or learn(tables, variable, state, work):
        shift, current = langevin_step(tables, variable, n, shift, current, state, work, adapting)
    if adapting or uniform(state.generator) < SHARE:
        step_in_order(tables, variable, n, shift, current, state, work, adapting)
    first = responses.threshold_start[variable]
    for k in range(first, responses.threshold_start[variable + 1]):
        if responses.is_drawn[k]:
            state.theta[responses.threshold[k]] = work.bounds[0, k - first + 1]
    if shift != 0.0:
        state.theta[responses.intercept[variable]] += shift
        refresh_equation(tables.residuals, responses.equation[variable], state.theta, state.coefficient)
        for i in range(n):
            work.response_mean[i] += shift
