"""Values of expressions: every function, missing values, broadcasting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from blimp2pymc.joint_model.algebra import FUNCTIONS, expand
from blimp2pymc.joint_model.evaluate import VALUES, evaluate
from blimp2pymc.joint_model.ir import (
    Apply,
    Column,
    Constant,
    Expression,
    ImpliedVariance,
    ParameterReference,
    VariancePart,
)

NAN = math.nan


def apply(function: str, *arguments: float) -> float:
    return float(evaluate(Apply(function, tuple(Constant(each) for each in arguments)), {}))


def test_every_function_has_a_value() -> None:
    assert VALUES.keys() == FUNCTIONS.keys()


@pytest.mark.parametrize(
    ("function", "arguments", "value"),
    [
        ("+", (2, 3), 5), ("-", (2, 3), -1), ("*", (2, 3), 6), ("/", (3, 2), 1.5), ("^", (2, 3), 8), ("neg", (2,), -2),
        ("^", (4, 0.5), 2), ("/", (1, 0), math.inf), ("^", (-1, 0.5), NAN),
        ("==", (2, 2), 1), ("==", (2, 3), 0), ("!=", (2, 3), 1), ("!=", (2, 2), 0),
        ("<", (2, 3), 1), ("<", (3, 3), 0), (">", (3, 2), 1), (">", (2, 2), 0),
        ("<=", (3, 3), 1), ("<=", (4, 3), 0), (">=", (3, 3), 1), (">=", (2, 3), 0),
        ("==", (NAN, 2), NAN), ("!=", (2, NAN), NAN), ("<", (NAN, 1), NAN),
        ("and", (1, 1), 1), ("and", (1, 0), 0), ("and", (2, 3), 1), ("and", (0, NAN), 0), ("and", (NAN, 1), NAN),
        ("or", (0, 0), 0), ("or", (0, 2), 1), ("or", (1, NAN), 1), ("or", (NAN, 0), NAN),
        ("exp", (1,), math.e), ("ln", (math.e,), 1), ("ln", (-1,), NAN), ("ln", (0,), -math.inf),
        ("sqrt", (9,), 3), ("sqrt", (-1,), NAN), ("abs", (-3,), 3),
        ("phi", (0,), 0.5), ("phi", (1.3,), stats.norm.cdf(1.3)), ("iphi", (0.975,), stats.norm.ppf(0.975)),
        ("iphi", (2,), NAN), ("phi", (NAN,), NAN),
        ("normal_pdf", (0.7,), stats.norm.pdf(0.7)), ("normal_pdf", (0.7, 1, 4), stats.norm.pdf(0.7, 1, 2)),
        ("ifelse", (1, 5, 6), 5), ("ifelse", (0, 5, 6), 6), ("ifelse", (NAN, 5, 6), NAN), ("ifelse", (1, 5, NAN), 5),
        ("ifelse", (0, NAN, 6), 6), ("ifelse", (1, NAN, 6), NAN),
        ("ismissing", (NAN,), 1), ("ismissing", (3,), 0),
        ("missing", (1, 5), NAN), ("missing", (0, 5), 5), ("missing", (NAN, 5), 5), ("missing", (0, NAN), NAN),
        ("min", (3, 1, 2), 1), ("max", (3, 1, 2), 3), ("mean", (3, 1, 2), 2), ("min", (4,), 4), ("mean", (1, NAN), NAN),
        ("min", (1, NAN), NAN),
        ("round", (2.5,), 3), ("round", (-2.5,), -3), ("round", (2.4,), 2), ("round", (-0.2,), 0),
        ("mod", (7, 3), 1), ("mod", (-1, 3), 2),
        ("yjt", (2, 0), math.log(3)), ("yjt", (2, 1), 2), ("yjt", (2, 2), 4), ("yjt", (-2, 1), -2),
        ("yjt", (-2, 2), -math.log(3)), ("yjt", (-2, 0), -4), ("yjt", (0, 0.3), 0), ("yjt", (NAN, 1), NAN),
        ("iyjt", (math.log(3), 0), 2), ("iyjt", (4, 2), 2), ("iyjt", (-4, 0), -2), ("iyjt", (0, 1), 0),
    ],
)  # fmt: skip
def test_value(function: str, arguments: tuple[float, ...], value: float) -> None:
    np.testing.assert_allclose(apply(function, *arguments), value, rtol=1e-13, atol=0)


@pytest.mark.parametrize("power", [-1.0, -1e-12, 0.0, 1e-9, 0.5, 1.0, 1.7, 2.0 - 1e-9, 2.0, 3.0])
def test_yeo_johnson_agrees_with_scipy_and_its_inverse(power: float) -> None:
    u = np.array([-3.0, -0.5, -1e-8, 0.0, 1e-8, 0.5, 3.0])
    column = Column("u")
    transformed = evaluate(Apply("yjt", (column, Constant(power))), {column: u})
    np.testing.assert_allclose(transformed, stats.yeojohnson(u, power), rtol=1e-7, atol=1e-14)
    back = evaluate(Apply("iyjt", (column, Constant(power))), {column: transformed})
    np.testing.assert_allclose(back, u, rtol=1e-9, atol=1e-15)


def test_inverse_outside_the_range_of_the_transform_is_not_a_number() -> None:
    # With power -1 the transform of positive values stays below 1.
    assert math.isnan(apply("iyjt", 1.5, -1.0))


def test_leaves_broadcast() -> None:
    x, b = Column("x"), ParameterReference("b")
    variance = ImpliedVariance("y", VariancePart.TOTAL)
    rows = np.array([1.0, NAN, 3.0])
    np.testing.assert_array_equal(evaluate(Apply("*", (x, b)), {x: rows}, {"b": 2.0}), [2.0, NAN, 6.0])
    draws = np.array([[1.0], [2.0]])
    np.testing.assert_array_equal(evaluate(Apply("*", (x, b)), {x: rows}, {"b": draws}), draws * rows)
    ratio = Apply("/", (Apply("^", (b, Constant(2.0))), variance))
    np.testing.assert_array_equal(evaluate(ratio, {}, {"b": draws}, {variance: np.array([[4.0], [8.0]])}),
                                  [[0.25], [0.5]])  # fmt: skip


def test_a_leaf_without_value_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        evaluate(ParameterReference("b"), {})


def test_expansion_to_products_keeps_the_value() -> None:
    x, z = Column("x"), Column("z")
    b = ParameterReference("b")
    expression: Expression = Apply("^", (Apply("-", (Apply("*", (x, b)), Apply("/", (z, Constant(2.0))))),
                                         Constant(3.0)))  # fmt: skip
    generator = np.random.default_rng(1)
    columns = {x: generator.normal(size=5), z: generator.normal(size=5)}
    total = np.zeros(5)
    for product in expand(expression):
        value = product.constant * 1.7 ** len(product.parameters)
        for column in product.columns:
            value = value * columns[column]
        total += value
    np.testing.assert_allclose(total, evaluate(expression, columns, {"b": 1.7}), rtol=1e-12)
