"""Rows of printed tables that cannot be reproduced, each with the reason, and no others.

`docs/reference-agreement.md` tells users the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Difference:
    """Rows of one case that may lie outside the tolerance; all of them have to be there."""

    blocks: tuple[str, ...]
    outcomes: tuple[str, ...]
    reason: str


KNOWN_DIFFERENCES: Mapping[str, Difference] = {
    "workshop-5": Difference(
        blocks=("outcome", "predictor"),
        outcomes=tuple(f"dep{item}" for item in range(1, 8)),
        reason=(
            "Blimp 3 draws a missing item as if the item entered the equations of earlier items uncentered,"
            " while the coefficients there belong to centered items. No joint density has these conditionals."
            " `test_second_opinion.py` reproduces Blimp's rows by that rule and ours without it."
        ),
    ),
}


def may_differ(case: str, table: pd.DataFrame) -> pd.Series:
    """Which rows of a table of estimates or comparisons may differ."""
    known = KNOWN_DIFFERENCES.get(case)
    if known is None:
        return pd.Series(False, index=table.index)
    return table["block"].isin(known.blocks) & table["outcome"].isin(known.outcomes)
