"""Rubin's rules: against arithmetic by hand, against statsmodels, and through a fit with latent scores."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hand_built import interaction
from scipy import stats
from statsmodels.imputation.mice import MICE
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import Kind, Origin, Variable
from blimp2pymc.sampler.draws import Imputations
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.summary.fit import Fit
from blimp2pymc.summary.imputations import data_sets
from blimp2pymc.summary.pooling import COLUMNS, Analysis, pool, pool_analyses


def analyses(estimates: list[float], variances: list[float]) -> list[Analysis]:
    return [
        Analysis(pd.Series({"b": estimate}), pd.DataFrame({"b": [variance]}, index=["b"]))
        for estimate, variance in zip(estimates, variances, strict=True)
    ]


@pytest.fixture(scope="module")
def sets() -> list[pd.DataFrame]:
    """Ten copies of a regression with an interaction and a binary variable, noise in a third of the cells of x."""
    rng = np.random.default_rng(5)
    n = 150
    x, m = rng.normal(size=(2, n))
    y = 0.4 * x + 0.3 * m + 0.25 * x * m + rng.normal(size=n)
    binary = (rng.random(n) < 1 / (1 + np.exp(-0.8 * x))).astype(float)
    copies = []
    for _ in range(10):
        noisy = np.where(np.arange(n) < n // 3, 0.6 * x + 0.8 * rng.normal(size=n), x)
        copies.append(pd.DataFrame({"y": y, "x": noisy, "m": m, "binary": binary, "v.1": m**2}))
    return copies


# ---------------------------------------------------------------- arithmetic


def test_rubins_rules_by_hand():
    # m = 4: mean 3, W = 0.5, B = 2/3, T = 0.5 + 5/4 * 2/3 = 4/3, riv = 5/3, lambda = 5/8.
    pooled = pool_analyses(analyses([2, 3, 4, 3], [0.4, 0.6, 0.5, 0.5]))
    row = pooled.table.loc["b"]
    assert row["estimate"] == pytest.approx(3)
    assert row["standard_error"] == pytest.approx(np.sqrt(4 / 3))
    assert row["riv"] == pytest.approx(5 / 3)
    assert row["df"] == pytest.approx(3 / (5 / 8) ** 2)
    assert row["fmi"] == pytest.approx((5 / 3 + 2 / (7.68 + 3)) / (8 / 3))
    assert row["t"] == pytest.approx(3 / np.sqrt(4 / 3))
    assert row["p"] == pytest.approx(2 * stats.t.sf(row["t"], 7.68))
    assert (row["2.5%"], row["97.5%"]) == pytest.approx(stats.t.interval(0.95, 7.68, 3, np.sqrt(4 / 3)))


def test_degrees_of_freedom_of_barnard_and_rubin():
    # v = 20: v_obs = 21/23 * 20 * 3/8, harmonic with 7.68.
    pooled = pool_analyses(analyses([2, 3, 4, 3], [0.4, 0.6, 0.5, 0.5]), degrees_of_freedom=20)
    observed = 21 / 23 * 20 * 3 / 8
    assert pooled.table.loc["b", "df"] == pytest.approx(1 / (1 / 7.68 + 1 / observed))
    assert pooled.table.loc["b", "df"] < observed


def test_nothing_between_data_sets():
    row = pool_analyses(analyses([1, 1, 1], [4, 4, 4])).table.loc["b"]
    assert row["riv"] == 0 and row["fmi"] == 0 and np.isinf(row["df"])
    assert row["p"] == pytest.approx(2 * stats.norm.sf(0.5))
    assert row["97.5%"] == pytest.approx(1 + stats.norm.isf(0.025) * 2)


def test_covariances_are_pooled_too():
    rng = np.random.default_rng(1)
    estimates = rng.normal(size=(5, 3))
    within = np.stack([np.cov(rng.normal(size=(3, 20))) for _ in range(5)])
    names = ["a", "b", "c"]
    pooled = pool_analyses(
        [Analysis(pd.Series(e, names), pd.DataFrame(w, names, names)) for e, w in zip(estimates, within, strict=True)]
    )
    between = sum(np.outer(d, d) for d in estimates - estimates.mean(axis=0)) / 4
    np.testing.assert_allclose(pooled.covariance, within.mean(axis=0) + 1.2 * between)


# ---------------------------------------------------------------- formulas


def test_same_as_statsmodels_chained_equations(sets):
    pooled = pool(sets, "y ~ x*m")
    fits = [smf.ols("y ~ x*m", each).fit() for each in sets]
    mice = SimpleNamespace(
        results_list=fits, exog_names=None, endog_names=None, model_class=None, model=None,
        predict=None, loglike=None,
    )  # fmt: skip
    for each in fits:
        each._results = getattr(each, "_results", each)
    reference = MICE.combine(mice)
    np.testing.assert_allclose(pooled.estimates, reference.params)
    np.testing.assert_allclose(pooled.covariance, reference.cov_params())
    share = pooled.table["riv"] / (1 + pooled.table["riv"])
    np.testing.assert_allclose(share, reference.frac_miss_info)
    assert list(pooled.table.index) == ["Intercept", "x", "m", "x:m"]
    assert pooled.complete_degrees_of_freedom == 146
    assert (pooled.table["df"] < 146).all() and (pooled.table["fmi"] > 0).all()


@pytest.mark.parametrize(("kind", "formula"), [("ols", "y ~ x + m"), ("logit", "binary ~ x")])
def test_identical_data_sets_give_the_analysis_itself(sets, kind, formula):
    complete = sets[0]
    expected = getattr(smf, kind)(formula, complete).fit(disp=0)
    pooled = pool([complete, complete, complete], formula, kind)
    np.testing.assert_allclose(pooled.table["estimate"], expected.params, rtol=1e-6)
    np.testing.assert_allclose(pooled.table["standard_error"], expected.bse, rtol=1e-6)
    v = expected.df_resid
    np.testing.assert_allclose(pooled.table["df"], (v + 1) / (v + 3) * v)


def test_numpy_and_quoted_names_are_known(sets):
    names = pool(sets, 'y ~ np.exp(m) + Q("v.1") + I(x**2)').table.index
    assert list(names) == ["Intercept", "np.exp(m)", 'Q("v.1")', "I(x ** 2)"]


def test_printed(sets):
    pooled = pool(sets, "binary ~ x", "logit")
    assert list(pooled.table.columns) == list(COLUMNS)
    assert repr(pooled).startswith("Logistic regression of binary ~ x, pooled over 10 completed data sets")
    assert f"{pooled.table.loc['x', 'estimate']:.3f}" in repr(pooled)
    assert "<table" in pooled._repr_html_() and f"{pooled.table.loc['x', 'fmi']:.3f}" in pooled._repr_html_()


def test_title_is_escaped_in_html(sets):
    def analysis(data):
        return data["y"].mean(), [[1.0]]

    analysis.__name__ = "<b>y</b>"
    assert "<b>" not in pool(sets, analysis)._repr_html_()


# ---------------------------------------------------------------- functions


def test_function_of_a_data_set(sets):
    def mean(data: pd.DataFrame):
        return pd.Series({"mean": data["x"].mean()}), pd.DataFrame({"mean": {"mean": data["x"].var() / len(data)}})

    pooled = pool(sets, mean)
    means = [each["x"].mean() for each in sets]
    assert pooled.table.loc["mean", "estimate"] == pytest.approx(np.mean(means))
    between = 1.1 * np.var(means, ddof=1)
    within = np.mean([each["x"].var() / 150 for each in sets])
    assert pooled.table.loc["mean", "standard_error"] == pytest.approx(np.sqrt(within + between))
    assert pool(sets, mean, degrees_of_freedom=149).table.loc["mean", "df"] < pooled.table.loc["mean", "df"]


def test_function_that_returns_statsmodels_results(sets):
    by_function = pool(sets, lambda data: smf.ols("y ~ x", data).fit())
    assert by_function.title == "Analysis by a function"
    pd.testing.assert_frame_equal(by_function.table, pool(sets, "y ~ x").table)


def test_covariance_in_another_order_is_put_in_order(sets):
    def analysis(data: pd.DataFrame):
        results = smf.ols("y ~ x", data).fit()
        return results.params, results.cov_params().iloc[::-1, ::-1]

    np.testing.assert_allclose(pool(sets, analysis).within, pool(sets, "y ~ x").within)


# ---------------------------------------------------------------- a fit


@pytest.fixture(scope="module")
def latent_fit() -> Fit:
    """A fit whose draws also hold scores of a latent variable."""
    model = interaction()
    draws = synthetic_draws(model)
    count = len(draws.imputations.chain)
    scores = np.random.default_rng(3).normal(size=(count, model.frame.n_rows))
    values = dict(draws.imputations.values) | {"eta": scores}
    variables = dict(model.variables) | {"eta": Variable("eta", Kind.CONTINUOUS, Origin.LATENT)}
    kept = Imputations(draws.imputations.chain, draws.imputations.draw, values)
    updates = plan(model)
    return Fit(replace(model, variables=variables), updates, replace(draws, imputations=kept))


def test_scores_are_columns_of_completed_data_sets(latent_fit):
    completed = data_sets(latent_fit.model, latent_fit.draws)
    for number, each in enumerate(completed):
        assert list(each.columns) == [*latent_fit.model.data, "eta"]
        np.testing.assert_array_equal(each["eta"], latent_fit.draws.imputations.values["eta"][number])


def test_fit_pools_scores(latent_fit):
    pooled = latent_fit.pool("y ~ eta*x1", n=4)
    assert list(pooled.table.index) == ["Intercept", "eta", "x1", "eta:x1"]
    expected = [smf.ols("y ~ eta*x1", each).fit().params for each in latent_fit.imputations(4)]
    np.testing.assert_allclose(pooled.estimates, np.mean(expected, axis=0))
    assert pooled.n_data_sets == 4
    assert latent_fit.pool("y ~ eta*x1").n_data_sets == len(latent_fit.imputations())


# ---------------------------------------------------------------- mistakes


def test_more_data_sets_than_were_kept(latent_fit):
    with pytest.raises(BlimpError, match=r"20 imputed data sets were asked for[\s\S]*n_imputations=20"):
        latent_fit.pool("y ~ x1", n=20)


@pytest.mark.parametrize(
    ("formula", "kind", "message"),
    [
        ("y ~ xx", "ols", r"no column 'xx'[\s\S]*try: x"),
        ("y ~ x*", "ols", "cannot be read"),
        ("~ x", "ols", "cannot be read"),
        ("y ~ x^2", "ols", "cannot be read"),
        ("y + m ~ v.1", "ols", r'v\.1 needs quotes in a formula[\s\S]*Q\("v.1"\)'),
        ("y ~ x + I(2*x)", "ols", "determine each other"),
        ("y ~ x", "logit", "outcome of 0 and 1"),
        ("y ~ x", "poisson", r"kind is 'poisson'[\s\S]*ols, logit"),
        ("y ~ os.getcwd()", "ols", "no column 'os'"),
        ("y ~ formula", "ols", "no column 'formula'"),
    ],
)
def test_mistakes_in_formulas(sets, formula, kind, message):
    with pytest.raises(BlimpError, match=message):
        pool(sets, formula, kind)


def test_incomplete_column_is_named(sets):
    incomplete = [each.assign(z=np.where(np.arange(150) == 3, np.nan, each["m"])) for each in sets]
    with pytest.raises(BlimpError, match="z has missing values that the model does not impute"):
        pool(incomplete, "y ~ x + z")


def test_separation_is_no_result(sets):
    separated = [each.assign(x=each["binary"] * 3 + each["m"] * 0.1) for each in sets]
    with pytest.raises(BlimpError, match="no finite estimates in completed data set 1"):
        pool(separated, "binary ~ x", "logit")


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (1.0, "returned float"),
        ((np.ones(2), np.eye(3)), "2 estimates and a covariance matrix of 3 x 3"),
        ((np.array([np.nan]), np.eye(1)), "not finite"),
    ],
)
def test_mistakes_in_functions(sets, result, message):
    with pytest.raises(BlimpError, match=message):
        pool(sets, lambda data: result)


def test_coefficients_that_differ_between_data_sets(sets):
    with pytest.raises(BlimpError, match="data set 2 gives other coefficients than the first: C"):
        pool([sets[0].assign(g=1.0 * (sets[0].index % 3)), sets[1].assign(g=1.0 * (sets[1].index % 2))], "y ~ C(g)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"analysis": 3}, "no analysis"),
        ({"analysis": "y ~ x", "degrees_of_freedom": 0.0}, "degrees_of_freedom is 0"),
        ({"analysis": "y ~ x", "kind": len}, "first argument"),
    ],
)
def test_mistakes_in_arguments(sets, arguments, message):
    with pytest.raises(BlimpError, match=message):
        pool(sets, **arguments)


def test_one_data_set_cannot_be_pooled(sets):
    with pytest.raises(BlimpError, match="at least 2"):
        pool(sets[:1], "y ~ x")


def test_without_statsmodels_the_command_is_said(sets, monkeypatch):
    monkeypatch.setitem(sys.modules, "patsy", None)
    with pytest.raises(BlimpError, match=r'pip install "blimp2pymc\[pool\]"'):
        pool(sets, "y ~ x")
