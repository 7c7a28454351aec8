"""Sections of `results.md`: one per script, written by the script that measures it."""

from __future__ import annotations

import re
from pathlib import Path

RESULTS = Path(__file__).parent / "results.md"
PUBLISHED = Path(__file__).parents[2] / "shared" / "reference" / "deck.md"
"""Published figures; they lie beside the repository and are no part of it."""


def write_section(script: str, text: str) -> None:
    """Put `text` under the heading of a script, in place of what is there."""
    heading = f"## `{script}`"
    content = RESULTS.read_text(encoding="utf-8")
    section = f"{heading}\n\n{text.strip()}\n"
    before, found, after = content.partition(heading + "\n")
    if found:
        following = after.find("\n## ")
        content = before + section + (after[following:] if following >= 0 else "")
    else:
        content = content.rstrip() + "\n\n" + section
    RESULTS.write_text(content, encoding="utf-8")


def published_tables() -> list[list[dict[str, str]]]:
    """Tables of the published figures, rows as heading -> cell; none where the file is absent."""
    if not PUBLISHED.exists():
        return []
    tables: list[list[dict[str, str]]] = []
    heading: list[str] = []
    for line in PUBLISHED.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            heading = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not heading:
            heading = cells
            tables.append([])
        elif not re.fullmatch(r"[-:| ]+", line):
            tables[-1].append(dict(zip(heading, cells, strict=True)))
    return tables


def published_lines(beginning: str) -> list[str]:
    """A paragraph of the published figures that begins so, after a blank line; nothing where the file is absent."""
    if not PUBLISHED.exists():
        return []
    lines = PUBLISHED.read_text(encoding="utf-8").splitlines()
    found = [each.replace(f"**{beginning}**", "Published") for each in lines if each.startswith(f"**{beginning}**")]
    return [line for each in found for line in ("", each)]


def table(heading: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
