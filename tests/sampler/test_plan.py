"""The plan: which kernel draws what, and that every row of the tables has its tests."""

from __future__ import annotations

from dataclasses import replace

import hand_built
import numpy as np
import pandas as pd
import pytest
from sampler import (
    checked,
    family_models,
    small_models,
    test_categories,
    test_discrete,
    test_families,
    test_geweke,
    test_incomplete,
    test_kernels,
    test_marginals,
    test_nuts,
    test_posterior,
    test_responses,
    test_sliced_responses,
)

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import FLAT, Apply, Column, Form, Parameter, ParameterKind, ParameterReference, Term
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.plan.cell_updates import CELL_RULES
from blimp2pymc.sampler.plan.rules import MARGINAL_RULES, RULES, plan

TESTS = {
    "covariances": ("test_density_of_covariances", "test_draws_of_covariances"),
    "variances": ("test_density_of_variances", "test_draws_of_variances"),
    "means": ("test_density_of_means", "test_draws_of_coefficients"),
    "coefficients": ("test_density_of_coefficients", "test_draws_of_coefficients"),
    "bounded": ("test_density_of_coefficients", "test_draws_of_a_bounded_coefficient"),
    "slice": ("test_density_of_slices", "test_draws_of_slices"),
    "nonlinear": ("test_density_and_draws_of_nonlinear_cells",),
    "cells": ("test_density_of_cells", "test_draws_of_cells"),
    "thresholds": ("test_density_of_thresholds", "test_draws_of_thresholds"),
    "responses": ("test_density_of_responses", "test_draws_of_responses"),
    "sliced_responses": ("test_density_of_sliced_responses", "test_a_threshold_has_its_posterior"),
    "categories": ("test_categories_have_the_weight_of_their_interval", "test_codes_and_responses_belong_together"),
    "differences": ("test_differences_are_normal_between_their_rivals", "test_codes_and_responses_belong_together"),
    "predictions": ("test_density_of_cells", "test_draws_of_cells"),
    "weights": ("test_distribution_of_weights", "test_weights_turn_categories_into_normal_responses"),
    "nuts": (
        "test_density_is_the_graphs_and_the_gradient_its_derivative",
        "test_draws_by_nuts_and_by_kernels_have_one_posterior",
    ),
    "codes": ("test_density_of_codes_and_counts", "test_draws_of_codes"),
    "counts": ("test_density_of_codes_and_counts", "test_draws_of_counts"),
    "scoring": ("test_density_of_scored_coefficients", "test_scored_coefficients_have_their_posterior"),
}
"""Kernel -> tests of its density and of its draws, in modules named below."""


def test_every_rule_has_its_tests():
    kernels = [rule.kernel for rule in RULES] + list(CELL_RULES)
    assert set(kernels) == set(TESTS)
    for names in TESTS.values():
        for name in names:
            modules = (test_kernels, test_families, test_responses, test_categories, test_discrete, test_nuts,
                       test_sliced_responses)  # fmt: skip
            assert any(hasattr(module, name) for module in modules)
    drawn = {update.kernel for make in test_geweke.MODELS.values() for update in plan(make()).updates}
    # What moves along with a mean has a flat prior, from which no parameter can be drawn: there it is the
    # posterior with the move and without that must agree. NUTS has a test of its own, whose data are drawn in the
    # sweep, because new data would have to be compiled.
    assert set(kernels) - drawn == {"means", "nuts"}
    assert hasattr(test_nuts, "test_parameters_without_data_keep_their_prior")
    moved = {update.kernel for make in test_posterior.COLLAPSED.values() for update in plan(make()).updates}
    assert "means" in moved


def test_every_rule_with_something_integrated_out_has_its_tests():
    scripts = (
        (test_marginals.GROWTH, test_marginals.growth()),
        (test_marginals.INTERACTION, test_marginals.factors()),
        (test_incomplete.REGRESSION, test_incomplete.incomplete_data()),
    )
    drawn = {update.kernel for script, data in scripts for update in plan(resolve(script, data)).updates}
    # All of them are compared with the graph and with closed forms, and with draws without integrating.
    assert drawn >= set(MARGINAL_RULES)


def _kernels(model, **options):
    return {target: each.kernel for each in plan(model, **options).updates for target in each.targets}


def test_interaction():
    updates = plan(hand_built.interaction()).updates
    assert [each.kernel for each in updates] == [
        "cells", "covariances", "variances", "coefficients", "means", "predictions",
    ]  # fmt: skip
    means = updates[4]
    assert means.targets == ("x1 mean", "x1 ~ d", "x2 mean", "x2 ~ d")
    assert means.equations == ("x1", "x2")
    assert {shift.mean: dict((s, t) for s, t, _ in shift.entries) for shift in means.shifts} == {
        "x1 mean": {"b1": "y ~ Intercept", "y ~ x1*x2": "y ~ x2"},
        "x2 mean": {"y ~ x2": "y ~ Intercept", "y ~ x1*x2": "b1"},
    }


def test_plain_conditionals():
    kernels = [each.kernel for each in plan(hand_built.interaction(), collapsed=False).updates]
    assert kernels == ["cells", "covariances", "variances", "coefficients", "coefficients", "coefficients"]


def test_no_shift_without_lower_order_terms():
    model = hand_built.interaction()
    equations = tuple(
        each if each.name != "y" else type(each)(**{**vars(each), "terms": each.terms[:2] + each.terms[3:]})
        for each in model.equations
    )
    parameters = {name: each for name, each in model.parameters.items() if name != "y ~ x2"}
    updates = plan(type(model)(**{**vars(model), "equations": equations, "parameters": parameters})).updates
    assert any(shift.mean == "x2 mean" for each in updates for shift in each.shifts)
    assert not any(shift.mean == "x1 mean" for each in updates for shift in each.shifts)


def test_labels_join_equations():
    updates = plan(small_models.shared_variance()).updates
    block = next(each for each in updates if "b" in each.targets)
    assert set(block.targets) == {"a1", "b", "a2", "c"}
    assert next(each for each in updates if each.targets == ("v",)).equations == ("y1", "y2")


def test_definitions_and_bounds():
    kernels = _kernels(small_models.definitions())
    assert kernels["d"] == kernels["y residual variance"] == kernels["u residual variance"] == "slice"
    assert kernels["yz"] == "bounded"
    assert kernels["p"] == kernels["q"] == "coefficients"
    updates = plan(small_models.definitions()).updates
    blocks = [each.targets for each in updates if each.kernel not in MARGINAL_RULES]
    assert not any({"p", "q"} <= set(each) for each in blocks)


def test_structured_covariance():
    kernels = _kernels(small_models.structured())
    assert {kernels[name] for name in ("a residual variance", "b residual variance", "r")} == {"slice"}
    assert "c residual variance" not in kernels


def test_powers_and_functions():
    kernels = {each.kernel: each.targets for each in plan(small_models.powers(), collapsed=False).updates}
    assert kernels["nonlinear"] == ("w", "x")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"family": "poisson"}, "family 'poisson'"),
        ({"outcome": Column("y", Form.LATENT_RESPONSE)}, "latent response"),
    ],
)
def test_refusals_name_the_equation(change, words):
    model = hand_built.interaction()
    equations = (*model.equations[:2], type(model.equations[2])(**{**vars(model.equations[2]), **change}))
    with pytest.raises(BlimpError, match=words) as caught:
        plan(type(model)(**{**vars(model), "equations": equations}))
    assert "'y'" in str(caught.value)


def test_correlations_of_residuals_whose_variance_has_predictors_are_those_of_standardized_ones():
    model = checked.case("modelled variances of correlated residuals")
    made = plan(model)
    kernels = {name: each.kernel for each in made.updates for name in each.targets}
    assert {name: kernels[name] for name in ("y1 ~~ y2", "var(y1) ~ w", "y1 ~ w")} == {
        "y1 ~~ y2": "slice", "var(y1) ~ w": "scoring", "y1 ~ w": "coefficients",
    }  # fmt: skip
    (block,) = [group for group in made.structure.groups if len(group.residuals) == 2 and group.roots]
    assert [each.root is not None for each in block.residuals] == [True, False]
    assert all(each.columns[-1] == block.residuals[0].root for each in block.residuals[0].products)


def test_latent_variables_with_standardized_residuals_are_not_integrated_out():
    model = checked.case("modelled variances of correlated latent variables")
    assert plan(model).marginals == plan(model).scale_moves == plan(model).location_moves == ()


def test_categories_of_an_outcome_are_drawn_one_after_the_other():
    # The mean of a centered predictor is in the equations of both.
    kernels = [each for each in plan(checked.case("several categories")).updates if each.kernel == "scoring"]
    assert [{name.split(" ~ ")[0] for name in each.targets} for each in kernels] == [
        {"group.3"},
        {"group.4"},
        {"x mean"},
    ]


def test_a_missing_category_that_predicts_is_drawn_code_by_code():
    model = family_models.binary()
    equations = tuple(
        replace(each, terms=(*each.terms, Term("y", "uy", Column("y")))) if each.name == "u" else each
        for each in model.equations
    )
    parameters = {**model.parameters, "uy": Parameter("uy", ParameterKind.SLOPE, FLAT)}

    def kernels(made):
        return {each.kernel for each in plan(made).updates if "y" in each.targets}

    # Where what it predicts is missing as well, it predicts nothing that is known.
    assert kernels(replace(model, equations=equations, parameters=parameters)) == {"weights", "codes", "predictions"}
    assert kernels(model) == {"weights", "predictions"}


def test_parameter_inside_a_function_of_variables():
    data = {"x": np.arange(5.0), "y": np.arange(5.0)}
    inside = Apply("exp", (Apply("*", (ParameterReference("b"), Column("x"))),))
    made = small_models.build(data, [("y", [("b", Column("x")), ("c", inside)])])
    assert _kernels(made)["b"] == "nuts"


def test_incomplete_variable_without_equation_is_refused():
    x = np.array([1.0, np.nan, 2.0])
    with pytest.raises(BlimpError, match="has missing values"):
        plan(small_models.build({"x": x, "y": np.arange(3.0)}, [("y", [("b", Column("x"))])]))


FACTOR = "ORDINAL: y0:y2; LATENT: f; MODEL: f -> y0:y2; f ~ x;{}"


@pytest.mark.parametrize(
    ("more", "coefficients", "scale"),
    [
        ("", {"y0": ("y0 ~ Intercept",), "y1": ("y1 ~ Intercept", "y1 ~ f")},
         {"f residual variance": 2.0, "f ~ x": 1.0, "y1 ~ f": -1.0, "y2 ~ f": -1.0}),
        # What a response predicts says something about it.
        (" z ~ y0.latent;", {"y0": (), "y1": ("y1 ~ Intercept", "y1 ~ f")}, None),
        (" f -> y0@a y1@a; f@1;", {"y0": ("y0 ~ Intercept",), "y1": ("y1 ~ Intercept",)}, None),
        # Correlated responses have conditional means that follow the coefficients one by one.
        (" y1 ~~ y2;", {"y1": ("y1 ~ Intercept", "y1 ~ f")},
         {"f residual variance": 2.0, "f ~ x": 1.0, "y1 ~ f": -1.0, "y2 ~ f": -1.0}),
    ],
)  # fmt: skip
def test_what_is_drawn_with_a_response_integrated_out(more, coefficients, scale):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({name: rng.integers(1, 4, 50).astype(float) for name in ("y0", "y1", "y2")})
    table["x"], table["z"] = rng.normal(size=(2, 50))
    script = FACTOR.format(more) if "@a" not in more else f"ORDINAL: y0:y2; LATENT: f; MODEL: f ~ x; {more} f -> y2;"
    model = resolve(script, table)
    steps = {each.response.variable: each for each in plan(model).response_steps}
    assert {name: steps[name].coefficients for name in coefficients} == coefficients
    assert (None if steps["y0"].scale is None else dict(steps["y0"].scale.parameters)) == scale
    assert all(each.scale is None for name, each in steps.items() if name != "y0")
    assert not any(each.scale for each in plan(model, moves=False).response_steps)
    plain = plan(model, collapsed=False).response_steps
    assert not any(each.scale or each.coefficients for each in plain)
    assert [len(each.thresholds) for each in plain] == [1, 1, 1]


def test_explain_says_why_latent_variables_are_given() -> None:
    rng = np.random.default_rng(5)
    items = {f"x{k}": np.where(rng.random(300) < 0.4, np.nan, rng.normal(size=300)) for k in range(1, 8)}
    complete = {name: np.where(np.isnan(each), 0.1, each) for name, each in items.items()}
    measured = "LATENT: eta; MODEL: eta -> x1:x7;"
    # With fixed loadings many outcomes alone are no reason.
    equal = "LATENT: eta; MODEL: { k in 1:7 } : x[k] ~ 1 eta@1;"

    def words(script: str, data: dict[str, np.ndarray]) -> str:
        return " ".join(str(plan(resolve(script, data))).split())

    assert "'eta': rows differ in " in words(equal, items)
    assert "'eta':" not in words(equal, complete)
    assert "'eta': more than 3 outcomes, most of them with free loadings" in words(measured, items)
    assert "'eta': more than 3 outcomes, most of them with free loadings" in words(measured, complete)
    assert "'eta': in a power, a function" in words(measured.replace("x7", "x6; x7 ~ eta eta*x6"), complete)


def test_draws_of_one_kind_share_their_reason() -> None:
    rng = np.random.default_rng(6)
    frame = {name: np.where(rng.random(60) < 0.1, np.nan, rng.normal(size=60)) for name in ("y", "x", "w")}
    text = str(plan(resolve("MODEL: y ~ x; x ~ w; w ~ 1;", frame)))
    assert text.count("residual variance of normal equations: inverse gamma; 3 draws, one after the other") == 1
    assert max(map(len, text.splitlines())) <= 118
