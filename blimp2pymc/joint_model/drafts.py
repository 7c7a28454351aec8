"""Equations in the making: what the statements of MODEL have said about each outcome so far.

Statements about one outcome accumulate, so drafts are the one mutable thing of this stage. Their
expressions are resolved but not centered; `assembly` turns finished drafts into `ir.Equation`s.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from blimp2pymc.errors import Span, error
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import expand

INTERCEPT = "Intercept"
"""Name of the intercept in print."""


@dataclass(frozen=True)
class Setting:
    """What `@` says about a parameter: a value, a label, or nothing."""

    fixed: float | None = None
    label: str = ""
    span: Span | None = field(default=None, compare=False)
    is_default: bool = field(default=False, compare=False)
    """Whether a rule says it and not the user, as for the first loading of a factor."""

    @property
    def says_something(self) -> bool:
        """Whether the parameter is fixed or labelled."""
        return self.fixed is not None or bool(self.label)


FREE = Setting()


@dataclass
class DraftTerm:
    """A term of a linear predictor; `expression` is uncentered."""

    name: str
    expression: ir.Expression
    setting: Setting
    span: Span | None
    is_product: bool = False
    """Printed after the single variables."""
    is_loading: bool = False
    replaces_intercept: bool = False
    """`1@b_j`."""

    @property
    def key(self) -> tuple[ir.Product, ...]:
        """Equal for terms that mean the same, such as `x*m` and `m*x`."""
        return tuple(sorted(expand(self.expression), key=repr))


@dataclass(frozen=True)
class RandomTerm:
    """A term behind `|`: what differs between clusters."""

    name: str
    """As printed, with its level where one is stated: `Intercept`, `x[school]`."""
    expression: ir.Expression
    setting: Setting
    level: str = ""
    """Identifier in brackets behind it; every higher level when empty."""
    span: Span | None = field(default=None, compare=False)


@dataclass
class DraftEquation:
    """Everything said about one outcome."""

    outcome: ir.Column
    name: str
    """As printed: `y`, `yjt(y-9)`."""
    family: str = "normal"
    has_intercept: bool = True
    """False for latent outcomes until one is asked for, and for `1@b_j`."""
    intercept: Setting = FREE
    intercept_span: Span | None = None
    terms: dict[tuple[ir.Product, ...], DraftTerm] = field(default_factory=dict)
    variance: Setting = FREE
    log_variance: DraftEquation | None = None
    """What `var(y) ~` says: its terms are those of the logarithm of the residual variance."""
    random: tuple[RandomTerm, ...] | None = None
    """What stands behind `|`; empty for `| 0`, None where nothing does."""
    transform: ir.Transform | None = None
    power: Setting = FREE
    """What is said about lambda of `yjt`."""
    block: str = ""
    block_place: int = 0
    """Where its block stands among the blocks of the script."""
    is_latent: bool = False
    is_variance: bool = False
    """Whether it is the draft of a `var(y) ~`."""
    is_stated: bool = False
    """Whether a regression names it as outcome (and not only `~~` or `y@v`)."""
    span: Span | None = None

    def add(self, term: DraftTerm) -> None:
        """Add a term; said again, it takes the newer `@` setting, if there is one."""
        earlier = self.terms.get(term.key)
        if earlier is None:
            self.terms[term.key] = term
        elif term.setting.says_something:
            earlier.setting = term.setting
            earlier.span = term.span

    def set_intercept(self, setting: Setting, span: Span | None) -> None:
        """State the intercept, with or without a setting."""
        self.has_intercept = True
        self.intercept_span = span
        if setting.says_something:
            self.intercept = setting

    def set_variance(self, setting: Setting) -> None:
        """Fix or label the residual variance."""
        if setting.fixed is not None and not setting.fixed > 0:
            raise error(f"the residual variance of '{self.name}' is set to {setting.fixed:g}; a variance is positive",
                        setting.span, "a positive number, or a label", "variance-not-positive")  # fmt: skip
        self.variance = setting

    def set_log_variance(self, span: Span | None, block: str, block_place: int) -> DraftEquation:
        """The draft of `var(y) ~`, begun when it is mentioned for the first time; its intercept is free."""
        if self.log_variance is None:
            name = f"var({self.outcome.variable})"
            self.log_variance = DraftEquation(
                self.outcome, name, block=block, block_place=block_place, is_variance=True, span=span
            )
        return self.log_variance

    def add_random(self, terms: tuple[RandomTerm, ...]) -> None:
        """Add what stands behind `|`: without `0`, an intercept is implied."""
        says_none = any(term.name == INTERCEPT and term.setting.fixed == 0 for term in terms)
        stated = [term for term in terms if not (term.name == INTERCEPT and term.setting.fixed == 0)]
        if not says_none and not any(term.expression == ir.Constant(1.0) for term in (*(self.random or ()), *stated)):
            stated.insert(0, RandomTerm(INTERCEPT, ir.Constant(1.0), FREE))
        known = {term.name: term for term in (*(self.random or ()), *stated)}
        self.random = tuple(known.values())

    @property
    def all_terms(self) -> tuple[DraftTerm, ...]:
        """Terms in print order: intercept, single variables, then products and functions."""
        intercept: tuple[DraftTerm, ...] = ()
        if self.has_intercept and self.intercept.fixed != 0:
            one = ir.Constant(1.0)
            intercept = (DraftTerm(INTERCEPT, one, self.intercept, self.intercept_span or self.span),)
        return (*intercept, *sorted(self.terms.values(), key=lambda term: term.is_product))


@dataclass(frozen=True)
class Pair:
    """`a ~~ b` with its setting."""

    first: ir.Column
    second: ir.Column
    setting: Setting
    block: str
    block_place: int
    span: Span | None = field(default=None, compare=False)


@dataclass
class Drafts:
    """All of MODEL: equations by outcome in the order they were first mentioned, pairs of `~~`."""

    equations: dict[ir.Column, DraftEquation] = field(default_factory=dict)
    pairs: dict[frozenset[ir.Column], Pair] = field(default_factory=dict)
    defined: dict[str, ir.Expression] = field(default_factory=dict)
    """Defined variables that some term uses, resolved and uncentered."""

    @property
    def columns_on_the_right(self) -> dict[ir.Column, Span | None]:
        """Every column some term refers to, with the first place, in order of appearance."""
        found: dict[ir.Column, Span | None] = {}
        for equation in self.equations.values():
            variance_terms = equation.log_variance.terms.values() if equation.log_variance is not None else ()
            for term in (*equation.terms.values(), *variance_terms):
                for leaf in _columns_in_order(term.expression):
                    found.setdefault(leaf, term.span)
        return found

    def definitions_with(self, column: ir.Column) -> list[str]:
        """Defined variables in which a column occurs."""
        return [
            name
            for name, expression in self.defined.items()
            if isinstance(expression, ir.Apply) and column in _columns_in_order(expression)
        ]


def _columns_in_order(expression: ir.Expression) -> list[ir.Column]:
    if isinstance(expression, ir.Column):
        return [expression]
    if isinstance(expression, ir.Apply):
        return [column for each in expression.arguments for column in _columns_in_order(each)]
    return []
