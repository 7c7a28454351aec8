"""Residual variances with a model, var(y) ~ x: log densities of rows, and the precisions that other kernels see.

With log variance e and residual r of the mean, a row has the log density -1/2 e - 1/2 r^2 exp(-e). Its derivative by e
is (r^2 exp(-e) - 1)/2, and the expected information 1/2.

The residuals of a block (`y ~~ z`) are u_k = r_k exp(-e_k/2), those without such a model u_k = r_k, and jointly normal
with one precision W for all rows: the log density of a row is -1/2 sum e - 1/2 u'Wu, its derivative by e_k is
(u_k (Wu)_k - 1)/2, and the expected information (1 + W_kk)/4, as E u_k (Wu)_k = 1.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.numerics.exponentials import exponential
from blimp2pymc.sampler.numerics.moments import linear_predictor, update_weighted_moments


@compiled
def variance_rows(tables, group, columns, coefficient, low, n, working, work, out):
    """Write log densities of rows of a modelled variance and its mean; `working` as in `row_densities`."""
    families = tables.families
    eta, residual = work.eta[0], work.eta[1]
    linear_predictor(
        tables.residuals, families.equation[group], families.monomial[group], columns, coefficient, low, n,
        work.product, eta,
    )  # fmt: skip
    mean = families.residual[group]
    linear_predictor(tables.residuals, mean, -1, columns, coefficient, low, n, work.product, residual)
    for i in range(n):
        residual[i] *= residual[i] * exponential(-eta[i])
        out[i] = -0.5 * (eta[i] + residual[i])
    if not working:
        return
    response = columns[families.response[group], low : low + n]
    weight = columns[families.weight[group], low : low + n]
    for i in range(n):
        weight[i] = 0.5
        response[i] = eta[i] + residual[i] - 1.0


@compiled
def joint_variance_rows(tables, group, columns, coefficient, precision, low, n, working, work, out):
    """Write log densities of rows of a block with modelled variances; `working` as in `row_densities`.

    The columns of reciprocal standard deviations may be those of other coefficients: residuals are put right.
    """
    families, residuals = tables.families, tables.residuals
    mean = families.mean[group]
    start, end = residuals.group_start[mean], residuals.group_start[mean + 1]
    own, eta = work.eta[0], work.eta[1]
    for e in range(start, end):
        linear_predictor(residuals, e, -1, columns, coefficient, low, n, work.product, work.residual[e - start])
    for i in range(n):
        out[i] = 0.0
    for k in range(families.variance_start[group], families.variance_start[group + 1]):
        other = families.variance[k]
        linear_predictor(
            residuals, families.equation[other], families.monomial[other], columns, coefficient, low, n, work.product,
            eta,
        )  # fmt: skip
        root = columns[families.precision[other], low : low + n]
        residual = work.residual[families.residual[other] - start]
        for i in range(n):
            residual[i] *= exponential(-0.5 * eta[i]) / root[i]
            out[i] -= 0.5 * eta[i]
        if other == group:
            for i in range(n):
                own[i] = eta[i]
    for e in range(end - start):
        residual = work.residual[e]
        for f in range(e + 1):
            value, other_residual = precision[mean, e, f] * (-0.5 if e == f else -1.0), work.residual[f]
            for i in range(n):
                out[i] += value * residual[i] * other_residual[i]
    if not working:
        return
    response = columns[families.response[group], low : low + n]
    weight = columns[families.weight[group], low : low + n]
    place = families.residual[group] - start
    information = 0.25 * (1.0 + precision[mean, place, place])
    for i in range(n):
        pull = 0.0
        for e in range(end - start):
            pull += precision[mean, place, e] * work.residual[e, i]
        weight[i] = information
        response[i] = own[i] + 0.5 * (work.residual[place, i] * pull - 1.0) / information


@compiled
def set_precisions(tables, group, state, low, high, work):
    """Set the precisions exp(-e) of rows low to high from their log variances, in a block exp(-e/2)."""
    families = tables.families
    power = -0.5 if families.kind[group] == 5 else -1.0
    for first in range(low, high, 256):
        n = min(256, high - first)
        eta = work.eta[0]
        linear_predictor(
            tables.residuals, families.equation[group], families.monomial[group], state.columns, state.coefficient,
            first, n, work.product, eta,
        )  # fmt: skip
        precision = state.columns[families.precision[group], first : first + n]
        for i in range(n):
            precision[i] = exponential(power * eta[i])


@compiled
def set_variances(tables, group, state, low, high, work):
    """Set the precisions of all modelled variances that the group of a mean or of a variance looks at."""
    families = tables.families
    for k in range(families.variance_start[group], families.variance_start[group + 1]):
        set_precisions(tables, families.variance[k], state, low, high, work)


@compiled
def set_dependent(tables, group, state, work):
    """Set what the equation of a mean sees of its modelled variance: precisions, and moments with them."""
    if tables.families.kind[group] >= 4:
        set_variances(tables, group, state, 0, state.columns.shape[1], work)
        update_weighted_moments(tables, tables.families.moments[tables.families.mean[group]], state, work)


@compiled
def set_precision_of_row(tables, group, row, columns, total):
    """Set what the group of a modelled variance says about the precision of a row; see `log_density_of_row`."""
    families = tables.families
    if families.kind[group] >= 4:
        power = 0.5 if families.kind[group] == 5 else 1.0
        columns[families.precision[group], row] = math.exp(power * total[families.equation[group]])


@compiled
def update_precisions(tables, state, work):
    """Set the precisions of all outcomes whose variance is modelled, in every row."""
    for group in range(tables.families.kind.size):
        if tables.families.kind[group] >= 4:
            set_precisions(tables, group, state, 0, state.columns.shape[1], work)
