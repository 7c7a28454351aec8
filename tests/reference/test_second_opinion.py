"""Where our rows differ from Blimp's, an independent sampler says which model each of the two belongs to.

A Gibbs sampler in numpy draws the same model twice: once from the conditionals of the joint density, once
with the shortcut that explains Blimp's rows. The first has to give our rows, the second Blimp's, and every
row that is allowed to differ is among those compared.
"""

from __future__ import annotations

from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pytest
from reference.agreement import REFERENCE, compared, converged_estimates, read_table
from reference.known_differences import KNOWN_DIFFERENCES, may_differ
from reference.sum_score_gibbs import Array, Key, sample

from blimp2pymc.joint_model.resolve import resolve

CASE = "workshop-5"
ITEMS = KNOWN_DIFFERENCES[CASE].outcomes
DRAWS = 4_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (REFERENCE / CASE).exists(), reason="the reference cases are not there"),
]


def _gibbs(centered_when_imputing: bool) -> dict[Key, Array]:
    data = pd.DataFrame(dict(resolve(REFERENCE / CASE / "model.imp").data))
    return sample(
        data[list(ITEMS)], data["disab"], data["male"],
        draws=DRAWS, seed=1, centered_when_imputing=centered_when_imputing,
    )  # fmt: skip


def _write(draws: dict[Key, Array], path: Path) -> None:
    rows = [
        {
            **dict(zip(("block", "outcome", "section", "parameter"), key, strict=True)),
            "median": np.median(values),
            "sd": values.std(ddof=1),
            "lo": np.quantile(values, 0.025),
            "hi": np.quantile(values, 0.975),
            "n_eff": float(az.ess(values[None])),
            "fixed": 0,
        }
        for key, values in draws.items()
    ]
    pd.DataFrame(rows).to_csv(path, index=False)


def _rows_that_differ(table: pd.DataFrame, path: Path) -> int:
    """Write the rows that are allowed to differ; residual standard deviations follow from the variances."""
    rows = table[may_differ(CASE, table) & (table["section"] != "Standard Deviations")]
    rows.to_csv(path, index=False)
    return len(rows)


def test_our_rows_are_those_of_the_joint_density(tmp_path: Path) -> None:
    n_rows = _rows_that_differ(converged_estimates(CASE, tmp_path), tmp_path / "ours.csv")
    _write(_gibbs(centered_when_imputing=True), tmp_path / "gibbs.csv")
    # No floors: medians, standard deviations and interval ends agree up to Monte Carlo error alone.
    floors = ("--floor", "0", "--floor-sd", "0", "--floor-q", "0")
    table = compared(tmp_path / "gibbs.csv", tmp_path / "ours.csv", *floors)
    assert len(table) == n_rows > 90
    assert (table["status"] == "ok").all()


def test_rows_of_blimp_follow_from_its_shortcut(tmp_path: Path) -> None:
    printed = read_table(REFERENCE / CASE / "posterior.csv")
    n_rows = _rows_that_differ(printed, tmp_path / "printed.csv")
    _write(_gibbs(centered_when_imputing=False), tmp_path / "gibbs.csv")
    table = compared(tmp_path / "printed.csv", tmp_path / "gibbs.csv", "--floor", "0.05")
    assert len(table) == n_rows > 90
    assert (table["status"] == "ok").all()
