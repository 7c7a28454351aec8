"""A second opinion on regression with the sum of incomplete items: a Gibbs sampler in plain numpy.

It shares nothing with the package. The model: every item on the later items and on a complete covariate,
later items centered at their means; an outcome on the sum of the raw items, the covariate and their product;
a mean and a variance of every item from its completed values alone. Priors are flat, IG(1, 1/2) on the
variances that belong to the means.

An item's missing value occurs in its own equation, in those of the earlier items, and in the outcome's. All
full conditionals are normal or inverse gamma. Two rules for the equations of earlier items:

- centered (a joint density): the value enters them as it does when their coefficients are drawn;
- uncentered: while a value is drawn it enters them without its mean being subtracted, although their
  coefficients belong to centered items. These conditionals are those of no joint density.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
Key = tuple[str, str, str, str]
"""Block, outcome, section, parameter of a line of the tables."""


@dataclass
class State:
    """Completed items (row, item) and outcome, with the parameters of every equation."""

    items: Array
    outcome: Array
    means: Array
    variances: Array
    """Of the items, drawn together with their means."""
    item_coefficients: list[Array]
    """Of item k: intercept, slopes of items k+1, k+2, ..., slope of the covariate."""
    item_variances: Array
    outcome_coefficients: Array
    """Intercept, slopes of the sum, of the covariate, of their product."""
    outcome_variance: float


def sample(
    items: pd.DataFrame,
    outcome: pd.Series,
    covariate: pd.Series,
    *,
    draws: int,
    seed: int,
    burn: int = 500,
    centered_when_imputing: bool = True,
) -> dict[Key, Array]:
    """Draws of every line Blimp prints about the items, keyed as in the tables of estimates.

    Parameters
    ----------
    items, outcome
        Observed values, NaN where missing; names of the items become outcomes of the tables.
    covariate
        Complete values of the covariate.
    draws, burn
        Sweeps that are kept, and sweeps before them.
    centered_when_imputing
        Which of the two rules of the module's docstring holds.
    """
    rng = np.random.default_rng(seed)
    observed, z = items.to_numpy(float), covariate.to_numpy(float)
    missing = np.isnan(observed)
    outcome_missing = outcome.isna().to_numpy()
    means = np.nanmean(observed, axis=0)
    state = State(
        items=np.where(missing, means, observed),
        outcome=outcome.fillna(outcome.mean()).to_numpy(float, copy=True),
        means=means,
        variances=np.nanvar(observed, axis=0, ddof=1),
        item_coefficients=[],
        item_variances=np.ones(items.shape[1]),
        outcome_coefficients=np.zeros(4),
        outcome_variance=float(outcome.var()),
    )
    kept: dict[Key, list[float]] = {}
    for sweep in range(burn + draws):
        _draw_parameters(state, z, rng)
        for item in np.flatnonzero(missing.any(axis=0)):
            _draw_missing(state, int(item), missing[:, item], z, centered_when_imputing, rng)
        predicted = _outcome_design(state, z) @ state.outcome_coefficients
        noise = rng.normal(size=len(z)) * np.sqrt(state.outcome_variance)
        state.outcome[outcome_missing] = (predicted + noise)[outcome_missing]
        if sweep >= burn:
            for key, value in _printed(state, z, list(items.columns), str(covariate.name)).items():
                kept.setdefault(key, []).append(value)
    return {key: np.array(values) for key, values in kept.items()}


def _item_design(state: State, item: int, z: Array) -> Array:
    later = state.items[:, item + 1 :] - state.means[item + 1 :]
    return np.column_stack([np.ones(len(z)), later, z])


def _outcome_design(state: State, z: Array) -> Array:
    total = state.items.sum(axis=1)
    return np.column_stack([np.ones(len(z)), total, z, total * z])


def _draw_parameters(state: State, z: Array, rng: np.random.Generator) -> None:
    n, n_items = state.items.shape
    drawn = [
        _draw_regression(_item_design(state, item, z), state.items[:, item], state.item_variances[item], rng)
        for item in range(n_items)
    ]
    state.item_coefficients = [coefficients for coefficients, _ in drawn]
    state.item_variances = np.array([variance for _, variance in drawn])
    state.outcome_coefficients, state.outcome_variance = _draw_regression(
        _outcome_design(state, z), state.outcome, state.outcome_variance, rng
    )
    centers = state.items.mean(axis=0)
    squares = ((state.items - centers) ** 2).sum(axis=0)
    state.variances = (0.5 + squares / 2) / rng.gamma(1 + (n - 1) / 2, size=n_items)
    state.means = centers + np.sqrt(state.variances / n) * rng.normal(size=n_items)


def _draw_regression(design: Array, values: Array, variance: float, rng: np.random.Generator) -> tuple[Array, float]:
    """Coefficients given the variance, then the variance given the coefficients, both under flat priors."""
    factor = np.linalg.cholesky(design.T @ design)
    half = np.linalg.solve(factor, design.T @ values)
    coefficients = np.linalg.solve(factor.T, half + np.sqrt(variance) * rng.normal(size=len(half)))
    residuals = values - design @ coefficients
    return coefficients, float(residuals @ residuals / 2 / rng.gamma(len(values) / 2 - 1))


def _draw_missing(
    state: State, item: int, where: NDArray[np.bool_], z: Array, centered: bool, rng: np.random.Generator
) -> None:
    """Draw the missing values of an item: a product of normal densities in it, one per equation."""
    values, z = state.items[where], z[where]
    values[:, item] = 0.0
    # Own equation: every other item in it is centered.
    own = state.item_coefficients[item]
    own_mean = own[0] + (values[:, item + 1 :] - state.means[item + 1 :]) @ own[1:-1] + own[-1] * z
    precision = np.full(len(z), 1 / state.item_variances[item])
    weighted = own_mean / state.item_variances[item]
    offsets = state.means.copy()
    if not centered:
        offsets[item] = 0.0
    for earlier in range(item):
        coefficients = state.item_coefficients[earlier]
        slope = coefficients[item - earlier]
        rest = coefficients[0] + (values - offsets)[:, earlier + 1 :] @ coefficients[1:-1] + coefficients[-1] * z
        precision += slope**2 / state.item_variances[earlier]
        weighted += slope * (values[:, earlier] - rest) / state.item_variances[earlier]
    intercept, of_sum, of_covariate, of_product = state.outcome_coefficients
    slopes = of_sum + of_product * z
    rest = intercept + of_covariate * z + slopes * values.sum(axis=1)
    precision += slopes**2 / state.outcome_variance
    weighted += slopes * (state.outcome[where] - rest) / state.outcome_variance
    state.items[where, item] = weighted / precision + rng.normal(size=len(z)) / np.sqrt(precision)


def _printed(state: State, z: Array, names: list[str], covariate: str) -> dict[Key, float]:
    lines: dict[Key, float] = {}
    for item, name in enumerate(names):
        coefficients, residual = state.item_coefficients[item], float(state.item_variances[item])
        design = _item_design(state, item, z)
        explained = float(np.var(design @ coefficients, ddof=1))
        terms = ["Intercept", *names[item + 1 :], covariate]
        scales = design.std(axis=0, ddof=1) / np.sqrt(explained + residual)
        lines["outcome", name, "Variances", "Residual Var."] = residual
        for term, value, scale in zip(terms, coefficients, scales, strict=True):
            lines["outcome", name, "Coefficients", term] = float(value)
            if term != "Intercept":
                lines["outcome", name, "Standardized Coefficients", term] = float(value * scale)
        share = explained / (explained + residual)
        lines["outcome", name, "Proportion Variance Explained", "by Coefficients"] = share
        lines["outcome", name, "Proportion Variance Explained", "by Residual Variation"] = 1 - share
        lines["predictor", name, "Grand Mean", "Grand Mean"] = float(state.means[item])
        lines["predictor", name, "Level 1", "Residual Var."] = float(state.variances[item])
    return lines
