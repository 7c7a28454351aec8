"""Predicted probability of every category of an outcome, as a function of one predictor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from blimp2pymc.errors import error
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Equation, Form, Model, Role
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.plotted_values import predictor_settings, typical_value
from blimp2pymc.summary.predictions import largest_probabilities, ordinal_probabilities
from blimp2pymc.summary.printed_names import check_names, column_name

Settings = Mapping[Column, FloatArray]
"""Values of the columns that vary, one for each setting; all others stay where they are."""

CATEGORICAL = ("probit", "logit", "multinomial_probit")
"""Families of outcomes with categories."""
MOST_DRAWS = 1_000
"""Draws that a probability and its interval are computed from."""


def category_table(model: Model, draws: Draws, outcome: str, predictor: str | None = None) -> pd.DataFrame:
    """Probabilities at the codes of a predictor, or at its mean and one standard deviation around it.

    Returns
    -------
    DataFrame
        Columns median, sd, 2.5%, 97.5%, indexed by predictor, value and category; the other predictors are at
        their means, nominal ones at their reference, latent responses at 0.

    Raises
    ------
    BlimpError
        When the outcome has no categories, or no such predictor.
    """
    equations, predictors = outcome_and_predictors(model, outcome, predictor)
    keys, found = [], []
    for name, columns in predictors.items():
        x, settings = predictor_settings(model, draws, columns, points=3, deviations=1)
        probabilities = category_probabilities(model, draws, equations, settings)
        keys += [(name, value, code) for value in x for code in probabilities]
        found += [each[:, k] for k in range(len(x)) for each in probabilities.values()]
    table = np.stack(found)
    lower, median, upper = np.quantile(table, (0.025, 0.5, 0.975), axis=1)
    values = {"median": median, "sd": table.std(axis=1, ddof=1), "2.5%": lower, "97.5%": upper}
    return pd.DataFrame(values, pd.MultiIndex.from_tuples(keys, names=["predictor", "value", "category"]))


def outcome_and_predictors(
    model: Model, outcome: str, predictor: str | None = None
) -> tuple[list[Equation], dict[str, tuple[Column, ...]]]:
    """The equations of an outcome with categories, and its predictors by name, or the one asked for.

    A predictor is a column, or all dummies of a nominal variable.
    """
    categorical = [each for each in model.equations if each.role is Role.OUTCOME and each.family in CATEGORICAL]
    check_names([outcome], list(dict.fromkeys(each.name for each in categorical)), "an outcome with categories")
    equations = [each for each in categorical if each.name == outcome]
    columns = sorted({column for each in equations for term in each.terms for column in columns_in(term.expression)})
    if not columns:
        raise error(f"'{outcome}' has no predictors, so its probabilities depend on nothing")
    by_name: dict[str, tuple[Column, ...]] = {}
    for column in columns:
        name = column.variable if column.form is Form.DUMMY else column_name(column)
        by_name[name] = (*by_name.get(name, ()), column)
    if predictor is None:
        return equations, by_name
    check_names([predictor], list(by_name), f"a predictor of '{outcome}'")
    return equations, {predictor: by_name[predictor]}


def category_probabilities(
    model: Model, draws: Draws, equations: Sequence[Equation], settings: Settings
) -> dict[float, FloatArray]:
    """Code -> probability at each setting, shape (draw, setting); other predictors at their centers."""
    step = max(1, draws.n_chains * draws.n_draws // MOST_DRAWS)
    parameters = {name: draws.parameters[..., k].reshape(-1, 1)[::step] for k, name in enumerate(draws.parameter_names)}
    etas = [_linear_predictor(model, draws, each, settings, parameters) for each in equations]
    codes = model.variables[equations[0].name].categories
    if equations[0].family == "probit":
        [eta] = etas
        thresholds = [parameters[name] for name in equations[0].thresholds]
        return dict(zip(codes, ordinal_probabilities(eta, thresholds), strict=True))
    if equations[0].family == "multinomial_probit":
        [first] = set(codes) - {each.outcome.category for each in equations}
        named = [first, *(each.outcome.category for each in equations)]
        by_code = dict(zip(named, largest_probabilities(etas), strict=True))
        return {code: by_code[code] for code in codes}
    log_total = np.logaddexp.reduce([np.zeros_like(etas[0]), *etas])
    dummies = [codes[-1] if each.outcome.category is None else each.outcome.category for each in equations]
    found = {code: np.exp(eta - log_total) for code, eta in zip(dummies, etas, strict=True)}
    [reference] = set(codes) - set(found)
    return {code: np.exp(-log_total) if code == reference else found[code] for code in codes}


def _linear_predictor(
    model: Model, draws: Draws, equation: Equation, settings: Settings, parameters: Mapping[str, FloatArray]
) -> FloatArray:
    total = np.zeros((len(next(iter(parameters.values()))), len(next(iter(settings.values())))))
    for term in equation.terms:
        values: dict[Column, FloatArray | float] = {
            each: typical_value(model, draws, each) for each in columns_in(term.expression)
        }
        values |= {column: x for column, x in settings.items() if column in values}
        total = total + parameters[term.coefficient] * evaluate(term.expression, values, parameters)
    return total
