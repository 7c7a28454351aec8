"""What moving latent variables with the parameters of their indicators brings: effective draws with and without.

    python benchmarks/items.py [--draws 4000] [--repeats 3]

One Markdown table for binary items (logit) of one factor, its variance or a loading fixed, with an outcome that is
regressed on it, and for items of all kinds; simulated data with missing values. Effective draws are the smallest of
each kind of parameter, per 1,000 draws; the smallest of all is divided by processor time, so that other work on the
machine does not matter.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace

import numpy as np
import pandas as pd

import blimp2pymc as bp
from blimp2pymc.joint_model.ir import Model, ParameterKind
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.plan.rules import Plan, plan


def _binary(first: int, last: int) -> str:
    return " ".join(f"logit(x{j}) ~ f;" for j in range(first, last + 1))


SCRIPTS = {
    "4 binary items, 500 rows": (500, "bbbb", f"ORDINAL: x1:x4; LATENT: f; MODEL: f ~~ f@1; {_binary(1, 4)}"),
    "4 binary items, loading fixed, 1,000 rows": (
        1000, "bbbb", f"ORDINAL: x1:x4; LATENT: f; MODEL: logit(x1) ~ f@1; {_binary(2, 4)}"
    ),
    "10 binary items, 500 rows": (500, 10 * "b", f"ORDINAL: x1:x10; LATENT: f; MODEL: f ~~ f@1; {_binary(1, 10)}"),
    "4 binary items, outcome, incomplete predictor, 500 rows": (
        500, "bbbb", f"ORDINAL: x1:x4; LATENT: f; MODEL: f ~~ f@1; f ~ w; {_binary(1, 4)} y ~ f z w;"
    ),
    "normal, binary, nominal and count items, 300 rows": (
        300, "nnbmc", "NOMINAL: x4; ORDINAL: x3; COUNT: x5; LATENT: f; MODEL: f -> x1 x2; logit(x3) ~ f; x4 x5 ~ f;"
    ),
    "normal and binary items, outcome, 1,000 rows": (
        1000, "nnbb", f"ORDINAL: x3 x4; LATENT: f; MODEL: f ~~ f@1; f ~ w; f -> x1@l1 x2; {_binary(3, 4)} y ~ f z;"
    ),
}  # fmt: skip
"""Rows, kind of each item, script."""
LOADINGS = {"b": (1.2, 1.8, 1.0, 2.0, 1.2, 1.6, 1.0, 0.8, 1.2, 1.6), "n": (1.0, 0.9), "m": 4 * (0.9,), "c": 5 * (0.5,)}
KINDS = {"intercept": (ParameterKind.INTERCEPT,), "slope or loading": (ParameterKind.SLOPE, ParameterKind.LOADING),
         "variance": (ParameterKind.RESIDUAL_VARIANCE,)}  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=4000, help="kept draws of one chain; a quarter as many burn-in")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"{options.draws} draws, medians of {options.repeats} runs\n")
    print(f"| model | moves | {' | '.join(KINDS)} | us a sweep | smallest ESS/s |")
    print(f"|---|---|{'---:|' * (len(KINDS) + 2)}")
    for name, (rows, kinds, script) in SCRIPTS.items():
        model = bp.resolve(f"MISSING: NA; SEED: 1; {script}", simulated(rows, kinds))
        for moves, how in (("without", replace(plan(model), item_moves=())), ("with", plan(model))):
            found = [effort(model, how, options.draws, seed) for seed in range(options.repeats)]
            *each, sweep, per_second = (statistics.median(column) for column in zip(*found, strict=True))
            shown = " | ".join("" if np.isinf(value) else f"{value:.0f}" for value in each)
            print(f"| {name} | {moves} | {shown} | {sweep:.0f} | {per_second:,.0f} |", flush=True)


def simulated(n: int, kinds: str) -> pd.DataFrame:
    """Items of one factor (b binary, n normal, c count, m nominal), predictors and an outcome, with missing values."""
    rng = np.random.default_rng(7)
    f, w = rng.normal(size=(2, n))
    z = 0.5 * w + rng.normal(size=n)
    table = pd.DataFrame({"w": w, "z": z, "y": 1 + 0.5 * f + 0.4 * z - 0.3 * w + rng.normal(size=n)})
    for j, kind in enumerate(kinds):
        eta = 0.3 * (j % 3) - 0.3 + LOADINGS[kind][j] * f
        if kind == "b":
            values = (rng.logistic(size=n) + eta > 0).astype(float)
        elif kind == "n":
            values = eta + rng.normal(0, 0.8, n)
        elif kind == "c":
            values = rng.negative_binomial(2, 2 / (2 + np.exp(eta))).astype(float)
        else:
            utilities = np.column_stack([np.zeros(n), eta + 0.2, -0.7 * eta]) + rng.gumbel(size=(n, 3))
            values = 1.0 + utilities.argmax(axis=1)
        table[f"x{j + 1}"] = values
    for name in ("z", "x2", "y"):
        table.loc[rng.random(n) < 0.12, name] = np.nan
    return table


def effort(model: Model, how: Plan, draws: int, seed: int) -> tuple[float, ...]:
    """Smallest effective draws per 1,000 of each kind, microseconds a sweep, smallest effective draws a second."""
    from arviz_stats.base import array_stats

    burn = draws // 4
    (run,) = ChainRun.make_all(model, how, draws, burn, 1, seed, 0, False)
    run.compile()
    started = time.process_time()
    run.start()
    run.advance(burn + draws)
    seconds = time.process_time() - started
    drawn = dict(zip(run.layout.parameters, run.record.parameters.T, strict=False))
    effective = {
        name: float(array_stats.ess(drawn[name][None], chain_axis=0, draw_axis=1))
        for name, each in model.parameters.items()
        if each.is_free
    }
    smallest = [
        min((value for name, value in effective.items() if model.parameters[name].kind in kinds), default=np.inf)
        for kinds in KINDS.values()
    ]
    per_thousand = (1000 / draws * each for each in smallest)
    return (*per_thousand, seconds / (draws + burn) * 1e6, min(smallest) / seconds)


if __name__ == "__main__":
    main()
