"""Coefficients of normal equations: drawn jointly, from every equation they occur in.

Let r_i = u_i + G_i b be the residuals of row i as a linear function of a block b of coefficients, W the
residual precision, and N(m, 1/q) their priors (q = 0: flat). The full conditional is normal with

    precision  P = sum_i G_i' W G_i + diag(q)
    mean       b + P^-1 g,   g = -sum_i G_i' W r_i + q (m - b)

at any current b. Sums over rows are read off the moment matrices. Correlated residuals and labels shared
by equations need no case of their own; a block with bounds is a single coefficient.

Means of centered variables may move other coefficients along: with the step d of the mean and the matrix M
of `Shift`, those become exp(-d M') times what they were, so that all residuals of that group stay as
they are. The group is then left out of the mean's own full conditional.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.numerics import cholesky, overrelaxation
from blimp2pymc.sampler.numerics.generator import truncated_normal
from blimp2pymc.sampler.numerics.moments import product_of_parameters, refresh_equation


@compiled
def conditional(residuals, priors, blocks, block, theta, coefficient, precision, sums, derivative, matrix, vector):
    """Write the precision to `matrix` (lower triangle) and the gradient at the current values to `vector`."""
    low, high = blocks.entry_start[block], blocks.entry_start[block + 1]
    first = blocks.member_start[block]
    size = blocks.member_start[block + 1] - first
    for i in range(size):
        parameter = blocks.member[first + i]
        vector[i] = 0.0
        for j in range(i + 1):
            matrix[i, j] = 0.0
        if priors.kind[parameter] == 1:
            matrix[i, i] = 1.0 / priors.second[parameter]
            vector[i] = (priors.first[parameter] - theta[parameter]) / priors.second[parameter]
    for a in range(low, high):
        member = blocks.entry_member[a]
        product = blocks.entry_product[a]
        equation = residuals.product_equation[product]
        group = residuals.equation_group[equation]
        monomial = residuals.product_monomial[product]
        start, end = residuals.group_start[group], residuals.group_start[group + 1]
        moments = sums[residuals.group_set[group]]
        value = product_of_parameters(residuals, product, theta, blocks.member[first + member])
        derivative[a - low] = value
        pull = 0.0
        for other in range(start, end):
            weight = precision[group, equation - start, other - start]
            if weight != 0.0:
                inner = 0.0
                for k in range(residuals.monomial_start[other], residuals.monomial_start[other + 1]):
                    b = residuals.equation_monomial[k]
                    inner += moments[monomial, b] * coefficient[other, b]
                pull += weight * inner
        vector[member] -= value * pull
    last = low
    for a in range(low, high):
        member = blocks.entry_member[a]
        product = blocks.entry_product[a]
        equation = residuals.product_equation[product]
        group = residuals.equation_group[equation]
        monomial = residuals.product_monomial[product]
        start = residuals.group_start[group]
        moments = sums[residuals.group_set[group]]
        # Entries are sorted by member: these are all with a member up to this one.
        while last < high and blocks.entry_member[last] <= member:
            last += 1
        for b in range(low, last):
            other = residuals.product_equation[blocks.entry_product[b]]
            if residuals.equation_group[other] == group:
                weight = precision[group, equation - start, other - start]
                matrix[member, blocks.entry_member[b]] += (
                    weight
                    * derivative[a - low]
                    * derivative[b - low]
                    * moments[monomial, residuals.product_monomial[blocks.entry_product[b]]]
                )
    return size


@compiled
def log_density(step, size, matrix, vector):
    """Log density at current values plus `step`, up to a constant."""
    value = 0.0
    for i in range(size):
        value += vector[i] * step[i]
        for j in range(i + 1):
            value -= (0.5 if i == j else 1.0) * matrix[i, j] * step[i] * step[j]
    return value


@compiled
def draw(priors, blocks, block, theta, size, matrix, vector, share, generator):
    """Draw the step from the current values into `vector`, overrelaxed by a share; False when P is singular."""
    first = blocks.member_start[block]
    if blocks.bounded[block]:
        parameter = blocks.member[first]
        if not matrix[0, 0] > 0.0:
            return False
        mean = theta[parameter] + vector[0] / matrix[0, 0]
        lower, upper = priors.lower[parameter], priors.upper[parameter]
        value = truncated_normal(generator, mean, 1.0 / math.sqrt(matrix[0, 0]), lower, upper)
        vector[0] = value - theta[parameter]
        return math.isfinite(value)
    if not cholesky.factor(matrix, size):
        return False
    cholesky.solve_lower(matrix, size, vector)
    overrelaxation.add_normal(vector, size, share, generator)
    cholesky.solve_upper(matrix, size, vector)
    return True


@compiled
def move_along(blocks, shift, step, theta, old, new):
    """Change the coefficients that move with a mean: exp(-step M') as a series, finite as M is nilpotent.

    `old` and `new` are scratch, one number per parameter.
    """
    low, high = blocks.move_start[shift], blocks.move_start[shift + 1]
    for k in range(low, high):
        old[blocks.move_source[k]] = theta[blocks.move_source[k]]
        new[blocks.move_target[k]] = 0.0
    order, goes_on = 0, True
    while goes_on and order < 64:
        order += 1
        for k in range(low, high):
            new[blocks.move_target[k]] -= step / order * blocks.move_factor[k] * old[blocks.move_source[k]]
        for k in range(low, high):
            old[blocks.move_source[k]] = 0.0
        goes_on = False
        for k in range(low, high):
            target = blocks.move_target[k]
            if new[target] != 0.0:
                theta[target] += new[target]
                old[target] = new[target]
                new[target] = 0.0
                goes_on = True


@compiled
def update(residuals, priors, blocks, block, share, state, work):
    """Draw one block, move along what belongs to it, refresh the residuals; False when singular.

    `share` of the deviation from the mean is reflected; 0 where other parameters were drawn with these integrated out.
    """
    size = conditional(
        residuals,
        priors,
        blocks,
        block,
        state.theta,
        state.coefficient,
        state.precision,
        state.sums,
        work.derivative,
        work.matrix[0],
        work.vector[0],
    )
    step = work.vector[0]
    if not draw(priors, blocks, block, state.theta, size, work.matrix[0], step, share, state.generator):
        return False
    first = blocks.member_start[block]
    for i in range(size):
        state.theta[blocks.member[first + i]] += step[i]
    for shift in range(blocks.shift_start[block], blocks.shift_start[block + 1]):
        move_along(blocks, shift, step[blocks.shift_mean[shift]], state.theta, work.vector[1], work.vector[2])
    for k in range(blocks.equation_start[block], blocks.equation_start[block + 1]):
        refresh_equation(residuals, blocks.equation[k], state.theta, state.coefficient)
    return True
