"""The table of residuals: every equation's outcome less its mean, product by product."""

from __future__ import annotations

import numpy as np

from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers, ragged
from blimp2pymc.sampler.tables.tables import Residuals


def residual_table(layout: Layout) -> Residuals:
    """Residuals of all equations as products of parameters and monomials."""
    form = layout.plan.structure
    equations = layout.plan.structure.residuals
    groups = [index for index, group in enumerate(form.groups) for _ in group.residuals]
    products = [(index, product) for index, residual in enumerate(equations) for product in residual.products]
    size = max(len(group.residuals) for group in form.groups)
    correlation = -np.ones((len(form.groups), size, size), np.int64)
    for index, group in enumerate(form.groups):
        for (i, j), name in (group.block.correlations if group.block else {}).items():
            correlation[index, i, j] = correlation[index, j, i] = layout.parameters[name]
    factor_start, factors = ragged([layout.parameters[name] for name in product.parameters] for _, product in products)
    monomials = [
        sorted({layout.monomials[layout.monomial(each)] for each in residual.products}) for residual in equations
    ]
    monomial_start, equation_monomial = ragged(monomials)
    column_start, monomial_column = ragged(layout.monomials)
    computed = {layout.parameters[name] for name in form.definitions}
    return Residuals(
        group_start=integers(np.cumsum([0, *(len(group.residuals) for group in form.groups)])),
        group_set=integers([0] * len(form.groups)),
        group_rows=np.zeros(len(form.groups)),
        weight=integers(
            -1 if group.weight is None or group.is_scored else layout.working[group.weight] for group in form.groups
        ),
        root=integers(-1 if residual.root is None else layout.working[residual.root] for residual in equations),
        equation_group=integers(groups),
        product_start=ragged(residual.products for residual in equations)[0],
        product_equation=integers(index for index, _ in products),
        product_monomial=integers(layout.monomials[layout.monomial(each)] for _, each in products),
        product_constant=np.array([each.constant for _, each in products]),
        factor_start=factor_start,
        factor_parameter=integers(factors),
        monomial_start=monomial_start,
        equation_monomial=integers(equation_monomial),
        column_start=column_start,
        monomial_column=integers(monomial_column),
        variance=integers(
            layout.parameters.get(residual.equation.residual_variance or "", -1) for residual in equations
        ),
        correlation=correlation,
        computed_equation=integers(
            index
            for index, residual in enumerate(equations)
            if computed & {layout.parameters[name] for name in residual.parameters}
        ),
        computed_group=integers(
            index
            for index, group in enumerate(form.groups)
            if computed & {layout.parameters[name] for name in group.covariance_parameters}
        ),
    )
