"""The joint log density of a resolved model, row by row in numpy: an oracle that shares no code with the sampler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Equation, Form, Kind, Model, Prior, Role
from blimp2pymc.sampler.draws import cell_name


def all_parameters(model: Model, free: Mapping[str, float]) -> dict[str, float]:
    """Add fixed and defined parameters to the free ones."""
    values = {name: each.fixed for name, each in model.parameters.items() if each.fixed is not None}
    values |= {name: free[name] for name, each in model.parameters.items() if each.is_free}
    pending = {name: each.definition for name, each in model.parameters.items() if each.definition is not None}
    while pending:
        for name in list(pending):
            try:
                values[name] = float(evaluate(pending[name], {}, values))
                del pending[name]
            except KeyError:
                continue
    return values


def described(equation: Equation) -> Column:
    """What the mean is the mean of: the outcome, or its latent response."""
    if equation.family in ("probit", "multinomial_probit"):
        return replace(equation.outcome, form=Form.LATENT_RESPONSE)
    return equation.outcome


def are_inside(model: Model, parameters: Mapping[str, float], data: Mapping[str, np.ndarray]) -> bool:
    """Whether thresholds are in order and every latent response is between those of its observed category."""
    for equation in model.equations:
        if equation.family != "probit":
            continue
        bounds = np.array([-np.inf, *(parameters[name] for name in equation.thresholds), np.inf])
        observed = ~model.missing(equation.name)
        category = np.searchsorted(model.variables[equation.name].categories, model.data[equation.name][observed])
        response = data[f"{equation.name}.latent"][observed]
        if not (np.diff(bounds) > 0).all():
            return False
        if not ((response > bounds[category]) & (response <= bounds[category + 1])).all():
            return False
    return True


def residuals(model: Model, parameters: Mapping[str, float], data: Mapping[str, np.ndarray]) -> dict[int, np.ndarray]:
    """Residual of every equation, by its place."""
    columns = {Column(name): values for name, values in data.items()}
    columns |= {
        described(each): data[cell_name(described(each))] for each in model.equations if described(each) != each.outcome
    }
    columns |= {
        Column(name, Form.DUMMY, code): (data[name] == code).astype(float)
        for name, variable in model.variables.items()
        if variable.kind is Kind.NOMINAL
        for code in variable.categories
    }
    found = {}
    for k, equation in enumerate(model.equations):
        mean = sum(
            parameters[term.coefficient] * evaluate(term.expression, columns, parameters) for term in equation.terms
        )
        found[k] = columns[described(equation)] - mean
    return found


def log_prior(prior: Prior, value: float) -> float:
    """Log density of a prior, up to a constant."""
    if not prior.lower <= value <= prior.upper:
        return -np.inf
    if prior.distribution == "normal":
        mean, variance = prior.arguments
        return -0.5 * (value - mean) ** 2 / variance
    if prior.distribution == "inverse_gamma":
        a, b = prior.arguments
        return -(a + 1) * np.log(value) - b / value if value > 0 else -np.inf
    if prior.distribution == "gamma":
        shape, rate = prior.arguments
        return (shape - 1) * np.log(value) - rate * value
    if prior.distribution == "beta":
        a, b = prior.arguments
        return (a - 1) * np.log(value) + (b - 1) * np.log(1 - value)
    if prior.distribution == "cauchy":
        location, scale = prior.arguments
        return -np.log(1 + ((value - location) / scale) ** 2)
    if prior.distribution == "uniform":
        return 0.0 if prior.arguments[0] <= value <= prior.arguments[1] else -np.inf
    return 0.0


def covariance(model: Model, block, parameters: Mapping[str, float]) -> np.ndarray:
    """Residual covariance of a block."""
    by_outcome = {each.outcome: each for each in model.equations if each.role is block.role}
    # Of residuals whose variance has predictors, the covariance of standardized ones.
    variances = np.array([parameters.get(str(by_outcome[member].residual_variance), 1.0) for member in block.members])
    correlation = np.eye(len(variances))
    for (i, j), name in block.correlations.items():
        correlation[i, j] = correlation[j, i] = parameters[name]
    return correlation * np.sqrt(np.outer(variances, variances))


def log_joint(model: Model, free: Mapping[str, float], data: Mapping[str, np.ndarray], *, cuts: bool = False) -> float:
    """Log joint density of data and free parameters, up to a constant; Means Models only with `cuts`."""
    parameters = all_parameters(model, free)
    if not are_inside(model, parameters, data):
        return -np.inf
    errors = residuals(model, parameters, data)
    total = 0.0
    done: set[int] = set()
    for block in model.blocks:
        places = [
            next(k for k, each in enumerate(model.equations) if each.outcome == member and each.role is block.role)
            for member in block.members
        ]
        done |= set(places)
        sigma = covariance(model, block, parameters)
        if np.linalg.eigvalsh(sigma)[0] <= 0:
            return -np.inf
        stacked = np.array([errors[k] for k in places])
        log_determinant = np.linalg.slogdet(sigma)[1]
        total -= 0.5 * (stacked.shape[1] * log_determinant + np.sum(stacked * np.linalg.solve(sigma, stacked)))
        size = len(places)
        names = [*(model.equations[k].residual_variance for k in places), *block.correlations.values()]
        if all(model.parameters[name].prior.distribution != "block" for name in names):
            continue
        total -= 0.5 * (block.degrees_of_freedom + size + 1) * log_determinant
        total -= 0.5 * np.trace(np.diag(block.scale) @ np.linalg.inv(sigma))
        for (i, j), name in block.correlations.items():
            if model.parameters[name].is_free:
                total += 0.5 * np.log(sigma[i, i] * sigma[j, j])
    for k, equation in enumerate(model.equations):
        if k in done or (equation.role is Role.MEANS and not cuts):
            continue
        variance = parameters[equation.residual_variance]
        total -= 0.5 * np.sum(np.log(variance) + errors[k] ** 2 / variance)
    return total + sum(
        log_prior(each.prior, parameters[name]) for name, each in model.parameters.items() if each.is_free
    )
