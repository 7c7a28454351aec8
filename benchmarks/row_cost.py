"""What one more sweep, and one more kept draw, cost per row: how cost grows with the number of rows.

One more: the difference between a long and a short run, so that what a run does once (starting values,
reading the data, the first draw's quantiles) is not counted as if every sweep did it. A kept draw is a
sweep and what is recorded with it: predictions, sums for every table, and, in a number of draws that does
not grow with the length of the run, quantiles and the log-likelihood. Small models make more sweeps, and
more runs of kept draws.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import pandas as pd
from sections import table

import blimp2pymc as bp
from blimp2pymc.joint_model.ir import Model

HEADING = ["rows", "ns per burn-in sweep and row", "relative", "ns per kept draw and row", "relative"]


MOST_RUNS = 10
"""Runs of a small model whose mean is one measurement."""


def cost_by_rows(
    script: str, simulate: Callable[[int], pd.DataFrame], sizes: Sequence[int], sweeps: int, repeats: int
) -> str:
    """A Markdown table: a model's cost per row at every number of rows; medians of `repeats` measurements.

    Parameters
    ----------
    script, simulate
        The model, and its data by number of rows.
    sizes
        Numbers of rows.
    sweeps
        Sweeps, and kept draws, of one difference of runs of the largest model.
    repeats
        Measurements of each cost.
    """
    rows: list[list[str]] = []
    first: list[float] = []
    for n_rows in sizes:
        model = bp.resolve(script, simulate(n_rows))
        share = max(1, max(sizes) // n_rows)
        _seconds(model, 2, 2, 0)  # compiles
        costs = [
            1e9
            / n_rows
            * statistics.median(_one_more(model, sweeps * long, many, seed, kept) for seed in range(repeats))
            # More draws of a small model would record a smaller part of them: more runs instead.
            for kept, long, many in ((False, share, 1), (True, 1, min(share, MOST_RUNS)))
        ]
        first = first or costs
        rows.append([f"{n_rows:,}", *(f"{x:.2f}" for k in (0, 1) for x in (costs[k], costs[k] / first[k]))])
    return f"One chain, medians of {repeats} differences of runs.\n\n" + table(HEADING, rows)


def _one_more(model: Model, count: int, runs: int, seed: int, kept: bool) -> float:
    """Seconds by which a run grows with one more iteration: (time of 3k - time of k) / 2k, the mean of several."""
    total = 0.0
    for k in range(runs):
        short, long = (_seconds(model, n if kept else 1, 1 if kept else n, 1000 * seed + k) for n in (count, 3 * count))
        total += (long - short) / (2 * count)
    return total / runs


def _seconds(model: Model, draws: int, tune: int, seed: int) -> float:
    """Seconds of sampling with one chain."""
    fit = bp.fit(model, draws=draws, tune=tune, chains=1, cores=1, random_seed=seed, progressbar=False)
    return fit.draws.seconds
