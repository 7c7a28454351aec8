"""Residual coefficients, covariances and moment matrices: all that parameters see of the data.

For a group with residuals `A m`, m the monomials of a row, the sum over rows of the cross-products of
residuals is `A S A'` with the moment matrix S = sum of m m'. A sweep computes each element of S once, from the rows
with missing cells (`chain.row_passes`); the complete rows were added up beforehand.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled, inlined
from blimp2pymc.sampler.compilation.instructions import prefetch
from blimp2pymc.sampler.numerics import cholesky

CHUNK = 256
"""Rows handled together: their products of columns stay in the first cache."""
LARGE = 100_000
"""Elements of completed columns beyond which the second cache does not hold them from one pass to the next."""
LINE, PART = 8, 8
"""Elements of a line of the cache; lines asked for at once."""
ROW, LINES, COUNT, COLUMN, NEXT, LISTED = range(6)
"""What is asked for ahead (`Work.ahead`): first row, lines of each column, number of columns; the column and line that
come next; columns."""


@compiled
def multiply(residuals, monomial, columns, low, n, out):
    """Write the product of a monomial's columns, rows low to low + n, to `out`."""
    start, end = residuals.column_start[monomial], residuals.column_start[monomial + 1]
    if start == end:
        for i in range(n):
            out[i] = 1.0
        return
    first = columns[residuals.monomial_column[start], low : low + n]
    if end == start + 1:
        for i in range(n):
            out[i] = first[i]
        return
    second = columns[residuals.monomial_column[start + 1], low : low + n]
    for i in range(n):
        out[i] = first[i] * second[i]
    for k in range(start + 2, end):
        other = columns[residuals.monomial_column[k], low : low + n]
        for i in range(n):
            out[i] *= other[i]


@compiled
def fetch(columns, column, low, n):
    """Ask for rows low to low + n of a column, where columns are so large that they have to come from memory.

    Columns are read in short stretches, one after the other, which the processor does not foresee.
    """
    if columns.size > LARGE:
        values = columns[column]
        for i in range(low, min(low + n, values.size), LINE):
            prefetch(values, i)


@compiled
def look_ahead(rows, which, low, n, ahead):
    """Let `fetch_more` ask for rows low to low + n of the columns that go with a list of pairs."""
    first = rows.used_column_start[which]
    count = rows.used_column_start[which + 1] - first
    for k in range(count):
        ahead[LISTED + k] = rows.used_column[first + k]
    ahead[ROW], ahead[LINES], ahead[COUNT] = low, (n + LINE - 1) // LINE, count
    ahead[COLUMN] = ahead[NEXT] = 0


@compiled
def fetch_more(columns, ahead):
    """Ask for some more lines: few at a time, between calculations, since the processor waits when asked for many."""
    if ahead[COLUMN] < ahead[COUNT]:
        values = columns[ahead[LISTED + ahead[COLUMN]]]
        end = min(ahead[NEXT] + PART, ahead[LINES])
        for k in range(ahead[NEXT], end):
            prefetch(values, ahead[ROW] + k * LINE)
        ahead[NEXT] = end
        if end == ahead[LINES]:
            ahead[COLUMN] += 1
            ahead[NEXT] = 0


@compiled
def prepare_values(residuals, monomial, columns, low, n, values):
    """Compute what `values_of` is going to return: nothing where that is a column."""
    if residuals.column_start[monomial + 1] != residuals.column_start[monomial] + 1:
        multiply(residuals, monomial, columns, low, n, values[monomial])


@inlined
def values_of(residuals, monomial, columns, low, n, values):
    """Values of a monomial in rows low to low + n: a view of its only column, or of `values`."""
    start = residuals.column_start[monomial]
    if residuals.column_start[monomial + 1] == start + 1:
        return columns[residuals.monomial_column[start], low : low + n]
    return values[monomial, 0:n]


@compiled
def dot(first, second, n):
    """Sum of products."""
    total = 0.0
    for i in range(n):
        total += first[i] * second[i]
    return total


@compiled
def product_of_parameters(residuals, product, theta, without):
    """Constant times parameters of a product, leaving one parameter out once (-1: none)."""
    value = residuals.product_constant[product]
    for k in range(residuals.factor_start[product], residuals.factor_start[product + 1]):
        parameter = residuals.factor_parameter[k]
        if parameter == without:
            without = -1
        else:
            value *= theta[parameter]
    return value


@compiled
def refresh_equation(residuals, equation, theta, coefficient):
    """Compute the coefficients of all monomials in a residual."""
    row = coefficient[equation]
    for k in range(residuals.monomial_start[equation], residuals.monomial_start[equation + 1]):
        row[residuals.equation_monomial[k]] = 0.0
    for product in range(residuals.product_start[equation], residuals.product_start[equation + 1]):
        row[residuals.product_monomial[product]] += product_of_parameters(residuals, product, theta, -1)


@compiled
def linear_predictor(residuals, equation, without, columns, coefficient, low, n, scratch, out):
    """Write an equation's linear predictor, rows low to low + n; `without`: the monomial that is its response.

    With -1 the whole residual is written, with its sign changed.
    """
    for i in range(n):
        out[i] = 0.0
    for k in range(residuals.monomial_start[equation], residuals.monomial_start[equation + 1]):
        monomial = residuals.equation_monomial[k]
        value = -coefficient[equation, monomial]
        if monomial != without and value != 0.0:
            multiply(residuals, monomial, columns, low, n, scratch)
            for i in range(n):
                out[i] += value * scratch[i]


@compiled
def refresh_covariance(residuals, group, theta, covariance, precision, log_determinant, matrix):
    """Compute a group's residual covariance, its inverse and determinant; False if not positive definite."""
    start, end = residuals.group_start[group], residuals.group_start[group + 1]
    size = end - start
    if size == 1:
        variance = 1.0 if residuals.variance[start] < 0 else theta[residuals.variance[start]]
        if not 0.0 < variance < 1e300:
            return False
        covariance[group, 0, 0], precision[group, 0, 0] = variance, 1.0 / variance
        log_determinant[group] = math.log(variance)
        return True
    for i in range(size):
        variance = 1.0 if residuals.variance[start + i] < 0 else theta[residuals.variance[start + i]]
        if not 0.0 < variance < 1e300:
            return False
        covariance[group, i, i] = variance
        for j in range(i):
            parameter = residuals.correlation[group, i, j]
            value = 0.0
            if parameter >= 0:
                value = theta[parameter] * math.sqrt(variance * covariance[group, j, j])
            covariance[group, i, j] = covariance[group, j, i] = value
    for i in range(size):
        for j in range(i + 1):
            matrix[i, j] = covariance[group, i, j]
    if not cholesky.factor(matrix, size):
        return False
    log_determinant[group] = cholesky.invert(matrix, size, precision[group])
    return True


@compiled
def begin_moments(rows, which, base, total):
    """Set the moments of a list of pairs to what is known of them beforehand."""
    for k in range(rows.pair_start[which], rows.pair_start[which + 1]):
        a, b = rows.pair_first[k], rows.pair_second[k]
        total[a, b] = base[a, b]


@compiled
def add_moments(residuals, rows, which, columns, first, last, values, total, ahead):
    """Add the cross-products of a list of pairs over rows first to last, lower triangle."""
    pair_start, pair_end = rows.pair_start[which], rows.pair_start[which + 1]
    if pair_start == pair_end:
        return
    for low in range(first, last, 256):
        n = min(256, last - low)
        for k in range(rows.used_start[which], rows.used_start[which + 1]):
            prepare_values(residuals, rows.used_monomial[k], columns, low, n, values)
        k = pair_start
        while k < pair_end:
            fetch_more(columns, ahead)
            k += _add_products(residuals, rows, k, pair_end, columns, low, n, values, total)


@compiled
def end_moments(rows, which, total):
    """Complete the upper triangle."""
    for k in range(rows.pair_start[which], rows.pair_start[which + 1]):
        a, b = rows.pair_first[k], rows.pair_second[k]
        total[b, a] = total[a, b]


@compiled
def sum_moments(rows, moments, sums):
    """Add up the moments of the classes that belong to each set."""
    for s in range(rows.set_has_class.shape[0]):
        for k in range(rows.sum_start[s], rows.sum_start[s + 1]):
            a, b = rows.sum_first[k], rows.sum_second[k]
            value = 0.0
            for c in range(moments.shape[0]):
                if rows.set_has_class[s, c]:
                    value += moments[c, a, b]
            sums[s, a, b] = sums[s, b, a] = value


@compiled
def _add_products(residuals, rows, k, end, columns, low, n, values, total):
    """Add the sums of products of pair k, or of four pairs from k on that share their first; how many."""
    a, b = rows.pair_first[k], rows.pair_second[k]
    first, second = values_of(residuals, a, columns, low, n, values), values_of(residuals, b, columns, low, n, values)
    if k + 3 >= end or rows.pair_first[k + 3] != a:
        total[a, b] += dot(first, second, n)
        return 1
    c, d, e = rows.pair_second[k + 1], rows.pair_second[k + 2], rows.pair_second[k + 3]
    third, fourth = values_of(residuals, c, columns, low, n, values), values_of(residuals, d, columns, low, n, values)
    fifth = values_of(residuals, e, columns, low, n, values)
    with_second = with_third = with_fourth = with_fifth = 0.0
    for i in range(n):
        value = first[i]
        with_second += value * second[i]
        with_third += value * third[i]
        with_fourth += value * fourth[i]
        with_fifth += value * fifth[i]
    total[a, b] += with_second
    total[a, c] += with_third
    total[a, d] += with_fourth
    total[a, e] += with_fifth
    return 4


@compiled
def update_weighted_moments(tables, index, state, work):
    """Compute the moment matrix of a weighted group at the current weights: sum of w m m' over its rows.

    In a group without weights, w = 1.
    """
    weighted, rows, residuals = tables.weighted, tables.rows, tables.residuals
    total, values, scaled = state.sums[weighted.moment_set[index]], work.values, work.product
    pair_start, pair_end = weighted.pair_start[index], weighted.pair_start[index + 1]
    for k in range(pair_start, pair_end):
        total[weighted.pair_first[k], weighted.pair_second[k]] = 0.0
    for c in range(rows.class_start.size - 1):
        if not weighted.has_class[index, c]:
            continue
        for low in range(rows.class_start[c], rows.class_start[c + 1], 256):
            n = min(256, rows.class_start[c + 1] - low)
            for k in range(weighted.used_start[index], weighted.used_start[index + 1]):
                monomial = weighted.used_monomial[k]
                multiply(residuals, monomial, state.columns, low, n, values[monomial])
            weight = state.columns[max(0, weighted.column[index]), low : low + n]
            done = -1
            for k in range(pair_start, pair_end):
                a, b = weighted.pair_first[k], weighted.pair_second[k]
                if a != done:
                    first = values[a]
                    for i in range(n):
                        scaled[i] = weight[i] * first[i] if weighted.column[index] >= 0 else first[i]
                    done = a
                second = values[b]
                total[a, b] += dot(scaled, second, n)
    for k in range(pair_start, pair_end):
        a, b = weighted.pair_first[k], weighted.pair_second[k]
        total[b, a] = total[a, b]


@compiled
def update_normal_moments(tables, state, work):
    """Compute the moment matrices of all groups that are normal given their weights."""
    for index in range(tables.weighted.column.size):
        if tables.weighted.is_normal[index]:
            update_weighted_moments(tables, index, state, work)


@compiled
def residual_product(residuals, coefficient, moments, first, second):
    """Sum over rows of the product of two equations' residuals."""
    total = 0.0
    for k in range(residuals.monomial_start[first], residuals.monomial_start[first + 1]):
        a = residuals.equation_monomial[k]
        if coefficient[first, a] == 0.0:
            continue
        inner = 0.0
        for j in range(residuals.monomial_start[second], residuals.monomial_start[second + 1]):
            b = residuals.equation_monomial[j]
            inner += moments[a, b] * coefficient[second, b]
        total += coefficient[first, a] * inner
    return total


@compiled
def log_density_of_group(residuals, group, coefficient, precision, log_determinant, sums):
    """Log density of all rows of a group, without the constant in 2 pi."""
    start, end = residuals.group_start[group], residuals.group_start[group + 1]
    moments = sums[residuals.group_set[group]]
    quadratic = 0.0
    for e in range(start, end):
        for f in range(start, e + 1):
            weight = precision[group, e - start, f - start]
            if weight != 0.0:
                if f < e:
                    weight *= 2.0
                quadratic += weight * residual_product(residuals, coefficient, moments, e, f)
    return -0.5 * (residuals.group_rows[group] * log_determinant[group] + quadratic)
