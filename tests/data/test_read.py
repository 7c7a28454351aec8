"""`read_table`: which file is read, and the commands around it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from blimp2pymc.blimp.parse import parse
from blimp2pymc.data import read_table
from blimp2pymc.errors import BlimpError


def test_path_starts_at_the_folder_of_the_script(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "my study.csv").write_text("y,x\n1,NA\n")
    script = parse("DATA: data/my study.csv; MISSING: NA; MODEL: y ~ x;", str(tmp_path / "model.imp"))
    table = read_table(script)
    np.testing.assert_array_equal(table.values["x"], [np.nan])
    assert table.path == str(tmp_path / "data" / "my study.csv")


def test_folder_and_data_overrule(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y\n1\n")
    (tmp_path / "b.csv").write_text("y\n2\n")
    script = parse("DATA: a.csv; MODEL: y ~ 1;")
    assert read_table(script, folder=tmp_path).values["y"].tolist() == [1.0]
    assert read_table(script, tmp_path / "b.csv").values["y"].tolist() == [2.0]
    assert read_table(script, str(tmp_path / "b.csv")).values["y"].tolist() == [2.0]
    assert read_table(script, pd.DataFrame({"y": [3]})).values["y"].tolist() == [3.0]
    assert read_table(script, {"y": [4]}).values["y"].tolist() == [4.0]


def test_ranges_in_variables(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_text("1 2 3 4\n")
    script = parse("DATA: a.dat; VARIABLES: y x1:x3; MODEL: y ~ x1;")
    table = read_table(script, folder=tmp_path)
    assert table.columns == ("y", "x1", "x2", "x3")
    assert table.values["x3"].tolist() == [4.0]


@pytest.mark.parametrize(
    ("script", "message", "place"),
    [
        ("MODEL: y ~ x;", "the script names no data", None),
        ("SIMULATE: n = 5; n: x = normal(0, 1); MODEL: y ~ x;",
         "SIMULATE is not available yet: the script has no data file", "SIMULATE"),
        ("DATA: a.csv; DATA: b.csv; MODEL: y ~ x;", "DATA is stated twice, and the two differ", "b.csv"),
        ("DATA: a.csv; MISSING: 9; MISSING: 8; MODEL: y ~ x;", "MISSING is stated twice, and the two differ", "8"),
        ("DATA: a.csv; VARIABLES: y x x; MODEL: y ~ x;", "VARIABLES names 'x' twice", "x"),
        ("DATA: a.csv; VARIABLES: y x1:x3 x2; MODEL: y ~ x;", "VARIABLES names 'x2' twice", "x2"),
        ("DATA: nowhere/a.csv; MODEL: y ~ x;", "there is no data file 'nowhere/a.csv'", "nowhere/a.csv"),
    ],
)  # fmt: skip
def test_wrong_script(script: str, message: str, place: str | None) -> None:
    with pytest.raises(BlimpError) as caught:
        read_table(parse(script))
    (finding,) = caught.value.findings
    assert finding.message == message
    assert (finding.span.text if finding.span else None) == place
