"""Every example runs from the command line and finds the values its data were generated with."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from blimp2pymc.cli import main

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.imp"))

TOLERANCE = 3.5
"""Posterior standard deviations between an estimate and the generating value. The data are fixed, so this
states how far these samples may lie from their population; a wrong conditional is off by far more."""


def _simulation() -> ModuleType:
    place = importlib.util.spec_from_file_location("simulate_data", EXAMPLES / "simulate_data.py")
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def test_every_script_has_generating_values() -> None:
    assert {each.stem for each in SCRIPTS} == set(_simulation().GENERATING_VALUES)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda each: each.stem)
def test_data_are_what_the_simulation_writes(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = _simulation()
    monkeypatch.setattr(simulation, "FOLDER", tmp_path)
    simulation.main()
    name = f"{script.stem}.csv"
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / name), pd.read_csv(EXAMPLES / name), atol=0.002)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda each: each.stem)
def test_example_recovers_its_generating_values(script: Path, tmp_path: Path) -> None:
    arguments = ["run", str(script), "--out", str(tmp_path), "--burn", "500", "--iter", "4000"]
    assert main([*arguments, "--cores", "1", "--quiet"]) == 0
    estimates = pd.read_csv(tmp_path / "estimates.csv", keep_default_na=False, na_values=[""]).fillna({"outcome": ""})
    estimates = estimates.set_index(["outcome", "section", "parameter"])
    for key, value in _simulation().GENERATING_VALUES[script.stem].items():
        found = estimates.loc[[key]].iloc[0]
        assert abs(found["median"] - value) < TOLERANCE * found["sd"], (key, value, found["median"], found["sd"])
    assert (tmp_path / "output.txt").read_text()
    compile((tmp_path / "model.py").read_text(), "model.py", "exec")


@pytest.mark.slow
def test_demo_leaves_its_files(tmp_path: Path) -> None:
    environment = os.environ | {"MPLBACKEND": "Agg"}
    ended = subprocess.run(
        [sys.executable, EXAMPLES / "demo.py", "--quick"],
        cwd=tmp_path, check=True, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert "workload*support" in ended.stdout
    written = {each.name for each in (tmp_path / "demo_output").iterdir()}
    assert {"output.txt", "estimates.csv", "model.py", "conditional_effects.png"} <= written


@pytest.mark.slow
def test_model_file_runs_without_the_package(tmp_path: Path) -> None:
    """The written `model.py`, run by Python alone in another folder, gives the estimates written beside it."""
    script = str(EXAMPLES / "mediation.imp")
    out = tmp_path / "out"
    assert main(["run", script, "--out", str(out), "--burn", "500", "--iter", "4000", "--cores", "1", "--quiet"]) == 0
    code = (
        "import runpy, sys, pymc as pm\n"
        "model = runpy.run_path(sys.argv[1])['model']\n"
        "assert not any(each.split('.')[0] == 'blimp2pymc' for each in sys.modules)\n"
        "with model:\n"
        "    idata = pm.sample(\n"
        "        1000, tune=1000, chains=2, cores=1, random_seed=1, nuts_sampler='pymc', progressbar=False\n"
        "    )\n"
        "for name in ('a', 'b', 'indirect'):\n"
        "    draws = idata['posterior'][name].to_numpy()\n"
        "    print(name, float(draws.mean()), float(draws.std()))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, out / "model.py"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    printed = {line.split()[0]: [float(each) for each in line.split()[1:]] for line in ended.stdout.splitlines()}
    table = pd.read_csv(out / "estimates.csv")
    slopes = table.query("section == 'Coefficients'")
    expected = {
        "a": slopes.query("outcome == 'confidence' and parameter == 'training'").iloc[0],
        "b": slopes.query("outcome == 'performance' and parameter == 'confidence'").iloc[0],
        "indirect": table.query("parameter == 'indirect'").iloc[0],
    }
    for name, row in expected.items():
        mean, deviation = printed[name]
        assert abs(mean - row["median"]) < 0.2 * row["sd"], name
        assert deviation == pytest.approx(row["sd"], rel=0.15), name
