"""The corpus of small scripts, and the recorded results they are compared with.

`PYTHONPATH=tests python tests/blimp/corpus.py` records anew; read the difference before committing it.
"""

from __future__ import annotations

from pathlib import Path

from marked import load_marked

from blimp2pymc.blimp.parse import parse
from blimp2pymc.blimp.write import write
from blimp2pymc.errors import BlimpError

TESTS = Path(__file__).parent.parent
GOOD = sorted((TESTS / "good").glob("*.imp"))
BAD = sorted((TESTS / "bad" / "syntax").glob("*.imp"))
REFERENCE = sorted((TESTS.parent.parent / "shared" / "reference").glob("*/*.imp"))

CANONICAL_TEXTS = TESTS / "good" / "canonical.txt"
MESSAGES = TESTS / "bad" / "syntax" / "messages.txt"
HEADING = "=== "


def read(path: Path) -> str:
    """The text of a script, line ends untouched."""
    return path.read_bytes().decode("utf-8")


def canonical_text(path: Path) -> str:
    """A good script written from its tree, with the warnings it gave."""
    script = parse(read(path), path.name)
    return write(script) + "".join(f"{each}\n" for each in script.warnings)


def message(path: Path) -> str:
    """What a bad script is told."""
    text, _ = load_marked(path)
    try:
        parse(text, path.name)
    except BlimpError as mistake:
        return f"{mistake}\n"
    raise AssertionError(f"{path.name} was read without an error")


def recorded(file: Path) -> dict[str, str]:
    """Results by script name."""
    texts = {}
    for part in file.read_text(encoding="utf-8").split(f"\n{HEADING}")[0:]:
        name, _, text = part.removeprefix(HEADING).partition("\n")
        texts[name] = text if text.endswith("\n") else f"{text}\n"
    return texts


def record() -> None:
    """Write both files of results."""
    for file, paths, result in ((CANONICAL_TEXTS, GOOD, canonical_text), (MESSAGES, BAD, message)):
        file.write_text("".join(f"{HEADING}{path.stem}\n{result(path)}" for path in paths), encoding="utf-8")


if __name__ == "__main__":
    record()
