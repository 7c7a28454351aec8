"""Tables of the predictors that own no equation, and of Means Models.

Blimp prints every predictor's regression on all the others; `predictor_regressions` derives them from the joint
distribution. Tables of categorical predictors are about latent responses whose variance given all others is 1.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from blimp2pymc.joint_model.ir import Column, Equation, Form, Kind, Model, Role
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.imputations import with_cells
from blimp2pymc.summary.predictor_regressions import INTERCEPT, LATENT, Regression, regressions
from blimp2pymc.summary.printed_names import column_name
from blimp2pymc.summary.rows import Row, constant_row, parameter_row, parameter_values


def predictor_equations(model: Model) -> list[Equation]:
    """Equations of the predictor tables, in print order."""
    wanted = (Role.PREDICTOR, Role.MEANS)
    return sorted((each for each in model.equations if each.role in wanted), key=lambda each: each.order)


def predictor_rows(model: Model, draws: Draws) -> list[Row]:
    """Grand means, round-robin slopes, residual variances and thresholds."""
    equations = predictor_equations(model)
    joint = [each for each in equations if each.role is Role.PREDICTOR]
    blocks = [each for each in model.blocks if each.role is Role.PREDICTOR]
    found = regressions(model, draws, joint, blocks) if joint else []
    rows = [row for each in found for row in _table(model, draws, each)]
    for each in equations:
        if each.role is not Role.MEANS:
            continue
        if model.variables[each.name].kind is Kind.ORDINAL:
            rows += latent_means_rows(model, draws, each)
        else:
            rows += [row for one in regressions(model, draws, [each]) for row in _table(model, draws, one)]
    return rows


def _table(model: Model, draws: Draws, regression: Regression) -> list[Row]:
    return [
        *_grand_means(model, draws, regression),
        *_slopes(model, regression),
        *_residual_covariance(draws, regression),
        *_thresholds(model, draws, regression),
    ]


def _is_nominal(regression: Regression) -> bool:
    return regression.equations[0].family == "multinomial_probit"


def _is_share(regression: Regression) -> bool:
    """Whether it is the Means Model of a centered dummy."""
    return regression.equations[0].role is Role.MEANS and regression.equations[0].outcome.form is Form.DUMMY


def _grand_means(model: Model, draws: Draws, regression: Regression) -> list[Row]:
    rows = []
    for equation in regression.equations:
        for term in equation.terms:
            if term.name == INTERCEPT:
                name = f"Grand Mean: {column_name(equation.outcome)}" if _is_nominal(regression) else "Grand Mean"
                if _is_share(regression):
                    name = f"Share: {column_name(equation.outcome)}"
                row = Row("predictor", equation.name, "Grand Mean", name)
                rows.append(_scaled(parameter_row(model, draws, term.coefficient, row), regression))
    return rows


def _slopes(model: Model, regression: Regression) -> list[Row]:
    place = {name: k for k, name in enumerate(model.variables)}

    def order(column: Column) -> tuple[int, float]:
        return place.get(column.variable, len(place)), column.category or 0.0

    rows = []
    for k, equation in enumerate(regression.equations):
        prefix = f"{column_name(equation.outcome)} ~ " if _is_nominal(regression) else ""
        for column in sorted(regression.slopes, key=order):
            name = prefix + column_name(column)
            rows.append(Row("predictor", equation.name, "Level 1", name, regression.slopes[column][..., k]))
    return rows


def _residual_covariance(draws: Draws, regression: Regression) -> list[Row]:
    first = regression.equations[0]
    row = Row("predictor", first.name, "Level 1", "Residual Var.", is_tested=False)
    if _is_share(regression):
        return []
    if first.family == "probit":
        return [constant_row(draws, row, 1.0)]
    if not _is_nominal(regression):
        return [replace(row, draws=regression.covariance[..., 0, 0])]
    names = [column_name(each.outcome) for each in regression.equations]
    rows = []
    for j, other in enumerate(names):
        for i in range(j, len(names)):
            name = f"Var({other})" if i == j else f"Cov({names[i]},{other})"
            rows.append(replace(row, parameter=name, draws=regression.covariance[..., i, j]))
    return rows


def _thresholds(model: Model, draws: Draws, regression: Regression) -> list[Row]:
    [equation, *_] = regression.equations
    row = Row("predictor", equation.name, "Thresholds", "", is_tested=False)
    rows = [constant_row(draws, replace(row, parameter="Tau 1"), 0.0)] if equation.thresholds else []
    for number, name in enumerate(equation.thresholds[1:], start=2):
        rows.append(_scaled(parameter_row(model, draws, name, replace(row, parameter=f"Tau {number}")), regression))
    return rows


def _scaled(row: Row, regression: Regression) -> Row:
    """A mean or threshold on the printed scale."""
    if row.draws is None or regression.equations[0].family not in LATENT:
        return row
    return replace(row, draws=row.draws * regression.scale)


# ---------------------------------------------------------------- Means Models of ordinal variables


def latent_means_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """Means Model of an ordinal variable, printed for a latent response with variance 1.

    An intercept-only probit model is the shares of the categories in other words: its mean is the normal quantile of
    the share above the lowest category, a threshold that of the share below it plus the mean.
    """
    from scipy.special import ndtri

    below = ndtri(np.cumsum(_category_shares(model, draws, equation), axis=-1)[..., :-1])
    row = Row("predictor", equation.name, "", "")
    rows = [
        replace(row, section="Grand Mean", parameter="Grand Mean", draws=-below[..., 0]),
        constant_row(draws, replace(row, section="Level 1", parameter="Residual Var.", is_tested=False), 1.0),
    ]
    row = replace(row, section="Thresholds", is_tested=False)
    rows.append(constant_row(draws, replace(row, parameter="Tau 1"), 0.0))
    for k in range(1, below.shape[-1]):
        rows.append(replace(row, parameter=f"Tau {k + 1}", draws=below[..., k] - below[..., 0]))
    return rows


def _category_shares(model: Model, draws: Draws, equation: Equation) -> FloatArray:
    """Draws of the probabilities of an ordinal variable's categories, shape (chain, draw, category).

    Those of two categories are told by the mean score. Those of more are drawn given the completed data, of which the
    kept data sets stand for all.
    """
    codes = np.array(model.variables[equation.name].categories)
    if len(codes) == 2:
        [term] = equation.terms
        upper = (parameter_values(model, draws, [term.coefficient])[term.coefficient] - codes[0]) / (
            codes[1] - codes[0]
        )
        upper = np.clip(upper, 1e-6, 1 - 1e-6)
        return np.stack([1 - upper, upper], axis=-1)
    imputed = draws.imputations.values.get(equation.name)
    completed = [model.data[equation.name]]
    if imputed is not None and len(imputed):
        completed = [with_cells(model, equation.name, {equation.name: cells}) for cells in imputed]
    counts = np.array([[np.sum(values == code) for code in codes] for values in completed], float)
    n_draws = draws.n_chains * draws.n_draws
    chosen = counts[np.arange(n_draws) * len(counts) // n_draws]
    weights = np.random.default_rng(draws.seed).standard_gamma(chosen + 0.5)
    shares = weights / weights.sum(axis=-1, keepdims=True)
    return shares.reshape(draws.n_chains, draws.n_draws, len(codes))
