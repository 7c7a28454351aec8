"""Coefficients and residual variances as the covariances and variances that they imply, and back.

For an outcome with coefficients b on latent variables with covariance V, F those of b that move as covariances,

    c = (V b)_F,    t = s + b'V b,    density of (c, log t) = density of (b_F, s) times t / |V_FF|:

for a given V, c is linear in b_F, and t is s and something that does not depend on it. V depends on the parameters of
earlier equations only, so that the Jacobian of all equations is the product of theirs. V is built equation by
equation of a recursive system: an outcome with coefficients b and residuals of variance s has the covariances V b with
what comes before it, and with itself t; where residuals are correlated, their covariance is added.

Where V_FF is singular to rounding, or so little of t is s that rounding would change it, there are no coordinates: a
path moves within the region where there are, and stays where it is outside.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled, inlined
from blimp2pymc.sampler.numerics import cholesky
from blimp2pymc.sampler.numerics.moments import refresh_covariance, refresh_equation

LEAST_RESIDUAL = 1e-9
"""Least share of s in t."""


@inlined
def _read(implied, step, coefficient, work):
    """Write the slopes of an equation's outcome in its predictors."""
    slope = work.joint[2, 0]
    first = implied.predictor_start[step]
    for i in range(implied.predictor_start[step + 1] - first):
        slope[i] = -coefficient[implied.equation[step], implied.monomial[first + i]]


@inlined
def _explain(implied, step, work):
    """Write covariances of an outcome with its predictors; return the variance that these explain."""
    covariance, slope, with_outcome = work.joint[0], work.joint[2, 0], work.joint[3, 0]
    first, explained = implied.predictor_start[step], 0.0
    size = implied.predictor_start[step + 1] - first
    for i in range(size):
        value = 0.0
        for j in range(size):
            value += covariance[implied.predictor[first + i], implied.predictor[first + j]] * slope[j]
        with_outcome[i] = value
        explained += slope[i] * value
    return explained


@inlined
def _factor(implied, step, work):
    """Write the Cholesky factor of V_FF to `work.joint[1]`; False where it is singular."""
    covariance, lower = work.joint[0], work.joint[1]
    first, low = implied.predictor_start[step], implied.turned_start[step]
    size = implied.turned_start[step + 1] - low
    for i in range(size):
        for j in range(i + 1):
            one, other = implied.turned[low + i], implied.turned[low + j]
            lower[i, j] = covariance[implied.predictor[first + one], implied.predictor[first + other]]
    return cholesky.factor(lower, size)


@inlined
def _append(implied, residuals, path, step, state, work):
    """Add an outcome that predicts others to V."""
    covariance, slope, new = work.joint[0], work.joint[2, 0], implied.member[step]
    first, group = implied.predictor_start[step], residuals.equation_group[implied.equation[step]]
    for other in range(implied.start[path], step + 1):
        member = implied.member[other]
        if member >= 0:
            value = 0.0
            for j in range(implied.predictor_start[step + 1] - first):
                value += slope[j] * covariance[implied.predictor[first + j], member]
            if residuals.equation_group[implied.equation[other]] == group:
                value += state.covariance[group, implied.place[step], implied.place[other]]
            covariance[new, member] = covariance[member, new] = value


@compiled
def to_covariances(tables, path, state, work, out):
    """Put covariances and logarithms of variances into the coordinates `out`; False where they do not exist."""
    implied, residuals = tables.implied, tables.residuals
    for step in range(implied.start[path], implied.start[path + 1]):
        _read(implied, step, state.coefficient, work)
        low, high = implied.turned_start[step], implied.turned_start[step + 1]
        if low < high:
            explained = _explain(implied, step, work)
            if not _factor(implied, step, work):
                return False
            for k in range(low, high):
                out[implied.position[k]] = work.joint[3, 0, implied.turned[k]]
            position = implied.variance[step]
            if position >= 0:
                variance = math.exp(out[position])
                if not variance > LEAST_RESIDUAL * (variance + explained):
                    return False
                out[position] = math.log(variance + explained)
        if implied.member[step] >= 0:
            _append(implied, residuals, path, step, state, work)
    return True


@compiled
def from_covariances(tables, path, state, work):
    """Replace covariances and variances, which stand in place of parameters, by these; return log (1 / |V_FF|).

    Where the parameters do not exist, -inf. Coefficients of these equations and covariances of their groups are
    computed, too.
    """
    implied, residuals, theta = tables.implied, tables.residuals, state.theta
    moved, value = tables.marginals.moved_start[path], 0.0
    right = work.joint[4, 0]
    for step in range(implied.start[path], implied.start[path + 1]):
        equation = implied.equation[step]
        low, high = implied.turned_start[step], implied.turned_start[step + 1]
        for k in range(low, high):
            parameter = tables.marginals.moved[moved + implied.position[k]]
            right[k - low] = theta[parameter]
            theta[parameter] = 0.0
        refresh_equation(residuals, equation, theta, state.coefficient)
        _read(implied, step, state.coefficient, work)
        if low < high:
            # What the other coefficients explain is taken off first.
            _explain(implied, step, work)
            if not _factor(implied, step, work):
                return -math.inf
            for k in range(low, high):
                right[k - low] -= work.joint[3, 0, implied.turned[k]]
                value -= 2.0 * math.log(work.joint[1, k - low, k - low])
            cholesky.solve_lower(work.joint[1], high - low, right)
            cholesky.solve_upper(work.joint[1], high - low, right)
            for k in range(low, high):
                theta[tables.marginals.moved[moved + implied.position[k]]] = -right[k - low] / implied.constant[k]
                work.joint[2, 0, implied.turned[k]] += right[k - low]
            refresh_equation(residuals, equation, theta, state.coefficient)
            if implied.variance[step] >= 0:
                parameter = tables.marginals.moved[moved + implied.variance[step]]
                rest = theta[parameter] - _explain(implied, step, work)
                if not rest > LEAST_RESIDUAL * theta[parameter]:
                    return -math.inf
                theta[parameter] = rest
        if implied.changes[step] and not refresh_covariance(
            residuals,
            residuals.equation_group[equation],
            theta,
            state.covariance,
            state.precision,
            state.log_determinant,
            work.matrix[0],
        ):
            return -math.inf
        if implied.member[step] >= 0:
            _append(implied, residuals, path, step, state, work)
    return value
