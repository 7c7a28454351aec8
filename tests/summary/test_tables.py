"""Every printed row, against formulas worked out independently of the package."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hand_built import correlated_mediators, interaction
from summary.synthetic_draws import constant_parameters, synthetic_draws

from blimp2pymc.joint_model.ir import (
    Apply,
    Column,
    Constant,
    ImpliedVariance,
    ParameterReference,
    Quantity,
    VariancePart,
    WaldTest,
)
from blimp2pymc.sampler.draws import StatisticKind
from blimp2pymc.summary.tables import COLUMNS, estimates, rows


def row(table: pd.DataFrame, **where: str) -> pd.Series:
    """The one row with these values."""
    found = table[np.logical_and.reduce([table[name] == value for name, value in where.items()])]
    assert len(found) == 1, f"{len(found)} rows with {where}"
    return found.iloc[0]


def draws_of(model, draws, **where: str) -> np.ndarray:
    """Draws of the one line with these fields."""
    [found] = [each for each in rows(model, draws) if all(getattr(each, k) == v for k, v in where.items())]
    return found.draws


@pytest.fixture(scope="module")
def moderated():
    model = interaction()
    return model, synthetic_draws(model)


@pytest.fixture(scope="module")
def mediated():
    model = correlated_mediators()
    return model, synthetic_draws(model)


def test_columns_and_order(moderated):
    table = estimates(*moderated)
    assert tuple(table.columns) == COLUMNS
    assert list(dict.fromkeys(table["block"])) == ["fit", "wald", "outcome", "conditional", "generated", "predictor"]
    assert list(dict.fromkeys(table.loc[table["block"] == "outcome", "section"])) == [
        "Variances",
        "Coefficients",
        "Standard Deviations",
        "Standardized Coefficients",
        "Proportion Variance Explained",
    ]
    assert set(table.loc[table["block"] == "outcome", "model_block"]) == {"focal"}


def test_summaries_of_a_coefficient(moderated):
    model, draws = moderated
    values = draws.parameter("b1").ravel()
    found = row(estimates(model, draws), block="outcome", section="Coefficients", parameter="x1")
    assert found["median"] == pytest.approx(np.median(values))
    assert found["sd"] == pytest.approx(values.std(ddof=1))
    assert (found["lo"], found["hi"]) == pytest.approx(tuple(np.percentile(values, (2.5, 97.5))))
    assert found["statistic"] == pytest.approx(values.mean() ** 2 / values.var(ddof=1))
    assert found["p"] == pytest.approx(2 * 0.5 * _chi_tail(found["statistic"], 1))


def _chi_tail(statistic: float, df: int) -> float:
    stats = pytest.importorskip("scipy.stats")
    return float(stats.chi2.sf(statistic, df))


def test_variances_and_shares_carry_no_test(moderated):
    table = estimates(*moderated)
    untested = table["parameter"].isin(["Residual Var.", "Residual SD", "by Coefficients", "by Residual Variation"])
    assert table.loc[untested, ["statistic", "p"]].isna().all(axis=None)
    assert table.loc[~untested & (table["block"] != "fit"), ["statistic", "p"]].notna().all(axis=None)


def test_explained_variance_of_known_draws(moderated):
    model, draws = moderated
    draws = constant_parameters(model, draws, **{"y residual variance": 3.0})
    k = draws.statistics_names.index(
        next(
            each
            for each in draws.statistics_names
            if each.kind is StatisticKind.PREDICTOR_VARIANCE and each.key == (Column("y"),)
        )
    )
    statistics = draws.statistics.copy()
    statistics[..., k] = 1.0
    table = estimates(model, replace(draws, statistics=statistics))
    share = row(table, section="Proportion Variance Explained", parameter="by Coefficients")
    assert share["median"] == 0.25
    assert share["sd"] == 0
    assert np.isnan(share["n_eff"])
    deviation = row(table, section="Standard Deviations", parameter="Residual SD")
    assert deviation["median"] == pytest.approx(np.sqrt(3.0))


def test_standardized_coefficient(mediated):
    model, draws = mediated
    variance = draws.parameter("y residual variance") + draws.statistic(StatisticKind.PREDICTOR_VARIANCE, Column("y"))
    expected = draws.parameter("y ~ x") * model.data["x"].std(ddof=1) / np.sqrt(variance)
    found = draws_of(model, draws, outcome="y", section="Standardized Coefficients", parameter="x")
    np.testing.assert_allclose(found, expected)


def test_complete_data_need_no_recording(mediated):
    model, draws = mediated
    without = [k for k, each in enumerate(draws.statistics_names) if each.key[0] != Column("m1") or len(each.key) == 2]
    fewer = replace(
        draws,
        statistics_names=tuple(draws.statistics_names[k] for k in without),
        statistics=draws.statistics[..., without],
    )
    where = {"outcome": "m1", "section": "Proportion Variance Explained", "parameter": "by Coefficients"}
    assert len(without) < len(draws.statistics_names)
    np.testing.assert_allclose(draws_of(model, fewer, **where), draws_of(model, draws, **where))


def test_equation_without_predictors_explains_nothing(mediated):
    model, draws = mediated
    first = replace(model.equations[0], terms=model.equations[0].terms[:1])
    table = estimates(replace(model, equations=(first, *model.equations[1:])), draws)
    table = table[table["outcome"] == "m1"]
    by_residual = row(table, parameter="by Residual Variation")
    assert (by_residual["median"], by_residual["sd"], by_residual["lo"], by_residual["hi"]) == (1, 0, 1, 1)
    assert row(table, parameter="by Coefficients")["median"] == 0
    assert not (table["section"] == "Standardized Coefficients").any()


def test_fixed_parameter(mediated):
    model, draws = mediated
    parameters = dict(model.parameters) | {"y ~ x": replace(model.parameters["y ~ x"], fixed=1.0)}
    fixed = replace(model, parameters=parameters)
    found = row(estimates(fixed, draws), outcome="y", section="Coefficients", parameter="x")
    assert (found["median"], found["fixed"]) == (1.0, 1)
    assert found[["sd", "lo", "hi", "n_eff", "statistic", "p"]].isna().all()


def test_covariance_block(mediated):
    model, draws = mediated
    names = ("r", "m1 residual variance", "m2 residual variance")
    r, first, second = (draws.parameter(name) for name in names)
    where = {"block": "covariance", "outcome": "m1 m2", "parameter": "Cov(m1,m2)"}
    np.testing.assert_allclose(draws_of(model, draws, **where), r * np.sqrt(first * second))
    np.testing.assert_allclose(draws_of(model, draws, block="covariance", parameter="Cor(m1,m2)"), r)


def test_shared_label_is_printed_wherever_it_stands(mediated):
    table = estimates(*mediated)
    shared = table[(table["outcome"] == "y") & (table["section"] == "Coefficients")].set_index("parameter")
    assert shared.loc["m1", "median"] == shared.loc["m2", "median"]


def test_round_robin_regressions(moderated):
    model, draws = moderated
    variance = [draws.parameter(f"{name} residual variance") for name in ("x1", "x2")]
    covariance = draws.parameter("x1 ~~ x2") * np.sqrt(variance[0] * variance[1])
    on_d = [draws.parameter(f"{name} ~ d") for name in ("x1", "x2")]
    slope = covariance / variance[1]
    expected = {
        "x2": slope,
        "d": on_d[0] - slope * on_d[1],
        "Residual Var.": variance[0] - covariance**2 / variance[1],
    }
    for parameter, values in expected.items():
        found = draws_of(model, draws, block="predictor", outcome="x1", section="Level 1", parameter=parameter)
        np.testing.assert_allclose(found, values)
    mean = draws_of(model, draws, outcome="x1", section="Grand Mean", parameter="Grand Mean")
    np.testing.assert_array_equal(mean, draws.parameter("x1 mean"))
    table = estimates(model, draws)
    printed = table[(table["block"] == "predictor") & (table["outcome"] == "x2")]
    assert list(printed["parameter"]) == ["Grand Mean", "x1", "d", "Residual Var."]


def test_predictor_alone(moderated):
    model, draws = moderated
    alone = replace(model, blocks=(), equations=(model.equations[0], model.equations[2]))
    found = draws_of(alone, draws, outcome="x1", section="Level 1", parameter="d")
    np.testing.assert_allclose(found, draws.parameter("x1 ~ d"))
    found = draws_of(alone, draws, outcome="x1", section="Level 1", parameter="Residual Var.")
    np.testing.assert_allclose(found, draws.parameter("x1 residual variance"))


def test_model_fit_from_moments(moderated):
    model, draws = moderated
    likelihood = draws.log_likelihood
    lppd = likelihood.log_mean_exp.sum()
    table = estimates(model, draws)
    for section in ("Marginal Likelihood", "Conditional Likelihood"):
        dic2 = row(table, section=section, parameter="DIC2")["median"]
        assert dic2 == pytest.approx(2 * (-2 * likelihood.mean.sum()) + 2 * lppd)
        waic = row(table, section=section, parameter="WAIC")["median"]
        assert waic == pytest.approx(-2 * (lppd - likelihood.variance.sum()))


def test_derived_quantities_see_earlier_ones_and_implied_variances(mediated):
    model, draws = mediated
    total = ImpliedVariance("y", VariancePart.TOTAL)
    parts = [ImpliedVariance("y", part) for part in (VariancePart.COEFFICIENTS, VariancePart.RESIDUAL)]
    extended = replace(
        model,
        quantities=(
            *model.quantities,
            Quantity("scaled", Apply("/", (ParameterReference("indirect"), Apply("sqrt", (total,))))),
            Quantity("gap", Apply("-", (total, Apply("+", (parts[0], parts[1]))))),
            Quantity("constant", Constant(2.0)),
        ),
    )
    variance = draws.parameter("y residual variance") + draws.statistic(StatisticKind.PREDICTOR_VARIANCE, Column("y"))
    indirect = draws.parameter("a1") * draws.parameter("b")
    np.testing.assert_allclose(draws_of(extended, draws, parameter="indirect"), indirect)
    np.testing.assert_allclose(draws_of(extended, draws, parameter="scaled"), indirect / np.sqrt(variance))
    np.testing.assert_allclose(draws_of(extended, draws, parameter="gap"), 0, atol=1e-12)
    constant = row(estimates(extended, draws), parameter="constant")
    assert (constant["median"], constant["sd"]) == (2.0, 0.0)


def test_wald_of_one_parameter_is_its_own_test(moderated):
    table = estimates(*moderated)
    single = row(table, block="wald")
    coefficient = row(table, section="Coefficients", parameter="x1")
    assert (single["outcome"], single["parameter"], single["df"]) == ("b1 = 0", "Test #1", 1)
    assert single["statistic"] == pytest.approx(coefficient["statistic"])


def test_wald_of_several_parameters(mediated):
    model, draws = mediated
    contrasts = tuple(ParameterReference(name) for name in ("a1", "a2", "b"))
    difference = Apply("-", (contrasts[0], contrasts[1]))
    tests = (WaldTest("joint", contrasts), WaldTest("redundant", (*contrasts, difference)))
    table = estimates(replace(model, wald_tests=tests), draws)
    sample = np.stack([draws.parameter(name).ravel() for name in ("a1", "a2", "b")])
    mean, covariance = sample.mean(axis=1), np.cov(sample)
    for number in (1, 2):
        found = row(table, block="wald", parameter=f"Test #{number}")
        assert found["df"] == 3
        assert found["statistic"] == pytest.approx(mean @ np.linalg.solve(covariance, mean))
        assert found["p"] == pytest.approx(_chi_tail(found["statistic"], 3))
