"""What is drawn together: blocks of coefficients, blocks of missing cells, means with their coefficients.

One rule throughout: unknowns may be drawn jointly when no product holds two of them.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.ir import Column, Equation, Form, Model, Term
from blimp2pymc.sampler.plan.conditions import ParameterFacts, Shift
from blimp2pymc.sampler.plan.inverses import cell_columns
from blimp2pymc.sampler.plan.polynomials import combination, derivative, polynomial
from blimp2pymc.sampler.plan.residuals import Group, Residual, Structure

PREDICTED_FAMILIES = ("logit", "multinomial", "negative_binomial")
"""Families of outcomes whose missing values are drawn after the parameters."""


def coefficient_blocks(form: Structure, facts: Sequence[ParameterFacts]) -> list[tuple[str, ...]]:
    """Split coefficients into blocks that are jointly normal given the rest.

    Coefficients meet in a block when their equations share a label or have correlated residuals.
    """
    components: list[tuple[set[int], list[ParameterFacts]]] = []
    for each in facts:
        groups, members = set(each.included), [each]
        apart = []
        for component in components:
            if component[0] & groups:
                groups |= component[0]
                members = component[1] + members
            else:
                apart.append(component)
        components = [*apart, (groups, members)]
    seen = {each.name: set(each.included) for each in facts}
    conflicts = {
        frozenset((a, b))
        for index, group in enumerate(form.groups)
        for residual in group.residuals
        for product in residual.products
        for a in product.parameters
        for b in product.parameters
        # Two means whose draws both leave the group out do not meet in it.
        if a != b and any(index in seen.get(name, ()) for name in (a, b))
    }
    conflicts |= _of_different_categories(form)
    for each in facts:
        for shift in each.shift or ():
            conflicts |= {frozenset((shift.mean, target)) for _, target, _ in shift.entries}
    order = {each.name: position for position, each in enumerate(facts)}
    blocks = [
        block
        for _, members in components
        for block in separate(sorted((each.name for each in members), key=order.__getitem__), conflicts)
    ]
    return sorted(blocks, key=lambda block: order[block[0]])


def _of_different_categories(form: Structure) -> set[frozenset]:
    """Coefficients of different categories of an outcome: the approximation by working responses has them apart."""
    found: set[frozenset] = set()
    categories = [group for group in form.groups if group.family == "multinomial"]
    for k, group in enumerate(categories):
        for other in categories[:k]:
            if same_outcome(group, other):
                found |= {frozenset((a, b)) for a in group.parameters for b in other.parameters if a != b}
    return found


def nonlinear_columns(groups: Iterable[Group]) -> frozenset[Column]:
    """Columns that enter a residual of the groups by a power or inside a function."""
    found: set[Column] = set()
    for group in groups:
        for residual in group.residuals:
            for product in residual.products:
                found |= {each for each in product.columns if product.columns.count(each) > 1 or group.is_scored}
                inside = [column for function in product.functions for column in columns_in(function)]
                found.update(inside)
        if not group.is_cut:
            # Some values of these are impossible, so that they are no normal draws.
            found |= {each.equation.scale for each in group.residuals if _is_bounded(each.equation)}
    return frozenset(found)


def sliced_responses(form: Structure) -> frozenset[Column]:
    """Latent responses of ordered categories that are not normal between their thresholds, given all else."""
    responses = {each.outcome for each in form.responses}
    return nonlinear_columns(group for group in form.groups if not group.is_cut) & responses


def normal_groups(form: Structure, touched: Sequence[int], response: Residual) -> list[int]:
    """Those of some groups given which a latent response is normal; none where its own is not among them."""
    column = response.outcome
    found = [
        k
        for k in touched
        if column not in nonlinear_columns([form.groups[k]])
        # Nor may it predict the variance, or a variance of the block, that weighs the group.
        and not any(
            column in each.columns and same_outcome(form.groups[k], each) for each in form.groups if each.is_scored
        )
    ]
    return found if any(response in form.groups[k].residuals for k in found) else []


def with_scored(form: Structure, touched: Sequence[int], by_row: bool = False) -> tuple[list[int], list[int]]:
    """Groups that the densities of some groups look at, and those among them with a density that is not normal.

    The categories of a nominal outcome share one density, that of the first; a modelled variance is part of the
    density of its outcome, which is then counted there, and those of a block are part of the density of the block.

    `by_row`: for a cell. An outcome with a modelled variance, or a block of them, is then a normal equation whose
    precision changes with each value of the cell, and a modelled variance has what it adds to the determinant as its
    density.
    """
    groups = form.groups
    looked_at, densities = set(touched), []
    for k in touched:
        if groups[k].is_scored:
            own = [j for j, each in enumerate(groups) if same_outcome(each, groups[k])]
            looked_at.update(own)
            scored = [j for j in own if groups[j].is_scored]
            found = scored if by_row and groups[k].residuals[0].models_variance else scored[:1]
            densities += [each for each in found if each not in densities]
    # Precisions of a row come before what has them.
    return sorted(looked_at, key=lambda k: (not groups[k].residuals[0].models_variance, k)), densities


def is_scored(form: Structure, index: int, densities: Sequence[int], by_row: bool = False) -> bool:
    """Whether the density of one of `densities` covers a group."""
    if by_row and form.groups[index].family == "normal":
        return False
    return any(same_outcome(form.groups[index], form.groups[k]) for k in densities)


def same_outcome(group: Group, other: Group) -> bool:
    """Whether two groups describe one outcome: categories of a nominal one, mean and variance, or a block's."""
    first, second = group.residuals[0].equation, other.residuals[0].equation
    if group.standardized is not None or other.standardized is not None:
        return (group.standardized or group.block) is (other.standardized or other.block)
    return first is second or (group.family == other.family == "multinomial" and first.name == second.name)


def _is_bounded(equation: Equation) -> bool:
    return equation.transform is not None and equation.transform.is_bounded


def _is_restricted(form: Structure, index: int) -> bool:
    """Whether something else depends on a transformed outcome that cannot take every value.

    The density of a missing value is then the normal one where the value exists. Elsewhere a missing value is drawn
    from the normal distribution restricted to existing values, so that it says nothing about the parameters.
    """
    group = form.groups[index]
    if not any(_is_bounded(each.equation) for each in group.residuals):
        return False
    others = (each for k, each in enumerate(form.groups) if k != index)
    return len(group.residuals) > 1 or any(_predicts(group, each) for each in others)


def cell_blocks(groups: Sequence[Group], missing: Sequence[Column]) -> list[tuple[Column, ...]]:
    """Split the missing cells of a row into blocks that are jointly normal given the rest."""
    conflicts = {
        frozenset((a, b))
        for group in groups
        for residual in group.residuals
        for product in residual.products
        for a in product.columns
        for b in product.columns
        if a != b
    }
    return separate(missing, conflicts)


def inactive_groups(form: Structure, missing: frozenset[Column], among: Container[int] | None = None) -> frozenset[int]:
    """Groups that say nothing in rows with these cells missing, as nothing depends on their outcomes.

    A group whose outcomes are all missing, and that predict nothing (or only what says nothing itself),
    integrates to one: it is left out when the other unknowns of the row are drawn. A latent response predicts
    what its category predicts. `among`: the only groups that are looked for.
    """
    inactive: set[int] = set()
    while True:
        rest = [index for index in range(len(form.groups)) if index not in inactive]
        new = {
            index
            for index in rest
            if not form.groups[index].is_cut
            and (among is None or index in among)
            and set(form.groups[index].outcomes) <= missing
            and not _is_restricted(form, index)
            and not any(_predicts(form.groups[index], form.groups[other]) for other in rest if other != index)
        }
        if not new:
            return frozenset(inactive)
        inactive |= new


def _predicts(group: Group, other: Group) -> bool:
    """Whether an equation of `other` holds an outcome of `group`, in whatever form."""
    names = {column.variable for column in group.outcomes}
    forms = (*group.outcomes, *(each for each in other.columns if each.form in (Form.SCORE, Form.DUMMY)))
    return any(each in other.columns and each.variable in names for each in forms)


def left_out_groups(form: Structure, missing: frozenset[Column], collapsed: bool) -> frozenset[int]:
    """Groups that the draws of the other unknowns leave out; not `collapsed`: only where that cannot be helped.

    A category or a count is drawn as a prediction or not at all, and so is a transformed value within limits, whose
    probability depends on the parameters.
    """
    if collapsed and missing not in form.kept:
        return inactive_groups(form, missing)
    among = {
        k
        for k, group in enumerate(form.groups)
        if group.family in PREDICTED_FAMILIES or any(_is_bounded(each.equation) for each in group.residuals)
    }
    return inactive_groups(form, missing, among)


def used_categories(form: Structure, groups: Iterable[Group], missing: frozenset[Column]) -> frozenset[str]:
    """Variables with categories, missing in a row, that its groups hold by their score or dummies."""
    held: set[Column] = set()
    for group in groups:
        held |= group.columns
    return frozenset(each.variable for each in form.scores & held & missing)


def discrete_columns(form: Structure, active: Iterable[int], missing: frozenset[Column]) -> dict[Column, list[int]]:
    """Codes and counts, missing in a row, on which something depends: column -> groups of its own equations."""
    found: dict[Column, list[int]] = {}
    for k in active:
        column = Column(form.groups[k].residuals[0].equation.name)
        if form.groups[k].family in PREDICTED_FAMILIES and column in missing:
            found.setdefault(column, []).append(k)
    return found


def missing_patterns(model: Model, form: Structure) -> list[tuple[frozenset[Column], np.ndarray]]:
    """Patterns of missing cells and their rows: the complete pattern first, the others by frequency.

    A latent or working response counts as missing where its category is. Where that is observed it changes all
    the same, as weights do, so that then no row is complete: the first pattern has no rows.
    """
    responses = form.described
    columns = [*cell_columns(model).values(), *responses]
    n_rows = model.frame.n_rows
    if not columns:
        every = (frozenset[Column](), np.arange(n_rows))
        return [(frozenset(), np.arange(0)), every] if form.rows_change else [every]
    mask = np.column_stack([model.missing(column.variable) for column in columns])
    patterns, inverse, counts = np.unique(mask, axis=0, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1)
    rows = np.split(np.argsort(inverse, kind="stable"), np.cumsum(counts)[:-1])
    order = sorted(range(len(patterns)), key=lambda k: (patterns[k].any(), -counts[k], k))
    found = [
        (frozenset(column for column, absent in zip(columns, patterns[k], strict=True) if absent), rows[k])
        for k in order
    ]
    if form.rows_change or found[0][0]:
        found.insert(0, (frozenset(), np.arange(0)))
    return found


def rows_by_value(
    model: Model, columns: Iterable[Column], rows: np.ndarray
) -> list[tuple[tuple[float, ...], np.ndarray]]:
    """Split rows by the values of some complete variables, in ascending order."""
    names = sorted(column.variable for column in columns)
    if not names:
        return [((), rows)]
    table = np.column_stack([model.data[name][rows] for name in names]).astype(float)
    values, inverse = np.unique(table, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    return [(tuple(float(each) for each in own), rows[inverse == k]) for k, own in enumerate(values)]


def mean_shift(
    model: Model, form: Structure, mean: ParameterFacts, facts: Mapping[str, ParameterFacts]
) -> tuple[Shift, ...] | None:
    """Find the coefficients that can move with the mean of a centered variable.

    Rewrite an equation by its uncentered coefficients: given those, it does not contain the mean, so
    that the mean is drawn from its own equations alone. The rewriting keeps densities as they are when
    the derivative of each of the equation's terms is a combination of its terms, and the coefficients
    that change have flat priors and occur nowhere else.
    """
    if mean.feeds or mean.covariance_groups:
        return None
    own = [index for index in mean.mean_groups if _is_coefficient(mean.name, form.groups[index])]
    shifts = []
    for index in mean.mean_groups:
        if index in own or form.groups[index].is_cut:
            continue
        entries = coefficient_moves(model, form.groups[index], mean.name, facts)
        if entries:
            shifts.append(Shift(mean.name, index, entries))
    # Without an equation of its own that stays in the draw the mean would have no full conditional.
    return tuple(shifts) if shifts and own else None


def coefficient_moves(
    model: Model, group: Group, mean: str, facts: Mapping[str, ParameterFacts]
) -> tuple[tuple[str, str, float], ...]:
    """Coefficients of a group that can move with a mean, as the entries of a `Shift`; none where they cannot."""
    entries: list[tuple[str, str, float]] = []
    for residual in group.residuals:
        found = _derivative(residual.stated, mean)
        if found is None or not all(_is_movable(model, target, facts) for _, target, _ in found):
            return ()
        entries += found
    return tuple(entries)


def _derivative(terms: Sequence[Term], mean: str) -> list[tuple[str, str, float]] | None:
    # Derivatives of the terms with respect to the mean, as combinations of the terms; None where they are not.
    expansions = [polynomial(term) for term in terms]
    entries = []
    for source, expansion in zip(terms, expansions, strict=True):
        if any(mean in parameters_in(function) for *_, functions in expansion for function in functions):
            return None
        change = derivative(expansion, mean)
        if not change:
            continue
        weights = combination(change, expansions)
        if weights is None:
            return None
        for target, weight in zip(terms, weights, strict=True):
            if abs(weight) > 1e-9:
                if target is source:
                    return None
                entries.append((source.coefficient, target.coefficient, weight))
    return entries


def _is_coefficient(name: str, group: Group) -> bool:
    return any(term.coefficient == name for residual in group.residuals for term in residual.stated)


def _is_movable(model: Model, name: str, facts: Mapping[str, ParameterFacts]) -> bool:
    if name not in facts:
        return False
    each = facts[name]
    terms = [term for equation in model.equations for term in (*equation.terms, *equation.variance_terms)]
    return (
        each.is_linear
        and each.parameter.prior.distribution == "flat"
        and not each.is_bounded
        and len(each.mean_groups) == 1
        and sum(term.coefficient == name for term in terms) == 1
        and not any(name in parameters_in(term.expression) for term in terms)
        and not any(name in parameters_in(other.definition) for other in model.parameters.values() if other.definition)
    )


def separate[Item](items: Sequence[Item], conflicts: set[frozenset]) -> list[tuple[Item, ...]]:
    """Split items into as few blocks as first come, first served gives, none with two that conflict."""
    blocks: list[list[Item]] = []
    for item in items:
        place = next(
            (block for block in blocks if not any(frozenset((item, other)) in conflicts for other in block)), None
        )
        if place is None:
            blocks.append([item])
        else:
            place.append(item)
    return [tuple(block) for block in blocks]
