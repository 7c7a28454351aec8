"""Outcomes that are not normal: log densities of rows, and the normal equations that stand for them.

With linear predictor e, log density l(e), score s = dl/de and expected information w, a row looks like a normal
working response z = e + s/w with precision w. Families:

    logit               y = 1 or 0           p = 1/(1 + exp(-e))           w = p (1 - p)
    multinomial         one of K codes       p_k = exp(e_k)/sum exp(e)     w_k = p_k (1 - p_k)
    negative binomial   mean m = exp(e)      variance m + a m^2            w = m/(1 + a m)
    log variance        residual r of a mean, variance exp(e)              w = 1/2

For two categories the Polya-Gamma weight is the other choice: given it the row *is* a normal one (polson, scott
and windle 2013), with z = (y - 1/2)/w.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.log_variances import joint_variance_rows, variance_rows
from blimp2pymc.sampler.numerics.exponentials import exponential, log_of_one_plus, logarithm
from blimp2pymc.sampler.numerics.moments import linear_predictor
from blimp2pymc.sampler.numerics.polya_gamma import polya_gamma

LEAST_WEIGHT = 1e-8
"""Working weights are kept above this: a row that says nothing must not have an infinite working response."""

LARGE = 100
"""Counts above this are not summed one by one."""


@compiled
def categories(tables, group, columns, coefficient, low, n, work):
    """Write linear predictors of all equations of a nominal outcome and the log of their exponentials' sum.

    Row k of `work.eta` belongs to the k-th equation, the last one used to the sum, the reference included. Returns
    the number of equations.
    """
    families, eta = tables.families, work.eta
    start, end = families.sibling_start[group], families.sibling_start[group + 1]
    size = end - start
    total = eta[size]
    for k in range(size):
        other = families.sibling[start + k]
        linear_predictor(
            tables.residuals, families.equation[other], families.monomial[other], columns, coefficient, low, n,
            work.product, eta[k],
        )  # fmt: skip
    largest = work.product
    for i in range(n):
        largest[i] = 0.0
    for k in range(size):
        each = eta[k]
        for i in range(n):
            largest[i] = max(largest[i], each[i])
    for i in range(n):
        total[i] = exponential(-largest[i])
    for k in range(size):
        each = eta[k]
        for i in range(n):
            total[i] += exponential(each[i] - largest[i])
    for i in range(n):
        total[i] = largest[i] + logarithm(total[i])
    return size


@compiled
def _category_rows(tables, group, columns, coefficient, low, n, working, work, out):
    families, eta = tables.families, work.eta
    size = categories(tables, group, columns, coefficient, low, n, work)
    start = families.sibling_start[group]
    outcome = columns[families.outcome[group], low : low + n]
    for i in range(n):
        out[i] = -eta[size, i]
    for k in range(size):
        code = families.code[families.sibling[start + k]]
        for i in range(n):
            if outcome[i] == code:
                out[i] += eta[k, i]
    if not working:
        return
    own = 0
    while families.sibling[start + own] != group:
        own += 1
    response = columns[families.response[group], low : low + n]
    weight = columns[families.weight[group], low : low + n]
    code = families.code[group]
    for i in range(n):
        p = exponential(eta[own, i] - eta[size, i])
        weight[i] = max(p * (1.0 - p), 1e-8)
        response[i] = eta[own, i] + ((1.0 if outcome[i] == code else 0.0) - p) / weight[i]


@compiled
def _count_rows(tables, group, columns, coefficient, theta, low, n, working, work, out):
    # Without sum over k < y of log(1 + a k) - log y!, which does not change with the linear predictor.
    families = tables.families
    eta = work.eta[0]
    linear_predictor(
        tables.residuals, families.equation[group], families.monomial[group], columns, coefficient, low, n,
        work.product, eta,
    )  # fmt: skip
    dispersion = theta[families.dispersion[group]]
    log_dispersion = math.log(dispersion)
    outcome = columns[families.outcome[group], low : low + n]
    for i in range(n):
        out[i] = outcome[i] * eta[i] - (outcome[i] + 1.0 / dispersion) * log_of_one_plus(eta[i] + log_dispersion)
    if not working:
        return
    response = columns[families.response[group], low : low + n]
    weight = columns[families.weight[group], low : low + n]
    for i in range(n):
        mean = exponential(eta[i])
        rest = 1.0 / (1.0 + dispersion * mean)
        information = mean * rest
        weight[i] = max(information, 1e-8)
        response[i] = eta[i] + (outcome[i] * rest - information) / weight[i]


@compiled
def row_densities(tables, group, columns, coefficient, precision, theta, low, n, working, work, out):
    """Write log densities of a group's outcome in rows low to low + n, up to a constant.

    `working`: set the group's working responses and weights at the current linear predictors too.
    """
    kind = tables.families.kind[group]
    if kind <= 2:
        _category_rows(tables, group, columns, coefficient, low, n, working, work, out)
    elif kind == 3:
        _count_rows(tables, group, columns, coefficient, theta, low, n, working, work, out)
    elif kind == 4:
        variance_rows(tables, group, columns, coefficient, low, n, working, work, out)
    else:
        joint_variance_rows(tables, group, columns, coefficient, precision, low, n, working, work, out)


@compiled
def log_density_of_rows(tables, group, state, working, work):
    """Sum of the log densities of a group's outcome over the rows in which it says something.

    Up to what does not depend on parameters; `working` as in `row_densities`. NaN becomes minus infinity.
    """
    families, weighted, rows = tables.families, tables.weighted, tables.rows
    index = families.moments[group]
    total = 0.0
    for c in range(rows.class_start.size - 1):
        if not weighted.has_class[index, c]:
            continue
        for low in range(rows.class_start[c], rows.class_start[c + 1], 256):
            n = min(256, rows.class_start[c + 1] - low)
            row_densities(
                tables, group, state.columns, state.coefficient, state.precision, state.theta, low, n, working, work,
                work.densities,
            )  # fmt: skip
            for i in range(n):
                total += work.densities[i]
    if families.kind[group] == 3:
        dispersion = state.theta[families.dispersion[group]]
        start = families.above_start[group]
        for k in range(start + 1, families.above_start[group + 1]):
            total += families.above[k] * math.log1p(dispersion * (k - start))
        for k in range(families.large_start[group], families.large_start[group + 1]):
            total += families.large_rows[k] * log_rising(families.large[k], LARGE, dispersion)
        outcome = state.columns[families.outcome[group]]
        for k in range(families.missing_start[group], families.missing_start[group + 1]):
            for row in range(families.missing_low[k], families.missing_high[k]):
                total += constant_of_count(outcome[row], dispersion)
    return total if not math.isnan(total) else -math.inf


@compiled
def log_rising(count, first, dispersion):
    """Sum of log(1 + j * dispersion) over first <= j < count, for a `first` of at least 50.

    Stirling's series of the difference of two log-gamma functions, put so that no digits are lost where the
    dispersion is small.
    """
    n = count - first
    low = first + 1.0 / dispersion
    high = low + n
    total = (low - 0.5) * math.log1p(n / low) - n + n * math.log1p(dispersion * count)
    return total + (1.0 / high - 1.0 / low) / 12.0 - (1.0 / high**3 - 1.0 / low**3) / 360.0


@compiled
def constant_of_count(count, dispersion):
    """What `row_densities` leaves out of the log density of a count."""
    # Rising factorials by gamma functions lose their digits where the dispersion is small.
    if dispersion * count < 1e-3:
        total = 0.5 * dispersion * count * (count - 1.0)
    else:
        size = 1.0 / dispersion
        total = math.lgamma(count + size) - math.lgamma(size) + count * math.log(dispersion)
    return total - math.lgamma(count + 1.0)


@compiled
def log_density_of_row(tables, group, row, columns, theta, total):
    """Log density of one row's outcome; of a modelled variance what it adds to the determinant.

    `total` holds the linear predictors of all equations that are not normal, with their sign changed, and the
    residuals of the others.
    """
    families = tables.families
    eta = -total[families.equation[group]]
    kind = families.kind[group]
    if kind == 1:
        chosen = eta if columns[families.outcome[group], row] == families.code[group] else 0.0
        return chosen - log_of_one_plus(eta)
    if kind == 2:
        start, end = families.sibling_start[group], families.sibling_start[group + 1]
        largest, chosen = 0.0, 0.0
        outcome = columns[families.outcome[group], row]
        for k in range(start, end):
            other = families.sibling[k]
            eta = -total[families.equation[other]]
            largest = max(largest, eta)
            if outcome == families.code[other]:
                chosen = eta
        summed = math.exp(-largest)
        for k in range(start, end):
            summed += math.exp(-total[families.equation[families.sibling[k]]] - largest)
        return chosen - largest - math.log(summed)
    if kind == 3:
        outcome, dispersion = columns[families.outcome[group], row], theta[families.dispersion[group]]
        return outcome * eta - (outcome + 1.0 / dispersion) * log_of_one_plus(eta + math.log(dispersion))
    return -0.5 * eta


@compiled
def augment(tables, group, state, low, high, work):
    """Draw the Polya-Gamma weights of a category in rows low to high, and set its working responses.

    With c the log of the sum of the other categories' exponentials, w ~ PG(1, e - c) and
    z = (y - 1/2)/w + c (holmes and held 2006 for more than two categories).
    """
    families, eta = tables.families, work.eta
    start = families.sibling_start[group]
    own = 0
    while families.sibling[start + own] != group:
        own += 1
    code = families.code[group]
    for first in range(low, high, 256):
        n = min(256, high - first)
        size = categories(tables, group, state.columns, state.coefficient, first, n, work)
        outcome = state.columns[families.outcome[group], first : first + n]
        response = state.columns[families.response[group], first : first + n]
        weight = state.columns[families.weight[group], first : first + n]
        for i in range(n):
            others = 0.0
            if size > 1:
                # exp(total) - exp(e), without a difference of nearly equal numbers.
                largest = 0.0
                for k in range(size):
                    if k != own:
                        largest = max(largest, eta[k, i])
                summed = math.exp(-largest)
                for k in range(size):
                    if k != own:
                        summed += math.exp(eta[k, i] - largest)
                others = largest + math.log(summed)
            weight[i] = polya_gamma(state.generator, eta[own, i] - others)
            response[i] = (0.5 if outcome[i] == code else -0.5) / weight[i] + others


@compiled
def update_weights(tables, state, work):
    """Draw the weights of all outcomes with two categories, in the rows in which they say something."""
    families, rows = tables.families, tables.rows
    for group in range(families.kind.size):
        if families.kind[group] == 1:
            index = families.moments[group]
            for c in range(rows.class_start.size - 1):
                if tables.weighted.has_class[index, c]:
                    augment(tables, group, state, rows.class_start[c], rows.class_start[c + 1], work)
