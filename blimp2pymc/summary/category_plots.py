"""Figure of predicted category probabilities: how likely every category of an outcome is over one predictor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.errors import error
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Equation, Form, Kind, Model, Origin, Role
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.plots import check_names, panels_of
from blimp2pymc.summary.predictions import ordinal_probabilities
from blimp2pymc.summary.printed_names import column_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_DRAWS = 1_000
"""Draws that a band is computed from."""
POINTS = 41
"""Points of a curve."""


def plot_category_probabilities(model: Model, draws: Draws, outcome: str, predictor: str | None = None) -> Figure:
    """One panel per predictor, one curve with a 95 % band per category.

    Raises
    ------
    BlimpError
        When the outcome has no categories, or no such predictor.
    """
    categorical = [each for each in model.equations if each.role is Role.OUTCOME and each.family in ("probit", "logit")]
    check_names([outcome], list(dict.fromkeys(each.name for each in categorical)), "an outcome with categories")
    equations = [each for each in categorical if each.name == outcome]
    columns = sorted({column for each in equations for term in each.terms for column in columns_in(term.expression)})
    if not columns:
        raise error(f"'{outcome}' has no predictors, so there are no curves to plot")
    by_name = {column_name(column): column for column in columns}
    if predictor is not None:
        check_names([predictor], list(by_name), f"a predictor of '{outcome}'")
        by_name = {predictor: by_name[predictor]}
    figure, drawn = panels_of(len(by_name))
    for panel, (name, column) in zip(drawn, by_name.items(), strict=True):
        x = _values(model, draws, column)
        for code, probability in category_probabilities(model, draws, equations, column, x).items():
            lower, middle, upper = np.quantile(probability, (0.025, 0.5, 0.975), axis=0)
            [line] = panel.plot(x, middle, label=f"{outcome} = {code:g}", marker="o" if len(x) < POINTS else "")
            panel.fill_between(x, lower, upper, color=line.get_color(), alpha=0.15)
        panel.set_ylim(0, 1)
        panel.set_xlabel(name)
        panel.set_ylabel("probability")
        panel.legend(fontsize="small")
    return figure


def category_probabilities(
    model: Model, draws: Draws, equations: Sequence[Equation], column: Column, x: FloatArray
) -> dict[float, FloatArray]:
    """Code -> probability at each value of one predictor, shape (draw, value); other predictors at their centers."""
    step = max(1, draws.n_chains * draws.n_draws // MOST_DRAWS)
    parameters = {name: draws.parameters[..., k].reshape(-1, 1)[::step] for k, name in enumerate(draws.parameter_names)}
    etas = [_linear_predictor(model, draws, each, column, x, parameters) for each in equations]
    codes = model.variables[equations[0].name].categories
    if equations[0].family == "probit":
        [eta] = etas
        thresholds = [parameters[name] for name in equations[0].thresholds]
        return dict(zip(codes, ordinal_probabilities(eta, thresholds), strict=True))
    log_total = np.logaddexp.reduce([np.zeros_like(etas[0]), *etas])
    named = [codes[-1] if each.outcome.category is None else each.outcome.category for each in equations]
    found = {code: np.exp(eta - log_total) for code, eta in zip(named, etas, strict=True)}
    [reference] = set(codes) - set(found)
    return {code: np.exp(-log_total) if code == reference else found[code] for code in codes}


def _linear_predictor(
    model: Model, draws: Draws, equation: Equation, column: Column, x: FloatArray, parameters: Mapping[str, FloatArray]
) -> FloatArray:
    total = np.zeros((len(next(iter(parameters.values()))), len(x)))
    for term in equation.terms:
        values: dict[Column, FloatArray | float] = {
            each: _center(model, draws, each) for each in columns_in(term.expression)
        }
        if column in values:
            values[column] = x
        total = total + parameters[term.coefficient] * evaluate(term.expression, values, parameters)
    return total


def _values(model: Model, draws: Draws, column: Column) -> FloatArray:
    """Where a curve is drawn: the codes of a category, else two standard deviations about the mean."""
    variable = model.variables[column.variable]
    if column.form is Form.DUMMY:
        return np.array([0.0, 1.0])
    if variable.kind is Kind.ORDINAL and column.form is Form.SCORE:
        return np.array(variable.categories)
    center = _center(model, draws, column)
    spread = 1.0
    if column.form is Form.SCORE and column.variable in model.data:
        spread = float(np.nanstd(model.data[column.variable], ddof=1))
    elif column.variable in draws.cell_mean:
        spread = float(np.sqrt(draws.cell_mean[column.variable].var() + draws.cell_variance[column.variable].mean()))
    return np.linspace(center - 2 * spread, center + 2 * spread, POINTS)


def _center(model: Model, draws: Draws, column: Column) -> float:
    """The mean of what was observed, of a latent variable's scores; 0 of a dummy or latent response."""
    if column.form is not Form.SCORE:
        return 0.0
    if model.variables[column.variable].origin is Origin.LATENT:
        return float(draws.cell_mean[column.variable].mean()) if column.variable in draws.cell_mean else 0.0
    return float(np.nanmean(model.data[column.variable]))
