"""Damaged scripts: whatever is done to a text, it is read or refused with a BlimpError that can be shown."""

from __future__ import annotations

import random
import time

import pytest
from blimp.corpus import GOOD, read
from hypothesis import given, settings
from hypothesis import strategies as st

from blimp2pymc.blimp.format import format_script
from blimp2pymc.blimp.parse import parse
from blimp2pymc.blimp.write import write
from blimp2pymc.errors import BlimpError

TEXTS = [read(path) for path in GOOD]
PIECES = ["~", "~~", "->", "<-", "=", ":=", "@", "|", "*", "/", "^", "+", "-", "(", ")", "[", "]", "{", "}", ",", ":",
          ":+:", ";", "==", "<", ">", "&", "$", "#", "\n", " ", "x", "x1", "x4", "y", "i", "in", "1", "3", "1:3", ".5",
          "1e9", "intercept", "MODEL:", "model:", "DATA:", "SEED:", "TEST:", "PARAMETERS:", "SIMULATE:", "SIMPLE:",
          "NOMINAL:", "CENTER:", "SAVE:", "focal:", "exp(", "ifelse(", "normal(0,1)", "and", "or", "@b",
          "{ i in 1:3 } :", "[i-1]", "[i]", "\u2013", "\ufeff", "\r\n", "\u00e9", "\x00", "'"]  # fmt: skip


def examine(text: str) -> bool:
    """Read a text, or show why it cannot be read; whether it was read."""
    began = time.process_time()
    try:
        script = parse(text)
    except BlimpError as mistake:
        assert mistake.findings
        assert str(mistake)
        for finding in mistake.findings:
            assert finding.span is None or 0 <= finding.span.start <= finding.span.end <= len(text)
        return False
    finally:
        assert time.process_time() - began < 1  # milliseconds are usual
    assert parse(write(script)) == script
    formatted = format_script(text)
    assert parse(formatted) == script
    assert format_script(formatted) == formatted
    return True


def mutate(text: str, rng: random.Random) -> str:
    """One act of damage: cut, swap, duplicate, misspell, insert."""
    first, second = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    second = min(second, first + 30)
    match rng.randrange(6):
        case 0:
            return text[:first] + text[second:]
        case 1:
            return text[:first] + text[first:second] * 2 + text[second:]
        case 2:
            return text[:first] + text[first:second][::-1] + text[second:]
        case 3:
            third = min(len(text), second + 10)
            return text[:first] + text[second:third] + text[first:second] + text[third:]
        case 4:
            return text[:first] + rng.choice(PIECES) + text[first:]
        case _:
            return text[:first] + chr(rng.choice([rng.randrange(32, 127), rng.randrange(0x3000)])) + text[first + 1 :]


@pytest.mark.parametrize("seed", range(6))
def test_mutated_scripts(seed: int) -> None:
    rng = random.Random(seed)
    was_read = 0
    for text in TEXTS:
        damaged = text
        for _ in range(rng.randrange(1, 4)):
            damaged = mutate(damaged, rng)
        was_read += examine(damaged)
    assert 0 < was_read < len(TEXTS)


@given(st.lists(st.sampled_from(PIECES), max_size=40))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_heaps_of_tokens(pieces: list[str]) -> None:
    examine("MODEL: " + " ".join(pieces))
    examine("".join(pieces))


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_text(text: str) -> None:
    examine(text)
    examine(f"MODEL: y ~ {text};")
    examine(f"DATA: {text}; SAVE: stacked = {text};")


@pytest.mark.parametrize("piece", ["(", ")", "[", "{ ", "-", "x*", "x^", "x@", "x ", "{ i in 1:2 } : ", "a:", "x1:x2 ",
                                   "exp(", "~", ";", "x1:+:", "&", "|", "x | ", "1", "\n", "# c\n",
                                   "MODEL:"])  # fmt: skip
def test_long_repetitions(piece: str) -> None:
    examine(f"MODEL: y ~ {piece * 3000}")
    examine(f"PARAMETERS: {piece * 3000} = 1;")


@pytest.mark.parametrize("command", ["VARIABLES", "NOMINAL", "CENTER", "LATENT", "SIMPLE", "WALDTEST", "SIMULATE",
                                     "SEED", "OPTIONS", "SAVE", "FILTER", "TRANSFORM", "RANDOMEFFECT"])  # fmt: skip
def test_every_command_with_every_token(command: str) -> None:
    for piece in PIECES:
        examine(f"{command}: {piece};")
        examine(f"{command}: x {piece} y;")
