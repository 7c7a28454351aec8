"""Covariances of a block whose variances are not all free, drawn as if they were: read off the model.

Element by element, correlations of a block move little given each other, and those of latent responses little given
these. Were all elements free, the block would be inverse Wishart. A move draws such a matrix; where a variance is
fixed, the latent response is brought back to it by its change of scale (`scale_moves`), which leaves all other
residuals as they are (liu and daniels 2006; lawrence and others 2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.plan.conditions import ParameterFacts
from blimp2pymc.sampler.plan.residuals import Group, Residual, Structure
from blimp2pymc.sampler.plan.scale_moves import ScaleMove


@dataclass(frozen=True)
class CovarianceMove:
    """A group whose residual covariance is proposed as a whole."""

    group: int
    outcomes: tuple[str, ...]
    parameters: tuple[str, ...]
    """Free variances and the correlations."""
    scales: tuple[ScaleMove | None, ...]
    """For each equation the change of scale of its outcome, one of the plan's; None where the variance is free."""

    @property
    def targets(self) -> frozenset[str]:
        """Names of the parameters that change."""
        return frozenset(self.parameters).union(*(each.targets for each in self.scales if each is not None))

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that are proposed."""
        return self.parameters

    def __str__(self) -> str:
        listed = ", ".join(f"'{name}'" for name in self.outcomes)
        text = f"variances and correlations of {listed} are proposed together, as if all of them were free"
        fixed = [name for name, scale in zip(self.outcomes, self.scales, strict=True) if scale is not None]
        return f"{text}; the scale of {', '.join(f"'{name}'" for name in fixed)} follows" if fixed else text


def covariance_moves(
    model: Model,
    form: Structure,
    facts: Mapping[str, ParameterFacts],
    chosen: Mapping[str, str],
    scales: Sequence[ScaleMove],
) -> tuple[CovarianceMove, ...]:
    """Find the blocks whose elements are drawn one by one, but might be free."""
    found = (_move(model, form, facts, chosen, scales, k) for k, group in enumerate(form.groups) if _is_plain(group))
    return tuple(each for each in found if each is not None)


def _is_plain(group: Group) -> bool:
    return group.family == "normal" and not group.is_weighted and not group.is_cut and len(group.residuals) > 1


def _move(
    model: Model,
    form: Structure,
    facts: Mapping[str, ParameterFacts],
    chosen: Mapping[str, str],
    scales: Sequence[ScaleMove],
    index: int,
) -> CovarianceMove | None:
    group = form.groups[index]
    size = len(group.residuals)
    variances = [each.equation.residual_variance or "" for each in group.residuals]
    correlations = tuple(group.block.correlations.values()) if group.block is not None else ()
    free = (*(name for name in variances if model.parameters[name].fixed is None), *correlations)
    alone = all(
        chosen.get(name) == "slice" and facts[name].groups == (index,) and not facts[name].mean_groups
        and not facts[name].feeds
        for name in free
    )  # fmt: skip
    if not alone or len(set(free)) < len(free) or len(correlations) < size * (size - 1) // 2:
        return None
    fixed = [name not in free for name in variances]
    found = tuple(
        _scale_of(form, residual, scales) if is_fixed else None
        for residual, is_fixed in zip(group.residuals, fixed, strict=True)
    )
    if any(is_fixed and each is None for each, is_fixed in zip(found, fixed, strict=True)):
        return None
    return CovarianceMove(index, tuple(each.outcome.variable for each in group.residuals), free, found)


def _scale_of(form: Structure, residual: Residual, scales: Sequence[ScaleMove]) -> ScaleMove | None:
    """Change of scale of an outcome alone, no other residual changing with it."""
    variances = {each.equation.residual_variance for each in form.residuals}
    alone = (each for each in scales if each.columns == ((residual.outcome, 1.0),) and not each.targets & variances)
    return next(alone, None)
