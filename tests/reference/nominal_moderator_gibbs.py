"""A second opinion on a path between two factors that a nominal variable moderates: a Gibbs sampler in plain numpy.

It shares nothing with the package. The model: ordinal items with probit equations on one factor each; the first
factor with a mean per group, the second with an intercept and a slope on the first per group; both intercepts of the
reference group are 0 and both residual variances 1. Coefficients of factors are flat, those of items normal(0, 5),
thresholds flat in order.

Thresholds, intercept and loading of an item are drawn together, with its latent responses integrated out, by random
walks whose covariances burn-in has learned. Two rules for the values
of the first factor:

- joint: the equation of the second factor is a function of them, products included;
- held: while they are drawn, the product with the last dummy keeps its current value, as if it were a variable of its
  own. In the last group the first factor then enters the equation with the slope of the reference group. These
  conditionals are those of no joint density.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]
Integers = NDArray[np.int_]


@dataclass
class Items:
    """Items of one factor. A row of `values`: intercept, loading, free thresholds, infinite where there is none."""

    places: Integers
    """Category of every row and item, 0, 1, ..."""
    values: Array
    steps: Array
    """A square root of the covariance of every item's proposals."""
    log_density: Array

    @property
    def loadings(self) -> Array:
        """Loadings of the items on the factor."""
        return self.values[:, 1]

    def limits(self, values: Array) -> tuple[Array, Array]:
        """Thresholds below and above the category of every row and item."""
        n_items = len(values)
        infinite = np.full((n_items, 1), np.inf)
        cuts = np.concatenate([-infinite, np.zeros((n_items, 1)), values[:, 2:], infinite], axis=1)
        item = np.arange(n_items)
        return cuts[item, self.places], cuts[item, self.places + 1]

    def density(self, values: Array, factor: Array) -> Array:
        """Log density of every item's parameters given the factor; minus infinity for thresholds out of order."""
        lower, upper = self.limits(values)
        mean = values[:, 0] + factor[:, None] * values[:, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(_between(lower - mean, upper - mean)).sum(axis=0)
        gaps = np.diff(np.concatenate([np.zeros((len(values), 1)), values[:, 2:]], axis=1), axis=1)
        proper = np.where(np.isnan(gaps), True, gaps > 0).all(axis=1)
        proper[0] &= values[0, 1] > 0
        return np.where(proper, logs - (values[:, 0] ** 2 + values[:, 1] ** 2) / 10, -np.inf)

    def draw_parameters(self, factor: Array, rng: np.random.Generator) -> None:
        """Two random-walk steps for every item."""
        self.log_density = self.density(self.values, factor)
        for _ in range(2):
            noise = np.einsum("kij,kj->ki", self.steps, rng.normal(size=self.values.shape))
            proposed = self.values + noise
            density = self.density(proposed, factor)
            accepted = np.log(rng.random(len(density))) < density - self.log_density
            self.values[accepted], self.log_density[accepted] = proposed[accepted], density[accepted]

    def draw_responses(self, factor: Array, rng: np.random.Generator) -> Array:
        """Latent responses less their intercepts."""
        lower, upper = self.limits(self.values)
        mean = self.values[:, 0] + factor[:, None] * self.loadings
        lower, upper = lower - mean, upper - mean
        flip = np.where(lower > 0, -1.0, 1.0)
        first, last = ndtr(np.where(lower > 0, -upper, lower)), ndtr(np.where(lower > 0, -lower, upper))
        within = first + rng.random(first.shape) * (last - first)
        return mean + flip * ndtri(np.clip(within, 1e-300, 1 - 1e-16)) - self.values[:, 0]


def _between(lower: Array, upper: Array) -> Array:
    """Probability that a standard normal number lies between two others."""
    flip = lower > 0
    return ndtr(np.where(flip, -lower, upper)) - ndtr(np.where(flip, -upper, lower))


def _start(codes: Array) -> Items:
    places = np.stack([np.unique(column, return_inverse=True)[1] for column in codes.T], axis=1)
    counts = places.max(axis=0) + 1
    values = np.full((len(counts), counts.max()), np.inf)
    steps = np.zeros((len(counts), counts.max(), counts.max()))
    for k, count in enumerate(counts):
        shares = np.array([np.mean(places[:, k] <= category) for category in range(count - 1)])
        cuts = ndtri(shares) * np.sqrt(2)
        values[k, :2] = -cuts[0], 1.0
        values[k, 2:count] = cuts[1:] - cuts[0]
        steps[k, np.arange(count), np.arange(count)] = 0.02
    return Items(places, values, steps, np.zeros(len(counts)))


def _learn(items: Items, visited: list[Array]) -> None:
    """Proposals with the covariance of the draws of burn-in."""
    draws = np.array(visited)
    for k in range(draws.shape[1]):
        used = np.isfinite(draws[0, k])
        d = int(used.sum())
        covariance = np.cov(draws[:, k, used], rowvar=False) + 1e-8 * np.eye(d)
        step = np.zeros_like(items.steps[k])
        step[:d, :d] = np.linalg.cholesky(covariance) * 2.0 / np.sqrt(d)
        items.steps[k] = step


def sample(
    first: Array, second: Array, group: Integers, *, draws: int, burn: int, seed: int, last_product_is_held: bool
) -> dict[str, Array]:
    """Draws of the structural coefficients per group, of the loadings, and of the share of explained variance.

    Parameters
    ----------
    first, second
        Codes of the items of both factors, without missing values.
    group
        0 for the reference group, 1, 2.
    draws, burn
        Sweeps that are kept, and sweeps before them.
    last_product_is_held
        Which of the two rules of the module's docstring holds.
    """
    rng = np.random.default_rng(seed)
    n, members = len(group), [np.flatnonzero(group == each) for each in range(3)]
    of_first, of_second = _start(first), _start(second)
    x, y = (_standardized(each.places.mean(axis=1)) for each in (of_first, of_second))
    means, intercepts, slopes = np.zeros(3), np.zeros(3), rng.normal(size=3)
    kept: dict[str, list] = {}
    visited: tuple[list[Array], list[Array]] = ([], [])
    for sweep in range(burn + draws):
        of_first.draw_parameters(x, rng)
        of_second.draw_parameters(y, rng)
        responses = of_first.draw_responses(x, rng)
        used = slopes[[0, 1, 0]] if last_product_is_held else slopes
        rest = intercepts[group] + (slopes - used)[group] * x
        precision = 1 + used[group] ** 2 + (of_first.loadings**2).sum()
        linear = means[group] + used[group] * (y - rest) + responses @ of_first.loadings
        x = linear / precision + rng.normal(size=n) / np.sqrt(precision)
        responses = of_second.draw_responses(y, rng)
        precision = 1 + (of_second.loadings**2).sum()
        linear = intercepts[group] + slopes[group] * x + responses @ of_second.loadings
        y = linear / precision + rng.normal(size=n) / np.sqrt(precision)
        for each in (1, 2):
            means[each] = x[members[each]].mean() + rng.normal() / np.sqrt(len(members[each]))
        for each, rows in enumerate(members):
            design = x[rows, None] if each == 0 else np.column_stack([x[rows], np.ones(len(rows))])
            factor = np.linalg.cholesky(design.T @ design)
            half = np.linalg.solve(factor, design.T @ y[rows])
            drawn = np.linalg.solve(factor.T, half + rng.normal(size=len(half)))
            slopes[each], intercepts[each] = drawn[0], drawn[1] if each else 0.0
        x, means, intercepts = _move_first(x, y, means, intercepts, slopes, of_first, members[0], rng)
        y, intercepts = _move_second(x, y, intercepts, slopes, of_second, members[0], rng)
        if sweep < burn:
            for items, seen in zip((of_first, of_second), visited, strict=True):
                seen.append(items.values.copy())
                if sweep + 1 in (burn // 6, burn // 2, burn):
                    _learn(items, seen[len(seen) // 2 :])
            continue
        predicted = intercepts[group] + slopes[group] * x
        explained = predicted.var(ddof=1)
        found = {
            "slopes": slopes, "intercepts": intercepts, "means": means, "explained": explained / (explained + 1),
            "loadings": np.concatenate([of_first.loadings, of_second.loadings]),
        }  # fmt: skip
        for name, value in found.items():
            kept.setdefault(name, []).append(np.copy(value))
    return {name: np.array(values) for name, values in kept.items()}


def _standardized(values: Array) -> Array:
    return (values - values.mean()) / values.std()


def _shift(items: Items, residuals: list[tuple[float, Array]], rng: np.random.Generator) -> float:
    """A change of location c, from its full conditional: items' intercepts lose loading * c, residuals r + a c."""
    precision = (items.loadings**2).sum() / 5 + sum(a**2 * len(r) for a, r in residuals)
    linear = items.values[:, 0] @ items.loadings / 5 - sum(a * r.sum() for a, r in residuals)
    return float(linear / precision + rng.normal() / np.sqrt(precision))


def _move_first(
    x: Array, y: Array, means: Array, intercepts: Array, slopes: Array, items: Items, reference: Integers,
    rng: np.random.Generator,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Change the location of the first factor; only the rows of the reference group resist."""
    r, u = y[reference] - slopes[0] * x[reference], x[reference]
    c = _shift(items, [(1.0, u), (-slopes[0], r)], rng)
    items.values[:, 0] -= items.loadings * c
    free = np.array([0.0, 1.0, 1.0])
    return x + c, means + free * c, intercepts - free * slopes * c


def _move_second(
    x: Array, y: Array, intercepts: Array, slopes: Array, items: Items, reference: Integers, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Change the location of the second factor; only the rows of the reference group resist."""
    c = _shift(items, [(1.0, y[reference] - slopes[0] * x[reference])], rng)
    items.values[:, 0] -= items.loadings * c
    return y + c, intercepts + np.array([0.0, 1.0, 1.0]) * c
