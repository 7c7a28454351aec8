"""Expressions: what they resolve to, and where they are wrong."""

from __future__ import annotations

import pytest
from marked import unmark

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.parse import parse
from blimp2pymc.errors import BlimpError, Source, Span, error
from blimp2pymc.joint_model.expressions import resolve_expression
from blimp2pymc.joint_model.ir import Apply, Column, Constant, Expression, ParameterReference

X, Z = Column("x"), Column("z")


def lookup(node: tree.Name | tree.ParameterName | tree.AtLevel) -> Expression:
    if isinstance(node, tree.ParameterName):
        return ParameterReference(node.name)
    if isinstance(node, tree.AtLevel):
        return lookup(node.expression)
    if node.name == "nowhere":
        raise error(f"'{node.name}' is not declared", node.span)
    return Column(node.name)


def resolve(text: str, *, column_statistics: bool = False) -> Expression:
    (statement,) = parse(f"TRANSFORM: new = {text};").statements("TRANSFORM")
    return resolve_expression(statement.expression, lookup, column_statistics=column_statistics)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", X),
        (".5", Constant(0.5)),
        ("-2", Constant(-2.0)),
        ("-x", Apply("neg", (X,))),
        ("&b", ParameterReference("b")),
        ("x + z", Apply("+", (X, Z))),
        ("x - z - 1", Apply("-", (Apply("-", (X, Z)), Constant(1.0)))),
        ("x*z/2", Apply("/", (Apply("*", (X, Z)), Constant(2.0)))),
        ("x^2^z", Apply("^", (X, Apply("^", (Constant(2.0), Z))))),
        ("x == 1", Apply("==", (X, Constant(1.0)))),
        ("x <= 1 and z != 2 or x > z",
         Apply("or", (Apply("and", (Apply("<=", (X, Constant(1.0))), Apply("!=", (Z, Constant(2.0))))),
                      Apply(">", (X, Z))))),
        ("log(x)", Apply("ln", (X,))),
        ("LN(x)", Apply("ln", (X,))),
        ("x1:+:x3", Apply("+", (Apply("+", (Column("x1"), Column("x2"))), Column("x3")))),
        ("mean(x1:x3)", Apply("mean", (Column("x1"), Column("x2"), Column("x3")))),
        ("max(x, 2)", Apply("max", (X, Constant(2.0)))),
        ("normal_pdf(x)", Apply("normal_pdf", (X,))),
        ("normal_pdf(x, 0, 4)", Apply("normal_pdf", (X, Constant(0.0), Constant(4.0)))),
        ("ifelse(x > 0, 1, z)", Apply("ifelse", (Apply(">", (X, Constant(0.0))), Constant(1.0), Z))),
        ("missing(x == 9, x)", Apply("missing", (Apply("==", (X, Constant(9.0))), X))),
        ("mod(round(abs(x)), 2)", Apply("mod", (Apply("round", (Apply("abs", (X,)),)), Constant(2.0)))),
    ],
)  # fmt: skip
def test_resolved(text: str, expected: Expression) -> None:
    assert resolve(text) == expected


def test_column_statistics_only_where_allowed() -> None:
    assert resolve("min(x)", column_statistics=True) == Apply("min", (X,))
    with pytest.raises(BlimpError, match="known only in TRANSFORM"):
        resolve("min(x)")


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        ("1 + <(nowhere)>", "'nowhere' is not declared", ""),
        ("2*<(normal(0, 1))>", "'normal()' draws random numbers, which only SIMULATE does",
         "label ~ normal(...) in PARAMETERS, if a prior is meant"),
        ("<(normal_pdf(x, 1))>", "'normal_pdf()' takes 1 or 3 arguments, not 2", "normal_pdf(x) or"),
        ("<(sqrt(x1:x3))>", "'sqrt()' takes 1 argument, not 3", "sqrt(x)"),
        ("<(logit(x))>", "'logit()' belongs around the outcome of a regression, not into an expression",
         "logit(y) ~ x"),
        ("2*(<(x1:x3)> + 1)", "the range 'x1:x3' stands for several values where one is needed",
         "x1:+:x3 for their sum"),
    ],
)  # fmt: skip
def test_wrong_expression_points(marked: str, message: str, hint: str) -> None:
    text, places = unmark(f"TRANSFORM: new = {marked};")
    (statement,) = parse(text).statements("TRANSFORM")
    with pytest.raises(BlimpError) as caught:
        resolve_expression(statement.expression, lookup)
    (finding,) = caught.value.findings
    assert finding.message == message
    assert finding.hint.startswith(hint)
    assert finding.span is not None
    assert [(finding.span.start, finding.span.end)] == places


@pytest.mark.parametrize(
    ("function", "count", "message", "hint"),
    [
        ("sqr", 1, "there is no function 'sqr()'", "sqrt()"),
        ("foo", 1, "there is no function 'foo()'", "one of abs, exp"),
        ("ifelse", 2, "'ifelse()' takes 3 arguments, not 2", "ifelse(condition, value_if_true, value_if_false)"),
        ("ln", 2, "'ln()' takes 1 argument, not 2", "ln(x)"),
        ("missing", 1, "'missing()' takes 2 arguments, not 1", "missing(condition, x)"),
        ("mean", 0, "'mean()' needs at least one argument", "mean(x, z)"),
        ("neg", 1, "there is no function 'neg()'", ""),
    ],
)
def test_wrong_call_points(function: str, count: int, message: str, hint: str) -> None:
    span = Span(Source("s", "2 + call"), 4, 8)
    call = tree.Call(function, (tree.Name("x"),) * count, span)
    with pytest.raises(BlimpError) as caught:
        resolve_expression(tree.Operation("+", (tree.Number(2.0), call)), lookup)
    (finding,) = caught.value.findings
    assert finding.message == message
    assert finding.hint.startswith(hint)
    assert finding.span == span


def test_every_mistake_is_reported_at_once() -> None:
    with pytest.raises(BlimpError) as caught:
        resolve("logit(x) + sqrt(x1:x2) + nowhere")
    assert [each.span.text for each in caught.value.findings] == ["logit(x)", "sqrt(x1:x2)", "nowhere"]
