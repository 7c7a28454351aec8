"""Check of missing categories and latent differences against the PyMC graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.chain.response_start import set_following
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.kernels.categories import CODE, LOWER, MEAN, ROOT, UPPER, WEIGHT
from blimp2pymc.sampler.verification.integrated_parts import given_values

if TYPE_CHECKING:
    from blimp2pymc.sampler.verification.point import Changes, Point

ROWS = 30
"""Rows of a pattern in which a category is changed."""


def set_categories(run: ChainRun) -> None:
    """Make codes that follow from responses, and what the state knows of the others, what the columns say."""
    form, state, tables = run.layout, run.state, run.layout.tables
    for index in np.flatnonzero(tables.categories.place >= 0):
        low, high = tables.categories.low[index], tables.categories.high[index]
        codes = tables.categories.code[tables.categories.code_start[index] : tables.categories.code_start[index + 1]]
        place = tables.categories.place[index]
        codes_here = state.columns[tables.categories.score[index], low:high]
        state.category[place : place + high - low] = np.searchsorted(codes, codes_here)
    set_following(form, state)
    structure = form.plan.structure
    for pattern in form.patterns:
        rows = slice(pattern.low, pattern.low + len(pattern.rows))
        for response in structure.responses:
            name = response.equation.name
            if response.outcome in pattern.missing and name not in pattern.categories:
                bounds = [state.theta[form.parameters[each]] for each in response.equation.thresholds]
                category = np.searchsorted(bounds, state.columns[form.columns[response.outcome], rows])
                codes = np.array(form.model.variables[name].categories)
                state.columns[form.columns[Column(name)], rows] = codes[category]
        for name in dict.fromkeys(each.outcome.variable for each in structure.differences):
            own = [each.outcome for each in structure.differences if each.outcome.variable == name]
            if own[0] in pattern.missing and name not in pattern.categories:
                values = [state.columns[form.columns[each], rows] for each in own]
                largest = np.argmax([np.zeros(len(pattern.rows)), *values], axis=0)
                codes = np.array([form.model.variables[name].reference, *(each.category for each in own)])
                state.columns[form.columns[Column(name)], rows] = codes[largest]


def category_changes(point: Point) -> Changes:
    """Changes of the densities with missing categories and their responses, some rows of a pattern at a time."""
    table, state, work = point.tables.categories, point.state, point.work
    for index in range(len(table.score)):
        if table.part[index] >= 0:
            yield _nominal_change(point, index)
            point.restore()
            continue
        rows = range(int(table.low[index]), int(table.high[index]))
        before, kernel, changed = point.log_density(cuts=False, collapsed=True), 0.0, {}
        for row in list(rows)[:ROWS]:
            old = (state.columns[table.score[index], row], state.columns[table.response[index], row])
            n = entries.category_conditional(*point.compiled, index, row)
            options = work.options[:, :n].copy()
            state.columns[table.score[index], row] = old[0]
            place = int(np.flatnonzero(options[CODE] == old[0])[0])
            new = int(point.random.integers(n))
            while options[UPPER, new] - options[LOWER, new] < 1e-8:
                new = int(point.random.integers(n))
            response = _inside(point.random, options[LOWER, new], options[UPPER, new])
            kernel += _log_density(options, new, response) - _log_density(options, place, old[1])
            changed[row] = (options[CODE, new], response)
        for row, (code, response) in changed.items():
            state.columns[table.score[index], row] = code
            state.columns[table.response[index], row] = response
        point.refresh()
        yield kernel, point.log_density(cuts=False, collapsed=True) - before
        point.restore()


def _nominal_change(point: Point, index: int) -> tuple[float, float]:
    """Change with missing categories of a nominal variable whose differences are all integrated out."""
    table, state, part = point.tables.categories, point.state, int(point.tables.categories.part[index])
    equations = range(*point.tables.trajectories.equation_start[part : part + 2])
    columns = point.tables.trajectories.response[equations.start : equations.stop]

    def integrated() -> float:
        return point.log_density(cuts=False, collapsed=True) - given_values(point, part)

    before, kernel, changed = integrated(), 0.0, {}
    for row in range(int(table.low[index]), int(table.high[index]))[:ROWS]:
        old = state.columns[table.score[index], row]
        n = entries.category_conditional(*point.compiled, index, row)
        options = point.work.options[:, :n].copy()
        state.columns[table.score[index], row] = old
        place, new = int(np.flatnonzero(options[CODE] == old)[0]), int(point.random.integers(n))
        kernel += options[WEIGHT, new] - options[WEIGHT, place]
        changed[row] = new, options[CODE, new]
    for row, (new, code) in changed.items():
        # Utilities, the reference first: that of the category is the largest.
        utilities = point.random.normal(size=1 + len(columns))
        utilities[new] = utilities.max() + 0.5
        state.columns[columns, row] = utilities[1:] - utilities[0]
        state.columns[table.score[index], row] = code
    point.refresh()
    return kernel, integrated() - before


def difference_changes(point: Point) -> Changes:
    """Changes of the densities with the latent differences of observed categories, a block at a time."""
    table, state = point.tables.differences, point.state
    for index in range(len(table.block)):
        block = int(table.block[index])
        low, n = next(point.chunks(block))
        rows = np.arange(low, low + n)
        precision, linear = (each.reshape(n) for each in point.normal(block, low, n))
        category = table.category[table.category_start[index] :][:n]
        rivals = table.rival[table.rival_start[index] : table.rival_start[index + 1]]
        cut = np.max([np.zeros(n), *state.columns[rivals][:, rows]], axis=0)
        is_own = category == table.column[index]
        upper = np.where(category >= 0, state.columns[np.maximum(category, 0), rows], 0.0)
        old = state.columns[table.column[index], rows].copy()
        size = point.random.exponential(size=n)
        new = np.where(is_own, cut + size, upper - size)
        before = point.log_density(cuts=False, collapsed=True)
        state.columns[table.column[index], rows] = new
        point.refresh()
        kernel = (linear * (new - old) - 0.5 * precision * (new**2 - old**2)).sum()
        yield kernel, point.log_density(cuts=False, collapsed=True) - before
        point.restore()


def _log_density(options: np.ndarray, k: int, response: float) -> float:
    """Log density of a category and a response in its interval."""
    from scipy.special import log_ndtr

    z = (options[[LOWER, UPPER], k] - options[MEAN, k]) * options[ROOT, k]
    lower, upper = (-z[1], -z[0]) if z[0] > 0 else z
    share = log_ndtr(upper) + np.log1p(-np.exp(log_ndtr(lower) - log_ndtr(upper)))
    deviation = (response - options[MEAN, k]) * options[ROOT, k]
    return float(options[WEIGHT, k] - share + np.log(options[ROOT, k]) - 0.5 * deviation**2)


def _inside(random: np.random.Generator, lower: float, upper: float) -> float:
    if np.isfinite(lower) and np.isfinite(upper):
        return random.uniform(lower, upper)
    size = random.exponential()
    return lower + size if np.isfinite(lower) else upper - size
