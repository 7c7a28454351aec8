"""Missing cells that enter normal equations linearly: drawn jointly, exactly, row by row.

Let r = u + sum_k s_k x_k be the residuals of one row as a linear function of its missing cells x, and W the
residual precision of each group. The full conditional is normal with precision P and mean P^-1 h,

    P_kl = sum over groups of s_k' W s_l,    h_k = -sum over groups of s_k' W u.

Slopes s differ between rows when a cell is multiplied by another variable. Where they do not, P is computed once for
all rows; the cells of which this holds come first in their block, so that their part of the factor is common to the
rows as well. Rows are handled 256 at a time and everything is done column by column, so that the inner loops run over
rows.

A draw may be overrelaxed (`numerics.overrelaxation`). With P = L L' and the cells in the order of L, component k of L'x
depends on the cells from k on alone, so that a cell may be overrelaxed though those before it are drawn anew, as they
must be once others have been drawn with them integrated out.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.cell_conditional import accumulate, conditional
from blimp2pymc.sampler.kernels.log_variances import set_variances
from blimp2pymc.sampler.numerics.evaluator import set_columns
from blimp2pymc.sampler.numerics.generator import fill_normal, truncated_normal
from blimp2pymc.sampler.numerics.moments import fetch, fetch_more


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
def draw(cells, block, size, low, n, columns, share, generator, work):
    """Draw the cells of rows low to low + n into `columns`; overwrites `work`.

    With P = L L', the draw is L'^-1 (L^-1 h + z). Of the deviation from L^-1 h, before, `share` is reflected.
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
        fetch_more(columns, work.ahead)
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
        fetch_more(columns, work.ahead)
        fill_normal(generator, normals[:n])
        _add_normals(cells, block, size, leading, j, low, n, columns, share, work)
    for j in range(size - 1, -1, -1):
        fetch_more(columns, work.ahead)
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
def _add_normals(cells, block, size, leading, j, low, n, columns, share, work):
    # From component j of L^-1 h to (1 + share) L^-1 h - share L'x + sqrt(1 - share^2) z.
    value, normals, factor = work.linear[j], work.normals, work.factor
    if share == 0.0 or j < cells.overrelaxed[block]:
        for i in range(n):
            value[i] += normals[i]
        return
    rest = math.sqrt(1.0 - share * share)
    for i in range(n):
        value[i] = (1.0 + share) * value[i] + rest * normals[i]
    for m in range(j, size):
        before = columns[cells.member[cells.member_start[block] + m], low : low + n]
        if m < leading:
            _subtract(share / factor[j, j] if m == j else share * factor[m, j], before, n, value)
        elif m == j:
            inverse = work.precision[j, j]
            for i in range(n):
                value[i] -= share * before[i] / inverse[i]
        else:
            left = work.precision[m, j]
            for i in range(n):
                value[i] -= share * left[i] * before[i]


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
def update_rows(tables, block, first, last, share, state, work):
    """Draw the cells of one block in rows first to last, overrelaxed by a share."""
    residuals, cells = tables.residuals, tables.cells
    for low in range(first, last, 256):
        n = min(256, last - low)
        if cells.phase[block] == 1:
            # A prediction may depend on a function of what has just been drawn.
            set_columns(tables.functions, state.theta, state.columns, low, low + n, work.stack)
            set_variances(tables, cells.segment_group[cells.segment_start[block]], state, low, low + n, work)
        if math.isfinite(cells.lower[block]) or math.isfinite(cells.upper[block]):
            conditional(residuals, cells, block, low, n, state.columns, state.coefficient, state.precision, work)
            draw_within(cells, block, low, n, state.columns, state.generator, work)
        else:
            size = accumulate(residuals, cells, block, low, n, state.columns, state.coefficient, state.precision, work)
            draw(cells, block, size, low, n, state.columns, share, state.generator, work)


@compiled
def update_block(tables, block, state, work):
    """Draw the cells of one block anew."""
    cells, high = tables.cells, tables.cells.high[block]
    for low in range(cells.low[block], high, 256):
        for k in range(cells.column_start[block], cells.column_start[block + 1]):
            fetch(state.columns, cells.column[k], low + 256, 256)
        update_rows(tables, block, low, min(low + 256, high), 0.0, state, work)
