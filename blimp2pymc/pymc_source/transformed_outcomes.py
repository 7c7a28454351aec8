"""Transformed outcomes as PyMC lines: `ln(y+1) ~` and `yjt(y) ~`.

The equation states a normal distribution of the transformed value. Missing values are random variables on that
scale and turned back; observed ones enter as transformed data, or, where the transform has a parameter, with
their own density.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from blimp2pymc.joint_model.ir import Column, Equation, Transform
from blimp2pymc.pymc_source.covariances import needed_by_block
from blimp2pymc.pymc_source.facts import used_later
from blimp2pymc.pymc_source.page import Page
from blimp2pymc.pymc_source.printer import Text, Vocabulary, number, string, write_expression
from blimp2pymc.pymc_source.priors import declare

YEO_JOHNSON = '''def yeo_johnson(value, power):
    """Yeo-Johnson transform, without normalisation."""
    size = pt.log1p(pt.abs(value))
    return pt.switch(pt.ge(value, 0), pt.expm1(power * size) / power, -pt.expm1((2 - power) * size) / (2 - power))
'''

INVERSE = '''def inverse_yeo_johnson(value, power):
    """The number whose Yeo-Johnson transform is `value`."""
    up = pt.expm1(pt.log1p(power * pt.maximum(value, 0)) / power)
    down = pt.expm1(pt.log1p((2 - power) * pt.maximum(-value, 0)) / (2 - power))
    return pt.switch(pt.ge(value, 0), up, -down)
'''

LOG_DENSITY = '''def yeo_johnson_logp(value, mean, sd, power):
    """Log density of a number whose Yeo-Johnson transform is normal."""
    log_derivative = (power - 1) * pt.sign(value) * pt.log1p(pt.abs(value))
    return pm.logp(pm.Normal.dist(mean, sd), yeo_johnson(value, power)) + log_derivative
'''

NUMPY = {"pt.exp(": "np.exp(", "pt.log(": "np.log(", "pt.sqrt(": "np.sqrt(", "pt.abs(": "np.abs("}
"""Functions that numpy has too, for data."""


def function_definitions(text: str) -> list[str]:
    """Definitions of the functions a text calls, each after those it calls itself."""
    wanted = [each for each in (INVERSE, LOG_DENSITY) if re.search(rf"\b{_name(each)}\b", text)]
    if LOG_DENSITY in wanted or re.search(r"\byeo_johnson\(", text):
        wanted.insert(0, YEO_JOHNSON)
    return wanted


def write_transformed_data(page: Page) -> None:
    """Outcomes on the scale of their equations, as arrays of data: `y_transformed_data = np.log(y_data + 1)`."""
    for equation in page.model.equations:
        transform = equation.transform
        if transform is None or equation.name not in page.model.data:
            continue
        name = data_on_scale(page, equation)
        if transform.expression != equation.outcome:
            page.line(f"{name} = {_as_data(page, transform, equation.outcome)}")


def data_on_scale(page: Page, equation: Equation) -> str:
    """Name of an outcome's data on the scale of its equation; with Yeo-Johnson, of what is inside."""
    outcome, transform = equation.outcome, equation.transform
    plain = page.local(outcome, "data") if page.is_incomplete(outcome) else page.column(outcome)
    if transform is None or transform.expression == outcome:
        return plain
    if transform.function == "yjt":
        return page.local(outcome, "argument")
    return page.local(equation.scale, "data") if page.is_incomplete(outcome) else page.column(equation.scale)


@dataclass(frozen=True)
class TransformedLaw:
    """Mean and standard deviation of a transformed outcome, and whether they differ between rows."""

    mean: str
    mean_is_by_row: bool
    deviation: str
    deviation_is_by_row: bool

    def at(self, rows: str) -> list[str]:
        """Both for some rows; an empty text is all rows."""
        pairs = ((self.mean, self.mean_is_by_row), (self.deviation, self.deviation_is_by_row))
        return [f"{text}[{rows}]" if rows and by_row else text for text, by_row in pairs]


def write_transformed_cells(page: Page, equation: Equation, law: TransformedLaw) -> None:
    """Write the observed and the missing cells of a transformed outcome."""
    outcome, transform = equation.outcome, equation.transform
    assert transform is not None
    if transform.parameter is not None:
        declare(page, transform.parameter)
    if outcome.variable in page.model.latent:
        _write_missing(page, equation, law, "", '"row"')
        return
    if not page.is_incomplete(outcome):
        _write_observed(page, equation, law, "")
        if needed_by_block(page, outcome) and transform.function == "yjt":
            power = page.parameter(_power(transform)).code
            page.line(f"{page.column(equation.scale)} = yeo_johnson({data_on_scale(page, equation)}, {power})")
        return
    mask = page.local(outcome, "is_missing")
    _write_missing(page, equation, law, mask, string(page.local(outcome, "missing_row")))
    _write_observed(page, equation, law, f"~{mask}")
    if outcome in used_later(page.model):
        _write_joined(page, page.column(outcome), mask, page.local(outcome, "missing"), page.local(outcome, "data"))
    if needed_by_block(page, outcome):
        values = data_on_scale(page, equation)
        if transform.function == "yjt":
            values = f"yeo_johnson(np.nan_to_num({values}), {page.parameter(_power(transform)).code})"
        _write_joined(page, page.column(equation.scale), mask, page.names.drawn[outcome.variable], values)


def _write_joined(page: Page, column: str, mask: str, missing: str, observed: str) -> None:
    """A column of observed and missing values, each missing one taken from its place among the missing ones.

    They are not set into the data, as where they are variables of the graph: PyTensor 3.3.7 may fuse the computation
    of values with setting them and with the gradient of other reads at these places, and adds them to the NaN there.
    """
    page.call(f"{column} = pt.where(", [mask, f"{missing}[np.cumsum({mask}) - 1]", observed])


def _write_missing(page: Page, equation: Equation, law: TransformedLaw, rows: str, dim: str) -> None:
    outcome, transform = equation.outcome, equation.transform
    assert transform is not None
    assert transform.inverse is not None, "an outcome with missing values has an inverse"
    drawn, missing = page.names.drawn[outcome.variable], page.names.missing[outcome.variable]
    if transform.is_bounded and not something_depends_on(page, outcome):
        limits = zip(("lower", "upper"), (transform.lower, transform.upper), strict=True)
        ends = [f"{name}={number(each)}" for name, each in limits if math.isfinite(each)]
        page.call(f"{drawn} = pm.TruncatedNormal(", [string(drawn), *law.at(rows), *ends, f"dims={dim}"])
    elif transform.is_bounded:
        _write_bounded(page, drawn, transform, dim)
        density = f"pm.logp(pm.Normal.dist({', '.join(law.at(rows))}), {drawn})"
        page.call("pm.Potential(", [string(page.local(outcome, "missing_density")), density])
    else:
        page.call(f"{drawn} = pm.Normal(", [string(drawn), *law.at(rows), f"dims={dim}"])
    page.shorthand[equation.scale] = Text(drawn)
    text = page.expression(transform.inverse).code
    del page.shorthand[equation.scale]
    page.call(f"{missing} = pm.Deterministic(", [string(missing), text, f"dims={dim}"])


def something_depends_on(page: Page, outcome: Column) -> bool:
    """Whether other equations hold an outcome, or residuals correlated with its own."""
    block = page.model.block_of.get(outcome)
    return outcome in used_later(page.model) or (block is not None and len(block.members) > 1)


def _write_bounded(page: Page, name: str, transform: Transform, dim: str) -> None:
    lower, upper = transform.lower, transform.upper
    if math.isfinite(lower) and math.isfinite(upper):
        page.call(f"{name} = pm.Uniform(", [string(name), number(lower), number(upper), f"dims={dim}"])
    elif lower == 0:
        page.call(f"{name} = pm.HalfFlat(", [string(name), f"dims={dim}"])
    else:
        ends = ", ".join(number(each) if math.isfinite(each) else "None" for each in (lower, upper))
        interval = f"transform=pm.distributions.transforms.Interval({ends})"
        start = number(lower + 1 if math.isfinite(lower) else upper - 1)
        page.call(f"{name} = pm.Flat(", [string(name), interval, f"initval={start}", f"dims={dim}"])


def _write_observed(page: Page, equation: Equation, law: TransformedLaw, rows: str) -> None:
    outcome, transform = equation.outcome, equation.transform
    assert transform is not None
    name = page.local(outcome, "observed") if rows else page.column(outcome)
    dim = string(page.local(outcome, "observed_row")) if rows else '"row"'
    data = data_on_scale(page, equation) + (f"[{rows}]" if rows else "")
    if transform.function == "yjt":
        power = page.parameter(_power(transform)).code
        arguments = [string(name), *law.at(rows), power, "logp=yeo_johnson_logp", f"observed={data}", f"dims={dim}"]
        page.call("pm.CustomDist(", arguments)
    else:
        page.call("pm.Normal(", [string(name), *law.at(rows), f"observed={data}", f"dims={dim}"])


def _as_data(page: Page, transform: Transform, outcome: Column) -> str:
    """The transform of a data array as numpy text."""
    data = page.local(outcome, "data") if page.is_incomplete(outcome) else page.column(outcome)
    code = write_expression(
        transform.expression, Vocabulary(lambda _: data, page.parameter, page.implied, page.fixed, {})
    ).code
    for function, in_numpy in NUMPY.items():
        code = re.sub(rf"\b{re.escape(function)}", in_numpy, code)
    return code if not re.search(r"\b(pt|pm)\.", code) else f"({code}).eval()"


def _power(transform: Transform) -> str:
    assert transform.parameter is not None
    return transform.parameter


def _name(definition: str) -> str:
    return definition[len("def ") : definition.index("(")]
