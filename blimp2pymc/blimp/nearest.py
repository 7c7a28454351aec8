"""The name a user probably meant: nearest spelling among those that exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """The closest of `names` to `name`, letter case aside; empty when none is close.

    >>> nearest("ITERTIONS", ["BURN", "ITERATIONS"])
    'ITERATIONS'
    """
    by_folded: dict[str, str] = {}
    for each in names:
        by_folded.setdefault(each.casefold(), each)
    found = get_close_matches(name.casefold()[:80], by_folded, n=1, cutoff=cutoff)
    return by_folded[found[0]] if found else ""
