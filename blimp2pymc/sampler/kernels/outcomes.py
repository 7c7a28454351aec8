"""Missing categories and counts that predict nothing: integrated out, then drawn given the parameters.

A count is Poisson with a gamma distributed mean, which together is negative binomial.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.row_densities import augment, categories
from blimp2pymc.sampler.numerics.evaluator import set_columns
from blimp2pymc.sampler.numerics.generator import gamma, normal, uniform
from blimp2pymc.sampler.numerics.moments import linear_predictor


@compiled
def poisson(generator, mean):
    """A Poisson variate: by multiplication, or for larger means by transformed rejection (hoermann 1993)."""
    if mean < 10.0:
        limit, product, count = math.exp(-mean), uniform(generator), 0.0
        while product > limit:
            product *= uniform(generator)
            count += 1.0
        return count
    root = math.sqrt(mean)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    bound = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u = uniform(generator) - 0.5
        v = uniform(generator)
        distance = 0.5 - abs(u)
        count = math.floor((2.0 * a / distance + b) * u + mean + 0.43)
        if distance >= 0.07 and v <= bound:
            return count
        if count < 0.0 or (distance < 0.013 and v > distance):
            continue
        left = math.log(v) + math.log(inverse_alpha) - math.log(a / (distance * distance) + b)
        if left <= -mean + count * math.log(mean) - math.lgamma(count + 1.0):
            return count


@compiled
def negative_binomial(generator, mean, dispersion):
    """A count with that mean and variance mean + dispersion * mean^2."""
    shape = 1.0 / dispersion
    # Above a million the gamma variate is normal to more digits than its own sampling keeps.
    if shape > 1e12:
        return poisson(generator, mean)
    rate = mean * dispersion * gamma(generator, shape)
    if rate > 1e9:
        return math.floor(rate + math.sqrt(rate) * normal(generator) + 0.5)
    return poisson(generator, rate)


@compiled
def predict(tables, index, state, work):
    """Draw the missing categories or counts of one outcome in the rows of a pattern."""
    families, outcomes = tables.families, tables.outcomes
    group = outcomes.group[index]
    for low in range(outcomes.low[index], outcomes.high[index], 256):
        n = min(256, outcomes.high[index] - low)
        # They may depend on a function of what has just been drawn.
        set_columns(tables.functions, state.theta, state.columns, low, low + n, work.stack)
        cells = state.columns[families.outcome[group], low : low + n]
        if families.kind[group] == 3:
            eta = work.eta[0]
            linear_predictor(
                tables.residuals, families.equation[group], families.monomial[group], state.columns,
                state.coefficient, low, n, work.product, eta,
            )  # fmt: skip
            dispersion = state.theta[families.dispersion[group]]
            for i in range(n):
                cells[i] = negative_binomial(state.generator, math.exp(min(eta[i], 300.0)), dispersion)
            continue
        size = categories(tables, group, state.columns, state.coefficient, low, n, work)
        start = families.sibling_start[group]
        for i in range(n):
            rest = uniform(state.generator)
            cells[i] = families.reference[group]
            for k in range(size):
                rest -= math.exp(work.eta[k, i] - work.eta[size, i])
                if rest < 0.0:
                    cells[i] = families.code[families.sibling[start + k]]
                    break
    if families.kind[group] == 1:
        augment(tables, group, state, outcomes.low[index], outcomes.high[index], work)


@compiled
def set_weights(tables, state, work):
    """Draw the weights of categories that only statistics look at."""
    families = tables.families
    for group in range(families.kind.size):
        if families.kind[group] == 2:
            augment(tables, group, state, 0, state.columns.shape[1], work)
