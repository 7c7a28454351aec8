"""A state of a chain at which densities are compared: of its kernels, and of the PyMC graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.chain.graph_point import cell_places, current_cells, cut_parameters, point_of, response_columns
from blimp2pymc.sampler.chain.response_start import fit_responses
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.numerics.moments import CHUNK
from blimp2pymc.sampler.plan.inverses import cell_columns
from blimp2pymc.sampler.tables.centers import centered
from blimp2pymc.sampler.verification.category_density import set_categories
from blimp2pymc.sampler.verification.prediction_density import prediction_log_density
from blimp2pymc.sampler.verification.response_density import response_log_density

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
        fit_responses(self.form, self.state)
        if self._responses and self.refresh():
            entries.redraw_responses(*self.compiled)
            entries.redraw_categories(*self.compiled)
            entries.redraw_differences(*self.compiled)
