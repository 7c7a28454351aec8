"""Latent variables that follow their coefficients: which there are, their density, posteriors with and without them."""

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
    "items whose coefficients differ": """ORDINAL: y0 y1; LATENT: f; MODEL: f ~ w g; var(f) ~ 1@0 w g;
        f -> y0@lead y1 x z; y0 ~ g g*f; x ~ g g*f; y0 ~~ y1;""",
    "marker": "LATENT: f; MODEL: var(f) ~ 1 w; f -> x z m;",
    "categories and counts": """ORDINAL: b; COUNT: c; LATENT: f; MODEL: f ~ w; var(f) ~ 1@0 w; f -> x@l z; logit(b) ~ f;
        c ~ f; var(m) ~ f w; PARAMETERS: l ~ truncate(0, Inf);""",
    "two variables": """LATENT: f h; MODEL: f ~ w; var(f) ~ 1 w; h ~ f g; var(h) ~ 1 g; f -> x z m; h -> y v;
        u ~ f*h;""",
}


def _table(n: int = 100) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    w, g = rng.normal(size=n), rng.binomial(1, 0.5, n).astype(float)
    f = 0.4 * w - 0.3 * g + np.exp(0.3 * w - 0.2 * g) * rng.normal(size=n)
    h = 0.5 * f + np.exp(0.3 * g) * rng.normal(size=n)
    table = pd.DataFrame({"w": w, "g": g})
    for name, size in (("x", 1.0), ("z", 0.8), ("m", 0.9)):
        table[name] = 1 + size * f + rng.normal(0, 0.7, n)
    for name in ("y", "v"):
        table[name] = h + rng.normal(0, 0.5, n)
    table["u"] = 0.3 * f * h + rng.normal(size=n)
    for name in ("y0", "y1"):
        table[name] = 1.0 + np.digitize(f + rng.normal(size=n), [-0.5, 0.7])
    table["b"] = (f + rng.logistic(size=n) > 0).astype(float)
    table["c"] = rng.poisson(np.exp(0.3 + 0.4 * np.clip(f, -3, 2))).astype(float)
    for name in ("x", "m", "y1", "b", "c"):
        table.loc[rng.random(n) < 0.1, name] = np.nan
    return table


def _model(name, n=100):
    return resolve(f"FIXED: w g; MISSING: NA; SEED: 1; {CASES[name]}", _table(n))


def test_what_moves_and_what_is_integrated_out():
    (found,) = plan(_model("items whose coefficients differ")).interweavings
    assert found.parameters == ("f ~ w", "f ~ g", "var(f) ~ w", "var(f) ~ g")
    blocks = {frozenset(block) for block in found.blocks}
    assert {"y0 ~ Intercept", "lead", "y0 ~ g", "y0 ~ g*f", "y1 ~ Intercept", "y1 ~ f"} in blocks
    assert {"x ~ Intercept", "x ~ f", "x ~ g", "x ~ g*f"} in blocks
    assert str(found) == (
        "'f' moves together with 4 coefficients of its mean and log variance, its standardized residuals held, "
        "12 coefficients of what it predicts integrated out"
    )


def test_bounds_and_densities_that_are_not_normal_stay():
    (found,) = plan(_model("categories and counts")).interweavings
    integrated = {name for block in found.blocks for name in block}
    assert {"z ~ f", "logit(b) ~ f"} <= integrated
    assert not {"l", "c ~ f", "var(m) ~ f", "m ~ f"} & integrated
    groups = plan(_model("categories and counts")).structure.groups
    assert {groups[k].family for k in found.densities} == {"negative_binomial", "log_variance"}


def test_variables_that_predict_each_other():
    first, second = plan(_model("two variables")).interweavings
    assert [first.column.variable, second.column.variable] == ["f", "h"]
    # The coefficients of one follow in their turn what the other integrates out.
    assert {"h ~ f", "h ~ g"} <= {name for block in first.blocks for name in block}
    assert set(second.parameters) >= {"h ~ f", "h ~ g"}


@pytest.mark.parametrize(
    "script",
    [
        "LATENT: f; MODEL: f ~ w; f -> x z m;",
        "LATENT: f; MODEL: var(f) ~ 1@0; f -> x@l z m;",
        "LATENT: f; MODEL: var(f) ~ 1 w; f -> x z m; y ~ (exp(f));",
        "MODEL: y ~ w; var(y) ~ w;",
    ],
)
def test_what_does_not_move(script):
    assert not plan(resolve(f"FIXED: w g; MISSING: NA; SEED: 1; {script}", _table())).interweavings


def test_none_without_moves():
    assert not plan(_model("marker"), moves=False).interweavings


@pytest.mark.parametrize("name", CASES)
def test_density_agrees_with_the_graph(name):
    result = verify(_model(name), states=3)
    rows = [row for row in result.rows if row.kernel == "interweaving"]
    assert len(rows) == len(plan(_model(name)).interweavings) > 0
    assert result.passed, str(result)
    assert max(row.difference for row in rows) < 1e-8


@pytest.mark.parametrize("name", CASES)
def test_everything_follows_a_move(name):
    chains.assert_everything_follows(_model(name), burn=120, sweeps=130)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_moves_leave_the_posterior_as_it_is(name):
    model = _model(name)
    how = plan(model)
    runs = [
        sample(model, each, draws=20_000, burn=1500, chains=2, seed=seed, log_likelihood=False)
        for each, seed in ((how, 1), (replace(how, interweavings=()), 2))
    ]
    chains.assert_same_posterior(model, *runs)
