"""Derived quantities of PARAMETERS, evaluated in every draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from blimp2pymc.joint_model.algebra import leaves
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Expression, ImpliedVariance, Model, ParameterReference
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.explained_variance import explained_variance
from blimp2pymc.summary.rows import Row, parameter_row, parameter_values


def quantity_rows(model: Model, draws: Draws) -> list[Row]:
    """One row per derived quantity, in the order of the script."""
    values = quantity_values(model, draws)
    return [Row("generated", "", "Generated Parameters", name, values[name]) for name in values]


def additional_rows(model: Model, draws: Draws) -> list[Row]:
    """Labelled parameters with a prior of the user's, once more under their labels."""
    row = Row("generated", "", "Additional Parameters", "")
    return [
        parameter_row(model, draws, name, replace(row, parameter=each.label))
        for name, each in model.parameters.items()
        if each.label and each.prior.source == "user"
    ]


def quantity_values(model: Model, draws: Draws) -> dict[str, FloatArray]:
    """Draws of every derived quantity; later ones may use earlier ones."""
    values: dict[str, FloatArray] = {}
    for quantity in model.quantities:
        values[quantity.name] = value_of(model, draws, quantity.expression, values)
    return values


def value_of(
    model: Model,
    draws: Draws,
    expression: Expression,
    quantities: Mapping[str, FloatArray],
    columns: Mapping[Column, ArrayLike] | None = None,
) -> FloatArray:
    """Draws of an expression, shape (chain, draw).

    Parameters
    ----------
    expression
        Of parameters, derived quantities, and the columns given.
    quantities
        Draws of the derived quantities it may refer to; they win over parameters of the same name.
    columns
        Values of columns, each a number or one per draw.
    """
    found = list(leaves(expression))
    names = {each.name for each in found if isinstance(each, ParameterReference)}
    values = parameter_values(model, draws, names - quantities.keys())
    values |= {name: quantities[name] for name in names & quantities.keys()}
    implied = {each: implied_variance(model, draws, each) for each in found if isinstance(each, ImpliedVariance)}
    value = evaluate(expression, columns or {}, values, implied)
    return np.broadcast_to(value, (draws.n_chains, draws.n_draws))


def implied_variance(model: Model, draws: Draws, wanted: ImpliedVariance) -> FloatArray:
    """Model-implied variance of a variable, or a part of it."""
    equation = next(each for column, each in model.equation_of.items() if column.variable == wanted.variable)
    return explained_variance(model, draws, equation).part(wanted.part)
