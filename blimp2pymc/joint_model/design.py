"""The predictors of an equation as the data have them: what checks of the data look at.

Centered predictors are taken at their observed means; a term with a latent variable, or with a
parameter, has no values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blimp2pymc.errors import Span
from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.centering import with_observed_means
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Equation, Expression, Form, Model, Term

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Predictor:
    """One coefficient of an equation and the values it multiplies."""

    parameter: str
    name: str
    values: Array
    """NaN where a variable is missing; shape (n_rows,)."""
    variables: frozenset[str]
    span: Span | None

    @property
    def is_intercept(self) -> bool:
        """Whether it is the constant."""
        return not self.variables


@dataclass(frozen=True)
class Design:
    """What the data say about an equation's predictors."""

    predictors: tuple[Predictor, ...]
    """Free coefficients whose predictors are given by the data."""
    fixed: tuple[Predictor, ...]
    """Terms with a coefficient fixed at a value that is not 0, their values multiplied by it."""
    is_complete: bool
    """Whether those are all terms of the equation."""


def design_of(model: Model, equation: Equation) -> Design:
    """What the data say about the predictors of an equation's mean."""
    by_parameter: dict[str, list[Term]] = {}
    for term in equation.terms:
        by_parameter.setdefault(term.coefficient, []).append(term)
    predictors: list[Predictor] = []
    fixed: list[Predictor] = []
    is_complete = True
    for parameter, terms in by_parameter.items():
        value = model.parameters[parameter].fixed
        if value == 0:
            continue
        values = [_values(model, term.expression) for term in terms]
        if any(each is None for each in values) or model.parameters[parameter].definition is not None:
            is_complete = False
            continue
        total = np.sum([each for each in values if each is not None], axis=0) * (1.0 if value is None else value)
        variables = frozenset(column.variable for term in terms for column in columns_in(term.expression))
        name = " + ".join(term.name for term in terms)
        made = Predictor(parameter, name, total, variables, terms[0].span or equation.span)
        (predictors if value is None else fixed).append(made)
    return Design(tuple(predictors), tuple(fixed), is_complete)


def _values(model: Model, expression: Expression) -> Array | None:
    """Values of a predictor, centered at observed means; None when the data alone do not give them."""
    expression = with_known_means(model, expression)
    if parameters_in(expression):
        return None
    columns = {}
    for column in columns_in(expression):
        observed = column_values(model, column)
        if observed is None:
            return None
        columns[column] = observed
    values = np.array(np.broadcast_to(evaluate(expression, columns), model.frame.n_rows), float)
    return np.where(np.isfinite(values), values, np.nan)


def with_known_means(model: Model, expression: Expression) -> Expression:
    """The expression with centered predictors at their observed means."""
    return with_observed_means(expression, model.centered, lambda column: _observed_mean(model, column))


def _observed_mean(model: Model, column: Column) -> float | None:
    values = column_values(model, column)
    return None if values is None or np.isnan(values).all() else float(np.nanmean(values))


def column_values(model: Model, column: Column) -> Array | None:
    """Values of a column, NaN where missing; None when the data do not hold them."""
    if column.variable not in model.data or column.lag or column.level != 1:
        return None
    values = model.data[column.variable]
    if column.form is Form.SCORE:
        return values
    if column.form is Form.DUMMY:
        return np.where(np.isnan(values), np.nan, values == column.category)
    if column.form is Form.MISSINGNESS:
        return np.isnan(values).astype(float)
    return None
