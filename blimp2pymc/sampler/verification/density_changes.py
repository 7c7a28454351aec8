"""Changes of log densities at a state of a chain: that of a kernel beside that of the PyMC graph.

One function per kernel. Each proposes new values of the kernel's targets, and says by how much the density
the kernel draws from changes, and by how much the graph's does with all else as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.verification.category_density import category_changes, difference_changes
from blimp2pymc.sampler.verification.point import Changes, Point
from blimp2pymc.sampler.verification.prediction_density import prediction_changes
from blimp2pymc.sampler.verification.response_density import response_changes, sliced_changes, threshold_changes
from blimp2pymc.sampler.verification.single_cell_density import (
    code_changes,
    count_changes,
    inside,
    nonlinear_changes,
)

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
    while at_new == -np.inf and point.tables.slices.response[index] >= 0 and abs(new - old) > 1e-9:
        # A threshold has little room between the latent responses.
        new = 0.5 * (old + new)
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
        known = {name for name, each in point.model.parameters.items() if each.is_free}
        free = [point.form.parameters[name] for name in used if name in known]
        prior = entries.log_prior_density
        before = point.weighted_rows()[group]
        graph = point.log_density(collapsed=True) - before[2]
        for k in free:
            old = float(state.theta[k])
            new = float(inside(point.random, old + 0.1 * point.random.normal(), tables.priors.lower[k],
                                tables.priors.upper[k]))  # fmt: skip
            graph += prior(point.compiled[0], k, new) - prior(point.compiled[0], k, old)
            state.theta[k] = new
        point.refresh()
        after = point.weighted_rows()[group]
        yield (after[1] - after[2]) - (before[1] - before[2]), point.log_density(collapsed=True) - after[2] - graph


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
    "sliced_responses": sliced_changes,
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
