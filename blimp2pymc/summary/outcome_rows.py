"""Tables of the equations stated in MODEL, and of the covariances between their residuals."""

from __future__ import annotations

import numpy as np

from blimp2pymc.joint_model.ir import Equation, JointBlock, Model, Role
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.conditional_effects import conditional_rows
from blimp2pymc.summary.explained_variance import explained_rows, standardized_rows
from blimp2pymc.summary.rows import Row, labelled, parameter_row, parameter_values


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
    parts += [each for each in model.blocks if each.role is Role.OUTCOME]
    return sorted(parts, key=lambda each: each.order)


def equation_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """Variances, coefficients, standard deviations, standardised coefficients, explained variance."""
    assert equation.family == "normal" and equation.residual_variance, f"no table for the family {equation.family}"
    name, variance = equation.name, equation.residual_variance
    rows = [parameter_row(model, draws, variance, Row("outcome", name, "Variances", "Residual Var.", is_tested=False))]
    rows += [
        parameter_row(model, draws, term.coefficient, Row("outcome", name, "Coefficients", term.name))
        for term in equation.terms
    ]
    deviation = np.sqrt(parameter_values(model, draws, [variance])[variance])
    rows.append(Row("outcome", name, "Standard Deviations", "Residual SD", deviation, is_tested=False))
    rows += standardized_rows(model, draws, equation)
    return rows + explained_rows(model, draws, equation)


def covariance_rows(model: Model, draws: Draws, block: JointBlock) -> list[Row]:
    """Residual covariances of a `~~` block, then the correlations."""
    equations = [model.equation_of[member] for member in block.members]
    variances = [each.residual_variance for each in equations]
    pairs = sorted(block.correlations)
    values = parameter_values(model, draws, [*filter(None, variances), *block.correlations.values()])
    title = " ".join(each.name for each in equations)
    covariances, correlations = [], []
    for i, j in pairs:
        pair = f"({equations[i].name},{equations[j].name})"
        name = block.correlations[i, j]
        scale = np.sqrt(values[variances[i] or ""] * values[variances[j] or ""])
        covariances.append(Row("covariance", title, "Covariances", f"Cov{pair}", values[name] * scale))
        correlations.append(parameter_row(model, draws, name, Row("covariance", title, "Correlations", f"Cor{pair}")))
    return covariances + correlations
