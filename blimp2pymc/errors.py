"""Places in a script, and the one error type that points at them.

Every tree node and every resolved equation carries a `Span`; whatever goes wrong later can
therefore show the line that caused it. First module of the pipeline: it imports nothing of ours.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property


@dataclass(frozen=True)
class Source:
    """A text and the name it is shown under."""

    name: str
    """File name, or `<model>` for a string."""
    text: str = field(repr=False)

    @cached_property
    def line_starts(self) -> list[int]:
        """Where each line begins. Only "\n" ends one: `splitlines` would also break at form feeds."""
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line(self, number: int) -> str:
        """Text of line `number` (1-based), without its line break."""
        if not 0 < number <= len(self.line_starts):
            return ""
        ends = [*self.line_starts[number : number + 1], len(self.text) + 1]
        return self.text[self.line_starts[number - 1] : ends[0] - 1].rstrip("\r")


@dataclass(frozen=True)
class Span:
    """A slice `start:end` (characters) of a source text."""

    source: Source = field(repr=False)
    start: int
    end: int

    @property
    def line(self) -> int:
        """Line of the first character, counted from 1."""
        return bisect_right(self.source.line_starts, self.start)

    @property
    def column(self) -> int:
        """Column of the first character, counted from 1."""
        return self.start - self.source.line_starts[self.line - 1] + 1

    @property
    def text(self) -> str:
        """The characters the span covers."""
        return self.source.text[self.start : self.end]


@dataclass(frozen=True)
class Finding:
    """One thing worth telling the user: an error, or a warning with a code."""

    message: str
    """What is wrong, in one sentence in the user's words."""
    span: Span | None = None
    hint: str = ""
    """One thing to try: the nearest name, the allowed values, where it was declared."""
    code: str = ""
    """Stable short name, such as `undeclared-name`; every warning has one."""
    severity: str = "error"
    """`error`, `warning`, or `note` (a decision made for the user)."""

    def __str__(self) -> str:
        return render(self)


class BlimpError(Exception):
    """Everything that is wrong with a script, its data, or the sampling of its model.

    Parameters
    ----------
    *findings
        The findings, each with its place. A plain string is a finding without a place.
    """

    def __init__(self, *findings: Finding | str) -> None:
        self.findings: tuple[Finding, ...] = tuple(
            Finding(each) if isinstance(each, str) else each for each in findings
        )
        self.beside: tuple[Finding, ...] = ()
        """Warnings and notes found before the mistakes ended the work; not part of the message."""
        super().__init__(*self.findings)

    def __str__(self) -> str:
        return "\n".join(render(each) for each in self.findings)


LONGEST_LINE = 160
"""Characters of a line that a message shows."""


def error(message: str, span: Span | None = None, hint: str = "", code: str = "") -> BlimpError:
    """Make a `BlimpError` with a single finding."""
    return BlimpError(Finding(message, span, hint, code))


def render(finding: Finding) -> str:
    """Write a finding as `file:line:column: message`, the line, a caret, and the hint.

    >>> source = Source("model.imp", "MODEL: y ~ xx;")
    >>> print(render(Finding("'xx' is not a variable", Span(source, 11, 13), "x1")))
    model.imp:1:12: 'xx' is not a variable
      1 | MODEL: y ~ xx;
        |            ^^
      try: x1
    """
    label = f"{finding.severity}: " if finding.severity != "error" else ""
    code = f" [{finding.code}]" if label and finding.code else ""
    lines = []
    if finding.span is None:
        lines.append(f"{label}{finding.message}{code}")
    else:
        span = finding.span
        lines.append(f"{span.source.name}:{span.line}:{span.column}: {label}{finding.message}{code}")
        lines.extend(_caret_lines(span))
    if finding.hint:
        lines.append(f"  try: {finding.hint}")
    return "\n".join(lines)


def raise_all(findings: Iterable[Finding]) -> None:
    """Raise one `BlimpError` with every finding that is an error; do nothing when there is none."""
    findings = list(findings)
    errors = [each for each in findings if each.severity == "error"]
    if errors:
        trouble = BlimpError(*errors)
        trouble.beside = tuple(each for each in findings if each.severity != "error")
        raise trouble


MOST_NAMES = 4
"""Names of one place that a message lists."""


def told_once(findings: Iterable[Finding]) -> list[Finding]:
    """Findings without repetitions; those of one place that say the same of several names become one.

    A range, or a loop, stands for many names at one place.
    """
    groups: dict[tuple, list[Finding]] = {}
    for each in dict.fromkeys(findings):
        subject = _subject(each)
        # What is no sentence about a quoted name stays by itself.
        what = each.message.replace(f"'{subject}'", "") if subject else each
        groups.setdefault((each.span, each.code, each.severity, what), []).append(each)
    told = []
    for first, *others in groups.values():
        if not others:
            told.append(first)
            continue
        names = [f"'{_subject(each)}'" for each in others]
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        names = names[:MOST_NAMES]
        listed = ", ".join(names) if more or len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        verb = "is" if len(names) == 1 else "are"
        denies = " is not " in first.message or " is no " in first.message
        told.append(replace(first, message=f"{first.message}; {f'nor {verb}' if denies else 'so for'} {listed}{more}"))
    return told


def _subject(finding: Finding) -> str:
    """The name between quotation marks that a message begins with."""
    match = re.match(r"'([^']*)'", finding.message) if finding.span is not None else None
    return match[1] if match else ""


@contextmanager
def collected(findings: list[Finding]) -> Iterator[None]:
    """Add the findings of a `BlimpError` raised in the body to a list, and go on behind the body."""
    try:
        yield
    except BlimpError as mistake:
        findings.extend(mistake.findings)


def _caret_lines(span: Span) -> list[str]:
    shown = span.source.line(span.line).replace("\t", " ")
    number = str(span.line)
    width = max(1, min(span.end - span.start, len(shown) - span.column + 1))
    first = span.column - 1
    if len(shown) > LONGEST_LINE:
        # Of a long line, such as a row of data, the part around the place.
        cut = max(0, min(first - LONGEST_LINE // 3, len(shown) - LONGEST_LINE))
        before, after = "..." if cut else "", "..." if cut + LONGEST_LINE < len(shown) else ""
        shown = f"{before}{shown[cut : cut + LONGEST_LINE]}{after}"
        first += len(before) - cut
        width = min(width, len(shown) - len(after) - first)
    gutter = " " * len(number)
    return [f"  {number} | {shown}", f"  {gutter} | {' ' * first}{'^' * width}"]


PLACE = ("file", "line", "column", "end_line", "end_column", "text")
"""Fields of a finding's place in `check --json`; null where it has none."""


def as_record(finding: Finding) -> dict[str, object]:
    """A finding as the object that `check --json` prints."""
    record: dict[str, object] = {
        "severity": finding.severity,
        "code": finding.code,
        "message": finding.message,
        "hint": finding.hint,
        **dict.fromkeys(PLACE),
    }
    if finding.span is not None:
        span = finding.span
        last = span.text.split("\n")[-1]
        record |= {
            "file": span.source.name,
            "line": span.line,
            "column": span.column,
            "end_line": span.line + span.text.count("\n"),
            "end_column": len(last) + (1 if "\n" in span.text else span.column),
            "text": span.text,
        }
    return record
