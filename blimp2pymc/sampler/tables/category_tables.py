"""Tables of latent responses: between which bounds, and which missing categories are drawn with them."""

from __future__ import annotations

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.ir import Column
from blimp2pymc.sampler.kernels.categories import CHANGING, CHANGING_SLOPE, FIXED, FIXED_SLOPE
from blimp2pymc.sampler.plan.blocking import is_scored, sliced_responses, with_scored
from blimp2pymc.sampler.plan.residuals import Residual, Structure
from blimp2pymc.sampler.plan.response_steps import ResponseStep
from blimp2pymc.sampler.tables.cell_tables import dependent_roots
from blimp2pymc.sampler.tables.layout import Layout, Pattern
from blimp2pymc.sampler.tables.parameter_tables import reach_of
from blimp2pymc.sampler.tables.ragged import integers, ragged
from blimp2pymc.sampler.tables.response_tables import Categories, Differences, Responses, place_of
from blimp2pymc.sampler.tables.tables import Cells
from blimp2pymc.sampler.tables.trajectory_tables import NominalPart, nominal_parts


def response_table(result: Layout, cells: Cells) -> Responses:
    """Latent responses of ordered categories, their thresholds and scores."""
    form = result.plan.structure
    found, sliced = form.responses, sliced_responses(form)
    own_steps = {each.response: each for each in result.plan.response_steps}
    rows = result.incomplete_rows
    blocks, categories, codes, missing, steps, places_of_rows, redrawn = [], [], [], [], [], [], []
    for each in found:
        index = result.columns[each.outcome]
        is_own = (cells.phase == 2) & (cells.member[cells.member_start[:-1]] == index)
        own = np.flatnonzero(is_own).tolist()
        blocks.append(own)
        code = result.model.variables[each.equation.name].categories
        held = np.concatenate([np.arange(0), *(np.arange(cells.low[k], cells.high[k]) for k in own)])
        places_of_rows.append(held.tolist())
        values = result.model.data[each.equation.name][rows[held]]
        # Missing ones that are drawn start anywhere: the state has its own copy.
        categories.append(np.searchsorted(code, np.where(np.isnan(values), code[0], values)).tolist())
        codes.append(code)
        missing.append([(p.low, p.low + len(p.rows)) for p in result.patterns
                        if each.outcome in p.missing and each.outcome.variable not in p.categories])  # fmt: skip
        drawn = own_steps[each.outcome].thresholds
        steps.append(result.parameters[drawn[0]] if drawn else -1)
        has_more = own_steps[each.outcome].coefficients or own_steps[each.outcome].scale
        redrawn.append(_blocks_with(cells, index) if has_more else [])
    threshold_start, thresholds = ragged(each.equation.thresholds for each in found)
    block_start, own_blocks = ragged(blocks)
    category_start, category = ragged(categories)
    code_start, code_values = ragged(codes)
    missing_start, runs = ragged(missing)
    equation = [form.residuals.index(each) for each in found]
    plain = [_is_plain(cells, own, form, each) for own, each in zip(blocks, found, strict=True)]
    place = np.cumsum([0, *(len(each.products) for each in form.residuals)])
    slope_start, slopes = ragged(own_steps[each.outcome].coefficients for each in found)
    entry_start, entries = ragged(
        _entries_of_step(each, own_steps[each.outcome], int(place[k])) for each, k in zip(found, equation, strict=True)
    )
    scaled = [each for each in result.plan.response_steps if each.scale is not None]
    redrawn_start, redrawn_blocks = ragged(redrawn)
    reaches = [_reach(result, own_steps[each.outcome]) for each in found]
    dependent_equation_start, dependent_equations = ragged(sorted(equations) for equations, _ in reaches)
    dependent_group_start, dependent_groups = ragged(sorted(groups.items()) for _, groups in reaches)
    thresholds_drawn = {name for each in result.plan.response_steps for name in each.thresholds}
    return Responses(
        column=integers(result.columns[each.outcome] for each in found),
        score=integers(result.columns[each.equation.outcome] for each in found),
        block_start=block_start,
        block=integers(own_blocks),
        category_start=category_start,
        category=integers(category),
        row=integers(ragged(places_of_rows)[1]),
        is_changing=np.array(
            [any(each.outcome.variable in p.categories for p in result.patterns) for each in found], np.bool_
        ),
        equation=integers(equation),
        monomial=integers(result.monomials[result.columns[each.outcome],] for each in found),
        is_plain=np.array(plain, np.bool_),
        slope_start=slope_start,
        slope=integers(result.parameters[name] for name in slopes),
        entry_start=entry_start,
        entry_member=integers(member for member, _ in entries),
        entry_product=integers(product for _, product in entries),
        scale=integers(
            scaled.index(step) if (step := own_steps[each.outcome]).scale is not None else -1 for each in found
        ),
        redrawn_start=redrawn_start,
        redrawn=integers(redrawn_blocks),
        threshold_start=threshold_start,
        threshold=integers(result.parameters[name] for name in thresholds),
        is_drawn=np.array([name in thresholds_drawn for name in thresholds], np.bool_),
        dependent_equation_start=dependent_equation_start,
        dependent_equation=integers(dependent_equations),
        dependent_group_start=dependent_group_start,
        dependent_group=integers(group for group, _ in dependent_groups),
        dependent_is_scored=np.array([scored for _, scored in dependent_groups], np.bool_),
        code_start=code_start,
        code=np.array(code_values, np.float64),
        missing_start=missing_start,
        missing_low=integers(low for low, _ in runs),
        missing_high=integers(high for _, high in runs),
        is_sliced=np.array([each.outcome in sliced for each in found], np.bool_),
        step=integers(steps),
    )


def _reach(result: Layout, step: ResponseStep) -> tuple[set[int], dict[int, bool]]:
    """Equations and groups that hold expected scores the drawn thresholds are part of; whether these are not normal."""
    equations: set[int] = set()
    groups: dict[int, bool] = {}
    for name in step.thresholds:
        reach = reach_of(result, name)
        equations.update(reach.equations)
        groups |= dict(zip(reach.groups, reach.is_scored, strict=True))
    return equations, groups


def _is_plain(cells: Cells, own: list[int], form: Structure, response: Residual) -> bool:
    """Whether only the response's own equation, of one outcome, looks at it in the rows with a category."""
    groups = {int(cells.segment_group[k]) for block in own
              for k in range(cells.segment_start[block], cells.segment_start[block + 1])}  # fmt: skip
    return all(form.groups[k].residuals == (response,) and form.groups[k].weight is None for k in groups)


def _blocks_with(cells: Cells, column: int) -> list[int]:
    """Blocks that hold a column as a missing cell and are drawn before the parameters."""
    return [
        int(k)
        for k in np.flatnonzero(np.isin(cells.phase, (0, 3)))
        if column in cells.member[cells.member_start[k] : cells.member_start[k + 1]]
    ]


def _entries_of_step(response: Residual, step: ResponseStep, first: int) -> list[tuple[int, int]]:
    """Products that hold the coefficients of a step, or change with its scale: place of the coefficient, product."""
    found = [
        (member, first + k)
        for member, name in enumerate(step.coefficients)
        for k, product in enumerate(response.products)
        if name in product.parameters
    ]
    return found + [
        (len(step.coefficients), first + k) for k, product in enumerate(response.products) if product in step.scaled
    ]


def category_table(result: Layout, cells: Cells, responses: Responses) -> Categories:
    """Missing categories that other equations look at, pattern by pattern.

    A nominal one is there once where its differences are integrated out, elsewhere once per difference.
    """
    form = result.plan.structure
    parts, sliced = nominal_parts(result), sliced_responses(form)
    found: list[tuple[Residual, Pattern]] = [
        (each, pattern)
        for pattern in result.patterns
        for each in form.latent_responses
        if each.outcome.variable in pattern.categories
        and each.outcome not in sliced
        and (each.outcome.variable not in parts or parts[each.outcome.variable].residuals[0] is each)
    ]
    looked_at = [_groups(result, each, pattern, parts.get(each.outcome.variable)) for each, pattern in found]
    segments = [
        [(group, _entries(result, each, group)) for group in groups]
        for (each, _), (groups, _) in zip(found, looked_at, strict=True)
    ]
    codes: list[list[float]] = []
    rivals, places = [], []
    for each, pattern in found:
        variable = result.model.variables[each.outcome.variable]
        others = [other.outcome for other in form.differences if _are_rivals(other, each)]
        rivals.append([result.columns[column] for column in others])
        if each.outcome.category is None:
            codes.append(list(variable.categories))
            places.append(place_of(cells, responses, form.responses.index(each), pattern.low))
        else:
            known = (variable.reference, each.outcome.category, *(column.category for column in others))
            codes.append([code for code in known if code is not None])
            places.append(-1)
    flat = [segment for each in segments for segment in each]
    entry_start, entries = ragged(rows for _, rows in flat)
    threshold_start, thresholds = ragged(each.equation.thresholds for each, _ in found)
    code_start, code = ragged(codes)
    rival_start, rival = ragged(rivals)
    program_start, program = ragged(_functions_of(result, Column(each.outcome.variable)) for each, _ in found)
    return Categories(
        score=integers(result.columns[Column(each.outcome.variable)] for each, _ in found),
        response=integers(result.columns[each.outcome] for each, _ in found),
        is_nominal=np.array([each.outcome.category is not None for each, _ in found], np.bool_),
        part=integers(
            parts[each.outcome.variable].place if each.outcome.variable in parts else -1 for each, _ in found
        ),
        low=integers(pattern.low for _, pattern in found),
        high=integers(pattern.low + len(pattern.rows) for _, pattern in found),
        place=integers(places),
        threshold_start=threshold_start,
        threshold=integers(result.parameters[name] for name in thresholds),
        code_start=code_start,
        code=np.array(code, np.float64),
        rival_start=rival_start,
        rival=integers(rival),
        segment_start=ragged(segments)[0],
        segment_group=integers(group for group, _ in flat),
        is_scored=np.array(
            [is_scored(form, group, densities, by_row=True) for groups, densities in looked_at for group in groups],
            np.bool_,
        ),
        density_start=ragged(densities for _, densities in looked_at)[0],
        density_group=integers(group for _, densities in looked_at for group in densities),
        entry_start=entry_start,
        entry_kind=integers(each[0] for each in entries),
        entry_equation=integers(each[1] for each in entries),
        entry_monomial=integers(each[2] for each in entries),
        entry_rest=integers(each[3] for each in entries),
        program_start=program_start,
        program=integers(program),
    )


def difference_table(result: Layout, cells: Cells) -> Differences:
    """Latent differences of nominal variables: where the category is observed, and where it follows from them."""
    form = result.plan.structure
    by_column = {result.columns[each.outcome]: each for each in form.differences}
    blocks = [int(k) for k in np.flatnonzero(cells.phase == 2) if int(cells.member[cells.member_start[k]]) in by_column]
    columns = [int(cells.member[cells.member_start[k]]) for k in blocks]
    categories, rivals = [], []
    for block, column in zip(blocks, columns, strict=True):
        each = by_column[column]
        rivals.append([result.columns[other.outcome] for other in form.differences if _are_rivals(other, each)])
        own = {
            other.outcome.category: result.columns[other.outcome]
            for other in form.differences
            if other.outcome.variable == each.outcome.variable
        }
        rows = result.incomplete_rows[cells.low[block] : cells.high[block]]
        # The reference has no difference of its own.
        categories.append([own.get(float(code), -1) for code in result.model.data[each.outcome.variable][rows]])
    category_start, category = ragged(categories)
    rival_start, rival = ragged(rivals)
    runs, codes, members = _unused_categories(result)
    return Differences(
        block=integers(blocks),
        column=integers(columns),
        category_start=category_start,
        category=integers(category),
        rival_start=rival_start,
        rival=integers(rival),
        missing_low=integers(low for _, low, _ in runs),
        missing_high=integers(high for *_, high in runs),
        missing_score=integers(score for score, *_ in runs),
        member_start=ragged(members)[0],
        member=integers(ragged(members)[1]),
        code_start=ragged(codes)[0],
        code=np.array(ragged(codes)[1], np.float64),
    )


def _unused_categories(result: Layout) -> tuple[list[tuple[int, int, int]], list[list[float]], list[list[int]]]:
    """Runs of rows in which a nominal category is missing and no equation looks at it, with codes and differences."""
    form = result.plan.structure
    runs, codes, members = [], [], []
    for name in dict.fromkeys(each.outcome.variable for each in form.differences):
        own = [each.outcome for each in form.differences if each.outcome.variable == name]
        for pattern in result.patterns:
            if own[0] in pattern.missing and name not in pattern.categories:
                runs.append((result.columns[Column(name)], pattern.low, pattern.low + len(pattern.rows)))
                reference = result.model.variables[name].reference
                assert reference is not None
                codes.append([reference, *(each.category for each in own if each.category is not None)])
                members.append([result.columns[each] for each in own])
    return runs, codes, members


def _are_rivals(first: Residual, second: Residual) -> bool:
    return first.outcome.variable == second.outcome.variable and first.outcome != second.outcome


def _functions_of(result: Layout, column: Column) -> list[int]:
    return [k for k, each in enumerate(result.functions) if column in columns_in(each)]


def _groups(
    result: Layout, response: Residual, pattern: Pattern, part: NominalPart | None
) -> tuple[list[int], list[int]]:
    """Groups that a category's density looks at, less that of differences it integrates out; those not normal."""
    form = result.plan.structure
    held = {Column(response.outcome.variable), response.outcome}
    touched = [
        index
        for index, group in enumerate(form.groups)
        if index not in pattern.inactive
        and not group.is_cut
        and held & group.columns
        and (part is None or response not in group.residuals)
    ]
    return with_scored(form, touched, by_row=True)


def _entries(result: Layout, response: Residual, group: int) -> list[tuple[int, int, int, int]]:
    """Entries of a group: kind, equation, monomial, monomial without the response."""
    form = result.plan.structure
    equations = {id(residual): k for k, residual in enumerate(form.residuals)}
    score, own = Column(response.outcome.variable), result.columns[response.outcome]
    changing = {result.columns[score], *result.columns_of_functions(score), *dependent_roots(result, score)}
    rows = set()
    for residual in form.groups[group].residuals:
        for key in {result.monomial(product) for product in residual.products}:
            if form.groups[group].is_scored and key == (result.working[residual.working],):
                # Of what is not normal only linear predictors are needed, without the working response.
                continue
            rest = list(key)
            kind = CHANGING if changing & set(key) else FIXED
            if own in key:
                rest.remove(own)
                kind = CHANGING_SLOPE if kind == CHANGING else FIXED_SLOPE
            monomial = result.monomials.setdefault(tuple(rest), len(result.monomials))
            rows.add((kind, equations[id(residual)], result.monomials[key], monomial))
    return sorted(rows)
