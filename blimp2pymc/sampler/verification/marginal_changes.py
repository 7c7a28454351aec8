"""Changes of log densities with latent variables or missing cells integrated out: the kernels' beside the graph's.

The graph's density of everything is divided by that of what is integrated out given the rest, which the cells'
kernel draws them from, and which is itself compared with the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.plan.implied_covariances import ImpliedEquation
from blimp2pymc.sampler.plan.marginals import Path
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
    tables = point.tables.marginals
    marginal = int(np.searchsorted(tables.path_start, index, side="right")) - 1
    moved = slice(tables.moved_start[index], tables.moved_start[index + 1])
    size = moved.stop - moved.start
    direction = tables.weight[moved] if tables.weight[moved].any() else point.random.normal(size=size)
    point.work.vector[1, :size] = direction
    old_jacobian = log_jacobian(point, index)
    at_old = entries.path_log_density(*point.compiled, marginal, index, 0.0)
    before = _log_density(point, marginal)
    step = 0.1 * point.random.normal()
    while not np.isfinite(at_new := entries.path_log_density(*point.compiled, marginal, index, step)) and step:
        # Covariances leave the region in which there is a positive residual variance.
        point.restore()
        step = 0.5 * step
    point.refresh()
    # The kernel's density is one of the coordinates.
    jacobian = log_jacobian(point, index) - old_jacobian
    yield at_new - at_old - jacobian, _log_density(point, marginal) - before


def log_jacobian(point: Point, index: int) -> float:
    """Logarithm of the volume of parameters by that of a path's coordinates."""
    tables = point.tables.marginals
    moved = slice(tables.moved_start[index], tables.moved_start[index + 1])
    values, coordinate = point.state.theta[tables.moved[moved]], tables.coordinate[moved]
    total = np.log(np.abs(values[coordinate == 1])).sum() + np.log(1.0 - values[coordinate == 2] ** 2).sum()
    path = [path for each in point.form.plan.marginals for path in each.paths][index]
    latent, covariance = _implied(point, path)
    for each in path.implied:
        if each.turned:
            places = [latent.index(one.predictor) for one in each.turned]
            total -= np.linalg.slogdet(covariance[np.ix_(places, places)])[1]
        if each.variance:
            slope = np.array([_slope(point, each, column) for column in latent])
            variance = point.state.theta[point.form.parameters[each.variance]]
            total += np.log(1.0 + slope @ covariance @ slope / variance)
    return float(total)


def _implied(point: Point, path: Path) -> tuple[list[Column], np.ndarray]:
    """Latent variables of a path's recursive system, and their covariance: (1 - B)^-1 F (1 - B)'^-1."""
    state = point.state
    predicting = {column for each in path.implied for column in each.predictors}
    latent = [each for each in path.implied if each.outcome in predicting]
    found = [each.outcome for each in latent]
    slopes = np.array([[_slope(point, each, column) for column in found] for each in latent])
    residual = np.array(
        [[state.covariance[a.group, a.place, b.place] if a.group == b.group else 0.0 for b in latent] for a in latent]
    )
    turn = np.linalg.inv(np.eye(len(latent)) - slopes) if latent else np.zeros((0, 0))
    return found, turn @ residual @ turn.T if latent else turn


def _slope(point: Point, step: ImpliedEquation, column: Column) -> float:
    """Coefficient of a latent variable in an equation."""
    if column not in step.predictors:
        return 0.0
    first = sum(len(group.residuals) for group in point.form.plan.structure.groups[: step.group])
    monomial = point.form.monomials[(point.form.columns[column],)]
    return -float(point.state.coefficient[first + step.place, monomial])


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
