"""Normal draws on the other side of their mean: overrelaxation (adler 1981; neal 1998).

Given its old value x, the new value of a variable with conditional distribution N(m, V) is

    m - r (x - m) + sqrt(1 - r^2) V^(1/2) z,    0 <= r < 1.

That leaves the distribution as it is, in detailed balance: old and new value are jointly normal, with correlation -r.
What one draw moves too far in one direction the next moves back, so that means over draws vary less, and a chain of
blocks that depend on each other turns round its posterior instead of diffusing in it (fox and parker 2017). With r = 0
old values are forgotten: as they have to be where they were integrated out in between.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import inlined
from blimp2pymc.sampler.numerics.generator import normal


@inlined
def add_normal(vector, size, share, generator):
    """From L^-1 g, with LL' the precision and g the gradient at the old value, to L' times the step to the new one."""
    rest = math.sqrt(1.0 - share * share)
    for i in range(size):
        vector[i] = (1.0 + share) * vector[i] + rest * normal(generator)
