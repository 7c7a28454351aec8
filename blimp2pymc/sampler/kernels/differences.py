"""Latent differences of a nominal variable at which nothing but their own equations looks: drawn jointly, row by row.

The differences are those of normal utilities with independent residuals of variance 1/2, less that of the reference.
Given that utility c is the largest, all utilities of a row are drawn exactly (`numerics.largest`).
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.predictor_densities import category, set_predictors
from blimp2pymc.sampler.numerics.largest import draw_largest

ROOT_HALF = math.sqrt(0.5)


@compiled
def draw_row(tables, part, row, place, state, work):
    """Draw the differences of a row given its category; its predictors are at `place` of `work.predictor`."""
    table, margins, drawn = tables.trajectories, work.margins[0], work.margins[1]
    first = table.equation_start[part]
    size = table.equation_start[part + 1] - first
    own = category(table, part, state.columns[table.outcome[part], row])
    utility = work.predictor[own, place] if own >= 0 else 0.0
    n = 0
    for k in range(-1, size):
        if k != own:
            margins[n] = (utility - (work.predictor[k, place] if k >= 0 else 0.0)) / ROOT_HALF
            n += 1
    largest = utility + ROOT_HALF * draw_largest(state.generator, margins, size, drawn)
    reference = largest if own < 0 else ROOT_HALF * drawn[0]
    n = 0 if own < 0 else 1
    for k in range(size):
        value = largest
        if k != own:
            value = work.predictor[k, place] + ROOT_HALF * drawn[n]
            n += 1
        state.columns[table.response[first + k], row] = value - reference


@compiled
def draw(tables, part, state, work):
    """Draw the differences of a variable in all rows with a category."""
    table = tables.trajectories
    for run in range(table.run_start[part], table.run_start[part + 1]):
        for low in range(table.run_low[run], table.run_high[run], 256):
            n = min(256, table.run_high[run] - low)
            set_predictors(tables, part, low, n, state, work)
            for i in range(n):
                draw_row(tables, part, low + i, i, state, work)
