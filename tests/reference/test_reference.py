"""Agreement with the posteriors that Blimp printed, case by case, judged by the cases' own comparator.

The cases are no part of the repository; without them there is nothing to run. Chains are as long as 1,000
effective draws of every quantity need. With the environment variable BLIMP2PYMC_REFERENCE set to `full`
every script runs at its own length.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from reference.agreement import AT_FULL_LENGTH, ITERATIONS, REFERENCE, cases, compared, converged_estimates, estimates
from reference.known_differences import KNOWN_DIFFERENCES, may_differ

SUPPORTED_STAGES = ("1",)
"""Values of the column `stage` of the index whose cases have to pass."""

MAX_RHAT = 1.05
CASES = cases(SUPPORTED_STAGES)


def _named(grades: str) -> list[object]:
    return [pytest.param(each, id=each["case"]) for each in CASES if each["grade"] in grades]


@pytest.mark.slow
@pytest.mark.parametrize("case", _named("AB"))
def test_estimates_agree(case: dict[str, str], tmp_path: Path, record_property: pytest.RecordProperty) -> None:
    name = case["case"]
    converged_estimates(name, tmp_path)
    table = compared(REFERENCE / name / "posterior.csv", tmp_path / "estimates.csv", "--floor", case["floor"])
    excused = may_differ(name, table)
    record_property("agreement", _line(name, table, excused))
    differs = table["status"].isin(["outside", "missing"])
    assert not (table["status"] == "missing").any()
    assert table[differs & ~excused].empty
    if name in KNOWN_DIFFERENCES:
        assert (differs & excused).any(), "the rows agree now: take the case out of KNOWN_DIFFERENCES"


@pytest.mark.slow
@pytest.mark.parametrize("case", _named("CDX"))
def test_case_without_trusted_estimates_runs_and_converges(case: dict[str, str], tmp_path: Path) -> None:
    table = estimates(case["case"], tmp_path, None if AT_FULL_LENGTH else ITERATIONS)
    judged = table[~table["block"].isin(["fit", "wald"])]
    assert len(judged)
    assert judged["median"].notna().all()
    varies = judged["sd"].fillna(0) > 0
    assert (judged.loc[varies, "r_hat"] < MAX_RHAT).all()


def _line(case: str, table: pd.DataFrame, excused: pd.Series) -> str:
    """How far the medians lie apart, in posterior standard deviations and in shares of what is allowed."""
    judged = table[~excused & table["severity"].notna()]
    text = f"{case:16} {len(judged):4d} rows, max |z| {judged['z'].abs().max():.3f}"
    text += f", worst of median, SD and interval ends {judged['severity'].max():.2f} of the tolerance"
    rest = table[excused & table["severity"].notna()]
    return text + (f"; {len(rest)} rows known to differ, max |z| {rest['z'].abs().max():.3f}" if len(rest) else "")
