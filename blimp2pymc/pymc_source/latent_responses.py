"""Latent responses written explicitly: where the model uses them, or all of them on request.

The category is a random variable of its own, with the response integrated out. The response is then what is left:
normal between the limits of its category, as a function of its own uniform quantile there. Category and response
together are exactly a normal response and the category it falls into; thresholds may be unknown, and nothing
has a corner that would stop NUTS.
"""

from __future__ import annotations

from collections.abc import Sequence

from blimp2pymc.joint_model.ir import Column, Equation
from blimp2pymc.pymc_source.facts import codes_in_order, has_missing_categories, response_column
from blimp2pymc.pymc_source.page import Page, sum_text
from blimp2pymc.pymc_source.printer import SUM, Text, string


def write_response(page: Page, equation: Equation, mean: Text, deviation: Text, category: str) -> None:
    """`y_latent_response` of a probit outcome with the given mean and standard deviation.

    Let a and b be the limits of the category in standard units, and q uniform: the response is mean + sd * z with
    Phi(z) = (1 - q) Phi(a) + q Phi(b). Where a > 0 the same is said of -z, whose probabilities are exact there.
    """
    outcome = equation.outcome
    own, column = Column(outcome.variable, level=outcome.level), response_column(outcome)
    limits, lower, upper, side, below, above, quantile, residual = (
        page.local(column, each)
        for each in ("limits", "lower", "upper", "side", "below", "above", "quantile", "latent_residual")
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
    page.line(f"{below} = pm.math.invprobit({side} * {lower})")
    page.line(f"{above} = pm.math.invprobit({side} * {upper})")
    page.call(f"{residual} = {side} * pm.math.probit(", [f"(1 - {quantile}) * {below} + {quantile} * {above}"])
    value = f"{deviation.code} * {residual}" if scaled else residual
    value = value if mean.code == "0" else f"{mean.code} + {value}"
    page.call(f"{response} = pm.Deterministic(", [string(response), value, 'dims="row"'])


def write_differences(page: Page, variable: str, equations: Sequence[Equation], category: str) -> None:
    """Latent differences of a nominal variable with K > 2 codes, given the category.

    All other utilities are below the own one. Their K - 1 distances from it are normal with variances 1 and
    correlations 1/2, and written one after another, each truncated at 0 given those before it: the (s+1)-th has mean
    `distance + (sum of the s deviations before it) / (s + 1)` and variance (s + 2) / (2 (s + 1)). The potential
    makes up for the probabilities of the truncations, in place of the category's own.
    """
    own = Column(variable, level=page.model.variables[variable].level)
    codes = codes_in_order(page.model, variable)
    n = len(codes)
    name = {each: page.local(own, each) for each in (
        "utility", "probability", "others", "distance", "difference_quantile", "deviation", "limit",
        "relative_utility", "choice",
    )}  # fmt: skip
    quantile = name["difference_quantile"]
    others = ", ".join(f"[{', '.join(str(j) for j in range(n) if j != k)}]" for k in range(n))
    page.comment("differences of latent utilities: given the category, all others are below its own")
    page.line(f"{name['others']} = pt.as_tensor([{others}])[{category}]")
    page.assign(name["distance"], [
        ("+", f"pt.take_along_axis({name['utility']}, {name['others']}, axis=1)"),
        ("-", f"pt.take_along_axis({name['utility']}, {category}[:, None], axis=1)"),
    ])  # fmt: skip
    page.call(
        f"{name['difference_quantile']} = pm.Uniform(",
        [string(name["difference_quantile"]), f"shape=(len(data), {n - 1})"],
    )
    deviations: list[str] = []
    for s in range(n - 1):
        limit, deviation = f"{name['limit']}_{s + 1}", f"{name['deviation']}_{s + 1}"
        before = f"({' + '.join(deviations)}) / {s + 1}" if len(deviations) > 1 else f"{''.join(deviations)} / 2"
        scale = "" if s == 0 else f"np.sqrt({s + 2} / {2 * (s + 1)})"
        center = f"{name['distance']}[:, {s}]" + (f" + {before}" if s else "")
        page.line(f"{limit} = -({center}) / {scale}" if s else f"{limit} = -{center}")
        excess = f"pm.math.probit({quantile}[:, {s}] * pm.math.invprobit({limit}))"
        page.assign(deviation, [("+", before), ("+", f"{scale} * {excess}")] if s else [("+", excess)])
        deviations.append(deviation)
    limits = [f"{name['limit']}_{s + 1}" for s in range(n - 1)]
    logs = [("+", f"pt.log(pm.math.invprobit({each}))") for each in limits]
    chosen = f"pt.take_along_axis({name['probability']}, {category}[:, None], axis=1)[:, 0]"
    page.assign(name["choice"], [*logs, ("-", f"pt.log({chosen})")])
    page.call("pm.Potential(", [string(name["choice"]), name["choice"]])
    relative = f"{name['distance']} + pt.stack([{', '.join(deviations)}], axis=-1)"
    rows = f"np.arange(len(data))[:, None], {name['others']}"
    page.call(f"{name['relative_utility']} = pt.set_subtensor(", [f"pt.zeros((len(data), {n}))[{rows}]", relative])
    for equation in equations:
        response = page.column(response_column(equation.outcome))
        assert equation.outcome.category is not None
        place = codes.index(equation.outcome.category)
        value = sum_text([("+", f"{name['relative_utility']}[:, {place}]"), ("-", f"{name['relative_utility']}[:, 0]")])
        page.call(f"{response} = pm.Deterministic(", [string(response), value, 'dims="row"'])
