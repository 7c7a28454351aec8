"""The linear predictor of an equation as PyMC lines: what every family of outcomes begins with."""

from __future__ import annotations

from collections.abc import Sequence

from blimp2pymc.joint_model.ir import Equation, Term
from blimp2pymc.pymc_source.page import Page, is_by_row, sum_text
from blimp2pymc.pymc_source.printer import SUM, UNARY, Text, as_number, multiply, number


def write_mean(page: Page, equation: Equation) -> None:
    """`y_predicted = ...` where the mean differs between rows; else only remember its text."""
    outcome = equation.outcome
    for term in equation.terms:
        page.define(term.expression)
    terms = mean_terms(page, equation)
    if is_by_row(equation, page.model):
        page.assign(page.local(outcome, "predicted"), terms)
        page.predicted[outcome] = Text(page.local(outcome, "predicted"))
    else:
        code = sum_text(terms)
        page.predicted[outcome] = Text(code, SUM if len(terms) > 1 else UNARY)


def write_log_variance(page: Page, equation: Equation) -> None:
    """`y_log_variance = ...` and `y_sd = pt.exp(y_log_variance / 2)`."""
    for term in equation.variance_terms:
        page.define(term.expression)
    log_variance = page.local(equation.outcome, "log_variance")
    page.assign(log_variance, _signed_terms(page, equation.variance_terms))
    page.line(f"{page.local(equation.outcome, 'sd')} = pt.exp({log_variance} / 2)")


def mean_terms(page: Page, equation: Equation) -> list[tuple[str, str]]:
    """(sign, text) of every term of the linear predictor of the mean; fixed zeros are left out."""
    return _signed_terms(page, equation.terms)


def _signed_terms(page: Page, terms: Sequence[Term]) -> list[tuple[str, str]]:
    written = []
    for term in terms:
        fixed = page.model.parameters[term.coefficient].fixed
        expression = page.expression(term.expression)
        is_one = expression.code == "1"
        if fixed is None:
            coefficient = page.parameter(term.coefficient)
            written.append(("+", (coefficient if is_one else multiply(coefficient, expression)).at_least(SUM + 1)))
        elif fixed != 0:
            size = Text(number(abs(fixed)))
            text = as_number(expression) if abs(fixed) == 1 else size if is_one else multiply(size, expression)
            written.append(("-" if fixed < 0 else "+", text.at_least(SUM + 1)))
    return written or [("+", "0")]
