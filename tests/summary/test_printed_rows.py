"""The rows we print are the rows Blimp printed, with the same constants, for reference cases beside the repository."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from reference.known_differences import may_differ, with_printed_headings
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.summary.tables import estimates

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
SUPPORTED = ("1", "4")
"""Values of the column `stage` of the index whose models can be sampled."""

MOST_ROWS = 500
"""Longer tables repeat the lines of shorter ones, and take their time."""


def _cases() -> list[str]:
    index = REFERENCE / "index.csv"
    if not index.exists():
        return []
    with index.open(encoding="utf-8", newline="") as stream:
        return [
            each["case"]
            for each in csv.DictReader(stream)
            if each["stage"] in SUPPORTED and each["grade"] != "X" and int(each["rows"]) <= MOST_ROWS
        ]


def _comparator():
    spec = importlib.util.spec_from_file_location("compare", REFERENCE / "compare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("case", _cases())
def test_rows_of_a_reference_case(case: str, tmp_path: Path) -> None:
    try:
        model = resolve(REFERENCE / case / "model.imp")
    except BlimpError as refusal:
        pytest.skip(str(refusal.findings[0].message))
    table = with_printed_headings(case, estimates(model, synthetic_draws(model, draws=4)))
    file = tmp_path / "estimates.csv"
    table.to_csv(file, index=False)
    compare = _comparator()
    printed, ours = (compare.load(each) for each in (REFERENCE / case / "posterior.csv", file))
    # Blimp 3 prints a marginal fit of latent variable models too; Blimp 4 does not, and neither do we.
    printed = printed[~((printed["section"] == "Marginal Likelihood") & bool(model.latent))]
    assert not set(printed["_key"]) - set(ours["_key"])
    # Marginal and conditional fit coincide here, and older outputs lack the standard deviations.
    extra = ours[~ours["_key"].isin(set(printed["_key"]))]
    assert set(extra["section"]) <= {"Marginal Likelihood", "Standard Deviations"}
    both = printed.merge(ours, on="_key", suffixes=("_printed", ""))
    constant = both["use_printed"] == "constant" if "use_printed" in both else both["use"] == "constant"
    constant &= ~may_differ(case, both)
    assert np.allclose(both.loc[constant, "median"], both.loc[constant, "median_printed"], atol=1e-3)
    in_model = both[both["block"] != "generated"]
    assert (in_model["model_block"].map(_label) == in_model["model_block_printed"].map(_label)).all()
    _check_order(printed, ours)


def _label(value: object) -> str:
    return "" if pd.isna(value) else (f"{value:g}" if isinstance(value, float) else str(value))


def _check_order(printed: pd.DataFrame, ours: pd.DataFrame) -> None:
    """Tables and their sections come in Blimp's order; inside a section terms stay as the user wrote them."""
    place = {key: number for number, key in enumerate(ours["_key"])}
    sections: dict[tuple, int] = {}
    for key in printed["_key"]:
        section = key[:4]
        sections[section] = min(place[key], sections.get(section, len(place)))
    assert list(sections.values()) == sorted(sections.values())
