"""PARAMETERS, WALDTEST, SIMPLE: values of resolved models."""

from __future__ import annotations

import pytest
from joint_model.simulated import resolved

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import (
    Apply,
    Column,
    Constant,
    Expression,
    ImpliedVariance,
    ModeratorGrid,
    ModeratorValues,
    ParameterReference,
    Prior,
    Quantity,
    SimpleEffect,
    VariancePart,
    WaldTest,
)

A, B = ParameterReference("a"), ParameterReference("b")


def difference(left: Expression, right: Expression) -> Apply:
    return Apply("-", (left, right))


def test_derived_quantities_in_order() -> None:
    model = resolved("MODEL: m1 ~ x3@a; y ~ m1@b; PARAMETERS: ab = a*b; PARAMETERS: twice = 2*ab;")
    assert model.quantities == (
        Quantity("ab", Apply("*", (A, B))),
        Quantity("twice", Apply("*", (Constant(2.0), ParameterReference("ab")))),
    )


@pytest.mark.parametrize("part", list(VariancePart))
def test_implied_variances(part: VariancePart) -> None:
    model = resolved(f"MODEL: y ~ x3@a; PARAMETERS: v = y.{part.value};")
    assert model.quantities[0].expression == ImpliedVariance("y", part)


def test_label_may_be_set_and_used() -> None:
    model = resolved("MODEL: y ~ x3@a x4@b; PARAMETERS: ratio = a/2; b = ratio + a; total = a + b;")
    assert [each.name for each in model.quantities] == ["ratio", "total"]
    ratio = Apply("/", (A, Constant(2.0)))
    assert model.parameters["b"].definition == Apply("+", (ratio, A))


@pytest.mark.parametrize(
    ("test", "text", "contrasts"),
    [
        ("a = 0", "a = 0", (A,)),
        ("a = b", "a = b", (difference(A, B),)),
        ("a = 0; b = 0", "a = 0; b = 0", (A, B)),
        ("a b = 0", "a = 0; b = 0", (A, B)),
        ("k1:k2 = 0", "k1 = 0; k2 = 0", (ParameterReference("k1"), ParameterReference("k2"))),
        ("a = k1:k2", "a = k1; a = k2",
         (difference(A, ParameterReference("k1")), difference(A, ParameterReference("k2")))),
        ("a = .5", "a = 0.5", (difference(A, Constant(0.5)),)),
        ("y ~ x3", "restricted: y ~ Intercept x3", (B, ParameterReference("k1"), ParameterReference("k2"))),
        ("y ~ x3 x4*x3 m.1", "restricted: y ~ Intercept x3 m.1 x3*x4", (B,)),
    ],
)  # fmt: skip
def test_wald_tests(test: str, text: str, contrasts: tuple[Expression, ...]) -> None:
    model = resolved(f"MODEL: y ~ x3@a x4@b m.1@k1 x3*x4@k2; WALDTEST: {test};")
    assert model.wald_tests == (WaldTest(text, contrasts),)


def test_each_command_is_one_test() -> None:
    model = resolved("MODEL: y ~ x3@a x4@b; WALDTEST: a = 0; TEST: b = 0;")
    assert [each.text for each in model.wald_tests] == ["a = 0", "b = 0"]


@pytest.mark.parametrize(
    ("moderator", "expected"),
    [
        ("x4", ModeratorValues(Column("x4"), "x4", ModeratorGrid.MEAN_AND_STANDARD_DEVIATIONS)),
        ("x1", ModeratorValues(Column("x1"), "x1", ModeratorGrid.STANDARD_DEVIATIONS, centered=True)),
        ("x4 @ -1.5", ModeratorValues(Column("x4"), "x4", ModeratorGrid.VALUE, values=(-1.5,))),
        ("x4 @ quartile", ModeratorValues(Column("x4"), "x4", ModeratorGrid.QUARTILES)),
        ("x4 @ quartiles", ModeratorValues(Column("x4"), "x4", ModeratorGrid.QUARTILES)),
        ("x4 @ quantile", ModeratorValues(Column("x4"), "x4", ModeratorGrid.QUANTILES)),
        ("d", ModeratorValues(Column("d"), "d", ModeratorGrid.CODES, values=(0.0, 1.0))),
    ],
)
def test_moderators(moderator: str, expected: ModeratorValues) -> None:
    name = moderator.split(maxsplit=1)[0]
    model = resolved(f"FIXED: d; ORDINAL: d; CENTER: x1; MODEL: y ~ x3 x4 x1 d x3*{name}; SIMPLE: x3 | {moderator};")
    assert model.simple_effects == (SimpleEffect(Column("x3"), "x3", (expected,)),)


def test_two_moderators_and_several_statements() -> None:
    model = resolved("MODEL: y ~ x3 x4 x3*x4 x3*m.1 m.1; SIMPLE: x3 | x4 and m.1; x4 | x3;")
    assert [[each.name for each in effect.moderators] for effect in model.simple_effects] == [["x4", "m.1"], ["x3"]]


def test_expression_of_labels_as_focal() -> None:
    model = resolved("MODEL: m1 ~ x3@a x4 x3*x4@c; y ~ m1@b; SIMPLE: (a + c*x4)*b | x4 @ quartile;")
    (effect,) = model.simple_effects
    inside = Apply("+", (A, Apply("*", (ParameterReference("c"), Column("x4")))))
    assert effect.focal == Apply("*", (inside, B))
    assert effect.name == "(a+c*x4)*b"


def test_every_unknown_name_of_a_conditional_effect_is_told() -> None:
    with pytest.raises(BlimpError) as caught:
        resolved("MODEL: y ~ x3 x4 x3*x4; SIMPLE: x9 | x4 and z9")
    assert [each.span.text for each in caught.value.findings] == ["x9", "z9"]


def test_lambda_set_to_a_number_is_fixed() -> None:
    model = resolved("MODEL: yjt(y, k) ~ x3; PARAMETERS: half = 1/2; k = half;")
    assert model.parameters["k"].fixed == 0.5
    with pytest.raises(BlimpError, match="lambda lies between 0 and 2"):
        resolved("MODEL: yjt(y, k) ~ x3; PARAMETERS: k = 5/2;")


def test_a_name_with_a_prior_inside_an_expression_is_a_parameter() -> None:
    model = resolved(
        "MODEL: y ~ (x3 - &cut)@b x3*(x4 - turn); PARAMETERS: cut ~ normal(0, 4); turn ~ normal(1, 2); q = cut*b;"
    )
    assert model.parameters["cut"].prior == Prior("normal", (0.0, 4.0), source="user")
    assert model.parameters["turn"].prior.arguments == (1.0, 2.0)
    assert model.quantities[0].name == "q"
    with pytest.raises(BlimpError, match="turn"):
        resolved("MODEL: y ~ x3*(x4 - turn);")
