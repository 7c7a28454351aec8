"""Start-up times, measured in pairs: each command beside the bare imports it cannot do without.

    python benchmarks/startup.py [--repeats 15] [--write]

The two members of a pair are started in turns, so that a busy machine slows both; the medians and
their ratio are printed as a Markdown table. `run` samples a handful of iterations of one chain, with
the kernels compiled by a run before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from sections import table, write_section

SCRIPT = str(Path(__file__).parent.parent / "examples" / "interaction.imp")
BLIMP2PYMC = (str(Path(sys.executable).parent / "blimp2pymc"),)
PYTHON = (sys.executable, "-c")
SHORTEST = ("--burn", "2", "--iter", "8", "--chains", "1", "--cores", "1", "--quiet")

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""With Python's cache of compiled modules, as an installed package has it."""

PAIRS = (
    ("--version", (*BLIMP2PYMC, "--version"), "pass"),
    ("check", (*BLIMP2PYMC, "check", SCRIPT), "import numpy, pandas, pyparsing"),
    ("translate", (*BLIMP2PYMC, "translate", SCRIPT), "import numpy, pandas, pyparsing"),
    ("run", (*BLIMP2PYMC, "run", SCRIPT, *SHORTEST), "import numba, pandas"),
)
"""(name, command, the Python code it is compared with)."""


def main() -> None:
    """Measure every pair and print the table, or write it to `results.md`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--write", action="store_true", help="write the section of results.md")
    options = parser.parse_args()
    rows = []
    for name, command, imports in PAIRS:
        own, bare = measure(command, (*PYTHON, imports), options.repeats)
        rows.append([f"`{name}`", f"{own:.3f}", f"`{imports}`", f"{bare:.3f}", f"{own / bare:.2f}"])
    text = f"Medians of {options.repeats} starts, Python {sys.version.split()[0]}.\n\n"
    text += table(["command", "seconds", "beside", "seconds", "ratio"], rows)
    print(text)
    if options.write:
        write_section("startup.py", text)


def measure(first: tuple[str, ...], second: tuple[str, ...], repeats: int) -> tuple[float, float]:
    """Median wall-clock seconds of two commands, run in turns after one unmeasured start of each."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 1):
        for command, times in zip((first, second), seconds, strict=True):
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
            if turn:
                times.append(time.perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


if __name__ == "__main__":
    main()
