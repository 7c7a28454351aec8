"""Runs a case from the command line and compares its tables with the ones Blimp printed.

The judge is the comparator that comes with the cases; here it is only called and its table read. Cases and
comparator lie beside the repository in `../shared/reference` and are no part of it.
"""

from __future__ import annotations

import csv
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from reference.known_differences import HEADINGS, with_printed_headings

from blimp2pymc.cli import main

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
AT_FULL_LENGTH = os.environ.get("BLIMP2PYMC_REFERENCE") == "full"

BURN = 1_000
ITERATIONS = 4_000
MIN_EFFECTIVE_DRAWS = 1_000
SLOWER: Mapping[str, int] = {
    **dict.fromkeys(
        ("book-3.2-mod1", "book-3.2-mod4", "book-3.4-mod2", "book-6.2-mod2", "guide-4.15", "guide-4.5a"), 8_000
    ),
    **dict.fromkeys(("guide-5.8a", "guide-5.8b", "guide-5.19a", "guide-5.19d", "guide-5.19e"), 8_000),
    **dict.fromkeys(("book-6.10-mod1", "book-6.10-mod2", "book-6.10-mod4", "guide-5.15"), 20_000),
}
"""Iterations that cases begin with which are known to need more; all go on until the effective draws are enough."""
MIXED = 8_000
"""Iterations of a run that is judged by its convergence alone."""
LENGTHENED = (10, 40)
"""How many times longer a run is repeated whose chains disagree."""


def cases(stages: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of the index whose column `stage` is one of `stages`; none where there is no index."""
    index = REFERENCE / "index.csv"
    if not index.exists():
        return []
    with index.open(encoding="utf-8", newline="") as stream:
        return [each for each in csv.DictReader(stream) if each["stage"] in stages]


def estimates(case: str, folder: Path, iterations: int | None = None) -> pd.DataFrame:
    """Run a case and read the table it writes; the script's own length when `iterations` is None."""
    script = REFERENCE / case / "model.imp"
    length = [] if iterations is None else ["--burn", str(BURN), "--iter", str(iterations)]
    assert main(["run", str(script), "--out", str(folder), "--cores", "1", "--quiet", *length]) == 0
    table = read_table(folder / "estimates.csv")
    if case in HEADINGS:
        table = with_printed_headings(case, table)
        table.to_csv(folder / "estimates.csv", index=False)
    return table


def converged_estimates(case: str, folder: Path) -> pd.DataFrame:
    """Estimates from as many draws as give every quantity 1,000 effective ones, which is asserted."""
    if AT_FULL_LENGTH:
        return estimates(case, folder)
    iterations = SLOWER.get(case, ITERATIONS)
    found = estimates(case, folder, iterations)
    fewest = _fewest_effective_draws(found)
    for _ in range(2):
        # A short run of slow chains overrates itself, so that the second attempt may fall short too.
        if fewest < MIN_EFFECTIVE_DRAWS:
            iterations = math.ceil(1.3 * iterations * MIN_EFFECTIVE_DRAWS / fewest)
            found = estimates(case, folder, iterations)
            fewest = _fewest_effective_draws(found)
    assert fewest >= MIN_EFFECTIVE_DRAWS, f"{fewest:.0f} effective draws out of {iterations}"
    return found


def mixed_estimates(case: str, folder: Path, highest: float) -> pd.DataFrame:
    """Estimates from as many draws as bring every potential scale reduction below `highest`, up to a limit."""
    if AT_FULL_LENGTH:
        return estimates(case, folder)
    found = estimates(case, folder, MIXED)
    for times in LENGTHENED:
        if highest_r_hat(found) < highest:
            break
        found = estimates(case, folder, times * MIXED)
    return found


def highest_r_hat(table: pd.DataFrame) -> float:
    """Largest potential scale reduction of everything that varies."""
    return float(table.loc[_varies(table), "r_hat"].max())


def compared(printed: Path, ours: Path, *options: str) -> pd.DataFrame:
    """The comparator's table: a row per printed line, `status` among ok, outside, missing, weak, extra.

    Parameters
    ----------
    printed, ours
        Tables of estimates: the one to agree with and the one that is judged.
    options
        Further arguments of the comparator.
    """
    written = ours.parent / "compared.csv"
    arguments = [sys.executable, REFERENCE / "compare.py", printed, ours, "--skip", "fit", "-o", written, *options]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert ended.returncode in (0, 1), ended.stderr
    print(ended.stdout)
    table = read_table(written)
    failures = table["status"].isin(["outside", "missing"])
    assert bool(ended.returncode) == bool(failures.any()), "exit status and table contradict each other"
    return table


def read_table(path: Path) -> pd.DataFrame:
    """A table of estimates or of comparisons; outcome and section are text even where they are empty."""
    table = pd.read_csv(path, keep_default_na=False, na_values=[""], low_memory=False)
    return table.astype({"outcome": object, "section": object}).fillna({"outcome": "", "section": ""})


def _fewest_effective_draws(table: pd.DataFrame) -> float:
    return float(table.loc[_varies(table), "n_eff"].min())


def _varies(table: pd.DataFrame) -> pd.Series:
    return (table["sd"].fillna(0) > 0) & (table["block"] != "fit")
