"""The examples of the page about the language are read as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from blimp2pymc.blimp.commands import CANONICAL, SAVE_KINDS
from blimp2pymc.blimp.expressions import FUNCTIONS
from blimp2pymc.blimp.parse import parse

PAGE = (Path(__file__).parent.parent.parent / "docs" / "language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```blimp\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_example_is_read(text: str) -> None:
    assert parse(text).commands


def test_nothing_is_left_out() -> None:
    words = set(re.findall(r"\w+", PAGE))
    assert len(EXAMPLES) >= 5
    assert not set(CANONICAL) - words
    assert not set(SAVE_KINDS) - words
    assert not set(FUNCTIONS) - words
