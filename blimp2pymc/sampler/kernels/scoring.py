"""Coefficients of equations that are not normal: drawn jointly, by Metropolis steps that know the curvature.

At the current coefficients b the outcome's rows are replaced by normal working responses (`row_densities`), which
gives a normal approximation of the full conditional with precision P and mean b + P^-1 g, priors and normal
equations that hold the same coefficients included. A draw from it is accepted with the probability that makes up
for the approximation, which is computed anew at the proposed coefficients (gamerman 1997). One proposal in ten is
centered at the current coefficients instead, with a random size, so that a poor approximation cannot hold a chain.

Where all coefficients of a block are those of a trajectory as well (`trajectories`), which is better at it, they are
drawn here in burn-in, and in one of ten sweeps afterwards.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels import coefficients
from blimp2pymc.sampler.kernels.log_variances import set_dependent
from blimp2pymc.sampler.kernels.row_densities import log_density_of_rows
from blimp2pymc.sampler.kernels.slices import log_prior
from blimp2pymc.sampler.numerics import cholesky
from blimp2pymc.sampler.numerics.generator import normal, uniform
from blimp2pymc.sampler.numerics.moments import log_density_of_group, refresh_equation, update_weighted_moments

START_STEPS = 25
"""Scoring steps towards the mode at the start of a chain."""
SHARE = 0.1
"""Share of sweeps, after burn-in, with a step of coefficients that a trajectory moves."""


@compiled
def log_density(tables, index, working, state, work):
    """Log density of a block at its current values, all else given, up to a constant.

    `working`: also compute working responses, weights and their moments there.
    """
    scoring, blocks, priors = tables.scoring, tables.coefficients, tables.priors
    total = 0.0
    for k in range(scoring.density_start[index], scoring.density_start[index + 1]):
        group = scoring.density_group[k]
        total += log_density_of_rows(tables, group, state, working, work)
        if working and scoring.has_mean[k]:
            set_dependent(tables, group, state, work)
    if working:
        for k in range(scoring.group_start[index], scoring.group_start[index + 1]):
            group = scoring.group[k]
            if not scoring.has_density[k]:
                log_density_of_rows(tables, group, state, True, work)
            update_weighted_moments(tables, tables.families.moments[group], state, work)
    for k in range(scoring.normal_start[index], scoring.normal_start[index + 1]):
        total += log_density_of_group(
            tables.residuals, scoring.normal_group[k], state.coefficient, state.precision, state.log_determinant,
            state.sums,
        )  # fmt: skip
    block = scoring.block[index]
    for k in range(blocks.member_start[block], blocks.member_start[block + 1]):
        total += log_prior(priors, blocks.member[k], state.theta[blocks.member[k]])
    return total if not math.isnan(total) else -math.inf


@compiled
def _approximate(tables, index, state, work, matrix, vector):
    # P (factorised) and P^-1 g at the current values; the log of the factor's determinant, NaN where there is none.
    block = tables.scoring.block[index]
    size = coefficients.conditional(
        tables.residuals, tables.priors, tables.coefficients, block, state.theta, state.coefficient, state.precision,
        state.sums, work.derivative, matrix, vector,
    )  # fmt: skip
    if not cholesky.factor(matrix, size):
        return math.nan
    cholesky.solve_lower(matrix, size, vector)
    cholesky.solve_upper(matrix, size, vector)
    half = 0.0
    for i in range(size):
        half += math.log(matrix[i, i])
    return half


@compiled
def _move(tables, index, step, scale, state, work):
    # Add `scale * step` to the block, and refresh the residuals.
    blocks, block = tables.coefficients, tables.scoring.block[index]
    first, last = blocks.member_start[block], blocks.member_start[block + 1]
    for k in range(first, last):
        state.theta[blocks.member[k]] += scale * step[k - first]
    for shift in range(blocks.shift_start[block], blocks.shift_start[block + 1]):
        coefficients.move_along(
            blocks, shift, scale * step[blocks.shift_mean[shift]], state.theta, work.vector[1], work.vector[2]
        )
    for k in range(blocks.equation_start[block], blocks.equation_start[block + 1]):
        refresh_equation(tables.residuals, blocks.equation[k], state.theta, state.coefficient)


@compiled
def _restore(tables, index, state, work):
    blocks, block = tables.coefficients, tables.scoring.block[index]
    saved = work.proposal[3]
    for k in range(state.theta.size):
        state.theta[k] = saved[k]
    for k in range(blocks.equation_start[block], blocks.equation_start[block + 1]):
        refresh_equation(tables.residuals, blocks.equation[k], state.theta, state.coefficient)


@compiled
def _squares(matrix, size, vector):
    # v' P v, P given by its factor.
    total = 0.0
    for j in range(size):
        inner = 0.0
        for i in range(j, size):
            inner += matrix[i, j] * vector[i]
        total += inner * inner
    return total


@compiled
def _save(state, work):
    saved = work.proposal[3]
    for k in range(state.theta.size):
        saved[k] = state.theta[k]


@compiled
def propose(tables, index, state, work):
    """Propose and accept or reject once; returns 1, 0, or -1 when the current values have no density."""
    blocks, block = tables.coefficients, tables.scoring.block[index]
    size = blocks.member_start[block + 1] - blocks.member_start[block]
    step, center, noise = work.proposal[0], work.proposal[1], work.proposal[2]
    current = log_density(tables, index, True, state, work)
    if not current > -math.inf:
        return -1
    half = _approximate(tables, index, state, work, work.matrix[0], center)
    if math.isnan(half):
        return -1
    centered = 1.0
    spread = 1.0
    if uniform(state.generator) < 0.1:
        # Of a size between that of the approximation and a thousandth of it: where the approximation is far too wide,
        # as rows that are predicted with certainty say nothing of the curvature elsewhere, small steps get away.
        centered, spread = 0.0, 2.0 / math.sqrt(size) * 1e-3 ** uniform(state.generator)
    for i in range(size):
        noise[i] = normal(state.generator)
    forward = half
    for i in range(size):
        forward -= 0.5 * noise[i] * noise[i]
    cholesky.solve_upper(work.matrix[0], size, noise)
    for i in range(size):
        step[i] = centered * center[i] + spread * noise[i]
    _save(state, work)
    _move(tables, index, step, 1.0, state, work)
    proposed = log_density(tables, index, True, state, work)
    if proposed > -math.inf:
        half = _approximate(tables, index, state, work, work.matrix[0], center)
        if not math.isnan(half):
            for i in range(size):
                noise[i] = -(step[i] + centered * center[i]) / spread
            backward = half - 0.5 * _squares(work.matrix[0], size, noise)
            if math.log(uniform(state.generator)) < proposed - current + backward - forward:
                return 1
    _restore(tables, index, state, work)
    return 0


@compiled
def approach(tables, index, state, work):
    """Go towards the mode by scoring steps, halved while they lose density; False where there is no way."""
    center = work.proposal[1]
    for _ in range(25):
        current = log_density(tables, index, True, state, work)
        if not current > -math.inf:
            return False
        if math.isnan(_approximate(tables, index, state, work, work.matrix[0], center)):
            return False
        scale = 1.0
        _save(state, work)
        gained = -1.0
        while scale > 1e-6:
            _move(tables, index, center, scale, state, work)
            gained = log_density(tables, index, False, state, work) - current
            if gained >= 0.0:
                break
            _restore(tables, index, state, work)
            scale *= 0.5
        if gained < 0.01:
            break
    return True


@compiled
def scatter(tables, index, state, work):
    """Go from the mode to a random place around it, twice as far as the approximation would."""
    block, noise = tables.scoring.block[index], work.proposal[2]
    size = tables.coefficients.member_start[block + 1] - tables.coefficients.member_start[block]
    current = log_density(tables, index, True, state, work)
    if math.isnan(_approximate(tables, index, state, work, work.matrix[0], work.proposal[1])):
        return False
    for i in range(size):
        noise[i] = 2.0 * normal(state.generator)
    cholesky.solve_upper(work.matrix[0], size, noise)
    _save(state, work)
    _move(tables, index, noise, 1.0, state, work)
    # Were the approximation exact, the density would fall by 2 for each coefficient.
    if not log_density(tables, index, False, state, work) > current - 10.0 - 6.0 * size:
        _restore(tables, index, state, work)
    return True


@compiled
def update(tables, index, state, work, adapting, first):
    """Draw one block; False when that is impossible. `first`: from any values to the neighbourhood of the mode."""
    if tables.scoring.in_trajectory[index] and not adapting and uniform(state.generator) > SHARE:
        return True
    if first:
        fine = approach(tables, index, state, work) and scatter(tables, index, state, work)
        moved = 1
    else:
        moved = propose(tables, index, state, work)
        fine = moved >= 0
        state.proposals[index, 0] += max(0, moved)
        state.proposals[index, 1] += 1.0
    scoring = tables.scoring
    for k in range(scoring.density_start[index], scoring.density_start[index + 1]):
        if moved > 0 or scoring.has_mean[k]:
            set_dependent(tables, scoring.density_group[k], state, work)
    return fine
