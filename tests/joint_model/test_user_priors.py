"""Priors that PARAMETERS states: how each distribution is read, combined, described, and noted as an extension."""

from __future__ import annotations

import numpy as np
import pytest
from joint_model.simulated import resolved

from blimp2pymc.joint_model.describe import parameter_rows
from blimp2pymc.joint_model.ir import Model, Prior
from blimp2pymc.joint_model.priors import is_proper


def model_with(statement: str) -> Model:
    return resolved(f"MODEL: y ~ x3@b; y@v; m1 ~~ m2@r; PARAMETERS: {statement}")


@pytest.mark.parametrize(
    ("statement", "prior"),
    [
        ("b ~ gamma(2, 3);", Prior("gamma", (2.0, 3.0), 0.0, np.inf, "user")),
        ("b ~ normal(1/2, 2^2);", Prior("normal", (0.5, 4.0), source="user")),
        ("b ~ truncate(-exp(0), Inf);", Prior("flat", (), -1.0, np.inf, "user")),
        ("v ~ gamma(2, 3);", Prior("gamma", (2.0, 3.0), source="user")),
        ("b ~ invgamma(2, 3);", Prior("inverse_gamma", (2.0, 3.0), 0.0, np.inf, "user")),
        ("b ~ beta(2, 3);", Prior("beta", (2.0, 3.0), 0.0, 1.0, "user")),
        ("v ~ beta(2, 3);", Prior("beta", (2.0, 3.0), -np.inf, 1.0, "user")),
        ("r ~ beta(2, 3);", Prior("beta", (2.0, 3.0), 0.0, np.inf, "user")),
        ("b ~ cauchy(-1, 3);", Prior("cauchy", (-1.0, 3.0), source="user")),
        ("b ~ Cauchy(0, 3); b ~ truncate(0, Inf); b ~ trunc(-1, 5);", Prior("cauchy", (0.0, 3.0), 0.0, 5.0, "user")),
        ("b ~ truncate(.2, Inf); b ~ gamma(2, 3);", Prior("gamma", (2.0, 3.0), 0.2, np.inf, "user")),
        ("v ~ normal(1, 4);", Prior("normal", (1.0, 4.0), source="user")),
        ("r ~ normal(.3, .1);", Prior("normal", (0.3, 0.1), source="user")),
        ("r ~ uniform(0, .5);", Prior("flat", (), 0.0, 0.5, "user")),
        ("b ~ normal(0, Inf);", Prior("flat", source="user")),
        ("v ~ normal(0, Inf); v ~ truncate(1, 2);", Prior("inverse_gamma", (-1.0, 0.0), 1.0, 2.0, "user")),
    ],
)
def test_reading(statement: str, prior: Prior) -> None:
    assert model_with(statement).parameters[statement[0]].prior == prior


@pytest.mark.parametrize("statement", ["b ~ normal(0, 1);", "b ~ truncate(0, 1);", "v ~ trunc(1, 2);"])
def test_priors_of_blimp_are_not_extensions(statement: str) -> None:
    assert not [each for each in model_with(statement).notes if each.code == "extension"]


@pytest.mark.parametrize("form", ["uniform(0, 1)", "gamma(1, 1)", "invgamma(1, 1)", "beta(1, 1)", "cauchy(0, 1)"])
def test_extensions_are_noted(form: str) -> None:
    (note,) = [each for each in model_with(f"b ~ {form};").notes if each.code == "extension"]
    assert note.severity == "note"
    assert "'b'" in note.message
    assert note.span is not None


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("b ~ gamma(2, 3);", "gamma(shape 2, rate 3), between 0 and inf (stated in PARAMETERS)"),
        ("b ~ cauchy(0, 2.5);", "cauchy(location 0, scale 2.5) (stated in PARAMETERS)"),
        ("v ~ beta(1, 2);", "beta(a 1, b 2), between -inf and 1 (stated in PARAMETERS)"),
    ],
)
def test_explained(statement: str, words: str) -> None:
    rows = {row[1]: row[4] for row in parameter_rows(model_with(statement))}
    assert rows[statement[0]] == words


@pytest.mark.parametrize(
    ("prior", "proper"),
    [
        (Prior("flat"), False),
        (Prior("flat", (), 0.0, 1.0), True),
        (Prior("flat", (), 0.0), False),
        (Prior("uniform", (-1.0, 1.0)), True),
        (Prior("uniform", (-np.inf, 1.0)), False),
        (Prior("inverse_gamma", (-1.0, 0.0)), False),
        (Prior("inverse_gamma", (-1.0, 0.0), upper=4.0), True),
        (Prior("inverse_gamma", (0.0, 0.0), upper=4.0), False),
        (Prior("inverse_gamma", (0.0, 0.0), 0.1, 4.0), True),
        (Prior("inverse_gamma", (1.0, 0.5)), True),
        (Prior("inverse_gamma", (1.0, 0.0)), False),
        (Prior("cauchy", (0.0, 1.0)), True),
    ],
)
def test_proper_densities(prior: Prior, proper: bool) -> None:
    assert is_proper(prior) is proper
