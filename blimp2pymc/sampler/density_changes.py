"""Changes of log densities at a state of a chain: that of a kernel beside that of the PyMC graph.

One function per kernel. Each proposes new values of the kernel's targets, and says by how much the density
the kernel draws from changes, and by how much the graph's does with all else as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.sampler import entries
from blimp2pymc.sampler.category_density import category_changes, difference_changes, set_categories
from blimp2pymc.sampler.expected_scores import centered
from blimp2pymc.sampler.graph_point import cell_places, current_cells, cut_parameters, point_of, response_columns
from blimp2pymc.sampler.inverses import cell_columns
from blimp2pymc.sampler.moments import CHUNK
from blimp2pymc.sampler.prediction_density import prediction_changes, prediction_log_density
from blimp2pymc.sampler.response_density import response_changes, response_log_density, threshold_changes
from blimp2pymc.sampler.runs import ChainRun
from blimp2pymc.sampler.single_cell_density import (
    code_changes,
    count_changes,
    inside,
    nonlinear_changes,
)

if TYPE_CHECKING:
    import pymc as pm

SWEEPS = 20
"""Sweeps between the starting values and a state at which kernels are compared."""

Changes = Iterator[tuple[float, float]]
"""Change of a kernel's log density, change of the graph's."""


class Point:
    """A state of a chain, its perturbations, and the graph's log density there."""

    def __init__(self, run: ChainRun, graph: pm.Model, random: np.random.Generator) -> None:
        from blimp2pymc.pymc_source.point import crossing, log_density

        self.run, self.random = run, random
        self.form, self.model = run.layout, run.layout.model
        self.tables, self.state, self.work = run.layout.tables, run.state, run.work
        tables, _, state, work, _ = run.references
        self.compiled = (tables, state, work)
        self.crossing = crossing(self.model, graph)
        cut_variables = {self.crossing.names.parameters[name].variable for name in cut_parameters(self.model)}
        # A few hundred evaluations: interpreting the graph takes less time than compiling it.
        self._full = log_density(graph, mode="FAST_COMPILE")
        self._uncut = self._full
        if cut_variables:
            self._uncut = log_density(graph, without=cut_variables, mode="FAST_COMPILE")
        self._responses = self.form.plan.structure.latent_responses
        self._explicit = frozenset(self.crossing.response_point.columns)
        missing = self.crossing.names.missing
        self.drawn = frozenset(name for name, each in missing.items() if each in self.crossing.value_names)
        self._saved: tuple[np.ndarray, np.ndarray] = (self.state.theta.copy(), self.state.columns.copy())
        self._cells = cell_places(run)

    def next_state(self) -> None:
        """Sample some sweeps from new starting values, then perturb parameters and cells at random."""
        self.run.record.counts[4] = 0
        self.run.start()
        self.run.advance(SWEEPS)
        entries.sweeps(*self.compiled, 1, True)
        self.save()
        for size in (0.2, 0.05, 0.0):
            self._perturb(size)
            if self.refresh() and np.isfinite(self.log_density()):
                break
            self.restore()
        self.save()

    def save(self) -> None:
        """Keep parameters and columns, for `restore`."""
        self._saved = (self.state.theta.copy(), self.state.columns.copy())

    def restore(self) -> None:
        """Go back to what was saved."""
        self.state.theta[...], self.state.columns[...] = self._saved
        self.refresh()

    def refresh(self) -> bool:
        """Compute what depends on parameters and columns; False where it does not exist."""
        set_categories(self.run)
        return self.run.prepare()

    def log_density(self, *, cuts: bool = True, collapsed: bool = False, responses: bool = True) -> float:
        """The graph's log density, with that of latent responses, which the graph integrates out.

        `collapsed`: predictions integrated out; without `cuts`: Means Models left out; without `responses`: as in
        the graph.
        """
        try:
            point = point_of(self.run, self.crossing, self._cells)
        except np.linalg.LinAlgError:
            return -np.inf
        value = (self._full if cuts else self._uncut)(point)
        weights = sum(tilt for _, _, tilt in self.weighted_rows().values())
        if responses and self._responses:
            value += response_log_density(self.run, self._explicit, self.drawn)
            if self._explicit:
                parameters = dict(zip(self.model.parameters, centered(self.form, self.state.theta), strict=False))
                cells = current_cells(self.run, self._cells)
                value += self.crossing.response_log_density(parameters, cells, response_columns(self.run))
        return value + weights - (prediction_log_density(self) if collapsed else 0.0)

    def weighted_rows(self) -> dict[int, tuple[np.ndarray, float, float]]:
        """What Polya-Gamma weights say of the outcomes with two categories, by group.

        Rows in which the outcome has a category; log density of its working responses; log density of the weights
        relative to weights at predictor 0. Weights belong to the state and are no part of the graph.
        """
        tables, columns = self.tables, self.state.columns
        families, residuals, rows = tables.families, tables.residuals, tables.rows
        found = {}
        for group in np.flatnonzero(families.kind == 1):
            classes = np.flatnonzero(tables.weighted.has_class[families.moments[group]])
            spans = [np.arange(rows.class_start[c], rows.class_start[c + 1]) for c in classes]
            own = np.concatenate([np.arange(0), *spans])
            equation = families.equation[group]
            predictor = np.zeros(len(own))
            for k in range(residuals.monomial_start[equation], residuals.monomial_start[equation + 1]):
                monomial = residuals.equation_monomial[k]
                if monomial != families.monomial[group]:
                    start, end = residuals.column_start[monomial : monomial + 2]
                    factors = columns[residuals.monomial_column[start:end]][:, own]
                    predictor -= self.state.coefficient[equation, monomial] * factors.prod(axis=0)
            weights, working = columns[families.weight[group], own], columns[families.response[group], own]
            normal = -0.5 * (weights * (working - predictor) ** 2).sum()
            tilt = np.logaddexp(0.5 * predictor, -0.5 * predictor) - np.log(2.0) - 0.5 * weights * predictor**2
            found[int(group)] = (own, float(normal), float(tilt.sum()))
        return found

    def blocks(self, phase: int) -> list[int]:
        """Blocks of cells drawn before the parameters (0, and 2 with what is integrated out) or after them (1)."""
        return [int(each) for each in np.flatnonzero(self.tables.cells.phase == phase)]

    def chunks(self, block: int) -> Iterator[tuple[int, int]]:
        """Rows of a block of cells, as first row and number."""
        low, high = self.tables.cells.low[block], self.tables.cells.high[block]
        for first in range(low, high, CHUNK):
            yield first, min(CHUNK, high - first)

    def stretches(self, blocks: np.ndarray) -> list[tuple[int, int]]:
        """First row and end of blocks of cells."""
        cells = self.tables.cells
        return [(int(cells.low[block]), int(cells.high[block])) for block in blocks]

    def members(self, block: int) -> np.ndarray:
        """Columns of a block of cells."""
        cells = self.tables.cells
        return cells.member[cells.member_start[block] : cells.member_start[block + 1]]

    def normal(self, block: int, low: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Precisions and linear parts of the cells of n rows: (n, size, size) and (n, size)."""
        size = entries.cell_conditional(*self.compiled, block, low, n)
        lower = np.tril(self.work.precision[:size, :size, :n].transpose(2, 0, 1))
        return lower + np.tril(lower, -1).transpose(0, 2, 1), self.work.linear[:size, :n].T.copy()

    def _perturb(self, size: float) -> None:
        priors, random = self.tables.priors, self.random
        variances = {each.residual_variance for each in self.model.equations}
        for name, parameter in self.model.parameters.items():
            k = self.form.parameters[name]
            if not parameter.is_free:
                continue
            old, z = self.state.theta[k], random.normal()
            new = old * np.exp(size * z) if name in variances else old + size * z * max(0.2, abs(old))
            if priors.lower[k] < new < priors.upper[k]:
                self.state.theta[k] = new
        columns = cell_columns(self.model)
        discrete = {each.variable for each in self.form.plan.structure.described}
        bounds = {each.scale: (each.transform.lower, each.transform.upper) for each in self.model.equations
                  if each.transform is not None}  # fmt: skip
        for name, rows in self._cells.items():
            column = self.form.columns[columns[name]]
            if name in discrete:
                continue
            spread = float(np.std(self.state.columns[column]))
            old = self.state.columns[column, rows]
            new = old + size * spread * random.normal(size=len(rows))
            lower, upper = bounds.get(columns[name], (-np.inf, np.inf))
            self.state.columns[column, rows] = np.where((new > lower) & (new < upper), new, old)
        if self._responses and self.refresh():
            entries.redraw_responses(*self.compiled)
            entries.redraw_categories(*self.compiled)
            entries.redraw_differences(*self.compiled)


# ---------------------------------------------------------------- parameters


def _covariances(point: Point, index: int) -> Changes:
    group = int(point.tables.covariance[index])
    residuals, state = point.tables.residuals, point.state
    start, end = residuals.group_start[group], residuals.group_start[group + 1]
    size = int(end - start)
    degrees = entries.covariance_conditional(*point.compiled[:2], group, point.work.matrix[0])
    scale = point.work.matrix[0].copy()
    before = point.log_density(collapsed=True)
    old = state.covariance[group, :size, :size].copy()
    factor = np.eye(size) + 0.2 * point.random.normal(size=(size, size))
    new = factor @ old @ factor.T
    for i in range(size):
        state.theta[residuals.variance[start + i]] = new[i, i]
        for j in range(i):
            state.theta[residuals.correlation[group, i, j]] = new[i, j] / np.sqrt(new[i, i] * new[j, j])
    point.refresh()

    def density(covariance: np.ndarray) -> float:
        precision, log_determinant = np.ascontiguousarray(np.linalg.inv(covariance)), np.linalg.slogdet(covariance)[1]
        # The graph's density is one of variances and correlations: Jacobian of the covariances.
        jacobian = 0.5 * (size - 1) * np.log(np.diag(covariance)).sum()
        return entries.covariance_log_density(precision, log_determinant, size, scale, degrees) + jacobian

    yield density(new) - density(old), point.log_density(collapsed=True) - before


def _variances(point: Point, index: int) -> Changes:
    parameter = point.tables.variances.parameter[index]
    shape, scale = entries.variance_conditional(*point.compiled[:2], index)
    before = point.log_density(collapsed=True)
    old = point.state.theta[parameter]
    new = old * np.exp(0.4 * point.random.normal())
    point.state.theta[parameter] = new
    point.refresh()
    kernel = entries.variance_log_density(new, shape, scale) - entries.variance_log_density(old, shape, scale)
    yield kernel, point.log_density(collapsed=True) - before


def _coefficients(point: Point, index: int) -> Changes:
    blocks, priors, state = point.tables.coefficients, point.tables.priors, point.state
    members = blocks.member[blocks.member_start[index] : blocks.member_start[index + 1]]
    size = entries.coefficient_conditional(*point.compiled, index)
    matrix, vector = point.work.matrix[0].copy(), point.work.vector[0].copy()
    before = point.log_density(collapsed=True)
    step = np.zeros(len(vector))
    step[:size] = 2.0 * point.random.normal(size=size) / np.sqrt(np.diag(matrix)[:size])
    if blocks.bounded[index]:
        (k,) = members
        step[0] = inside(point.random, state.theta[k] + step[0], priors.lower[k], priors.upper[k]) - state.theta[k]
    state.theta[members] += step[:size]
    for shift in range(blocks.shift_start[index], blocks.shift_start[index + 1]):
        entries.move_along(*point.compiled, shift, step[blocks.shift_mean[shift]])
    point.refresh()
    kernel = entries.coefficient_log_density(step, size, matrix, vector)
    yield kernel, point.log_density(collapsed=True) - before


def _slice(point: Point, index: int) -> Changes:
    k = point.tables.slices.parameter[index]
    priors, state = point.tables.priors, point.state
    old = float(state.theta[k])
    width = min(state.widths[k, 0], 0.5 * abs(old) + 0.1)
    new = float(inside(point.random, old + width * point.random.normal(), priors.lower[k], priors.upper[k]))
    at_old = entries.slice_log_density(*point.compiled, index, old)
    before = point.log_density(collapsed=True)
    at_new = entries.slice_log_density(*point.compiled, index, new)
    state.theta[k] = new
    point.refresh()
    yield at_new - at_old, point.log_density(collapsed=True) - before


def _scored_coefficients(point: Point, index: int) -> Changes:
    scoring, blocks, state = point.tables.scoring, point.tables.coefficients, point.state
    block = int(scoring.block[index])
    members = blocks.member[blocks.member_start[block] : blocks.member_start[block + 1]]
    at_old = entries.scoring_log_density(*point.compiled, index)
    before = point.log_density(collapsed=True)
    step = 0.1 * point.random.normal(size=len(members))
    state.theta[members] += step
    for shift in range(blocks.shift_start[block], blocks.shift_start[block + 1]):
        entries.move_along(*point.compiled, shift, step[blocks.shift_mean[shift]])
    point.refresh()
    at_new = entries.scoring_log_density(*point.compiled, index)
    yield at_new - at_old, point.log_density(collapsed=True) - before


# ---------------------------------------------------------------- missing cells


def _linear_cells(point: Point) -> Changes:
    # One stretch of rows of every block; blocks that share a row are compared one after the other.
    for block in (*point.blocks(0), *point.blocks(3)):
        chunks = list(point.chunks(block))
        low, n = chunks[point.random.integers(len(chunks))]
        precision, _ = point.normal(block, low, n)
        size, columns = precision.shape[1], point.state.columns
        members = point.members(block)
        old = columns[members, low : low + n].T.copy()
        new = old + 1.5 * point.random.normal(size=old.shape) / np.sqrt(np.einsum("nii->ni", precision))
        kernel = sum(
            entries.cell_log_density(point.compiled[2], values, size, row) * sign
            for sign, each in ((1.0, new), (-1.0, old))
            for row, values in enumerate(each)
        )
        before = point.log_density(cuts=False, collapsed=True)
        columns[members, low : low + n] = new.T
        point.refresh()
        yield kernel, point.log_density(cuts=False, collapsed=True) - before


def _weights(point: Point) -> Changes:
    # Given the weights, the density of the working responses is that of the categories times that of the weights.
    tables, state = point.tables, point.state
    groups = point.form.plan.structure.groups
    for group in point.weighted_rows():
        elsewhere = {name for k, each in enumerate(groups) if k != group for name in each.parameters}
        used = sorted(groups[group].parameters - elsewhere)
        free = [point.form.parameters[name] for name in used if point.model.parameters[name].is_free]
        prior = entries.log_prior_density
        before = point.weighted_rows()[group]
        graph = point.log_density() - before[2]
        for k in free:
            old = float(state.theta[k])
            new = float(inside(point.random, old + 0.1 * point.random.normal(), tables.priors.lower[k],
                                tables.priors.upper[k]))  # fmt: skip
            graph += prior(point.compiled[0], k, new) - prior(point.compiled[0], k, old)
            state.theta[k] = new
        point.refresh()
        after = point.weighted_rows()[group]
        yield (after[1] - after[2]) - (before[1] - before[2]), point.log_density() - after[2] - graph


PARAMETERS: Mapping[int, Callable[[Point, int], Changes]] = {
    0: _covariances,
    1: _variances,
    2: _coefficients,
    3: _slice,
    4: _scored_coefficients,
}
"""Kernel code of `layout.KERNEL_CODES` -> how it is compared."""

CELLS: Mapping[str, Callable[[Point], Changes]] = {
    "nonlinear": nonlinear_changes,
    "cells": _linear_cells,
    "thresholds": threshold_changes,
    "responses": response_changes,
    "categories": category_changes,
    "differences": difference_changes,
    "codes": code_changes,
    "counts": count_changes,
    "predictions": prediction_changes,
    "weights": _weights,
}
"""Kernel of missing values, or of what is drawn with them -> how it is compared."""
