"""Completed data sets: the table as it was read, with the cells of one draw in the places that were missing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from blimp2pymc.errors import error
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.predictions import cells_of, with_cells


def data_sets(model: Model, draws: Draws, n: int | None = None) -> list[pd.DataFrame]:
    """Completed data sets, one per kept snapshot.

    Parameters
    ----------
    n
        How many, equally spaced over the snapshots; all of them when None.

    Returns
    -------
    list of DataFrame
        All columns of the data in file order, those of TRANSFORM, then scores of the latent variables; one row
        per analysed row, under the index of the DataFrame that was handed over. Columns that are not in the model
        keep their missing values (NaN).

    Raises
    ------
    BlimpError
        When more data sets are asked for than the run has kept.
    """
    sets = []
    for each in chosen_snapshots(draws, n):
        cells = cells_of(draws, each)
        scores = {name: cells[name] for name in model.latent if name in cells}
        sets.append(data_set(model, cells).assign(**scores))
    return sets


def chosen_snapshots(draws: Draws, n: int | None = None) -> list[int]:
    """Positions of `n` snapshots, equally spaced; of all when None."""
    kept = len(draws.imputations.chain)
    if n is None:
        return list(range(kept))
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise error(f"{n} data sets cannot be made", hint="a whole number of at least 1")
    if n > kept:
        raise error(
            f"{n} imputed data sets were asked for, but the run has kept {kept}",
            hint=f"fit(..., n_imputations={n}), or NIMPS: {n}; in the script",
        )
    return [(k + 1) * kept // n - 1 for k in range(n)]


def data_set(model: Model, cells: Mapping[str, FloatArray]) -> pd.DataFrame:
    """The data with these values in the missing cells of each variable, in row order."""
    columns = {name: with_cells(model, name, cells) for name in model.data}
    if model.table is None:
        return pd.DataFrame(columns)
    place = {int(row): k for k, row in enumerate(model.table.source_row)}
    rows = np.array([place.get(int(row), -1) for row in model.frame.source_row])
    frame = {}
    for name in model.table.columns:
        if name in columns and len(columns[name]) == len(rows):
            frame[name] = columns[name]
        else:
            frame[name] = np.where(rows >= 0, model.table.values[name][rows], np.nan)
    index = model.table.index[model.frame.source_row] if model.table.index is not None and (rows >= 0).all() else None
    return pd.DataFrame(frame, index=index)
