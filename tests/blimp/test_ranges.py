"""Ranges of names: the rule, and what is refused."""

from __future__ import annotations

import pytest

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.ranges import expand_range, is_range, listed_names
from blimp2pymc.errors import BlimpError, Source, Span


@pytest.mark.parametrize(
    ("first", "last", "names"),
    [
        ("x1", "x3", ("x1", "x2", "x3")),
        ("x9", "x11", ("x9", "x10", "x11")),
        ("x08", "x10", ("x08", "x09", "x10")),
        ("v2_i", "v4_i", ("v2_i", "v3_i", "v4_i")),
        ("y1_t1", "y1_t3", ("y1_t1", "y1_t2", "y1_t3")),
        ("y1_t2", "y3_t2", ("y1_t2", "y2_t2", "y3_t2")),
        ("severity0", "severity1", ("severity0", "severity1")),
        ("x1", "x1", ("x1",)),
        ("m.1", "m.2", ("m.1", "m.2")),
        ("x00", "x02", ("x00", "x01", "x02")),
        ("x0", "x10", tuple(f"x{number}" for number in range(11))),
    ],
)
def test_expand_range(first: str, last: str, names: tuple[str, ...]) -> None:
    assert expand_range(first, last) == names
    assert is_range(first, last)


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        ("a", "f", "hold no number"),
        ("a", "a", "hold no number"),
        ("x1", "z3", "differ in nothing but one number"),
        ("x1", "x3b", "differ in nothing but one number"),
        ("x", "x3", "differ in nothing but one number"),
        ("y1_t1", "y2_t2", "more than one number"),
        ("x3", "x1", "smaller than its first"),
        ("x08", "x9", "different widths"),
        ("x1", "x99999999999", "more than 10,000 names"),
    ],
)
def test_no_range(first: str, last: str, reason: str) -> None:
    span = Span(Source("s", f"{first}:{last}"), 0, len(first) + 1 + len(last))
    assert not is_range(first, last)
    with pytest.raises(BlimpError) as caught:
        expand_range(first, last, span)
    (finding,) = caught.value.findings
    assert reason in finding.message
    assert finding.span == span
    assert finding.code == "no-range"


def test_listed_names_keep_place_and_reference() -> None:
    source = Source("s", "x1:x2 n(2)")
    items = (
        tree.NameItem(tree.Range("x1", "x2"), None, Span(source, 0, 5)),
        tree.NameItem(tree.Name("n"), 2.0, Span(source, 6, 10)),
    )
    listed = listed_names(items)
    assert [(each.name, each.reference, each.span) for each in listed] == [
        ("x1", None, Span(source, 0, 5)),
        ("x2", None, Span(source, 0, 5)),
        ("n", 2.0, Span(source, 6, 10)),
    ]
