"""The name a user probably meant: nearest spelling among those that exist."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache

LONGEST = 80
"""Characters of a name that are compared."""


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """The closest of `names` to `name`, letter case aside, the first of equally close ones; empty when none is close.

    Among names that differ in nothing but a number, the one with the nearest number.

    >>> nearest("ITERTIONS", ["BURN", "ITERATIONS"])
    'ITERATIONS'
    >>> nearest("x7", ["x", "x1", "x5"])
    'x5'
    """
    names = list(names)
    if same_but_number := _same_but_number(name, names):
        return same_but_number
    best, best_ratio = "", cutoff
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(name.casefold()[:LONGEST])
    for each in names:
        matcher.set_seq1(each.casefold()[:LONGEST])
        if matcher.real_quick_ratio() >= best_ratio and matcher.quick_ratio() >= best_ratio:
            ratio = matcher.ratio()
            if ratio > best_ratio or (ratio == best_ratio and not best):
                best, best_ratio = each, ratio
    return best


@lru_cache(maxsize=4096)
def _split(name: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Texts of a name, and the numbers between them."""
    parts = re.split(r"([0-9]{1,9})", name[:LONGEST])
    return tuple(parts[::2]), tuple(int(each) for each in parts[1::2])


def _same_but_number(name: str, names: Iterable[str]) -> str:
    """The name that differs only in one number, the nearest one; empty if there is none."""
    texts, numbers = _split(name)
    best, best_distance = "", float("inf")
    for each in names if numbers else ():
        other_texts, others = _split(each)
        if other_texts != texts:
            continue
        distances = [abs(a - b) for a, b in zip(numbers, others, strict=True)]
        if sum(each != 0 for each in distances) == 1 and sum(distances) < best_distance:
            best, best_distance = each, sum(distances)
    return best
