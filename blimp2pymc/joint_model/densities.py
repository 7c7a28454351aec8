"""What follows from the linear predictor of an outcome with categories, in words or LaTeX.

The part of a formula that a normal outcome does not have: cuts of a latent response, odds, counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.term_names import number_name

if TYPE_CHECKING:
    from blimp2pymc.joint_model.formulas import Formulas


def latent_response(formulas: Formulas, column: ir.Column) -> str:
    """Name of the normal variable whose cuts are the categories: `y.latent`, or y* in LaTeX."""
    name = formulas.variable(column)
    return f"{name}^*" if formulas.latex else f"{name}.latent"


def cut(formulas: Formulas, equation: ir.Equation, symbols: Mapping[str, str]) -> str:
    """How a latent response becomes a category."""
    if equation.family == "multinomial_probit":
        return _largest(formulas, equation)
    model, response = formulas.model, latent_response(formulas, equation.outcome)
    codes = [number_name(code) for code in model.variables[equation.name].categories]
    fixed = [model.parameters[name].fixed for name in equation.thresholds]
    limits = [
        symbols[name] if value is None else number_name(value)
        for name, value in zip(equation.thresholds, fixed, strict=True)
    ]
    variable = formulas.variable(ir.Column(equation.name))
    if formulas.latex:
        parts = [rf"{code} \text{{ if }} {response} \leq {limit}" for code, limit in zip(codes, limits, strict=False)]
        return rf", \quad {variable} = " + r",\ ".join([*parts, rf"{codes[-1]} \text{{ above}}"])
    parts = [f"{code} up to {limit}" for code, limit in zip(codes, limits, strict=False)]
    return f";  {variable} = {', '.join([*parts, f'{codes[-1]} above'])}"


def _largest(formulas: Formulas, equation: ir.Equation) -> str:
    variable = ir.Column(equation.outcome.variable)
    own = latent_response(formulas, equation.outcome)
    code = number_name(equation.outcome.category or 0.0)
    name = formulas.variable(variable)
    if formulas.latex:
        return rf", \quad {name} = {code} \text{{ if }} {own} \text{{ is positive and the largest}}"
    return f";  {name} = {code} where {own} is positive and the largest"


def log_odds(formulas: Formulas, equation: ir.Equation, mean: str) -> str:
    """A logit equation: the logarithm of the odds against the reference code."""
    variable = formulas.model.variables[equation.outcome.variable]
    reference = variable.reference if variable.reference is not None else variable.categories[0]
    category = equation.outcome.category
    own = number_name(variable.categories[-1] if category is None else category)
    name, other = formulas.variable(ir.Column(variable.name)), number_name(reference)
    if formulas.latex:
        return rf"\ln \frac{{P({name} = {own})}}{{P({name} = {other})}} &= {mean}"
    return f"ln(P({name} = {own}) / P({name} = {other})) = {mean}"


def counts(formulas: Formulas, equation: ir.Equation, mean: str, symbols: Mapping[str, str]) -> str:
    """A negative binomial equation: the logarithm of the expected count."""
    name = formulas.variable(equation.outcome)
    dispersion = symbols[equation.dispersion or ""]
    if formulas.latex:
        return (rf"\ln E({name}) &= {mean}, \quad {name} \sim \mathit{{NB}}, \quad "
                rf"V({name}) = E({name}) + {dispersion} E({name})^2")  # fmt: skip
    return f"ln(mean of {name}) = {mean};  {name} ~ negative binomial, variance mean + {dispersion}*mean^2"


WHOLE: Mapping[str, Callable[[Formulas, ir.Equation, str, Mapping[str, str]], str]] = {
    "logit": lambda formulas, equation, mean, _: log_odds(formulas, equation, mean),
    "negative_binomial": counts,
}
"""Families without a residual: family -> its whole formula."""
