"""What one more sweep, and one more kept draw, cost per row: how cost grows with the number of rows.

One more: the difference between a long and a short run, so that what a run does once (starting values,
reading the data, the first draw's quantiles) is not counted as if every sweep did it. A kept draw is a
sweep and what is recorded with it: predictions, sums for every table, and, in a number of draws that does
not grow with the length of the run, quantiles and the log-likelihood. Small models make more sweeps, and
more runs of kept draws.

Numbers of rows take turns, and costs are compared within a turn: how fast memory is changes from minute to minute
on a machine that others use too.
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
        Measurements of each cost, and of each cost relative to the first number of rows.
    """
    models = {n_rows: bp.resolve(script, simulate(n_rows)) for n_rows in sizes}
    for model in models.values():
        _seconds(model, 2, 2, 0)  # compiles
    turns = [
        {n_rows: _costs(model, sweeps, max(1, max(sizes) // n_rows), seed) for n_rows, model in models.items()}
        for seed in range(repeats)
    ]
    rows: list[list[str]] = []
    for n_rows in sizes:
        cells = [f"{n_rows:,}"]
        for kind in (0, 1):
            costs = [turn[n_rows][kind] for turn in turns]
            relative = [turn[n_rows][kind] / turn[sizes[0]][kind] for turn in turns]
            cells += [f"{1e9 * statistics.median(costs) / n_rows:.2f}"]
            cells += [f"{statistics.median(relative) * sizes[0] / n_rows:.2f}"]
        rows.append(cells)
    return f"One chain, medians of {repeats} differences of runs, numbers of rows in turn.\n\n" + table(HEADING, rows)


def _costs(model: Model, sweeps: int, share: int, seed: int) -> tuple[float, float]:
    """Seconds of one more burn-in sweep, and of one more kept draw."""
    # More draws of a small model would record a smaller part of them: more runs instead.
    return (
        _one_more(model, sweeps * share, 1, seed, False),
        _one_more(model, sweeps, min(share, MOST_RUNS), seed, True),
    )


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
