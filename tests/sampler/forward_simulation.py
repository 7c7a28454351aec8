"""Parameters from the prior and data from the model, in numpy: what calibration compares a sampler with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from sampler import joint_density

from blimp2pymc.joint_model.block_structure import UNIT_POWER
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Equation, Form, JointBlock, Kind, Model, Term

DRAWS: Mapping[str, Callable[[np.random.Generator, float, float], float]] = {
    "flat": lambda rng, lower, upper: rng.uniform(lower, upper),
    "uniform": lambda rng, lower, upper: rng.uniform(lower, upper),
    "normal": lambda rng, mean, variance: rng.normal(mean, np.sqrt(variance)),
    "inverse_gamma": lambda rng, a, b: b / rng.gamma(a),
    "gamma": lambda rng, shape, rate: rng.gamma(shape) / rate,
    "beta": lambda rng, a, b: rng.beta(a, b),
    "cauchy": lambda rng, location, scale: location + scale * rng.standard_cauchy(),
}


def draw_prior(model: Model, rng: np.random.Generator) -> dict[str, float]:
    """Free parameters from their prior."""
    free: dict[str, float] = {}
    for block in model.blocks:
        _draw_block(model, block, free, rng)
    for equation in model.equations:
        names = equation.thresholds[1:]
        while names and not np.all(np.diff([0.0, *(free.get(name, 0.0) for name in names)]) > 0):
            free |= {name: _draw(model, name, rng) for name in names}
    for name, parameter in model.parameters.items():
        prior = parameter.prior
        while parameter.is_free and not prior.lower <= free.get(name, np.nan) <= prior.upper:
            free[name] = _draw(model, name, rng)
    return free


def _draw(model: Model, name: str, rng: np.random.Generator) -> float:
    prior = model.parameters[name].prior
    return DRAWS[prior.distribution](rng, *(prior.arguments or (prior.lower, prior.upper)))


def _draw_block(model: Model, block: JointBlock, free: dict[str, float], rng: np.random.Generator) -> None:
    names = list(block.correlations.values())
    if not any(model.parameters[name].is_free for name in names):
        return
    if not any(block.scale):
        # Two fixed variances: the density of the correlation is a power of 1 - r^2.
        (name,) = names
        free[name] = 2 * rng.beta(1 + UNIT_POWER, 1 + UNIT_POWER) - 1
        return
    if all(model.parameters[name].prior.distribution != "block" for name in names):
        return
    size, degrees = len(block.members), int(block.degrees_of_freedom)
    normals = rng.normal(size=(size, degrees)) / np.sqrt(np.array(block.scale))[:, None]
    sigma = np.linalg.inv(normals @ normals.T)
    for k, member in enumerate(block.members):
        free[str(model.equation_of[member].residual_variance)] = sigma[k, k]
    for (i, j), name in block.correlations.items():
        free[name] = sigma[i, j] / np.sqrt(sigma[i, i] * sigma[j, j])


def draw_outcomes(model: Model, free: Mapping[str, float], rng: np.random.Generator) -> dict[Column, np.ndarray]:
    """Every column of the model, complete: what is not an outcome keeps its values."""
    parameters = joint_density.all_parameters(model, free)
    n = model.frame.n_rows
    columns = {Column(name): values for name, values in model.data.items()}
    for name in model.data:
        _add_dummies(model, name, columns)
    errors: dict[Column, np.ndarray] = {}
    for block in model.blocks:
        root = np.linalg.cholesky(joint_density.covariance(model, block, parameters))
        errors |= dict(zip(block.members, root @ rng.normal(size=(len(block.members), n)), strict=True))

    def predict(terms: tuple[Term, ...]) -> np.ndarray:
        return np.zeros(n) + sum(parameters[t.coefficient] * evaluate(t.expression, columns, parameters) for t in terms)

    for name in dict.fromkeys(each.name for each in model.equations):
        own = [each for each in model.equations if each.name == name]
        noise = {}
        for each in own:
            variance = parameters.get(str(each.residual_variance), 1.0)
            if each.variance_terms:
                variance = np.exp(predict(each.variance_terms))
            if each.outcome not in errors or each.variance_terms:
                noise[each.outcome] = np.sqrt(variance) * errors.get(each.outcome, rng.normal(size=n))
            else:
                noise[each.outcome] = errors[each.outcome]
        means = {each.outcome: predict(each.terms) for each in own}
        _draw_outcome(model, own, means, noise, parameters, columns, rng)
        _add_dummies(model, name, columns)
    return columns


def _draw_outcome(
    model: Model,
    own: list[Equation],
    means: Mapping[Column, np.ndarray],
    noise: Mapping[Column, np.ndarray],
    parameters: Mapping[str, float],
    columns: dict[Column, np.ndarray],
    rng: np.random.Generator,
) -> None:
    """Add the outcome of the equations of one variable to the columns."""
    equation = own[0]
    column = Column(equation.name)
    variable = model.variables[equation.name]
    value = means[equation.outcome] + noise[equation.outcome]
    match equation.family:
        case "normal" if equation.transform is not None:
            assert equation.transform.inverse is not None
            columns[equation.scale] = value
            columns[column] = np.asarray(evaluate(equation.transform.inverse, columns, parameters))
        case "normal":
            columns[column] = value
        case "probit":
            columns[joint_density.described(equation)] = value
            bounds = [parameters[name] for name in equation.thresholds]
            columns[column] = np.array(variable.categories)[np.digitize(value, bounds)]
        case "multinomial_probit":
            for each in own:
                columns[joint_density.described(each)] = means[each.outcome] + noise[each.outcome]
            responses = np.array([0 * value, *(columns[joint_density.described(each)] for each in own)])
            columns[column] = _codes(model, own)[responses.argmax(axis=0)]
        case "logit":
            utilities = np.array([0 * value, *means.values()])
            columns[column] = _codes(model, own)[(utilities + rng.gumbel(size=utilities.shape)).argmax(axis=0)]
        case "negative_binomial":
            dispersion = parameters[str(equation.dispersion)]
            rate = np.exp(means[equation.outcome]) * dispersion * rng.gamma(1 / dispersion, size=len(value))
            columns[column] = rng.poisson(rate).astype(float)
        case family:
            raise NotImplementedError(family)


def _codes(model: Model, own: list[Equation]) -> np.ndarray:
    """The reference, then the codes of the equations; a binary outcome without dummies has its two codes."""
    categories = model.variables[own[0].name].categories
    stated = [each.outcome.category for each in own if each.outcome.category is not None]
    return np.array([*(each for each in categories if each not in stated), *stated])


def _add_dummies(model: Model, name: str, columns: dict[Column, np.ndarray]) -> None:
    if model.variables[name].kind is Kind.NOMINAL:
        for code in model.variables[name].categories:
            columns[Column(name, Form.DUMMY, code)] = (columns[Column(name)] == code).astype(float)
