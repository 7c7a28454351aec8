"""Every reference script resolves, or is refused by name; names and structure equal the printed ones."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import Model, Role
from blimp2pymc.joint_model.refusals import is_refusal
from blimp2pymc.joint_model.resolve import resolve

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference"
INDEX = list(csv.DictReader((REFERENCE / "index.csv").open())) if REFERENCE.exists() else []
pytestmark = pytest.mark.skipif(not INDEX, reason="the reference cases are not here")
SUPPORTED = [row["case"] for row in INDEX if row["stage"] == "1"]
OTHERS = [row["case"] for row in INDEX if row["stage"] != "1"]


@cache
def resolved(case: str) -> Model:
    return resolve(REFERENCE / case / "model.imp")


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
