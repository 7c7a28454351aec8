"""Priors: the defaults as a table, and what PARAMETERS states instead.

`inverse_gamma` (a, b) has density proportional to v^(-a-1) exp(-b/v); an inverse Wishart (S, d) on a
p x p matrix has density proportional to |T|^(-(d+p+1)/2) exp(-tr(S T^-1)/2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from blimp2pymc.blimp import tree
from blimp2pymc.errors import BlimpError, Finding, error
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.refusals import refuse

VARIANCE: Mapping[int, ir.Prior] = {
    1: ir.Prior("inverse_gamma", (1.0, 0.5)),
    2: ir.Prior("inverse_gamma", (-1.0, 0.0)),
    3: ir.Prior("inverse_gamma", (0.0, 0.0)),
}
"""Residual variances by prior family: PRIOR1; PRIOR2, flat on the variance; PRIOR3, flat on its logarithm."""

COVARIANCE: Mapping[int, tuple[float, Callable[[int], float]]] = {
    1: (1.0, lambda p: p + 1.0),
    2: (0.0, lambda p: -(p + 1.0)),
    3: (0.0, lambda p: 0.0),
}
"""Covariance matrices of `~~` by prior family: diagonal of the scale matrix, degrees of freedom for p members."""

PREDICTOR_COVARIANCE: tuple[float, Callable[[int], float]] = (1.0, lambda p: 3.0 - p)
"""XPRIOR1, the joint model of predictors: for a single one this is the inverse gamma (1, .5)."""

PREDICTOR_VARIANCE = ir.Prior("inverse_gamma", (1.0, 0.5))
"""A single modelled predictor, and the Means Model of a centered outcome."""

COEFFICIENT = ir.FLAT
"""Intercepts, slopes, loadings and means of normal equations."""

IN_BLOCK = ir.Prior("block")
"""Variances and correlations that a joint block draws together."""

PROPER_WIDTH = 10.0
"""priors="proper": a coefficient has this many standard deviations of outcome per one of the predictor."""


# ---------------------------------------------------------------- priors stated by the user


def with_user_priors(
    parameters: dict[str, ir.Parameter],
    statements: tuple[tree.PriorStatement, ...],
    in_blocks: frozenset[str],
    findings: list[Finding],
) -> dict[str, ir.Parameter]:
    """Put the priors of PARAMETERS in place of the defaults.

    Several statements for one label combine: `k ~ normal(1, .25); k ~ truncate(0, 2);`.

    Parameters
    ----------
    parameters
        All parameters of MODEL by name.
    statements
        Prior statements whose label is one of them.
    in_blocks
        Variances and correlations that a joint block owns.
    findings
        Mistakes and refusals are added here.
    """
    changed = dict(parameters)
    for each in statements:
        parameter = changed[each.label]
        if each.label in in_blocks:
            findings.append(refuse("block-prior", each.span, name=each.label))
            continue
        reader = DISTRIBUTIONS.get(each.distribution.lower())
        if reader is None:
            findings.append(Finding(
                f"there is no prior '{each.distribution}'", each.span,
                "normal(mean, variance) or truncate(lower, upper)", "unknown-prior"))  # fmt: skip
            continue
        try:
            changed[each.label] = replace(parameter, prior=reader(parameter, each))
        except BlimpError as mistake:
            findings.extend(mistake.findings)
    return changed


def _normal(parameter: ir.Parameter, statement: tree.PriorStatement) -> ir.Prior:
    mean, variance = _numbers(statement, "normal(mean, variance)")
    if not variance > 0:
        raise error(f"the variance of a normal prior is positive, not {variance:g}", statement.span,
                    "normal(mean, variance)", "bad-prior")  # fmt: skip
    if _is_variance(parameter):
        raise _refused(statement, "truncate(lower, upper) or invgamma(a, b) for a variance")
    return replace(parameter.prior, distribution="normal", arguments=(mean, variance), source="user")


def _truncate(parameter: ir.Parameter, statement: tree.PriorStatement) -> ir.Prior:
    lower, upper = _numbers(statement, "truncate(lower, upper)")
    lower, upper = max(lower, parameter.prior.lower), min(upper, parameter.prior.upper)
    if not lower < upper:
        raise error("the bounds of the prior leave no room: the lower one is not below the upper one", statement.span,
                    "truncate(lower, upper)", "bad-prior")  # fmt: skip
    if _is_variance(parameter) and upper <= 0:
        raise error("a variance is positive, so its upper bound must be too", statement.span, code="bad-prior")
    return replace(parameter.prior, lower=lower, upper=upper, source="user")


def _uniform(parameter: ir.Parameter, statement: tree.PriorStatement) -> ir.Prior:
    """A flat density between two bounds, for a variance as for a coefficient."""
    bounded = _truncate(parameter, statement)
    flat = VARIANCE[2] if _is_variance(parameter) else ir.FLAT
    return replace(bounded, distribution=flat.distribution, arguments=flat.arguments)


def _inverse_gamma(parameter: ir.Parameter, statement: tree.PriorStatement) -> ir.Prior:
    shape, rate = _numbers(statement, "invgamma(a, b)")
    if not _is_variance(parameter):
        raise error("an inverse gamma prior is for variances", statement.span, "normal(mean, variance)", "bad-prior")
    return replace(parameter.prior, distribution="inverse_gamma", arguments=(shape, rate), source="user")


def _not_sampled(parameter: ir.Parameter, statement: tree.PriorStatement) -> ir.Prior:
    raise _refused(statement, "normal(mean, variance), truncate(lower, upper), uniform(lower, upper), invgamma(a, b)")


DISTRIBUTIONS: Mapping[str, Callable[[ir.Parameter, tree.PriorStatement], ir.Prior]] = {
    "normal": _normal,
    "truncate": _truncate,
    "trunc": _truncate,
    "uniform": _uniform,
    "invgamma": _inverse_gamma,
    "gamma": _not_sampled,
    "beta": _not_sampled,
    "cauchy": _not_sampled,
}
"""Blimp's priors, `normal` and `truncate`, and our extensions `uniform`, `invgamma`; the rest is refused by name."""


def _refused(statement: tree.PriorStatement, hint: str) -> BlimpError:
    name = f"{statement.distribution}() of '{statement.label}'"
    return BlimpError(refuse("prior-distribution", statement.span, name=name, hint=hint))


def _is_variance(parameter: ir.Parameter) -> bool:
    return parameter.kind is ir.ParameterKind.RESIDUAL_VARIANCE


def _numbers(statement: tree.PriorStatement, form: str) -> tuple[float, float]:
    values = [_number(each) for each in statement.arguments]
    if len(values) != 2 or any(value is None for value in values):
        raise error(f"'{statement.distribution}' takes two numbers", statement.span, form, "bad-prior")
    return float(values[0]), float(values[1])  # type: ignore[arg-type]


def _number(expression: tree.Expression) -> float | None:
    match expression:
        case tree.Number(value):
            return value
        case tree.Name(name) if name.lower() in ("inf", "infinity"):
            return np.inf
        case tree.Operation("neg" | "-", (operand,)):
            positive = _number(operand)
            return None if positive is None else -positive
        case tree.Operation("+", (operand,)):
            return _number(operand)
    return None
