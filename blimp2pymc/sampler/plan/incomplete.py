"""Which missing cells are integrated out while parameters are drawn, pattern by pattern of what is missing.

Where missing cells enter equations by themselves, times coefficients, a row's observed values have the normal
density of `marginals`, with its missing cells in place of latent variables. It needs the moments of the rows with
the same cells missing only; where complete variables with few values multiply the cells, as in moderation by a
group, those of the rows with the same values, too. All parameters of the equations concerned move around one ellipse
on that density, so that they need not wait for the cells to follow, which are drawn anew right after them. Given the
cells alone, draws have about the fraction of missing information as autocorrelation.

What else is unknown in these rows is given: latent responses, missing categories, cells in products, and the cells
of rows with a rare pattern.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.ir import Column, Form, Model
from blimp2pymc.sampler.plan.blocking import left_out_groups, missing_patterns, rows_by_value
from blimp2pymc.sampler.plan.conditions import ParameterFacts
from blimp2pymc.sampler.plan.marginals import Marginal, Path, components, coordinate, missing_cells
from blimp2pymc.sampler.plan.residuals import Group, Structure

MOST_CLASSES = 24
"""Classes of rows up to which integrating pays: each has a normal density of its own."""
MOST_PARAMETERS = 40
"""Parameters of one ellipse. The covariance of more takes longer to learn than burn-in mostly is."""
MOST_VALUES = 6
"""Values of a complete variable that multiplies missing cells: each makes classes of its own."""
LEAST_ROWS = 0.005
"""Share of the rows that makes a pattern worth a density of its own."""
LEAST_MISSING = 0.15
"""Share of the rows in which one of the variables is missing. It bounds the fraction of missing information, and so
what there is to gain: with 0.15, draws given the cells have 0.7 effective draws each, and sweeps take half the time."""

PRODUCT = "in a power, a function, or a product other than with complete variables of few values"
NOT_NORMAL = "in an equation that is not normal"
UNEQUAL = "in an equation with a modelled variance"
MEANS_MODEL = "described by a Means Model"
LATENT = "in an equation with latent variables that are integrated out"
RARE = f"each missing in less than {LEAST_MISSING:.0%} of the rows"
CLASSES = f"more than {MOST_CLASSES} classes of rows with densities of their own"
PARAMETERS = f"in equations with more than {MOST_PARAMETERS} parameters"
NO_PARAMETERS = "in equations all of whose parameters occur elsewhere, too"


def incomplete(
    model: Model, form: Structure, facts: Mapping[str, ParameterFacts], latent: Sequence[Marginal]
) -> tuple[tuple[Marginal, ...], dict[str, str]]:
    """Find what can be drawn with missing cells integrated out.

    Parameters
    ----------
    model
        A resolved model.
    form
        Its residuals.
    facts
        Facts of its free parameters.
    latent
        What is drawn with latent variables integrated out.

    Returns
    -------
    What is drawn then, and variable -> reason why its missing cells are given.
    """
    patterns = [
        Rows(missing, left_out_groups(form, missing, True), rows)
        for missing, rows in missing_patterns(model, form)
        if len(rows)
    ]
    few = {
        Column(name)
        for name, values in model.data.items()
        if not np.isnan(values).any() and len(np.unique(values)) <= MOST_VALUES
    }
    reasons: dict[str, str] = {}
    multipliers: dict[Column, frozenset[Column]] = {}
    for column in _predictors(model, form, patterns):
        reason, multiplying = _entering(form, column, few)
        if reason:
            reasons[column.variable] = reason
        else:
            multipliers[column] = multiplying
    found = []
    for cells, groups in components(form, list(multipliers)):
        own = {each: multipliers[each] for each in cells}
        made = _marginal(
            model, form, facts, latent, patterns, Marginal((), groups, (), (), cells=cells, multipliers=own)
        )
        if isinstance(made, Marginal):
            found.append(made)
        else:
            reasons |= dict.fromkeys((column.variable for column in cells), made)
    return tuple(found), reasons


class Rows(NamedTuple):
    """Rows with the same cells missing."""

    missing: frozenset[Column]
    left_out: frozenset[int]
    """Groups that say nothing in them."""
    rows: np.ndarray


def _predictors(model: Model, form: Structure, patterns: Sequence[Rows]) -> list[Column]:
    """Incomplete outcomes of normal equations whose missing cells are no predictions in some rows."""
    outcomes = {
        residual.outcome
        for group in form.groups
        for residual in group.residuals
        if not group.is_cut and group.family == "normal" and residual.outcome.form is Form.SCORE
    }
    drawn: set[Column] = set()
    for each in patterns:
        drawn |= missing_cells(form, outcomes, each.missing, each.left_out)
    return [column for column in map(Column, model.data) if column in drawn]


def _entering(form: Structure, column: Column, few: Collection[Column]) -> tuple[str, frozenset[Column]]:
    """Why the missing cells of a column are not linear in normal equations, empty where they are; what multiplies them.

    `few`: complete variables with few values.
    """
    multiplying: set[Column] = set()
    for group in form.groups:
        for residual in group.residuals:
            if column not in residual.columns:
                continue
            if group.is_cut:
                return MEANS_MODEL, frozenset()
            if group.family != "normal":
                return NOT_NORMAL, frozenset()
            if group.is_weighted:
                return UNEQUAL, frozenset()
            for product in residual.products:
                inside = {each for function in product.functions for each in columns_in(function)}
                if column in product.columns:
                    rest = list(product.columns)
                    rest.remove(column)
                    multiplying |= {*rest, *inside}
                    has_parameters = any(parameters_in(function) for function in product.functions)
                    if has_parameters or not multiplying <= set(few):
                        return PRODUCT, frozenset()
                elif column in inside:
                    return PRODUCT, frozenset()
    return "", frozenset(multiplying)


def _marginal(
    model: Model,
    form: Structure,
    facts: Mapping[str, ParameterFacts],
    latent: Sequence[Marginal],
    patterns: Sequence[Rows],
    started: Marginal,
) -> Marginal | str:
    """What is drawn with the cells of `started` integrated out, or why they are given."""
    n_rows = sum(len(each.rows) for each in patterns)
    together = _with_shared_parameters(form, facts, started.groups)
    if any(set(together) & set(each.groups) for each in latent):
        return LATENT
    counts: Counter[frozenset[Column]] = Counter()
    for each in patterns:
        counts[missing_cells(form, started.cells, each.missing, each.left_out)] += len(each.rows)
    del counts[frozenset()]
    most = max(sum(n for cells, n in counts.items() if column in cells) for column in started.cells)
    if most < LEAST_MISSING * n_rows:
        return RARE
    chosen = started
    for cells, n in counts.most_common():
        more = replace(chosen, patterns=chosen.patterns | {cells})
        if n >= LEAST_ROWS * n_rows and _n_classes(model, form, patterns, more) <= MOST_CLASSES:
            chosen = more
    if not chosen.patterns:
        return CLASSES
    moved = [each for each in facts.values() if _is_moved(form, each, set(together))]
    if len(moved) > MOST_PARAMETERS:
        return PARAMETERS
    if not moved:
        return NO_PARAMETERS
    path = Path(tuple(each.name for each in moved), tuple(coordinate(each) for each in moved), ellipses=1, along=0.0)
    return replace(chosen, groups=together, paths=(path,))


def _n_classes(model: Model, form: Structure, patterns: Sequence[Rows], marginal: Marginal) -> int:
    classes = set()
    for each in patterns:
        cells = marginal.integrated(form, each.missing, each.left_out)
        for values, _ in rows_by_value(model, marginal.multiplying(cells), each.rows):
            classes.add((each.left_out, cells, values))
    return len(classes)


def _with_shared_parameters(
    form: Structure, facts: Mapping[str, ParameterFacts], groups: Sequence[int]
) -> tuple[int, ...]:
    """Groups, and the normal ones that share a parameter with them, so that all of its density is in them."""
    found = set(groups)
    for each in facts.values():
        used = {*each.mean_groups, *each.covariance_groups}
        if used & set(groups) and all(_is_plain(form.groups[k]) for k in used):
            found |= used
    return tuple(sorted(found))


def _is_plain(group: Group) -> bool:
    return not group.is_cut and not group.is_weighted and group.family == "normal"


def _is_moved(form: Structure, facts: ParameterFacts, groups: set[int]) -> bool:
    """Whether all of a parameter's density is in these groups, and nothing that is given holds it where it is.

    Coefficients of latent responses are drawn with these integrated out, those of transformed outcomes with lambda.
    """
    used = {*facts.mean_groups, *facts.covariance_groups}
    if not used or not used <= groups or facts.feeds or not facts.has_density or facts.is_threshold:
        return False
    held = {
        k
        for k in used
        if form.groups[k].powers or any(each.form is Form.LATENT_RESPONSE for each in form.groups[k].outcomes)
    }
    if held & set(facts.covariance_groups):
        return False
    return not facts.mean_groups or bool(set(facts.mean_groups) - held)
