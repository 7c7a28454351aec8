"""Tables for notebooks: plain HTML without scripts, so that it survives saving and export."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import pandas as pd

from blimp2pymc.errors import Finding
from blimp2pymc.summary.report_tables import HEADINGS, VALUES, number

TITLES = {
    "outcome": "Outcome", "covariance": "Covariance matrix", "conditional": "Conditional effects on",
    "generated": "Generated parameters", "predictor": "Predictor", "correlation": "Correlations among residuals",
}  # fmt: skip
"""Blocks shown, and how their tables are called."""


def html(table: pd.DataFrame, notes: Sequence[Finding]) -> str:
    """Estimates as one HTML table per outcome, warnings first."""
    parts = [f"<p>&#9888; {escape(each.message)}</p>" for each in notes if each.severity == "warning"]
    for block in dict.fromkeys(table["block"]):
        if block not in TITLES:
            continue
        of_block = table[table["block"] == block]
        by_outcome = block in ("outcome", "covariance", "conditional", "predictor")
        for outcome in dict.fromkeys(of_block["outcome"]) if by_outcome else [""]:
            rows = of_block[of_block["outcome"] == outcome] if by_outcome else of_block
            parts.append(_table(f"{TITLES[block]} {outcome}".strip(), rows))
    return "\n".join(parts)


def _table(title: str, rows: pd.DataFrame) -> str:
    head = _cells("th", ["", *HEADINGS])
    body = []
    section = None
    for _, row in rows.iterrows():
        if row["section"] != section:
            section = row["section"]
            heading = f'<th colspan="{len(HEADINGS) + 1}" style="text-align:left">{escape(section)}</th>'
            body.append(f"<tr>{heading}</tr>")
        if row["fixed"] == 1:
            values = [f"@ {row['median']:.3f}", *["---"] * (len(VALUES) - 1)]
        else:
            values = [number(row[name]) for name in VALUES]
        name = f'<td style="text-align:left">{escape(str(row["parameter"]))}</td>'
        body.append(f"<tr>{name}{_cells('td', values)}</tr>")
    caption = f'<caption style="text-align:left"><b>{escape(title)}</b></caption>'
    return f"<table>{caption}<tr>{head}</tr>{''.join(body)}</table>"


def _cells(tag: str, values: Iterable[str]) -> str:
    return "".join(f"<{tag}>{escape(each)}</{tag}>" for each in values)
