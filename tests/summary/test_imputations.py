"""Completed data sets keep what was observed and take the cells of their own draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hand_built import interaction
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.data.table import Table
from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import Frame
from blimp2pymc.summary.imputations import chosen_snapshots, data_sets


def with_table(model, code: str | None = "999"):
    """The model as analysed from rows 1, 2, ... of a table with two unused columns; row 0 was dropped."""
    n = model.frame.n_rows
    values = {"id": np.arange(n + 1) * 10.0, **{k: np.append(np.nan, v) for k, v in model.data.items()}}
    values["unused"] = np.where(np.arange(n + 1) % 3 == 1, np.nan, 0.25)
    order = ("id", "x2", "y", "unused", "x1", "d")
    table = Table("data.csv", order, values, np.arange(n + 1), missing_code=code)
    return replace(model, table=table, frame=Frame(np.arange(1, n + 1)))


def test_columns_rows_and_cells():
    model = with_table(interaction())
    draws = synthetic_draws(model)
    sets = data_sets(model, draws)
    assert len(sets) == len(draws.imputations.chain)
    for number, frame in enumerate(sets):
        assert list(frame.columns) == ["id", "x2", "y", "unused", "x1", "d"]
        assert frame["id"].iloc[0] == 10
        for name, values in model.data.items():
            missing = np.isnan(values)
            np.testing.assert_array_equal(frame[name][~missing], values[~missing])
            if missing.any():
                np.testing.assert_array_equal(frame[name][missing], draws.imputations.values[name][number])
        assert frame["unused"].isna().sum() == np.isnan(model.table.values["unused"][1:]).sum()


def test_index_of_a_data_frame_is_kept():
    model = with_table(interaction())
    people = pd.Index([f"person {row}" for row in range(model.table.n_rows)], name="who")
    model = replace(model, table=replace(model.table, index=people))
    frame = data_sets(model, synthetic_draws(model), 1)[0]
    assert list(frame.index) == list(people[1:])
    assert frame.index.name == "who"
    assert frame.notna()["y"].all()


def test_without_a_table_the_model_variables_are_given():
    model = interaction()
    [frame] = data_sets(model, synthetic_draws(model), 1)
    assert list(frame.columns) == list(model.data)
    assert not frame.isna().any(axis=None)


def test_equally_spaced_choice():
    model = interaction()
    draws = synthetic_draws(model, chains=2, draws=60)
    assert len(draws.imputations.chain) == 4
    assert chosen_snapshots(draws) == [0, 1, 2, 3]
    assert chosen_snapshots(draws, 2) == [1, 3]
    for wrong in (5, 0):
        with pytest.raises(BlimpError, match=str(wrong)):
            chosen_snapshots(draws, wrong)
