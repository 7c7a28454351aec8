"""Blocks of `~~` with zero, fixed, equal, defined and bounded elements; what `priors="proper"` leaves."""

from __future__ import annotations

import numpy as np
import pytest
from joint_model.simulated import resolved

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.block_structure import UNIT_POWER, starting_correlations
from blimp2pymc.joint_model.ir import NO_PRIOR, Model, Prior, Role
from blimp2pymc.joint_model.priors import is_proper

BLOCK = Prior("block")
FLAT_VARIANCE = Prior("inverse_gamma", (-1.0, 0.0))
UNIFORM = Prior("uniform", (-1.0, 1.0))


def priors(model: Model, *names: str) -> list[Prior]:
    return [model.parameters[name].prior for name in names]


def codes(model: Model) -> set[str]:
    return {note.code for note in model.notes}


def test_free_elements_keep_the_prior_of_the_block() -> None:
    model = resolved("MODEL: m1 ~~ m2@r; m1@v; y ~ x3@b; PARAMETERS: b = v + r;")
    assert priors(model, "v", "m2 residual variance", "r") == [BLOCK] * 3
    assert not codes(model) & {"structured-block", "unit-variances"}


def test_a_modelled_variance_leaves_the_correlation_of_standardized_residuals() -> None:
    model = resolved("MODEL: m1 ~~ m2@r; var(m1) ~ x3; y ~ x3;")
    assert priors(model, "m2 residual variance", "r") == [FLAT_VARIANCE, UNIFORM]
    (note,) = [each for each in model.notes if each.code == "row-covariances"]
    assert note.message.startswith("the residual variance of m1 has predictors, so that '~~' of m1 and m2 means")
    model = resolved("MODEL: m1 ~~ m2; var(m1) ~ x3; var(m2) ~ 1; OPTIONS: use_phantom;")
    assert "phantom" not in codes(model)
    assert any(each.message.startswith("the residual variances of m1 and m2 have") for each in model.notes)


def test_proper_priors_of_a_block_with_a_modelled_variance() -> None:
    model = resolved("MODEL: m1 ~~ m2@r; var(m1) ~ x3;", priors="proper")
    assert all(is_proper(each.prior) for each in model.parameters.values() if each.is_free)


def test_bounds_restrict_the_prior_of_the_block() -> None:
    model = resolved("MODEL: m1 ~~ m2@r; m1@v; PARAMETERS: v ~ truncate(0.5, 2); r ~ truncate(0, Inf);")
    assert priors(model, "v", "r") == [Prior("block", (), 0.5, 2.0, "user"), Prior("block", (), 0.0, np.inf, "user")]
    assert model.blocks[0].degrees_of_freedom == -3.0
    assert "structured-block" not in codes(model)


@pytest.mark.parametrize(
    "statements",
    [
        "m1@1; m1 ~~ m2@r",  # a fixed variance
        "m1@v; m1 ~~ m2@r; m2@v",  # equal variances
        "m1@v; m1 ~~ m2@r; y ~ x3; y@v",  # shared with an equation outside
        "y ~ x3; y@v; m1@v; m1 ~~ m2@r",  # the same, outside first
        "m1 ~~ m2@r; m2 ~~ y",  # a zero
        "m1 ~~ m2@.4; m2 ~~ y@r; m1 ~~ y@s",  # a fixed correlation
        "m1 ~~ m2@r; m2 ~~ y@r; m1 ~~ y",  # equal correlations
    ],
)
@pytest.mark.parametrize(("option", "shape"), [("prior1", (1.0, 0.5)), ("prior2", (-1.0, 0.0)), ("prior3", (0.0, 0.0))])
def test_structured_blocks_have_separate_priors(statements: str, option: str, shape: tuple[float, float]) -> None:
    model = resolved(f"OPTIONS: {option}; MODEL: {statements}")
    (block,) = model.blocks
    for member in block.members:
        parameter = model.parameters[str(model.equation_of[member].residual_variance)]
        assert parameter.prior == (Prior("inverse_gamma", shape) if parameter.fixed is None else NO_PRIOR)
    for name in block.correlations.values():
        parameter = model.parameters[name]
        assert parameter.prior == (UNIFORM if parameter.fixed is None else NO_PRIOR)
    assert model.parameters["r"].is_free
    assert "structured-block" in codes(model)


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        ("v ~ gamma(2, 1)", Prior("gamma", (2.0, 1.0), source="user")),
        ("v ~ invgamma(2, 1)", Prior("inverse_gamma", (2.0, 1.0), source="user")),
        ("v ~ normal(1, 2)", Prior("normal", (1.0, 2.0), source="user")),
    ],
)
def test_a_prior_of_an_element_separates_the_others(prior: str, expected: Prior) -> None:
    model = resolved(f"MODEL: m1 ~~ m2@r; m1@v; PARAMETERS: {prior}; r ~ truncate(0, 1);")
    bounded = Prior("uniform", (-1.0, 1.0), 0.0, 1.0, "user")
    assert priors(model, "v", "m2 residual variance", "r") == [expected, FLAT_VARIANCE, bounded]


def test_definitions_of_elements() -> None:
    model = resolved("MODEL: m1@v; m2@u; m1 ~~ m2@r; y ~ x3@b; PARAMETERS: u = 2*v; r = b/10;")
    assert not model.parameters["u"].is_free
    assert not model.parameters["r"].is_free
    assert priors(model, "v") == [FLAT_VARIANCE]


@pytest.mark.parametrize(
    ("statements", "size"), [("m1@1; m2@2; m1 ~~ m2", 2), ("m1@1; m2@1; y@1; m1 m2 y ~~ m1 m2 y; m1 ~~ y@.2", 3)]
)
@pytest.mark.parametrize("option", ["prior1", "prior2", "prior3"])
def test_fixed_variances_leave_a_density_of_correlations(statements: str, size: int, option: str) -> None:
    model = resolved(f"OPTIONS: {option}; MODEL: {statements}")
    (block,) = model.blocks
    assert not any(block.scale)
    # The density is |R|^(-(d + p + 1)/2).
    assert -(block.degrees_of_freedom + size + 1) / 2 == UNIT_POWER
    free = [name for name in block.correlations.values() if model.parameters[name].is_free]
    assert priors(model, *free) == [BLOCK] * len(free)
    assert "unit-variances" in codes(model)


def test_starting_correlations_are_positive_definite() -> None:
    model = resolved("MODEL: m1 ~~ m2@.9; m2 ~~ y@.9; m1 ~~ y@r; y ~~ y2@s; PARAMETERS: s ~ truncate(.3, .9);")
    (block,) = model.blocks
    values = starting_correlations(block, model.parameters)
    assert values is not None
    assert 0.62 < values["r"] < 1
    assert 0.3 < values["s"] < 0.9
    model = resolved("MODEL: m1 ~~ m2; m2 ~~ y")
    assert starting_correlations(model.blocks[0], model.parameters) == {"m1 ~~ m2": 0.0, "m2 ~~ y": 0.0}


def test_values_just_inside_and_outside_the_positive_definite_ones() -> None:
    # With .6 and .6 the third correlation lies between .72 - .64 and .72 + .64.
    resolved("MODEL: m1 ~~ m2@.6; m2 ~~ y@.6; m1 ~~ y@-.27;")
    with pytest.raises(BlimpError) as caught:
        resolved("MODEL: m1 ~~ m2@.6; m2 ~~ y@.6; m1 ~~ y@-.29;")
    assert [each.code for each in caught.value.findings] == ["not-positive-definite"]


@pytest.mark.parametrize(
    "script",
    [
        "MODEL: y ~ x1 x2 x3; m1 ~~ m2",
        "CENTER: m1; MODEL: m1 ~ x1; y ~ m1 m1*x2",
        "MODEL: m1@1; m2@1; m1 ~~ m2; y ~ x1",
        "MODEL: m1@v; m2@v; m1 ~~ m2; y@v; y ~ x3@b; y2 ~ x3@b",
        "MODEL: m1 ~~ m2; m2 ~~ y; y ~ x1",
        "OPTIONS: prior3 xprior2; MODEL: y ~ x1 x2; m1 ~~ m2@r; m1@v; PARAMETERS: v ~ truncate(1, Inf);",
        """MODEL: y ~ x3@b x4@c; y@v; y2 ~ x3@f x4@g; y2@u;
        PARAMETERS: b ~ truncate(0, Inf); c ~ uniform(0, Inf); v ~ invgamma(-1, 0); v ~ truncate(1, Inf);
        f ~ gamma(2, 1); g ~ normal(0, Inf); u ~ invgamma(0, 0);""",
    ],
)
def test_proper_priors_are_proper(script: str) -> None:
    model = resolved(script, priors="proper")
    means = [each for each in model.equations if each.role is Role.MEANS]
    # A Means Model describes a column and is no factor of its density.
    cut = {name for each in means for name in (each.residual_variance, each.terms[0].coefficient)}
    improper = [
        name
        for name, each in model.parameters.items()
        if each.is_free and name not in cut and not (each.prior.distribution == "block" or is_proper(each.prior))
    ]
    assert improper == []
    for block in model.blocks:
        size = len(block.members)
        variances = [model.parameters[str(model.equation_of[member].residual_variance)] for member in block.members]
        if any(each.prior.distribution == "block" for each in variances):
            assert min(block.scale) > 0
            assert block.degrees_of_freedom > size - 1


def test_proper_priors_keep_bounds_and_proper_statements() -> None:
    model = resolved(
        """MODEL: y ~ x3@b x4@c; y2 ~ x3@f; y2@u;
        PARAMETERS: b ~ truncate(0, Inf); c ~ cauchy(0, 1); f ~ truncate(-1, 1); u ~ truncate(1, Inf);""",
        priors="proper",
    )
    b, c, f, u = priors(model, "b", "c", "f", "u")
    assert (b.distribution, b.lower, b.upper) == ("normal", 0.0, np.inf)
    assert c == Prior("cauchy", (0.0, 1.0), source="user")
    assert f == Prior("flat", (), -1.0, 1.0, "user")
    assert (u.distribution, u.arguments[0], u.lower) == ("inverse_gamma", 1.0, 1.0)


@pytest.mark.parametrize(
    ("option", "one", "three"),
    [
        ("", (1.0, 0.5), (1.0, 0.0)),
        ("OPTIONS: xprior1;", (1.0, 0.5), (1.0, 0.0)),
        ("OPTIONS: xprior2 hov;", (-1.0, 0.0), (0.0, -4.0)),
        ("OPTIONS: xprior3;", (0.0, 0.0), (0.0, -2.0)),
    ],
)
def test_predictor_prior_families(option: str, one: tuple[float, float], three: tuple[float, float]) -> None:
    """(a, b) of a single predictor; diagonal of the scale and degrees of freedom of three."""
    single = resolved(f"{option} MODEL: y ~ x1;")
    assert priors(single, "x1 residual variance") == [Prior("inverse_gamma", one)]
    assert priors(single, "y residual variance") == [FLAT_VARIANCE]
    (block,) = resolved(f"{option} MODEL: y ~ x1 x2 m1;").blocks
    assert (block.scale[0], block.degrees_of_freedom) == three
    centered = resolved(f"{option} CENTER: m1; MODEL: m1 ~ x3; y ~ m1;")
    assert priors(centered, "m1 mean variance") == [Prior("inverse_gamma", one)]


@pytest.mark.parametrize(
    ("script", "reasons"),
    [
        ("m1 ~~ m2; m2 ~~ y", "zero elements"),
        ("m1 ~~ m2@0.3", "fixed elements"),
        ("m1 ~~ m2@r; m1 ~~ y@r; m2 ~~ y@0", "zero and equal elements"),
        ("m1 ~~ m2@r; PARAMETERS: r ~ normal(0, 1)", "elements with priors of their own"),
        ("m1 ~~ m2@r; m1@v; y@v; PARAMETERS: r = 0.1*v", "defined and equal elements"),
    ],
)
def test_the_note_on_a_structured_block_says_what_it_has(script: str, reasons: str) -> None:
    (note,) = [each for each in resolved(f"MODEL: {script}").notes if each.code == "structured-block"]
    assert f" has {reasons}: its free variances" in note.message
