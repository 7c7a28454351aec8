"""Missing cells that enter normal equations linearly: drawn jointly, exactly, row by row.

Let r = u + sum_k s_k x_k be the residuals of one row as a linear function of its missing cells x, and W the
residual precision of each group. The full conditional is normal with precision P and mean P^-1 h,

    P_kl = sum over groups of s_k' W s_l,    h_k = -sum over groups of s_k' W u.

Slopes s differ between rows when a cell is multiplied by another variable. Rows are handled 256 at a time
and everything is done column by column, so that the inner loops run over rows.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.row_densities import set_precisions
from blimp2pymc.sampler.numerics.evaluator import set_columns
from blimp2pymc.sampler.numerics.generator import fill_normal, truncated_normal
from blimp2pymc.sampler.numerics.moments import multiply


@compiled
def conditional(residuals, cells, block, low, n, columns, coefficient, precision, work):
    """Write P and h of rows low to low + n to `work.precision` and `work.linear`; return the block's size."""
    size = cells.member_start[block + 1] - cells.member_start[block]
    for k in range(size):
        work.linear[k, :n] = 0.0
        for j in range(k + 1):
            work.precision[k, j, :n] = 0.0
    for segment in range(cells.segment_start[block], cells.segment_start[block + 1]):
        group = cells.segment_group[segment]
        start = residuals.group_start[group]
        count = residuals.group_start[group + 1] - start
        _residuals_and_slopes(residuals, cells, segment, size, start, count, low, n, columns, coefficient, work)
        if residuals.weight[group] >= 0:
            _weigh(columns[residuals.weight[group], low : low + n], size, count, n, work)
        for e in range(count):
            for f in range(count):
                weight = precision[group, e, f]
                if weight == 0.0:
                    continue
                rest = work.residual[f]
                for k in range(size):
                    if not work.has_slope[e, k]:
                        continue
                    slope = work.slope[e, k]
                    linear = work.linear[k]
                    for i in range(n):
                        linear[i] -= weight * slope[i] * rest[i]
                    for j in range(k + 1):
                        if work.has_slope[f, j]:
                            other = work.slope[f, j]
                            total = work.precision[k, j]
                            for i in range(n):
                                total[i] += weight * slope[i] * other[i]
    return size


@compiled
def _residuals_and_slopes(residuals, cells, segment, size, start, count, low, n, columns, coefficient, work):
    for e in range(count):
        work.residual[e, :n] = 0.0
        for k in range(size):
            work.has_slope[e, k] = False
    done = -1
    for entry in range(cells.entry_start[segment], cells.entry_start[segment + 1]):
        equation = cells.entry_equation[entry]
        value = coefficient[equation, cells.entry_monomial[entry]]
        if value == 0.0:
            continue
        rest = cells.entry_rest[entry]
        if rest != done:
            multiply(residuals, rest, columns, low, n, work.product)
            done = rest
        product = work.product
        member = cells.entry_member[entry]
        e = equation - start
        if member < 0:
            target = work.residual[e]
        else:
            target = work.slope[e, member]
            if not work.has_slope[e, member]:
                work.has_slope[e, member] = True
                for i in range(n):
                    target[i] = value * product[i]
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
            if work.has_slope[e, k]:
                slope = work.slope[e, k]
                for i in range(n):
                    slope[i] *= root[i]


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
def draw(cells, block, size, low, n, columns, generator, work):
    """Draw the cells of rows low to low + n into `columns`; overwrites `work`.

    With P = L L', the draw is L'^-1 (L^-1 h + z).
    """
    for j in range(size):
        pivot = work.precision[j, j]
        for k in range(j):
            left = work.precision[j, k]
            for i in range(n):
                pivot[i] -= left[i] * left[i]
        for i in range(n):
            pivot[i] = 1.0 / math.sqrt(pivot[i])
        for m in range(j + 1, size):
            target = work.precision[m, j]
            for k in range(j):
                left, right = work.precision[m, k], work.precision[j, k]
                for i in range(n):
                    target[i] -= left[i] * right[i]
            for i in range(n):
                target[i] *= pivot[i]
    for j in range(size):
        value = work.linear[j]
        for k in range(j):
            left, solved = work.precision[j, k], work.linear[k]
            for i in range(n):
                value[i] -= left[i] * solved[i]
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
            for i in range(n):
                value[i] -= left[i] * solved[i]
        inverse = work.precision[j, j]
        column = columns[cells.member[cells.member_start[block] + j], low : low + n]
        for i in range(n):
            value[i] *= inverse[i]
            column[i] = value[i]


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
        size = conditional(residuals, cells, block, low, n, state.columns, state.coefficient, state.precision, work)
        if math.isfinite(cells.lower[block]) or math.isfinite(cells.upper[block]):
            draw_within(cells, block, low, n, state.columns, state.generator, work)
        else:
            draw(cells, block, size, low, n, state.columns, state.generator, work)


@compiled
def update(tables, phase, state, work):
    """Draw all blocks of a phase."""
    for block in range(tables.cells.phase.size):
        if tables.cells.phase[block] == phase:
            update_block(tables, block, state, work)
