"""What `explain` says about a model, and the formulas it is made of."""

from __future__ import annotations

import re

import pytest
from joint_model.simulated import resolved, table

from blimp2pymc.joint_model.defaults import default_lines
from blimp2pymc.joint_model.describe import describe, html, parameter_rows, variable_rows
from blimp2pymc.joint_model.formulas import Formulas
from blimp2pymc.joint_model.latex import PAGE_WIDTH, latex, printed_width

SCRIPT = (
    "FIXED: d; CENTER: x1; MODEL: focal: y ~ x1@b x2 d x1*d; m1 ~ x3@.5 x1; m1 ~~ m2@r; "
    "PARAMETERS: twice = 2*b; b ~ normal(0, 4); WALDTEST: b = 0; SIMPLE: x1 | d @ 1"
)


@pytest.mark.parametrize(
    ("script", "factors"),
    [
        ("MODEL: y ~ x3", ["f(y | x3)"]),
        ("MODEL: y ~ x1 x2", ["f(y | x1, x2)", "f(x1, x2)"]),
        ("FIXED: d; MODEL: y ~ x1 d", ["f(y | x1, d)", "f(x1 | d)"]),
        ("MODEL: y ~ m1; m1 ~ x3; y2 ~ 1; y2 ~~ m1", ["f(y | m1)", "f(m1, y2 | x3)"]),
        ("CENTER: m1; MODEL: y ~ m1; m1 ~ x3", ["f(y | m1)", "f(m1 | x3)"]),
        ("MODEL: y ~ x1*x3 x1 x3", ["f(y | x1, x3)", "f(x1, x3)"]),
    ],
)
def test_factorisation(script: str, factors: list[str]) -> None:
    assert Formulas(resolved(script)).factors() == factors


def test_equations_as_text() -> None:
    text = describe(resolved(SCRIPT))
    assert "y = b3.0 + b*(x1 - mean(x1)) + b3.2*x2 + b3.3*d + b3.4*(x1 - mean(x1))*d + e3,  e3 ~ normal(0, v3)" in text
    assert "0.5*x3" in text
    mean = f"{table()['d'].mean():.6g}"
    assert f"mean(x1) + b4.1*(d - {mean})" in text


@pytest.mark.parametrize(
    ("term", "written"),
    [
        ("(x3 - x4)*d", "(x3 - x4)*d"),
        ("(x3 + x4)^2", "(x3 + x4)^2"),
        ("x3^2*d", "x3^2*d"),
        ("(x3 - (x4 - d))", "(x3 - (x4 - d))"),
        ("exp(x3/2)", "exp(x3 / 2)"),
        ("(x3 > 1)", "(x3 > 1)"),
        ("(-x3)", "-x3"),
        ("(x3 + x4)/d", "(x3 + x4) / d"),
    ],
)
def test_expressions_keep_the_parentheses_they_need(term: str, written: str) -> None:
    data_equation = describe(resolved(f"TRANSFORM: d = d + 1; MODEL: y ~ m.1 {term}"))
    assert f"b1.2*{written} + e1" in data_equation


def test_every_parameter_and_its_prior_is_listed() -> None:
    model = resolved(SCRIPT)
    rows = {row[1]: row for row in parameter_rows(model)[1:]}
    assert rows.keys() == model.parameters.keys()
    assert rows["b"][4] == "normal(mean 0, variance 4) (stated in PARAMETERS)"
    assert rows["y residual variance"][4] == "inverse gamma(-1, 0), flat on the variance"
    assert rows["m1 ~ x3"][4] == "fixed at 0.5"
    assert rows["r"][4] == "inverse Wishart(S = diag(0, 0), d = -3) of m1 m2, flat on the matrix"


@pytest.mark.parametrize(
    ("script", "parameter", "scale"),
    [
        ("MODEL: y ~ x3", "y ~ x3", "y"),
        ("MODEL: y ~ x3", "y residual variance", "variance of y"),
        ("MODEL: ln(y + 100) ~ x3", "ln(y+100) ~ x3", "ln(y+100)"),
        ("MODEL: y ~ x3; var(y) ~ x4", "var(y) ~ x4", "log of variance of y"),
        ("ORDINAL: n; MODEL: n ~ x3", "n ~ x3", "n.latent"),
        ("ORDINAL: n; MODEL: n ~ x3", "n threshold 2", "n.latent"),
        ("NOMINAL: n; MODEL: n ~ x3", "n.3 ~ x3", "log odds of n.3"),
        ("COUNT: d; MODEL: d ~ x3", "d ~ x3", "log of mean d"),
        ("COUNT: d; MODEL: d ~ x3", "d dispersion", "variance of d per squared mean"),
        ("MODEL: y ~~ m1", "m1 ~~ y", "correlation"),
    ],
)
def test_every_parameter_has_its_scale(script: str, parameter: str, scale: str) -> None:
    rows = {row[1]: row for row in parameter_rows(resolved(script))[1:]}
    assert all(row[3] for row in rows.values())
    assert rows[parameter][3] == scale


def test_prior_of_correlations_between_unit_variances_is_no_flat_one() -> None:
    model = resolved("LATENT: f g; MODEL: f -> x1@l x2 x3; g -> x4@k y m1; f ~~ g; f@1; g@1;")
    rows = {row[1]: row for row in parameter_rows(model)[1:]}
    assert rows["f ~~ g"][4] == "proportional to the determinant of the correlation matrix of f g"


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("MODEL: y ~ x3; m1 ~ 1 x3", "intercepts, since measured outcomes have one unless it is fixed (1@0): y"),
        ("LATENT: f; MODEL: f -> x1 x2 x3;",
         "mean 0, since latent variables have no intercept unless one is asked for (~ 1): f"),
        ("LATENT: f; MODEL: f -> x1 x2 x3;",
         "loadings fixed at 1, since the first item behind '->' sets the scale of its factor: x1 ~ f"),
        ("ORDINAL: n; MODEL: n ~ x3",
         "residual variance 1 and first threshold 0, which set the scale of latent responses: n"),
        ("NOMINAL: n; MODEL: n ~ x3", "reference category, the lowest code: n (1)"),
        ("MODEL: y ~ x3", "flat priors of residual variances and covariances, as in PRIOR2: y"),
        ("COUNT: d; MODEL: d ~ x3",
         "coefficients normal(0, variance 5), since the outcome has categories or is a count: d"),
    ],
)  # fmt: skip
def test_defaults_are_told_with_their_rules(script: str, line: str) -> None:
    assert line in default_lines(resolved(script))


def test_what_the_script_says_is_no_default() -> None:
    script = (
        "LATENT: f; MODEL: f -> x1@1 x2 x3; x1 ~ 1; x2 ~ 1; x3 ~ 1@0; f@v; x1@a; x2@b; x3@c; "
        "PARAMETERS: v ~ invgamma(1, 1); a ~ invgamma(1, 1); b ~ invgamma(1, 1); c ~ invgamma(1, 1)"
    )
    assert default_lines(resolved(script)) == [
        "mean 0, since latent variables have no intercept unless one is asked for (~ 1): f"
    ]


def test_lines_are_not_too_long() -> None:
    text = describe(resolved("MODEL: y ~ " + " ".join(f"x1^{a}*x2^{b}" for a in range(1, 5) for b in range(1, 5))))
    equations = text.split("Equations\n")[1].split("Variables\n")[0].splitlines()
    assert max(map(len, equations)) <= 120


def test_what_imputes_a_variable() -> None:
    rows = {row[0]: row for row in variable_rows(resolved("MODEL: y ~ x1 x2 x3; m1 ~ y"))[1:]}
    assert rows["x1"][4] == str(int(table()["x1"].isna().sum()))
    assert rows["x1"][5] == "its own model with x2, x3 and the equation of y"
    assert rows["y"][5] == "its own equation and the equation of m1"
    assert rows["m1"][5] == "its own equation"
    assert rows["x3"][5] == ""


def test_sections_notes_and_quantities() -> None:
    text = describe(resolved(SCRIPT))
    for line in ("twice = 2*b", "Wald test: b = 0", "conditional effect: x1 | d @ 1", "given d"):
        assert line in text.splitlines()
    assert "joint normal distribution, given d" in text


def test_defined_variables_are_named() -> None:
    text = describe(resolved("CENTER: x1 x2; MODEL: total = x1:+:x2; y ~ total@b total*d d"))
    assert "b*total + b1.3*total*d" in text
    assert "total = x1 + x2" in text
    assert "'x1' is not centered inside the defined variable 'total'" in text


def test_latex_is_balanced_and_escaped() -> None:
    text = latex(resolved("MODEL: total_score = x3/2 + m.1; y ~ total_score total_score*x4 x4^2 x4@b_1"))
    assert text.count("{") == text.count("}")
    assert r"\mathit{total\_score}" in text
    assert r"\mathit{b\_1}" in text
    assert r"\frac{\mathit{x3}}{2}" in text
    assert not re.search(r"(?<![\\}])_[a-z]", text)


def test_latex_environments_hold_what_they_may() -> None:
    """Compiled once with pdflatex for all example scripts; here, that the structure stays as it was then."""
    text = latex(resolved("LATENT: f g; MODEL: f -> x1@l x2 x3; g -> x4 y; g ~ f d; y ~ (x1 > 2)*d x3^2 exp(x4)"))
    assert re.findall(r"\\(begin|end)\{([a-z]+\*?)\}", text) == [
        ("begin", "gather*"), ("end", "gather*"), ("begin", "align"), ("end", "align"),
    ]  # fmt: skip
    density = text.split(r"\begin{gather*}")[1].split(r"\end{gather*}")[0].strip()
    assert r"\[" not in text
    assert "$" not in text
    # A row has one place to align at, an empty line would end the formula.
    rows = text.split(r"\begin{align}")[1].split(r"\end{align}")[0].strip().split("\\\\")
    assert [row.count("&") for row in rows] == [1] * len(rows)
    assert "\n\n" not in text.strip()
    assert density.count(r" \; f(") + density.count("\\\\\n") == len(re.findall(r"f\(", density)) - 1
    assert max(map(printed_width, density.split("\\\\"))) <= PAGE_WIDTH
    known = {"begin", "end", "beta", "cdot", "mathit", "mid", "notag", "operatorname", "quad", "sigma", "sim"}
    known |= {"varepsilon"}
    assert set(re.findall(r"\\([A-Za-z]+)", text)) <= known


def test_latex_of_long_equations_goes_on_in_lines_without_a_number() -> None:
    text = latex(resolved("ORDINAL: n; CENTER: x1 x2 x4; MODEL: n ~ x1*x2 x1 x2 x3 x4 d x1*x4 x2*x4 x3*x4; y ~ x3"))
    lines = text.split(r"\begin{align}")[1].split(r"\end{align}")[0].strip().split(" \\\\\n")
    assert max(map(printed_width, lines)) <= PAGE_WIDTH
    assert [line.count("&") for line in lines] == [1] * len(lines)
    follow = [line for line in lines if line.startswith(r"&\quad ")]
    assert follow
    assert [line.endswith(r" \notag") for line in lines] == [line in follow for line in lines]
    # Broken outside brackets only, and nothing lost.
    assert all(line.count("(") == line.count(")") and line.count("{") == line.count("}") for line in lines)
    [number] = set(re.findall(r"\\beta_{(\d+), 9}", text))
    assert {rf"\beta_{{{number}, {place}}}" for place in range(10)} <= set(re.findall(r"\\beta_{\d+, \d+}", text))


def test_latex_of_letters_beyond_ascii_is_text() -> None:
    text = latex(resolved("TRANSFORM: größe = x3; MODEL: y ~ größe x4"))
    assert r"\textit{größe}" in text
    assert r"\mathit{x4}" in text


def test_html_is_escaped() -> None:
    text = html(resolved("MODEL: y ~ (x3 < 1) x4"))
    assert "(x3 &lt; 1)" in text
    assert "<table>" in text


def test_model_shows_itself() -> None:
    model = resolved("MODEL: y ~ x3; m1 ~ x4")
    assert repr(model) == "<Model of y, m1: 80 rows, 6 parameters>"
    assert str(model) == describe(model)
    assert model._repr_html_() == html(model)


def test_model_writes_its_script() -> None:
    model = resolved("CENTER: x1; MODEL: y ~ x1 x1*x3 x3@b; WALDTEST: b = 0")
    again = resolved(model.to_blimp())
    assert again.equations == model.equations
    assert again.wald_tests == model.wald_tests


def test_symbols_are_no_names_of_the_script() -> None:
    text = describe(resolved("LATENT: e1 v1; MODEL: e1 -> x1:x3; v1 -> m1 m2 m.1; y ~ e1 v1"))
    assert "e1 = 0 + error1,  error1 ~ normal(0, variance1)" in text
    assert "f = 0 + e1,  e1 ~ normal(0, v1)" in describe(resolved("LATENT: f; MODEL: f -> x1:x3"))
