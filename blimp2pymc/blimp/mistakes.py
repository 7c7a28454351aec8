"""From a grammar's failure to one sentence in the user's words and one thing to try.

The grammar says where it gave up. What the user did there is found by looking: at brackets that do not pair, at a
second operator where a `;` was forgotten, then at the character itself, by the table `AT_THE_PLACE`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from pyparsing import ParseBaseException

from blimp2pymc.blimp.commands import Form
from blimp2pymc.blimp.expressions import NAME
from blimp2pymc.blimp.loops import HINT as LOOP_HINT
from blimp2pymc.blimp.pieces import Piece
from blimp2pymc.errors import Finding, Span

TOKEN = re.compile(rf"<->|->|<-|~~|=~|:\+:|:=|==|!=|<=|>=|\*\*|[0-9.][\w.]*|{NAME}|\S")
OPERATOR = re.compile(r"<->|->|<-(?![0-9.])|=~|~~|~|:=|(?<![=!<>])=(?!=)|[\u2190\u2192\u2194]")
ALLOWED = re.compile(r"[\w.\s~<>=@*/^+\-()\[\]{},:!&|\u2190\u2192\u2194\u2264\u2265\u2260]")
WRONG_ARROW = re.compile(r"--+>|<--+(?![0-9.])|=+>|<=+(?=\s*[^\W\d])|~>|<~")
LOOSE_LOOP = re.compile(r"\s*\{[^{}]*\}\s*:(?![=+])")
BARE_LOOP = re.compile(rf"\s*(?P<head>{NAME}\s+in\s+[0-9]+\s*:\s*[0-9]+)\s*:(?![=+])")

QUOTES = "'\"`\u2018\u2019\u201c\u201d"

PAIRS = {")": "(", "]": "[", "}": "{"}
CLOSERS = {opener: closer for closer, opener in PAIRS.items()}

DEEPEST = 30
"""Brackets nested deeper than this are taken for damage."""


@dataclass(frozen=True)
class Rule:
    """What a token at the place of the failure means."""

    pattern: str
    """Matches the token."""
    place: str
    """`list` for juxtaposed terms, `formula` inside parentheses and behind `=`, `names`,
    `start` of the statement, `any`, or the name of a command."""
    message: str
    hint: str
    code: str


AT_THE_PLACE = (
    Rule(r"or|,|&", "SIMPLE", "moderators are joined by 'and'", "x | m1 and m2", "bad-moderators"),
    Rule(r"@", "SIMPLE", "a moderator has one value behind '@'", "x | m @ 1; x | m @ 2", "bad-moderators"),
    Rule(r"=", "CENTER", "one kind of centering stands before '='", "grandmean = x1 x2", "bad-group"),
    Rule(r"=", "LATENT", "one level stands before '='", "school = b0 b1", "bad-group"),
    Rule(r"=", "DROPOUT", "one new name stands before '='", "gone = y", "bad-group"),
    Rule(r",", "names", "names are separated by blanks, not by commas", "x1 x2 x3", "comma"),
    Rule(r",", "list", "terms are separated by blanks, not by commas", "x1 x2 x3", "comma"),
    Rule(r"\(", "NOMINAL", "the reference category in parentheses is a number", "group(1)", "bad-reference"),
    Rule(r"[-(+*/^=~@|&<>]|\*\*|->|<-|~~|:=", "names", "this list takes names only", "{example}", "not-a-name"),
    Rule(r"~", "TRANSFORM", "a new column is computed with '='", "z = ln(x)", "tilde-in-transform"),
    Rule(r"~|->|~~|<-|<->|=~|=|:=", "start", "nothing stands before '{found}'", "{example}", "no-left-side"),
    Rule(r"[-+]", "list", "terms are separated by blanks; a sum or difference needs parentheses",
         "y ~ x1 x2, or y ~ (x1 + x2)", "bare-sum"),
    Rule(r"==|!=|<=?|>=?", "list", "a comparison needs parentheses", "y ~ (time == 1)", "bare-comparison"),
    Rule(r"and|or", "list", "'{found}' needs parentheses around the comparison", "((x > 1) and (x < 5))",
         "bare-comparison"),
    Rule(r"=", "formula", "'=' does not compare", "== to ask whether two values are equal", "single-equals"),
    Rule(r"~|->|~~|<-|<->", "formula", "'{found}' cannot stand inside an expression", "{example}",
         "operator-in-expression"),
    Rule(r"\[", "any", "a bracket holds the index of a loop or the name of a level", "{ i in 2:6 } : y[i] ~ y[i-1]",
         "index-without-loop"),
    Rule(r"\{", "any", "braces hold a list of outcomes or the head of a loop", LOOP_HINT, "stray-brace"),
    Rule(r":|:\+:", "any", "':' stands in a range of names, or behind the label of a block or a command",
         "x1:x4, or focal: y ~ x;", "stray-colon"),
    Rule(r"@", "any", "'@' sets one coefficient: a term stands before it and a number or name behind it",
         "x@0, or x@b1", "stray-at"),
    Rule(r"\|", "any", "'{found}' stands once, between a regression and its random effects", "y ~ x | x",
         "stray-bar"),
    Rule(r"\.?[0-9].*[^0-9.].*|[0-9].*[.].*[.].*", "any", "'{found}' is neither a number nor a name",
         "names begin with a letter", "bad-name"),
    Rule(r"[0-9.].*", "names", "'{found}' is a number, and this list takes names", "{example}", "not-a-name"),
    Rule(r"[*/^]|\*\*", "any", "'{found}' needs something on both sides", "x*z, x^2", "no-operand"),
    Rule(r"&", "any", "'&' stands directly before the name of a parameter", "(x - &mu)", "stray-ampersand"),
    Rule(r"\)", "any", "something is missing before this ')'", "a name, a number, or a formula", "no-operand"),
    Rule(r"!", "any", "'!' has no meaning here", "'#' to begin a comment, or '!=' for 'is not equal to'",
         "unknown-character"),
)  # fmt: skip
"""First match wins; what no row knows is told as expected and found."""

AT_THE_END = (
    Rule(r"@", "SIMPLE", "'@' has nothing behind it", "x | m @ 1, or x | m @ quartile", "ends-too-early"),
    Rule(r"@", "any", "'@' has nothing behind it", "x@0, or x@b1", "ends-too-early"),
    Rule(r"\^|\*\*", "any", "'{found}' has nothing behind it", "x^2", "ends-too-early"),
    Rule(r"[*/]", "any", "'{found}' has nothing behind it", "x{found}z", "ends-too-early"),
    Rule(r"[+-]|[=!<>]=|[<>]|and|or", "any", "'{found}' has nothing behind it", "x {found} z", "ends-too-early"),
    Rule(r"\|", "MODEL", "nothing stands behind '{found}'", "y ~ x | x", "ends-too-early"),
    Rule(r":?=", "MODEL", "nothing stands behind '{found}'", "s = x1 + x2", "ends-too-early"),
    Rule(r"\||~|->|<-|~~|<->|=~|:?=|[\u2190\u2192\u2194]", "any", "nothing stands behind '{found}'", "{example}",
         "ends-too-early"),
)  # fmt: skip
"""What the last token means when the statement ends too early."""

LISTS = ("CENTER", "LATENT", "DROPOUT")
"""Commands whose statements are lists of names."""

PRIORS = ("normal", "truncate", "trunc", "uniform", "gamma", "invgamma", "beta", "cauchy")

ASSIGNING = {"TRANSFORM": "the new column", "PARAMETERS": "the new quantity", "SIMULATE": "the variable"}
"""Commands whose statements begin with a name and `=`."""


def explain(failure: ParseBaseException, piece: Piece, form: Form, command: str) -> list[Finding]:
    """What is wrong with a statement that the grammar cannot read.

    Parameters
    ----------
    failure
        The grammar's exception; its place is where it gave up.
    piece
        The statement.
    form, command
        The command it stands in.
    """
    return (
        strange_characters(piece)
        or _unpaired_brackets(piece)
        or _loop_not_possible(piece, form)
        or _loop_without_braces(piece, form)
        or _wrong_arrow(piece, command)
        or _forgotten_semicolon(piece, form, command)
        or [_at_the_place(failure, piece, form, command)]
    )


def strange_characters(piece: Piece) -> list[Finding]:
    """The first of each character that no statement can hold."""
    found: dict[str, Finding] = {}
    for place, character in enumerate(piece):
        if character in found or (ALLOWED.match(character) and (character.isascii() or _is_letter(character))):
            continue
        if character in QUOTES:
            message, hint = "names and numbers stand without quotes", "take the quotes out"
        elif character.isalnum():
            message, hint = f"'{character}' cannot stand in a name", "letters, digits, '_' and '.'"
        else:
            shown = character if character.isprintable() else f"character {ord(character)}"
            message, hint = f"'{shown}' has no meaning here", "take it out"
        found[character] = Finding(message, piece.span(place, place + 1), hint, "unknown-character")
    return list(found.values())


def _is_letter(character: str) -> bool:
    """Whether a character beyond ASCII may stand in a name: it may in Python, or it is an operator."""
    return f"a{character}".isidentifier() or not character.isalnum()


def _unpaired_brackets(piece: Piece) -> list[Finding]:
    open_places: list[tuple[str, int]] = []
    for place, character in enumerate(piece):
        if character in CLOSERS:
            open_places.append((character, place))
        elif character in PAIRS:
            if open_places and open_places[-1][0] == PAIRS[character]:
                open_places.pop()
                continue
            hint = f"'{CLOSERS[open_places[-1][0]]}' in its place" if open_places else "take it out"
            return [Finding(f"'{character}' closes nothing that is open", piece.span(place, place + 1), hint,
                            "unbalanced")]  # fmt: skip
    if open_places:
        character, place = open_places[-1]
        return [Finding(f"'{character}' is never closed", piece.span(place, place + 1),
                        f"'{CLOSERS[character]}' where it should end", "unbalanced")]  # fmt: skip
    return []


def _loop_not_possible(piece: Piece, form: Form) -> list[Finding]:
    loop = LOOSE_LOOP.match(piece)
    if loop is None or form.loops:
        return []
    return [Finding("this command takes no loops", piece.span(0, loop.end()), form.example, "loop-not-possible")]


def _loop_without_braces(piece: Piece, form: Form) -> list[Finding]:
    loop = BARE_LOOP.match(piece)
    if loop is None or not form.loops:
        return []
    return [Finding("the head of a loop stands in braces", piece.span(*loop.span("head")),
                    f"{{ {' '.join(loop['head'].split())} }} :", "bad-loop")]  # fmt: skip


def _wrong_arrow(piece: Piece, command: str) -> list[Finding]:
    """An arrow as other programs, or nobody, writes it."""
    arrows = [match for match in WRONG_ARROW.finditer(piece) if not _depth(piece, match.start())]
    if command != "MODEL" or not arrows:
        return []
    found = arrows[0]
    hint = "y <- x" if found[0].startswith("<") else "x -> y"
    return [Finding(f"'{found[0]}' is no arrow", piece.span(*found.span()), f"{hint}, or y ~ x", "no-arrow")]


def _forgotten_semicolon(piece: Piece, form: Form, command: str) -> list[Finding]:
    """Two operators in one statement; the second one's statement most likely begins on a new line."""
    if form.kind != "statements":
        return []
    places = [match for match in OPERATOR.finditer(piece) if not _depth(piece, match.start())]
    if len(places) == 2 and places[0][0] in ("~~", "<->") and places[1][0] in ("=", ":=", "~"):
        places = places[1:] if command == "SIMULATE" else places
    return [_between(piece, first, second) for first, second in pairwise(places)]


def _between(piece: Piece, first: re.Match[str], second: re.Match[str]) -> Finding:
    line_break = max(piece.rfind("\n", 0, second.start()), piece.rfind("\r", 0, second.start()))
    before = piece[:line_break].rstrip() if line_break > first.end() else ""
    if len(before) <= first.end():
        return Finding(f"a second '{second[0]}' in one statement", piece.span(second.start(), second.end()),
                       "';' between two statements", "missing-semicolon")  # fmt: skip
    last = re.search(r"\S+\Z", before)
    assert last is not None
    return Finding("a ';' is missing at the end of this line", piece.span(last.start(), last.end()), f"{last[0]};",
                   "missing-semicolon")  # fmt: skip


def _at_the_place(failure: ParseBaseException, piece: Piece, form: Form, command: str) -> Finding:
    where = failure.loc
    while where < len(piece) and piece[where].isspace():
        where += 1
    match = TOKEN.match(piece, where)
    expected = failure.msg.removeprefix("Expected ").removeprefix("expected ")
    unassigned = _no_equals(piece, command)
    if unassigned is not None:
        return unassigned
    if match is None:
        last = _last_token(piece)
        for rule in AT_THE_END:
            if rule.place in ("any", command) and re.fullmatch(rule.pattern, last.text, re.IGNORECASE):
                filled = {"{found}": last.text, "{example}": form.example}
                return Finding(_fill(rule.message, filled), last, _fill(rule.hint, filled), rule.code)
        return Finding(f"the statement ends too early: {expected} is missing", last, form.example,
                       "ends-too-early")  # fmt: skip
    found, span = match[0], piece.span(where, match.end())
    special = _special(piece, where, found, span, expected, command)
    if special is not None:
        return special
    places = ("any", _place(piece, where, form, command), command, "start" if not piece[:where].strip() else "any")
    for rule in AT_THE_PLACE:
        if rule.place in places and re.fullmatch(rule.pattern, found):
            filled = {"{found}": found, "{example}": form.example}
            return Finding(_fill(rule.message, filled), span, _fill(rule.hint, filled), rule.code)
    if expected == "')'":
        return Finding(f"an operator, ',' or ')' is missing before '{found}'", span, "", "no-operator")
    return Finding(f"expected {expected}, but found '{found}'", span, form.example, "syntax")


def _special(piece: Piece, where: int, found: str, span: Span, expected: str, command: str) -> Finding | None:
    """What is seen only with the rest of the statement in view."""
    left, equals, right = piece.partition("=")
    if command == "PARAMETERS" and "a prior" in expected:
        name, _, formula = (" ".join(each.split()) for each in piece.partition("~"))
        if found.lower() in PRIORS:
            return Finding(f"the numbers of the prior '{found}' stand in parentheses", span,
                           f"{name} ~ normal(0, 1)", "prior-without-parentheses")  # fmt: skip
        return Finding("a prior stands behind '~'; a formula is defined with '='", span, f"{name} = {formula}",
                       "tilde-for-equals")  # fmt: skip
    if found == ":" and piece[where + 1 : where + 2] == "+":
        return Finding("the sum of a range is written with ':+:'", span, "x1:+:x4", "stray-colon")
    if command == "MODEL" and equals and where > len(left) and re.fullmatch(NAME, found) and "end of" in expected:
        example = " ".join(f"{left.strip()} ~ {right.strip()}".split())
        return Finding("'=' defines a variable by one formula; a regression is written with '~'",
                       piece.span(len(left), len(left) + 1), example, "equals-for-tilde")  # fmt: skip
    if found == "(" and piece[:where].rstrip().endswith("@"):
        return Finding("'@' takes a number or a name, no formula", span, "x@c, and c = a + b in PARAMETERS",
                       "formula-behind-at")  # fmt: skip
    if found == "/" and where and piece[where - 1] == "/":
        return Finding("a comment begins with '#'", piece.span(where - 1, where + 1), "#", "foreign-comment")
    return None


def _no_equals(piece: Piece, command: str) -> Finding | None:
    """A statement that assigns, without its `=`."""
    if command not in ASSIGNING or re.search(r"[~=]|<-|->", piece):
        return None
    first = _first_token(piece)
    rest = " ".join(piece[len(first.text) :].split())
    is_name = re.fullmatch(NAME, first.text) and rest and rest[0] not in "(*/^+-.:"
    hint = f"{first.text} = {rest}" if is_name else "z = ln(x)" if command == "TRANSFORM" else f"{first.text} = ..."
    return Finding(f"'=' is missing behind the name of {ASSIGNING[command]}", first, hint, "no-equals")


def _first_token(piece: Piece) -> Span:
    match = TOKEN.search(piece)
    return piece.span(*match.span()) if match else piece.span(0, len(piece))


def _fill(text: str, values: dict[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(key, value)
    return text


def _place(piece: Piece, where: int, form: Form, command: str) -> str:
    if form.kind == "names" or command in LISTS:
        return "names"
    if form.kind == "expression" or _depth(piece, where):
        return "formula"
    before = [match[0] for match in OPERATOR.finditer(piece, 0, where)]
    return "formula" if any(each in ("=", ":=") for each in before) else "list"


def _depth(piece: Piece, where: int) -> int:
    """How many brackets are open at a place; braces, which hold lists, do not count."""
    before = piece[:where]
    return sum(before.count(each) for each in "([") - sum(before.count(each) for each in ")]")


def _last_token(piece: Piece) -> Span:
    last = None
    for last in TOKEN.finditer(piece):  # noqa: B007
        pass
    return piece.span(last.start(), last.end()) if last else piece.span(0, len(piece))


def nesting(piece: Piece) -> Finding | None:
    """The place where brackets are nested too deeply for the grammar, if there is one."""
    depth = 0
    for match in re.finditer(r"[(\[{}\])]", piece):
        depth += 1 if match[0] in CLOSERS else -1
        if depth > DEEPEST:
            return Finding("brackets are nested too deeply here", piece.span(match.start(), match.end()),
                           "define parts of it under names of their own", "nested-too-deeply")  # fmt: skip
    return None
