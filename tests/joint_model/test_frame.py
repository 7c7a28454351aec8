"""The analysed rows: which are dropped, what is counted, which codes are refused."""

from __future__ import annotations

import numpy as np
import pytest

from blimp2pymc.blimp.parse import parse
from blimp2pymc.data import read_table
from blimp2pymc.joint_model.declarations import declare
from blimp2pymc.joint_model.frame import AnalysedRows, analysed_rows
from blimp2pymc.joint_model.transform import transform_table

NAN = np.nan


def rows(data: dict, used: str, script: str = "MODEL: y ~ x;") -> AnalysedRows:
    parsed = parse(script)
    return analysed_rows(declare(parsed, transform_table(parsed, read_table(parsed, data))), used.split())


def test_rows_without_any_value_are_dropped_and_told() -> None:
    made = rows({"id": [1, 2, 3, 4], "y": [1, NAN, NAN, 4], "x": [NAN, NAN, 3, 4]}, "x y")
    np.testing.assert_array_equal(made.frame.source_row, [0, 2, 3])
    assert list(made.data) == ["y", "x"]  # in the order of the data
    np.testing.assert_array_equal(made.data["x"], [NAN, 3.0, 4.0])
    assert {name: each.n_missing for name, each in made.variables.items()} == {"y": 1, "x": 1}
    (finding,) = made.findings
    assert finding.message == (
        "1 row was dropped, because all variables of the model are missing there (DataFrame, row 1)"
    )
    assert (finding.code, finding.severity) == ("dropped-rows", "warning")


def test_dropped_lines_of_a_file(tmp_path) -> None:
    (tmp_path / "d.csv").write_text("y,x\n1,2\nNA,NA\n3,4\nNA,NA\n")
    parsed = parse("DATA: d.csv; MISSING: NA; MODEL: y ~ x;", str(tmp_path / "model.imp"))
    made = analysed_rows(declare(parsed, read_table(parsed)), ["y", "x"])
    np.testing.assert_array_equal(made.frame.source_row, [0, 2])
    assert made.frame.file == str(tmp_path / "d.csv")
    assert "2 rows were dropped" in made.findings[0].message
    assert made.findings[0].message.endswith("(d.csv, lines 3, 5)")


def test_many_dropped_rows_are_abbreviated() -> None:
    made = rows({"y": [1.0, *[NAN] * 15], "x": [1.0, *[NAN] * 15]}, "y x")
    assert made.findings[0].message.endswith("(DataFrame, rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 5 more)")


def test_unused_columns_do_not_keep_a_row() -> None:
    assert rows({"y": [1, NAN], "x": [2, NAN], "other": [1, 2]}, "y x").frame.n_rows == 1
    assert rows({"y": [1, NAN], "x": [2, NAN], "other": [1, 2]}, "y x other").frame.n_rows == 2


def test_rows_after_filter_keep_their_number() -> None:
    made = rows({"y": [1, NAN, 3, 4], "x": [5, NAN, 7, 8], "g": [1, 1, 0, 1]}, "y x",
                "FILTER: g == 1; MODEL: y ~ x;")  # fmt: skip
    np.testing.assert_array_equal(made.frame.source_row, [0, 3])
    assert [each.code for each in made.findings] == ["filter", "dropped-rows"]


def test_no_row_left() -> None:
    (finding,) = rows({"y": [NAN, NAN], "x": [NAN, NAN]}, "y x").findings
    assert finding.message == "no row is left: all variables of the model are missing in every row of DataFrame"
    assert (finding.code, finding.severity) == ("no-rows", "error")


def test_categories_and_latents() -> None:
    made = rows({"y": [1.0, 2.0], "n": [4, 2], "x": [1, 2]}, "y n eta", "NOMINAL: n; LATENT: eta; MODEL: y ~ n;")
    assert made.variables["n"].categories == (2.0, 4.0)
    assert "eta" in made.variables and "eta" not in made.data
    assert "x" not in made.variables


def test_code_book_of_used_columns_is_told() -> None:
    import pandas as pd

    group = pd.Categorical(["b", "a"])
    made = rows({"y": [1.0, 2.0], "g": group, "h": group}, "y g", "NOMINAL: g; MODEL: y ~ g;")
    (note,) = made.findings
    assert note.message == "the categories of 'g' are read as codes: 0 = a, 1 = b"


@pytest.mark.parametrize(
    ("command", "values", "message"),
    [
        ("ORDINAL", [1, 2.5, 1], "'d' is ORDINAL, but has the value 2.5 (DataFrame row 1)"),
        ("NOMINAL", [1, 1, 1], "'d' is NOMINAL, but all its observed values are 1"),
        ("ORDINAL", [NAN, 3, 3], "'d' is ORDINAL, but all its observed values are 3"),
        ("COUNT", [0, -1, 2], "'d' is COUNT, but has the value -1 (DataFrame row 1)"),
        ("COUNT", [0, 1, 0.5], "'d' is COUNT, but has the value 0.5 (DataFrame row 2)"),
    ],
)
def test_bad_codes_point_at_the_declaration(command: str, values: list[float], message: str) -> None:
    data = {"y": [1.0, 2.0, 3.0], "d": values}
    script = f"{command}: d; MODEL: y ~ d;"
    (finding,) = rows(data, "y d", script).findings
    assert finding.message == message
    assert finding.span is not None
    assert (finding.span.start, finding.span.text) == (len(command) + 2, "d")
    assert rows(data, "y", script).findings == ()  # an unused variable does not matter
