"""Predictors that are functions without a value somewhere: `ln(x)` where x is negative, or for a factor with mean 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from blimp2pymc.errors import Finding
from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.design import column_values, with_known_means
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Equation, Model, Role, Term

NEAR_AND_FAR = np.array([1e-6, 0.01, 1.0, 100.0])
"""Values on one side of 0 at which a function of a latent variable is tried."""


def undefined_predictors(model: Model, equation: Equation) -> Iterator[tuple[set[str], Finding]]:
    """Terms of an equation that have no value in a row in which all their variables are observed."""
    if equation.role is Role.MEANS:
        return
    for term in (*equation.terms, *equation.variance_terms):
        factor = _undefined_factor(model, term)
        if factor:
            yield {factor}, Finding(
                f"the predictor '{term.name}' of '{equation.name}' has no value for half of the rows: the latent "
                f"variable '{factor}' has mean 0",
                term.span or equation.span, f"a function that has a value everywhere, such as exp({factor})",
                "undefined-predictor",
            )  # fmt: skip
            continue
        expression = with_known_means(model, term.expression)
        values = {column: column_values(model, column) for column in sorted(columns_in(expression))}
        known = {column: each for column, each in values.items() if each is not None}
        if not known or len(known) < len(values) or parameters_in(expression):
            continue
        observed = ~np.any([np.isnan(each) for each in known.values()], axis=0)
        with np.errstate(all="ignore"):
            result = np.broadcast_to(evaluate(expression, known), observed.shape)
        rows = np.flatnonzero(observed & ~np.isfinite(np.asarray(result, float)))
        if not rows.size:
            continue
        names = list(dict.fromkeys(column.variable for column in known))
        where = " and ".join(f"'{name}' is {model.data[name][rows[0]]:g}" for name in names)
        place = ""
        if model.table is not None:
            row = np.flatnonzero(model.table.source_row == model.frame.source_row[rows[0]])[0]
            place = f" ({model.table.place(int(row))})"
        yield set(names), Finding(
            f"the predictor '{term.name}' of '{equation.name}' has no value where {where}{place}",
            term.span or equation.span,
            "a function that has a value everywhere, or FILTER to leave these rows out", "undefined-predictor",
        )  # fmt: skip


def _undefined_factor(model: Model, term: Term) -> str:
    """The latent variable with mean 0 of which a term has no value on one side of 0; empty: none."""
    names = {column.variable for column in columns_in(term.expression)}
    if len(names) != 1 or not names <= set(model.latent) or parameters_in(term.expression):
        return ""
    (name,) = names
    own = model.equation_of[Column(name)]
    if own.transform is not None or any(model.parameters[each.coefficient].fixed != 0 for each in own.terms):
        return ""
    with np.errstate(all="ignore"):
        sides = (evaluate(term.expression, {Column(name): sign * NEAR_AND_FAR}) for sign in (-1, 1))
        return name if any(not np.isfinite(np.asarray(each, float)).any() for each in sides) else ""
