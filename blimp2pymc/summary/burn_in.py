"""Convergence over burn-in: R-hat of the free parameters at twenty points, and the numbers parameters go by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blimp2pymc.joint_model.ir import Model, ParameterKind
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import Window, burn_in_history
from blimp2pymc.summary.rows import Row

NUMBERED = ("outcome", "covariance", "conditional", "generated", "predictor")
"""Blocks of the tables whose lines are numbered through."""


@dataclass(frozen=True)
class BurnIn:
    """R-hat of the free parameters over burn-in."""

    parameters: tuple[str, ...]
    """Free parameters, the columns of every window's `r_hat`."""
    windows: tuple[Window, ...]


def burn_in(model: Model, draws: Draws) -> BurnIn:
    """Compute the history; empty without burn-in or with a single iteration of it."""
    free = tuple(name for name in draws.parameter_names if _is_followed(model, name))
    columns = [draws.parameter_names.index(name) for name in free]
    if not free or not draws.burn_in.shape[1]:
        return BurnIn(free, ())
    return BurnIn(free, burn_in_history(draws.burn_in, draws.burn_in_thin, draws.burn, columns))


def parameter_numbers(model: Model, lines: Sequence[Row]) -> dict[str, int]:
    """Number of every free parameter: its place among the numbered lines of the tables.

    Parameters without a line of their own, such as correlations of predictors, follow after the last line.
    """
    numbered = [each for each in lines if each.block in NUMBERED]
    numbers: dict[str, int] = {}
    for place, line in enumerate(numbered, start=1):
        if line.parameter_name:
            numbers.setdefault(line.parameter_name, place)
    free = [name for name in model.parameters if _is_followed(model, name) and name not in numbers]
    return {name: place for name, place in numbers.items() if _is_followed(model, name)} | {
        name: len(numbered) + place for place, name in enumerate(free, start=1)
    }


def _is_followed(model: Model, name: str) -> bool:
    """Whether a parameter is free; correlations from phantom variables count, and not the loadings they come from."""
    parameter = model.parameters[name]
    if parameter.is_free:
        return parameter.kind is not ParameterKind.PHANTOM_LOADING
    return any(each.parameterisation == "phantom" and name in each.correlations.values() for each in model.blocks)
