"""Long lists in lines of readable width."""

from __future__ import annotations

from collections.abc import Iterable

LINE_WIDTH = 118


def filled(pieces: Iterable[str], separator: str = " ", start: str = "", indent: str = "") -> list[str]:
    """Lines of as many pieces as fit, none of them broken in two.

    Parameters
    ----------
    pieces, separator
        What is listed, and what stands between.
    start, indent
        What the first line begins with, and the others.

    Examples
    --------
    >>> filled(["a", "b"], ", ", start="names  ")
    ['names  a, b']
    """
    lines = [start]
    is_empty = True
    for piece in pieces:
        if not is_empty and len(lines[-1]) + len(separator) + len(piece) > LINE_WIDTH:
            lines[-1] += separator.rstrip()
            lines.append(indent)
            is_empty = True
        lines[-1] += piece if is_empty else separator + piece
        is_empty = False
    return [line.rstrip() for line in lines]
