"""Which statistics of the completed data are recorded in every draw, by name and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from blimp2pymc.joint_model.ir import Column, ModeratorGrid, Product, Role
from blimp2pymc.sampler.draws import Statistic, StatisticKind
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.row_statistics import modelled_residuals, not_normal, row_statistics
from blimp2pymc.sampler.tables.tables import Statistics

PROBABILITIES = {ModeratorGrid.QUARTILES: (0.75, 0.5, 0.25), ModeratorGrid.QUANTILES: (0.84, 0.5, 0.16)}


def recorded_statistics(layout: Layout) -> tuple[Statistic, ...]:
    """Names of all recorded statistics, in the order of the columns of `Draws.statistics`."""
    equations = [residual.equation for residual in modelled_residuals(layout)]
    outcomes = [each for each in equations if each.role is Role.OUTCOME]
    names = [Statistic(StatisticKind.PREDICTOR_VARIANCE, (each.outcome,)) for each in outcomes]
    names += [
        Statistic(StatisticKind.TERM_VARIANCE, (each.outcome, term.name)) for each in outcomes for term in each.terms
    ]
    names += [Statistic(StatisticKind.COLUMN_MEAN, (column,)) for column in layout.shown]
    names += [Statistic(StatisticKind.COLUMN_VARIANCE, (column,)) for column in layout.shown]
    stated = [each.outcome for each in layout.model.equations if each.role is Role.OUTCOME]
    by_row = not_normal(layout)
    names += [
        Statistic(StatisticKind.RESIDUAL_PRODUCT, (first, second))
        for i, first in enumerate(stated)
        for second in stated[i:]
        if not (first in by_row or second in by_row)
    ]
    return (
        *names,
        *row_statistics(layout),
        *(Statistic(StatisticKind.COLUMN_QUANTILE, key) for key in quantile_keys(layout)),
    )


def quantile_keys(layout: Layout) -> list[tuple[Column, float]]:
    """Quantiles that conditional effects ask for."""
    keys: dict[tuple[Column, float], None] = {}
    for effect in layout.model.simple_effects:
        for moderator in effect.moderators:
            for probability in PROBABILITIES.get(moderator.grid, ()):
                if moderator.column in layout.columns:
                    keys[(moderator.column, probability)] = None
    return list(keys)


def statistics_table(layout: Layout) -> tuple[Statistics, set[tuple[int, int]]]:
    """Write the statistics as sums of products; also the pairs of monomials whose cross-products they need.

    Quantiles are no sums: they come last, and the table leaves them out.
    """
    equations = layout.plan.structure.residuals
    outcomes = [residual for residual in modelled_residuals(layout) if residual.equation.role is Role.OUTCOME]
    position = {residual.equation.outcome: k for k, residual in enumerate(equations) if residual in outcomes}
    rows: list[tuple[int, int, int]] = []
    products: list[Product] = []
    pairs: set[tuple[int, int]] = set()

    def monomials(items: Iterable[Product]) -> set[int]:
        return {layout.monomials.setdefault(layout.monomial(each), len(layout.monomials)) for each in items}

    def add_sum(items: Sequence[Product]) -> None:
        rows.append((0, len(products), len(products) + len(items)))
        products.extend(items)
        keys = {0, *monomials(items)}
        pairs.update((a, b) for a in keys for b in keys if a >= b)

    for residual in outcomes:
        add_sum(residual.explained)
    for residual in outcomes:
        for term in residual.terms:
            add_sum(term)
    for code in (1, 2):
        rows += [(code, layout.columns[column], 0) for column in layout.shown]
    stated = [each.outcome for each in layout.model.equations if each.role is Role.OUTCOME]
    by_row = not_normal(layout)
    for i, one in enumerate(stated):
        for other in stated[i:]:
            if one in by_row or other in by_row:
                continue
            rows.append((3, position[one], position[other]))
            pairs |= {
                (max(a, b), min(a, b))
                for a in monomials(equations[position[one]].products)
                for b in monomials(equations[position[other]].products)
            }
    factors = [[layout.parameters[name] for name in each.parameters] for each in products]
    table = Statistics(
        kind=np.array([row[0] for row in rows], np.int64),
        first=np.array([row[1] for row in rows], np.int64),
        second=np.array([row[2] for row in rows], np.int64),
        monomial=np.array([layout.monomials[layout.monomial(each)] for each in products], np.int64),
        constant=np.array([each.constant for each in products], np.float64),
        factor_start=np.array(np.cumsum([0, *map(len, factors)]), np.int64),
        factor_parameter=np.array([each for items in factors for each in items], np.int64),
    )
    return table, pairs
