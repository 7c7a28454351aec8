"""Two tables side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_built import interaction
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.errors import BlimpError
from blimp2pymc.summary.comparison import comparison, read_estimates
from blimp2pymc.summary.tables import estimates


@pytest.fixture(scope="module")
def table():
    return estimates(interaction(), synthetic_draws(interaction()))


def test_with_itself(table):
    found = comparison(table, table)
    assert (found["status"] == "both").all()
    assert list(found["parameter"]) == list(table["parameter"])
    assert (found["z"].dropna() == 0).all()
    row = table["parameter"] == "x1*x2"
    assert found.loc[row, "error"].tolist() == pytest.approx(1.2533 * np.sqrt(2 / table.loc[row, "n_eff"]))


def test_difference_in_standard_deviations(table):
    other = table.assign(median=table["median"] + 0.5 * table["sd"])
    assert comparison(table, other)["z"].dropna().to_numpy() == pytest.approx(-0.5)


def test_rows_of_one_side_are_kept(table):
    found = comparison(table.iloc[5:], table.iloc[:-2])
    assert found["status"].value_counts().to_dict() == {"both": len(table) - 7, "other": 5, "ours": 2}


def test_blanks_and_case_do_not_matter(table, tmp_path: Path):
    other = table.assign(parameter=table["parameter"].str.upper() + " ", section=table["section"] + ":")
    other.to_csv(tmp_path / "posterior.csv", index=False)
    assert (comparison(table, read_estimates(tmp_path / "posterior.csv"))["status"] == "both").all()


def test_mistakes(table, tmp_path: Path):
    with pytest.raises(BlimpError, match="no column sd"):
        comparison(table, table.drop(columns="sd"))
    with pytest.raises(BlimpError, match="there is no file"):
        read_estimates(tmp_path / "none.csv")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(BlimpError, match="is not a table"):
        read_estimates(tmp_path / "empty.csv")
