"""Tables of what is drawn with latent variables or missing cells integrated out; `marginals` says what that is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.sampler.plan.marginals import Marginal
from blimp2pymc.sampler.tables.column_values import column_values
from blimp2pymc.sampler.tables.layout import Layout, RowClass
from blimp2pymc.sampler.tables.ragged import integers, ragged


class Marginals(NamedTuple):
    """Latent variables and missing cells that are integrated out, and what is drawn then."""

    part_start: np.ndarray
    """Parts of each marginal: one for every class of rows in which one of its groups is active; (marginals + 1,)."""
    part_class: np.ndarray
    part_rows: np.ndarray
    """Number of rows, as a float."""
    equation_start: np.ndarray
    """Equations of each part, group after group."""
    equation: np.ndarray
    own: np.ndarray
    """Position of the variable whose equation it is among those the part integrates out, or -1."""
    member_start: np.ndarray
    """Variables that each part integrates out."""
    term_start: np.ndarray
    """Monomials with each of them."""
    term: np.ndarray
    term_factor: np.ndarray
    """What multiplies it in the rows of the part."""
    rest_start: np.ndarray
    """Monomials of each equation of each part without those variables; same order as `equation`."""
    rest: np.ndarray
    block_start: np.ndarray
    """Blocks of coefficients of each marginal; (marginals + 1,)."""
    parameter_start: np.ndarray
    """Parameters of each block."""
    parameter: np.ndarray
    entry_start: np.ndarray
    """Entries of each block."""
    entry_member: np.ndarray
    """Position of the parameter in its block."""
    entry_product: np.ndarray
    """Product of a residual that contains it."""
    refresh_start: np.ndarray
    """Equations to refresh after each block, then after each path; (blocks + paths + 1,)."""
    refresh: np.ndarray
    share: np.ndarray
    """Share of the sweeps in which the paths of each marginal are followed once they are known."""
    along: np.ndarray
    """Share of these in which a path is followed along its directions, beside ellipses."""
    ellipses: np.ndarray
    """Number of ellipses of each path in a sweep."""
    path_start: np.ndarray
    """Paths of each marginal; (marginals + 1,)."""
    moved_start: np.ndarray
    """Parameters of each path."""
    moved: np.ndarray
    coordinate: np.ndarray
    """Coordinate of each: 0 itself, 1 log |p|, 2 atanh p."""
    weight: np.ndarray
    """Its share in the direction."""
    following_start: np.ndarray
    """Parameters that follow those of each path."""
    following: np.ndarray
    follower_start: np.ndarray
    """Changes of the parameters that follow, for each path."""
    follower: np.ndarray
    """Position among those that follow."""
    follower_source: np.ndarray
    """Position in the path."""
    follower_factor: np.ndarray
    """A parameter the change is multiplied by, or -1."""
    follower_constant: np.ndarray
    in_mean: np.ndarray
    """Whether it occurs in the mean of an equation, or coefficients in means depend on it at given covariances."""
    is_learned: np.ndarray
    """Whether a path has as many directions as parameters, learned in burn-in."""
    group_start: np.ndarray
    """Groups whose covariance changes with each path, those of `ImpliedCovariances` left out."""
    group: np.ndarray
    prior_start: np.ndarray
    """Groups whose covariance has a prior that changes with each path."""
    prior_group: np.ndarray
    learned: np.ndarray
    """Place of each path in `State.learned`."""
    width: np.ndarray
    """First width of each path in `State.widths`."""


def integrated_pairs(result: Layout, row_class: RowClass) -> set[tuple[int, int]]:
    """Pairs of monomials whose moments are needed in a class of rows."""
    pairs: set[tuple[int, int]] = set()
    for each in result.plan.marginals:
        rest = [
            key
            for k in each.groups
            if k not in row_class.inactive
            for residual in result.plan.structure.groups[k].residuals
            for key in _rest(result, each, row_class, residual.products)
        ]
        pairs |= {(max(a, b), min(a, b)) for a in rest for b in rest}
    return pairs


def marginal_table(result: Layout, classes: list[RowClass], class_rows: np.ndarray) -> Marginals:
    """Everything about integrating out, as tables.

    Parameters
    ----------
    result
        Layout with its monomials numbered.
    classes
        All classes of rows.
    class_rows
        Rows of each class.
    """
    form = result.plan.structure
    found = result.plan.marginals
    equations = form.residuals
    first = np.cumsum([0, *(len(group.residuals) for group in form.groups)])
    parts = [
        [
            (index, groups)
            for index, row_class in enumerate(classes)
            if class_rows[index] and (groups := [k for k in each.groups if k not in row_class.inactive])
        ]
        for each in found
    ]
    flat = [(each, *part) for each, own in zip(found, parts, strict=True) for part in own]
    equation_start, listed = ragged([e for k in groups for e in range(first[k], first[k + 1])] for *_, groups in flat)
    integrated = [
        [
            column
            for column in _integrated(each, classes[index])
            if any(column in form.groups[k].columns for k in groups)
        ]
        for each, index, groups in flat
    ]
    member_start, members = ragged(
        [_terms(result, each, classes[index], column) for column in columns]
        for (each, index, _), columns in zip(flat, integrated, strict=True)
    )
    term_start, terms = ragged(members)
    own = [
        columns.index(equations[e].outcome) if equations[e].outcome in columns else -1
        for part, columns in enumerate(integrated)
        for e in listed[equation_start[part] : equation_start[part + 1]]
    ]
    rest_start, rest = ragged(
        sorted(_rest(result, each, classes[index], equations[e].products))
        for each, index, groups in flat
        for k in groups
        for e in range(first[k], first[k + 1])
    )
    products = [(e, product) for e, residual in enumerate(equations) for product in residual.products]
    blocks = [block for each in found for block in each.blocks]
    entry_start, entries = ragged(
        [
            (place, k)
            for place, name in enumerate(block)
            for k, (_, product) in enumerate(products)
            if name in product.parameters
        ]
        for block in blocks
    )
    parameter_start, parameters = ragged(blocks)
    paths = [path for each in found for path in each.paths]
    moved_start, moved = ragged(path.parameters for path in paths)
    targets_of = [list(dict.fromkeys(each.target for each in path.followers)) for path in paths]
    following_start, following = ragged(targets_of)
    follower_start, followers = ragged([(k, each) for each in path.followers] for k, path in enumerate(paths))
    targets = [*blocks, *(path.parameters for path in paths)]
    refresh_start, refresh = ragged(
        sorted({e for e, product in products if set(names) & set(product.parameters)}) for names in targets
    )
    in_means = {name for _, product in products for name in product.parameters}
    in_means |= {name for path in paths for each in path.implied if each.turned for name in each.depends}
    changed = [
        [k for k, group in enumerate(form.groups) if set(path.parameters) & set(group.covariance_parameters)]
        for path in paths
    ]
    group_start, groups = ragged(
        [k for k in each if k not in {equation.group for equation in path.implied}]
        for path, each in zip(paths, changed, strict=True)
    )
    prior_start, prior_groups = ragged([k for k in each if _has_block_prior(result, k)] for each in changed)
    sizes = [2 + 2 * len(path.parameters) * (1 + len(path.parameters)) if not path.weights else 0 for path in paths]
    directions = [len(path.parameters) if not path.weights else 1 for path in paths]
    before = len(result.parameters) + len(result.columns) + len(result.functions) + len(result.working)
    return Marginals(
        part_start=ragged(parts)[0],
        part_class=integers(index for _, index, _ in flat),
        part_rows=np.array([class_rows[index] for _, index, _ in flat], np.float64),
        equation_start=equation_start,
        equation=integers(listed),
        own=integers(own),
        member_start=member_start,
        term_start=term_start,
        term=integers(each[0] for each in terms),
        term_factor=np.array([each[1] for each in terms], np.float64),
        rest_start=rest_start,
        rest=integers(rest),
        block_start=ragged(each.blocks for each in found)[0],
        parameter_start=parameter_start,
        parameter=integers(result.parameters[name] for name in parameters),
        entry_start=entry_start,
        entry_member=integers(each[0] for each in entries),
        entry_product=integers(each[1] for each in entries),
        refresh_start=refresh_start,
        refresh=integers(refresh),
        share=np.array([each.share for each in found], np.float64),
        along=np.array([path.along for path in paths], np.float64),
        ellipses=integers(path.ellipses for path in paths),
        path_start=ragged(each.paths for each in found)[0],
        moved_start=moved_start,
        moved=integers(result.parameters[name] for name in moved),
        coordinate=integers(each for path in paths for each in path.coordinates),
        weight=np.array([each for path in paths for each in path.weights or (0.0,) * len(path.parameters)]),
        following_start=following_start,
        following=integers(result.parameters[name] for name in following),
        follower_start=follower_start,
        follower=integers(targets_of[path].index(each.target) for path, each in followers),
        follower_source=integers(paths[path].parameters.index(each.source) for path, each in followers),
        follower_factor=integers(result.parameters[each.factor] if each.factor else -1 for _, each in followers),
        follower_constant=np.array([each.constant for _, each in followers], np.float64),
        in_mean=np.array([name in in_means for path in paths for name in path.parameters], np.bool_),
        is_learned=np.array([not path.weights for path in paths], np.bool_),
        group_start=group_start,
        group=integers(groups),
        prior_start=prior_start,
        prior_group=integers(prior_groups),
        learned=integers(np.cumsum([0, *sizes])),
        width=integers(before + np.cumsum([0, *directions])),
    )


def _terms(result: Layout, marginal: Marginal, row_class: RowClass, column: Column) -> list[tuple[int, float]]:
    """Monomials with a variable that is integrated out, and what multiplies it: the same in all rows of the class."""
    index = result.columns[column]
    products = [
        product
        for k in marginal.groups
        for residual in result.plan.structure.groups[k].residuals
        for product in residual.products
    ]
    keys = [key for key in dict.fromkeys(map(result.monomial, products)) if index in key]
    if all(key == (index,) for key in keys):
        return [(result.monomials[key], 1.0) for key in keys]
    pattern = next(each for each in result.patterns if each.row_class == row_class)
    values = column_values(result, pattern.rows[:1])[:, 0]
    return [(result.monomials[key], float(np.prod([values[each] for each in key if each != index]))) for key in keys]


def _integrated(marginal: Marginal, row_class: RowClass) -> list[Column]:
    """Variables that a marginal integrates out in a class of rows."""
    return [*marginal.latent, *(each for each in marginal.cells if each in row_class.integrated)]


def _rest(result: Layout, marginal: Marginal, row_class: RowClass, products: tuple) -> set[int]:
    integrated = {result.columns[column] for column in _integrated(marginal, row_class)}
    return {result.monomials[key] for key in map(result.monomial, products) if not integrated & set(key)}


def _has_block_prior(result: Layout, group: int) -> bool:
    names = result.plan.structure.groups[group].covariance_parameters
    return any(result.model.parameters[name].prior.distribution == "block" for name in names)
