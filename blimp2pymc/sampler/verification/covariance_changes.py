"""Check of proposals of whole covariances: their acceptance ratio beside densities of graph and proposals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.sampler.chain import entries

if TYPE_CHECKING:
    from blimp2pymc.sampler.verification.point import Changes, Point


def covariance_changes(point: Point, index: int) -> Changes:
    """The log ratio of a proposal, and that of the graph's densities, proposals and Jacobians."""
    from scipy.stats import invwishart

    tables, state, plan = point.tables, point.state, point.form.plan
    move = plan.covariance_moves[index]
    size = len(move.scales)
    fixed = np.array([each is not None for each in move.scales])
    degrees = float(entries.covariance_degrees(point.compiled[0], index))
    products = _products(point, move.group, size)
    target = state.covariance[move.group, :size, :size].copy()
    before = point.log_density(collapsed=True)
    drawn = invwishart.rvs(degrees, products, random_state=point.random)
    ratio = entries.covariance_log_ratio(*point.compiled, index, drawn)
    steps = point.work.vector[0][:size].copy()
    if not entries.carry_out_covariance(*point.compiled, index):
        return
    point.refresh()
    after = point.log_density(collapsed=True)
    back = target * np.outer(np.exp(steps), np.exp(steps))
    there = invwishart.logpdf(drawn, degrees, products) + _log_jacobian(drawn, fixed)
    again = invwishart.logpdf(back, degrees, _products(point, move.group, size)) + _log_jacobian(back, fixed)
    rows = tables.residuals.group_rows[move.group]
    stretched = sum(
        t * (rows + sum(power for _, power in each.parameters))
        for t, each in zip(steps, move.scales, strict=True)
        if each is not None
    )
    yield ratio, after - before + again - there + stretched


def _products(point: Point, group: int, size: int) -> np.ndarray:
    """Cross-products of a group's residuals."""
    residuals, state = point.tables.residuals, point.state
    first = residuals.group_start[group]
    rows = state.coefficient[first : first + size]
    return rows @ state.sums[residuals.group_set[group]] @ rows.T


def _log_jacobian(matrix: np.ndarray, fixed: np.ndarray) -> float:
    """Of a covariance matrix by its variances (their logarithms where one is fixed) and correlations."""
    variances = np.diag(matrix)
    return float(0.5 * (len(matrix) - 1) * np.log(variances).sum() + np.log(variances[fixed]).sum())
