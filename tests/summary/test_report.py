"""The printed results: a recorded output, and the parts it does not show.

`BLIMP2PYMC_RECORD=1 pytest tests/summary/test_report.py` writes the recorded outputs anew.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hand_built import correlated_mediators, interaction
from joint_model.simulated import resolved
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.errors import Finding, Source, Span
from blimp2pymc.joint_model.ir import Prior
from blimp2pymc.summary.burn_in import burn_in, parameter_numbers
from blimp2pymc.summary.convergence import convergence_warnings
from blimp2pymc.summary.report import report
from blimp2pymc.summary.report_tables import number
from blimp2pymc.summary.tables import estimates, rows

RECORDED = Path(__file__).parent / "recorded"


def printed(model, draws) -> str:
    """The report without what differs between machines."""
    text = report(model, None, draws, estimates(model, draws))
    return re.sub(r"(?s)\A-+\nblimp2pymc.*?\n-+\n", "(banner)\n", text)


def with_options(model, *options: str):
    """The model with OPTIONS and a SAVE command."""
    settings = replace(model.settings, options=frozenset(options), save=(("stacked", "imputations.csv"),))
    return replace(model, settings=settings)


@pytest.mark.parametrize("build", [interaction, correlated_mediators])
def test_recorded_output(build):
    model = with_options(build(), "pinfo")
    text = printed(model, synthetic_draws(model, chains=4, draws=100))
    file = RECORDED / f"{build.__name__}.txt"
    if os.environ.get("BLIMP2PYMC_RECORD"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_sections_come_in_order():
    text = printed(interaction(), synthetic_draws(interaction()))
    titles = re.findall(r"^([A-Z][A-Z() -]+):$", text, re.MULTILINE)
    assert titles == [
        "ALGORITHMIC OPTIONS SPECIFIED",
        "BURN-IN POTENTIAL SCALE REDUCTION (PSR) OUTPUT",
        "METROPOLIS-HASTINGS ACCEPTANCE RATES",
        "DATA INFORMATION",
        "MODEL INFORMATION",
        "WARNING MESSAGES",
        "MODEL FIT",
        "WALD TESTS",
        "IMPUTED DATA SUMMARIES",
        "CORRELATIONS AMONG RESIDUALS",
        "OUTCOME MODEL ESTIMATES",
        "GENERATED PARAMETERS",
        "PREDICTOR MODEL ESTIMATES",
    ]


def test_fixed_parameter_is_marked():
    model = correlated_mediators()
    parameters = dict(model.parameters) | {"y ~ x": replace(model.parameters["y ~ x"], fixed=1.0)}
    model = replace(model, parameters=parameters)
    line = next(each for each in printed(model, synthetic_draws(model)).splitlines() if "@ 1.000" in each)
    assert line.split() == ["x", "@", "1.000", *["---"] * 6]


def test_variances_have_no_test():
    model = interaction()
    lines = printed(model, synthetic_draws(model)).splitlines()
    for line in lines:
        if line.startswith(("   Residual Var.", "   Residual SD", "   by ")):
            assert line.split()[-3:-1] == ["---", "---"]


def test_notes_and_warnings_are_printed():
    source = Source("model.imp", "MODEL: y ~ x1;\n")
    model = replace(
        interaction(),
        notes=(
            Finding("SEED is not stated: one is drawn", severity="note"),
            Finding("a label is never used", Span(source, 7, 8), "remove it", "idle-label", "warning"),
        ),
    )
    text = printed(model, synthetic_draws(model))
    assert "- SEED is not stated" in text
    assert "model.imp:1:8: warning: a label is never used" in text


def test_priors_the_user_states_are_listed():
    model = interaction()
    prior = Prior("normal", (0.0, 2.5), lower=0.0, source="user")
    parameters = dict(model.parameters) | {"b1": replace(model.parameters["b1"], prior=prior)}
    text = printed(replace(model, parameters=parameters), synthetic_draws(model))
    assert "[1]  b1 ~ N(0, 2.5) truncated to (0, inf)" in text


def test_patterns_are_counted_and_cut():
    model = interaction(n=400, missing=0.4)
    text = printed(model, synthetic_draws(model, draws=8))
    masks = np.stack([model.missing(name) for name in ("y", "x1", "x2")], axis=1)
    complete = int((~masks.any(axis=1)).sum())
    assert re.search(rf"^ +\d+ +{complete} +{complete / 4:.2f} % +O +O +O$", text, re.MULTILINE)


def test_every_parameter_has_one_number():
    model = interaction()
    draws = synthetic_draws(model)
    numbers = parameter_numbers(model, rows(model, draws))
    assert set(numbers) == set(model.parameters)
    assert len(set(numbers.values())) == len(numbers)
    assert numbers["y residual variance"] == 1
    assert numbers["b1"] == 3
    assert burn_in(model, draws).parameters == tuple(model.parameters)


def test_dummies_of_a_nominal_predictor():
    model = resolved("NOMINAL: n; CENTER: x1 n; MODEL: y ~ x1 n;")
    text = printed(model, synthetic_draws(model))
    assert re.search(r"^ +nominal: +n$", text, re.MULTILINE)
    tables = text[text.index("PREDICTOR MODEL ESTIMATES") :]
    rows = re.findall(r"^ +((?:Grand Mean|Share)(?:: n\.\d)?) ", tables, re.MULTILINE)
    assert rows == ["Grand Mean", "Grand Mean: n.2", "Grand Mean: n.3", "Share: n.2", "Share: n.3"]


def test_trouble_is_named():
    model = interaction()
    draws = synthetic_draws(model, chains=4, draws=1000)
    parameters = draws.parameters.copy()
    parameters[..., draws.parameter_names.index("b1")] += np.arange(4)[:, None]
    parameters[..., draws.parameter_names.index("x2 mean")] = np.cumsum(
        np.random.default_rng(1).normal(size=(4, 1000)), axis=1
    )
    found = convergence_warnings(estimates(model, replace(draws, parameters=parameters)), 4)
    assert len(found) == 2
    assert all("y | Coefficients | x1 (" in each and "x2 | Grand Mean (" in each for each in found)
    assert "Residual Var." not in "".join(found)


def test_good_draws_give_no_warning():
    model = correlated_mediators(n=20)
    draws = synthetic_draws(model, chains=4, draws=2000, seed=3)
    assert convergence_warnings(estimates(model, draws), 4) == []
    [few] = convergence_warnings(estimates(model, synthetic_draws(model, chains=2, draws=2000)), 2)
    assert few.startswith("2 chains")


def test_numbers():
    assert [number(each) for each in (1234.5678, -0.0001, 0.0005, float("nan"))] == [
        "1234.568",
        "0.000",
        "0.001",
        "---",
    ]
