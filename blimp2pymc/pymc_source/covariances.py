"""Jointly normal residuals: the prior of a block's covariance, and its members one after another.

The covariance T = D R D (D standard deviations, R correlations) has the density

    |T|^(-(d + p + 1)/2) exp(-tr(S T^-1)/2),   S = diag(scale), d degrees of freedom, p members,

with respect to its free elements. Written in variances and correlations it gains the Jacobian
sqrt(v_i v_j) for every free pair. Each member is then normal given those before it, so that every
factor of the source is univariate and members may have different missing cells. Where a member's variance has
predictors, D differs between rows and R does not.
"""

from __future__ import annotations

from blimp2pymc.joint_model.block_structure import has_own_density, starting_correlations
from blimp2pymc.joint_model.ir import Column, Equation, JointBlock, Prior, Role
from blimp2pymc.pymc_source.names import block_order, has_free_correlations, member_pairs, pair_parameter
from blimp2pymc.pymc_source.page import Page, sum_text
from blimp2pymc.pymc_source.printer import SUM, Text, number, power, string
from blimp2pymc.pymc_source.priors import Declaration, bounds, declare, square_root, write_prior


def declare_block(page: Page, block: JointBlock) -> None:
    """Write variances, correlations and their joint prior, once."""
    prior_name = page.names.blocks[block.members, "covariance_prior"]
    if prior_name in page.declared:
        return
    page.declared.add(prior_name)
    members = block_order(block, page.model)
    if block.span is not None:
        spans = (page.model.parameters[name].span for name in block.correlations.values())
        for line in page.script_lines([block.span, *spans]):
            page.comment(line)
            page.stated.add(line)
    elif block.role is Role.PREDICTOR:
        names = ", ".join(each.variable for each in members)
        page.comment(f"predictors without an equation are jointly normal: {names}")
    if len(members) == 1:
        _declare_single(page, block)
        return
    variances = [(member, name) for member in members if (name := _own_variance(page, member)) is not None]
    for member, name in variances:
        declare(page, name, member)
    for member in members:
        write_standard_deviation(page, page.model.equation_of[member])
    if len(members) == 2:
        name = pair_parameter(block, *members)
        if name is not None:
            declare(page, name)
    elif has_free_correlations(block, page.model):
        _declare_matrix(page, block)
    elif block.correlations:
        _declare_elements(page, block)
    if has_own_density(block, page.model.parameters, [name for _, name in variances]):
        _write_potential(page, block, prior_name)


def write_standard_deviation(page: Page, equation: Equation) -> None:
    """`y_sd = pt.sqrt(y_residual_variance)`, once."""
    name = page.local(equation.outcome, "sd")
    if name in page.declared or equation.residual_variance is None:
        return
    page.declared.add(name)
    fixed = page.model.parameters[equation.residual_variance].fixed
    if fixed is not None:
        page.line(f"{name} = {square_root(fixed)}")
    else:
        page.line(f"{name} = pt.sqrt({page.parameter(equation.residual_variance).code})")


def given_others(page: Page, equation: Equation) -> tuple[Text, bool, Text]:
    """Mean and standard deviation of an outcome given the members of its block written before it.

    Returns the mean, whether it differs between rows, and the standard deviation.
    """
    outcome = equation.outcome
    mean, deviation = page.predicted[outcome], Text(page.local(outcome, "sd"))
    by_row = mean.code == page.local(outcome, "predicted")
    block = page.model.block_of.get(outcome)
    if block is None or len(block.members) == 1:
        return mean, by_row, deviation
    members = block_order(block, page.model)
    index = members.index(outcome)
    if index == 0 or not block.correlations:
        return mean, by_row, deviation
    if len(members) == 2:
        return _given_one(page, block, members[0], outcome)
    factor = page.names.blocks[block.members, "correlation_cholesky"]
    innovations = [f"{factor}[{index}, {k}] * {page.local(members[k], 'z')}" for k in range(index)]
    given_mean, given_sd = page.local(outcome, "given_mean"), page.local(outcome, "given_sd")
    page.assign(given_mean, [*_unless_zero(mean), *(("+", f"{deviation.code} * {each}") for each in innovations)])
    page.line(f"{given_sd} = {deviation.code} * {factor}[{index}, {index}]")
    return Text(given_mean), True, Text(given_sd)


def write_innovation(page: Page, equation: Equation, mean: Text, deviation: Text) -> None:
    """`x1_z`, what a member adds to those before it in units of its deviation, where a later member needs it."""
    block = page.model.block_of.get(equation.outcome)
    if block is None or len(block.members) < 3 or not block.correlations:
        return
    if block_order(block, page.model)[-1] != equation.outcome:
        name = page.local(equation.outcome, "z")
        column = page.normal_column(equation.outcome)
        deviate = Text(column) if mean.code == "0" else Text(f"{column} - {mean.at_least(SUM + 1)}", SUM)
        scaled = deviation.code != "1"
        page.line(f"{name} = {deviate.at_least(SUM + 1)} / {deviation.code}" if scaled else f"{name} = {deviate.code}")


def needed_by_block(page: Page, outcome: Column) -> bool:
    """Whether a later member of the block conditions on this outcome."""
    block = page.model.block_of.get(outcome)
    if block is None or not block.correlations:
        return False
    return block_order(block, page.model)[-1] != outcome


def _given_one(page: Page, block: JointBlock, first: Column, outcome: Column) -> tuple[Text, bool, Text]:
    mean, deviation = page.predicted[outcome], Text(page.local(outcome, "sd"))
    name = pair_parameter(block, first, outcome)
    assert name is not None
    correlation = page.parameter(name)
    residual = page.normal_column(first)
    if page.predicted[first].code != "0":
        residual = page.local(first, "residual")
        page.line(f"{residual} = {page.normal_column(first)} - {page.predicted[first].at_least(SUM + 1)}")
    given_mean, given_sd = page.local(outcome, "given_mean"), page.local(outcome, "given_sd")
    slope = f"{correlation.code} * {deviation.code} / {page.local(first, 'sd')}"
    page.assign(given_mean, [*_unless_zero(mean), ("+", f"{slope} * {residual}")])
    page.line(f"{given_sd} = {deviation.code} * pt.sqrt(1 - {power(correlation, Text('2')).code})")
    return Text(given_mean), True, Text(given_sd)


def _unless_zero(mean: Text) -> list[tuple[str, str]]:
    return [] if mean.code == "0" else [("+", mean.code)]


def _own_variance(page: Page, member: Column) -> str | None:
    """The residual variance; None of one with predictors, whose deviations are written with its equation."""
    return page.model.equation_of[member].residual_variance


def _variance(page: Page, member: Column) -> str:
    name = _own_variance(page, member)
    assert name is not None, "a member of a block has a residual variance"
    return name


def _declare_single(page: Page, block: JointBlock) -> None:
    # IW(S, d) of one variance is IG(d/2, S/2)
    (member,) = block.members
    name = _variance(page, member)
    parameter = page.model.parameters[name]
    if parameter.prior.distribution == "block" and parameter.is_free:
        variable = page.names.parameters[name].variable
        if variable not in page.declared:
            page.declared.add(variable)
            prior = Prior("inverse_gamma", (block.degrees_of_freedom / 2, block.scale[0] / 2))
            write_prior(page, Declaration(variable, prior, *bounds(parameter)))
    else:
        declare(page, name, member)
    write_standard_deviation(page, page.model.equation_of[member])


def _declare_matrix(page: Page, block: JointBlock) -> None:
    members = block_order(block, page.model)
    factor = page.names.blocks[block.members, "correlation_cholesky"]
    matrix = page.names.blocks[block.members, "correlation_matrix"]
    page.call(f"{factor} = pm.LKJCorr(", [string(factor), f"n={len(members)}", "eta=1"])
    page.assign(matrix, [("+", f"{factor} @ {factor}.T")])
    vector: list[tuple[int, int]] = []
    variable = page.names.blocks[block.members, "correlation"]
    for i, j in member_pairs(len(members)):
        name = pair_parameter(block, members[i], members[j])
        assert name is not None
        place = page.names.parameters[name]
        page.declared.add(place.variable)
        if place.index is None:
            page.call(f"{place.variable} = pm.Deterministic(", [string(place.variable), f"{matrix}[{j}, {i}]"])
        else:
            vector.append((i, j))
    if vector:
        rows = f"[{', '.join(str(j) for _, j in vector)}]"
        columns = f"[{', '.join(str(i) for i, _ in vector)}]"
        elements = f"{matrix}[{rows}, {columns}]"
        if len(vector) == len(member_pairs(len(members))):
            elements = f"{matrix}[np.tril_indices({len(members)}, k=-1)]"
        dim = page.names.blocks[block.members, "pair"]
        page.call(f"{variable} = pm.Deterministic(", [string(variable), elements, f"dims={string(dim)}"])


def _declare_elements(page: Page, block: JointBlock) -> None:
    members = block_order(block, page.model)
    variable = page.names.blocks[block.members, "correlation"]
    starts: list[str] = []
    for i, j in member_pairs(len(members)):
        name = pair_parameter(block, members[i], members[j])
        if name is None or page.model.parameters[name].fixed is not None:
            continue
        if page.names.parameters[name].index is None:
            declare(page, name, start=_starting_correlation(page, block, name))
        else:
            starts.append(_starting_correlation(page, block, name))
    if starts and variable not in page.declared:
        page.declared.add(variable)
        dim = page.names.blocks[block.members, "pair"]
        initval = f"[{', '.join(starts)}]" if any(starts) else f"np.zeros({len(starts)})"
        arguments = [string(variable), "lower=-1", "upper=1", f"initval={initval}", f"dims={string(dim)}"]
        page.call(f"{variable} = pm.Uniform(", arguments)
    rows = []
    for i, row in enumerate(members):
        texts = []
        for j, column in enumerate(members):
            name = None if i == j else pair_parameter(block, row, column)
            texts.append("1" if i == j else "0" if name is None else page.parameter(name).code)
        rows.append(f"pt.stack([{', '.join(texts)}])")
    matrix = page.names.blocks[block.members, "correlation_matrix"]
    factor = page.names.blocks[block.members, "correlation_cholesky"]
    page.stack(matrix, rows)
    page.comment("not a number, hence of no density, where the matrix is not positive definite")
    page.line(f"{factor} = pt.linalg.cholesky({matrix})")


def _write_potential(page: Page, block: JointBlock, prior_name: str) -> None:
    p, d = len(block.members), block.degrees_of_freedom
    if all(page.model.parameters[_variance(page, each)].fixed is not None for each in block.members):
        page.comment("prior of the correlations; all variances are fixed")
    elif not any(block.scale) and d == -(p + 1):
        page.comment("flat prior of the covariance matrix, for variances and correlations")
    else:
        page.comment(f"covariance matrix ~ inverse Wishart(S = {_scale_text(page, block)}, df = {number(d)})")
    terms = _pair_density(page, block) if p == 2 else _matrix_density(page, block)
    if not terms:
        page.lines.pop()
        return
    code = sum_text(terms)
    if len(code) <= 90:
        page.call("pm.Potential(", [string(prior_name), code])
    else:
        page.assign(prior_name, terms)
        page.call("pm.Potential(", [string(prior_name), prior_name])


def _pair_density(page: Page, block: JointBlock) -> list[tuple[str, str]]:
    """Log density of two variances and their correlation r, where |T| = v1 v2 (1 - r^2)."""
    terms = _variance_terms(page, block)
    members = block_order(block, page.model)
    name = pair_parameter(block, *members)
    determinant = f"(1 - {power(page.parameter(name), Text('2')).code})" if name is not None else ""
    if name is not None:
        _add(terms, _on_determinant(block), f"pt.log{determinant}")
    if any(block.scale):
        ratios = [
            f"{number(block.scale[block.members.index(each)])} / {page.parameter(_variance(page, each)).code}"
            for each in members
        ]
        _add(terms, -0.5, f"({' + '.join(ratios)})" + (f" / {determinant}" if determinant else ""))
    if len(terms) == 2 and " * (" in terms[0][1]:
        # Formatters break sums of two terms inside parentheses: three of them stand one a line.
        (sign, text), last = terms
        factor, logarithms = text.removesuffix(")").split(" * (", 1)
        terms = [*((sign, f"{factor} * {each}") for each in logarithms.split(" + ")), last]
    return terms


def _matrix_density(page: Page, block: JointBlock) -> list[tuple[str, str]]:
    """Log density of variances and correlations R = C C', where |T| = |C|^2 times the variances."""
    members = block_order(block, page.model)
    # fixed variances are constants, and so is what the density has of them
    free = [each for each in members if page.model.parameters[_variance(page, each)].fixed is None]
    exponents = {_exponent(page, block, each) for each in members} if free else {0.0}
    variances = page.names.blocks[block.members, "variances"]
    terms: list[tuple[str, str]] = []
    if (len(exponents) == 1 and exponents != {0.0}) or any(block.scale):
        page.stack(variances, [page.parameter(_variance(page, each)).code for each in members])
    if len(exponents) == 1:
        _add(terms, exponents.pop(), f"pt.sum(pt.log({variances}))")
    else:
        terms = _variance_terms(page, block)
    factor = inverse = ""
    if block.correlations:
        factor = page.names.blocks[block.members, "correlation_cholesky"]
        inverse = page.names.blocks[block.members, "inverse_cholesky"]
        _add(terms, 2 * _on_determinant(block), f"pt.sum(pt.log(pt.diagonal({factor})))")
    if any(block.scale):
        scales = [block.scale[block.members.index(each)] for each in members]
        size = scales[0] if len(set(scales)) == 1 else 1.0
        ratio = f"{inverse}**2 / {variances}" if inverse else f"1 / {variances}"
        if len(set(scales)) > 1:
            name = page.names.blocks[block.members, "scale"]
            page.call(f"{name} = np.array([", [number(each) for each in scales], "])")
            ratio += f" * {name}"
        if inverse:
            page.call(f"{inverse} = pt.linalg.solve_triangular(", [factor, f"np.eye({len(members)})", "lower=True"])
        _add(terms, -0.5 * size, f"pt.sum({ratio})")
    return terms


def _variance_terms(page: Page, block: JointBlock) -> list[tuple[str, str]]:
    exponents: dict[float, list[str]] = {}
    for member in block_order(block, page.model):
        name = _variance(page, member)
        if page.model.parameters[name].fixed is None:
            logs = exponents.setdefault(_exponent(page, block, member), [])
            logs.append(f"pt.log({page.parameter(name).code})")
    terms: list[tuple[str, str]] = []
    for exponent, logs in exponents.items():
        _add(terms, exponent, logs[0] if len(logs) == 1 else f"({' + '.join(logs)})")
    return terms


def _starting_correlation(page: Page, block: JointBlock, name: str) -> str:
    """Text of a starting value where zeros would give no positive definite matrix."""
    values = starting_correlations(block, page.model.parameters) or {}
    return number(round(values.get(name, 0.0), 6)) if any(values.values()) else ""


def _scale_text(page: Page, block: JointBlock) -> str:
    values = set(block.scale)
    if len(values) == 1:
        (value,) = values
        return {0.0: "0", 1.0: "I"}.get(value, f"{number(value)} I")
    if len(block.members) > 2:
        return f"diag({page.names.blocks[block.members, 'scale']})"
    return f"diag({', '.join(map(number, block.scale))})"


def _on_determinant(block: JointBlock) -> float:
    return -(block.degrees_of_freedom + len(block.members) + 1) / 2


def _exponent(page: Page, block: JointBlock, member: Column) -> float:
    """Power of a member's variance in the density: from |T|, and half of one for each of its free covariances."""
    n_free = sum(_is_flat_pair(page, block, member, other) for other in block.members if other != member)
    return _on_determinant(block) + n_free / 2


def _is_flat_pair(page: Page, block: JointBlock, left: Column, right: Column) -> bool:
    name = pair_parameter(block, left, right)
    if name is None:
        return False
    parameter = page.model.parameters[name]
    return parameter.is_free and parameter.prior.distribution == "block"


def _add(terms: list[tuple[str, str]], factor: float, text: str) -> None:
    if factor == 0:
        return
    size = "" if abs(factor) == 1 else f"{number(abs(factor))} * "
    terms.append(("-" if factor < 0 else "+", f"{size}{text}"))
