"""Predictors without an equation: which are conditioned on, and the default joint model of the others.

A predictor stands on the right of some equation and is neither an outcome nor a member of `~~`.
Those in FIXED are conditioned on. The others are conditioned on too when all of them are complete
and none is centered; otherwise every one of them is modelled, the complete ones included. Blimp's
printed predictor tables agree with this rule wherever we know them, except for one model of complete
predictors with SIMPLE, whose tables cannot change any other estimate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.drafts import Drafts
from blimp2pymc.joint_model.frame import AnalysedRows
from blimp2pymc.joint_model.names import Names
from blimp2pymc.joint_model.refusals import refuse

DATA_ORIGINS = (ir.Origin.DATA, ir.Origin.TRANSFORM)


@dataclass(frozen=True)
class Predictors:
    """The predictors of a model, each list in the order of the data."""

    fixed: tuple[str, ...]
    modelled: tuple[str, ...]


def classify_predictors(drafts: Drafts, names: Names, rows: AnalysedRows, findings: list[Finding]) -> Predictors:
    """Decide which predictors are conditioned on and which are modelled.

    Parameters
    ----------
    drafts
        All equations of MODEL.
    names
        The declared variables, what FIXED and CENTER list.
    rows
        The analysed rows, for missing cells.
    findings
        Refusals and notes are added here.
    """
    places = _predictor_places(drafts, names)
    listed = [name for name in rows.variables if name in places]
    fixed = [name for name in listed if name in names.declarations.fixed]
    free = [name for name in listed if name not in names.declarations.fixed]
    centered = {column.variable for column in names.declarations.centered}
    needs_model = [name for name in free if rows.variables[name].n_missing or name in centered]
    if not needs_model:
        if free:
            findings.append(Finding(
                f"{_list(free)}: complete and not centered, so conditioned on like FIXED variables",
                None, code="fixed-automatically", severity="note"))  # fmt: skip
        return Predictors(tuple(name for name in listed), ())
    _check_kinds(free, rows.variables, places, findings)
    given = f", given {_list(fixed)}" if fixed else ""
    findings.append(Finding(
        f"{_list(free)}: no equation, so modelled by {'a joint normal' if len(free) > 1 else 'a normal'} "
        f"distribution{given}, because {_list(needs_model)} {_reason(needs_model, rows, centered)}",
        None, code="predictor-model", severity="note"))  # fmt: skip
    return Predictors(tuple(fixed), tuple(free))


def _predictor_places(drafts: Drafts, names: Names) -> dict[str, Span | None]:
    """Data variables that occur as predictors and own no equation, with a place."""
    outcomes = {column.variable for column in drafts.equations}
    places: dict[str, Span | None] = {}
    for column, span in drafts.columns_on_the_right.items():
        variable = names.variables[column.variable]
        if variable.origin in DATA_ORIGINS and column.variable not in outcomes:
            places.setdefault(column.variable, span)
    return places


def _check_kinds(
    free: list[str], variables: Mapping[str, ir.Variable], places: Mapping[str, Span | None], findings: list[Finding]
) -> None:
    """Refuse categorical members of the joint model of predictors."""
    for name in free:
        variable = variables[name]
        if variable.kind is ir.Kind.CONTINUOUS:
            continue
        others = [each for each in free if each != name]
        if variable.n_missing:
            reason = "because it has missing values"
        else:
            reason = f"beside {_list(others)}" if others else "because it is centered"
        code = "categorical-predictor-model"
        if variable.kind is ir.Kind.COUNT:
            code = "count-predictor"
        elif variable.n_missing:
            code = "incomplete-categorical-predictor"
        findings.append(refuse(code, places[name], name=name, other=reason, hint=_fix_hint(variable)))


def _fix_hint(variable: ir.Variable) -> str:
    return "" if variable.n_missing else f"FIXED: {variable.name}; to condition on it"


def _reason(needs_model: list[str], rows: AnalysedRows, centered: set[str]) -> str:
    incomplete = any(rows.variables[name].n_missing for name in needs_model)
    complete = any(not rows.variables[name].n_missing for name in needs_model)
    verb = "is" if len(needs_model) == 1 else "are"
    if incomplete and complete:
        return f"{verb} incomplete or centered"
    return f"{verb} incomplete" if incomplete else f"{verb} centered"


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def observed_mean(values: np.ndarray) -> float:
    """Mean of the observed values."""
    return float(np.nanmean(values))
