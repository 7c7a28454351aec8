"""Transformed outcomes once the data are known: their inverse, and whether observed values have an image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import substitute
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.inversion import NotMonotone, inverse

POWER = ir.ParameterReference("lambda of Yeo-Johnson")
"""Stands for lambda until its name is known."""


def settle_transform(
    transform: ir.Transform, outcome: ir.Column, written: str, data: np.ndarray | None, span: Span | None
) -> tuple[ir.Transform, list[Finding]]:
    """Find the inverse of a transform and the values it can take.

    Parameters
    ----------
    transform
        As the script writes it.
    outcome
        Its variable.
    written
        The transform as it is printed.
    data
        Values of the variable, NaN where missing; None for a latent variable.
    span
        Where the transform is written.

    Returns
    -------
    The transform with its inverse, and findings: observed values without a transformed value, and transforms that
    are not monotone or cannot be turned round where values are missing.
    """
    name = outcome.variable
    values = np.empty(0) if data is None else data
    scale = replace(outcome, form=ir.Form.TRANSFORMED)
    images = np.asarray(evaluate(transform.expression, {outcome: values}), float)
    if images.shape == values.shape:
        lost = ~np.isnan(values) & ~np.isfinite(images)
        if lost.any():
            return transform, [Finding(f"'{written}' has no value where '{name}' is {values[lost][0]:g}", span,
                                       "a shift, such as ln(y + 1)", "transform-undefined")]  # fmt: skip
    try:
        found = inverse(transform.expression, outcome, scale, values)
    except NotMonotone:
        return transform, _without_inverse(transform, outcome, written, data, span)
    if transform.function == "identity":
        return replace(transform, inverse=found.expression, lower=found.lower, upper=found.upper), []
    if np.isfinite(found.lower) or np.isfinite(found.upper):
        return transform, [Finding(
            f"what is inside '{written}' cannot take every value, so its Yeo-Johnson transform is not normal", span,
            "yjt(y - c), with a number c", "bounded-argument")]  # fmt: skip
    turned = substitute(found.expression, {scale: ir.Apply("iyjt", (scale, POWER))})
    return replace(transform, inverse=turned), []


def with_power(transform: ir.Transform, power: str) -> ir.Transform:
    """The Yeo-Johnson transform with the name of its parameter."""
    turned = transform.inverse
    if turned is not None:
        turned = substitute(turned, {POWER: ir.ParameterReference(power)})
    return replace(transform, parameter=power, inverse=turned)


def _without_inverse(
    transform: ir.Transform, outcome: ir.Column, written: str, data: np.ndarray | None, span: Span | None
) -> list[Finding]:
    """A complete outcome needs no inverse, as long as its transform keeps or reverses the order of its values."""
    name = outcome.variable
    if data is None or np.isnan(data).any():
        what = "is latent" if data is None else "has missing values"
        return [Finding(f"'{name}' {what}, and '{written}' cannot be turned round to give them", span,
                        f"a monotone function with '{name}' in one place", "transform-not-monotone")]  # fmt: skip
    ordered = np.unique(data)
    steps = np.diff(np.asarray(evaluate(transform.expression, {outcome: ordered}), float))
    if (steps > 0).all() or (steps < 0).all():
        return []
    return [Finding(f"'{written}' is not monotone in '{name}', so it cannot be an outcome", span,
                    f"TRANSFORM: z = {written}; to make it a variable of its own",
                    "transform-not-monotone")]  # fmt: skip
