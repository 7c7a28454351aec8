"""The emitted source of small models, recorded whole, so that every change of it shows as a diff.

    UPDATE_RECORDED=1 .venv/bin/python -m pytest tests/pymc_source/test_recorded.py

writes the files anew.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pymc_source import cases

from blimp2pymc.pymc_source.emit import translate

RECORDED = Path(__file__).parent / "recorded"


@pytest.mark.parametrize("name", [*cases.SCRIPTS, *cases.CATEGORY_SCRIPTS])
def test_source_is_the_recorded_one(name: str) -> None:
    path = RECORDED / f"{name}.py"
    text = translate(cases.case(name))
    if os.environ.get("UPDATE_RECORDED"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", cases.NAMES)
def test_source_is_python_of_our_layout(name: str, tmp_path: Path) -> None:
    text = translate(cases.case(name))
    ast.parse(text)
    assert max(len(line) for line in text.splitlines()) <= 120
    assert "blimp2pymc" not in "".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is not installed")
    path = tmp_path / "model.py"
    path.write_text(text)
    for command in (["format", "--check"], ["check", "--select", "E,F,I,UP,B,SIM,RUF"]):
        arguments = [ruff, *command, "--isolated", "--line-length", "120", str(path)]
        run = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
