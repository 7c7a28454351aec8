"""A script cut into commands and statements, before any grammar looks at it.

Cutting first keeps mistakes apart: a statement that cannot be read hides none of its neighbours, and a missing `;`
is seen for what it is because a command's name stands in the middle of a statement.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from blimp2pymc.blimp.commands import CANONICAL, COMMANDS
from blimp2pymc.blimp.expressions import NAME
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.pieces import Piece
from blimp2pymc.errors import Finding, Span

HEADER = re.compile(rf"\s*(?P<name>{NAME}|[0-9]++)\s*:(?![=+])")
NEXT_NAME = re.compile(rf"[^\S\n\r]*(?P<name>{NAME})")
INNER_HEADER = re.compile(rf"(?P<before>[\s}}\])])(?P<name>{NAME})\s*:(?![=+])")
RELATION = re.compile(r"~|->|<-|[\u2190\u2192\u2194]")
MODEL_SIGNS = re.compile(r"~|->|<-|=|@|[\u2190\u2192\u2194]")
TAKES_TILDE = ("PARAMETERS", "WALDTEST", "SIMULATE", "MODEL")


@dataclass
class Section:
    """A command and its statements, not yet read."""

    name: str
    """Canonical name; empty when the command is unknown."""
    span: Span
    statements: list[Piece] = field(default_factory=list)
    end: int = 0
    """Where its text ends in the script."""


def shares_stem(first: str, last: str) -> bool:
    """Whether two names are equal but for integers, so that `first:last` is meant as a range."""
    left, right = re.split(r"[0-9]+", first), re.split(r"[0-9]+", last)
    return len(left) > 1 and left == right


def split(script: Piece) -> tuple[list[Section], list[Finding]]:
    """Cut a script into commands and statements.

    Parameters
    ----------
    script
        The plain code of the whole script.

    Returns
    -------
    sections
        The commands in the order written.
    findings
        Mistakes, and warnings about block labels that look like commands.
    """
    sections: list[Section] = []
    findings: list[Finding] = []
    block = ""
    for chunk_start, chunk_end in _chunks(script):
        start = chunk_start
        while start < chunk_end:
            start = _skip_blanks(script, start, chunk_end)
            section = sections[-1] if sections else None
            header = HEADER.match(script, start, chunk_end)
            if header:
                finding, kind = _classify(script, header, chunk_end, section)
                if finding:
                    findings.append(finding)
                if kind in ("command", "unknown"):
                    name = CANONICAL[header["name"].upper()] if kind == "command" else ""
                    span = script.span(header.start("name"), header.end("name"))
                    sections.append(Section(name, span, end=header.end()))
                    block, start = "", header.end()
                    continue
                if kind == "label":
                    block, start = header["name"], header.end()
                    continue
            if start >= chunk_end:
                break
            end = chunk_end
            if (inner := _inner_header(script, start, chunk_end, section)) is not None:
                end = inner
                findings.append(_missing_semicolon(script, start, end, chunk_end))
            if section is None:
                span = script.span(start, _rstrip(script, start, end))
                findings.append(Finding(
                    "a script is a list of commands, and this stands before the first one", span,
                    "begin with a command such as DATA: study.csv;", "no-command",
                ))  # fmt: skip
                sections.append(Section("", span))
            elif text := script[start:end].strip():
                stop = start + len(script[start:end].rstrip())
                section.statements.append(script.part(start, stop, block))
                section.end = stop
                del text
            start = end
    return sections, findings


def _chunks(script: Piece) -> list[tuple[int, int]]:
    """Start and end of the stretches between semicolons."""
    chunks, start = [], 0
    for match in re.finditer(";", script):
        chunks.append((start, match.start()))
        start = match.end()
    chunks.append((start, len(script)))
    return chunks


def _skip_blanks(script: Piece, start: int, end: int) -> int:
    while start < end and script[start].isspace():
        start += 1
    return start


def _rstrip(script: Piece, start: int, end: int) -> int:
    return start + len(script[start:end].rstrip())


def _classify(script: Piece, header: re.Match[str], end: int, section: Section | None) -> tuple[Finding | None, str]:
    """What `name:` at the start of a statement is: `command`, `label`, `unknown`, or `none` (a range, a file)."""
    name = header["name"]
    canonical = CANONICAL.get(name.upper())
    form = COMMANDS[section.name] if section and section.name else None
    takes_labels = form is not None and form.blocks
    if canonical and (not takes_labels or _is_header(script, header, end, section, canonical)):
        return None, "command"
    span = script.span(header.start("name"), header.end("name"))
    following = NEXT_NAME.match(script, header.end(), end)
    if following and shares_stem(name, following["name"]):
        return None, "none"
    if canonical:
        return Finding(
            f"'{name}:' inside {section.name if section else ''} is read as the label of a block", span,
            f"{canonical}: in capitals if the command is meant", "label-like-command", "warning",
        ), "label"  # fmt: skip
    if form is not None and form.kind in ("text", "files") and not section.statements and name.upper() != name:
        return None, "none"
    near = nearest(name, CANONICAL, 0.75)
    text = script[header.end() : end]
    if takes_labels and not (near and (name.isupper() or not MODEL_SIGNS.search(text))):
        return None, "label"
    if section is not None and section.name == "" and takes_labels:
        return None, "label"
    return Finding(
        f"'{name}' is not a command", span,
        f"{near}:" if near else "one of " + ", ".join(COMMANDS), "unknown-command",
    ), "unknown"  # fmt: skip


def _is_header(script: Piece, header: re.Match[str], end: int, section: Section | None, canonical: str) -> bool:
    """Whether a command's name inside MODEL, SIMULATE or PARAMETERS begins that command.

    Upper case always does. A lower-case name is a block label when what follows can be no such command; where both
    readings are possible, it is a command in a script whose own headers are lower case, and a label otherwise.
    """
    assert section is not None
    if not header["name"].islower():
        return True
    text = script[header.end() : end]
    if RELATION.search(text) and canonical not in TAKES_TILDE:
        return False
    if not MODEL_SIGNS.search(text):
        return True
    return section.span.text.islower()


def _inner_header(script: Piece, start: int, end: int, section: Section | None) -> int | None:
    """Where a command's name stands in the middle of a statement, because a `;` is missing before it."""
    for match in INNER_HEADER.finditer(script, start, end):
        name = match["name"]
        if name.upper() not in CANONICAL:
            continue
        at_line_start = "\n" in script[_rstrip(script, start, match.start("name")) : match.start("name")]
        if name.isupper() or at_line_start:
            if at_line_start and not name.isupper() and section and section.name and COMMANDS[section.name].blocks:
                canonical = CANONICAL[name.upper()]
                header = HEADER.match(script, match.start("name"), end)
                if header and not _is_header(script, header, end, section, canonical):
                    continue
            return match.start("name")
    return None


def _missing_semicolon(script: Piece, start: int, end: int, chunk_end: int) -> Finding:
    stop = _rstrip(script, start, end)
    name = script[end:chunk_end].partition(":")[0].strip()
    last = re.search(r"\S+\Z", script[start:stop])
    begins = start + last.start() if last else stop - 1
    return Finding(
        f"a ';' is missing before the command {name}", script.span(begins, stop),
        f"{script[begins:stop]};", "missing-semicolon",
    )  # fmt: skip


def without_label(piece: Piece) -> Piece:
    """A statement that a loop has made, with its block label taken off and kept as its block."""
    header = HEADER.match(piece)
    if header is None:
        return piece
    following = NEXT_NAME.match(piece, header.end())
    if following and shares_stem(header["name"], following["name"]):
        return piece
    return piece.part(header.end(), None, header["name"])


__all__ = ["Section", "replace", "shares_stem", "split", "without_label"]
