"""Tables of changes of scale: powers of columns, parameters and monomials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from blimp2pymc.joint_model.ir import Product
from blimp2pymc.sampler.plan.scale_moves import ScaleMove, log_variance_intercept
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers, ragged

if TYPE_CHECKING:
    from blimp2pymc.sampler.tables.tables import Residuals


class ScaleMoves(NamedTuple):
    """Changes of scale of columns and parameters together."""

    column_start: np.ndarray
    column: np.ndarray
    column_power: np.ndarray
    """Columns of each move, and the power of the factor they are multiplied by."""
    parameter_start: np.ndarray
    parameter: np.ndarray
    parameter_power: np.ndarray
    shift_start: np.ndarray
    shift: np.ndarray
    shift_rate: np.ndarray
    shift_group: np.ndarray
    """Intercepts of log variances, what is added to them, and the groups whose precisions change."""
    monomial_start: np.ndarray
    monomial: np.ndarray
    monomial_power: np.ndarray
    """Monomials whose moments change."""
    equation_start: np.ndarray
    equation: np.ndarray
    """Equations to refresh."""
    group_start: np.ndarray
    group: np.ndarray
    """Groups whose residuals or covariance change."""
    part_start: np.ndarray
    """Parts of the residuals of each of these groups: all of a residual, or what has the same power."""
    part_equation: np.ndarray
    part_power: np.ndarray
    """Power of each part in units of the residual's deviation."""
    part_monomial_start: np.ndarray
    part_monomial: np.ndarray
    """Monomials of each part."""
    deviation: np.ndarray
    """Power of each residual's standard deviation; (moves, equations)."""
    drift: np.ndarray
    """Powers of all that moves, less those of the determinants; (moves,)."""
    width: np.ndarray
    """Width of the slice sampler."""
    spread_mean: np.ndarray
    """Equation of the column whose log variance takes up as much as it can of the change, or -1."""
    spread_variance: np.ndarray
    """Equation of that log variance."""
    spread_power: np.ndarray
    """Power of the column."""
    spread_start: np.ndarray
    spread: np.ndarray
    """Coefficients of the log variance."""
    spread_monomial: np.ndarray
    spread_constant: np.ndarray
    """Monomial and number that each is multiplied with."""


def scale_move_table(result: Layout, residuals: Residuals, moves: Sequence[ScaleMove]) -> ScaleMoves:
    """Changes of scale as indices."""
    form = result.plan.structure
    n_equations = len(form.residuals)
    power, deviation = np.zeros((len(moves), n_equations)), np.zeros((len(moves), n_equations))
    monomials, equations, groups, drifts, widths, shifts, parts = [], [], [], [], [], [], []
    for k, move in enumerate(moves):
        columns = {result.columns[column]: value for column, value in move.columns}
        parameters = dict(move.parameters)
        drift = sum(parameters.values())
        rates = dict(move.shifts)
        shifted = []
        for e, residual in enumerate(form.residuals):
            if residual.models_variance:
                continue
            group = residuals.equation_group[e]
            outcome = columns.get(result.columns.get(residual.outcome, -1), 0.0)
            variance = residual.equation.residual_variance or ""
            intercept = log_variance_intercept(form, residual.outcome)
            deviation[k, e] = 0.5 * (parameters.get(variance, 0.0) + rates.get(intercept, 0.0))
            if rates.get(intercept):
                shifted.append((result.parameters[intercept], rates[intercept], int(group)))
            power[k, e] = outcome - deviation[k, e]
            # Every cell of a column is an outcome of its own equation; rows in which that says nothing do not count.
            drift += residuals.group_rows[group] * (outcome - deviation[k, e])
        drifts.append(drift)
        shifts.append(shifted)
        widths.append(2.0 / np.sqrt(1.0 + result.model.frame.n_rows))
        powers = {index: sum(columns.get(each, 0.0) for each in key) for key, index in result.monomials.items()}
        monomials.append([(index, value) for index, value in powers.items() if value and index < result.n_moments])
        equations.append([e for e, each in enumerate(form.residuals) if each.parameters & move.targets])
        changed = set(np.flatnonzero(power[k] != 0)) | set(np.flatnonzero(deviation[k] != 0))
        # What the coefficients of a log variance take up differs from row to row.
        changed -= {e for e, each in enumerate(form.residuals) if each.outcome == move.spread_column}
        changing = [*map(int, changed), *(e for e, _ in move.held)]
        groups.append(sorted({int(residuals.equation_group[e]) for e in changing}))
        for group in groups[-1]:
            own = range(residuals.group_start[group], residuals.group_start[group + 1])
            parts.append([part for e in own for part in _parts(result, residuals, move, e, power[k, e])])
    column_start, column = ragged([(result.columns[c], value) for c, value in move.columns] for move in moves)
    parameter_start, parameter = ragged([(result.parameters[p], value) for p, value in m.parameters] for m in moves)
    monomial_start, monomial = ragged(monomials)
    equation_start, equation = ragged(equations)
    spread = [_spread(result, move) for move in moves]
    spread_start, listed = ragged(each for *_, each in spread)
    group_start, group_items = ragged(groups)
    shift_start, shift = ragged(shifts)
    part_start, listed_parts = ragged(parts)
    part_monomial_start, part_monomial = ragged(each[2] for each in listed_parts)
    return ScaleMoves(
        column_start=column_start,
        column=integers(each for each, _ in column),
        column_power=np.array([value for _, value in column], np.float64),
        parameter_start=parameter_start,
        parameter=integers(each for each, _ in parameter),
        parameter_power=np.array([value for _, value in parameter], np.float64),
        shift_start=shift_start,
        shift=integers(each for each, _, _ in shift),
        shift_rate=np.array([rate for _, rate, _ in shift], np.float64),
        shift_group=integers(group for *_, group in shift),
        monomial_start=monomial_start,
        monomial=integers(each for each, _ in monomial),
        monomial_power=np.array([value for _, value in monomial], np.float64),
        equation_start=equation_start,
        equation=integers(equation),
        group_start=group_start,
        group=integers(group_items),
        part_start=part_start,
        part_equation=integers(each[0] for each in listed_parts),
        part_power=np.array([each[1] for each in listed_parts], np.float64),
        part_monomial_start=part_monomial_start,
        part_monomial=integers(part_monomial),
        deviation=deviation,
        drift=np.array(drifts, np.float64),
        width=np.array(widths, np.float64),
        spread_mean=integers(mean for mean, *_ in spread),
        spread_variance=integers(variance for _, variance, *_ in spread),
        spread_power=np.array([power for *_, power, _ in spread], np.float64),
        spread_start=spread_start,
        spread=integers(result.parameters[name] for name, _ in listed),
        spread_monomial=integers(result.monomials[result.monomial(product)] for _, product in listed),
        spread_constant=np.array([-product.constant for _, product in listed], np.float64),
    )


def n_pairs(moves: ScaleMoves) -> int:
    """Pairs of parts of residuals whose products one move needs, at most."""
    sizes = np.diff(moves.part_start)
    pairs = np.cumsum([0, *(sizes * (sizes + 1) // 2)])
    return int(max(np.diff(pairs[moves.group_start]), default=0))


def _parts(
    result: Layout, residuals: Residuals, move: ScaleMove, equation: int, power: float
) -> list[tuple[int, float, list[int]]]:
    """Parts of a residual: the equation, the power of the part, and its monomials.

    `power`: that of the residual, but for products with fixed coefficients.
    """
    first, last = residuals.monomial_start[equation], residuals.monomial_start[equation + 1]
    monomials = [int(each) for each in residuals.equation_monomial[first:last]]
    columns, held = dict(move.columns), dict(move.held).get(equation, frozenset())
    outcome = columns.get(result.plan.structure.residuals[equation].outcome, 0.0)
    powers = dict.fromkeys(monomials, power)
    for product in result.plan.structure.residuals[equation].products:
        if product.columns in held:
            own = sum(columns.get(each, 0.0) for each in product.columns)
            powers[result.monomials[result.monomial(product)]] = power - outcome + own
    return [
        (equation, value, [each for each in monomials if powers[each] == value]) for value in sorted({*powers.values()})
    ]


def _spread(result: Layout, move: ScaleMove) -> tuple[int, int, float, list[tuple[str, Product]]]:
    """Equations of the mean and the log variance, power of the column, and coefficients with their products."""
    if move.spread_column is None:
        return -1, -1, 0.0, []
    found = [(e, each) for e, each in enumerate(result.plan.structure.residuals) if each.outcome == move.spread_column]
    mean = next(e for e, each in found if not each.models_variance)
    variance, residual = next((e, each) for e, each in found if each.models_variance)
    taken = [(name, each) for each in residual.products for name in each.parameters if name in move.spread]
    return mean, variance, dict(move.columns)[move.spread_column], taken
