"""Reading data: a file, or a DataFrame, becomes a `Table` of floats that are NaN where missing."""

from blimp2pymc.data.read import column_names, read_table
from blimp2pymc.data.table import Table

__all__ = ["Table", "column_names", "read_table"]
