"""Names in SIMULATE are checked, though no data are generated yet."""

from __future__ import annotations

import pytest

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.resolve import resolve

SCRIPT = """
SIMULATE:
  pupils(1) = 10*100; schools(2) = 100;
  define: b = .5; x ~~ w := .3;
  schools: w = normal(0, 1);
  pupils:
    x1:x3 = normal(0, 1);
    x = normal(0, 1);
    time = pupils.time;
    y = normal(b*x + w + .2*y.lag + x1:+:x3, 1);
    z = missing(bernoulli(.2), y);
VARIABLES: x y z schools time x1:x3;
MODEL: y ~ x z;
"""


def mistakes(text: str) -> list[tuple[str, str]]:
    with pytest.raises(BlimpError) as caught:
        resolve(text)
    return [(each.span.text if each.span else "", each.code) for each in caught.value.findings]


def test_every_name_is_made() -> None:
    assert mistakes(SCRIPT) == [("SIMULATE", "simulate")]


@pytest.mark.parametrize(
    ("command", "name"), [("CLUSTERID: schools;", "schools"), ("ORDINAL: w;", "w"), ("MODEL: y ~ w;", "w")]
)
def test_what_is_made_has_to_be_kept(command: str, name: str) -> None:
    text = SCRIPT.replace("VARIABLES: x y z schools", "VARIABLES: x y z")
    assert text != SCRIPT
    with pytest.raises(BlimpError) as caught:
        resolve(text + command)
    (found,) = [each for each in caught.value.findings if each.code == "not-kept"]
    assert found.message == f"'{name}' is made by SIMULATE, but VARIABLES does not keep it"
    assert found.hint == f"VARIABLES: x y z time x1 x2 x3 {name};"


@pytest.mark.parametrize(
    ("written", "misspelt", "place"),
    [
        ("b*x", "bb*x", "bb"),
        ("y.lag", "yy.lag", "yy.lag"),
        ("x ~~ w", "x ~~ ww", "ww"),
        ("x1:+:x3", "x1:+:x4", "x1:+:x4"),
        ("VARIABLES: x y", "VARIABLES: xx y", "xx"),
        ("y ~ x z", "y ~ x zz", "zz"),
    ],
)
def test_misspelt_name_is_pointed_at(written: str, misspelt: str, place: str) -> None:
    assert written in SCRIPT
    assert (place, "undeclared-name") in mistakes(SCRIPT.replace(written, misspelt))
