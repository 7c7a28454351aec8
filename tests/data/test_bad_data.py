"""Whole scripts with mistakes in their data: exactly the expected findings, at the marked places.

Each script of `tests/bad/data` begins with the expected messages, one comment line each; the places are
marked in the script, or in its data file.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from marked import load_marked

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.resolve import resolve

FOLDER = Path(__file__).parent.parent / "bad" / "data"
SCRIPTS = sorted(FOLDER.glob("*.imp"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data files without their markers."""
    for file in FOLDER.iterdir():
        if file.suffix != ".imp":
            text, _ = load_marked(file)
            (tmp_path / file.name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_bad_data(path: Path, folder: Path) -> None:
    text, places = load_marked(path)
    (folder / path.name).write_text(text)
    before = sorted(folder.iterdir())
    with pytest.raises(BlimpError) as caught:
        resolve(folder / path.name)
    findings = caught.value.findings
    expected = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("#")]
    assert len(findings) == len(expected), str(caught.value)
    for finding, message in zip(findings, expected, strict=True):
        assert finding.message.startswith(message)
        assert finding.code
    in_script = [each.span for each in findings if each.span and each.span.source.text == text]
    if places:
        assert [(span.start, span.end) for span in in_script] == places
    in_data = [each.span for each in findings if each.span and each.span.source.name.endswith((".csv", ".dat"))]
    for span in in_data:
        _, marks = load_marked(FOLDER / span.source.name)
        assert not marks or (span.start, span.end) in marks
    assert sorted(folder.iterdir()) == before  # nothing is written


def test_data_files_are_used() -> None:
    scripts = "".join(path.read_text() for path in SCRIPTS)
    for file in FOLDER.iterdir():
        assert file.suffix == ".imp" or file.name in scripts


def test_the_good_file_is_good(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "complete.csv", tmp_path)
    script = tmp_path / "good.imp"
    script.write_text("DATA: complete.csv; MISSING: NA; ORDINAL: d; FIXED: d; MODEL: y ~ x1 x2 d;")
    assert resolve(script).frame.n_rows == 10
