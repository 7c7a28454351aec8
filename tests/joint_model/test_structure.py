"""`~~` blocks, default predictor models, centering, priors: values of resolved models."""

from __future__ import annotations

import pytest
from joint_model.simulated import resolved, table

from blimp2pymc.joint_model.ir import (
    FLAT,
    NO_PRIOR,
    Apply,
    Column,
    Constant,
    Equation,
    JointBlock,
    Model,
    Parameter,
    ParameterKind,
    ParameterReference,
    Prior,
    Role,
    Term,
)

ONE = Constant(1.0)
BLOCK = Prior("block")


def codes(model: Model) -> set[str]:
    return {note.code for note in model.notes}


# ---------------------------------------------------------------- covariances


def test_pair_of_variables_without_equations() -> None:
    model = resolved("MODEL: y ~ x1 x2; x2 ~~ x1@r")
    assert model.equation_of[Column("x1")].terms == (Term("Intercept", "x1 ~ Intercept", ONE),)
    assert model.blocks == (
        JointBlock((Column("x1"), Column("x2")), {(0, 1): "r"}, (0.0, 0.0), -3.0, order=3),
    )  # fmt: skip
    assert model.parameters["r"] == Parameter("r", ParameterKind.CORRELATION, BLOCK, label="r")
    assert model.parameters["x1 residual variance"].prior == BLOCK
    assert model.parameters["y residual variance"].prior == Prior("inverse_gamma", (-1.0, 0.0))
    assert model.fixed_predictors == ()
    assert not [each for each in model.equations if each.role is Role.PREDICTOR]


@pytest.mark.parametrize("script", ["m1 ~~ m2; m2 ~~ y; m1 ~~ y", "m1 m2 y ~~ m1 m2 y", "m1 m2 ~~ y; m1 ~~ m2"])
def test_clique_is_one_block(script: str) -> None:
    (block,) = resolved(f"MODEL: {script}").blocks
    assert block.members == (Column("m1"), Column("m2"), Column("y"))
    assert block.correlations == {(0, 1): "m1 ~~ m2", (0, 2): "m1 ~~ y", (1, 2): "m2 ~~ y"}
    assert block.degrees_of_freedom == -4.0


def test_disjoint_pairs_stay_apart() -> None:
    blocks = resolved("MODEL: m1 ~~ m2; x1 ~~ x2").blocks
    assert [each.name for each in blocks] == ["m1 m2 <-> m1 m2", "x1 x2 <-> x1 x2"]


@pytest.mark.parametrize("script", ["m1 ~~ m2; m2 ~~ y", "m1 m2 y ~~ m1 m2 y; m1 ~~ y@0"])
def test_absent_pair_is_a_zero_and_said(script: str) -> None:
    model = resolved(f"MODEL: {script}")
    (block,) = model.blocks
    assert set(block.correlations) == {(0, 1), (1, 2)}
    assert "zero-correlations" in codes(model)


@pytest.mark.parametrize(
    ("option", "scale", "degrees_of_freedom", "variance"),
    [("prior1", 1.0, 3.0, (1.0, 0.5)), ("prior2", 0.0, -3.0, (-1.0, 0.0)), ("prior3", 0.0, 0.0, (0.0, 0.0))],
)
def test_prior_families(option: str, scale: float, degrees_of_freedom: float, variance: tuple[float, float]) -> None:
    model = resolved(f"OPTIONS: {option}; MODEL: y ~ x3; m1 ~~ m2")
    assert (model.blocks[0].scale, model.blocks[0].degrees_of_freedom) == ((scale, scale), degrees_of_freedom)
    assert model.parameters["y residual variance"].prior == Prior("inverse_gamma", variance)


# ---------------------------------------------------------------- predictors


def test_complete_uncentered_predictors_are_fixed_and_said() -> None:
    model = resolved("ORDINAL: d; MODEL: y ~ x3 d")
    assert model.fixed_predictors == ("x3", "d")
    assert "fixed-automatically" in codes(model)


def test_one_incomplete_predictor() -> None:
    model = resolved("FIXED: d; MODEL: y ~ x1 d")
    mean = float(table()["d"].mean())
    assert model.equations[0] == Equation(
        Column("x1"),
        "normal",
        (Term("Intercept", "x1 mean", ONE), Term("d", "x1 ~ d", Apply("-", (Column("d"), Constant(mean))))),
        "x1 residual variance",
        role=Role.PREDICTOR,
        order=1,
    )
    assert model.parameters["x1 residual variance"].prior == Prior("inverse_gamma", (1.0, 0.5))
    assert model.parameters["x1 mean"] == Parameter("x1 mean", ParameterKind.MEAN, FLAT)
    assert model.blocks == ()
    assert model.fixed_predictors == ("d",)


def test_an_incomplete_predictor_has_complete_ones_modelled_too() -> None:
    model = resolved("MODEL: y ~ x3 x1 x2")
    block = JointBlock(
        (Column("x1"), Column("x2"), Column("x3")),
        {(0, 1): "x1 ~~ x2", (0, 2): "x1 ~~ x3", (1, 2): "x2 ~~ x3"},
        (1.0, 1.0, 1.0),
        0.0,
        role=Role.PREDICTOR,
        order=4,
    )
    assert model.blocks == (block,)
    assert model.fixed_predictors == ()
    assert [model.parameters[f"x{k} residual variance"].prior for k in (1, 2, 3)] == [BLOCK] * 3


def test_predictors_inside_products_and_definitions_count() -> None:
    model = resolved("FIXED: d; MODEL: total = x1 + x2; y ~ total*d")
    assert [each.name for each in model.equations] == ["x1", "x2", "y"]


# ---------------------------------------------------------------- centering


def test_centering_at_the_estimated_mean() -> None:
    model = resolved("CENTER: x1; FIXED: d; MODEL: y ~ x1 x1*d x1^2")
    centered = Apply("-", (Column("x1"), ParameterReference("x1 mean")))
    assert [each.expression for each in model.equation_of[Column("y")].terms[1:]] == [
        centered, Apply("*", (centered, Column("d"))), Apply("^", (centered, Constant(2.0))),
    ]  # fmt: skip
    assert [each.name for each in model.equation_of[Column("y")].terms] == ["Intercept", "x1", "x1*d", "x1^2"]
    assert model.centered == {Column("x1"): ParameterReference("x1 mean")}


@pytest.mark.parametrize("keyword", ["grandmean = x3", "cgm = x3", "x3"])
def test_centered_complete_predictor_is_modelled(keyword: str) -> None:
    model = resolved(f"CENTER: {keyword}; MODEL: y ~ x3")
    assert [each.name for each in model.equations if each.role is Role.PREDICTOR] == ["x3"]


def test_fixed_predictor_is_centered_at_its_observed_mean() -> None:
    model = resolved("CENTER: d; FIXED: d; MODEL: y ~ d")
    mean = Constant(float(table()["d"].mean()))
    assert model.centered == {Column("d"): mean}
    assert model.equation_of[Column("y")].terms[1].expression == Apply("-", (Column("d"), mean))
    assert "observed-mean" in codes(model)


def test_centered_outcome_has_a_means_model() -> None:
    model = resolved("CENTER: m1; MODEL: y ~ m1; m1 ~ x3; y2 ~ m1")
    (means,) = [each for each in model.equations if each.role is Role.MEANS]
    assert means == Equation(
        Column("m1"), "normal", (Term("Intercept", "m1 mean", ONE),), "m1 mean variance", role=Role.MEANS, order=4
    )
    assert model.parameters["m1 mean variance"].prior == Prior("inverse_gamma", (1.0, 0.5))
    assert model.equation_of[Column("m1")].terms[1].expression == Column("x3")
    assert [each.name for each in model.equations] == ["m1", "m1", "y", "y2"]


def test_centering_leaves_a_defined_variable_alone_and_says_so() -> None:
    model = resolved("CENTER: x1 x2; MODEL: total = x1:+:x2; y ~ total x1; x1 x2 ~ 1")
    total = Apply("+", (Column("x1"), Column("x2")))
    expressions = [term.expression for term in model.equation_of[Column("y")].terms]
    assert Apply("-", (Column("x1"), ParameterReference("x1 mean"))) in expressions
    assert total in expressions
    assert model.defined == {"total": total}
    assert {column.variable for column in model.centered} == {"x1", "x2"}
    assert "uncentered-definition" in codes(model)


def test_outcome_role_is_never_centered() -> None:
    model = resolved("CENTER: m1; MODEL: y ~ m1; m1 ~ x3")
    assert model.equation_of[Column("m1")].outcome == Column("m1")


def test_idle_centering_is_said() -> None:
    assert "idle-centering" in codes(resolved("CENTER: x1; MODEL: y ~ x3"))


# ---------------------------------------------------------------- priors of PARAMETERS


@pytest.mark.parametrize(
    ("statement", "prior"),
    [
        ("b ~ normal(1, .25);", Prior("normal", (1.0, 0.25), source="user")),
        ("b ~ truncate(0, Inf);", Prior("flat", (), 0.0, float("inf"), "user")),
        ("b ~ normal(1, .25); b ~ trunc(0, 2);", Prior("normal", (1.0, 0.25), 0.0, 2.0, "user")),
        ("b ~ trunc(-Inf, 2); b ~ normal(1, .25);", Prior("normal", (1.0, 0.25), -float("inf"), 2.0, "user")),
        ("b ~ uniform(-1, 1);", Prior("flat", (), -1.0, 1.0, "user")),
        ("v ~ truncate(0, 4);", Prior("inverse_gamma", (-1.0, 0.0), 0.0, 4.0, "user")),
        ("v ~ uniform(1, 4);", Prior("inverse_gamma", (-1.0, 0.0), 1.0, 4.0, "user")),
        ("v ~ invgamma(2, 3);", Prior("inverse_gamma", (2.0, 3.0), source="user")),
    ],
)
def test_stated_prior(statement: str, prior: Prior) -> None:
    model = resolved(f"MODEL: y ~ x3@b; y@v; PARAMETERS: {statement}")
    assert model.parameters[statement[0]].prior == prior


def test_definition_of_a_label_sets_the_parameter() -> None:
    model = resolved("MODEL: y ~ x3@a x4@b; PARAMETERS: b = 2*a")
    definition = Apply("*", (Constant(2.0), ParameterReference("a")))
    assert model.parameters["b"] == Parameter("b", ParameterKind.SLOPE, NO_PRIOR, definition=definition, label="b")
    assert model.quantities == ()


def test_every_prior_is_proper_on_request() -> None:
    model = resolved("CENTER: x1 m1; MODEL: y ~ x1 x2 x3; m1 ~~ m2; y2 ~ m1", priors="proper")
    # A Means Model takes nothing from its prior: given a column, its posterior is proper without one.
    of_means = {
        name
        for each in model.equations
        if each.role is Role.MEANS
        for name in (each.terms[0].coefficient, each.residual_variance)
    }
    assert len(of_means) == 2
    for name, each in model.parameters.items():
        if name in of_means:
            continue
        assert each.prior.distribution in ("normal", "inverse_gamma", "block")
        if each.prior.distribution == "inverse_gamma":
            assert each.prior.arguments[0] == 1.0
            assert each.prior.arguments[1] > 0
    for block in model.blocks:
        assert block.degrees_of_freedom == len(block.members) + 1
        variances = [float(table()[member.variable].var()) for member in block.members]
        assert block.scale == pytest.approx(variances)


def test_proper_slope_is_ten_standard_deviations_wide() -> None:
    data = table()
    prior = resolved("MODEL: y ~ x3", priors="proper").parameters["y ~ x3"].prior
    assert prior.arguments == pytest.approx((0.0, 100 * data["y"].var() / data["x3"].var()))


def test_stated_prior_wins_over_the_proper_default() -> None:
    model = resolved("MODEL: y ~ x3@b; PARAMETERS: b ~ normal(0, 2)", priors="proper")
    assert model.parameters["b"].prior == Prior("normal", (0.0, 2.0), source="user")
