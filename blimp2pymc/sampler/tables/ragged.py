"""Lists of lists as arrays: one of items, one of starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def ragged(lists: Iterable[Sequence]) -> tuple[np.ndarray, list]:
    """Starts and items of a list of lists."""
    starts: list[int] = [0]
    items: list = []
    for each in lists:
        items.extend(each)
        starts.append(len(items))
    return np.array(starts, np.int64), items


def integers(items: Iterable[int]) -> np.ndarray:
    """Items as int64."""
    return np.array(list(items), np.int64)
