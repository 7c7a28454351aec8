"""Every reference script resolves, or is refused by name; names and structure equal the printed ones."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import Kind, Model, Role
from blimp2pymc.joint_model.refusals import is_refusal
from blimp2pymc.joint_model.resolve import resolve

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference"
INDEX = list(csv.DictReader((REFERENCE / "index.csv").open())) if REFERENCE.exists() else []
pytestmark = pytest.mark.skipif(not INDEX, reason="the reference cases are not here")
SUPPORTED = [row["case"] for row in INDEX if row["stage"] == "1"]
NO_TABLE = {"guide-4.13b"}
"""Cases whose table is that of another script."""
FAMILIES = [row["case"] for row in INDEX if row["stage"] in "34" and row["case"] not in NO_TABLE]
OTHERS = [row["case"] for row in INDEX if row["stage"] != "1"]


@cache
def resolved(case: str) -> Model:
    try:
        return resolve(REFERENCE / case / "model.imp")
    except BlimpError as refusal:
        if case in SUPPORTED or not all(map(is_refusal, refusal.findings)):
            raise
        pytest.skip("refused by name")


def printed(case: str, block: str, *sections: str) -> set[tuple[str, str]]:
    path = REFERENCE / case / "posterior.csv"
    if not path.exists():
        return set()
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if row["block"] == block and row["section"] in sections]
    return {(row["outcome"], row["parameter"]) for row in rows}


@pytest.mark.parametrize("case", SUPPORTED)
def test_terms_are_the_printed_coefficients(case: str) -> None:
    equations = [each for each in resolved(case).equations if each.role is Role.OUTCOME]
    ours = {(each.name, term.name) for each in equations for term in each.terms}
    assert printed(case, "outcome", "Coefficients") in (ours, set())


@pytest.mark.parametrize("case", SUPPORTED)
def test_predictor_models_are_the_printed_ones(case: str) -> None:
    model = resolved(case)
    ours: set[tuple[str, str]] = set()
    modelled = [each for each in model.equations if each.role is Role.PREDICTOR]
    for each in modelled:
        others = {other.name for other in modelled if other is not each} | set(model.fixed_predictors)
        ours |= {(each.name, other) for other in others}
    for each in model.equations:
        if each.role is not Role.OUTCOME:
            ours |= {(each.name, "Grand Mean"), (each.name, "Residual Var.")}
    if (REFERENCE / case / "posterior.csv").exists():
        assert printed(case, "predictor", "Grand Mean", "Level 1") == ours


@pytest.mark.parametrize("case", SUPPORTED)
def test_derived_quantities_and_wald_tests_are_the_printed_ones(case: str) -> None:
    model = resolved(case)
    if (REFERENCE / case / "posterior.csv").exists():
        assert printed(case, "generated", "Generated Parameters") == {("", each.name) for each in model.quantities}
        assert {text for text, _ in printed(case, "wald", "Wald Test")} == {each.text for each in model.wald_tests}


@pytest.mark.parametrize("case", SUPPORTED)
def test_correlation_rows_are_the_pairs_of_blocks(case: str) -> None:
    names = set()
    for block in resolved(case).blocks:
        if block.role is Role.OUTCOME:
            names |= {f"Cor({block.members[i].variable},{block.members[j].variable})" for i, j in block.correlations}
    assert {name for _, name in printed(case, "covariance", "Correlations")} == names


@pytest.mark.parametrize("case", OTHERS)
def test_other_scripts_resolve_or_are_refused_by_name(case: str) -> None:
    try:
        resolve(REFERENCE / case / "model.imp")
    except BlimpError as refusal:
        assert [str(each) for each in refusal.findings if not is_refusal(each)] == []


def printed_outcomes(case: str) -> set[tuple[str, str]]:
    """Coefficient rows with `logit(y)` called y: the scripts do not always say what was run."""
    return {
        (outcome.removeprefix("logit(").removesuffix(")") if outcome.startswith("logit(") else outcome, parameter)
        for outcome, parameter in printed(case, "outcome", "Coefficients")
    }


@pytest.mark.parametrize("case", FAMILIES)
def test_terms_of_every_family_are_the_printed_coefficients(case: str) -> None:
    model = resolved(case)
    ours = set()
    for each in model.equations:
        if each.role is Role.OUTCOME:
            named = f"{each.outcome.name} ~ " if model.variables[each.name].kind is Kind.NOMINAL else ""
            printed_as = each.written if each.transform is not None else each.name
            ours |= {(printed_as, named + term.name) for term in each.terms}
            ours |= {(f"var({each.name})", term.name) for term in each.variance_terms}
    assert printed_outcomes(case) in (ours, set())


@pytest.mark.parametrize("case", FAMILIES)
def test_thresholds_are_as_many_as_printed(case: str) -> None:
    ours = {
        (each.name, f"Tau {place}")
        for each in resolved(case).equations
        if each.role is not Role.MEANS
        for place in range(1, len(each.thresholds) + 1)
    }
    both = printed(case, "outcome", "Thresholds") | printed(case, "predictor", "Thresholds")
    assert both in (ours, set())


@pytest.mark.parametrize("case", FAMILIES)
def test_modelled_predictors_are_the_printed_ones(case: str) -> None:
    ours = {each.name for each in resolved(case).equations if each.role is not Role.OUTCOME}
    tables = {outcome for outcome, _ in printed(case, "predictor", "Grand Mean", "Level 1")}
    if (REFERENCE / case / "posterior.csv").exists():
        assert tables == ours


@pytest.mark.parametrize("case", SUPPORTED)
def test_equations_follow_those_of_their_predictors(case: str) -> None:
    model = resolved(case)
    seen: set[str] = set()
    owners = {each.name for each in model.equations}
    for each in model.equations:
        columns = {leaf.variable for term in each.terms for leaf in _columns(term.expression)}
        assert columns & owners <= seen
        seen.add(each.name)


def _columns(expression: object) -> list:
    from blimp2pymc.joint_model.algebra import columns_in

    return list(columns_in(expression))  # type: ignore[arg-type]
