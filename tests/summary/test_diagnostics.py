"""Effective sample sizes and R-hat equal ArviZ's; tails equal SciPy's."""

from __future__ import annotations

import numpy as np
import pytest

from blimp2pymc.summary import diagnostics


def autoregressive(rho: float, chains: int, draws: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """Chains of a first-order autoregression with unit variance; chain c is moved by c * shift."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(chains, draws)) * np.sqrt(1 - rho**2)
    chain = np.empty((chains, draws))
    chain[:, 0] = rng.normal(size=chains)
    for t in range(1, draws):
        chain[:, t] = rho * chain[:, t - 1] + noise[:, t]
    return chain + shift * np.arange(chains)[:, None]


CASES = [
    (rho, chains, draws, shift)
    for rho in (-0.9, -0.4, 0.0, 0.6, 0.95, 0.999)
    for chains, draws in ((1, 400), (2, 251), (4, 1000), (20, 50), (3, 7), (2, 4))
    for shift in (0.0, 0.5)
]


@pytest.mark.parametrize(("rho", "chains", "draws", "shift"), CASES)
def test_equal_to_arviz(rho, chains, draws, shift):
    stats = pytest.importorskip("arviz_stats.base").array_stats
    values = autoregressive(rho, chains, draws, seed=draws + chains, shift=shift)
    for ours, method in (
        (diagnostics.ess_mean, "mean"),
        (diagnostics.ess_bulk, "bulk"),
        (diagnostics.ess_tail, "tail"),
    ):
        prob = {"prob": (0.05, 0.95)} if method == "tail" else {}
        expected = stats.ess(values, chain_axis=0, draw_axis=1, method=method, **prob)
        np.testing.assert_allclose(ours(values), expected, rtol=1e-6, err_msg=method)
    if chains > 1:
        np.testing.assert_allclose(
            diagnostics.r_hat(values), stats.rhat(values, chain_axis=0, draw_axis=1, method="rank"), rtol=1e-9
        )
        np.testing.assert_allclose(
            diagnostics.psr(diagnostics.split_chains(values)),
            stats.rhat(values, chain_axis=0, draw_axis=1, method="split"),
            rtol=1e-9,
        )


def test_ties_share_their_rank():
    stats = pytest.importorskip("arviz_stats.base").array_stats
    values = np.random.default_rng(0).integers(0, 4, (3, 200)).astype(float)
    np.testing.assert_allclose(
        diagnostics.r_hat(values), stats.rhat(values, chain_axis=0, draw_axis=1, method="rank"), rtol=1e-9
    )
    np.testing.assert_allclose(
        diagnostics.ess_bulk(values), stats.ess(values, chain_axis=0, draw_axis=1, method="bulk"), rtol=1e-6
    )


def test_leading_axes_are_independent():
    values = np.stack([autoregressive(rho, 4, 300, seed=1) for rho in (0.1, 0.8)])
    for function in (diagnostics.ess_mean, diagnostics.ess_bulk, diagnostics.ess_tail, diagnostics.r_hat):
        np.testing.assert_allclose(function(values), [function(values[0]), function(values[1])])


def test_constant_draws():
    constant = np.full((2, 100), 3.0)
    assert diagnostics.ess_mean(constant) == 200
    assert np.isnan(diagnostics.r_hat(constant))


def test_normal_quantile():
    special = pytest.importorskip("scipy.special")
    p = np.concatenate((np.linspace(1e-4, 1 - 1e-4, 999), [1e-300, 1e-20, 1e-9, 1 - 1e-9]))
    np.testing.assert_allclose(diagnostics.normal_quantile(p), special.ndtri(p), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 7, 8, 30, 31])
def test_chi_square_tail(df):
    stats = pytest.importorskip("scipy.stats")
    for statistic in (0.0, 1e-6, 0.3, 3.84, 25.0, 300.0):
        assert diagnostics.chi_square_tail(statistic, df) == pytest.approx(stats.chi2.sf(statistic, df), abs=1e-14)


def test_history_windows_are_the_second_halves():
    burn_in = np.random.default_rng(3).normal(size=(4, 1000, 3))
    burn_in[..., 1] += np.arange(4)[:, None]
    burn_in[..., 2] = 1.0
    history = diagnostics.burn_in_history(burn_in, thin=1, burn=1000, columns=[0, 1, 2])
    assert [(each.first, each.last) for each in history[:2]] == [(26, 50), (51, 100)]
    assert (history[-1].first, history[-1].last) == (501, 1000)
    assert len(history) == 20
    assert all(each.worst == 1 for each in history)
    np.testing.assert_allclose(
        history[9].r_hat[:2],
        diagnostics.r_hat(np.moveaxis(burn_in[:, 250:500, :2], -1, 0)),
        err_msg="250 draws of 4 chains",
    )


def test_history_uses_at_most_the_stated_draws():
    burn_in = np.random.default_rng(3).normal(size=(2, 4000, 1))
    history = diagnostics.burn_in_history(burn_in, thin=5, burn=20000, columns=[0], longest=1000)
    expected = diagnostics.r_hat(np.moveaxis(burn_in[:, 2000:4000:4], -1, 0))
    np.testing.assert_allclose(history[-1].r_hat, expected)


def test_diagnose_is_the_single_functions():
    values = autoregressive(0.5, 4, 501, seed=9, shift=0.05)
    found = diagnostics.diagnose(values)
    assert found.ess_mean == diagnostics.ess_mean(values)
    assert found.ess_bulk == diagnostics.ess_bulk(values)
    assert found.ess_tail == diagnostics.ess_tail(values)
    assert found.r_hat == diagnostics.r_hat(values)
    assert found.psr == diagnostics.psr(diagnostics.split_chains(values))
    assert np.isnan(diagnostics.diagnose(np.ones((2, 3))).ess_mean)
