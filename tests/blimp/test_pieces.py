"""Pieces of text know their places: plain ones, parts, and spliced ones."""

from __future__ import annotations

from blimp2pymc.blimp.loops import unroll
from blimp2pymc.blimp.pieces import Piece, blank_comments, plain_code, whole
from blimp2pymc.errors import Source


def test_plain_code_keeps_every_position() -> None:
    text = "\ufeffy \u2013> x # caf\u00e9 \u2014 no\n\u00a0z \u2212 1 # more\r\n"
    code = plain_code(text)
    assert len(code) == len(text)
    assert code.split() == ["y", "->", "x", "z", "-", "1"]
    assert [i for i, c in enumerate(code) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]
    assert blank_comments("a\u2013b # c") == "a\u2013b    "


def test_parts_of_parts() -> None:
    text = "0123456789"
    piece = whole(Source("s", text), text).part(2, 9).part(1, 4)
    assert piece == "345"
    assert piece.span(0, 3).text == "345"
    assert piece.span(1, 2).text == "4"
    assert piece.part(1).span(0, 2).text == "45"


def test_spliced_characters_point_at_their_brackets() -> None:
    text = "{ i in 9:11 } : ab[i]c[i-1] ~ x"
    first, _, third = unroll(whole(Source("s", text), text))
    assert first.strip() == "ab9c8 ~ x"
    assert third.strip() == "ab11c10 ~ x"
    start = third.index("ab")
    assert third.span(start, start + 2).text == "ab"
    assert third.span(start, start + 4).text == "ab[i]"
    assert third.span(start + 2, start + 3).text == "[i]"
    assert third.span(start + 4, start + 5).text == "c"
    assert third.span(start + 5, start + 7).text == "[i-1]"
    assert third.span(start + 8, start + 10).text == "~ "[:2]
    inner = third.part(start + 3, start + 6)
    assert inner == "1c1"
    assert inner.span(0, 1).text == "[i]"
    assert inner.span(1, 2).text == "c"
    assert inner.span(0, 3).text == "[i]c[i-1]"


def test_a_piece_is_a_string() -> None:
    piece = Piece("abc", Source("s", "abc"), ((0, 0, None),), "block")
    assert piece == "abc"
    assert piece.block == "block"
    assert piece.part(1).block == "block"
    assert piece.part(1, None, "other").block == "other"
