"""The marginal flavour is the joint density with latent variables and missing cells integrated out."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from pymc_source import cases
from pymc_source.joint_density import log_joint, random_state
from pymc_source.test_build import assert_harmless

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.build import build
from blimp2pymc.pymc_source.emit import translate
from blimp2pymc.pymc_source.point import crossing, log_density

Array = np.ndarray

SCRIPTS = {
    "measurement": """LATENT: f g; FIXED: w; MODEL:
        f -> x1 x2 x3@.5; g@1; g -> m@first y; f ~~ g@r; f ~ 1 w; x2 ~~ m; y ~ x1@first;
        PARAMETERS: first ~ truncate(0, Inf); rest = 1 - r^2; noise = x3.residvar;""",
    "growth": """LATENT: level change; MODEL:
        r1 = x1 - level; { level change } ~ 1 d; level ~~ change;
        x1 ~ 1@level change@0; x2 ~ 1@level change@1 r1@ar; x3 ~ 1@level change@2; x1:x3@v;""",
    "second_order": "LATENT: h f g; MODEL: f -> x1 x2; g -> x3 m; h@1; f ~ h@l; g ~ h@l; y ~ h w;",
    "no_predictors": "MODEL: y ~ 1; x1 ~ y@2;",
    "centered": "CENTER: x1; MODEL: y ~ x1 x2;",
}


@cache
def model_of(name: str) -> Model:
    if name in SCRIPTS:
        return resolve(SCRIPTS[name], cases.simulated(n=9, seed=6))
    return resolve(cases.SCRIPTS[name], cases.simulated(n=9, seed=6))


NAMES = (*SCRIPTS, "pair", "sequence", "structured", "clique", "equal_variances")


def integrated(model: Model, parameters: dict[str, float], cells: dict[str, Array]) -> float:
    """Log of the joint density integrated over all cells, by the exact formula for exp of a quadratic.

    Its gradient and Hessian are exact as differences of whatever width.
    """
    sizes = {name: len(values) for name, values in cells.items()}
    n = sum(sizes.values())

    def at(values: Array) -> float:
        parts = np.split(values, np.cumsum(list(sizes.values()))[:-1])
        return log_joint(model, parameters, dict(zip(sizes, parts, strict=True)))

    zero, unit = at(np.zeros(n)), np.eye(n)
    ahead, behind = np.array([at(each) for each in unit]), np.array([at(-each) for each in unit])
    gradient = (ahead - behind) / 2
    hessian = np.diag(ahead + behind - 2 * zero)
    for i in range(n):
        for j in range(i):
            hessian[i, j] = hessian[j, i] = at(unit[i] + unit[j]) - ahead[i] - ahead[j] + zero
    sign, log_determinant = np.linalg.slogdet(-hessian)
    assert sign > 0
    return zero + 0.5 * gradient @ np.linalg.solve(-hessian, gradient) - 0.5 * log_determinant


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_integrated_out(name: str) -> None:
    model = model_of(name)
    graph = build(model, marginal=True)
    density, both_ways = log_density(graph, mode="FAST_COMPILE"), crossing(model, graph)
    rng = np.random.default_rng(5)
    states = [random_state(model, rng) for _ in range(3)]
    ours = [density(both_ways.value_point(*state)) for state in states]
    np.testing.assert_allclose(np.diff(ours), np.diff([integrated(model, *state) for state in states]), rtol=1e-7)
    assert all(each.name not in python_cells(model) for each in graph.free_RVs)


def python_cells(model: Model) -> set[str]:
    """Names that latent variables and missing cells would have."""
    return {*model.latent, *(f"{name}_missing" for name in model.incomplete)}


@pytest.mark.parametrize("name", NAMES)
def test_source_is_python_of_known_calls(name: str) -> None:
    text = translate(model_of(name), marginal=True)
    ast.parse(text)
    assert_harmless(text)
    assert max(map(len, text.splitlines())) <= 120


def test_the_growth_model_is_the_recorded_one() -> None:
    import os

    path = Path(__file__).parent / "recorded" / "growth_marginal.py"
    text = translate(model_of("growth"), marginal=True)
    if os.environ.get("UPDATE_RECORDED"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("factors", "'y' depends on 'f*g', which is not linear in them"),
        ("two_predictors", "'y' depends on 'x1*x2', which is not linear in them"),
        ("functions", "'y' depends on 'x1^2', which is not linear in them"),
        ("variance_models", "the variance of 'f' differs between rows"),
        ("means_model", "the mean of 'x1' depends on its completed values"),
        ("ordinal_outcomes", "'o' is a probit outcome"),
        ("counts", "'c' is a negative binomial outcome"),
    ],
)
def test_what_is_not_jointly_normal_is_refused_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(BlimpError) as caught:
        translate(cases.case(name), marginal=True)
    assert any(reason in each.message for each in caught.value.findings)


def test_slopes_that_differ_between_rows_are_no_nonlinear_terms() -> None:
    script = "LATENT: f; FIXED: d; MODEL: f -> x1 x2; y ~ f d f*d;"
    with pytest.raises(BlimpError, match=r"'f\*d', in which the coefficient of 'f' differs between rows") as caught:
        translate(resolve(script, cases.simulated()), marginal=True)
    assert len(caught.value.findings) == 1


def test_a_nominal_variable_is_named_once() -> None:
    with pytest.raises(BlimpError) as caught:
        script = "TRANSFORM: n = d + (w > 0); NOMINAL: n; MODEL: n ~ x1; y ~ x1;"
        translate(resolve(script, cases.simulated()), marginal=True)
    messages = [each.message for each in caught.value.findings]
    assert len(messages) == len(set(messages))


def test_a_variance_of_completed_rows_is_refused() -> None:
    script = "MODEL: y ~ x1; PARAMETERS: r = x1.residvar/sqrt(y.totalvar*y.totalvar);"
    with pytest.raises(BlimpError, match="has no completed rows") as caught:
        translate(resolve(script, cases.simulated()), marginal=True)
    (finding,) = caught.value.findings
    assert "'y.totalvar', a variance of them" in finding.message and "'r'" in finding.hint


def test_a_modelled_variance_is_refused_where_it_is_written() -> None:
    with pytest.raises(BlimpError) as caught:
        translate(resolve("MODEL: y ~ x1; var(y) ~ 1 w;", cases.simulated()), marginal=True)
    (finding,) = caught.value.findings
    assert finding.span.text == "w"


def test_two_flavours_at_once_are_refused() -> None:
    with pytest.raises(BlimpError, match="both written and integrated out"):
        translate(model_of("pair"), marginal=True, augmented=True)
