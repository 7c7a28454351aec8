"""Thresholds, coefficients and a factor's scale together, with the latent responses of one variable integrated out.

The density of the thresholds tau, the coefficients b and t = log g, a change of scale of a factor that has its scale
from this variable (`plan.response_steps`), is that of their priors times

    product over rows of Pr(k | tau, m + X (b - b0) + (exp(t) - 1) z) times exp(f(t)),

Pr(k) as in `thresholds`, m the means at the current coefficients b0, X their derivatives, z the part of the mean that
has no coefficient of its own, and f the density of the change of scale of all else, which leaves all other residuals
as they are (`scale_moves`). t is 0 at the current state.

This is close to a normal density, so that nearly independent proposals are accepted. With the gradient u at the current
state, C the inverse of the mean information in burn-in, and a damping d,

    the proposal is normal around x + d C u with covariance d (2 - d) C.

If the density were normal with covariance C, it would have mean x + C u and every proposal would be accepted; with
d = 1 they would be independent. d is tuned in burn-in, to at most 1. Small ones are Langevin steps of size 2 d (roberts
and tweedie 1996). Proposals out of order have no density. In burn-in and in a part of the sweeps afterwards thresholds
are proposed once more alone, in order.

The acceptance ratio has another factor where more changes with thresholds: expected scores that other equations hold,
and responses that are not normal and follow (`threshold_effects`).
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled, inlined
from blimp2pymc.sampler.kernels import scale_moves, threshold_effects, thresholds
from blimp2pymc.sampler.kernels.slices import log_prior
from blimp2pymc.sampler.numerics import cholesky
from blimp2pymc.sampler.numerics.generator import normal, uniform
from blimp2pymc.sampler.numerics.moments import multiply, product_of_parameters, refresh_equation

ACCEPTANCE, LEAST_DAMPING = 0.75, 1e-4
"""Acceptance rate that the damping is tuned to, and its lower bound."""
IN_ORDER_ACCEPTANCE = 0.35
"""Acceptance rate that proposals in order are tuned to."""
SHARE = 0.1
"""Share of the sweeps after burn-in with a proposal of the thresholds alone."""
MEMORY, RIDGE = 200.0, 0.01
"""Sweeps over which information is averaged; what is added to its diagonal."""
INCREMENT = 1e-4
"""Half the step of the numeric derivative of the density of a change of scale."""
GRADIENT, DRIFT, MOVE, ROW = range(4)
"""Rows of `Work.step`."""


@compiled
def size_of_step(responses, variable):
    """Number of thresholds, coefficients and scales that are drawn for a variable."""
    size = responses.slope_start[variable + 1] - responses.slope_start[variable]
    for k in range(responses.threshold_start[variable], responses.threshold_start[variable + 1]):
        size += responses.is_drawn[k]
    return size + (responses.scale[variable] >= 0)


@compiled
def set_design(tables, variable, state, work):
    """Write the derivatives of the means by coefficients, and by the scale, to `work.response_design`."""
    responses, residuals, cells = tables.responses, tables.residuals, tables.cells
    first = responses.slope_start[variable]
    n_slopes = responses.slope_start[variable + 1] - first
    done = 0
    for b in range(responses.block_start[variable], responses.block_start[variable + 1]):
        block = responses.block[b]
        for low in range(cells.low[block], cells.high[block], 256):
            n = min(256, cells.high[block] - low)
            for k in range(n_slopes + (responses.scale[variable] >= 0)):
                design = work.response_design[k, done : done + n]
                for i in range(n):
                    design[i] = 0.0
            for k in range(responses.entry_start[variable], responses.entry_start[variable + 1]):
                member, product = responses.entry_member[k], responses.entry_product[k]
                without = responses.slope[first + member] if member < n_slopes else -1
                value = product_of_parameters(residuals, product, state.theta, without)
                multiply(residuals, residuals.product_monomial[product], state.columns, low, n, work.product)
                design = work.response_design[member, done : done + n]
                for i in range(n):
                    design[i] -= value * work.product[i]
            done += n


@compiled
def log_priors(tables, variable, theta, work):
    """Log prior density of a variable's coefficients at their current values."""
    responses, total = tables.responses, 0.0
    for k in range(responses.slope_start[variable], responses.slope_start[variable + 1]):
        total += log_prior(tables.priors, responses.slope[k], theta[responses.slope[k]])
    return total


@compiled
def scale_density(tables, variable, t, state, work):
    """Log density f(t) of the change of scale, the responses' own left out."""
    for k in range(work.quadratic.size):
        work.quadratic[k] = 0.0
    return scale_moves.log_density(tables, tables.response_scales, tables.responses.scale[variable], t, state, work)


@compiled
def _scale_slope(tables, variable, t, state, work):
    above = scale_density(tables, variable, t + INCREMENT, state, work)
    return (above - scale_density(tables, variable, t - INCREMENT, state, work)) / (2.0 * INCREMENT)


@compiled
def _prior_slope(priors, parameter, value):
    # Other priors have no part in the proposal.
    return (priors.first[parameter] - value) / priors.second[parameter] if priors.kind[parameter] == 1 else 0.0


@compiled
def _prior_precision(priors, parameter):
    return 1.0 / priors.second[parameter] if priors.kind[parameter] == 1 else 0.0


@compiled
def _gradient(tables, variable, n, t, move, state, bounds, work, which, out):
    # Derivatives by thresholds, coefficients and t, at the current coefficients plus what `move` says from `place` on.
    responses, priors = tables.responses, tables.priors
    first, sums, slope = responses.threshold_start[variable], work.slope_sums[which], work.mean_slope[which]
    place = 0
    for k in range(responses.threshold_start[variable + 1] - first):
        if responses.is_drawn[first + k]:
            value = sums[thresholds.UPPER, k] - sums[thresholds.LOWER, k + 1]
            out[place] = value + _prior_slope(priors, responses.threshold[first + k], bounds[k + 1])
            place += 1
    start = responses.slope_start[variable]
    for k in range(responses.slope_start[variable + 1] - start):
        design, dot = work.response_design[k], 0.0
        for i in range(n):
            dot += slope[i] * design[i]
        parameter = responses.slope[start + k]
        out[place] = dot + _prior_slope(priors, parameter, state.theta[parameter] + move[place])
        place += 1
    if responses.scale[variable] >= 0:
        design, dot = work.response_design[responses.slope_start[variable + 1] - start], 0.0
        for i in range(n):
            dot += slope[i] * design[i]
        out[place] = dot * math.exp(t) + _scale_slope(tables, variable, t, state, work)


@compiled
def learn(tables, variable, n, size, state, work):
    """Add the squares of the derivatives at the current values to the mean information, and factor it."""
    responses, priors = tables.responses, tables.priors
    information, factor, row = state.information[variable], state.factor[variable], work.step[ROW]
    weight = max(1.0 / (state.damping[variable, 1] + 1.0), 1.0 / MEMORY)
    state.damping[variable, 1] += 1.0
    for i in range(size):
        for j in range(i + 1):
            information[i, j] *= 1.0 - weight
    start, threshold = responses.category_start[variable], responses.threshold_start[variable]
    n_thresholds = responses.threshold_start[variable + 1] - threshold
    n_drawn, above, below = 0, -1, -1
    for k in range(n_thresholds):
        n_drawn += responses.is_drawn[threshold + k]
    done = 0
    for k in range(n_thresholds + 1):
        # Places of the thresholds around the category, -1 where they are not drawn.
        below, above = above, -1
        if k < n_thresholds and responses.is_drawn[threshold + k]:
            above = done
            done += 1
        for i in range(n):
            if state.category[start + i] != k:
                continue
            upper, slope = work.upper_slope[0, i], work.mean_slope[0, i]
            lower = slope + upper
            for c in range(n_drawn, size):
                row[c] = slope * work.response_design[c - n_drawn, i]
                for d in range(n_drawn, c + 1):
                    information[c, d] += weight * row[c] * row[d]
            if above >= 0:
                information[above, above] += weight * upper * upper
                for c in range(n_drawn, size):
                    information[c, above] += weight * upper * row[c]
            if below >= 0:
                information[below, below] += weight * lower * lower
                for c in range(n_drawn, size):
                    information[c, below] -= weight * lower * row[c]
                if above >= 0:
                    information[above, below] -= weight * upper * lower
    for i in range(size):
        for j in range(i + 1):
            factor[i, j] = information[i, j]
        factor[i, i] += RIDGE
    place = 0
    for k in range(n_thresholds):
        if responses.is_drawn[threshold + k]:
            factor[place, place] += _prior_precision(priors, responses.threshold[threshold + k])
            place += 1
    for k in range(responses.slope_start[variable], responses.slope_start[variable + 1]):
        factor[place, place] += _prior_precision(priors, responses.slope[k])
        place += 1
    return cholesky.factor(factor, size)


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
def _set_drift(factor, size, gradient, damping, out):
    # d C u
    for i in range(size):
        out[i] = gradient[i]
    cholesky.solve_lower(factor, size, out)
    cholesky.solve_upper(factor, size, out)
    for i in range(size):
        out[i] *= damping


@compiled
def _log_density(tables, variable, n, move, state, work):
    # At the thresholds `work.bounds[1]` and the coefficients and scale moved by `move`, coefficients first.
    responses, priors = tables.responses, tables.priors
    start, mean = responses.slope_start[variable], work.proposed_mean
    n_slopes = responses.slope_start[variable + 1] - start
    value = thresholds.log_priors(priors, responses, variable, work.bounds[1])
    for k in range(n_slopes):
        parameter = responses.slope[start + k]
        value += log_prior(priors, parameter, state.theta[parameter] + move[k])
    if responses.scale[variable] >= 0:
        value += scale_density(tables, variable, move[n_slopes], state, work)
    if not value > -math.inf:
        return -math.inf
    for i in range(n):
        mean[i] = work.response_mean[i]
    for k in range(n_slopes + (responses.scale[variable] >= 0)):
        design = work.response_design[k]
        step = move[k] if k < n_slopes else math.exp(move[k]) - 1.0
        for i in range(n):
            mean[i] += step * design[i]
    return value + thresholds.log_likelihood(responses, variable, n, mean, state, work.bounds[1], work, 1)


@inlined
def propose(tables, variable, n, size, current, state, work, adapting):
    """Make a proposal and accept or reject it; returns the log density without the part of the scale."""
    responses = tables.responses
    bounds, new, factor = work.bounds[0], work.bounds[1], state.factor[variable]
    gradient, drift, move = work.step[GRADIENT], work.step[DRIFT], work.step[MOVE]
    damping = state.damping[variable, 0]
    spread = math.sqrt(damping * (2.0 - damping))
    for i in range(size):
        move[i] = 0.0
    _gradient(tables, variable, n, 0.0, move, state, bounds, work, 0, gradient)
    _set_drift(factor, size, gradient, damping, drift)
    there = 0.0
    for i in range(size):
        move[i] = normal(state.generator)
        there += move[i] * move[i]
    cholesky.solve_upper(factor, size, move)
    for i in range(size):
        move[i] = drift[i] + spread * move[i]
    first = responses.threshold_start[variable]
    last = responses.threshold_start[variable + 1] - first + 1
    new[0], new[last] = bounds[0], bounds[last]
    n_drawn, in_order = 0, True
    for k in range(1, last):
        new[k] = bounds[k]
        if responses.is_drawn[first + k - 1]:
            new[k] += move[n_drawn]
            n_drawn += 1
        in_order = in_order and new[k] > new[k - 1]
    has_scale = responses.scale[variable] >= 0
    t = move[size - 1] if has_scale else 0.0
    chance, value = 0.0, -math.inf
    if in_order:
        value = _log_density(tables, variable, n, move[n_drawn:], state, work)
        if value > -math.inf:
            _gradient(tables, variable, n, t, move, state, new, work, 1, gradient)
            _set_drift(factor, size, gradient, damping, drift)
            for i in range(size):
                drift[i] = (move[i] + drift[i]) / spread
            back = _distance(factor, size, drift)
            before = current + (scale_density(tables, variable, 0.0, state, work) if has_scale else 0.0)
            ratio = value - before + 0.5 * (there - back)
            ratio += threshold_effects.follow(tables, variable, state, work)
            chance = math.exp(min(0.0, ratio))
    if adapting:
        damping *= math.exp((chance - ACCEPTANCE) / (1.0 + state.damping[variable, 1]) ** 0.6)
        state.damping[variable, 0] = min(max(damping, LEAST_DAMPING), 1.0)
    else:
        state.accepted[variable, 0] += chance
        state.accepted[variable, 1] += 1.0
    if not uniform(state.generator) < chance:
        if value > -math.inf:
            threshold_effects.undo(tables, variable, state, work)
        return current
    if has_scale:
        value -= scale_density(tables, variable, t, state, work)
    _take_over(tables, variable, n, n_drawn, last, t, move, state, work)
    return value


@compiled
def _take_over(tables, variable, n, n_drawn, last, t, move, state, work):
    responses, start = tables.responses, tables.responses.slope_start[variable]
    thresholds.accept(last, n, work)
    for i in range(n):
        work.response_mean[i] = work.proposed_mean[i]
    for k in range(responses.slope_start[variable + 1] - start):
        state.theta[responses.slope[start + k]] += move[n_drawn + k]
    if responses.scale[variable] >= 0:
        scale_moves.carry_out(tables, tables.response_scales, responses.scale[variable], t, state, work)
    refresh_equation(tables.residuals, responses.equation[variable], state.theta, state.coefficient)


@inlined
def step_in_order(tables, variable, n, current, state, work, adapting):
    """Propose thresholds in order, `current` being the log density at `work.bounds[0]`."""
    responses, place = tables.responses, tables.responses.step[variable]
    bounds, new = work.bounds[0], work.bounds[1]
    ratio = thresholds.propose(responses, variable, bounds, new, state.widths[place, 0], state.generator) - current
    ratio += thresholds.log_likelihood(responses, variable, n, work.response_mean, state, new, work, 1)
    ratio += thresholds.log_priors(tables.priors, responses, variable, new)
    follows = ratio > -math.inf
    if follows:
        ratio += threshold_effects.follow(tables, variable, state, work)
    chance = math.exp(min(0.0, ratio))
    if adapting:
        state.widths[place, 1] += 1.0
        state.widths[place, 0] *= math.exp((chance - IN_ORDER_ACCEPTANCE) / (1.0 + state.widths[place, 1]) ** 0.6)
    if uniform(state.generator) < chance:
        n_thresholds = responses.threshold_start[variable + 1] - responses.threshold_start[variable]
        thresholds.accept(n_thresholds + 1, n, work)
    elif follows:
        threshold_effects.undo(tables, variable, state, work)


@compiled
def draw(tables, variable, n, state, work, adapting):
    """Draw what belongs to a variable given `responses.conditional`: the means follow.

    Leaves probabilities in `below[0]` and `inside[0]`.
    """
    responses = tables.responses
    current = thresholds.prepare(tables, variable, n, state, work)
    size = size_of_step(responses, variable)
    if size == 0 or n == 0:
        return
    set_design(tables, variable, state, work)
    current += thresholds.log_priors(tables.priors, responses, variable, work.bounds[0])
    current += log_priors(tables, variable, state.theta, work)
    known = state.damping[variable, 1] > 0.0 and not adapting
    if known or learn(tables, variable, n, size, state, work):
        current = propose(tables, variable, n, size, current, state, work, adapting)
    if responses.step[variable] >= 0 and (adapting or uniform(state.generator) < SHARE):
        without = current - log_priors(tables, variable, state.theta, work)
        step_in_order(tables, variable, n, without, state, work, adapting)
    first = responses.threshold_start[variable]
    for k in range(first, responses.threshold_start[variable + 1]):
        if responses.is_drawn[k]:
            state.theta[responses.threshold[k]] = work.bounds[0, k - first + 1]
    threshold_effects.settle(tables, variable, state, work)
