"""The declaring commands of a script, read into `Declarations`.

VARIABLES or the header, TRANSFORM, ORDINAL, NOMINAL, COUNT, LATENT, RANDOMEFFECT, FIXED, CENTER,
CLUSTERID, TIMEID, WEIGHT and BYGROUP; all that is wrong with them is collected, nothing is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.ranges import ListedName, listed_names
from blimp2pymc.data.table import Table
from blimp2pymc.errors import BlimpError, Finding, Span
from blimp2pymc.joint_model.ir import Column, ImpliedVariance, Kind, Origin, Variable
from blimp2pymc.joint_model.variables import Centering, Declarations, propose

SCALES = {"ORDINAL": Kind.ORDINAL, "NOMINAL": Kind.NOMINAL, "COUNT": Kind.COUNT}
"""Command -> scale of the variables it lists."""

CENTERING = {
    "": "grandmean", "grandmean": "grandmean", "cgm": "grandmean", "groupmean": "groupmean", "cwc": "groupmean",
}  # fmt: skip
"""Keyword of CENTER -> which mean is subtracted."""


def declare(script: tree.Script, table: Table) -> Declarations:
    """Read every declaring command of a script.

    Parameters
    ----------
    script
        Parsed script.
    table
        Its data, TRANSFORM and FILTER applied.

    Returns
    -------
    The declarations. What is wrong with them is in `findings`, nothing is raised.
    """
    findings: list[Finding] = []
    known = _data_names(script, table)
    origins, declared_in = known.origins, known.declared_in
    clusters = _cluster_identifiers(script, table, declared_in, findings)
    levels = {identifier: 2 + place for place, identifier in enumerate(clusters)}
    random_effects = _add_latent_names(script, levels, known, findings)
    _add_dropout_names(script, known)
    scales = _scales(script, origins, declared_in, table, findings)
    variables: dict[str, Variable] = {}
    for name, origin in origins.items():
        kind, reference, span = scales.get(name, (Kind.CONTINUOUS, None, None))
        values = table.values.get(name)
        codes = observed_codes(values) if values is not None and kind in (Kind.ORDINAL, Kind.NOMINAL) else ()
        if kind is Kind.NOMINAL and any(code != np.floor(code) for code in codes):
            # Its dummies would have no names; the other mistakes are found without them.
            assert values is not None
            row = int(np.flatnonzero(~np.isnan(values) & (values != np.floor(values)))[0])
            findings.append(Finding(f"'{name}' is NOMINAL, but has the value {values[row]:g} ({table.place(row)})",
                                    span, "whole numbers as codes", "fractional-code"))  # fmt: skip
            kind, codes, reference = Kind.CONTINUOUS, (), None
        if kind is Kind.NOMINAL and codes:
            reference = _reference(name, codes, reference, span, findings)
        variables[name] = Variable(
            name, kind, origin, known.levels.get(name, 1), codes, reference,
            0 if values is None else int(np.isnan(values).sum()), span or known.spans.get(name),
        )  # fmt: skip
    declarations = Declarations(table=table, variables=variables, declared_in=declared_in, cluster_identifiers=clusters)
    declarations = replace(
        declarations,
        fixed=_fixed(script, declarations, findings),
        time_identifier=_single(script, "TIMEID", declarations, findings) or _first_listed(script, "TIMEID"),
        weights=tuple(_data_list(script, "WEIGHT", declarations, findings)),
        group=_single(script, "BYGROUP", declarations, findings),
        random_effects=random_effects,
    )
    _data_list(script, "FCS", declarations, findings)
    _check_dropouts(script, declarations, findings)
    return replace(
        declarations, centered=_centered(script, declarations, findings), findings=tuple(dict.fromkeys(findings))
    )


def observed_codes(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Distinct observed values, ascending."""
    return tuple(float(each) for each in np.unique(values[~np.isnan(values)]))


@dataclass(frozen=True)
class _Known:
    """Names declared so far."""

    origins: dict[str, Origin]
    declared_in: dict[str, str]
    """Where, in words."""
    spans: dict[str, Span | None]
    levels: dict[str, int] = field(default_factory=dict)
    """Level of latent variables and random effects."""


def _data_names(script: tree.Script, table: Table) -> _Known:
    transformed = {statement.name: statement for statement in script.statements("TRANSFORM")}
    origins = {name: Origin.TRANSFORM if name in transformed else Origin.DATA for name in table.columns}
    where = "VARIABLES" if script.all("VARIABLES") else f"a column of {table.name}"
    declared_in = {name: "TRANSFORM" if name in transformed else where for name in table.columns}
    spans: dict[str, Span | None] = {
        name: statement.name_span or statement.span for name, statement in transformed.items()
    }
    return _Known(origins, declared_in, spans)


def _add_dropout_names(script: tree.Script, known: _Known) -> None:
    """DROPOUT makes variables that are no columns of the file."""
    for group in script.statements("DROPOUT"):
        if group.key and group.key not in known.origins:
            known.origins[group.key] = Origin.TRANSFORM
            known.declared_in[group.key] = "DROPOUT"
            known.spans[group.key] = group.key_span or group.span


def _names(script: tree.Script, command: str, findings: list[Finding]) -> list[ListedName]:
    """Names of a list command, ranges written out; a bad range is a finding."""
    names: list[ListedName] = []
    for item in script.statements(command):
        try:
            names.extend(listed_names([item]))
        except BlimpError as mistake:
            findings.extend(mistake.findings)
    return names


def _undeclared(command: str, item: ListedName, known: Iterable[str], declared_in: Mapping[str, str],
                table: Table) -> Finding:  # fmt: skip
    name = item.name
    if name in table.unreadable:
        return Finding(f"the column '{name}' in {command} is not numeric: {table.unreadable[name]}", item.span,
                       table.numbers_hint(name), "not-numeric")  # fmt: skip
    hint = propose(name, known, declared_in)
    return Finding(f"'{name}' in {command} is not in the data", item.span, hint, "undeclared-name")


def _data_list(script: tree.Script, command: str, declarations: Declarations, findings: list[Finding]) -> list[str]:
    """Columns of the data that a command lists, each once."""
    listed: dict[str, None] = {}
    table = declarations.table
    for item in _names(script, command, findings):
        name = item.name
        if name not in table.values:
            findings.append(_undeclared(command, item, table.columns, declarations.declared_in, table))
        else:
            listed[name] = None
    return list(listed)


def _single(script: tree.Script, command: str, declarations: Declarations, findings: list[Finding]) -> str | None:
    names = _data_list(script, command, declarations, findings)
    if len(names) > 1:
        findings.append(Finding(f"{command} takes one name, not {len(names)}", script.all(command)[-1].span, names[0],
                                "one-name"))  # fmt: skip
    return names[0] if names else None


def _first_listed(script: tree.Script, command: str) -> str | None:
    """The first name of a command, known or not, so that nothing else is said to lack the command."""
    names = [each.name for each in _names(script, command, [])]
    return names[0] if names else None


def _check_dropouts(script: tree.Script, declarations: Declarations, findings: list[Finding]) -> None:
    for group in script.statements("DROPOUT"):
        items = [each for item in group.items for each in listed_names([item])]
        for item in items:
            if item.name not in declarations.table.values:
                findings.append(_undeclared("DROPOUT", item, declarations.table.columns, declarations.declared_in,
                                            declarations.table))  # fmt: skip
        if len(items) > 1:
            findings.append(Finding("DROPOUT makes one indicator of one variable", items[1].span,
                                    f"{group.key} = {items[0].name};", "one-name"))  # fmt: skip


def _cluster_identifiers(
    script: tree.Script, table: Table, declared_in: Mapping[str, str], findings: list[Finding]
) -> tuple[str, ...]:
    """Identifiers, the one with most clusters (the lowest level) first."""
    names = []
    for item in _names(script, "CLUSTERID", findings):
        if item.name not in table.values:
            findings.append(_undeclared("CLUSTERID", item, table.columns, declared_in, table))
        else:
            names.append(item.name)
    names = list(dict.fromkeys(names))
    if len(names) > 2:
        findings.append(Finding(f"CLUSTERID takes one or two names, not {len(names)}", script.all("CLUSTERID")[-1].span,
                                "", "too-many-levels"))  # fmt: skip
    return tuple(sorted(names, key=lambda name: -len(observed_codes(table.values[name]))))


def _add_latent_names(
    script: tree.Script, levels: Mapping[str, int], known: _Known, findings: list[Finding]
) -> tuple[tree.RandomEffectStatement, ...]:
    """Add latent variables and random effects to the known names; return the latter's statements."""

    def check_level(level: str, command: str, span: Span | None) -> None:
        if level and level not in levels:
            findings.append(Finding(f"'{level}' in {command} is no level: CLUSTERID does not list it", span,
                                    " or ".join(levels) or f"CLUSTERID: {level};", "unknown-level"))  # fmt: skip

    def add(name: str, origin: Origin, command: str, level: str, span: Span | None) -> None:
        number = levels.get(level, 1)
        if name in known.origins and (known.origins[name] is not origin or known.levels.get(name) != number):
            findings.append(Finding(f"'{name}' in {command} is declared already: {known.declared_in[name]}", span,
                                    "another name", "declared-twice"))  # fmt: skip
            return
        known.origins[name], known.declared_in[name] = origin, command
        known.spans[name], known.levels[name] = span, number

    for group in script.statements("LATENT"):
        check_level(group.key, "LATENT", group.key_span or group.span)
        for item in group.items:
            try:
                for each in listed_names([item]):
                    add(each.name, Origin.LATENT, "LATENT", group.key, each.span)
            except BlimpError as mistake:
                findings.extend(mistake.findings)
    effects = script.statements("RANDOMEFFECT")
    for effect in effects:
        check_level(effect.level, "RANDOMEFFECT", effect.term_span or effect.span)
        add(effect.name, Origin.RANDOM_EFFECT, "RANDOMEFFECT", effect.level, effect.span)
    return effects


def _scales(
    script: tree.Script,
    origins: Mapping[str, Origin],
    declared_in: Mapping[str, str],
    table: Table,
    findings: list[Finding],
) -> dict[str, tuple[Kind, float | None, Span | None]]:
    """Name -> scale, reference code, place; names on two scales are findings."""
    scales: dict[str, tuple[Kind, float | None, Span | None]] = {}
    commands: dict[str, str] = {}
    for command, kind in SCALES.items():
        for item in _names(script, command, findings):
            name = item.name
            if name not in table.values:
                if name in origins:
                    findings.append(_no_column(name, command, declared_in, item.span))
                else:
                    findings.append(_undeclared(command, item, table.columns, declared_in, table))
                continue
            if name in scales and commands[name] != command:
                findings.append(Finding(f"'{name}' is declared both {commands[name]} and {command}", item.span,
                                        "one of the two", "two-scales"))  # fmt: skip
                continue
            reference = item.reference
            if name in scales and reference is None:
                reference = scales[name][1]
            scales[name] = (kind, reference, item.span)
            commands[name] = command
    return scales


def _no_column(name: str, command: str, declared_in: Mapping[str, str], span: Span | None) -> Finding:
    """The finding for a variable that is made by another command and has no column of data."""
    return Finding(f"'{name}' in {command} is declared by {declared_in[name]} and is no column of the data", span,
                   f"leave '{name}' out of {command}", "not-data")  # fmt: skip


def _reference(
    name: str, codes: tuple[float, ...], reference: float | None, span: Span | None, findings: list[Finding]
) -> float:
    if reference is None:
        return codes[0]
    if reference not in codes:
        listed = ", ".join(f"{each:g}" for each in codes)
        findings.append(Finding(f"'{name}' has no category {reference:g} to serve as reference", span,
                                f"one of {listed}", "no-category"))  # fmt: skip
        return codes[0]
    return reference


def _fixed(script: tree.Script, declarations: Declarations, findings: list[Finding]) -> dict[str, Span | None]:
    fixed: dict[str, Span | None] = {}
    table = declarations.table
    for item in _names(script, "FIXED", findings):
        name = item.name
        if name in table.values:
            fixed.setdefault(name, item.span)
        elif name in declarations.variables:
            findings.append(_no_column(name, "FIXED", declarations.declared_in, item.span))
        else:
            findings.append(_undeclared("FIXED", item, table.columns, declarations.declared_in, table))
    return fixed


def _centered(script: tree.Script, declarations: Declarations, findings: list[Finding]) -> dict[Column, Centering]:
    centered: dict[Column, Centering] = {}
    for group in script.statements("CENTER"):
        mean = CENTERING.get(group.key.lower())
        if mean is None:
            findings.append(Finding(f"CENTER knows no '{group.key}'", group.key_span or group.span,
                                    "grandmean or groupmean", "unknown-centering"))  # fmt: skip
            continue
        if mean == "groupmean" and not declarations.cluster_identifiers:
            findings.append(Finding("CENTER groupmean needs clusters, and no CLUSTERID names them",
                                    group.key_span or group.span, "CLUSTERID: name;", "no-clusterid"))  # fmt: skip
        for item in group.items:
            _center_item(item, mean, declarations, centered, findings)
    return centered


def _center_item(
    item: tree.NameItem,
    mean: str,
    declarations: Declarations,
    centered: dict[Column, Centering],
    findings: list[Finding],
) -> None:
    try:
        names = listed_names([item])
    except BlimpError as mistake:
        findings.extend(mistake.findings)
        return
    for each in names:
        column = declarations.lookup(each.name, each.span)
        if isinstance(column, ImpliedVariance):
            findings.append(Finding(f"CENTER cannot center '{each.name}'", each.span, "", "not-data"))
        elif isinstance(column, Finding):
            is_key = each.name.lower() in CENTERING and column.code == "undeclared-name"
            findings.append(replace(column, hint=f"{each.name} = ...") if is_key else column)
        elif column in centered and centered[column].mean != mean:
            findings.append(Finding(f"CENTER states both means for '{each.name}'", each.span,
                                    "grandmean or groupmean", "two-centerings"))  # fmt: skip
        else:
            centered.setdefault(column, Centering(column, mean, each.span))
