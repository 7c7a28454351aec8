"""What PARAMETERS states about priors: `k ~ normal(1, .25); k ~ truncate(0, 2);`.

Blimp has `normal` and `truncate`. The others here are extensions, and a note says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.errors import BlimpError, Finding, collected, error
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.expressions import resolve_expression
from blimp2pymc.joint_model.priors import VARIANCE

type Arguments = tuple[float, float]


@dataclass(frozen=True)
class Distribution:
    """A prior that PARAMETERS may state."""

    form: str
    """As the user writes it."""
    read: Callable[[ir.Prior, ir.ParameterKind, Arguments], ir.Prior]
    """The prior with this density; it keeps the bounds."""
    mistake: Callable[[float, float], str]
    """What is wrong with the arguments, or nothing."""
    support: tuple[float, float] = (-np.inf, np.inf)
    is_density: bool = True
    """Whether it replaces the default density (and does not only bound it)."""
    in_blimp: bool = False


def with_user_priors(
    parameters: Mapping[str, ir.Parameter], statements: Iterable[tree.PriorStatement], findings: list[Finding]
) -> dict[str, ir.Parameter]:
    """Put the priors of PARAMETERS in place of the defaults.

    Several statements for one label combine: one density, and any number of bounds.

    Parameters
    ----------
    parameters
        All parameters of MODEL by name.
    statements
        Prior statements whose label is one of them.
    findings
        Mistakes, and notes on extensions, are added here.
    """
    changed = dict(parameters)
    densities: dict[str, str] = {}
    for each in statements:
        try:
            distribution, arguments = _read(each)
            if distribution.is_density and each.label in densities:
                earlier = densities[each.label]
                raise error(f"'{each.label}' has two priors, {earlier} and {each.distribution}", each.span,
                            "one density; truncate(lower, upper) adds bounds to it", "two-priors")  # fmt: skip
            if distribution.is_density:
                densities[each.label] = each.distribution
            changed[each.label] = _with_prior(changed[each.label], distribution, arguments, each)
        except BlimpError as mistake:
            findings.extend(mistake.findings)
            continue
        if not distribution.in_blimp:
            findings.append(Finding(
                f"the prior {distribution.form} of '{each.label}' is an extension; Blimp knows normal() and truncate()",
                each.span, code="extension", severity="note"))  # fmt: skip
    return changed


def _read(statement: tree.PriorStatement) -> tuple[Distribution, Arguments]:
    distribution = DISTRIBUTIONS.get(statement.distribution.lower())
    span = statement.distribution_span or statement.span
    if distribution is None:
        near = nearest(statement.distribution, DISTRIBUTIONS)
        raise error(f"there is no prior '{statement.distribution}'", span,
                    DISTRIBUTIONS[near].form if near else f"one of {FORMS}", "unknown-prior")  # fmt: skip
    if len(statement.arguments) != 2:
        raise error(f"'{statement.distribution}' takes two numbers, not {len(statement.arguments)}", span,
                    distribution.form, "bad-prior")  # fmt: skip
    first, second = (_number(each, distribution) for each in statement.arguments)
    mistake = distribution.mistake(first, second)
    if mistake:
        raise error(mistake, span, distribution.form, "bad-prior")
    return distribution, (first, second)


def check_prior(statement: tree.PriorStatement, findings: list[Finding]) -> None:
    """Add what is wrong with a prior itself, whatever its label is."""
    with collected(findings):
        _read(statement)


def _with_prior(
    parameter: ir.Parameter, distribution: Distribution, arguments: Arguments, statement: tree.PriorStatement
) -> ir.Parameter:
    kind_lower, kind_upper = RANGES.get(parameter.kind, (-np.inf, np.inf))
    prior = distribution.read(parameter.prior, parameter.kind, arguments)
    lower, upper = prior.lower, prior.upper
    # The support is a bound only where the parameter could lie outside it.
    if distribution.support[0] > kind_lower:
        lower = max(lower, distribution.support[0])
    if distribution.support[1] < kind_upper:
        upper = min(upper, distribution.support[1])
    if not max(lower, kind_lower) < min(upper, kind_upper):
        inside = f" of a {parameter.kind.value}" if lower < upper else ""
        raise error(f"the bounds of '{parameter.name}' leave no room for the values{inside}", statement.span,
                    "bounds with the lower one below the upper one", "bad-prior")  # fmt: skip
    return replace(parameter, prior=replace(prior, lower=lower, upper=upper, source="user"))


# ---------------------------------------------------------------- the distributions


def _density(name: str) -> Callable[[ir.Prior, ir.ParameterKind, Arguments], ir.Prior]:
    return lambda prior, _kind, arguments: replace(prior, distribution=name, arguments=arguments)


def _normal(prior: ir.Prior, kind: ir.ParameterKind, arguments: Arguments) -> ir.Prior:
    if np.isinf(arguments[1]):
        return _flat(prior, kind)
    return replace(prior, distribution="normal", arguments=arguments)


def _truncated(prior: ir.Prior, _kind: ir.ParameterKind, bounds: Arguments) -> ir.Prior:
    return replace(prior, lower=max(prior.lower, bounds[0]), upper=min(prior.upper, bounds[1]))


def _uniform(prior: ir.Prior, kind: ir.ParameterKind, bounds: Arguments) -> ir.Prior:
    return _flat(_truncated(prior, kind, bounds), kind)


def _flat(prior: ir.Prior, kind: ir.ParameterKind) -> ir.Prior:
    # Flat on a variance is an inverse gamma too, which keeps its exact draw.
    flat = VARIANCE[2] if kind is ir.ParameterKind.RESIDUAL_VARIANCE else ir.FLAT
    return replace(prior, distribution=flat.distribution, arguments=flat.arguments)


def _both_positive(first: float, second: float) -> str:
    fine = 0 < first < np.inf and 0 < second < np.inf
    return "" if fine else f"both numbers are positive and finite, not {first:g} and {second:g}"


def _normal_mistake(mean: float, variance: float) -> str:
    if not np.isfinite(mean):
        return "the mean of a normal prior is finite"
    return "" if variance > 0 else f"the variance of a normal prior is positive, not {variance:g}"


def _cauchy_mistake(location: float, scale: float) -> str:
    if not np.isfinite(location):
        return "the location of a Cauchy prior is finite"
    return "" if 0 < scale < np.inf else f"the scale of a Cauchy prior is positive and finite, not {scale:g}"


def _inverse_gamma_mistake(a: float, b: float) -> str:
    if not np.isfinite(a):
        return "the first number of an inverse gamma prior is finite"
    return "" if 0 <= b < np.inf else f"the second number of an inverse gamma prior is not negative, as {b:g} is"


def _bounds_mistake(lower: float, upper: float) -> str:
    fine = lower < upper
    return "" if fine else "the bounds of the prior leave no room: the lower one is not below the upper one"


NORMAL = Distribution("normal(mean, variance)", _normal, _normal_mistake, in_blimp=True)
TRUNCATE = Distribution("truncate(lower, upper)", _truncated, _bounds_mistake, is_density=False, in_blimp=True)
INVERSE_GAMMA = Distribution("invgamma(a, b)", _density("inverse_gamma"), _inverse_gamma_mistake, (0.0, np.inf))

DISTRIBUTIONS: Mapping[str, Distribution] = {
    "normal": NORMAL,
    "truncate": TRUNCATE,
    "trunc": TRUNCATE,
    "uniform": Distribution("uniform(lower, upper)", _uniform, _bounds_mistake),
    "gamma": Distribution("gamma(shape, rate)", _density("gamma"), _both_positive, (0.0, np.inf)),
    "invgamma": INVERSE_GAMMA,
    "inverse_gamma": INVERSE_GAMMA,
    "beta": Distribution("beta(a, b)", _density("beta"), _both_positive, (0.0, 1.0)),
    "cauchy": Distribution("cauchy(location, scale)", _density("cauchy"), _cauchy_mistake),
}
"""Name in a script, without regard to case -> what it means."""

FORMS = ", ".join(dict.fromkeys(each.form for each in DISTRIBUTIONS.values()))

RANGES: Mapping[ir.ParameterKind, tuple[float, float]] = {
    ir.ParameterKind.RESIDUAL_VARIANCE: (0.0, np.inf),
    ir.ParameterKind.CORRELATION: (-1.0, 1.0),
}
"""Where a kind of parameter lies by itself."""


def _number(expression: tree.Expression, distribution: Distribution) -> float:
    """The number an argument stands for, which may be computed: `2^2`."""

    def lookup(node: tree.Name | tree.ParameterName | tree.AtLevel) -> ir.Expression:
        if isinstance(node, tree.Name) and node.name.lower() in ("inf", "infinity"):
            return ir.Constant(np.inf)
        raise error("a prior takes numbers, no names", node.span, distribution.form, "bad-prior")

    value = float(evaluate(resolve_expression(expression, lookup), {}))
    if np.isnan(value):
        raise error("this argument of the prior has no value", expression.span, distribution.form, "bad-prior")
    return value
