"""Warnings about latent variables: unused ones, and those whose scale, sign or variance nothing in the model tells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.ranges import listed_names
from blimp2pymc.errors import Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in, parameters_in

MUCH_ALIKE = 0.8
"""Spellings at least this similar may be meant to be the same."""

Warnings = Iterator[tuple[str, Span | None, str]]


def _idle_latent(model: ir.Model) -> Warnings:
    if model.script is None:
        return
    for item in listed_names(each for group in model.script.statements("LATENT") for each in group.items):
        if item.name not in model.variables:
            yield f"'{item.name}' is LATENT, but is not in MODEL", item.span, f"leave '{item.name}' out of LATENT"


def _latent_scale(model: ir.Model) -> Warnings:
    """A factor whose variance and coefficients are all free can be stretched at will."""
    holding = _terms_holding(model)
    for name in model.latent:
        equation = model.equation_of[ir.Column(name)]
        if equation.residual_variance is None or not model.parameters[equation.residual_variance].is_free:
            continue
        terms = [*equation.terms, *(term for _, term in holding.get(name, ()))]
        if not any(_is_fixed(model, term) for term in terms):
            yield (f"nothing sets the scale of the latent variable '{name}': its variance and its loadings are free",
                   equation.span, f"{name}@1, or a first loading without '@'")  # fmt: skip


def _latent_sign(model: ir.Model) -> Warnings:
    """A factor whose scale its variance fixes, and whose loadings nothing keeps on one side of zero."""
    holding = _terms_holding(model)
    for name in model.latent:
        equation = model.equation_of[ir.Column(name)]
        if equation.residual_variance is None or model.parameters[equation.residual_variance].is_free:
            continue
        terms = [term for _, term in holding.get(name, ())]
        terms += [term for term in equation.terms if columns_in(term.expression)]
        if not any(_is_fixed(model, term) or _has_side(model.parameters[term.coefficient]) for term in terms):
            yield (f"no loading of the latent variable '{name}' has a fixed or bounded value: its sign is left open",
                   equation.span, "a label on one loading, and PARAMETERS: label ~ truncate(0, Inf);")  # fmt: skip


def _has_side(parameter: ir.Parameter) -> bool:
    """Whether a parameter's sign means something: by its bounds, a proper prior, or a definition."""
    prior = parameter.prior
    return parameter.definition is not None or prior.lower >= 0 or prior.upper <= 0 or prior.source == "user"


def _is_fixed(model: ir.Model, term: ir.Term) -> bool:
    """Whether a term has a coefficient that is stated: a number, or what PARAMETERS sets it to (`l1 = 3 - l2 - l3`)."""
    parameter = model.parameters[term.coefficient]
    is_stated = parameter.definition is not None or (parameter.fixed is not None and parameter.fixed != 0.0)
    return is_stated and bool(columns_in(term.expression))


def _terms_holding(model: ir.Model, *, of_variances: bool = False) -> Mapping[str, list[tuple[ir.Equation, ir.Term]]]:
    """Variable -> the terms that hold it, with their equations: of means, or of log variances."""
    found: dict[str, list[tuple[ir.Equation, ir.Term]]] = {}
    for equation in model.equations:
        for term in equation.variance_terms if of_variances else equation.terms:
            for name in dict.fromkeys(column.variable for column in columns_in(term.expression)):
                found.setdefault(name, []).append((equation, term))
    return found


def parameters_in_use(model: ir.Model) -> set[str]:
    """Parameters that the model says more of than where they stand."""
    terms = [term for each in model.equations for term in (*each.terms, *each.variance_terms)]
    used = {name for term in terms for name in parameters_in(term.expression)}
    for quantity in model.quantities:
        used |= parameters_in(quantity.expression)
    for test in model.wald_tests:
        used = used.union(*(parameters_in(each) for each in test.contrasts))
    for effect in model.simple_effects:
        used |= parameters_in(effect.focal)
    for parameter in model.parameters.values():
        if parameter.definition is not None:
            used |= {*parameters_in(parameter.definition), parameter.name}
        if parameter.prior.source == "user":
            used.add(parameter.name)
    return used


def _labels_like_latent(model: ir.Model) -> Warnings:
    """`1@eta_icpt` is a label where no variable has that name, and `1@eta_icept` would be the variable."""
    used = parameters_in_use(model)
    for name, parameter in model.parameters.items():
        is_coefficient = parameter.kind in (ir.ParameterKind.INTERCEPT, ir.ParameterKind.SLOPE)
        if not parameter.label or name in used or not is_coefficient:
            continue
        near = nearest(name, model.latent, MUCH_ALIKE)
        parts = re.split(r"[_.]", name)
        if near and re.sub(r"[0-9]", "", near) != re.sub(r"[0-9]", "", name) and not set(near.split("_")) <= set(parts):
            yield (f"'{name}' is a new label, and almost the name of the latent variable '{near}'", parameter.span,
                   f"@{near}, if the variable is meant")  # fmt: skip


def _single_indicator(model: ir.Model) -> Warnings:
    """A factor that one continuous outcome alone depends on: nothing divides its variance from the outcome's."""
    in_means, in_variances = _terms_holding(model), _terms_holding(model, of_variances=True)
    for name in model.latent:
        own, uses = model.equation_of[ir.Column(name)], in_means.get(name, ())
        if len(uses) != 1 or any(user is not uses[0][0] for user, _ in in_variances.get(name, ())):
            continue
        ((user, term),) = uses
        if ir.Column(name) in model.block_of or own.variance_terms or user.family != "normal":
            continue
        if term.expression != ir.Column(name) or user.name in model.latent:
            continue
        variances = [each.residual_variance for each in (own, user)]
        free = [each is not None and model.parameters[each].is_free for each in variances]
        if free[1] and (free[0] or model.parameters[term.coefficient].is_free):
            yield (f"'{user.name}' alone depends on the latent variable '{name}', so the data do not tell the "
                   "variances of the two apart", term.span or own.span,
                   f"further indicators of '{name}'")  # fmt: skip


def _two_indicators(model: ir.Model) -> Warnings:
    """A factor that two continuous outcomes alone tell of: one covariance cannot give its variance and a loading."""
    in_means, in_variances = _terms_holding(model), _terms_holding(model, of_variances=True)
    for name in model.latent:
        own, uses = model.equation_of[ir.Column(name)], in_means.get(name, ())
        outcomes = dict.fromkeys(user.name for user, _ in uses)
        if len(uses) != 2 or len(outcomes) != 2 or name in in_variances or ir.Column(name) in model.block_of:
            continue
        if any(columns_in(term.expression) for term in own.terms) or own.variance_terms or own.transform is not None:
            continue
        if any(user.family != "normal" or term.expression != ir.Column(name) for user, term in uses):
            continue
        parameters = {own.residual_variance or "", *(term.coefficient for _, term in uses)}
        parameters |= {user.residual_variance or "" for user, _ in uses}
        if sum(model.parameters[each].is_free for each in parameters if each) == 4 and not any(
            model.parameters[each].prior.source == "user" for each in parameters if each
        ):
            first, second = outcomes
            yield (f"'{first}' and '{second}' alone depend on the latent variable '{name}', which gives one covariance "
                   "for its variance and a loading", own.span,
                   f"both loadings @1, a third indicator, or '~~' of '{name}' with another factor")  # fmt: skip


def _flat_covariances(model: ir.Model) -> Warnings:
    """Outcomes of the same two correlated factors: flat priors leave no finite integral at a correlation of 1.

    With d the part of g's variance that f leaves, a coefficient of that part is c/sqrt(d) for an effect c that the data
    tell, so that k outcomes leave the integral of d^(-k/2) at 0, which is infinite from k = 2 on.
    """
    for block in model.blocks:
        latent = [each for each in block.members if each.variable in model.latent]
        if any(block.scale) or block.role is not ir.Role.OUTCOME:
            continue
        pairs = [(f, g) for place, f in enumerate(latent) for g in latent[place + 1 :]]
        for pair in pairs:
            variances = [model.equation_of[each].residual_variance for each in pair]
            if not all(each is not None and model.parameters[each].is_free for each in variances):
                continue
            outcomes = [each for each in model.equations if _has_flat_slopes(model, each, pair)]
            if len(outcomes) > 1:
                names = [f"'{each.name}'" for each in outcomes]
                listed = f"{', '.join(names[:-1])} and {names[-1]}"
                f, g = (each.variable for each in pair)
                yield (f"{listed} are regressed on both '{f}' and '{g}', whose covariance matrix has a flat prior: "
                       "there is no proper posterior near a correlation of 1, and chains that come there end; see the "
                       f"estimate of the correlation of '{f}' and '{g}'", outcomes[-1].span,
                       "OPTIONS: prior1; or normal priors of the coefficients in PARAMETERS")  # fmt: skip


def _has_flat_slopes(model: ir.Model, equation: ir.Equation, columns: tuple[ir.Column, ...]) -> bool:
    slopes = {term.expression: model.parameters[term.coefficient] for term in equation.terms}
    return all(column in slopes and slopes[column].is_free and slopes[column].prior.distribution == "flat"
               for column in columns)  # fmt: skip


LATENT_WARNINGS: Mapping[str, Callable[[ir.Model], Warnings]] = {
    "idle-latent": _idle_latent,
    "latent-scale": _latent_scale,
    "latent-sign": _latent_sign,
    "single-indicator": _single_indicator,
    "two-indicators": _two_indicators,
    "flat-covariance": _flat_covariances,
    "label-like-latent": _labels_like_latent,
}
"""Code -> what finds it."""
