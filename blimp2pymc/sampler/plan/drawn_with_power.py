"""What is integrated out while the lambda of a Yeo-Johnson outcome is drawn, and drawn with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.sampler.plan.conditions import ParameterFacts
from blimp2pymc.sampler.plan.residuals import Structure


def drawn_with_power(
    form: Structure, facts: Mapping[str, ParameterFacts], chosen: Mapping[str, str]
) -> dict[Column, tuple[str, ...]]:
    """Outcome -> coefficients that are integrated out with the variance: see `kernels.transformations`."""
    owners: dict[str, list[int]] = {}
    for index, group in enumerate(form.groups):
        for residual in group.residuals:
            transform = residual.equation.transform
            if transform is not None and transform.parameter is not None:
                owners.setdefault(transform.parameter, []).append(index)
    found = {}
    for index in (groups[0] for groups in owners.values() if len(groups) == 1):
        group = form.groups[index]
        residual = group.residuals[0]
        variance = residual.equation.residual_variance
        if len(group.residuals) > 1 or variance is None or chosen.get(variance) != "variances":
            continue
        if facts[variance].covariance_groups != (index,):
            continue
        uses = Counter(each.equation.residual_variance for each in form.residuals)
        members: list[str] = []
        for name, each in facts.items():
            alone = each.mean_groups == (index,) == each.included and each.parameter.prior.distribution == "flat"
            meets = any(name in product.parameters and set(members) & set(product.parameters)
                        for product in residual.products)  # fmt: skip
            if chosen.get(name) == "coefficients" and alone and not meets:
                members.append(name)
        if uses[variance] == 1:
            found[residual.equation.outcome] = tuple(members)
    return found
