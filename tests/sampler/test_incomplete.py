"""Drawing with missing cells integrated out: against normal densities in closed form, and the same posterior."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sampler import chains
from sampler.test_marginals import assert_same_posterior, started

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.plan.incomplete import LATENT, MEANS_MODEL, NOT_NORMAL, PRODUCT, RARE, UNEQUAL
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.sampler.tables.assembly import lay_out
from blimp2pymc.sampler.verification.check import verify

REGRESSION = "MODEL: y ~ x m w; x ~~ m;"
MEDIATION = "FIXED: w; CENTER: x; MODEL: m ~ x@a w; y ~ m@b x w; PARAMETERS: ab = a*b;"
MODERATION = "NOMINAL: g; FIXED: g w; CENTER: x; MODEL: y ~ x m g x*g w; m ~ x w;"
WITH_CATEGORIES = "ORDINAL: o; CENTER: x m; MODEL: y ~ x m o w;"


def incomplete_data(n: int = 200, seed: int = 4) -> pd.DataFrame:
    """Predictors x and m with many missing cells, o with few, y with some; w and the groups g are complete."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n)
    x = 1 + 0.5 * w + rng.normal(size=n)
    m = 0.6 * x + rng.normal(size=n)
    o = (0.5 * x + rng.normal(size=n) > 0.3).astype(float)
    y = 2 + x + 0.5 * m + 0.4 * o + 0.3 * w + rng.normal(size=n)
    data = pd.DataFrame({"y": y, "x": x, "m": m, "o": o, "w": w, "g": np.arange(n) % 3.0})
    data.loc[rng.random(n) < 0.4, "x"] = np.nan
    data.loc[rng.random(n) < 0.3, "m"] = np.nan
    data.loc[rng.random(n) < 0.1, "o"] = np.nan
    data.loc[rng.random(n) < 0.1, "y"] = np.nan
    return data


def log_density(data: pd.DataFrame, parameters: dict[str, float]) -> float:
    """Log density of what is observed of y, x and m in `REGRESSION`, each row a multivariate normal of its own."""
    slopes = np.array([parameters["y ~ x"], parameters["y ~ m"]])
    spread = np.sqrt([parameters["x residual variance"], parameters["m residual variance"]])
    correlation = parameters["m ~~ x"]
    own = np.outer(spread, spread) * np.array([[1, correlation], [correlation, 1]])
    covariance = np.empty((3, 3))
    covariance[0, 0] = slopes @ own @ slopes + parameters["y residual variance"]
    covariance[0, 1:] = covariance[1:, 0] = own @ slopes
    covariance[1:, 1:] = own
    centers = np.array([parameters["x ~ Intercept"], parameters["m ~ Intercept"]])
    total = 0.0
    for row in data.itertuples():
        mean = np.array([parameters["y ~ Intercept"] + slopes @ centers + parameters["y ~ w"] * row.w, *centers])
        values = np.array([row.y, row.x, row.m])
        seen = ~np.isnan(values)
        if seen.any():
            part = covariance[np.ix_(seen, seen)]
            deviation = (values - mean)[seen]
            total -= 0.5 * (np.linalg.slogdet(part)[1] + deviation @ np.linalg.solve(part, deviation))
    return total


# ---------------------------------------------------------------- what is integrated out


def test_patterns_of_missing_predictors() -> None:
    (found,) = plan(resolve(REGRESSION, incomplete_data())).marginals
    x, m = Column("x"), Column("m")
    assert found.cells == (x, m)
    assert found.patterns == {frozenset({x}), frozenset({m}), frozenset({x, m})}
    assert found.latent == () and found.blocks == ()
    (path,) = found.paths
    assert set(path.parameters) == {
        "y ~ Intercept", "y ~ x", "y ~ m", "y ~ w", "y residual variance", "x ~ Intercept", "x residual variance",
        "m ~ Intercept", "m residual variance", "m ~~ x",
    }  # fmt: skip


def test_cells_of_rare_patterns_are_given() -> None:
    data = incomplete_data(1000)
    data.loc[data["x"].isna(), "m"] = 0.0
    data.loc[data.index[data["x"].isna()][:2], "m"] = np.nan
    (found,) = plan(resolve(REGRESSION, data)).marginals
    assert found.patterns == {frozenset({Column("x")}), frozenset({Column("m")})}


def test_cells_that_a_group_multiplies() -> None:
    model = resolve(MODERATION, incomplete_data())
    (found,) = plan(model).marginals
    x, m = Column("x"), Column("m")
    assert found.multipliers == {x: {Column("g")}, m: frozenset()}
    assert found.patterns == {frozenset({x}), frozenset({m}), frozenset({x, m})}
    patterns = lay_out(model, plan(model)).patterns
    assert {each.values for each in patterns if x in each.integrated} == {(0.0,), (1.0,), (2.0,)}
    assert {each.values for each in patterns if x not in each.integrated} == {()}


def test_coefficients_of_latent_responses_stay() -> None:
    (found,) = plan(resolve(WITH_CATEGORIES, incomplete_data())).marginals
    moved = set(found.paths[0].parameters)
    assert {"y ~ x", "y ~ o", "x mean", "m mean"} < moved
    assert not any(name.startswith("o ~ ") or name == "o mean" for name in moved)


@pytest.mark.parametrize(
    "script, reasons",
    [
        ("MODEL: y ~ x m x*m;", {"x": PRODUCT, "m": PRODUCT}),
        ("MODEL: y ~ x m x*w;", {"x": PRODUCT}),
        ("ORDINAL: o; MODEL: logit(o) ~ x; y ~ m;", {"x": NOT_NORMAL}),
        ("MODEL: y ~ x m; var(y) ~ w;", {"x": UNEQUAL, "m": UNEQUAL}),
        ("LATENT: f; MODEL: f -> y w z; f ~ x;", {"x": LATENT}),
        ("MODEL: y ~ x w;", {"x": RARE}),
    ],
)
def test_reasons_to_draw_given_the_cells(script: str, reasons: dict[str, str]) -> None:
    data = incomplete_data()
    data["z"] = np.random.default_rng(1).normal(size=len(data))
    if RARE in reasons.values():
        data["x"] = data["x"].fillna(0.0)
        data.loc[:4, "x"] = np.nan
    found = plan(resolve(script, data))
    assert not any({column.variable for column in each.cells} & set(reasons) for each in found.marginals)
    (cells,) = (each for each in found.updates if each.kernel == "cells")
    for name, reason in reasons.items():
        assert name in cells.targets
        assert reason in cells.reason


def test_cells_of_means_models_are_given() -> None:
    data = incomplete_data()
    found = plan(resolve("CENTER: m; MODEL: m ~ x; y ~ m w;", data))
    if found.marginals:
        assert all(Column("m") not in each.cells for each in found.marginals)
    assert any(MEANS_MODEL in each.reason for each in found.updates if each.kernel == "cells")


def test_nothing_is_integrated_out_where_plain_conditionals_are_wanted() -> None:
    model = resolve(REGRESSION, incomplete_data())
    assert plan(model, integrated=False).marginals == ()
    assert plan(model, collapsed=False).marginals == ()


# ---------------------------------------------------------------- densities


def test_density_is_that_of_the_observed_values() -> None:
    data = incomplete_data(80)
    model = resolve(f"FIXED: w; {REGRESSION}", data)
    run = started(model)
    tables, _, state, work, _ = run.references
    (path,) = run.layout.plan.marginals[0].paths
    rng = np.random.default_rng(1)
    old = chains.free_parameters(run)
    for _ in range(3):
        run.work.vector[1, : len(path.parameters)] = rng.normal(size=len(path.parameters))
        at_old = entries.path_log_density(tables, state, work, 0, 0, 0.0)
        at_new = entries.path_log_density(tables, state, work, 0, 0, 0.2)
        new = chains.free_parameters(run)
        variances = [name for name in path.parameters if "variance" in name]
        jacobian = sum(np.log(new[name] / old[name]) for name in variances)
        jacobian += np.log((1 - new["m ~~ x"] ** 2) / (1 - old["m ~~ x"] ** 2))
        # The covariance matrix of x and m has a flat prior, its variances and their correlation have this one.
        prior = 0.5 * sum(np.log(new[name] / old[name]) for name in variances if not name.startswith("y"))
        expected = log_density(data, new) - log_density(data, old)
        assert at_new - at_old == pytest.approx(expected + jacobian + prior, abs=1e-6)
        for name, value in old.items():
            run.state.theta[run.layout.parameters[name]] = value
        assert run.prepare()


@pytest.mark.parametrize("script", [REGRESSION, MEDIATION, MODERATION, WITH_CATEGORIES])
def test_densities_agree_with_the_graph(script: str) -> None:
    result = verify(resolve(script, incomplete_data(60)), states=2)
    assert "ellipses" in {row.kernel for row in result.rows}
    assert result.passed, str(result)


def test_densities_agree_with_the_graph_where_patterns_are_left_out() -> None:
    data = incomplete_data(300)
    data.loc[data["x"].isna(), "m"] = 0.0
    data.loc[data.index[data["x"].isna()][:1], "m"] = np.nan
    model = resolve(REGRESSION, data)
    assert frozenset({Column("x"), Column("m")}) not in plan(model).marginals[0].patterns
    result = verify(model, states=2)
    assert result.passed, str(result)


# ---------------------------------------------------------------- draws


@pytest.mark.parametrize("script", [REGRESSION, MEDIATION, MODERATION, WITH_CATEGORIES])
def test_posterior_is_the_same_without_integrating(script: str) -> None:
    model = resolve(script, incomplete_data())
    lengths = {True: 6000, False: 30_000}
    runs = {
        on: sample(model, plan(model, integrated=on), draws=n, burn=1000, chains=2, seed=3 + on, log_likelihood=False)
        for on, n in lengths.items()
    }
    assert_same_posterior(model, runs[True], runs[False])


def test_slopes_no_longer_wait_for_the_missing_cells() -> None:
    model = resolve(REGRESSION, incomplete_data())
    lag = {}
    for on in (True, False):
        # Overrelaxed draws would hide how much is missing.
        how = replace(plan(model, integrated=on), overrelaxation=0.0)
        draws = sample(model, how, draws=4000, burn=1000, chains=1, seed=3, log_likelihood=False)
        values = draws.parameter("y ~ m")[0]
        lag[on] = float(np.corrcoef(values[:-1], values[1:])[0, 1])
    assert lag[True] < 0.2
    assert lag[False] > 0.35


def test_short_burn_in_leaves_the_other_kernels() -> None:
    model = resolve(REGRESSION, incomplete_data())
    run = ChainRun.make_all(model, plan(model), 100, 100, 1, 4, 0, False)[0]
    run.start()
    run.advance(200)
    assert np.ptp(run.record.parameters, axis=0).min() > 0
