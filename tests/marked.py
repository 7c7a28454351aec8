"""Scripts with the place of an expected mistake marked in them: `MODEL: y ~ <(xx)>;`."""

from __future__ import annotations

from pathlib import Path

OPENING, CLOSING = "<(", ")>"


def load_marked(path: Path | str) -> tuple[str, list[tuple[int, int]]]:
    """Read a marked script.

    Returns
    -------
    text
        The script without its markers.
    places
        Start and end in `text` of every marked stretch, in order. An empty stretch marks a point.
    """
    return unmark(Path(path).read_bytes().decode("utf-8"))


def unmark(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Take the markers out of a text; see `load_marked`."""
    plain: list[str] = []
    places: list[tuple[int, int]] = []
    length = 0
    head, *parts = text.split(OPENING)
    plain.append(head)
    length += len(head)
    for part in parts:
        inside, marker, after = part.partition(CLOSING)
        assert marker, f"'{OPENING}' without '{CLOSING}' before the next"
        places.append((length, length + len(inside)))
        plain.append(inside + after)
        length += len(inside) + len(after)
    return "".join(plain), places
