"""The joint density of a resolved model in plain numpy and scipy, for comparison with the graph.

Shares nothing with the emitter: blocks are whole multivariate normals and inverse Wishart densities
with a Jacobian by finite differences, where the source has successive conditionals and potentials.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pymc_source.category_density import limits, linear_predictor, log_outcome, random_categories, response
from scipy import stats

from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Equation, Form, JointBlock, Model, ParameterKind, Role
from blimp2pymc.pymc_source.facts import DISCRETE, family_of, has_missing_categories, used_later

Array = np.ndarray


def random_state(model: Model, rng: np.random.Generator) -> tuple[dict[str, float], dict[str, Array]]:
    """A state inside the support of every prior, with positive definite correlations."""
    parameters: dict[str, float] = {}
    for name, parameter in model.parameters.items():
        if parameter.fixed is not None:
            parameters[name] = parameter.fixed
        elif parameter.kind is ParameterKind.RESIDUAL_VARIANCE:
            parameters[name] = float(rng.uniform(0.5, 2.0))
        elif parameter.kind is ParameterKind.TRANSFORMATION:
            lower, upper = max(parameter.prior.lower, 0.1), min(parameter.prior.upper, 1.9)
            parameters[name] = float(rng.uniform(lower, upper))
        elif parameter.kind is ParameterKind.CORRELATION:
            lower = max(parameter.prior.lower, -0.3)
            parameters[name] = float(rng.uniform(lower, max(lower + 0.1, min(parameter.prior.upper, 0.3))))
        elif parameter.kind is ParameterKind.THRESHOLD:
            parameters[name] = float(rng.uniform(0.5, 1.0)) + max(
                (value for each, value in parameters.items() if each.startswith(f"{name.rpartition(' ')[0]} ")),
                default=0,
            )
        elif parameter.kind is ParameterKind.DISPERSION:
            parameters[name] = float(rng.uniform(0.3, 2.0))
        else:
            lower, upper = max(parameter.prior.lower, -1.0), min(parameter.prior.upper, 1.0)
            parameters[name] = float(rng.uniform(lower, upper))
    waiting = {name: each.definition for name, each in model.parameters.items() if each.definition is not None}
    for name in waiting:
        del parameters[name]
    while waiting:
        for name, definition in list(waiting.items()):
            try:
                parameters[name] = float(evaluate(definition, {}, parameters))
            except KeyError:
                continue
            del waiting[name]
    cells = {name: rng.normal(1.0, 1.0, int(model.missing(name).sum())) for name in model.unknown}
    for name in model.incomplete:
        if has_missing_categories(model, name):
            cells[name] = random_categories(model, rng, name)
        elif family_of(model, name) in DISCRETE:
            del cells[name]
    for equation in model.equations:
        if equation.transform is not None and equation.transform.is_bounded and equation.name in cells:
            cells[equation.name] = np.abs(cells[equation.name])
    return parameters, cells


def completed_columns(
    model: Model, cells: Mapping[str, Array], responses: Mapping[Column, Array] | None = None
) -> dict[Column, Array]:
    """All columns of the model, missing cells filled in."""
    columns: dict[Column, Array] = dict(responses or {})
    for name, values in model.data.items():
        completed = values.copy()
        if name in cells:
            completed[np.isnan(completed)] = cells[name]
        columns[Column(name)] = completed
        for code in model.variables[name].categories:
            columns[Column(name, Form.DUMMY, code)] = np.where(np.isnan(completed), np.nan, completed == code)
    return columns | {Column(name): cells[name] for name in model.latent}


def log_joint(
    model: Model,
    parameters: Mapping[str, float],
    cells: Mapping[str, Array],
    responses: Mapping[Column, Array] | None = None,
) -> float:
    """Log of equations times priors, up to a constant, with respect to parameters, missing cells and responses."""
    responses = responses or {}
    columns = completed_columns(model, cells, responses)
    total = 0.0
    for equation in model.equations:
        if equation.transform is not None:
            total += _transform(model, equation, columns, parameters, cells)
    in_blocks = {member for block in model.blocks for member in block.members}
    for equation in model.equations:
        if equation.role is not Role.MEANS and equation.family in DISCRETE:
            together = [each for column, each in model.equation_of.items() if column.variable == equation.name]
            if equation is together[0] and (equation.family != "probit" or equation.outcome not in in_blocks):
                means = [_mean(model, each, columns, parameters) for each in together]
                total += log_outcome(model, together, means, columns, parameters, responses)
        elif equation.role is Role.MEANS:
            total += _log_means(model, equation, columns[equation.outcome], parameters)
        elif equation.outcome not in in_blocks:
            mean = _mean(model, equation, columns, parameters)
            deviation = np.full(len(mean), np.sqrt(parameters.get(equation.residual_variance or "", 0.0)))
            if equation.variance_terms:
                deviation = np.exp(linear_predictor(model, equation.variance_terms, columns, parameters) / 2)
            total += stats.norm.logpdf(columns[equation.scale], mean, deviation).sum()
            total -= _log_possible(model, equation, mean, deviation)
    for block in model.blocks:
        if any(model.equation_of[each].family != "multinomial_probit" for each in block.members):
            total += _log_block(model, block, columns, parameters)
    cut = {name for each in model.equations if each.role is Role.MEANS
           for name in (each.residual_variance, *(term.coefficient for term in each.terms))}  # fmt: skip
    for name, parameter in model.parameters.items():
        if parameter.is_free and name not in cut:
            total += _log_prior(parameter.prior, parameters[name])
    return float(total)


def _transform(
    model: Model,
    equation: Equation,
    columns: dict[Column, Array],
    parameters: Mapping[str, float],
    cells: Mapping[str, Array],
) -> float:
    """Put values on both scales in their places, missing ones given on the equation's; log density's derivative."""
    transform, outcome, missing = equation.transform, equation.outcome, model.missing(equation.name)
    scale = np.empty(len(missing))
    scale[~missing] = evaluate(transform.forward, {outcome: columns[outcome]}, parameters)[~missing]
    if missing.any():
        scale[missing] = cells[equation.name]
        turned = evaluate(transform.inverse, {equation.scale: scale}, parameters)
        columns[outcome] = np.where(missing, turned, columns[outcome])
    columns[equation.scale] = scale
    if transform.function == "identity":
        return 0.0
    argument = evaluate(transform.expression, {outcome: columns[outcome]})[~missing]
    power = parameters[transform.parameter]
    return float((power - 1) * (np.sign(argument) * np.log1p(np.abs(argument))).sum())


def _log_possible(model: Model, equation: Equation, mean: Array, deviation: Array) -> float:
    """Log probability of what a transform can give, over missing outcomes on which nothing else depends."""
    transform, missing = equation.transform, model.missing(equation.name)
    if transform is None or equation.outcome in used_later(model):
        return 0.0
    lower, upper = ((limit - mean[missing]) / deviation[missing] for limit in (transform.lower, transform.upper))
    above, beyond = stats.norm.logsf(lower), stats.norm.logsf(upper)
    return float((above + np.log1p(-np.exp(beyond - above))).sum())


def _mean(model: Model, equation: Equation, columns: Mapping[Column, Array], parameters: Mapping[str, float]) -> Array:
    return linear_predictor(model, equation.terms, columns, parameters)


def _log_prior(prior, value: float) -> float:
    assert prior.lower <= value <= prior.upper
    match prior.distribution:
        case "flat" | "block" | "uniform":
            return 0.0
        case "normal":
            mean, variance = prior.arguments
            return float(stats.norm.logpdf(value, mean, np.sqrt(variance)))
        case "inverse_gamma":
            a, b = prior.arguments
            return float(-(a + 1) * np.log(value) - b / value)
        case "gamma":
            return float(stats.gamma.logpdf(value, prior.arguments[0], scale=1 / prior.arguments[1]))
        case "beta":
            return float(stats.beta.logpdf(value, *prior.arguments))
        case "cauchy":
            return float(stats.cauchy.logpdf(value, *prior.arguments))
    raise AssertionError(prior)


def _log_means(model: Model, equation: Equation, column: Array, parameters: Mapping[str, float]) -> float:
    """log p(mean, variance | column) of a normal sample with its prior IG(a, b) and a flat mean."""
    (term,) = equation.terms
    mean, variance = parameters[term.coefficient], parameters[equation.residual_variance]
    a, b = model.parameters[equation.residual_variance].prior.arguments
    n, shape = len(column), a + (len(column) - 1) / 2
    rate = b + ((column - column.mean()) ** 2).sum() / 2
    return float(
        stats.invgamma.logpdf(variance, shape, scale=rate)
        + stats.norm.logpdf(mean, column.mean(), np.sqrt(variance / n))
    )


def _log_block(
    model: Model, block: JointBlock, columns: Mapping[Column, Array], parameters: Mapping[str, float]
) -> float:
    p, d = len(block.members), block.degrees_of_freedom
    equations = [model.equation_of[each] for each in block.members]
    if any(each.variance_terms for each in equations):
        return _log_rows(model, block, columns, parameters)
    variance_names = [each.residual_variance for each in equations]
    pairs = [(pair, name) for pair, name in block.correlations.items() if model.parameters[name].is_free]
    free_variances = [i for i, name in enumerate(variance_names) if model.parameters[name].is_free]

    def covariance(values: Array) -> Array:
        variances = np.array([parameters[name] for name in variance_names])
        variances[free_variances] = values[: len(free_variances)]
        matrix = np.diag(variances)
        correlations = {pair: parameters[name] for pair, name in block.correlations.items()}
        correlations.update(zip((pair for pair, _ in pairs), values[len(free_variances) :], strict=True))
        for (i, j), correlation in correlations.items():
            matrix[i, j] = matrix[j, i] = correlation * np.sqrt(variances[i] * variances[j])
        return matrix

    def elements(values: Array) -> Array:
        matrix = covariance(values)
        return np.array([*(matrix[i, i] for i in free_variances), *(matrix[i, j] for (i, j), _ in pairs)])

    here = np.array(
        [*(parameters[variance_names[i]] for i in free_variances), *(parameters[name] for _, name in pairs)]
    )
    jacobian = np.empty((len(here), len(here)))
    for k in range(len(here)):
        step = np.zeros(len(here))
        step[k] = 1e-5
        jacobian[:, k] = (elements(here + step) - elements(here - step)) / 2e-5
    matrix = covariance(here)
    sign, log_determinant = np.linalg.slogdet(matrix)
    assert sign > 0
    names = [*(variance_names[i] for i in free_variances), *(name for _, name in pairs)]
    log_prior = 0.0
    if any(model.parameters[name].prior.distribution == "block" for name in names):
        log_prior = -(d + p + 1) / 2 * log_determinant - 0.5 * np.trace(np.diag(block.scale) @ np.linalg.inv(matrix))
        log_prior += np.linalg.slogdet(jacobian)[1]
    return float(log_prior + _log_members(model, equations, matrix, columns, parameters))


def _log_rows(
    model: Model, block: JointBlock, columns: Mapping[Column, Array], parameters: Mapping[str, float]
) -> float:
    """Density of members whose standard deviations differ between rows, each row with a covariance of its own."""
    equations = [model.equation_of[each] for each in block.members]
    residuals = np.array([columns[each.scale] - _mean(model, each, columns, parameters) for each in equations])
    correlation = np.eye(len(equations))
    for (i, j), name in block.correlations.items():
        correlation[i, j] = correlation[j, i] = parameters[name]
    total = 0.0
    logarithms = [
        linear_predictor(model, each.variance_terms, columns, parameters)
        if each.variance_terms
        else np.full(residuals.shape[1], np.log(parameters[str(each.residual_variance)]))
        for each in equations
    ]
    for residual, logarithm in zip(residuals.T, np.array(logarithms).T, strict=True):
        deviation = np.exp(logarithm / 2)
        total += stats.multivariate_normal.logpdf(residual, None, correlation * np.outer(deviation, deviation))
    return float(total)


def _log_members(
    model: Model,
    equations: list[Equation],
    matrix: Array,
    columns: Mapping[Column, Array],
    parameters: Mapping[str, float],
) -> float:
    """Density of values and written latent responses, and of at most one category given these."""
    residuals: dict[int, Array] = {}
    for k, each in enumerate(equations):
        column = response(each.outcome) if each.family == "probit" else each.scale
        if column in columns:
            residuals[k] = columns[column] - _mean(model, each, columns, parameters)
    known = list(residuals)
    values = np.column_stack(list(residuals.values()))
    inner = matrix[np.ix_(known, known)]
    total = float(stats.multivariate_normal.logpdf(values, np.zeros(len(known)), inner).sum())
    left = [k for k in range(len(equations)) if k not in residuals]
    assert len(left) <= 1
    for k in left:
        slopes = np.linalg.solve(inner, matrix[known, k])
        mean = _mean(model, equations[k], columns, parameters) + values @ slopes
        deviation = np.sqrt(matrix[k, k] - matrix[k, known] @ slopes)
        lower, upper = limits(model, equations[k], columns[equations[k].outcome], parameters)
        total += np.log(stats.norm.cdf(upper, mean, deviation) - stats.norm.cdf(lower, mean, deviation)).sum()
    return total
