"""Tables of blocks whose covariance is proposed as a whole."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers


class CovarianceMoves(NamedTuple):
    """Blocks proposed as if all their elements were free."""

    group: np.ndarray
    scale: np.ndarray
    """Of each equation the change of scale that brings a fixed variance back, -1 where it is free; (moves, size)."""


def covariance_move_table(result: Layout) -> CovarianceMoves:
    """Blocks as indices."""
    moves = result.plan.covariance_moves
    scale = np.full((len(moves), max((len(each.scales) for each in moves), default=1)), -1)
    for k, move in enumerate(moves):
        for place, each in enumerate(move.scales):
            scale[k, place] = -1 if each is None else result.plan.scale_moves.index(each)
    return CovarianceMoves(group=integers(each.group for each in moves), scale=scale)
