"""Tables of outcomes of every family: sections, constants, and shares of variance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from summary.families import one_outcome
from summary.synthetic_draws import WEIGHT, synthetic_draws

from blimp2pymc.joint_model.ir import Column, Form, ModeratorGrid, ModeratorValues, SimpleEffect, Term
from blimp2pymc.summary.conditional_effects import conditional_rows
from blimp2pymc.summary.outcome_rows import outcome_rows
from blimp2pymc.summary.report import report
from blimp2pymc.summary.tables import estimates, summarise

COEFFICIENTS = ["Intercept", "x", "g"]
SHARES = ["by Coefficients", "by Residual Variation"]


def printed(family: str, written_as: str = "y"):
    """Model, draws, and the lines of its tables by (outcome, section, parameter)."""
    model = one_outcome(family, written_as=written_as)
    draws = synthetic_draws(model)
    rows = outcome_rows(model, draws)
    lines = {(each.outcome, each.section, each.parameter): each.draws for each in rows}
    assert len(lines) == len(rows)
    return model, draws, lines


@pytest.mark.parametrize(
    ("family", "heading", "sections"),
    [
        (
            "probit",
            "y",
            {
                "Variances": ["Residual Var."],
                "Coefficients": COEFFICIENTS,
                "Thresholds": ["Tau 1", "Tau 2"],
                "Standard Deviations": ["Residual SD"],
                "Standardized Coefficients": COEFFICIENTS[1:],
                "Proportion Variance Explained": SHARES,
            },
        ),
        (
            "logit",
            "logit(y)",
            {"Coefficients": COEFFICIENTS, "Odds Ratio": COEFFICIENTS, "Proportion Variance Explained": SHARES},
        ),
        (
            "negative_binomial",
            "y",
            {
                "Variances": ["Dispersion Parameter"],
                "Coefficients": COEFFICIENTS,
                "Exponentiated Coefficients": COEFFICIENTS,
            },
        ),
    ],
)
def test_sections_and_lines(family: str, heading: str, sections: dict[str, list[str]]) -> None:
    _, _, lines = printed(family)
    assert list(lines) == [(heading, section, name) for section, names in sections.items() for name in names]


@pytest.mark.parametrize(("written_as", "heading"), [("y", "y"), ("logit(y)", "logit(y)")])
def test_codes_of_a_nominal_outcome_have_their_own_lines(written_as: str, heading: str) -> None:
    _, _, lines = printed("multinomial", written_as)
    each = {"Coefficients": COEFFICIENTS, "Odds Ratio": COEFFICIENTS, "Proportion Variance Explained": SHARES}
    assert list(lines) == [
        (heading, section, f"{code} ~ {name}") for code in ("y.2", "y.4") for section, names in each.items()
        for name in names
    ]  # fmt: skip


def test_latent_response_has_unit_variance_and_its_first_threshold_at_zero() -> None:
    model, draws, lines = printed("probit")
    assert np.array_equal(lines["y", "Variances", "Residual Var."], np.ones((2, 60)))
    assert np.array_equal(lines["y", "Thresholds", "Tau 1"], np.zeros((2, 60)))
    assert np.array_equal(lines["y", "Thresholds", "Tau 2"], draws.parameter("y threshold 2"))
    table = summarise(outcome_rows(model, draws)).set_index(["section", "parameter"])
    assert (table.loc[[("Variances", "Residual Var."), ("Thresholds", "Tau 1")], "sd"] == 0).all()
    assert table.loc["Thresholds", "statistic"].isna().all()


def test_latent_metric_of_probit_equations() -> None:
    model, draws, lines = printed("probit")
    x, g = model.data["x"], model.data["g"]
    bx, bg = draws.parameter("y ~ x"), draws.parameter("y ~ g")
    explained = bx**2 * x.var(ddof=1) + bg**2 * g.var(ddof=1) + 2 * bx * bg * np.cov(x, g)[0, 1]
    np.testing.assert_allclose(
        lines["y", "Proportion Variance Explained", "by Coefficients"], explained / (explained + 1)
    )
    np.testing.assert_allclose(
        lines["y", "Standardized Coefficients", "x"], bx * x.std(ddof=1) / np.sqrt(explained + 1)
    )


def test_logit_shares_weigh_rows() -> None:
    model, draws, lines = printed("logit")
    x, g = model.data["x"], model.data["g"]
    bx, bg = draws.parameter("y ~ x"), draws.parameter("y ~ g")
    explained = bx**2 * x.var(ddof=1) + bg**2 * g.var(ddof=1) + 2 * bx * bg * np.cov(x, g)[0, 1]
    weighted = WEIGHT * explained
    found = lines["logit(y)", "Proportion Variance Explained", "by Coefficients"]
    np.testing.assert_allclose(found, weighted / (weighted + np.pi**2 / 3))


@pytest.mark.parametrize(("family", "section"), [("logit", "Odds Ratio"),
                                                 ("negative_binomial", "Exponentiated Coefficients")])  # fmt: skip
def test_exponentiated_coefficients(family: str, section: str) -> None:
    _, draws, lines = printed(family)
    heading = next(iter(lines))[0]
    for name in COEFFICIENTS:
        np.testing.assert_allclose(lines[heading, section, name], np.exp(draws.parameter(f"y ~ {name}")))


def test_impossible_combinations_of_codes_are_left_out() -> None:
    model, draws, _ = printed("probit")
    dummies = [Column("n", Form.DUMMY, code) for code in (2.0, 3.0)]
    moderators = [
        ModeratorValues(each, f"n.{each.category:g}", ModeratorGrid.CODES, values=(0.0, 1.0)) for each in dummies
    ]
    [equation] = model.equations
    terms = (*equation.terms, *(Term(f"n.{each.category:g}", "y ~ g", each) for each in dummies))
    changed = replace(model, simple_effects=(SimpleEffect(Column("x"), "x", tuple(moderators)),))
    rows = conditional_rows(changed, draws, replace(equation, terms=terms))
    assert [each.section for each in rows][::2] == [
        "x | n.2 @ 0 and n.3 @ 0",
        "x | n.2 @ 1 and n.3 @ 0",
        "x | n.2 @ 0 and n.3 @ 1",
    ]
    slopes = {each.section: each.draws for each in rows if each.parameter == "Intercept"}
    b0, b = draws.parameter("y ~ Intercept"), draws.parameter("y ~ g")
    np.testing.assert_allclose(slopes["x | n.2 @ 0 and n.3 @ 1"], b0 + b)


@pytest.mark.parametrize("family", ["probit", "logit", "multinomial", "negative_binomial"])
def test_report_counts_free_parameters_and_names_types(family: str) -> None:
    model, draws, _ = printed(family)
    text = report(model, None, draws, estimates(model, draws))
    free = {"probit": 4, "logit": 3, "multinomial": 6, "negative_binomial": 4}[family]
    assert [line.split()[-1] for line in text.splitlines() if "Outcome models:" in line] == [str(free)]
    kind = model.variables["y"].kind.value
    assert [line.split() for line in text.splitlines() if line.split()[:2] == ["y", kind]] == [
        ["y", kind, "1", "2.50", "%"]
    ]
    assert ("Nominal variables:" in text) == (family == "multinomial")
    assert "normal (0, 5)" in " ".join(text.split())
