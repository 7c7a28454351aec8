"""Two tables of estimates side by side."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from blimp2pymc.errors import error

KEY = ("block", "outcome", "section", "parameter")
NEEDED = (*KEY, "median", "sd")
MEDIAN_FACTOR = 1.2533
"""Standard error of a normal sample's median over that of its mean, sqrt(pi / 2)."""


def comparison(ours: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Join two tables of estimates on what their lines are called, blanks and case aside.

    Parameters
    ----------
    ours, other
        With at least the columns of `NEEDED`; `n_eff` is used where both have it.

    Returns
    -------
    DataFrame
        The key columns, `median`, `sd`, their `other_` twins, `z` and `error` (see `Fit.compare`), and
        `status`: `both`, `ours` or `other`.

    Raises
    ------
    BlimpError
        When a column is missing.
    """
    missing = [name for name in NEEDED if name not in other.columns]
    if missing:
        raise error(f"the other table has no column {', '.join(missing)}", hint="a table written by Fit.estimates")
    left, right = (_keyed(table) for table in (ours, other))
    joined = left.join(right.add_suffix("_other"), how="outer", sort=False)
    in_ours, in_other = joined["block"].notna(), joined["block_other"].notna()
    result = pd.DataFrame({name: joined[name].where(in_ours, joined[f"{name}_other"]) for name in KEY})
    for name in ("median", "sd"):
        result[name] = joined[name]
        result[f"other_{name}"] = joined[f"{name}_other"]
    spread = result["other_sd"].where(result["other_sd"] > 0)
    result["z"] = (result["median"] - result["other_median"]) / spread
    result["error"] = MEDIAN_FACTOR * np.sqrt(1 / joined["n_eff"] + 1 / joined["n_eff_other"])
    result["status"] = np.select([in_ours & in_other, in_ours], ["both", "ours"], "other")
    place = {key: number for number, key in enumerate([*left.index, *right.index.difference(left.index, sort=False)])}
    return result.iloc[np.argsort([place[key] for key in joined.index], kind="stable")].reset_index(drop=True)


def read_estimates(file: Path) -> pd.DataFrame:
    """Read a table of estimates from a CSV file.

    Raises
    ------
    BlimpError
        When there is no such file or it is no table.
    """
    text = dict.fromkeys(KEY, str)
    try:
        table = pd.read_csv(file, keep_default_na=False, na_values=[""], dtype=text)
    except FileNotFoundError:
        raise error(f"there is no file {file}") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as trouble:
        raise error(f"{file} is not a table of estimates: {trouble}") from None
    return table


def _keyed(table: pd.DataFrame) -> pd.DataFrame:
    """The table indexed by its lines' names; a name that occurs again is numbered."""
    names = pd.DataFrame({name: table[name].fillna("").map(_plain) for name in KEY})
    # The text of a test may be laid out differently: its number says which it is.
    names.loc[names["block"] == "wald", "outcome"] = ""
    again = names.groupby(list(KEY), sort=False).cumcount()
    wanted = [*NEEDED, "n_eff"]
    values = table.reindex(columns=wanted).fillna(dict.fromkeys(KEY, "")).reset_index(drop=True)
    values.index = pd.Index([*zip(*(names[name] for name in KEY), again, strict=True)], tupleize_cols=False)
    return values


def _plain(name: str) -> str:
    return re.sub(r"\s+", "", str(name)).lower().rstrip(":")
