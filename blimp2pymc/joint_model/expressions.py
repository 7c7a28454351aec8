"""Expressions of a script, resolved: names looked up, ranges written out, functions checked.

The caller says what a name is (`lookup`); everything else about an expression is decided here, for
TRANSFORM, FILTER, MODEL and PARAMETERS alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.ranges import expand_range
from blimp2pymc.errors import BlimpError, Finding, Span, error
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import FUNCTIONS

__all__ = ["expand_range", "resolve_expression"]

ALIASES = {"log": "ln"}
"""Other spellings of functions."""

ARGUMENT_COUNTS: dict[str, tuple[int, ...]] = {"normal_pdf": (1, 3)}
"""Functions with a choice of argument counts; `algebra.FUNCTIONS` has the others."""

COLUMN_STATISTICS = ("min", "max", "mean")
"""With one argument they summarise a column, which only TRANSFORM can do."""

OUTCOME_WRAPPERS = ("logit", "probit", "var")
"""Written like functions, but only around the outcome of a regression."""

DISTRIBUTIONS = ("normal", "uniform", "bernoulli")
"""Functions of SIMULATE."""

Lookup = Callable[[tree.Name | tree.ParameterName | tree.AtLevel], ir.Expression]


def resolve_expression(
    expression: tree.Expression, lookup: Lookup, *, column_statistics: bool = False
) -> ir.Expression:
    """Resolve an expression of the script.

    Parameters
    ----------
    expression
        As parsed.
    lookup
        Says what a name (`x`, `&b`, `x.mean[school]`) refers to, or raises `BlimpError`.
    column_statistics
        Whether `min(x)`, `max(x)`, `mean(x)` of one argument are allowed.

    Raises
    ------
    BlimpError
        With one finding for every unknown name or function, wrong number of arguments, or bad range.
    """
    findings: list[Finding] = []

    def resolve(node: tree.Expression) -> ir.Expression:
        try:
            return _resolve(node)
        except BlimpError as mistake:
            findings.extend(mistake.findings)
            return ir.Constant(0.0)

    def _resolve(node: tree.Expression) -> ir.Expression:
        match node:
            case tree.Number(value):
                return ir.Constant(float(value))
            case tree.Name() | tree.ParameterName() | tree.AtLevel():
                return lookup(node)
            case tree.SumRange(first, last):
                return _sum(resolve(each) for each in _names(first, last, node.span))
            case tree.Range(first, last):
                raise error(
                    f"the range '{first}:{last}' stands for several values where one is needed",
                    node.span, f"{first}:+:{last} for their sum", "range-in-expression",
                )  # fmt: skip
            case tree.Operation(operator, operands):
                return _operation(operator, tuple(resolve(each) for each in operands))
            case tree.Call(function, written):
                name = ALIASES.get(function.lower(), function.lower())
                arguments = _spread(written)
                _check_call(name, len(arguments), node.span, column_statistics)
                return ir.Apply(name, tuple(resolve(each) for each in arguments))
        raise TypeError(f"no expression: {node!r}")

    resolved = resolve(expression)
    if findings:
        raise BlimpError(*dict.fromkeys(findings))
    return resolved


def _names(first: str, last: str, span: Span | None) -> list[tree.Name]:
    return [tree.Name(name, span) for name in expand_range(first, last, span)]


def _sum(parts: Iterable[ir.Expression]) -> ir.Expression:
    return reduce(lambda left, right: ir.Apply("+", (left, right)), parts)


def _operation(operator: str, operands: tuple[ir.Expression, ...]) -> ir.Expression:
    if operator == "neg" and isinstance(operands[0], ir.Constant):
        return ir.Constant(-operands[0].value)
    if len(operands) == 1 and operator == "+":
        return operands[0]
    if len(operands) == 1 and operator == "-":
        return _operation("neg", operands)
    assert operator in FUNCTIONS, operator
    if operator == "^":
        return reduce(lambda power, base: ir.Apply("^", (base, power)), reversed(operands))
    return (
        reduce(lambda left, right: ir.Apply(operator, (left, right)), operands)
        if len(operands) > 1
        else ir.Apply(operator, operands)
    )


def _spread(arguments: tuple[tree.Expression, ...]) -> list[tree.Expression]:
    """Arguments with ranges written out: `mean(x1:x4)` has four."""
    spread: list[tree.Expression] = []
    for each in arguments:
        spread.extend(_names(each.first, each.last, each.span) if isinstance(each, tree.Range) else [each])
    return spread


def _check_call(name: str, count: int, span: Span | None, column_statistics: bool) -> None:
    callable_names = [each for each in FUNCTIONS if each[0].isalpha() and each not in ("and", "or", "neg")]
    if name in OUTCOME_WRAPPERS:
        raise error(f"'{name}()' belongs around the outcome of a regression, not into an expression", span,
                    f"{name}(y) ~ x", "outcome-wrapper")  # fmt: skip
    if name in DISTRIBUTIONS:
        raise error(f"'{name}()' draws random numbers, which only SIMULATE does", span,
                    f"label ~ {name}(...) in PARAMETERS, if a prior is meant" if name != "bernoulli" else "phi(x)",
                    "unknown-function")  # fmt: skip
    if name not in callable_names:
        near = nearest(name, [*callable_names, *ALIASES])
        hint = f"{near}()" if near else "one of " + ", ".join(sorted(callable_names))
        raise error(f"there is no function '{name}()'", span, hint, "unknown-function")
    allowed = ARGUMENT_COUNTS.get(name)
    if allowed is None:
        number = FUNCTIONS[name]
        allowed = (number,) if number is not None else None
    if allowed is not None and count not in allowed:
        raise error(f"'{name}()' takes {_counted(allowed)}, not {count}", span, SIGNATURES.get(name, f"{name}(x)"),
                    "argument-count")  # fmt: skip
    if allowed is None and count == 0:
        raise error(f"'{name}()' needs at least one argument", span, f"{name}(x, z)", "argument-count")
    if name in COLUMN_STATISTICS and count == 1 and not column_statistics:
        raise error(f"'{name}()' of one column is known only in TRANSFORM", span,
                    f"TRANSFORM: x_{name} = {name}(x);", "column-statistic")  # fmt: skip


SIGNATURES = {
    "normal_pdf": "normal_pdf(x) or normal_pdf(x, mean, variance)",
    "ifelse": "ifelse(condition, value_if_true, value_if_false)",
    "missing": "missing(condition, x)",
    "mod": "mod(x, divisor)",
    "yjt": "yjt(x, lambda)",
    "iyjt": "iyjt(z, lambda)",
}
"""How functions with several arguments are written."""


def _counted(allowed: tuple[int, ...]) -> str:
    return " or ".join(str(each) for each in allowed) + (" argument" if allowed == (1,) else " arguments")
