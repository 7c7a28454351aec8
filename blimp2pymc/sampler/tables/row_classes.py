"""Classes of rows, and the moments that are known or summed for each.

In the rows of a class the same groups say something, and the same cells are integrated out.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.ir import Column
from blimp2pymc.sampler.tables.column_values import initial_columns
from blimp2pymc.sampler.tables.family_tables import weighted_table
from blimp2pymc.sampler.tables.interweaving_tables import changing_pairs
from blimp2pymc.sampler.tables.layout import Layout, RowClass
from blimp2pymc.sampler.tables.marginal_tables import integrated_pairs
from blimp2pymc.sampler.tables.move_tables import location_monomials
from blimp2pymc.sampler.tables.ragged import integers, ragged
from blimp2pymc.sampler.tables.row_tables import Weighted
from blimp2pymc.sampler.tables.tables import Cells, Rows


def row_classes(layout: Layout) -> dict[RowClass, set[int]]:
    """Class of rows -> columns that are not observed in all of its rows; that of complete rows comes first."""
    scores = {Column(name) for name in layout.model.data}
    drawn = {index for column, index in layout.columns.items() if column not in scores} | set(layout.working.values())
    unknown: dict[RowClass, set[int]] = {RowClass(): set(drawn)}
    for pattern in layout.patterns:
        columns = unknown.setdefault(pattern.row_class, set(drawn))
        columns.update(layout.columns[each] for each in pattern.missing if each in layout.columns)
    for columns in unknown.values():
        columns |= {
            index
            for function, index in layout.functions.items()
            if parameters_in(function) or columns & {layout.columns[each] for each in columns_in(function)}
        }
    return unknown


def row_table(
    layout: Layout, unknown: dict[RowClass, set[int]], extra: set[tuple[int, int]], cells: Cells
) -> tuple[Rows, Weighted, np.ndarray, np.ndarray]:
    """Classes as ranges of rows, the moments each of them sums, and where groups find theirs.

    Also the set of moments of each group, and the number of rows in which it is active; shapes (groups,).

    Parameters
    ----------
    layout
        Layout with its monomials numbered.
    unknown
        What `row_classes` returns.
    extra
        Pairs of monomials that statistics need.
    cells
        Blocks of missing cells: moments that change with those of phase 3 are computed with these.
    """
    form = layout.plan.structure
    classes = {each: k for k, each in enumerate(unknown)}
    class_rows = np.zeros(len(classes))
    class_rows[0] = len(layout.complete_rows)
    for pattern in layout.patterns:
        class_rows[classes[pattern.row_class]] += len(pattern.rows)
    activity = [tuple(index not in each.inactive for each in classes) for index in range(len(form.groups))]
    is_weighted = [group.is_weighted for group in form.groups]
    plain = [each for each, weighted in zip(activity, is_weighted, strict=True) if not weighted]
    sets = {each: k for k, each in enumerate(dict.fromkeys([*plain, activity[0]]))}
    weighted = weighted_table(layout, activity, len(sets))
    place_of = dict(zip(np.flatnonzero(is_weighted), weighted.moment_set, strict=True))
    needed = []
    monomials = [location_monomials(layout, index) for index in range(len(form.groups))]
    every: set[tuple[int, int]] = set(extra)
    for row_class in classes:
        pairs = {
            (max(a, b), min(a, b))
            for index, each in enumerate(monomials)
            if index not in row_class.inactive and not is_weighted[index]
            for a in each
            for b in each
        }
        needed.append(pairs)
        every |= pairs
    integrated = [integrated_pairs(layout, each) for each in classes]
    following = [changing_pairs(layout, each.inactive) for each in classes]
    known = [_known_monomials(layout, columns) for columns in unknown.values()]
    columns = list(layout.monomials)
    late = _columns_of_blocks(cells.member_start, cells.member, cells.phase == 3)
    changing = {index for index, key in enumerate(columns) if late & set(key)}
    wanted = (needed, [every] * len(classes))
    lists = [
        [pair for pair in sorted(pairs) if not known[c] >= set(pair)]
        for which in (
            *([{pair for pair in pairs if changing & set(pair)} for pairs in each] for each in wanted),
            *([integrated[c] | {pair for pair in pairs if not changing & set(pair)} for c, pairs in enumerate(each)]
              for each in wanted),
            following,
        )
        for c, pairs in enumerate(which)
    ]  # fmt: skip
    pair_start, listed = ragged(lists)
    used_start, used = ragged(sorted({each for pair in pairs for each in pair}) for pairs in lists)
    phases = (3, 3, 0, 0, -1)
    drawn = [_columns_of_blocks(cells.column_start, cells.column, cells.phase == phase) for phase in phases]
    used_column_start, used_columns = ragged(
        sorted(drawn[k // len(classes)].union(*(columns[monomial] for monomial in used[low:high])))
        for k, (low, high) in enumerate(itertools.pairwise(used_start))
    )
    sum_start, summed = ragged(
        sorted({pair for c, has in enumerate(each) if has for pair in needed[c] if not known[c] >= set(pair)})
        for each in sets
    )
    group_set = integers(place_of[k] if k in place_of else sets[each] for k, each in enumerate(activity))
    rows = Rows(
        class_start=integers(np.cumsum([0, class_rows[0] - len(layout.complete_rows), *class_rows[1:]])),
        set_has_class=np.array(list(sets), np.bool_),
        class_rows=class_rows,
        pair_start=pair_start,
        pair_first=integers(a for a, _ in listed),
        pair_second=integers(b for _, b in listed),
        used_start=used_start,
        used_monomial=integers(used),
        used_column_start=used_column_start,
        used_column=integers(used_columns),
        sum_start=sum_start,
        sum_first=integers(a for a, _ in summed),
        sum_second=integers(b for _, b in summed),
    )
    return rows, weighted, group_set, np.array([class_rows[list(each)].sum() for each in activity])


def _columns_of_blocks(starts: np.ndarray, columns: np.ndarray, wanted: np.ndarray) -> set[int]:
    """Columns of some blocks of cells, of all columns listed by block."""
    return {int(column) for block in np.flatnonzero(wanted) for column in columns[starts[block] : starts[block + 1]]}


def _known_monomials(layout: Layout, unknown: set[int]) -> set[int]:
    return {index for key, index in layout.monomials.items() if not unknown & set(key)}


def known_moments(layout: Layout, classes: dict[RowClass, set[int]], complete: np.ndarray, n: int) -> np.ndarray:
    """Moments of complete rows, and of what is observed in every row of a class."""
    total = np.zeros((len(classes), n, n))
    _add_moments(layout, complete, range(n), total[0])
    columns = initial_columns(layout)
    for index, (row_class, unknown) in enumerate(classes.items()):
        rows = [pattern for pattern in layout.patterns if pattern.row_class == row_class]
        known = sorted(each for each in _known_monomials(layout, unknown) if each < n)
        for pattern in rows:
            _add_moments(layout, columns[:, pattern.low : pattern.low + len(pattern.rows)], known, total[index])
    return total


def _add_moments(layout: Layout, columns: np.ndarray, monomials: Sequence[int], total: np.ndarray) -> None:
    keys = list(layout.monomials)
    for low in range(0, columns.shape[1], 8192):
        chunk = columns[:, low : low + 8192]
        values = np.array([chunk[list(keys[k])].prod(axis=0) for k in monomials])
        total[np.ix_(monomials, monomials)] += values @ values.T
