"""Categories that are legal but may not be meant: too many, absent ones, empty cells, separated ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from blimp2pymc.errors import Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.separation import separated_outcomes

MOST_CATEGORIES = 15
"""More observed codes than this look continuous."""

MOST_ABSENT = 50
"""Codes that lie further apart are no neighbouring categories with some absent."""

CELLS_SHOWN = 3
"""Empty cells of a table listed before the rest is only counted."""

Warnings = Iterator[tuple[str, Span | None, str]]


def many_categories(model: ir.Model) -> Warnings:
    """A categorical variable with so many codes that it is plainly continuous, or an identifier."""
    for name, variable in model.variables.items():
        count = len(variable.categories)
        if count > MOST_CATEGORIES:
            needs = f"{count - 1} thresholds" if variable.kind is ir.Kind.ORDINAL else f"{count - 1} comparisons"
            yield (f"'{name}' is {variable.kind.name} with {count} categories, which takes {needs}", variable.span,
                   f"leave '{name}' out of {variable.kind.name} if it is continuous")  # fmt: skip


def absent_category(model: ir.Model) -> Warnings:
    """A code between others that nobody has."""
    for name, variable in model.variables.items():
        if variable.kind is not ir.Kind.ORDINAL or len(variable.categories) < 2:
            continue
        low, high = int(variable.categories[0]), int(variable.categories[-1])
        if high - low >= MOST_ABSENT:
            continue
        missing = [code for code in range(low, high) if float(code) not in variable.categories]
        # More gaps than codes are numbers chosen for the categories, such as 0, 5 and 10.
        if 0 < len(missing) <= len(variable.categories):
            codes = ", ".join(str(code) for code in missing)
            of_it = "code" if len(missing) == 1 else "codes"
            its = "its" if len(missing) == 1 else "their"
            yield (f"nobody has the {of_it} {codes} of '{name}': {its} neighbours are treated as adjacent categories",
                   variable.span, "")  # fmt: skip


def empty_cell(model: ir.Model) -> Warnings:
    """A category of an outcome that a group, as a predictor with categories or two values defines it, does not show."""
    told: set[tuple[str, str]] = set()
    for equation in model.equations:
        outcome = model.variables[equation.name]
        if equation.role is not ir.Role.OUTCOME or len(outcome.categories) < 2:
            continue
        groups = {column.variable for term in equation.terms for column in columns_in(term.expression)}
        for name in sorted(groups, key=list(model.variables).index):
            group = model.variables[name]
            if name not in model.data or (equation.name, name) in told:
                continue
            # The scores of a variable with more ordered codes have one slope, however they are spread.
            codes = np.unique(model.data[name][~np.isnan(model.data[name])])
            if group.kind is not ir.Kind.NOMINAL and len(codes) != 2:
                continue
            told.add((equation.name, name))
            cells = [
                (own, code)
                for own in codes
                for code in outcome.categories
                if not np.any((model.data[name] == own) & (model.data[equation.name] == code))
            ]
            if cells and max(len(codes), len(outcome.categories)) <= MOST_CATEGORIES:
                (own, code), *others = cells[:CELLS_SHOWN]
                more = "".join(f", nor {code:g} where it is {own:g}" for own, code in others)
                more += f", and {len(cells) - CELLS_SHOWN} more such cells" if len(cells) > CELLS_SHOWN else ""
                yield (f"nobody has the code {code:g} of '{equation.name}' where '{name}' is {own:g}{more}",
                       equation.span, "merged categories, if that is no accident of few rows")  # fmt: skip


def one_coefficient(model: ir.Model) -> Warnings:
    """A label behind a NOMINAL predictor, which then stands behind all of its dummies."""
    for equation in model.equations:
        labelled: dict[tuple[str, Span | None], list[ir.Term]] = {}
        for term in equation.terms:
            if model.parameters[term.coefficient].label and term.span is not None:
                labelled.setdefault((term.coefficient, term.span), []).append(term)
        for (label, span), terms in labelled.items():
            if len(terms) > 1:
                *first, last = [term.name for term in terms]
                apart = " ".join(f"{name}@{label}{k}" for k, name in enumerate([*first, last], 1))
                yield (f"the label '{label}' gives {', '.join(f"'{name}'" for name in first)} and '{last}' one "
                       "coefficient", span, apart)  # fmt: skip


CATEGORY_WARNINGS: Mapping[str, Callable[[ir.Model], Warnings]] = {
    "many-categories": many_categories,
    "empty-category": absent_category,
    "empty-cell": empty_cell,
    "separation": separated_outcomes,
    "one-coefficient": one_coefficient,
}
"""Code -> what finds it."""
