"""Changes of log densities with latent variables or missing cells integrated out: the kernels' beside the graph's.

The graph's density of everything is divided by that of what is integrated out given the rest, which the cells'
kernel draws them from, and which is itself compared with the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.verification.point import Changes, Point


def _integrated(point: Point, index: int) -> Changes:
    tables, state = point.tables.marginals, point.state
    marginal = int(np.searchsorted(tables.block_start, index, side="right")) - 1
    members = tables.parameter[tables.parameter_start[index] : tables.parameter_start[index + 1]]
    size = entries.integrated_conditional(*point.compiled, marginal, index)
    matrix, vector = point.work.matrix[0].copy(), point.work.vector[0].copy()
    before = _log_density(point, marginal)
    step = np.zeros(len(vector))
    step[:size] = 2.0 * point.random.normal(size=size) / np.sqrt(np.diag(matrix)[:size])
    state.theta[members] += step[:size]
    point.refresh()
    kernel = entries.coefficient_log_density(step, size, matrix, vector)
    yield kernel, _log_density(point, marginal) - before


def _along(point: Point, index: int) -> Changes:
    tables, state = point.tables.marginals, point.state
    marginal = int(np.searchsorted(tables.path_start, index, side="right")) - 1
    moved = slice(tables.moved_start[index], tables.moved_start[index + 1])
    parameters, coordinate = tables.moved[moved], tables.coordinate[moved]
    old = state.theta[parameters].copy()
    direction = tables.weight[moved] if tables.weight[moved].any() else point.random.normal(size=len(old))
    point.work.vector[1, : len(old)] = direction
    at_old = entries.path_log_density(*point.compiled, marginal, index, 0.0)
    before = _log_density(point, marginal)
    at_new = entries.path_log_density(*point.compiled, marginal, index, 0.1 * point.random.normal())
    new = state.theta[parameters]
    point.refresh()
    # The kernel's density is one of the coordinates.
    jacobian = np.log(np.abs(new / old))[coordinate == 1].sum()
    inside = coordinate == 2
    jacobian += np.log((1.0 - new[inside] ** 2) / (1.0 - old[inside] ** 2)).sum()
    yield at_new - at_old - jacobian, _log_density(point, marginal) - before


def _log_density(point: Point, marginal: int) -> float:
    return point.log_density(collapsed=True) - _integrated_density(point, marginal)


def _integrated_density(point: Point, marginal: int) -> float:
    """Log density of what a marginal integrates out, given everything else: normalised."""
    found = point.form.plan.marginals[marginal]
    total = 0.0
    for block in point.blocks(3):
        members = point.members(block)
        (pattern,) = (each for each in point.form.patterns if each.low == point.tables.cells.low[block])
        columns = [point.form.columns[column] for column in (*found.latent, *(pattern.integrated & set(found.cells)))]
        inside = np.flatnonzero(np.isin(members, columns))
        outside = np.flatnonzero(~np.isin(members, columns))
        if not len(inside):
            continue
        for low, n in point.chunks(block):
            precision, linear = point.normal(block, low, n)
            values = point.state.columns[members, low : low + n].T
            own = precision[:, inside[:, None], inside]
            rest = np.einsum("nij,nj->ni", precision[:, inside[:, None], outside], values[:, outside])
            mean = np.linalg.solve(own, (linear[:, inside] - rest)[:, :, None])[:, :, 0]
            deviation = values[:, inside] - mean
            quadratic = np.einsum("ni,nij,nj->", deviation, own, deviation)
            total += 0.5 * (np.linalg.slogdet(own)[1].sum() - quadratic - deviation.size * np.log(2 * np.pi))
    return total


MARGINALS: Mapping[str, Callable[[Point, int], Changes]] = {
    "integrated": _integrated,
    "scales": _along,
    "directions": _along,
    "ellipses": _along,
}
"""Kernel of parameters with latent variables or missing cells integrated out -> how it is compared."""
