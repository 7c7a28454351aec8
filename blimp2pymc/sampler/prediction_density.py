"""Outcomes that predict nothing: their density given everything else, and how it changes beside the graph's.

Parameters are drawn with these outcomes integrated out, so that this density is taken off the graph's. Transformed
values between limits are normal restricted to these.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.sampler.response_density import log_interval

if TYPE_CHECKING:
    from blimp2pymc.sampler.density_changes import Point


def prediction_log_density(point: Point) -> float:
    """Log density of all outcomes that predict nothing, given everything else: normalised."""
    total = 0.0
    for block in point.blocks(1):
        lower, upper = _limits(point, block)
        for low, n in point.chunks(block):
            precision, linear = point.normal(block, low, n)
            values = point.state.columns[point.members(block), low : low + n].T
            mean = np.linalg.solve(precision, linear[:, :, None])[:, :, 0]
            deviation = values - mean
            quadratic = np.einsum("ni,nij,nj->", deviation, precision, deviation)
            total += 0.5 * (np.linalg.slogdet(precision)[1].sum() - quadratic - values.size * np.log(2 * np.pi))
            if np.isfinite(lower) or np.isfinite(upper):
                root = np.sqrt(precision[:, 0, 0])
                total -= log_interval((lower - mean[:, 0]) * root, (upper - mean[:, 0]) * root).sum()
    return total


def prediction_changes(point: Point) -> Iterator[tuple[float, float]]:
    """Change all of them at once: an outcome that is predicted may itself predict another."""
    before, kernel = point.log_density(), prediction_log_density(point)
    for block in point.blocks(1):
        lower, upper = _limits(point, block)
        for low, n in point.chunks(block):
            precision, _ = point.normal(block, low, n)
            spread = 1.0 / np.sqrt(np.einsum("nii->ni", precision))
            members = point.members(block)
            old = point.state.columns[members, low : low + n]
            new = old + (spread * point.random.normal(size=spread.shape)).T
            point.state.columns[members, low : low + n] = np.where((new > lower) & (new < upper), new, old)
    point.refresh()
    yield prediction_log_density(point) - kernel, point.log_density() - before


def _limits(point: Point, block: int) -> tuple[float, float]:
    cells = point.tables.cells
    return float(cells.lower[block]), float(cells.upper[block])
