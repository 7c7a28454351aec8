"""Whole posteriors: against closed forms, with moves on and off, and the mechanics of a run."""

from __future__ import annotations

import threading
import time

import hand_built
import numpy as np
import pandas as pd
import pytest
from sampler import chains, small_models

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import Column
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.draws import StatisticKind
from blimp2pymc.sampler.plan.rules import plan

COLLAPSED = {
    "interaction": lambda: hand_built.interaction(n=80, missing=0.25),
    "mediators": hand_built.correlated_mediators,
    "powers": small_models.powers,
    "centered": small_models.centered_outcome,
}
"""Models whose posterior must be the same with moves on and off."""


def _regression(n=40):
    rng = np.random.default_rng(2)
    x = rng.normal(3, 2, n)
    y = 1 + 0.5 * x + rng.normal(size=n)
    return small_models.build({"x": x, "y": y}, [("y", [("a", small_models.ONE), ("b", Column("x"))])])


def test_regression_has_its_closed_form():
    model = _regression()
    draws = sample(model, draws=20_000, burn=100, chains=2, seed=5)
    x, y = model.data["x"], model.data["y"]
    design = np.column_stack([np.ones(x.size), x])
    estimate, squares, *_ = np.linalg.lstsq(design, y, rcond=None)
    # A flat prior on the variance: variance given data is inverse gamma((n - 4)/2, squares/2).
    degrees = x.size - 4
    variance = squares[0] / (degrees - 2)
    covariance = variance * np.linalg.inv(design.T @ design)
    for k, name in enumerate("ab"):
        drawn = draws.parameter(name)
        assert chains.within(drawn.mean(), estimate[k], chains.autocovariance_error(drawn))
        assert drawn.var() == pytest.approx(covariance[k, k], rel=0.06)
    drawn = draws.parameter("y residual variance")
    assert chains.within(drawn.mean(), variance, chains.autocovariance_error(drawn))
    assert drawn.std() == pytest.approx(variance / np.sqrt(degrees / 2 - 2), rel=0.06)


def test_defined_labels_follow_the_draw():
    rng = np.random.default_rng(12)
    frame = pd.DataFrame(rng.normal(size=(60, 3)), columns=["x", "z", "y"])
    script = "MODEL: y ~ x@a z@b; PARAMETERS: b = 0.8*a; WALDTEST: a = 0;"
    draws = sample(resolve(script, frame), draws=50, burn=20, chains=2, seed=5)
    assert draws.parameter("a").std() > 0
    np.testing.assert_allclose(draws.parameter("b"), 0.8 * draws.parameter("a"), rtol=1e-12)


def test_thresholds_are_the_same_where_an_expected_score_holds_them():
    rng = np.random.default_rng(13)
    x = rng.normal(size=80)
    o = 1.0 + np.digitize(0.4 + x + rng.normal(size=80), [0.0, 1.0])
    frame = pd.DataFrame({"x": x, "o": o, "y": (o + rng.normal(size=80) > 2).astype(float)})
    frame.loc[rng.random(80) < 0.1, "o"] = np.nan
    # The center of the score matters for the prior of the intercept of y alone, which says next to nothing about o.
    plain = resolve("ORDINAL: o y; FIXED: x; MODEL: y ~ o x;", frame)
    centered = resolve("ORDINAL: o y; FIXED: x; CENTER: o; MODEL: y ~ o x;", frame)
    one, other = (sample(each, draws=20_000, burn=500, chains=2, seed=5) for each in (plain, centered))
    for name in ("o threshold 2", "o mean", "o ~ x"):
        a, b = one.parameter(name), other.parameter(name)
        assert chains.within(a.mean(), b.mean(), np.hypot(*map(chains.autocovariance_error, (a, b))))
        assert a.std() == pytest.approx(b.std(), rel=0.1)


def test_complete_nominal_predictor_gives_group_means():
    rng = np.random.default_rng(4)
    group = np.resize([2.0, 5.0, 7.0], 60)
    y = np.select([group == 2, group == 5], [1.0, 3.0], 0.0) + rng.normal(size=60)
    model = resolve("NOMINAL: group; FIXED: group; MODEL: y ~ group;", pd.DataFrame({"group": group, "y": y}))
    draws = sample(model, draws=8000, burn=100, chains=2, seed=5)
    means = {code: y[group == code].mean() for code in (2, 5, 7)}
    expected = {"y ~ Intercept": means[2], "y ~ group.5": means[5] - means[2], "y ~ group.7": means[7] - means[2]}
    for name, value in expected.items():
        drawn = draws.parameter(name)
        assert chains.within(drawn.mean(), value, chains.autocovariance_error(drawn))


@pytest.mark.parametrize("name", COLLAPSED)
def test_moves_leave_the_posterior_as_it_is(name):
    model = COLLAPSED[name]()
    runs = [
        sample(model, plan(model, collapsed=on), draws=8000, burn=500, chains=2, seed=seed)
        for on, seed in ((True, 1), (False, 2))
    ]
    for parameter in runs[0].parameter_names:
        first, second = (run.parameter(parameter) for run in runs)
        error = np.hypot(chains.autocovariance_error(first), chains.autocovariance_error(second))
        assert chains.within(first.mean(), second.mean(), error), parameter
        spread = [(each - each.mean()) ** 2 for each in (first, second)]
        error = np.hypot(*(chains.autocovariance_error(each) for each in spread))
        assert chains.within(spread[0].mean(), spread[1].mean(), error), parameter
    for variable in model.incomplete:
        deviations = np.sqrt(runs[1].cell_variance[variable])
        assert np.abs((runs[0].cell_mean[variable] - runs[1].cell_mean[variable]) / deviations).max() < 0.2


@pytest.fixture(scope="module")
def interaction():
    return sample(hand_built.interaction(), draws=400, burn=100, chains=2, seed=11)


def test_same_numbers_for_any_number_of_cores(interaction):
    model = hand_built.interaction()
    one = sample(model, draws=400, burn=100, chains=2, seed=11, cores=1)
    for field in ("parameters", "statistics", "burn_in"):
        assert np.array_equal(getattr(one, field), getattr(interaction, field))
    assert np.array_equal(one.imputations.values["x1"], interaction.imputations.values["x1"])
    assert not np.array_equal(one.parameters[0], one.parameters[1])
    other = sample(model, draws=10, burn=100, chains=2, seed=12)
    assert not np.array_equal(other.parameters, one.parameters[:, :10])


def test_statistics_equal_those_of_the_completed_data():
    model = hand_built.interaction()
    draws = sample(model, draws=30, burn=10, chains=1, seed=3, n_imputations=30)
    assert draws.imputations.draw.tolist() == list(range(30))
    for k in range(30):
        data = {name: values.copy() for name, values in model.data.items()}
        for name, values in draws.imputations.values.items():
            data[name][np.isnan(model.data[name])] = values[k]
        p = dict(zip(draws.parameter_names, draws.parameters[0, k], strict=True))
        x1, x2 = data["x1"] - p["x1 mean"], data["x2"] - p["x2 mean"]
        slopes = p["b1"] * x1 + p["y ~ x2"] * x2 + p["y ~ d"] * data["d"] + p["y ~ x1*x2"] * x1 * x2
        residual = data["y"] - p["y ~ Intercept"] - slopes
        expected = {
            (StatisticKind.PREDICTOR_VARIANCE, (Column("y"),)): slopes.var(ddof=1),
            (StatisticKind.TERM_VARIANCE, (Column("y"), "x1*x2")): (x1 * x2).var(ddof=1),
            (StatisticKind.TERM_VARIANCE, (Column("y"), "Intercept")): 0.0,
            (StatisticKind.COLUMN_MEAN, (Column("x1"),)): data["x1"].mean(),
            (StatisticKind.COLUMN_VARIANCE, (Column("x1"),)): data["x1"].var(ddof=1),
            (StatisticKind.COLUMN_MEAN, (Column("d"),)): data["d"].mean(),
            (StatisticKind.RESIDUAL_PRODUCT, (Column("y"), Column("y"))): residual @ residual,
        }
        for (kind, key), value in expected.items():
            assert draws.statistic(kind, *key)[0, k] == pytest.approx(value, rel=1e-8, abs=1e-9), (kind, key)


def test_log_likelihood_and_summaries():
    model = hand_built.interaction()
    draws = sample(model, draws=40, burn=10, chains=2, seed=3, n_imputations=80)
    rows, columns = [], []
    for k in range(80):
        data = {name: values.copy() for name, values in model.data.items()}
        for name, values in draws.imputations.values.items():
            data[name][np.isnan(model.data[name])] = values[k]
        drawn = draws.parameters[draws.imputations.chain[k], draws.imputations.draw[k]]
        p = dict(zip(draws.parameter_names, drawn, strict=True))
        x1, x2 = data["x1"] - p["x1 mean"], data["x2"] - p["x2 mean"]
        slopes = p["b1"] * x1 + p["y ~ x2"] * x2 + p["y ~ d"] * data["d"] + p["y ~ x1*x2"] * x1 * x2
        residual = data["y"] - p["y ~ Intercept"] - slopes
        variance = p["y residual variance"]
        rows.append(-0.5 * (np.log(2 * np.pi * variance) + residual**2 / variance))
        columns.append(data["x1"])
    found = draws.log_likelihood
    assert found.n_draws == 80
    assert found.mean == pytest.approx(np.mean(rows, axis=0))
    assert found.variance == pytest.approx(np.var(rows, axis=0, ddof=1))
    assert found.log_mean_exp == pytest.approx(np.log(np.mean(np.exp(rows), axis=0)))
    summary = draws.column_summaries[Column("x1")]
    assert summary.mean == pytest.approx(np.mean(columns))
    assert summary.standard_deviation == pytest.approx(np.mean([each.std(ddof=1) for each in columns]))
    assert summary.quantiles == pytest.approx(
        np.mean([np.quantile(each, [0.25, 0.5, 0.75]) for each in columns], axis=0)
    )
    assert (summary.minimum, summary.maximum) == pytest.approx(
        (np.mean(np.min(columns, 1)), np.mean(np.max(columns, 1)))
    )
    missing = np.isnan(model.data["x1"])
    imputed = np.array(columns)[:, missing]
    assert draws.cell_mean["x1"] == pytest.approx(imputed.mean(axis=0))
    assert draws.cell_variance["x1"] == pytest.approx(imputed.var(axis=0, ddof=1))


def test_iterations_are_a_total_over_chains():
    draws = sample(hand_built.interaction(), burn=20, chains=3, seed=1)
    assert draws.parameters.shape == (3, 1334, 13)
    assert len(draws.imputations.chain) == 20
    assert np.bincount(draws.imputations.chain).tolist() == [7, 7, 6]


def test_interrupt_keeps_the_draws(monkeypatch):
    import _thread

    def interrupt(done, total, seconds):
        if done > 2000 and not asked:
            asked.append(done)
            _thread.interrupt_main()

    asked: list[int] = []
    draws = sample(hand_built.interaction(), draws=2_000_000, burn=100, chains=2, seed=1, progress=interrupt)
    assert asked and draws.interrupted
    assert 100 < draws.n_draws < 2_000_000
    assert np.isfinite(draws.parameters).all() and (draws.parameter("y residual variance") > 0).all()


def test_progress_is_told():
    told = []
    started = time.perf_counter()
    sample(hand_built.interaction(), draws=3000, burn=10, chains=2, seed=1, progress=lambda *each: told.append(each))
    assert told[-1][:2] == (6020, 6020)
    assert 0 < told[-1][2] <= time.perf_counter() - started
    assert threading.active_count() < 20


def test_collinear_predictors_are_said():
    rng = np.random.default_rng(1)
    x = rng.normal(size=30)
    model = small_models.build(
        {"x": x, "w": 2 * x, "y": x + rng.normal(size=30)},
        [("y", [("a", small_models.ONE), ("b", Column("x")), ("c", Column("w"))])],
    )
    with pytest.raises(BlimpError, match=r"'a', 'b', 'c'.*not positive definite"):
        sample(model, draws=10, burn=10, chains=1, seed=1)


def test_one_signature_serves_all_models():
    from blimp2pymc.sampler.chain import sweep

    for make in (hand_built.interaction, small_models.powers, small_models.structured):
        sample(make(), draws=5, burn=5, chains=1, seed=1)
    assert len(sweep.run.loaded) == 1


def test_large_run_says_what_it_needs_first(monkeypatch):
    from blimp2pymc.sampler.chain import chain

    said: list[str] = []
    sample(hand_built.interaction(), draws=5, burn=5, chains=1, seed=1, note=said.append)
    assert not said
    monkeypatch.setattr(chain, "LARGE", 0)
    sample(hand_built.interaction(), draws=5, burn=5, chains=1, seed=1, n_imputations=3, note=said.append)
    assert len(said) == 1
    assert said[0].endswith("for 5 draws and 3 completed data sets.")


def test_one_completed_data_set_from_a_draw_at_most():
    with pytest.raises(BlimpError, match="13 completed data sets cannot be kept from 12 draws"):
        sample(hand_built.interaction(), draws=6, burn=5, chains=2, seed=1, n_imputations=13)
    few = sample(hand_built.interaction(), draws=6, burn=5, chains=2, seed=1)
    assert len(few.imputations.draw) == 12


def test_run_that_does_not_fit_into_memory_is_refused():
    with pytest.raises(BlimpError, match=r"this run would take about .* GB of memory"):
        sample(hand_built.interaction(), draws=10**13, burn=5, chains=1, seed=1)
