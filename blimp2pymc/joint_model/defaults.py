"""What the script does not say and Blimp's rules add, with the rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.drafts import INTERCEPT
from blimp2pymc.joint_model.term_names import expression_name, number_name


def default_lines(model: ir.Model) -> list[str]:
    """One line for each rule that added something to the model.

    Parameters
    ----------
    model
        A resolved model.
    """
    found = {rule: dict.fromkeys(find(model)) for rule, find in RULES.items()}
    return [f"{rule}: {', '.join(names)}" for rule, names in found.items() if names]


def _outcomes(model: ir.Model) -> list[ir.Equation]:
    return sorted((each for each in model.equations if each.role is ir.Role.OUTCOME), key=lambda each: each.order)


def _intercepts(model: ir.Model) -> list[str]:
    return [
        each.name
        for each in _outcomes(model)
        if each.name not in model.latent
        if any(term.name == INTERCEPT and term.span == each.span for term in each.terms)
    ]


def _latent_means(model: ir.Model) -> list[str]:
    return [
        each.name
        for each in _outcomes(model)
        if each.name in model.latent and not any(term.name == INTERCEPT for term in each.terms)
    ]


def _first_loadings(model: ir.Model) -> list[str]:
    # A value that the script states has the place of a number, a default that of the item.
    return [
        name
        for name, each in model.parameters.items()
        if each.kind is ir.ParameterKind.LOADING and each.fixed == 1
        if each.span is not None and re.match(r"[^\W\d][^@]*$", each.span.text)
    ]


def _latent_responses(model: ir.Model) -> list[str]:
    return [each.outcome.name for each in _outcomes(model) if each.family == "probit"]


def _references(model: ir.Model) -> list[str]:
    items = model.script.statements("NOMINAL") if model.script is not None else ()
    stated = {expression_name(item.expression) for item in items if item.reference is not None}
    return [
        f"{name} ({number_name(each.reference)})"
        for name, each in model.variables.items()
        if each.reference is not None and name not in stated
    ]


def _variances(model: ir.Model) -> list[str]:
    if model.settings.prior_family != 2 or model.settings.priors != "blimp":
        return []
    variances = {each.name: model.parameters.get(each.residual_variance or "") for each in _outcomes(model)}
    return [name for name, each in variances.items() if each is not None and _has_default_prior(each)]


def _weak_coefficients(model: ir.Model) -> list[str]:
    weak = ("probit", "logit", "multinomial_probit", "negative_binomial")
    return [
        each.name
        for each in sorted(model.equations, key=lambda each: each.order)
        if each.family in weak and any(_has_default_prior(model.parameters[term.coefficient]) for term in each.terms)
    ] if model.settings.priors == "blimp" else []  # fmt: skip


def _has_default_prior(parameter: ir.Parameter) -> bool:
    return parameter.is_free and parameter.prior.source != "user"


RULES: Mapping[str, Callable[[ir.Model], list[str]]] = {
    "intercepts, since measured outcomes have one unless it is fixed (1@0)": _intercepts,
    "mean 0, since latent variables have no intercept unless one is asked for (~ 1)": _latent_means,
    "loadings fixed at 1, since the first item behind '->' sets the scale of its factor": _first_loadings,
    "residual variance 1 and first threshold 0, which set the scale of latent responses": _latent_responses,
    "reference category, the lowest code": _references,
    "flat priors of residual variances and covariances, as in PRIOR2": _variances,
    "coefficients normal(0, variance 5), since the outcome has categories or is a count": _weak_coefficients,
}
"""What was added and by which rule -> the names it was added to."""
