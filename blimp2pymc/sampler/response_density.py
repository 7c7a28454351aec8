"""Check of thresholds and latent responses, with the density of what the PyMC graph integrates out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Form
from blimp2pymc.sampler import entries
from blimp2pymc.sampler.draws import cell_name
from blimp2pymc.sampler.runs import ChainRun

if TYPE_CHECKING:
    from blimp2pymc.sampler.density_changes import Changes, Point


def response_log_density(run: ChainRun) -> float:
    """Log density of all probit responses at the state of a chain, given parameters, predictors and categories.

    It is normal with variance 1, between the thresholds where the category is observed. Written on the model's
    terms, apart from the tables of the sampler.
    """
    from scipy.special import log_ndtr

    model, values = run.layout.model, run.completed()
    parameters = {name: float(run.state.theta[k]) for name, k in run.layout.parameters.items()}
    columns = {column: values[name] for column in run.layout.columns if (name := cell_name(column)) in values}
    total = 0.0
    for response in run.layout.plan.structure.responses:
        equation = response.equation
        mean = np.zeros(model.frame.n_rows)
        for term in equation.terms:
            mean = mean + parameters[term.coefficient] * evaluate(term.expression, columns, parameters)
        deviation = columns[Column(equation.name, Form.LATENT_RESPONSE)] - mean
        total -= 0.5 * (np.log(2 * np.pi) + deviation**2).sum()
        bounds = np.array([-np.inf, *(parameters[name] for name in equation.thresholds), np.inf])
        observed = ~model.missing(equation.name)
        category = np.searchsorted(model.variables[equation.name].categories, model.data[equation.name][observed])
        lower, upper = bounds[category] - mean[observed], bounds[category + 1] - mean[observed]
        lower, upper = np.where(lower > 0, -upper, lower), np.where(lower > 0, -lower, upper)
        total -= (log_ndtr(upper) + np.log1p(-np.exp(log_ndtr(lower) - log_ndtr(upper)))).sum()
    return float(total)


def threshold_changes(point: Point) -> Changes:
    """Changes of the densities with the thresholds of each variable."""
    # The responses are integrated out on both sides: in the graph, and in the kernel's category probabilities.
    responses, state = point.tables.responses, point.state
    for variable in np.flatnonzero(responses.step >= 0):
        own = slice(responses.threshold_start[variable], responses.threshold_start[variable + 1])
        drawn = responses.threshold[own][responses.is_drawn[own]]
        n = entries.response_conditional(*point.compiled, variable)
        at_old = entries.threshold_log_density(*point.compiled, variable, n)
        before = point.log_density(responses=False)
        old = state.theta[responses.threshold[own]].copy()
        for size in (0.3, 0.1, 0.03, 0.01):
            state.theta[drawn] *= np.exp(size * point.random.normal(size=len(drawn)))
            if (np.diff(state.theta[responses.threshold[own]]) > 0).all():
                break
            state.theta[responses.threshold[own]] = old
        at_new = entries.threshold_log_density(*point.compiled, variable, n)
        point.refresh()
        yield at_new - at_old, point.log_density(responses=False) - before
        state.theta[responses.threshold[own]] = old


def response_changes(point: Point) -> Changes:
    """Changes of the densities with the responses of each variable."""
    responses, state, work = point.tables.responses, point.state, point.work
    for variable in range(len(responses.column)):
        n = entries.response_conditional(*point.compiled, variable)
        mean, root = work.response_mean[:n].copy(), work.response_root[:n].copy()
        own = slice(responses.block_start[variable], responses.block_start[variable + 1])
        rows = np.concatenate([np.arange(*each) for each in point.stretches(responses.block[own])])
        column = state.columns[responses.column[variable]]
        before, old = point.log_density(cuts=False), column[rows].copy()
        entries.redraw_responses(*point.compiled)
        new = column[rows].copy()
        point.restore()
        column[rows] = new
        point.refresh()
        kernel = -0.5 * (((new - mean) * root) ** 2 - ((old - mean) * root) ** 2).sum()
        yield kernel, point.log_density(cuts=False) - before
        point.restore()
