"""Log densities of observed values as functions of linear predictors, with first derivatives and information.

With linear predictors e of a row (`work.predictor`), a part of a trajectory has

    CATEGORIES   one of several codes, logit          Pr(k) = exp(e_k)/sum exp(e), 0 for the reference
    COUNT        negative binomial, mean exp(e)       variance mean + a mean^2
    LARGEST      latent differences of a nominal      Pr(k): the k-th of normal utilities e_k is the largest, that of
                 variable, integrated out             the reference having mean 0 (`numerics.largest`)
    ORDERED      latent response of ordered           Pr(k) = Phi(t_k+1 - e) - Phi(t_k - e) with thresholds t
                 categories, integrated out

The information is the expected one, the covariance of the derivatives.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.numerics.exponentials import exponential, log_of_one_plus, logarithm
from blimp2pymc.sampler.numerics.largest import log_largest
from blimp2pymc.sampler.numerics.moments import multiply
from blimp2pymc.sampler.numerics.normal_table import normal_both

CATEGORIES, COUNT, LARGEST, ORDERED = range(4)
"""Kinds of `Trajectories`."""
ROOT_TWO = math.sqrt(2.0)


@compiled
def set_predictors(tables, part, low, n, state, work):
    """Write linear predictors of a part, rows low to low + n, to `work.predictor`, and monomials to `work.values`."""
    table = tables.trajectories
    used = table.used_start[part]
    for k in range(used, table.used_start[part + 1]):
        multiply(tables.residuals, table.used[k], state.columns, low, n, work.values[k - used])
    first = table.equation_start[part]
    for e in range(first, table.equation_start[part + 1]):
        equation, predictor = table.equation[e], work.predictor[e - first]
        for i in range(n):
            predictor[i] = 0.0
        for k in range(table.term_start[e], table.term_start[e + 1]):
            place = table.term[k]
            coefficient = state.coefficient[equation, table.used[used + place]]
            if coefficient != 0.0:
                value = work.values[place]
                for i in range(n):
                    predictor[i] -= coefficient * value[i]


@compiled
def category(table, part, outcome):
    """Place of a code among those of a part, from 0; -1: none of them, the reference."""
    first = table.code_start[part]
    for k in range(first, table.code_start[part + 1]):
        if table.code[k] == outcome:
            return k - first
    return -1


@compiled
def _category_rows(table, part, size, n, outcome, informed, work):
    predictor, scores, largest, rest = work.predictor, work.score, work.normals, work.densities
    first, total = table.code_start[part], 0.0
    for i in range(n):
        largest[i] = 0.0
    for k in range(size):
        eta = predictor[k]
        for i in range(n):
            largest[i] = max(largest[i], eta[i])
    for i in range(n):
        rest[i] = exponential(-largest[i])
    for k in range(size):
        eta, score = predictor[k], scores[k]
        for i in range(n):
            score[i] = exponential(eta[i] - largest[i])
            rest[i] += score[i]
    for i in range(n):
        total -= largest[i] + logarithm(rest[i])
        rest[i] = 1.0 / rest[i]
    for k in range(size):
        eta, score, code = predictor[k], scores[k], table.code[first + k]
        for i in range(n):
            score[i] *= rest[i]
            total += eta[i] if outcome[i] == code else 0.0
    if informed:
        _set_information_of_categories(size, n, work)
    for k in range(size):
        score, code = scores[k], table.code[first + k]
        for i in range(n):
            score[i] = (1.0 if outcome[i] == code else 0.0) - score[i]
    return total


@compiled
def _set_information_of_categories(size, n, work):
    # Covariances of the dummies of the categories, from the probabilities in `work.score`.
    for k in range(size):
        for j in range(k + 1):
            one, other, information = work.score[k], work.score[j], work.pair_information[k, j]
            for i in range(n):
                information[i] = (one[i] if j == k else 0.0) - one[i] * other[i]


@compiled
def _count_rows(n, outcome, dispersion, informed, work):
    predictor, score, information = work.predictor[0], work.score[0], work.pair_information[0, 0]
    log_dispersion, shape = math.log(dispersion), 1.0 / dispersion
    total = 0.0
    for i in range(n):
        eta = predictor[i]
        total += outcome[i] * eta - (outcome[i] + shape) * log_of_one_plus(eta + log_dispersion)
        mean = exponential(eta)
        rest = 1.0 / (1.0 + dispersion * mean)
        score[i] = (outcome[i] - mean) * rest
        if informed:
            information[i] = mean * rest
    return total


@compiled
def log_probability_of_largest(size, own, i, work, slopes):
    """Log probability that utility `own` (-1: the reference) is the largest; derivatives by predictors to `slopes`."""
    margins, by_margin = work.margins[0], work.margins[1]
    utility = work.predictor[own, i] if own >= 0 else 0.0
    n = 0
    for k in range(-1, size):
        if k != own:
            margins[n] = ROOT_TWO * (utility - (work.predictor[k, i] if k >= 0 else 0.0))
            n += 1
    value = log_largest(margins, n, by_margin, work.margins[2])
    for k in range(size):
        slopes[k] = 0.0
    n = 0
    for k in range(-1, size):
        if k != own:
            if own >= 0:
                slopes[own] += ROOT_TWO * by_margin[n]
            if k >= 0:
                slopes[k] -= ROOT_TWO * by_margin[n]
            n += 1
    return value


@compiled
def _largest_rows(table, part, size, n, outcome, informed, work):
    score, information, slopes = work.score, work.pair_information, work.margins[3]
    total = 0.0
    for i in range(n):
        own = category(table, part, outcome[i])
        total += log_probability_of_largest(size, own, i, work, slopes)
        for k in range(size):
            score[k, i] = slopes[k]
        if informed:
            for k in range(size):
                for j in range(k + 1):
                    information[k, j, i] = 0.0
            for other in range(-1, size):
                probability = math.exp(log_probability_of_largest(size, other, i, work, slopes))
                for k in range(size):
                    for j in range(k + 1):
                        information[k, j, i] += probability * slopes[k] * slopes[j]
    return total


@compiled
def _between(lower, upper):
    # Log probability of an interval, and its derivative by a common shift of both limits.
    sign = 1.0
    if lower > 0.0:
        lower, upper, sign = -upper, -lower, -1.0
    below, low_density = normal_both(lower)
    above, high_density = normal_both(upper)
    if above - below > 1e-280:
        return math.log(above - below), sign * (high_density - low_density) / (above - below)
    # Far in the lower tail the upper end has all of it.
    return -0.5 * upper * upper - math.log(max(1.0, -upper)) - 0.918938533204672742, -sign * upper


@compiled
def _ordered_rows(table, part, n, outcome, theta, informed, work):
    predictor, score, information = work.predictor[0], work.score[0], work.pair_information[0, 0]
    first = table.threshold_start[part]
    last = table.threshold_start[part + 1] - first
    total = 0.0
    for i in range(n):
        eta = predictor[i]
        k = category(table, part, outcome[i])
        lower = theta[table.threshold[first + k - 1]] - eta if k > 0 else -math.inf
        upper = theta[table.threshold[first + k]] - eta if k < last else math.inf
        value, slope = _between(lower, upper)
        total += value
        score[i] = -slope
        if informed:
            information[i] = 0.0
            lower = -math.inf
            for j in range(last + 1):
                upper = theta[table.threshold[first + j]] - eta if j < last else math.inf
                value, slope = _between(lower, upper)
                information[i] += math.exp(value) * slope * slope
                lower = upper
    return total


@compiled
def score_rows(tables, part, low, n, state, informed, work):
    """Sum of log densities of rows low to low + n, up to a constant, given `work.predictor`.

    Derivatives by the predictors are written to `work.score`; `informed`: the information as well, to the lower
    triangle of `work.pair_information`.
    """
    table = tables.trajectories
    kind = table.kind[part]
    size = table.equation_start[part + 1] - table.equation_start[part]
    outcome = state.columns[table.outcome[part], low : low + n]
    if kind == 0:
        return _category_rows(table, part, size, n, outcome, informed, work)
    if kind == 1:
        return _count_rows(n, outcome, state.theta[table.dispersion[part]], informed, work)
    if kind == 2:
        return _largest_rows(table, part, size, n, outcome, informed, work)
    return _ordered_rows(table, part, n, outcome, state.theta, informed, work)
