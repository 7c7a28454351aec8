"""The page the emitter writes on: finished lines, and what has been declared on them so far.

Knows the layout of good source (comments, wrapped calls and sums at 120 columns) and how leaves of
expressions are called; what to write is decided in `priors`, `covariances`, `equations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

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
    VariancePart,
)
from blimp2pymc.pymc_source.names import Names
from blimp2pymc.pymc_source.printer import SUM, UNARY, Text, Vocabulary, comment, number, write_expression

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

    def assign(self, name: str, terms: Sequence[tuple[str, str]]) -> None:
        """`name = ` a sum of (sign, text), one term a line when too long."""
        self.lines.extend(wrap_sum(self.indent, f"{name} = ", terms))

    # ------------------------------------------------------------ leaves

    @property
    def vocabulary(self) -> Vocabulary:
        """How columns and parameters are written on this page."""
        shorthand = {each: Text(code, SUM) for each, code in observed_centerings(self.model, self.names).items()}
        return Vocabulary(self.column, self.parameter, self.implied, shorthand)

    def expression(self, expression: Expression) -> Text:
        """The text of an expression."""
        return write_expression(expression, self.vocabulary)

    def column(self, column: Column) -> str:
        """The name of a column's complete values."""
        return self.names.columns[column]

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
        if column not in self.predicted:
            raise error(
                f"'{variance.variable}.{variance.part.value}' cannot set a parameter of the model yet",
                equation.span,
                "define it as a quantity of its own in PARAMETERS",
                "not-written-yet",
            )
        parts = []
        if variance.part is not VariancePart.RESIDUAL and is_by_row(equation, self.model):
            parts.append(f"pt.var({self.local(column, 'predicted')}, ddof=1)")
        if variance.part is not VariancePart.COEFFICIENTS and equation.residual_variance is not None:
            parts.append(self.parameter(equation.residual_variance).code)
        return Text(" + ".join(parts) or "0", SUM if len(parts) > 1 else 6)

    # ------------------------------------------------------------ facts of the model

    def is_incomplete(self, column: Column) -> bool:
        """Whether the column has missing cells."""
        return column.variable in self.names.missing and column.form is Form.SCORE

    def script_lines(self, spans: Iterable[Span | None]) -> list[str]:
        """The lines of the script that the spans stand on, each once, in order."""
        found: dict[tuple[int, int], str] = {}
        for span in spans:
            if span is None:
                continue
            if not any(start <= span.start and span.end <= end for start, end in found):
                found[span.start, span.end] = span.text
        return [text.rstrip(";") + ";" for _, text in sorted(found.items())]


def is_by_row(equation: Equation, model: Model) -> bool:
    """Whether the mean of an equation differs between rows."""
    return any(
        model.parameters[term.coefficient].fixed != 0.0
        and any(isinstance(leaf, Column) for leaf in leaves(term.expression))
        for term in equation.terms
    )


def observed_centerings(model: Model, names: Names) -> dict[Expression, str]:
    """`d - c` for every complete column centered at its observed mean c, with the text to write for it."""
    found: dict[Expression, str] = {}
    for equation in model.equations:
        for term in (*equation.terms, *equation.variance_terms):
            for each in _applications(term.expression):
                match each:
                    case Apply("-", (Column(variable, Form.SCORE, None, 0) as column, Constant(value))):
                        if variable in model.data and value == float(model.data[variable].mean()):
                            found[each] = f"{names.columns[column]} - {names.locals[column, 'observed_mean']}"
                    case _:
                        pass
    return found


def used_later(model: Model) -> frozenset[Column]:
    """Columns that some term refers to, or whose mean a Means Model needs."""
    found: set[Column] = set()
    for equation in model.equations:
        if equation.role is Role.MEANS:
            found.add(equation.outcome)
        for term in (*equation.terms, *equation.variance_terms):
            if model.parameters[term.coefficient].fixed != 0.0:
                found.update(leaf for leaf in leaves(term.expression) if isinstance(leaf, Column))
    return frozenset(found)


def references(expression: Expression) -> tuple[str, ...]:
    """Parameters and quantities an expression refers to, in order."""
    return tuple(leaf.name for leaf in leaves(expression) if isinstance(leaf, ParameterReference))


def wrap_call(indent: str, head: str, arguments: list[str], tail: str) -> list[str]:
    """A call on one line, else its arguments on one line of their own, else one a line."""
    joined = ", ".join(arguments)
    if len(indent + head + joined + tail) <= WIDTH:
        return [f"{indent}{head}{joined}{tail}"]
    inner = indent + INDENT
    if len(inner + joined) <= WIDTH and not head.endswith("["):
        return [f"{indent}{head}", f"{inner}{joined}", f"{indent}{tail}"]
    return [f"{indent}{head}", *(f"{inner}{each}," for each in arguments), f"{indent}{tail}"]


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
    lines = [sum_text(terms[:1]), *(f"{sign} {text}" for sign, text in terms[1:])]
    return [f"{indent}{head}(", *(f"{inner}{each}" for each in lines), f"{indent}){tail}"]


def _applications(expression: Expression) -> Iterable[Apply]:
    if isinstance(expression, Apply):
        yield expression
        for each in expression.arguments:
            yield from _applications(each)
