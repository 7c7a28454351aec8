"""Latent variables: which coefficients are fixed, what has an intercept, and what is said about them."""

from __future__ import annotations

import pytest
from joint_model.simulated import resolved

from blimp2pymc.joint_model.ir import Column, Model, ParameterKind


def coefficients(model: Model, outcome: str) -> dict[str, float | str | None]:
    """Terms of an equation: the value of a fixed coefficient, the label of a labelled one, None otherwise."""
    found: dict[str, float | str | None] = {}
    for term in model.equation_of[Column(outcome)].terms:
        parameter = model.parameters[term.coefficient]
        found[term.name] = parameter.fixed if parameter.fixed is not None else parameter.label or None
    return found


def variance(model: Model, outcome: str) -> float | None:
    """Value of the residual variance, None when it is free."""
    name = model.equation_of[Column(outcome)].residual_variance
    return model.parameters[name].fixed


def test_first_loading_is_one_and_the_others_are_free() -> None:
    model = resolved("LATENT: eta; MODEL: eta -> x1 x2:x4;")
    assert coefficients(model, "x1") == {"Intercept": None, "eta": 1.0}
    assert coefficients(model, "x3") == {"Intercept": None, "eta": None}
    assert coefficients(model, "eta") == {}
    assert variance(model, "eta") is None
    assert model.latent == ("eta",)
    assert model.unknown == ("x1", "x2", "eta")


@pytest.mark.parametrize("item, expected", [("x1@lx", "lx"), ("x1@2", 2.0), ("x1@1", 1.0)])
def test_first_loading_with_a_setting_of_its_own(item: str, expected: float | str) -> None:
    model = resolved(f"LATENT: eta; MODEL: eta@1; eta -> {item} x2 x3;")
    assert coefficients(model, "x1")["eta"] == expected
    assert coefficients(model, "x2")["eta"] is None
    assert variance(model, "eta") == 1.0


def test_setting_of_a_later_item_leaves_the_first_at_one() -> None:
    model = resolved("LATENT: eta; MODEL: eta -> x1 x2@l x3@1.5;")
    assert coefficients(model, "x1")["eta"] == 1.0
    assert coefficients(model, "x2")["eta"] == "l"
    assert coefficients(model, "x3")["eta"] == 1.5


def test_regression_on_a_latent_variable_fixes_nothing() -> None:
    assert coefficients(resolved("LATENT: eta; MODEL: eta@1; { x1 x2 x3 } ~ eta;"), "x1")["eta"] is None


def test_several_or_product_predictors_before_the_arrow_fix_nothing() -> None:
    model = resolved("LATENT: f g; MODEL: f@1; g@1; f -> x1@l; f g -> x2 x3; f*g -> y;")
    assert coefficients(model, "x2") == {"Intercept": None, "f": None, "g": None}
    assert coefficients(model, "y") == {"Intercept": None, "f*g": None}


@pytest.mark.parametrize("statement", ["eta ~ 1 x3", "eta ~ intercept x3", "1 x3 -> eta", "eta ~ x3; eta ~ 1"])
def test_intercept_of_a_latent_variable_is_asked_for(statement: str) -> None:
    model = resolved(f"LATENT: eta; MODEL: eta -> x1 x2 x4; {statement};")
    assert coefficients(model, "eta") == {"Intercept": None, "x3": None}


def test_latent_outcome_without_intercept() -> None:
    assert coefficients(resolved("LATENT: eta; MODEL: eta -> x1 x2 x4; eta ~ x3;"), "eta") == {"x3": None}


def test_items_of_growth_have_no_intercept_when_told_so() -> None:
    script = "LATENT: icept s; MODEL: icept ~ 1; s ~ 1; icept ~~ s; { t in 1:4 } : x[t] ~ 1@0 icept@1 s@[t-1]; x1:x4@v;"
    model = resolved(script)
    assert coefficients(model, "x1") == {"icept": 1.0, "s": 0.0}
    assert coefficients(model, "x4") == {"icept": 1.0, "s": 3.0}
    assert {model.equation_of[Column(f"x{t}")].residual_variance for t in range(1, 5)} == {"v"}
    assert [each.name for each in model.blocks] == ["icept s <-> icept s"]


def test_latent_intercept_is_marked() -> None:
    script = "LATENT: icept s; MODEL: icept ~ 1; s ~ 1; x1 ~ 1@icept; x2 ~ intercept@icept x3@s; x4 ~ icept@1 s@1;"
    model = resolved(script)
    first, slope = model.equation_of[Column("x2")].terms
    assert (first.name, first.replaces_intercept, model.parameters[first.coefficient].fixed) == ("icept", True, 1.0)
    assert (slope.name, slope.replaces_intercept) == ("x3*s", False)
    assert not any(each.replaces_intercept for each in model.equation_of[Column("x4")].terms)
    assert "Intercept" in coefficients(model, "x4")


def test_defined_variables_hold_labels_and_latent_variables() -> None:
    model = resolved("LATENT: e; MODEL: r1 = x1 - (mu1 + e); x1 ~ 1@mu1 e@1; x2 ~ 1@mu2 e@1 r1@ar; e ~ 1@0;")
    (term,) = (each for each in model.equation_of[Column("x2")].terms if each.name == "r1")
    assert {column.variable for column in _columns(term.expression)} == {"x1", "e"}
    assert model.parameters["ar"].kind is ParameterKind.SLOPE


def test_correlation_of_latent_and_observed_variables() -> None:
    model = resolved("LATENT: eta; MODEL: eta -> x1 x2 x4; eta ~~ x3@r; y ~ eta x3;")
    (block,) = model.blocks
    assert [member.variable for member in block.members] == ["eta", "x3"]
    assert model.parameters["r"].kind is ParameterKind.CORRELATION
    assert coefficients(model, "x3") == {"Intercept": None}
    assert coefficients(model, "eta") == {}


def test_order_puts_latent_predictors_first() -> None:
    model = resolved("LATENT: g f1 f2; MODEL: g -> f1 f2; f1 -> x1 x2; f2 -> x3 x4; y ~ g;")
    names = [each.name for each in model.equations]
    assert names.index("g") < names.index("f1") < names.index("x1")
    assert coefficients(model, "f1") == {"g": 1.0}
    assert coefficients(model, "f2") == {"g": None}


def _columns(expression):
    from blimp2pymc.joint_model.algebra import columns_in

    return columns_in(expression)


# ---------------------------------------------------------------- warnings


def warnings(script: str) -> set[str]:
    return {each.code for each in resolved(script).notes if each.severity == "warning"}


@pytest.mark.parametrize(
    "script, expected",
    [
        ("LATENT: eta; MODEL: eta -> x1@l x2 x3;", True),
        ("LATENT: eta; MODEL: eta -> x1 x2 x3;", False),
        ("LATENT: eta; MODEL: eta@1; eta -> x1@l x2 x3;", False),
        ("LATENT: eta; MODEL: eta -> x1@l x2@1 x3;", False),
        ("LATENT: eta; MODEL: x1 ~ 1@eta; x2 ~ 1@eta;", False),
    ],
)
def test_scale_of_a_latent_variable(script: str, expected: bool) -> None:
    assert ("latent-scale" in warnings(script)) == expected


def test_latent_variable_that_is_not_used() -> None:
    assert "idle-latent" in warnings("LATENT: eta zeta; MODEL: eta -> x1 x2 x3;")
    assert "idle-latent" not in warnings("LATENT: eta; MODEL: eta -> x1 x2 x3;")


def test_label_that_frees_a_loading_is_no_idle_label() -> None:
    assert "idle-label" not in warnings("LATENT: eta; MODEL: eta@1; eta -> x1@first x2 x3;")
