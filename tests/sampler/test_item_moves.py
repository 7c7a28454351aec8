"""Latent variables that follow the parameters of their indicators: which there are, their density, posteriors."""

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
    "binary items": "ORDINAL: b d; LATENT: f; MODEL: f ~ w; f ~~ f@1; logit(b) ~ f w; logit(d) ~ f; x ~ f z f*w;",
    "marker": """ORDINAL: b d e; LATENT: f; MODEL: f ~~ f@size; logit(b) ~ f@1; logit(d) ~ f@l; logit(e) ~ f@l;
        PARAMETERS: size ~ invgamma(3, 2);""",
    "every family": """ORDINAL: o b; NOMINAL: k; COUNT: c; LATENT: f; MODEL: f -> x z; k ~ f w; c ~ f; o ~ f;
        logit(b) ~ f; y ~ f k; var(y) ~ 1@size w; PARAMETERS: size ~ normal(-1, 0.5);""",
    "two variables": """ORDINAL: b d; COUNT: c; LATENT: f h; MODEL: f ~~ h; f -> x z m@l; f ~ w; logit(b) ~ f; h -> y v;
        c ~ h f; logit(d) ~ h@l; PARAMETERS: l ~ truncate(0, Inf);""",
}


def _table(n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    w = rng.normal(size=n)
    f = 0.4 * w + rng.normal(size=n)
    h = 0.5 * f + rng.normal(size=n)
    table = pd.DataFrame({"w": w})
    for name, size in (("x", 1.0), ("z", 0.8), ("m", 0.9)):
        table[name] = 1 + size * f + rng.normal(0, 0.7, n)
    for name in ("y", "v"):
        table[name] = h + rng.normal(0, 0.5, n)
    for name in ("b", "d", "e"):
        table[name] = (f + rng.logistic(size=n) > 0).astype(float)
    table["o"] = 1.0 + np.digitize(f + rng.normal(size=n), [-0.5, 0.7])
    table["k"] = 1.0 + (np.outer(f, [0.0, 0.5, -0.5]) + rng.gumbel(size=(n, 3))).argmax(axis=1)
    table["c"] = rng.poisson(np.exp(0.3 + 0.4 * np.clip(f, -3, 2))).astype(float)
    for name in ("x", "m", "z", "b", "c", "k"):
        table.loc[rng.random(n) < 0.1, name] = np.nan
    return table


def _model(name, n=80):
    return resolve(f"FIXED: w; MISSING: NA; SEED: 1; {CASES[name]}", _table(n))


def test_what_moves():
    (found,) = plan(_model("binary items")).item_moves
    assert {"f ~ w", "logit(b) ~ f", "logit(b) ~ w", "x ~ Intercept", "x ~ f", "x ~ f*w"} <= set(found.coefficients)
    assert found.variances == ("x residual variance",)
    count = len(found.parameters)
    assert str(found) == f"'f' moves together with {count} parameters, its place given its indicators held"


def test_coefficients_of_latent_responses_stay():
    (found,) = plan(_model("every family")).item_moves
    assert {"k.2 ~ f", "k.3 ~ w", "c ~ f", "logit(b) ~ f", "y ~ f"} <= set(found.coefficients)
    assert not {"o ~ f", "o ~ Intercept", "var(y) ~ w"} & found.targets
    assert "f residual variance" in found.variances


def test_labels_are_shared_by_equations_that_hold_the_variable():
    (found,) = plan(_model("marker")).item_moves
    assert "l" in found.coefficients
    first, second = plan(_model("two variables")).item_moves
    assert [first.column.variable, second.column.variable] == ["f", "h"]
    # Of two equations with the label one holds f alone, the other h alone.
    assert "l" not in {*first.coefficients, *second.coefficients}
    assert {"c ~ h", "c ~ f"} <= first.targets & second.targets


@pytest.mark.parametrize(
    "script",
    [
        "LATENT: f; MODEL: f -> x z m;",
        "ORDINAL: o; LATENT: f; MODEL: f -> o x z;",
        "ORDINAL: b; LATENT: f; MODEL: f -> x z m; logit(b) ~ f*f;",
        "ORDINAL: b; LATENT: f; MODEL: f -> x z m; var(f) ~ w; logit(b) ~ f;",
        "ORDINAL: b; LATENT: f; MODEL: f -> x z m; var(y) ~ f; logit(b) ~ f;",
        "ORDINAL: b; COUNT: c; MODEL: logit(b) ~ x; c ~ x;",
    ],
)
def test_what_does_not_move(script):
    assert not plan(resolve(f"FIXED: w; MISSING: NA; SEED: 1; {script}", _table())).item_moves


def test_none_without_moves():
    assert not plan(_model("marker"), moves=False).item_moves


@pytest.mark.parametrize("name", CASES)
def test_density_agrees_with_the_graph(name):
    result = verify(_model(name), states=3)
    rows = [row for row in result.rows if row.kernel == "items"]
    assert len(rows) == len(plan(_model(name)).item_moves) > 0
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
        for each, seed in ((how, 1), (replace(how, item_moves=()), 2))
    ]
    chains.assert_same_posterior(model, *runs)
