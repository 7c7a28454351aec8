"""Parameters that no other kernel can draw, gathered in blocks for NUTS, with those they are best drawn with.

Symbolic: PyTensor is not needed to say what it will have to compile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from blimp2pymc.joint_model.ir import Column, Form, Model
from blimp2pymc.sampler.plan.conditions import ParameterFacts
from blimp2pymc.sampler.plan.inverses import power_names
from blimp2pymc.sampler.plan.residuals import Residual, Structure, depends_on

COMPANIONS = ("coefficients", "bounded", "scoring", "slice")
"""Kernels of the parameters that are drawn with a block as well: they and the block determine each other's values."""


@dataclass(frozen=True)
class NutsBlock:
    """Parameters that NUTS draws together."""

    parameters: tuple[str, ...]
    """Those without another kernel first, then those that their own kernels draw as well."""
    n_alone: int
    """How many have no other kernel."""
    groups: tuple[int, ...]

    @property
    def alone(self) -> tuple[str, ...]:
        """Parameters without another kernel."""
        return self.parameters[: self.n_alone]

    @property
    def reason(self) -> str:
        """Why, in words."""
        with_others = ", together with the coefficients of the same equations" if self.companions else ""
        lacking = "has no kernel of its own here" if self.n_alone == 1 else "have no kernels of their own here"
        return (
            f"{', '.join(map(repr, self.alone))} {lacking}: NUTS{with_others}, on log density and gradient of the PyMC "
            "model, which PyTensor compiles before sampling"
        )

    @property
    def companions(self) -> tuple[str, ...]:
        """Parameters that their own kernels draw as well."""
        return self.parameters[self.n_alone :]


def nuts_blocks(
    form: Structure, facts: Mapping[str, ParameterFacts], chosen: Mapping[str, str], forced: Collection[str]
) -> tuple[NutsBlock, ...]:
    """Gather the parameters that `chosen` gives to NUTS: those with an equation in common make one block.

    Parameters of `forced` have another kernel and go to NUTS on request: they bring no companions.
    """
    blocks: list[tuple[list[str], set[int]]] = []
    for name in (name for name, kernel in chosen.items() if kernel == "nuts"):
        names, groups = [name], set(block_groups(form, facts, name))
        apart = []
        for each in blocks:
            if each[1] & groups:
                names, groups = each[0] + names, groups | each[1]
            else:
                apart.append(each)
        blocks = [*apart, (names, groups)]
    found = []
    for names, groups in blocks:
        unforced = {name for name in names if name not in forced}
        near = {index for name in unforced for index in _near(form, facts, name)}
        companions = [
            name
            for name, kernel in chosen.items()
            if kernel in COMPANIONS
            and near & set(facts[name].mean_groups)
            and not facts[name].shift
            and not obstacle(form, facts, name)
        ]
        seen = groups.union(*(block_groups(form, facts, name) for name in companions))
        found.append(NutsBlock((*names, *companions), len(names), tuple(sorted(seen))))
    return tuple(found)


def needs_nuts(model: Model, form: Structure) -> bool:
    """Whether something has no other kernel."""
    inside = {name for group in form.groups for name in group.inside} - set(form.powers)
    return bool(inside or powers_for_nuts(model, form) or set(form.powers) & form.definitions.keys())


def powers_for_nuts(model: Model, form: Structure) -> list[str]:
    """Lambdas that are drawn, of outcomes whose variance has predictors, and those other lambdas are computed from.

    Those of other outcomes in a block with such a variance as well.
    """
    modelled = {name for group in form.groups if group.is_weighted for name in group.powers}
    powers = power_names(model)
    defined = [name for name in powers if name in form.definitions]
    behind = frozenset().union(*(depends_on(form, name) for name in defined))
    return [name for name in powers if name not in defined and name in modelled | behind]


def block_groups(form: Structure, facts: Mapping[str, ParameterFacts], name: str) -> tuple[int, ...]:
    """Groups in the full conditional of a parameter."""
    return tuple(sorted({*facts[name].groups, *facts[name].mean_groups, *_transformed_by(form, name)}))


def obstacle(form: Structure, facts: Mapping[str, ParameterFacts], name: str) -> str:
    """What keeps NUTS from drawing a parameter, in words; empty where nothing does."""
    each = facts[name]
    groups = [form.groups[index] for index in block_groups(form, facts, name)]
    if not groups or each.is_threshold:
        return "thresholds are drawn with latent responses integrated out"
    if any(group.is_cut for group in groups):
        return "it is the mean of a centered variable: center it by hand, with its mean as a number"
    used = {column for group in form.groups for residual in group.residuals for column in _predicting(residual)}
    for group in groups:
        responses = [outcome for outcome in group.outcomes if outcome.form is Form.LATENT_RESPONSE]
        if responses and (len(group.outcomes) > 1 or responses[0].category is not None or responses[0] in used):
            return f"'{responses[0].variable}' has latent responses that are drawn given it"
    return ""


class Changing(Protocol):
    """A move of parameters."""

    @property
    def targets(self) -> frozenset[str]:
        """Names of the parameters that change."""


def without_inside[Move: Changing](form: Structure, names: Collection[str], moves: Iterable[Move]) -> tuple[Move, ...]:
    """Moves that leave some parameters and all functions of variables as they are."""
    inside = {origin for group in form.groups for name in group.inside for origin in depends_on(form, name)}
    return tuple(each for each in moves if not (inside | set(names)) & each.targets)


def _transformed_by(form: Structure, name: str) -> list[int]:
    """Groups whose outcome is transformed with a parameter, in their mean or in their values."""
    return [
        index
        for index, group in enumerate(form.groups)
        if name in group.inside or any(name in depends_on(form, power) for power in group.powers)
    ]


def _near(form: Structure, facts: Mapping[str, ParameterFacts], name: str) -> tuple[int, ...]:
    return facts[name].inside_groups or tuple(_transformed_by(form, name))


def _predicting(residual: Residual) -> set[Column]:
    return {column for column in residual.columns if column != residual.outcome}


def not_free(model: Model, names: Collection[str]) -> list[str]:
    """Names that are no free parameter."""
    return [name for name in names if name not in model.parameters or not model.parameters[name].is_free]
