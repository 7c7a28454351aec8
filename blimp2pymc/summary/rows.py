"""One line of the tables of results, before it is summarised.

Every part of the tables (outcomes, predictors, conditional effects, tests, ...) hands on a list of these
lines; `tables` turns their draws into numbers, `report` prints them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import FloatArray


@dataclass(frozen=True, eq=False)
class Row:
    """A line of the tables."""

    block: str
    """`outcome covariance predictor generated conditional correlation wald fit`."""
    outcome: str
    section: str
    parameter: str
    draws: FloatArray | None = None
    """Draws, shape (chain, draw); None where the line is a single number."""
    is_tested: bool = True
    """Whether Blimp prints a test that the quantity is zero."""
    fixed: float | None = None
    """Value the script or an identification rule fixes; then there are no draws to speak of."""
    value: float = float("nan")
    """The number of a line without draws."""
    statistic: float = float("nan")
    degrees_of_freedom: int | None = None
    model_block: str = ""
    """The user's label of the part of MODEL the line belongs to."""
    parameter_name: str = ""
    """Name in `Model.parameters` when the line is that parameter itself."""


def parameter_row(model: Model, draws: Draws, name: str, row: Row) -> Row:
    """Fill a row with a parameter: its draws, or the value it is fixed at."""
    fixed = model.parameters[name].fixed
    return replace(row, draws=None if fixed is not None else draws.parameter(name), fixed=fixed, parameter_name=name)


def constant_row(draws: Draws, row: Row, value: float) -> Row:
    """Fill a row with a number that is constant by construction."""
    return replace(row, draws=np.full((draws.n_chains, draws.n_draws), value), is_tested=False)


def labelled(rows: Iterable[Row], block: str) -> list[Row]:
    """The rows, carrying the user's label of the block they belong to."""
    return [replace(each, model_block=block) for each in rows]


def parameter_values(model: Model, draws: Draws, names: Iterable[str]) -> dict[str, FloatArray]:
    """Draws of parameters by name, shape (chain, draw) each; fixed ones are constant arrays."""
    shape = (draws.n_chains, draws.n_draws)
    values = {}
    for name in names:
        fixed = model.parameters[name].fixed
        values[name] = draws.parameter(name) if fixed is None else np.full(shape, fixed)
    return values
