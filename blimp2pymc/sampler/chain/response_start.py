"""Starting values of thresholds and latent responses: those of a normal variable with the observed proportions."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.joint_model.ir import Column, Model
from blimp2pymc.sampler.kernels.sliced_responses import FOLLOWING, OBSERVED
from blimp2pymc.sampler.plan.residuals import Residual

if TYPE_CHECKING:
    from blimp2pymc.sampler.compilation.references import Reference
    from blimp2pymc.sampler.tables.layout import Layout

SHARES = np.linspace(0.0005, 0.9995, 1000)
"""Points at which the distribution of starting values is known."""


def start_responses(
    layout: Layout, random: np.random.Generator
) -> tuple[dict[str, tuple[float, float]], dict[Column, np.ndarray]]:
    """Draw starting values of thresholds and responses.

    Returns
    -------
    Free threshold -> value and size of the first proposals; response -> values of the incomplete rows.
    """
    thresholds: dict[str, tuple[float, float]] = {}
    responses: dict[Column, np.ndarray] = {}
    rows = layout.incomplete_rows
    for each in layout.plan.structure.responses:
        codes = np.array(layout.model.variables[each.equation.name].categories)
        observed = layout.model.data[each.equation.name]
        counts = np.array([(observed == code).sum() for code in codes], float)
        # The responses' spread is 1 without predictors, more with: chains start at different guesses of it.
        spread = 1.2 * np.exp(0.15 * random.normal())
        bounds, mean = _bounds(layout.model, each, counts, spread)
        for name, value in zip(each.equation.thresholds, bounds, strict=True):
            if layout.model.parameters[name].is_free:
                thresholds[name] = (float(value), float(2.0 * spread / np.sqrt(counts.sum())))
        values = observed[rows]
        category = np.searchsorted(codes, np.where(np.isnan(values), codes[0], values))
        edges = np.array([-np.inf, *bounds, np.inf])
        absent = np.isnan(values)
        lower = np.where(absent, -np.inf, edges[category])
        upper = np.where(absent, np.inf, edges[category + 1])
        responses[each.outcome] = _truncated_normal(mean, spread, lower, upper, random)
    return thresholds, responses | _start_differences(layout, random)


def fit_responses(layout: Layout, state: Reference) -> None:
    """Put responses that are drawn by slice sampling between the thresholds of observed categories."""
    table, responses = layout.tables.nonlinear, layout.tables.responses
    for index in np.flatnonzero(table.kind == OBSERVED):
        variable, n = table.variable[index], table.high[index] - table.low[index]
        names = slice(responses.threshold_start[variable], responses.threshold_start[variable + 1])
        edges = np.array([-np.inf, *state.theta[responses.threshold[names]], np.inf])
        category = state.category[table.place[index] :][:n]
        column = state.columns[table.column[index], table.low[index] : table.high[index]]
        lower, upper = edges[category], edges[category + 1]
        margin = 0.01 * np.minimum(upper - lower, 1.0)
        outside = (column < lower) | (column > upper)
        column[outside] = np.clip(column, lower + margin, upper - margin)[outside]


def set_following(layout: Layout, state: Reference) -> None:
    """Set missing categories that follow from responses drawn by slice sampling."""
    table, responses = layout.tables.nonlinear, layout.tables.responses
    for index in np.flatnonzero(table.kind == FOLLOWING):
        variable, rows = table.variable[index], slice(table.low[index], table.high[index])
        names = slice(responses.threshold_start[variable], responses.threshold_start[variable + 1])
        bounds = state.theta[responses.threshold[names]]
        category = np.searchsorted(bounds, state.columns[table.column[index], rows])
        state.category[table.place[index] :][: category.size] = category
        codes = responses.code[responses.code_start[variable] : responses.code_start[variable + 1]]
        state.columns[responses.score[variable], rows] = codes[category]


def _start_differences(layout: Layout, random: np.random.Generator) -> dict[Column, np.ndarray]:
    """Latent differences of nominal variables: positive for the observed category alone."""
    found = {}
    for each in layout.plan.structure.differences:
        values = layout.model.data[each.outcome.variable][layout.incomplete_rows]
        drawn = random.normal(size=values.size)
        own = np.where(values == each.outcome.category, np.abs(drawn), -np.abs(drawn))
        found[each.outcome] = np.where(np.isnan(values), drawn, own)
    return found


def _bounds(model: Model, response: Residual, counts: np.ndarray, spread: float) -> tuple[np.ndarray, float]:
    """Thresholds at the quantiles of a normal variable, fixed ones as they are; the mean that goes with them."""
    names = response.equation.thresholds
    shares = np.cumsum(counts + 0.5)[:-1] / (counts.sum() + 0.5 * counts.size)
    quantiles = spread * np.array([NormalDist().inv_cdf(each) for each in shares])
    fixed = [(k, value) for k, name in enumerate(names) if (value := model.parameters[name].fixed) is not None]
    mean = float(fixed[0][1] - quantiles[fixed[0][0]]) if fixed else 0.0
    places = [k for k, _ in fixed]
    bounds = quantiles + mean
    for k in range(len(names)):
        if len(fixed) > 1:
            # Between fixed thresholds the others keep the order: move each by what moves its neighbours.
            bounds[k] += np.interp(k, places, [value - quantiles[place] - mean for place, value in fixed])
    return bounds, mean


def _truncated_normal(
    mean: float, spread: float, lower: np.ndarray, upper: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    # Good enough for a start: the distribution by linear interpolation.
    scores = np.array([NormalDist().inv_cdf(each) for each in SHARES])
    low, high = (np.interp((each - mean) / spread, scores, SHARES) for each in (lower, upper))
    values = mean + spread * np.interp(low + (high - low) * random.uniform(0.01, 0.99, low.size), SHARES, scores)
    margin = 0.01 * np.minimum(upper - lower, spread)
    return np.asarray(np.clip(values, lower + margin, upper - margin))
