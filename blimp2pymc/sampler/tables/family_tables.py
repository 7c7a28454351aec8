"""Tables of equations whose rows have weights of their own, and of outcomes that are not normal.

A weighted group has a moment matrix with the rows' weights in it; everything that reads moments works on it as
on any other. Groups of scored families get weights and working responses anew wherever they are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from blimp2pymc.joint_model.ir import Column, Form
from blimp2pymc.sampler.kernels.row_densities import LARGE
from blimp2pymc.sampler.plan.blocking import same_outcome
from blimp2pymc.sampler.plan.residuals import Group
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.move_tables import location_monomials
from blimp2pymc.sampler.tables.ragged import integers, ragged
from blimp2pymc.sampler.tables.row_tables import Families, Outcomes, Weighted
from blimp2pymc.sampler.tables.tables import Cells

FAMILY_CODES = {
    "normal": 0, "logit": 1, "multinomial": 2, "negative_binomial": 3, "log_variance": 4, "joint_log_variance": 5,
}  # fmt: skip
"""Family of a group -> its code in compiled code."""


def add_working_columns(result: Layout) -> None:
    """Give every working response, weight and precision a column behind those of functions."""
    place = len(result.columns) + len(result.functions)
    for group in result.plan.structure.groups:
        wanted = [group.weight] if group.weight is not None else list(group.roots)
        if group.family != "normal":
            wanted.append(group.residuals[0].working)
        for column in wanted:
            if column is not None and column not in result.working:
                result.working[column] = place + len(result.working)


def family_table(result: Layout) -> Families:
    """Families of all groups."""
    groups = result.plan.structure.groups
    equations = np.cumsum([0, *(len(group.residuals) for group in groups)])
    weighted = [k for k, group in enumerate(groups) if group.is_weighted]
    outcome, code, reference, monomial, response, weight = [], [], [], [], [], []
    precision, dispersion, siblings, variances, above, large, missing = [], [], [], [], [], [], []
    for k, group in enumerate(groups):
        first = group.residuals[0]
        equation = first.equation
        is_normal = group.family == "normal"
        outcome.append(-1 if is_normal else result.columns[Column(equation.name)])
        code.append(equation.outcome.category if equation.outcome.category is not None else 1.0)
        reference.append(_reference(result, equation.name) if not is_normal else 0.0)
        monomial.append(-1 if is_normal else result.monomials[(result.working[first.working],)])
        response.append(-1 if is_normal else result.working[first.working])
        weight.append(-1 if group.weight is None else result.working[group.weight])
        precision.append(_precision(result, group))
        dispersion.append(result.parameters[equation.dispersion] if equation.dispersion is not None else -1)
        variances.append([j for j, each in enumerate(groups)
                          if each.residuals[0].models_variance and same_outcome(each, group)])  # fmt: skip
        nominal = group.family in ("logit", "multinomial")
        siblings.append([j for j, each in enumerate(groups) if nominal and same_outcome(each, group)])
        is_count = group.family == "negative_binomial"
        above.append(_counts_above(result, equation.name) if is_count else [])
        large.append(_large_counts(result, equation.name) if is_count else [])
        missing.append(
            [
                (pattern.low, pattern.low + len(pattern.rows))
                for pattern in result.patterns
                if is_count and k not in pattern.inactive and Column(equation.name) in pattern.missing
            ]
        )
    sibling_start, sibling = ragged(siblings)
    variance_start, variance = ragged(variances)
    means = [_mean(groups, group) for group in groups]
    above_start, counts = ragged(above)
    large_start, frequencies = ragged(large)
    missing_start, runs = ragged(missing)
    return Families(
        kind=integers(FAMILY_CODES[group.family] for group in groups),
        outcome=integers(outcome),
        code=np.array(code, np.float64),
        reference=np.array(reference, np.float64),
        equation=integers(equations[:-1]),
        monomial=integers(monomial),
        response=integers(response),
        weight=integers(weight),
        precision=integers(precision),
        dispersion=integers(dispersion),
        mean=integers(k for k, _ in means),
        residual=integers(equations[k] + place if k >= 0 else -1 for k, place in means),
        variance_start=variance_start,
        variance=integers(variance),
        sibling_start=sibling_start,
        sibling=integers(sibling),
        above_start=above_start,
        above=np.array(counts, np.float64),
        large_start=large_start,
        large=np.array([value for value, _ in frequencies], np.float64),
        large_rows=np.array([rows for _, rows in frequencies], np.float64),
        missing_start=missing_start,
        missing_low=integers(low for low, _ in runs),
        missing_high=integers(high for _, high in runs),
        moments=integers(weighted.index(k) if k in weighted else -1 for k in range(len(groups))),
    )


def _precision(result: Layout, group: Group) -> int:
    own = group.residuals[0]
    if not own.models_variance:
        return -1
    form = Form.PRECISION if group.standardized is None else Form.ROOT_PRECISION
    return result.working[replace(own.outcome, form=form)]


def _mean(groups: Sequence[Group], group: Group) -> tuple[int, int]:
    """Of a log variance, the group of its mean and the place of its equation there."""
    own = group.residuals[0]
    if not own.models_variance:
        return -1, -1
    return next(
        (k, place)
        for k, each in enumerate(groups)
        for place, residual in enumerate(each.residuals)
        if residual.equation is own.equation and not residual.models_variance
    )


def _reference(result: Layout, name: str) -> float:
    variable = result.model.variables[name]
    if variable.reference is not None:
        return variable.reference
    return min(variable.categories, default=0.0)


def _counts_above(result: Layout, name: str) -> list[float]:
    values = _observed(result, name)
    return [float((values > k).sum()) for k in range(min(LARGE, int(values.max(initial=0.0))))]


def _large_counts(result: Layout, name: str) -> list[tuple[float, float]]:
    """Distinct observed counts above LARGE, each with its number of rows."""
    values = _observed(result, name)
    distinct, rows = np.unique(values[values > LARGE], return_counts=True)
    return [(float(value), float(n)) for value, n in zip(distinct, rows, strict=True)]


def _observed(result: Layout, name: str) -> np.ndarray:
    values = result.model.data[name]
    return values[~np.isnan(values)]


def weighted_table(result: Layout, activity: Sequence[Sequence[bool]], first_set: int) -> Weighted:
    """Moment matrices of weighted groups; `activity`: whether a group says something in each class of rows."""
    groups = result.plan.structure.groups
    found = [k for k, group in enumerate(groups) if group.is_weighted]
    pairs, used = [], []
    for k in found:
        keys = location_monomials(result, k)
        pairs.append(sorted((a, b) for a in keys for b in keys if a >= b))
        used.append(sorted(keys))
    pair_start, listed = ragged(pairs)
    used_start, flat = ragged(used)
    n_classes = len(activity[0])
    return Weighted(
        moment_set=integers(range(first_set, first_set + len(found))),
        column=integers(-1 if (column := groups[k].weight) is None else result.working[column] for k in found),
        has_class=np.array([activity[k] for k in found], np.bool_).reshape(len(found), n_classes),
        is_normal=np.array([not groups[k].is_scored for k in found], np.bool_),
        pair_start=pair_start,
        pair_first=integers(a for a, _ in listed),
        pair_second=integers(b for _, b in listed),
        used_start=used_start,
        used_monomial=integers(flat),
    )


def outcome_table(result: Layout, cells: Cells) -> Outcomes:
    """Rows in which the category or count of an outcome is predicted, in the order of the equations."""
    first_group = [int(cells.segment_group[each]) for each in cells.segment_start[:-1]]
    groups = result.plan.structure.groups
    rows = []
    for pattern in result.patterns:
        done = set()
        for k in sorted(pattern.inactive):
            name = groups[k].residuals[0].equation.name
            if FAMILY_CODES[groups[k].family] in (1, 2, 3) and name not in done:
                done.add(name)
                later = (
                    block
                    for block, group in enumerate(first_group)
                    if cells.phase[block] == 1 and cells.low[block] == pattern.low and group > k
                )
                rows.append((k, pattern.low, pattern.low + len(pattern.rows), next(later, len(first_group))))
    return Outcomes(*(integers(row[part] for row in rows) for part in range(4)))
