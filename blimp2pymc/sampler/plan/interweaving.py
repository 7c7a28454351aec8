"""Latent variables whose variance is modelled move with the coefficients of their mean and log variance.

Given the latent variable itself these coefficients wait for its values, and given them and the coefficients of what it
predicts its values wait too. Written as mean + deviation times a standard normal residual, the variable follows its
coefficients while the residuals stay, and what it predicts says how far (papaspiliopoulos, roberts and skoeld 2007).
Both ways of drawing them take turns (yu and meng 2011). What it predicts would hold it by its current coefficients:
those that are jointly normal given the variable are integrated out, and drawn afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.ir import Column, Model
from blimp2pymc.sampler.plan.blocking import is_scored, with_scored
from blimp2pymc.sampler.plan.conditions import ParameterFacts
from blimp2pymc.sampler.plan.residuals import Structure
from blimp2pymc.sampler.plan.update import Update


@dataclass(frozen=True)
class Interweaving:
    """A latent variable that follows its coefficients, its standardized residuals held."""

    column: Column
    mean: int
    """Group of its own equation."""
    variance: int
    """Group of its log variance."""
    parameters: tuple[str, ...]
    """Coefficients of the two that occur nowhere else."""
    normal: tuple[int, ...]
    """Other groups that hold the variable: normal equations, or normal ones given the rows' weights."""
    densities: tuple[int, ...]
    """Other groups whose density, that of the rows' outcomes, looks at it."""
    blocks: tuple[tuple[str, ...], ...]
    """Coefficients of the normal ones that are integrated out, as the plan draws them together."""

    @property
    def targets(self) -> frozenset[str]:
        """Names of the parameters that change."""
        return frozenset((*self.parameters, *(name for block in self.blocks for name in block)))

    @property
    def names(self) -> tuple[str, ...]:
        """The latent variable and the parameters that change."""
        return (self.column.variable, *self.parameters, *(name for block in self.blocks for name in block))

    def __str__(self) -> str:
        count = sum(map(len, self.blocks))
        text = f"'{self.column.variable}' moves together with {len(self.parameters)} coefficients of its mean and log "
        text += "variance, its standardized residuals held"
        return f"{text}, {count} coefficients of what it predicts integrated out" if count else text


def interweavings(
    model: Model, form: Structure, facts: Mapping[str, ParameterFacts], updates: Sequence[Update]
) -> tuple[Interweaving, ...]:
    """Find the latent variables of a model that can move with their coefficients.

    Parameters
    ----------
    model, form, facts
        The model, its groups, and where its parameters occur.
    updates
        What the plan draws: the blocks of coefficients among them may be integrated out.
    """
    transformed = {each.name for each in model.equations if each.transform is not None}
    found = (_interweaving(form, facts, updates, Column(name)) for name in model.latent if name not in transformed)
    return tuple(each for each in found if each is not None)


def _interweaving(
    form: Structure, facts: Mapping[str, ParameterFacts], updates: Sequence[Update], column: Column
) -> Interweaving | None:
    groups = form.groups
    own = [k for k, each in enumerate(groups) if each.residuals[0].equation.variance_terms
           and each.residuals[0].equation.outcome == column]  # fmt: skip
    holders = [k for k, each in enumerate(groups) if column in each.columns and k not in own]
    inside = {each for group in groups for residual in group.residuals for product in residual.products
              for function in product.functions for each in columns_in(function)}  # fmt: skip
    if len(own) != 2 or not holders or column in inside or any(groups[k].is_cut for k in holders):
        return None
    mean, variance = sorted(own, key=lambda k: groups[k].is_scored)
    if len(groups[mean].residuals) > 1:
        return None
    parameters = tuple(
        name for name, each in facts.items()
        if each.is_normal and each.shift is None and each.mean_groups and set(each.mean_groups) <= set(own)
    )  # fmt: skip
    densities = with_scored(form, holders)[1]
    normal = tuple(k for k in holders if not is_scored(form, k, densities))
    if not parameters or set(densities) & set(own):
        return None
    closed = {*own, *holders} - set(normal)
    return Interweaving(column, mean, variance, parameters, normal, tuple(densities), _blocks(updates, normal, closed))


def _blocks(updates: Sequence[Update], normal: Sequence[int], closed: Set[int]) -> tuple[tuple[str, ...], ...]:
    """Blocks of coefficients of normal groups, none of which holds two; the largest first."""
    found: list[Update] = []
    for each in sorted(updates, key=lambda each: -len(each.targets)):
        taken = closed | {k for other in found for k in other.groups}
        if each.kernel == "coefficients" and set(each.groups) & set(normal) and not set(each.groups) & taken:
            found.append(each)
    return tuple(each.targets for each in updates if each in found)
