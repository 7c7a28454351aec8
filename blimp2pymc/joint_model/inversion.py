"""Monotone functions of one variable, turned round: from `z = ln(y + 1)` to `y = exp(z) - 1`.

A transformed outcome is modelled on the scale of z; its missing values are drawn there and turned back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in, leaves
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Apply, Column, Constant, Expression

LINE = (-math.inf, math.inf)
POSITIVE, NEGATIVE = (0.0, math.inf), (-math.inf, -0.0)
"""Halves of the line; the zero has the sign of its half, so that 1/0 is the right infinity."""

_U = Column("u")
"""Stands for the argument of a step."""


class NotMonotone(Exception):
    """The function is constant, has no inverse, or is no formula that can be turned round."""


@dataclass(frozen=True)
class Inverse:
    """The inverse of a monotone function on the part of the line where its variable was observed."""

    expression: Expression
    """In terms of the column that stands for the function's value."""
    lower: float
    upper: float
    """Values the function can take lie between these."""


@dataclass(frozen=True)
class _Step:
    """One operation on the way from the variable to the function's value."""

    forward: Expression
    """In terms of `_U`."""
    backward: Callable[[Expression], Expression]
    domain: tuple[float, float]


def inverse(expression: Expression, column: Column, value: Column, observed: np.ndarray) -> Inverse:
    """Turn a function of one variable round.

    Parameters
    ----------
    expression
        The function; `column` occurs in it once, everything else is constant.
    column
        Its variable.
    value
        Column that stands for the function's value in the result.
    observed
        Values of the variable, NaN where missing. They decide between two halves of the line where the function
        is monotone on each of them, such as `y^2` and `1/y`.

    Raises
    ------
    NotMonotone
        When the function has no inverse, or none that is found by undoing one operation after the other.
    """
    steps: list[_Step] = []
    values = observed[~np.isnan(observed)]
    for each in _path(expression, column):
        step = _step(each, values)
        steps.append(step)
        values = np.asarray(evaluate(step.forward, {_U: values}), float)
    low, high = LINE
    for step in steps:
        ends = [max(low, step.domain[0]), min(high, step.domain[1])]
        # max and min may lose the sign of a zero
        ends = [domain if end == domain else end for end, domain in zip(ends, step.domain, strict=True)]
        image = np.asarray(evaluate(step.forward, {_U: np.array(ends)}), float)
        if np.isnan(image).any():
            raise NotMonotone
        low, high = float(image.min()), float(image.max())
    result: Expression = value
    for step in reversed(steps):
        result = step.backward(result)
    return Inverse(result, low, high)


def _path(expression: Expression, column: Column) -> list[Apply]:
    """Operations from the variable outwards; each has `_U` in the place of what it is applied to."""
    if sum(leaf == column for leaf in leaves(expression)) != 1:
        raise NotMonotone
    found: list[Apply] = []
    while expression != column:
        if not isinstance(expression, Apply):
            raise NotMonotone
        place = next(k for k, each in enumerate(expression.arguments) if column in columns_in(each))
        others = [each for k, each in enumerate(expression.arguments) if k != place]
        if not all(isinstance(leaf, Constant) for each in others for leaf in leaves(each)):
            raise NotMonotone
        arguments = tuple(
            _U if k == place else Constant(float(evaluate(each, {}))) for k, each in enumerate(expression.arguments)
        )
        found.append(Apply(expression.function, arguments))
        expression = expression.arguments[place]
    return found[::-1]


def _step(operation: Apply, values: np.ndarray) -> _Step:
    match operation:
        case Apply("+", (Column(), Constant() as c)) | Apply("+", (Constant() as c, Column())):
            return _Step(operation, lambda z: Apply("-", (z, c)), LINE)
        case Apply("-", (Column(), Constant() as c)):
            return _Step(operation, lambda z: Apply("+", (z, c)), LINE)
        case Apply("-", (Constant() as c, Column())):
            return _Step(operation, lambda z: Apply("-", (c, z)), LINE)
        case Apply("*", (Column(), Constant() as c)) | Apply("*", (Constant() as c, Column())) if c.value != 0:
            return _Step(operation, lambda z: Apply("/", (z, c)), LINE)
        case Apply("/", (Column(), Constant() as c)) if c.value != 0:
            return _Step(operation, lambda z: Apply("*", (z, c)), LINE)
        case Apply("/", (Constant() as c, Column())) if c.value != 0:
            return _Step(operation, lambda z: Apply("/", (c, z)), _half(values))
        case Apply("^", (Column(), Constant(power))) if power != 0:
            return _power(operation, power, values)
        case Apply("^", (Constant(base), Column())) if base > 0 and base != 1:
            log_base = Constant(math.log(base))
            return _Step(operation, lambda z: Apply("/", (Apply("ln", (z,)), log_base)), LINE)
        case Apply("abs", (Column(),)):
            half = _half(values)
            return _Step(operation, (lambda z: z) if half == POSITIVE else _negative, half)
        case Apply("yjt" | "iyjt" as function, (Column(), Constant(power))) if 0 <= power <= 2:
            other = "iyjt" if function == "yjt" else "yjt"
            return _Step(operation, lambda z: Apply(other, (z, Constant(power))), LINE)
        case Apply(function, (Column(),)) if function in SIMPLE:
            other, domain = SIMPLE[function]
            return _Step(operation, lambda z: _negative(z) if other == "neg" else Apply(other, (z,)), domain)
        case Apply("sqrt", (Column(),)):
            return _Step(operation, lambda z: Apply("^", (z, Constant(2.0))), POSITIVE)
    raise NotMonotone


SIMPLE: Mapping[str, tuple[str, tuple[float, float]]] = {
    "exp": ("ln", LINE),
    "ln": ("exp", POSITIVE),
    "neg": ("neg", LINE),
    "phi": ("iphi", LINE),
    "iphi": ("phi", (0.0, 1.0)),
}
"""Function -> its inverse, and where it is defined."""


def _power(operation: Apply, power: float, values: np.ndarray) -> _Step:
    is_odd = power == int(power) and int(power) % 2 == 1
    is_even = power == int(power) and not is_odd
    root = Apply("/", (Constant(1.0), Constant(power))) if power == int(power) else Constant(1.0 / power)

    def positive(z: Expression) -> Expression:
        return z if power == 1 else Apply("sqrt", (z,)) if power == 2 else Apply("^", (z, root))

    def odd(z: Expression) -> Expression:
        if power == 1:
            return z
        mirrored = _negative(positive(_negative(z)))
        return Apply("ifelse", (Apply(">=", (z, Constant(0.0))), positive(z), mirrored))

    if is_odd:
        return _Step(operation, odd, LINE if power > 0 else _half(values))
    half = _half(values) if is_even else POSITIVE
    return _Step(operation, positive if half == POSITIVE else lambda z: _negative(positive(z)), half)


def _half(values: np.ndarray) -> tuple[float, float]:
    """The half of the line that holds all values."""
    if values.size and (values >= 0).all():
        return POSITIVE
    if values.size and (values <= 0).all():
        return NEGATIVE
    raise NotMonotone


def _negative(expression: Expression) -> Expression:
    return Apply("neg", (expression,))
