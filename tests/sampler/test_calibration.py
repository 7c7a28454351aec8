"""Simulation-based calibration (talts et al. 2018) from script to draws, with proper priors.

Parameters are drawn from the prior, data from the model, and the rank of each parameter among draws of its
posterior must be uniform. Geweke's tests reach single kernels; this one
goes through the whole pipeline, with a model for every family.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sampler import forward_simulation

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample

REPLICATIONS, RANKS, THIN, BINS = 240, 59, 12, 10

SCRIPTS = {
    "missing predictors": "ORDINAL: g; FIXED: g; MODEL: y ~ x z g;",
    # Wide slopes of a product of two missing cells leave ridges that a sampler crosses rarely: narrower ones here.
    "interaction and correlated outcomes": """MODEL: x ~ w; z ~ x@a w; y ~ x@b z@c x*z@d; u ~ x; y ~~ u;
        PARAMETERS: a ~ normal(0, .5); b ~ normal(0, .5); c ~ normal(0, .5); d ~ normal(0, .5);""",
    "bounds, labels and definitions": """MODEL: x ~ w@a; z ~ x; y ~ x@b w@a g@difference; y@v;
        PARAMETERS: a ~ truncate(0, Inf); b ~ normal(0, 1); b ~ truncate(-1, 2); difference = 0.4*sqrt(v);""",
    # The slopes drawn by slice sampling have a predictor with mean 0: far from it they and the intercept mix slowly.
    "fixed, equal and bounded elements of blocks": """MODEL: x ~ w@a; z ~ w; x ~~ z@r; x@v; z@v;
        u ~ w@b; y ~ x@c; u ~~ y@s; u@1; y@1; PARAMETERS: v ~ gamma(2, 1); r ~ uniform(-.5, .9); a ~ beta(2, 2);
        b ~ cauchy(0, .5); b ~ truncate(-2, 2); c ~ normal(0, .5);""",
    "square of an incomplete predictor": """MODEL: x ~ w@a; y ~ x@b x^2@c; u ~ y@e;
        PARAMETERS: a ~ normal(0, 1); b ~ normal(0, 1); c ~ normal(0, 1); e ~ normal(0, 1);""",
}


def _template(n: int = 30) -> pd.DataFrame:
    rng = np.random.default_rng(12)
    table = pd.DataFrame(rng.normal(size=(n, 5)), columns=list("xzyuw"))
    table["g"] = np.arange(n) % 2.0
    for k, name in enumerate("xzyu"):
        table.loc[rng.permutation(n)[: 5 + k], name] = np.nan
    return table


FAMILIES = {
    "ordered categories": """ORDINAL: o b; MODEL: x ~ 1@b_g w@b_s; x@1; o ~ x@b_a; b ~ o@b_c x@b_d; y ~ b@b_e o@b_h;""",
    "latent responses that predict": """ORDINAL: o b; MODEL: b ~ w@b_a; o ~ b.latent@b_c x@b_d;
        y ~ o.latent@b_e b@b_g;""",
    "latent responses in a count, a variance and a square": """ORDINAL: o b; COUNT: c; MODEL: o ~ w@b_a; b ~ 1@b_g;
        c ~ 1@b_d o.latent@b_c; y ~ b.latent@b_e o@b_f; var(y) ~ b.latent@b_h; x ~ o.latent^2@b_i;""",
    "predictors without equations": """ORDINAL: o; NOMINAL: n; MODEL: y ~ n o@b_e x@b_d;""",
    "logistic outcomes": """ORDINAL: b; NOMINAL: n; MODEL: x ~ 1@b_g w@b_s; x@1; logit(b) ~ x@b_a w@b_c; n ~ x;""",
    "counts": """COUNT: c; MODEL: x ~ 1@b_g w@b_s; x@1; c ~ 1@b_a x@b_d w@b_e;""",
    "modelled variance": """MODEL: x ~ 1@b_g w@b_s; x@1; y ~ x@b_a; var(y) ~ x@b_c w@b_d;""",
    "yeo-johnson": """MODEL: x ~ 1@b_g w@b_s; x@1; yjt(y) ~ 1@b_d x@b_a; u ~ y@b_c;""",
    "ordered indicators": """ORDINAL: o b; LATENT: f; MODEL: f ~ w@b_s; f -> x o@b_a b@b_c;""",
}
"""One model for every family; slopes are labelled, and their priors narrow enough for chains to mix."""

SLOW = {"predictors without equations": 50, "yeo-johnson": 30}
"""Models whose chains need more draws between two that count."""


def _with_codes(table: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = len(table)
    codes = pd.DataFrame({"o": 1.0 + np.arange(n) % 3, "b": np.arange(n) % 2.0, "n": (2.0, 3.0, 7.0) * (n // 3),
                          "c": np.arange(n) % 4.0})  # fmt: skip
    for k, name in enumerate(codes):
        codes.loc[rng.permutation(n)[: 4 + k], name] = np.nan
    return table.join(codes)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_ranks_are_uniform(name):
    _assert_uniform(SCRIPTS[name], _template())


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_ranks_are_uniform_for_every_family(name):
    script = FAMILIES[name]
    priors = " ".join(f"{label} ~ normal(0, .5);" for label in sorted(set(re.findall(r"@([a-z]\w*)", script))))
    _assert_uniform(f"{script} PARAMETERS: {priors}", _with_codes(_template()), SLOW.get(name, THIN))


def _rank(true: float, drawn: np.ndarray, rng: np.random.Generator) -> int:
    """How many draws lie below the true value; of equal ones, as categories are, a random number does."""
    return int((drawn < true).sum()) + int(rng.integers((drawn == true).sum() + 1))


def _assert_uniform(script: str, table: pd.DataFrame, thin: int = THIN) -> None:
    model = resolve(f"SEED: 1; {script}", table, priors="proper")
    rng = np.random.default_rng(31)
    names = [each for each, parameter in model.parameters.items() if parameter.is_free]
    ranks: dict[str, list[int]] = {}
    for k in range(REPLICATIONS):
        free = forward_simulation.draw_prior(model, rng)
        columns = forward_simulation.draw_outcomes(model, free, rng)
        complete = {each.variable: values for each, values in columns.items() if each == Column(each.variable)}
        data = {each: np.where(model.missing(each), np.nan, complete[each]) for each in model.data}
        filled = replace(model, data=data)
        draws = sample(
            filled, draws=RANKS * thin, burn=300, chains=1, cores=1, seed=k, n_imputations=RANKS, log_likelihood=False
        )
        for each in names:
            ranks.setdefault(each, []).append(_rank(free[each], draws.parameter(each)[0, ::thin], rng))
        for variable, cells in draws.imputations.values.items():
            if variable not in complete:
                continue
            true = complete[variable][model.missing(variable)]
            ranks.setdefault(f"a cell of {variable}", []).append(_rank(true[0], cells[:, 0], rng))
            ranks.setdefault(f"mean cell of {variable}", []).append(_rank(true.mean(), cells.mean(axis=1), rng))
    for each, found in ranks.items():
        counts = np.bincount(np.array(found) * BINS // (RANKS + 1), minlength=BINS)
        expected = REPLICATIONS / BINS
        statistic = ((counts - expected) ** 2 / expected).sum()
        # Chi-square with 9 degrees of freedom exceeds this once in ten thousand.
        assert statistic < 33.7, f"{each}: {counts}"
