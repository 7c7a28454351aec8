"""Tables of transformed outcomes: their values on the scale of the equation, and how lambda is drawn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from blimp2pymc.joint_model.algebra import parameters_in
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Model
from blimp2pymc.sampler.plan.inverses import power_names, with_fixed_power
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers, ragged
from blimp2pymc.sampler.tables.row_tables import Transformations


def transformed_values(
    model: Model, values: Mapping[Column, np.ndarray], powers: Mapping[str, float] | None = None
) -> dict[Column, np.ndarray]:
    """Transformed outcomes, from values of the variables.

    `powers` are values of lambda; outcomes whose lambda is drawn and not given are NaN.
    """
    found = {}
    for equation in model.equations:
        if equation.transform is None:
            continue
        forward = with_fixed_power(model, equation.transform.forward)
        own = values[equation.outcome]
        known = not parameters_in(forward) - (powers or {}).keys()
        found[equation.scale] = (
            np.array(evaluate(forward, {equation.outcome: own}, powers or {}), float)
            if known
            else np.full(own.shape, np.nan)
        )
    return found


def transformation_table(result: Layout) -> Transformations:
    """Yeo-Johnson outcomes whose lambda is drawn."""
    model, form = result.model, result.plan.structure
    residuals = form.residuals
    products = [(k, product) for k, residual in enumerate(residuals) for product in residual.products]
    drawn = {name for each in result.plan.updates if each.kernel == "transformations" for name in each.targets}
    outcomes: list[int] = []
    starts = [0]
    for name in power_names(model):
        transforms = [(k, each.equation.transform) for k, each in enumerate(residuals)]
        outcomes += [k for k, transform in transforms if transform is not None and transform.parameter == name]
        starts.append(len(outcomes))
    equations = [residuals[k].equation for k in outcomes]
    chosen = [result.plan.drawn_with_power.get(each.outcome) for each in equations]
    members = [each or () for each in chosen]
    entries = [
        [
            (position, k)
            for k, (equation, product) in enumerate(products)
            for position, name in enumerate(names)
            if equation == outcome and name in product.parameters
        ]
        for outcome, names in zip(outcomes, members, strict=True)
    ]
    runs = [
        [(each.low, each.low + len(each.rows)) for each in result.patterns
         if equation.scale in each.missing and _group_of(result, k) not in each.inactive]
        for k, equation in zip(outcomes, equations, strict=True)
    ]  # fmt: skip
    observed = [
        [(each.low, each.low + len(each.rows)) for each in result.patterns if equation.scale not in each.missing]
        for equation in equations
    ]
    priors = []
    for equation in equations:
        variance = model.parameters.get(equation.residual_variance or "")
        is_stated = variance is not None and variance.prior.distribution == "inverse_gamma"
        priors.append(variance.prior.arguments if variance is not None and is_stated else (-1.0, 0.0))
    missing_start, missing = ragged(runs)
    observed_start, known = ragged(observed)
    member_start, flat = ragged(members)
    entry_start, places = ragged(entries)
    return Transformations(
        start=integers(starts),
        parameter=integers(result.parameters[name] for name in power_names(model)),
        drawn=np.array([name in drawn for name in power_names(model)], np.bool_),
        equation=integers(outcomes),
        # Where lambda is drawn by NUTS, the residual may be a multiple of the transformed value.
        monomial=integers(result.monomials.get((result.columns[each.scale],), -1) for each in equations),
        column=integers(result.columns[each.scale] for each in equations),
        logarithm=integers(result.logarithms[each.outcome] for each in equations),
        collapsed=np.array([each is not None for each in chosen], np.bool_),
        shape=np.array([shape for shape, _ in priors], np.float64),
        scale=np.array([scale for _, scale in priors], np.float64),
        missing_start=missing_start,
        missing_low=integers(low for low, _ in missing),
        missing_high=integers(high for _, high in missing),
        observed_start=observed_start,
        observed_low=integers(low for low, _ in known),
        observed_high=integers(high for _, high in known),
        member_start=member_start,
        member=integers(result.parameters[name] for name in flat),
        entry_start=entry_start,
        entry_member=integers(position for position, _ in places),
        entry_product=integers(k for _, k in places),
    )


def _group_of(result: Layout, equation: int) -> int:
    ends = np.cumsum([len(group.residuals) for group in result.plan.structure.groups])
    return int(np.searchsorted(ends, equation, side="right"))
