"""The name a user probably meant: nearest spelling among those that exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

LONGEST = 80
"""Characters of a name that are compared."""


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """The closest of `names` to `name`, letter case aside, the first of equally close ones; empty when none is close.

    >>> nearest("ITERTIONS", ["BURN", "ITERATIONS"])
    'ITERATIONS'
    """
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
