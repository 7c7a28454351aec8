"""One step of a sweep, as a plan states it."""

from __future__ import annotations

from dataclasses import dataclass, field

from blimp2pymc.sampler.plan.conditions import Shift
from blimp2pymc.sampler.plan.residuals import Structure

OVERRELAXATION = 0.5
"""Share of their deviation from the conditional mean that coefficients, latent variables and missing values drawn from
normal distributions have on its other side after a draw: means over draws that would be independent are worth three
times as many, standard deviations three fifths."""


@dataclass(frozen=True)
class Update:
    """One step of a sweep: a kernel draws its targets from their full conditional."""

    targets: tuple[str, ...]
    """Parameter names, or variables whose missing cells are drawn."""
    kernel: str
    equations: tuple[str, ...]
    """Equations in the full conditional, by their outcomes."""
    reason: str
    """Why this kernel, in words of the model."""
    groups: tuple[int, ...] = field(default=(), repr=False)
    """Groups of the structure in the full conditional."""
    shifts: tuple[Shift, ...] = field(default=(), repr=False)
    """Coefficients that move along with a mean (kernel `means`)."""


def equations_of(form: Structure, groups: set[int]) -> tuple[str, ...]:
    """Equations of some groups, by their outcomes, in the order of the structure."""
    return tuple(dict.fromkeys(column.variable for index in sorted(groups) for column in form.groups[index].outcomes))
