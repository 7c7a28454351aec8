"""The table of data: what reading a file or a DataFrame gives, and TRANSFORM and FILTER change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blimp2pymc.errors import Finding

NUMBERS_FROM = {
    "complex": "{0}.abs()",
    "dates": "({0} - {0}.min()).dt.days",
    "infinite": "{0}.replace([np.inf, -np.inf], np.nan)",
}
"""Word in the reason why a column holds no numbers -> what gives some."""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of floats, NaN where missing."""

    name: str
    """File name, or `DataFrame`."""
    columns: tuple[str, ...]
    """Column names in order."""
    values: Mapping[str, NDArray[np.float64]]
    """Column -> float values, shape (n_rows,)."""
    source_row: NDArray[np.int64]
    """0-based data row (header and blank lines not counted) of each row."""
    lines: NDArray[np.int64] | None = None
    """1-based line of the file of each row; None for a DataFrame."""
    index: pd.Index | None = field(default=None, repr=False)
    """Index of a DataFrame, one entry per data row; None for a file."""
    code_book: Mapping[str, Mapping[float, str]] = field(default_factory=dict)
    """Column -> code -> what the code meant in a pandas categorical."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Columns of a DataFrame that hold no numbers -> why; an error only when a script names them."""
    missing_code: str | None = None
    """The code MISSING states, as written."""
    notes: tuple[Finding, ...] = ()
    """What was decided while reading."""
    path: str = ""
    """Path of the file as it was opened; empty for a DataFrame."""

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.source_row)

    def numbers_hint(self, name: str) -> str:
        """How an unreadable column of a DataFrame becomes numbers."""
        code = f'data["{name}"]'
        for word, way in NUMBERS_FROM.items():
            if word in self.unreadable[name]:
                return way.format(code)
        return f'{code}.astype("category")'

    def place(self, row: int) -> str:
        """Where row `row` of this table comes from, in the user's words: `data.csv line 17`."""
        if self.lines is not None:
            return f"{self.name} line {self.lines[row]}"
        return f"{self.name} row {self.source_row[row]}"

    def with_column(self, name: str, values: NDArray[np.float64]) -> Table:
        """The table with one more column, or with new values for an old one."""
        columns = self.columns if name in self.values else (*self.columns, name)
        return replace(self, columns=columns, values={**self.values, name: values})

    def rows(self, keep: NDArray[np.bool_]) -> Table:
        """The table with the rows where `keep` is true."""
        return replace(
            self,
            values={name: values[keep] for name, values in self.values.items()},
            source_row=self.source_row[keep],
            lines=None if self.lines is None else self.lines[keep],
        )

    def with_notes(self, *notes: Finding) -> Table:
        """The table with more notes."""
        return replace(self, notes=(*self.notes, *notes))
