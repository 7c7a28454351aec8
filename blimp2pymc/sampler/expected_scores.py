"""Predictors with categories that are centered at their expected score: coefficients are drawn uncentered.

An expected score p is a function of many parameters. With flat priors the uncentered coefficients of an
equation say the same as the centered ones, and the equation does not contain p: so p is 0 in a sweep, and the
coefficients are centered when a draw is recorded, by the exponential series of `Shift` with step p. Where the
coefficients cannot move (other priors, shared labels), p stays in the equation as a function of parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.blocking import coefficient_moves
from blimp2pymc.sampler.conditions import parameter_facts
from blimp2pymc.sampler.residuals import Structure, expected_scores

if TYPE_CHECKING:
    from blimp2pymc.sampler.layout import Layout


@dataclass(frozen=True)
class Center:
    """An expected score that no equation contains in a sweep, and the coefficients it changes."""

    score: str
    """Name of the expected score among the definitions of the structure."""
    entries: tuple[tuple[str, str, float], ...]
    """(source coefficient, target coefficient, factor), as in `Shift`."""


def centers(model: Model, form: Structure) -> tuple[Center, ...]:
    """Find the expected scores that coefficients can do without."""
    names = tuple(expected_scores(model).values())
    if not names:
        return ()
    facts = parameter_facts(model, form)
    found = []
    for name in names:
        moves = [coefficient_moves(model, group, name, facts) for group in form.groups if name in group.parameters]
        if moves and all(moves):
            found.append(Center(name, tuple(entry for each in moves for entry in each)))
    return tuple(found)


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
