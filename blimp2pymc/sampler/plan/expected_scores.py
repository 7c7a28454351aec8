"""Predictors with categories that are centered at their expected score: coefficients are drawn uncentered.

An expected score p is a function of many parameters. With flat priors the uncentered coefficients of an
equation say the same as the centered ones, and the equation does not contain p: so p is 0 in a sweep, and the
coefficients are centered when a draw is recorded, by the exponential series of `Shift` with step p. Where the
coefficients cannot move (other priors, shared labels), p stays in the equation as a function of parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.plan.blocking import coefficient_moves
from blimp2pymc.sampler.plan.conditions import parameter_facts
from blimp2pymc.sampler.plan.residuals import Structure, expected_scores

if TYPE_CHECKING:
    pass


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
