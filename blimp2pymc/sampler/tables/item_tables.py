"""Tables of latent variables that move with the parameters of their indicators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.sampler.plan.item_moves import ItemMove
from blimp2pymc.sampler.plan.residuals import Residual
from blimp2pymc.sampler.tables.layout import Layout, RowClass
from blimp2pymc.sampler.tables.ragged import integers, ragged

STEPS = 2
"""Scoring steps to the mode of a value."""
ELLIPSES = 1
"""Moves of all parameters in a sweep."""


class ItemMoves(NamedTuple):
    """Latent variables that follow parameters, their places in approximate full conditionals held."""

    column: np.ndarray
    steps: np.ndarray
    ellipses: np.ndarray
    parameter_start: np.ndarray
    parameter: np.ndarray
    is_variance: np.ndarray
    """Whether its logarithm is moved."""
    equation_start: np.ndarray
    equation: np.ndarray
    """Equations to refresh."""
    changing_start: np.ndarray
    changing: np.ndarray
    """Groups whose variance changes."""
    normal_start: np.ndarray
    normal: np.ndarray
    """Normal groups that hold each variable, its own first."""
    outcome_start: np.ndarray
    kind: np.ndarray
    """Of each outcome that is not normal: 0 one of several categories, 1 a count."""
    outcome: np.ndarray
    """Its column."""
    dispersion: np.ndarray
    """Parameter, or -1."""
    line_start: np.ndarray
    """Equations of each normal group, then of each outcome: linear functions of the variable."""
    line: np.ndarray
    code: np.ndarray
    """Category of each equation of an outcome."""
    entry_start: np.ndarray
    entry_monomial: np.ndarray
    """Monomials of each equation, the working response left out."""
    entry_rest: np.ndarray
    """The same without the variable."""
    entry_holds: np.ndarray
    """Whether the variable was there."""
    active: np.ndarray
    """Whether each normal group, then each outcome, says something in a class of rows; (parts, classes)."""
    learned: np.ndarray
    """Place of each move in `State.learned`, behind those of `Interweavings`."""


def item_table(result: Layout, classes: Sequence[RowClass]) -> ItemMoves:
    """Moves as indices; monomials without the variable join those of the layout."""
    form, found = result.plan.structure, result.plan.item_moves
    residuals, groups = form.residuals, form.groups
    place = {id(residual): k for k, residual in enumerate(residuals)}
    parts: list[tuple[ItemMove, tuple[int, ...]]] = [(each, (k,)) for each in found for k in each.normal]
    parts += [(each, outcome) for each in found for outcome in each.outcomes]
    n_normal = sum(len(each.normal) for each in found)
    lines = [[(each, residual) for k in members for residual in groups[k].residuals] for each, members in parts]
    entry_start, entries = ragged(_entries(result, *line) for part in lines for line in part)
    line_start, flat = ragged(lines)
    outcomes = [groups[members[0]].residuals[0].equation for _, members in parts[n_normal:]]
    parameter_start, parameters = ragged(each.parameters for each in found)
    equation_start, equations = ragged(
        [k for k, residual in enumerate(residuals) if residual.parameters & each.targets] for each in found
    )
    changing_start, changing = ragged(
        [k for k in each.normal if set(groups[k].covariance_parameters) & each.targets] for each in found
    )
    normal_start, normal = ragged(each.normal for each in found)
    sizes = [2 + 2 * size + 2 * size**2 for size in np.diff(parameter_start)]
    codes = [residual.equation.outcome.category for _, residual in flat]
    active = [[members[0] not in each.inactive for each in classes] for _, members in parts]
    return ItemMoves(
        column=integers(result.columns[each.column] for each in found),
        steps=integers(STEPS for _ in found),
        ellipses=integers(ELLIPSES for _ in found),
        parameter_start=parameter_start,
        parameter=integers(result.parameters[name] for name in parameters),
        is_variance=np.array([name in each.variances for each in found for name in each.parameters], np.bool_),
        equation_start=equation_start,
        equation=integers(equations),
        changing_start=changing_start,
        changing=integers(changing),
        normal_start=normal_start,
        normal=integers(normal),
        outcome_start=ragged(each.outcomes for each in found)[0],
        kind=integers(each.family == "negative_binomial" for each in outcomes),
        outcome=integers(result.columns[Column(each.name)] for each in outcomes),
        dispersion=integers(-1 if each.dispersion is None else result.parameters[each.dispersion] for each in outcomes),
        line_start=line_start,
        line=integers(place[id(residual)] for _, residual in flat),
        code=np.array([1.0 if code is None else code for code in codes], np.float64),
        entry_start=entry_start,
        entry_monomial=integers(monomial for monomial, *_ in entries),
        entry_rest=integers(rest for _, rest, _ in entries),
        entry_holds=np.array([holds for *_, holds in entries], np.bool_),
        active=np.array(active, np.bool_).reshape(len(parts), len(classes)),
        learned=integers(np.cumsum([0, *sizes])),
    )  # fmt: skip


def _entries(result: Layout, move: ItemMove, residual: Residual) -> list[tuple[int, int, bool]]:
    """Monomials of an equation, each with what is left without the variable, and whether it was there."""
    column = result.columns[move.column]
    response = result.working.get(residual.working, -1)
    found = []
    for key in dict.fromkeys(map(result.monomial, residual.products)):
        if key != (response,):
            rest = list(key)
            if column in key:
                rest.remove(column)
            place = result.monomials.setdefault(tuple(rest), len(result.monomials))
            found.append((result.monomials[key], place, column in key))
    return found
