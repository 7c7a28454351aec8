"""Latent responses that are not normal between their thresholds: posteriors against integration, plans, moves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sampler import chains, checked, joint_density

from blimp2pymc.joint_model.ir import Column, Form
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.kernels import sliced_responses
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.sampler.verification.point import Point

MEAN, SQUARE, LOGIT, CONSTANT, LOG_SLOPE, SCORE = 0.8, 0.4, 0.6, -0.5, 0.5, 0.5
CODES = (1.0, 2.0, 4.0)
SCRIPT = f"""SEED: 1; ORDINAL: o; NOMINAL: k; MODEL: o ~ 1@{MEAN}; k ~ 1@0 o.latent@{LOGIT};
    y ~ 1@0 o.latent^2@{SQUARE}; var(y) ~ 1@{CONSTANT} o.latent@{LOG_SLOPE}; z ~ 1@0 o@{SCORE}; z@1;"""
"""Everything is known but the second threshold of o."""


def _table(n: int = 120, absent: float = 0.25) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    response = MEAN + rng.normal(size=n)
    o = np.array(CODES)[np.digitize(response, [0.0, 1.2])]
    odds = np.exp(LOGIT * response)
    k = 1.0 + (rng.random((n, 1)) > np.column_stack([np.ones(n), 1 + odds]) / (1 + 2 * odds)[:, None]).sum(axis=1)
    y = SQUARE * response**2 + np.exp(0.5 * (CONSTANT + LOG_SLOPE * response)) * rng.normal(size=n)
    z = SCORE * o + rng.normal(size=n)
    return pd.DataFrame({"o": np.where(rng.random(n) < absent, np.nan, o), "k": k, "y": y, "z": z})


def _threshold_density(table: pd.DataFrame, grid: np.ndarray) -> np.ndarray:
    """Log density of the threshold on a grid, latent responses and missing categories integrated out numerically."""
    from scipy import stats

    at, step = np.linspace(-8, 10, 18_001, retstep=True)
    y, k = table["y"].to_numpy()[:, None], table["k"].to_numpy()[:, None]
    inside = stats.norm.pdf(at, MEAN) * stats.norm.pdf(y, SQUARE * at**2, np.exp(0.5 * (CONSTANT + LOG_SLOPE * at)))
    inside = inside * np.where(k > 1, np.exp(LOGIT * at), 1.0) / (1 + 2 * np.exp(LOGIT * at))
    below = np.concatenate([np.zeros((len(table), 1)), np.cumsum(0.5 * step * (inside[:, 1:] + inside[:, :-1]), 1)], 1)
    at_zero, at_end = (np.array([np.interp(x, at, each) for each in below]) for x in (0.0, 10.0))
    o, z = table["o"].to_numpy(), table["z"].to_numpy()
    total = []
    for threshold in grid:
        at_threshold = np.array([np.interp(threshold, at, each) for each in below])
        parts = np.array([at_zero, at_threshold - at_zero, at_end - at_threshold])
        parts = parts * stats.norm.pdf(z, SCORE * np.array(CODES)[:, None])
        chosen = np.where(np.isnan(o), parts.sum(axis=0), 0.0)
        for each, code in zip(parts, CODES, strict=True):
            chosen = np.where(o == code, each, chosen)
        total.append(np.log(chosen).sum())
    return np.array(total)


def test_density_of_sliced_responses() -> None:
    """Responses between thresholds, and those without a category, whose score follows: in a square and in products."""
    script = "SEED: 1; ORDINAL: o; FIXED: w; MODEL: o ~ w; y1 ~ o.latent^2 o o.latent*w;"
    run = chains.chain(resolve(script, checked.simulated()))
    model, table, state = run.layout.model, run.layout.tables.nonlinear, run.state
    free, data, rng = chains.free_parameters(run), run.completed(), np.random.default_rng(2)
    before = joint_density.log_joint(model, free, data)
    references = run.references
    compiled, kinds = (references[0], references[2], references[3]), []
    for index in np.flatnonzero(table.kind >= sliced_responses.OBSERVED):
        for row in range(table.low[index], min(table.low[index] + 8, table.high[index])):
            old = float(state.columns[table.column[index], row])
            at_old = entries.sliced_log_density(*compiled, index, row, old)
            size = 0.05 if table.kind[index] == sliced_responses.OBSERVED else 1.5
            at_new = entries.sliced_log_density(*compiled, index, row, old + size * rng.normal())
            change = joint_density.log_joint(model, free, run.completed()) - before
            if np.isfinite(change):
                # Elsewhere it has left the interval of an observed category.
                assert at_new - at_old == pytest.approx(change, abs=1e-6)
                kinds.append(int(table.kind[index]))
            assert table.kind[index] == sliced_responses.OBSERVED or np.isfinite(change)
            entries.sliced_log_density(*compiled, index, row, old)
    assert set(kinds) == {sliced_responses.OBSERVED, sliced_responses.FOLLOWING} and len(kinds) > 15
    assert joint_density.log_joint(model, free, run.completed()) == pytest.approx(before, abs=1e-9)


@pytest.mark.parametrize("absent", [0.0, 0.25])
def test_a_threshold_has_its_posterior(absent: float) -> None:
    """Thresholds, responses between them and categories that follow from responses, all in one number."""
    table = _table(absent=absent)
    model = resolve(SCRIPT, table)
    assert [name for name, each in model.parameters.items() if each.is_free] == ["o threshold 2"]
    grid = np.linspace(0.3, 2.5, 221)
    weights = np.exp((density := _threshold_density(table, grid)) - density.max())
    drawn = sample(model, draws=8000, burn=500, chains=2, log_likelihood=False).parameter("o threshold 2")
    for power in (1, 2):
        expected = (weights * grid**power).sum() / weights.sum()
        assert chains.within((drawn**power).mean(), expected, chains.autocovariance_error(drawn**power))


@pytest.mark.parametrize(
    "script",
    [
        "COUNT: count; MODEL: count ~ o.latent w;",
        "NOMINAL: k; MODEL: k ~ o.latent w;",
        "MODEL: y1 ~ w; var(y1) ~ o.latent;",
        "MODEL: y1 ~ o.latent^2 w;",
        "MODEL: y1 ~ (exp(o.latent/3)) o w;",
    ],
)
def test_what_draws_responses_that_are_not_normal(script: str) -> None:
    model = resolve(f"SEED: 1; ORDINAL: o; FIXED: w; {script}", checked.simulated())
    found = plan(model)
    drawn = {name: each.kernel for each in found.updates for name in each.targets}
    assert any(each.kernel == "sliced_responses" and each.targets == ("o",) for each in found.updates)
    assert not any(each.kernel in ("responses", "categories") for each in found.updates)
    assert drawn["o threshold 2"] == drawn["o threshold 3"] == "thresholds"


def test_responses_that_are_normal_stay_with_their_kernel() -> None:
    script = "SEED: 1; ORDINAL: o high; FIXED: w; MODEL: y1 ~ o.latent^2; y2 ~ high.latent;"
    drawn = {each.kernel: each.targets for each in plan(resolve(script, checked.simulated())).updates}
    assert drawn["sliced_responses"] == ("o",) and drawn["responses"] == ("high",)


def test_responses_keep_their_place_while_thresholds_move_and_can_be_put_back() -> None:
    """Far out, where a category has next to no probability, too."""
    from blimp2pymc.pymc_source.build import build

    model = resolve(SCRIPT, _table())
    run = chains.chain(model, collapsed=True)
    point = Point(run, build(model), np.random.default_rng(1))
    point.save()
    column = run.state.columns[run.layout.columns[Column("o", Form.LATENT_RESPONSE)]]
    before, old = point.log_density(collapsed=True), column.copy()
    threshold = float(run.state.theta[run.layout.parameters["o threshold 2"]])
    for new in (threshold + 0.2, 1e-12, threshold + 9.0):
        ratio = entries.move_thresholds(*point.compiled, 0, np.array([0.0, new]))
        assert np.isfinite(ratio) and (column != old).any()
        back = entries.move_thresholds(*point.compiled, 0, np.array([0.0, threshold]))
        assert ratio + back == pytest.approx(0.0, abs=1e-5)
        assert column == pytest.approx(old, abs=1e-6)
        point.restore()
    assert point.log_density(collapsed=True) == pytest.approx(before, abs=1e-9)
