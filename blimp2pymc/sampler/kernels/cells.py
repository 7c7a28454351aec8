"""Missing cells that enter normal equations linearly: drawn jointly, exactly, row by row.

Let r = u + sum_k s_k x_k be the residuals of one row as a linear function of its missing cells x, and W the
residual precision of each group. The full conditional is normal with precision P and mean P^-1 h,

    P_kl = sum over groups of s_k' W s_l,    h_k = -sum over groups of s_k' W u.

Slopes s differ between rows when a cell is multiplied by another variable. Where they do not, P is computed once for
all rows; the cells of which this holds come first in their block, so that their part of the factor is common to the
rows as well. Rows are handled 256 at a time and everything is done column by column, so that the inner loops run over
rows.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.row_densities import set_precisions
from blimp2pymc.sampler.numerics.evaluator import set_columns
from blimp2pymc.sampler.numerics.generator import fill_normal, truncated_normal
from blimp2pymc.sampler.numerics.moments import multiply, prepare_values, values_of


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
            _add_equation(e, count, size, n, precision[group], work)
    for place in range(n_pulling):
        prepare_values(residuals, cells.pulling[first + place], columns, low, n, work.values)
    for k in range(size):
        linear = work.linear[k]
        for place in range(n_pulling):
            weight = work.pull[k, place]
            if weight != 0.0:
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


@compiled
def log_density(values, size, row, work):
    """Log density of one row's cells, up to a constant."""
    total = 0.0
    for k in range(size):
        total += work.linear[k, row] * values[k]
        for j in range(k + 1):
            total -= (0.5 if j == k else 1.0) * work.precision[k, j, row] * values[k] * values[j]
    return total


@compiled
def _factor_constant(size, n, work):
    """Factor what leading members have in common in all rows, inverse roots on the diagonal; return their number.

    Elements of P in rows behind these are completed to vectors.
    """
    factor, leading = work.factor, 0
    while leading < size:
        varies = False
        for j in range(leading + 1):
            varies = varies or work.varies[leading, j]
        if varies:
            break
        leading += 1
    for j in range(leading):
        pivot = work.constant[j, j]
        for k in range(j):
            pivot -= factor[j, k] * factor[j, k]
        factor[j, j] = 1.0 / math.sqrt(pivot)
        for m in range(j + 1, leading):
            value = work.constant[m, j]
            for k in range(j):
                value -= factor[m, k] * factor[j, k]
            factor[m, j] = value * factor[j, j]
    for m in range(leading, size):
        for j in range(m + 1):
            if not work.varies[m, j]:
                work.precision[m, j, :n] = work.constant[m, j]
    return leading


@compiled
def draw(cells, block, size, low, n, columns, generator, work):
    """Draw the cells of rows low to low + n into `columns`; overwrites `work`.

    With P = L L', the draw is L'^-1 (L^-1 h + z).
    """
    leading, factor = _factor_constant(size, n, work), work.factor
    for j in range(size):
        pivot = work.precision[j, j]
        if j >= leading:
            for k in range(j):
                left = work.precision[j, k]
                for i in range(n):
                    pivot[i] -= left[i] * left[i]
            for i in range(n):
                pivot[i] = 1.0 / math.sqrt(pivot[i])
        for m in range(max(j + 1, leading), size):
            target = work.precision[m, j]
            for k in range(j):
                left = work.precision[m, k]
                if j < leading:
                    _subtract(factor[j, k], left, n, target)
                else:
                    right = work.precision[j, k]
                    for i in range(n):
                        target[i] -= left[i] * right[i]
            if j < leading:
                _scale(factor[j, j], n, target)
            else:
                for i in range(n):
                    target[i] *= pivot[i]
    for j in range(size):
        value = work.linear[j]
        for k in range(j):
            left, solved = work.precision[j, k], work.linear[k]
            if j < leading:
                _subtract(factor[j, k], solved, n, value)
            else:
                for i in range(n):
                    value[i] -= left[i] * solved[i]
        if j < leading:
            _scale(factor[j, j], n, value)
        else:
            inverse = work.precision[j, j]
            for i in range(n):
                value[i] *= inverse[i]
    for j in range(size):
        value, normals = work.linear[j], work.normals
        fill_normal(generator, normals[:n])
        for i in range(n):
            value[i] += normals[i]
    for j in range(size - 1, -1, -1):
        value = work.linear[j]
        for k in range(j + 1, size):
            left, solved = work.precision[k, j], work.linear[k]
            if k < leading:
                _subtract(factor[k, j], solved, n, value)
            else:
                for i in range(n):
                    value[i] -= left[i] * solved[i]
        column = columns[cells.member[cells.member_start[block] + j], low : low + n]
        if j < leading:
            same = factor[j, j]
            for i in range(n):
                column[i] = value[i] = same * value[i]
        else:
            inverse = work.precision[j, j]
            for i in range(n):
                column[i] = value[i] = inverse[i] * value[i]


@compiled
def _subtract(weight, values, n, target):
    for i in range(n):
        target[i] -= weight * values[i]


@compiled
def _scale(weight, n, target):
    for i in range(n):
        target[i] *= weight


@compiled
def draw_within(cells, block, low, n, columns, generator, work):
    """Draw the only cell of rows low to low + n between the limits of its block."""
    column = columns[cells.member[cells.member_start[block]], low : low + n]
    lower, upper = cells.lower[block], cells.upper[block]
    for i in range(n):
        precision = work.precision[0, 0, i]
        mean = work.linear[0, i] / precision
        column[i] = truncated_normal(generator, mean, 1.0 / math.sqrt(precision), lower, upper)


@compiled
def update_block(tables, block, state, work):
    """Draw the cells of one block."""
    residuals, cells = tables.residuals, tables.cells
    for low in range(cells.low[block], cells.high[block], 256):
        n = min(256, cells.high[block] - low)
        if cells.phase[block] == 1:
            # A prediction may depend on a function of what has just been drawn.
            set_columns(tables.functions, state.theta, state.columns, low, low + n, work.stack)
            variance = tables.families.partner[cells.segment_group[cells.segment_start[block]]]
            if variance >= 0:
                set_precisions(tables, variance, state, low, low + n, work)
        if math.isfinite(cells.lower[block]) or math.isfinite(cells.upper[block]):
            conditional(residuals, cells, block, low, n, state.columns, state.coefficient, state.precision, work)
            draw_within(cells, block, low, n, state.columns, state.generator, work)
        else:
            size = accumulate(residuals, cells, block, low, n, state.columns, state.coefficient, state.precision, work)
            draw(cells, block, size, low, n, state.columns, state.generator, work)


@compiled
def update(tables, phase, state, work):
    """Draw all blocks of a phase."""
    for block in range(tables.cells.phase.size):
        if tables.cells.phase[block] == phase:
            update_block(tables, block, state, work)
