"""Conditional effects of SIMPLE: an equation's line in the focal variable, at chosen values of its moderators.

Per draw the moderators are set to their values, every other predictor to 0 (its mean where it is centered),
and the focal variable to 0 and 1: the intercept is the mean at 0, the slope the difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in, parameters_in, substitute
from blimp2pymc.joint_model.conditional_effects import with_defined
from blimp2pymc.joint_model.ir import (
    Apply,
    Column,
    Constant,
    Equation,
    Expression,
    Form,
    Model,
    ModeratorGrid,
    ModeratorValues,
    ParameterReference,
    SimpleEffect,
)
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.completed_data import column_mean, column_quantile, column_standard_deviation, term_variance
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.printed_names import line_prefix, outcome_heading
from blimp2pymc.summary.quantities import quantity_values, value_of
from blimp2pymc.summary.rows import Row

QUANTILES: Mapping[ModeratorGrid, Sequence[tuple[str, float]]] = {
    ModeratorGrid.QUARTILES: (("Q75", 0.75), ("Q50", 0.50), ("Q25", 0.25)),
    ModeratorGrid.QUANTILES: (("Q84", 0.84), ("Q50", 0.50), ("Q16", 0.16)),
}
"""Printed name and probability of each point, in print order."""

DEVIATIONS: Mapping[ModeratorGrid, Sequence[tuple[str, float]]] = {
    ModeratorGrid.STANDARD_DEVIATIONS: (("+1 SD", 1.0), ("0", 0.0), ("-1 SD", -1.0)),
    ModeratorGrid.MEAN_AND_STANDARD_DEVIATIONS: (("Mean + 1 SD", 1.0), ("Mean", 0.0), ("Mean - 1 SD", -1.0)),
}
"""Printed name and distance from the center in standard deviations of each point, in print order."""

Values = Mapping[Column, FloatArray]


@dataclass(frozen=True, eq=False)
class Point:
    """One value of a moderator."""

    name: str
    column: Column
    value: FloatArray
    """Raw scale, a number or one per draw."""


def conditional_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """Conditional effects on one outcome: of every focal variable that is in its equation with all moderators.

    As Blimp prints them: in every such equation, also where it has no product of the two.
    """
    rows = []
    for effect in model.simple_effects:
        if _is_in(effect, equation, model):
            rows += _effect_on(model, draws, effect, equation)
    return rows


def conditional_expression_rows(model: Model, draws: Draws) -> list[Row]:
    """Conditional effects that are expressions of parameters and moderators, belonging to no single outcome.

    Labels belong to terms of equations, so a moderator is centered in the expression where it is in these.
    """
    rows = []
    quantities = quantity_values(model, draws)
    for effect in model.simple_effects:
        if not _is_of_parameters(effect):
            continue
        for title, values in _grid(model, draws, effect):
            seen = {column: value - _center(model, draws, column) for column, value in values.items()}
            effects = value_of(model, draws, effect.focal, quantities, seen)
            rows.append(Row("conditional", "", title, effect.name, effects))
    return rows


def moderator_points(model: Model, draws: Draws, moderator: ModeratorValues) -> list[Point]:
    """Values of one moderator, in print order."""
    column, grid = moderator.column, moderator.grid
    if grid in QUANTILES:
        return [Point(name, column, column_quantile(model, draws, column, each)) for name, each in QUANTILES[grid]]
    if grid in DEVIATIONS:
        center = _center(model, draws, column) if moderator.centered else _mean_of(model, draws, column)
        deviation = _deviation_of(model, draws, column)
        return [Point(name, column, center + times * deviation) for name, times in DEVIATIONS[grid]]
    # Codes name groups, on the raw scale; a stated value is one of the scale the equation sees.
    is_shifted = moderator.centered and grid is ModeratorGrid.VALUE
    origin = _center(model, draws, column) if is_shifted else np.asarray(0.0)
    return [Point(f"{value:g}", column, origin + value) for value in moderator.values]


def _mean_of(model: Model, draws: Draws, column: Column) -> FloatArray:
    """Mean over rows of a column, or of a defined variable as equations see it: linear in columns, some centered."""
    if column.variable not in model.defined:
        return column_mean(model, draws, column)
    expression = model.defined[column.variable]
    means = {each: column_mean(model, draws, each) - _center(model, draws, each) for each in columns_in(expression)}
    return value_of(model, draws, expression, {}, means)


def _deviation_of(model: Model, draws: Draws, column: Column) -> FloatArray:
    """Standard deviation over rows; that of a defined variable is a term's."""
    if column.variable not in model.defined:
        return column_standard_deviation(model, draws, column)
    equation, term = next((equation, term) for equation in model.equations for term in equation.terms
                          if _written(model, term.expression, column) == column)  # fmt: skip
    return np.sqrt(term_variance(model, draws, equation, term))


def _is_of_parameters(effect: SimpleEffect) -> bool:
    moderators = {each.column for each in effect.moderators}
    return (
        not isinstance(effect.focal, Column)
        and columns_in(effect.focal) <= moderators
        and bool(parameters_in(effect.focal))
    )


def _is_in(effect: SimpleEffect, equation: Equation, model: Model) -> bool:
    if _is_of_parameters(effect):
        return False
    wanted = {each.column for each in effect.moderators}
    wanted |= {effect.focal} if isinstance(effect.focal, Column) else columns_in(effect.focal)
    return all(
        any(column in columns_in(_written(model, term.expression, column)) for term in equation.terms)
        for column in wanted
    )


def _written(model: Model, expression: Expression, column: Column) -> Expression:
    return with_defined(expression, column, model.defined, model.centered)


def _effect_on(model: Model, draws: Draws, effect: SimpleEffect, equation: Equation) -> list[Row]:
    focal = Column(f"{effect.name} of a conditional effect")
    terms = [(term.coefficient, _in_focal(model, effect, term.expression, focal)) for term in equation.terms]
    assert any(focal in columns_in(expression) for _, expression in terms), f"{effect.name} is not in {equation.name}"
    at_centers = {column: _center(model, draws, column) for _, expression in terms for column in columns_in(expression)}
    heading, prefix = outcome_heading(model, equation), line_prefix(model, equation)
    rows = []
    for title, values in _grid(model, draws, effect):
        at_zero = _mean(model, draws, terms, at_centers | dict(values) | {focal: np.asarray(0.0)})
        at_one = _mean(model, draws, terms, at_centers | dict(values) | {focal: np.asarray(1.0)})
        rows.append(Row("conditional", heading, title, f"{prefix}Intercept", at_zero))
        rows.append(Row("conditional", heading, title, f"{prefix}Slope", at_one - at_zero))
    return rows


def _in_focal(model: Model, effect: SimpleEffect, expression: Expression, focal: Column) -> Expression:
    """Write a term in the focal variable as the equation sees it: centered where it is centered."""
    for moderator in effect.moderators:
        expression = _written(model, expression, moderator.column)
    original = effect.focal
    if isinstance(original, Column):
        expression = _written(model, expression, original)
        center = model.centered.get(original, Constant(0.0))
        return substitute(expression, {original: Apply("+", (focal, center))})
    seen = substitute(original, {column: Apply("-", (column, by)) for column, by in model.centered.items()})
    return substitute(expression, {seen: focal, original: focal})


def _mean(model: Model, draws: Draws, terms: Sequence[tuple[str, Expression]], values: Values) -> FloatArray:
    total = np.zeros((draws.n_chains, draws.n_draws))
    for coefficient, expression in terms:
        whole = Apply("*", (ParameterReference(coefficient), expression))
        total = total + value_of(model, draws, whole, {}, values)
    return total


def _grid(model: Model, draws: Draws, effect: SimpleEffect) -> list[tuple[str, dict[Column, FloatArray]]]:
    """Title and values of every combination that can occur; the first moderator changes fastest."""
    points = [moderator_points(model, draws, each) for each in effect.moderators]
    combinations = []
    for reverse in product(*reversed(points)):
        chosen = reverse[::-1]
        if not _can_occur(chosen):
            continue
        names = (f"{moderator.name} @ {point.name}" for moderator, point in zip(effect.moderators, chosen, strict=True))
        combinations.append((f"{effect.name} | {' and '.join(names)}", {point.column: point.value for point in chosen}))
    return combinations


def _can_occur(points: Sequence[Point]) -> bool:
    """Whether no nominal variable has two codes at once."""
    codes = [each.column.variable for each in points if each.column.form is Form.DUMMY and np.all(each.value == 1)]
    return len(codes) == len(set(codes))


def _center(model: Model, draws: Draws, column: Column) -> FloatArray:
    """What is subtracted from a column: 0 where it is not centered."""
    center = model.centered.get(column)
    return np.asarray(0.0) if center is None else value_of(model, draws, center, {})
