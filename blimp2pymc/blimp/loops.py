"""Loops, `{ i in 1:6 } : statement`, unrolled as text before the statement is parsed.

`[i]`, `[i-1]`, `[v]` are spliced into names and numbers, so a loop can build any part of a statement. Every copy
is a `Piece`: its characters still point into the script, the spliced ones at their brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product as combinations

from pyparsing import (
    Literal,
    MatchFirst,
    OneOrMore,
    ParseBaseException,
    ParserElement,
    ParseResults,
    Regex,
    StringEnd,
    ZeroOrMore,
)

from blimp2pymc.blimp.expressions import NAME, comma, expression
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.pieces import Piece
from blimp2pymc.blimp.ranges import expand_range
from blimp2pymc.blimp.tree import Expression, Name, Number, Operation
from blimp2pymc.errors import BlimpError, Finding, Span, error

MOST_COPIES = 5_000
"""A loop that makes more statements than this is taken for a slip of the pen."""

LOOP_START = re.compile(rf"\s*\{{\s*{NAME}\s+(?i:in)(?![\w.])")
LOOSE_START = re.compile(r"\s*\{[^{}]*\}\s*:(?![=+])")
BRACKET = re.compile(r"\[([^\[\]]*)\]")

HINT = "{ i in 1:6 } : y[i] ~ x[i], or { v in x y } : [v] ~ z"

Value = int | str


def _make_name(piece: Piece, start: int, tokens: ParseResults) -> Name:
    return Name(tokens[0], piece.span(start, start + len(tokens[0])))


def _make_names(piece: Piece, start: int, tokens: ParseResults) -> list[str]:
    first, colon, last = (each.strip() for each in tokens[0].partition(":"))
    return list(expand_range(first, last, piece.span(start, start + len(tokens[0])))) if colon else [first]


def _make_integers(piece: Piece, start: int, tokens: ParseResults) -> tuple[int, int, Span]:
    first, last = (int(each) for each in tokens[0].split(":"))
    return first, last, piece.span(start, start + len(tokens[0]))


variable = Regex(NAME).set_name("the loop's variable").set_parse_action(_make_name)
names = Regex(rf"{NAME}(?:\s*:\s*{NAME})?+").set_name("a name").set_parse_action(_make_names)
integers = Regex(r"[0-9]{1,9}\s*:\s*[0-9]{1,9}(?![\w.])").set_parse_action(_make_integers)
generator = (
    variable
    + Regex(r"(?i:in)(?![\w.])").suppress()
    - MatchFirst([integers, OneOrMore(names)]).set_name("a range of whole numbers such as 1:6, or a list of names")
).set_parse_action(lambda tokens: [tuple(tokens)])
prefix: ParserElement = (
    Literal("{").suppress()
    - generator
    - ZeroOrMore(comma - generator)
    - Literal("}").set_name("'}'").suppress()
    - Literal(":").set_name("':' behind the loop's '}'").set_parse_action(lambda piece, start, tokens: start + 1)
).parse_with_tabs()


index: ParserElement = (expression - StringEnd()).parse_with_tabs()


def unroll(piece: Piece, findings: list[Finding] | None = None) -> Iterator[Piece]:
    """The copies of a statement that begins with loops; the statement itself when it has none.

    Parameters
    ----------
    piece
        The statement.
    findings
        Warnings about loops that only repeat the statement are added here.

    Raises
    ------
    BlimpError
        For a malformed loop, a loop over nothing, an unknown index, or arithmetic on names.
    """
    generators: list[tuple[str, tuple[Value, ...]]] = []
    rest = piece
    while LOOP_START.match(rest):
        tokens = _head(rest)
        for each in tokens[:-1]:
            variable_name = each[0]
            values = _values(variable_name, each[1:])
            if variable_name.name in dict(generators):
                raise error(
                    f"two loops around one statement are both called '{variable_name.name}'", variable_name.span,
                    "a name of its own for each", "loop-name-twice",
                )  # fmt: skip
            generators.append((variable_name.name, values))
        rest = rest.part(tokens[-1])
    if LOOSE_START.match(rest):
        raise error("this loop cannot be read", _head_span(rest), HINT, "bad-loop")
    if not generators:
        yield piece
        return
    copies = 1
    for _, values in generators:
        copies *= len(values)
    if copies > MOST_COPIES:
        raise error(f"this loop would make {copies:,} statements", piece.span(0, len(piece) - len(rest)),
                    f"at most {MOST_COPIES:,}", "loop-too-long")  # fmt: skip
    names = [name for name, _ in generators]
    slots = list(_slots(rest, set(names)))
    if not rest.strip():
        raise error("this loop has no statement behind it", piece.span(0, len(piece)), HINT, "empty-loop")
    used = {name for start, end, _ in slots for name in re.findall(NAME, rest[start:end])}
    for name, values in generators if findings is not None else ():
        if name not in used and len(values) > 1:
            findings.append(Finding(  # type: ignore[union-attr]
                f"the loop over '{name}' repeats one statement {len(values)} times: [{name}] does not occur in it",
                piece.span(0, len(piece) - len(rest)), f"y[{name}] ~ x[{name}]", "idle-index", "warning",
            ))  # fmt: skip
    for values in combinations(*(values for _, values in generators)):
        yield _splice(rest, slots, dict(zip(names, values, strict=True)))


def _head(rest: Piece) -> list:
    """Generators of one loop, and the position behind it."""
    try:
        return list(prefix.parse_string(rest))
    except ParseBaseException as failure:
        if "}" not in rest:
            brace = rest.index("{")
            raise error("'{' is never closed", rest.span(brace, brace + 1), HINT, "unbalanced") from None
        found = re.compile(r"\s*([\w.]+|\S)").match(rest, failure.loc)
        span = rest.span(*found.span(1)) if found else _head_span(rest)
        expected = failure.msg.removeprefix("Expected ")
        behind = f", but found '{found[1]}'" if found else ""
        raise error(f"this loop cannot be read: expected {expected}{behind}", span, HINT, "bad-loop") from None


def _head_span(rest: Piece) -> Span:
    start = rest.index("{")
    end = rest.find(":", rest.find("}", start)) + 1 or len(rest)
    return rest.span(start, end)


def _values(variable_name: Name, given: tuple) -> tuple[Value, ...]:
    if isinstance(given[0], tuple):
        first, last, span = given[0]
        if first > last:
            raise error(f"the loop from {first} to {last} runs over nothing", span, f"{last}:{first}", "empty-loop")
        if last - first >= MOST_COPIES:
            raise error(f"this loop would make {last - first + 1:,} statements", span,
                        f"at most {MOST_COPIES:,}", "loop-too-long")  # fmt: skip
        return tuple(range(first, last + 1))
    return given


def _slots(rest: Piece, names: set[str]) -> Iterator[tuple[int, int, str | Expression]]:
    """Start, end and content of every bracket that mentions a loop variable or holds only numbers."""
    for match in BRACKET.finditer(rest):
        inner = match[1].strip()
        if inner in names:
            yield match.start(), match.end(), inner
            continue
        mentioned = set(re.findall(NAME, inner))
        if re.fullmatch(NAME, inner) or not (mentioned & names or (inner and not mentioned)):
            continue  # the level of a random effect
        try:
            node = index.parse_string(rest.part(match.start(1), match.end(1)))[0]
        except ParseBaseException:
            raise error(f"'{inner}' is no index", rest.span(match.start(), match.end()), "[i], [i-1], [i+1]",
                        "bad-index") from None  # fmt: skip
        yield match.start(), match.end(), node


def _splice(rest: Piece, slots: list[tuple[int, int, str | Expression]], values: dict[str, Value]) -> Piece:
    text: list[str] = []
    segments: list[tuple[int, int, int | None]] = []
    length = at = 0

    def copy(until: int) -> None:
        nonlocal length
        if until > at:
            part = rest.part(at, until)
            segments.extend((start + length, original, end) for start, original, end in part.segments)
            text.append(str(part))
            length += len(part)

    for start, end, content in slots:
        copy(start)
        value = values[content] if isinstance(content, str) else _integer(content, values)
        span = rest.span(start, end)
        segments.append((length, span.start, span.end))
        text.append(str(value))
        length += len(text[-1])
        at = end
    copy(len(rest))
    return Piece("".join(text), rest.source, tuple(segments), rest.block)


def _integer(node: Expression, values: dict[str, Value]) -> int:
    """Value of an index such as `i-1`."""
    match node:
        case Number(value) if value == int(value):
            return int(value)
        case Name(name) if isinstance(values.get(name), int):
            return int(values[name])
        case Name(name) if name in values:
            raise _index_error(f"'{name}' runs over names, so nothing can be added to it", node.span)
        case Name(name):
            raise _index_error(f"no loop here runs over '{name}'", node.span, nearest(name, values))
        case Operation("neg", (operand,)):
            return -_integer(operand, values)
        case Operation("+" | "-" | "*" as operator, operands):
            total, *others = (_integer(each, values) for each in operands)
            for each in others:
                total = total + each if operator == "+" else total - each if operator == "-" else total * each
            if abs(total) > 10**9:
                raise _index_error("this index is too large", node.span)
            return total
    raise _index_error("an index is whole-number arithmetic on the loop's variable", node.span)


def _index_error(message: str, span: Span | None, hint: str = "") -> BlimpError:
    return error(message, span, hint or "[i], [i-1], [i+1]", "bad-index")
