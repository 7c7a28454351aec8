"""Text files of numbers, as Blimp takes them: comma separated (`.csv`), or blanks and tabs.

pandas' compiled reader does the work; when it stumbles, the lines are read one by one to say which
cell is wrong.
"""

from __future__ import annotations

import io
import re
import stat
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blimp2pymc.data.cell_hints import NUMBER, ROW_NAMES, USUAL_MISSING, cell_hint, length_hint
from blimp2pymc.data.table import Table
from blimp2pymc.errors import BlimpError, Finding, Source, Span, error

MOST_CELLS_SHOWN = 5
"""Wrong cells listed before the rest is only counted."""

NOT_TEXT = {
    b"PK": "a spreadsheet or archive",
    b"$FL": "an SPSS file",
    b"\xd0\xcf": "a spreadsheet",
    b"RDX": "an R file",
    b"\x1f\x8b": "a compressed file",
}
"""First bytes of common files that are no text."""

READ_AS_NUMBERS = ("rue", "RUE", "alse", "ALSE")
"""In words that pandas takes for 1 and 0 where a whole column consists of them."""


@dataclass(frozen=True)
class _Text:
    """A data file as text, and where its lines start."""

    source: Source
    lines: list[str]
    """Lines that are not blank."""
    numbers: NDArray[np.int64]
    """Their 1-based line numbers."""
    starts: NDArray[np.int64]
    """Their first characters in the text."""
    comma: bool


def read_text_file(
    path: Path, names: tuple[str, ...] | None, missing: str | None, data_span: Span | None, names_span: Span | None
) -> Table:
    """Read a data file.

    Parameters
    ----------
    path
        The file; `.csv` means commas, any other ending blanks and tabs.
    names
        The names of VARIABLES; None when the first line has them.
    missing
        The code of MISSING, number or text.
    data_span, names_span
        Where the script names the file and the variables, for messages.

    Raises
    ------
    BlimpError
        Missing or unreadable file, header where none belongs or none where one is needed, wrong number
        of columns, rows of unequal length, cells that are no numbers: each with line and column.
    """
    text = _load(path, data_span)
    codes = () if missing is None else (missing,)
    if ";" in text.lines[0]:
        raise _has_semicolons(text)
    first = cells(text, 0)
    if names is None:
        names = _header_names(text, first)
        text = _Text(text.source, text.lines[1:], text.numbers[1:], text.starts[1:], text.comma)
        if not text.lines:
            raise error(f"{path.name} has a header and no data", data_span, "a row of values for each case", "no-rows")
    else:
        _check_columns(text, first, names, codes, names_span)
    values = _parse(text, names, codes)
    if missing is not None and NUMBER.fullmatch(missing):
        values[values == float(missing)] = np.nan
    table = Table(
        name=path.name,
        columns=names,
        values={name: np.ascontiguousarray(values[:, place]) for place, name in enumerate(names)},
        source_row=np.arange(len(values)),
        lines=text.numbers,
        missing_code=missing,
        path=str(path),
    )
    n_empty = _count_empty(text)
    if n_empty:
        note = f"{n_empty:,} empty {'cell' if n_empty == 1 else 'cells'} of {path.name} were read as missing"
        table = table.with_notes(Finding(note, data_span, code="empty-cells", severity="note"))
    return table


def read_header(path: Path) -> tuple[str, ...]:
    """Names in the first line of a file, whatever is wrong with the lines below it.

    Raises
    ------
    BlimpError
        No such file, no text, or no names in its first line.
    """
    text = _load(path, None)
    return _header_names(text, cells(text, 0))


# ---------------------------------------------------------------- text


def _load(path: Path, data_span: Span | None) -> _Text:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # A device or a pipe could be read for ever.
            kind = "a folder" if path.is_dir() else "no ordinary file"
            raise error(f"the data file '{path}' is {kind}", data_span, "the name of a text file", "no-data-file")
        raw = path.read_bytes()
    except FileNotFoundError:
        is_address = path.parts[:1] and path.parts[0].lower() in ("http:", "https:", "ftp:")
        near = "the file on this computer: download it first" if is_address else _nearest_file(path)
        raise error(f"there is no data file '{path}'", data_span, near or "the path as seen from the script's folder",
                    "no-data-file") from None  # fmt: skip
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise error(f"the data file '{path}' cannot be read: {reason}", data_span, "", "no-data-file") from None
    for start, what in NOT_TEXT.items():
        if raw.startswith(start):
            hint = "unpack it, and name the file inside" if "compressed" in what else "save the data as .csv"
            raise error(f"{path.name} is {what}, not a text file", data_span, hint, "no-text-file")
    text = _decode(raw, path, data_span).replace("\r\n", "\n").replace("\r", "\n")
    every = text.split("\n")
    starts = np.cumsum([0, *(len(line) + 1 for line in every[:-1])])
    comma = path.suffix.lower() == ".csv"
    full = np.array([bool(line.strip()) for line in every])
    if not full.any():
        raise error(f"{path.name} is empty", data_span, "the name of the file with the data", "no-rows")
    lines = every if full.all() else [line for line, is_full in zip(every, full, strict=True) if is_full]
    return _Text(Source(path.name, text), lines, np.flatnonzero(full) + 1, starts[full], comma)


def _decode(raw: bytes, path: Path, data_span: Span | None) -> str:
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if "\0" in text:
        raise error(f"{path.name} is not a text file", data_span, "save the data as .csv", "no-text-file")
    return text


def _nearest_file(path: Path) -> str:
    try:
        names = [each.name for each in islice(path.parent.iterdir(), 1000) if each.is_file()]
    except OSError:
        return ""
    # An ending that two names share says nothing about how alike they are.
    by_stem = {Path(name).stem: name for name in names}
    near = get_close_matches(path.stem, by_stem, 1, 0.6)
    return by_stem[near[0]] if near else ""


def cells(text: _Text, place: int) -> list[tuple[str, int, int]]:
    """Cells of line `place`: content without quotes and blanks, and its slice of the line."""
    line = text.lines[place]
    pattern = r'\s*"[^"]*"\s*(?=,|$)|[^,]*' if text.comma else r'"[^"]*"|\S+'
    found, position = [], 0
    if not text.comma:
        return [(_unquoted(each.group()), *each.span()) for each in re.finditer(pattern, line)]
    while position <= len(line):
        each = re.compile(pattern).match(line, position)
        assert each is not None
        content = each.group().strip()
        start = position + len(each.group()) - len(each.group().lstrip())
        found.append((_unquoted(content), start, max(start + len(content), start)))
        position = each.end() + 1
    return found


def _unquoted(cell: str) -> str:
    """Content of a cell in quotes; one that opens and does not close is left as it is."""
    return cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _span(text: _Text, place: int, start: int, end: int) -> Span:
    offset = int(text.starts[place])
    return Span(text.source, offset + start, offset + max(end, start + 1))


def _line_span(text: _Text, place: int) -> Span:
    return _span(text, place, 0, len(text.lines[place]))


# ---------------------------------------------------------------- header


def _is_number(cell: str, codes: tuple[str, ...]) -> bool:
    return not cell or cell in codes or NUMBER.fullmatch(cell) is not None


def _header_names(text: _Text, first: list[tuple[str, int, int]]) -> tuple[str, ...]:
    numbers = [cell for cell, _, _ in first if cell and NUMBER.fullmatch(cell)]
    if numbers:
        raise error(
            f"the first line of {text.source.name} holds numbers, and the script has no VARIABLES command that names "
            f"its {len(first)} columns", _line_span(text, 0), "VARIABLES: names of the columns in order;", "no-header",
        )  # fmt: skip
    if not text.comma and len(first) == 1 and first[0][0].count(",") > 0:
        raise _has_commas(text)
    if text.comma and len(first) == 1 and re.search(r"[;\s]", first[0][0]):
        raise _lacks_commas(text)
    names, findings = [], []
    for place, (cell, start, end) in enumerate(first):
        name = cell or f"column {place + 1}"
        if name in names:
            findings.append(Finding(f"two columns are called '{name}'", _span(text, 0, start, end),
                                    "a name of its own for each column", "duplicate-column"))  # fmt: skip
        names.append(name)
    if findings:
        raise BlimpError(*findings)
    return tuple(names)


def _has_commas(text: _Text) -> BlimpError:
    return error(f"{text.source.name} is separated by commas, but its name does not end in .csv",
                 _line_span(text, 0), f"rename it to {Path(text.source.name).stem}.csv", "separator")  # fmt: skip


def _lacks_commas(text: _Text) -> BlimpError:
    return error(f"the name of {text.source.name} ends in .csv, but it has no commas", _line_span(text, 0),
                 f"commas between the columns; or blanks, and the name {Path(text.source.name).stem}.dat",
                 "separator")  # fmt: skip


def _has_semicolons(text: _Text) -> BlimpError:
    return error(f"{text.source.name} is separated by semicolons", _line_span(text, 0),
                 "commas between the columns and decimal points; in R, write.csv in place of write.csv2",
                 "separator")  # fmt: skip


def _check_columns(
    text: _Text,
    first: list[tuple[str, int, int]],
    names: tuple[str, ...],
    codes: tuple[str, ...],
    names_span: Span | None,
) -> None:
    contents = [cell for cell, _, _ in first]
    if not text.comma and len(first) == 1 < len(names) and "," in contents[0]:
        raise _has_commas(text)
    if text.comma and len(first) == 1 < len(names):
        raise _lacks_commas(text)
    is_header = contents[0] != "" and not any(_is_number(cell, codes) for cell in contents if cell)
    if is_header and not all(cell in USUAL_MISSING for cell in contents):
        raise error(
            f"the first line of {text.source.name} holds names, but VARIABLES names the columns already",
            _line_span(text, 0), "remove the VARIABLES command, or that line of the file", "header-and-variables",
        )  # fmt: skip
    if len(first) != len(names):
        where = f"line {text.numbers[0]} of {text.source.name}"
        hint = "a name for each column of the file, in its order"
        if not contents[-1] and len(first) == len(names) + 1:
            hint = "lines of the file without the comma at their end"
        raise error(f"VARIABLES names {_columns(len(names))}, but {where} has {len(first)}", names_span, hint,
                    "column-count")  # fmt: skip


def _columns(count: int) -> str:
    return f"{count} column" if count == 1 else f"{count} columns"


# ---------------------------------------------------------------- numbers


def _parse(text: _Text, names: tuple[str, ...], codes: tuple[str, ...]) -> NDArray[np.float64]:
    """Values of all lines, shape (lines, columns)."""
    body = "\n".join(text.lines)
    if any(word in body for word in READ_AS_NUMBERS):
        return _parse_lines(text, names, codes)
    try:
        frame = pd.read_csv(
            io.StringIO(body), sep="," if text.comma else r"\s+", header=None, dtype=np.float64,
            na_values=["", *codes], keep_default_na=False, skipinitialspace=text.comma,
        )  # fmt: skip
    except (ValueError, pd.errors.ParserError):
        return _parse_lines(text, names, codes)
    values = np.array(frame.to_numpy(), float)
    doubtful = values.shape != (len(text.lines), len(names)) or np.isinf(values).any()
    if doubtful or _short_line(text, values, len(names)):
        return _parse_lines(text, names, codes)
    return values


def _short_line(text: _Text, values: NDArray[np.float64], width: int) -> bool:
    """Whether a line ends early; pandas fills it up, so that its last cell is missing."""
    return any(_count_cells(text, place) != width for place in np.flatnonzero(np.isnan(values[:, -1])).tolist())


def _count_cells(text: _Text, place: int) -> int:
    line = text.lines[place]
    if '"' in line:
        return len(cells(text, place))
    return line.count(",") + 1 if text.comma else len(line.split())


def _parse_lines(text: _Text, names: tuple[str, ...], codes: tuple[str, ...]) -> NDArray[np.float64]:
    """Values cell by cell; raises with the place of every cell that is none."""
    values = np.full((len(text.lines), len(names)), np.nan)
    findings: list[Finding] = []
    told: set[tuple[int, str]] = set()
    count = 0
    for place in range(len(text.lines)):
        line = cells(text, place)
        if len(line) != len(names):
            count += 1
            hint = length_hint(len(line), len(names), is_first=place == 0)
            # Lines below a header without a name for their first column are all wrong in the same way.
            if (len(line), ROW_NAMES) not in told and len(findings) < MOST_CELLS_SHOWN:
                told.add((len(line), hint))
                findings.append(Finding(f"this line has {_columns(len(line))}, the first has {len(names)}",
                                        _line_span(text, place), hint, "ragged-rows"))  # fmt: skip
            continue
        for column, (cell, start, end) in enumerate(line):
            if NUMBER.fullmatch(cell) and np.isfinite(float(cell)):
                values[place, column] = float(cell)
            elif cell and cell not in codes:
                count += 1
                hint = cell_hint(cell, codes)
                # One place a column will do: what is wrong with one cell is wrong with the others.
                if (column, hint) not in told and len(findings) < MOST_CELLS_SHOWN:
                    told.add((column, hint))
                    findings.append(Finding(f"column {column + 1} ({names[column]}): '{_short(cell)}' is not a number",
                                            _span(text, place, start, end), hint, "not-a-number"))  # fmt: skip
    if count > len(findings):
        findings.append(Finding(f"and {_places(count - len(findings))} like these in {text.source.name}"))
    if findings:
        raise BlimpError(*findings)
    return values


def _places(count: int) -> str:
    return f"{count:,} more places" if count > 1 else "one more place"


def _short(cell: str) -> str:
    return cell if len(cell) <= 40 else cell[:37] + "..."


def _count_empty(text: _Text) -> int:
    if not text.comma:
        return 0
    empty = re.compile(r"(?:^|(?<=,))[ \t]*(?=,|$)")
    return sum(len(empty.findall(line)) for line in text.lines if ",," in line or line[0] == "," or line[-1] in ", \t")
