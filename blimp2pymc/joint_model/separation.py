"""Perfect separation: predictors that tell the categories of an outcome apart without error.

The likelihood then grows as their coefficients run to infinity, and only the prior holds them. Found
by Newton steps of a logistic regression, which run off in just that case, and kept only when the
direction they take proves it: along it no row moves away from its category and some move towards it.
The proof does not depend on the link, so one search serves probit, logit and ordered outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from blimp2pymc.errors import Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import parameters_in, substitute
from blimp2pymc.joint_model.design import Array, Predictor, column_values, design_of
from blimp2pymc.joint_model.families import BY_CODE

STEPS = 40
"""Newton steps; with separation each adds about 1 to the distance between categories."""

CONVERGED = 1e-6
"""A step this small means that the maximum exists."""

TOLERANCE = 1e-5
"""Movement of a row that counts as none, relative to the largest."""

SUBSET = 2_000
"""Rows looked at first."""

RIDGE = 1e-10
"""Relative addition to the information, which separation makes singular."""

Found = Iterator[tuple[str, Span | None, str]]


def separated_outcomes(model: ir.Model) -> Found:
    """Warnings for outcomes whose categories some predictors tell apart in all complete rows."""
    told: set[tuple[str, ...]] = set()
    for equation in model.equations:
        if equation.role is ir.Role.MEANS:
            continue
        for names, code in _separating(model, equation):
            if (equation.name, code, *names) in told:
                continue
            told.add((equation.name, code, *names))
            quoted = [f"'{name}'" for name in names]
            together = " together" if len(names) > 1 else ""
            verb = "tells" if len(names) == 1 else "tell"
            them = "its coefficient is" if len(names) == 1 else "their coefficients are"
            what = f"category {code}" if code else "categories"
            what = "counts of 0 from others" if equation.family == "negative_binomial" else what
            yield (f"{' and '.join(quoted)}{together} {verb} {what} of '{equation.name}' apart without error, so that "
                   f"{them} held by the prior alone", equation.span or model.variables[equation.name].span,
                   "fewer predictors, or merged categories")  # fmt: skip


def _separating(model: ir.Model, equation: ir.Equation) -> Iterator[tuple[tuple[str, ...], str]]:
    """Names of the predictors that separate, every one that does so alone, else a set of them; the code set apart.

    Whatever else is in the equation, latent variables or fixed coefficients, adds to the distance that the
    direction found lengthens without end, and cannot hold it back.
    """
    outcome = column_values(model, ir.Column(equation.outcome.variable))
    design = design_of(model, _without_means(model, equation))
    predictors = [
        each for each in design.predictors
        if not each.is_intercept and not np.isnan(each.values).all() and not _is_shared(model, equation, each.parameter)
    ]  # fmt: skip
    has_intercept = any(each.is_intercept for each in design.predictors)
    if outcome is None or not predictors or not has_intercept:
        return
    if equation.family == "negative_binomial":
        yield from (((each.name,), "") for each in predictors if _marks_zeros(each.values, outcome))
        return
    for code, sides in _questions(model, equation, outcome):
        alone = [each for each in predictors if _separates([each], sides)]
        yield from (((each.name,), code) for each in alone)
        if not alone and len(predictors) > 1:
            moved = _separates(predictors, sides)
            if moved:
                yield tuple(moved), code


def _is_shared(model: ir.Model, equation: ir.Equation, parameter: str) -> bool:
    """Whether another equation or parameter depends on a coefficient, which may hold it."""
    others = [
        term.coefficient for other in model.equations for term in (*other.terms, *other.variance_terms)
        if other is not equation
    ]  # fmt: skip
    definitions = [each.definition for each in model.parameters.values() if each.definition is not None]
    return parameter in others or any(parameter in parameters_in(each) for each in definitions)


def _without_means(model: ir.Model, equation: ir.Equation) -> ir.Equation:
    """The equation with predictors that are not centered at their mean parameters: the intercept takes that up."""
    names = {name for each in equation.terms for name in parameters_in(each.expression)}
    means = [name for name in names if model.parameters[name].kind is ir.ParameterKind.MEAN]
    if equation.role is not ir.Role.PREDICTOR or not means:
        return equation
    zeros: dict[ir.Expression, ir.Expression] = {ir.ParameterReference(name): ir.Constant(0.0) for name in means}
    return replace(
        equation, terms=tuple(replace(each, expression=substitute(each.expression, zeros)) for each in equation.terms)
    )


def _questions(model: ir.Model, equation: ir.Equation, outcome: Array) -> list[tuple[str, list[Array]]]:
    """Questions with the answers 1 and -1, NaN where the outcome is missing; those of a list have the same slopes.

    For an ordered outcome: is it above this code, for all codes but the last. For an unordered one: is it
    this code, or is it the reference; the code stands before the question where there are more than two.
    """
    variable = model.variables[equation.name]
    known = np.where(np.isnan(outcome), np.nan, 1.0)
    if equation.family == "probit":
        return [("", [known * np.where(outcome > code, 1.0, -1.0) for code in variable.categories[:-1]])]
    asked = (equation.outcome.category, variable.reference) if equation.family in BY_CODE else ()
    several = len(variable.categories) > 2
    return [
        (f"{code:g}" if several else "", [known * np.where(outcome == code, 1.0, -1.0)])
        for code in asked if code is not None
    ]  # fmt: skip


def _marks_zeros(values: Array, counts: Array) -> bool:
    """Whether a predictor has one value wherever a count is positive, and lies to one side of it elsewhere."""
    positive, zero = (values[(counts > 0) & ~np.isnan(values)], values[(counts == 0) & ~np.isnan(values)])
    if not positive.size or np.ptp(positive) > 0:
        return False
    moved = zero - positive[0]
    return bool(moved.any() and ((moved >= 0).all() or (moved <= 0).all()))


def _separates(predictors: Sequence[Predictor], sides: Sequence[Array]) -> list[str]:
    """Names of the predictors along whose direction the answers move apart; empty when there is none."""
    columns = np.array([each.values for each in predictors])
    complete = ~np.isnan(columns).any(axis=0)
    blocks, answers = [], []
    for place, side in enumerate(sides):
        kept = complete & ~np.isnan(side)
        if not kept.any() or np.ptp(side[kept]) == 0:
            return []
        part = columns[:, kept].T
        constants = np.zeros((len(part), len(sides)))
        constants[:, place] = 1.0
        blocks.append(np.hstack([constants, part]))
        answers.append(side[kept])
    matrix, answer = np.vstack(blocks), np.concatenate(answers)
    slopes = matrix[:, len(sides) :]
    spread = slopes.std(axis=0)
    if (spread == 0).any():
        return []
    matrix[:, len(sides) :] = (slopes - slopes.mean(axis=0)) / spread
    signed = matrix * answer[:, None]
    if len(signed) > 2 * SUBSET:
        part = signed[:: len(signed) // SUBSET]
        # What separates all rows separates some of them, unless these leave the direction open.
        if np.linalg.matrix_rank(part) == part.shape[1] and _runaway(part) is None:
            return []
    direction = _runaway(signed)
    if direction is None:
        return []
    size = np.abs(direction[len(sides) :])
    return [each.name for each, length in zip(predictors, size, strict=True) if length > 0.01 * size.max()]


def _runaway(signed: Array) -> Array | None:
    """A direction in which no row of `signed` decreases and some increase; None when Newton steps find none."""
    coefficients = np.zeros(signed.shape[1])
    distance = signed @ coefficients
    for _ in range(STEPS):
        towards = 1.0 / (1.0 + np.exp(np.minimum(distance, 700.0)))
        information = signed.T @ ((towards * (1.0 - towards))[:, None] * signed)
        information[np.diag_indices_from(information)] *= 1.0 + RIDGE
        try:
            step = np.linalg.solve(information, signed.T @ towards)
        except np.linalg.LinAlgError:
            return None
        if not np.isfinite(step).all() or np.abs(step).max() < CONVERGED:
            return None
        for direction in (step, coefficients + step):
            moved = signed @ direction
            largest = np.abs(moved).max()
            if largest > 0 and moved.min() >= -TOLERANCE * largest:
                return direction
        moved = signed @ step
        while _loss(distance + moved) > _loss(distance):
            step, moved = step / 2, moved / 2
        coefficients, distance = coefficients + step, distance + moved
    return None


def _loss(distance: Array) -> float:
    """Negative log likelihood of a logistic regression."""
    return float(np.logaddexp(0.0, -distance).sum())
