"""The DataTree holds the draws under PyMC's names, and ArviZ takes it as it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hand_built import correlated_mediators, interaction
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.names import python_names
from blimp2pymc.summary import diagnostics
from blimp2pymc.summary.inference_data import blimp_labels, inference_data, with_missing

pytest.importorskip("xarray")


@pytest.fixture(scope="module")
def moderated():
    model = interaction()
    draws = synthetic_draws(model)
    return model, draws, inference_data(model, draws)


def test_every_parameter_is_where_its_name_says(moderated):
    model, draws, tree = moderated
    posterior = tree["posterior"].to_dataset()
    for name, place in python_names(model).parameters.items():
        values = posterior[place.variable]
        if place.index is not None:
            [dim] = [each for each in values.dims if each not in ("chain", "draw")]
            values = values.sel({dim: place.coordinate})
        np.testing.assert_array_equal(values, draws.parameter(name), err_msg=name)
    np.testing.assert_array_equal(posterior["twice"], 2 * draws.parameter("b1"))


def test_labels_in_both_directions(moderated):
    *_, tree = moderated
    to_blimp, to_python = blimp_labels(tree)
    assert to_blimp["y_coefficient[x1*x2]"] == "y ~ x1*x2"
    assert to_python["x1 ~~ x2"] == "x1_x2_correlation"
    assert {to_blimp[to_python[name]] for name in to_python} == set(to_python)


def test_arviz_takes_it(moderated):
    az = pytest.importorskip("arviz")
    _, draws, tree = moderated
    summary = az.summary(tree)
    assert "y_coefficient[x1*x2]" in summary.index
    assert float(az.rhat(tree)["b1"]) == pytest.approx(float(diagnostics.r_hat(draws.parameter("b1"))))


def test_data_and_cells_carry_rows_of_the_file(moderated):
    model, draws, tree = moderated
    cells = tree["imputations"]["x1_missing"]
    np.testing.assert_array_equal(cells, draws.imputations.values["x1"])
    np.testing.assert_array_equal(cells["x1_missing_row"], np.flatnonzero(model.missing("x1")))
    observed = tree["observed_data"]["y_observed"]
    np.testing.assert_array_equal(observed, model.data["y"][observed["y_observed_row"]])
    assert observed.size + tree["imputations"]["y_missing"].shape[1] == model.frame.n_rows
    np.testing.assert_array_equal(tree["constant_data"]["d"], model.data["d"])
    assert "x1_missing" not in tree["posterior"]


def test_attributes_say_where_it_comes_from(moderated):
    _, draws, tree = moderated
    assert tree.attrs["seed"] == str(draws.seed)
    assert {"pymc", "numpy"} <= set(json.loads(tree.attrs["versions"]))
    assert tree["posterior"].attrs["inference_library"] == "blimp2pymc"


def test_missing_cells_join_the_posterior_on_request(moderated):
    model, draws, tree = moderated
    joined = with_missing(model, draws, tree)["posterior"]
    assert joined["x1_missing"].dims == ("chain", "draw", "x1_missing_row")
    kept = draws.imputations
    for position, (chain, draw) in enumerate(zip(kept.chain, kept.draw, strict=True)):
        at = {"chain": chain, "draw": int(np.flatnonzero(kept.draw[kept.chain == chain] == draw)[0])}
        np.testing.assert_array_equal(joined["x1_missing"].isel(at), kept.values["x1"][position])
        assert float(joined["b1"].isel(at)) == draws.parameter("b1")[chain, draw]
    assert "x1_missing" not in tree["posterior"]


def test_survives_a_file(moderated, tmp_path: Path):
    pytest.importorskip("h5netcdf")
    import xarray as xr

    *_, tree = moderated
    file = tmp_path / "draws.nc"
    tree.to_netcdf(file, engine="h5netcdf")
    with xr.open_datatree(file, engine="h5netcdf") as again:
        assert blimp_labels(again) == blimp_labels(tree)
        np.testing.assert_array_equal(again["posterior"]["b1"], tree["posterior"]["b1"])


def test_shared_label_is_one_variable():
    model = correlated_mediators()
    tree = inference_data(model, synthetic_draws(model))
    assert tree["posterior"]["b"].dims == ("chain", "draw")
    assert tree["posterior"]["indirect"].shape == tree["posterior"]["b"].shape


def categories(n: int = 120):
    """Categories in every role: y ordinal with codes 1, 2, 5, d binary, n nominal with reference 3, c a count."""
    rng = np.random.default_rng(4)
    data = {
        "y": rng.choice([1.0, 2.0, 5.0], n), "d": rng.choice([0.0, 1.0], n), "n": rng.choice([1.0, 2.0, 3.0], n),
        "c": rng.poisson(2.0, n).astype(float), "x": rng.normal(size=n), "z": rng.normal(size=n),
    }  # fmt: skip
    for place, name in enumerate(("y", "d", "n", "c")):
        data[name][place::11] = np.nan
    script = "ORDINAL: y d; NOMINAL: n(3); COUNT: c; MODEL: y ~ x d n; z ~ y.latent d; c ~ x; SEED: 1;"
    return resolve(script, pd.DataFrame(data))


def test_categories_are_places_with_codes_and_latent_responses_have_rows():
    model = categories()
    draws = synthetic_draws(model)
    tree = inference_data(model, draws)
    posterior, snapshots, observed = tree["posterior"], tree["imputations"], tree["observed_data"]
    assert posterior["y_threshold"].dims == ("chain", "draw", "y_cut")
    assert list(posterior["y_cut"].to_numpy()) == ["Tau 2"]
    np.testing.assert_array_equal(posterior["y_threshold"].sel(y_cut="Tau 2"), draws.parameter("y threshold 2"))
    np.testing.assert_array_equal(posterior["c_dispersion"], draws.parameter("c dispersion"))
    for name, codes in {"y": [1, 2, 5], "d": [0, 1], "n": [3, 1, 2]}.items():
        cells = snapshots[f"{name}_missing"]
        assert list(cells.attrs["codes"]) == codes
        np.testing.assert_array_equal(np.array(codes)[cells.to_numpy()], draws.imputations.values[name])
        seen = observed[f"{name}_observed"]
        np.testing.assert_array_equal(np.array(codes)[seen.to_numpy()], model.data[name][~model.missing(name)])
    assert "codes" not in observed["c_observed"].attrs
    assert snapshots["y_latent_response"].dims == ("snapshot", "row")
    np.testing.assert_array_equal(snapshots["y_latent_response"], draws.imputations.values["y.latent"])


@pytest.mark.slow
@pytest.mark.parametrize("make", [interaction, correlated_mediators, categories])
def test_variables_are_those_of_the_graph(make):
    from blimp2pymc.pymc_source.build import build

    pm = pytest.importorskip("pymc")
    model = make(n=30)
    draws = synthetic_draws(model, draws=10)
    tree, graph = inference_data(model, draws), build(model)
    free = {each.name for each in graph.free_RVs}
    cells = set(python_names(model).missing.values())
    # Quantiles of latent responses are the graph's way to draw these; what is kept are the responses.
    quantiles = {each for each in free if each.endswith("_quantile")}
    assert free - cells - quantiles == free & set(tree["posterior"].data_vars)
    joined = with_missing(model, draws, tree)
    assert free - quantiles <= set(joined["posterior"].data_vars)
    assert {each.name for each in graph.observed_RVs} == set(tree["observed_data"].data_vars)
    with graph:
        predicted = pm.sample_posterior_predictive(
            joined, progressbar=False, random_seed=1, compile_kwargs={"mode": "FAST_COMPILE"}
        )
    for name, values in tree["observed_data"].data_vars.items():
        assert predicted["posterior_predictive"][name].dims == ("chain", "draw", *values.dims)
