"""Text to syntax tree: the entry of the pipeline.

Everything that is wrong with a script's writing is collected and raised together; what the names mean is left to
the resolver.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

from pyparsing import ParseBaseException

from blimp2pymc.blimp.commands import COMMANDS, SAVE_KINDS, Form
from blimp2pymc.blimp.expressions import NAME
from blimp2pymc.blimp.loops import unroll
from blimp2pymc.blimp.mistakes import explain, nesting, strange_characters
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.pieces import Piece, blank_comments, plain_code, whole
from blimp2pymc.blimp.sections import Section, split, without_label
from blimp2pymc.blimp.tree import Command, SaveStatement, Script
from blimp2pymc.errors import BlimpError, Finding, Source, Span, error

PROCESSORS = re.compile(r"([0-9]+)\s+(processors?\s+[0-9]+)", re.IGNORECASE)
"""`CHAINS: 4 processors 2;` says how many chains run at once."""

LARGEST = 1_000_000
"""A longer text is no script, but most likely a data file."""

LONG = 60
"""Statements shorter than this hold no brackets nested too deeply."""

SIGN = re.compile(r"[-+*/^<>=(]|\b(?:and|or)\b", re.IGNORECASE)
MANY_SIGNS = 100
"""Statements with fewer operators and brackets than this make no tree that is too deep."""

DEEPEST_TREE = 400
"""Levels of the tree that later stages walk without trouble; an operation is two levels."""


class UnreadableScript(BlimpError):
    """Mistakes in the writing of a script, with what could be read of it."""

    def __init__(self, findings: list[Finding], script: Script, unread: frozenset[str]) -> None:
        super().__init__(*findings)
        self.script = script
        """The script without the statements that could not be read."""
        self.unread = unread
        """Every name in the statements that could not be read, which may declare or use it."""


def parse(text: str, filename: str = "<model>") -> Script:
    """Read a Blimp script.

    Parameters
    ----------
    text
        The script.
    filename
        The name under which mistakes are reported.

    Returns
    -------
    Script
        The syntax tree. Spans of its nodes point into `text`, those of unrolled loops too.

    Raises
    ------
    BlimpError
        With one finding for every statement that cannot be read; also when `text` is none.

    Examples
    --------
    >>> script = parse("DATA: study.csv; MODEL: y ~ x1 x2;")
    >>> [command.name for command in script.commands]
    ['DATA', 'MODEL']
    """
    if not isinstance(text, str):
        raise error(f"a script is a text, not a {type(text).__name__}", hint="pathlib.Path('model.imp').read_text()",
                    code="no-script")  # fmt: skip
    if len(text) > LARGEST:
        raise error(f"this text of {len(text):,} characters is too long for a script", None,
                    "DATA: file.csv; for data", "script-too-long")  # fmt: skip
    source = Source(filename, text)
    sections, findings = split(whole(source, plain_code(text)))
    raw = blank_comments(text)
    with _no_collection():
        read = [_read(each, raw, findings) for each in sections if each.name and _holds_something(each, findings)]
    commands = [each for each in read if each.body is not None]
    findings.sort(key=lambda each: each.span.start if each.span else 0)
    script = Script(tuple(commands), source, tuple(findings))
    errors = [each for each in findings if each.severity == "error"]
    if errors:
        raise UnreadableScript(errors, script, _unread_names(text, sections, errors))
    if not commands:
        raise BlimpError(Finding("the script holds no command", None, "DATA: study.csv; MODEL: y ~ x;", "empty-script"))
    return script


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without Python's garbage collector, which would walk a growing tree without cycles again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _unread_names(text: str, sections: list[Section], errors: list[Finding]) -> frozenset[str]:
    """Names in unknown commands, and in what stands between the semicolons around each mistake."""
    code = plain_code(text)
    stretches = [(each.span.start, each.end) for each in sections if not each.name]
    for each in errors:
        if each.span is not None:
            after = code.find(";", each.span.end)
            stretches.append((code.rfind(";", 0, each.span.start) + 1, after if after >= 0 else len(code)))
    return frozenset(name for start, end in stretches for name in re.findall(NAME, code[start:end]))


def _holds_something(section: Section, findings: list[Finding]) -> bool:
    """Whether anything stands behind a command. An empty list is harmless, an empty number or file name is not."""
    form = COMMANDS[section.name]
    if not section.statements:
        severity = "error" if form.kind in ("text", "integer", "expression") else "warning"
        findings.append(Finding(f"{section.name} is empty", section.span, form.example, "empty-command", severity))
    return bool(section.statements)


def _read(section: Section, raw: str, findings: list[Finding]) -> Command:
    form = COMMANDS[section.name]
    pieces = section.statements
    body_span = Span(section.span.source, pieces[0].span(0, 1).start, section.end)
    body = READERS[form.kind](section, form, raw, findings)
    return Command(section.name, body, section.span, body_span)


def _read_statements(section: Section, form: Form, raw: str, findings: list[Finding]) -> tuple:
    statements: list = []
    looped = None
    for place, piece in enumerate(section.statements):
        try:
            if form.loops:
                looped = None if place in section.labels else looped
                for copy in unroll(piece if looped is None else piece.part(0, None, looped), findings):
                    statement = without_label(copy) if copy is not piece else copy
                    # A label behind the head of a loop is the block of what follows, as any other.
                    looped = statement.block if statement.block != copy.block else looped
                    statements += _parse(statement, form, section.name)
            else:
                statements += _parse(piece, form, section.name)
        except BlimpError as mistake:
            findings.extend(mistake.findings)
    if form.most is not None and len(statements) > form.most:
        findings.append(Finding(
            f"{section.name} takes only {form.most}, and this is one more", statements[form.most].span,
            form.example, "too-many",
        ))  # fmt: skip
    return tuple(statements)


def _parse(piece: Piece, form: Form, command: str) -> list:
    assert form.grammar is not None
    if not piece.isascii() and (strange := strange_characters(piece)):
        raise BlimpError(*strange)
    if len(piece) > LONG and (too_deep := nesting(piece)):
        raise BlimpError(too_deep)
    try:
        nodes = list(form.grammar.parse_string(piece))
    except ParseBaseException as mistake:
        raise BlimpError(*explain(mistake, piece, form, command)) from None
    if len(SIGN.findall(piece)) > MANY_SIGNS and _depth(nodes) > DEEPEST_TREE:
        raise error("this expression is too long", piece.span(0, len(piece)),
                    "define parts of it under names of their own", "expression-too-long")  # fmt: skip
    return nodes


def _depth(nodes: list) -> int:
    """Levels of the deepest expression, counted without recursion."""
    depth, level = 0, list(nodes)
    while level:
        depth += 1
        level = [part for node in level for part in _parts(node)]
    return depth


def _parts(node: object) -> Iterator[object]:
    if isinstance(node, tuple):
        yield from node
    elif is_dataclass(node) and not isinstance(node, Span):
        for part in fields(node):
            if part.compare:
                yield getattr(node, part.name)


def _read_expression(section: Section, form: Form, raw: str, findings: list[Finding]) -> Any:
    statements = _read_statements(section, form, raw, findings)
    return statements[0] if statements else None


def _read_text(section: Section, form: Form, raw: str, findings: list[Finding]) -> str:
    first, *others = (piece.span(0, len(piece)) for piece in section.statements)
    for span in others:
        findings.append(Finding(f"{section.name} takes one entry", span, form.example, "too-many-entries"))
    return _unquoted(raw[first.start : first.end])


def _unquoted(text: str) -> str:
    text = text.strip().lstrip("\ufeff")
    return text[1:-1].strip() if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0] else text


def _read_integer(section: Section, form: Form, raw: str, findings: list[Finding]) -> int:
    first, *others = section.statements
    for piece in others:
        findings.append(Finding(f"{section.name} takes one number, and nothing behind it",
                                piece.span(0, len(piece)), form.example, "too-many-entries"))  # fmt: skip
    text = str(first)
    if section.name == "CHAINS" and (processors := PROCESSORS.fullmatch(text)):
        findings.append(Finding(
            "the number of processors has no effect here", first.span(processors.start(2), len(text)),
            "--cores on the command line", "processors", "warning",
        ))  # fmt: skip
        text = processors[1]
    if re.fullmatch(r"[0-9]+", text) and len(text.lstrip("0")) > (18 if section.name == "SEED" else 9):
        findings.append(Finding(f"{section.name} is too large a number", first.span(0, len(first)), form.example,
                                "not-an-integer"))  # fmt: skip
        return form.least
    if not re.fullmatch(r"[0-9]+", text) or int(text) < form.least:
        smallest = f" of at least {form.least}" if form.least else ""
        findings.append(Finding(f"{section.name} takes a whole number{smallest}, not '{text[:40]}'",
                                first.span(0, len(first)), form.example, "not-an-integer"))  # fmt: skip
        return form.least
    return int(text)


def _read_words(section: Section, form: Form, raw: str, findings: list[Finding]) -> tuple[str, ...]:
    words = []
    for piece in section.statements:
        for match in re.finditer(r"\S+", piece):
            word, span = match[0].lower(), piece.span(match.start(), match.end())
            if not re.fullmatch(NAME if form.known else r"[\w.]+", match[0]):
                findings.append(Finding(f"'{match[0]}' is not a keyword", span, form.example, "not-a-keyword"))
            elif form.known and word not in form.known:
                findings.append(Finding(
                    f"'{match[0]}' is not an option known here", span,
                    nearest(word, form.known) or ", ".join(form.known), "unknown-option", "warning",
                ))  # fmt: skip
            words.append(word)
    return tuple(words)


def _read_files(section: Section, form: Form, raw: str, findings: list[Finding]) -> tuple[SaveStatement, ...]:
    statements = []
    for piece in section.statements:
        span = piece.span(0, len(piece))
        kind, equals, _ = piece.partition("=")
        file = _unquoted(raw[span.start : span.end].partition("=")[2])
        name = kind.strip()
        if not equals or not file:
            findings.append(
                Finding("SAVE takes the kind of result, '=', and a file name", span, form.example, "bad-save")
            )
        elif name.lower() not in SAVE_KINDS:
            findings.append(Finding(
                f"'{name}' is not a result that can be saved", piece.span(0, len(name)),
                nearest(name, SAVE_KINDS) or ", ".join(SAVE_KINDS), "unknown-save",
            ))  # fmt: skip
        statements.append(SaveStatement(name.lower(), file, span))
    return tuple(statements)


READERS = {
    "statements": _read_statements,
    "names": _read_statements,
    "expression": _read_expression,
    "text": _read_text,
    "integer": _read_integer,
    "words": _read_words,
    "files": _read_files,
}
"""How a body is read, by the kind of its form."""
