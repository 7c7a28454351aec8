"""Predicted values and residuals of every outcome in the completed data of one draw.

Predicted are the mean of a continuous outcome or a count and the probability of every code but the first (or the
reference) of a categorical one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Equation, Form, Model, Role
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.printed_names import column_name

QUADRATURE_POINTS = 60
"""Points of the integral over a utility: absolute error below 1e-7."""


def predictions(model: Model, draws: Draws, snapshot: int) -> dict[str, FloatArray]:
    """Predicted values at one snapshot by the names of saved columns: `y.predicted`, `d.1.probability`."""
    predictors = linear_predictors(model, draws, snapshot)
    parameters = parameters_at(draws, snapshot)
    found: dict[str, FloatArray] = {}
    for equation in _outcomes(model):
        eta = predictors[equation.outcome]
        if equation.family == "probit":
            probabilities = ordinal_probabilities(eta, [parameters[name] for name in equation.thresholds])
            for code, probability in list(zip(_codes(model, equation), probabilities, strict=False))[1:]:
                found[f"{equation.name}.{code:g}.probability"] = probability
        elif equation.family == "logit":
            name = f"{equation.name}.{_code(model, equation):g}.probability"
            found[name] = np.exp(eta - _log_total(model, equation, predictors))
        elif equation.family == "multinomial_probit":
            own = _of_outcome(equation, predictors)
            probability = largest_probabilities(list(own.values()))[1 + list(own).index(equation.outcome)]
            found[f"{column_name(equation.outcome)}.probability"] = probability
        else:
            found[f"{equation.name}.predicted"] = np.exp(eta) if equation.family == "negative_binomial" else eta
    return found


def residuals(model: Model, draws: Draws, snapshot: int) -> dict[str, FloatArray]:
    """Residuals at one snapshot by the names of saved columns: `y.residual`.

    Outcome minus mean, transformed ones on the scale of their equation; of a probit equation those of the latent
    response or difference, of a logit equation dummy minus probability.
    """
    predictors = linear_predictors(model, draws, snapshot)
    columns = CompletedColumns(model, draws, snapshot)
    found = {}
    for equation in _outcomes(model):
        eta, outcome = predictors[equation.outcome], equation.outcome
        if equation.family == "probit":
            found[f"{equation.name}.residual"] = columns[Column(outcome.variable, Form.LATENT_RESPONSE)] - eta
        elif equation.family == "multinomial_probit":
            difference = replace(outcome, form=Form.LATENT_RESPONSE)
            found[f"{column_name(outcome)}.residual"] = columns[difference] - eta
        elif equation.family == "logit":
            dummy = Column(outcome.variable, Form.DUMMY, _code(model, equation))
            probability = np.exp(eta - _log_total(model, equation, predictors))
            found[f"{column_name(outcome)}.residual"] = columns[dummy] - probability
        else:
            mean = np.exp(eta) if equation.family == "negative_binomial" else eta
            values = columns[outcome]
            if equation.transform is not None:
                values = evaluate(equation.transform.forward, {outcome: values}, parameters_at(draws, snapshot))
            found[f"{equation.name}.residual"] = values - mean
    return found


def transformed(model: Model, draws: Draws, snapshot: int) -> dict[str, FloatArray]:
    """Yeo-Johnson outcomes, transformed, at one snapshot by the names of saved columns: `y.yjt`."""
    columns = CompletedColumns(model, draws, snapshot)
    parameters = parameters_at(draws, snapshot)
    return {
        f"{each.name}.yjt": evaluate(each.transform.forward, {each.outcome: columns[each.outcome]}, parameters)
        for each in _outcomes(model)
        if each.transform is not None and each.transform.function == "yjt"
    }


def linear_predictors(model: Model, draws: Draws, snapshot: int) -> dict[Column, FloatArray]:
    """Linear predictor of every outcome, by its column, in the completed data of one snapshot."""
    parameters = parameters_at(draws, snapshot)
    columns = CompletedColumns(model, draws, snapshot)
    found = {}
    for equation in _outcomes(model):
        total = np.zeros(model.frame.n_rows)
        for term in equation.terms:
            needed = {column: columns[column] for column in columns_in(term.expression)}
            total = total + parameters[term.coefficient] * evaluate(term.expression, needed, parameters)
        found[equation.outcome] = total
    return found


def ordinal_probabilities(eta: FloatArray, thresholds: Sequence[FloatArray | float]) -> list[FloatArray]:
    """Probability of every category of an ordinal outcome, with a standard normal latent response about `eta`."""
    from scipy.special import ndtr

    below = [np.zeros_like(eta), *(ndtr(threshold - eta) for threshold in thresholds), np.ones_like(eta)]
    return [high - low for low, high in pairwise(below)]


def largest_probabilities(etas: Sequence[FloatArray]) -> list[FloatArray]:
    """Probability of every category of a multinomial probit outcome, the reference first.

    Latent differences about `etas` are those of independent normal utilities with variance 1/2, the largest of which
    is the category's: an integral over one of them.
    """
    from scipy.special import ndtr

    nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_POINTS)
    utilities = [np.zeros_like(etas[0]), *etas]
    found = []
    for own in utilities:
        margins = [np.sqrt(2.0) * (own - other) for other in utilities if other is not own]
        total = np.zeros_like(own)
        for node, weight in zip(nodes, weights / np.sqrt(2.0 * np.pi), strict=True):
            total = total + weight * np.prod([ndtr(margin + node) for margin in margins], axis=0)
        found.append(total)
    return found


def with_cells(model: Model, name: str, cells: Mapping[str, FloatArray]) -> FloatArray:
    """A data variable with these values in its missing cells."""
    completed = model.data[name].copy()
    missing = np.isnan(completed)
    if missing.any():
        completed[missing] = cells[name]
    return completed


def cells_of(draws: Draws, snapshot: int) -> dict[str, FloatArray]:
    """What was imputed at one snapshot."""
    return {name: values[snapshot] for name, values in draws.imputations.values.items()}


class CompletedColumns:
    """Completed columns of one snapshot, in the form asked for."""

    def __init__(self, model: Model, draws: Draws, snapshot: int) -> None:
        self.model = model
        self.cells = cells_of(draws, snapshot)

    def __getitem__(self, column: Column) -> FloatArray:
        if column.form is Form.LATENT_RESPONSE:
            return self.cells[column_name(column)]
        if column.variable in self.model.latent:
            return self.cells[column.variable]
        values = with_cells(self.model, column.variable, self.cells)
        return (values == column.category).astype(float) if column.form is Form.DUMMY else values


def _outcomes(model: Model) -> list[Equation]:
    return sorted((each for each in model.equations if each.role is Role.OUTCOME), key=lambda each: each.order)


def parameters_at(draws: Draws, snapshot: int) -> dict[str, float]:
    """Every parameter in the draw of one snapshot."""
    chain, draw = draws.imputations.chain[snapshot], draws.imputations.draw[snapshot]
    return dict(zip(draws.parameter_names, draws.parameters[chain, draw], strict=True))


def _codes(model: Model, equation: Equation) -> tuple[float, ...]:
    return model.variables[equation.name].categories


def _code(model: Model, equation: Equation) -> float:
    """The code whose probability a logit equation gives."""
    return _codes(model, equation)[-1] if equation.outcome.category is None else equation.outcome.category


def _log_total(model: Model, equation: Equation, predictors: Mapping[Column, FloatArray]) -> FloatArray:
    """log of 1 plus the sum of exp(linear predictor) over all codes but the reference."""
    return np.logaddexp.reduce([np.zeros(model.frame.n_rows), *_of_outcome(equation, predictors).values()])


def _of_outcome(equation: Equation, predictors: Mapping[Column, FloatArray]) -> dict[Column, FloatArray]:
    """Linear predictors of all codes of an equation's outcome."""
    return {column: eta for column, eta in predictors.items() if column.variable == equation.name}
