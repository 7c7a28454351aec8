"""Trajectories: all coefficients of categories or counts move at once (hamiltonian monte carlo, duane et al. 1987).

With linear predictors e = Z b, Z the predictors of the row, the density of the coefficients b is

    log f(b) = sum over rows of log p(y_i | e_i) + log priors,    gradient sum Z_i' s_i + prior,

with the probabilities p of the observed (or currently completed) values, their scores s and their information as in
`predictor_densities`: latent differences, latent responses and Polya-Gamma weights are integrated out, and are
drawn anew before anything else looks at them. Momenta p have the covariance P, the information on b averaged over
burn-in, so that in the coordinates L'b (P = LL') the posterior is near a standard normal one. Leapfrog steps for a
time of about 1.8, a little more than a quarter of the period of a normal posterior, lead far from where they begin;
their size varies by 15 percent around what burn-in has found. The end is accepted with probability
min(1, exp(H - H')), H = -log f + p'P^-1 p/2, which makes the draw exact whatever P and the size are.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels import differences, responses, thresholds
from blimp2pymc.sampler.kernels.predictor_densities import score_rows, set_predictors
from blimp2pymc.sampler.kernels.slices import log_prior
from blimp2pymc.sampler.numerics import cholesky
from blimp2pymc.sampler.numerics.generator import normal, uniform
from blimp2pymc.sampler.numerics.moments import product_of_parameters, refresh_equation

TIME, LONGEST, MOST_STEPS = 1.8, 0.6, 12
"""Length of a trajectory, largest size of a step, largest number of steps."""
ACCEPTANCE = 0.8
"""What burn-in aims at, where steps of the largest size would be accepted less often."""
STEP, LEARNED, SWEEPS, ACCEPTED, PROPOSED = range(5)
"""Columns of `State.trajectory`: log size of a step, matrices in the metric, sweeps of burn-in; sum of acceptance
probabilities after burn-in and their number."""


@compiled
def _add_slopes(table, part, n, work):
    # Add the rows' scores times monomials, per equation.
    first = table.equation_start[part]
    for e in range(first, table.equation_start[part + 1]):
        score, slopes = work.score[e - first], work.score_sums[e]
        for k in range(table.term_start[e], table.term_start[e + 1]):
            value = work.values[table.term[k]]
            dot = 0.0
            for i in range(n):
                dot += score[i] * value[i]
            slopes[table.term[k]] += dot


@compiled
def _add_information(table, part, n, work):
    # Add the rows' information times products of monomials, per pair of equations.
    first = table.equation_start[part]
    for e in range(first, table.equation_start[part + 1]):
        for f in range(first, e + 1):
            information, total = (
                work.pair_information[e - first, f - first],
                work.information_sums[e - first, f - first],
            )
            for k in range(table.term_start[e], table.term_start[e + 1]):
                value = work.values[table.term[k]]
                for i in range(n):
                    work.product[i] = information[i] * value[i]
                for j in range(table.term_start[f], table.term_start[f + 1]):
                    other = work.values[table.term[j]]
                    dot = 0.0
                    for i in range(n):
                        dot += work.product[i] * other[i]
                    total[table.term[k], table.term[j]] += dot


@compiled
def _add_part(tables, index, part, informed, state, work, gradient, matrix):
    # Log density of a part; its gradient is added, and its information where that is wanted.
    table = tables.trajectories
    first, last = table.equation_start[part], table.equation_start[part + 1]
    n_used = table.used_start[part + 1] - table.used_start[part]
    for e in range(first, last):
        for k in range(n_used):
            work.score_sums[e, k] = 0.0
        if informed:
            for f in range(first, e + 1):
                for k in range(n_used):
                    for j in range(n_used):
                        work.information_sums[e - first, f - first, k, j] = 0.0
    total = 0.0
    for run in range(table.run_start[part], table.run_start[part + 1]):
        for low in range(table.run_low[run], table.run_high[run], 256):
            n = min(256, table.run_high[run] - low)
            set_predictors(tables, part, low, n, state, work)
            total += score_rows(tables, part, low, n, state, informed, work)
            _add_slopes(table, part, n, work)
            if informed:
                _add_information(table, part, n, work)
    start, end = table.entry_start[part], table.entry_start[part + 1]
    for a in range(start, end):
        member = table.entry_member[a]
        parameter = table.member[table.member_start[index] + member]
        value = product_of_parameters(tables.residuals, table.entry_product[a], state.theta, parameter)
        # A residual has the predictor with its sign changed.
        work.entry_value[a - start] = -value
        gradient[member] -= value * work.score_sums[table.entry_equation[a], table.entry_place[a]]
    if informed:
        for a in range(start, end):
            e = table.entry_equation[a] - first
            for b in range(start, end):
                f = table.entry_equation[b] - first
                if e >= f:
                    total_of_pair = work.information_sums[e, f, table.entry_place[a], table.entry_place[b]]
                else:
                    total_of_pair = work.information_sums[f, e, table.entry_place[b], table.entry_place[a]]
                matrix[table.entry_member[a], table.entry_member[b]] += (
                    work.entry_value[a - start] * work.entry_value[b - start] * total_of_pair
                )
    return total


@compiled
def log_density(tables, index, informed, state, work, gradient, matrix):
    """Log density of a trajectory's coefficients at their current values, up to a constant, and its gradient.

    `informed`: their information, too, to `matrix`.
    """
    table, priors = tables.trajectories, tables.priors
    first = table.member_start[index]
    size = table.member_start[index + 1] - first
    total = 0.0
    for k in range(size):
        parameter = table.member[first + k]
        gradient[k] = 0.0
        if informed:
            for j in range(size):
                matrix[k, j] = 0.0
        total += log_prior(priors, parameter, state.theta[parameter])
        if priors.kind[parameter] == 1:
            gradient[k] = (priors.first[parameter] - state.theta[parameter]) / priors.second[parameter]
            if informed:
                matrix[k, k] = 1.0 / priors.second[parameter]
    for part in range(table.part_start[index], table.part_start[index + 1]):
        total += _add_part(tables, index, part, informed, state, work, gradient, matrix)
    return total if not math.isnan(total) else -math.inf


@compiled
def refresh(tables, index, state):
    """Compute the coefficients of the residuals that a trajectory changes."""
    table = tables.trajectories
    for k in range(table.refreshed_start[index], table.refreshed_start[index + 1]):
        refresh_equation(tables.residuals, table.refreshed[k], state.theta, state.coefficient)


@compiled
def _learn(tables, index, state, work):
    # Take the information at the current values into the metric; later ones count more.
    table = tables.trajectories
    size = table.member_start[index + 1] - table.member_start[index]
    matrix, mean, factor = work.matrix[0], state.metric[index, 0], state.metric[index, 1]
    if not log_density(tables, index, True, state, work, work.proposal[0], matrix) > -math.inf:
        return
    state.trajectory[index, LEARNED] += 1.0
    share = min(1.0, 3.0 / (2.0 + state.trajectory[index, LEARNED]))
    for i in range(size):
        for j in range(size):
            mean[i, j] += share * (matrix[i, j] - mean[i, j])
            matrix[i, j] = mean[i, j]
    if cholesky.factor(matrix, size):
        for i in range(size):
            for j in range(i + 1):
                factor[i, j] = matrix[i, j]


@compiled
def move(tables, index, state, work):
    """Follow one trajectory and accept its end or not; returns its acceptance probability, -1 where there is none."""
    table = tables.trajectories
    first = table.member_start[index]
    size = table.member_start[index + 1] - first
    gradient, momentum, step, saved = work.proposal[0], work.proposal[1], work.proposal[2], work.proposal[3]
    factor = state.metric[index, 1]
    current = log_density(tables, index, False, state, work, gradient, work.matrix[0])
    if not (current > -math.inf and factor[0, 0] > 0.0):
        return -1.0
    energy = -current
    for k in range(size):
        momentum[k] = normal(state.generator)
        energy += 0.5 * momentum[k] * momentum[k]
        saved[k] = state.theta[table.member[first + k]]
    length = math.exp(state.trajectory[index, STEP])
    n_steps = min(MOST_STEPS, math.ceil(TIME / length - 1e-9))
    length *= 0.85 + 0.3 * uniform(state.generator)
    cholesky.solve_lower(factor, size, gradient)
    proposed = current
    for _ in range(n_steps):
        for k in range(size):
            momentum[k] += 0.5 * length * gradient[k]
            step[k] = length * momentum[k]
        cholesky.solve_upper(factor, size, step)
        for k in range(size):
            state.theta[table.member[first + k]] += step[k]
        refresh(tables, index, state)
        proposed = log_density(tables, index, False, state, work, gradient, work.matrix[0])
        if not proposed > -math.inf:
            break
        cholesky.solve_lower(factor, size, gradient)
        for k in range(size):
            momentum[k] += 0.5 * length * gradient[k]
    chance = 0.0
    if proposed > -math.inf:
        energy += proposed
        for k in range(size):
            energy -= 0.5 * momentum[k] * momentum[k]
        chance = math.exp(min(0.0, energy))
    if not uniform(state.generator) < chance:
        for k in range(size):
            state.theta[table.member[first + k]] = saved[k]
        refresh(tables, index, state)
    return chance if not math.isnan(chance) else 0.0


@compiled
def redraw(tables, index, state, work):
    """Draw what a trajectory has integrated out."""
    table = tables.trajectories
    for part in range(table.part_start[index], table.part_start[index + 1]):
        if table.kind[part] == 2:
            differences.draw(tables, part, state, work)
        elif table.kind[part] == 3:
            variable = table.variable[part]
            n = responses.conditional(tables, variable, state, work)
            thresholds.prepare(tables, variable, n, state, work)
            responses.draw(tables, variable, n, state, work)


@compiled
def update(tables, state, work, adapting):
    """Follow one trajectory for each outcome, in the share of the sweeps that its table has."""
    for index in range(tables.trajectories.part_start.size - 1):
        known = state.trajectory[index]
        if known[SWEEPS] >= 100.0 and tables.trajectories.share[index] < uniform(state.generator):
            continue
        if known[LEARNED] == 0.0 or (adapting and (known[SWEEPS] < 100.0 or known[SWEEPS] % 10.0 == 0.0)):
            _learn(tables, index, state, work)
        chance = move(tables, index, state, work)
        if chance < 0.0:
            continue
        if adapting:
            known[SWEEPS] += 1.0
            known[STEP] += (chance - ACCEPTANCE) / known[SWEEPS] ** 0.6
            known[STEP] = min(math.log(LONGEST), max(math.log(TIME / MOST_STEPS), known[STEP]))
        else:
            known[ACCEPTED] += chance
            known[PROPOSED] += 1.0
        redraw(tables, index, state, work)
