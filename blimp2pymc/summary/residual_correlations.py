"""Correlations among residuals that the model takes to be independent: a check, near zero if the model holds.

Given the residuals E (n rows, p equations) of a draw, Blimp draws a covariance matrix Sigma ~ IW(E'E, n) and
reports its correlations. A 2 x 2 block of such a matrix is IW(E'E of the pair, n - p + 2), so pairs are drawn alone.
Of residuals with phantom variables what is left without these is meant; a block that also has correlations without
phantom variables leaves nothing apart, and counts as modelled.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from blimp2pymc.joint_model.ir import Column, Equation, JointBlock, Model
from blimp2pymc.joint_model.phantoms import phantom_loadings
from blimp2pymc.sampler.draws import Draws, StatisticKind
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.outcome_rows import in_print_order
from blimp2pymc.summary.printed_names import residual_name
from blimp2pymc.summary.rows import Row, parameter_values

STREAM = 0x5EC0
"""Second word of the seed of these draws, so that they are apart from the chains' own numbers."""


def residual_correlation_rows(model: Model, draws: Draws) -> list[Row]:
    """One row for every pair of outcomes whose residuals no `~~` relates, or phantom variables alone."""
    equations = [each for each in in_print_order(model) if isinstance(each, Equation) and each.level == 1]
    modelled = _modelled_pairs(model)
    generator = np.random.default_rng((draws.seed, STREAM))
    unique = None
    if any(_shared_loadings(model, each) for each in model.blocks):
        unique = unique_products(model, draws, equations, np.random.default_rng((draws.seed, STREAM + 1)))
    rows = []
    for first, second in combinations(equations, 2):
        if frozenset((first.outcome, second.outcome)) in modelled:
            continue
        pairs = ((first, first), (second, second), (first, second))
        if unique is None:
            sums = [_product(draws, *pair) for pair in pairs]
        else:
            sums = [unique[..., equations.index(a), equations.index(b)] for a, b in pairs]
        with np.errstate(invalid="ignore", divide="ignore"):
            sample = sums[2] / np.sqrt(sums[0] * sums[1])
        degrees_of_freedom = model.frame.n_rows - len(equations) + 2
        pair = f"{residual_name(model, first)}, {residual_name(model, second)}"
        values = draw_correlation(sample, degrees_of_freedom, generator)
        rows.append(Row("correlation", pair, "Residual Correlations", pair, values))
    return rows


def unique_products(
    model: Model, draws: Draws, equations: list[Equation], generator: np.random.Generator
) -> FloatArray:
    """Cross-products of residuals without their phantom variables, shape (chain, draw, equation, equation).

    With loadings L and residual covariance T, the phantom variables of a row with residuals e are normal with mean
    L' T^-1 e and covariance C C' = I - L' T^-1 L. Cross-products need no rows: e = Q R has R' R = E'E, and normal
    variates z of all rows have Q'z normal and z'z - (Q'z)'(Q'z) Wishart with n - p degrees of freedom.
    """
    places = {each.outcome: place for place, each in enumerate(equations)}
    size, shape = len(equations), (draws.n_chains, draws.n_draws)
    products = np.empty((*shape, size, size))
    for i, first in enumerate(equations):
        for j, second in enumerate(equations[: i + 1]):
            products[..., i, j] = products[..., j, i] = _product(draws, first, second)
    covariance = np.zeros_like(products) + np.eye(size)
    columns = []
    for block in model.blocks:
        loadings = _shared_loadings(model, block)
        if not loadings:
            continue
        variances = [model.equation_of[each].residual_variance or "" for each in block.members]
        wanted = [*variances, *block.correlations.values(), *(name for each in loadings.values() for name in each)]
        values = parameter_values(model, draws, wanted)
        rows = [places[each] for each in block.members]
        for place, name in zip(rows, variances, strict=True):
            covariance[..., place, place] = values[name]
        for (i, j), name in block.correlations.items():
            both = values[name] * np.sqrt(values[variances[i]] * values[variances[j]])
            covariance[..., rows[i], rows[j]] = covariance[..., rows[j], rows[i]] = both
        for pair, names in loadings.items():
            column = np.zeros((*shape, size))
            for member, name in zip(pair, names, strict=True):
                column[..., rows[member]] = values[name] * np.sqrt(values[variances[member]])
            columns.append(column)
    loading = np.stack(columns, axis=-1)
    count = loading.shape[-1]
    weights = np.swapaxes(np.linalg.solve(covariance, loading), -1, -2)
    factor = np.linalg.cholesky(np.eye(count) - weights @ loading)
    root = np.linalg.cholesky(products)
    inside = generator.standard_normal((*shape, size, count))
    degrees = model.frame.n_rows - size - np.arange(count)
    below = np.tril(generator.standard_normal((*shape, count, count)), -1)
    below[..., np.arange(count), np.arange(count)] = np.sqrt(generator.chisquare(degrees, (*shape, count)))
    squares = np.swapaxes(inside, -1, -2) @ inside + below @ np.swapaxes(below, -1, -2)
    kept, added = np.eye(size) - loading @ weights, loading @ factor
    cross = kept @ root @ inside @ np.swapaxes(added, -1, -2)
    own = kept @ products @ np.swapaxes(kept, -1, -2) + added @ squares @ np.swapaxes(added, -1, -2)
    return own - cross - np.swapaxes(cross, -1, -2)


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
    return {
        frozenset((block.members[i], block.members[j]))
        for block in model.blocks
        for i, j in block.correlations.keys() - _shared_loadings(model, block).keys()
    }


def _shared_loadings(model: Model, block: JointBlock) -> dict[tuple[int, int], tuple[str, str]]:
    """Loadings of a block's phantom variables, where nothing else correlates its members."""
    loadings = phantom_loadings(block, model.parameters)
    others = block.correlations.keys() - loadings.keys()
    alone = all(model.parameters[block.correlations[pair]].fixed == 0.0 for pair in others)
    return loadings if alone else {}


def _product(draws: Draws, first: Equation, second: Equation) -> FloatArray:
    try:
        return draws.statistic(StatisticKind.RESIDUAL_PRODUCT, first.outcome, second.outcome)
    except ValueError:
        return draws.statistic(StatisticKind.RESIDUAL_PRODUCT, second.outcome, first.outcome)
