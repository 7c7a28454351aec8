"""The default joint model of predictors without an equation: one normal distribution, written as a sequence.

The continuous members come first and jointly; then each ordinal member's latent response given the
continuous members and the latent responses before it; then each nominal member's latent differences
given all of these. All of it is given the FIXED variables. Every predictor is a deviation from its
mean, so that the intercepts are the means.
"""

from __future__ import annotations

from dataclasses import replace

from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.drafts import FREE, INTERCEPT, Setting
from blimp2pymc.joint_model.families import COEFFICIENTS, mean_name
from blimp2pymc.joint_model.frame import AnalysedRows
from blimp2pymc.joint_model.outcome_equations import ONE, EquationMaker, code_columns
from blimp2pymc.joint_model.predictors import Predictors, observed_mean
from blimp2pymc.joint_model.priors import IN_BLOCK, continuous_predictors

Deviations = list[tuple[str, ir.Expression]]
"""Name of a predictor, and its value minus its mean."""


def predictor_model(
    maker: EquationMaker, predictors: Predictors, order: int
) -> tuple[list[ir.Equation], list[ir.JointBlock]]:
    """Make the equations of the predictors that are modelled, and the blocks they form.

    Parameters
    ----------
    maker
        Holds the list of parameters and the analysed rows.
    predictors
        Which are conditioned on, which are modelled, and in which sequence.
    order
        Place in print of the first one; they are printed in the order of the data.
    """
    rows = maker.rows
    given: Deviations = [
        (name, ir.Apply("-", (column, ir.Constant(mean))))
        for fixed in predictors.fixed
        for name, column, mean in _fixed_columns(rows.variables[fixed], rows)
    ]
    places = {name: order + place for place, name in enumerate(predictors.modelled)}
    kinds = {name: rows.variables[name].kind for name in predictors.sequence}
    continuous = [name for name in predictors.sequence if kinds[name] is ir.Kind.CONTINUOUS]
    responses = sum(
        len(code_columns(rows.variables[name], ir.Column(name))) if kinds[name] is ir.Kind.NOMINAL else 1
        for name in predictors.sequence
        if name not in continuous
    )
    covariance = continuous_predictors(maker.predictor_family, len(continuous), responses)
    equations, blocks = _continuous(maker, continuous, given, covariance, order)
    given = [*given, *((name, _deviation(ir.Column(name), mean_name(name))) for name in continuous)]
    for name in predictors.sequence:
        made: list[ir.Equation] = []
        if kinds[name] is ir.Kind.ORDINAL:
            made = [_categorical(maker, ir.Column(name), "probit", given)]
        elif kinds[name] is ir.Kind.NOMINAL:
            columns = code_columns(rows.variables[name], ir.Column(name))
            made = [_categorical(maker, column, "multinomial_probit", given) for column in columns]
            blocks += maker.differences(made, places[name])
        for each in made:
            latent = replace(each.outcome, form=ir.Form.LATENT_RESPONSE)
            given = [*given, (latent.name, _deviation(latent, mean_name(each.outcome.name)))]
        equations += made
    equations = [replace(each, order=places[each.name]) for each in equations]
    return sorted(equations, key=lambda each: each.order), blocks


def _continuous(
    maker: EquationMaker, names: list[str], given: Deviations, covariance: tuple[float, float], order: int
) -> tuple[list[ir.Equation], list[ir.JointBlock]]:
    scale, degrees_of_freedom = covariance
    prior = IN_BLOCK
    if len(names) == 1:
        prior = ir.Prior("inverse_gamma", (degrees_of_freedom / 2, scale / 2))
    equations = []
    for name in names:
        terms = _terms(maker, name, "normal", given)
        kind = ir.ParameterKind.RESIDUAL_VARIANCE
        variance = maker.parameters.add(f"{name} residual variance", kind, prior, FREE)
        equations.append(ir.Equation(ir.Column(name), "normal", terms, variance, role=ir.Role.PREDICTOR))
    if len(names) < 2:
        return equations, []
    correlations = {}
    for first in range(len(names)):
        for second in range(first + 1, len(names)):
            correlations[first, second] = maker.parameters.add(
                f"{names[first]} ~~ {names[second]}", ir.ParameterKind.CORRELATION, IN_BLOCK, FREE
            )
    block = ir.JointBlock(
        tuple(each.outcome for each in equations), correlations, (scale,) * len(names), degrees_of_freedom,
        role=ir.Role.PREDICTOR, order=order + len(names),
    )  # fmt: skip
    return equations, [block]


def _categorical(maker: EquationMaker, outcome: ir.Column, family: str, given: Deviations) -> ir.Equation:
    terms = _terms(maker, outcome.name, family, given)
    kind = ir.ParameterKind.RESIDUAL_VARIANCE
    variance = maker.parameters.add(f"{outcome.name} residual variance", kind, ir.NO_PRIOR, Setting(1.0))
    thresholds = maker.thresholds(outcome.variable) if family == "probit" else ()
    return ir.Equation(outcome, family, terms, variance, thresholds=thresholds, role=ir.Role.PREDICTOR)


def _terms(maker: EquationMaker, name: str, family: str, given: Deviations) -> tuple[ir.Term, ...]:
    prior = COEFFICIENTS[family]
    mean = maker.parameters.add(mean_name(name), ir.ParameterKind.MEAN, prior, FREE)
    terms = [ir.Term(INTERCEPT, mean, ONE)]
    for predictor, deviation in given:
        slope = maker.parameters.add(f"{name} ~ {predictor}", ir.ParameterKind.SLOPE, prior, FREE)
        terms.append(ir.Term(predictor, slope, deviation))
    return tuple(terms)


def _deviation(column: ir.Column, mean: str) -> ir.Expression:
    return ir.Apply("-", (column, ir.ParameterReference(mean)))


def _fixed_columns(variable: ir.Variable, rows: AnalysedRows) -> list[tuple[str, ir.Column, float]]:
    """Name, column and observed mean of a fixed predictor, or of each of its dummies."""
    values = rows.data[variable.name]
    if variable.kind is not ir.Kind.NOMINAL:
        return [(variable.name, ir.Column(variable.name), observed_mean(values))]
    columns = code_columns(variable, ir.Column(variable.name))
    return [(each.name, each, observed_mean(values == each.category)) for each in columns]
