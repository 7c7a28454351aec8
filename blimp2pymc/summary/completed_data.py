"""Summaries of the completed data in every draw, as the sampler recorded them.

Where all columns are complete there is nothing to record: the summary is computed from the data here.
All functions return arrays of shape (chain, draw), or ones that broadcast to it.
"""

from __future__ import annotations

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Equation, Expression, Form, Model, Term
from blimp2pymc.sampler.draws import Draws, Statistic, StatisticKind
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.rows import parameter_values


def predictor_variance(model: Model, draws: Draws, equation: Equation) -> FloatArray:
    """Sample variance over rows of an equation's linear predictor, latent intercepts left out."""
    if all(term.replaces_intercept or not columns_in(term.expression) for term in equation.terms):
        return np.zeros((draws.n_chains, draws.n_draws))
    recorded = _recorded(draws, StatisticKind.PREDICTOR_VARIANCE, equation.outcome)
    if recorded is not None:
        return recorded
    names = [term.coefficient for term in equation.terms]
    values = parameter_values(model, draws, dict.fromkeys(names))
    covariance = np.atleast_2d(np.cov(np.stack([_rows(model, draws, term.expression) for term in equation.terms])))
    coefficients = np.stack([values[name] for name in names], axis=-1)
    return np.einsum("cdi,ij,cdj->cd", coefficients, covariance, coefficients)


def weighted_predictor_variance(draws: Draws, equation: Equation) -> FloatArray:
    """Sample variance over rows of sqrt(weight) times a logit equation's linear predictor without its intercept."""
    if all(not columns_in(term.expression) for term in equation.terms):
        return np.zeros((draws.n_chains, draws.n_draws))
    recorded = _recorded(draws, StatisticKind.WEIGHTED_PREDICTOR_VARIANCE, equation.outcome)
    assert recorded is not None, f"the sampler recorded no weights of {equation.name}"
    return recorded


def row_variance_mean(draws: Draws, equation: Equation) -> FloatArray:
    """Mean over rows of a residual variance that has predictors."""
    return draws.statistic(StatisticKind.ROW_VARIANCE_MEAN, equation.outcome)


def row_variance_quantile(draws: Draws, equation: Equation, probability: float) -> FloatArray:
    """Quartile over rows of a residual variance that has predictors."""
    return draws.statistic(StatisticKind.ROW_VARIANCE_QUANTILE, equation.outcome, probability)


def term_variance(model: Model, draws: Draws, equation: Equation, term: Term) -> FloatArray:
    """Sample variance over rows of a term without its coefficient."""
    recorded = _recorded(draws, StatisticKind.TERM_VARIANCE, equation.outcome, term.name)
    if recorded is not None:
        return recorded
    return np.full((draws.n_chains, draws.n_draws), _rows(model, draws, term.expression).var(ddof=1))


def column_mean(model: Model, draws: Draws, column: Column) -> FloatArray:
    """Sample mean of a column."""
    recorded = _recorded(draws, StatisticKind.COLUMN_MEAN, column)
    return np.asarray(_observed(model, column).mean()) if recorded is None else recorded


def column_standard_deviation(model: Model, draws: Draws, column: Column) -> FloatArray:
    """Sample standard deviation of a column, divisor n - 1."""
    recorded = _recorded(draws, StatisticKind.COLUMN_VARIANCE, column)
    return np.asarray(_observed(model, column).std(ddof=1)) if recorded is None else np.sqrt(recorded)


def column_quantile(model: Model, draws: Draws, column: Column, probability: float) -> FloatArray:
    """Sample quantile of a column, on its raw scale."""
    recorded = _recorded(draws, StatisticKind.COLUMN_QUANTILE, column, probability)
    return np.asarray(np.quantile(_observed(model, column), probability)) if recorded is None else recorded


def _recorded(draws: Draws, kind: StatisticKind, *key: object) -> FloatArray | None:
    return draws.statistic(kind, *key) if Statistic(kind, key) in draws.statistics_names else None


def _observed(model: Model, column: Column) -> FloatArray:
    if column.form is Form.DUMMY:
        values = np.where(np.isnan(model.data[column.variable]), np.nan, model.data[column.variable] == column.category)
    else:
        assert column.form is Form.SCORE and column.lag == 0, f"the sampler recorded nothing about {column}"
        values = model.data[column.variable]
    assert not np.isnan(values).any(), f"the sampler recorded nothing about the incomplete {column}"
    return values


def _rows(model: Model, draws: Draws, expression: Expression) -> FloatArray:
    """A parameter-free (up to constants subtracted) expression of complete columns, one value per row.

    A parameter inside can only be a mean that centers a column; variances do not depend on it when the
    term is linear, and terms that are not linear are recorded by the sampler.
    """
    columns = {each: _observed(model, each) for each in columns_in(expression)}
    assert not parameters_in(expression), "a term with parameters inside must be recorded by the sampler"
    value = evaluate(expression, columns)
    return np.broadcast_to(value, (model.frame.n_rows,)).astype(float)
