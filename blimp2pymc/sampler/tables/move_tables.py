"""Tables of changes of location, and of sign: coefficients that follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import comb

import numpy as np

from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers, ragged
from blimp2pymc.sampler.tables.tables import LocationMoves, Reflections, Residuals


def location_monomials(result: Layout, group: int) -> set[int]:
    """Monomials of a group; where residuals change with a location, those too that its monomials turn into."""
    form, moves = result.plan.structure, result.plan.location_moves
    places = [k for k, each in enumerate(form.groups) for _ in each.residuals]
    keys = {result.monomial(product) for each in form.groups[group].residuals for product in each.products}
    if any(places[equation] == group for move in moves for equation, *_ in move.rates):
        keys.add(())
        for index in (result.columns[move.column] for move in moves):
            keys |= {rest for key in keys for rest, *_ in _lower_powers(key, index)}
    return {index for key in keys if (index := result.monomials.get(key, result.n_moments)) < result.n_moments}


def _lower_powers(key: tuple[int, ...], column: int) -> list[tuple[tuple[int, ...], int, int]]:
    """What is added to a monomial when a constant is added to a column: monomials, numbers, powers of the constant."""
    power = key.count(column)
    others = [each for each in key if each != column]
    return [(tuple(sorted([*others, *[column] * (power - k)])), comb(power, k), k) for k in range(1, power + 1)]


def location_move_table(result: Layout, residuals: Residuals) -> LocationMoves:
    """Changes of location as indices."""
    form, moves = result.plan.structure, result.plan.location_moves
    index = result.parameters
    rate = np.zeros((len(moves), len(form.residuals)))
    groups, equations = [], []
    for k, move in enumerate(moves):
        for equation, constant, _ in move.rates:
            rate[k, equation] = constant
        groups.append(sorted({int(residuals.equation_group[equation]) for equation, *_ in move.rates}))
        equations.append([e for e, each in enumerate(form.residuals) if each.parameters & move.targets])
    move_start, entries = ragged(each.entries for each in moves)
    equation_start, equation_items = ragged(equations)
    group_start, group_items = ragged(groups)
    kept = {monomial for group in group_items for monomial in location_monomials(result, group)}
    listed = sorted(result.monomials, key=lambda key: result.monomials[key])
    shift_start, shifts = ragged(
        [(k, result.monomials[rest], factor, power) for k in _by_power(kept, listed, result.columns[each.column])
         for rest, factor, power in _lower_powers(listed[k], result.columns[each.column])
         if result.monomials.get(rest, -1) in kept]
        for each in moves
    )  # fmt: skip
    rate_start, rates = ragged(
        [(equation, name, factor) for equation, _, rest in each.rates for name, factor in rest] for each in moves
    )
    outcomes = [each.outcome for each in form.residuals]
    own = [outcomes.index(each.column) for each in moves]
    drawn_start, drawn = ragged(
        [(product, name) for name in move.drawn for product in form.residuals[equation].products
         if name in product.parameters]
        for move, equation in zip(moves, own, strict=True)
    )  # fmt: skip
    return LocationMoves(
        column=integers(result.columns[each.column] for each in moves),
        move_start=move_start,
        move_source=integers(index[source] for source, _, _ in entries),
        move_target=integers(index[target] for _, target, _ in entries),
        move_factor=np.array([factor for *_, factor in entries], np.float64),
        equation_start=equation_start,
        equation=integers(equation_items),
        group_start=group_start,
        group=integers(group_items),
        kept=integers(sorted(kept)),
        shift_start=shift_start,
        shift_monomial=integers(each[0] for each in shifts),
        shift_rest=integers(each[1] for each in shifts),
        shift_factor=np.array([each[2] for each in shifts], np.float64),
        shift_power=integers(each[3] for each in shifts),
        rate=rate,
        rate_start=rate_start,
        rate_equation=integers(equation for equation, _, _ in rates),
        rate_source=integers(index[name] for _, name, _ in rates),
        rate_factor=np.array([factor for *_, factor in rates], np.float64),
        own_equation=integers(own),
        drawn_start=drawn_start,
        drawn=integers(index[name] for _, name in drawn),
        drawn_monomial=integers(result.monomials[result.monomial(product)] for product, _ in drawn),
        drawn_constant=np.array([product.constant for product, _ in drawn], np.float64),
    )


def _by_power(kept: Iterable[int], listed: Sequence[tuple[int, ...]], column: int) -> list[int]:
    return sorted(kept, key=lambda k: (-listed[k].count(column), k))


def reflection_table(layout: Layout) -> Reflections:
    """Parameters and latent variables that change sign together."""
    turned = layout.plan.reflections
    parameter_start, parameters = ragged([layout.parameters[name] for name in each.parameters] for each in turned)
    column_start, columns = ragged([layout.columns[column] for column in each.latent] for each in turned)
    return Reflections(
        anchor=integers(layout.parameters[each.anchor] for each in turned),
        parameter_start=parameter_start,
        parameter=integers(parameters),
        column_start=column_start,
        column=integers(columns),
    )
