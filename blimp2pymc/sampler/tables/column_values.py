"""Values of columns as the tables hold them: data, transformed outcomes, functions of columns."""

from __future__ import annotations

import numpy as np

from blimp2pymc.errors import error
from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.evaluate import evaluate as evaluate_expression
from blimp2pymc.joint_model.ir import Column
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.transformation_tables import transformed_values


def initial_columns(layout: Layout) -> np.ndarray:
    """Incomplete rows, missing cells NaN; shape (columns, rows)."""
    return column_values(layout, layout.incomplete_rows)


def column_values(layout: Layout, rows: np.ndarray) -> np.ndarray:
    """Values of every column in some rows of the model's data, missing ones NaN; shape (columns, rows)."""
    data = {Column(name): values[rows].astype(float) for name, values in layout.model.data.items()}
    size = len(layout.columns) + len(layout.functions) + len(layout.working) + len(layout.logarithms)
    values = np.ones((size, len(rows)))
    data |= {Column(name): np.full(len(rows), np.nan) for name in layout.model.latent}
    data |= transformed_values(layout.model, data)
    data |= {column: np.full(len(rows), np.nan) for column in layout.columns if column not in data}
    for column, index in layout.columns.items():
        values[index] = data[column]
    for function, index in layout.functions.items():
        if parameters_in(function):
            values[index] = np.nan
            continue
        values[index] = evaluate_expression(function, data)
        known = ~np.any([np.isnan(data[column]) for column in columns_in(function)], axis=0)
        if not np.isfinite(values[index][known]).all():
            raise error("a function of variables in the model has no finite value in some rows", hint=repr(function))
    return values
