"""Data that cannot answer the model: empty, constant and collinear columns, too few rows.

Asked once, after resolving and before anything is sampled, so that a posterior that does not exist is
refused with the name of the variable instead of showing as chains that never settle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from blimp2pymc.blimp.ranges import ListedName, listed_names
from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.design import Array, Design, Predictor, column_values, design_of
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import (
    Equation,
    Kind,
    Model,
    ParameterKind,
    Role,
)
from blimp2pymc.joint_model.undefined_predictors import undefined_predictors

TOLERANCE = 1e-9
"""A column is a combination of others when what they leave of it is smaller than this, relative to it."""

LARGEST = 1e60
"""Squares of products of numbers beyond this, or of numbers that stay below its inverse, cannot be held."""

SUBSET = 1_000
"""Rows looked at first; what is exact in all rows is exact in these."""


def check_model(model: Model) -> list[Finding]:
    """Find what makes the posterior of a model improper or its sampling pointless.

    Parameters
    ----------
    model
        Resolved model with its data.

    Returns
    -------
    Errors: a variable without any observed value, an incomplete FIXED variable, a predictor that has no
    value in some row, a predictor or outcome that is constant, counts that are not positive, predictors of
    one equation that are exact combinations of each other (as far as they are observed), an outcome its
    predictors give exactly, fewer observed outcomes than the flat priors need. Each points at the statement
    it is about. Where the priors are informative enough for a proper posterior, collinearity is a warning.
    """
    findings = [*_unusable(model), *_incomplete_fixed(model)]
    blamed = {variable for variable, _ in findings}
    found = [finding for _, finding in findings]
    told: set[frozenset[str]] = set()
    equations = sorted(model.equations, key=lambda each: each.role is not Role.OUTCOME)
    for equation in equations:
        if equation.role is Role.MEANS or blamed & _variables_of(equation):
            continue
        undefined = [*undefined_predictors(model, equation)]
        if undefined:
            found.extend(finding for _, finding in undefined)
            blamed.update(*(variables for variables, _ in undefined))
            continue
        design = design_of(model, equation)
        if equation.variance_terms:
            of_variance = replace(equation, terms=equation.variance_terms, variance_terms=())
            design_of_variance = design_of(model, of_variance)
            found.extend(finding for _, finding in _constant_predictors(model, of_variance, design_of_variance))
            found.extend(_collinear(model, of_variance, design_of_variance, set()))
        constant = [*_constant_predictors(model, equation, design)]
        for variables, finding in constant:
            if not variables & blamed:
                found.append(finding)
                blamed |= variables
        if not constant:
            found.extend(_collinear(model, equation, design, told))
            found.extend(_collinear(model, equation, _where_observed(model, equation, design), told))
        if equation.name not in blamed:
            found.extend(_outcome(model, equation, design, blamed))
            found.extend(_counts(model, equation))
    return found


# ---------------------------------------------------------------- single variables


def _unusable(model: Model) -> Iterator[tuple[str, Finding]]:
    for name, values in model.data.items():
        largest = np.abs(values[~np.isnan(values)]).max(initial=0.0)
        if largest > LARGEST or 0.0 < largest < 1 / LARGEST:
            size = "large" if largest > 1 else "small"
            yield name, Finding(f"the values of '{name}' are too {size} to compute with: up to {largest:.0e}",
                                _place(model, name), f"TRANSFORM: {name} = {name}/{largest:.0e};",
                                "out-of-range")  # fmt: skip
        if len(values) and np.isnan(values).all():
            yield name, Finding(f"'{name}'{_in_equation(model, name)} has no observed value", _place(model, name),
                                f"leave '{name}' out of the model", "all-missing")  # fmt: skip


def _incomplete_fixed(model: Model) -> Iterator[tuple[str, Finding]]:
    for name in model.fixed_predictors:
        if name in model.data and 0 < model.missing(name).sum() < len(model.data[name]):
            count = int(model.missing(name).sum())
            cells = "1 missing value" if count == 1 else f"{count:,} missing values"
            yield name, Finding(f"'{name}'{_in_equation(model, name)} is FIXED, but has {cells}",
                                _fixed_span(model, name) or _place(model, name),
                                f"remove '{name}' from FIXED, so that it gets a model", "fixed-incomplete")  # fmt: skip


def _fixed_span(model: Model, name: str) -> Span | None:
    if model.script is None:
        return None
    items: Sequence[ListedName] = listed_names(model.script.statements("FIXED"))
    return next((item.span for item in items if item.name == name), None)


def _place(model: Model, name: str) -> Span | None:
    """Where the variable is used first."""
    for equation in model.equations:
        for term in (*equation.terms, *equation.variance_terms):
            if term.span is not None and any(column.variable == name for column in columns_in(term.expression)):
                return term.span
        if equation.name == name and equation.span is not None:
            return equation.span
    variable = model.variables.get(name)
    return variable.span if variable is not None else None


def _in_equation(model: Model, name: str) -> str:
    """In words, the equation that holds the variable as a predictor; empty for none."""
    for equation in model.equations:
        terms = (*equation.terms, *equation.variance_terms)
        predictors = {column.variable for term in terms for column in columns_in(term.expression)}
        if name in predictors and equation.role is Role.OUTCOME:
            return f", a predictor of '{equation.name}',"
    return ""


def _variables_of(equation: Equation) -> set[str]:
    terms = (*equation.terms, *equation.variance_terms)
    columns = {column.variable for term in terms for column in columns_in(term.expression)}
    return {equation.name, *columns}


# ---------------------------------------------------------------- equations


def _constant_predictors(model: Model, equation: Equation, design: Design) -> Iterator[tuple[set[str], Finding]]:
    """Predictors that never vary, beside an intercept."""
    if not any(each.is_intercept for each in design.predictors):
        return
    for each in design.predictors:
        observed = each.values[~np.isnan(each.values)]
        if each.is_intercept or not observed.size or not _is_constant(observed):
            continue
        yield set(each.variables), Finding(
            f"the predictor '{each.name}' of '{equation.name}' is constant: all its observed values are "
            f"{_shown(model, each)}", each.span or equation.span, f"leave '{each.name}' out", "constant-predictor",
        )  # fmt: skip


def _shown(model: Model, predictor: Predictor) -> str:
    """The constant as the data have it, centered or not."""
    if predictor.name in model.data and predictor.variables == {predictor.name}:
        return f"{np.nanmax(model.data[predictor.name]):g}"
    is_centered = any(column.variable in predictor.variables for column in model.centered)
    value = float(np.nanmax(predictor.values))
    return "equal" if is_centered and value else f"{value:g}"


def _is_constant(values: Array) -> bool:
    return bool(np.ptp(values) <= TOLERANCE * max(1e-300, np.abs(values).max()))


def _where_observed(model: Model, equation: Equation, design: Design) -> Design:
    """The predictors in the rows that say something about them: those with the outcome, where nothing depends on it.

    Predictors that are imputed from a continuous distribution are left out, since they are never collinear for good.
    """
    others = (other for other in model.equations if other is not equation)
    terms = [term for other in others for term in (*other.terms, *other.variance_terms)]
    outcome = column_values(model, equation.outcome)
    is_used = any(column.variable == equation.name for term in terms for column in columns_in(term.expression))
    if outcome is None or is_used or equation.role is not Role.OUTCOME or not np.isnan(outcome).any():
        return Design((), (), False)
    rows = ~np.isnan(outcome)
    shown = [replace(each, values=each.values[rows]) for each in design.predictors]
    kept = [
        each for each in shown
        if not np.isnan(each.values).any()
        or all(model.variables[name].kind is not Kind.CONTINUOUS for name in each.variables)
    ]  # fmt: skip
    return Design(tuple(kept), (), False)


def _collinear(model: Model, equation: Equation, design: Design, told: set[frozenset[str]]) -> Iterator[Finding]:
    predictors = [each for each in design.predictors if not np.isnan(each.values).all()]
    where = ""
    if predictors and len(predictors[0].values) < model.frame.n_rows:
        where = f" in the rows with '{equation.name}'"
    independent: list[Predictor] = []
    for each in predictors:
        partners = _partners(each, independent)
        if partners is None:
            independent.append(each)
            continue
        names = frozenset(one.name for one in (each, *partners))
        if names in told or any(_is_shared(model, equation, one) for one in (each, *partners)):
            continue
        told.add(names)
        others = [one.name for one in partners if not one.is_intercept]
        if not others:
            what = "does not vary" if where else "hardly varies"
            yield Finding(f"the predictor '{each.name}' of '{equation.name}' {what}{where}", each.span or equation.span,
                          f"leave '{each.name}' out", "constant-predictor",
                          "warning" if where and _is_proper(model, [each]) else "error")  # fmt: skip
            continue
        sort = "the predictor" if equation.role is Role.OUTCOME else "in the model of a predictor,"
        relation = (
            f"carries the same information as '{others[0]}'" if len(others) == 1
            else "is an exact combination of " + _listed(others)
        )  # fmt: skip
        yield Finding(
            f"{sort} '{each.name}' of '{equation.name}' {relation}{where}", each.span or equation.span,
            f"leave one of {_listed([*others, each.name])} out", "collinear-predictors",
            "warning" if _is_proper(model, [each, *partners]) else "error",
        )  # fmt: skip


def _is_proper(model: Model, predictors: Sequence[Predictor]) -> bool:
    """Whether a prior holds one of the coefficients."""
    return any(model.parameters[each.parameter].prior.distribution != "flat" for each in predictors)


def _partners(predictor: Predictor, others: Sequence[Predictor]) -> list[Predictor] | None:
    """The predictors of which this one is an exact combination; None when it is none.

    First among some rows where all are observed, which settles most cases at once; then among all rows
    where the partners found are observed, because what holds in few rows by chance does not hold in all.
    """
    candidates: Sequence[Predictor] = others
    for most in (SUBSET, len(predictor.values)):
        rows = np.flatnonzero(~np.any([np.isnan(each.values) for each in (predictor, *candidates)], axis=0))
        rows = rows[:: max(1, len(rows) // most)]
        if len(rows) <= len(candidates) + 1:
            return None
        columns = np.array([each.values[rows] for each in candidates]).reshape(len(candidates), len(rows)).T
        needed = _needed_columns(columns, predictor.values[rows])
        if needed is None:
            return None
        candidates = [each for each, is_needed in zip(candidates, needed, strict=True) if is_needed]
    return list(candidates)


def _needed_columns(columns: Array, target: Array) -> NDArray[np.bool_] | None:
    """Which columns an exact combination needs; None when they leave something of `target`."""
    scale = np.linalg.norm(columns, axis=0)
    size = np.linalg.norm(target)
    if size == 0:
        return np.zeros(columns.shape[1], bool)
    used = columns / np.where(scale == 0, 1.0, scale)
    solution, *_ = np.linalg.lstsq(used, target / size, rcond=None)
    left = np.linalg.norm(target / size - used @ solution)
    return np.abs(solution) > 1e-6 if left < TOLERANCE else None


def _is_shared(model: Model, equation: Equation, predictor: Predictor) -> bool:
    """Whether another equation informs the coefficient too."""
    return any(
        term.coefficient == predictor.parameter
        for other in model.equations if other is not equation for term in other.terms
    )  # fmt: skip


def _outcome(model: Model, equation: Equation, design: Design, blamed: set[str]) -> Iterator[Finding]:
    """A continuous outcome that is constant, fully determined, or observed too rarely."""
    outcome = column_values(model, equation.outcome) if equation.family == "normal" else None
    has_variance = equation.residual_variance is not None or bool(equation.variance_terms)
    if outcome is None or not has_variance:
        return
    if equation.transform is not None:
        outcome = np.asarray(evaluate(equation.transform.expression, {equation.outcome: outcome}), float)
    span = _outcome_span(equation)
    observed = outcome[~np.isnan(outcome)]
    if observed.size > 1 and _is_constant(observed):
        blamed.add(equation.name)
        what, code = ("outcome", "constant-outcome")
        if equation.role is Role.PREDICTOR:
            what, code, span = "predictor", "constant-predictor", _place(model, equation.name)
        yield Finding(f"the {what} '{equation.name}' is constant: all its observed values are {observed[0]:g}", span,
                      f"leave '{equation.name}' out of the model", code)  # fmt: skip
        return
    needed = _rows_needed(model, equation)
    if observed.size < needed:
        rows = "1 observed value" if observed.size == 1 else f"{observed.size} observed values"
        yield Finding(f"'{equation.name}' has {rows}, and its equation needs at least {needed} with flat priors", span,
                      "fewer predictors, or priors in PARAMETERS", "too-few-rows")  # fmt: skip
        return
    if design.is_complete and not _is_own_predictor(equation) and equation.role is Role.OUTCOME:
        rest = outcome - np.sum([each.values for each in design.fixed], axis=0)
        itself = Predictor("", equation.name, rest, frozenset({equation.name}), span)
        partners = _partners(itself, design.predictors)
        if partners is not None:
            names = [each.name for each in (*partners, *design.fixed) if not each.is_intercept]
            yield Finding(
                f"the outcome '{equation.name}' is given exactly by {_listed(names)}, so its residual variance is 0",
                span,
                "leave the predictor out that repeats the outcome", "determined-outcome",
            )  # fmt: skip


def _counts(model: Model, equation: Equation) -> Iterator[Finding]:
    """Counts of which fewer than two are positive: the likelihood then stays away from 0 as the dispersion grows."""
    counts = column_values(model, equation.outcome) if equation.family == "negative_binomial" else None
    if counts is None or equation.dispersion is None:
        return
    positive = int((counts > 0).sum())
    if positive < 2 and model.parameters[equation.dispersion].prior.distribution == "flat":
        seen = "no count" if positive == 0 else "one count"
        hint = f"leave '{equation.name}' out of the model"
        yield Finding(f"{seen} of '{equation.name}' is greater than 0, and its dispersion needs two",
                      _outcome_span(equation), hint, "too-few-counts")  # fmt: skip


def _is_own_predictor(equation: Equation) -> bool:
    return any(equation.outcome in columns_in(term.expression) for term in equation.terms)


def _rows_needed(model: Model, equation: Equation) -> int:
    """Observed outcomes a proper posterior needs.

    With p flat coefficients and variance prior v^(-a-1) exp(-b/v), integrating the coefficients leaves
    v^(-(n-p)/2 - a - 1), which has a finite integral at infinity only if n > p - 2a.
    """
    coefficients = {term.coefficient for term in equation.terms}
    flat = sum(
        model.parameters[each].is_free and model.parameters[each].prior.distribution == "flat"
        for each in coefficients if not _informed_elsewhere(model, equation, each)
    )  # fmt: skip
    if flat == 0 or equation.residual_variance is None:
        return 0
    variance = model.parameters[equation.residual_variance]
    if variance.is_free and variance.prior.distribution == "inverse_gamma":
        return int(np.floor(flat - 2 * variance.prior.arguments[0])) + 1
    return flat if variance.kind is ParameterKind.RESIDUAL_VARIANCE else 0


def _informed_elsewhere(model: Model, equation: Equation, parameter: str) -> bool:
    return any(
        term.coefficient == parameter for other in model.equations if other is not equation for term in other.terms
    )


def _outcome_span(equation: Equation) -> Span | None:
    """The outcome's own place, when the equation starts with it; the whole equation otherwise."""
    span = equation.span
    if span is not None and span.text.startswith(equation.name):
        return Span(span.source, span.start, span.start + len(equation.name))
    return span


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + f" and {quoted[-1]}"
