"""Starting values of coefficients in equations that are not normal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from blimp2pymc.joint_model.ir import Column, Constant
from blimp2pymc.sampler.tables.layout import Layout


def starting_coefficients(layout: Layout, deviations: Mapping[Column, float]) -> dict[str, tuple[float, float]]:
    """Intercept at the outcome's level and slopes 0 in equations that are not normal.

    Scoring steps lead from there to the mode; from a random place, where linear predictors are far out, they may not.

    Parameters
    ----------
    layout
        The model and its data.
    deviations
        Standard deviations of columns, completed latent ones included.

    Returns
    -------
    Coefficient -> value, width of its slice sampler.
    """
    found: dict[str, tuple[float, float]] = {}
    for group in layout.plan.structure.groups:
        if not group.is_scored:
            continue
        (residual,) = group.residuals
        level = 0.0
        if group.family == "negative_binomial":
            level = float(np.log(np.nanmean(layout.model.data[residual.equation.name]) + 0.1))
        elif residual.models_variance:
            level = 2.0 * float(np.log(deviations[residual.outcome]))
        for term in residual.stated:
            found[term.coefficient] = (level if term.expression == Constant(1.0) else 0.0, 1.0)
    return found
