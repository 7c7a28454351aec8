"""Compiled functions that Python calls beside the loop of a chain.

The check of the sampler evaluates each kernel's conditional by itself; the PyMC step carries out a few
sweeps from a given state. Machine code is kept on disk as for the loop.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.chain import sweep
from blimp2pymc.sampler.compilation.compiled import entry
from blimp2pymc.sampler.kernels import (
    categories,
    cells,
    coefficients,
    covariance_moves,
    covariances,
    directions,
    integrated,
    interweaving,
    item_moves,
    location_moves,
    nonlinear,
    response_steps,
    responses,
    scale_moves,
    scoring,
    sliced_responses,
    slices,
    threshold_effects,
    thresholds,
    trajectories,
    transformations,
    variances,
)


@entry
def sweeps(tables, state, work, count, adapting):
    """Carry out sweeps from any parameters and columns, predictions at the end; False after a fault."""
    if not sweep.refresh(tables, state, work):
        state.fault[0] = sweep.START
        return False
    # The responses may be those of other parameters: where they are integrated out nobody else has changed them.
    responses.redraw(tables, state, work)
    sweep.refresh_moments(tables, state, work, False, 0)
    for _ in range(count):
        if not sweep.sweep(tables, state, work, adapting, False, False, True):
            return False
    sweep.predict(tables, state, work)
    return True


@entry
def coefficient_conditional(tables, state, work, block):
    """Precision and gradient of a block of coefficients, to `work.matrix[0]` and `work.vector[0]`."""
    return coefficients.conditional(
        tables.residuals,
        tables.priors,
        tables.coefficients,
        block,
        state.theta,
        state.coefficient,
        state.precision,
        state.sums,
        work.derivative,
        work.matrix[0],
        work.vector[0],
    )


@entry
def move_along(tables, state, work, shift, step):
    """Move the coefficients that belong to a step of a mean."""
    coefficients.move_along(tables.coefficients, shift, step, state.theta, work.vector[1], work.vector[2])


@entry
def coefficient_log_density(step, size, matrix, vector):
    """Log density of a block of coefficients at a step from the current values."""
    return coefficients.log_density(step, size, matrix, vector)


@entry
def variance_conditional(tables, state, index):
    """Shape and scale of a variance."""
    return variances.conditional(tables.residuals, tables.variances, index, state.coefficient, state.sums)


@entry
def variance_log_density(value, shape, scale):
    """Log density of a variance."""
    return variances.log_density(value, shape, scale)


@entry
def covariance_conditional(tables, state, group, scale):
    """Scale matrix, to `scale`, and degrees of freedom of a covariance."""
    return covariances.conditional(tables.residuals, tables.priors, group, state.coefficient, state.sums, scale)


@entry
def covariance_log_density(precision, log_determinant, size, scale, degrees):
    """Log density of a covariance matrix."""
    return covariances.log_density(precision, log_determinant, size, scale, degrees)


@entry
def log_prior_density(tables, parameter, value):
    """Log prior density of a parameter, its block's left out."""
    return slices.log_prior(tables.priors, parameter, value)


@entry
def scoring_log_density(tables, state, work, index):
    """Log density of a block of coefficients of equations that are not normal, at the current values."""
    return scoring.log_density(tables, index, False, state, work)


@entry
def integrated_conditional(tables, state, work, marginal, block):
    """Precision and gradient, to `work.matrix[0]` and `work.vector[0]`, with latent variables integrated out."""
    return integrated.conditional(tables, marginal, block, state, work)


@entry
def path_log_density(tables, state, work, marginal, path, step):
    """Log density at a step along `work.vector[1]`, in the coordinates of the path; sets the parameters."""
    if not directions.coordinates(tables, path, state, work, work.vector[0]):
        return math.nan
    return directions.log_density_at(tables, marginal, path, step, state, work, True)


@entry
def slice_log_density(tables, state, work, index, value):
    """Log density of a parameter drawn by slice sampling; sets the parameter."""
    return slices.log_density(tables, index, value, state, work)


@entry
def cell_conditional(tables, state, work, block, low, n):
    """Precision and linear part of the cells of n rows, to `work.precision` and `work.linear`."""
    return cells.conditional(
        tables.residuals, tables.cells, block, low, n, state.columns, state.coefficient, state.precision, work
    )


@entry
def cell_log_density(work, values, size, row):
    """Log density of one row's cells."""
    return cells.log_density(values, size, row, work)


@entry
def nonlinear_log_density(tables, state, work, index, row, value):
    """Log density of a cell drawn by slice sampling; sets the cell and the functions of it."""
    nonlinear.conditional(
        tables.residuals, tables.nonlinear, index, row, state.columns, state.coefficient, work.by_equation
    )
    return nonlinear.log_density(
        tables, index, row, value, state.columns, state.theta, state.coefficient, state.precision, work
    )


@entry
def sliced_log_density(tables, state, work, index, row, value):
    """Log density of a latent response drawn by slice sampling; sets it, and a category that follows."""
    sliced_responses.prepare(tables, index, row, state, work)
    return sliced_responses.log_density(tables, index, row, value, state, work)


@entry
def move_thresholds(tables, state, work, variable, new):
    """Set the thresholds of a variable whose responses follow; returns the log ratio of the kernel's density."""
    table, priors = tables.responses, tables.priors
    n = responses.conditional(tables, variable, state, work)
    before = thresholds.prepare(tables, variable, n, state, work)
    before += thresholds.log_priors(priors, table, variable, work.bounds[0])
    first = table.threshold_start[variable]
    for k in range(work.bounds.shape[1]):
        work.bounds[1, k] = work.bounds[0, k]
    for k in range(new.size):
        work.bounds[1, k + 1] = new[k]
    ratio = thresholds.log_likelihood(table, variable, n, work.response_mean, state, work.bounds[1], work, 1) - before
    ratio += thresholds.log_priors(priors, table, variable, work.bounds[1])
    ratio += threshold_effects.follow(tables, variable, state, work)
    for k in range(new.size):
        state.theta[table.threshold[first + k]] = new[k]
    return ratio


@entry
def response_conditional(tables, state, work, variable):
    """Means and roots of precisions of a variable's responses, to `work`; returns their number."""
    return responses.conditional(tables, variable, state, work)


@entry
def threshold_log_density(tables, state, work, variable, n):
    """Log density of a variable's thresholds and coefficients, given `response_conditional`."""
    value = thresholds.prepare(tables, variable, n, state, work)
    value += thresholds.log_priors(tables.priors, tables.responses, variable, work.bounds[0])
    value += threshold_effects.log_density_of_scores(tables, variable, work.bounds[0], state, work)
    return value + response_steps.log_priors(tables, variable, state.theta, work)


@entry
def redraw_responses(tables, state, work):
    """Draw all responses at the current parameters and columns."""
    responses.redraw(tables, state, work)


@entry
def category_conditional(tables, state, work, index, row):
    """Log probabilities, means and roots of precisions of a row's categories, to `work.options`; how many."""
    return categories.conditional(tables, index, row, state, work)


@entry
def redraw_categories(tables, state, work):
    """Draw missing categories with their responses; -1 when that worked."""
    return categories.update(tables, state, work)


@entry
def redraw_differences(tables, state, work):
    """Draw the latent differences of observed categories, one after the other."""
    categories.update_differences(tables, state, work)


@entry
def transformation_log_density(tables, state, work, index, power):
    """Log density of a lambda at a value, for the parameters and cells of the state; sets the transformed values."""
    if not transformations.prepare(tables, index, state, work):
        return -math.inf
    return transformations.log_density(tables, index, power, state, work)


@entry
def least_squares(tables, state, work, index):
    """Residual sum of squares of the transformed values of a lambda, after `transformation_log_density`.

    The factor of the coefficients' precision is in `work.matrix[0]`, L^-1 X'(z + given part) in `work.vector[0]`.
    """
    outcome = tables.transformations.start[index]
    square = transformations.cross_products(tables, outcome, state, work)
    return transformations.least_squares(tables, outcome, square, work)


@entry
def scale_log_density(tables, state, work, move, t):
    """Log density of a change of scale by exp(t), the Jacobian included."""
    scale_moves.conditional(tables, move, state, work)
    return scale_moves.log_density(tables, tables.scale_moves, move, t, state, work)


@entry
def change_scale(tables, state, work, move, t):
    """Carry out a change of scale by exp(t); False when a covariance is no longer positive definite."""
    return scale_moves.carry_out(tables, tables.scale_moves, move, t, state, work)


@entry
def response_scale_density(tables, state, work, variable, t):
    """Log density of the change of scale by exp(t) that is drawn with a variable's thresholds, without their own."""
    return response_steps.scale_density(tables, variable, t, state, work)


@entry
def change_response_scale(tables, state, work, variable, t):
    """Carry out the change of scale by exp(t) that is drawn with a variable's thresholds."""
    return scale_moves.carry_out(tables, tables.response_scales, tables.responses.scale[variable], t, state, work)


@entry
def location_conditional(tables, state, work, move):
    """Precision and linear part, to `work.matrix[0]` and `work.vector[0]`, of a change of location; its size."""
    return location_moves.conditional(tables, move, state, work)


@entry
def change_location(tables, state, work, move, step):
    """Carry out a change of location by `step`."""
    location_moves.carry_out(tables, move, step, state, work)


@entry
def trajectory_log_density(tables, state, work, index, informed):
    """Log density of a trajectory; its gradient to `work.proposal[0]`, `informed`: the information to `matrix[0]`."""
    return trajectories.log_density(tables, index, informed, state, work, work.proposal[0], work.matrix[0])


@entry
def hold_residuals(tables, state, work, index):
    """Compute the standardized residuals of a latent variable, to be held while it follows its coefficients."""
    interweaving.hold(tables, index, state, work)


@entry
def interweaving_log_density(tables, state, work, index):
    """Log density of the coefficients a latent variable follows, after `hold_residuals`; sets the variable."""
    return interweaving.log_density(tables, index, state, work)


@entry
def item_log_density(tables, state, work, index, holds):
    """Log density of the parameters a latent variable follows; `holds`: its places are held, and it is set."""
    return item_moves.log_density(tables, index, holds, state, work)


@entry
def covariance_degrees(tables, index):
    """Degrees of freedom of the proposal of a whole covariance."""
    return covariance_moves.degrees_of_freedom(tables, index)


@entry
def covariance_log_ratio(tables, state, work, index, drawn):
    """Log of the acceptance ratio of a whole covariance; sets its elements, but carries out no changes of scale."""
    return covariance_moves.log_ratio(tables, index, drawn, state, work)


@entry
def carry_out_covariance(tables, state, work, index):
    """Carry out the changes of scale of `covariance_log_ratio`; False when a covariance is not positive definite."""
    return covariance_moves.carry_out(tables, index, state, work)
