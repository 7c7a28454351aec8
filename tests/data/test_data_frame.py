"""DataFrames as data: types of columns, code books, missing codes, and VARIABLES beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from blimp2pymc.blimp.parse import parse
from blimp2pymc.data import Table, read_table
from blimp2pymc.errors import BlimpError

NAN = np.nan


def read(frame: pd.DataFrame | dict, script: str = "MODEL: y ~ x;") -> Table:
    return read_table(parse(script), frame)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ([1, 2, 3], [1.0, 2.0, 3.0]),
        ([1.5, None, 3], [1.5, NAN, 3.0]),
        (pd.array([1, None, 3], dtype="Int64"), [1.0, NAN, 3.0]),
        (pd.array([1.5, None, 3], dtype="Float64"), [1.5, NAN, 3.0]),
        ([True, False, True], [1.0, 0.0, 1.0]),
        (pd.array([True, None, False], dtype="boolean"), [1.0, NAN, 0.0]),
        (pd.Series([1, None, "3"], dtype=object), [1.0, NAN, 3.0]),
        (pd.Categorical([5, 9, None], categories=[9, 5]), [5.0, 9.0, NAN]),
        (np.array([1, 2, 3], dtype=np.uint8), [1.0, 2.0, 3.0]),
    ],
    ids=str,
)
def test_values(column: object, values: list[float]) -> None:
    table = read({"x": column})
    np.testing.assert_array_equal(table.values["x"], values)
    assert table.values["x"].dtype == float
    assert not table.code_book


def test_categories_become_codes_with_a_book() -> None:
    column = pd.Categorical(["mid", "low", None, "high"], categories=["low", "mid", "high"], ordered=True)
    table = read({"x": column})
    np.testing.assert_array_equal(table.values["x"], [1.0, 0.0, NAN, 2.0])
    assert table.code_book == {"x": {0.0: "low", 1.0: "mid", 2.0: "high"}}


def test_numeric_missing_code_applies_and_leaves_the_users_frame_alone() -> None:
    frame = pd.DataFrame({"x": [1.0, 999.0, NAN], "y": [999, 2, 3]})
    table = read(frame, "MISSING: 999; MODEL: y ~ x;")
    np.testing.assert_array_equal(table.values["x"], [1.0, NAN, NAN])
    np.testing.assert_array_equal(table.values["y"], [NAN, 2.0, 3.0])
    assert frame["x"].tolist()[:2] == [1.0, 999.0]
    assert frame["y"].tolist() == [999, 2, 3]


def test_text_missing_code_applies_to_text_columns() -> None:
    table = read({"x": ["1", "NA", "3"]}, "MISSING: NA; MODEL: y ~ x;")
    np.testing.assert_array_equal(table.values["x"], [1.0, NAN, 3.0])


def test_text_and_dates_stay_out_with_a_reason() -> None:
    table = read({"x": [1, 2], "who": ["a", "b"], "when": pd.to_datetime(["2026-01-01", "2026-01-02"]),
                  "odd": [1.0, np.inf], "month": pd.period_range("2026-01", periods=2, freq="M"),
                  "lasted": pd.to_timedelta([1, 2], unit="D")})  # fmt: skip
    assert table.columns == ("x",)
    assert table.unreadable == {
        "who": "it holds text ('a' in row 0)",
        "when": "it holds dates or times",
        "odd": "it holds an infinite value in row 1",
        "month": "it holds dates or times",
        "lasted": "it holds dates or times",
    }


def test_variables_pick_and_order_columns() -> None:
    table = read({"x": [1, 2], "id": [7, 8], "y": [3, 4]}, "VARIABLES: y x; MODEL: y ~ x;")
    assert table.columns == ("y", "x")


def test_variables_name_the_columns_of_a_frame_without_names() -> None:
    table = read(pd.DataFrame([[1, 2], [3, 4]]), "VARIABLES: y x; MODEL: y ~ x;")
    np.testing.assert_array_equal(table.values["x"], [2.0, 4.0])


@pytest.mark.parametrize(
    ("frame", "script", "message", "hint"),
    [
        (pd.DataFrame({"x": []}), "MODEL: y ~ x;", "the DataFrame has no rows", "a row for each case"),
        (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "y"), ("a", "x")])), "MODEL: y ~ x;",
         "the DataFrame has column names of several levels",
         'data.columns = ["_".join(map(str, each)) for each in data.columns]'),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "MODEL: y ~ x;", "two columns of the DataFrame are called 'x'",
         "a name of its own for each column"),
        (pd.DataFrame({"score": [1]}), "VARIABLES: scor; MODEL: y ~ x;", "'scor' is no column of the DataFrame",
         "score"),
        (pd.DataFrame([[1, 2, 3]]), "VARIABLES: y x; MODEL: y ~ x;",
         "VARIABLES names 2 columns, but the DataFrame has 3", ""),
    ],
)  # fmt: skip
def test_wrong_frame(frame: pd.DataFrame, script: str, message: str, hint: str) -> None:
    with pytest.raises(BlimpError) as caught:
        read(frame, script)
    (finding,) = caught.value.findings
    assert (finding.message, finding.hint) == (message, hint)


def test_rows_are_named_by_position() -> None:
    table = read(pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"]))
    assert table.place(1) == "DataFrame row 1"
    assert table.lines is None


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        (pd.date_range("2026-01-01", periods=3), '(data["x"] - data["x"].min()).dt.days'),
        (np.array([1j, 2, 3]), 'data["x"].abs()'),
        (np.array([1.0, np.inf, 3]), 'data["x"].replace([np.inf, -np.inf], np.nan)'),
        (["a", "b", "c"], 'data["x"].astype("category")'),
    ],
)
def test_unreadable_column_is_told_how_it_becomes_numbers(values: object, hint: str) -> None:
    table = read(pd.DataFrame({"x": values}))
    assert table.numbers_hint("x") == hint
