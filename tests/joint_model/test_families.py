"""Outcomes with categories: their families, the parameters they bring, and the formulas they are shown with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from joint_model.simulated import table

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.describe import describe, latex
from blimp2pymc.joint_model.ir import Column, Model, ParameterKind, Prior
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
