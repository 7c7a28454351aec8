"""Agreement with the posteriors that Blimp printed, case by case, judged by the cases' own comparator.

The cases are no part of the repository; without them there is nothing to run. Chains are as long as 1,000
effective draws of every quantity need. With the environment variable BLIMP2PYMC_REFERENCE set to `full`
every script runs at its own length.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from reference.agreement import (
    AT_FULL_LENGTH,
    REFERENCE,
    cases,
    compared,
    converged_estimates,
    highest_r_hat,
    mixed_estimates,
)
from reference.known_differences import KNOWN_DIFFERENCES, is_as_printed, may_differ

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.resolve import resolve

SUPPORTED_STAGES = ("1", "3", "4")
"""Values of the column `stage` of the index whose cases have to pass."""

NOT_SAMPLED: dict[str, str] = {}
"""Cases of these stages that are refused -> code of the refusal."""

OPEN_RESIDUALS = frozenset({"guide-4.14", "guide-5.5", "guide-5.6"})
"""Cases with residuals of multinomial outcomes and of counts; it is not known what Blimp takes for these."""

ONLY_AT_FULL_LENGTH = frozenset({
    "bench-6", "book-6.4-mod1", "book-6.6-mod1", "book-6.7-mod2", "book-6.7-mod4",
    "guide-4.17b", "guide-4.18", "guide-5.13", "guide-5.16", "latint-2", "latint-3", "latint-4", "latint-5",
    "workshop-8", "book-4.1-mod1", "book-4.1-mod4", "book-4.3-mod2", "guide-4.5b",
})  # fmt: skip
"""Cases with many ordinal items or thresholds that move slowly, and models that other cases have too: only
`make reference` runs them."""

MAX_RHAT = 1.05
CASES = [
    each
    for each in cases(SUPPORTED_STAGES)
    if each["case"] not in NOT_SAMPLED and (AT_FULL_LENGTH or each["case"] not in ONLY_AT_FULL_LENGTH)
]


def _named(grades: str) -> list[object]:
    return [pytest.param(each, id=each["case"]) for each in CASES if each["grade"] in grades]


@pytest.mark.slow
@pytest.mark.parametrize("case", _named("AB"))
def test_estimates_agree(case: dict[str, str], tmp_path: Path, record_property: pytest.RecordProperty) -> None:
    name = case["case"]
    converged_estimates(name, tmp_path)
    options = ["--floor", case["floor"]]
    if name in OPEN_RESIDUALS:
        options += ["--skip", "fit", "correlation"]
    table = compared(REFERENCE / name / "posterior.csv", tmp_path / "estimates.csv", *options)
    excused = may_differ(name, table)
    record_property("agreement", _line(name, table, excused))
    differs = table["status"].isin(["outside", "missing"]) & ~is_as_printed(table)
    assert not (table["status"] == "missing").any()
    assert table[differs & ~excused].empty
    if name in KNOWN_DIFFERENCES and not KNOWN_DIFFERENCES[name].near_the_tolerance:
        assert (differs & excused).any(), "the rows agree now: take the case out of KNOWN_DIFFERENCES"


@pytest.mark.slow
@pytest.mark.parametrize("case", _named("CDX"))
def test_case_without_trusted_estimates_runs_and_converges(case: dict[str, str], tmp_path: Path) -> None:
    table = mixed_estimates(case["case"], tmp_path, MAX_RHAT)
    judged = table[~table["block"].isin(["fit", "wald"])]
    assert len(judged)
    assert judged["median"].notna().all()
    assert highest_r_hat(judged) < MAX_RHAT


@pytest.mark.parametrize("name", NOT_SAMPLED)
def test_case_that_cannot_be_sampled_yet_is_refused_by_name(name: str) -> None:
    if not REFERENCE.exists():
        pytest.skip("no reference cases")
    with pytest.raises(BlimpError) as caught:
        resolve(REFERENCE / name / "model.imp")
    assert NOT_SAMPLED[name] in {each.code for each in caught.value.findings}


def _line(case: str, table: pd.DataFrame, excused: pd.Series) -> str:
    """How far the medians lie apart, in posterior standard deviations and in shares of what is allowed."""
    judged = table[~excused & table["severity"].notna()]
    text = f"{case:16} {len(judged):4d} rows, max |z| {judged['z'].abs().max():.3f}"
    text += f", worst of median, SD and interval ends {judged['severity'].max():.2f} of the tolerance"
    rest = table[excused & table["severity"].notna()]
    return text + (f"; {len(rest)} rows known to differ, max |z| {rest['z'].abs().max():.3f}" if len(rest) else "")
