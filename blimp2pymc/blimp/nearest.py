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
def _split(name: str) -> list[str]:
    """Texts and numbers of a name in turn."""
    return re.split(r"([0-9]{1,9})", name[:LONGEST])


def _same_but_number(name: str, names: Iterable[str]) -> str:
    """The name that differs only in one number, the nearest one; empty if there is none."""
    parts = _split(name)
    best, best_distance = "", float("inf")
    for each in names if len(parts) > 1 else ():
        others = _split(each)
        if len(others) != len(parts) or others[::2] != parts[::2]:
            continue
        distances = [abs(int(a) - int(b)) for a, b in zip(parts[1::2], others[1::2], strict=True)]
        if sum(each != 0 for each in distances) == 1 and sum(distances) < best_distance:
            best, best_distance = each, sum(distances)
    return best
