"""Coefficients that move together, on the density of categories and counts themselves: read off the model.

A Gibbs sampler draws coefficients given what has been put in place of an outcome: latent differences of a nominal
variable, the latent response of an ordered one, the weights of a logit equation; or it draws the coefficients of one
category of a multinomial logit equation given those of the others. Either makes for small steps. A trajectory moves all
coefficients of an outcome at once, with all that is put in place of it integrated out.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from blimp2pymc.joint_model.ir import Form, Model
from blimp2pymc.sampler.plan.blocking import (
    PREDICTED_FAMILIES,
    inactive_groups,
    missing_patterns,
    same_outcome,
    used_categories,
)
from blimp2pymc.sampler.plan.conditions import ParameterFacts
from blimp2pymc.sampler.plan.residuals import Group, Structure


@dataclass(frozen=True)
class Trajectory:
    """Coefficients that move together, and the groups that hold them."""

    outcomes: tuple[str, ...]
    """Variables whose categories or counts make up the density."""
    parameters: tuple[str, ...]
    groups: tuple[int, ...]
    """Groups of the structure, all categories of a nominal outcome included."""

    @property
    def targets(self) -> frozenset[str]:
        """Names of the parameters that change."""
        return frozenset(self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that change."""
        return self.parameters

    def __str__(self) -> str:
        listed = ", ".join(f"'{name}'" for name in self.outcomes)
        count = len(self.parameters)
        return f"{count} coefficient{'s' * (count > 1)} of {listed} move together on the density of the observed values"


def trajectories(
    model: Model, form: Structure, facts: Mapping[str, ParameterFacts], chosen: Mapping[str, str]
) -> tuple[Trajectory, ...]:
    """Find what moves together: coefficients of outcomes that others see by their values alone.

    A trajectory that leaves the bounds of one is rejected, so that it may have some.

    Parameters
    ----------
    model, form, facts
        The model, its groups, and where its parameters occur; those that are drawn with thresholds are left out.
    chosen
        Kernel of every parameter; only those whose conditional density is that of linear coefficients move.
    """
    open_groups = {k for k, group in enumerate(form.groups) if _is_open(model, form, group)}
    open_groups -= _with_free_responses(model, form, open_groups)
    movable = [
        each
        for name, each in facts.items()
        if chosen.get(name) in ("coefficients", "scoring", "bounded")
        and not each.shift
        and not each.inside_groups
        and set(each.mean_groups) <= open_groups
    ]
    components: list[tuple[set[int], list[str]]] = []
    for each in movable:
        groups = {
            j for k in each.mean_groups for j in open_groups if j == k or same_outcome(form.groups[j], form.groups[k])
        }
        names = [each.name]
        apart = []
        for component in components:
            if component[0] & groups:
                groups |= component[0]
                names = component[1] + names
            else:
                apart.append(component)
        components = [*apart, (groups, names)]
    order = list(facts)
    return tuple(
        Trajectory(
            tuple(dict.fromkeys(form.groups[k].residuals[0].equation.name for k in sorted(groups))),
            tuple(sorted(names, key=order.index)),
            tuple(sorted(groups)),
        )
        for groups, names in sorted(components, key=lambda each: min(each[0]))
    )


def _is_open(model: Model, form: Structure, group: Group) -> bool:
    """Whether the probability of an outcome's values is known with all that stands for it integrated out."""
    if group.is_cut:
        return False
    if group.family != "normal":
        return group.family in PREDICTED_FAMILIES
    if any(each.form is not Form.LATENT_RESPONSE for each in group.outcomes):
        return False
    if any(column in other.columns for other in form.groups if other is not group for column in group.outcomes):
        return False
    variances = [each.equation.residual_variance for each in group.residuals]
    if any(name is None or model.parameters[name].fixed != 1.0 for name in variances):
        return False
    if group.outcomes[0].category is None:
        return len(group.residuals) == 1 and group.block is None
    if len({each.variable for each in group.outcomes}) > 1:
        return False
    correlations = group.block.correlations.values() if group.block is not None else ()
    return all(model.parameters[name].fixed == 0.5 for name in correlations)


def _with_free_responses(model: Model, form: Structure, among: Set[int]) -> set[int]:
    """Groups with rows in which a latent response without a category is drawn before the parameters are."""
    found: set[int] = set()
    latent = [k for k in among if form.groups[k].family == "normal"]
    for missing, _ in missing_patterns(model, form) if latent else ():
        inactive = inactive_groups(form, missing)
        active = [group for k, group in enumerate(form.groups) if k not in inactive and not group.is_cut]
        used = used_categories(form, active, missing)
        found |= {
            k for k in latent
            if k not in inactive and (outcome := form.groups[k].outcomes[0]) in missing and outcome.variable not in used
        }  # fmt: skip
    return found
