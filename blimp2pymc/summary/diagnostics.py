"""Effective sample size and R-hat, in numpy alone.

ArviZ computes the same numbers, but importing it takes longer than many a model takes to sample, and
results are printed before it is loaded. The tests hold these functions to ArviZ's values. References:
Geyer (1992), Statistical Science 7; Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), Bayesian
Analysis 16. Every function takes draws of shape (..., chain, draw) and works on the leading axes at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import erfc, exp, isfinite, log10, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

MINIMUM_DRAWS = 4
"""Fewer draws per chain than this give NaN."""

# Coefficients of Wichura (1988), Applied Statistics 37, algorithm AS 241 (PPND16), highest power first.
_CENTRAL = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
_NEAR_TAIL = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
     3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
)  # fmt: skip
_FAR_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def normal_quantile(probability: ArrayLike) -> FloatArray:
    """Quantiles of the standard normal distribution, to about 16 digits (AS 241)."""
    p = np.asarray(probability, dtype=float)
    q = p - 0.5
    r = 0.180625 - q * q
    quantile = q * np.polyval(_CENTRAL[0], r) / np.polyval(_CENTRAL[1], r)
    tail = np.abs(q) > 0.425
    if tail.any():
        distance = np.sqrt(-np.log(np.minimum(p[tail], 1 - p[tail])))
        near, far = distance - 1.6, distance - 5.0
        value = np.where(
            distance <= 5.0,
            np.polyval(_NEAR_TAIL[0], near) / np.polyval(_NEAR_TAIL[1], near),
            np.polyval(_FAR_TAIL[0], far) / np.polyval(_FAR_TAIL[1], far),
        )
        quantile[tail] = np.copysign(value, q[tail])
    return quantile


def chi_square_tail(statistic: float, degrees_of_freedom: int) -> float:
    """Upper tail of the chi-square distribution with whole degrees of freedom, as a finite sum."""
    if not isfinite(statistic) or degrees_of_freedom < 1:
        return float("nan")
    half = max(statistic, 0.0) / 2
    if degrees_of_freedom % 2:
        tail, term = erfc(sqrt(half)), 2 * sqrt(half / pi) * exp(-half)
        for k in range(degrees_of_freedom // 2):
            tail += term
            term *= half / (k + 1.5)
        return min(tail, 1.0)
    tail, term = 0.0, exp(-half)
    for k in range(degrees_of_freedom // 2):
        tail += term
        term *= half / (k + 1)
    return min(tail, 1.0)


def split_chains(draws: ArrayLike) -> FloatArray:
    """Halve every chain: (..., chain, draw) -> (..., 2 chain, draw // 2); an odd middle draw is left out."""
    array = np.asarray(draws, dtype=float)
    half = array.shape[-1] // 2
    return np.concatenate((array[..., :half], array[..., array.shape[-1] - half :]), axis=-2)


def rank_normalised(draws: ArrayLike) -> FloatArray:
    """Replace draws by normal scores of their pooled average ranks (Vehtari et al. 2021, eq. 14)."""
    array = np.asarray(draws, dtype=float)
    pooled = array.reshape(*array.shape[:-2], -1)
    order = np.argsort(pooled, axis=-1)
    return _scores(np.take_along_axis(pooled, order, -1), order).reshape(array.shape)


def effective_sample_size(chains: ArrayLike) -> FloatArray:
    """Effective draws over all chains, from Geyer's initial monotone sequence; chains as they are, unsplit."""
    array = np.asarray(chains, dtype=float)
    flat = array.reshape(-1, *array.shape[-2:])
    return np.array([_effective_sample_size(each) for each in flat]).reshape(array.shape[:-2])


def ess_mean(draws: ArrayLike) -> FloatArray:
    """Effective sample size for the mean: of the split chains (`az.ess(method="mean")`)."""
    return effective_sample_size(split_chains(draws))


def ess_bulk(draws: ArrayLike) -> FloatArray:
    """Effective sample size of the rank-normalised split chains."""
    return effective_sample_size(rank_normalised(split_chains(draws)))


def ess_tail(draws: ArrayLike) -> FloatArray:
    """Smaller one of the effective sample sizes of the 5 % and the 95 % quantile."""
    array = np.asarray(draws, dtype=float)
    return _ess_tail(array, np.quantile(array, (0.05, 0.95), axis=(-2, -1), keepdims=True))


def psr(chains: ArrayLike) -> FloatArray:
    """Potential scale reduction of chains as they are (Gelman and Rubin 1992, without sampling correction)."""
    array = np.asarray(chains, dtype=float)
    size = array.shape[-1]
    between = size * array.mean(axis=-1).var(axis=-1, ddof=1)
    within = array.var(axis=-1, ddof=1).mean(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt((between / within + size - 1) / size)


def r_hat(draws: ArrayLike) -> FloatArray:
    """Rank-normalised split R-hat: the larger one of bulk and folded draws (`az.rhat`)."""
    halves = split_chains(draws)
    if halves.shape[-1] < MINIMUM_DRAWS // 2:
        return np.full(halves.shape[:-2], np.nan)
    folded = np.abs(halves - np.median(halves, axis=(-2, -1), keepdims=True))
    return np.maximum(psr(rank_normalised(halves)), psr(rank_normalised(folded)))


@dataclass(frozen=True)
class Diagnosis:
    """Everything said about the convergence of one quantity."""

    ess_mean: float
    ess_bulk: float
    ess_tail: float
    psr: float
    """Of the split chains, as they are."""
    r_hat: float


def diagnose(draws: FloatArray) -> Diagnosis:
    """All of the above for draws of one quantity, shape (chain, draw), sharing the work between them."""
    if draws.shape[-1] < MINIMUM_DRAWS or not np.isfinite(draws).all():
        return Diagnosis(*(float("nan"),) * 5)
    halves = split_chains(draws)
    # Sorting is most of the work. Distances from the median are two sorted runs once draws are sorted.
    order = np.argsort(halves, axis=None)
    ordered = halves.ravel()[order]
    median = np.median(ordered)
    below = np.searchsorted(ordered, median)
    distances = np.concatenate([median - ordered[:below][::-1], ordered[below:] - median])
    merged = np.argsort(distances, kind="stable")
    order_of_distances = np.concatenate([order[:below][::-1], order[below:]])[merged]
    ranked = _scores(ordered, order).reshape(halves.shape)
    folded = _scores(distances[merged], order_of_distances).reshape(halves.shape)
    bounds = np.quantile(ordered if ordered.size == draws.size else draws, (0.05, 0.95))
    return Diagnosis(
        ess_mean=float(effective_sample_size(halves)),
        ess_bulk=float(effective_sample_size(ranked)),
        ess_tail=float(_ess_tail(draws, bounds)),
        psr=float(psr(halves)),
        r_hat=float(np.maximum(psr(ranked), psr(folded))),
    )


@dataclass(frozen=True)
class Window:
    """R-hat over the second half of the first iterations of burn-in."""

    first: int
    """First iteration used, counted from 1."""
    last: int
    r_hat: FloatArray
    """One value per parameter handed in; NaN where a parameter did not move."""

    @property
    def worst(self) -> int | None:
        """Position of the parameter with the highest value; None when there is none."""
        return None if np.isnan(self.r_hat).all() else int(np.nanargmax(self.r_hat))


def burn_in_history(
    burn_in: FloatArray, thin: int, burn: int, columns: Sequence[int], *, windows: int = 20, longest: int = 1000
) -> tuple[Window, ...]:
    """R-hat at equally spaced points of burn-in, each over the second half of the iterations so far.

    Parameters
    ----------
    burn_in
        Kept burn-in draws, shape (chain, kept, parameter); kept draw j is iteration (j + 1) * thin.
    thin, burn
        Thinning of those draws, and the number of burn-in iterations.
    columns
        Parameters to look at.
    windows, longest
        Number of points; draws, over all chains, that one window may use (thinned further when there are more).
    """
    history = []
    kept = (np.arange(burn_in.shape[1]) + 1) * thin
    for k in range(1, windows + 1):
        last = burn * k // windows
        first = last // 2 + 1
        rows = np.flatnonzero((kept >= first) & (kept <= last))
        if len(rows) < MINIMUM_DRAWS:
            continue
        per_chain = max(MINIMUM_DRAWS, longest // burn_in.shape[0])
        rows = rows[:: -(-len(rows) // per_chain)]
        draws = np.moveaxis(burn_in[:, rows][:, :, list(columns)], -1, 0)
        history.append(Window(first, last, r_hat(draws)))
    return tuple(history)


@lru_cache(maxsize=8)
def _normal_scores(size: int) -> FloatArray:
    return normal_quantile((np.arange(1.0, size + 1) - 0.375) / (size + 0.25))


@lru_cache(maxsize=64)
def _fast_length(least: int) -> int:
    """Smallest product of powers of 2, 3 and 5 that is not below `least`: quick to transform."""
    best = 1 << (least - 1).bit_length()
    odd_parts = (3**threes * 5**fives for threes in range(20) for fives in range(15))
    return min([best, *(odd << (-(-least // odd) - 1).bit_length() for odd in odd_parts if odd < best)])


def _scores(ordered: FloatArray, order: NDArray[np.intp]) -> FloatArray:
    """Normal scores of average ranks, from values in ascending order and their places."""
    size = ordered.shape[-1]
    sorted_scores = np.broadcast_to(_normal_scores(size), ordered.shape)
    if (ordered[..., 1:] == ordered[..., :-1]).any():
        ranks = _tied_ranks(ordered)
        is_tied = ranks != np.arange(1.0, size + 1)
        sorted_scores = sorted_scores.copy()
        sorted_scores[is_tied] = normal_quantile((ranks[is_tied] - 0.375) / (size + 0.25))
    scores = np.empty(ordered.shape)
    np.put_along_axis(scores, order, sorted_scores, -1)
    return scores


def _ess_tail(draws: FloatArray, bounds: FloatArray) -> FloatArray:
    return np.minimum(*(effective_sample_size(split_chains(draws <= bound)) for bound in bounds))


def _mean_autocovariance(chains: FloatArray) -> FloatArray:
    """Autocovariances (divisor n) at lags 0 to n - 1, mean over chains, by Fourier transform."""
    size = chains.shape[-1]
    length = _fast_length(2 * size)
    spectrum = np.fft.rfft(chains - chains.mean(axis=-1, keepdims=True), n=length, axis=-1)
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=0)
    return np.fft.irfft(power, n=length)[:size] / size


def _tied_ranks(ordered: FloatArray) -> FloatArray:
    """Average ranks of sorted values, tied ones sharing theirs."""
    size = ordered.shape[-1]
    position = np.arange(size)
    starts = np.concatenate((np.ones((*ordered.shape[:-1], 1), bool), ordered[..., 1:] != ordered[..., :-1]), -1)
    ends = np.concatenate((starts[..., 1:], np.ones((*ordered.shape[:-1], 1), bool)), -1)
    first = np.maximum.accumulate(np.where(starts, position, 0), axis=-1)
    last = np.minimum.accumulate(np.where(ends, position, size)[..., ::-1], axis=-1)[..., ::-1]
    return (first + last) / 2 + 1


def _effective_sample_size(chains: FloatArray) -> float:
    n_chains, size = chains.shape
    total = n_chains * size
    if size < MINIMUM_DRAWS // 2 or not np.isfinite(chains).all():
        return float("nan")
    if np.ptp(chains) < np.finfo(float).resolution:
        return float(total)
    # 1. pooled variance: within chains, and between them
    covariance = _mean_autocovariance(chains)
    within = covariance[0] * size / (size - 1.0)
    variance = covariance[0] + (chains.mean(axis=1).var(ddof=1) if n_chains > 1 else 0.0)
    rho = 1.0 - (within - covariance) / variance
    rho[0] = 1.0
    # 2. sums of neighbouring pairs up to the first that is not positive (initial positive sequence)
    usable = max(1, (size - 1) // 2)
    pairs = rho[: 2 * usable].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0)
    # 3. the pairs before it, made monotone; of the last pair only the even lag counts, where it helps
    last = int(negative[0]) if len(negative) else usable - 1
    remainder = max(rho[2 * last], 0.0) if len(negative) else rho[2 * last]
    tau = -1.0 + 2.0 * np.minimum.accumulate(pairs[:last]).sum() + remainder
    return total / max(tau, 1.0 / log10(total))
