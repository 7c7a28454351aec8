"""Check of cells that are drawn one by one against the PyMC graph: numbers, codes of logit outcomes, counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.numerics.moments import CHUNK

if TYPE_CHECKING:
    from blimp2pymc.sampler.verification.point import Changes, Point


def nonlinear_changes(point: Point) -> Changes:
    """Changes of the densities with cells that enter by a power or inside a function."""
    nonlinear, state = point.tables.nonlinear, point.state
    for index in np.flatnonzero(nonlinear.kind == 0):
        n = int(nonlinear.high[index] - nonlinear.low[index])
        rows = nonlinear.low[index] + point.random.permutation(n)[:CHUNK]
        column = nonlinear.column[index]
        width = state.widths[nonlinear.width[index], 0]
        before = point.log_density(cuts=False, collapsed=True)
        kernel = 0.0
        for row in rows:
            old = float(state.columns[column, row])
            at_old = entries.nonlinear_log_density(*point.compiled, index, row, old)
            for size in (0.5, 0.1, 0.0):
                new = old + size * width * point.random.normal()
                new = float(inside(point.random, new, nonlinear.lower[index], nonlinear.upper[index]))
                at_new = entries.nonlinear_log_density(*point.compiled, index, row, new)
                if np.isfinite(at_new):
                    break
            kernel += at_new - at_old
        point.refresh()
        yield kernel, point.log_density(cuts=False, collapsed=True) - before


def code_changes(point: Point) -> Changes:
    """Changes of the densities with missing codes, of some rows of a pattern at a time."""
    table = point.tables.nonlinear

    def other(index: int, old: float) -> float:
        codes = table.code[table.code_start[index] : table.code_start[index + 1]]
        return float(point.random.choice(codes[codes != old]))

    return _changes(point, 2, other)


def count_changes(point: Point) -> Changes:
    """Changes of the densities with missing counts, of some rows of a pattern at a time."""

    def other(index: int, old: float) -> float:
        new = float(point.random.poisson(old + 0.5))
        return new if new != old else old + 1.0

    return _changes(point, 1, other)


def _changes(point: Point, kind: int, other: Callable[[int, float], float]) -> Changes:
    table, columns = point.tables.nonlinear, point.state.columns
    for index in np.flatnonzero(table.kind == kind).tolist():
        low, high, column = int(table.low[index]), int(table.high[index]), table.column[index]
        rows = low + point.random.permutation(high - low)[:CHUNK]
        before, kernel = point.log_density(cuts=False, collapsed=True), 0.0
        for row in rows:
            old = float(columns[column, row])
            at_old = entries.nonlinear_log_density(*point.compiled, index, row, old)
            kernel += entries.nonlinear_log_density(*point.compiled, index, row, other(index, old)) - at_old
        point.refresh()
        yield kernel, point.log_density(cuts=False, collapsed=True) - before
        point.restore()


def inside(random: np.random.Generator, value: float, lower: float, upper: float) -> float:
    """`value`, or where it is outside the bounds a value between them."""
    if lower < value < upper:
        return value
    if np.isfinite(lower) and np.isfinite(upper):
        return random.uniform(lower, upper)
    return lower + abs(value - lower) if np.isfinite(lower) else upper - abs(upper - value)
