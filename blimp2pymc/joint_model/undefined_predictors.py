"""Predictors that are functions without a value at some observed values, such as `ln(x)` where x is negative."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from blimp2pymc.errors import Finding
from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.design import column_values, with_known_means
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Equation, Model, Role


def undefined_predictors(model: Model, equation: Equation) -> Iterator[tuple[set[str], Finding]]:
    """Terms of an equation that have no value in a row in which all their variables are observed."""
    if equation.role is Role.MEANS:
        return
    for term in (*equation.terms, *equation.variance_terms):
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
