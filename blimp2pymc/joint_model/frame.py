"""The rows that are analysed, and the values of the model's variables in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from blimp2pymc.data.table import Table
from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model.declarations import observed_codes
from blimp2pymc.joint_model.ir import Frame, Kind, Variable
from blimp2pymc.joint_model.variables import Declarations

MOST_CATEGORIES = 50
"""A variable with more codes cannot be meant as categorical."""

MOST_ROWS_SHOWN = 10
"""Dropped rows listed before the rest is only counted."""


@dataclass(frozen=True, eq=False)
class AnalysedRows:
    """Rows of the analysis with the variables used in them."""

    frame: Frame
    data: Mapping[str, NDArray[np.float64]]
    """Data variable -> values, NaN where missing, shape (frame.n_rows,)."""
    variables: Mapping[str, Variable]
    """Every variable used; missing cells and categories counted in these rows."""
    findings: tuple[Finding, ...]
    """Errors (for the caller to raise with its own) and notes."""


def analysed_rows(declarations: Declarations, used: Iterable[str], span: Span | None = None) -> AnalysedRows:
    """Drop the rows in which every variable of the model is missing.

    Parameters
    ----------
    declarations
        What every name is; its table has TRANSFORM and FILTER applied.
    used
        Names of the variables in the model, latent ones too; order does not matter.
    span
        Where the script has its MODEL, for the message that no row is left.

    Returns
    -------
    The rows; among their findings are zero rows left, and categorical variables whose codes are not
    whole numbers or that show fewer than two categories.
    """
    table = declarations.table
    wanted = set(used)
    columns = [name for name in table.columns if name in wanted]
    findings = [*table.notes, *_code_book_notes(table, columns)]
    present = np.zeros(table.n_rows, bool)
    for name in columns:
        present |= ~np.isnan(table.values[name])
    if columns and not present.any():
        findings.append(Finding(f"no row is left: all variables of the model are missing in every row of {table.name}",
                                span, "MISSING states the code of missing values; check it", "no-rows"))  # fmt: skip
    elif columns and not present.all():
        findings.append(_dropped(table, ~present))
        table = table.rows(present)
    elif not columns and not declarations.variables.keys().isdisjoint(wanted):
        findings.append(Finding("MODEL has no variable of the data", span, "eta -> x1:x3, or eta ~ x",
                                "no-data-variable"))  # fmt: skip
    data = {name: table.values[name] for name in columns}
    variables = {}
    findings.extend(_reference_notes(declarations.variables[name] for name in columns))
    for name in columns:
        variables[name] = _counted(declarations.variables[name], data[name])
        findings.extend(_category_findings(variables[name], data[name], table))
        findings.extend(_taken_names(variables[name], declarations.variables, wanted))
    for name, variable in declarations.variables.items():
        if name in wanted and name not in data:
            variables[name] = variable
    return AnalysedRows(Frame(table.source_row, file=table.path), data, variables, tuple(findings))


def _code_book_notes(table: Table, columns: Iterable[str]) -> list[Finding]:
    """What the codes of pandas categoricals mean."""
    notes = []
    for name in columns:
        if name in table.code_book:
            codes = ", ".join(f"{code:g} = {label}" for code, label in table.code_book[name].items())
            notes.append(
                Finding(f"the categories of '{name}' are read as codes: {codes}", None, "", "code-book", "note")
            )
    return notes


def _reference_notes(variables: Iterable[Variable]) -> list[Finding]:
    """Which category the others are compared with, where that is a choice."""
    return [
        Finding(f"'{each.name}' is NOMINAL: its categories are compared with {each.reference:g}", each.span,
                code="reference-category", severity="note")
        for each in variables
        if each.kind is Kind.NOMINAL and each.reference is not None and len(each.categories) > 2
    ]  # fmt: skip


def _dropped(table: Table, dropped: NDArray[np.bool_]) -> Finding:
    places = np.flatnonzero(dropped)
    word = "line" if table.lines is not None else "row"
    numbers = table.lines if table.lines is not None else table.source_row
    listed = ", ".join(str(numbers[place]) for place in places[:MOST_ROWS_SHOWN])
    more = f" and {len(places) - MOST_ROWS_SHOWN:,} more" if len(places) > MOST_ROWS_SHOWN else ""
    rows = "1 row was" if len(places) == 1 else f"{len(places):,} rows were"
    return Finding(
        f"{rows} dropped, because all variables of the model are missing there "
        f"({table.name}, {word}{'s' if len(places) > 1 else ''} {listed}{more})",
        None, "", "dropped-rows", "warning",
    )  # fmt: skip


def _counted(variable: Variable, values: NDArray[np.float64]) -> Variable:
    codes = observed_codes(values) if variable.kind in (Kind.ORDINAL, Kind.NOMINAL) else ()
    return replace(variable, categories=codes, n_missing=int(np.isnan(values).sum()))


def _taken_names(variable: Variable, declared: Iterable[str], used: Iterable[str]) -> list[Finding]:
    """Columns with the names of dummies, or of a latent response, that the model needs itself."""
    taken = []
    if variable.kind is Kind.NOMINAL:
        dummies = [f"{variable.name}.{code:g}" for code in variable.categories if code != variable.reference]
        taken = [name for name in dummies if name in declared]
    elif variable.kind is Kind.ORDINAL:
        taken = [name for name in (f"{variable.name}.latent",) if name in used]
    return [
        Finding(f"the column '{name}' has the name of a part of '{variable.name}'", variable.span,
                f"another name for the column '{name}'", "name-taken")
        for name in taken
    ]  # fmt: skip


def _category_findings(variable: Variable, values: NDArray[np.float64], table: Table) -> list[Finding]:
    if variable.kind is Kind.CONTINUOUS:
        return []
    command = variable.kind.name
    fractional = np.flatnonzero(~np.isnan(values) & (values != np.floor(values)))
    if len(fractional):
        row = int(fractional[0])
        hint = "counts are 0, 1, 2, ..." if variable.kind is Kind.COUNT else "whole numbers as codes"
        return [Finding(f"'{variable.name}' is {command}, but has the value {values[row]:g} ({table.place(row)})",
                        variable.span, hint, "fractional-code")]  # fmt: skip
    if variable.kind is Kind.COUNT:
        negative = np.flatnonzero(values < 0)
        if len(negative):
            row = int(negative[0])
            return [Finding(f"'{variable.name}' is COUNT, but has the value {values[row]:g} ({table.place(row)})",
                            variable.span, "counts are 0, 1, 2, ...", "negative-count")]  # fmt: skip
        return []
    if len(variable.categories) == 1:
        return [Finding(f"'{variable.name}' is {command}, but all its observed values are {variable.categories[0]:g}",
                        variable.span, f"leave '{variable.name}' out of the model", "one-category")]  # fmt: skip
    if len(variable.categories) > MOST_CATEGORIES:
        return [Finding(f"'{variable.name}' is {command} with {len(variable.categories)} different codes: that is a "
                        "continuous variable, or an identifier", variable.span,
                        f"leave '{variable.name}' out of {command}", "not-categorical")]  # fmt: skip
    return []
