"""Tables, scores and files of a model with latent variables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from blimp2pymc import BlimpError, Fit, fit

SCRIPT = """
LATENT: f g;
MODEL:
  structural: f ~~ g;  g ~ w;  y ~ f g f*g;
  measurement: f@1;  f -> x1@first x2:x3;  g -> m1:m3;  z ~ 1@g w;
PARAMETERS: first ~ truncate(0, Inf);  share = y.coefvar / y.totalvar;
SIMPLE: f | g;
WALDTEST: first = 0;
OPTIONS: savelatent savevarnames;
SAVE: stacked = imp.csv;
NIMPS: 4;  SEED: 3;  BURN: 200;  ITERATIONS: 800;  CHAINS: 2;
"""


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = 120
    f, w = rng.normal(size=n), rng.normal(size=n)
    g = 0.4 * f + 0.3 * w + rng.normal(size=n)
    columns = {f"x{k}": f + rng.normal(0, 0.7, n) for k in (1, 2, 3)}
    columns |= {f"m{k}": g + rng.normal(0, 0.7, n) for k in (1, 2, 3)}
    columns |= {"y": f + g + 0.3 * f * g + rng.normal(size=n), "z": g + rng.normal(size=n), "w": w}
    columns["x2"][::9] = np.nan
    return pd.DataFrame(columns, index=range(10, 10 + n))


@pytest.fixture(scope="module")
def result(data: pd.DataFrame) -> Fit:
    return fit(SCRIPT, data, progressbar=False)


def lines(result: Fit, outcome: str, section: str) -> dict[str, pd.Series]:
    table = result.estimates
    found = table[(table["outcome"] == outcome) & (table["section"] == section)]
    return {row["parameter"]: row for _, row in found.iterrows()}


def test_tables_of_latent_and_observed_outcomes(result: Fit) -> None:
    assert list(lines(result, "g", "Coefficients")) == ["w"]
    assert lines(result, "f", "Variances")["Residual Var."]["fixed"] == 1
    assert list(lines(result, "x1", "Coefficients")) == ["Intercept", "f"]
    assert lines(result, "m1", "Coefficients")["g"]["fixed"] == 1
    assert list(lines(result, "f g", "Covariances")) == ["Cov(f,g)"]
    assert lines(result, "", "Additional Parameters")["first"]["median"] == pytest.approx(
        lines(result, "x1", "Coefficients")["f"]["median"]
    )
    assert len(result.estimates[result.estimates["block"] == "conditional"]) == 6


def test_latent_intercept_is_neither_standardised_nor_explains_variance(result: Fit) -> None:
    assert lines(result, "z", "Coefficients")["g"]["fixed"] == 1
    assert list(lines(result, "z", "Standardized Coefficients")) == ["w"]
    assert lines(result, "z", "Proportion Variance Explained")["by Coefficients"]["median"] < 0.15
    assert lines(result, "m1", "Proportion Variance Explained")["by Coefficients"]["median"] > 0.4


def test_explained_variance_of_a_product_is_that_of_the_quantity(result: Fit) -> None:
    shown = lines(result, "y", "Proportion Variance Explained")["by Coefficients"]["median"]
    assert lines(result, "", "Generated Parameters")["share"]["median"] == pytest.approx(shown)


def test_scores_have_one_row_per_row_of_the_data(result: Fit, data: pd.DataFrame) -> None:
    scores = result.scores("g")
    assert list(scores.columns) == ["mean", "sd"]
    assert len(scores) == len(data)
    assert np.corrcoef(scores["mean"], data[["m1", "m2", "m3"]].mean(axis=1))[0, 1] > 0.9
    assert (scores["sd"] > 0).all()
    with pytest.raises(BlimpError, match="not a latent variable"):
        result.scores("y")


def test_stacked_file_has_latent_variables_behind_the_data(result: Fit, data: pd.DataFrame) -> None:
    header, *rows = result.saved()["imp.csv"].splitlines()
    names = header.split(",")
    assert names == ["imp#", *data.columns, "f.latent", "g.latent"]
    table = pd.DataFrame([row.split(",") for row in rows], columns=names).astype(float)
    assert len(table) == 4 * len(data)
    snapshots = result.draws.imputations.values["g"]
    assert np.allclose(table["g.latent"].to_numpy().reshape(4, -1), snapshots, atol=1e-4)


def test_report_names_latent_variables(result: Fit) -> None:
    assert "Latent Variable: g" in result.text
    assert "Outcome Variable: x1" in result.text
    assert "ADDITIONAL PARAMETERS:" in result.text
    assert "w f.latent g.latent" in " ".join(result.text.split("VARIABLE ORDER")[1].split())
    summaries = result.text.split("IMPUTED DATA SUMMARIES")[1].splitlines()
    assert [line.split()[0] for line in summaries[5:7]] == ["f", "g"]


def test_orientation_is_said(data: pd.DataFrame) -> None:
    script = "LATENT: f; MODEL: f@1; f -> x1@first x2 x3; SEED: 1; BURN: 50; ITERATIONS: 100; CHAINS: 2;"
    found = fit(script, data, progressbar=False)
    assert "nothing in the model orients 'f', so 'first' is kept positive" in " ".join(found.text.split())
    assert found.draws.parameter("first").min() > 0
    left = fit(script, data, align=False, progressbar=False)
    assert left.plan.reflections == ()
    assert "kept positive" not in left.text


def test_snapshots_of_latent_variables_are_in_the_data_tree(result: Fit, data: pd.DataFrame) -> None:
    snapshots = result.idata["imputations"]["f"]
    assert snapshots.dims == ("snapshot", "row")
    assert snapshots.shape == (4, len(data))


def test_lines_of_conditional_effects_lie_where_the_scores_do(result: Fit) -> None:
    pytest.importorskip("matplotlib")
    [panel] = result.plot_conditional_effects("y").axes
    assert [each.get_label() for each in panel.lines] == ["g @ Mean + 1 SD", "g @ Mean", "g @ Mean - 1 SD"]
    x = panel.lines[0].get_xdata()
    scores = np.stack([each["f"] for each in result.imputations()])
    assert x.mean() == pytest.approx(scores.mean(), abs=0.1)
    assert (x[-1] - x[0]) / 4 == pytest.approx(scores.std(), rel=0.1)


@pytest.mark.slow
def test_log_likelihood_is_for_cross_validation(data: pd.DataFrame, result: Fit) -> None:
    arviz = pytest.importorskip("arviz")
    with pytest.raises(BlimpError, match=r"the run has kept 4[\s\S]*n_imputations=1000"):
        result.log_likelihood()
    kept = fit(SCRIPT, data, n_imputations=200, progressbar=False)
    tree = kept.log_likelihood()
    observed = tree["log_likelihood"]["x2_observed"]
    assert observed.shape == (2, 100, data["x2"].notna().sum())
    parameters, draw = tree["posterior"].isel(chain=0, draw=0), {"chain": 0, "draw": 0}
    mean = parameters["x2_intercept"] + parameters["x2_coefficient"][0] * parameters["f"]
    variance = float(parameters["x2_residual_variance"])
    known = data["x2"].notna().to_numpy()
    errors = data["x2"].to_numpy()[known] - mean.to_numpy()[known]
    expected = -0.5 * (np.log(2 * np.pi * variance) + errors**2 / variance)
    np.testing.assert_allclose(observed.isel(draw), expected)
    assert arviz.loo(tree, var_name="x2_observed").n_data_points == known.sum()


@pytest.mark.slow
def test_log_likelihood_of_explicit_latent_responses_is_refused(data: pd.DataFrame) -> None:
    ordered = data.assign(o=(data["x1"] > 0).astype(float))
    script = "ORDINAL: o; MODEL: o ~~ y; SEED: 1; BURN: 20; ITERATIONS: 400; CHAINS: 2;"
    with pytest.raises(BlimpError, match="explicit latent responses"):
        fit(script, ordered, n_imputations=200, progressbar=False).log_likelihood()
