"""What a cell of a data file should be, and what to try where it is something else."""

from __future__ import annotations

import re

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""A number in a data file."""

ROW_NAMES = "a name for the first column as well; in R, write.csv(data, row.names = FALSE)"
"""For a file in which every line is one cell longer than the header."""

USUAL_MISSING = ("NA", "NaN", "nan", ".", "-", "*", "?", "null", "NULL", "None", "#N/A", "N/A")
"""Cells that look like missing values under another name."""


def length_hint(cells_here: int, cells_expected: int, is_first: bool) -> str:
    """What to try about a line with too few or too many cells."""
    if cells_here < cells_expected:
        return "a cell for each column: the code of MISSING where there is no value"
    return ROW_NAMES if is_first and cells_here == cells_expected + 1 else "as many cells as there are columns"


def cell_hint(cell: str, codes: tuple[str, ...]) -> str:
    """What to try about a cell that is no number; `codes` is the code of MISSING, if there is one."""
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", cell):
        return "a number without commas"
    if re.fullmatch(r"[+-]?\d+,\d*", cell):
        return "a decimal point instead of the comma"
    if NUMBER.fullmatch(cell):
        return "a number below 1e308"
    if codes and cell.casefold() == codes[0].casefold():
        return f"{codes[0]}, as MISSING states it: upper and lower case differ"
    if cell.startswith('"'):
        return "a second quotation mark, or none"
    if cell in USUAL_MISSING:
        if not codes:
            return f"MISSING: {cell};"
        return f"one code for all missing values; MISSING states {codes[0]}"
    if cell.casefold() in ("true", "false"):
        return "1 for true and 0 for false"
    if re.fullmatch(r"[+-]?inf(inity)?", cell.casefold()):
        return "a finite number, or the code of MISSING"
    if re.fullmatch(r"[+-]?[0-9.]+[dD][+-]?[0-9]+", cell):
        return "E in place of D before the exponent"
    if re.search(r"[^\W\d_]", cell):
        return "a number as the code of each category, and ORDINAL or NOMINAL to name the column"
    return "digits with at most one decimal point"
