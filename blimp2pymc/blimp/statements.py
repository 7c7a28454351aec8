"""Grammar of the statements that stand in MODEL, and of those that share its forms.

A statement begins with a list of terms; the operator behind it decides what it is. Nothing is tried twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pyparsing import (
    Empty,
    Literal,
    MatchFirst,
    OneOrMore,
    Opt,
    ParserElement,
    ParseResults,
    Regex,
    StringEnd,
    ZeroOrMore,
)

from blimp2pymc.blimp.expressions import (
    NAME,
    NUMBER,
    PRODUCT_RUN,
    expression,
    flat_run,
    fold,
    number_of,
    product,
)
from blimp2pymc.blimp.pieces import Piece
from blimp2pymc.blimp.tree import (
    AtLevel,
    Call,
    Definition,
    Draw,
    Expression,
    Name,
    Number,
    Operation,
    Relation,
    Side,
    Term,
    VarianceStatement,
)
from blimp2pymc.errors import Span, error

RELATIONS = {
    "~": "~", "~~": "~~", "<->": "~~", "->": "->", "=~": "->", "<-": "<-",
    "\u2192": "->", "\u2190": "<-", "\u2194": "~~",
}  # fmt: skip
"""Operators between the two sides of a statement, as written and as kept."""

INTERCEPT = "intercept"

_SETTING_VALUE = re.compile(rf"(?P<sign>[-+]\s*)?(?P<number>{NUMBER})|(?P<name>{NAME})")

_PLAIN = rf"{PRODUCT_RUN}(?:\s*@\s*(?:(?:[-+]\s*)?{NUMBER}|{NAME}))*+(?!\s*[*/^@]|\()"
_PLAIN_TERMS = rf"{_PLAIN}(?:\s+{_PLAIN})*+"
"""Terms without parentheses, settings included: nearly all terms of a real script, read by one expression."""

_PLAIN_TERM = re.compile(rf"({PRODUCT_RUN})((?:\s*@\s*(?:(?:[-+]\s*)?{NUMBER}|{NAME}))*+)\s*")
_SETTING = re.compile(rf"\s*@\s*(?:{_SETTING_VALUE.pattern})")


# ---------------------------------------------------------------- making nodes


def _with_intercept(node: Expression) -> Expression:
    """`intercept` as the number one it stands for, also inside products and at a level."""
    match node:
        case Name(name) if name.lower() == INTERCEPT:
            return Number(1.0, node.span)
        case AtLevel(inner):
            return replace(node, expression=_with_intercept(inner))
        case Operation("*" | "/", operands):
            return replace(node, operands=tuple(_with_intercept(each) for each in operands))
    return node


def _setting_of(piece: Piece, match: re.Match[str]) -> Number | Name:
    if name := match["name"]:
        return Name(name, piece.span(*match.span("name")))
    span = piece.span(match.start("sign" if match["sign"] else "number"), match.end("number"))
    number = number_of(match["number"], span)
    return Number(-number.value, span) if (match["sign"] or "").startswith("-") else number


def _make_plain_terms(piece: Piece, start: int, tokens: ParseResults) -> list[Term]:
    return _plain_terms(piece, start, start + len(tokens[0]))


def _plain_terms(piece: Piece, at: int, end: int) -> list[Term]:
    terms = []
    while at < end:
        match = _PLAIN_TERM.match(piece, at, end)
        assert match is not None
        node = _with_intercept(fold(flat_run(piece, at, match.end(1))))
        settings = []
        place = match.end(1)
        while place < match.end(2):
            setting = _SETTING.match(piece, place)
            assert setting is not None
            settings.append(_setting_of(piece, setting))
            place = setting.end()
        terms.append(Term(node, tuple(settings), piece.span(at, match.end(2))))
        at = match.end()
    return terms


def _make_setting(piece: Piece, start: int, tokens: ParseResults) -> Number | Name:
    match = _SETTING_VALUE.match(piece, start)
    assert match is not None
    return _setting_of(piece, match)


def _make_term(piece: Piece, start: int, tokens: ParseResults) -> Term:
    node, *settings = tokens
    last = settings[-1].span if settings else node.span
    first = piece.span(start, start + 1)
    return Term(_with_intercept(node), tuple(settings), Span(first.source, first.start, max(first.end, last.end)))


def make_side(piece: Piece, start: int, tokens: Sequence[Term]) -> Side:
    """Terms as a side without braces."""
    return Side(tuple(tokens), False, joined(tokens[0].span, tokens[-1].span))


def _make_braced_side(piece: Piece, start: int, tokens: ParseResults) -> Side:
    *terms, end = tokens
    return Side(tuple(terms), True, piece.span(start, end))


def joined(first: Span | None, last: Span | None) -> Span:
    """The span from the beginning of one to the end of another."""
    assert first is not None and last is not None  # the grammar gives every node its place
    return Span(first.source, first.start, max(first.end, last.end))


def _operator(piece: Piece, start: int, tokens: ParseResults) -> tuple[str, str, Span]:
    return "relation", RELATIONS[tokens[0]], piece.span(start, start + len(tokens[0]))


def make_relation(piece: Piece, start: int, tokens: Sequence) -> Relation | VarianceStatement | Definition:
    """A statement of MODEL, by the operator behind its first side."""
    left, *rest = tokens
    if not rest:
        return _variance(piece, left)
    kind, operator, operator_span = rest[0]
    if kind == "definition":
        return definition_of(piece, left, rest[1], operator_span)
    right, *random = rest[1:]
    for place, term in enumerate(left.terms):
        if operator in ("~", "->") and term.settings and (operator == "~" or _ends_a_line(piece, left, place)):
            raise error(
                f"'@' has no meaning on the left of '{operator}'", term.span,
                "end the statement before it with ';', or set it on the right", "setting-on-the-left",
            )  # fmt: skip
    if random and operator != "~":
        raise error(
            "random effects behind '|' belong to a regression with '~'", random[0][0].span,
            "y ~ x | x", "random-effects-without-regression",
        )  # fmt: skip
    last = random[0][-1].span if random else right.span
    return Relation(left, operator, right, random[0] if random else None, piece.block, joined(left.span, last))


def _ends_a_line(piece: Piece, side: Side, place: int) -> bool:
    """Whether a variable with `@` stands alone on its line, as a variance does whose ';' is forgotten."""
    term, following = side.terms[place], side.terms[place + 1 : place + 2]
    if not following or not isinstance(term.expression, Name) or term.span is None or following[0].span is None:
        return False
    return bool(re.search(r"[\n\r]", piece.source.text[term.span.end : following[0].span.start]))


def _make_plain_relation(piece: Piece, start: int, tokens: ParseResults) -> Relation | VarianceStatement | Definition:
    match = tokens[0]
    left, right = (
        make_side(piece, match.start(each), _plain_terms(piece, *match.span(each))) for each in ("left", "right")
    )
    operator = "relation", RELATIONS[match["operator"]], piece.span(*match.span("operator"))
    return make_relation(piece, start, [left, operator, right])


FOREIGN_RELATIONS = {"ON": "~", "BY": "->", "WITH": "~~"}
"""Relations as Mplus writes them."""


def _variance(piece: Piece, left: Side) -> VarianceStatement:
    first, *others = left.terms
    if left.braces or others:
        words = [getattr(term.expression, "name", "") for term in left.terms]
        foreign = next((each for each in words[1:-1] if each in FOREIGN_RELATIONS), None)
        if foreign:
            raise error(
                f"'{foreign}' is no operator", left.terms[words.index(foreign)].span,
                " ".join(FOREIGN_RELATIONS.get(term.span.text, term.span.text) for term in left.terms if term.span),
                "no-operator",
            )  # fmt: skip
        end_of_first = next((term for term in left.terms[:-1] if term.settings), None)
        hint = "y ~ x1 x2"
        if end_of_first and end_of_first.span:
            hint = f"write ';' behind '{end_of_first.span.text}'"
        elif left.terms[-1].settings:
            hint = _one_by_one(left)
        raise error(
            "a statement needs an operator such as '~' between its sides", left.span, hint, "no-operator"
        )  # fmt: skip
    if not first.settings:
        raise error(
            f"'{joined(left.span, left.span).text}' alone says nothing",
            left.span,
            "y ~ x, or y@1 for its variance",
            "no-operator",
        )
    return VarianceStatement(first, piece.block, left.span)


def _one_by_one(side: Side) -> str:
    """`a b@1` as statements of one variance each."""
    words = [term.span.text for term in side.terms if term.span]
    _, at, setting = words[-1].partition("@")
    return "; ".join([*(f"{word}{at}{setting}" for word in words[:-1]), words[-1]])


def definition_of(piece: Piece, left: Side, value: Expression, operator_span: Span) -> Definition:
    """`name = expression`, once the left side is seen to be one name."""
    term = left.terms[0]
    if left.braces or len(left.terms) > 1 or term.settings or not isinstance(term.expression, Name):
        raise error(
            "the left side of '=' must be one new name", left.span,
            "'~' for a regression, or name = expression", "definition-of-no-name",
        )  # fmt: skip
    name = term.expression
    return Definition(name.name, value, piece.block, name.span, joined(name.span, value.span))


# ---------------------------------------------------------------- grammar of MODEL

end = StringEnd().set_name("the end of the statement")
setting = Literal("@").suppress() - Regex(rf"(?:[-+]\s*)?{NUMBER}|{NAME}").set_name(
    "a number or a name behind '@'"
).set_parse_action(_make_setting)
plain_terms = Regex(_PLAIN_TERMS).set_parse_action(_make_plain_terms)
term_begins = Regex(r"(?=[(&\w.])").suppress()
"""Ends a list of terms at once where no term can begin, before every alternative has been tried."""
full_term = (term_begins + product + ZeroOrMore(setting)).set_parse_action(_make_term)
term: ParserElement = MatchFirst([plain_terms, full_term]).set_name("a term")

terms: ParserElement = MatchFirst([
    Regex(rf"{_PLAIN_TERMS}(?=\s*(?:[~|}}=]|->|<|\Z))").set_parse_action(_make_plain_terms),
    OneOrMore(term),
]).set_name("a list of terms")  # fmt: skip
"""The first alternative reads a whole list without parentheses, up to what ends it, at once."""

closing_brace = Literal("}").set_name("'}'").set_parse_action(lambda piece, start, tokens: start + 1)
braced_side = (Literal("{").suppress() - terms - closing_brace).set_parse_action(_make_braced_side)
side: ParserElement = MatchFirst([terms.copy().add_parse_action(make_side), braced_side]).set_name("a list of terms")

_RELATION = r"<->|->|<-|=~|~~|~|[\u2190\u2192\u2194]"
relation_operator = Regex(_RELATION).set_parse_action(_operator)
equals = (
    Regex(r":?=(?![=~])")
    .set_name("'='")
    .set_parse_action(lambda piece, start, tokens: ("definition", "=", piece.span(start, start + 1)))
)
random_part = (Literal("|").suppress() - terms).set_parse_action(lambda tokens: [tuple(tokens)])

plain_relation = Regex(
    rf"(?P<left>{_PLAIN_TERMS})\s*(?P<operator>{_RELATION})\s*(?P<right>{_PLAIN_TERMS})\s*\Z", as_match=True
).set_parse_action(_make_plain_relation)
"""A whole statement without parentheses and braces, read by one expression: nearly every statement of a real script."""

model_statement: ParserElement = MatchFirst([
    plain_relation,
    (
        side + MatchFirst([relation_operator - side - Opt(random_part), equals - expression, Empty()]) - end
    ).set_parse_action(make_relation),
])  # fmt: skip
"""`y ~ x | x`, `eta -> y1:y3`, `a ~~ b`, `name = expression`, or `y@v`."""


# ---------------------------------------------------------------- TRANSFORM

definition_statement: ParserElement = (side - equals - expression - end).set_parse_action(
    lambda piece, start, tokens: definition_of(piece, tokens[0], tokens[2], tokens[1][2])
)
"""`new = expression`."""

# ---------------------------------------------------------------- SIMULATE


def _make_draw(piece: Piece, start: int, tokens: ParseResults) -> Draw:
    left, *rest = tokens
    if len(rest) == 2:
        operator, value = rest
        return Draw(left, operator, value, None, piece.block, joined(left.span, value.span))
    _, other, _, value = rest
    return Draw(left, "~~", value, other, piece.block, joined(left.span, value.span))


def _make_level_size(piece: Piece, start: int, tokens: ParseResults) -> Side:
    match = re.match(rf"({NAME})\s*\(\s*([0-9]+)", tokens[0])
    assert match is not None
    span = piece.span(start, start + len(tokens[0]))
    number = number_of(match[2], piece.span(start + match.start(2), start + match.end(2)))
    return Side((Term(Call(match[1], (number,), span), (), span),), False, span)


level_size = Regex(rf"{NAME}\s*\(\s*[0-9]++\s*\)(?=\s*:?=)").set_parse_action(_make_level_size)
assign = MatchFirst([
    Regex(r":=").set_parse_action(lambda: ":="),
    Regex(r"=(?!=)|~(?!~)").set_parse_action(lambda: "="),
]).set_name("'=' or '~'")  # fmt: skip
correlate = Regex(r"~~|<->|\u2194").set_parse_action(lambda: "~~")
draw_statement: ParserElement = (
    MatchFirst([level_size, side])
    - MatchFirst([correlate - side - assign - expression, assign - expression]).set_name("'=', '~' or '~~'")
    - end
).set_parse_action(_make_draw)
"""`x1:x3 = normal(0, 1)`, `b := .5`, `lev1(1) = 10*100`, or `a ~~ b = .3`."""
