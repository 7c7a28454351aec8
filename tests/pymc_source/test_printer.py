"""Expressions as text: few parentheses, the same value."""

from __future__ import annotations

import ast
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Apply, Column, Constant, Expression, ParameterReference
from blimp2pymc.pymc_source.printer import Text, Vocabulary, comment, number, string, write_expression

X, Z, B = Column("x"), Column("z"), ParameterReference("b")
WORDS = Vocabulary(
    column=lambda column: column.variable,
    parameter=Text,
    implied=lambda _: Text("1"),
    fixed=lambda _: None,
    shorthand={},
)


def apply(function: str, *arguments: Expression) -> Apply:
    return Apply(function, arguments)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (apply("*", B, apply("-", X, Constant(2))), "b * (x - 2)"),
        (apply("*", apply("*", B, X), apply("*", X, Z)), "b * x * x * z"),
        (apply("-", X, apply("-", Z, Constant(1))), "x - (z - 1)"),
        (apply("-", apply("-", X, Z), Constant(-1)), "x - z - -1"),
        (apply("^", apply("neg", X), Constant(2)), "(-x) ** 2"),
        (apply("neg", apply("^", X, Constant(2))), "-x**2"),
        (apply("^", X, Constant(0.5)), "x**0.5"),
        (apply("/", X, apply("*", B, Z)), "x / (b * z)"),
        (apply("==", X, Constant(1)), "pt.eq(x, 1)"),
        (apply("+", apply("==", X, B), apply(">", Z, X)), "pt.eq(x, b).astype(float) + pt.gt(z, x).astype(float)"),
        (apply("ifelse", X, B, Z), "pt.switch(pt.neq(x, 0), b, z)"),
        (apply("and", apply("<", X, Z), B), "pt.and_(pt.lt(x, z), pt.neq(b, 0))"),
        (apply("mean", X, Z, B), "(x + z + b) / 3"),
        (apply("max", X, Z, B), "pt.maximum(pt.maximum(x, z), b)"),
        (apply("normal_pdf", X), "pt.exp(pm.logp(pm.Normal.dist(0, pt.sqrt(1)), x))"),
        (apply("/", Constant(1), Constant(0)), "np.inf"),
    ],
)  # fmt: skip
def test_text(expression: Expression, text: str) -> None:
    assert write_expression(expression, WORDS).code == text


def test_a_function_without_counterpart_is_named() -> None:
    with pytest.raises(BlimpError, match="gamma"):
        write_expression(apply("gamma", X, Constant(1)), WORDS)


leaf = st.one_of(
    st.sampled_from([X, Z, B]),
    st.floats(-4, 4).map(lambda value: Constant(round(value, 1))),
)
arithmetic = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-*/^"), inner, inner).map(lambda each: Apply(each[0], each[1:])),
        inner.map(lambda each: Apply("neg", (each,))),
    ),
    max_leaves=8,
)


@given(arithmetic)
def test_arithmetic_keeps_its_value(expression: Expression) -> None:
    values = {"x": np.float64(1.7), "z": np.float64(0.6), "b": np.float64(2.3)}
    wanted = evaluate(expression, {X: values["x"], Z: values["z"]}, {"b": values["b"]})
    if not math.isfinite(wanted) or abs(wanted) > 1e12:
        return
    code = write_expression(expression, WORDS).code
    with np.errstate(all="ignore"):
        try:
            found = eval(code, {"np": np}, values)
        except (ZeroDivisionError, OverflowError):
            return  # an intermediate value is infinite
    if isinstance(found, complex) or not np.isfinite(found):
        return
    assert found == pytest.approx(wanted, rel=1e-6, abs=1e-9)


@given(st.text())
def test_strings_are_literals_of_themselves(text: str) -> None:
    literal = string(text)
    assert ast.literal_eval(literal) == text
    assert "\n" not in literal and literal.isprintable()


@given(st.text())
def test_comments_stay_on_their_line(text: str) -> None:
    assert comment(text).isprintable()
    assert len(comment(text).splitlines()) <= 1
    assert len(comment(text)) <= 100


@given(st.floats(allow_nan=False))
def test_numbers_keep_every_digit(value: float) -> None:
    assert eval(number(value), {"np": np}) == value
