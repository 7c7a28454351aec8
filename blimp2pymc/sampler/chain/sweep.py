"""One sweep of the sampler, and runs of sweeps: the compiled loop of a chain.

Order: what moves on the density of categories and counts; changes of location, from the last sweep's moments where
these are current; missing cells, thresholds and latent responses; what is drawn with latent variables integrated out,
then these variables; with both, moments; latent variables together with the coefficients they follow; parameters as the
plan lists them, then changes of scale and proposals of whole covariances; and in kept draws the predictions, so that
completed data and parameters belong to the same draw.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from blimp2pymc.sampler.chain import row_passes, statistics
from blimp2pymc.sampler.chain.row_passes import EARLY, FOR_STATISTICS, LATE, NO_DRAWS, NO_MOMENTS
from blimp2pymc.sampler.compilation.addresses import call_block
from blimp2pymc.sampler.compilation.compiled import compiled, inlined
from blimp2pymc.sampler.compilation.machine_code import Loop
from blimp2pymc.sampler.kernels import (
    categories,
    coefficients,
    covariance_moves,
    covariances,
    discrete,
    integrated,
    interweaving,
    item_moves,
    location_moves,
    nonlinear,
    paths,
    predictions,
    reflections,
    responses,
    scale_moves,
    scoring,
    sliced_responses,
    slices,
    threshold_effects,
    trajectories,
    transformations,
    variances,
)
from blimp2pymc.sampler.kernels.log_variances import update_precisions
from blimp2pymc.sampler.kernels.row_densities import update_weights
from blimp2pymc.sampler.numerics.evaluator import set_columns, set_parameters
from blimp2pymc.sampler.numerics.moments import refresh_covariance, refresh_equation, update_normal_moments
from blimp2pymc.sampler.numerics.quantiles import add_summary, quantile
from blimp2pymc.sampler.tables.row_statistics import record_rows

NO_FAULT, COEFFICIENTS, VARIANCES, COVARIANCES, SLICES, CELLS, START, NOT_FINITE, SCORING, MARGINALS = range(10)
TRANSFORMATIONS, BLOCKS = 10, 11
"""Faults, as `State.fault[0]`; `fault[1]` says where."""

SETTLING = 20
"""Sweeps before the first iteration, in models that draw with latent variables integrated out."""


class Record(NamedTuple):
    """What a chain keeps of its draws, and how often."""

    burn: np.ndarray
    """Kept burn-in draws, (draws, parameters)."""
    parameters: np.ndarray
    """(draws, parameters)."""
    statistics: np.ndarray
    """(draws, statistics)."""
    snapshot_draws: np.ndarray
    """Draws after which the cells are stored, ascending."""
    snapshots: np.ndarray
    """(snapshots, cells)."""
    totals: np.ndarray
    """Sums over the current draw's cells of deviations of each column from its reference, and squares; (columns, 2)."""
    scratch: np.ndarray
    """Room for the missing cells of one column."""
    cell_mean: np.ndarray
    cell_squares: np.ndarray
    quantile_column: np.ndarray
    """Columns of the recorded quantiles, and their probabilities."""
    quantile_probability: np.ndarray
    summary_total: np.ndarray
    """Sums over thinned draws of quartiles, minimum and maximum; (columns, 5)."""
    log_groups: np.ndarray
    """Groups in the log-likelihood; none: it is not wanted."""
    log_moments: np.ndarray
    """Mean, squared deviations, largest, total of every row; (4, rows), complete rows first."""
    counts: np.ndarray
    """Burn-in iterations, burn-in thinning, thinning of quantiles, thinning of the log-likelihood;
    counters: iterations done, snapshots, summaries, log-likelihoods; thinning of summaries; shape (9,)."""


@compiled
def refresh(tables, state, work):
    """Compute everything that depends on the parameters and completed columns; False if impossible."""
    if tables.definitions.target.size > 0:
        set_parameters(tables.definitions, state.theta, state.columns, work.stack)
    transformations.transform_observed(tables, state)
    set_columns(tables.functions, state.theta, state.columns, 0, state.columns.shape[1], work.stack)
    set_columns(tables.inverses, state.theta, state.columns, 0, state.columns.shape[1], work.stack)
    for equation in range(tables.residuals.equation_group.size):
        refresh_equation(tables.residuals, equation, state.theta, state.coefficient)
    for group in range(tables.residuals.group_set.size):
        if not refresh_covariance(
            tables.residuals, group, state.theta, state.covariance, state.precision, state.log_determinant,
            work.matrix[0],
        ):  # fmt: skip
            return False
    update_precisions(tables, state, work)
    return True


@compiled
def refresh_moments(tables, state, work, full, first_class):
    """Compute moments from the completed columns, `full`: those that statistics need as well."""
    also = FOR_STATISTICS if full else 0
    row_passes.update(tables, state, work, NO_DRAWS, EARLY + also, first_class)
    row_passes.update(tables, state, work, NO_DRAWS, LATE + also, first_class)


@inlined
def update_parameters(tables, state, work, adapting, first, integrating):
    """Draw all parameters given the moments; False after a fault, which is noted in the state.

    `first`: begin with two rounds of coefficients, so that variances see residuals around least squares.
    `integrating`: without the coefficients that have been drawn with latent variables integrated out.
    """
    n_steps = tables.step_kernel.size
    for turn in range(3 * n_steps if first else n_steps):
        step = turn % n_steps
        if turn < 2 * n_steps and first and tables.step_kernel[step] not in (2, 4):
            continue
        kernel, index = tables.step_kernel[step], tables.step_index[step]
        if kernel == 0:
            fine = covariances.update(tables.residuals, tables.priors, tables.covariance[index], state, work)
            fault = COVARIANCES
        elif kernel == 1:
            fine = variances.update(tables.residuals, tables.variances, index, state, work)
            fault = VARIANCES
        elif kernel == 2:
            fine = (integrating and tables.coefficients.repeated[index]) or coefficients.update(
                tables.residuals, tables.priors, tables.coefficients, index, state.overrelaxation[0], state, work
            )
            fault = COEFFICIENTS
        elif kernel == 3:
            # Thresholds and latent responses of the start do not fit: responses are drawn first.
            fine = (first and tables.slices.response[index] >= 0) or slices.update(tables, index, state, work, adapting)
            fault = SLICES
        else:
            fine = scoring.update(tables, index, state, work, adapting, first)
            fault = SCORING
        if not fine:
            state.fault[0], state.fault[1] = fault, step
            return False
    if not first:
        failed = scale_moves.update(tables, state, work)
        if failed >= 0:
            state.fault[0], state.fault[1] = (
                NOT_FINITE,
                tables.scale_moves.parameter[tables.scale_moves.parameter_start[failed]],
            )
            return False
        failed = covariance_moves.update(tables, state, work)
        if failed >= 0:
            state.fault[0], state.fault[1] = NOT_FINITE, tables.residuals.correlation[failed, 1, 0]
            return False
    return True


@inlined
def update_integrated(tables, state, work, adapting):
    """Draw everything there is with latent variables integrated out; returns -1, or the marginal that failed."""
    marginals = tables.marginals
    for marginal in range(marginals.part_start.size - 1):
        for block in range(marginals.block_start[marginal], marginals.block_start[marginal + 1]):
            if not integrated.draw(tables, marginal, block, state, work):
                return marginal
        for path in range(marginals.path_start[marginal], marginals.path_start[marginal + 1]):
            if not paths.update(tables, marginal, path, state, work, adapting):
                return marginal
    return -1


@inlined
def update_together(tables, state, work, adapting):
    """Move what can be moved on the density of categories and counts themselves; -1, or the parameter that failed."""
    trajectories.update(tables, state, work, adapting)
    failed = item_moves.update(tables, state, work, adapting)
    update_weights(tables, state, work)
    return failed


@compiled
def sweep(tables, state, work, adapting, full, first, integrating):
    """Draw cells, then parameters; False after a fault.

    `full`: moments for statistics as well. `first`: leave the cells as they are. `integrating`: draw with latent
    variables integrated out, too, where that can be done.
    """
    also = FOR_STATISTICS if full else 0
    if first:
        update_weights(tables, state, work)
        refresh_moments(tables, state, work, full, 0)
    else:
        failed = update_together(tables, state, work, adapting)
        if failed >= 0:
            state.fault[0], state.fault[1] = NOT_FINITE, failed
            return False
        failed = nonlinear.update(tables, state, work, adapting)
        if failed >= 0:
            state.fault[0], state.fault[1] = CELLS, failed
            return False
        failed = sliced_responses.update(tables, state, work, adapting)
        if failed >= 0:
            state.fault[0], state.fault[1] = CELLS, failed
            return False
        failed = discrete.update(tables, state, work, adapting)
        if failed >= 0:
            state.fault[0], state.fault[1] = CELLS, failed
            return False
        failed = categories.update(tables, state, work)
        if failed >= 0:
            state.fault[0], state.fault[1] = CELLS, failed
            return False
        if tables.location_moves.column.size > 0 and not location_moves.moments_are_current(tables, state):
            refresh_moments(tables, state, work, False, 0)
            update_normal_moments(tables, state, work)
        location_moves.update(tables, state, work)
        is_interrupted = (
            tables.differences.block.size + tables.responses.column.size + tables.transformations.parameter.size > 0
        )
        row_passes.update(tables, state, work, 0, NO_MOMENTS if is_interrupted else EARLY + also, 0)
        if is_interrupted:
            categories.update_differences(tables, state, work)
            for variable in range(tables.responses.column.size):
                if threshold_effects.has_scores(tables.responses, variable):
                    refresh_moments(tables, state, work, False, 0)
                    update_normal_moments(tables, state, work)
                responses.update(tables, variable, state, work, adapting)
            failed = transformations.update(tables, state, work, adapting)
            if failed >= 0:
                state.fault[0], state.fault[1] = TRANSFORMATIONS, failed
                return False
            row_passes.update(tables, state, work, NO_DRAWS, EARLY + also, 0)
        if integrating:
            failed = update_integrated(tables, state, work, adapting)
            if failed >= 0:
                state.fault[0], state.fault[1] = MARGINALS, failed
                return False
        row_passes.update(tables, state, work, 3, LATE + also, 0)
    update_normal_moments(tables, state, work)
    if not first and tables.interweavings.column.size > 0:
        failed = interweaving.update(tables, state, work, adapting)
        if failed >= 0:
            state.fault[0], state.fault[1] = NOT_FINITE, failed
            return False
        if full:
            refresh_moments(tables, state, work, True, 0)
    return update_parameters(tables, state, work, adapting, first, integrating)


@compiled
def update_blocks(tables, state, work, adapting):
    """Draw what NUTS draws, given completed data, and then the responses, which it leaves out; -1, or which failed."""
    for block in range(state.blocks.shape[0]):
        if call_block(state.blocks[block, 0], state.blocks[block, 1], 1 if adapting else 0) != 0:
            return block
        if not refresh(tables, state, work):
            return block
    responses.redraw(tables, state, work)
    return -1


@inlined
def initialise(tables, state, work):
    """Draw every parameter, given the completed data of the start, and let the chain settle; False after a fault.

    Residual variances of the start are too large. Given them, covariances drawn with latent variables integrated out
    go to a corner, where nothing is left for these variables to explain, and they take long to come back. Only then
    are draws overrelaxed: the start is far from where it should be.
    """
    state.overrelaxation[0] = 0.0
    if not refresh(tables, state, work):
        state.fault[0] = START
        return False
    if not sweep(tables, state, work, True, False, True, False):
        return False
    if tables.marginals.part_start.size > 1:
        for _ in range(SETTLING):
            if not sweep(tables, state, work, True, False, False, False):
                return False
    state.overrelaxation[0] = state.overrelaxation[1]
    return True


@inlined
def predict(tables, state, work):
    """Draw outcomes that predict nothing, given the parameters of the same draw, and complete the moments."""
    predictions.update(tables, state, work)
    responses.set_scores(tables.responses, state)
    categories.set_codes(tables.differences, state)
    low = tables.rows.class_start[1]
    set_columns(tables.functions, state.theta, state.columns, low, state.columns.shape[1], work.stack)
    set_columns(tables.inverses, state.theta, state.columns, 0, state.columns.shape[1], work.stack)
    refresh_moments(tables, state, work, True, 1)


@compiled
def record_parameters(tables, state, work, out):
    """Write the parameters to `out`, coefficients centered at the expected scores of this draw."""
    # Kernels of coefficients need no values of definitions that are polynomials, and leave them as they were.
    if tables.definitions.target.size > 0:
        set_parameters(tables.definitions, state.theta, state.columns, work.stack)
    statistics.copy(state.theta, out)
    for k in range(tables.centers.score.size):
        step = state.theta[tables.centers.score[k]]
        coefficients.move_along(tables.centers, k, step, out, work.vector[1], work.vector[2])


@compiled
def keep(tables, data, state, work, record, draw):
    """Record the current draw."""
    counts = record.counts
    record_parameters(tables, state, work, record.parameters[draw])
    columns = state.columns
    statistics.accumulate(data, columns, draw + 1.0, record.cell_mean, record.cell_squares, record.totals)
    out = record.statistics[draw]
    statistics.record(tables, data, state, work, record.totals, out)
    again = draw % counts[2] == 0
    record_rows(tables, state, work, record.scratch, again, record.statistics[max(0, draw - 1)], out)
    n_sums = tables.statistics.kind.size + tables.row_statistics.kind.size
    for k in range(record.quantile_column.size):
        if not again:
            out[n_sums + k] = record.statistics[draw - 1, n_sums + k]
            continue
        column = record.quantile_column[k]
        known = data.observed[data.observed_start[column] : data.observed_start[column + 1]]
        n = statistics.missing_values(data, column, columns, record.scratch)
        out[n_sums + k], _, _ = quantile(known, record.scratch[:n], record.quantile_probability[k], 0, 0)
    if draw % counts[8] == 0:
        counts[6] += 1
        for column in range(record.summary_total.shape[0]):
            known = data.observed[data.observed_start[column] : data.observed_start[column + 1]]
            n = statistics.missing_values(data, column, columns, record.scratch)
            add_summary(known, record.scratch[:n], record.summary_total[column])
    if record.log_groups.size > 0 and draw % counts[3] == 0:
        counts[7] += 1
        groups, moments, n_complete = record.log_groups, record.log_moments, tables.complete.shape[1]
        statistics.add_log_likelihood(tables, groups, tables.complete, 0, state, work, counts[7], moments)
        statistics.add_log_likelihood(tables, groups, columns, n_complete, state, work, counts[7], moments)
    if counts[5] < record.snapshot_draws.size and record.snapshot_draws[counts[5]] == draw:
        statistics.gather(data, columns, record.snapshots[counts[5]])
        counts[5] += 1


@Loop
def run(tables, data, state, work, record, iterations):
    """Carry out sweeps and keep what is due; returns the number done, less than asked after a fault.

    With -1 iterations, prepare the start; with -2, only compute what depends on parameters and columns:
    both return 0 when that worked.
    """
    if iterations == -1:
        return 0 if initialise(tables, state, work) else -1
    if iterations < -1:
        fine = refresh(tables, state, work)
        refresh_moments(tables, state, work, True, 0)
        update_normal_moments(tables, state, work)
        return 0 if fine else -1
    counts = record.counts
    burn = counts[0]
    n_parameters = record.parameters.shape[1]
    for done in range(iterations):
        kept = counts[4] >= burn
        if state.blocks.shape[0] > 0:
            if counts[4] <= burn:
                predict(tables, state, work)
            failed = update_blocks(tables, state, work, not kept)
            if failed >= 0:
                state.fault[0], state.fault[1] = BLOCKS, failed
                return done
        if not sweep(tables, state, work, not kept, kept, False, True):
            return done
        if reflections.orient(tables.reflections, state):
            refresh(tables, state, work)
            refresh_moments(tables, state, work, kept, 0)
            update_normal_moments(tables, state, work)
        if kept:
            predict(tables, state, work)
            keep(tables, data, state, work, record, counts[4] - burn)
        elif (counts[4] + 1) % counts[1] == 0:
            record_parameters(tables, state, work, record.burn[(counts[4] + 1) // counts[1] - 1])
        for k in range(n_parameters):
            if not math.isfinite(state.theta[k]):
                state.fault[0], state.fault[1] = NOT_FINITE, k
                return done
        counts[4] += 1
    return iterations
