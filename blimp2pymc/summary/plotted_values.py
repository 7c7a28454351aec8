"""Values of a predictor at which curves, lines and tables of predictions are given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Form, Kind, Model, Origin
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.predictions import CompletedColumns, parameters_at


def predictor_values(model: Model, draws: Draws, column: Column, points: int, deviations: float = 2) -> FloatArray:
    """The codes of a category, else evenly spaced values up to some standard deviations from the mean."""
    codes = codes_of(model, column)
    if codes:
        return np.array(codes)
    center, spread = typical_value(model, draws, column), deviation(model, draws, column)
    return np.linspace(center - deviations * spread, center + deviations * spread, points)


def predictor_settings(
    model: Model, draws: Draws, columns: Sequence[Column], points: int, deviations: float = 2
) -> tuple[FloatArray, dict[Column, FloatArray]]:
    """Values of a predictor, and of its columns there: its own, or the dummies of a nominal variable at its codes."""
    if columns[0].form is Form.DUMMY:
        codes = np.array(model.variables[columns[0].variable].categories)
        return codes, {column: (codes == column.category).astype(float) for column in columns}
    [column] = columns
    values = predictor_values(model, draws, column, points, deviations)
    return values, {column: values}


def codes_of(model: Model, column: Column) -> tuple[float, ...]:
    """What a dummy or a score can be; nothing for a quantity."""
    if column.form is Form.DUMMY:
        return (0.0, 1.0)
    variable = model.variables.get(column.variable)
    if variable is not None and variable.kind is Kind.ORDINAL and column.form is Form.SCORE:
        return variable.categories
    return ()


def typical_value(model: Model, draws: Draws, column: Column) -> float:
    """The mean of what was observed, of a latent variable's scores; 0 of a dummy or latent response."""
    if column.form is not Form.SCORE:
        return 0.0
    if column.variable in model.defined:
        return float(_defined(model, draws, column).mean())
    if model.variables[column.variable].origin is Origin.LATENT:
        return float(draws.cell_mean[column.variable].mean()) if column.variable in draws.cell_mean else 0.0
    return float(np.nanmean(model.data[column.variable]))


def deviation(model: Model, draws: Draws, column: Column) -> float:
    """Standard deviation of what was observed, of a latent variable's scores; 1 of a latent response."""
    if column.form is Form.SCORE and column.variable in model.data:
        return float(np.nanstd(model.data[column.variable], ddof=1))
    if column.variable in model.defined:
        return float(_defined(model, draws, column).std(ddof=1))
    if column.form is Form.SCORE and column.variable in draws.cell_mean:
        return float(np.sqrt(draws.cell_mean[column.variable].var() + draws.cell_variance[column.variable].mean()))
    return 1.0


def _defined(model: Model, draws: Draws, column: Column) -> FloatArray:
    """A defined variable in the first completed data set."""
    expression = model.defined[column.variable]
    completed = CompletedColumns(model, draws, 0)
    values = {each: completed[each] for each in columns_in(expression)}
    return np.asarray(evaluate(expression, values, parameters_at(draws, 0)))
