"""Grammar of PARAMETERS and WALDTEST: derived quantities, priors, and tests of them."""

from __future__ import annotations

from collections.abc import Sequence

from pyparsing import MatchFirst, OneOrMore, Opt, ParserElement, ParseResults, Regex, ZeroOrMore

from blimp2pymc.blimp.expressions import NAME, RUN, closing, comma, expression, flat_run, fold
from blimp2pymc.blimp.pieces import Piece
from blimp2pymc.blimp.ranges import expand_range
from blimp2pymc.blimp.statements import (
    definition_of,
    end,
    equals,
    joined,
    make_relation,
    make_side,
    random_part,
    relation_operator,
    side,
)
from blimp2pymc.blimp.tree import (
    Constraint,
    Definition,
    Expression,
    Name,
    Number,
    Operation,
    PriorStatement,
    Range,
    Relation,
    Term,
)
from blimp2pymc.errors import error

# ---------------------------------------------------------------- PARAMETERS


def _make_parameter_statement(piece: Piece, start: int, tokens: ParseResults) -> list[Definition | PriorStatement]:
    left, *rest = tokens
    kind = rest[0][0] if rest else "relation"
    if kind == "definition":
        return [definition_of(piece, left, rest[1], rest[0][2])]
    (distribution, begins), *arguments, stop = rest[1:]
    span = joined(left.span, piece.span(stop - 1, stop))
    place = piece.span(begins, stop)
    statements: list[Definition | PriorStatement] = []
    for label in left.terms:
        names = _names(label.expression)
        if names is None or label.settings:
            raise error(
                f"'{label.span.text}' is not the label of a parameter",
                label.span,
                "label ~ normal(0, 1)",
                "not-a-label",
            )
        statements.extend(
            PriorStatement(name, distribution, tuple(arguments), label.expression.span, place, span) for name in names
        )
    return statements


def _names(node: Expression) -> tuple[str, ...] | None:
    match node:
        case Name(name):
            return (name,)
        case Range(first, last):
            return expand_range(first, last, node.span)
    return None


def _infinities(node: Expression) -> Expression:
    """`Inf` and `-Inf` as numbers."""
    match node:
        case Name(name) if name.lower() in ("inf", "infinity"):
            return Number(float("inf"), node.span)
        case Operation("neg", (operand,)):
            inner = _infinities(operand)
            return Number(-inner.value, node.span) if isinstance(inner, Number) else node
    return node


DISTRIBUTIONS = {"trunc": "truncate"}
"""Shorter spellings of distributions."""


def _make_distribution(piece: Piece, start: int, tokens: ParseResults) -> tuple[str, int]:
    name = tokens[0].rstrip(" \t\r\n(").lower()
    return DISTRIBUTIONS.get(name, name), start


prior_argument = expression.copy().add_parse_action(lambda tokens: _infinities(tokens[0]))
distribution = Regex(rf"{NAME}\s*\(").set_name("a prior such as normal(0, 1)").set_parse_action(_make_distribution)
prior = distribution - prior_argument - ZeroOrMore(comma - prior_argument) - closing
tilde = (
    Regex(r"~(?!~)")
    .set_name("'~'")
    .set_parse_action(lambda piece, start, tokens: ("relation", "~", piece.span(start, start + 1)))
)

parameter_statement: ParserElement = (
    side - MatchFirst([equals - expression, tilde - prior]).set_name("'=' or '~'") - end
).set_parse_action(_make_parameter_statement)
"""`name = expression` or `label ~ normal(0, 1)`."""

# ---------------------------------------------------------------- WALDTEST


def _make_test(piece: Piece, start: int, tokens: Sequence) -> Constraint | Relation:
    left, (kind, operator, operator_span), right, *_ = tokens
    if kind == "relation":
        relation = make_relation(piece, start, tokens)
        assert isinstance(relation, Relation)
        if operator != "~":
            raise error(f"'{operator}' cannot be tested", operator_span, "y ~ x1, or b1 = 0", "untestable")
        return relation
    sides = []
    for each in (left, right):
        if each.braces or any(term.settings for term in each.terms):
            raise error("a test compares labels and numbers", each.span, "b1:b3 = 0, or b1 = b2", "untestable")
        for term in each.terms if len(each.terms) > 1 else ():
            if isinstance(term.expression, Operation) and term.span and not term.span.text.startswith("("):
                raise error("a formula in a test stands alone on its side of '='", term.span, "b1 - b2 = 0",
                            "untestable")  # fmt: skip
        sides.append(tuple(term.expression for term in each.terms))
    return Constraint(sides[0], sides[1], joined(left.span, right.span))


def _make_test_term(piece: Piece, start: int, tokens: Sequence) -> Term:
    node = tokens[0]
    if isinstance(node, Operation) and node.operator == "==":
        raise error("a test is written with a single '='", node.span, "b1 = 0", "double-equals")
    return Term(node, (), node.span)


def _make_plain_test(piece: Piece, start: int, tokens: ParseResults) -> Constraint | Relation:
    match = tokens[0]
    left, right = (
        make_side(piece, at, [_make_test_term(piece, at, [fold(flat_run(piece, at, end))])])
        for at, end in (match.span("left"), match.span("right"))
    )
    return _make_test(piece, start, [left, ("definition", "=", piece.span(*match.span("equals"))), right])


test_term = expression.copy().add_parse_action(_make_test_term)
test_side = OneOrMore(test_term).set_parse_action(make_side)
plain_test = Regex(
    rf"(?P<left>{RUN})\s*(?P<equals>:?=(?![=~]))\s*(?P<right>{RUN})\s*\Z", as_match=True
).set_parse_action(_make_plain_test)
"""One expression on each side, without parentheses: nearly every test."""

test_statement: ParserElement = MatchFirst([
    plain_test,
    (
        test_side
        - MatchFirst([equals - test_side, relation_operator - side - Opt(random_part)]).set_name("'=' or '~'")
        - end
    ).set_parse_action(_make_test),
])  # fmt: skip
"""`b1:b3 = 0`, `b1 = b2`, or the smaller model `y ~ x1`."""
