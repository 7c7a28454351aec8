"""`read_table`: the data a script names, or that the user hands over in their place."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import pandas as pd

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.ranges import ListedName, listed_names
from blimp2pymc.data.cell_hints import NUMBER, USUAL_MISSING
from blimp2pymc.data.data_frame import read_data_frame
from blimp2pymc.data.table import Table
from blimp2pymc.data.text_file import read_header, read_text_file
from blimp2pymc.errors import BlimpError, Finding, Span, error


def read_table(
    script: tree.Script,
    data: pd.DataFrame | Mapping[str, object] | str | PathLike[str] | None = None,
    folder: str | PathLike[str] | None = None,
) -> Table:
    """Read the data of a script.

    Parameters
    ----------
    script
        Its DATA, VARIABLES and MISSING commands are used.
    data
        A DataFrame (or mapping of columns), or another file, in place of the one DATA names.
    folder
        Where the path in DATA starts; the script's own folder if None.

    Raises
    ------
    BlimpError
        No data named, or anything wrong with the file: see `read_text_file` and `read_data_frame`.
    """
    variables = _variables(script)
    names_span = script.all("VARIABLES")[0].span if variables is not None else None
    missing = _only(script, "MISSING")
    code = None if missing is None else str(missing.body).strip().strip("\"'")
    _check_code(code, missing)
    if isinstance(data, pd.DataFrame):
        return read_data_frame(data, variables, code, names_span)
    if isinstance(data, Mapping):
        try:
            frame = pd.DataFrame(data)
        except ValueError as problem:
            raise error(f"these columns make no table: {problem}", None, "lists of equal length", "no-table") from None
        return read_data_frame(frame, variables, code, names_span)
    if data is not None and not isinstance(data, str | PathLike):
        raise error(f"data are a DataFrame, a mapping of columns or a file, not a {type(data).__name__}", None,
                    "pandas.DataFrame(data, columns=[...])", "no-table")  # fmt: skip
    names = None if variables is None else tuple(item.name for item in variables)
    if data is not None:
        return read_text_file(Path(data), names, code, None, names_span)
    command = _only(script, "DATA")
    if command is None:
        if script.all("SIMULATE"):
            raise error("SIMULATE is not available yet: the script has no data file", script.all("SIMULATE")[0].span,
                        "DATA: file.csv;", "simulate")  # fmt: skip
        raise error("the script names no data", None, "DATA: file.csv; or data=DataFrame in Python", "no-data")
    path = _path(script, command, folder)
    return read_text_file(path, names, code, command.body_span or command.span, names_span)


def column_names(script: tree.Script, data: object = None) -> tuple[str, ...] | None:
    """Names of the columns of data that could not be read, as far as anything says them; None otherwise."""
    try:
        variables = _variables(script)
        if variables is not None:
            return tuple(item.name for item in variables)
        if isinstance(data, pd.DataFrame | Mapping):
            return tuple(str(name) for name in data)
        command = _only(script, "DATA")
        if isinstance(data, str | PathLike):
            return read_header(Path(data))
        return read_header(_path(script, command)) if data is None and command is not None else None
    except BlimpError:
        return None


def _path(script: tree.Script, command: tree.Command, folder: str | PathLike[str] | None = None) -> Path:
    """The file of the DATA command."""
    start = Path(folder) if folder is not None else Path(script.source.name).parent
    start = Path() if "://" in str(command.body) else start
    return start / str(command.body).strip().strip("\"'")


def _check_code(code: str | None, command: tree.Command | None) -> None:
    """Refuse several codes at once; a single one may hold blanks."""
    codes = (code or "").replace(",", " ").split()
    if command is not None and len(codes) > 1 and all(NUMBER.fullmatch(e) or e in USUAL_MISSING for e in codes):
        raise error(f"MISSING takes one code for all columns, not {len(codes)}", command.body_span or command.span,
                    f"MISSING: {codes[0]}; and TRANSFORM: x = missing(x == 999, x); for another",
                    "several-codes")  # fmt: skip


def _only(script: tree.Script, name: str) -> tree.Command | None:
    """The one command of that name; two that differ are an error."""
    commands = script.all(name)
    different = [each for each in commands[1:] if each.body != commands[0].body]
    if different:
        raise error(f"{name} is stated twice, and the two differ", different[0].body_span or different[0].span,
                    f"one {name} command", "stated-twice")  # fmt: skip
    return commands[0] if commands else None


def _variables(script: tree.Script) -> list[ListedName] | None:
    """Names of VARIABLES in order; None without the command."""
    if not script.all("VARIABLES"):
        return None
    items = listed_names(script.statements("VARIABLES"))
    first: dict[str, Span | None] = {}
    findings = []
    for item in items:
        name = item.name
        if name in first:
            findings.append(Finding(f"VARIABLES names '{name}' twice", item.span,
                                    "a name of its own for each column", "duplicate-column"))  # fmt: skip
        first.setdefault(name, item.span)
    if findings:
        raise BlimpError(*findings)
    return items
