"""Densities of outcomes with categories and counts in plain numpy and scipy, for comparison with the graph.

Shares nothing with the emitter: categories are intervals of a normal variable, or the largest of normal utilities.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import integrate, stats

from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Equation, Form, Kind, Model, Term
from blimp2pymc.pymc_source.facts import written_responses

Array = np.ndarray


def response(outcome: Column) -> Column:
    """The latent response of an outcome."""
    return Column(outcome.variable, Form.LATENT_RESPONSE, outcome.category)


def codes(model: Model, variable: str) -> list[float]:
    """Codes, a nominal variable's reference first."""
    declared = model.variables[variable]
    found = list(declared.categories)
    if declared.kind is Kind.NOMINAL:
        found.sort(key=lambda code: (code != declared.reference, code))
    return found


def limits(model: Model, equation: Equation, scores: Array, parameters: Mapping[str, float]) -> tuple[Array, Array]:
    """Limits of the latent response of each row; infinite ones for a missing category."""
    thresholds = np.array([-np.inf, *(parameters[name] for name in equation.thresholds), np.inf])
    if equation.family == "multinomial_probit":
        thresholds = np.array([-np.inf, 0.0, np.inf])
    order = codes(model, equation.name)
    places = np.array([order.index(score) if score in order else -1 for score in scores])
    lower, upper = thresholds[places], thresholds[places + 1]
    return np.where(places < 0, -np.inf, lower), np.where(places < 0, np.inf, upper)


def random_categories(model: Model, rng: np.random.Generator, name: str) -> Array:
    """Codes or counts for the missing cells of a variable."""
    size = int(model.missing(name).sum())
    return rng.choice(codes(model, name), size) if codes(model, name) else rng.poisson(2.0, size).astype(float)


def random_responses(
    model: Model, rng: np.random.Generator, parameters: Mapping[str, float], columns: Mapping[Column, Array], *,
    augmented: bool = False,
) -> dict[Column, Array]:  # fmt: skip
    """Latent responses about their means, inside the limits of completed categories: those the source writes."""
    found: dict[Column, Array] = {}
    n = model.frame.n_rows
    for outcome in written_responses(model, augmented=augmented):
        equation = model.equation_of[outcome]
        order, scores = codes(model, outcome.variable), columns[Column(outcome.variable)]
        if equation.family == "probit" or len(order) == 2:
            lower, upper = limits(model, equation, scores, parameters)
            mean = linear_predictor(model, equation.terms, {**columns, **found}, parameters)
            found[response(outcome)] = stats.truncnorm.rvs(lower - mean, upper - mean, loc=mean, random_state=rng)
        elif response(outcome) not in found:
            utilities = np.sort(rng.normal(size=(n, len(order))), axis=1)
            places = [order.index(score) for score in scores]
            for row, place in enumerate(places):
                utilities[row, [place, -1]] = utilities[row, [-1, place]]
            for k, code in enumerate(order[1:], 1):
                found[Column(outcome.variable, Form.LATENT_RESPONSE, code)] = utilities[:, k] - utilities[:, 0]
    return found


def linear_predictor(
    model: Model, terms: tuple[Term, ...], columns: Mapping[Column, Array], parameters: Mapping[str, float]
) -> Array:
    """Sum of coefficients times expressions, in every row."""
    total = np.zeros(model.frame.n_rows)
    for term in terms:
        total = total + parameters[term.coefficient] * evaluate(term.expression, columns, parameters)
    return total


def log_outcome(
    model: Model, equations: list[Equation], means: list[Array], columns: Mapping[Column, Array],
    parameters: Mapping[str, float], responses: Mapping[Column, Array],
) -> float:  # fmt: skip
    """Log density of one variable's cells; missing categories that nothing depends on are left out."""
    first = equations[0]
    scores = columns[Column(first.name)]
    known = ~np.isnan(scores)
    if first.family == "negative_binomial":
        size = 1 / parameters[first.dispersion or ""]
        probability = size / (size + np.exp(means[0]))
        return float(stats.nbinom.logpmf(scores[known], size, probability[known]).sum())
    order = codes(model, first.name)
    places = np.array([order.index(score) if score in order else 0 for score in scores])
    if first.family == "logit":
        logits = np.column_stack([np.zeros(len(scores)), *means])
        logs = logits - np.log(np.exp(logits).sum(axis=1))[:, None]
        return float(logs[np.arange(len(scores)), places][known].sum())
    if first.family == "probit" or len(order) == 2:
        lower, upper = limits(model, first, scores, parameters)
        if response(first.outcome) in responses:
            value = responses[response(first.outcome)]
            assert ((value > lower) & (value <= upper)).all()
            return float(stats.norm.logpdf(value, means[0]).sum())
        return float(np.log(stats.norm.cdf(upper - means[0]) - stats.norm.cdf(lower - means[0])).sum())
    differences = np.column_stack(means)
    covariance = 0.5 + 0.5 * np.eye(len(means))
    if response(first.outcome) in responses:
        values = np.column_stack([responses[response(each.outcome)] for each in equations])
        return float(stats.multivariate_normal.logpdf(values - differences, np.zeros(len(means)), covariance).sum())
    utilities = np.column_stack([np.zeros(len(scores)), differences])
    return float(sum(np.log(_largest(utilities[row], places[row])) for row in np.flatnonzero(known)))


def _largest(means: Array, place: int) -> float:
    """Probability that one of several independent normal utilities with variance 1/2 is the largest."""
    others = np.delete(means, place)

    def density(own: float) -> float:
        return float(stats.norm.pdf(own, means[place], np.sqrt(0.5)) * stats.norm.cdf(own, others, np.sqrt(0.5)).prod())

    value, _ = integrate.quad(density, means[place] - 9, means[place] + 9, epsabs=1e-13, epsrel=1e-12, limit=200)
    return float(value)
