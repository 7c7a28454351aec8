"""Log joint density of models with outcomes that are not normal, in numpy; missing categories integrated out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from sampler import joint_density
from scipy.special import gammaln, logsumexp

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Form, Model
from blimp2pymc.sampler.chain.runs import ChainRun


def predictor(terms, parameters: Mapping[str, float], data: Mapping[str, np.ndarray]) -> np.ndarray:
    """Linear predictor of every row."""
    columns = {Column(name): values for name, values in data.items()}
    used = {each for term in terms for each in columns_in(term.expression)}
    columns |= {each: (data[each.variable] == each.category).astype(float) for each in used if each.form is Form.DUMMY}
    return np.zeros(len(next(iter(data.values())))) + sum(
        parameters[term.coefficient] * evaluate(term.expression, columns, parameters) for term in terms
    )


def log_likelihoods(
    model: Model, free: Mapping[str, float], data: Mapping[str, np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Outcome that is not normal -> log density of every row, and whether its category or count is observed."""
    parameters = joint_density.all_parameters(model, free)
    found = {}
    for name in dict.fromkeys(each.name for each in model.equations):
        own = [each for each in model.equations if each.name == name]
        y, observed = data[name], ~np.isnan(model.data[name])
        if own[0].family == "logit":
            eta = np.array([0 * y, *(predictor(each.terms, parameters, data) for each in own)])
            place = np.zeros(len(y), int)
            for k, each in enumerate(own):
                place[y == each.outcome.category] = k + 1
            found[name] = (eta[place, np.arange(len(y))] - logsumexp(eta, axis=0), observed)
        elif own[0].family == "negative_binomial":
            mean = np.exp(predictor(own[0].terms, parameters, data))
            a = parameters[own[0].dispersion]
            density = gammaln(y + 1 / a) - gammaln(1 / a) - gammaln(y + 1)
            found[name] = (density - np.log1p(a * mean) / a + y * np.log(a * mean / (1 + a * mean)), observed)
        elif own[0].variance_terms:
            variance = np.exp(predictor(own[0].variance_terms, parameters, data))
            residual = y - predictor(own[0].terms, parameters, data)
            found[name] = (-0.5 * (np.log(2 * np.pi * variance) + residual**2 / variance), np.ones(len(y), bool))
    return found


def log_joint(
    model: Model, free: Mapping[str, float], data: Mapping[str, np.ndarray], *, completed: bool = False
) -> float:
    """Log joint density of data and free parameters, up to a constant; `completed`: of missing categories too."""
    normal = tuple(each for each in model.equations if each.family == "normal" and not each.variance_terms)
    total = joint_density.log_joint(replace(model, equations=normal), free, data)
    rows_of_all = log_likelihoods(model, free, data).values()
    return total + sum(density[rows | completed].sum() for density, rows in rows_of_all)


def log_weights(
    run: ChainRun, free: Mapping[str, float], data: Mapping[str, np.ndarray], *, completed: bool = False
) -> float:
    """Log density of the Polya-Gamma weights of binary outcomes, relative to weights at predictor 0."""
    form, model = run.layout, run.layout.model
    parameters = joint_density.all_parameters(model, free)
    total = 0.0
    for each in model.equations:
        if sum(other.name == each.name for other in model.equations) == 1 and each.family == "logit":
            index = form.working[replace(each.outcome, form=Form.WORKING_WEIGHT)]
            weights = np.zeros(model.frame.n_rows)
            weights[form.incomplete_rows] = run.state.columns[index]
            c = predictor(each.terms, parameters, data)
            density = np.logaddexp(c / 2, -c / 2) - np.log(2) - 0.5 * c**2 * weights
            total += density[completed | ~np.isnan(model.data[each.name])].sum()
    return total


def log_target(run: ChainRun, free: Mapping[str, float], data: Mapping[str, np.ndarray]) -> float:
    """What every kernel leaves invariant: the joint density of data, parameters and weights."""
    return log_joint(run.layout.model, free, data) + log_weights(run, free, data)
