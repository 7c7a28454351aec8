"""How terms and outcomes are called in print: the user's expression, compact, as Blimp writes it.

Names are made from the syntax tree, because a name is what the user wrote and not what it was resolved to.
"""

from __future__ import annotations

from collections.abc import Mapping

from blimp2pymc.blimp import tree
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.drafts import INTERCEPT

STRENGTH: Mapping[str, int] = {
    "or": 1, "and": 2,
    "==": 3, "!=": 3, "<": 3, ">": 3, "<=": 3, ">=": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "neg": 6, "^": 7,
}  # fmt: skip
"""How tightly an operator binds; an operand that binds less tightly stands in parentheses."""

LOOSE = STRENGTH["-"]
"""Sums, comparisons, and whatever binds less tightly stand in parentheses when they are a whole term."""


def term_name(expression: tree.Expression) -> str:
    """Name of a term: `x`, `x*m`, `x^2`, `(x-mu)`.

    >>> term_name(tree.Operation("-", (tree.Name("x"), tree.Name("mu"))))
    '(x-mu)'
    """
    text = expression_name(expression)
    is_loose = isinstance(expression, tree.Operation) and STRENGTH[expression.operator] <= LOOSE
    return f"({text})" if is_loose else text


def expression_name(expression: tree.Expression) -> str:
    """The expression without blanks and with only the parentheses it needs."""
    match expression:
        case tree.Number(value):
            return number_name(value)
        case tree.Name(name) | tree.ParameterName(name):
            return name
        case tree.AtLevel(inner, level):
            return f"{expression_name(inner)}[{level}]"
        case tree.Range(first, last):
            return f"{first}:{last}"
        case tree.SumRange(first, last):
            return f"{first}:+:{last}"
        case tree.Call(function, arguments):
            return f"{function}({','.join(expression_name(each) for each in arguments)})"
        case tree.Operation("neg", (operand,)):
            return "-" + _operand(operand, STRENGTH["neg"], is_first=False)
        case tree.Operation(operator, operands):
            strength = STRENGTH[operator]
            sign = f" {operator} " if operator in ("and", "or") else operator
            return sign.join(_operand(each, strength, is_first=not place) for place, each in enumerate(operands))
    raise TypeError(f"no name for {expression!r}")


def number_name(value: float) -> str:
    """A number as short as it can be: `2`, `.5` as `0.5`."""
    return f"{value:.12g}"


def _operand(operand: tree.Expression, strength: int, is_first: bool) -> str:
    text = expression_name(operand)
    if isinstance(operand, tree.SumRange):
        inner = STRENGTH["+"]
    elif isinstance(operand, tree.Operation):
        inner = STRENGTH[operand.operator]
    else:
        return text
    keeps = inner > strength or (inner == strength and is_first and strength != STRENGTH["^"])
    return text if keeps else f"({text})"


def terms_text(model: ir.Model, equation: ir.Equation) -> str:
    """The right side of an equation as Blimp prints it: `Intercept x m@1`, and `Intercept@0` where there is no other.

    Values are printed behind `@`; a latent variable with predictors has no intercept to print.
    """
    written = []
    for term in equation.terms:
        fixed = model.parameters[term.coefficient].fixed
        written.append(term.name if fixed is None else f"{term.name}@{fixed:g}")
    has_intercept = any(term.name == INTERCEPT or term.replaces_intercept for term in equation.terms)
    if not has_intercept and (not written or equation.name not in model.latent):
        written.insert(0, f"{INTERCEPT}@0")
    return " ".join(written)
