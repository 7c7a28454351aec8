"""Why latent variables are not integrated out while parameters are drawn, in words."""

from __future__ import annotations

from collections.abc import Sequence

from blimp2pymc.joint_model.ir import Column, Model
from blimp2pymc.sampler.plan.blocking import left_out_groups, missing_patterns
from blimp2pymc.sampler.plan.marginals import FEW_OUTCOMES, MOST_CLASSES, Marginal, additive, is_well_measured
from blimp2pymc.sampler.plan.residuals import Structure

NOT_LINEAR = "in a power, a function, a product with another variable, or an equation that is not normal"
WELL_MEASURED = f"more than {FEW_OUTCOMES} outcomes, most of them with free loadings, tell enough about its values"
NO_PARAMETERS = "no parameter of its equations is better drawn without it"


def given_latent(model: Model, form: Structure, found: Sequence[Marginal]) -> dict[str, str]:
    """Latent variables that no marginal integrates out -> the reason."""
    integrated = {column.variable for each in found for column in each.latent}
    given = [name for name in model.latent if name not in integrated]
    if not given:
        return {}
    linear = set(additive(model, form))
    classes = {left_out_groups(form, missing, True) for missing, rows in missing_patterns(model, form) if len(rows)}
    alone = NO_PARAMETERS
    if len(classes) > MOST_CLASSES:
        alone = (
            f"rows differ in {len(classes)} ways in which outcomes they lack, and integrating pays up to {MOST_CLASSES}"
        )
    measured = {each for each in linear if is_well_measured(model, form, each)}
    return {
        name: NOT_LINEAR if Column(name) not in linear else WELL_MEASURED if Column(name) in measured else alone
        for name in given
    }
