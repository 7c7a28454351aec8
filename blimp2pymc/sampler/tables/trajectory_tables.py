"""Tables of trajectories: coefficients of categories and counts that move together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.sampler.kernels.predictor_densities import CATEGORIES, COUNT, LARGEST, ORDERED
from blimp2pymc.sampler.plan.blocking import same_outcome
from blimp2pymc.sampler.plan.residuals import Group, Residual
from blimp2pymc.sampler.plan.trajectories import Trajectory
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers, ragged
from blimp2pymc.sampler.tables.row_tables import Trajectories

SHARE_OF_LARGEST = 0.25
"""Share of sweeps with a trajectory where probabilities are integrals: one costs several times the rest of a sweep."""


def trajectory_table(result: Layout) -> Trajectories:
    """Trajectories as indices."""
    form, found = result.plan.structure, result.plan.trajectories
    products = [product for residual in form.residuals for product in residual.products]
    place_of = {id(product): k for k, product in enumerate(products)}
    parts = [(each, groups) for each in found for groups in _parts(result, each)]
    residuals = [[residual for k in groups for residual in form.groups[k].residuals] for _, groups in parts]
    used = [sorted({key for each in part for key in _terms(result, each).values()}) for part in residuals]
    equations = [residual for part in residuals for residual in part]
    terms = [
        sorted({used[p].index(monomial) for monomial in _terms(result, each).values()})
        for p, part in enumerate(residuals)
        for each in part
    ]
    entries, equation = [], 0
    for (trajectory, _), part, monomials in zip(parts, residuals, used, strict=True):
        own = []
        for each in part:
            known = _terms(result, each)
            own += [
                (trajectory.parameters.index(name), place_of[id(product)], equation, monomials.index(known[k]))
                for k, product in enumerate(each.products)
                for name in sorted(set(product.parameters) & trajectory.targets)
            ]
            equation += 1
        entries.append(own)
    index = {id(residual): k for k, residual in enumerate(form.residuals)}
    groups = [form.groups[first] for _, (first, *_) in parts]
    runs = [_runs(result, first) for _, (first, *_) in parts]
    thresholds = [each.residuals[0].equation.thresholds if _kind(each) == ORDERED else () for each in groups]
    dispersions = [group.residuals[0].equation.dispersion for group in groups]
    entry_start, listed = ragged(entries)
    run_start, spans = ragged(runs)
    return Trajectories(
        share=np.array([min(_share(form.groups[k]) for k in each.groups) for each in found], np.float64),
        member_start=ragged(each.parameters for each in found)[0],
        member=integers(result.parameters[name] for each in found for name in each.parameters),
        refreshed_start=ragged(_refreshed(result, each) for each in found)[0],
        refreshed=integers(k for each in found for k in _refreshed(result, each)),
        part_start=integers(np.cumsum([0, *(sum(each is other for other, _ in parts) for each in found)])),
        kind=integers(_kind(group) for group in groups),
        outcome=integers(result.columns[Column(group.residuals[0].equation.name)] for group in groups),
        dispersion=integers(-1 if name is None else result.parameters[name] for name in dispersions),
        variable=integers(_variable(result, group) for group in groups),
        code_start=ragged(_codes(result, part) for part in residuals)[0],
        code=np.array([code for part in residuals for code in _codes(result, part)], np.float64),
        threshold_start=ragged(thresholds)[0],
        threshold=integers(result.parameters[name] for names in thresholds for name in names),
        run_start=run_start,
        run_low=integers(low for low, _ in spans),
        run_high=integers(high for _, high in spans),
        used_start=ragged(used)[0],
        used=integers(monomial for part in used for monomial in part),
        equation_start=ragged(residuals)[0],
        equation=integers(index[id(each)] for each in equations),
        response=integers(result.columns.get(each.outcome, -1) for each in equations),
        term_start=ragged(terms)[0],
        term=integers(place for each in terms for place in each),
        entry_start=entry_start,
        entry_member=integers(each[0] for each in listed),
        entry_product=integers(each[1] for each in listed),
        entry_equation=integers(each[2] for each in listed),
        entry_place=integers(each[3] for each in listed),
    )


@dataclass(frozen=True)
class NominalPart:
    """A nominal variable whose latent differences a trajectory integrates out."""

    place: int
    """Place of the part."""
    residuals: tuple[Residual, ...]


def nominal_parts(result: Layout) -> dict[str, NominalPart]:
    """Nominal variables with latent differences that are integrated out."""
    groups = result.plan.structure.groups
    parts = [groups[first] for each in result.plan.trajectories for first, *_ in _parts(result, each)]
    return {
        group.residuals[0].equation.name: NominalPart(place, group.residuals)
        for place, group in enumerate(parts)
        if _kind(group) == LARGEST
    }


def _parts(result: Layout, trajectory: Trajectory) -> list[tuple[int, ...]]:
    """Groups of each outcome."""
    groups = result.plan.structure.groups
    parts: list[tuple[int, ...]] = []
    for k in trajectory.groups:
        if not any(k in part for part in parts):
            parts.append(tuple(j for j in trajectory.groups if j == k or same_outcome(groups[j], groups[k])))
    return parts


def _kind(group: Group) -> int:
    if group.family == "normal":
        return ORDERED if group.outcomes[0].category is None else LARGEST
    return COUNT if group.family == "negative_binomial" else CATEGORIES


def _terms(result: Layout, residual: Residual) -> dict[int, int]:
    """Products of the linear predictor, as places in the residual, and their monomials."""
    response = result.working.get(residual.working, result.columns.get(residual.working, -1))
    keys = [result.monomial(product) for product in residual.products]
    return {k: result.monomials[key] for k, key in enumerate(keys) if key != (response,)}


def _share(group: Group) -> float:
    return SHARE_OF_LARGEST if _kind(group) == LARGEST and len(group.residuals) > 2 else 1.0


def _codes(result: Layout, part: Sequence[Residual]) -> list[float]:
    known = [each.equation.outcome.category for each in part]
    if part[0].equation.family == "negative_binomial":
        return []
    if known[0] is None:
        return list(result.model.variables[part[0].equation.name].categories)
    return [code for code in known if code is not None]


def _variable(result: Layout, group: Group) -> int:
    found = result.plan.structure.responses
    return next((k for k, each in enumerate(found) if each is group.residuals[0]), -1)


def _runs(result: Layout, group: int) -> list[tuple[int, int]]:
    """Rows in which a group says something, as runs."""
    runs: list[tuple[int, int]] = []
    for pattern in result.patterns:
        if group not in pattern.inactive:
            high = pattern.low + len(pattern.rows)
            if runs and runs[-1][1] == pattern.low:
                runs[-1] = (runs[-1][0], high)
            else:
                runs.append((pattern.low, high))
    return runs


def _refreshed(result: Layout, trajectory: Trajectory) -> list[int]:
    form = result.plan.structure
    return [k for k, each in enumerate(form.residuals) if each.parameters & trajectory.targets]
