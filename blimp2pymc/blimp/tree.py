"""The syntax tree: what a Blimp script says, before any name is looked up.

Frozen nodes compare by content; their `span` is left out of the comparison, so that a script and
its rewritten text give equal trees. Ranges and sum ranges stay as written; loops are unrolled
before a statement is parsed, and each copy keeps a span inside the original text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass

from blimp2pymc.errors import Finding, Source, Span


def _span() -> Span | None:
    return field(default=None, compare=False, repr=False)


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True)
class Number:
    """A literal such as `.50`."""

    value: float
    span: Span | None = _span()


@dataclass(frozen=True)
class Name:
    """A name as written, suffixes included (`y.lag`, `n.2`, `x.latent`); the resolver reads them."""

    name: str
    span: Span | None = _span()


@dataclass(frozen=True)
class ParameterName:
    """`&name`: explicitly a parameter."""

    name: str
    span: Span | None = _span()


@dataclass(frozen=True)
class AtLevel:
    """`x.mean[school]`, `1[id2]`: an expression with the level it belongs to."""

    expression: Expression
    level: str
    span: Span | None = _span()


@dataclass(frozen=True)
class Range:
    """`x1:x7`."""

    first: str
    last: str
    span: Span | None = _span()


@dataclass(frozen=True)
class SumRange:
    """`x1:+:x7`, the sum of the range."""

    first: str
    last: str
    span: Span | None = _span()


@dataclass(frozen=True)
class Call:
    """`function(argument, ...)`; the function name is lower case."""

    function: str
    arguments: tuple[Expression, ...]
    span: Span | None = _span()


@dataclass(frozen=True)
class Operation:
    """An operator and its operands: `+ - * / ^ == != < > <= >= and or`; unary minus is `neg`."""

    operator: str
    operands: tuple[Expression, ...]
    span: Span | None = _span()


Expression = Number | Name | ParameterName | AtLevel | Range | SumRange | Call | Operation


# ---------------------------------------------------------------- statements of MODEL


@dataclass(frozen=True)
class Term:
    """An expression with the chain of `@` settings behind it: `x@b1`, `(x - xb)*a_j@1`.

    `1` and `intercept` are both `Number(1)`.
    """

    expression: Expression
    settings: tuple[Number | Name, ...] = ()
    span: Span | None = _span()


@dataclass(frozen=True)
class Side:
    """One side of a relation; `braces` is true for `{ a b }`."""

    terms: tuple[Term, ...]
    braces: bool = False
    span: Span | None = _span()


@dataclass(frozen=True)
class Relation:
    """`left operator right | random`; `operator` is one of `~ ~~ -> <-` (`<->` is `~~`, `=~` is `->`)."""

    left: Side
    operator: str
    right: Side
    random: tuple[Term, ...] | None = None
    block: str = ""
    """The label of the block the statement stands in, without its colon."""
    span: Span | None = _span()


@dataclass(frozen=True)
class VarianceStatement:
    """`y@v;`: sets or labels the residual variance of y (of each in `y0:y3@v`)."""

    term: Term
    block: str = ""
    span: Span | None = _span()


@dataclass(frozen=True)
class Definition:
    """`name = expression;` in MODEL, PARAMETERS, TRANSFORM (`:=` in SIMULATE)."""

    name: str
    expression: Expression
    block: str = ""
    name_span: Span | None = _span()
    span: Span | None = _span()


ModelStatement = Relation | VarianceStatement | Definition


# ---------------------------------------------------------------- other statements


@dataclass(frozen=True)
class PriorStatement:
    """`label ~ normal(0, 1);` in PARAMETERS."""

    label: str
    distribution: str
    arguments: tuple[Expression, ...]
    label_span: Span | None = _span()
    distribution_span: Span | None = _span()
    """Where `normal(0, 1)` stands."""
    span: Span | None = _span()


@dataclass(frozen=True)
class Constraint:
    """`left = right;` in WALDTEST, each side a list of names or a number."""

    left: tuple[Expression, ...]
    right: tuple[Expression, ...]
    span: Span | None = _span()


@dataclass(frozen=True)
class Moderator:
    """`m`, `m @ -1`, `m @ quartile`, `m.1`; `at` is a number, `quartile`, `quantile`, or None."""

    name: Name
    at: float | str | None = None
    span: Span | None = _span()


@dataclass(frozen=True)
class ConditionalEffect:
    """`focal | m1 and m2;` in SIMPLE."""

    focal: Expression
    moderators: tuple[Moderator, ...]
    span: Span | None = _span()


@dataclass(frozen=True)
class NameItem:
    """An entry of a list command: a name or range, with the reference code of `n(2)`."""

    expression: Name | Range
    reference: float | None = None
    span: Span | None = _span()


@dataclass(frozen=True)
class NameGroup:
    """`key = names;` or a bare list (`key` empty): CENTER, LATENT, DROPOUT."""

    key: str
    items: tuple[NameItem, ...]
    key_span: Span | None = _span()
    span: Span | None = _span()


@dataclass(frozen=True)
class RandomEffectStatement:
    """`name = y | term [level];` in RANDOMEFFECT; `term` is `1` or a predictor."""

    name: str
    outcome: str
    term: Expression
    level: str
    outcome_span: Span | None = _span()
    term_span: Span | None = _span()
    span: Span | None = _span()


@dataclass(frozen=True)
class SaveStatement:
    """`kind = file;` in SAVE."""

    kind: str
    file: str
    span: Span | None = _span()


@dataclass(frozen=True)
class Draw:
    """A SIMULATE statement: `names = expression`, `a ~~ b = r`; `operator` is `=`, `:=` or `~~`."""

    left: Side
    operator: str
    right: Expression
    other: Side | None = None
    """Right-hand names of `~~`."""
    block: str = ""
    span: Span | None = _span()


# ---------------------------------------------------------------- commands


@dataclass(frozen=True)
class Command:
    """One `NAME: body`. `name` is canonical (`ITERATIONS` for ITER, `WALDTEST` for TEST).

    What `body` holds by command: `FileBody` is one str (DATA); MISSING a str; numbers (SEED, BURN,
    ITERATIONS, CHAINS, THIN, NIMPS) an int; OPTIONS and OUTPUT a tuple of lower-case str; FILTER an
    Expression; every other command a tuple of the statement nodes above.
    """

    name: str
    body: object
    span: Span | None = _span()
    """The command name itself."""
    body_span: Span | None = _span()
    is_implied: bool = False
    """Not written, but said by what is: `y.missing` in MODEL makes a column."""


@dataclass(frozen=True)
class Script:
    """A whole script, its commands in the order written; a repeated command occurs twice."""

    commands: tuple[Command, ...]
    source: Source = field(compare=False, repr=False, default=Source("<model>", ""))
    warnings: tuple[Finding, ...] = field(compare=False, repr=False, default=())
    """What is legal but may not be meant, such as a block label that is also a command's name."""

    def all(self, name: str) -> tuple[Command, ...]:
        """Every command called `name`."""
        return tuple(each for each in self.commands if each.name == name)

    def statements(self, name: str) -> tuple:
        """The statements of every command called `name`, in order."""
        bodies = (command.body for command in self.all(name))
        return tuple(each for body in bodies if isinstance(body, tuple) for each in body)


def walk(node: object) -> Iterator[object]:
    """Every node below and including `node`, depth first."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, tuple):
            waiting.extend(reversed(each))
        elif (names := _part_names(each.__class__)) is not None:
            yield each
            for name in reversed(names):
                waiting.append(getattr(each, name))


_PART_NAMES: dict[type, tuple[str, ...] | None] = {}
"""What `_part_names` has found, because every walk asks for it at every node."""


def _part_names(kind: type) -> tuple[str, ...] | None:
    """Fields of a node that hold its parts; None for what is no node."""
    if kind not in _PART_NAMES:
        is_node = is_dataclass(kind) and not issubclass(kind, (Span, Source))
        _PART_NAMES[kind] = tuple(part.name for part in fields(kind) if part.compare) if is_node else None
    return _PART_NAMES[kind]
