"""A Gibbs sampler in numpy for a saturated `~~` block of a binary, an ordinal and two continuous variables.

Independent of the package. It can draw thresholds and covariances as a joint density has them, or by the two
shortcuts that explain Blimp's numbers; `test_correlated_categories.py` says which.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import invwishart

Array = np.ndarray

BINARY, ORDINAL = 0, 1
PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
PROPOSALS = 10


@dataclass
class State:
    """Current completed responses and parameters."""

    responses: Array
    mean: Array
    thresholds: Array
    covariance: Array


def sample(data: Array, *, draws: int, burn: int, seed: int, shortcuts: bool) -> Array:
    """Draws of the two latent intercepts, thresholds 2 and on, and the six correlations; one row each.

    Parameters
    ----------
    data
        Columns: codes 0 and 1, codes 1 to C, two continuous variables; NaN where missing.
    shortcuts
        Whether thresholds are drawn as if latent responses had variance 1 given the other variables, and the
        covariance matrix as if the latent variances were free, scaled to 1 afterwards.
    """
    rng = np.random.default_rng(seed)
    state, step, kept = _start(data), 0.1, []
    for sweep in range(burn + draws):
        _draw_mean(state, rng)
        _draw_covariance(state, rng, shortcuts)
        step = _draw_thresholds(state, data, rng, step, sweep, burn, shortcuts)
        _draw_responses(state, data, rng)
        if sweep >= burn:
            scale = np.sqrt(np.diag(state.covariance))
            correlations = [state.covariance[i, j] / (scale[i] * scale[j]) for i, j in PAIRS]
            kept.append([*state.mean[:2], *state.thresholds[1:], *correlations])
    return np.array(kept)


def _start(data: Array) -> State:
    codes = data[:, ORDINAL]
    seen = codes[~np.isnan(codes)]
    places = ndtri([np.mean(seen <= code) for code in np.unique(seen)[:-1]])
    thresholds = places - places[0]
    between = np.concatenate([[-0.5], (thresholds[1:] + thresholds[:-1]) / 2, [thresholds[-1] + 0.5]])
    responses = data.copy()
    responses[:, BINARY] = np.where(data[:, BINARY] == 1, 0.5, -0.5)
    responses[:, ORDINAL] = np.where(np.isnan(codes), -places[0], between[np.nan_to_num(codes, nan=1).astype(int) - 1])
    for column in (2, 3):
        responses[np.isnan(data[:, column]), column] = np.nanmean(data[:, column])
    covariance = np.diag([1.0, 1.0, np.nanvar(data[:, 2]), np.nanvar(data[:, 3])])
    return State(responses, responses.mean(axis=0), thresholds, covariance)


def _draw_mean(state: State, rng: np.random.Generator) -> None:
    precision = np.linalg.inv(state.covariance)
    prior = np.diag([0.2, 0.2, 0.0, 0.0])
    variance = np.linalg.inv(len(state.responses) * precision + prior)
    state.mean = rng.multivariate_normal(variance @ (precision @ state.responses.sum(axis=0)), variance)


def _draw_covariance(state: State, rng: np.random.Generator, shortcuts: bool) -> None:
    deviations = state.responses - state.mean
    products, n = deviations.T @ deviations, len(deviations)
    if shortcuts:
        free = invwishart.rvs(df=n - 5, scale=products, random_state=rng)
        scale = np.sqrt([free[0, 0], free[1, 1], 1.0, 1.0])
        state.covariance = free / np.outer(scale, scale)
        return

    def log_density(matrix: Array) -> float:
        if np.linalg.eigvalsh(matrix)[0] <= 0:
            return -np.inf
        return -0.5 * (n * np.linalg.slogdet(matrix)[1] + np.trace(np.linalg.solve(matrix, products)))

    current = log_density(state.covariance)
    for i, j in (*PAIRS, (2, 2), (3, 3)):
        proposed = state.covariance.copy()
        proposed[i, j] += 0.06 * np.sqrt(proposed[i, i] * proposed[j, j]) * rng.normal()
        proposed[j, i] = proposed[i, j]
        value = log_density(proposed)
        if np.log(rng.random()) < value - current:
            state.covariance, current = proposed, value


def _given_others(state: State, column: int) -> tuple[Array, float]:
    """Mean of a column given the others, and its standard deviation."""
    precision = np.linalg.inv(state.covariance)
    others = [k for k in range(4) if k != column]
    deviations = (state.responses - state.mean)[:, others]
    mean = state.mean[column] - deviations @ precision[others, column] / precision[column, column]
    return mean, precision[column, column] ** -0.5


def _draw_thresholds(
    state: State, data: Array, rng: np.random.Generator, step: float, sweep: int, burn: int, shortcuts: bool
) -> float:
    mean, deviation = _given_others(state, ORDINAL)
    deviation = 1.0 if shortcuts else deviation
    observed = ~np.isnan(data[:, ORDINAL])
    place, mean = data[observed, ORDINAL].astype(int) - 1, mean[observed]

    def log_likelihood(thresholds: Array) -> float:
        bounds = np.concatenate([[-np.inf], thresholds, [np.inf]])
        inside = ndtr((bounds[place + 1] - mean) / deviation) - ndtr((bounds[place] - mean) / deviation)
        return float(np.log(np.maximum(inside, 1e-300)).sum())

    current = log_likelihood(state.thresholds)
    for _ in range(PROPOSALS):
        proposed, ratio = state.thresholds.copy(), 0.0
        old = np.append(state.thresholds, np.inf)
        for k in range(1, len(proposed)):
            proposed[k] = _truncated(rng, old[k : k + 1], step, proposed[k - 1], old[k + 1])[0]
        new = np.append(proposed, np.inf)
        for k in range(1, len(proposed)):
            there = ndtr((old[k + 1] - old[k]) / step) - ndtr((new[k - 1] - old[k]) / step)
            back = ndtr((new[k + 1] - new[k]) / step) - ndtr((old[k - 1] - new[k]) / step)
            ratio += np.log(there) - np.log(back) if back > 0 else -np.inf
        chance = 0.0
        if ratio > -np.inf:
            value = log_likelihood(proposed)
            chance = float(np.exp(min(0.0, ratio + value - current)))
            if rng.random() < chance:
                state.thresholds, current = proposed, value
        if sweep < burn:
            step *= np.exp((chance - 0.3) / (1 + sweep) ** 0.6)
    return step


def _draw_responses(state: State, data: Array, rng: np.random.Generator) -> None:
    bounds = np.concatenate([[-np.inf], state.thresholds, [np.inf]])
    codes = data[:, ORDINAL]
    place = np.nan_to_num(codes, nan=1).astype(int) - 1
    limits = {
        BINARY: (np.where(data[:, BINARY] == 1, 0.0, -np.inf), np.where(data[:, BINARY] == 0, 0.0, np.inf)),
        ORDINAL: (
            np.where(np.isnan(codes), -np.inf, bounds[place]),
            np.where(np.isnan(codes), np.inf, bounds[place + 1]),
        ),
    }
    for column in range(4):
        mean, deviation = _given_others(state, column)
        if column in limits:
            state.responses[:, column] = _truncated(rng, mean, deviation, *limits[column])
        else:
            missing = np.isnan(data[:, column])
            state.responses[missing, column] = mean[missing] + deviation * rng.normal(size=missing.sum())


def _truncated(rng: np.random.Generator, mean: Array, deviation: float, low: Array, high: Array) -> Array:
    below, above = ndtr((low - mean) / deviation), ndtr((high - mean) / deviation)
    share = below + (above - below) * rng.random(len(mean))
    return mean + deviation * ndtri(np.clip(share, 1e-12, 1 - 1e-12))
