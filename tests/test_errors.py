"""How a finding is shown: its place, the line, a caret."""

from __future__ import annotations

from blimp2pymc.errors import LONGEST_LINE, Finding, Source, Span, render


def shown(text: str, start: int, end: int) -> list[str]:
    return render(Finding("wrong", Span(Source("wide.csv", text), start, end))).split("\n")


def test_caret_stands_below_its_place() -> None:
    _, line, caret = shown("1,2,foo", 4, 7)
    assert line[caret.index("^") : caret.rindex("^") + 1] == "foo"


def test_long_line_is_cut_around_the_place() -> None:
    text = ",".join(str(number) for number in range(1000)) + ",foo," + ",".join(["1"] * 1000)
    start = text.index("foo")
    for first, last in ((start, start + 3), (0, 1), (len(text) - 1, len(text)), (0, len(text))):
        place, line, caret = shown(text, first, last)
        assert place.endswith(f":{first + 1}: wrong")
        assert len(line) < LONGEST_LINE + 20
        marked = line[caret.index("^") : caret.rindex("^") + 1]
        assert text[first:last].startswith(marked) and marked
