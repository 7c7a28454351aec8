"""Outcomes with categories: their families, the parameters they bring, and the formulas they are shown with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from joint_model.simulated import table

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.describe import describe
from blimp2pymc.joint_model.ir import Column, Form, Model, ParameterKind, ParameterReference, Prior
from blimp2pymc.joint_model.latex import latex
from blimp2pymc.joint_model.resolve import resolve

WEAK = Prior("normal", (0.0, 5.0))


def data() -> pd.DataFrame:
    """The shared table with `o`, ordinal with the codes 2, 4, 5 and 9, and `two`, with the codes 1 and 2."""
    frame = table()
    frame["o"] = np.array([2.0, 4.0, 5.0, 9.0])[np.arange(len(frame)) * 7 % 4]
    frame["two"] = 1.0 + (np.arange(len(frame)) * 3 % 5 > 2)
    frame.loc[3::11, "o"] = np.nan
    return frame


def resolved(script: str, **options: str) -> Model:
    return resolve(script, data(), **options)


def test_ordinal_outcome_has_thresholds_of_which_the_first_is_fixed() -> None:
    model = resolved("ORDINAL: o; MODEL: o ~ x3;")
    equation = model.equation_of[Column("o")]
    assert equation.family == "probit"
    assert equation.thresholds == ("o threshold 1", "o threshold 2", "o threshold 3")
    thresholds = [model.parameters[name] for name in equation.thresholds]
    assert {each.kind for each in thresholds} == {ParameterKind.THRESHOLD}
    assert [each.fixed for each in thresholds] == [0.0, None, None]
    assert thresholds[1].prior.distribution == "flat"


def test_residual_variance_of_a_latent_response_is_one_and_its_coefficients_have_weak_priors() -> None:
    model = resolved("ORDINAL: o d; LATENT: f; MODEL: o ~ x3 d; f -> d@l o y;")
    equation = model.equation_of[Column("o")]
    assert model.parameters[equation.residual_variance or ""].fixed == 1.0
    assert {model.parameters[name].prior for name in ("o ~ Intercept", "o ~ x3", "o ~ d", "l", "o ~ f")} == {WEAK}
    assert model.parameters["y ~ f"].prior.distribution == "flat"


def test_binary_outcome_has_one_threshold_whatever_its_codes() -> None:
    for name in ("d", "two"):
        model = resolved(f"ORDINAL: {name}; MODEL: probit({name}) ~ x3;")
        assert model.equation_of[Column(name)].thresholds == (f"{name} threshold 1",)


def test_label_shared_with_a_normal_equation_keeps_the_weak_prior() -> None:
    for text in ("y ~ x3@b; d ~ x3@b;", "d ~ x3@b; y ~ x3@b;"):
        assert resolved(f"ORDINAL: d; MODEL: {text}").parameters["b"].prior == WEAK


def test_variance_of_one_may_be_said_and_no_other() -> None:
    resolved("ORDINAL: o; MODEL: o ~ x3; o@1;")
    for other in ("o@2", "o@v", "o ~~ o@v"):
        with pytest.raises(BlimpError, match="'o' has categories: the residual variance") as caught:
            resolved(f"ORDINAL: o; MODEL: o ~ x3; {other};")
        assert [each.code for each in caught.value.findings] == ["unit-residual-variance"]


def test_correlated_latent_responses() -> None:
    model = resolved("ORDINAL: o d; MODEL: o ~ x3; d ~ x3; o ~~ d@r;")
    (block,) = model.blocks
    assert block.correlations == {(0, 1): "r"}
    assert model.parameters["r"].prior.distribution == "block"


def test_proper_priors_leave_the_coefficients_and_give_thresholds_one() -> None:
    model = resolved("ORDINAL: o; MODEL: o ~ x3;", priors="proper")
    assert model.parameters["o ~ x3"].prior == WEAK
    assert model.parameters["o threshold 2"].prior == WEAK
    assert model.parameters["o threshold 1"].fixed == 0.0


def test_formulas_show_the_cut() -> None:
    model = resolved("ORDINAL: o; MODEL: o ~ x3;")
    assert (
        "o.latent = b1.0 + b1.1*x3 + e1,  e1 ~ normal(0, 1);  o = 2 up to 0, 4 up to t1.2, 5 up to t1.3, 9 above"
        in describe(model)
    )
    assert "flat on the ordered values" in describe(model)
    assert r"4 \text{ if } \mathit{o}^* \leq \tau_{1, 2}" in latex(model)


# ---------------------------------------------------------------- nominal outcomes and logit


def test_nominal_outcome_has_an_equation_for_every_code_but_the_reference() -> None:
    model = resolved("NOMINAL: n(2); MODEL: n ~ x3;")
    equations = [each for each in model.equations if each.name == "n"]
    assert [each.outcome for each in equations] == [Column("n", Form.DUMMY, 1.0), Column("n", Form.DUMMY, 3.0)]
    assert {each.family for each in equations} == {"logit"}
    assert [term.coefficient for term in equations[1].terms] == ["n.3 ~ Intercept", "n.3 ~ x3"]
    assert {each.residual_variance for each in equations} == {None}
    assert {model.parameters[term.coefficient].prior for term in equations[0].terms} == {WEAK}


def test_lowest_code_is_the_reference_unless_one_is_named() -> None:
    assert Column("n", Form.DUMMY, 1.0) not in resolved("NOMINAL: n; MODEL: n ~ x3;").equation_of


def test_nominal_outcome_enters_other_equations_as_dummies() -> None:
    model = resolved("NOMINAL: n; MODEL: n ~ x3; y ~ n;")
    assert [term.name for term in model.equation_of[Column("y")].terms] == ["Intercept", "n.2", "n.3"]
    assert [each.name for each in model.equations] == ["n", "n", "y"]


def test_binary_logit() -> None:
    for name, code in (("d", 1.0), ("two", 2.0)):
        model = resolved(f"ORDINAL: {name}; MODEL: logit({name}) ~ x3@b;")
        (equation,) = (each for each in model.equations if each.name == name)
        assert (equation.family, equation.outcome) == ("logit", Column(name, Form.DUMMY, code))
        assert (equation.thresholds, equation.residual_variance, equation.written) == ((), None, f"logit({name})")
        assert [term.coefficient for term in equation.terms] == [f"logit({name}) ~ Intercept", "b"]


def test_logit_indicators_of_a_latent_variable() -> None:
    model = resolved("ORDINAL: d two; LATENT: f; MODEL: f@1; logit(d) ~ f@l; logit(two) ~ f; f -> y@m;")
    assert [each.family for each in model.equations] == ["normal", "logit", "logit", "normal"]
    assert model.parameters["l"].kind is ParameterKind.LOADING


def test_labels_are_for_single_coefficients() -> None:
    resolved("NOMINAL: two; MODEL: two ~ x3@b;")
    resolved("NOMINAL: n; MODEL: n ~ x3@0;")
    with pytest.raises(BlimpError, match="the label 'b' would name 2 coefficients"):
        resolved("NOMINAL: n; MODEL: n ~ x3@b;")


def test_nominal_outcome_with_latent_responses() -> None:
    model = resolved("NOMINAL: n; MODEL: probit(n) ~ x3;")
    equations = [each for each in model.equations if each.name == "n"]
    assert {each.family for each in equations} == {"multinomial_probit"}
    (block,) = model.blocks
    assert block.members == tuple(each.outcome for each in equations)
    assert model.parameters["n.2 ~~ n.3"].fixed == 0.5


def test_smaller_nominal_equation_tests_all_its_codes() -> None:
    (test,) = resolved("NOMINAL: n; MODEL: n ~ x3 x4; WALDTEST: n ~ x3;").wald_tests
    assert test.contrasts == (ParameterReference("n.2 ~ x4"), ParameterReference("n.3 ~ x4"))


def test_smaller_logit_equation() -> None:
    for left in ("d", "logit(d)"):
        (test,) = resolved(f"ORDINAL: d; MODEL: logit(d) ~ x3 x4; WALDTEST: {left} ~ x3;").wald_tests
        assert test.contrasts == (ParameterReference("logit(d) ~ x4"),)


def test_formulas_show_odds() -> None:
    text = describe(resolved("NOMINAL: n; MODEL: n ~ x3;"))
    assert "f(n | x3)" in text
    assert "ln(P(n = 2) / P(n = 1)) = b1.0 + b1.1*x3" in text
    assert r"\frac{P(\mathit{n} = 2)}{P(\mathit{n} = 1)}" in latex(resolved("NOMINAL: n; MODEL: n ~ x3;"))


# ---------------------------------------------------------------- counts


def test_count_outcome() -> None:
    model = resolved("COUNT: count; MODEL: count ~ x3;")
    equation = model.equation_of[Column("count")]
    assert (equation.family, equation.residual_variance) == ("negative_binomial", None)
    dispersion = model.parameters[equation.dispersion or ""]
    assert (dispersion.name, dispersion.kind) == ("count dispersion", ParameterKind.DISPERSION)
    assert dispersion.prior == Prior("flat", lower=0.0)
    assert model.parameters["count ~ x3"].prior == WEAK
    assert "variance mean + a1*mean^2" in describe(model)


def test_proper_prior_of_a_dispersion() -> None:
    prior = resolved("COUNT: count; MODEL: count ~ x3;", priors="proper").parameters["count dispersion"].prior
    assert (prior.distribution, prior.lower) == ("gamma", 0.0)


def test_priors_of_the_user_replace_and_bounds_restrict_the_weak_one() -> None:
    model = resolved(
        "ORDINAL: d; MODEL: d ~ x3@a x4@b; PARAMETERS: a ~ normal(1, 2); b ~ truncate(0, Inf);"
    )  # fmt: skip
    assert model.parameters["a"].prior == Prior("normal", (1.0, 2.0), source="user")
    assert model.parameters["b"].prior == Prior("normal", (0.0, 5.0), lower=0.0, source="user")


def test_chain_of_mixed_outcomes() -> None:
    model = resolved("ORDINAL: d; NOMINAL: n; COUNT: count; MODEL: y n d count ~ x3;")
    assert [each.name for each in model.equations] == ["count", "d", "n", "n", "y"]
    assert [term.name for term in model.equation_of[Column("y")].terms] == [
        "Intercept", "n.2", "n.3", "d", "count", "x3",
    ]  # fmt: skip


def test_means_model_is_no_equation_whose_variance_could_be_asked_for() -> None:
    script = "ORDINAL: d; CENTER: d; MODEL: logit(d) ~ x3; y ~ d; PARAMETERS: v = d.totalvar;"
    with pytest.raises(BlimpError, match="has a logit equation, which has no residual variance"):
        resolved(script)
