"""Log density of what a part of a trajectory integrates out, given parameters, predictors and observed values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.sampler.kernels.predictor_densities import LARGEST, ORDERED
from blimp2pymc.sampler.verification.response_density import largest_probability, log_interval

if TYPE_CHECKING:
    from blimp2pymc.sampler.verification.point import Point


def given_values(point: Point, part: int) -> float:
    """Log density of latent differences, latent responses or weights, up to a constant."""
    table, columns = point.tables.trajectories, point.state.columns
    equations = range(*table.equation_start[part : part + 2])
    spans = range(*table.run_start[part : part + 2])
    rows = np.concatenate([np.arange(0), *(np.arange(table.run_low[k], table.run_high[k]) for k in spans)])
    outcome = columns[table.outcome[part], rows]
    codes = table.code[table.code_start[part] : table.code_start[part + 1]]
    if table.kind[part] == LARGEST:
        means = np.array([_predictor(point, e, rows) for e in equations])
        deviations = columns[table.response[equations.start : equations.stop]][:, rows] - means
        precision = np.linalg.inv(0.5 * (np.eye(len(codes)) + 1))
        same = outcome == codes[:, None]
        category = np.where(same.any(axis=0), 1 + same.argmax(axis=0), 0)
        total = -0.5 * np.einsum("ir,ij,jr->", deviations, precision, deviations)
        return float(total - np.log(largest_probability(np.array([np.zeros(len(rows)), *means]), category)).sum())
    if table.kind[part] == ORDERED:
        (e,) = equations
        mean = _predictor(point, e, rows)
        own = table.threshold[table.threshold_start[part] : table.threshold_start[part + 1]]
        bounds = np.array([-np.inf, *point.state.theta[own], np.inf])
        category = np.searchsorted(codes, outcome)
        total = -0.5 * ((columns[table.response[e], rows] - mean) ** 2).sum()
        return float(total - log_interval(bounds[category] - mean, bounds[category + 1] - mean).sum())
    groups = point.tables.residuals.equation_group[table.equation[equations.start : equations.stop]]
    weighted = point.weighted_rows()
    return sum(weighted[int(k)][2] for k in groups if int(k) in weighted)


def _predictor(point: Point, place: int, rows: np.ndarray) -> np.ndarray:
    """Linear predictor of an equation of a latent response, by its place among those of all trajectories."""
    table, residuals, columns = point.tables.trajectories, point.tables.residuals, point.state.columns
    equation = table.equation[place]
    total = columns[table.response[place], rows].copy()
    for k in range(residuals.monomial_start[equation], residuals.monomial_start[equation + 1]):
        monomial = residuals.equation_monomial[k]
        start, end = residuals.column_start[monomial : monomial + 2]
        factors = columns[residuals.monomial_column[start:end]][:, rows]
        total -= point.state.coefficient[equation, monomial] * factors.prod(axis=0)
    return total
