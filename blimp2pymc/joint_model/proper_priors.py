"""priors="proper": every flat or improper default replaced by a wide one at the scale of the data.

For prior predictive checks and calibration, which need draws from the prior. A slope is
normal(0, v) with sqrt(v) ten standard deviations of the outcome per standard deviation of the
predictor; an intercept is as wide as the outcome and all its predictors at their means allow; a
variance is inverse gamma, a covariance matrix inverse Wishart, with p + 1 degrees of freedom and the
observed variances as scale. Thresholds are normal(0, 5), in order; a
dispersion is gamma(1, 0.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.centering import with_observed_means
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.families import WEAK
from blimp2pymc.joint_model.priors import is_proper

WIDTH = 10.0
"""Standard deviations of the outcome per standard deviation of a predictor."""

LOG_WIDTH = 1.0
"""Prior standard deviation of the log residual variance per standard deviation of a predictor of it."""

PROPER_DISPERSION = (1.0, 0.5)
"""Shape and rate of the gamma prior of a dispersion."""


def proper_priors(
    equations: tuple[ir.Equation, ...],
    blocks: tuple[ir.JointBlock, ...],
    parameters: Mapping[str, ir.Parameter],
    means: Mapping[ir.Column, ir.Expression],
    data: Mapping[str, np.ndarray],
) -> tuple[dict[str, ir.Parameter], tuple[ir.JointBlock, ...]]:
    """Replace the default priors.

    Parameters
    ----------
    equations, blocks, parameters
        The structure of a model with Blimp's defaults and the priors of PARAMETERS.
    means
        Centered column -> what is subtracted.
    data
        Values of the data variables, NaN where missing.

    Returns
    -------
    Parameters and blocks with proper priors; a prior of the user's stays if it is proper, and its bounds stay
    in any case. A label on several places gets the widest of their priors.
    """
    changed = dict(parameters)
    scales: dict[str, float] = {}
    for equation in equations:
        if equation.role is ir.Role.MEANS:
            # Given its column a Means Model is proper already, and it has no part in the joint density.
            continue
        center, spread = _moments(_outcome_values(equation, data))
        intercept_variance = center**2 + spread**2
        slopes: dict[str, float] = {}
        for term in equation.terms:
            if term.expression == ir.Constant(1.0):
                continue
            term_center, term_spread = _moments(_term_values(term.expression, means, data))
            slopes[term.coefficient] = max(slopes.get(term.coefficient, 0.0), (spread / term_spread) ** 2)
            intercept_variance += (spread / term_spread * term_center) ** 2
        for term in equation.terms:
            unit = slopes.get(term.coefficient, intercept_variance)
            # Coefficients of latent responses and logs have proper defaults.
            if equation.family == "normal" and _is_replaced(parameters[term.coefficient]):
                _widen(changed, term.coefficient, WIDTH**2 * unit)
        for name in equation.thresholds:
            if _is_replaced(parameters[name]):
                changed[name] = replace(changed[name], prior=WEAK)
        _widen_log_variance(equation, changed, means, data, spread)
        dispersion = equation.dispersion
        if dispersion is not None and _is_replaced(parameters[dispersion]):
            prior = replace(parameters[dispersion].prior, distribution="gamma", arguments=PROPER_DISPERSION)
            changed[dispersion] = replace(changed[dispersion], prior=prior)
        variance = equation.residual_variance
        if variance is not None and _is_replaced(parameters[variance]):
            scales[variance] = max(spread**2 / 2, scales.get(variance, 0.0))
            prior = replace(parameters[variance].prior, distribution="inverse_gamma", arguments=(1.0, scales[variance]))
            changed[variance] = replace(changed[variance], prior=prior)
    variance_of = {each.outcome: each.residual_variance for each in equations if each.role is not ir.Role.MEANS}
    found = tuple(
        _proper_block(block, data)
        # With all variances fixed the density is on correlations, and proper.
        if any(changed[own].is_free for member in block.members if (own := variance_of[member]) is not None)
        else block
        for block in blocks
    )
    return changed, found


def _widen_log_variance(
    equation: ir.Equation,
    parameters: dict[str, ir.Parameter],
    means: Mapping[ir.Column, ir.Expression],
    data: Mapping[str, np.ndarray],
    spread: float,
) -> None:
    """Normal priors of `var(y) ~`: one standard deviation of a predictor is LOG_WIDTH on the logarithm."""
    total = LOG_WIDTH**2
    for term in equation.variance_terms:
        if term.expression != ir.Constant(1.0):
            center, width = _moments(_term_values(term.expression, means, data))
            total += (LOG_WIDTH / width * center) ** 2
            if _is_replaced(parameters[term.coefficient]):
                _widen(parameters, term.coefficient, (LOG_WIDTH / width) ** 2)
    for term in equation.variance_terms:
        if term.expression == ir.Constant(1.0) and _is_replaced(parameters[term.coefficient]):
            prior = replace(
                parameters[term.coefficient].prior, distribution="normal", arguments=(2 * float(np.log(spread)), total)
            )
            parameters[term.coefficient] = replace(parameters[term.coefficient], prior=prior)


def _widen(parameters: dict[str, ir.Parameter], name: str, variance: float) -> None:
    prior = parameters[name].prior
    known = prior.arguments[1] if prior.distribution == "normal" else 0.0
    wide = replace(prior, distribution="normal", arguments=(0.0, max(variance, known)))
    parameters[name] = replace(parameters[name], prior=wide)


def _is_replaced(parameter: ir.Parameter) -> bool:
    """Whether a prior is a default, or one of the user's that is not proper; its bounds stay."""
    prior = parameter.prior
    if not parameter.is_free or prior.distribution == "block":
        return False
    return prior.source == "default" or not is_proper(prior)


def _proper_block(block: ir.JointBlock, data: Mapping[str, np.ndarray]) -> ir.JointBlock:
    scale = tuple(_moments(data.get(member.variable))[1] ** 2 for member in block.members)
    return replace(block, scale=scale, degrees_of_freedom=len(block.members) + 1.0)


def _moments(values: np.ndarray | None) -> tuple[float, float]:
    """Mean and standard deviation of the observed values; 0 and 1 where they say nothing."""
    observed = np.empty(0) if values is None else values[np.isfinite(values)]
    if observed.size < 2 or not np.ptp(observed) > 0:
        return (float(observed.mean()) if observed.size else 0.0), 1.0
    return float(observed.mean()), float(observed.std(ddof=1))


def _outcome_values(equation: ir.Equation, data: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Values of an outcome on the scale of its equation; before Yeo-Johnson, which keeps the size of values near 0."""
    values = data.get(equation.name)
    if values is None or equation.transform is None:
        return values
    return np.asarray(evaluate(equation.transform.expression, {equation.outcome: values}), float)


def _term_values(
    expression: ir.Expression, means: Mapping[ir.Column, ir.Expression], data: Mapping[str, np.ndarray]
) -> np.ndarray | None:
    """Values of a term with centered columns at their observed means; None when it holds other unknowns."""

    def observed(column: ir.Column) -> float | None:
        values = _column_values(column, data)
        return None if values is None else float(np.nanmean(values))

    expression = with_observed_means(expression, means, observed)
    columns = {column: _column_values(column, data) for column in columns_in(expression)}
    if any(values is None for values in columns.values()) or parameters_in(expression):
        return None
    return np.asarray(evaluate(expression, {key: value for key, value in columns.items() if value is not None}))


def _column_values(column: ir.Column, data: Mapping[str, np.ndarray]) -> np.ndarray | None:
    values = data.get(column.variable)
    if values is None or column.lag or column.form not in (ir.Form.SCORE, ir.Form.DUMMY):
        return None
    if column.form is ir.Form.DUMMY:
        return np.where(np.isnan(values), np.nan, values == column.category)
    return values
