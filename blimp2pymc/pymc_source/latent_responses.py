"""Latent responses written explicitly: where the model uses them, or all of them on request.

The category is a random variable of its own, with the response integrated out. The response is then what is left:
normal between the limits of its category, as a function of its own uniform quantile there. Category and response
together are exactly a normal response and the category it falls into; thresholds may be unknown, and nothing
has a corner that would stop NUTS.
"""

from __future__ import annotations

from blimp2pymc.joint_model.ir import Column, Equation
from blimp2pymc.pymc_source.facts import has_missing_categories, response_column
from blimp2pymc.pymc_source.page import Page
from blimp2pymc.pymc_source.printer import SUM, Text, string


def write_response(page: Page, equation: Equation, mean: Text, deviation: Text, category: str) -> None:
    """`y_latent_response` of a probit outcome with the given mean and standard deviation.

    Let a and b be the limits of the category in standard units, and q uniform: the response is mean + sd * z with
    Phi(z) = (1 - q) Phi(a) + q Phi(b). Where a > 0 the same is said of -z, whose probabilities are exact there.
    """
    outcome = equation.outcome
    own, column = Column(outcome.variable, level=outcome.level), response_column(outcome)
    limits, lower, upper, side, quantile = (
        page.local(column, each) for each in ("limits", "lower", "upper", "side", "quantile")
    )
    is_cut = any(page.model.parameters[each].fixed is None for each in equation.thresholds)
    if is_cut:
        page.line(f"{limits} = pt.concatenate([[-np.inf], {page.local(outcome, 'cutpoints')}, [np.inf]])")
    else:
        page.line(f"{limits} = pt.as_tensor([-np.inf, 0, np.inf])")
    lowest = highest = category
    if outcome.variable in page.model.incomplete and not has_missing_categories(page.model, outcome.variable):
        page.comment("of a missing cell every response is possible")
        lowest, highest = page.local(own, "lowest"), page.local(own, "highest")
    scaled = deviation.code != "1"
    for name, limit in ((lower, f"{limits}[{lowest}]"), (upper, f"{limits}[{highest} + 1]")):
        distance = limit if mean.code == "0" else f"{limit} - {mean.at_least(SUM + 1)}"
        page.line(f"{name} = ({distance}) / {deviation.code}" if scaled else f"{name} = {distance}")
    response = page.column(column)
    page.line(f"{side} = pt.where({lower} > 0, -1, 1)")
    page.call(f"{quantile} = pm.Uniform(", [string(quantile), 'dims="row"'])
    tail = f"(1 - {quantile}) * pm.math.invprobit({side} * {lower}) + {quantile} * pm.math.invprobit({side} * {upper})"
    page.call(f"{response} = {side} * pm.math.probit(", [tail])
    residual = f"{deviation.code} * {response}" if scaled else response
    value = residual if mean.code == "0" else f"{mean.code} + {residual}"
    page.call(f"{response} = pm.Deterministic(", [string(response), value, 'dims="row"'])
