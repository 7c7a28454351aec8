"""Statements of MODEL, each against the equations it stands for."""

from __future__ import annotations

import numpy as np
import pytest
from joint_model.simulated import resolved, table

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.algebra import expand
from blimp2pymc.joint_model.ir import (
    FLAT,
    NO_PRIOR,
    Apply,
    Column,
    Constant,
    Equation,
    Model,
    Parameter,
    ParameterKind,
    ParameterReference,
    Prior,
    Role,
    Term,
)

ONE = Constant(1.0)


def equation(model: Model, outcome: str) -> Equation:
    return model.equation_of[Column(outcome)]


def terms(model: Model, outcome: str) -> dict[str, str]:
    """Term -> coefficient."""
    return {each.name: each.coefficient for each in equation(model, outcome).terms}


def test_regression_has_an_intercept_and_a_residual_variance() -> None:
    model = resolved("MODEL: y ~ x3 x4;")
    assert equation(model, "y") == Equation(
        Column("y"),
        "normal",
        (
            Term("Intercept", "y ~ Intercept", ONE),
            Term("x3", "y ~ x3", Column("x3")),
            Term("x4", "y ~ x4", Column("x4")),
        ),
        "y residual variance",
    )
    assert list(model.parameters.values()) == [
        Parameter("y residual variance", ParameterKind.RESIDUAL_VARIANCE, Prior("inverse_gamma", (-1.0, 0.0))),
        Parameter("y ~ Intercept", ParameterKind.INTERCEPT, FLAT),
        Parameter("y ~ x3", ParameterKind.SLOPE, FLAT),
        Parameter("y ~ x4", ParameterKind.SLOPE, FLAT),
    ]


@pytest.mark.parametrize(
    "script",
    [
        "MODEL: y ~ 1 x3 x4",
        "MODEL: y ~ intercept x3 x4",
        "MODEL: y ~ x3; y ~ x4",
        "MODEL: x3 x4 -> y",
        "MODEL: y <- x3 x4",
        "MODEL: y ~ x3:x4",
        "MODEL: 1 x3 -> y; x4 -> y",
        "MODEL: y ~ x3 x4; y ~ x3",
        "MODEL: { k in 3:4 } : y ~ x[k]",
    ],
)
def test_ways_to_write_one_regression(script: str) -> None:
    assert equation(resolved(script), "y") == equation(resolved("MODEL: y ~ x3 x4;"), "y")


@pytest.mark.parametrize("script", ["MODEL: y ~ 0 x3", "MODEL: y ~ 1@0 x3", "MODEL: y ~ x3; y ~ 1@0"])
def test_intercept_fixed_at_zero_is_no_term(script: str) -> None:
    assert terms(resolved(script), "y") == {"x3": "y ~ x3"}


def test_intercept_fixed_at_another_value_stays() -> None:
    model = resolved("MODEL: y ~ 1@-3 x3")
    assert terms(model, "y") == {"Intercept": "y ~ Intercept", "x3": "y ~ x3"}
    assert model.parameters["y ~ Intercept"] == Parameter("y ~ Intercept", ParameterKind.INTERCEPT, NO_PRIOR, -3.0)


def test_fixed_values_and_labels() -> None:
    model = resolved("MODEL: y ~ x3@b x4@.5; y2 ~ x3@b")
    assert terms(model, "y") == {"Intercept": "y ~ Intercept", "x3": "b", "x4": "y ~ x4"}
    assert terms(model, "y2")["x3"] == "b"
    assert model.parameters["y ~ x4"].fixed == 0.5
    assert model.parameters["b"] == Parameter("b", ParameterKind.SLOPE, FLAT, label="b")


def test_restating_a_term_replaces_its_setting() -> None:
    assert terms(resolved("MODEL: y ~ x3@a; y ~ x3@b"), "y")["x3"] == "b"
    assert terms(resolved("MODEL: y ~ x3@a; y ~ x3 x4"), "y")["x3"] == "a"


def test_restated_product_is_the_same_term_in_any_order() -> None:
    assert terms(resolved("MODEL: y ~ x3*x4@a; y ~ x4*x3@b"), "y") == {"Intercept": "y ~ Intercept", "x3*x4": "b"}


def test_several_outcomes_are_a_chain() -> None:
    model = resolved("MODEL: y y2 m1 ~ x3")
    assert list(terms(model, "y")) == ["Intercept", "y2", "m1", "x3"]
    assert list(terms(model, "y2")) == ["Intercept", "m1", "x3"]
    assert list(terms(model, "m1")) == ["Intercept", "x3"]


def test_braces_are_no_chain() -> None:
    model = resolved("MODEL: { y y2 } ~ x3")
    assert list(terms(model, "y")) == list(terms(model, "y2")) == ["Intercept", "x3"]


def test_settings_of_one_outcome_do_not_reach_another() -> None:
    model = resolved("MODEL: x3 -> y y2; y ~ x3@b")
    assert (terms(model, "y")["x3"], terms(model, "y2")["x3"]) == ("b", "y2 ~ x3")


def test_setting_behind_an_outcome_of_an_arrow() -> None:
    model = resolved("MODEL: x3 -> y@b y2@.2; 1 -> y@a")
    assert terms(model, "y") == {"Intercept": "a", "x3": "b"}
    assert model.parameters["y2 ~ x3"].fixed == 0.2


@pytest.mark.parametrize("script", ["MODEL: y ~ x3; y@v", "MODEL: y ~ x3; y ~~ y@v", "MODEL: y@v; y ~ x3"])
def test_label_of_a_residual_variance(script: str) -> None:
    model = resolved(script)
    assert equation(model, "y").residual_variance == "v"
    expected = Parameter("v", ParameterKind.RESIDUAL_VARIANCE, Prior("inverse_gamma", (-1.0, 0.0)), label="v")
    assert model.parameters["v"] == expected


def test_range_of_variances_with_one_label_is_an_equality() -> None:
    model = resolved("MODEL: m1 ~ 1; m2 ~ 1; m1:m2@v")
    assert {equation(model, name).residual_variance for name in ("m1", "m2")} == {"v"}


def test_fixed_residual_variance() -> None:
    assert resolved("MODEL: y ~ x3; y@2").parameters["y residual variance"].fixed == 2.0


def test_variable_as_coefficient() -> None:
    model = resolved("MODEL: y ~ x3@x4")
    term = equation(model, "y").terms[1]
    assert term == Term("x3*x4", "y ~ x3*x4", Apply("*", (Column("x3"), Column("x4"))))
    assert model.parameters["y ~ x3*x4"].fixed == 1.0
    assert "column-as-coefficient" in {note.code for note in model.notes}


def test_variable_in_place_of_the_intercept() -> None:
    model = resolved("MODEL: y ~ 1@x4 x3")
    assert terms(model, "y") == {"x4": "y ~ x4", "x3": "y ~ x3"}
    assert model.parameters["y ~ x4"].fixed == 1.0


def test_products_powers_and_functions() -> None:
    model = resolved("MODEL: y ~ x3 x4 x3*x4 x3^2 exp(x4) (x3 - m.1) (x3 > 1)")
    assert [each.name for each in equation(model, "y").terms] == [
        "Intercept", "x3", "x4", "x3*x4", "x3^2", "exp(x4)", "(x3-m.1)", "(x3>1)",
    ]  # fmt: skip
    expressions = [each.expression for each in equation(model, "y").terms[3:]]
    assert expressions == [
        Apply("*", (Column("x3"), Column("x4"))),
        Apply("^", (Column("x3"), Constant(2.0))),
        Apply("exp", (Column("x4"),)),
        Apply("-", (Column("x3"), Column("m.1"))),
        Apply(">", (Column("x3"), Constant(1.0))),
    ]


def test_products_are_printed_after_single_variables() -> None:
    assert list(terms(resolved("MODEL: y ~ x3*x4 x3 x4"), "y")) == ["Intercept", "x3", "x4", "x3*x4"]


def test_sum_range() -> None:
    model = resolved("MODEL: y ~ x3:+:x4 (x3:+:x4)*d")
    total = Apply("+", (Column("x3"), Column("x4")))
    assert [each.name for each in equation(model, "y").terms] == ["Intercept", "x3:+:x4", "(x3:+:x4)*d"]
    assert [each.expression for each in equation(model, "y").terms[1:]] == [total, Apply("*", (total, Column("d")))]


def test_defined_variable_is_written_out_and_keeps_its_name() -> None:
    model = resolved("MODEL: total = x3 + x4; y ~ total@b total*d")
    total = Apply("+", (Column("x3"), Column("x4")))
    assert [(each.name, each.coefficient) for each in equation(model, "y").terms[1:]] == [
        ("total", "b"), ("total*d", "y ~ total*d"),
    ]  # fmt: skip
    assert equation(model, "y").terms[2].expression == Apply("*", (total, Column("d")))
    assert model.defined == {"total": total}


def test_definition_may_use_a_later_one() -> None:
    model = resolved("MODEL: a = e + x3; e = 2*x4; y ~ a")
    assert model.defined["a"] == Apply("+", (Apply("*", (Constant(2.0), Column("x4"))), Column("x3")))


def test_labels_inside_expressions_even_before_their_definition() -> None:
    model = resolved("MODEL: y ~ (m1 - mu)@b; m1 ~ 1@mu x3; y2 ~ (m1 - &mu)")
    difference = Apply("-", (Column("m1"), ParameterReference("mu")))
    assert equation(model, "y").terms[1] == Term("(m1-mu)", "b", difference)
    assert equation(model, "y2").terms[1].expression == difference


def test_label_in_an_expression_may_be_a_derived_quantity() -> None:
    model = resolved("MODEL: y ~ x3@b; y2 ~ (x3 - half)@1; PARAMETERS: half = b/2")
    expected = Apply("-", (Column("x3"), Apply("/", (ParameterReference("b"), Constant(2.0)))))
    assert equation(model, "y2").terms[1].expression == expected


def test_declared_name_wins_over_a_suffix() -> None:
    model = resolved("MODEL: y ~ m.1")
    assert equation(model, "y").terms[1].expression == Column("m.1")


def test_equations_are_topological_and_stable() -> None:
    model = resolved("MODEL: y ~ m2; y2 ~ x3; m2 ~ m1; m1 ~ x3")
    assert [each.name for each in model.equations] == ["y2", "m1", "m2", "y"]


def test_print_order_is_by_block_then_by_name() -> None:
    model = resolved("MODEL: second: y ~ m1 x3; m1 ~ x3; first: x1 ~ m2; m2 ~ x3; m1 ~~ y2")
    order = {each.name: (each.order, each.block) for each in model.equations}
    assert sorted(order, key=lambda name: order[name]) == ["m1", "y", "m2", "x1", "y2"]
    assert order["m1"][1] == "second"
    assert model.blocks[0].order == 5


def test_expression_of_a_term_expands_to_what_it_says() -> None:
    rng = np.random.default_rng(1)
    values = {Column("x3"): rng.normal(size=5), Column("x4"): rng.normal(size=5), Column("d"): rng.normal(size=5)}
    term = equation(resolved("MODEL: y ~ (x3 - 2*x4)*(d + 1)"), "y").terms[1]
    total = sum(each.constant * np.prod([values[c] for c in each.columns], axis=0) for each in expand(term.expression))
    x3, x4, d = values.values()
    np.testing.assert_allclose(total, (x3 - 2 * x4) * (d + 1))


def test_variables_are_those_of_the_model_only() -> None:
    model = resolved("MODEL: y ~ x3 x1")
    assert list(model.variables) == list(model.data) == ["y", "x1", "x3"]
    assert model.variables["x1"].n_missing == int(table()["x1"].isna().sum())
    assert {each.role for each in model.equations} == {Role.OUTCOME, Role.PREDICTOR}


def test_undeclared_name_before_an_arrow_may_be_a_latent_variable() -> None:
    with pytest.raises(BlimpError) as caught:
        resolved("MODEL: hidden =~ x1 x9 x3")
    assert [(each.span.text, each.code) for each in caught.value.findings] == [
        ("hidden", "undeclared-name"), ("x9", "undeclared-name"),
    ]  # fmt: skip
    assert caught.value.findings[0].hint == "LATENT: hidden; if it is a latent variable"
    with pytest.raises(BlimpError) as caught:
        resolved("LATENT: eta; MODEL: etta -> x1 x2 x3")
    assert caught.value.findings[0].hint.startswith("eta")
