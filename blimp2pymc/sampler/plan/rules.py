"""Which kernel draws what: read off the model by one table, the first rule that fits wins.

Symbolic only, so that `explain` needs neither numba nor data in memory beyond the missing pattern.
The layout turns a plan into tables; the kernels' names are those of the modules in `kernels/`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.errors import Finding, error, raise_all
from blimp2pymc.joint_model.ir import Column, Model
from blimp2pymc.sampler.plan.blocking import coefficient_blocks, mean_shift
from blimp2pymc.sampler.plan.cell_updates import cell_updates, weight_updates
from blimp2pymc.sampler.plan.conditions import ParameterFacts, Shift, parameter_facts
from blimp2pymc.sampler.plan.covariance_moves import CovarianceMove, covariance_moves
from blimp2pymc.sampler.plan.drawn_with_power import drawn_with_power
from blimp2pymc.sampler.plan.expected_scores import Center, centers
from blimp2pymc.sampler.plan.few_classes import with_few_classes
from blimp2pymc.sampler.plan.given_latent import given_latent
from blimp2pymc.sampler.plan.in_words import in_words
from blimp2pymc.sampler.plan.incomplete import incomplete
from blimp2pymc.sampler.plan.interweaving import Interweaving, interweavings
from blimp2pymc.sampler.plan.inverses import power_names
from blimp2pymc.sampler.plan.item_moves import ItemMove, item_moves
from blimp2pymc.sampler.plan.location_moves import LocationMove, location_moves
from blimp2pymc.sampler.plan.marginals import Marginal, marginals
from blimp2pymc.sampler.plan.nuts_blocks import (
    needs_nuts,
    not_free,
    nuts_blocks,
    obstacle,
    powers_for_nuts,
    without_inside,
)
from blimp2pymc.sampler.plan.reflections import Reflection, reflections
from blimp2pymc.sampler.plan.residuals import Structure, structure
from blimp2pymc.sampler.plan.response_steps import ResponseStep, response_steps
from blimp2pymc.sampler.plan.scale_moves import ScaleMove, scale_moves
from blimp2pymc.sampler.plan.trajectories import Trajectory, trajectories
from blimp2pymc.sampler.plan.update import OVERRELAXATION, Update, equations_of


@dataclass(frozen=True)
class Plan:
    """A sweep of the sampler: updates in the order in which they are carried out."""

    updates: tuple[Update, ...]
    structure: Structure = field(repr=False)
    marginals: tuple[Marginal, ...] = ()
    """Latent variables that are integrated out while parameters are drawn, before they are drawn themselves."""
    reflections: tuple[Reflection, ...] = ()
    """Changes of sign that keep latent variables in one orientation, carried out at the end of a sweep."""
    drawn_with_power: Mapping[Column, tuple[str, ...]] = field(default_factory=dict)
    """Yeo-Johnson outcome -> coefficients that are integrated out, with the variance, while lambda is drawn."""
    scale_moves: tuple[ScaleMove, ...] = ()
    """Changes of scale, carried out after the parameters."""
    location_moves: tuple[LocationMove, ...] = ()
    """Changes of location, carried out before the parameters."""
    trajectories: tuple[Trajectory, ...] = ()
    """Coefficients of categories and counts that move together, at the beginning of a sweep."""
    covariance_moves: tuple[CovarianceMove, ...] = ()
    """Blocks whose covariance is proposed as a whole, after the changes of scale."""
    interweavings: tuple[Interweaving, ...] = ()
    """Latent variables that follow the coefficients of their mean and log variance, before the parameters."""
    item_moves: tuple[ItemMove, ...] = ()
    """Latent variables that follow the parameters of their indicators, after the trajectories."""
    response_steps: tuple[ResponseStep, ...] = ()
    """What is drawn for each latent response, which is integrated out, before the response."""
    collapsed: bool = True
    """Whether outcomes that predict nothing are integrated out and means move with coefficients."""
    centers: tuple[Center, ...] = ()
    """Expected scores that coefficients are centered at when a draw is recorded."""
    nuts: frozenset[str] = frozenset()
    """Parameters that NUTS alone draws."""
    overrelaxation: float = 0.0
    """What `numerics.overrelaxation` does in draws of coefficients, latent variables and missing values."""

    @property
    def compiled_first(self) -> tuple[str, ...]:
        """What has to be compiled for this model before it is sampled, in words."""
        return tuple(
            f"{each.reason}: that takes some seconds, for a large model minutes"
            for each in self.updates
            if each.kernel == "nuts"
        )

    @property
    def moves(self) -> tuple[ScaleMove | LocationMove | CovarianceMove | Trajectory | Interweaving | ItemMove, ...]:
        """What moves together beside the updates."""
        return (
            *self.scale_moves,
            *self.covariance_moves,
            *self.location_moves,
            *self.trajectories,
            *self.interweavings,
            *self.item_moves,
        )

    def __str__(self) -> str:
        return in_words(self.updates, (*self.moves, *self.reflections))


@dataclass(frozen=True)
class Rule:
    """A row of the table: a kernel, and when it may be used."""

    kernel: str
    applies: Callable[[ParameterFacts], bool]
    reason: str


RULES: tuple[Rule, ...] = (
    Rule(
        "covariances",
        lambda facts: facts.is_wishart,
        "unstructured covariance of jointly normal residuals: inverse Wishart",
    ),
    Rule(
        "variances",
        lambda facts: facts.is_inverse_gamma,
        "residual variance of normal equations: inverse gamma",
    ),
    Rule(
        "scoring",
        lambda facts: facts.is_normal and facts.is_scored,
        "linear in an equation that is not normal: joint Metropolis steps from a normal approximation (gamerman 1997)",
    ),
    Rule(
        "means",
        lambda facts: facts.is_normal and facts.shift is not None,
        "means of centered variables and of deviations, with what is linear beside them: jointly normal, coefficients "
        "of what they center move along",
    ),
    Rule(
        "coefficients",
        lambda facts: facts.is_normal,
        "linear in normal equations, or in equations that are normal given the rows' weights: jointly normal",
    ),
    Rule(
        "bounded",
        lambda facts: facts.is_truncated_normal,
        "linear in normal equations, with bounds: truncated normal, one at a time",
    ),
    Rule(
        "thresholds",
        lambda facts: facts.is_free_threshold,
        "thresholds of an ordered variable: drawn with its latent response integrated out, or taken along where that "
        "is not normal, by Metropolis steps from a normal approximation",
    ),
    Rule(
        "slice",
        lambda facts: facts.has_density,
        "occurs in normal equations, but has no standard full conditional: slice sampling",
    ),
    Rule("nuts", lambda facts: bool(facts.inside_groups), "inside a function of variables: see `nuts_blocks`"),
)
"""Parameters, one row per kernel; the first row that applies wins."""

TRANSFORMATIONS = "lambda of a Yeo-Johnson transform: slice sampling{}"

MARGINAL_RULES: dict[str, str] = {
    "integrated": "linear in normal equations: jointly normal with {latent} integrated out",
    "scales": "loadings, coefficients and variance of '{column}' scaled together, "
    "with {latent} integrated out: slice sampling",
    "directions": "slice sampling along directions learned in burn-in, with {latent} integrated out",
    "ellipses": "elliptical slice sampling of all at once, with the missing values of {latent} integrated out",
}
"""Parameters drawn with latent variables or cells integrated out, before their full conditionals: kernel -> reason."""


def plan(
    model: Model,
    *,
    collapsed: bool = True,
    aligned: bool = True,
    integrated: bool = True,
    moves: bool = True,
    nuts: Iterable[str] = (),
) -> Plan:
    """Choose a kernel for every parameter and every missing value.

    Parameters
    ----------
    model
        A resolved model.
    collapsed
        False gives plain full conditionals only: every missing outcome is drawn before the parameters,
        and means of centered variables are drawn given the coefficients. Same posterior, slower mixing.
    aligned
        Whether latent variables that nothing in the model orients are reflected so that a loading is positive.
    integrated
        Whether parameters are also drawn with latent variables integrated out; not without `collapsed`.
    moves
        Whether normal draws are overrelaxed, latent variables and responses change scale or location with their
        coefficients or follow them, and coefficients of categories move together (not without `collapsed`).
    nuts
        Parameters to give to NUTS although they have a kernel: same posterior.

    Raises
    ------
    BlimpError
        When a part of the model has no sampler; it names the equation. Also when `model` is none.
    """
    if not isinstance(model, Model):
        raise error(f"a resolved model is needed here, not a {type(model).__name__}",
                    hint="blimp2pymc.resolve(script, data)")  # fmt: skip
    forced = tuple(nuts)
    for name in not_free(model, forced):
        raise error(f"'{name}' is no free parameter", hint=nearest(name, model.parameters), code="undeclared-name")
    form = structure(model)
    # Coefficients whose predictor is centered when they are recorded are not those of the PyMC model.
    moved = centers(model, form) if collapsed and not needs_nuts(model, form) and not forced else ()
    if moved:
        form = structure(model, {each.score for each in moved})
    facts = parameter_facts(model, form)
    shifts = {
        name: shift
        for name, each in facts.items()
        if (collapsed or each.feeds_cut) and (shift := mean_shift(model, form, each, facts)) is not None
    }
    facts = {name: each.with_shift(shifts.get(name)) for name, each in facts.items()}
    chosen = _chosen_kernels(model, form, facts, forced)
    blocks = nuts_blocks(form, facts, chosen, forced)
    alone = [name for block in blocks for name in block.alone]
    others = {name: each for name, each in facts.items() if name not in alone}
    form = with_few_classes(model, form, others) if collapsed and integrated else form
    cells = [*weight_updates(form), *cell_updates(model, form, collapsed)]
    before = [each for each in cells if each.kernel not in ("predictions", "responses")]
    after = [each for each in cells if each.kernel == "predictions"]
    turned = reflections(model, form) if aligned else ()
    scales = without_inside(form, alone, scale_moves(model, form) if moves else ())
    whole = tuple(each for each in scales if not each.held)
    steps = response_steps(model, form, chosen, whole, collapsed)
    before += [*_threshold_updates(steps), *(each for each in cells if each.kernel == "responses")]
    found = marginals(model, form, others) if collapsed and integrated else ()
    if collapsed and integrated:
        with_cells, given = incomplete(model, form, others, found)
        given |= given_latent(model, form, found)
        found = (*found, *with_cells)
        before = [_with_given(each, given) for each in before]
    out = {column for each in found for column in each.latent}
    scales = tuple(each for each in scales if not each.held or not out & {column for column, _ in each.columns})
    drawn_with = drawn_with_power(form, facts, chosen) if collapsed else {}
    before += [_power_update(form, name, drawn_with) for name in power_names(model)
               if name not in alone and name not in form.definitions]  # fmt: skip
    first = [Update(each.parameters, "nuts", equations_of(form, set(each.groups)), each.reason, each.groups)
             for each in blocks]  # fmt: skip
    drawn = _parameter_updates(form, facts, chosen)
    updates = (*first, *before, *_marginal_updates(form, found), *drawn, *after)
    locations = without_inside(form, alone, location_moves(model, form, facts, found) if moves else ())
    with_thresholds = {name for each in steps for name in each.coefficients}
    apart = {name: each for name, each in facts.items() if name not in with_thresholds}
    together = without_inside(form, alone, trajectories(model, form, apart, chosen) if moves and collapsed else ())
    following = without_inside(form, alone, interweavings(model, form, facts, drawn) if moves else ())
    items = without_inside(form, alone, item_moves(model, form, facts, chosen, found) if moves else ())
    wholes = without_inside(form, alone, covariance_moves(model, form, facts, chosen, whole) if moves else ())
    return Plan(
        updates,
        form,
        found,
        turned,
        drawn_with,
        scales,
        locations,
        together,
        wholes,
        following,
        items,
        steps,
        collapsed,
        moved,
        frozenset(alone),
        OVERRELAXATION if moves else 0.0,
    )


def _chosen_kernels(
    model: Model, form: Structure, facts: Mapping[str, ParameterFacts], forced: Collection[str]
) -> dict[str, str]:
    """Kernel of every free parameter but the lambdas that have their own."""
    chosen: dict[str, str] = {}
    findings = []
    powers = power_names(model)
    blocked = {name for group in form.groups for name in group.covariance_parameters
               if set(group.covariance_parameters) & set(forced)}  # fmt: skip
    for name, each in facts.items():
        if name in powers and name not in (*powers_for_nuts(model, form), *forced):
            continue
        rules = [] if name in powers else [rule for rule in RULES if rule.applies(each)]
        if name in blocked:
            rules = [rule for rule in rules if rule.kernel != "covariances"]
        rule = next(iter(rules), None)
        if rule is not None and rule.kernel != "nuts" and name not in forced:
            chosen[name] = rule.kernel
        elif name in powers or each.mean_groups or each.covariance_groups or each.is_threshold:
            chosen[name] = "nuts"
            hint = obstacle(form, facts, name)
            if hint:
                text = f"no kernel can draw '{name}', a parameter of the equation of '{each.where}'"
                findings.append(Finding(text, model.parameters[name].span, hint, "no-kernel"))
        else:
            findings.append(
                Finding(
                    f"'{name}' occurs in no equation, so the data say nothing about it", model.parameters[name].span
                )
            )
    raise_all(findings)
    return chosen


def _power_update(form: Structure, name: str, drawn_with: Mapping[Column, tuple[str, ...]]) -> Update:
    owners = [each.equation for each in form.residuals if each.equation.transform is not None]
    outcomes = tuple(each for each in owners if each.transform is not None and each.transform.parameter == name)
    alone = all(each.outcome in drawn_with for each in outcomes)
    more = ", coefficients and residual variance integrated out and drawn with it" if alone else ""
    return Update((name,), "transformations", tuple(each.name for each in outcomes), TRANSFORMATIONS.format(more))


def _parameter_updates(form: Structure, facts: dict[str, ParameterFacts], chosen: dict[str, str]) -> list[Update]:
    reasons = {rule.kernel: rule.reason for rule in RULES}
    updates: list[Update] = []

    def add(kernel: str, targets: tuple[str, ...], groups: set[int], shifts: tuple[Shift, ...] = ()) -> None:
        updates.append(
            Update(targets, kernel, equations_of(form, groups), reasons[kernel], tuple(sorted(groups)), shifts)
        )

    for index, group in enumerate(form.groups):
        owned = tuple(name for name in group.covariance_parameters if chosen.get(name) == "covariances")
        if owned:
            add("covariances", owned, {index})
    for name, kernel in chosen.items():
        if kernel == "variances":
            add(kernel, (name,), set(facts[name].groups))
    normal = [facts[name] for name, kernel in chosen.items() if kernel in ("means", "coefficients")]
    for block in coefficient_blocks(form, normal):
        shifts = tuple(shift for name in block for shift in facts[name].shift or ())
        groups = {index for name in block for index in facts[name].included}
        add("means" if shifts else "coefficients", block, groups, shifts)
    for block in coefficient_blocks(form, [facts[name] for name, kernel in chosen.items() if kernel == "scoring"]):
        shifts = tuple(shift for name in block for shift in facts[name].shift or ())
        add("scoring", block, {index for name in block for index in facts[name].included}, shifts)
    for name, kernel in chosen.items():
        if kernel in ("bounded", "slice"):
            # The slice sampler looks at every group of the parameter, so nothing moves along.
            shifts = (facts[name].shift or ()) if kernel == "bounded" else ()
            seen = facts[name].groups if kernel == "bounded" else (*facts[name].mean_groups, *facts[name].groups)
            add(kernel, (name,), set(seen), shifts)
    return updates


def _threshold_updates(steps: tuple[ResponseStep, ...]) -> list[Update]:
    drawn = [each for each in steps if each.targets or each.scale]
    if not drawn:
        return []
    names = [name for each in drawn for name in each.thresholds]
    names += [name for each in drawn for name in each.coefficients]
    scaled = [column.variable for each in drawn if each.scale for column, _ in each.scale.columns]
    reason = next(rule.reason for rule in RULES if rule.kernel == "thresholds")
    if any(each.coefficients for each in drawn):
        reason += "; with coefficients of their equations"
    if scaled:
        reason += f" and the scale of {', '.join(repr(name) for name in dict.fromkeys(scaled))}"
    return [Update(tuple(names), "thresholds", tuple(each.response.variable for each in drawn), reason)]


def _with_given(update: Update, given: Mapping[str, str]) -> Update:
    """Say of missing values why they are not integrated out while parameters are drawn."""
    reasons: dict[str, list[str]] = {}
    for name in (each for each in update.targets if each in given):
        reasons.setdefault(given[name], []).append(name)
    if update.kernel != "cells" or not reasons:
        return update
    listed = "; ".join(f"{', '.join(map(repr, names))}: {reason}" for reason, names in reasons.items())
    return replace(update, reason=f"{update.reason}. Parameters are drawn given them: {listed}")


def _marginal_updates(form: Structure, found: tuple[Marginal, ...]) -> list[Update]:
    updates = []
    for each in found:
        latent = ", ".join(f"'{column.variable}'" for column in (*each.latent, *each.cells))
        drawn: list[tuple[str, tuple[str, ...], str]] = [("integrated", block, "") for block in each.blocks]
        for path in each.paths:
            name = "" if path.latent is None else path.latent.variable
            kernel = "scales" if path.weights else "ellipses" if each.cells else "directions"
            drawn.append((kernel, path.parameters, name))
        updates += [
            Update(
                names,
                kernel,
                equations_of(form, set(each.groups)),
                MARGINAL_RULES[kernel].format(latent=latent, column=column),
            )
            for kernel, names, column in drawn
        ]
    return updates
