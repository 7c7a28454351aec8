"""What is recorded beside the parameters: statistics of completed data, cells, log-likelihood.

Statistics that are sums of products are quadratic forms of moment matrices and cost nothing per complete
row. Cells are accumulated (mean, variance) instead of stored.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.row_densities import constant_of_count, row_densities
from blimp2pymc.sampler.numerics.exponentials import exponential, logarithm
from blimp2pymc.sampler.numerics.moments import prepare_values, values_of


class Columns(NamedTuple):
    """Columns of the data, for means, variances and quantiles."""

    reference: np.ndarray
    """Observed mean of each, which sums are taken about."""
    total: np.ndarray
    """Sum over complete and observed cells of deviations from the reference, and of their squares; (columns, 2)."""
    cell_start: np.ndarray
    """Runs of missing cells: first cell of each run in the vector of all cells; (runs + 1,)."""
    cell_column: np.ndarray
    cell_row: np.ndarray
    """Column and first row of each run."""
    run_start: np.ndarray
    """Runs of each column are consecutive; (columns + 1,)."""
    observed_start: np.ndarray
    observed: np.ndarray
    """Observed values of each incomplete column, sorted; all values of a complete one."""


@compiled
def copy(source, target):
    """Copy as many numbers as `target` has room for. (An assignment of slices would allocate.)"""
    for i in range(target.size):
        target[i] = source[i]


@compiled
def gather(data, columns, cells):
    """Collect all missing cells, as currently completed, in one vector."""
    for run in range(data.cell_column.size):
        first, last = data.cell_start[run], data.cell_start[run + 1]
        row = data.cell_row[run]
        copy(columns[data.cell_column[run], row : row + last - first], cells[first:last])


@compiled
def accumulate(data, columns, count, mean, squares, totals):
    """Add a draw of all cells to their running means and sums of squared deviations (welford 1962).

    In the same pass the deviations of each column from its reference, and their squares, are added up to `totals`.
    """
    share = 1.0 / count
    for column in range(totals.shape[0]):
        total, total_squares, reference = data.total[column, 0], data.total[column, 1], data.reference[column]
        for run in range(data.run_start[column], data.run_start[column + 1]):
            first, last, row = data.cell_start[run], data.cell_start[run + 1], data.cell_row[run]
            values = columns[column, row : row + last - first]
            means, deviations = mean[first:last], squares[first:last]
            for i in range(values.size):
                value, before = values[i], means[i]
                after = before + (value - before) * share
                means[i] = after
                deviations[i] += (value - before) * (value - after)
                total += value - reference
                total_squares += (value - reference) * (value - reference)
        totals[column, 0], totals[column, 1] = total, total_squares


@compiled
def record(tables, data, state, work, totals, out):
    """Write the statistics of the current draw to `out`; `totals`: what `accumulate` has added up."""
    statistics, residuals, moments = tables.statistics, tables.residuals, state.moments
    n_rows = tables.rows.class_rows.sum()
    done = -1
    for s in range(statistics.kind.size):
        first, second = statistics.first[s], statistics.second[s]
        if statistics.kind[s] == 0:
            out[s] = variance_of_sum(statistics, first, second, state.theta, moments, n_rows)
        elif statistics.kind[s] == 3:
            if first != done:
                cross_products(residuals, first, state.coefficient, moments, work.cross)
                done = first
            total = 0.0
            for k in range(residuals.monomial_start[second], residuals.monomial_start[second + 1]):
                monomial = residuals.equation_monomial[k]
                total += work.cross[monomial] * state.coefficient[second, monomial]
            out[s] = total
        else:
            reference, mean, squares = data.reference[first], totals[first, 0] / n_rows, totals[first, 1]
            out[s] = reference + mean if statistics.kind[s] == 1 else (squares - n_rows * mean * mean) / (n_rows - 1.0)


@compiled
def cross_products(residuals, equation, coefficient, moments, out):
    """Sums over rows of a residual's products with every monomial; those count whose moments are known."""
    n = moments.shape[1]
    for b in range(n):
        out[b] = 0.0
    for k in range(residuals.monomial_start[equation], residuals.monomial_start[equation + 1]):
        monomial = residuals.equation_monomial[k]
        weight = coefficient[equation, monomial]
        for c in range(moments.shape[0]):
            row = moments[c, monomial]
            for b in range(n):
                out[b] += weight * row[b]


@compiled
def variance_of_sum(statistics, first, last, theta, moments, n_rows):
    """Sample variance over rows of a sum of products."""
    total, squares = 0.0, 0.0
    for a in range(first, last):
        left = _weight(statistics, a, theta)
        monomial = statistics.monomial[a]
        for c in range(moments.shape[0]):
            total += left * moments[c, monomial, 0]
        for b in range(first, a + 1):
            right = _weight(statistics, b, theta)
            other = statistics.monomial[b]
            for c in range(moments.shape[0]):
                squares += (1.0 if a == b else 2.0) * left * right * moments[c, monomial, other]
    return max(0.0, squares - total * total / n_rows) / (n_rows - 1.0)


@compiled
def _weight(statistics, product, theta):
    value = statistics.constant[product]
    for k in range(statistics.factor_start[product], statistics.factor_start[product + 1]):
        value *= theta[statistics.factor_parameter[k]]
    return value


@compiled
def missing_values(data, column, columns, out):
    """Copy the missing cells of a column, as currently completed, to the first places of `out`; how many."""
    first = data.cell_start[data.run_start[column]]
    for run in range(data.run_start[column], data.run_start[column + 1]):
        low, high, row = data.cell_start[run], data.cell_start[run + 1], data.cell_row[run]
        copy(columns[column, row : row + high - low], out[low - first : high - first])
    return data.cell_start[data.run_start[column + 1]] - first


@compiled
def weight_by_row(weight, size, n, work, value):
    """Scale residuals of rows to the precision 1, and add what that does to their log density."""
    for i in range(n):
        value[i] += 0.5 * size * logarithm(weight[i])
        work.normals[i] = math.sqrt(weight[i])
    root = work.normals
    for e in range(size):
        residual = work.residual[e]
        for i in range(n):
            residual[i] *= root[i]


@compiled
def add_row_densities(tables, group, columns, state, low, n, work, value):
    """Add the log density of each row's category or count, once for all categories of an outcome."""
    families = tables.families
    kind = families.kind[group]
    if kind == 2 and families.sibling[families.sibling_start[group]] != group:
        return
    row_densities(tables, group, columns, state.coefficient, state.precision, state.theta, low, n, False, work,
                  work.densities)  # fmt: skip
    for i in range(n):
        value[i] += work.densities[i]
    if kind == 3:
        outcome = columns[families.outcome[group], low : low + n]
        for i in range(n):
            value[i] += constant_of_count(outcome[i], state.theta[families.dispersion[group]])


@compiled
def add_log_likelihood(tables, groups, columns, offset, state, work, count, moments):
    """Add the current log-likelihood of each row to its running moments.

    `groups` are those of outcomes; rows of `columns` are rows `offset` and on of the moments: mean, squared deviations,
    largest and total, which keep the sum of exp(l) over draws as exp(largest) * total.
    """
    mean, squares, most, total = moments[0], moments[1], moments[2], moments[3]
    residuals = tables.residuals
    n_rows = columns.shape[1]
    for low in range(0, n_rows, 256):
        n = min(256, n_rows - low)
        value = work.likelihood
        value[:n] = 0.0
        for k in range(groups.size):
            group = groups[k]
            if tables.families.kind[group] != 0:
                add_row_densities(tables, group, columns, state, low, n, work, value)
                continue
            start, end = residuals.group_start[group], residuals.group_start[group + 1]
            for e in range(start, end):
                residual = work.residual[e - start]
                residual[:n] = 0.0
                for j in range(residuals.monomial_start[e], residuals.monomial_start[e + 1]):
                    monomial = residuals.equation_monomial[j]
                    weight = state.coefficient[e, monomial]
                    if weight != 0.0:
                        prepare_values(residuals, monomial, columns, low, n, work.values)
                        values = values_of(residuals, monomial, columns, low, n, work.values)
                        for i in range(n):
                            residual[i] += weight * values[i]
            constant = -0.5 * ((end - start) * math.log(2.0 * math.pi) + state.log_determinant[group])
            for i in range(n):
                value[i] += constant
            for e in range(start, end):
                if residuals.root[e] >= 0:
                    root = columns[residuals.root[e], low : low + n]
                    for i in range(n):
                        value[i] += logarithm(root[i])
            if residuals.weight[group] >= 0:
                weight_by_row(columns[residuals.weight[group], low : low + n], end - start, n, work, value)
            for e in range(end - start):
                for f in range(e + 1):
                    weight = state.precision[group, e, f] * (-0.5 if e == f else -1.0)
                    if weight != 0.0:
                        one, other = work.residual[e], work.residual[f]
                        for i in range(n):
                            value[i] += weight * one[i] * other[i]
        for i in range(n):
            row = offset + low + i
            deviation = value[i] - mean[row]
            mean[row] += deviation / count
            squares[row] += deviation * (value[i] - mean[row])
            larger = max(most[row], value[i])
            total[row] = total[row] * exponential(most[row] - larger) + exponential(value[i] - larger)
            most[row] = larger
