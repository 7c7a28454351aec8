"""Tables of parameter updates and priors: the plan's names as indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from blimp2pymc.joint_model.algebra import parameters_in
from blimp2pymc.joint_model.ir import ParameterKind
from blimp2pymc.sampler.plan.blocking import is_scored, same_outcome, with_scored
from blimp2pymc.sampler.plan.residuals import Structure
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers, ragged
from blimp2pymc.sampler.tables.row_tables import Scoring
from blimp2pymc.sampler.tables.tables import Coefficients, Priors, Slices, Variances

KERNEL_CODES = {"covariances": 0, "variances": 1, "coefficients": 2, "means": 2, "bounded": 2, "slice": 3, "scoring": 4}
PRIOR_CODES = {
    "flat": 0, "block": 0, "none": 0, "uniform": 0, "normal": 1, "inverse_gamma": 2, "gamma": 3, "beta": 4, "cauchy": 5,
}  # fmt: skip
"""Distribution of a prior -> its code in `kernels.slices.log_prior`."""


def prior_table(result: Layout) -> Priors:
    """Priors of parameters and blocks."""
    form = result.plan.structure
    n = len(result.parameters)
    kind, first, second = np.zeros(n, np.int64), np.zeros(n), np.ones(n)
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    variances = {residual.equation.residual_variance for residual in result.plan.structure.residuals}
    dispersions = {residual.equation.dispersion for residual in result.plan.structure.residuals}
    correlations = {name for block in result.model.blocks for name in block.correlations.values()}
    for index, parameter in enumerate(result.model.parameters.values()):
        prior = parameter.prior
        kind[index] = PRIOR_CODES[prior.distribution]
        if kind[index]:
            first[index], second[index] = prior.arguments
        lower[index], upper[index] = prior.lower, prior.upper
        if prior.distribution == "uniform" and prior.arguments:
            lower[index], upper[index] = max(lower[index], prior.arguments[0]), min(upper[index], prior.arguments[1])
        if parameter.name in variances | dispersions:
            lower[index] = max(lower[index], 0.0)
        if parameter.kind is ParameterKind.TRANSFORMATION:
            lower[index], upper[index] = max(lower[index], 0.0), min(upper[index], 2.0)
        if parameter.name in correlations:
            lower[index], upper[index] = max(lower[index], -1.0), min(upper[index], 1.0)
    size = max(len(group.residuals) for group in form.groups)
    scale, degrees = np.zeros((len(form.groups), size)), np.zeros(len(form.groups))
    free = np.zeros((len(form.groups), size, size), np.bool_)
    has_block = np.zeros(len(form.groups), np.bool_)
    for index, group in enumerate(form.groups):
        if group.block is not None:
            names = group.covariance_parameters
            has_block[index] = any(result.model.parameters[name].prior.distribution == "block" for name in names)
            scale[index, : len(group.residuals)] = group.block.scale
            degrees[index] = group.block.degrees_of_freedom
            for (i, j), name in group.block.correlations.items():
                free[index, i, j] = free[index, j, i] = result.model.parameters[name].is_free
    return Priors(kind, first, second, lower, upper, has_block, scale, degrees, free)


def update_tables(
    result: Layout,
) -> tuple[np.ndarray, np.ndarray, Coefficients, Variances, np.ndarray, Slices, Scoring]:
    """Parameter updates in order (kernel, index), and one table per kernel."""
    form = result.plan.structure
    model = result.model
    equations = result.plan.structure.residuals
    where = {id(residual): k for k, residual in enumerate(equations)}
    kernels: list[int] = []
    indices: list[int] = []
    counts = [0, 0, 0, 0, 0]
    scored: list[tuple[int, tuple[int, ...]]] = []
    covariance: list[int] = []
    variances: list[tuple[str, list[int]]] = []
    blocks: list[tuple[tuple[str, ...], list[tuple[int, int]], bool, list[int], tuple]] = []
    slices: list[tuple[str, list[int], list[int], list[bool], bool, list[bool]]] = []
    products = [(k, product) for k, residual in enumerate(equations) for product in residual.products]
    for update in result.plan.updates:
        if update.kernel not in KERNEL_CODES:
            continue
        code = KERNEL_CODES[update.kernel]
        kernels.append(code)
        indices.append(counts[code])
        counts[code] += 1
        if code == 0:
            covariance.append(
                next(k for k, each in enumerate(form.groups) if each.covariance_parameters == update.targets)
            )
        elif code == 1:
            name = update.targets[0]
            variances.append((name, [k for k, each in enumerate(equations) if each.equation.residual_variance == name]))
        elif code in (2, 4):
            if code == 4:
                scored.append((len(blocks), update.groups))
            else:
                indices[-1] = len(blocks)
            left_out = {(shift.mean, shift.group) for shift in update.shifts}
            group_of = {where[id(residual)]: k for k, group in enumerate(form.groups) for residual in group.residuals}
            entries = [
                (member, k)
                for member, name in enumerate(update.targets)
                for k, (equation, product) in enumerate(products)
                if name in product.parameters and (name, group_of[equation]) not in left_out
            ]
            changed = {*update.targets, *(target for shift in update.shifts for _, target, _ in shift.entries)}
            refreshed = sorted({equation for equation, product in products if changed & set(product.parameters)})
            blocks.append((update.targets, entries, update.kernel == "bounded", refreshed, update.shifts))
        else:
            slices.append((update.targets[0], *reach_of(result, update.targets[0])))
    member_start, members = ragged(each[0] for each in blocks)
    entry_start, entries = ragged(each[1] for each in blocks)
    equation_start, refreshed = ragged(each[3] for each in blocks)
    shift_start, shifts = ragged([(block[0], shift) for shift in block[4]] for block in blocks)
    move_start, moves = ragged(shift.entries for _, shift in shifts)
    priors = [model.parameters[name].prior for name, _ in variances]
    assert all(each.distribution in ("flat", "inverse_gamma") for each in priors)
    shapes = [each.arguments if each.distribution == "inverse_gamma" else (-1.0, 0.0) for each in priors]
    variance_start, variance_equations = ragged(each for _, each in variances)
    slice_equation_start, slice_equations = ragged(each[1] for each in slices)
    slice_group_start, slice_groups = ragged(each[2] for each in slices)
    thresholds = {
        name: (variable, place)
        for variable, each in enumerate(form.responses)
        for place, name in enumerate(each.equation.thresholds)
    }
    return (
        integers(kernels),
        integers(indices),
        Coefficients(
            member_start=member_start,
            member=integers(result.parameters[name] for name in members),
            entry_start=entry_start,
            entry_member=integers(each[0] for each in entries),
            entry_product=integers(each[1] for each in entries),
            bounded=np.array([each[2] for each in blocks], np.bool_),
            repeated=np.array([_is_drawn_before(result, each[0]) for each in blocks], np.bool_),
            equation_start=equation_start,
            equation=integers(refreshed),
            shift_start=shift_start,
            shift_mean=integers(targets.index(shift.mean) for targets, shift in shifts),
            move_start=move_start,
            move_source=integers(result.parameters[source] for source, _, _ in moves),
            move_target=integers(result.parameters[target] for _, target, _ in moves),
            move_factor=np.array([factor for *_, factor in moves], np.float64),
        ),
        Variances(
            parameter=integers(result.parameters[name] for name, _ in variances),
            shape=np.array([a for a, _ in shapes], np.float64),
            scale=np.array([b for _, b in shapes], np.float64),
            equation_start=variance_start,
            equation=integers(variance_equations),
        ),
        integers(covariance),
        Slices(
            parameter=integers(result.parameters[each[0]] for each in slices),
            equation_start=slice_equation_start,
            equation=integers(slice_equations),
            group_start=slice_group_start,
            group=integers(slice_groups),
            is_scored=np.array([flag for each in slices for flag in each[5]], np.bool_),
            covariance_changes=np.array([flag for each in slices for flag in each[3]], np.bool_),
            is_block_element=np.array([each[4] for each in slices], np.bool_),
            response=integers(thresholds.get(each[0], (-1, 0))[0] for each in slices),
            place=integers(thresholds.get(each[0], (-1, 0))[1] for each in slices),
        ),
        _scoring(form, scored, [_is_in_trajectory(result, blocks[block][0]) for block, _ in scored]),
    )


def _is_drawn_before(result: Layout, names: Sequence[str]) -> bool:
    return set(names) <= {name for each in result.plan.marginals for block in each.blocks for name in block}


def _is_in_trajectory(result: Layout, names: Sequence[str]) -> bool:
    return any(set(names) <= each.targets for each in result.plan.trajectories)


def _scoring(form: Structure, blocks: Sequence[tuple[int, Sequence[int]]], in_trajectory: Sequence[bool]) -> Scoring:
    # Blocks of coefficients of equations that are not normal: their place, and the groups that hold them.
    scored = [[k for k in groups if form.groups[k].is_scored] for _, groups in blocks]
    densities = [with_scored(form, each)[1] for each in scored]
    normal = [
        [k for k in groups if not is_scored(form, k, own)] for (_, groups), own in zip(blocks, densities, strict=True)
    ]
    group_start, listed = ragged(scored)
    density_start, own_densities = ragged(densities)
    normal_start, normal_groups = ragged(normal)
    return Scoring(
        block=integers(block for block, _ in blocks),
        group_start=group_start,
        group=integers(listed),
        has_density=np.array([k in own for each, own in zip(scored, densities, strict=True) for k in each], np.bool_),
        density_start=density_start,
        density_group=integers(own_densities),
        has_mean=np.array(
            [
                any(
                    k != j and not form.groups[j].is_scored and same_outcome(form.groups[j], form.groups[k])
                    for j in groups
                )
                for (_, groups), own in zip(blocks, densities, strict=True)
                for k in own
            ],
            np.bool_,
        ),
        normal_start=normal_start,
        normal_group=integers(normal_groups),
        in_trajectory=np.array(in_trajectory, np.bool_),
    )


class Reach(NamedTuple):
    """What changes with a parameter, through whatever is computed from it."""

    equations: list[int]
    groups: list[int]
    covariance_changes: list[bool]
    is_block_element: bool
    is_scored: list[bool]


def reach_of(result: Layout, name: str) -> Reach:
    """Find the equations and groups that change with a parameter."""
    form = result.plan.structure
    changed = {name}
    for defined, expression in form.definitions.items():
        if parameters_in(expression) & changed:
            changed.add(defined)
    equations = [k for k, residual in enumerate(result.plan.structure.residuals) if changed & residual.parameters]
    touched = [
        index for index, group in enumerate(form.groups) if changed & {*group.covariance_parameters, *group.parameters}
    ]
    densities = with_scored(form, touched)[1]
    groups = [*(k for k in touched if not is_scored(form, k, densities)), *densities]
    flags = [bool(changed & set(form.groups[k].covariance_parameters)) for k in groups]
    scored = [k in densities for k in groups]
    is_element = any(
        name in group.covariance_parameters
        and any(result.model.parameters[each].prior.distribution == "block" for each in group.covariance_parameters)
        for group in form.groups
        if group.block is not None
    )
    return Reach(equations, groups, flags, is_element, scored)
