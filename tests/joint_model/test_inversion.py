"""Functions turned round give back what went in, for every operation that can be undone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.inversion import NotMonotone, inverse
from blimp2pymc.joint_model.ir import Apply, Column, Constant, Expression, Form

Y, Z = Column("y"), Column("y", Form.TRANSFORMED)


def apply(function: str, *arguments: Expression | float) -> Apply:
    return Apply(function, tuple(Constant(each) if isinstance(each, (int, float)) else each for each in arguments))


POSITIVE, ANY = np.array([0.2, 1.0, 3.5, np.nan]), np.array([-2.5, -0.3, 0.4, 3.0, np.nan])
CASES = {
    "logarithm": (apply("ln", apply("+", Y, 1.0)), POSITIVE, (-math.inf, math.inf)),
    "root": (apply("sqrt", Y), POSITIVE, (0.0, math.inf)),
    "shifted root": (apply("-", apply("sqrt", apply("+", Y, 3.0)), 1.0), ANY, (-1.0, math.inf)),
    "reciprocal": (apply("/", 1.0, apply("+", Y, 1.0)), POSITIVE, (0.0, math.inf)),
    "reciprocal of negative values": (apply("/", 1.0, apply("-", Y, 9.0)), ANY, (-math.inf, 0.0)),
    "minus a reciprocal": (apply("neg", apply("/", 2.0, Y)), POSITIVE, (-math.inf, 0.0)),
    "square": (apply("^", Y, 2.0), POSITIVE, (0.0, math.inf)),
    "square of negative values": (apply("^", apply("-", Y, 9.0), 2.0), ANY, (0.0, math.inf)),
    "cube": (apply("^", Y, 3.0), ANY, (-math.inf, math.inf)),
    "cube root": (apply("^", Y, 1 / 3), POSITIVE, (0.0, math.inf)),
    "negative power": (apply("^", Y, -1.0), POSITIVE, (0.0, math.inf)),
    "power of a number": (apply("^", 2.0, apply("/", Y, 3.0)), ANY, (0.0, math.inf)),
    "exponential": (apply("exp", apply("*", -0.5, Y)), ANY, (0.0, math.inf)),
    "linear": (apply("-", 5.0, apply("*", Y, 2.0)), ANY, (-math.inf, math.inf)),
    "absolute": (apply("abs", Y), -POSITIVE, (0.0, math.inf)),
    "probit": (apply("phi", Y), ANY, (0.0, 1.0)),
    "inverse probit": (apply("iphi", apply("/", Y, 10.0)), POSITIVE, (-math.inf, math.inf)),
    "Yeo-Johnson": (apply("yjt", Y, 0.3), ANY, (-math.inf, math.inf)),
    "two steps": (apply("ln", apply("sqrt", apply("+", Y, 3.0))), ANY, (-math.inf, math.inf)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_there_and_back(name: str) -> None:
    function, values, bounds = CASES[name]
    found = inverse(function, Y, Z, values)
    images = evaluate(function, {Y: values})
    np.testing.assert_allclose(evaluate(found.expression, {Z: images}), values, rtol=1e-12)
    assert (found.lower, found.upper) == pytest.approx(bounds)
    observed = images[~np.isnan(images)]
    assert (observed >= found.lower).all()
    assert (observed <= found.upper).all()


@pytest.mark.parametrize(
    ("function", "values"),
    [
        (apply("^", Y, 2.0), ANY),
        (apply("abs", Y), ANY),
        (apply("/", 1.0, Y), ANY),
        (apply("*", Y, 0.0), ANY),
        (apply("+", Y, apply("ln", Y)), POSITIVE),
        (apply("round", Y), ANY),
        (apply("max", Y, 0.0), ANY),
        (apply("*", Y, Column("x")), ANY),
        (apply("^", Y, 0.0), ANY),
        (apply("^", Y, 2.0), np.array([])),
    ],
)  # fmt: skip
def test_what_cannot_be_turned_round(function: Expression, values: np.ndarray) -> None:
    with pytest.raises(NotMonotone):
        inverse(function, Y, Z, values)
