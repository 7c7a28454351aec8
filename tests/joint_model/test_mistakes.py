"""Mistakes and refusals: marked scripts, each with its recorded messages beside it.

`RECORD=1 pytest tests/joint_model/test_mistakes.py` rewrites the messages; read the difference before
keeping it.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from joint_model.simulated import table
from marked import load_marked

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.refusals import REFUSALS
from blimp2pymc.joint_model.resolve import resolve

SCRIPTS = sorted((Path(__file__).parents[1] / "bad" / "model").glob("*.imp"))


@cache
def mistakes(path: Path) -> BlimpError:
    text, _ = load_marked(path)
    with pytest.raises(BlimpError) as caught:
        resolve(text, table())
    return caught.value


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_findings_point_at_the_marked_places(path: Path) -> None:
    _, places = load_marked(path)
    found = sorted({(each.span.start, each.span.end) for each in mistakes(path).findings if each.span})
    assert found == places


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_messages_are_the_recorded_ones(path: Path) -> None:
    text = "\n\n".join(str(each) for each in mistakes(path).findings) + "\n"
    recorded = path.with_suffix(".txt")
    if os.environ.get("RECORD"):
        recorded.write_text(text)
    assert text == recorded.read_text()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_finding_has_a_code(path: Path) -> None:
    assert all(each.code for each in mistakes(path).findings)


def test_every_refusal_has_a_script() -> None:
    seen = {each.code for path in SCRIPTS for each in mistakes(path).findings}
    assert REFUSALS.keys() - seen == set()
