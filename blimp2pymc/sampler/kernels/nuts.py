"""Parameters that no other kernel draws, jointly: the No-U-Turn sampler on a log density with gradient.

The density is that of the emitted PyMC model, compiled by PyTensor and called by its address (`graph_density`); this
code is the same for all models, and compiled apart from the loop, so that models without such parameters do without
it. A trajectory is doubled until it turns round, and its draw taken with multinomial weights (hoffman and gelman
2014; betancourt 2017). Coordinates have no bounds; the metric is the posterior covariance as estimated in burn-in,
the step size is set by dual averaging.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.addresses import call_density
from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.compilation.machine_code import Loop
from blimp2pymc.sampler.kernels.directions import learn
from blimp2pymc.sampler.numerics.generator import normal, uniform

MAX_DEPTH = 10
"""Doublings of a trajectory at most."""
DIVERGENCE = 1000.0
"""A trajectory whose energy is off by more than this has diverged."""
TARGET = 0.8
"""Acceptance probability that dual averaging aims at."""
SIZE, LOG_SIZE, AVERAGE, ERROR, CENTER, COUNT, READY = range(7)
"""Of `Block.step`: step size, its logarithm, its weighted average, mean error, center, steps taken; whether begun."""
STEP_FIELDS = 7
POSITION, MOMENTUM, SLOPE = 0, 1, 2
LEFT, RIGHT, TOTAL, PART, BETWEEN, DRAWN, CANDIDATE, CHECKPOINTS = 0, 3, 6, 7, 8, 9, 10, 11
"""Of `Block.rows`: three rows for each end of the trajectory; sums of momenta; draws; two rows a checkpoint."""
N_ROWS = CHECKPOINTS + 2 * (MAX_DEPTH + 1)


@compiled
def log_density(block, z, gradient):
    """Log density and gradient at `origin + factor z`, the Jacobian of the coordinates included."""
    size = block.parameter.size
    value = 0.0
    for i in range(size):
        x = block.origin[i]
        for j in range(i + 1):
            x += block.factor[i, j] * z[j]
        kind = block.coordinate[i]
        if kind == 0:
            block.values[i] = x
        elif kind == 1:
            block.values[i] = block.lower[i] + math.exp(x)
            value += x
        elif kind == 2:
            block.values[i] = block.upper[i] - math.exp(x)
            value += x
        else:
            share = 1.0 / (1.0 + math.exp(-x))
            block.values[i] = block.lower[i] + (block.upper[i] - block.lower[i]) * share
            value += math.log(share) + math.log1p(-share)
    value += call_density(block.density[0], block.values, block.gradient, block.theta, block.columns)
    for i in range(size):
        kind, slope = block.coordinate[i], block.gradient[i]
        if kind == 1:
            slope = 1.0 + slope * (block.values[i] - block.lower[i])
        elif kind == 2:
            slope = 1.0 - slope * (block.upper[i] - block.values[i])
        elif kind == 3:
            share = (block.values[i] - block.lower[i]) / (block.upper[i] - block.lower[i])
            slope = 1.0 - 2.0 * share + slope * (block.upper[i] - block.lower[i]) * share * (1.0 - share)
        block.gradient[i] = slope
    for j in range(size):
        total = 0.0
        for i in range(j, size):
            total += block.factor[i, j] * block.gradient[i]
        gradient[j] = total
        if not math.isfinite(total):
            return -math.inf
    return value if not math.isnan(value) else -math.inf


@compiled
def set_origin(block):
    """Write the block's current coordinates to `origin`; False where a parameter is on its bound."""
    for i in range(block.parameter.size):
        x, kind = block.theta[block.parameter[i]], block.coordinate[i]
        if kind == 1:
            x = math.log(x - block.lower[i])
        elif kind == 2:
            x = math.log(block.upper[i] - x)
        elif kind == 3:
            x = math.log(x - block.lower[i]) - math.log(block.upper[i] - x)
        if not math.isfinite(x):
            return False
        block.origin[i] = x
    return True


@compiled
def set_parameters(block, z):
    """Set the block's parameters to the values at `origin + factor z`."""
    for i in range(block.parameter.size):
        x, kind = block.origin[i], block.coordinate[i]
        for j in range(i + 1):
            x += block.factor[i, j] * z[j]
        if kind == 1:
            x = block.lower[i] + math.exp(x)
        elif kind == 2:
            x = block.upper[i] - math.exp(x)
        elif kind == 3:
            x = block.lower[i] + (block.upper[i] - block.lower[i]) / (1.0 + math.exp(-x))
        block.theta[block.parameter[i]] = x


@compiled
def _copy(source, target):
    for i in range(source.size):
        target[i] = source[i]


@compiled
def _leapfrog(block, z, p, g, size):
    for i in range(z.size):
        p[i] += 0.5 * size * g[i]
        z[i] += size * p[i]
    value = log_density(block, z, g)
    kinetic = 0.0
    for i in range(z.size):
        p[i] += 0.5 * size * g[i]
        kinetic += 0.5 * p[i] * p[i]
    return value - kinetic


@compiled
def _turns(first, last, total):
    """Whether a trajectory with these momenta at its ends, and this sum of momenta, has turned round."""
    at_first, at_last = 0.0, 0.0
    for i in range(total.size):
        inner = total[i] - 0.5 * (first[i] + last[i])
        at_first += inner * first[i]
        at_last += inner * last[i]
    return at_first <= 0.0 or at_last <= 0.0


@compiled
def _add_logs(a, b):
    if a == -math.inf:
        return b
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


@compiled
def _checkpoints(n):
    """Places of the oldest and of the newest momentum that leaf n of a trajectory is compared with."""
    newest, rest = 0, n >> 1
    while rest:
        newest += rest & 1
        rest >>= 1
    oldest, rest = newest + 1, n
    while rest & 1:
        oldest -= 1
        rest >>= 1
    return oldest, newest


@compiled
def transition(block, state):
    """Draw the block once, from `origin`; mean acceptance probability, leapfrog steps, whether it diverged.

    The draw is left in row `DRAWN`. `state` is the random number generator's.
    """
    rows, size = block.rows, block.step[SIZE]
    drawn, candidate, total, part = rows[DRAWN], rows[CANDIDATE], rows[TOTAL], rows[PART]
    for i in range(total.size):
        drawn[i] = rows[LEFT][i] = rows[RIGHT][i] = 0.0
    start = log_density(block, rows[LEFT], rows[LEFT + SLOPE])
    for i in range(total.size):
        total[i] = rows[LEFT + MOMENTUM][i] = rows[RIGHT + MOMENTUM][i] = normal(state)
        rows[RIGHT + SLOPE][i] = rows[LEFT + SLOPE][i]
        start -= 0.5 * total[i] * total[i]
    weight, accepted, steps, diverged = 0.0, 0.0, 0, False
    for depth in range(MAX_DEPTH):
        end, sign = (RIGHT, 1.0) if uniform(state) < 0.5 else (LEFT, -1.0)
        z, p, g = rows[end], rows[end + MOMENTUM], rows[end + SLOPE]
        for i in range(total.size):
            part[i] = 0.0
        part_weight, turned = -math.inf, False
        for leaf in range(1 << depth):
            change = _leapfrog(block, z, p, g, sign * size) - start
            steps += 1
            if not change > -DIVERGENCE:
                diverged = True
                break
            accepted += min(1.0, math.exp(min(0.0, change)))
            for i in range(total.size):
                part[i] += p[i]
            part_weight = _add_logs(part_weight, change)
            if math.log(uniform(state)) < change - part_weight:
                _copy(z, candidate)
            oldest, newest = _checkpoints(leaf)
            if leaf % 2 == 0:
                _copy(p, rows[CHECKPOINTS + 2 * newest])
                _copy(part, rows[CHECKPOINTS + 2 * newest + 1])
                continue
            for place in range(newest, oldest - 1, -1):
                momentum, before = rows[CHECKPOINTS + 2 * place], rows[CHECKPOINTS + 2 * place + 1]
                between = rows[BETWEEN]
                for i in range(total.size):
                    between[i] = part[i] - before[i] + momentum[i]
                if _turns(momentum, p, between):
                    turned = True
                    break
            if turned:
                break
        if diverged or turned:
            break
        if math.log(uniform(state)) < part_weight - weight:
            _copy(candidate, drawn)
        weight = _add_logs(weight, part_weight)
        for i in range(total.size):
            total[i] += part[i]
        if _turns(rows[LEFT + MOMENTUM], rows[RIGHT + MOMENTUM], total):
            break
    return accepted / steps, steps, diverged


@compiled
def begin(block):
    """Set a first metric from the curvature along each coordinate; False where the density has no value."""
    size = block.parameter.size
    z, g, other = block.rows[LEFT], block.rows[LEFT + SLOPE], block.rows[RIGHT + SLOPE]
    for i in range(size):
        z[i] = 0.0
        for j in range(size):
            block.factor[i, j] = 1.0 if i == j else 0.0
    if not log_density(block, z, g) > -math.inf:
        return False
    for i in range(size):
        distance = 1e-4 * max(1.0, abs(block.origin[i]))
        z[i] = distance
        curved = log_density(block, z, other) > -math.inf
        bend = abs(other[i] - g[i]) / distance if curved else 1.0
        z[i] = 0.0
        # Written behind the diagonal, which has to stay while other coordinates are tried.
        block.matrix[i, size] = 1.0 / math.sqrt(min(max(bend, 1e-8), 1e16))
    for i in range(size):
        block.factor[i, i] = block.matrix[i, size]
    block.learned[0], block.learned[1] = 0.0, 50.0
    for k in range(2, block.learned.size):
        block.learned[k] = 0.0
    restart(block, 0.5)
    block.step[READY] = 1.0
    return True


@compiled
def restart(block, size):
    """Begin dual averaging anew at a step size."""
    step = block.step
    step[SIZE], step[LOG_SIZE], step[AVERAGE] = size, math.log(size), math.log(size)
    step[ERROR], step[CENTER], step[COUNT] = 0.0, math.log(2.0 * size), 0.0


@compiled
def adapt(block, acceptance):
    """One step of dual averaging (hoffman and gelman 2014), and of learning the metric."""
    step, size = block.step, block.parameter.size
    step[COUNT] += 1.0
    count = step[COUNT]
    step[ERROR] += (TARGET - acceptance - step[ERROR]) / (count + 10.0)
    step[LOG_SIZE] = step[CENTER] - math.sqrt(count) / 0.05 * step[ERROR]
    weight = count**-0.75
    step[AVERAGE] = weight * step[LOG_SIZE] + (1.0 - weight) * step[AVERAGE]
    step[SIZE] = math.exp(step[LOG_SIZE])
    if not set_origin(block) or not learn(block.learned, size, block.origin, block.matrix):
        return
    first = 2 + size + size * size
    for i in range(size):
        if not block.learned[first + i * size + i] > 0.0:
            return
    for i in range(size):
        for j in range(i + 1):
            block.factor[i, j] = block.learned[first + i * size + j]
    restart(block, min(1.0, max(0.05, 1.0 / math.sqrt(math.sqrt(size)))))


@Loop
def draw_block(block, adapting):
    """Draw a block once; 0 when that worked."""
    if not set_origin(block) or (block.step[READY] == 0.0 and not begin(block)):
        return -1
    if adapting == 0 and block.step[COUNT] > 0.0:
        block.step[SIZE], block.step[COUNT] = math.exp(block.step[AVERAGE]), 0.0
    acceptance, steps, diverged = transition(block, block.generator)
    set_parameters(block, block.rows[DRAWN])
    if adapting == 1:
        adapt(block, acceptance)
    else:
        block.counts[0] += 1.0
        block.counts[1] += acceptance
        block.counts[2] += steps
        block.counts[3] += 1.0 if diverged else 0.0
    return 0
