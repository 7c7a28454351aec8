"""SIMPLE: conditional effects of a focal variable, or of an expression of labels, at values of moderators.

A defined variable of MODEL may be focal or a moderator. It is a Column of its name here, found in a term by the
expression it stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from blimp2pymc.blimp import tree
from blimp2pymc.errors import Finding, Span, collected, error
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in, expand, substitute
from blimp2pymc.joint_model.expressions import resolve_expression
from blimp2pymc.joint_model.quantities import ParameterNames
from blimp2pymc.joint_model.term_names import expression_name

Centers = Mapping[ir.Column, ir.Expression]


def with_defined(
    expression: ir.Expression, column: ir.Column, defined: Mapping[str, ir.Expression], centered: Centers
) -> ir.Expression:
    """Write a term in terms of a defined variable: the expression it stands for, centered or not, becomes `column`."""
    if column.variable not in defined:
        return expression
    original = defined[column.variable]
    seen = substitute(original, {each: ir.Apply("-", (each, by)) for each, by in centered.items()})
    return substitute(expression, {seen: column, original: column})


@dataclass(frozen=True)
class _Predictors:
    """What MODEL has on the right."""

    used: frozenset[ir.Column]
    defined: Mapping[str, ir.Expression]
    centered: Centers
    equations: tuple[ir.Equation, ...]

    def together(self, columns: Iterable[ir.Column]) -> bool:
        """Whether some equation has all of them among its predictors."""
        wanted = list(columns)
        return any(all(self._has(each, column) for column in wanted) for each in self.equations)

    def _has(self, equation: ir.Equation, column: ir.Column) -> bool:
        terms = (with_defined(term.expression, column, self.defined, self.centered) for term in equation.terms)
        return any(column in columns_in(each) for each in terms)


def simple_effects(
    statements: Iterable[tree.ConditionalEffect],
    lookup: ParameterNames,
    *,
    used: Iterable[ir.Column],
    defined: Mapping[str, ir.Expression],
    centered: Centers,
    equations: Iterable[ir.Equation],
    findings: list[Finding],
) -> tuple[ir.SimpleEffect, ...]:
    """Read SIMPLE.

    Parameters
    ----------
    statements
        Conditional effects as written.
    lookup
        Labels and quantities, for focal expressions.
    used
        Columns that are predictors in MODEL.
    defined
        Defined variables of MODEL.
    centered
        Centered columns.
    equations
        One of them has to hold a focal variable and all its moderators.
    findings
        Mistakes are added here.
    """
    predictors = _Predictors(frozenset(used), defined, centered, tuple(equations))
    effects = []
    for each in statements:
        moderators, before = list[ir.ModeratorValues](), len(findings)
        for one in each.moderators:
            with collected(findings):
                moderators.extend(_moderator(one, lookup, predictors))
        with collected(findings):
            columns = {value.name: value.column for value in moderators}
            focal, name = _focal(each.focal, lookup, predictors, columns), expression_name(each.focal)
            if isinstance(focal, ir.Column) and len(findings) == before:
                _check_together(focal, name, moderators, predictors, each.span)
            effects.append(ir.SimpleEffect(focal, name, tuple(moderators), each.span))
    return tuple(effects)


def _check_together(
    focal: ir.Column,
    name: str,
    moderators: Iterable[ir.ModeratorValues],
    predictors: _Predictors,
    span: Span | None,
) -> None:
    names = " and ".join(f"'{each}'" for each in dict.fromkeys([name, *(value.name for value in moderators)]))
    if focal in {each.column for each in moderators}:
        raise error(f"'{name}' cannot moderate its own effect", span, "x | m", "own-moderator")
    if not predictors.together([focal, *(each.column for each in moderators)]):
        raise error(f"no equation has {names} as predictors, so there is no conditional effect to show", span,
                    f"y ~ {name} m {name}*m", "no-conditional-effect")  # fmt: skip


def _focal(
    focal: tree.Expression,
    lookup: ParameterNames,
    predictors: _Predictors,
    moderators: Mapping[str, ir.Column],
) -> ir.Column | ir.Expression:
    if isinstance(focal, tree.Name):
        column = lookup.names.find(focal.name)
        if column is not None:
            if lookup.names.dummies(column):
                raise error(f"'{focal.name}' is NOMINAL; a focal predictor is one of its dummies", focal.span,
                            lookup.names.dummies(column)[0], "nominal-focal")  # fmt: skip
            if column not in predictors.used:
                raise error(f"'{focal.name}' is no predictor in MODEL", focal.span, "a predictor of some equation",
                            "no-predictor")  # fmt: skip
            return column
        if focal.name in predictors.defined:
            return ir.Column(focal.name)
        if focal.name not in lookup.labels and focal.name not in lookup.earlier:
            raise lookup.names.unknown(focal.name, focal.span, lookup.labels)

    def find(node: tree.Name | tree.ParameterName | tree.AtLevel) -> ir.Expression:
        if isinstance(node, tree.Name) and node.name in moderators:
            return moderators[node.name]
        return lookup.lookup(node)

    return resolve_expression(focal, find)


def _moderator(
    moderator: tree.Moderator,
    lookup: ParameterNames,
    predictors: _Predictors,
) -> list[ir.ModeratorValues]:
    name, span = moderator.name.name, moderator.name.span or moderator.span
    column = lookup.names.find(name)
    if column is None and name in predictors.defined:
        return [_defined_moderator(moderator, predictors)]
    if column is None:
        raise lookup.names.unknown(name, span)
    dummies = lookup.names.dummies(column)
    if dummies and moderator.at is not None:
        return _category(moderator, column, dummies, lookup, predictors)
    if dummies:
        each_dummy = [replace(moderator, name=tree.Name(dummy, span)) for dummy in dummies]
        return [value for one in each_dummy for value in _moderator(one, lookup, predictors)]
    if column not in predictors.used:
        raise error(f"'{name}' is no predictor in MODEL", span, "a predictor of some equation", "no-predictor")
    variable = lookup.names.variables[column.variable]
    is_centered = column in predictors.centered
    at = moderator.at
    if isinstance(at, str):
        grid = ir.ModeratorGrid.QUARTILES if at.lower().startswith("quartile") else ir.ModeratorGrid.QUANTILES
        return [ir.ModeratorValues(column, name, grid, is_centered)]
    if at is not None:
        return [ir.ModeratorValues(column, name, ir.ModeratorGrid.VALUE, is_centered, (float(at),))]
    codes: tuple[float, ...] = ()
    if column.form is ir.Form.DUMMY:
        codes = (0.0, 1.0)
    elif variable.kind is ir.Kind.ORDINAL and len(variable.categories) == 2 and column.form is ir.Form.SCORE:
        codes = variable.categories
    if codes:
        return [ir.ModeratorValues(column, name, ir.ModeratorGrid.CODES, is_centered, codes)]
    grid = ir.ModeratorGrid.STANDARD_DEVIATIONS if is_centered else ir.ModeratorGrid.MEAN_AND_STANDARD_DEVIATIONS
    return [ir.ModeratorValues(column, name, grid, is_centered)]


def _category(
    moderator: tree.Moderator,
    column: ir.Column,
    dummies: Iterable[str],
    lookup: ParameterNames,
    predictors: _Predictors,
) -> list[ir.ModeratorValues]:
    """A NOMINAL moderator at one of its codes: the dummies of that category."""
    name, span = moderator.name.name, moderator.name.span or moderator.span
    codes = lookup.names.variables[column.variable].categories
    if isinstance(moderator.at, str):
        raise error(f"'{name}' is NOMINAL, so it has no {moderator.at.lower()}", span,
                    f"{name}, or {name} @ {codes[-1]:g}", "nominal-quantile")  # fmt: skip
    if moderator.at not in codes:
        raise error(f"'{name}' has no category {moderator.at:g}", span,
                    f"its categories are {', '.join(f'{code:g}' for code in codes)}", "no-category")  # fmt: skip
    values = [
        value for dummy in dummies
        for value in _moderator(replace(moderator, name=tree.Name(dummy, span), at=None), lookup, predictors)
    ]  # fmt: skip
    return [replace(each, values=(float(each.column.category == moderator.at),)) for each in values]


def _defined_moderator(moderator: tree.Moderator, predictors: _Predictors) -> ir.ModeratorValues:
    """A defined variable at a value, or at its mean and one standard deviation around it.

    The mean follows from those of its columns, the standard deviation is that of a term.
    """
    name, span, at = moderator.name.name, moderator.name.span or moderator.span, moderator.at
    column = ir.Column(name)
    if isinstance(at, str):
        raise error(f"'{name}' is a defined variable, whose quantiles are not followed", span, f"{name} @ 1",
                    "defined-moderator")  # fmt: skip
    if at is not None:
        return ir.ModeratorValues(column, name, ir.ModeratorGrid.VALUE, False, (float(at),))
    linear = all(len(each.columns) <= 1 and not each.functions for each in expand(predictors.defined[name]))
    terms = [term for each in predictors.equations for term in each.terms]
    alone = any(
        with_defined(term.expression, column, predictors.defined, predictors.centered) == column for term in terms
    )
    if not linear or not alone:
        raise error(f"mean and standard deviation of the defined variable '{name}' are followed only where it is "
                    "linear and a predictor by itself", span, f"{name} @ 1", "defined-moderator")  # fmt: skip
    return ir.ModeratorValues(column, name, ir.ModeratorGrid.MEAN_AND_STANDARD_DEVIATIONS)
