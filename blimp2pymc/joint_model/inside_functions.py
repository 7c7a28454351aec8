"""Parameters inside functions of variables, such as `exp(-rate*t)`, whose flat priors leave no proper posterior."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from blimp2pymc.errors import Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in, expand, parameters_in
from blimp2pymc.joint_model.design import column_values, design_of, with_known_means
from blimp2pymc.joint_model.evaluate import evaluate

TOLERANCE = 1e-9
"""What other predictors leave of a column that they give exactly, relative to it."""

AWAY_FROM_ZERO = ("gamma", "inverse_gamma", "beta")
"""Priors with bounds at 0, of whose behaviour there nothing is said."""

Warnings = Iterator[tuple[str, Span | None, str]]


def endless_flat(model: ir.Model) -> Warnings:
    """A flat prior without bounds: where the function no longer changes, its density goes on for ever."""
    for _, term, name in inside(model):
        prior = model.parameters[name].prior
        if prior.distribution == "flat" and not (np.isfinite(prior.lower) and np.isfinite(prior.upper)):
            yield (f"the prior of '{name}', which is inside the predictor '{term.name}', is flat and has no end, so "
                   "that the posterior may have no finite integral", term.span,
                   f"PARAMETERS: {name} ~ normal(mean, variance); or {name} ~ truncate(low, high);")  # fmt: skip


def idle_at_zero(model: ir.Model) -> Warnings:
    """A predictor that repeats others where a parameter is 0: its coefficient b is free there, db/b has no integral."""
    for equation, term, name in inside(model):
        prior, coefficient = model.parameters[name].prior, model.parameters[term.coefficient]
        is_flat = coefficient.is_free and coefficient.prior.distribution == "flat"
        endless = not (np.isfinite(coefficient.prior.lower) and np.isfinite(coefficient.prior.upper))
        if not (is_flat and endless and prior.lower <= 0 <= prior.upper) or prior.distribution in AWAY_FROM_ZERO:
            continue
        if _repeats_others(model, equation, term, name):
            yield (f"towards '{name}' = 0 the predictor '{term.name}' of '{equation.name}' carries the same "
                   "information as the others, so that its flat coefficient leaves no proper posterior",
                   term.span, f"PARAMETERS: {name} ~ truncate(low, high); with bounds on one side of 0, or a normal "
                   "prior of the coefficient")  # fmt: skip


def inside(model: ir.Model) -> Iterator[tuple[ir.Equation, ir.Term, str]]:
    """Equation, term, and a free parameter inside a function of variables in the term."""
    for equation in model.equations:
        for term in equation.terms:
            functions = [each for product in expand(term.expression) for each in product.functions if columns_in(each)]
            names = frozenset().union(*(parameters_in(each) for each in functions))
            means = {name for center in model.centered.values() for name in parameters_in(center)}
            for name in sorted(names - means):
                if model.parameters[name].is_free:
                    yield equation, term, name


def _repeats_others(model: ir.Model, equation: ir.Equation, term: ir.Term, name: str) -> bool:
    """Whether the other predictors give the term exactly where a parameter is 0, the other ones inside it being 1."""
    expression = with_known_means(model, term.expression)
    values = {column: column_values(model, column) for column in columns_in(expression)}
    known = {column: each for column, each in values.items() if each is not None}
    if len(known) < len(values):
        return False
    parameters = dict.fromkeys(parameters_in(expression), 1.0) | {name: 0.0}
    column = np.broadcast_to(evaluate(expression, known, parameters), model.frame.n_rows)
    others = [each.values for each in design_of(model, equation).predictors]
    rows = np.isfinite([column, *others]).all(axis=0)
    target = np.asarray(column, float)[rows]
    if not others or not rows.any() or not target.any():
        return not target.any()
    matrix = np.array(others)[:, rows].T
    left = target - matrix @ np.linalg.lstsq(matrix, target, rcond=None)[0]
    return bool(np.linalg.norm(left) < TOLERANCE * np.linalg.norm(target))


FUNCTION_WARNINGS: Mapping[str, Callable[[ir.Model], Warnings]] = {
    "endless-flat": endless_flat,
    "idle-at-zero": idle_at_zero,
}
"""Code -> what finds it."""
