"""Priors as PyMC lines, declared where a parameter is first needed.

Variances carry the prior. An improper density is written flat, with one visible `pm.Potential` for
what it differs from flat by; every line equals the prior of the resolved model up to a constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from blimp2pymc.blimp.tree import PriorStatement
from blimp2pymc.joint_model.ir import Column, Parameter, ParameterKind, Prior, Term
from blimp2pymc.pymc_source.names import slopes
from blimp2pymc.pymc_source.page import Page, references, sum_text
from blimp2pymc.pymc_source.printer import number, string

SUPPORT: Mapping[ParameterKind, tuple[float, float]] = {
    ParameterKind.RESIDUAL_VARIANCE: (0.0, math.inf),
    ParameterKind.DISPERSION: (0.0, math.inf),
    ParameterKind.CORRELATION: (-1.0, 1.0),
    ParameterKind.TRANSFORMATION: (0.0, 2.0),
}
"""Where a kind of parameter can lie; all others are unrestricted."""


_LINE = (-math.inf, math.inf)


@dataclass(frozen=True)
class Declaration:
    """A scalar variable about to be written: its prior restricted to an interval."""

    variable: str
    prior: Prior
    lower: float
    upper: float
    start: str = ""
    """Text of a starting value, or empty for PyMC's own."""


def declare(page: Page, name: str, outcome: Column | None = None, *, start: str = "") -> None:
    """Write the declaration of a parameter, once, after those its definition refers to.

    `outcome` is the column whose scale the starting values of means and variances are taken from;
    `start` is the text of a starting value.
    """
    parameter = page.model.parameters.get(name)
    if parameter is None or parameter.fixed is not None:
        return
    place = page.names.parameters[name]
    if place.variable in page.declared:
        return
    page.declared.add(place.variable)
    if parameter.definition is not None:
        for each in references(parameter.definition):
            declare(page, each)
        _comment_origin(page, parameter)
        page.deterministic(place.variable, parameter.definition)
        if parameter.kind is ParameterKind.TRANSFORMATION:
            inside = f"({place.variable} > 0) & ({place.variable} < 2)"
            page.call("pm.Potential(", [string(f"{place.variable}_prior"), f"pt.switch({inside}, 0, -np.inf)"])
        return
    if parameter.kind is ParameterKind.THRESHOLD:
        _declare_thresholds(page, name)
        return
    if place.index is not None:
        _declare_slopes(page, name)
        return
    if parameter.prior.source == "user":
        _comment_origin(page, parameter)
    lower, upper = bounds(parameter)
    if not start and (lower, upper) == SUPPORT.get(parameter.kind, _LINE):
        start = _start(page, parameter, outcome)
    write_prior(page, Declaration(place.variable, parameter.prior, lower, upper, start))


def write_prior(page: Page, declared: Declaration) -> None:
    """Write one variable with its prior."""
    PRIORS[declared.prior.distribution](page, declared)


def bounds(parameter: Parameter) -> tuple[float, float]:
    """The interval a parameter lies in: its kind's, narrowed by its prior's."""
    lower, upper = SUPPORT.get(parameter.kind, _LINE)
    return max(lower, parameter.prior.lower), min(upper, parameter.prior.upper)


def _flat(page: Page, declared: Declaration) -> None:
    lower, upper, start = declared.lower, declared.upper, declared.start
    arguments = [string(declared.variable)]
    if math.isfinite(lower) and math.isfinite(upper):
        call = "pm.Uniform"
        arguments += [f"lower={number(lower)}", f"upper={number(upper)}"]
    elif (lower, upper) == (0.0, math.inf):
        call = "pm.HalfFlat"
    elif (lower, upper) == _LINE:
        call = "pm.Flat"
    else:
        call = "pm.Flat"
        interval = ", ".join(number(each) if math.isfinite(each) else "None" for each in (lower, upper))
        arguments.append(f"transform=pm.distributions.transforms.Interval({interval})")
        start = number(lower + 1 if math.isfinite(lower) else upper - 1)
    if start:
        arguments.append(f"initval={start}")
    page.call(f"{declared.variable} = {call}(", arguments)


def _normal(page: Page, declared: Declaration) -> None:
    mean, variance = declared.prior.arguments
    arguments = [string(declared.variable), f"mu={number(mean)}", f"sigma={square_root(variance)}"]
    limits = (("lower", declared.lower), ("upper", declared.upper))
    arguments += [f"{side}={number(each)}" for side, each in limits if math.isfinite(each)]
    call = "pm.Normal" if (declared.lower, declared.upper) == _LINE else "pm.TruncatedNormal"
    page.call(f"{declared.variable} = {call}(", arguments)


def _inverse_gamma(page: Page, declared: Declaration) -> None:
    a, b = declared.prior.arguments
    name = declared.variable
    if a > 0 and b > 0 and (declared.lower, declared.upper) == (0.0, math.inf):
        starting = [f"initval={declared.start}"] if declared.start else []
        arguments = [string(name), f"alpha={number(a)}", f"beta={number(b)}", *starting]
        page.call(f"{name} = pm.InverseGamma(", arguments)
        return
    _flat(page, declared)
    terms = []
    if a != -1:
        factor = "" if abs(a + 1) == 1 else f"{number(abs(a + 1))} * "
        terms.append(("-" if a + 1 > 0 else "+", f"{factor}pt.log({name})"))
    if b != 0:
        terms.append(("-" if b > 0 else "+", f"{number(abs(b))} / {name}"))
    if terms:
        page.call("pm.Potential(", [string(f"{name}_prior"), sum_text(terms)])


def _gamma(page: Page, declared: Declaration) -> None:
    shape, rate = declared.prior.arguments
    _write(page, declared, "Gamma", [f"alpha={number(shape)}", f"beta={number(rate)}"], (0.0, math.inf))


def _beta(page: Page, declared: Declaration) -> None:
    a, b = declared.prior.arguments
    _write(page, declared, "Beta", [f"alpha={number(a)}", f"beta={number(b)}"], (0.0, 1.0))


def _cauchy(page: Page, declared: Declaration) -> None:
    location, scale = declared.prior.arguments
    if (location, declared.lower, declared.upper) == (0.0, 0.0, math.inf):
        _write(page, declared, "HalfCauchy", [f"beta={number(scale)}"], (0.0, math.inf))
    else:
        _write(page, declared, "Cauchy", [f"alpha={number(location)}", f"beta={number(scale)}"], _LINE)


def _write(
    page: Page, declared: Declaration, distribution: str, arguments: list[str], support: tuple[float, float]
) -> None:
    """Write a distribution of PyMC, truncated where the bounds are inside its support."""
    name = declared.variable
    limits = list(zip(("lower", "upper"), (declared.lower, declared.upper), support, strict=True))
    inside = [f"{side}={number(bound)}" for side, bound, end in limits if bound != end and math.isfinite(bound)]
    if inside:
        inner = f"pm.{distribution}.dist({', '.join(arguments)})"
        page.call(f"{name} = pm.Truncated(", [string(name), inner, *inside])
    else:
        page.call(f"{name} = pm.{distribution}(", [string(name), *arguments])


def _uniform(page: Page, declared: Declaration) -> None:
    lower, upper = declared.prior.arguments
    _flat(page, replace(declared, lower=max(declared.lower, lower), upper=min(declared.upper, upper)))


PRIORS: Mapping[str, Callable[[Page, Declaration], None]] = {
    "flat": _flat,
    "normal": _normal,
    "inverse_gamma": _inverse_gamma,
    "uniform": _uniform,
    "gamma": _gamma,
    "beta": _beta,
    "cauchy": _cauchy,
    "block": _flat,
}
"""Distribution of a prior -> how it is written; a block adds its own density to flat members."""


def _declare_slopes(page: Page, name: str) -> None:
    outcome, terms, prefix = _linear_predictor_with(page, name)
    parameters = [parameter for _, parameter in slopes(terms, page.model)]
    variable, dim = page.local(outcome, f"{prefix}coefficient"), page.local(outcome, f"{prefix}term")
    arguments = [string(variable)]
    distribution = parameters[0].prior.distribution
    if distribution == "normal":
        means, variances = zip(*(each.prior.arguments for each in parameters), strict=True)
        arguments.append(f"mu={_one_or_list([number(each) for each in means])}")
        arguments.append(f"sigma={_one_or_list([square_root(each) for each in variances])}")
    call = {"flat": "pm.Flat", "normal": "pm.Normal"}[distribution]
    page.call(f"{variable} = {call}(", [*arguments, f"dims={string(dim)}"])


def _declare_thresholds(page: Page, name: str) -> None:
    """The free thresholds of an outcome as one ordered vector; the first one is 0 and no part of it.

    Their density is that of each threshold by itself, on the region where they increase from 0: flat by default.
    """
    equation = next(each for each in page.model.equations if name in each.thresholds)
    variable = page.names.parameters[name].variable
    [dim] = page.names.dims[variable]
    free = [page.model.parameters[each] for each in equation.thresholds if page.model.parameters[each].is_free]
    prior = free[0].prior
    arguments, call = [string(variable)], "pm.HalfFlat"
    if prior.distribution == "normal":
        arguments.append(f"sigma={square_root(prior.arguments[1])}")
        call = "pm.HalfNormal"
    if len(free) > 1:
        arguments += ["transform=pm.distributions.transforms.ordered", f"initval=np.arange(1, {len(free) + 1})"]
    page.call(f"{variable} = {call}(", [*arguments, f"dims={string(dim)}"])


def _linear_predictor_with(page: Page, name: str) -> tuple[Column, tuple[Term, ...], str]:
    """Outcome, terms, and what the names of their vector begin with."""
    for equation in page.model.equations:
        for terms, prefix in ((equation.terms, ""), (equation.variance_terms, "log_variance_")):
            if any(term.coefficient == name for term in terms):
                return equation.outcome, terms, prefix
    raise KeyError(name)


def _one_or_list(texts: list[str]) -> str:
    return texts[0] if len(set(texts)) == 1 else f"[{', '.join(texts)}]"


def square_root(variance: float) -> str:
    """The standard deviation as a number when that is short, else as `np.sqrt(variance)`."""
    root = math.sqrt(variance)
    return number(root) if root * root == variance and len(number(root)) <= 6 else f"np.sqrt({number(variance)})"


def _start(page: Page, parameter: Parameter, outcome: Column | None) -> str:
    if outcome is None or outcome.variable not in page.model.data or page.is_discrete(outcome.variable):
        return ""
    values = page.local(outcome, "data") if page.is_incomplete(outcome) else page.column(outcome)
    equation = page.model.equation_of.get(outcome)
    if equation is not None and equation.transform is not None:
        return ""
    prefix = "np.nan" if page.is_incomplete(outcome) else "np."
    if parameter.kind is ParameterKind.RESIDUAL_VARIANCE:
        return f"{prefix}var({values})"
    if parameter.kind in (ParameterKind.INTERCEPT, ParameterKind.MEAN) and parameter.prior.distribution == "flat":
        return f"{prefix}mean({values})"
    return ""


def starting_log_variance(page: Page, outcome: Column) -> str:
    """Text of the logarithm of an observed variable's variance; empty for a latent one."""
    if outcome.variable not in page.model.data:
        return ""
    if page.is_incomplete(outcome):
        return f"np.log(np.nanvar({page.local(outcome, 'data')}))"
    return f"np.log(np.var({page.column(outcome)}))"


def _comment_origin(page: Page, parameter: Parameter) -> None:
    """The statements of PARAMETERS that set the parameter or its prior."""
    statements = page.model.script.statements("PARAMETERS") if page.model.script is not None else ()
    for each in statements:
        name = each.label if isinstance(each, PriorStatement) else each.name
        if name == parameter.label and each.span is not None:
            page.comment(each.span.text.rstrip("; ") + ";")
