"""Variables that meet in an equation or a correlation, but in no row of the data, or never disagree."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from blimp2pymc.errors import Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in

Warnings = Iterator[tuple[str, Span | None, str]]


def never_together(model: ir.Model) -> Warnings:
    """An outcome and a predictor, or two correlated variables, of which no row has both."""
    told: set[frozenset[str]] = set()
    for equation in model.equations:
        if equation.role is not ir.Role.OUTCOME:
            continue
        for term in equation.terms:
            for name in sorted({column.variable for column in columns_in(term.expression)}):
                pair = frozenset({equation.name, name})
                if len(pair) == 2 and pair not in told and not _meet(model, *pair):
                    told.add(pair)
                    yield (f"no row has both '{equation.name}' and '{name}', so that the effect of '{name}' rests on "
                           "what the rest of the model says about the two", term.span or equation.span,
                           f"leave '{name}' out, unless that is planned")  # fmt: skip
    for block in model.blocks:
        for places in block.correlations:
            first, second = (block.members[place].variable for place in places)
            pair = frozenset({first, second})
            if block.role is ir.Role.OUTCOME and len(pair) == 2 and pair not in told and not _meet(model, *pair):
                told.add(pair)
                yield (f"no row has both '{first}' and '{second}', so that their correlation rests on what the rest of "
                       "the model says about the two", block.span, "")  # fmt: skip


def _meet(model: ir.Model, first: str, second: str) -> bool:
    """Whether some row has both; true of what the data do not hold, or hold nowhere."""
    if first not in model.data or second not in model.data:
        return True
    known = [~np.isnan(model.data[name]) for name in (first, second)]
    return bool((known[0] & known[1]).any()) or not all(each.any() for each in known)


def never_apart(model: ir.Model) -> Warnings:
    """Two correlated variables with two categories each, of which the data show at most three combinations."""
    intercepts = {
        each.outcome for each in model.equations
        if each.family == "probit" and not any(columns_in(term.expression) for term in each.terms)
    }  # fmt: skip
    for block in model.blocks:
        for places in block.correlations:
            pair = [block.members[place] for place in places]
            names = [each.variable for each in pair]
            if not intercepts.issuperset(pair) or any(len(model.variables[each].categories) != 2 for each in names):
                continue
            first, second = (model.data[each] for each in names)
            codes = [model.variables[each].categories for each in names]
            empty = [(a, b) for a in codes[0] for b in codes[1] if not np.any((first == a) & (second == b))]
            if empty and _meet(model, names[0], names[1]):
                a, b = empty[0]
                yield (f"nobody has the code {a:g} of '{names[0]}' and {b:g} of '{names[1]}', so that nothing but the "
                       "prior keeps their correlation away from 1 or -1", block.span,
                       "one of the two in place of both, if that is no accident of few rows")  # fmt: skip


COVERAGE_WARNINGS = {"never-together": never_together, "never-apart": never_apart}
"""Code -> what finds it."""
