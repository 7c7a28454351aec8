"""Changes of log densities by the kernel that draws lambda of Yeo-Johnson outcomes, beside those of the PyMC graph.

The graph's missing values are those on the scale of the equation, the kernel keeps them on the variable's own: the
derivative of the transform at missing values is the difference. Where coefficients and variance are integrated out,
what is compared is the density of lambda times theirs given lambda.
"""

from __future__ import annotations

import numpy as np

from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.verification.point import Changes, Point


def transformation_changes(point: Point, index: int) -> Changes:
    """Propose a lambda, and coefficients and a variance where they are drawn with it."""
    tables, state, random = point.tables.transformations, point.state, point.random
    parameter, first = tables.parameter[index], tables.start[index]
    lower, upper = (each[parameter] for each in (point.tables.priors.lower, point.tables.priors.upper))
    old = float(state.theta[parameter])
    new = float(np.clip(old + 0.1 * random.normal(), lower + 0.01, upper - 0.01))
    members = tables.member[tables.member_start[first] : tables.member_start[first + 1]]
    variance = point.tables.residuals.variance[tables.equation[first]]
    before = point.log_density(collapsed=True)
    drawn = (*members, variance) if tables.collapsed[first] else ()
    steps = {k: state.theta[k] for k in drawn}
    for k in members if tables.collapsed[first] else ():
        steps[k] += 0.1 * random.normal() * max(0.2, abs(steps[k]))
    if tables.collapsed[first]:
        steps[variance] *= np.exp(0.2 * random.normal())
    kernel = -_log_density(point, index, old, {k: state.theta[k] for k in drawn})
    logarithms = _missing_logarithms(point, index)
    kernel += _log_density(point, index, new, steps)
    state.theta[parameter] = new
    for k, value in steps.items():
        state.theta[k] = value
    point.refresh()
    yield kernel, point.log_density(collapsed=True) - before + (new - old) * logarithms


def _log_density(point: Point, index: int, power: float, values: dict[int, float]) -> float:
    """Log density of lambda, and of what is drawn with it given lambda; sets the transformed values."""
    tables = point.tables.transformations
    first = tables.start[index]
    density = entries.transformation_log_density(*point.compiled, index, power)
    if not tables.collapsed[first]:
        return density
    rest = entries.least_squares(*point.compiled, index)
    *members, variance = values
    size = len(members)
    group = point.tables.residuals.equation_group[tables.equation[first]]
    shape = tables.shape[first] + 0.5 * (point.tables.residuals.group_rows[group] - size)
    scale, v = tables.scale[first] + 0.5 * rest, values[variance]
    density += shape * np.log(scale) - (shape + 1.0) * np.log(v) - scale / v
    factor = np.tril(point.work.matrix[0][:size, :size])
    # L' b + L^-1 X'(z + given part) is normal with variance v.
    deviation = factor.T @ np.array([values[k] for k in members]) + point.work.vector[0][:size]
    return float(density - 0.5 * size * np.log(v) - 0.5 * deviation @ deviation / v)


def _missing_logarithms(point: Point, index: int) -> float:
    """Sum of sign(u) log(1 + |u|) over missing values that are drawn."""
    tables = point.tables.transformations
    total = 0.0
    for outcome in range(tables.start[index], tables.start[index + 1]):
        values = point.state.columns[tables.logarithm[outcome]]
        for run in range(tables.missing_start[outcome], tables.missing_start[outcome + 1]):
            total += values[tables.missing_low[run] : tables.missing_high[run]].sum()
    return float(total)
