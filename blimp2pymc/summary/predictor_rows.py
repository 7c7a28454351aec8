"""Tables of the predictors that own no equation, and of Means Models.

The model holds one normal block of predictors given the fixed ones. Blimp prints every predictor's regression
on all the others; with covariance matrix T of the block and precision P = T^-1 its slopes are -P_kl / P_kk, its
residual variance is 1 / P_kk, and the slope on a fixed predictor is B_k - sum_l slope_kl B_l. So in every draw.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blimp2pymc.joint_model.ir import Column, Equation, JointBlock, Model, Role
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.rows import Row, parameter_row, parameter_values

INTERCEPT = "Intercept"


def predictor_equations(model: Model) -> list[Equation]:
    """Equations of the predictor tables, in print order."""
    wanted = (Role.PREDICTOR, Role.MEANS)
    return sorted((each for each in model.equations if each.role in wanted), key=lambda each: each.order)


def predictor_rows(model: Model, draws: Draws) -> list[Row]:
    """Grand means, round-robin slopes and residual variances."""
    regressions: dict[int, list[Row]] = {}
    equations = predictor_equations(model)
    members = {column: each for each in equations if each.role is Role.PREDICTOR for column in [each.outcome]}
    for block in model.blocks:
        if block.role is Role.PREDICTOR:
            together = [members.pop(column) for column in block.members]
            for equation, rows in zip(together, _regressions(model, draws, together, block), strict=True):
                regressions[id(equation)] = rows
    rows = []
    for equation in equations:
        if id(equation) not in regressions:
            [regressions[id(equation)]] = _regressions(model, draws, [equation], None)
        rows += [*_grand_mean(model, draws, equation), *regressions[id(equation)]]
    return rows


def block_covariance(model: Model, draws: Draws, equations: Sequence[Equation], block: JointBlock | None) -> FloatArray:
    """Residual covariance matrix of equations in one block, shape (chain, draw, member, member)."""
    names = [each.residual_variance or "" for each in equations]
    correlations = block.correlations if block else {}
    values = parameter_values(model, draws, dict.fromkeys([*names, *correlations.values()]))
    covariance = np.zeros((draws.n_chains, draws.n_draws, len(names), len(names)))
    for i, name in enumerate(names):
        covariance[..., i, i] = values[name]
    for (i, j), name in correlations.items():
        product = values[name] * np.sqrt(values[names[i]] * values[names[j]])
        covariance[..., i, j] = covariance[..., j, i] = product
    return covariance


def _grand_mean(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    return [
        parameter_row(model, draws, term.coefficient, Row("predictor", equation.name, "Grand Mean", "Grand Mean"))
        for term in equation.terms
        if term.name == INTERCEPT
    ]


def _regressions(
    model: Model, draws: Draws, equations: Sequence[Equation], block: JointBlock | None
) -> list[list[Row]]:
    precision = np.linalg.inv(block_covariance(model, draws, equations, block))
    fixed = _fixed_slopes(model, draws, equations)
    return [_regression(model, equations, fixed, precision, k) for k in range(len(equations))]


def _regression(
    model: Model,
    equations: Sequence[Equation],
    fixed: dict[str, list[FloatArray]],
    precision: FloatArray,
    member: int,
) -> list[Row]:
    residual_variance = 1 / precision[..., member, member]
    others = {
        column.outcome: -precision[..., member, k] * residual_variance
        for k, column in enumerate(equations)
        if k != member
    }
    slopes: dict[str, FloatArray] = {}
    for name, on_fixed in fixed.items():
        through = sum(others[equations[k].outcome] * on_fixed[k] for k in range(len(equations)) if k != member)
        slopes[name] = on_fixed[member] - through
    slopes |= {_printed(column): value for column, value in others.items()}
    place = {name: k for k, name in enumerate(model.variables)}
    ordered = sorted(slopes, key=lambda name: place.get(name, len(place)))
    outcome = equations[member].name
    rows = [Row("predictor", outcome, "Level 1", name, slopes[name]) for name in ordered]
    return [*rows, Row("predictor", outcome, "Level 1", "Residual Var.", residual_variance, is_tested=False)]


def _fixed_slopes(model: Model, draws: Draws, equations: Sequence[Equation]) -> dict[str, list[FloatArray]]:
    """Slope of every member on every fixed predictor, in member order; zero where it has none."""
    found: dict[str, dict[int, FloatArray]] = {}
    for k, equation in enumerate(equations):
        values = parameter_values(model, draws, dict.fromkeys(term.coefficient for term in equation.terms))
        for term in equation.terms:
            if term.name != INTERCEPT:
                found.setdefault(term.name, {})[k] = values[term.coefficient]
    nothing = np.zeros((draws.n_chains, draws.n_draws))
    return {name: [by.get(k, nothing) for k in range(len(equations))] for name, by in found.items()}


def _printed(column: Column) -> str:
    return column.variable
