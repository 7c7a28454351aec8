"""What a `Fit` gives from draws at hand; sampling itself is tested with the sampler."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hand_built import correlated_mediators, interaction
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.errors import BlimpError, Finding
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.summary.fit import Fit
from blimp2pymc.summary.sampling_settings import model_of, with_settings


@pytest.fixture(scope="module")
def result() -> Fit:
    model = interaction()
    return Fit(model, plan(model), synthetic_draws(model))


def test_summary_has_the_printed_columns(result):
    table = result.summary("y")
    assert list(table.columns) == ["Estimate", "StdDev", "2.5%", "97.5%", "ChiSq", "PValue", "N_Eff"]
    assert table.loc[("y", "Coefficients", "x1"), "Estimate"] == np.median(result.draws.parameter("b1"))
    assert set(result.summary().index.get_level_values("outcome")) >= {"y", "x1", "x2"}


def test_unknown_outcome_is_explained(result):
    with pytest.raises(BlimpError, match="no table of 'yy'"):
        result.summary("yy")


def test_scores_need_a_latent_variable(result):
    with pytest.raises(BlimpError, match="no latent variable"):
        result.scores("eta")


def test_text_and_display(result):
    assert "OUTCOME MODEL ESTIMATES:" in result.text
    assert repr(result).startswith("<Fit of y: 2 chains x 60 draws")
    shown = result._repr_html_()
    assert "<table>" in shown and "<script" not in shown


def test_html_escapes_names():
    model = interaction()
    hostile = replace(model, notes=(Finding("<script>alert(1)</script>", code="x", severity="warning"),))
    shown = Fit(hostile, plan(model), synthetic_draws(model))._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;" in shown


def test_notes_name_trouble(result):
    assert any(each.code == "convergence" and each.severity == "warning" for each in result.notes)


def test_compare_with_a_fit_and_a_table(result, tmp_path: Path):
    assert (result.compare(result)["z"].dropna() == 0).all()
    result.estimates.to_csv(tmp_path / "e.csv", index=False)
    assert (result.compare(tmp_path / "e.csv")["z"].dropna().abs() < 1e-9).all()


def test_imputations(result):
    assert len(result.imputations(2)) == 2
    assert not result.imputations(1)[0].isna().any(axis=None)


def test_save_writes_everything_in_the_folder(tmp_path: Path):
    model = correlated_mediators()
    settings = replace(model.settings, save=(("iterations", "files/draws.dat"),))
    model = replace(model, settings=settings)
    found = Fit(model, plan(model), synthetic_draws(model)).save(tmp_path / "out")
    names = {each.relative_to(tmp_path / "out").as_posix() for each in found}
    assert names == {"output.txt", "estimates.csv", "model.py", "files/draws.dat", "draws.nc"}
    assert all(each.stat().st_size for each in found)
    assert "pm.Model" in (tmp_path / "out" / "model.py").read_text()
    assert len(pd.read_csv(tmp_path / "out" / "estimates.csv")) > 20


@pytest.mark.parametrize("files", [("../e.csv",), ("output.txt",), ("e.csv", "e.csv")])
def test_save_writes_nothing_when_a_name_is_refused(files, tmp_path: Path):
    model = interaction()
    model = replace(model, settings=replace(model.settings, save=tuple(("estimates", each) for each in files)))
    with pytest.raises(BlimpError):
        Fit(model, plan(model), synthetic_draws(model)).save(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_settings_of_the_call_win():
    model = with_settings(interaction(), draws=500, tune=200, chains=3, random_seed=9)
    assert (model.settings.iterations, model.settings.burn, model.settings.chains) == (1500, 200, 3)
    assert model.settings.seed == 9
    unchanged = with_settings(interaction(), None, None, None, None)
    assert unchanged.settings == interaction().settings


def test_a_seed_is_drawn_when_none_is_stated():
    model = replace(interaction(), settings=replace(interaction().settings, seed=None))
    seeds = {with_settings(model, None, None, None, None).settings.seed for _ in range(3)}
    assert len(seeds) == 3 and None not in seeds


@pytest.mark.parametrize(
    "wrong", [{"draws": 0}, {"tune": -1}, {"chains": 1.5}, {"random_seed": -3}, {"chains": True}, {"chains": 9999}]
)
def test_impossible_settings(wrong):
    with pytest.raises(BlimpError):
        with_settings(interaction(), **{"draws": None, "tune": None, "chains": None, "random_seed": None} | wrong)


@pytest.mark.parametrize("cores", ["a", 0, 1.5, True])
def test_impossible_cores(cores):
    with pytest.raises(BlimpError, match="cores is"):
        with_settings(interaction(), None, None, None, None, cores=cores)


def test_a_resolved_model_takes_no_data():
    with pytest.raises(BlimpError, match="data already"):
        model_of(interaction(), pd.DataFrame(), "blimp")
    with pytest.raises(BlimpError, match="priors already"):
        model_of(interaction(), None, "proper")


def test_printing_imports_neither_arviz_nor_pymc():
    code = """
import sys
sys.path.insert(0, "tests")
from hand_built import interaction
from summary.synthetic_draws import synthetic_draws
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.summary.fit import Fit
model = interaction()
result = Fit(model, plan(model), synthetic_draws(model))
result.text, result.estimates, result._repr_html_()
heavy = {"arviz", "arviz_stats", "pymc", "pytensor", "scipy", "xarray", "matplotlib", "rich"} & set(sys.modules)
assert not heavy, heavy
"""
    root = Path(__file__).parents[2]
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


def test_number_of_imputations_is_a_setting():
    assert with_settings(interaction(), None, None, None, None, 35).settings.n_imputations == 35
    with pytest.raises(BlimpError, match="n_imputations is 0"):
        with_settings(interaction(), None, None, None, None, 0)
