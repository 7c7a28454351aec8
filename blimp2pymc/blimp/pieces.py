"""A statement's text that knows where each of its characters stands in the script.

Comments are blanked and word-processor damage is repaired without moving a character, so positions
stay true; text spliced in by a loop remembers the brackets it came from. Grammar actions make spans with it.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from blimp2pymc.errors import Source, Span

REPAIRS = {
    ord(old): new
    for new, olds in {
        "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d",  # hyphens, dashes, minus signs
        "~": "\u02dc\u223c\uff5e",
        "*": "\u00d7\u2217\u22c5",
        "^": "\u02c6",
        " ": "\ufeff\u00a0\u2002\u2003\u2007\u2009\u202f\u200b\f\v\x1c\x1d\x1e\x85\u2028\u2029",
    }.items()
    for old in olds
}
"""Characters a word processor or a web page puts in place of plain ones; each is one for one."""

COMMENT = re.compile(r"#[^\n\r]*")


class Piece(str):
    """A piece of script text; `span(start, end)` finds the place it came from.

    `segments` holds `(start, original_start, original_end)`: where a run of the piece begins, and the slice of
    the script it stands for. A run copied as it is has `original_end` None.
    """

    source: Source
    segments: tuple[tuple[int, int, int | None], ...]
    block: str

    __slots__ = ("block", "segments", "source")

    def __new__(
        cls, text: str, source: Source, segments: tuple[tuple[int, int, int | None], ...], block: str = ""
    ) -> Piece:
        """Make a piece of `text` that came from `segments` of `source` and stands in `block`."""
        piece = super().__new__(cls, text)
        piece.source, piece.segments, piece.block = source, segments, block
        return piece

    def span(self, start: int, end: int) -> Span:
        """The slice of the script that `start:end` of this piece came from."""
        if len(self.segments) == 1 and self.segments[0][2] is None:
            shift = self.segments[0][1] - self.segments[0][0]
            return Span(self.source, start + shift, max(end, start + 1) + shift)
        first = self._place(start)[0]
        return Span(self.source, first, max(first, self._place(max(start, end - 1))[1]))

    def part(self, start: int, end: int | None = None, block: str | None = None) -> Piece:
        """A slice of this piece, positions kept."""
        stop = len(self) if end is None else end
        kept = [each for each in self.segments if each[0] < stop]
        while len(kept) > 1 and kept[1][0] <= start:
            del kept[0]
        segments = []
        for begins, original, original_end in kept:
            skipped = max(0, start - begins) if original_end is None else 0
            segments.append((max(0, begins - start), original + skipped, original_end))
        return Piece(str.__getitem__(self, slice(start, stop)), self.source, tuple(segments),
                     self.block if block is None else block)  # fmt: skip

    def _place(self, position: int) -> tuple[int, int]:
        """First and past-the-end original position of the character at `position`."""
        if len(self.segments) == 1:
            begins, original, original_end = self.segments[0]
        else:
            index = bisect_right(self.segments, position, key=lambda each: each[0]) - 1
            begins, original, original_end = self.segments[max(index, 0)]
        if original_end is not None:
            return original, original_end
        return original + position - begins, original + position - begins + 1


def plain_code(text: str) -> str:
    """The script with comments blanked and typographic characters made plain; same length, same lines."""
    blanked = COMMENT.sub(lambda match: " " * len(match[0]), text)
    return blanked if blanked.isascii() else blanked.translate(REPAIRS)


def blank_comments(text: str) -> str:
    """The script with comments blanked and everything else untouched, for file names."""
    return COMMENT.sub(lambda match: " " * len(match[0]), text)


def whole(source: Source, code: str) -> Piece:
    """All of a script's plain code as one piece."""
    return Piece(code, source, ((0, 0, None),))
