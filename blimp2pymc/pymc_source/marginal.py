"""A second flavour of the source: latent variables and missing cells integrated out where all is jointly normal.

Every variable with an equation is `constant + effects of other such variables + residual`, so that all of them are
jointly normal, with mean (I - B)^-1 a and covariance (I - B)^-1 Psi (I - B)^-T for effects B, constants a and
residual covariance Psi. What is observed of a row has that distribution's margin: one `pm.MvNormal`, with a covariance
for each pattern of missing cells, and nothing else to sample than parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model.algebra import columns_in, expand_term, leaves
from blimp2pymc.joint_model.ir import Column, Equation, ImpliedVariance, Model, Product, Role
from blimp2pymc.pymc_source.covariances import write_standard_deviation
from blimp2pymc.pymc_source.linear_predictor import mean_terms
from blimp2pymc.pymc_source.names import pair_parameter
from blimp2pymc.pymc_source.page import IMPLIED, Page, sum_text
from blimp2pymc.pymc_source.printer import SUM, Text, multiply, number, string
from blimp2pymc.pymc_source.priors import declare


def not_jointly_normal(model: Model) -> Iterator[Finding]:
    """Why latent variables cannot be integrated out of a model, each reason with its place."""
    joint = frozenset(model.equation_of)
    told: set[str] = set()
    # A nominal variable has several equations.

    def refuse(reason: str, equation: Equation, span: Span | None = None) -> Finding:
        text = f"the marginal form needs all variables to be jointly normal, and {reason}"
        return Finding(text, span or equation.span, "leave out --marginal", "not-jointly-normal")

    for equation in model.equations:
        if equation.role is Role.MEANS:
            yield refuse(f"the mean of '{equation.name}' depends on its completed values", equation)
        elif equation.family != "normal":
            if equation.name not in told:
                yield refuse(f"'{equation.name}' is a {equation.family.replace('_', ' ')} outcome", equation)
            told.add(equation.name)
        elif equation.transform is not None:
            yield refuse(f"'{equation.name}' is transformed", equation)
        elif equation.variance_terms:
            reason = f"the variance of '{equation.name}' differs between rows"
            yield refuse(reason, equation, equation.variance_terms[-1].span)
        else:
            for term in equation.terms:
                obstacle = _not_linear(expand_term(term), joint)
                if obstacle:
                    yield refuse(f"'{equation.name}' depends on '{term.name}', {obstacle}", equation, term.span)
    for quantity in model.quantities:
        for leaf in dict.fromkeys(leaves(quantity.expression)):
            if isinstance(leaf, ImpliedVariance) and leaf.part in IMPLIED:
                reason = f"'{quantity.name}' refers to '{leaf.variable}.{leaf.part.value}', a variance of them"
                yield Finding(f"the marginal form has no completed rows, and {reason}", quantity.span,
                              f"leave out --marginal, or '{quantity.name}'", "not-jointly-normal")  # fmt: skip


def _not_linear(products: tuple[Product, ...], joint: frozenset[Column]) -> str:
    """What is wrong unless at most one joint variable is in every product, times what is the same in all rows."""
    for product in products:
        inside = [each for each in product.columns if each in joint]
        functions = frozenset[Column]().union(*(columns_in(each) for each in product.functions))
        if functions & joint or len(inside) > 1:
            return "which is not linear in them"
        if inside and (len(product.columns) > 1 or functions):
            return f"in which the coefficient of '{inside[0].name}' differs between rows"
    return ""


def joint_variables(model: Model) -> tuple[Column, ...]:
    """Every variable with an equation, latent ones first."""
    return tuple(sorted(model.equation_of, key=lambda column: column.variable not in model.latent))


def data_lines(page: Page) -> list[str]:
    """Observed variables side by side, and the patterns of their missing cells."""
    observed = [each.variable for each in joint_variables(page.model) if each.variable in page.model.data]
    lines = [f"observed_values = data[[{', '.join(string(each) for each in observed)}]].to_numpy(float)"]
    if page.model.incomplete:
        lines.append("is_observed = ~np.isnan(observed_values)")
        lines.append("observed_patterns, pattern_of_row = np.unique(is_observed, axis=0, return_inverse=True)")
    return lines


def write_head(page: Page) -> None:
    """Matrices of effects and residual covariances, still empty."""
    variables = joint_variables(page.model)
    places = [f"{place} {each.variable}" for place, each in enumerate(variables)]
    page.comment("rows and columns of the matrices; an effect is that of the column's variable on the row's:")
    for start in range(0, len(places), 10):
        page.comment(", ".join(places[start : start + 10]))
    n = len(variables)
    page.line(f"direct_effect = pt.zeros(({n}, {n}))")
    page.line(f"residual_covariance = pt.zeros(({n}, {n}))")


def write_effects(page: Page, equation: Equation) -> None:
    """Parameters of an equation, and where they stand in the matrices."""
    variables = joint_variables(page.model)
    assert equation.residual_variance is not None, "a normal equation has a residual variance"
    declare(page, equation.residual_variance, equation.outcome)
    row = variables.index(equation.outcome)
    effects: dict[int, list[tuple[str, str]]] = {}
    constants: list[tuple[str, str]] = []
    for term in equation.terms:
        if not columns_in(term.expression) & frozenset(variables):
            constants += [each for each in mean_terms(page, replace(equation, terms=(term,))) if each[1] != "0"]
            continue
        for product in expand_term(term):
            inside = [each for each in product.columns if each in variables]
            sign, text = _coefficient(page, product)
            if text == "0":
                continue
            if inside:
                effects.setdefault(variables.index(inside[0]), []).append((sign, text))
            else:
                constants.append((sign, text))
    for column, parts in sorted(effects.items()):
        page.line(f"direct_effect = direct_effect[{row}, {column}].set({sum_text(parts)})")
    variance = page.parameter(equation.residual_variance).code
    page.line(f"residual_covariance = residual_covariance[{row}, {row}].set({variance})")
    _write_covariances(page, equation, variables)
    name = page.local(equation.outcome, "constant")
    if len(constants) > 1:
        page.assign(name, constants)
        page.predicted[equation.outcome] = Text(name)
    else:
        code = sum_text(constants) if constants else "0"
        page.predicted[equation.outcome] = Text(code, SUM)


def _write_covariances(page: Page, equation: Equation, variables: tuple[Column, ...]) -> None:
    """Covariances of a residual with those of block members before it."""
    block = page.model.block_of.get(equation.outcome)
    if block is None:
        return
    row = variables.index(equation.outcome)
    for other in block.members:
        place = variables.index(other)
        name = None if other == equation.outcome else pair_parameter(block, equation.outcome, other)
        if name is None or other not in page.predicted or page.model.parameters[name].fixed == 0:
            continue
        for each in (equation, page.model.equation_of[other]):
            write_standard_deviation(page, each)
        deviations = [Text(page.local(each, "sd")) for each in (other, equation.outcome)]
        code = multiply(page.parameter(name), *deviations).code
        page.line(f"residual_covariance = residual_covariance[[{place}, {row}], [{row}, {place}]].set({code})")


def _coefficient(page: Page, product: Product) -> tuple[str, str]:
    """Sign and text of everything in a product but the joint variable."""
    joint = page.model.equation_of
    sign, size = ("-" if product.constant < 0 else "+"), abs(product.constant)
    factors = []
    for name in product.parameters:
        fixed = page.model.parameters[name].fixed if name in page.model.parameters else None
        if fixed is None:
            factors.append(page.parameter(name))
        else:
            size *= abs(fixed)
            sign = sign if fixed >= 0 else {"+": "-", "-": "+"}[sign]
    factors += [Text(page.column(each)) for each in product.columns if each not in joint]
    factors += [page.expression(each) for each in product.functions]
    if size == 0:
        return "+", "0"
    if size != 1 or not factors:
        factors.insert(0, Text(number(size)))
    return sign, multiply(*factors).at_least(SUM + 1)


def write_tail(page: Page) -> None:
    """Implied mean and covariance, and the distribution of what is observed."""
    model, variables = page.model, joint_variables(page.model)
    n, n_latent = len(variables), len(model.latent)
    page.blank()
    page.comment("---- all variables jointly ----")
    page.blank()
    by_row = _constants_by_row(page)
    texts = [page.predicted[each] for each in variables]
    elements = [each.code for each in texts]
    if by_row:
        zeros = "pt.zeros(len(data))"
        elements = [zeros if each == "0" else f"{zeros} + {each}" for each in elements]
    page.stack("constants", elements)
    page.line(f"total_effect = pt.linalg.inv(np.eye({n}) - direct_effect)")
    page.line("implied_mean = constants.T @ total_effect.T" if by_row else "implied_mean = total_effect @ constants")
    page.line("implied_covariance = total_effect @ residual_covariance @ total_effect.T")
    page.blank()
    mean, covariance = "implied_mean", "implied_covariance"
    if n_latent:
        mean += f"[:, {n_latent}:]" if by_row else f"[{n_latent}:]"
        covariance += f"[{n_latent}:, {n_latent}:]"
    if not model.incomplete:
        page.call("pm.MvNormal(", ['"outcomes"', f"mu={mean}", f"cov={covariance}", "observed=observed_values"])
        return
    page.comment("a missing cell is set to 0, with mean 0, variance 1/(2 pi) and no covariances: its density is 1")
    page.line("pattern_pairs = observed_patterns[:, :, None] & observed_patterns[:, None, :]")
    page.line(f"pattern_covariance = pt.where(pattern_pairs, {covariance}, np.eye({n - n_latent}) / (2 * np.pi))")
    arguments = [
        '"outcomes"',
        f"mu=pt.where(is_observed, {mean}, 0)",
        "cov=pattern_covariance[pattern_of_row]",
        "observed=np.nan_to_num(observed_values)",
    ]
    page.call("pm.MvNormal(", arguments)


def _constants_by_row(page: Page) -> bool:
    joint = frozenset(page.model.equation_of)
    return any(
        columns_in(term.expression) - joint and page.model.parameters[term.coefficient].fixed != 0
        for equation in page.model.equations
        for term in equation.terms
    )
