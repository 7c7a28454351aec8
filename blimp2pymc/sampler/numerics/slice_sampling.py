"""Univariate slice sampling (neal 2003), by asking the caller for densities.

Compiled functions take no functions as arguments cheaply, so the sampler is a small state machine: it
says where to evaluate next, the caller answers. Stepping out and shrinkage; the width adapts in burn-in.

    x = begin(bracket, generator, value, log_density, width, lower, upper)
    while bracket[PHASE] != DONE:
        x = proceed(bracket, generator, log_density_at(x))
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.numerics.generator import uniform

PHASE, LEFT, RIGHT, LEVEL, ORIGIN, WIDTH, LOWER, UPPER, STEPS_LEFT, STEPS_RIGHT, PROPOSAL, COUNT = range(12)
STEP_LEFT, STEP_RIGHT, SHRINK, DONE, FAILED = 0.0, 1.0, 2.0, 3.0, 4.0
SIZE = 12
MAX_STEPS = 100
"""Steps out on both sides together; shared out at random, which keeps the draw exact."""


@compiled
def begin(bracket, generator, value, log_density, width, lower, upper):
    """Start at `value` with its log density; return the first point to evaluate."""
    bracket[LEVEL] = log_density + math.log(uniform(generator))
    bracket[ORIGIN] = value
    bracket[WIDTH] = width
    bracket[LOWER], bracket[UPPER] = lower, upper
    bracket[LEFT] = value - width * uniform(generator)
    bracket[RIGHT] = bracket[LEFT] + width
    share = math.floor(MAX_STEPS * uniform(generator))
    bracket[STEPS_LEFT], bracket[STEPS_RIGHT] = share, MAX_STEPS - 1 - share
    bracket[COUNT] = 0.0
    bracket[PHASE] = STEP_LEFT
    return _next_end(bracket, generator)


@compiled
def _next_end(bracket, generator):
    # Ends outside the support need no evaluation: the density is zero there.
    if bracket[PHASE] == STEP_LEFT:
        if bracket[LEFT] <= bracket[LOWER]:
            bracket[LEFT] = bracket[LOWER]
            bracket[PHASE] = STEP_RIGHT
        elif bracket[STEPS_LEFT] <= 0.0:
            bracket[PHASE] = STEP_RIGHT
        else:
            return bracket[LEFT]
    if bracket[PHASE] == STEP_RIGHT:
        if bracket[RIGHT] >= bracket[UPPER]:
            bracket[RIGHT] = bracket[UPPER]
            bracket[PHASE] = SHRINK
        elif bracket[STEPS_RIGHT] <= 0.0:
            bracket[PHASE] = SHRINK
        else:
            return bracket[RIGHT]
    bracket[PROPOSAL] = bracket[LEFT] + (bracket[RIGHT] - bracket[LEFT]) * uniform(generator)
    return bracket[PROPOSAL]


@compiled
def proceed(bracket, generator, log_density):
    """Take the log density at the point asked for; return the next point, or the draw once `DONE`."""
    bracket[COUNT] += 1.0
    inside = log_density > bracket[LEVEL]
    if bracket[PHASE] == STEP_LEFT:
        if inside:
            bracket[LEFT] -= bracket[WIDTH]
            bracket[STEPS_LEFT] -= 1.0
        else:
            bracket[PHASE] = STEP_RIGHT
        return _next_end(bracket, generator)
    if bracket[PHASE] == STEP_RIGHT:
        if inside:
            bracket[RIGHT] += bracket[WIDTH]
            bracket[STEPS_RIGHT] -= 1.0
        else:
            bracket[PHASE] = SHRINK
        return _next_end(bracket, generator)
    if inside:
        bracket[PHASE] = DONE
        return bracket[PROPOSAL]
    if bracket[PROPOSAL] < bracket[ORIGIN]:
        bracket[LEFT] = bracket[PROPOSAL]
    else:
        bracket[RIGHT] = bracket[PROPOSAL]
    if bracket[COUNT] > 1000.0:
        # Only a density that is not reproducible, or NaN, gets here: stay where we were.
        bracket[PHASE] = FAILED
        return bracket[ORIGIN]
    bracket[PROPOSAL] = bracket[LEFT] + (bracket[RIGHT] - bracket[LEFT]) * uniform(generator)
    return bracket[PROPOSAL]


@compiled
def adapt(widths, index, moved):
    """Pull a width towards three times the mean absolute step, ever more slowly."""
    widths[index, 1] += 1.0
    rate = 1.0 / min(widths[index, 1] + 1.0, 500.0)
    widths[index, 0] += rate * (3.0 * abs(moved) - widths[index, 0])
    if not widths[index, 0] > 1e-12:
        widths[index, 0] = 1e-12
