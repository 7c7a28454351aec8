"""Tables of variables with categories: latent responses, thresholds, missing categories.

Part of the tables of a model; see `tables` for how ragged lists are stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from blimp2pymc.sampler.tables.tables import Cells


class Responses(NamedTuple):
    """Variables with ordered categories: latent responses, thresholds and scores."""

    column: np.ndarray
    """Latent response of each variable."""
    score: np.ndarray
    """Column of its score."""
    block_start: np.ndarray
    block: np.ndarray
    """Blocks of `Cells` (phase 2), one response in each, that hold the rows with a category."""
    category_start: np.ndarray
    category: np.ndarray
    """Category of every row of these blocks, from 0; the state's copy is what counts."""
    row: np.ndarray
    """Row of each of these categories in the table of incomplete rows."""
    is_changing: np.ndarray
    """Whether some of a variable's categories are missing and drawn."""
    equation: np.ndarray
    """Equation of each response."""
    monomial: np.ndarray
    """The response by itself."""
    is_plain: np.ndarray
    """Whether nothing looks at the response, where a category is observed or drawn, but its own equation."""
    slope_start: np.ndarray
    slope: np.ndarray
    """Coefficients that are drawn together with the thresholds."""
    entry_start: np.ndarray
    entry_member: np.ndarray
    """Products of the equation's residual that hold these coefficients, one each; with the number of coefficients in
    place of one of them, those that change with the scale of a factor."""
    entry_product: np.ndarray
    scale: np.ndarray
    """Change of scale that is drawn together with the thresholds, in `Tables.response_scales`; -1 where there is
    none."""
    redrawn_start: np.ndarray
    redrawn: np.ndarray
    """Blocks of `Cells` with the response in rows without a category, drawn anew after its coefficients."""
    threshold_start: np.ndarray
    threshold: np.ndarray
    """Parameters."""
    is_drawn: np.ndarray
    """Whether a threshold is drawn."""
    dependent_equation_start: np.ndarray
    dependent_equation: np.ndarray
    """Equations that hold an expected score the thresholds are part of."""
    dependent_group_start: np.ndarray
    dependent_group: np.ndarray
    """Their groups."""
    dependent_is_scored: np.ndarray
    """Whether the density of such a group is not normal."""
    code_start: np.ndarray
    code: np.ndarray
    """Score of each category."""
    missing_start: np.ndarray
    missing_low: np.ndarray
    missing_high: np.ndarray
    """Runs of rows without a category."""
    is_sliced: np.ndarray
    """Whether its responses are not normal between thresholds: then `Nonlinear` has them."""
    step: np.ndarray
    """Place of the size of proposals in order in `State.widths`; -1 where no threshold is drawn."""


def place_of(cells: Cells, responses: Responses, variable: int, low: int) -> int:
    """Place of a pattern's first row among the categories of a variable with ordered ones."""
    place = int(responses.category_start[variable])
    for block in responses.block[responses.block_start[variable] : responses.block_start[variable + 1]]:
        if cells.low[block] == low:
            return place
        place += int(cells.high[block] - cells.low[block])
    raise AssertionError("a pattern without a block")


class Categories(NamedTuple):
    """Missing categories that other equations look at, pattern by pattern, with one of their latent responses."""

    score: np.ndarray
    """Column of the code."""
    response: np.ndarray
    """Column of the latent response, or of the latent difference."""
    is_nominal: np.ndarray
    part: np.ndarray
    """Part of `Trajectories` of a nominal variable whose differences are all integrated out; else -1."""
    low: np.ndarray
    high: np.ndarray
    place: np.ndarray
    """Place of the first row in `State.category`, or -1 for a nominal variable."""
    threshold_start: np.ndarray
    threshold: np.ndarray
    code_start: np.ndarray
    code: np.ndarray
    """Codes in order; of a nominal variable the reference's, its own, those of the other differences."""
    rival_start: np.ndarray
    rival: np.ndarray
    """Columns of the other differences."""
    segment_start: np.ndarray
    segment_group: np.ndarray
    """Groups that hold the response or the code, and those that densities of their rows look at."""
    is_scored: np.ndarray
    """Whether a segment is no normal equation."""
    density_start: np.ndarray
    density_group: np.ndarray
    """Groups with densities of their own."""
    entry_start: np.ndarray
    """Entries of each segment."""
    entry_kind: np.ndarray
    """Whether the monomial holds the response, and whether it changes with the code (`kernels.categories`)."""
    entry_equation: np.ndarray
    entry_monomial: np.ndarray
    entry_rest: np.ndarray
    """The monomial without the response."""
    program_start: np.ndarray
    program: np.ndarray
    """Functions of the code."""


class Differences(NamedTuple):
    """Latent differences of nominal variables: bounds where the category is observed, codes where it is not."""

    block: np.ndarray
    """Blocks of `Cells` (phase 2), one difference in each, that hold the rows with a category."""
    column: np.ndarray
    category_start: np.ndarray
    category: np.ndarray
    """Column of the difference that belongs to each row's category; -1 for the reference."""
    rival_start: np.ndarray
    rival: np.ndarray
    """Columns of the other differences."""
    missing_low: np.ndarray
    missing_high: np.ndarray
    """Runs of rows without a category, at which no equation looks."""
    missing_score: np.ndarray
    """Column of the code, per run."""
    member_start: np.ndarray
    member: np.ndarray
    """Columns of all differences, per run."""
    code_start: np.ndarray
    code: np.ndarray
    """Code of the reference, then those of the differences, per run."""
