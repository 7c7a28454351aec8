"""Tables of estimates as text, in Blimp's columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import numpy as np
import pandas as pd

HEADINGS = ("Estimate", "StdDev", "2.5%", "97.5%", "ChiSq", "PValue", "N_Eff")
"""Columns of a printed table."""
VALUES = ("median", "sd", "lo", "hi", "statistic", "p", "n_eff")
"""The same columns in the table of estimates."""

NAME_WIDTH = 34
NUMBER_WIDTH = 11
RULE = "-" * (len(HEADINGS) * NUMBER_WIDTH)


def number(value: float) -> str:
    """Three decimals, or dashes where there is no value."""
    if not np.isfinite(value):
        return "---"
    text = f"{value:.3f}"
    return "0.000" if text == "-0.000" else text


def table_line(name: str, row: pd.Series) -> str:
    """One line of a table; names that are too long push the numbers to the right."""
    if row["fixed"] == 1:
        cells = [f"@ {row['median']:.3f}", *["---"] * (len(VALUES) - 1)]
    else:
        cells = [number(row[column]) for column in VALUES]
    return f"   {name:<{NAME_WIDTH - 3}}" + "".join(f" {each:>{NUMBER_WIDTH - 1}}" for each in cells)


def heading(title: str = "Parameters") -> list[str]:
    """Column headings and the rule below them."""
    columns = "".join(f" {each:>{NUMBER_WIDTH - 1}}" for each in HEADINGS)
    return [f"{title:<{NAME_WIDTH}}{columns}", " " * NAME_WIDTH + RULE]


def section_lines(table: pd.DataFrame) -> list[str]:
    """Consecutive rows of one section under the section's name."""
    lines: list[str] = []
    records = [row for _, row in table.iterrows()]
    for section, rows in groupby(records, key=lambda row: row["section"]):
        if lines:
            lines.append("")
        lines.append(f"{section}:")
        lines += [table_line(row["parameter"], row) for row in rows]
    return lines


def outcome_lines(table: pd.DataFrame, title: Callable[[str], Sequence[str]]) -> list[str]:
    """Tables of outcomes, their conditional effects, and covariance matrices, under the user's block labels.

    Parameters
    ----------
    title
        Makes the lines above an outcome's table: what it is, its name, its centered predictors.
    """
    lines: list[str] = []
    label = ""
    records = [row for _, row in table.iterrows()]
    for (block, outcome, model_block), rows in groupby(
        records, key=lambda row: (row["block"], row["outcome"], row["model_block"])
    ):
        if model_block and model_block != label:
            lines += [f"{model_block} block:", ""]
        label = model_block
        part = pd.DataFrame(list(rows))
        if block == "conditional":
            lines += [f"Conditional effects on {outcome}:" if outcome else "Conditional effects:", ""]
            lines += heading("Conditional Effects") + section_lines(part)
        elif block == "covariance":
            lines += [f"Covariance Matrix: {outcome}", "", *heading(), *section_lines(part)]
        else:
            lines += [*title(outcome), "", *heading(), *section_lines(part)]
        lines += [" " * NAME_WIDTH + RULE, ""]
    return lines


def predictor_lines(table: pd.DataFrame, title: Callable[[str], str]) -> list[str]:
    """Tables of predictors, each under its title."""
    lines: list[str] = []
    for outcome in dict.fromkeys(table["outcome"]):
        part = table[table["outcome"] == outcome]
        lines += [title(outcome), "", *heading(), *_predictor_sections(part), " " * NAME_WIDTH + RULE, ""]
    return lines


def plain_lines(table: pd.DataFrame) -> list[str]:
    """A table without sections."""
    rows = (table_line(row["parameter"], row) for _, row in table.iterrows())
    return [*heading(), *rows, " " * NAME_WIDTH + RULE, ""]


def columns_of_text(rows: Iterable[Sequence[str]], gap: int = 2) -> list[str]:
    """Rows of text in aligned columns: the first to the left, the others to the right."""
    rows = [list(row) for row in rows]
    if not rows:
        return []
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        (
            "  "
            + row[0].ljust(widths[0])
            + "".join(" " * gap + cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        ).rstrip()
        for row in rows
    ]


def _predictor_sections(table: pd.DataFrame) -> list[str]:
    lines = [table_line(row["parameter"], row) for _, row in table[table["section"] == "Grand Mean"].iterrows()]
    rest = table[table["section"] != "Grand Mean"]
    return [*lines, *([""] if len(rest) and lines else []), *section_lines(rest)]
