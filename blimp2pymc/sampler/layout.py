"""Model and plan as tables: names become indices, residuals become products over monomials.

Rows are sorted by pattern of missing cells. Patterns in which the same groups say something form a class; moments are
kept per class, and those of a group are the sum over the classes in which it is active. Moments of complete rows do
not change and are computed here, once, for all chains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from blimp2pymc.errors import error
from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.evaluate import evaluate as evaluate_expression
from blimp2pymc.joint_model.ir import Apply, Column, Model, Product
from blimp2pymc.sampler.blocking import left_out_groups, missing_patterns, used_categories
from blimp2pymc.sampler.category_tables import category_table, difference_table, response_table
from blimp2pymc.sampler.cell_tables import cell_table, nonlinear_table
from blimp2pymc.sampler.evaluator import assemble
from blimp2pymc.sampler.family_tables import add_working_columns, family_table, outcome_table, weighted_table
from blimp2pymc.sampler.inverses import power_names, turned_outcomes
from blimp2pymc.sampler.marginal_tables import integrated_pairs, marginal_table
from blimp2pymc.sampler.move_tables import location_move_table, scale_move_table
from blimp2pymc.sampler.parameter_tables import prior_table, update_tables
from blimp2pymc.sampler.plan import Plan
from blimp2pymc.sampler.recorded import statistics_table
from blimp2pymc.sampler.references import Reference
from blimp2pymc.sampler.row_statistics import row_statistics_table
from blimp2pymc.sampler.row_tables import Weighted
from blimp2pymc.sampler.tables import Centers, Reflections, Residuals, Rows, Tables, integers, ragged
from blimp2pymc.sampler.transformation_tables import transformation_table, transformed_values

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
    categories: frozenset[str]
    """Variables whose category is missing while other equations look at it."""


@dataclass(eq=False)
class Layout:
    """Indices of names, and the tables."""

    model: Model
    plan: Plan
    parameters: dict[str, int] = field(default_factory=dict)
    columns: dict[Column, int] = field(default_factory=dict)
    """Data columns, latent variables, latent responses, then transformed values of outcomes."""
    shown: tuple[Column, ...] = ()
    """The first of `columns`: those that are recorded."""
    functions: dict[Apply, int] = field(default_factory=dict)
    """Columns that are functions of others."""
    working: dict[Column, int] = field(default_factory=dict)
    """Columns of working responses and of weights, behind those of functions."""
    logarithms: dict[Column, int] = field(default_factory=dict)
    """Outcome with lambda to draw -> column with sign(u) log(1 + |u|), u what is inside its Yeo-Johnson transform."""
    monomials: dict[Monomial, int] = field(default_factory=dict)
    n_moments: int = 0
    """Monomials with moments come first."""
    patterns: tuple[Pattern, ...] = ()
    """Incomplete patterns, in the order of the rows."""
    complete_rows: np.ndarray = field(default_factory=lambda: np.arange(0))
    tables: Reference = None  # type: ignore[assignment]
    """The `Tables`, as compiled code takes them."""

    @property
    def incomplete_rows(self) -> np.ndarray:
        """Row numbers of the model's data, in the order of the table of incomplete rows."""
        return np.concatenate([np.arange(0), *(each.rows for each in self.patterns)])

    def monomial(self, product: Product) -> Monomial:
        """Columns of a product, as a key of `monomials`."""
        columns = [self.working[each] if each in self.working else self.columns[each] for each in product.columns]
        return tuple(sorted(columns + [self.functions[each] for each in product.functions]))

    def columns_of_functions(self, column: Column) -> list[int]:
        """Columns that are functions of a column."""
        return [index for each, index in self.functions.items() if column in columns_in(each)]

    def initial_columns(self) -> np.ndarray:
        """Incomplete rows, missing cells NaN; (columns, rows)."""
        return _values(self, self.incomplete_rows)


def layout(model: Model, plan: Plan) -> Layout:
    """Turn a model and its plan into tables."""
    form = plan.structure
    result = Layout(model, plan)
    for name in (*model.parameters, *(each for each in form.definitions if each not in model.parameters)):
        result.parameters[name] = len(result.parameters)
    for name in (*model.data, *model.latent):
        result.columns[Column(name)] = len(result.columns)
    for residual in form.latent_responses:
        result.columns[residual.outcome] = len(result.columns)
    result.shown = tuple(result.columns)
    for equation in model.equations:
        if equation.transform is not None:
            result.columns[equation.scale] = len(result.columns)
    for group in form.groups:
        for residual in group.residuals:
            for product in residual.products:
                for function in product.functions:
                    if function not in result.functions:
                        result.functions[function] = len(result.columns) + len(result.functions)
    add_working_columns(result)
    for equation in model.equations:
        if equation.transform is not None and equation.transform.parameter in power_names(model):
            n_known = len(result.columns) + len(result.functions) + len(result.working)
            result.logarithms[equation.outcome] = n_known + len(result.logarithms)
    result.monomials[()] = 0
    for group in form.groups:
        for residual in group.residuals:
            for product in residual.products:
                result.monomials.setdefault(result.monomial(product), len(result.monomials))
    _arrange_rows(result)
    statistics, extra_pairs = statistics_table(result)
    by_row = row_statistics_table(result, len(statistics.kind))
    n_monomials = result.n_moments = len(result.monomials)
    cells = cell_table(result)
    nonlinear = nonlinear_table(result)
    responses = response_table(result, cells)
    categories = category_table(result, cells, responses)
    classes = _classes(result)
    rows, weighted, set_of_group, group_rows = _rows(result, classes, extra_pairs)
    residuals = _residuals(result)._replace(group_set=set_of_group, group_rows=group_rows)
    complete = _values(result, result.complete_rows)
    kernels, indices, coefficients, variances, covariance, slices, scoring = update_tables(result)
    tables = Tables(
        residuals=residuals,
        priors=prior_table(result),
        rows=rows,
        cells=cells,
        nonlinear=nonlinear,
        responses=responses,
        categories=categories,
        differences=difference_table(result, cells),
        coefficients=coefficients,
        variances=variances,
        covariance=covariance,
        slices=slices,
        scoring=scoring,
        families=family_table(result),
        weighted=weighted,
        outcomes=outcome_table(result, cells),
        row_statistics=by_row,
        marginals=marginal_table(result, list(classes), rows.class_rows),
        reflections=_reflections(result),
        centers=_centers(result),
        scale_moves=scale_move_table(result, residuals),
        location_moves=location_move_table(result, residuals, rows, list(classes)),
        statistics=statistics,
        definitions=assemble(
            [(result.parameters[name], each) for name, each in form.definitions.items()], result.parameters, {}
        ),
        functions=assemble(
            [(index, each) for each, index in result.functions.items()], result.parameters, result.columns
        ),
        inverses=assemble(
            [(result.columns[column], each) for column, each in turned_outcomes(model).items()],
            result.parameters,
            result.columns,
        ),
        transformations=transformation_table(result),
        step_kernel=kernels,
        step_index=indices,
        base=_known_moments(result, classes, complete, n_monomials),
        complete=complete,
    )
    result.tables = Reference(tables)
    return result


def _arrange_rows(result: Layout) -> None:
    form = result.plan.structure
    found = missing_patterns(result.model, form)
    result.complete_rows = found[0][1]
    inactive = [left_out_groups(form, missing, result.plan.collapsed) for missing, _ in found]
    order = sorted(range(1, len(found)), key=lambda k: (len(inactive[k]), sorted(inactive[k]), k))
    patterns, low = [], 0
    for k in order:
        active = [group for index, group in enumerate(form.groups) if index not in inactive[k] and not group.is_cut]
        used = used_categories(form, active, found[k][0])
        patterns.append(Pattern(found[k][0], found[k][1], low, inactive[k], used))
        low += len(found[k][1])
    result.patterns = tuple(patterns)


def _values(result: Layout, rows: np.ndarray) -> np.ndarray:
    data = {Column(name): values[rows].astype(float) for name, values in result.model.data.items()}
    size = len(result.columns) + len(result.functions) + len(result.working) + len(result.logarithms)
    values = np.ones((size, len(rows)))
    data |= {Column(name): np.full(len(rows), np.nan) for name in result.model.latent}
    data |= transformed_values(result.model, data)
    data |= {column: np.full(len(rows), np.nan) for column in result.columns if column not in data}
    for column, index in result.columns.items():
        values[index] = data[column]
    for function, index in result.functions.items():
        if parameters_in(function):
            values[index] = np.nan
            continue
        values[index] = evaluate_expression(function, data)
        known = ~np.any([np.isnan(data[column]) for column in columns_in(function)], axis=0)
        if not np.isfinite(values[index][known]).all():
            raise error("a function of variables in the model has no finite value in some rows", hint=repr(function))
    return values


def _reflections(result: Layout) -> Reflections:
    turned = result.plan.reflections
    parameter_start, parameters = ragged([result.parameters[name] for name in each.parameters] for each in turned)
    column_start, columns = ragged([result.columns[column] for column in each.latent] for each in turned)
    return Reflections(
        anchor=integers(result.parameters[each.anchor] for each in turned),
        parameter_start=parameter_start,
        parameter=integers(parameters),
        column_start=column_start,
        column=integers(columns),
    )


def _centers(result: Layout) -> Centers:
    move_start, moves = ragged(each.entries for each in result.plan.centers)
    return Centers(
        score=integers(result.parameters[each.score] for each in result.plan.centers),
        move_start=move_start,
        move_source=integers(result.parameters[source] for source, _, _ in moves),
        move_target=integers(result.parameters[target] for _, target, _ in moves),
        move_factor=np.array([factor for *_, factor in moves], np.float64),
    )


def _residuals(result: Layout) -> Residuals:
    form = result.plan.structure
    equations = result.plan.structure.residuals
    groups = [index for index, group in enumerate(form.groups) for _ in group.residuals]
    products = [(index, product) for index, residual in enumerate(equations) for product in residual.products]
    size = max(len(group.residuals) for group in form.groups)
    correlation = -np.ones((len(form.groups), size, size), np.int64)
    for index, group in enumerate(form.groups):
        for (i, j), name in (group.block.correlations if group.block else {}).items():
            correlation[index, i, j] = correlation[index, j, i] = result.parameters[name]
    factor_start, factors = ragged([result.parameters[name] for name in product.parameters] for _, product in products)
    monomials = [
        sorted({result.monomials[result.monomial(each)] for each in residual.products}) for residual in equations
    ]
    monomial_start, equation_monomial = ragged(monomials)
    column_start, monomial_column = ragged(result.monomials)
    computed = {result.parameters[name] for name in form.definitions}
    return Residuals(
        group_start=integers(np.cumsum([0, *(len(group.residuals) for group in form.groups)])),
        group_set=integers([0] * len(form.groups)),
        group_rows=np.zeros(len(form.groups)),
        weight=integers(
            -1 if group.weight is None or group.is_scored else result.working[group.weight] for group in form.groups
        ),
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
        variance=integers(
            result.parameters.get(residual.equation.residual_variance or "", -1) for residual in equations
        ),
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


def _classes(result: Layout) -> dict[frozenset[int], set[int]]:
    """Inactive groups -> columns that are not observed in all rows in which these are the inactive groups."""
    scores = {Column(name) for name in result.model.data}
    drawn = {index for column, index in result.columns.items() if column not in scores} | set(result.working.values())
    unknown: dict[frozenset[int], set[int]] = {frozenset(): set(drawn)}
    for pattern in result.patterns:
        columns = unknown.setdefault(pattern.inactive, set(drawn))
        columns.update(result.columns[each] for each in pattern.missing if each in result.columns)
    for columns in unknown.values():
        columns |= {
            index
            for function, index in result.functions.items()
            if parameters_in(function) or columns & {result.columns[each] for each in columns_in(function)}
        }
    return unknown


def _rows(
    result: Layout, unknown: dict[frozenset[int], set[int]], extra: set[tuple[int, int]]
) -> tuple[Rows, Weighted, np.ndarray, np.ndarray]:
    form = result.plan.structure
    classes = {each: k for k, each in enumerate(unknown)}
    class_rows = np.zeros(len(classes))
    class_rows[0] = len(result.complete_rows)
    for pattern in result.patterns:
        class_rows[classes[pattern.inactive]] += len(pattern.rows)
    activity = [tuple(index not in inactive for inactive in classes) for index in range(len(form.groups))]
    is_weighted = [group.weight is not None for group in form.groups]
    plain = [each for each, weighted in zip(activity, is_weighted, strict=True) if not weighted]
    sets = {each: k for k, each in enumerate(dict.fromkeys([*plain, activity[0]]))}
    weighted = weighted_table(result, activity, len(sets))
    place_of = dict(zip(np.flatnonzero(is_weighted), weighted.moment_set, strict=True))
    needed = []
    monomials = {
        id(residual): [result.monomials[result.monomial(each)] for each in residual.products]
        for residual in result.plan.structure.residuals
    }
    every: set[tuple[int, int]] = set(extra)
    for inactive in classes:
        pairs = {
            (max(a, b), min(a, b))
            for index, group in enumerate(form.groups)
            if index not in inactive and not is_weighted[index]
            for first in group.residuals
            for second in group.residuals
            for a in monomials[id(first)]
            for b in monomials[id(second)]
        }
        needed.append(pairs)
        every |= pairs
    integrated = [integrated_pairs(result, inactive) for inactive in classes]
    known = [_known_monomials(result, columns) for columns in unknown.values()]
    lists = [
        [pair for pair in sorted(pairs) if not known[c] >= set(pair)]
        for which in (needed, [every] * len(classes), integrated)
        for c, pairs in enumerate(which)
    ]
    pair_start, listed = ragged(lists)
    used_start, used = ragged(sorted({each for pair in pairs for each in pair}) for pairs in lists)
    sum_start, summed = ragged(
        sorted({pair for c, has in enumerate(each) if has for pair in lists[c]}) for each in sets
    )
    group_set = integers(place_of[k] if k in place_of else sets[each] for k, each in enumerate(activity))
    rows = Rows(
        class_start=integers(np.cumsum([0, class_rows[0] - len(result.complete_rows), *class_rows[1:]])),
        set_has_class=np.array(list(sets), np.bool_),
        class_rows=class_rows,
        pair_start=pair_start,
        pair_first=integers(a for a, _ in listed),
        pair_second=integers(b for _, b in listed),
        used_start=used_start,
        used_monomial=integers(used),
        sum_start=sum_start,
        sum_first=integers(a for a, _ in summed),
        sum_second=integers(b for _, b in summed),
    )
    return rows, weighted, group_set, np.array([class_rows[list(each)].sum() for each in activity])


def _known_monomials(result: Layout, unknown: set[int]) -> set[int]:
    return {index for key, index in result.monomials.items() if not unknown & set(key)}


def _known_moments(result: Layout, classes: dict[frozenset[int], set[int]], complete: np.ndarray, n: int) -> np.ndarray:
    """Moments of complete rows, and of what is observed in every row of a class."""
    total = np.zeros((len(classes), n, n))
    _add_moments(result, complete, range(n), total[0])
    columns = result.initial_columns()
    for index, (inactive, unknown) in enumerate(classes.items()):
        rows = [pattern for pattern in result.patterns if pattern.inactive == inactive]
        known = sorted(each for each in _known_monomials(result, unknown) if each < n)
        for pattern in rows:
            _add_moments(result, columns[:, pattern.low : pattern.low + len(pattern.rows)], known, total[index])
    return total


def _add_moments(result: Layout, columns: np.ndarray, monomials: Sequence[int], total: np.ndarray) -> None:
    keys = list(result.monomials)
    for low in range(0, columns.shape[1], 8192):
        chunk = columns[:, low : low + 8192]
        values = np.array([chunk[list(keys[k])].prod(axis=0) for k in monomials])
        total[np.ix_(monomials, monomials)] += values @ values.T
