"""Starting values of latent variables: scores that their indicators suggest, with noise.

Loadings are drawn given these values, so that a chain starts with the orientation that fixed and bounded
loadings demand, and not in a mirror image of the posterior.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from blimp2pymc.joint_model.algebra import expand_equation
from blimp2pymc.joint_model.ir import Column, Equation, Model, Role

COMMUNALITY = 0.5
"""Share of an indicator's variance that its latent variables are taken to explain."""


@dataclass(frozen=True)
class Indicator:
    """An outcome that latent variables predict linearly."""

    outcome: Column
    loadings: Mapping[Column, float | None]
    """Latent variable -> its coefficient; None where that is free."""
    bounds: Mapping[Column, float]
    """Latent variable -> the sign that bounds impose on a free coefficient; 0 for none."""
    center: float | None
    """Value of the intercept; None where that is free."""


def latent_scores(
    model: Model, values: Mapping[Column, np.ndarray], random: np.random.Generator
) -> dict[Column, np.ndarray]:
    """Draw starting values for every latent variable.

    Parameters
    ----------
    model
        Model with latent variables; every one has an equation.
    values
        Data column -> completed values, one per row.
    random
        Source of the noise.

    Returns
    -------
    Latent variable -> one value per row. Those with indicators are drawn given the indicators by a normal
    model with rough loadings; latent variables that are indicators themselves come before theirs.
    """
    known = dict(values)
    waiting = [Column(name) for name in model.latent]
    indicators = [_indicator(model, each, waiting) for each in model.equations if each.role is not Role.MEANS]
    n_rows = len(next(iter(values.values())))
    while waiting:
        usable = [each for each in indicators if each.outcome in known and set(each.loadings) & set(waiting)]
        plain = [each for each in usable if len(each.loadings) == 1 or None not in each.loadings.values()]
        served = [column for column in waiting if any(column in each.loadings for each in plain)]
        chosen = plain
        if not served:
            served = [column for column in waiting if any(column in each.loadings for each in usable)]
            chosen = usable
        if not served:
            for column in waiting:
                known[column] = _scale(model, column) * random.normal(size=n_rows)
            break
        known.update(_scores(model, served, chosen, known, random))
        waiting = [column for column in waiting if column not in served]
    return {Column(name): known[Column(name)] for name in model.latent}


def _indicator(model: Model, equation: Equation, latent: Sequence[Column]) -> Indicator:
    loadings: dict[Column, float | None] = {}
    bounds: dict[Column, float] = {}
    center: float | None = 0.0
    for product in expand_equation(equation):
        parameters = [model.parameters[name] for name in product.parameters if name in model.parameters]
        is_free = len(parameters) < len(product.parameters) or any(each.fixed is None for each in parameters)
        size = product.constant * float(np.prod([each.fixed for each in parameters if each.fixed is not None]))
        if product.functions or len(product.columns) > 1:
            continue
        if not product.columns:
            center = None if is_free or center is None else center + size
        elif product.columns[0] in latent:
            column = product.columns[0]
            if not is_free:
                loadings[column] = size + (loadings.get(column) or 0.0)
            else:
                loadings.setdefault(column, None)
                free = [each for each in parameters if each.fixed is None]
                if len(free) == 1:
                    sign = float(free[0].prior.lower >= 0) - float(free[0].prior.upper <= 0)
                    bounds.setdefault(column, sign * np.sign(size))
    loadings = {column: value for column, value in loadings.items() if value != 0.0}
    return Indicator(equation.outcome, loadings, bounds, center)


def _scale(model: Model, column: Column) -> float:
    """Standard deviation of a latent variable whose variance is fixed, else 1."""
    name = model.equation_of[column].residual_variance
    fixed = None if name is None else model.parameters[name].fixed
    return 1.0 if fixed is None else float(np.sqrt(fixed))


def _scores(
    model: Model,
    latent: Sequence[Column],
    indicators: Sequence[Indicator],
    known: Mapping[Column, np.ndarray],
    random: np.random.Generator,
) -> dict[Column, np.ndarray]:
    # Draw eta given y = center + L eta + e with e ~ N(0, D), eta ~ N(0, diag(spread^2)).
    indicators = [each for each in indicators if set(each.loadings) & set(latent)]
    loadings = np.zeros((len(indicators), len(latent)))
    spread = np.ones(len(latent))
    for k, column in enumerate(latent):
        own = [(place, each) for place, each in enumerate(indicators) if column in each.loadings]
        _, reference = min(own, key=lambda pair: _order(pair[1], column))
        fixed = reference.loadings[column]
        deviation = float(np.std(known[reference.outcome])) or 1.0
        variance = model.equation_of[column].residual_variance
        if variance is not None and model.parameters[variance].fixed is not None:
            spread[k] = _scale(model, column)
        else:
            spread[k] = np.sqrt(COMMUNALITY) * deviation / abs(fixed or 1.0)
        sign = np.sign(fixed) if fixed is not None else reference.bounds.get(column) or 1.0
        for place, each in own:
            size = each.loadings[column]
            if size is None:
                agrees = np.sign(np.corrcoef(known[each.outcome], known[reference.outcome])[0, 1]) or 1.0
                side = each.bounds.get(column) or sign * agrees
                size = side * np.sqrt(COMMUNALITY) * np.std(known[each.outcome]) / spread[k]
            loadings[place, k] = size
    deviations = []
    weights = np.array([1.0 / ((1.0 - COMMUNALITY) * (np.var(known[each.outcome]) or 1.0)) for each in indicators])
    for each in indicators:
        values = known[each.outcome]
        deviations.append(values - (values.mean() if each.center is None else each.center))
    # Where intercepts are fixed the latent variables have means of their own, which should not be shrunk.
    shrinkage = 1.0 if all(each.center is None for each in indicators) else 0.01
    precision = loadings.T @ (weights[:, None] * loadings) + np.diag(shrinkage / spread**2)
    mean = np.linalg.solve(precision, loadings.T @ (weights[:, None] * np.array(deviations)))
    noise = np.linalg.solve(np.linalg.cholesky(precision).T, random.normal(size=mean.shape))
    return dict(zip(latent, mean + noise, strict=True))


def _order(indicator: Indicator, column: Column) -> int:
    """Fixed loadings orient a latent variable first, then bounded ones, then the first of all."""
    if indicator.loadings[column] is not None:
        return 0
    return 1 if indicator.bounds.get(column) else 2
