"""Grammar of expressions: arithmetic, comparison, functions, ranges, dotted names.

An expression is one flat rule, operands between operators, which `fold` turns into nested nodes by the table
`STRENGTH`; no rule is ever tried twice at the same place, so long and deep formulas parse in linear time.
"""

from __future__ import annotations

import re
from dataclasses import replace

from pyparsing import Forward, Literal, MatchFirst, ParserElement, ParseResults, Regex, ZeroOrMore

from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.pieces import Piece
from blimp2pymc.blimp.ranges import expand_range, is_range
from blimp2pymc.blimp.tree import (
    AtLevel,
    Call,
    Expression,
    Name,
    Number,
    Operation,
    ParameterName,
    Range,
    SumRange,
)
from blimp2pymc.errors import Span, error

NAME = r"[^\W\d][\w.]*+"
NUMBER = r"(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?(?![\w.])"

ATOM = (
    rf"(?P<atom>(?P<number>{NUMBER})|&\s*(?P<parameter>{NAME})"
    rf"|(?P<name>{NAME})(?:\s*(?P<colon>:\+:|:(?!=))\s*(?P<last>{NAME}))?+)"
    rf"(?P<bracket>\s*\[\s*(?P<level>{NAME})\s*\])?+"
)
"""A number, `&name`, name, range, or sum range, each with an optional `[level]`."""

UNNAMED_ATOM = re.sub(r"\(\?P<\w+>", "(?:", ATOM)

SIGNS = r"[-+](?:\s*[-+])*+"
OPERATOR = r"(?:\*\*|==|!=|<=|>=|[<>*/^+\-\u2264\u2265\u2260]|&&|\|\||(?i:and|or)(?![\w.]))"
PRODUCT_OPERATOR = r"(?:\*\*|[*/^])"

STRENGTH = {
    "or": 1, "and": 2,
    "==": 3, "!=": 3, "<": 3, ">": 3, "<=": 3, ">=": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "neg": 6, "^": 7,
}  # fmt: skip
"""How tightly an operator binds; powers group to the right, everything else to the left."""

ASSOCIATIVE = ("+", "*", "and", "or")
"""Operators whose chains make one node with many operands."""

SPELLINGS = {"**": "^", "&&": "and", "||": "or", "\u2264": "<=", "\u2265": ">=", "\u2260": "!="}

FUNCTIONS: dict[str, tuple[int, int | None]] = {
    # name: fewest and most arguments
    "exp": (1, 1), "ln": (1, 1), "log": (1, 1), "sqrt": (1, 1), "abs": (1, 1), "round": (1, 1), "mod": (2, 2),
    "phi": (1, 1), "iphi": (1, 1), "normal_pdf": (1, 3),
    "min": (1, None), "max": (1, None), "mean": (1, None),
    "ifelse": (3, 3), "missing": (2, 2), "ismissing": (1, 1),
    "yjt": (1, 2), "iyjt": (2, 2), "logit": (1, 1), "probit": (1, 1), "var": (1, 1),
    "normal": (2, 2), "uniform": (2, 2), "bernoulli": (1, 1),
}  # fmt: skip
"""Functions of the language. Which of them makes sense where is for the resolver to say."""

EXAMPLES = {
    "ifelse": "ifelse(x > 0, 1, 0)",
    "missing": "missing(x == 0, x)",
    "mod": "mod(x, 2)",
    "yjt": "yjt(y - 10)",
    "iyjt": "iyjt(z, lambda)",
    "normal": "normal(mean, variance)",
    "uniform": "uniform(0, 1)",
    "bernoulli": "bernoulli(.5)",
}

ELSEWHERE = {
    "if": "ifelse(x > 0, 1, 0)",
    "log10": "ln(x)/ln(10)",
    "pow": "x^2",
    "pnorm": "phi(x)",
    "qnorm": "iphi(x)",
    "dnorm": "normal_pdf(x)",
}
"""Functions as other programs call them, and what to write here."""

_CALLED = rf"(?i:{'|'.join(FUNCTIONS)})\s*\("
RESERVED = r"(?!(?i:and|or)(?![\w.]))"
"""Before an atom: these two words are no names."""
NO_CALL = rf"(?!{_CALLED})"
"""Before an atom in a list of terms: no function called here."""

MOST_OPERATORS = 250
"""An expression with more operators than this is taken for damage."""


def atom_of(piece: Piece, match: re.Match[str]) -> Expression:
    """Make the node of a match of `ATOM`."""
    start, end = match.start("atom"), match.end("atom")
    span = piece.span(start, end)
    node: Expression
    if number := match["number"]:
        node = number_of(number, span)
    elif parameter := match["parameter"]:
        node = ParameterName(parameter, span)
    elif colon := match["colon"]:
        first, last = match["name"], match["last"]
        if not is_range(first, last):
            expand_range(first, last, span)  # raises, saying why
        node = Range(first, last, span) if colon == ":" else SumRange(first, last, span)
    else:
        node = Name(match["name"], span)
    if level := match["level"]:
        return AtLevel(node, level, piece.span(start, match.end("bracket")))
    return node


def number_of(text: str, span: Span) -> Number:
    """Read a literal.

    Raises
    ------
    BlimpError
        When it is too large to be represented.
    """
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise error("this number is too large", span, "a number below 1e308", "number-too-large")
    return Number(value, span)


def fold(items: list) -> Expression:
    """Nest a flat list of operands, operators and signs by the strength of the operators."""
    if len(items) == 1:
        return items[0]
    if len(items) > 2 * MOST_OPERATORS:
        raise error(
            f"this expression has more than {MOST_OPERATORS} operators", _first_span(items),
            "define parts of it under names of their own, or use x1:+:x9 for a sum", "expression-too-long",
        )  # fmt: skip
    items = list(reversed(items))
    result = _fold_above(items, 0)
    assert not items, items
    return result


def _fold_above(items: list, weakest: int) -> Expression:
    """Precedence climbing; `items` is a stack with the next item last."""
    item = items.pop()
    if isinstance(item, _Sign):
        left = _fold_above(items, STRENGTH["neg"])
        if item.negative:
            left = Operation("neg", (left,), Span(item.span.source, item.span.start, _end(left)))
    else:
        left = item
    while items and STRENGTH[items[-1]] >= weakest and (items[-1] != "^" or STRENGTH["^"] >= weakest):
        operator = items.pop()
        strength = STRENGTH[operator]
        right = _fold_above(items, strength if operator == "^" else strength + 1)
        operands = [left, right]
        while operator in ASSOCIATIVE and items and items[-1] == operator:
            items.pop()
            operands.append(_fold_above(items, strength + 1))
        left = Operation(operator, tuple(operands), _join(left, operands[-1]))
    return left


class _Sign:
    """A run of `+` and `-` in front of an operand."""

    def __init__(self, signs: str, span: Span) -> None:
        self.negative = signs.count("-") % 2 == 1
        self.span = span


def _end(node: Expression) -> int:
    return node.span.end if node.span else 0


def _join(first: Expression, last: Expression) -> Span | None:
    if first.span is None or last.span is None:
        return None
    return Span(first.span.source, first.span.start, max(first.span.end, last.span.end))


def _first_span(items: list) -> Span | None:
    return next((each.span for each in items if hasattr(each, "span")), None)


# ---------------------------------------------------------------- grammar

_FIRST_ITEM = re.compile(rf"(?P<signs>{SIGNS})?+\s*{ATOM}")
_NEXT_ITEM = re.compile(rf"\s*(?P<operator>{OPERATOR})\s*(?P<signs>{SIGNS})?+\s*{ATOM}")


def flat_run(piece: Piece, start: int, end: int) -> list:
    """Operands, operators and signs of a stretch that holds neither parentheses nor calls."""
    items: list = []
    while start < end:
        match = (_NEXT_ITEM if items else _FIRST_ITEM).match(piece, start, end)
        assert match is not None
        if items:
            items.append(_spelled(match["operator"]))
        if signs := match["signs"]:
            items.append(_Sign(signs, piece.span(*match.span("signs"))))
        items.append(atom_of(piece, match))
        start = match.end()
    return items


def _spelled(written: str) -> str:
    return SPELLINGS.get(written, written.lower())


def _make_run(piece: Piece, start: int, tokens: ParseResults) -> list:
    return flat_run(piece, start, start + len(tokens[0]))


def _make_operator(piece: Piece, start: int, tokens: ParseResults) -> list:
    match = _OPERATOR_WITH_SIGNS.match(tokens[0])
    assert match is not None
    items: list = [_spelled(match[1])]
    if match[2]:
        items.append(_Sign(match[2], piece.span(start + match.start(2), start + match.end(2))))
    return items


_OPERATOR_WITH_SIGNS = re.compile(rf"({OPERATOR})\s*({SIGNS})?")


def _make_signs(piece: Piece, start: int, tokens: ParseResults) -> _Sign:
    return _Sign(tokens[0], piece.span(start, start + len(tokens[0])))


def _make_call(piece: Piece, start: int, tokens: ParseResults) -> Call:
    opening, *arguments, end = tokens
    written = opening.rstrip(" \t\r\n(")
    name = written.lower()
    name_span = piece.span(start, start + len(written))
    if name not in FUNCTIONS:
        near = ELSEWHERE.get(name) or nearest(name, FUNCTIONS)
        raise error(f"'{written}' is not a function", name_span, near or ", ".join(FUNCTIONS), "unknown-function")
    fewest, most = FUNCTIONS[name]
    has_range = any(isinstance(each, Range) for each in arguments)
    if not has_range and (len(arguments) < fewest or (most is not None and len(arguments) > most)):
        raise error(
            f"'{name}' takes {_count(fewest, most)}, not {len(arguments)}", name_span,
            EXAMPLES.get(name, f"{name}(x)"), "wrong-number-of-arguments",
        )  # fmt: skip
    return Call(name, tuple(arguments), piece.span(start, end))


def _count(fewest: int, most: int | None) -> str:
    if most is None:
        return f"at least {fewest} argument" + ("s" if fewest > 1 else "")
    if fewest == most:
        return f"{fewest} argument" + ("s" if fewest > 1 else "")
    return f"{fewest} to {most} arguments"


def _make_group(piece: Piece, start: int, tokens: ParseResults) -> Expression:
    _, inner, end = tokens
    return replace(inner, span=piece.span(start, end))


def _make_expression(piece: Piece, start: int, tokens: ParseResults) -> Expression:
    return fold(list(tokens))


def _here(piece: Piece, start: int, tokens: ParseResults) -> int:
    return start


def _past(piece: Piece, start: int, tokens: ParseResults) -> int:
    return start + len(tokens[0])


expression = Forward().set_name("an expression")

_RUN_ATOM = rf"{RESERVED}{UNNAMED_ATOM}(?!\s*\()"
_TIGHT_ATOM = rf"{RESERVED}{NO_CALL}{UNNAMED_ATOM}(?!\()"
"""In a list of terms a blank before `(` begins the next term, unless a function's name stands before it."""

PRODUCT_RUN = rf"{_TIGHT_ATOM}(?:\s*{PRODUCT_OPERATOR}\s*(?:{SIGNS}\s*)?+{_TIGHT_ATOM})*+"
"""A product of atoms in a list of terms."""

RUN = rf"(?:{SIGNS}\s*)?+{_RUN_ATOM}(?:\s*{OPERATOR}\s*(?:{SIGNS}\s*)?+{_RUN_ATOM})*+"
"""Atoms between operators form a regular language, so one regular expression reads them all."""

run = Regex(RUN).set_parse_action(_make_run)
product_run = Regex(PRODUCT_RUN).set_parse_action(_make_run)

opening = Literal("(").set_parse_action(_here)
closing = Literal(")").set_name("')'").set_parse_action(_past)
comma = Literal(",").suppress()

arguments = expression + ZeroOrMore(comma - expression)
call = (Regex(rf"{NAME}\s*\(") - arguments - closing).set_parse_action(_make_call)
tight_call = (Regex(rf"{NAME}\(|{_CALLED}") - arguments - closing).set_parse_action(_make_call)
group = (opening - expression - closing).set_parse_action(_make_group)

signs = Regex(SIGNS).set_parse_action(_make_signs)
operator = Regex(rf"{OPERATOR}(?:\s*{SIGNS})?+").set_parse_action(_make_operator)
product_operator = Regex(rf"{PRODUCT_OPERATOR}(?:\s*{SIGNS})?+").set_parse_action(_make_operator)

bracketed = MatchFirst([group, call])
operands = MatchFirst([run, bracketed, signs - bracketed]).set_name("a name or number")
factors: ParserElement = MatchFirst([product_run, group, tight_call]).set_name("a name or number")

expression <<= (operands + ZeroOrMore(operator - operands)).set_parse_action(_make_expression)

product = (factors + ZeroOrMore(product_operator - factors)).set_parse_action(_make_expression)
"""A term's expression: sums and comparisons need parentheses, because a blank ends the term."""
