"""Every name of every script, misspelt in one place: refused, or at least warned of; never accepted in silence."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from blimp2pymc.blimp.expressions import NAME
from blimp2pymc.blimp.parse import parse
from blimp2pymc.blimp.pieces import plain_code
from blimp2pymc.data.read import column_names
from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.resolve import resolve

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.imp"))
REFERENCE = sorted((ROOT.parent / "shared" / "reference").glob("*/model.imp"))


def misspelt(name: str, rng: random.Random) -> str:
    """Two letters exchanged, one left out, or one too many."""
    place = rng.randrange(len(name))
    found = rng.choice([
        name[:place] + name[place + 1 : place + 2] + name[place] + name[place + 2 :],
        name[:place] + name[place + 1 :],
        name[: place + 1] + rng.choice("qzj") + name[place + 1 :],
    ])  # fmt: skip
    return found if found != name and re.fullmatch(NAME, found) else f"{name}q"


def mutations(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, misspelling and changed text, for names that stand in several places: others may have any spelling."""
    rng = random.Random(text)
    places: dict[str, list[int]] = {}
    for match in re.finditer(NAME, plain_code(text)):
        places.setdefault(match[0], []).append(match.start())
    for name, starts in places.items():
        at, wrong = rng.choice(starts), misspelt(name, rng)
        if len(starts) > 1 and wrong not in places:
            yield name, wrong, text[:at] + wrong + text[at + len(name) :]


def warnings(text: str, path: Path) -> int | None:
    """How many warnings a script gives; None if it is refused."""
    try:
        return sum(note.severity == "warning" for note in resolve(parse(text, str(path))).notes)
    except BlimpError:
        return None


@pytest.mark.parametrize("path", [
    *(pytest.param(each, id=each.stem) for each in EXAMPLES),
    *(pytest.param(each, id=each.parent.name, marks=pytest.mark.slow) for each in REFERENCE),
])  # fmt: skip
def test_no_misspelling_is_accepted_in_silence(path: Path) -> None:
    text = path.read_text()
    before = warnings(text, path)
    if before is None:
        pytest.skip("refused as it is")
    columns = column_names(parse(text, str(path))) or ()
    for name, wrong, changed in mutations(text):
        after = warnings(changed, path)
        assert after is None or after > before or wrong in columns, f"{name} -> {wrong}"
