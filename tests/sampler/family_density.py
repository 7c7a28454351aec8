"""Log joint density of models with outcomes that are not normal, in numpy; missing categories integrated out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from sampler import joint_density
from scipy.special import gammaln, logsumexp

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Form, JointBlock, Model
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
    joint = {member.variable for block in modelled_blocks(model) for member in block.members}
    for block in modelled_blocks(model):
        found["y"] = (_log_density_of_block(model, block, parameters, data), np.ones(model.frame.n_rows, bool))
    for name in dict.fromkeys(each.name for each in model.equations):
        own = [each for each in model.equations if each.name == name]
        if name in joint:
            continue
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


def modelled_blocks(model: Model) -> list[JointBlock]:
    """Blocks with a member whose variance has predictors."""
    return [block for block in model.blocks if any(model.equation_of[each].variance_terms for each in block.members)]


def _log_density_of_block(
    model: Model, block: JointBlock, parameters: Mapping[str, float], data: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Log density of each row: normal, with a covariance of its own."""
    equations = [model.equation_of[each] for each in block.members]
    residuals = np.array([data[each.name] - predictor(each.terms, parameters, data) for each in equations])
    deviations = np.ones_like(residuals)
    for k, each in enumerate(equations):
        if each.variance_terms:
            deviations[k] = np.exp(predictor(each.variance_terms, parameters, data) / 2)
        else:
            deviations[k] = np.sqrt(parameters[str(each.residual_variance)])
    correlation = np.eye(len(equations))
    for (i, j), name in block.correlations.items():
        correlation[i, j] = correlation[j, i] = parameters[name]
    if np.linalg.eigvalsh(correlation)[0] <= 0:
        return np.full(residuals.shape[1], -np.inf)
    covariances = correlation * deviations.T[:, :, None] * deviations.T[:, None, :]
    solved = np.linalg.solve(covariances, residuals.T[:, :, None])[:, :, 0]
    return -0.5 * ((residuals.T * solved).sum(axis=1) + np.linalg.slogdet(2 * np.pi * covariances)[1])


def log_joint(
    model: Model, free: Mapping[str, float], data: Mapping[str, np.ndarray], *, completed: bool = False
) -> float:
    """Log joint density of data and free parameters, up to a constant; `completed`: of missing categories too."""
    apart = modelled_blocks(model)
    joint = {member for block in apart for member in block.members}
    normal = tuple(each for each in model.equations
                   if each.family == "normal" and not each.variance_terms and each.outcome not in joint)  # fmt: skip
    blocks = tuple(each for each in model.blocks if each not in apart)
    total = joint_density.log_joint(replace(model, equations=normal, blocks=blocks), free, data)
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
