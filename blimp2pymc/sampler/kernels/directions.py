"""Parameters moved along lines by slice sampling, with latent variables integrated out.

For variances, correlations and coefficients of the latent variables, whose full conditionals given these would
hardly let them move. The density is that of `integrated`; the coordinates have no bounds (log |p|, atanh p), some of
them are covariances and variances that the parameters imply (`implied_covariances`), and their Jacobian belongs to the
density. The lines are the columns of the Cholesky factor of the posterior
covariance as estimated in burn-in, so that successive moves are nearly independent (tibbits et al. 2014), or
one direction that the plan gives: all that changes when a latent variable is multiplied by a constant.

Coefficients of latent variables take others along, which keep means where they are (`plan.marginals.Follower`): a
shear, so that its Jacobian is 1.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled, inlined
from blimp2pymc.sampler.kernels.implied_covariances import from_covariances, to_covariances
from blimp2pymc.sampler.kernels.integrated import log_density
from blimp2pymc.sampler.kernels.slices import log_block_prior, log_prior
from blimp2pymc.sampler.numerics import cholesky, slice_sampling
from blimp2pymc.sampler.numerics.moments import refresh_covariance, refresh_equation

FIRST_WINDOW = 50.0
"""Draws from which directions are first learned; every later window is twice as long."""
FIRST_WIDTH, LEARNED_WIDTH = 0.5, 3.0
"""Widths of the slice sampler before and after directions have been learned, in units of these."""


@compiled
def coordinates(tables, path, state, work, out):
    """Write the current coordinates of a path's parameters to `out`, then what stays of those that follow them.

    False where there are none.
    """
    marginals, theta = tables.marginals, state.theta
    first = marginals.moved_start[path]
    size = marginals.moved_start[path + 1] - first
    for i in range(size):
        value, kind = theta[marginals.moved[first + i]], marginals.coordinate[first + i]
        if kind == 1:
            value = math.log(abs(value))
        elif kind == 2:
            value = math.atanh(value)
        out[i] = value
    low = marginals.following_start[path]
    for k in range(marginals.following_start[path + 1] - low):
        out[size + k] = theta[marginals.following[low + k]]
    for k in range(marginals.follower_start[path], marginals.follower_start[path + 1]):
        out[size + marginals.follower[k]] -= _followed(marginals, first, k, theta)
    return to_covariances(tables, path, state, work, out)


@compiled
def log_density_at(tables, marginal, path, step, state, work, renew):
    """Log density at `step` times the direction from the origin, Jacobian included; sets the parameters.

    Origin and direction are `work.vector[0]` and `work.vector[1]`. `renew`: compute products of residuals even where
    the direction does not change means; otherwise they stay as they are here or at the last point.
    """
    marginals, residuals, priors = tables.marginals, tables.residuals, tables.priors
    origin, direction, theta = work.vector[0], work.vector[1], state.theta
    first = marginals.moved_start[path]
    size = marginals.moved_start[path + 1] - first
    value, means_change = 0.0, renew
    for i in range(size):
        if marginals.in_mean[first + i] and direction[i] != 0.0:
            means_change = True
        parameter, kind = marginals.moved[first + i], marginals.coordinate[first + i]
        x = origin[i] + step * direction[i]
        if kind == 1:
            value += x
            x = math.copysign(math.exp(x), theta[parameter])
        elif kind == 2:
            x = math.tanh(x)
            value += math.log1p(-x * x)
        theta[parameter] = x
    value += from_covariances(tables, path, state, work)
    if not value > -math.inf:
        return -math.inf
    for i in range(size):
        parameter = marginals.moved[first + i]
        value += log_prior(priors, parameter, theta[parameter])
    low = marginals.following_start[path]
    for k in range(marginals.following_start[path + 1] - low):
        theta[marginals.following[low + k]] = origin[size + k]
    for k in range(marginals.follower_start[path], marginals.follower_start[path + 1]):
        theta[marginals.following[low + marginals.follower[k]]] += _followed(marginals, first, k, theta)
    for k in range(low, marginals.following_start[path + 1]):
        value += log_prior(priors, marginals.following[k], theta[marginals.following[k]])
    if not value > -math.inf:
        return -math.inf
    place = path + marginals.parameter_start.size - 1
    if means_change:
        for k in range(marginals.refresh_start[place], marginals.refresh_start[place + 1]):
            refresh_equation(residuals, marginals.refresh[k], theta, state.coefficient)
    for k in range(marginals.group_start[path], marginals.group_start[path + 1]):
        if not refresh_covariance(
            residuals,
            marginals.group[k],
            theta,
            state.covariance,
            state.precision,
            state.log_determinant,
            work.matrix[0],
        ):
            return -math.inf
    for k in range(marginals.prior_start[path], marginals.prior_start[path + 1]):
        group = marginals.prior_group[k]
        value += log_block_prior(residuals, priors, group, theta, state.precision, state.log_determinant)
    value += log_density(tables, marginal, state, work, means_change)
    return value if not math.isnan(value) else -math.inf


@inlined
def _followed(marginals, first, k, theta):
    """What a parameter that follows owes to the one it follows."""
    value = marginals.follower_constant[k] * theta[marginals.moved[first + marginals.follower_source[k]]]
    if marginals.follower_factor[k] >= 0:
        value *= theta[marginals.follower_factor[k]]
    return value


@compiled
def move(tables, marginal, path, width, current, state, work, adapting):
    """Move along the direction in `work.vector[1]` from a point with log density `current`; the new one, or NaN."""
    bracket = work.bracket
    if not coordinates(tables, path, state, work, work.vector[0]):
        return current
    value = current
    x = slice_sampling.begin(bracket, state.generator, 0.0, current, state.widths[width, 0], -math.inf, math.inf)
    while bracket[slice_sampling.PHASE] < slice_sampling.DONE:
        value = log_density_at(tables, marginal, path, x, state, work, False)
        x = slice_sampling.proceed(bracket, state.generator, value)
    # The last point evaluated is the draw, unless sampling failed and the origin must be put back.
    if bracket[slice_sampling.PHASE] != slice_sampling.DONE:
        log_density_at(tables, marginal, path, x, state, work, True)
        return math.nan
    if adapting:
        slice_sampling.adapt(state.widths, width, x)
    return value


@inlined
def learn(learned, size, position, matrix):
    """Add a position to the running covariance; at the end of a window, set the directions from it: True then.

    `learned` holds a counter, the end of the window, the mean, the covariance, the factor, and the mean of the window
    before. The estimate is pulled towards that of the window before, the first one towards its diagonal, by less the
    longer the window: what is highly correlated stays so.
    """
    count = learned[0] + 1.0
    learned[0] = count
    covariance, factor = 2 + size, 2 + size + size * size
    # Deviations from the old and the new mean (welford 1962).
    for i in range(size):
        for j in range(i + 1):
            learned[covariance + i * size + j] += (
                (position[i] - learned[2 + i]) * (position[j] - learned[2 + j]) * (count - 1.0) / count
            )
    for i in range(size):
        learned[2 + i] += (position[i] - learned[2 + i]) / count
    if count < learned[1]:
        return False
    weight = count / (count + 5.0)
    is_first = count <= FIRST_WINDOW
    for i in range(size):
        for j in range(i + 1):
            value = learned[covariance + i * size + j] / (count - 1.0)
            before = value if i == j else 0.0
            if not is_first:
                before = 0.0
                for k in range(j + 1):
                    before += learned[factor + i * size + k] * learned[factor + j * size + k]
            matrix[i, j] = weight * value + (1.0 - weight) * before
        matrix[i, i] *= 1.0 + 1e-8
    if cholesky.factor(matrix, size):
        for i in range(size):
            for j in range(i + 1):
                learned[factor + i * size + j] = matrix[i, j]
            learned[factor + size * size + i] = learned[2 + i]
    learned[0] = 0.0
    learned[1] = 2.0 * count
    for k in range(2, factor):
        learned[k] = 0.0
    return True
