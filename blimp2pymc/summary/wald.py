"""Wald tests of WALDTEST (Asparouhov and Muthen): W = c' V^-1 c, chi-square with rank(V) degrees of freedom.

c is the posterior mean and V the posterior covariance of the contrasts.
"""

from __future__ import annotations

import numpy as np

from blimp2pymc.joint_model.ir import Expression, Model
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.quantities import quantity_values, value_of
from blimp2pymc.summary.rows import Row


def wald_rows(model: Model, draws: Draws) -> list[Row]:
    """One row per test, numbered in the order of the script."""
    rows = []
    for number, test in enumerate(model.wald_tests, start=1):
        statistic, degrees_of_freedom = wald(model, draws, test.contrasts)
        rows.append(
            Row(
                "wald",
                test.text,
                "Wald Test",
                f"Test #{number}",
                statistic=statistic,
                degrees_of_freedom=degrees_of_freedom,
            )
        )
    return rows


def wald(model: Model, draws: Draws, contrasts: tuple[Expression, ...]) -> tuple[float, int]:
    """Statistic and degrees of freedom of the test that all contrasts are zero."""
    quantities = quantity_values(model, draws)
    sample = np.stack([value_of(model, draws, each, quantities).ravel() for each in contrasts])
    mean, covariance = sample.mean(axis=1), np.atleast_2d(np.cov(sample))
    # Scaled to correlations first, so that contrasts in small units do not look redundant.
    deviation = np.sqrt(np.diag(covariance))
    scale = np.where(deviation > 0, deviation, 1.0)
    correlation = covariance / np.outer(scale, scale)
    rank = int(np.linalg.matrix_rank(correlation, tol=1e-8, hermitian=True))
    standard = mean / scale
    return float(standard @ np.linalg.pinv(correlation, rcond=1e-8, hermitian=True) @ standard), rank
