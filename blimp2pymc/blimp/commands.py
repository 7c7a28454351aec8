"""The commands of a script: for every name what its body holds and which grammar reads it.

`COMMANDS` is the one place that knows a command; a new one is a new row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyparsing import Literal, MatchFirst, OneOrMore, Opt, ParserElement, ParseResults, Regex, ZeroOrMore

from blimp2pymc.blimp.expressions import NAME, NUMBER, expression, number_of, product
from blimp2pymc.blimp.parameter_statements import parameter_statement, test_statement
from blimp2pymc.blimp.pieces import Piece
from blimp2pymc.blimp.ranges import expand_range, is_range
from blimp2pymc.blimp.statements import (
    INTERCEPT,
    definition_statement,
    draw_statement,
    end,
    joined,
    model_statement,
)
from blimp2pymc.blimp.tree import (
    AtLevel,
    ConditionalEffect,
    Moderator,
    Name,
    NameGroup,
    NameItem,
    Number,
    RandomEffectStatement,
    Range,
)
from blimp2pymc.errors import Span, error

_NAME_ITEM = re.compile(
    rf"(?P<name>{NAME})(?:\s*:(?!\+|=)\s*(?P<last>{NAME}))?+(?:\s*\(\s*(?P<code>[-+]?\s*{NUMBER})\s*\))?+"
)


def _make_plain_item(piece: Piece, start: int, tokens: ParseResults) -> NameItem:
    return _make_item(piece, start, tokens, start + len(tokens[0]))


def _make_item(piece: Piece, start: int, tokens: ParseResults, end: int | None = None) -> NameItem:
    match = _NAME_ITEM.match(piece, start, len(piece) if end is None else end)
    assert match is not None
    span = piece.span(start, match.end())
    reference = None
    if match["code"]:
        code = match["code"].replace(" ", "")
        value = number_of(code.lstrip("+-"), piece.span(match.start("code"), match.end("code"))).value
        reference = -value if code.startswith("-") else value
    name_span = piece.span(start, match.end("last") if match["last"] else match.end("name"))
    if match["last"]:
        if not is_range(match["name"], match["last"]):
            expand_range(match["name"], match["last"], name_span)  # raises, saying why
        return NameItem(Range(match["name"], match["last"], name_span), reference, span)
    return NameItem(Name(match["name"], name_span), reference, span)


item = Regex(_NAME_ITEM).set_name("a name").set_parse_action(_make_item)
plain_item = Regex(rf"{NAME}(?:\s*:(?!\+|=)\s*{NAME})?+").set_name("a name").set_parse_action(_make_plain_item)
referenced_names: ParserElement = OneOrMore(item) - end
names: ParserElement = OneOrMore(plain_item) - end


def _make_group(piece: Piece, start: int, tokens: ParseResults) -> NameGroup:
    key, *items = tokens
    if isinstance(key, NameItem):
        return NameGroup("", tuple(tokens), None, joined(key.span, tokens[-1].span))
    return NameGroup(key.name, tuple(items), key.span, joined(key.span, items[-1].span))


key = (
    Regex(rf"{NAME}(?=\s*=)")
    .set_name("a new name and '='")
    .set_parse_action(lambda piece, start, tokens: Name(tokens[0], piece.span(start, start + len(tokens[0]))))
)
equals = Literal("=").suppress()
group: ParserElement = (
    (MatchFirst([key + equals - OneOrMore(plain_item), OneOrMore(plain_item)]) - end)
    .set_name("a list of names")
    .set_parse_action(_make_group)
)
required_group: ParserElement = (key - equals - OneOrMore(plain_item) - end).set_parse_action(_make_group)

CENTERING = {"grandmean": "grandmean", "groupmean": "groupmean", "cgm": "grandmean", "cwc": "groupmean"}
"""Kinds of centering, as written and as kept."""


def _make_center(piece: Piece, start: int, tokens: ParseResults) -> NameGroup:
    group = tokens[0]
    if group.key and group.key.lower() not in CENTERING:
        raise error(f"'{group.key}' is not a way of centering", group.key_span, "grandmean or groupmean",
                    "unknown-centering")  # fmt: skip
    return NameGroup(CENTERING[group.key.lower()] if group.key else "", group.items, group.key_span, group.span)


center: ParserElement = group.copy().add_parse_action(_make_center)

# ---------------------------------------------------------------- RANDOMEFFECT


def _make_random_effect(piece: Piece, start: int, tokens: ParseResults) -> RandomEffectStatement:
    name, outcome, term = tokens
    if not isinstance(term, AtLevel) or not isinstance(term.expression, Name | Number):
        raise error("a random effect is the intercept or slope of one level", term.span,
                    "b_j = y | x [school]", "no-level")  # fmt: skip
    inner = term.expression
    if isinstance(inner, Name) and inner.name.lower() == INTERCEPT:
        inner = Number(1.0, inner.span)
    return RandomEffectStatement(
        name.name, outcome.name, inner, term.level, outcome.span, term.span, joined(name.span, term.span)
    )


a_name = (
    Regex(NAME)
    .set_name("a name")
    .set_parse_action(lambda piece, start, tokens: Name(tokens[0], piece.span(start, start + len(tokens[0]))))
)
bar = Literal("|").set_name("'|'").suppress()
random_effect: ParserElement = (a_name - equals - a_name - bar - product - end).set_parse_action(_make_random_effect)

# ---------------------------------------------------------------- SIMPLE

GRIDS = {"quartile": "quartile", "quartiles": "quartile", "quantile": "quantile", "quantiles": "quantile"}
"""Moderator values that are read off the data, as written and as kept."""


def _make_moderator(piece: Piece, start: int, tokens: ParseResults) -> Moderator:
    name, *at = tokens
    if not at:
        return Moderator(name, None, name.span)
    value, span = at[0]
    return Moderator(name, value, joined(name.span, span))


def _make_at(piece: Piece, start: int, tokens: ParseResults) -> tuple[float | str, Span]:
    text, span = tokens[0], piece.span(start, start + len(tokens[0]))
    if text.lower() in GRIDS:
        return GRIDS[text.lower()], span
    if re.match(NAME, text):
        raise error(f"'{text}' is no value of a moderator", span, "@ 1, @ quartile, or @ quantile", "unknown-grid")
    value = number_of(text.lstrip("+- \t\r\n"), span).value
    return -value if text.startswith("-") else value, span


def _make_effect(piece: Piece, start: int, tokens: ParseResults) -> ConditionalEffect:
    focal, *moderators = tokens
    return ConditionalEffect(focal, tuple(moderators), joined(focal.span, moderators[-1].span))


at_value = Regex(rf"(?:[-+]\s*)?{NUMBER}|{NAME}").set_name("a number, quartile or quantile").set_parse_action(_make_at)
moderator = (a_name + Opt(Literal("@").suppress() - at_value)).set_parse_action(_make_moderator)
and_word = Regex(r"(?i:and)(?![\w.])").set_name("'and'").suppress()
effect: ParserElement = (
    expression - bar - moderator - ZeroOrMore(and_word - moderator) - end
).set_parse_action(_make_effect)  # fmt: skip

# ---------------------------------------------------------------- one expression, one number, words, text

condition: ParserElement = (expression - end).parse_with_tabs()
word = Regex(rf"{NAME}").set_name("a keyword")


# ---------------------------------------------------------------- the table


@dataclass(frozen=True)
class Form:
    """What stands behind a command's name."""

    kind: str
    """`statements` and `names` (read by `grammar`), `expression`, `integer`, `words`, `text`, or `files`."""
    grammar: ParserElement | None = None
    """Reads one statement."""
    aliases: tuple[str, ...] = ()
    example: str = ""
    """A correct use, for hints."""
    blocks: bool = False
    """Whether `label:` may head a block of statements."""
    loops: bool = False
    """Whether a statement may begin with `{ i in 1:6 } :`."""
    most: int | None = None
    """Names or statements at most."""
    least: int = 0
    """Smallest integer allowed."""
    known: tuple[str, ...] = ()
    """Keywords known to Blimp; others are passed on with a warning."""


OPTIONS = (
    "prior1", "prior2", "prior3", "xprior1", "xprior2", "xprior3", "hev", "hov", "use_phantom",
    "savelatent", "saveresidual", "savepredicted", "savevarnames", "pinfo", "labels", "tuneinfo",
    "allpatterns", "nodrop", "latent", "manifest",
)  # fmt: skip

SAVE_KINDS = (
    "stacked", "stacked0", "separate", "dataset", "estimates", "iterations", "psr", "avgimp", "varimp", "waldtest",
    "simple",
)  # fmt: skip

COMMANDS: dict[str, Form] = {
    "DATA": Form("text", example="DATA: study.csv;"),
    "VARIABLES": Form("names", names, example="VARIABLES: id y x1:x4;"),
    "MISSING": Form("text", example="MISSING: 999;"),
    "TRANSFORM": Form("statements", definition_statement, example="TRANSFORM: z = ln(x);", loops=True),
    "FILTER": Form("expression", condition, example="FILTER: age > 17;", most=1),
    "ORDINAL": Form("names", names, example="ORDINAL: d y1:y5;"),
    "NOMINAL": Form("names", referenced_names, example="NOMINAL: group(1);"),
    "COUNT": Form("names", names, example="COUNT: visits;"),
    "FIXED": Form("names", names, example="FIXED: x1 x2;"),
    "CENTER": Form("statements", center, example="CENTER: grandmean = x1 x2;"),
    "CLUSTERID": Form("names", names, example="CLUSTERID: school;", most=2),
    "TIMEID": Form("names", names, example="TIMEID: wave;", most=1),
    "DROPOUT": Form("statements", required_group, example="DROPOUT: gone = y;"),
    "LATENT": Form("statements", group, example="LATENT: eta; school = b0 b1;"),
    "RANDOMEFFECT": Form("statements", random_effect, example="RANDOMEFFECT: b1 = y | x [school];"),
    "WEIGHT": Form("names", names, example="WEIGHT: w;"),
    "BYGROUP": Form("names", names, example="BYGROUP: group;", most=1),
    "MODEL": Form("statements", model_statement, example="MODEL: y ~ x1 x2;", blocks=True, loops=True),
    "FCS": Form("names", names, example="FCS: x1:x5 y;"),
    "SIMPLE": Form("statements", effect, example="SIMPLE: x | m;", loops=True),
    "PARAMETERS": Form(
        "statements", parameter_statement, example="PARAMETERS: ab = a*b; b ~ normal(0, 1);", blocks=True, loops=True
    ),
    "WALDTEST": Form("statements", test_statement, ("TEST",), example="WALDTEST: b1:b3 = 0;", loops=True),
    "SEED": Form("integer", example="SEED: 90291;", least=1),
    "BURN": Form("integer", example="BURN: 1000;"),
    "ITERATIONS": Form("integer", None, ("ITER",), example="ITERATIONS: 10000;", least=1),
    "CHAINS": Form("integer", example="CHAINS: 4;", least=1),
    "THIN": Form("integer", example="THIN: 10;", least=1),
    "NIMPS": Form("integer", example="NIMPS: 20;", least=1),
    "OPTIONS": Form("words", word, example="OPTIONS: prior1 pinfo;", known=OPTIONS),
    "OUTPUT": Form("words", word, example="OUTPUT: default;"),
    "SAVE": Form("files", example="SAVE: stacked = imps.csv;"),
    "SIMULATE": Form("statements", draw_statement, example="SIMULATE: n = 500; n: x = normal(0, 1);",
                     blocks=True, loops=True),
}  # fmt: skip
"""Every command by its canonical name."""

CANONICAL = {spelling: name for name, form in COMMANDS.items() for spelling in (name, *form.aliases)}
"""Canonical name of every spelling of a command."""

for form in COMMANDS.values():
    if form.grammar is not None:
        form.grammar.parse_with_tabs()
