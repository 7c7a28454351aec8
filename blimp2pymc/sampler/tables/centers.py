"""Coefficients of predictors centered at their expected score: as they are drawn, and as they are recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers, ragged
from blimp2pymc.sampler.tables.tables import Centers


def center_table(layout: Layout) -> Centers:
    """Expected scores at which predictors are centered, and the coefficients that move with them."""
    move_start, moves = ragged(each.entries for each in layout.plan.centers)
    return Centers(
        score=integers(layout.parameters[each.score] for each in layout.plan.centers),
        move_start=move_start,
        move_source=integers(layout.parameters[source] for source, _, _ in moves),
        move_target=integers(layout.parameters[target] for _, target, _ in moves),
        move_factor=np.array([factor for *_, factor in moves], np.float64),
    )


def centered(layout: Layout, theta: np.ndarray, sign: float = 1.0) -> np.ndarray:
    """Parameters as they are recorded, from those of a sweep; with sign -1 the other way.

    Parameters
    ----------
    layout
        Tables and names.
    theta
        Values of the model's parameters at least, in the layout's order; shape (parameters,).
    """
    result = theta.copy()
    if not layout.plan.centers:
        return result
    values = dict(zip(layout.parameters, result.tolist(), strict=False))
    for name, expression in layout.plan.structure.definitions.items():
        values[name] = float(evaluate(expression, {}, values))
    for each in layout.plan.centers:
        _move(result, each.entries, sign * values[each.score], layout.parameters)
    return result


def _move(theta: np.ndarray, entries: Sequence[tuple[str, str, float]], step: float, places: Mapping[str, int]) -> None:
    names = sorted({name for source, target, _ in entries for name in (source, target)})
    matrix = np.zeros((len(names), len(names)))
    for source, target, factor in entries:
        matrix[names.index(target), names.index(source)] -= factor * step
    where = [places[name] for name in names]
    term = theta[where].copy()
    for order in range(1, len(names) + 1):
        term = matrix @ term / order
        theta[where] += term
