"""Proposals of whole covariances: which there are, their acceptance ratio, and posteriors with and without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sampler import chains

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.sampler.verification.check import verify

CASES = {
    "mixed": "ORDINAL: o b; MODEL: o b x y ~~ o b x y; o ~ w; x ~ w;",
    "responses": "ORDINAL: o b c; MODEL: o b c ~~ o b c; o ~ w;",
    "responses that predict": "ORDINAL: o b c; MODEL: o b ~~ o b; c ~ o.latent b.latent; y ~ o.latent c;",
    "bounds": "MODEL: x ~~ y@r; PARAMETERS: r ~ truncate(0, 1);",
}


def _table(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    w = rng.normal(size=n)
    common = rng.normal(size=n)
    values = {name: 0.3 * w + 0.7 * common + rng.normal(size=n) for name in ("o", "b", "c", "x", "y")}
    table = pd.DataFrame({"w": w, **values})
    table["o"] = 1.0 + np.digitize(table["o"], [-0.6, 0.2, 1.0])
    table["b"], table["c"] = (table["b"] > 0.2).astype(float), (table["c"] > -0.1).astype(float)
    for name in ("o", "b", "x", "y"):
        table.loc[rng.random(n) < 0.1, name] = np.nan
    return table


def _model(name, n=120):
    return resolve(f"FIXED: w; MISSING: NA; SEED: 1; {CASES[name]}", _table(n))


def test_what_is_proposed_together():
    how = plan(_model("mixed"))
    (found,) = how.covariance_moves
    assert set(found.outcomes) == {"o", "b", "x", "y"}
    assert {"x residual variance", "b ~~ o", "x ~~ y"} < set(found.parameters)
    assert "o residual variance" not in found.parameters
    fixed = {outcome for outcome, scale in zip(found.outcomes, found.scales, strict=True) if scale is not None}
    assert fixed == {"o", "b"}
    assert str(found).endswith("as if all of them were free; the scale of 'b', 'o' follows")


@pytest.mark.parametrize(
    "script",
    [
        # Inverse Wishart already; a correlation that is fixed, shared, or a slope; a label that holds the scale.
        "MODEL: x y ~~ x y;",
        "ORDINAL: o b; MODEL: o b x ~~ o b x; x ~~ o@.3;",
        "ORDINAL: o b; MODEL: o ~~ x@r; b ~~ y@r;",
        "ORDINAL: o b; MODEL: o ~~ b@r; y ~ w@s; PARAMETERS: s = sqrt(abs(r));",
        "ORDINAL: o b; CENTER: o; MODEL: o ~ x@a; o ~~ b; y ~ o; x ~ w@a;",
    ],
)
def test_what_is_not(script):
    assert not plan(resolve(f"FIXED: w; MISSING: NA; SEED: 1; {script}", _table())).covariance_moves


def test_none_without_moves():
    assert not plan(_model("mixed"), moves=False).covariance_moves


@pytest.mark.parametrize("name", CASES)
def test_ratio_agrees_with_the_graph(name):
    result = verify(_model(name), states=6)
    rows = [row for row in result.rows if row.kernel == "whole"]
    assert len(rows) == len(plan(_model(name)).covariance_moves) == 1
    assert result.passed, str(result)
    assert max(row.difference for row in rows) < 1e-8
    assert min(row.compared for row in rows) >= 2


@pytest.mark.parametrize("name", CASES)
def test_everything_follows_a_proposal(name):
    chains.assert_everything_follows(_model(name), burn=40, sweeps=30)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_proposals_leave_the_posterior_as_it_is(name):
    model = _model(name)
    how = plan(model)
    runs = [
        sample(model, each, draws=30_000, burn=1000, chains=2, seed=seed, log_likelihood=False)
        for each, seed in ((how, 1), (replace(how, covariance_moves=()), 2))
    ]
    chains.assert_same_posterior(model, *runs)
