"""What is imported when: the cheap commands stay cheap, whatever the stages grow into."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPT = str(EXAMPLES / "interaction.imp")

HEAVY = ("pymc", "pytensor", "arviz", "numba", "scipy", "rich", "matplotlib", "xarray", "nutpie")
DATA = ("numpy", "pandas", "pyparsing")


def _imported(code: str) -> set[str]:
    """Top-level modules present after running `code` in a fresh interpreter."""
    code += "\nimport sys; print('@', *sorted({each.split('.')[0] for each in sys.modules}), file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(ended.stderr.split("@")[-1].split())


def _command(*arguments: str) -> str:
    return f"from blimp2pymc.cli import main; assert main({list(arguments)!r}) == 0"


def test_import_is_free() -> None:
    assert not _imported("import blimp2pymc") & {*HEAVY, *DATA, "typing", "dataclasses"}


def test_version_imports_nothing() -> None:
    assert not _imported(_command("--version")) & {*HEAVY, *DATA, "typing", "argparse"}


@pytest.mark.parametrize(
    "arguments", [(name, SCRIPT) for name in ("check", "translate", "explain", "format", "diagram")]
)
def test_reading_and_writing_need_no_sampler(arguments: tuple[str, ...]) -> None:
    assert not _imported(_command(*arguments)) & set(HEAVY)


@pytest.mark.slow
def test_run_prints_without_pymc_and_arviz() -> None:
    run = _command("run", SCRIPT, "--burn", "20", "--iter", "80", "--cores", "1", "--quiet")
    assert not _imported(run) & {"pymc", "pytensor", "arviz", "xarray", "matplotlib", "nutpie", "rich"}
    again = _imported(run)
    assert not again & set(HEAVY), "a run that finds its machine code needs neither numba nor scipy"
