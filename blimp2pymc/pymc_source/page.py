"""The page the emitter writes on: finished lines, and what has been declared on them so far.

Knows the layout of good source (comments, wrapped calls and sums at 120 columns) and how leaves of
expressions are called; what to write is decided in `priors`, `covariances`, `equations`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from blimp2pymc.errors import Span, error
from blimp2pymc.joint_model.algebra import leaves
from blimp2pymc.joint_model.ir import (
    Apply,
    Column,
    Constant,
    Equation,
    Expression,
    Form,
    ImpliedVariance,
    Model,
    ParameterReference,
    Role,
    Term,
    VariancePart,
)
from blimp2pymc.pymc_source.facts import DISCRETE, family_of, response_column
from blimp2pymc.pymc_source.names import Names
from blimp2pymc.pymc_source.printer import (
    SUM,
    UNARY,
    Text,
    Vocabulary,
    comment,
    constant_value,
    number,
    string,
    write_expression,
)

IMPLIED = {VariancePart.COEFFICIENTS: "explained_variance", VariancePart.TOTAL: "total_variance"}
"""Model-implied variances with a name of their own."""

WIDTH = 120
INDENT = "    "


@dataclass
class Page:
    """Source in the making."""

    model: Model
    names: Names
    lines: list[str] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    """Variables of the graph written so far."""
    predicted: dict[Column, Text] = field(default_factory=dict)
    """Outcome -> its written linear predictor."""
    shorthand: dict[Expression, Text] = field(default_factory=dict)
    """Expressions that have a name of their own by now."""
    stated: set[str] = field(default_factory=set)
    """Lines of the script written so far."""
    responses: frozenset[Column] = frozenset()
    """Outcomes whose latent responses are written explicitly."""
    is_marginal: bool = False
    """Whether latent variables and missing cells are integrated out."""
    indent: str = INDENT

    # ------------------------------------------------------------ lines

    def blank(self) -> None:
        """An empty line, unless there is one already."""
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def comment(self, text: str) -> None:
        """A comment line of safe text."""
        self.lines.append(f"{self.indent}# {comment(text)}")

    def line(self, text: str) -> None:
        """A line as it stands."""
        self.lines.append(f"{self.indent}{text}")

    def call(self, head: str, arguments: Iterable[str], tail: str = ")") -> None:
        """`head` arguments `tail`, wrapped when too long; `head` ends in the opening bracket."""
        self.lines.extend(wrap_call(self.indent, head, list(arguments), tail))

    def stack(self, name: str, elements: list[str]) -> None:
        """`name = pt.stack([...])`, wrapped as formatters do."""
        lines = wrap_call(self.indent, f"{name} = pt.stack(", [f"[{', '.join(elements)}]"], ")")
        if max(map(len, lines)) > WIDTH:
            inner = self.indent + INDENT
            lines = [lines[0], f"{inner}[", *(f"{inner}{INDENT}{each}," for each in elements), f"{inner}]", lines[-1]]
        self.lines.extend(lines)

    def assign(self, name: str, terms: Sequence[tuple[str, str]]) -> None:
        """`name = ` a sum of (sign, text), one term a line when too long."""
        self.lines.extend(wrap_sum(self.indent, f"{name} = ", terms))

    # ------------------------------------------------------------ leaves

    def expression(self, expression: Expression) -> Text:
        """The text of an expression."""
        words = Vocabulary(self.column, self.parameter, self.implied, self.fixed, self.shorthand)
        return write_expression(expression, words)

    def deterministic(self, name: str, expression: Expression) -> None:
        """`name = pm.Deterministic(...)`, which a plain number would not be enough for."""
        code = self.expression(expression).code
        if constant_value(expression, self.fixed) is not None:
            code = f"pt.as_tensor({code})"
        self.call(f"{name} = pm.Deterministic(", [string(name), code])

    def fixed(self, name: str) -> float | None:
        """Value of a parameter that is fixed, or None."""
        parameter = self.model.parameters.get(name)
        return None if parameter is None else parameter.fixed

    def define(self, expression: Expression) -> None:
        """Give the defined variables inside an expression lines of their own, once, innermost first."""
        for name, meaning in self.model.defined.items():
            if not isinstance(meaning, Apply) or meaning in self.shorthand:
                continue
            if all(each != meaning for each in applications(expression)):
                continue
            for each in meaning.arguments:
                self.define(each)
            text = self.names.defined[name]
            self.assign(text, self.summands(meaning))
            self.shorthand[meaning] = Text(text)

    def summands(self, expression: Expression) -> list[tuple[str, str]]:
        """(sign, text) of the parts of a sum, as it was written."""
        match expression:
            case Apply("+", (left, right)) if expression not in self.shorthand:
                return [*self.summands(left), *self.summands(right)]
            case Apply("-", (left, right)) if expression not in self.shorthand:
                return [*self.summands(left), ("-", self.expression(right).at_least(SUM + 1))]
        return [("+", self.expression(expression).at_least(SUM + 1))]

    def column(self, column: Column) -> str:
        """The name of a column's complete values."""
        return self.names.columns[column]

    def normal_column(self, outcome: Column) -> str:
        """The name of what is normal about an outcome: its latent response or transformed value, else its values."""
        equation = self.model.equation_of[outcome]
        is_cut = equation.family in ("probit", "multinomial_probit")
        return self.names.columns[response_column(outcome) if is_cut else equation.scale]

    def local(self, outcome: Column, suffix: str) -> str:
        """A name such as `y_predicted`."""
        return self.names.locals[outcome, suffix]

    def parameter(self, name: str) -> Text:
        """A parameter, a derived quantity, or the number a parameter is fixed at."""
        parameter = self.model.parameters.get(name)
        if parameter is None:
            return Text(self.names.quantities[name])
        if parameter.fixed is not None:
            code = number(parameter.fixed)
            return Text(code, UNARY) if code.startswith("-") else Text(code)
        return Text(str(self.names.parameters[name]))

    def implied(self, variance: ImpliedVariance) -> Text:
        """The model-implied variance of an outcome: of its coefficients' part, of its residual, or both."""
        column = next(each for each in self.model.equation_of if each.variable == variance.variable)
        equation = self.model.equation_of[column]
        residual = self.parameter(equation.residual_variance) if equation.residual_variance else Text("1")
        if equation.variance_terms:
            log_variance = self.local(column, "log_variance")
            mean = (
                f"pt.mean(pt.exp({log_variance}))" if differs_between_rows(equation.variance_terms, self.model) else ""
            )
            residual = Text(mean or f"pt.exp({log_variance})")
        if column not in self.predicted:
            raise error(
                f"'{variance.variable}.{variance.part.value}' cannot set a parameter of the model yet",
                equation.span,
                "define it as a quantity of its own in PARAMETERS",
                "not-written-yet",
            )
        return Text(self.local(column, IMPLIED[variance.part])) if variance.part in IMPLIED else residual

    # ------------------------------------------------------------ facts of the model

    def is_incomplete(self, column: Column) -> bool:
        """Whether the column has missing cells beside observed ones."""
        return column.variable in self.model.incomplete and column.form is Form.SCORE

    def is_discrete(self, variable: str) -> bool:
        """Whether the variable is an outcome with categories or counts."""
        return family_of(self.model, variable) in DISCRETE

    def lines_of(self, equation: Equation) -> list[str]:
        """The script's lines that an equation stands on; none for those the script does not state."""
        spans = [equation.span, *(term.span for term in (*equation.terms, *equation.variance_terms))]
        return self.script_lines(spans) if equation.role is Role.OUTCOME else []

    @cached_property
    def n_equations_of(self) -> Counter[str]:
        """How many equations stand on each line of the script."""
        return Counter(line for each in self.model.equations for line in self.lines_of(each))

    def script_lines(self, spans: Iterable[Span | None]) -> list[str]:
        """The statements of the script that the spans are part of, each once, in order."""
        statements = self.model.script.statements("MODEL") if self.model.script is not None else ()
        found: dict[int, str] = {}
        for span in spans:
            if span is not None:
                around = (each.span for each in statements if each.span and _holds(each.span, span))
                statement = next(around, span)
                found[statement.start] = re.sub(r"#.*", "", statement.text)
        return [f"{text.rstrip('; ')};" for _, text in sorted(found.items())]


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def is_by_row(equation: Equation, model: Model) -> bool:
    """Whether the mean of an equation differs between rows."""
    return differs_between_rows(equation.terms, model)


def differs_between_rows(terms: Iterable[Term], model: Model) -> bool:
    """Whether a linear predictor differs between rows."""
    return any(
        model.parameters[term.coefficient].fixed != 0.0
        and any(isinstance(leaf, Column) for leaf in leaves(term.expression))
        for term in terms
    )


def observed_centerings(model: Model, names: Names) -> dict[Expression, tuple[str, str]]:
    """`d - c` for every complete column centered at its observed mean c, with the names of d and of c."""
    found: dict[Expression, tuple[str, str]] = {}
    for equation in model.equations:
        for term in (*equation.terms, *equation.variance_terms):
            for each in applications(term.expression):
                match each:
                    case Apply("-", (Column(variable, Form.SCORE, None, 0) as column, Constant(value))):
                        if variable in model.data and value == float(model.data[variable].mean()):
                            found[each] = (names.columns[column], names.locals[column, "observed_mean"])
                    case _:
                        pass
    return found


def references(expression: Expression) -> tuple[str, ...]:
    """Parameters and quantities an expression refers to, in order."""
    return tuple(leaf.name for leaf in leaves(expression) if isinstance(leaf, ParameterReference))


def wrap_call(indent: str, head: str, arguments: list[str], tail: str) -> list[str]:
    """A call on one line, else its arguments on one line of their own, else one a line."""
    joined = ", ".join(arguments)
    if len(indent + head + joined + tail) <= WIDTH:
        return [f"{indent}{head}{joined}{tail}"]
    inner = indent + INDENT
    if not head.endswith("[") and (len(inner + joined) <= WIDTH or len(arguments) == 1):
        return [f"{indent}{head}", f"{inner}{joined}", f"{indent}{tail}"]
    return [f"{indent}{head}", *(line for each in arguments for line in _wrap_argument(inner, each)), f"{indent}{tail}"]


def _wrap_argument(indent: str, argument: str) -> list[str]:
    """An argument and its comma; a long list of numbers gets a line each."""
    name, bracket, rest = argument.partition("=[")
    if len(indent + argument) < WIDTH or not bracket:
        return [f"{indent}{argument},"]
    return [f"{indent}{name}=[", *(f"{indent}{INDENT}{each}," for each in rest[:-1].split(", ")), f"{indent}],"]


def sum_text(terms: Sequence[tuple[str, str]]) -> str:
    """A sum of (sign, text) on one line: `a + b - c`."""
    (sign, first), *rest = terms
    return " ".join([f"-{first}" if sign == "-" else first, *(f"{sign} {text}" for sign, text in rest)])


def wrap_sum(indent: str, head: str, terms: Sequence[tuple[str, str]], tail: str = "") -> list[str]:
    """A sum of (sign, text) on one line, else in parentheses with one term a line."""
    joined = sum_text(terms)
    if len(indent + head + joined + tail) <= WIDTH:
        return [f"{indent}{head}{joined}{tail}"]
    inner = indent + INDENT
    if len(terms) == 2 and joined.endswith(")"):
        # formatters break inside a closing call when there is only one operator to break at
        opening = _opening(joined)
        before, inside = joined[: opening + 1], joined[opening + 1 : -1]
        if len(indent + head + before) <= WIDTH and len(inner + inside) <= WIDTH:
            return [f"{indent}{head}{before}", f"{inner}{inside}", f"{indent}){tail}"]
    if len(inner + joined) <= WIDTH:
        return [f"{indent}{head}(", f"{inner}{joined}", f"{indent}){tail}"]
    lines = [sum_text(terms[:1]), *(f"{sign} {text}" for sign, text in terms[1:])]
    return [f"{indent}{head}(", *(f"{inner}{each}" for each in lines), f"{indent}){tail}"]


def _opening(text: str) -> int:
    """Place of the parenthesis that the last character closes."""
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[place], 0)
        if depth == 0:
            return place
    raise ValueError(text)


def applications(expression: Expression) -> Iterator[Apply]:
    """Every function or operator in an expression, outermost first."""
    if isinstance(expression, Apply):
        yield expression
        for each in expression.arguments:
            yield from applications(each)
