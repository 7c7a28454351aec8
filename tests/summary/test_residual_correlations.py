"""Residual correlations: which pairs, and that they are drawn from the inverse Wishart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hand_built import correlated_mediators, interaction
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.sampler.draws import StatisticKind
from blimp2pymc.summary.residual_correlations import draw_correlation, residual_correlation_rows


def test_pairs_that_no_block_relates():
    model = correlated_mediators()
    draws = synthetic_draws(model)
    assert [each.parameter for each in residual_correlation_rows(model, draws)] == ["m1, y", "m2, y"]
    free = residual_correlation_rows(replace(model, blocks=()), draws)
    assert [each.parameter for each in free] == ["m1, m2", "m1, y", "m2, y"]


def test_one_equation_has_none():
    model = interaction()
    assert residual_correlation_rows(model, synthetic_draws(model)) == []


def test_same_numbers_for_the_same_seed():
    model = correlated_mediators()
    draws = synthetic_draws(model)
    first, second = (residual_correlation_rows(model, draws)[0].draws for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_centered_on_the_sample_correlation():
    model = correlated_mediators(n=4000)
    draws = synthetic_draws(model, draws=20)
    products = {
        (a, b): draws.statistic(StatisticKind.RESIDUAL_PRODUCT, a, b)
        for a, b in [each.key for each in draws.statistics_names if each.kind is StatisticKind.RESIDUAL_PRODUCT]
    }
    [m1, y] = [each.outcome for each in (model.equations[0], model.equations[2])]
    sample = products[m1, y] / np.sqrt(products[m1, m1] * products[y, y])
    [found, _] = residual_correlation_rows(model, draws)
    assert found.draws.shape == sample.shape
    assert np.abs(found.draws - sample).max() < 5 / np.sqrt(4000)


@pytest.mark.parametrize("correlation", [0.0, -0.7])
def test_distribution_is_a_block_of_the_inverse_wishart(correlation):
    stats = pytest.importorskip("scipy.stats")
    scale = np.array([[2.0, 0.0, 0.3], [0.0, 1.0, 0.2], [0.3, 0.2, 3.0]])
    scale[0, 1] = scale[1, 0] = correlation * np.sqrt(2.0)
    rows, size = 30, 20_000
    whole = stats.invwishart(df=rows, scale=scale).rvs(size, random_state=1)
    expected = whole[:, 0, 1] / np.sqrt(whole[:, 0, 0] * whole[:, 1, 1])
    ours = draw_correlation(np.full(size, correlation), rows - 3 + 2, np.random.default_rng(2))
    # Two samples of 20,000: the statistic exceeds .0195 once in a thousand times.
    assert stats.ks_2samp(expected, ours).statistic < 0.0195
