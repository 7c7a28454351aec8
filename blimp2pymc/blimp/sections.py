"""A script cut into commands and statements, before any grammar looks at it.

Cutting first keeps mistakes apart: a statement that cannot be read hides none of its neighbours, and a missing `;`
is seen for what it is because a command's name stands in the middle of a statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from blimp2pymc.blimp.commands import CANONICAL, COMMANDS, SAVE_KINDS, Form
from blimp2pymc.blimp.expressions import NAME
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.pieces import Piece
from blimp2pymc.errors import Finding, Span

HEADER = re.compile(rf"\s*(?P<name>{NAME}|[0-9]++)\s*:(?![=+])")
INNER_HEADER = re.compile(rf"(?<![\w./\\-])(?P<name>{NAME})\s*:(?![=+])")
NEXT_NAME = re.compile(rf"[^\S\n\r]*(?P<name>{NAME})")
BARE_COMMAND = re.compile(rf"(?P<name>{NAME})\s+(?=[\w.])")

NUMBER_ASSIGNED = re.compile(rf"(?P<name>{NAME})\s*=(?=\s*[0-9])")
NUMBERS = frozenset(name for name, form in COMMANDS.items() if form.kind == "integer")
"""Commands of one number, which are sometimes written with `=`."""

ELSEWHERE = {
    "CATEGORICAL": "ORDINAL", "NAMES": "VARIABLES", "FILE": "DATA", "CLUSTER": "CLUSTERID", "DEFINE": "TRANSFORM",
    "GROUPING": "BYGROUP", "REGRESSION": "MODEL", "PRIORS": "PARAMETERS", "CONSTRAINT": "PARAMETERS",
    "USEOBSERVATIONS": "FILTER", "SUBPOPULATION": "FILTER", "WEIGHTS": "WEIGHT", "THINNING": "THIN",
}  # fmt: skip
"""Commands as other programs and memory call them."""

TIGHT_RANGE = re.compile(rf"{NAME}:{NAME}")
FOREIGN_COMMENT = re.compile(r"/\*.*?\*/|(?://|/\*|!(?!=)|\*)[^\n\r]*", re.DOTALL)
"""A comment as other programs write it, at the start of a statement."""
RELATION = re.compile(r"~|->|<-|[\u2190\u2192\u2194]")
MODEL_SIGN = re.compile(r"~|->|<-|=|@|[\u2190\u2192\u2194]")
TAKES_TILDE = ("PARAMETERS", "WALDTEST", "SIMULATE", "MODEL")
"""Commands whose statements may hold `~`."""

NEAR = 0.75
"""Spellings at least this similar to a command's name are taken for a misspelling of it."""


@dataclass
class Section:
    """A command and its statements, not yet read."""

    name: str
    """Canonical name; empty when the command is unknown."""
    span: Span
    end: int
    """Where its text ends in the script."""
    statements: list[Piece] = field(default_factory=list)
    labels: set[int] = field(default_factory=set)
    """Places in `statements` where the label of a block stands."""

    @property
    def form(self) -> Form | None:
        """The form of the command; None when it is unknown."""
        return COMMANDS[self.name] if self.name else None

    @property
    def takes_labels(self) -> bool:
        """Whether `label:` may head a block here. Nothing is known of an unknown command, so there it may."""
        return self.form is None or self.form.blocks


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
    cut = _Cut(script)
    for start, end in _chunks(script):
        cut.stretch(start, end)
    return cut.sections, cut.findings


@dataclass
class _Cut:
    """The script so far: its sections, its findings, and the block the next statement stands in."""

    script: Piece
    sections: list[Section] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    block: str = ""

    def stretch(self, start: int, end: int) -> None:
        """Read what stands between two semicolons: headers and labels, then a statement."""
        at = _skip_blanks(self.script, start, end)
        if at < end:
            at = self._bare_command(at, end) or at
        while (at := _skip_blanks(self.script, at, end)) < end:
            at = self._header(at, end) or self._statement(at, end)

    def _header(self, at: int, end: int) -> int:
        """A command or label at this place: the position behind it; 0 if there is none."""
        header = HEADER.match(self.script, at, end)
        if header is None:
            return 0
        kind, finding = _classify(self.script, header, end, self._section())
        self.findings += [finding] if finding else []
        if kind == "range":
            return 0
        self.block = header["name"] if kind == "label" else ""
        section = self._section()
        if kind == "label" and section is not None:
            section.labels.add(len(section.statements))
        if kind != "label":
            name = CANONICAL[header["name"].upper()] if kind == "command" else ""
            self.sections.append(Section(name, self.script.span(*header.span("name")), header.end()))
        return header.end()

    def _bare_command(self, at: int, end: int) -> int:
        """A command whose colon is missing: the position behind it; 0 if there is none."""
        section = self._section()
        command = _without_colon(self.script, at, end, section)
        assigned = NUMBER_ASSIGNED.match(self.script, at, end)
        if assigned and not command and not (section and section.takes_labels):
            command = assigned["name"] if CANONICAL.get(assigned["name"]) in NUMBERS else ""
        if not command:
            return 0
        span = self.script.span(at, at + len(command))
        self.findings.append(Finding(f"a ':' is missing behind {command}", span, f"{command}:", "missing-colon"))
        self.sections.append(Section(CANONICAL[command], span, span.end))
        self.block = ""
        return assigned.end() if assigned else span.end

    def _statement(self, at: int, end: int) -> int:
        """The statement at this place: the position behind it."""
        section = self._section()
        # A file name may begin as a comment does elsewhere.
        form = section.form if section else None
        is_file = section is not None and form is not None and form.kind == "text" and not section.statements
        comment = None if is_file else FOREIGN_COMMENT.match(self.script, at, end)
        if comment is not None:
            span = self.script.span(at, _without_blanks(self.script, at, comment.end()))
            words = comment[0].strip("/*! \t")
            self.findings.append(Finding("a comment begins with '#'", span, f"# {words}", "foreign-comment"))
            return comment.end()
        stop = _inner_header(self.script, at, end, section)
        statement_end = _without_blanks(self.script, at, stop)
        if stop < end and self.script[statement_end - 1] == ":":
            span = self.script.span(statement_end - 1, statement_end)
            self.findings.append(Finding("a ';' belongs here, not a ':'", span, ";", "missing-semicolon"))
            statement_end = _without_blanks(self.script, at, statement_end - 1)
        elif stop < end:
            self.findings.append(_missing_semicolon(self.script, at, stop))
        if section is None:
            span = self.script.span(at, statement_end)
            self.findings.append(
                Finding("a script is a list of commands, and this stands before the first one", span,
                        "begin with a command such as DATA: study.csv;", "no-command")
            )  # fmt: skip
            self.sections.append(Section("", span, statement_end))
        else:
            section.statements.append(self.script.part(at, statement_end, self.block))
            section.end = statement_end
        return stop

    def _section(self) -> Section | None:
        return self.sections[-1] if self.sections else None


def without_label(piece: Piece) -> Piece:
    """A statement that a loop has made, with its block label taken off and kept as its block."""
    header = HEADER.match(piece)
    if header is None or _begins_range(piece, header, len(piece)):
        return piece
    return piece.part(header.end(), None, header["name"])


def _chunks(script: Piece) -> Iterator[tuple[int, int]]:
    """Start and end of the stretches between semicolons."""
    start = 0
    for match in re.finditer(";", script):
        yield start, match.start()
        start = match.end()
    yield start, len(script)


def _skip_blanks(script: Piece, start: int, end: int) -> int:
    while start < end and script[start].isspace():
        start += 1
    return start


def _without_blanks(script: Piece, start: int, end: int) -> int:
    while end > start and script[end - 1].isspace():
        end -= 1
    return end


def _begins_range(script: Piece, header: re.Match[str], end: int) -> bool:
    following = NEXT_NAME.match(script, header.end(), end)
    return following is not None and shares_stem(header["name"], following["name"])


def _classify(script: Piece, header: re.Match[str], end: int, section: Section | None) -> tuple[str, Finding | None]:
    """What `name:` at the start of a statement is: `command`, `label`, `range` (or a file), or `unknown`."""
    name = header["name"]
    canonical = CANONICAL.get(name.upper())
    takes_labels = section is not None and section.takes_labels
    if canonical and (not takes_labels or section is None or _is_command(script, header, end, section)):
        return "command", None
    if _begins_range(script, header, end):
        return "range", None
    span = script.span(*header.span("name"))
    if canonical:
        return "label", Finding(
            f"'{name}:' inside {section.name if section else ''} is read as the label of a block", span,
            f"{canonical}: in capitals if the command is meant", "label-like-command", "warning",
        )  # fmt: skip
    kind = section.form.kind if section and section.form else ""
    if section and ((kind == "text" and not section.statements) or (kind == "files" and name.lower() in SAVE_KINDS)):
        return "range", None
    text = script[header.end() : end]
    near = nearest(name, _could_be(name) if takes_labels else CANONICAL, NEAR)
    if not near and (not takes_labels or (section is not None and section.form is None)):
        near = ELSEWHERE.get(name.upper(), "")
    if not takes_labels and not near and TIGHT_RANGE.match(script, header.start("name"), end):
        return "range", None
    if takes_labels and section and not (near and _is_misspelt(name, near, text, section)):
        if kind and near:
            return "label", Finding(
                f"'{name}:' inside {section.name} is read as the label of a block", span,
                f"{near}: if the command is meant", "label-like-command", "warning",
            )  # fmt: skip
        return "label", None
    is_label = not near and RELATION.search(text)
    hint = (
        f"{near}:" if near else "MODEL: before it, if it is the label of a block" if is_label else ", ".join(COMMANDS)
    )
    return "unknown", Finding(f"'{name}' is not a command", span, hint, "unknown-command")


def _could_be(name: str) -> list[str]:
    """Commands that a label may be a misspelling of: labels with digits, dots or another length are meant as such."""
    return [each for each in CANONICAL if abs(len(each) - len(name)) < 2] if name.isalpha() else []


def _is_misspelt(name: str, near: str, text: str, section: Section) -> bool:
    """Whether what looks like a label inside a command with blocks is a misspelt command.

    It is when nothing behind it can be a statement of that command, or when it is written as this script writes its
    commands and what stands behind it suits the command as well as it suits a block.
    """
    is_written_so = name.isupper() or (name.islower() and section.span.text.islower())
    if section.form is None:
        return is_written_so
    if not MODEL_SIGN.search(text):
        return True
    return is_written_so and (CANONICAL[near] in TAKES_TILDE or not RELATION.search(text))


def _is_command(script: Piece, header: re.Match[str], end: int, section: Section) -> bool:
    """Whether a command's name inside MODEL, SIMULATE or PARAMETERS begins that command.

    Upper case always does. A lower-case name is a block label when what follows can be no such command; where both
    readings are possible, it is a command in a script whose own headers are lower case, and a label otherwise.
    """
    if not header["name"].islower():
        return True
    text = script[header.end() : end]
    if RELATION.search(text) and CANONICAL[header["name"].upper()] not in TAKES_TILDE:
        return False
    return not MODEL_SIGN.search(text) or section.span.text.islower()


def _without_colon(script: Piece, start: int, end: int, section: Section | None) -> str:
    """A command's name in capitals at the start of a statement, its colon forgotten; empty if there is none."""
    alone = script[start:end].rstrip()
    if alone in CANONICAL and section is None:
        return alone
    match = BARE_COMMAND.match(script, start, end)
    if match is None or match["name"] not in CANONICAL or script[start - 1 : start].strip(" \t\n\r"):
        return ""
    if section and section.takes_labels and re.match(rf"\s*(?:{RELATION.pattern}|=|@)", script[match.end() : end]):
        return ""
    # A variable may be called TEST or COUNT: then its name occurs elsewhere too.
    others = re.findall(rf"(?<![\w.]){match['name']}(?![\w.])(?!\s*:)", script)
    return match["name"] if len(others) == 1 else ""


def _inner_header(script: Piece, start: int, end: int, section: Section | None) -> int:
    """Where a command or a block label stands in the middle of a statement, because a `;` is missing before it."""
    for match in INNER_HEADER.finditer(script, start + 1, end):
        name, place = match["name"], match.start()
        code_end = _without_blanks(script, start, place)
        begins_line = "\n" in script[code_end:place] or "\r" in script[code_end:place]
        if name.upper() in CANONICAL:
            is_upper = name == name.upper()
            is_label = section is not None and section.form is not None and section.takes_labels
            if is_upper or (
                begins_line and not (is_label and section and not _is_command(script, match, end, section))
            ):
                return place
        if not begins_line or code_end <= start or script[code_end - 1] in ":{,=~":
            continue
        if name.isupper() and nearest(name, CANONICAL, NEAR):
            return place
        if section and section.takes_labels and not _begins_range(script, match, end):
            return place
    return end


def _missing_semicolon(script: Piece, start: int, stop: int) -> Finding:
    end = _without_blanks(script, start, stop)
    last = re.search(r"\S+\Z", script[start:end])
    begins = start + last.start() if last else start
    header = HEADER.match(script, stop)
    before = f" before '{header['name']}:'" if header else ""
    return Finding(f"a ';' is missing{before}", script.span(begins, end), f"{script[begins:end]};", "missing-semicolon")
