"""Precision and linear part of missing cells that enter normal equations linearly; `cells` draws from them.

Where the slopes of a group are the same in all rows, so is what it adds to P, and what it adds to h is a sum over
monomials with the same weights in all rows: it is put together from numbers first. Other groups are added column by
column, so that the inner loops run over rows.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.numerics.moments import fetch_more, multiply, prepare_values, values_of


@compiled
def conditional(residuals, cells, block, low, n, columns, coefficient, precision, work):
    """Write P and h of rows low to low + n to `work.precision` and `work.linear`; return the block's size."""
    size = accumulate(residuals, cells, block, low, n, columns, coefficient, precision, work)
    for k in range(size):
        for j in range(k + 1):
            if not work.varies[k, j]:
                work.precision[k, j, :n] = work.constant[k, j]
    return size


@compiled
def accumulate(residuals, cells, block, low, n, columns, coefficient, precision, work):
    """Like `conditional`, but elements of P that are the same in all rows are left in `work.constant`.

    `work.varies` says which are not. Where all slopes of a group are the same in all rows, so is its share of P, and
    its share of h is a sum over monomials, whose weights add up over such groups (`work.pull`).
    """
    size = cells.member_start[block + 1] - cells.member_start[block]
    first = cells.pulling_start[block]
    n_pulling = cells.pulling_start[block + 1] - first
    for k in range(size):
        work.linear[k, :n] = 0.0
        for place in range(n_pulling):
            work.pull[k, place] = 0.0
        for j in range(k + 1):
            work.constant[k, j] = 0.0
            work.varies[k, j] = False
    for segment in range(cells.segment_start[block], cells.segment_start[block + 1]):
        group = cells.segment_group[segment]
        start = residuals.group_start[group]
        count = residuals.group_start[group + 1] - start
        if cells.segment_is_constant[segment]:
            _add_constant(cells, segment, size, start, count, coefficient, precision[group], work)
            continue
        _residuals_and_slopes(residuals, cells, segment, size, start, count, low, n, columns, coefficient, work)
        if residuals.weight[group] >= 0:
            _weigh(columns[residuals.weight[group], low : low + n], size, count, n, work)
        for e in range(count):
            fetch_more(columns, work.ahead)
            _add_equation(e, count, size, n, precision[group], work)
    for place in range(n_pulling):
        fetch_more(columns, work.ahead)
        prepare_values(residuals, cells.pulling[first + place], columns, low, n, work.values)
    for k in range(size):
        linear = work.linear[k]
        for place in range(n_pulling):
            weight = work.pull[k, place]
            if weight != 0.0:
                fetch_more(columns, work.ahead)
                value = values_of(residuals, cells.pulling[first + place], columns, low, n, work.values)
                for i in range(n):
                    linear[i] -= weight * value[i]
        for j in range(k + 1):
            if work.varies[k, j] and work.constant[k, j] != 0.0:
                total, same = work.precision[k, j], work.constant[k, j]
                for i in range(n):
                    total[i] += same
    return size


@compiled
def _add_constant(cells, segment, size, start, count, coefficient, precision, work):
    """Add a group whose slopes are the same in all rows to `work.constant` and `work.pull`."""
    rate, weighted = work.rate[0], work.rate[1]
    for e in range(count):
        for k in range(size):
            rate[e, k] = 0.0
    for entry in range(cells.entry_start[segment], cells.entry_start[segment + 1]):
        if cells.entry_member[entry] >= 0:
            equation = cells.entry_equation[entry]
            rate[equation - start, cells.entry_member[entry]] += coefficient[equation, cells.entry_monomial[entry]]
    for e in range(count):
        for k in range(size):
            weighted[e, k] = 0.0
            for f in range(count):
                weighted[e, k] += precision[e, f] * rate[f, k]
    for k in range(size):
        for j in range(k + 1):
            for e in range(count):
                work.constant[k, j] += weighted[e, k] * rate[e, j]
    for entry in range(cells.entry_start[segment], cells.entry_start[segment + 1]):
        if cells.entry_member[entry] < 0:
            equation, place = cells.entry_equation[entry], cells.entry_place[entry]
            value = coefficient[equation, cells.entry_monomial[entry]]
            for k in range(size):
                work.pull[k, place] += weighted[equation - start, k] * value


@compiled
def _residuals_and_slopes(residuals, cells, segment, size, start, count, low, n, columns, coefficient, work):
    """Residuals without the members, and slopes in these: `work.slope_kind` 0 none, 1 `work.rate[0]`, 2 a vector."""
    rate, kind = work.rate[0], work.slope_kind
    for e in range(count):
        work.residual[e, :n] = 0.0
        for k in range(size):
            kind[e, k] = 0
            rate[e, k] = 0.0
    done = -1
    product = work.product[0:n]
    for entry in range(cells.entry_start[segment], cells.entry_start[segment + 1]):
        equation, member, rest = cells.entry_equation[entry], cells.entry_member[entry], cells.entry_rest[entry]
        value = coefficient[equation, cells.entry_monomial[entry]]
        if value == 0.0:
            continue
        e = equation - start
        if rest == 0:
            # These come first: a constant.
            if member >= 0:
                kind[e, member] = 1
                rate[e, member] += value
            else:
                residual = work.residual[e]
                for i in range(n):
                    residual[i] += value
            continue
        if rest != done:
            if residuals.column_start[rest + 1] == residuals.column_start[rest] + 1:
                product = columns[residuals.monomial_column[residuals.column_start[rest]], low : low + n]
            else:
                product = work.product[0:n]
                multiply(residuals, rest, columns, low, n, product)
            done = rest
        target = work.residual[e]
        if member >= 0:
            target = work.slope[e, member]
            if kind[e, member] < 2:
                kind[e, member] = 2
                same = rate[e, member]
                for i in range(n):
                    target[i] = same + value * product[i]
                continue
        for i in range(n):
            target[i] += value * product[i]


@compiled
def _weigh(weight, size, count, n, work):
    # Precision w W of a row: residuals and slopes times the root of w.
    for i in range(n):
        work.product[i] = math.sqrt(weight[i])
    root = work.product
    for e in range(count):
        rest = work.residual[e]
        for i in range(n):
            rest[i] *= root[i]
        for k in range(size):
            slope = work.slope[e, k]
            if work.slope_kind[e, k] == 1:
                same = work.rate[0, e, k]
                for i in range(n):
                    slope[i] = same * root[i]
                work.slope_kind[e, k] = 2
            elif work.slope_kind[e, k] == 2:
                for i in range(n):
                    slope[i] *= root[i]


@compiled
def _add_equation(e, count, size, n, precision, work):
    """Add what the slopes of equation e, times residuals and slopes of its group, give to h and P."""
    kind, rate = work.slope_kind, work.rate[0]
    pull, is_empty = work.product, True
    for k in range(size):
        if kind[e, k] > 0:
            is_empty = False
    if is_empty:
        return
    for i in range(n):
        pull[i] = precision[e, e] * work.residual[e, i]
    for f in range(count):
        weight, rest = precision[e, f], work.residual[f]
        if f != e and weight != 0.0:
            for i in range(n):
                pull[i] += weight * rest[i]
    for k in range(size):
        linear, slope = work.linear[k], work.slope[e, k]
        if kind[e, k] == 1:
            same = rate[e, k]
            for i in range(n):
                linear[i] -= same * pull[i]
        elif kind[e, k] == 2:
            for i in range(n):
                linear[i] -= slope[i] * pull[i]
    for f in range(count):
        weight = precision[e, f]
        if weight == 0.0:
            continue
        for k in range(size):
            if kind[e, k] == 0:
                continue
            for j in range(k + 1):
                if kind[f, j] == 1 and kind[e, k] == 1:
                    work.constant[k, j] += weight * rate[e, k] * rate[f, j]
                elif kind[f, j] > 0:
                    _add_product(weight, e, k, f, j, n, work)


@compiled
def _add_product(weight, e, k, f, j, n, work):
    """Add weight times slope k of e times slope j of f, one of them a vector, to an element of P."""
    total, one, other = work.precision[k, j], work.slope[e, k], work.slope[f, j]
    if not work.varies[k, j]:
        work.varies[k, j] = True
        for i in range(n):
            total[i] = 0.0
    if work.slope_kind[e, k] == 1:
        value = weight * work.rate[0, e, k]
        for i in range(n):
            total[i] += value * other[i]
    elif work.slope_kind[f, j] == 1:
        value = weight * work.rate[0, f, j]
        for i in range(n):
            total[i] += value * one[i]
    else:
        for i in range(n):
            total[i] += weight * one[i] * other[i]
