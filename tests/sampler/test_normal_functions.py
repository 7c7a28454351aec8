"""Normal distribution function, density and inverse, exponential and logarithm: against SciPy and NumPy."""

from __future__ import annotations

import numpy as np
from sampler import chains

from blimp2pymc.sampler.numerics.exponentials import LARGEST, exponential, log_of_one_plus, logarithm
from blimp2pymc.sampler.numerics.normal_table import normal_probability, normal_score
from blimp2pymc.sampler.numerics.normal_tails import LIMIT, normal_density, normal_share


def test_normal_distribution():
    from scipy import stats

    probability, score = chains.callable_kernel(normal_probability), chains.callable_kernel(normal_score)
    x = np.concatenate([np.random.default_rng(0).uniform(-6, 6, 5000), [-40.0, -6.0, 0.0, 6.0, 40.0, -np.inf, np.inf]])
    found, expected = np.array([probability(each) for each in x]), stats.norm.cdf(x)
    assert np.abs(found - expected).max() < 3e-14
    lower = (x < 0) & (x > -37)
    assert np.abs(found[lower] / expected[lower] - 1).max() < 1e-10
    p = np.concatenate([np.geomspace(1e-300, 0.5, 2000), 1 - np.geomspace(1e-12, 0.5, 2000)])
    expected = stats.norm.ppf(p)
    assert np.abs(np.array([score(each) for each in p]) - expected).max() < 2e-9 * 38


def test_normal_tails():
    from scipy import stats

    x = np.concatenate([np.linspace(-LIMIT, LIMIT, 40_001), [0.0]])
    below, density = np.empty_like(x), np.empty_like(x)
    chains.callable_kernel(_fill_tails)(x, below, density)
    assert np.abs(density / stats.norm.pdf(x) - 1).max() < 1e-12
    assert np.abs(below - stats.norm.cdf(x)).max() < 3e-13
    lower = x < 0
    assert np.abs(below[lower] / stats.norm.cdf(x[lower]) - 1).max() < 2e-12


def test_exponentials():
    x = np.concatenate([np.linspace(-LARGEST, LARGEST, 40_001), np.geomspace(1e-12, 1.0, 100), [0.0]])
    found, log, plus = np.empty((3, x.size))
    chains.callable_kernel(_fill_exponentials)(x, found, log, plus)
    assert np.abs(found / np.exp(x) - 1).max() < 1e-12
    assert np.abs(log - x).max() < 1e-12
    assert np.abs(plus / np.logaddexp(0.0, x) - 1).max() < 1e-12


def _fill_exponentials(x, found, log, plus):
    for i in range(x.size):
        found[i] = exponential(x[i])
        log[i] = logarithm(found[i])
        plus[i] = log_of_one_plus(x[i])


def _fill_tails(x, below, density):
    for i in range(x.size):
        density[i] = normal_density(x[i])
        below[i] = normal_share(x[i], density[i])
