"""Coefficients drawn with latent variables integrated out, and the density that is left of the parameters.

Let u be the residuals of a row without the latent variables, S their slopes in these, W the residual
precision. Integrated over the latent variables, the density of a row is

    |W|^(1/2) |S' W S|^(-1/2) exp(-u' Q u / 2),    Q = W - W S (S' W S)^-1 S' W,

with the same S, W and Q for all rows of a part, a class of rows in which the same equations say something. Over rows
only the moments of u are needed. Coefficients that occur in u alone are jointly normal: with u_i + G_i b the
residuals, the precision is sum_i G_i' Q G_i plus that of the priors, the gradient -sum_i G_i' Q u_i.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled, inlined
from blimp2pymc.sampler.numerics import cholesky, overrelaxation
from blimp2pymc.sampler.numerics.moments import product_of_parameters, refresh_equation

MATRICES = 9
"""Scratch matrices of `integrate` in `Work.joint`; the products of residuals of each part are behind them."""


@compiled
def integrate(residuals, marginals, part, state, joint):
    """Write Q to `joint[0]`; return the logarithm of the factor before the exponential, NaN where there is none.

    Computed from the covariance F = L L' of the residuals of the latent variables' own equations, not from its
    inverse, so that it is accurate however small F is. Let G be the slopes of the other residuals in these
    and V their precision. With M = I + (G L)' V G L, the precision of what is left is V - V G L M^-1 (V G L)', its
    determinant |V| / |M|. Where an own residual is correlated with others, F is its covariance given these, and
    the regression on them is taken off its equation.
    """
    first, low = marginals.equation_start[part], marginals.member_start[part]
    n, k = marginals.equation_start[part + 1] - first, marginals.member_start[part + 1] - low
    slope, system, inverse, rotated, factor, regression = joint[1], joint[3], joint[4], joint[5], joint[6], joint[7]
    log_factor, is_mixed = _split(residuals, marginals, first, n, k, state, joint)
    if not cholesky.factor(factor, k):
        return math.nan
    for i in range(n):
        j = marginals.own[first + i]
        if j < 0:
            continue
        for m in range(k):
            value = _slope(marginals, low + m, state.coefficient[marginals.equation[first + i]])
            if is_mixed:
                for other in range(n):
                    if regression[j, other] != 0.0:
                        coefficient = state.coefficient[marginals.equation[first + other]]
                        value -= regression[j, other] * _slope(marginals, low + m, coefficient)
            system[j, m] = value
    log_factor -= cholesky.invert_square(system, k, inverse)
    for i in range(n):
        if marginals.own[first + i] >= 0:
            continue
        for m in range(k):
            slope[i, m] = 0.0
        for j in range(k):
            value = _slope(marginals, low + j, state.coefficient[marginals.equation[first + i]])
            if value != 0.0:
                for m in range(k):
                    slope[i, m] += value * inverse[j, m]
        for m in range(k):
            value = 0.0
            for j in range(m, k):
                value += slope[i, j] * factor[j, m]
            rotated[i, m] = value
    log_factor -= _eliminate(marginals, first, n, k, joint)
    if is_mixed:
        _put_back(marginals, first, n, joint)
    return log_factor


@inlined
def _slope(marginals, member, coefficient):
    """Slope of a residual in a variable that is integrated out, from the coefficients of its monomials."""
    value = 0.0
    for k in range(marginals.term_start[member], marginals.term_start[member + 1]):
        value += marginals.term_factor[k] * coefficient[marginals.term[k]]
    return value


@inlined
def _split(residuals, marginals, first, n, k, state, joint):
    """Set V, F and the regression of own residuals on others; return log |V| / 2 and whether there is a regression."""
    q, own_covariance, regression, matrix = joint[0], joint[6], joint[7], joint[8]
    log_root, is_mixed = 0.0, False
    for i in range(n):
        for j in range(n):
            q[i, j] = 0.0
            regression[i, j] = 0.0
    for i in range(k):
        for j in range(k):
            own_covariance[i, j] = 0.0
    begin = 0
    while begin < n:
        group = residuals.equation_group[marginals.equation[first + begin]]
        size = residuals.group_start[group + 1] - residuals.group_start[group]
        n_own = 0
        for a in range(size):
            if marginals.own[first + begin + a] >= 0:
                n_own += 1
        if n_own == 0:
            log_root -= 0.5 * state.log_determinant[group]
            for a in range(size):
                for b in range(size):
                    q[begin + a, begin + b] = state.precision[group, a, b]
        else:
            for a in range(size):
                for b in range(size):
                    matrix[a, b] = state.covariance[group, a, b]
            for a in range(size):
                if marginals.own[first + begin + a] < 0:
                    log_root -= 0.5 * cholesky.sweep(matrix, size, a)
            for a in range(size):
                i = marginals.own[first + begin + a]
                for b in range(size):
                    j = marginals.own[first + begin + b]
                    if i >= 0 and j >= 0:
                        own_covariance[i, j] = matrix[a, b]
                    elif i >= 0:
                        regression[i, begin + b] = matrix[a, b]
                        is_mixed = True
                    elif j < 0:
                        q[begin + a, begin + b] = -matrix[a, b]
        begin += size
    return log_root, is_mixed


@inlined
def _eliminate(marginals, first, n, k, joint):
    """Complete Q by what the own residuals take from V, and by their own rows; return log |M| / 2."""
    q, slope, weighted, system, rotated = joint[0], joint[1], joint[2], joint[3], joint[5]
    for i in range(n):
        if marginals.own[first + i] >= 0:
            continue
        for m in range(k):
            weighted[i, m] = 0.0
        for other in range(n):
            weight = q[i, other]
            if weight != 0.0:
                for m in range(k):
                    weighted[i, m] += weight * rotated[other, m]
    for m in range(k):
        for j in range(m + 1):
            value = 1.0 if j == m else 0.0
            for i in range(n):
                if marginals.own[first + i] < 0:
                    value += rotated[i, m] * weighted[i, j]
            system[m, j] = value
    if not cholesky.factor(system, k):
        return math.nan
    log_root = 0.0
    for m in range(k):
        log_root += math.log(system[m, m])
    for i in range(n):
        if marginals.own[first + i] >= 0:
            continue
        cholesky.solve_lower(system, k, weighted[i])
        for other in range(i + 1):
            if marginals.own[first + other] < 0:
                value = 0.0
                for m in range(k):
                    value += weighted[i, m] * weighted[other, m]
                q[i, other] -= value
                if i != other:
                    q[other, i] -= value
    # With u the other and v the own residuals, what is left is u - G v.
    for i in range(n):
        j = marginals.own[first + i]
        if j < 0:
            continue
        for other in range(n):
            if marginals.own[first + other] < 0:
                value = 0.0
                for m in range(n):
                    if marginals.own[first + m] < 0:
                        value -= slope[m, j] * q[m, other]
                q[i, other] = q[other, i] = value
    for i in range(n):
        j = marginals.own[first + i]
        if j < 0:
            continue
        for other in range(n):
            if marginals.own[first + other] >= 0:
                value = 0.0
                for m in range(n):
                    if marginals.own[first + m] < 0:
                        value -= slope[m, j] * q[m, other]
                q[i, other] = value
    return log_root


@inlined
def _put_back(marginals, first, n, joint):
    """From own residuals less their regression to the residuals themselves."""
    q, regression = joint[0], joint[7]
    for m in range(n):
        if marginals.own[first + m] >= 0:
            continue
        for i in range(n):
            j = marginals.own[first + i]
            if j >= 0 and regression[j, m] != 0.0:
                for other in range(n):
                    q[m, other] -= regression[j, m] * q[i, other]
    for m in range(n):
        if marginals.own[first + m] >= 0:
            continue
        for i in range(n):
            j = marginals.own[first + i]
            if j >= 0 and regression[j, m] != 0.0:
                for other in range(n):
                    q[other, m] -= regression[j, m] * q[other, i]


@inlined
def cross(residuals, marginals, part, coefficient, moments, products, out):
    """Sums over rows of products of the residuals without the latent variables, lower triangle.

    `products`: room for those of a residual with every monomial.
    """
    first = marginals.equation_start[part]
    n_monomials = moments.shape[0]
    for i in range(marginals.equation_start[part + 1] - first):
        e = marginals.equation[first + i]
        for b in range(n_monomials):
            products[b] = 0.0
        for k in range(marginals.rest_start[first + i], marginals.rest_start[first + i + 1]):
            a = marginals.rest[k]
            weight, row = coefficient[e, a], moments[a]
            if weight != 0.0:
                for b in range(n_monomials):
                    products[b] += weight * row[b]
        for j in range(i + 1):
            f = marginals.equation[first + j]
            total = 0.0
            for k in range(marginals.rest_start[first + j], marginals.rest_start[first + j + 1]):
                b = marginals.rest[k]
                total += products[b] * coefficient[f, b]
            out[i, j] = total


@compiled
def log_density(tables, marginal, state, work, means_changed):
    """Log density of all rows with the latent variables integrated out, up to a constant.

    `means_changed`: whether the products of residuals in `work.joint` must be computed again.
    """
    residuals, marginals = tables.residuals, tables.marginals
    value = 0.0
    start = marginals.part_start[marginal]
    for part in range(start, marginals.part_start[marginal + 1]):
        root = integrate(residuals, marginals, part, state, work.joint)
        if math.isnan(root):
            return -math.inf
        products = work.joint[MATRICES + part - start]
        if means_changed:
            moments = state.moments[marginals.part_class[part]]
            cross(residuals, marginals, part, state.coefficient, moments, work.cross, products)
        quadratic = 0.0
        q = work.joint[0]
        for i in range(marginals.equation_start[part + 1] - marginals.equation_start[part]):
            quadratic += q[i, i] * products[i, i]
            for j in range(i):
                quadratic += 2.0 * q[i, j] * products[i, j]
        value += marginals.part_rows[part] * root - 0.5 * quadratic
    return value if not math.isnan(value) else -math.inf


@compiled
def conditional(tables, marginal, block, state, work):
    """Write precision and gradient of a block to `work.matrix[0]` and `work.vector[0]`; its size, or -1."""
    residuals, marginals, priors = tables.residuals, tables.marginals, tables.priors
    matrix, vector = work.matrix[0], work.vector[0]
    low, high = marginals.entry_start[block], marginals.entry_start[block + 1]
    first = marginals.parameter_start[block]
    size = marginals.parameter_start[block + 1] - first
    for i in range(size):
        parameter = marginals.parameter[first + i]
        vector[i] = 0.0
        for j in range(i + 1):
            matrix[i, j] = 0.0
        if priors.kind[parameter] == 1:
            matrix[i, i] = 1.0 / priors.second[parameter]
            vector[i] = (priors.first[parameter] - state.theta[parameter]) / priors.second[parameter]
    for a in range(low, high):
        parameter = marginals.parameter[first + marginals.entry_member[a]]
        work.derivative[a - low] = product_of_parameters(residuals, marginals.entry_product[a], state.theta, parameter)
    for part in range(marginals.part_start[marginal], marginals.part_start[marginal + 1]):
        root = integrate(residuals, marginals, part, state, work.joint)
        if math.isnan(root):
            return -1
        _add_part(residuals, marginals, part, low, high, state, work)
    return size


@inlined
def _add_part(residuals, marginals, part, low, high, state, work):
    q, matrix, vector, derivative = work.joint[0], work.matrix[0], work.vector[0], work.derivative
    moments = state.moments[marginals.part_class[part]]
    first = marginals.equation_start[part]
    n = marginals.equation_start[part + 1] - first
    for e in range(work.place.size):
        work.place[e] = -1
    for i in range(n):
        work.place[marginals.equation[first + i]] = i
    for a in range(low, high):
        product = marginals.entry_product[a]
        row = work.place[residuals.product_equation[product]]
        if row < 0:
            continue
        member = marginals.entry_member[a]
        moment = moments[residuals.product_monomial[product]]
        pull = 0.0
        for j in range(n):
            if q[row, j] != 0.0:
                f = marginals.equation[first + j]
                inner = 0.0
                for k in range(marginals.rest_start[first + j], marginals.rest_start[first + j + 1]):
                    b = marginals.rest[k]
                    inner += moment[b] * state.coefficient[f, b]
                pull += q[row, j] * inner
        vector[member] -= derivative[a - low] * pull
        for b in range(low, high):
            # Entries are sorted by member.
            if marginals.entry_member[b] > member:
                break
            other = marginals.entry_product[b]
            column = work.place[residuals.product_equation[other]]
            if column >= 0:
                matrix[member, marginals.entry_member[b]] += (
                    q[row, column]
                    * derivative[a - low]
                    * derivative[b - low]
                    * moment[residuals.product_monomial[other]]
                )


@inlined
def draw(tables, marginal, block, state, work):
    """Draw a block of coefficients; False when their precision is singular."""
    marginals = tables.marginals
    size = conditional(tables, marginal, block, state, work)
    matrix, step = work.matrix[0], work.vector[0]
    if size < 0 or not cholesky.factor(matrix, size):
        return False
    cholesky.solve_lower(matrix, size, step)
    overrelaxation.add_normal(step, size, state.overrelaxation[0], state.generator)
    cholesky.solve_upper(matrix, size, step)
    first = marginals.parameter_start[block]
    for i in range(size):
        state.theta[marginals.parameter[first + i]] += step[i]
    for k in range(marginals.refresh_start[block], marginals.refresh_start[block + 1]):
        refresh_equation(tables.residuals, marginals.refresh[k], state.theta, state.coefficient)
    return True
