"""Tables of the equations stated in MODEL, and of the covariances between their residuals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from blimp2pymc.joint_model.families import LATENT_RESPONSES
from blimp2pymc.joint_model.ir import Equation, JointBlock, Model, Role
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.completed_data import row_variance_mean, row_variance_quantile
from blimp2pymc.summary.conditional_effects import conditional_rows
from blimp2pymc.summary.explained_variance import explained_rows, standardized_rows
from blimp2pymc.summary.printed_names import line_prefix, outcome_heading, phantom_heading, variance_heading
from blimp2pymc.summary.rows import Row, constant_row, labelled, parameter_row, parameter_values


def outcome_rows(model: Model, draws: Draws) -> list[Row]:
    """Every table between the outcome heading and the generated parameters, in print order."""
    rows: list[Row] = []
    for each in in_print_order(model):
        if isinstance(each, Equation):
            rows += labelled(equation_rows(model, draws, each), each.block)
            rows += labelled(conditional_rows(model, draws, each), each.block)
        else:
            rows += labelled(covariance_rows(model, draws, each), each.block)
    return rows


def in_print_order(model: Model) -> list[Equation | JointBlock]:
    """Equations and joint blocks of MODEL as Blimp prints them."""
    parts: list[Equation | JointBlock] = [each for each in model.equations if each.role is Role.OUTCOME]
    # Correlations of latent differences are constants.
    nominal = {each.outcome for each in model.equations if each.family == "multinomial_probit"}
    parts += [each for each in model.blocks if each.role is Role.OUTCOME and not nominal & set(each.members)]
    return sorted(parts, key=lambda each: each.order)


def equation_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """All sections of an equation's table; one for each code of a nominal outcome carries the code in every line."""
    prefix = line_prefix(model, equation)
    rows = [row for section in SECTIONS[equation.family] for row in section(model, draws, equation)]
    return [replace(row, parameter=prefix + row.parameter) for row in rows] if prefix else rows


# ---------------------------------------------------------------- sections of a table


def variance_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """The residual variance; that of a latent response is 1 by construction, one with predictors differs by row."""
    row = Row("outcome", outcome_heading(model, equation), "Variances", "Residual Var.", is_tested=False)
    if equation.family in LATENT_RESPONSES:
        return [constant_row(draws, row, 1.0)]
    if equation.variance_terms:
        summaries = {
            "Q25%": row_variance_quantile(draws, equation, 0.25),
            "Q50%": row_variance_quantile(draws, equation, 0.5),
            "Mean": row_variance_mean(draws, equation),
            "Q75%": row_variance_quantile(draws, equation, 0.75),
        }
        return [replace(row, parameter=f"{name} Residual Var.", draws=each) for name, each in summaries.items()]
    assert equation.residual_variance is not None
    return [parameter_row(model, draws, equation.residual_variance, row)]


def transformation_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """Lambda of a Yeo-Johnson outcome."""
    if equation.transform is None or equation.transform.parameter is None:
        return []
    heading = outcome_heading(model, equation)
    row = Row("outcome", heading, "Transformation", "Yeo-Johnson (lambda)", is_tested=False)
    return [parameter_row(model, draws, equation.transform.parameter, row)]


def dispersion_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """The dispersion alpha of a count: its variance is mu + alpha mu^2."""
    assert equation.dispersion is not None
    row = Row("outcome", outcome_heading(model, equation), "Variances", "Dispersion Parameter", is_tested=False)
    return [parameter_row(model, draws, equation.dispersion, row)]


def coefficient_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """Coefficients, unstandardised."""
    heading = outcome_heading(model, equation)
    return [
        parameter_row(model, draws, term.coefficient, Row("outcome", heading, "Coefficients", term.name))
        for term in equation.terms
    ]


def exponentiated_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """exp(b) of every coefficient, the intercept included: odds ratios, or ratios of expected counts."""
    section = "Odds Ratio" if equation.family == "logit" else "Exponentiated Coefficients"
    row = Row("outcome", outcome_heading(model, equation), section, "", is_tested=False)
    values = parameter_values(model, draws, dict.fromkeys(term.coefficient for term in equation.terms))
    return [replace(row, parameter=term.name, draws=np.exp(values[term.coefficient])) for term in equation.terms]


def threshold_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """Thresholds of a latent response; the first is 0 by construction."""
    row = Row("outcome", outcome_heading(model, equation), "Thresholds", "", is_tested=False)
    rows = [constant_row(draws, replace(row, parameter="Tau 1"), 0.0)]
    for number, name in enumerate(equation.thresholds[1:], start=2):
        rows.append(parameter_row(model, draws, name, replace(row, parameter=f"Tau {number}")))
    return rows


def deviation_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """The residual standard deviation, where all rows have one."""
    if equation.variance_terms:
        return []
    assert equation.residual_variance is not None
    [variance] = parameter_values(model, draws, [equation.residual_variance]).values()
    heading = outcome_heading(model, equation)
    return [Row("outcome", heading, "Standard Deviations", "Residual SD", np.sqrt(variance), is_tested=False)]


def log_variance_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """Coefficients of the logarithm of the residual variance, and the factors they stand for."""
    heading = variance_heading(model, equation)
    names = dict.fromkeys(term.coefficient for term in equation.variance_terms)
    values = parameter_values(model, draws, names)
    row = Row("outcome", heading, "Exponentiated Coefficients", "", is_tested=False)
    return [
        *(
            parameter_row(model, draws, term.coefficient, Row("outcome", heading, "Coefficients", term.name))
            for term in equation.variance_terms
        ),
        *(
            replace(row, parameter=term.name, draws=np.exp(values[term.coefficient]))
            for term in equation.variance_terms
            if model.parameters[term.coefficient].fixed is None
        ),
    ]


Section = Callable[[Model, Draws, Equation], list[Row]]

SECTIONS: Mapping[str, tuple[Section, ...]] = {
    "normal": (
        variance_rows, coefficient_rows, transformation_rows, deviation_rows, standardized_rows, explained_rows,
        log_variance_rows,
    ),
    "probit": (variance_rows, coefficient_rows, threshold_rows, deviation_rows, standardized_rows, explained_rows),
    "multinomial_probit": (variance_rows, coefficient_rows, deviation_rows, standardized_rows, explained_rows),
    "logit": (coefficient_rows, exponentiated_rows, explained_rows),
    "negative_binomial": (dispersion_rows, coefficient_rows, exponentiated_rows),
}  # fmt: skip
"""Family -> sections of the table, in print order."""


# ---------------------------------------------------------------- covariances


def covariance_rows(model: Model, draws: Draws, block: JointBlock) -> list[Row]:
    """Residual covariances of a `~~` block, then the correlations; from phantom variables only these.

    Where a variance has predictors the covariance differs between rows, and has no line.
    """
    equations = [model.equation_of[member] for member in block.members]
    variances = [each.residual_variance for each in equations]
    pairs = sorted(block.correlations)
    if block.parameterisation == "phantom":
        titles = {pair: phantom_heading(block, pair) for pair in pairs}
        return [
            parameter_row(
                model, draws, block.correlations[pair], Row("covariance", title, "Phantom Correlations", title)
            )
            for pair, title in titles.items()
        ]
    values = parameter_values(model, draws, [*filter(None, variances), *block.correlations.values()])
    title = " ".join(each.name for each in equations)
    covariances, correlations = [], []
    for i, j in pairs:
        pair = f"({equations[i].name},{equations[j].name})"
        name = block.correlations[i, j]
        first, second = variances[i], variances[j]
        if first is not None and second is not None:
            scale = np.sqrt(values[first] * values[second])
            covariances.append(Row("covariance", title, "Covariances", f"Cov{pair}", values[name] * scale))
        correlations.append(parameter_row(model, draws, name, Row("covariance", title, "Correlations", f"Cor{pair}")))
    return covariances + correlations
