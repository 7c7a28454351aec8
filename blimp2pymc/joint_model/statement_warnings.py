"""Warnings about statements whose reading may surprise: chains of outcomes, and names used twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.ranges import expand_range
from blimp2pymc.errors import Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in

Warnings = Iterator[tuple[str, Span | None, str]]


def _chains(model: ir.Model) -> Warnings:
    """`x1:x5 ~ 0` regresses each on those behind it; for indicators of a latent variable that is hardly meant."""
    if model.script is None:
        return
    measured = {
        equation.name
        for equation in model.equations
        for term in equation.terms
        if any(column.variable in model.latent for column in columns_in(term.expression))
    }
    for statement in model.script.statements("MODEL"):
        if not isinstance(statement, tree.Relation) or statement.operator != "~" or statement.left.braces:
            continue
        names = [name for term in statement.left.terms for name in _names(term.expression)]
        chained = [name for name in names[:-1] if name in measured]
        if chained:
            outcomes = statement.left.span.text if statement.left.span is not None else " ".join(names)
            yield (f"several outcomes before '~' are a chain: '{chained[0]}', which depends on a latent variable, is "
                   f"regressed on {_listed(names[names.index(chained[0]) + 1:])} too", statement.left.span,
                   f"{{ {outcomes} }} ~ for the same predictors and no chain")  # fmt: skip


def _names(expression: tree.Expression) -> list[str]:
    match expression:
        case tree.Name(name):
            return [name]
        case tree.Range(first, last):
            return list(expand_range(first, last))
    return []


def _listed(names: list[str]) -> str:
    shown = [f"'{name}'" for name in names[:3]]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return " and ".join(shown) if len(names) == 2 else ", ".join(shown) + more


def _mixed_outcomes(model: ir.Model) -> Warnings:
    """`ln(y) ~ x` with `y ~ z`: one variable has one equation, and its predictors are those of both."""
    if model.script is None:
        return
    transformed = {each.outcome.variable: each for each in model.equations if each.transform is not None}
    for statement in model.script.statements("MODEL"):
        if not isinstance(statement, tree.Relation) or statement.operator not in ("~", "->", "<-"):
            continue
        side = statement.right if statement.operator == "->" else statement.left
        for term in side.terms:
            for name in _names(term.expression):
                if name in transformed:
                    yield (f"'{name}' has one equation, that of {transformed[name].written or name}, and what is said "
                           "here belongs to it", term.span or statement.span,
                           f"{transformed[name].written or name} here too, to say so")  # fmt: skip


def _quantities_like_variables(model: ir.Model) -> Warnings:
    """A derived quantity with the name of a variable of the model."""
    if model.script is None:
        return
    for statement in model.script.statements("PARAMETERS"):
        if isinstance(statement, tree.Definition) and statement.name in model.variables:
            yield (f"'{statement.name}' is a variable of MODEL, and PARAMETERS uses its name for a quantity",
                   statement.name_span or statement.span, f"another name, such as {statement.name}_new")  # fmt: skip


STATEMENT_WARNINGS: Mapping[str, Callable[[ir.Model], Warnings]] = {
    "chain-of-outcomes": _chains,
    "one-equation": _mixed_outcomes,
    "quantity-like-variable": _quantities_like_variables,
}
"""Code -> what finds it."""
