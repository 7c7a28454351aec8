"""`var(y) ~`: the logarithm of a residual variance as a linear predictor."""

from __future__ import annotations

import pytest
from joint_model.simulated import table

from blimp2pymc.joint_model.ir import FLAT, Column, Equation, Model
from blimp2pymc.joint_model.resolve import resolve


def equation(script: str, name: str = "y") -> tuple[Model, Equation]:
    model = resolve(f"SEED: 1; {script}", table())
    return model, model.equation_of[Column(name)]


def test_the_intercept_is_free_without_being_named_and_priors_are_flat() -> None:
    model, found = equation("MODEL: y ~ x3; var(y) ~ x3@a;")
    assert found.residual_variance is None
    assert [term.name for term in found.variance_terms] == ["Intercept", "x3"]
    assert [term.coefficient for term in found.variance_terms] == ["var(y) ~ Intercept", "a"]
    assert all(model.parameters[term.coefficient].prior == FLAT for term in found.variance_terms)


def test_one_at_zero_leaves_the_intercept_out_in_any_order() -> None:
    _, found = equation("MODEL: var(y) ~ x3; y ~ x3; var(y) ~ 1@0 x3@.5;")
    assert [(term.name, term.coefficient) for term in found.variance_terms] == [("x3", "var(y) ~ x3")]


def test_a_logarithm_of_zero_in_every_row_is_a_variance_of_one() -> None:
    model, found = equation("MODEL: y ~ x3; var(y) ~ 1@0;")
    assert not found.variance_terms
    assert found.residual_variance is not None
    assert model.parameters[found.residual_variance].fixed == 1.0


def test_a_latent_variable_may_predict_a_variance() -> None:
    model, found = equation("LATENT: f; MODEL: f -> x1 x2 x3; y ~ 1; var(y) ~ f;")
    assert [term.name for term in found.variance_terms] == ["Intercept", "f"]
    assert list(model.equation_of).index(Column("f")) < list(model.equation_of).index(Column("y"))


def test_several_outcomes_are_no_predictors_of_variances() -> None:
    _, found = equation("MODEL: y ~ 1; x1 ~ 1; var(x1) var(y) ~ x3;", "x1")
    assert [term.name for term in found.variance_terms] == ["Intercept", "x3"]


def test_predictors_of_variances_alone_get_models() -> None:
    model, _ = equation("CENTER: x3; MODEL: y ~ 1; var(y) ~ x3;")
    assert Column("x3") in model.equation_of
    assert model.equation_of[Column("y")] == model.equations[-1]


@pytest.mark.parametrize("text", ["exp(g1.0 + g1.1*x3)", "var(y) ~ Intercept"])
def test_the_formula_and_the_parameters_are_explained(text: str) -> None:
    model, _ = equation("MODEL: y ~ x3; var(y) ~ x3;")
    assert text in str(model)


def test_proper_priors_are_proper() -> None:
    model = resolve("SEED: 1; MODEL: y ~ x3; var(y) ~ x3;", table(), priors="proper")
    assert {model.parameters[name].prior.distribution for name in ("var(y) ~ Intercept", "var(y) ~ x3")} == {"normal"}
