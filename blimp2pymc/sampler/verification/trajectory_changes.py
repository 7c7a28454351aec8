"""Check of trajectories: their density beside that of the PyMC graph, without what they integrate out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.kernels.predictor_densities import LARGEST, ORDERED
from blimp2pymc.sampler.verification.response_density import largest_probability, log_interval

if TYPE_CHECKING:
    from blimp2pymc.sampler.verification.point import Changes, Point


def trajectory_changes(point: Point, index: int) -> Changes:
    """Changes of the densities with all coefficients of a trajectory.

    The graph's density is that of the coefficients and of what stands for the outcome, less the log density of the
    latter given the coefficients, at latent values that fit either.
    """
    table, state = point.tables.trajectories, point.state
    members = table.member[table.member_start[index] : table.member_start[index + 1]]
    at_old = entries.trajectory_log_density(*point.compiled, index, False)
    before = point.log_density(collapsed=True) - _given_coefficients(point, index)
    scale = np.maximum(0.1, 0.2 * np.abs(state.theta[members]))
    state.theta[members] += scale * point.random.normal(size=len(members))
    point.refresh()
    at_new = entries.trajectory_log_density(*point.compiled, index, False)
    yield at_new - at_old, point.log_density(collapsed=True) - _given_coefficients(point, index) - before


def _given_coefficients(point: Point, index: int) -> float:
    """Log density of latent differences, latent responses and weights, given coefficients and observed values."""
    table, columns = point.tables.trajectories, point.state.columns
    weighted = point.weighted_rows()
    groups = point.tables.residuals.equation_group
    total = 0.0
    for part in range(table.part_start[index], table.part_start[index + 1]):
        equations = range(table.equation_start[part], table.equation_start[part + 1])
        spans = range(table.run_start[part], table.run_start[part + 1])
        rows = np.concatenate([np.arange(0), *(np.arange(table.run_low[k], table.run_high[k]) for k in spans)])
        outcome = columns[table.outcome[part], rows]
        codes = table.code[table.code_start[part] : table.code_start[part + 1]]
        if table.kind[part] == LARGEST:
            means = np.array(
                [_predictor(point, int(table.equation[e]), int(table.response[e]), rows) for e in equations]
            )
            deviations = columns[table.response[equations.start : equations.stop]][:, rows] - means
            precision = np.linalg.inv(0.5 * (np.eye(len(codes)) + 1))
            category = _places(codes, outcome)
            total -= 0.5 * np.einsum("ir,ij,jr->", deviations, precision, deviations)
            total -= np.log(largest_probability(np.array([np.zeros(len(rows)), *means]), category)).sum()
        elif table.kind[part] == ORDERED:
            (e,) = equations
            mean = _predictor(point, int(table.equation[e]), int(table.response[e]), rows)
            own = table.threshold[table.threshold_start[part] : table.threshold_start[part + 1]]
            bounds = np.array([-np.inf, *point.state.theta[own], np.inf])
            category = np.searchsorted(codes, outcome)
            total -= 0.5 * ((columns[table.response[e], rows] - mean) ** 2).sum()
            total -= log_interval(bounds[category] - mean, bounds[category + 1] - mean).sum()
        else:
            total += sum(weighted[int(k)][2] for k in groups[table.equation[equations]] if int(k) in weighted)
    return float(total)


def _places(codes: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Places of categories, 0 for the reference."""
    same = outcome == codes[:, None]
    return np.where(same.any(axis=0), 1 + same.argmax(axis=0), 0)


def _predictor(point: Point, equation: int, response: int, rows: np.ndarray) -> np.ndarray:
    """Linear predictor of an equation."""
    residuals, columns = point.tables.residuals, point.state.columns
    total = columns[response, rows].copy()
    for k in range(residuals.monomial_start[equation], residuals.monomial_start[equation + 1]):
        monomial = residuals.equation_monomial[k]
        start, end = residuals.column_start[monomial : monomial + 2]
        factors = columns[residuals.monomial_column[start:end]][:, rows]
        total -= point.state.coefficient[equation, monomial] * factors.prod(axis=0)
    return total
