"""Names and levels of random effects are checked, though none is sampled yet."""

from __future__ import annotations

import pytest
from joint_model.simulated import table
from marked import unmark

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.refusals import is_refusal
from blimp2pymc.joint_model.resolve import resolve


def mistakes(text: str) -> list:
    with pytest.raises(BlimpError) as caught:
        resolve(text, table())
    return [each for each in caught.value.findings if not is_refusal(each)]


@pytest.mark.parametrize(
    ("marked", "code", "hint"),
    [
        ("MODEL: y ~ x3 | <(x3)>;", "no-clusterid", "CLUSTERID: name;"),
        ("CLUSTERID: n; MODEL: y ~ x3 | <(x9)>;", "undeclared-name", "x4 (a column of DataFrame)"),
        ("CLUSTERID: n; MODEL: y ~ x3 | 1[n] <(x3[nn])>;", "unknown-level", "n"),
        ("CLUSTERID: n; MODEL: y ~ x3 | x3; RANDOMEFFECT: u = <(yy)> | x3 [n];", "undeclared-name",
         "y (a column of DataFrame)"),
        ("CLUSTERID: n; MODEL: y ~ x3 | x3; RANDOMEFFECT: u = y | <(x3 [nn])>;", "unknown-level", "n"),
    ],
)  # fmt: skip
def test_mistake_is_pointed_at(marked: str, code: str, hint: str) -> None:
    text, places = unmark(marked)
    (finding,) = mistakes(text)
    assert [(finding.span.start, finding.span.end)] == places
    assert (finding.code, finding.hint) == (code, hint)


@pytest.mark.parametrize(
    "text",
    [
        "MODEL: y ~ x3 | 0;",
        "MODEL: y ~ x3 | 1@0;",
        "CLUSTERID: n; MODEL: y ~ x3 | x3^2 1[n];",
        "CLUSTERID: n; MODEL: y ~ x3 | 1@v; RANDOMEFFECT: u = y | intercept [n];",
    ],
)
def test_what_is_no_mistake(text: str) -> None:
    assert mistakes(text) == []
