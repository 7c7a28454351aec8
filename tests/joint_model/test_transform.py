"""TRANSFORM and FILTER: values, order, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from marked import unmark

from blimp2pymc.blimp.parse import parse
from blimp2pymc.data import Table, read_table
from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.transform import transform_table

NAN = np.nan
DATA = {"x": [1.0, 2.0, NAN, 4.0], "z": [0.0, 1.0, 1.0, NAN], "m.1": [5.0, 6.0, 7.0, 8.0], "t": list("abcd")}


def transform(script: str) -> Table:
    parsed = parse(script)
    return transform_table(parsed, read_table(parsed, DATA))


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("ln(x)", [0.0, np.log(2), NAN, np.log(4)]),
        ("x - min(x)", [0.0, 1.0, NAN, 3.0]),
        ("x - mean(x)", [-4 / 3, -1 / 3, NAN, 5 / 3]),
        ("max(x*2)", [8.0] * 4),
        ("max(x, z)", [1.0, 2.0, NAN, NAN]),
        ("mean(x, m.1)", [3.0, 4.0, NAN, 6.0]),
        ("ismissing(x)", [0.0, 0.0, 1.0, 0.0]),
        ("missing(x == 2, x)", [1.0, NAN, NAN, 4.0]),
        ("ifelse(z == 1, x, -1)", [-1.0, 2.0, NAN, NAN]),
        ("x > 1 and z == 1", [0.0, 1.0, NAN, NAN]),
        ("3", [3.0] * 4),
        ("ifelse(z == 0, 0, 1/z)", [0.0, 1.0, 1.0, NAN]),
        ("missing(z == 0, ln(z))", [NAN, 0.0, 0.0, NAN]),
    ],
)
def test_values(expression: str, values: list[float]) -> None:
    table = transform(f"TRANSFORM: new = {expression}; MODEL: y ~ x;")
    np.testing.assert_allclose(table.values["new"], values, rtol=1e-15)
    assert table.columns == ("x", "z", "m.1", "new")


def test_later_statements_use_earlier_ones() -> None:
    table = transform("TRANSFORM: a = x*2; b = a + 1; TRANSFORM: c = b - a; MODEL: y ~ x;")
    np.testing.assert_array_equal(table.values["b"], [3.0, 5.0, NAN, 9.0])
    np.testing.assert_array_equal(table.values["c"], [1.0, 1.0, NAN, 1.0])


def test_replacing_a_column_is_told() -> None:
    table = transform("TRANSFORM: x = x*2; MODEL: y ~ x;")
    np.testing.assert_array_equal(table.values["x"], [2.0, 4.0, NAN, 8.0])
    (note,) = table.notes
    assert (note.code, note.severity) == ("replaced-column", "note")
    assert note.span is not None and note.span.text == "x"


def test_filter_keeps_true_rows_and_tells() -> None:
    table = transform("TRANSFORM: w = x + 1; FILTER: w > 2; MODEL: y ~ x;")
    np.testing.assert_array_equal(table.values["x"], [2.0, 4.0])
    np.testing.assert_array_equal(table.values["m.1"], [6.0, 8.0])
    np.testing.assert_array_equal(table.source_row, [1, 3])
    (note,) = table.notes
    assert note.message == "FILTER keeps 2 of 4 rows and drops 2 (1 of them because the condition is missing there)"


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        ("TRANSFORM: a = ln(<(xx)>);", "'xx' is no column of DataFrame, nor made by an earlier TRANSFORM", "x"),
        ("TRANSFORM: a = <(b)>; b = x;", "'b' is no column of DataFrame, nor made by an earlier TRANSFORM",
         "its own TRANSFORM (line 1) further up"),
        ("TRANSFORM: a = <(t)> + 1;", "the column 't' is not numeric: it holds text ('a' in row 0)",
         'data["t"].astype("category")'),
        ("TRANSFORM: a = <(&x)>;", "TRANSFORM and FILTER know no parameter '&x'", "x, if it is a column"),
        ("TRANSFORM: a = <(ln(z))>;", "'a' has no value in 1 row, first in DataFrame row 0, although its parts are "
         "observed", "a = missing(condition, ...) to make those cells missing"),
        ("TRANSFORM: a = <(sqrt(1 - x))>;", "'a' has no value in 2 rows, first in DataFrame row 1, although its "
         "parts are observed", "a = missing(condition, ...) to make those cells missing"),
        ("TRANSFORM: a = <(1/z)>;", "'a' has no value in 1 row, first in DataFrame row 0, although its parts are "
         "observed", "a = missing(condition, ...) to make those cells missing"),
        ("TRANSFORM: a = min(x) + <(probit(x))>;", "'probit()' belongs around the outcome of a regression, not into an "
         "expression", "probit(y) ~ x"),
        ("FILTER: <(x > 4)>;", "FILTER keeps none of the 4 rows", ""),
        ("FILTER: <(q)> > 4;", "'q' is no column of DataFrame, nor made by an earlier TRANSFORM", ""),
    ],
)  # fmt: skip
def test_wrong_statement_points(marked: str, message: str, hint: str) -> None:
    text, places = unmark(marked)
    with pytest.raises(BlimpError) as caught:
        transform(text + " MODEL: y ~ x;")
    (finding,) = caught.value.findings
    assert (finding.message, finding.hint) == (message, hint)
    assert finding.span is not None
    assert [(finding.span.start, finding.span.end)] == places


def test_one_mistake_does_not_hide_or_cause_others() -> None:
    with pytest.raises(BlimpError) as caught:
        transform("TRANSFORM: a = nope; b = a + 1; c = nope2; MODEL: y ~ x;")
    assert [each.span.text for each in caught.value.findings] == ["nope", "nope2"]
