"""What is known about the full conditional of each parameter: the questions the rules of `plan` ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from blimp2pymc.joint_model.algebra import parameters_in
from blimp2pymc.joint_model.ir import Model, Parameter
from blimp2pymc.sampler.plan.residuals import Group, Structure, depends_on

PROPER = ("flat", "normal", "inverse_gamma", "uniform", "gamma", "beta", "cauchy", "block")
"""Priors whose density the slice sampler knows."""


@dataclass(frozen=True)
class Shift:
    """Coefficients of one group that move with a mean, so that the uncentered ones stay the same.

    With `d` the step of the mean, the coefficients change by exp(-d M'), where M[source, target] is
    `factor`: the derivative of the source's term with respect to the mean, in units of the target's.
    """

    mean: str
    group: int
    entries: tuple[tuple[str, str, float], ...]
    """(source coefficient, target coefficient, factor)."""


@dataclass(frozen=True)
class ParameterFacts:
    """Where a free parameter occurs, and how."""

    parameter: Parameter
    mean_groups: tuple[int, ...]
    """Groups with the parameter in a mean, directly or through definitions."""
    covariance_groups: tuple[int, ...]
    """Groups with the parameter in their residual covariance, directly or through definitions."""
    nonlinear_groups: tuple[int, ...]
    """Groups whose mean is not linear in it."""
    is_own_variance: bool
    """Occurs as the residual variance of single equations, and nowhere else."""
    is_wishart: bool
    """Element of an unstructured covariance whose elements occur nowhere else."""
    feeds: bool
    """Whether something is computed from it that is no polynomial."""
    feeds_cut: bool
    """Whether it belongs to a Means Model."""
    scored_groups: tuple[int, ...]
    """Groups that are no normal equations."""
    is_threshold: bool
    """Whether it separates categories."""
    is_in_scores: bool
    """Whether means hold it, as part of an expected score, but none of them with the latent response it cuts."""
    inside_groups: tuple[int, ...]
    """Groups with the parameter inside a function of variables."""
    where: str
    """Outcome of the first equation it occurs in."""
    shift: tuple[Shift, ...] | None = field(default=None)

    def with_shift(self, shift: tuple[Shift, ...] | None) -> ParameterFacts:
        """The same facts, once it is known which coefficients move along."""
        return replace(self, shift=shift)

    @property
    def name(self) -> str:
        """Name of the parameter."""
        return self.parameter.name

    @property
    def groups(self) -> tuple[int, ...]:
        """All groups in its full conditional."""
        return tuple(sorted({*self.included, *self.covariance_groups}))

    @property
    def included(self) -> tuple[int, ...]:
        """Groups with the parameter in their mean that its draw conditions on."""
        shifted = {each.group for each in self.shift or ()}
        return tuple(each for each in self.mean_groups if each not in shifted)

    @property
    def is_linear(self) -> bool:
        """Only in means, and linearly so where the draw looks at them."""
        return (
            bool(self.included)
            and not self.covariance_groups
            and not self.feeds
            and not set(self.nonlinear_groups) & set(self.included)
        )

    @property
    def is_bounded(self) -> bool:
        """Whether the prior has bounds."""
        return self.parameter.prior.lower > -np.inf or self.parameter.prior.upper < np.inf

    @property
    def is_normal(self) -> bool:
        """Full conditional normal, or as good as normal where equations are not."""
        return self.is_linear and self.parameter.prior.distribution in ("flat", "normal") and not self.is_bounded

    @property
    def is_scored(self) -> bool:
        """Whether an equation that the draw looks at is not normal."""
        return bool({*self.included, *self.covariance_groups} & set(self.scored_groups))

    @property
    def is_truncated_normal(self) -> bool:
        """Full conditional truncated normal."""
        prior = self.parameter.prior.distribution
        return self.is_linear and prior in ("flat", "normal", "uniform") and not self.is_scored

    @property
    def is_inverse_gamma(self) -> bool:
        """Full conditional inverse gamma."""
        prior = self.parameter.prior
        bounded = prior.lower > 0 or prior.upper < np.inf
        return (
            self.is_own_variance
            and not self.is_scored
            and prior.distribution in ("inverse_gamma", "flat")
            and not bounded
        )

    @property
    def has_density(self) -> bool:
        """Whether the full conditional can be evaluated from the moment matrices."""
        occurs = bool(self.mean_groups or self.covariance_groups)
        return occurs and not self.inside_groups and self.parameter.prior.distribution in PROPER

    @property
    def is_free_threshold(self) -> bool:
        """A threshold that nothing but expected scores is computed from."""
        unused = self.is_in_scores or not (self.mean_groups or self.covariance_groups)
        return self.is_threshold and unused and self.parameter.prior.distribution in PROPER


def parameter_facts(model: Model, form: Structure) -> dict[str, ParameterFacts]:
    """Facts of every free parameter, in the model's order.

    A free parameter that occurs in no equation gets no groups: the caller decides what to say.
    """
    behind = {name: depends_on(form, name) for name in form.definitions}
    used = {
        name: _uses(form, name, {each for each, origins in behind.items() if name in origins})
        for name, parameter in model.parameters.items()
        if parameter.is_free
    }
    thresholds = {name: each.name for each in model.equations for name in each.thresholds}
    responses = {name: each.outcome for each in form.responses for name in each.equation.thresholds}
    computed = {name for expression in form.definitions.values() for name in parameters_in(expression)}
    wishart: set[str] = set()
    for index, group in enumerate(form.groups):
        if _is_wishart(model, form, group, index, used, computed):
            wishart.update(group.covariance_parameters)
    facts = {}
    for name, (means, covariances, nonlinear, feeds, inside) in used.items():
        single = all(len(form.groups[index].residuals) == 1 for index in covariances)
        block_prior = model.parameters[name].prior.distribution == "block"
        first = min((*means, *covariances), default=None)
        facts[name] = ParameterFacts(
            parameter=model.parameters[name],
            mean_groups=means,
            covariance_groups=covariances,
            nonlinear_groups=nonlinear,
            is_own_variance=bool(covariances) and single and not means and not feeds and not block_prior,
            is_wishart=name in wishart,
            feeds=feeds,
            feeds_cut=any(form.groups[index].is_cut for index in means),
            scored_groups=tuple(k for k in {*means, *covariances} if form.groups[k].is_scored),
            is_threshold=name in thresholds,
            is_in_scores=bool(means)
            and name in responses
            and not covariances
            and not inside
            and not any(form.groups[k].is_cut or responses[name] in form.groups[k].columns for k in means),
            inside_groups=inside,
            where=thresholds.get(name, "") if first is None else form.groups[first].name,
        )
    return facts


def _uses(
    form: Structure, name: str, computed: set[str]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], bool, tuple[int, ...]]:
    # Polynomial definitions are substituted in the residuals, so what is left of `computed` there is a function.
    means, covariances, nonlinear, inside = [], [], [], []
    feeds = False
    for index, group in enumerate(form.groups):
        factors = [product.parameters for residual in group.residuals for product in residual.products]
        if any(name in each or computed & set(each) for each in factors):
            means.append(index)
            if any(each.count(name) > 1 or computed & set(each) for each in factors):
                nonlinear.append(index)
                feeds = feeds or any(computed & set(each) for each in factors)
        # A transform whose lambda is computed from a parameter is a function of it, as those of a mean are.
        defined = computed & set(form.powers)
        if {name, *computed} & (group.inside - set(form.powers)) or defined & {*group.powers, *group.inside}:
            inside.append(index)
        if name in group.covariance_parameters or computed & set(group.covariance_parameters):
            covariances.append(index)
            feeds = feeds or bool(computed & set(group.covariance_parameters))
    means = sorted({*means, *inside})
    return tuple(means), tuple(covariances), tuple({*nonlinear, *inside}), feeds or bool(inside), tuple(inside)


def _is_wishart(
    model: Model, form: Structure, group: Group, index: int, used: Mapping[str, tuple], computed: set[str]
) -> bool:
    if group.block is None:
        return False
    size = len(group.residuals)
    names = group.covariance_parameters
    parameters = [model.parameters[name] for name in names]
    complete = len(names) == size * (size + 1) // 2 and len(set(names)) == len(names)
    plain = all(each.is_free and each.prior.distribution == "block" and _unbounded(each) for each in parameters)
    # A name that is computed with elsewhere only matters when the result is used in an equation: `used` says so.
    alone = all(
        name in used and used[name][0] == () and used[name][1] == (index,) and not used[name][3] for name in names
    )
    return complete and plain and alone


def _unbounded(parameter: Parameter) -> bool:
    correlation = parameter.kind.value == "correlation"
    lower, upper = (-1.0, 1.0) if correlation else (0.0, np.inf)
    return parameter.prior.lower <= lower and parameter.prior.upper >= upper
