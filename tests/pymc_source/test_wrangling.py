"""The top of the emitted file reads the data as the package did."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymc_source import cases

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.build import build
from blimp2pymc.pymc_source.emit import translate
from blimp2pymc.pymc_source.point import log_density
from blimp2pymc.pymc_source.wrangling import data_frame

TABLE = "y x z\n1.5 2 3\n999 1 0\n2.5 999 1\n999 999 4\n0.5 -1 2\n3 2 999\n1 0 1\n2 1 2\n0 3 5\n1 -2 1\n2 2 3\n4 1 1\n"

SCRIPTS = {
    "header": ("data.dat", TABLE, "MISSING: 999; MODEL: y ~ x;"),
    "names": ("data.dat", TABLE.split("\n", 1)[1], "VARIABLES: y x z; MISSING: 999; MODEL: y ~ x;"),
    "text code": ("data.csv", TABLE.replace("999", "NA").replace(" ", ","), "MISSING: NA; MODEL: y ~ x z;"),
    "dots": ("data.csv", TABLE.replace("999", ".").replace(" ", ","), "MISSING: .; MODEL: y ~ x z;"),
    "transform": ("data.dat", TABLE, """MISSING: 999; MODEL: y ~ a b c e;
        TRANSFORM: a = (x - mean(x))/2; b = exp(x/4) + z^2; c = (x > 0); e = ifelse(z != 1, x, -z)*2;"""),
    "missing": ("data.dat", TABLE, "MISSING: 999; MODEL: y ~ a b; TRANSFORM: a = missing(x < 0, z); b = ismissing(z);"),
    "filter": ("data.dat", TABLE, "MISSING: 999; MODEL: y ~ x; FILTER: z > 0 and z != 4;"),
}  # fmt: skip


def resolved(name: str, folder: Path) -> Model:
    file, table, rest = SCRIPTS[name]
    (folder / file).write_text(table)
    script = folder / "model.imp"
    script.write_text(f"DATA: {file}; SEED: 1; BURN: 10; ITER: 100; {rest}")
    return resolve(script)


def executed(text: str) -> dict:
    """What the top of a text leaves, its data not provided."""
    namespace: dict = {}
    exec(compile(text[: text.index("coords = {")], "source", "exec"), namespace)
    return namespace


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_file_gives_the_analysed_rows(name: str, tmp_path: Path) -> None:
    model = resolved(name, tmp_path)
    text = translate(model)
    assert "pd.read_csv(" in text and "pd.DataFrame" not in text
    found = executed(text)["data"]
    expected = data_frame(model)
    assert list(found.index) == list(expected.index)
    for column in expected:
        np.testing.assert_array_equal(found[column].to_numpy(float), expected[column])


def test_the_text_runs_alone_and_builds_the_same_graph(tmp_path: Path) -> None:
    model = resolved("header", tmp_path)
    path = tmp_path / "model.py"
    path.write_text(translate(model, data_file=str(tmp_path / "data.dat")))
    alone = runpy.run_path(str(path))["model"]
    (tmp_path / "data.dat").unlink()
    built = build(model)
    point = built.initial_point()
    # Two graphs, compiled apart: equal but for rounding.
    expected = log_density(built, mode="FAST_COMPILE")(point)
    assert log_density(alone, mode="FAST_COMPILE")(point) == pytest.approx(expected, rel=1e-9)


def test_the_path_is_as_seen_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "data.dat").write_text(TABLE)
    (tmp_path / "scripts" / "model.imp").write_text("DATA: ../data.dat; MISSING: 999; MODEL: y ~ x;")
    monkeypatch.chdir(tmp_path)
    text = translate(resolve(os.path.join("scripts", "model.imp")))
    assert '"data.dat"' in text and str(tmp_path) not in text
    assert '"elsewhere.dat"' in translate(resolve(os.path.join("scripts", "model.imp")), data_file="elsewhere.dat")


def test_a_small_data_frame_is_written_out() -> None:
    model = cases.case("one_predictor")
    pd.testing.assert_frame_equal(executed(translate(model))["data"], data_frame(model))


def test_rows_of_a_data_frame_keep_their_numbers() -> None:
    table = cases.simulated().copy()
    table.loc[[0, 7], ["y", "x1"]] = np.nan
    model = resolve("MODEL: y ~ x1;", table)
    found = executed(translate(model))["data"]
    assert list(found.index) == list(table.index[table[["y", "x1"]].notna().any(axis=1)])
    assert not {0, 7} & set(found.index)


def test_a_large_data_frame_is_asked_for() -> None:
    text = translate(resolve("MODEL: y ~ x1;", pd.concat([cases.simulated()] * 60)))
    assert 'pd.read_csv("data.csv", index_col=0)' in text and "DataFrame(" not in text
