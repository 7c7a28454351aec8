"""Transformed outcomes as they are sampled: missing values are drawn on the scale of the equation and turned back."""

from __future__ import annotations

from blimp2pymc.joint_model.algebra import parameters_in, substitute
from blimp2pymc.joint_model.ir import Column, Constant, Expression, Model, ParameterReference


def turned_outcomes(model: Model) -> dict[Column, Expression]:
    """Transformed outcomes with missing values, in terms of their transformed values: those are what is drawn."""
    turned: dict[Column, Expression] = {}
    for equation in model.equations:
        if equation.transform is not None and equation.name in model.unknown:
            assert equation.transform.inverse is not None, "an outcome with missing values has an inverse"
            turned[equation.outcome] = with_fixed_power(model, equation.transform.inverse)
    return turned


def power_names(model: Model) -> list[str]:
    """Parameters lambda of Yeo-Johnson outcomes that are drawn."""
    names = [each.transform.parameter for each in model.equations if each.transform is not None]
    return [name for name in dict.fromkeys(names) if name is not None and model.parameters[name].fixed is None]


def with_fixed_power(model: Model, expression: Expression) -> Expression:
    """An expression with fixed parameters written as numbers."""
    values = {name: model.parameters[name].fixed for name in parameters_in(expression)}
    numbers = {ParameterReference(name): Constant(value) for name, value in values.items() if value is not None}
    return substitute(expression, dict(numbers.items()))


def cell_columns(model: Model) -> dict[str, Column]:
    """Variable with values to draw -> the column they are drawn in: its own, or its transformed values."""
    scales = {each.name: each.scale for each in model.equations if each.transform is not None}
    return {name: scales.get(name, Column(name)) for name in model.unknown}
