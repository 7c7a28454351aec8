"""A pandas DataFrame in place of the data file: numbers as they are, categories as codes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.ranges import ListedName
from blimp2pymc.data.cell_hints import NUMBER
from blimp2pymc.data.table import Table
from blimp2pymc.errors import BlimpError, Finding, Span, error


def read_data_frame(
    frame: pd.DataFrame, variables: list[ListedName] | None, missing: str | None, names_span: Span | None
) -> Table:
    """Take a DataFrame as the table.

    Numbers and booleans become floats. A categorical becomes pandas' own codes 0, 1, ... in the order of
    its categories (or the categories themselves when they are numbers), and the code book keeps what they
    mean. Text and dates stay out; naming such a column in a script is an error then.

    Parameters
    ----------
    frame
        The data; completed data sets keep its index.
    variables
        Names of VARIABLES, which then pick and order the columns; None for all columns.
    missing
        The code of MISSING; its numeric value is treated as missing, next to what pandas calls missing.
    names_span
        Where the script has VARIABLES.

    Raises
    ------
    BlimpError
        No rows, two columns of one name, or a name in VARIABLES that is no column.
    """
    if frame.columns.nlevels > 1:
        raise error("the DataFrame has column names of several levels", None,
                    'data.columns = ["_".join(map(str, each)) for each in data.columns]', "several-levels")  # fmt: skip
    if not len(frame):
        raise error("the DataFrame has no rows", None, "a row for each case", "no-rows")
    frame = _named(frame, variables, names_span)
    values: dict[str, NDArray[np.float64]] = {}
    code_book: dict[str, dict[float, str]] = {}
    unreadable: dict[str, str] = {}
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            values[name], book = _codes(column)
            if book:
                code_book[name] = book
            continue
        numbers = _numbers(column, missing)
        if isinstance(numbers, str):
            unreadable[name] = numbers
        else:
            values[name] = numbers
    if missing is not None and NUMBER.fullmatch(missing):
        for each in values.values():
            each[each == float(missing)] = np.nan
    return Table(
        name="DataFrame",
        columns=tuple(values),
        values=values,
        source_row=np.arange(len(frame)),
        index=frame.index,
        code_book=code_book,
        unreadable=unreadable,
        missing_code=missing,
    )


def _named(frame: pd.DataFrame, variables: list[ListedName] | None, names_span: Span | None) -> pd.DataFrame:
    """The columns VARIABLES asks for, under string names."""
    if variables is not None and isinstance(frame.columns, pd.RangeIndex):
        if len(variables) != frame.shape[1]:
            raise error(f"VARIABLES names {len(variables)} columns, but the DataFrame has {frame.shape[1]}",
                        names_span, "", "column-count")  # fmt: skip
        return frame.set_axis([item.name for item in variables], axis=1)
    frame = frame.set_axis([str(each) for each in frame.columns], axis=1)
    twice = frame.columns[frame.columns.duplicated()].unique()
    if len(twice):
        hint = "a name of its own for each column"
        messages = (f"two columns of the DataFrame are called '{name}'" for name in twice)
        raise BlimpError(*(Finding(each, None, hint, "duplicate-column") for each in messages))
    if variables is None:
        return frame
    absent = [item for item in variables if item.name not in frame.columns]
    if absent:
        # Of a range, the first name is enough to say what was probably meant.
        firsts = {item.span: item for item in reversed(absent)}
        raise BlimpError(*(_absent(item, frame, firsts[item.span] is item) for item in absent))
    return frame[[item.name for item in variables]]


def _absent(item: ListedName, frame: pd.DataFrame, is_first: bool) -> Finding:
    near = nearest(item.name, list(frame.columns)) if is_first else ""
    return Finding(f"'{item.name}' is no column of the DataFrame", item.span,
                   near or "without VARIABLES all columns are used", "undeclared-name")  # fmt: skip


def _codes(column: pd.Series) -> tuple[NDArray[np.float64], dict[float, str]]:
    categories = column.cat.categories
    codes = column.cat.codes.to_numpy().astype(float)
    if pd.api.types.is_numeric_dtype(categories.dtype) or pd.api.types.is_bool_dtype(categories.dtype):
        lookup = categories.to_numpy().astype(float)
        return np.where(codes < 0, np.nan, lookup[codes.astype(int)] if len(lookup) else np.nan), {}
    return np.where(codes < 0, np.nan, codes), {float(code): str(label) for code, label in enumerate(categories)}


def _numbers(column: pd.Series, missing: str | None) -> NDArray[np.float64] | str:
    """Floats of a column, or why it has none."""
    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        if pd.api.types.is_complex_dtype(column.dtype):
            return "it holds complex numbers"
        values = column.to_numpy(dtype=float, na_value=np.nan).copy()
        if np.isinf(values).any():
            return f"it holds an infinite value in row {int(np.flatnonzero(np.isinf(values))[0])}"
        return values
    if isinstance(column.dtype, pd.PeriodDtype) or column.dtype.kind in "mM":
        return "it holds dates or times"
    if missing is not None:
        column = column.where(column.map(lambda cell: cell != missing), None)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan).copy()
    wrong = np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy())
    if len(wrong):
        return f"it holds text ('{str(column.iloc[wrong[0]])[:40]}' in row {wrong[0]})"
    return numbers
