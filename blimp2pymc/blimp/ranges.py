"""Ranges of names: `x1:x7` stands for x1, x2, ..., x7.

The parser asks whether two names make a range, the reader of data and the resolver list its names;
all three use the one rule here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from blimp2pymc.blimp import tree
from blimp2pymc.errors import Span, error

LONGEST_RANGE = 10_000
"""More names than this are taken for a slip of the pen."""


LONGEST_NUMBER = 18
"""Digits of a number in a name that can be counted with."""


def is_range(first: str, last: str) -> bool:
    """Whether `first:last` is a range: equal names but for one integer, ascending."""
    return not isinstance(_split(first, last), str)


def expand_range(first: str, last: str, span: Span | None = None) -> tuple[str, ...]:
    """List the names of the range `first:last`.

    Both ends are equal but for one integer; leading zeros are kept.

    Raises
    ------
    BlimpError
        When the two names make no range.

    Examples
    --------
    >>> expand_range("v2_i", "v4_i")
    ('v2_i', 'v3_i', 'v4_i')
    >>> expand_range("x08", "x10")
    ('x08', 'x09', 'x10')
    """
    parts = _split(first, last)
    if isinstance(parts, str):
        raise error(f"'{first}:{last}' is no range: {parts}", span, "x1:x4, or a list of the names", "no-range")
    stem, low, high, tail, width = parts
    return tuple(f"{stem}{number:0{width}d}{tail}" for number in range(low, high + 1))


@dataclass(frozen=True)
class ListedName:
    """One name of a list command."""

    name: str
    reference: float | None = None
    """Reference code of `n(2)`."""
    span: Span | None = field(default=None, compare=False, repr=False)
    """The item it comes from, which may be a range."""


def listed_names(items: Iterable[tree.NameItem]) -> list[ListedName]:
    """Names of a list command, ranges written out.

    Raises
    ------
    BlimpError
        For a range that is none.
    """
    names: list[ListedName] = []
    for item in items:
        span = item.span or item.expression.span
        match item.expression:
            case tree.Name(name):
                names.append(ListedName(name, item.reference, span))
            case tree.Range(first, last):
                names.extend(ListedName(name, item.reference, span) for name in expand_range(first, last, span))
    return names


def _split(first: str, last: str) -> tuple[str, int, int, str, int] | str:
    """Stem, both integers, tail and zero-padded width of a range; or why it is none."""
    left, right = re.split(r"([0-9]+)", first), re.split(r"([0-9]+)", last)
    if len(left) == len(right) == 1:
        return "the names hold no number"
    if len(left) != len(right) or left[::2] != right[::2]:
        return "the names must differ in nothing but one number"
    numbers = range(1, len(left), 2)
    different = [place for place in numbers if left[place] != right[place]]
    if len(different) > 1:
        return "the names differ in more than one number"
    place = different[0] if different else numbers[-1]
    low, high = left[place], right[place]
    padded = any(len(each) > 1 and each.startswith("0") for each in (low, high))
    if max(len(low), len(high)) > LONGEST_NUMBER:
        return "its numbers are too large"
    if padded and len(low) != len(high):
        return "the numbers are padded with zeros to different widths"
    if int(low) > int(high):
        return "its last number is smaller than its first"
    if int(high) - int(low) >= LONGEST_RANGE:
        return f"it would hold more than {LONGEST_RANGE:,} names"
    width = len(low) if padded else 0
    return "".join(left[:place]), int(low), int(high), "".join(left[place + 1 :]), width
