"""Agreement with the posteriors that Blimp printed, case by case, judged by the cases' own comparator.

The cases lie beside the repository in `../shared/reference` and are no part of it; without them there
is nothing to run. Chains are as long as 1,000 effective draws of every quantity need. With the
environment variable BLIMP2PYMC_REFERENCE set to `full` every script runs at its own length.
"""

from __future__ import annotations

import csv
import math
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from blimp2pymc.cli import main

SUPPORTED_STAGES = ("1",)
"""Values of the column `stage` of the index whose cases have to pass."""

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
AT_FULL_LENGTH = os.environ.get("BLIMP2PYMC_REFERENCE") == "full"

BURN = 2_000
ITERATIONS = 8_000
MIN_EFFECTIVE_DRAWS = 1_000
MAX_RHAT = 1.05


def _cases() -> list[dict[str, str]]:
    index = REFERENCE / "index.csv"
    if not index.exists():
        return []
    with index.open(encoding="utf-8", newline="") as stream:
        return [each for each in csv.DictReader(stream) if each["stage"] in SUPPORTED_STAGES]


CASES = _cases()


def _named(grades: str) -> list[object]:
    return [pytest.param(each, id=each["case"]) for each in CASES if each["grade"] in grades]


def _estimates(case: dict[str, str], folder: Path, iterations: int | None) -> pd.DataFrame:
    """Run a case from the command line and read the table it writes."""
    script = REFERENCE / case["case"] / "model.imp"
    length = [] if iterations is None else ["--burn", str(BURN), "--iter", str(iterations)]
    assert main(["run", str(script), "--out", str(folder), "--cores", "1", "--quiet", *length]) == 0
    return pd.read_csv(folder / "estimates.csv", keep_default_na=False, na_values=[""])


def _fewest_effective_draws(estimates: pd.DataFrame) -> float:
    varies = estimates["sd"].fillna(0) > 0
    return float(estimates.loc[varies & (estimates["block"] != "fit"), "n_eff"].min())


@pytest.mark.slow
@pytest.mark.parametrize("case", _named("AB"))
def test_estimates_agree(case: dict[str, str], tmp_path: Path) -> None:
    iterations = None if AT_FULL_LENGTH else ITERATIONS
    estimates = _estimates(case, tmp_path, iterations)
    fewest = _fewest_effective_draws(estimates)
    if iterations is not None and fewest < MIN_EFFECTIVE_DRAWS:
        iterations = math.ceil(1.3 * iterations * MIN_EFFECTIVE_DRAWS / fewest)
        fewest = _fewest_effective_draws(_estimates(case, tmp_path, iterations))
    if not AT_FULL_LENGTH:
        assert fewest >= MIN_EFFECTIVE_DRAWS, f"{fewest:.0f} effective draws out of {iterations}"
    judged = subprocess.run(
        [
            sys.executable, REFERENCE / "compare.py", REFERENCE / case["case"] / "posterior.csv",
            tmp_path / "estimates.csv", "--skip", "fit", "--floor", case["floor"],
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(judged.stdout, judged.stderr)
    assert judged.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("case", _named("CDX"))
def test_case_without_trusted_estimates_runs_and_converges(case: dict[str, str], tmp_path: Path) -> None:
    estimates = _estimates(case, tmp_path, None if AT_FULL_LENGTH else ITERATIONS)
    judged = estimates[~estimates["block"].isin(["fit", "wald"])]
    assert len(judged)
    assert judged["median"].notna().all()
    varies = judged["sd"].fillna(0) > 0
    assert (judged.loc[varies, "r_hat"] < MAX_RHAT).all()
