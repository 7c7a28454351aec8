"""Predictors without an equation: which are conditioned on, and the default joint model of the others.

A predictor stands on the right of some equation and is neither an outcome nor a member of `~~`.
Those in FIXED are conditioned on. The others are conditioned on too when all of them are complete
and none is centered; otherwise every one of them is modelled, the complete ones included, except
complete counts, which no member of a normal distribution stands for. Blimp's
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
from blimp2pymc.joint_model.families import FAMILY_WORDS
from blimp2pymc.joint_model.frame import AnalysedRows
from blimp2pymc.joint_model.names import Names

DATA_ORIGINS = (ir.Origin.DATA, ir.Origin.TRANSFORM)

SEQUENCE = (ir.Kind.CONTINUOUS, ir.Kind.ORDINAL, ir.Kind.NOMINAL, ir.Kind.COUNT)
"""Kinds in the sequence of the joint model of predictors."""


@dataclass(frozen=True)
class Predictors:
    """The predictors of a model, each list in the order of the data."""

    fixed: tuple[str, ...]
    modelled: tuple[str, ...]
    sequence: tuple[str, ...] = ()
    """The modelled ones in the sequence of their joint model: continuous, ordinal, nominal; among ordinal ones
    those that are centered first, because their expected scores then depend on fewer parameters."""


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
    listed = [name for name in rows.data if name in places]
    given = {name for name in listed if name in names.declarations.fixed}
    free = [name for name in listed if name not in given]
    centered = {column.variable for column in names.declarations.centered}
    latent = {column.variable for column in drafts.columns_on_the_right if column.form is ir.Form.LATENT_RESPONSE}
    _check_latent_responses(drafts, given, findings)
    needs_model = [
        name for name in free
        if rows.variables[name].kind is not ir.Kind.COUNT
        and (rows.variables[name].n_missing or name in latent or name in centered)
    ]  # fmt: skip
    counts = [name for name in free if rows.variables[name].kind is ir.Kind.COUNT]
    _check_counts(counts, rows.variables, places, findings)
    if not needs_model:
        others = [name for name in free if name not in counts]
        if others:
            findings.append(Finding(
                f"{_list(others)}: complete and not centered, so conditioned on like FIXED variables",
                None, code="fixed-automatically", severity="note"))  # fmt: skip
        return Predictors(tuple(listed), ())
    free = [name for name in free if name not in counts]
    fixed = [name for name in listed if name not in free]
    findings.append(_note(free, fixed, needs_model, rows, centered))
    return Predictors(tuple(fixed), tuple(free), _sequence(free, rows.variables, centered))


def _sequence(names: list[str], variables: Mapping[str, ir.Variable], centered: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: (
        SEQUENCE.index(variables[name].kind), variables[name].kind is ir.Kind.ORDINAL and name not in centered
    )))  # fmt: skip


def _note(free: list[str], fixed: list[str], needs_model: list[str], rows: AnalysedRows, centered: set[str]) -> Finding:
    categorical = [name for name in free if rows.variables[name].kind is not ir.Kind.CONTINUOUS]
    responses = f", with latent responses for {_list(categorical)}" if categorical else ""
    given = f", given {_list(fixed)}" if fixed else ""
    return Finding(
        f"{_list(free)}: no equation, so modelled by {'a joint normal' if len(free) > 1 else 'a normal'} "
        f"distribution{responses}{given}, because {_list(needs_model)} {_reason(needs_model, rows, centered)}",
        None, code="predictor-model", severity="note",
    )  # fmt: skip


def _check_latent_responses(drafts: Drafts, fixed: set[str], findings: list[Finding]) -> None:
    """A latent response belongs to a variable with a probit model of its own."""
    families = {column.variable: draft.family for column, draft in drafts.equations.items()}
    for column, span in drafts.columns_on_the_right.items():
        if column.form is not ir.Form.LATENT_RESPONSE:
            continue
        name = column.variable
        if name in fixed:
            findings.append(Finding(f"'{column.name}' is the latent response of a probit model, and '{name}' is FIXED",
                                    span, f"remove '{name}' from FIXED", "no-latent-response"))  # fmt: skip
        elif families.get(name, "probit") != "probit":
            findings.append(Finding(f"'{column.name}' is the latent response of a probit model, and '{name}' has a "
                                    f"{FAMILY_WORDS[families[name]]} equation", span,
                                    f"{name} ~ ...; without 'logit()'", "no-latent-response"))  # fmt: skip


def _check_counts(
    counts: list[str], variables: Mapping[str, ir.Variable], places: Mapping[str, Span | None], findings: list[Finding]
) -> None:
    """Complete counts are conditioned on; nothing says how to impute the others."""
    for name in counts:
        if variables[name].n_missing:
            findings.append(Finding(f"'{name}' is a COUNT predictor with missing values and has no equation that "
                                    "could impute them", places[name], f"{name} ~ 1; or its predictors",
                                    "incomplete-count"))  # fmt: skip
        else:
            findings.append(Finding(f"'{name}' is COUNT and complete, so conditioned on like FIXED variables", None,
                                    code="fixed-automatically", severity="note"))  # fmt: skip


def _predictor_places(drafts: Drafts, names: Names) -> dict[str, Span | None]:
    """Data variables that occur as predictors and own no equation, with a place."""
    outcomes = {column.variable for column in drafts.equations}
    places: dict[str, Span | None] = {}
    for column, span in drafts.columns_on_the_right.items():
        variable = names.variables[column.variable]
        if variable.origin in DATA_ORIGINS and column.variable not in outcomes:
            places.setdefault(column.variable, span)
    return places


def _reason(needs_model: list[str], rows: AnalysedRows, centered: set[str]) -> str:
    reasons = ("incomplete", "centered", "a predictor through the latent response")
    found = {
        reasons[0 if rows.variables[name].n_missing else 1 if name in centered else 2] for name in needs_model
    }  # fmt: skip
    verb = "is" if len(needs_model) == 1 else "are"
    return f"{verb} {' or '.join(each for each in reasons if each in found)}"


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def observed_mean(values: np.ndarray) -> float:
    """Mean of the observed values."""
    return float(np.nanmean(values))
