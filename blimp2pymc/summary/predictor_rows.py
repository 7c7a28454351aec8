"""Tables of the predictors that own no equation, and of Means Models.

Blimp prints every predictor's regression on all the others; `predictor_regressions` derives them from the joint
distribution. Tables of categorical predictors are about latent responses whose variance given all others is 1.
"""

from __future__ import annotations

from dataclasses import replace

from blimp2pymc.joint_model.ir import Column, Equation, Model, Role
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.predictor_regressions import INTERCEPT, LATENT, Regression, regressions
from blimp2pymc.summary.printed_names import column_name
from blimp2pymc.summary.rows import Row, constant_row, parameter_row


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
    for each in equations:
        if each.role is Role.MEANS:
            found += regressions(model, draws, [each])
    return [row for each in found for row in _table(model, draws, each)]


def _table(model: Model, draws: Draws, regression: Regression) -> list[Row]:
    return [
        *_grand_means(model, draws, regression),
        *_slopes(model, regression),
        *_residual_covariance(draws, regression),
        *_thresholds(model, draws, regression),
    ]


def _is_nominal(regression: Regression) -> bool:
    return regression.equations[0].family == "multinomial_probit"


def _grand_means(model: Model, draws: Draws, regression: Regression) -> list[Row]:
    rows = []
    for equation in regression.equations:
        for term in equation.terms:
            if term.name == INTERCEPT:
                name = f"Grand Mean: {column_name(equation.outcome)}" if _is_nominal(regression) else "Grand Mean"
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
