"""Outcomes with categories and counts as PyMC lines: their data, their distribution, their missing categories.

A category is written by its place 0, 1, ...; its code is a function of it. Missing categories are random variables
only where something else depends on them: elsewhere they would add a factor that sums to one, and keep PyMC from
sampling everything with NUTS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from blimp2pymc.joint_model.ir import Column, Equation, Form
from blimp2pymc.pymc_source.covariances import given_others, write_innovation
from blimp2pymc.pymc_source.facts import (
    codes_in_order,
    equations_of,
    family_of,
    has_missing_categories,
    used_later,
)
from blimp2pymc.pymc_source.latent_responses import write_differences, write_response
from blimp2pymc.pymc_source.linear_predictor import write_mean
from blimp2pymc.pymc_source.page import Page
from blimp2pymc.pymc_source.printer import PRODUCT, SUM, UNARY, Text, number, string
from blimp2pymc.pymc_source.priors import declare

type Arguments = Callable[[str], list[str]]
"""Arguments of a distribution for the rows that a selection such as `[~y_is_missing]` picks; all rows for ``."""


# ---------------------------------------------------------------- data


def data_lines(page: Page, variable: str) -> tuple[list[str], list[str]]:
    """Lines for the columns of an outcome with categories or counts, and for the mask of its missing cells."""
    column = _own(page, variable)
    source, values, masks = f"data[{string(variable)}]", [], []
    if family_of(page.model, variable) == "negative_binomial":
        filled = ".fillna(-1)" if variable in page.model.incomplete else ""
        name = page.local(column, "data") if filled else page.column(column)
        values.append(f"{name} = {source}{filled}.to_numpy(int)")
    else:
        values += _category_lines(page, variable, source)
    if variable in page.model.incomplete:
        mask = page.local(column, "is_missing")
        masks.append(f"{mask} = {source}.isna().to_numpy()")
        if not has_missing_categories(page.model, variable) and any(
            each.outcome in page.responses for each in equations_of(page.model, variable)
        ):
            category, last = category_of(page, variable), len(codes_in_order(page.model, variable)) - 1
            masks.append(f"{page.local(column, 'lowest')} = np.where({mask}, 0, {category})")
            masks.append(f"{page.local(column, 'highest')} = np.where({mask}, {last}, {category})")
    return values, masks


def _category_lines(page: Page, variable: str, source: str) -> list[str]:
    column, codes = _own(page, variable), codes_in_order(page.model, variable)
    places = ", ".join(f"{number(code)}: {place}" for place, code in enumerate(codes))
    mapped = source if _is_counted_from_zero(codes) else f"{source}.map({{{places}}})"
    if variable in page.model.incomplete:
        name = "category_data" if has_missing_categories(page.model, variable) else "category"
        return [f"{page.local(column, name)} = {mapped}.fillna(-1).to_numpy(int)"]
    lines = [f"{page.local(column, 'category')} = {mapped}.to_numpy(int)"]
    for each in sorted(used_later(page.model)):
        if each.variable == variable and each.form is Form.SCORE:
            lines.append(f"{page.column(each)} = {source}.to_numpy(float)")
        elif each.variable == variable and each.form is Form.DUMMY:
            lines.append(f"{page.column(each)} = ({source} == {each.category:g}).to_numpy(float)")
    return lines


def category_of(page: Page, variable: str) -> str:
    """Name of the places of all rows: of the data, or joined with the missing ones, which may be the scores."""
    own, codes = _own(page, variable), codes_in_order(page.model, variable)
    if has_missing_categories(page.model, variable) and _is_counted_from_zero(codes) and own in used_later(page.model):
        return page.column(own)
    return page.local(own, "category")


def _is_counted_from_zero(codes: Sequence[float]) -> bool:
    return list(codes) == list(range(len(codes)))


def _own(page: Page, variable: str) -> Column:
    return Column(variable, level=page.model.variables[variable].level)


# ---------------------------------------------------------------- families


def write_probit(page: Page, equation: Equation) -> None:
    """A category is where a normal latent response with residual variance 1 falls between thresholds."""
    outcome = equation.outcome
    for name in equation.thresholds:
        declare(page, name)
    write_mean(page, equation)
    mean, by_row, deviation = page.predicted[outcome], is_row_name(page, outcome), Text("1")
    block = page.model.block_of.get(outcome)
    if block is not None and block.correlations:
        mean, by_row, deviation = given_others(page, equation)
        if deviation.code == page.local(outcome, "sd"):
            deviation = Text("1")
    cutpoints = _write_cutpoints(page, equation)

    def arguments(rows: str) -> list[str]:
        eta = Text(f"{mean.at_least(UNARY)}{rows}") if by_row else mean
        if not cutpoints:
            standardized = (
                eta if deviation.code == "1" else Text(f"{eta.at_least(PRODUCT)} / {deviation.code}", PRODUCT)
            )
            return [f"p=pm.math.invprobit({standardized.code})"]
        sigma = [] if deviation.code == "1" else [f"sigma={deviation.code}"]
        return [f"eta={eta.code}", f"cutpoints={cutpoints}", *sigma, "compute_p=False"]

    _write_cells(page, outcome.variable, "pm.OrderedProbit" if cutpoints else "pm.Bernoulli", arguments)
    if outcome in page.responses:
        write_response(page, equation, mean, deviation, category_of(page, outcome.variable))
    write_innovation(page, equation, mean, deviation)


def _write_cutpoints(page: Page, equation: Equation) -> str:
    """Name of all thresholds, the first 0; empty where that is the only one."""
    free = [each for each in equation.thresholds if page.model.parameters[each].fixed is None]
    if not free:
        return ""
    cutpoints, threshold = page.local(equation.outcome, "cutpoints"), page.names.parameters[free[0]].variable
    if page.model.parameters[free[0]].prior.distribution != "flat":
        page.comment("a prior draw of thresholds is one in any order, put in order")
        threshold = f"pt.sort({threshold})"
    page.line(f"{cutpoints} = pt.concatenate([[0], {threshold}])")
    return cutpoints


def write_logit(page: Page, equation: Equation) -> None:
    """Log odds of a code against the reference; with the last code's equation comes the distribution."""
    write_mean(page, equation)
    variable = equation.outcome.variable
    equations = equations_of(page.model, variable)
    if equation is not equations[-1]:
        return
    if len(equations) == 1:
        mean, by_row = page.predicted[equation.outcome], is_row_name(page, equation.outcome)
        _write_cells(page, variable, "pm.Bernoulli", lambda rows: [f"logit_p={mean.code}{rows if by_row else ''}"])
        return
    name = page.local(_own(page, variable), "logit")
    by_row = _stack(page, name, variable, equations)
    _write_cells(page, variable, "pm.Categorical", lambda rows: [f"logit_p={name}{rows if by_row else ''}"])


def write_multinomial_probit(page: Page, equation: Equation) -> None:
    """The category whose utility is the largest; with the last code's equation comes the distribution.

    Utilities are independent with variance 1/2, that of the reference has mean 0: differences from the
    reference's then have variance 1 and correlations 1/2. Given its own utility, in standard units z, a category is
    the largest with probability prod over j of Phi(sqrt(2) (mean - mean_j) + z); the mean over z is by quadrature.
    """
    write_mean(page, equation)
    variable = equation.outcome.variable
    equations = equations_of(page.model, variable)
    if equation is not equations[-1]:
        return
    if len(equations) == 1:
        mean, by_row = page.predicted[equation.outcome], is_row_name(page, equation.outcome)
        _write_cells(
            page, variable, "pm.Bernoulli", lambda rows: [f"p=pm.math.invprobit({mean.code}{rows if by_row else ''})"]
        )
        if equation.outcome in page.responses:
            write_response(page, equation, mean, Text("1"), category_of(page, variable))
        return
    own = _own(page, variable)
    utility, margin, probability = (page.local(own, each) for each in ("utility", "margin", "probability"))
    is_explicit = any(each.outcome in page.responses for each in equations)
    by_row = _stack(page, utility, variable, equations, by_row=is_explicit)
    page.comment("utilities have variance 1/2; the probability that a category's is the largest, by quadrature over it")
    differences = f"np.sqrt(2) * ({utility}[..., :, None] - {utility}[..., None, :])"
    page.assign(margin, [("+", differences), ("+", f"np.diag([np.inf] * {len(equations) + 1})")])
    largest = f"pt.prod(pm.math.invprobit({margin}[..., None] + quadrature_node), axis=-2)"
    page.call(f"{probability} = pt.sum(", [f"quadrature_weight * {largest}", "axis=-1"])
    _write_cells(page, variable, "pm.Categorical", lambda rows: [f"p={probability}{rows if by_row else ''}"])
    if is_explicit:
        write_differences(page, variable, equations, category_of(page, variable))


def write_negative_binomial(page: Page, equation: Equation) -> None:
    """Counts with mean mu = exp(linear predictor) and variance mu + dispersion * mu^2."""
    assert equation.dispersion is not None, "a count has a dispersion"
    declare(page, equation.dispersion)
    write_mean(page, equation)
    mean, by_row = page.predicted[equation.outcome], is_row_name(page, equation.outcome)
    dispersion = page.parameter(equation.dispersion).at_least(UNARY)
    _write_cells(
        page,
        equation.outcome.variable,
        "pm.NegativeBinomial",
        lambda rows: [f"mu=pt.exp({mean.code}{rows if by_row else ''})", f"alpha=1 / {dispersion}"],
    )


def is_row_name(page: Page, outcome: Column) -> bool:
    """Whether the written linear predictor is a name of one value per row."""
    return page.predicted[outcome].code == page.local(outcome, "predicted")


def _stack(page: Page, name: str, variable: str, equations: Sequence[Equation], *, by_row: bool = False) -> bool:
    """Linear predictors of all categories side by side, 0 for the reference; whether they differ between rows."""
    outcomes = {each.outcome.category: each.outcome for each in equations}
    by_row = by_row or any(is_row_name(page, each) for each in outcomes.values())
    texts = []
    for code in codes_in_order(page.model, variable):
        text = page.predicted[outcomes[code]] if code in outcomes else Text("0")
        if by_row and not (code in outcomes and is_row_name(page, outcomes[code])):
            zeros = "pt.zeros(len(data))"
            text = Text(zeros) if text.code == "0" else Text(f"{zeros} + {text.at_least(SUM + 1)}", SUM)
        texts.append(text.code)
    page.call(f"{name} = pt.stack(", [f"[{', '.join(texts)}]", "axis=-1"])
    return by_row


def _write_cells(page: Page, variable: str, call: str, arguments: Arguments) -> None:
    """Observed cells, and missing ones where something depends on them, joined with the observed ones."""
    own, model = _own(page, variable), page.model
    is_count = family_of(model, variable) == "negative_binomial"
    if variable not in model.incomplete:
        category = page.column(own) if is_count else category_of(page, variable)
        page.call(f"{call}(", [string(page.column(own)), *arguments(""), f"observed={category}", 'dims="row"'])
        return
    joined = has_missing_categories(model, variable)
    values = page.local(own, "data" if is_count else "category_data" if joined else "category")
    mask, missing = page.local(own, "is_missing"), page.local(own, "missing")
    if joined:
        dim = string(page.local(own, "missing_row"))
        page.call(f"{missing} = {call}(", [string(missing), *arguments(f"[{mask}]"), f"dims={dim}"])
    observed, dim = string(page.local(own, "observed")), string(page.local(own, "observed_row"))
    page.call(f"{call}(", [observed, *arguments(f"[~{mask}]"), f"observed={values}[~{mask}]", f"dims={dim}"])
    if joined:
        _write_joined(page, variable, values, mask, missing)


def _write_joined(page: Page, variable: str, values: str, mask: str, missing: str) -> None:
    codes, category = codes_in_order(page.model, variable), category_of(page, variable)
    page.line(f"{category} = pt.set_subtensor(pt.as_tensor({values})[{mask}], {missing})")
    for each in sorted(used_later(page.model)):
        if each.variable == variable and each.form is Form.SCORE and page.column(each) != category:
            page.line(f"{page.column(each)} = {_score(category, codes)}")
        elif each.variable == variable and each.form is Form.DUMMY:
            page.line(f"{page.column(each)} = pt.eq({category}, {codes.index(each.category)}).astype(float)")


def _score(category: str, codes: Sequence[float]) -> str:
    if _is_counted_from_zero([code - codes[0] for code in codes]):
        return f"{category} {'+' if codes[0] > 0 else '-'} {number(abs(codes[0]))}"
    return f"pt.as_tensor([{', '.join(number(code) for code in codes)}])[{category}]"
