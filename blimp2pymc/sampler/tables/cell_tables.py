"""Tables of missing cells: which are drawn jointly, which by slice sampling, and what their density needs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.ir import Column, Form
from blimp2pymc.sampler.plan.blocking import (
    cell_blocks,
    discrete_columns,
    is_scored,
    nonlinear_columns,
    normal_groups,
    sliced_responses,
    with_scored,
)
from blimp2pymc.sampler.plan.residuals import Structure
from blimp2pymc.sampler.tables.layout import Layout, Pattern
from blimp2pymc.sampler.tables.ragged import integers, ragged
from blimp2pymc.sampler.tables.response_tables import Responses, place_of
from blimp2pymc.sampler.tables.tables import Cells, Nonlinear

LINE = (-np.inf, np.inf)


def cell_table(result: Layout) -> Cells:
    """Blocks of cells with a joint normal full conditional, predictions included."""
    form = result.plan.structure
    equations = {id(residual): k for k, residual in enumerate(result.plan.structure.residuals)}
    # Scores of described outcomes follow from their responses, or are predicted.
    scores = {Column(each.variable) for each in form.described}
    blocks: list[tuple[int, Pattern, tuple[Column, ...], list[int]]] = []
    latent = {column for each in result.plan.marginals for column in each.latent}
    sliced = sliced_responses(form)
    for pattern in result.patterns:
        active = [k for k, group in enumerate(form.groups) if k not in pattern.inactive and not group.is_cut]
        predicted = {column for k in pattern.inactive for column in form.groups[k].outcomes}
        nonlinear = nonlinear_columns(form.groups[k] for k in active)
        # Codes follow from the latent responses, which are drawn with them where other equations look at them.
        with_code = {each.outcome for each in form.latent_responses if each.outcome.variable in pattern.categories}
        without = predicted | nonlinear | scores | with_code
        wanted = [each for each in result.columns if each in pattern.missing and each not in without]
        for block in cell_blocks([form.groups[k] for k in active], wanted):
            touched = [k for k in active if form.groups[k].columns & set(block)]
            varying, drawn_without = _varying(form, touched, set(block)), (latent | pattern.integrated) & set(block)
            arranged = tuple(sorted(block, key=lambda each: (each in varying, each not in drawn_without)))
            blocks.append((3 if drawn_without else 0, pattern, arranged, touched))
        for response in form.latent_responses:
            has_category = response.outcome not in pattern.missing
            if has_category or (response in form.responses and response.outcome.variable in pattern.categories):
                touched = [k for k in active if response.outcome in form.groups[k].columns]
                if response.outcome in sliced:
                    # Its place in the distribution that these groups give it is kept while thresholds move.
                    touched = normal_groups(form, touched, response)
                blocks.append((2, pattern, (response.outcome,), touched))
        blocks += [
            (1, pattern, form.groups[k].outcomes, [k])
            for k in sorted(pattern.inactive)
            if form.groups[k].family == "normal"
        ]
    # Predictions follow the order of the equations, so that a prediction can predict.
    entries = []
    for _, _, block, touched in blocks:
        members = [result.columns[column] for column in block]
        for group in touched:
            rows = []
            for residual in form.groups[group].residuals:
                for key in {result.monomial(product) for product in residual.products}:
                    inside = [member for member in members if member in key]
                    rest = list(key)
                    if inside:
                        rest.remove(inside[0])
                    # A monomial without its member may be new; it joins the pool behind the others.
                    rows.append((tuple(rest), equations[id(residual)], key, members.index(inside[0]) if inside else -1))
            entries.append(rows)
    pool = dict(result.monomials)
    for each in entries:
        for remaining, *_ in each:
            pool.setdefault(remaining, len(pool))
    ordered = [
        sorted((pool[rest], equation, pool[key], member) for rest, equation, key, member in rows) for rows in entries
    ]
    result.monomials = pool
    entry_start, flat = ragged(ordered)
    groups = [form.groups[group] for *_, touched in blocks for group in touched]
    is_constant = [
        group.weight is None and all(rest == 0 or member < 0 for rest, *_, member in rows)
        for group, rows in zip(groups, ordered, strict=True)
    ]
    segment_start, segments = ragged(touched for *_, touched in blocks)
    pulling = [
        sorted({rest for k in range(low, high) if is_constant[k] for rest, *_, member in ordered[k] if member < 0})
        for low, high in itertools.pairwise(segment_start)
    ]
    places = [
        pulling[block].index(rest) if is_constant[k] and member < 0 else -1
        for block, (low, high) in enumerate(itertools.pairwise(segment_start))
        for k in range(low, high)
        for rest, *_, member in ordered[k]
    ]
    pulling_start, pulled = ragged(pulling)
    possible = _possible_values(result)
    limits = [possible.get(block[0], LINE) if phase == 1 else LINE for phase, _, block, _ in blocks]
    member_start, members = ragged([[result.columns[column] for column in block] for _, _, block, _ in blocks])
    keys = list(pool)
    column_start, columns = ragged(
        sorted({column for k in range(low, high) for *_, key, _ in ordered[k] for column in keys[key]})
        for low, high in itertools.pairwise(segment_start)
    )
    return Cells(
        phase=integers(phase for phase, *_ in blocks),
        low=integers(pattern.low for _, pattern, _, _ in blocks),
        high=integers(pattern.low + len(pattern.rows) for _, pattern, _, _ in blocks),
        member_start=member_start,
        member=integers(members),
        overrelaxed=integers(_places_behind(block, latent | pattern.integrated) for _, pattern, block, _ in blocks),
        segment_start=segment_start,
        segment_group=integers(segments),
        entry_start=entry_start,
        entry_equation=integers(each[1] for each in flat),
        entry_monomial=integers(each[2] for each in flat),
        entry_rest=integers(each[0] for each in flat),
        entry_member=integers(each[3] for each in flat),
        entry_place=integers(places),
        segment_is_constant=np.array(is_constant, np.bool_),
        column_start=column_start,
        column=integers(columns),
        pulling_start=pulling_start,
        pulling=integers(pulled),
        lower=np.array([lower for lower, _ in limits]),
        upper=np.array([upper for _, upper in limits]),
    )


def _places_behind(block: Sequence[Column], columns: Set[Column]) -> int:
    return max((k + 1 for k, each in enumerate(block) if each in columns), default=0)


def _varying(form: Structure, groups: Iterable[int], columns: set[Column]) -> set[Column]:
    """Those of some columns whose slopes in these groups, times the root of their weight, differ between rows."""
    return {
        column
        for group in (form.groups[k] for k in groups)
        for residual in group.residuals
        for product in residual.products
        for column in columns & set(product.columns)
        if group.weight is not None or len(product.columns) + len(product.functions) > 1
    }


def dependent_roots(result: Layout, column: Column) -> set[int]:
    """Columns of standard deviations, in blocks, that a column predicts."""
    variances = (group.residuals[0] for group in result.plan.structure.groups if group.standardized is not None)
    roots = (replace(each.outcome, form=Form.ROOT_PRECISION) for each in variances if column in each.columns)
    return {result.working[each] for each in roots}


def _possible_values(result: Layout) -> dict[Column, tuple[float, float]]:
    transforms = {each.scale: each.transform for each in result.model.equations}
    return {column: (each.lower, each.upper) for column, each in transforms.items() if each is not None}


def nonlinear_table(result: Layout, cells: Cells, responses: Responses) -> Nonlinear:
    """Cells and latent responses that enter by a power, inside a function or an equation that is not normal."""
    form = result.plan.structure
    equations = {id(residual): k for k, residual in enumerate(result.plan.structure.residuals)}
    columns: list[int] = []
    found: list[tuple[set[Column], Pattern, list[tuple[int, list, int]], list[bool], list[int]]] = []
    kinds: list[tuple[int, int, tuple[float, ...], int, int]] = []
    variables = {each.outcome: k for k, each in enumerate(form.responses)}
    sliced = sliced_responses(form)
    for pattern in result.patterns:
        active = [k for k, group in enumerate(form.groups) if k not in pattern.inactive and not group.is_cut]
        predicted = {column for k in pattern.inactive for column in form.groups[k].outcomes}
        owners = discrete_columns(form, active, pattern.missing)
        nonlinear = (nonlinear_columns(form.groups[k] for k in active) - form.scores).union(owners)
        with_category = {each for each in sliced if each not in pattern.missing or each.variable in pattern.categories}
        wanted = (pattern.missing & nonlinear - predicted) | with_category
        for column, index in result.columns.items():
            if column not in wanted:
                continue
            own = owners.get(column, [])
            drawn = {column}
            if column in with_category & pattern.missing:
                drawn.add(Column(column.variable))
            dependent = set().union(*(_dependent(result, each) for each in drawn))
            segments = []
            holding = [k for k in active if drawn & form.groups[k].columns]
            touched, densities = with_scored(form, sorted({*holding, *own}), by_row=True)
            # Given a code, the Polya-Gamma weight of its own equation says nothing: it is integrated out.
            densities += [k for k in own if not form.groups[k].is_scored]
            scored = [is_scored(form, group, densities, by_row=True) for group in touched]
            for group, without_response in zip(touched, scored, strict=True):
                # Of what is not normal only linear predictors are needed, without the working response.
                working = {(result.working[each.working],) for each in form.groups[group].residuals
                             if without_response and form.groups[group].family != "normal"}  # fmt: skip
                keys = {
                    (bool(dependent & set(key)), equations[id(residual)], result.monomials[key])
                    for residual in form.groups[group].residuals
                    for key in map(result.monomial, residual.products)
                    if key not in working
                }
                segments.append((group, sorted(keys), sum(not each[0] for each in keys)))
            found.append((drawn, pattern, segments, scored, densities))
            is_count = bool(own) and form.groups[own[0]].family == "negative_binomial"
            codes = result.model.variables[column.variable].categories if own and not is_count else ()
            kind, variable, place = 1 if is_count else 2 if own else 0, -1, -1
            if column in with_category:
                kind, variable = 2 + len(drawn), variables[column]
                place = place_of(cells, responses, variable, pattern.low)
            columns.append(index)
            kinds.append((kind, own[0] if own else -1, codes, variable, place))
    numbered = sorted(set(columns))
    entry_start, entries = ragged(keys for _, _, segments, *_ in found for _, keys, _ in segments)
    fixed = [count for _, _, segments, *_ in found for *_, count in segments]
    bounds = {result.columns[column]: limits for column, limits in _possible_values(result).items()}
    program_start, programs = ragged(
        [k for k, each in enumerate(result.functions) if drawn & columns_in(each)] for drawn, *_ in found
    )
    code_start, codes_of_all = ragged(codes for _, _, codes, *_ in kinds)
    return Nonlinear(
        column=integers(columns),
        low=integers(each[1].low for each in found),
        high=integers(each[1].low + len(each[1].rows) for each in found),
        width=integers(len(result.parameters) + numbered.index(index) for index in columns),
        lower=np.array([bounds.get(index, LINE)[0] for index in columns]),
        upper=np.array([bounds.get(index, LINE)[1] for index in columns]),
        segment_start=ragged(each[2] for each in found)[0],
        segment_group=integers(group for each in found for group, *_ in each[2]),
        is_scored=np.array([flag for each in found for flag in each[3]], np.bool_),
        density_start=ragged(each[4] for each in found)[0],
        density_group=integers(group for each in found for group in each[4]),
        entry_start=entry_start,
        entry_changes=integers(start + count for start, count in zip(entry_start[:-1], fixed, strict=True)),
        entry_equation=integers(each[1] for each in entries),
        entry_monomial=integers(each[2] for each in entries),
        program_start=program_start,
        program=integers(programs),
        kind=integers(kind for kind, *_ in kinds),
        own=integers(own for _, own, *_ in kinds),
        code_start=code_start,
        code=np.array(codes_of_all, np.float64),
        variable=integers(variable for *_, variable, _ in kinds),
        place=integers(place for *_, place in kinds),
    )


def _dependent(result: Layout, column: Column) -> set[int]:
    """Columns whose values follow from a column's, itself included."""
    return {result.columns[column], *result.columns_of_functions(column), *dependent_roots(result, column)}
