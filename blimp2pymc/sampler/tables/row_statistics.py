"""Recorded statistics that no moment matrix holds: weighted predictors, residuals and variances that differ by row.

They need a pass over the rows in every kept draw, and only models with such equations have any.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from blimp2pymc.joint_model.ir import Column, Product, Role
from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.draws import Statistic, StatisticKind
from blimp2pymc.sampler.numerics.moments import linear_predictor, multiply
from blimp2pymc.sampler.numerics.quantiles import quantile
from blimp2pymc.sampler.plan.residuals import Residual
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers, ragged
from blimp2pymc.sampler.tables.row_tables import RowStatistics

QUARTILES = (0.25, 0.5, 0.75)


def row_statistics(layout: Layout) -> tuple[Statistic, ...]:
    """Names of these statistics, in the order of the table."""
    return tuple(name for name, *_ in _listed(layout))


def not_normal(layout: Layout) -> frozenset[Column]:
    """Outcomes whose products of residuals are no element of a moment matrix.

    Those of equations that are not normal, and of standardized residuals, which are recorded as they are.
    """
    groups = layout.plan.structure.groups
    return frozenset(
        each.equation.outcome
        for group in groups
        for each in group.residuals
        if not each.models_variance and (group.family != "normal" or each.root is not None)
    )


def _listed(layout: Layout) -> list[tuple[Statistic, int, int, int, float, Sequence[Product]]]:
    """Name, kind, first, second, probability and products of every statistic."""
    groups = layout.plan.structure.groups
    equations = {id(residual): k for k, residual in enumerate(layout.plan.structure.residuals)}
    stated = [
        (k, group, residual)
        for k, group in enumerate(groups)
        for residual in group.residuals
        if residual.equation.role is Role.OUTCOME
    ]
    means = [each for each in stated if not each[2].models_variance]
    found: list[tuple[Statistic, int, int, int, float, Sequence[Product]]] = []
    for k, group, residual in means:
        if group.family in ("logit", "multinomial"):
            name = Statistic(StatisticKind.WEIGHTED_PREDICTOR_VARIANCE, (residual.equation.outcome,))
            found.append((name, 0, k, 0, 0.0, residual.predictors))
    order = [each.outcome for each in layout.model.equations if each.role is Role.OUTCOME]
    means.sort(key=lambda each: order.index(each[2].equation.outcome))
    by_row = not_normal(layout)
    residuals = [residual for *_, residual in means]
    for i, residual in enumerate(residuals):
        for second in residuals[i:]:
            if {residual.equation.outcome, second.equation.outcome} & by_row:
                key = (residual.equation.outcome, second.equation.outcome)
                places = (equations[id(residual)], equations[id(second)])
                found.append((Statistic(StatisticKind.RESIDUAL_PRODUCT, key), 1, *places, 0.0, ()))
    for k, residual in [(k, residual) for k, _, residual in stated]:
        if residual.models_variance:
            found += [
                (Statistic(kind, (residual.equation.outcome, *key)), code, k, 0, key[0] if key else 0.0, ())
                for kind, code, keys in (
                    (StatisticKind.ROW_VARIANCE_MEAN, 2, [()]),
                    (StatisticKind.ROW_VARIANCE_QUANTILE, 3, [(each,) for each in QUARTILES]),
                )
                for key in keys
            ]
    return found


def modelled_residuals(layout: Layout) -> list[Residual]:
    """Residuals of means, in the order of the structure: those of modelled variances left out."""
    return [each for each in layout.plan.structure.residuals if not each.models_variance]


def row_statistics_table(layout: Layout, first: int) -> RowStatistics:
    """Write these statistics as a table; `first`: place of the first among all recorded ones."""
    found = _listed(layout)
    products = [product for *_, each in found for product in each]
    for each in products:
        layout.monomials.setdefault(layout.monomial(each), len(layout.monomials))
    factor_start, factors = ragged([layout.parameters[name] for name in each.parameters] for each in products)
    return RowStatistics(
        kind=integers(each[1] for each in found),
        place=integers(range(first, first + len(found))),
        first=integers(each[2] for each in found),
        second=integers(each[3] for each in found),
        probability=np.array([each[4] for each in found], np.float64),
        product_start=ragged(each[5] for each in found)[0],
        monomial=integers(layout.monomials[layout.monomial(each)] for each in products),
        constant=np.array([each.constant for each in products], np.float64),
        factor_start=factor_start,
        factor_parameter=integers(factors),
    )


@compiled
def record_rows(tables, state, work, scratch, again, previous, out):
    """Write the statistics of the current draw to `out`; quantiles only with `again`, else those of `previous`."""
    listed = tables.row_statistics
    k = 0
    while k < listed.kind.size:
        kind, place = listed.kind[k], listed.place[k]
        if kind == 0:
            out[place] = _weighted_variance(tables, k, state, work)
        elif kind == 1:
            out[place] = _residual_product(tables, listed.first[k], listed.second[k], state, work)
        elif kind == 2:
            _row_variances(tables, listed.first[k], state, scratch)
            total = 0.0
            n_rows = state.columns.shape[1]
            for i in range(n_rows):
                total += scratch[i]
            out[place] = total / n_rows
        elif not again:
            out[place] = previous[place]
        else:
            n = state.columns.shape[1]
            _row_variances(tables, listed.first[k], state, scratch)
            out[place], _, _ = quantile(scratch[:0], scratch[:n], listed.probability[k], 0, 0)
        k += 1


@compiled
def _row_variances(tables, group, state, out):
    precision = state.columns[tables.families.precision[group]]
    power = 2.0 if tables.families.kind[group] == 5 else 1.0
    for i in range(precision.size):
        out[i] = precision[i] ** -power


@compiled
def _weighted_variance(tables, index, state, work):
    # Sample variance of root of weight times predictor.
    listed = tables.row_statistics
    weights = state.columns[tables.families.weight[listed.first[index]]]
    total, squares = 0.0, 0.0
    n_rows = weights.size
    value = work.eta[0]
    for low in range(0, n_rows, 256):
        n = min(256, n_rows - low)
        for i in range(n):
            value[i] = 0.0
        for p in range(listed.product_start[index], listed.product_start[index + 1]):
            factor = listed.constant[p]
            for k in range(listed.factor_start[p], listed.factor_start[p + 1]):
                factor *= state.theta[listed.factor_parameter[k]]
            multiply(tables.residuals, listed.monomial[p], state.columns, low, n, work.product)
            for i in range(n):
                value[i] += factor * work.product[i]
        for i in range(n):
            each = value[i] * math.sqrt(weights[low + i])
            total += each
            squares += each * each
    return max(0.0, squares - total * total / n_rows) / (n_rows - 1.0)


@compiled
def _residual_rows(tables, equation, state, low, n, work, out):
    # Residual of a row: as it is of a normal outcome, standardized or not; times the root of the weight of a category;
    # of a count divided by its standard deviation (pearson).
    families, residuals = tables.families, tables.residuals
    group = residuals.equation_group[equation]
    kind = families.kind[group]
    columns = state.columns
    if kind == 3:
        linear_predictor(
            residuals, equation, families.monomial[group], columns, state.coefficient, low, n, work.product, out
        )
        outcome = columns[families.outcome[group], low : low + n]
        dispersion = state.theta[families.dispersion[group]]
        for i in range(n):
            mean = math.exp(min(out[i], 300.0))
            out[i] = (outcome[i] - mean) / math.sqrt(mean * (1.0 + dispersion * mean))
        return
    linear_predictor(residuals, equation, -1, columns, state.coefficient, low, n, work.product, out)
    if kind == 0:
        for i in range(n):
            out[i] = -out[i]
        if residuals.root[equation] >= 0:
            root = columns[residuals.root[equation], low : low + n]
            for i in range(n):
                out[i] /= root[i]
    else:
        weight = columns[families.weight[group], low : low + n]
        for i in range(n):
            out[i] *= -math.sqrt(weight[i])


@compiled
def _residual_product(tables, first, second, state, work):
    total = 0.0
    n_rows = state.columns.shape[1]
    one, other = work.eta[0], work.eta[1]
    for low in range(0, n_rows, 256):
        n = min(256, n_rows - low)
        _residual_rows(tables, first, state, low, n, work, one)
        if first == second:
            for i in range(n):
                total += one[i] * one[i]
        else:
            _residual_rows(tables, second, state, low, n, work, other)
            for i in range(n):
                total += one[i] * other[i]
    return total
