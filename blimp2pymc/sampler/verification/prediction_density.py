"""Outcomes that predict nothing: their density given everything else, and how it changes beside the graph's.

Parameters are drawn with these outcomes integrated out, so that this density is taken off the graph's. Transformed
values between limits are normal restricted to these.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.draws import cell_name
from blimp2pymc.sampler.tables.centers import centered
from blimp2pymc.sampler.verification.response_density import log_interval

if TYPE_CHECKING:
    from blimp2pymc.sampler.verification.point import Point


def prediction_log_density(point: Point) -> float:
    """Log density of all outcomes that predict nothing, given everything else: normalised."""
    total = predicted_log_density(point.run, point.drawn)
    for block in point.blocks(1):
        lower, upper = _limits(point, block)
        for low, n in point.chunks(block):
            precision, linear = point.normal(block, low, n)
            values = point.state.columns[point.members(block), low : low + n].T
            mean = np.linalg.solve(precision, linear[:, :, None])[:, :, 0]
            deviation = values - mean
            quadratic = np.einsum("ni,nij,nj->", deviation, precision, deviation)
            total += 0.5 * (np.linalg.slogdet(precision)[1].sum() - quadratic - values.size * np.log(2 * np.pi))
            if np.isfinite(lower) or np.isfinite(upper):
                root = np.sqrt(precision[:, 0, 0])
                total -= log_interval((lower - mean[:, 0]) * root, (upper - mean[:, 0]) * root).sum()
    return total


def predicted_log_density(run: ChainRun, drawn: Container[str]) -> float:
    """Log probability of the missing codes and counts that say nothing in their row, where the graph knows them.

    Written on the model's terms, apart from the tables of the sampler.

    Parameters
    ----------
    run
        A chain; its state is looked at.
    drawn
        Variables whose missing cells the graph knows.
    """
    from scipy.special import gammaln, logsumexp

    form, model, tables = run.layout, run.layout.model, run.layout.tables
    groups = form.plan.structure.groups
    names = [groups[k].residuals[0].equation.name for k in tables.outcomes.group]
    if not any(name in drawn for name in names):
        return 0.0
    values, theta = run.completed(), centered(form, run.state.theta)
    parameters = {name: float(theta[k]) for name, k in form.parameters.items()}
    columns = {column: values[name] for column in form.columns if (name := cell_name(column)) in values}
    total = 0.0
    for name, low, high in zip(names, tables.outcomes.low, tables.outcomes.high, strict=True):
        if name not in drawn:
            continue
        rows = form.incomplete_rows[low:high]
        own = [each for column, each in model.equation_of.items() if column.variable == name]
        predictors = np.zeros((len(own), len(rows)))
        for k, equation in enumerate(own):
            for term in equation.terms:
                value = parameters[term.coefficient] * evaluate(term.expression, columns, parameters)
                predictors[k] += np.broadcast_to(value, model.frame.n_rows)[rows]
        outcome = values[name][rows]
        if own[0].dispersion is not None:
            size = 1.0 / parameters[own[0].dispersion]
            predictor = predictors[0] - np.log(size)
            total += (gammaln(outcome + size) - gammaln(size) - gammaln(outcome + 1.0)).sum()
            total += (outcome * predictor - (outcome + size) * np.logaddexp(0.0, predictor)).sum()
        else:
            codes = np.array([each.outcome.category for each in own])[:, None]
            chosen = np.where(outcome == codes, predictors, 0.0).sum(axis=0)
            total += (chosen - logsumexp([np.zeros(len(rows)), *predictors], axis=0)).sum()
    return float(total)


def prediction_changes(point: Point) -> Iterator[tuple[float, float]]:
    """Change all of them at once: an outcome that is predicted may itself predict another."""
    before, kernel = point.log_density(), prediction_log_density(point)
    for block in point.blocks(1):
        lower, upper = _limits(point, block)
        for low, n in point.chunks(block):
            precision, _ = point.normal(block, low, n)
            spread = 1.0 / np.sqrt(np.einsum("nii->ni", precision))
            members = point.members(block)
            old = point.state.columns[members, low : low + n]
            new = old + (spread * point.random.normal(size=spread.shape)).T
            point.state.columns[members, low : low + n] = np.where((new > lower) & (new < upper), new, old)
    point.refresh()
    yield prediction_log_density(point) - kernel, point.log_density() - before


def _limits(point: Point, block: int) -> tuple[float, float]:
    cells = point.tables.cells
    return float(cells.lower[block]), float(cells.upper[block])
