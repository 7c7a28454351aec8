"""Passes over the rows: cells are drawn, and moments added up while the rows are in the cache.

With many rows most of a sweep's time would be spent waiting for columns to come from memory. So the rows are gone
through stretch by stretch, and all that can be done with a stretch is done at once: changes of location that have been
drawn are carried out, the blocks of cells of a phase are drawn one after the other, and the cross-products that are
final then are added up. Cells of different rows are independent given all else: the full conditionals are those of
`cells`.
"""

from __future__ import annotations

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels import cells, location_moves
from blimp2pymc.sampler.numerics.moments import (
    COUNT,
    LARGE,
    add_moments,
    begin_moments,
    end_moments,
    look_ahead,
    sum_moments,
)

STRETCH = 256
"""Rows of a stretch, where the second cache does not hold all rows; else all rows of a class are one."""
NO_DRAWS, NO_MOMENTS = -1, -1
LATE, EARLY, FOR_STATISTICS = 0, 2, 1
"""Lists of pairs: those that change with cells of phase 3, all others; one further on: for statistics as well."""


@compiled
def update(tables, state, work, phase, pairs, first_class):
    """Draw the blocks of a phase and compute the moments of a list of pairs, in classes from a first one on.

    With phase 0, drawn changes of location are carried out before. With the late pairs of all classes moments are
    complete, and added up for every set.
    """
    rows, blocks, columns = tables.rows, tables.cells, state.columns
    n_classes = rows.class_start.size - 1
    for c in range(first_class, n_classes):
        start, end = rows.class_start[c], rows.class_start[c + 1]
        total, which = state.moments[c], c + (pairs if pairs >= 0 else EARLY) * n_classes
        if pairs >= 0:
            begin_moments(rows, which, tables.base[c], total)
        size = STRETCH if columns.size > LARGE else max(1, end - start)
        for low in range(start, end, size):
            high = min(low + size, end)
            work.ahead[COUNT] = 0
            if high < end:
                look_ahead(rows, which, high, min(size, end - high), work.ahead)
            if phase == 0:
                location_moves.shift_rows(tables.location_moves, low, high, state, work)
            for block in range(blocks.phase.size):
                if blocks.phase[block] == phase and blocks.low[block] < high and blocks.high[block] > low:
                    first, last = max(low, blocks.low[block]), min(high, blocks.high[block])
                    cells.update_rows(tables, block, first, last, state.overrelaxation[0], state, work)
            if pairs >= 0:
                add_moments(tables.residuals, rows, which, columns, low, high, work.values, total, work.ahead)
        if pairs >= 0:
            end_moments(rows, which, total)
    if phase == 0:
        work.offset[:] = 0.0
    if pairs >= 0 and pairs < EARLY and first_class == 0:
        sum_moments(rows, state.moments, state.sums)
