"""Model and plan as tables: names become indices, residuals become products over monomials.

Rows are sorted by pattern of missing cells, so that what is missing is the same for a run of rows.
Patterns in which the same groups say something form a class; moments are kept per class, and the
moments of a group are the sum over the classes in which it is active. Moments of complete rows do not
change and are computed here, once, for all chains.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from blimp2pymc.errors import error
from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.evaluate import evaluate as evaluate_expression
from blimp2pymc.joint_model.ir import Apply, Column, Model, Product, Role
from blimp2pymc.sampler.blocking import cell_blocks, inactive_groups, missing_patterns, nonlinear_columns
from blimp2pymc.sampler.evaluator import assemble
from blimp2pymc.sampler.plan import Plan
from blimp2pymc.sampler.recorded import statistics_table
from blimp2pymc.sampler.tables import (
    Cells,
    Coefficients,
    Nonlinear,
    Priors,
    Residuals,
    Rows,
    Slices,
    Tables,
    Variances,
)

KERNEL_CODES = {"covariances": 0, "variances": 1, "coefficients": 2, "means": 2, "bounded": 2, "slice": 3}
PRIOR_CODES = {"flat": 0, "block": 0, "none": 0, "uniform": 0, "normal": 1, "inverse_gamma": 2}
Monomial = tuple[int, ...]
"""Sorted indices of columns; repeated ones are powers."""


@dataclass(frozen=True)
class Pattern:
    """Rows with the same cells missing."""

    missing: frozenset[Column]
    rows: np.ndarray
    """Row numbers of the model's data."""
    low: int
    """First row in the table of incomplete rows."""
    inactive: frozenset[int]
    """Groups that are left out."""


@dataclass(eq=False)
class Layout:
    """Indices of names, and the tables."""

    model: Model
    plan: Plan
    parameters: dict[str, int] = field(default_factory=dict)
    columns: dict[Column, int] = field(default_factory=dict)
    """Data columns."""
    functions: dict[Apply, int] = field(default_factory=dict)
    """Columns that are functions of others."""
    monomials: dict[Monomial, int] = field(default_factory=dict)
    patterns: tuple[Pattern, ...] = ()
    """Incomplete patterns, in the order of the rows."""
    complete_rows: np.ndarray = field(default_factory=lambda: np.arange(0))
    tables: Tables = None  # type: ignore[assignment]

    @property
    def incomplete_rows(self) -> np.ndarray:
        """Row numbers of the model's data, in the order of the table of incomplete rows."""
        return np.concatenate([np.arange(0), *(each.rows for each in self.patterns)])

    def monomial(self, product: Product) -> Monomial:
        """Columns of a product, as a key of `monomials`."""
        return tuple(
            sorted([self.columns[each] for each in product.columns] + [self.functions[each] for each in product.functions])
        )

    def initial_columns(self) -> np.ndarray:
        """Incomplete rows, missing cells NaN; (columns, rows)."""
        return _values(self, self.incomplete_rows)


def ragged(lists: Iterable[Sequence]) -> tuple[np.ndarray, list]:
    """Starts and items of a list of lists."""
    starts, items = [0], []
    for each in lists:
        items.extend(each)
        starts.append(len(items))
    return np.array(starts, np.int64), items


def integers(items: Iterable[int]) -> np.ndarray:
    """Items as int64."""
    return np.array(list(items), np.int64)


def layout(model: Model, plan: Plan) -> Layout:
    """Turn a model and its plan into tables."""
    form = plan.structure
    result = Layout(model, plan)
    for name in (*model.parameters, *(each for each in form.definitions if each not in model.parameters)):
        result.parameters[name] = len(result.parameters)
    for name in model.data:
        result.columns[Column(name)] = len(result.columns)
    for group in form.groups:
        for residual in group.residuals:
            for product in residual.products:
                for function in product.functions:
                    if function not in result.functions:
                        result.functions[function] = len(result.columns) + len(result.functions)
    result.monomials[()] = 0
    for group in form.groups:
        for residual in group.residuals:
            for product in residual.products:
                result.monomials.setdefault(result.monomial(product), len(result.monomials))
    _arrange_rows(result)
    statistics, extra_pairs = statistics_table(result)
    n_monomials = len(result.monomials)
    cells = _cells(result)
    nonlinear = _nonlinear(result)
    residuals = _residuals(result)
    rows, set_of_group, group_rows = _rows(result, extra_pairs)
    residuals = residuals._replace(group_set=set_of_group, group_rows=group_rows)
    complete = _values(result, result.complete_rows)
    kernels, indices, coefficients, variances, covariance, slices = _steps(result)
    result.tables = Tables(
        residuals=residuals,
        priors=_priors(result),
        rows=rows,
        cells=cells,
        nonlinear=nonlinear,
        coefficients=coefficients,
        variances=variances,
        covariance=covariance,
        slices=slices,
        statistics=statistics,
        definitions=assemble(
            [(result.parameters[name], each) for name, each in form.definitions.items()], result.parameters, {}
        ),
        functions=assemble([(index, each) for each, index in result.functions.items()], {}, result.columns),
        step_kernel=kernels,
        step_index=indices,
        base=_complete_moments(result, complete, n_monomials),
        complete=complete,
    )
    return result


def _arrange_rows(result: Layout) -> None:
    form = result.plan.structure
    found = missing_patterns(result.model)
    result.complete_rows = found[0][1]
    inactive = [inactive_groups(form, missing) if result.plan.collapsed else frozenset() for missing, _ in found]
    order = sorted(range(1, len(found)), key=lambda k: (len(inactive[k]), sorted(inactive[k]), k))
    patterns, low = [], 0
    for k in order:
        patterns.append(Pattern(found[k][0], found[k][1], low, inactive[k]))
        low += len(found[k][1])
    result.patterns = tuple(patterns)


def _values(result: Layout, rows: np.ndarray) -> np.ndarray:
    data = {Column(name): values[rows].astype(float) for name, values in result.model.data.items()}
    values = np.empty((len(result.columns) + len(result.functions), len(rows)))
    for column, index in result.columns.items():
        values[index] = data[column]
    for function, index in result.functions.items():
        values[index] = evaluate_expression(function, data)
        known = ~np.any([np.isnan(data[column]) for column in columns_in(function)], axis=0)
        if not np.isfinite(values[index][known]).all():
            raise error("a function of variables in the model has no finite value in some rows", hint=repr(function))
    return values


def _equations(result: Layout) -> list:
    return [residual for group in result.plan.structure.groups for residual in group.residuals]


def _residuals(result: Layout) -> Residuals:
    form = result.plan.structure
    equations = _equations(result)
    groups = [index for index, group in enumerate(form.groups) for _ in group.residuals]
    products = [(index, product) for index, residual in enumerate(equations) for product in residual.products]
    size = max(len(group.residuals) for group in form.groups)
    correlation = -np.ones((len(form.groups), size, size), np.int64)
    for index, group in enumerate(form.groups):
        for (i, j), name in (group.block.correlations if group.block else {}).items():
            correlation[index, i, j] = correlation[index, j, i] = result.parameters[name]
    factor_start, factors = ragged([result.parameters[name] for name in product.parameters] for _, product in products)
    monomials = [sorted({result.monomials[result.monomial(each)] for each in residual.products}) for residual in equations]
    monomial_start, equation_monomial = ragged(monomials)
    column_start, monomial_column = ragged(result.monomials)
    computed = {result.parameters[name] for name in form.definitions}
    return Residuals(
        group_start=integers(np.cumsum([0, *(len(group.residuals) for group in form.groups)])),
        group_set=integers([0] * len(form.groups)),
        group_rows=np.zeros(len(form.groups)),
        equation_group=integers(groups),
        product_start=ragged(residual.products for residual in equations)[0],
        product_equation=integers(index for index, _ in products),
        product_monomial=integers(result.monomials[result.monomial(each)] for _, each in products),
        product_constant=np.array([each.constant for _, each in products]),
        factor_start=factor_start,
        factor_parameter=integers(factors),
        monomial_start=monomial_start,
        equation_monomial=integers(equation_monomial),
        column_start=column_start,
        monomial_column=integers(monomial_column),
        variance=integers(result.parameters[residual.equation.residual_variance] for residual in equations),
        correlation=correlation,
        computed_equation=integers(
            index
            for index, residual in enumerate(equations)
            if computed & {result.parameters[name] for name in residual.parameters}
        ),
        computed_group=integers(
            index
            for index, group in enumerate(form.groups)
            if computed & {result.parameters[name] for name in group.covariance_parameters}
        ),
    )


def _priors(result: Layout) -> Priors:
    form = result.plan.structure
    n = len(result.parameters)
    kind, first, second = np.zeros(n, np.int64), np.zeros(n), np.ones(n)
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    variances = {residual.equation.residual_variance for residual in _equations(result)}
    correlations = {name for block in result.model.blocks for name in block.correlations.values()}
    for index, parameter in enumerate(result.model.parameters.values()):
        prior = parameter.prior
        kind[index] = PRIOR_CODES[prior.distribution]
        if kind[index]:
            first[index], second[index] = prior.arguments
        lower[index], upper[index] = prior.lower, prior.upper
        if prior.distribution == "uniform" and prior.arguments:
            lower[index], upper[index] = max(lower[index], prior.arguments[0]), min(upper[index], prior.arguments[1])
        if parameter.name in variances:
            lower[index] = max(lower[index], 0.0)
        if parameter.name in correlations:
            lower[index], upper[index] = max(lower[index], -1.0), min(upper[index], 1.0)
    size = max(len(group.residuals) for group in form.groups)
    scale, degrees = np.zeros((len(form.groups), size)), np.zeros(len(form.groups))
    free = np.zeros((len(form.groups), size, size), np.bool_)
    has_block = np.zeros(len(form.groups), np.bool_)
    for index, group in enumerate(form.groups):
        if group.block is not None:
            names = group.covariance_parameters
            has_block[index] = any(result.model.parameters[name].prior.distribution == "block" for name in names)
            scale[index, : len(group.residuals)] = group.block.scale
            degrees[index] = group.block.degrees_of_freedom
            for (i, j), name in group.block.correlations.items():
                free[index, i, j] = free[index, j, i] = result.model.parameters[name].is_free
    return Priors(kind, first, second, lower, upper, has_block, scale, degrees, free)


def _rows(result: Layout, extra: set[tuple[int, int]]) -> tuple[Rows, np.ndarray, np.ndarray]:
    form = result.plan.structure
    classes: dict[frozenset[int], int] = {frozenset(): 0}
    for pattern in result.patterns:
        classes.setdefault(pattern.inactive, len(classes))
    class_rows = np.zeros(len(classes))
    class_rows[0] = len(result.complete_rows)
    for pattern in result.patterns:
        class_rows[classes[pattern.inactive]] += len(pattern.rows)
    activity = [tuple(index not in inactive for inactive in classes) for index in range(len(form.groups))]
    sets = {each: k for k, each in enumerate(dict.fromkeys(activity))}
    needed = []
    monomials = {
        id(residual): [result.monomials[result.monomial(each)] for each in residual.products]
        for residual in _equations(result)
    }
    every: set[tuple[int, int]] = set(extra)
    for inactive in classes:
        pairs = {
            (max(a, b), min(a, b))
            for index, group in enumerate(form.groups)
            if index not in inactive
            for first in group.residuals
            for second in group.residuals
            for a in monomials[id(first)]
            for b in monomials[id(second)]
        }
        needed.append(pairs)
        every |= pairs
    lists = [sorted(each) for each in needed] + [sorted(every)] * len(classes)
    pair_start, pairs = ragged(lists)
    used_start, used = ragged(sorted({each for pair in pairs for each in pair}) for pairs in lists)
    group_set = integers(sets[each] for each in activity)
    rows = Rows(
        class_start=integers(np.cumsum([0, class_rows[0] - len(result.complete_rows), *class_rows[1:]])),
        set_has_class=np.array(list(sets), np.bool_),
        class_rows=class_rows,
        pair_start=pair_start,
        pair_first=integers(a for a, _ in pairs),
        pair_second=integers(b for _, b in pairs),
        used_start=used_start,
        used_monomial=integers(used),
    )
    return rows, group_set, np.array([class_rows[list(each)].sum() for each in activity])


def _complete_moments(result: Layout, complete: np.ndarray, n: int) -> np.ndarray:
    total = np.zeros((n, n))
    keys = list(result.monomials)[:n]
    for low in range(0, complete.shape[1], 8192):
        chunk = complete[:, low : low + 8192]
        values = np.array([chunk[list(key)].prod(axis=0) for key in keys])
        total += values @ values.T
    return total


def _cells(result: Layout) -> Cells:
    form = result.plan.structure
    equations = {id(residual): k for k, residual in enumerate(_equations(result))}
    blocks: list[tuple[int, Pattern, tuple[Column, ...], list[int]]] = []
    for pattern in result.patterns:
        active = [k for k, group in enumerate(form.groups) if k not in pattern.inactive and not group.is_cut]
        predicted = {column for k in pattern.inactive for column in form.groups[k].outcomes}
        nonlinear = nonlinear_columns(form.groups[k] for k in active)
        wanted = [each for each in result.columns if each in pattern.missing and each not in predicted | nonlinear]
        for block in cell_blocks([form.groups[k] for k in active], wanted):
            touched = [k for k in active if form.groups[k].columns & set(block)]
            blocks.append((0, pattern, block, touched))
        blocks += [(1, pattern, form.groups[k].outcomes, [k]) for k in sorted(pattern.inactive)]
    # Predictions follow the order of the equations, so that a prediction can predict.
    segments, entries = [], []
    for _, _, block, touched in blocks:
        members = [result.columns[column] for column in block]
        for group in touched:
            segments.append(group)
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
    for rows in entries:
        for rest, *_ in rows:
            pool.setdefault(rest, len(pool))
    ordered = [sorted((pool[rest], equation, pool[key], member) for rest, equation, key, member in rows) for rows in entries]
    result.monomials = pool
    entry_start, flat = ragged(ordered)
    member_start, members = ragged([[result.columns[column] for column in block] for _, _, block, _ in blocks])
    segment_start, _ = ragged(touched for *_, touched in blocks)
    return Cells(
        phase=integers(phase for phase, *_ in blocks),
        low=integers(pattern.low for _, pattern, _, _ in blocks),
        high=integers(pattern.low + len(pattern.rows) for _, pattern, _, _ in blocks),
        member_start=member_start,
        member=integers(members),
        segment_start=segment_start,
        segment_group=integers(segments),
        entry_start=entry_start,
        entry_equation=integers(each[1] for each in flat),
        entry_monomial=integers(each[2] for each in flat),
        entry_rest=integers(each[0] for each in flat),
        entry_member=integers(each[3] for each in flat),
    )


def _nonlinear(result: Layout) -> Nonlinear:
    form = result.plan.structure
    equations = {id(residual): k for k, residual in enumerate(_equations(result))}
    found: list[tuple[int, Pattern, list[tuple[int, list, int]]]] = []
    for pattern in result.patterns:
        active = [k for k, group in enumerate(form.groups) if k not in pattern.inactive and not group.is_cut]
        predicted = {column for k in pattern.inactive for column in form.groups[k].outcomes}
        nonlinear = nonlinear_columns(form.groups[k] for k in active)
        for column, index in result.columns.items():
            if column not in pattern.missing or column in predicted or column not in nonlinear:
                continue
            dependent = {index, *(k for each, k in result.functions.items() if column in columns_in(each))}
            segments = []
            for group in (k for k in active if column in form.groups[k].columns):
                keys = {
                    (bool(dependent & set(key)), equations[id(residual)], result.monomials[key])
                    for residual in form.groups[group].residuals
                    for key in map(result.monomial, residual.products)
                }
                segments.append((group, sorted(keys), sum(not each[0] for each in keys)))
            found.append((index, pattern, segments))
    columns = sorted({index for index, *_ in found})
    entry_start, entries = ragged(keys for _, _, segments in found for _, keys, _ in segments)
    fixed = [count for _, _, segments in found for *_, count in segments]
    program_start, programs = ragged(
        [k for k, each in enumerate(result.functions) if index in {result.columns[c] for c in columns_in(each)}]
        for index, *_ in found
    )
    return Nonlinear(
        column=integers(index for index, *_ in found),
        low=integers(pattern.low for _, pattern, _ in found),
        high=integers(pattern.low + len(pattern.rows) for _, pattern, _ in found),
        width=integers(len(result.parameters) + columns.index(index) for index, *_ in found),
        segment_start=ragged(segments for *_, segments in found)[0],
        segment_group=integers(group for *_, segments in found for group, *_ in segments),
        entry_start=entry_start,
        entry_changes=integers(start + count for start, count in zip(entry_start[:-1], fixed, strict=True)),
        entry_equation=integers(each[1] for each in entries),
        entry_monomial=integers(each[2] for each in entries),
        program_start=program_start,
        program=integers(programs),
    )


def _steps(result: Layout) -> tuple[np.ndarray, np.ndarray, Coefficients, Variances, np.ndarray, Slices]:
    form = result.plan.structure
    model = result.model
    equations = _equations(result)
    where = {id(residual): k for k, residual in enumerate(equations)}
    kernels: list[int] = []
    indices: list[int] = []
    counts = [0, 0, 0, 0]
    covariance: list[int] = []
    variances: list[tuple[str, list[int]]] = []
    blocks: list[tuple[tuple[str, ...], list[tuple[int, int]], bool, list[int], tuple]] = []
    slices: list[tuple[str, list[int], list[int], list[bool], bool]] = []
    products = [(k, product) for k, residual in enumerate(equations) for product in residual.products]
    for update in result.plan.updates:
        if update.kernel not in KERNEL_CODES:
            continue
        code = KERNEL_CODES[update.kernel]
        kernels.append(code)
        indices.append(counts[code])
        counts[code] += 1
        if code == 0:
            covariance.append(next(k for k, each in enumerate(form.groups) if each.covariance_parameters == update.targets))
        elif code == 1:
            name = update.targets[0]
            variances.append((name, [k for k, each in enumerate(equations) if each.equation.residual_variance == name]))
        elif code == 2:
            left_out = {(shift.mean, shift.group) for shift in update.shifts}
            group_of = {where[id(residual)]: k for k, group in enumerate(form.groups) for residual in group.residuals}
            entries = [
                (member, k)
                for member, name in enumerate(update.targets)
                for k, (equation, product) in enumerate(products)
                if name in product.parameters and (name, group_of[equation]) not in left_out
            ]
            changed = {*update.targets, *(target for shift in update.shifts for _, target, _ in shift.entries)}
            refreshed = sorted({equation for equation, product in products if changed & set(product.parameters)})
            blocks.append((update.targets, entries, update.kernel == "bounded", refreshed, update.shifts))
        else:
            slices.append((update.targets[0], *_slice_reach(result, update.targets[0])))
    member_start, members = ragged(each[0] for each in blocks)
    entry_start, entries = ragged(each[1] for each in blocks)
    equation_start, refreshed = ragged(each[3] for each in blocks)
    shift_start, shifts = ragged([(block[0], shift) for shift in block[4]] for block in blocks)
    move_start, moves = ragged(shift.entries for _, shift in shifts)
    priors = [model.parameters[name].prior for name, _ in variances]
    assert all(each.distribution in ("flat", "inverse_gamma") for each in priors)
    shapes = [each.arguments if each.distribution == "inverse_gamma" else (-1.0, 0.0) for each in priors]
    variance_start, variance_equations = ragged(each for _, each in variances)
    slice_equation_start, slice_equations = ragged(each[1] for each in slices)
    slice_group_start, slice_groups = ragged(each[2] for each in slices)
    return (
        integers(kernels),
        integers(indices),
        Coefficients(
            member_start=member_start,
            member=integers(result.parameters[name] for name in members),
            entry_start=entry_start,
            entry_member=integers(each[0] for each in entries),
            entry_product=integers(each[1] for each in entries),
            bounded=np.array([each[2] for each in blocks], np.bool_),
            equation_start=equation_start,
            equation=integers(refreshed),
            shift_start=shift_start,
            shift_mean=integers(targets.index(shift.mean) for targets, shift in shifts),
            move_start=move_start,
            move_source=integers(result.parameters[source] for source, _, _ in moves),
            move_target=integers(result.parameters[target] for _, target, _ in moves),
            move_factor=np.array([factor for *_, factor in moves], np.float64),
        ),
        Variances(
            parameter=integers(result.parameters[name] for name, _ in variances),
            shape=np.array([a for a, _ in shapes], np.float64),
            scale=np.array([b for _, b in shapes], np.float64),
            equation_start=variance_start,
            equation=integers(variance_equations),
        ),
        integers(covariance),
        Slices(
            parameter=integers(result.parameters[each[0]] for each in slices),
            equation_start=slice_equation_start,
            equation=integers(slice_equations),
            group_start=slice_group_start,
            group=integers(slice_groups),
            covariance_changes=np.array([flag for each in slices for flag in each[3]], np.bool_),
            is_block_element=np.array([each[4] for each in slices], np.bool_),
        ),
    )


def _slice_reach(result: Layout, name: str) -> tuple[list[int], list[int], list[bool], bool]:
    # Equations and groups that change with a parameter, through whatever is computed from it.
    form = result.plan.structure
    changed = {name}
    for defined, expression in form.definitions.items():
        if parameters_in(expression) & changed:
            changed.add(defined)
    equations = [k for k, residual in enumerate(_equations(result)) if changed & residual.parameters]
    groups, flags = [], []
    for index, group in enumerate(form.groups):
        in_covariance = bool(changed & set(group.covariance_parameters))
        if in_covariance or changed & group.parameters:
            groups.append(index)
            flags.append(in_covariance)
    is_element = any(
        name in group.covariance_parameters
        and any(result.model.parameters[each].prior.distribution == "block" for each in group.covariance_parameters)
        for group in form.groups
        if group.block is not None
    )
    return equations, groups, flags, is_element


def is_outcome(result: Layout, equation: int) -> bool:
    """Whether an equation was stated by the user as that of an outcome."""
    return _equations(result)[equation].equation.role is Role.OUTCOME
