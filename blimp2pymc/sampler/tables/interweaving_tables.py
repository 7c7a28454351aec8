"""Tables of latent variables that move with the coefficients of their mean and log variance."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

import numpy as np

from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers, ragged


class Interweavings(NamedTuple):
    """Latent variables that follow their coefficients, their standardized residuals held."""

    column: np.ndarray
    monomial: np.ndarray
    """Monomial that is the variable alone."""
    mean: np.ndarray
    """Equation of the variable's mean."""
    variance: np.ndarray
    """Equation of its log variance."""
    parameter_start: np.ndarray
    parameter: np.ndarray
    """Coefficients of the two that are moved."""
    equation_start: np.ndarray
    equation: np.ndarray
    """Equations to refresh."""
    normal_start: np.ndarray
    normal: np.ndarray
    """Normal groups that hold the variable."""
    weighted_start: np.ndarray
    weighted: np.ndarray
    """Those of them that are weighted, as places in `Weighted`."""
    density_start: np.ndarray
    density: np.ndarray
    """Groups whose density is not normal."""
    block_start: np.ndarray
    block: np.ndarray
    """Blocks of `Coefficients` that are integrated out."""
    learned: np.ndarray
    """Place of each in `State.learned`."""


def interweaving_table(result: Layout, moments: Sequence[int], first_learned: int) -> Interweavings:
    """Moving latent variables as indices; `moments`: place of each group in `Weighted`, or -1."""
    form, found = result.plan.structure, result.plan.interweavings
    residuals = form.residuals
    place = {id(residual): k for k, residual in enumerate(residuals)}
    first = [place[id(group.residuals[0])] for group in form.groups]
    blocks = [each.targets for each in result.plan.updates
              if each.kernel in ("coefficients", "means", "bounded", "scoring")]  # fmt: skip
    parameter_start, parameters = ragged([result.parameters[name] for name in each.parameters] for each in found)
    equation_start, equations = ragged(
        [k for k, each in enumerate(residuals) if each.parameters & set(move.parameters)] for move in found
    )
    normal_start, normal = ragged(each.normal for each in found)
    weighted_start, weighted = ragged([moments[k] for k in each.normal if moments[k] >= 0] for each in found)
    density_start, densities = ragged(each.densities for each in found)
    block_start, block = ragged([blocks.index(targets) for targets in each.blocks] for each in found)
    sizes = [2 + 2 * len(each.parameters) ** 2 + 2 * len(each.parameters) for each in found]
    return Interweavings(
        column=integers(result.columns[each.column] for each in found),
        monomial=integers(result.monomials[(result.columns[each.column],)] for each in found),
        mean=integers(first[each.mean] for each in found),
        variance=integers(first[each.variance] for each in found),
        parameter_start=parameter_start,
        parameter=integers(parameters),
        equation_start=equation_start,
        equation=integers(equations),
        normal_start=normal_start,
        normal=integers(normal),
        weighted_start=weighted_start,
        weighted=integers(weighted),
        density_start=density_start,
        density=integers(densities),
        block_start=block_start,
        block=integers(block),
        learned=integers(np.cumsum([first_learned, *sizes])),
    )


def changing_pairs(result: Layout, inactive: Container[int]) -> set[tuple[int, int]]:
    """Pairs of monomials whose moments change with a moving latent variable, where these groups say nothing."""
    plan = result.plan
    found: set[tuple[int, int]] = set()
    for each in plan.interweavings:
        column = result.columns[each.column]
        for k in each.normal:
            group = plan.structure.groups[k]
            if k in inactive or group.is_weighted:
                continue
            keys = {result.monomial(product) for residual in group.residuals for product in residual.products}
            changing = {result.monomials[key] for key in keys if column in key}
            every = {result.monomials[key] for key in keys}
            found |= {(max(a, b), min(a, b)) for a in changing for b in every}
    return found
