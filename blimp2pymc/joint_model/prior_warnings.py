"""Predictors on whose scale the weak normal prior of categories and counts is not weak."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from blimp2pymc.errors import Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.design import Predictor, design_of

SMALLEST_SPREAD = 0.1
"""With a smaller standard deviation the prior leaves an effect of a tenth of the response's per standard deviation."""

FARTHEST = 20.0
"""Distance of a mean from 0, in standard deviations, beyond which common slopes take unlikely intercepts."""

Warnings = Iterator[tuple[str, Span | None, str]]


def narrow_predictor(model: ir.Model) -> Warnings:
    """A continuous predictor with values so close together that the prior holds its coefficient near no effect."""
    for equation, each in _predictors(model):
        spread = float(np.nanstd(each.values))
        if 0 < spread < SMALLEST_SPREAD:
            factor = 10.0 ** np.ceil(-np.log10(spread))
            hint = f"TRANSFORM: {each.name} = {each.name}*{factor:g};" if each.name in model.data else ""
            yield (f"the values of '{each.name}' lie so close together (standard deviation {spread:.2g}) that "
                   f"{_prior(model, each)}, the prior of its coefficient in the equation of '{equation.name}', leaves "
                   "it next to no effect", each.span, hint or f"{each.name} on a wider scale")  # fmt: skip


def distant_predictor(model: ir.Model) -> Warnings:
    """A continuous predictor so far from 0 that the prior of the intercept, its value at 0, ties down the slope."""
    for equation, each in _predictors(model):
        spread, mean = float(np.nanstd(each.values)), float(np.nanmean(each.values))
        intercepts = [one for one in design_of(model, equation).predictors if one.is_intercept]
        if intercepts and _is_default(model, intercepts[0]) and spread > 0 and abs(mean) > FARTHEST * spread:
            hint = f"CENTER: {each.name};" if each.name in model.data else f"{each.name} with values around 0"
            yield (f"'{each.name}' lies so far from 0 (mean {mean:.4g}, standard deviation {spread:.2g}) that "
                   f"{_prior(model, intercepts[0])}, the prior of the intercept in the equation of '{equation.name}', "
                   "ties down its coefficient", each.span, hint)  # fmt: skip


def _predictors(model: ir.Model) -> Iterator[tuple[ir.Equation, Predictor]]:
    """Predictors without categories that have the default prior of equations that are not normal."""
    for equation in model.equations:
        if equation.role is not ir.Role.OUTCOME or equation.family == "normal":
            continue
        for each in design_of(model, equation).predictors:
            kinds = {model.variables[name].kind for name in each.variables}
            is_continuous = bool(kinds) and kinds <= {ir.Kind.CONTINUOUS, ir.Kind.COUNT}
            # Two values are those of a dummy, however it came about.
            if is_continuous and _is_default(model, each) and len(np.unique(each.values[~np.isnan(each.values)])) > 2:
                yield equation, each


def _is_default(model: ir.Model, predictor: Predictor) -> bool:
    prior = model.parameters[predictor.parameter].prior
    return prior.distribution == "normal" and prior.source != "user" and prior.arguments[1] <= 5.0


def _prior(model: ir.Model, predictor: Predictor) -> str:
    mean, variance = model.parameters[predictor.parameter].prior.arguments
    return f"normal({mean:g}, {variance:g})"


PRIOR_WARNINGS = {"narrow-predictor": narrow_predictor, "distant-predictor": distant_predictor}
"""Code -> what finds it."""
