"""Correlations among residuals that the model takes to be independent: a check, near zero if the model holds.

Given the residuals E (n rows, p equations) of a draw, Blimp draws a covariance matrix Sigma ~ IW(E'E, n) and
reports its correlations. A 2 x 2 block of such a matrix is IW(E'E of the pair, n - p + 2), so pairs are drawn alone.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from blimp2pymc.joint_model.ir import Column, Equation, Model
from blimp2pymc.sampler.draws import Draws, StatisticKind
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.outcome_rows import in_print_order
from blimp2pymc.summary.printed_names import residual_name
from blimp2pymc.summary.rows import Row

STREAM = 0x5EC0
"""Second word of the seed of these draws, so that they are apart from the chains' own numbers."""


def residual_correlation_rows(model: Model, draws: Draws) -> list[Row]:
    """One row for every pair of outcomes whose residuals no `~~` relates."""
    equations = [each for each in in_print_order(model) if isinstance(each, Equation) and each.level == 1]
    modelled = _modelled_pairs(model)
    generator = np.random.default_rng((draws.seed, STREAM))
    rows = []
    for first, second in combinations(equations, 2):
        if frozenset((first.outcome, second.outcome)) in modelled:
            continue
        sums = [_product(draws, *pair) for pair in ((first, first), (second, second), (first, second))]
        with np.errstate(invalid="ignore", divide="ignore"):
            sample = sums[2] / np.sqrt(sums[0] * sums[1])
        degrees_of_freedom = model.frame.n_rows - len(equations) + 2
        pair = f"{residual_name(model, first)}, {residual_name(model, second)}"
        values = draw_correlation(sample, degrees_of_freedom, generator)
        rows.append(Row("correlation", pair, "Residual Correlations", pair, values))
    return rows


def draw_correlation(sample: FloatArray, degrees_of_freedom: int, generator: np.random.Generator) -> FloatArray:
    """Correlation of a draw from IW(S, d), S a 2 x 2 matrix with correlation `sample`; elementwise.

    With S = L L' and A A' a Wishart draw by Bartlett's decomposition, Sigma = M M' with M = L A^-T.
    """
    shape = sample.shape
    first = np.sqrt(generator.chisquare(degrees_of_freedom, shape))
    second = np.sqrt(generator.chisquare(degrees_of_freedom - 1, shape))
    below = generator.standard_normal(shape)
    slant = np.sqrt(np.maximum(1 - sample**2, 0))
    row_one = (1 / first, -below / (first * second))
    row_two = (sample * row_one[0], sample * row_one[1] + slant / second)
    dot = row_one[0] * row_two[0] + row_one[1] * row_two[1]
    return dot / np.sqrt((row_one[0] ** 2 + row_one[1] ** 2) * (row_two[0] ** 2 + row_two[1] ** 2))


def _modelled_pairs(model: Model) -> set[frozenset[Column]]:
    return {frozenset((block.members[i], block.members[j])) for block in model.blocks for i, j in block.correlations}


def _product(draws: Draws, first: Equation, second: Equation) -> FloatArray:
    try:
        return draws.statistic(StatisticKind.RESIDUAL_PRODUCT, first.outcome, second.outcome)
    except ValueError:
        return draws.statistic(StatisticKind.RESIDUAL_PRODUCT, second.outcome, first.outcome)
