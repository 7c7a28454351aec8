"""Variance explained by an equation, and coefficients in standard deviations.

Per draw, with V_f the sample variance of the linear predictor over the completed rows and s2 the residual
variance: total = V_f + s2, shares V_f / total and s2 / total, standardised b = b SD(term) / sqrt(total). For
probit equations that is the variance of the latent response, with s2 = 1. Logit equations weigh the rows: V_w is the
variance of sqrt(w_i) times the linear predictor without intercept, w_i Polya-Gamma weights, and the shares are
those of V_w and pi^2 / 3. A residual variance that has predictors counts with its mean over rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.ir import Equation, Model, VariancePart
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.completed_data import (
    predictor_variance,
    row_variance_mean,
    term_variance,
    weighted_predictor_variance,
)
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.printed_names import outcome_heading
from blimp2pymc.summary.rows import Row, parameter_values

LOGISTIC_VARIANCE = np.pi**2 / 3
"""Variance of the standard logistic distribution."""


@dataclass(frozen=True, eq=False)
class ExplainedVariance:
    """Parts of an outcome's variance, draws of shape (chain, draw)."""

    by_coefficients: FloatArray
    by_residual: FloatArray

    @property
    def total(self) -> FloatArray:
        """Model-implied variance."""
        return self.by_coefficients + self.by_residual

    def part(self, part: VariancePart) -> FloatArray:
        """The part PARAMETERS calls `.totalvar`, `.coefvar` or `.residvar`."""
        return {
            VariancePart.TOTAL: self.total,
            VariancePart.COEFFICIENTS: self.by_coefficients,
            VariancePart.RESIDUAL: self.by_residual,
        }[part]


def explained_variance(model: Model, draws: Draws, equation: Equation) -> ExplainedVariance:
    """Split the variance of an equation's outcome into what its terms explain and the rest."""
    if equation.family == "logit":
        weighted = weighted_predictor_variance(draws, equation)
        return ExplainedVariance(weighted, np.full_like(weighted, LOGISTIC_VARIANCE))
    if equation.variance_terms:
        return ExplainedVariance(predictor_variance(model, draws, equation), row_variance_mean(draws, equation))
    assert equation.residual_variance is not None, f"{equation.name} has no residual variance"
    residual = parameter_values(model, draws, [equation.residual_variance])[equation.residual_variance]
    return ExplainedVariance(predictor_variance(model, draws, equation), residual)


def standardized_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """Coefficients in standard deviations of outcome and term; intercepts, latent ones included, have none."""
    scale = np.sqrt(explained_variance(model, draws, equation).total)
    values = parameter_values(model, draws, {term.coefficient: None for term in equation.terms})
    heading = outcome_heading(model, equation)
    return [
        Row(
            "outcome",
            heading,
            "Standardized Coefficients",
            term.name,
            values[term.coefficient] * np.sqrt(term_variance(model, draws, equation, term)) / scale,
        )
        for term in equation.terms
        if columns_in(term.expression) and not term.replaces_intercept
    ]


def explained_rows(model: Model, draws: Draws, equation: Equation) -> list[Row]:
    """Shares of the outcome's variance."""
    parts = explained_variance(model, draws, equation)
    shares = {"by Coefficients": parts.by_coefficients, "by Residual Variation": parts.by_residual}
    heading = outcome_heading(model, equation)
    return [
        Row("outcome", heading, "Proportion Variance Explained", name, part / parts.total, is_tested=False)
        for name, part in shares.items()
    ]
