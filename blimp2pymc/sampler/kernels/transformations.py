"""Lambda of Yeo-Johnson outcomes: slice sampling, with the equation's own parameters integrated out where possible.

With z = T(u; lambda), its density times the derivative of T is, for n rows and residuals r = z - mean,

    n log(derivative) = (lambda - 1) sum of w,   w = sign(u) log(1 + |u|),
    -1/2 sum of r' W r,                          W the precision of the equation's group.

Residuals and lambda inform each other through the scale of z, so that drawing lambda given coefficients and
variance moves little. Where the equation stands alone, its variance v is inverse gamma (a, b) and p of its
coefficients are flat and occur nowhere else, these are integrated out:

    p(lambda | rest) ~ exp(lambda sum of w) (b + S/2)^-(a + (n - p)/2),

S the sum of squares of z about its least-squares fit; v and the p coefficients are then drawn given lambda, which
makes it one draw of all of them. Missing values that are drawn keep their u while lambda changes. One pass over
the rows for each value tried: exp is its cost.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels.slices import log_prior
from blimp2pymc.sampler.numerics import cholesky, slice_sampling
from blimp2pymc.sampler.numerics.generator import gamma, normal
from blimp2pymc.sampler.numerics.moments import multiply, product_of_parameters, refresh_covariance, refresh_equation


@compiled
def transformed(logarithm, power):
    """T(u; power) from sign(u) log(1 + |u|); 0 < power < 2."""
    if logarithm >= 0.0:
        return math.expm1(power * logarithm) / power
    return -math.expm1((power - 2.0) * logarithm) / (2.0 - power)


@compiled
def logarithm_of(value, power):
    """sign(u) log(1 + |u|) from T(u; power)."""
    if value >= 0.0:
        return math.log1p(power * value) / power
    return -math.log1p((power - 2.0) * value) / (2.0 - power)


@compiled
def transform_observed(tables, state):
    """Compute the transformed values of all observed outcomes."""
    transformations = tables.transformations
    for index in range(transformations.parameter.size):
        power = state.theta[transformations.parameter[index]]
        for outcome in range(transformations.start[index], transformations.start[index + 1]):
            values = state.columns[transformations.column[outcome]]
            logarithms = state.columns[transformations.logarithm[outcome]]
            for run in range(transformations.observed_start[outcome], transformations.observed_start[outcome + 1]):
                for i in range(transformations.observed_low[run], transformations.observed_high[run]):
                    values[i] = transformed(logarithms[i], power)


@compiled
def transform_rows(tables, outcome, power, state):
    """Compute the transformed values of all rows in which the outcome's group says something."""
    transformations, rows = tables.transformations, tables.rows
    group = tables.residuals.equation_group[transformations.equation[outcome]]
    values = state.columns[transformations.column[outcome]]
    logarithms = state.columns[transformations.logarithm[outcome]]
    for c in range(rows.class_start.size - 1):
        if rows.set_has_class[tables.residuals.group_set[group], c]:
            for i in range(rows.class_start[c], rows.class_start[c + 1]):
                values[i] = transformed(logarithms[i], power)


@compiled
def cross_products(tables, outcome, state, work):
    """Sums over rows of the transformed value times every monomial of its group, to `work.cross`; returns its square.

    `work.cross` is indexed by monomial.
    """
    transformations, rows, residuals = tables.transformations, tables.rows, tables.residuals
    group = residuals.equation_group[transformations.equation[outcome]]
    values = state.columns[transformations.column[outcome]]
    own = transformations.monomial[outcome]
    start, end = residuals.group_start[group], residuals.group_start[group + 1]
    first, last = residuals.monomial_start[start], residuals.monomial_start[end]
    for k in range(first, last):
        work.cross[residuals.equation_monomial[k]] = 0.0
    square = 0.0
    for c in range(rows.class_start.size - 1):
        if not rows.set_has_class[residuals.group_set[group], c]:
            continue
        for low in range(rows.class_start[c], rows.class_start[c + 1], 256):
            n = min(256, rows.class_start[c + 1] - low)
            z = values[low : low + n]
            for i in range(n):
                square += z[i] * z[i]
            for k in range(first, last):
                monomial = residuals.equation_monomial[k]
                if monomial == own or (work.cross[monomial] != 0.0 and _listed_before(residuals, first, k, monomial)):
                    continue
                multiply(residuals, monomial, state.columns, low, n, work.normals)
                total = 0.0
                for i in range(n):
                    total += work.normals[i] * z[i]
                work.cross[monomial] += total
    return square


@compiled
def _listed_before(residuals, first, place, monomial):
    # Equations of a group may share monomials: each is summed once.
    found = False
    for k in range(first, place):
        found = found or residuals.equation_monomial[k] == monomial
    return found


@compiled
def prepare(tables, index, state, work):
    """Compute what does not change with lambda; False when the coefficients are not determined.

    Logarithms of missing values; their sum, to `work.vector[2]`. Where parameters are integrated out, the precision of
    the coefficients, factored, to `work.matrix[0]`, and the part of least squares without z, to `work.design`.
    """
    transformations = tables.transformations
    power = state.theta[transformations.parameter[index]]
    for outcome in range(transformations.start[index], transformations.start[index + 1]):
        values = state.columns[transformations.column[outcome]]
        logarithms = state.columns[transformations.logarithm[outcome]]
        for run in range(transformations.missing_start[outcome], transformations.missing_start[outcome + 1]):
            for i in range(transformations.missing_low[run], transformations.missing_high[run]):
                logarithms[i] = logarithm_of(values[i], power)
    first = transformations.start[index]
    return not transformations.collapsed[first] or _prepare_least_squares(tables, first, state, work)


@compiled
def _prepare_least_squares(tables, outcome, state, work):
    transformations, rows, residuals = tables.transformations, tables.rows, tables.residuals
    equation = transformations.equation[outcome]
    group = residuals.equation_group[equation]
    start, end = residuals.monomial_start[equation], residuals.monomial_start[equation + 1]
    size = transformations.member_start[outcome + 1] - transformations.member_start[outcome]
    own = transformations.monomial[outcome]
    # Row `size` of the design is the part of the residual that is given: all but z and the members.
    for k in range(start, end):
        monomial = residuals.equation_monomial[k]
        for member in range(size + 1):
            work.design[member, monomial] = 0.0
        if monomial != own:
            work.design[size, monomial] = state.coefficient[equation, monomial]
    first = transformations.member_start[outcome]
    for entry in range(transformations.entry_start[outcome], transformations.entry_start[outcome + 1]):
        product, member = transformations.entry_product[entry], transformations.entry_member[entry]
        parameter = transformations.member[first + member]
        monomial = residuals.product_monomial[product]
        slope = product_of_parameters(residuals, product, state.theta, parameter)
        work.design[member, monomial] += slope
        work.design[size, monomial] -= slope * state.theta[parameter]
    for k in range(start, end):
        for j in range(start, end):
            work.among[residuals.equation_monomial[k], residuals.equation_monomial[j]] = 0.0
    for c in range(rows.class_start.size - 1):
        if not rows.set_has_class[residuals.group_set[group], c]:
            continue
        for low in range(rows.class_start[c], rows.class_start[c + 1], 256):
            n = min(256, rows.class_start[c + 1] - low)
            for k in range(start, end):
                monomial = residuals.equation_monomial[k]
                if monomial != own:
                    multiply(residuals, monomial, state.columns, low, n, work.values[monomial])
            for k in range(start, end):
                a = residuals.equation_monomial[k]
                for j in range(start, k + 1):
                    b = residuals.equation_monomial[j]
                    if own not in (a, b):
                        total = 0.0
                        for i in range(n):
                            total += work.values[a, i] * work.values[b, i]
                        work.among[a, b] += total
                        if a != b:
                            work.among[b, a] += total
    for member in range(size + 1):
        for other in range(member + 1):
            total = 0.0
            for k in range(start, end):
                a = residuals.equation_monomial[k]
                if work.design[member, a] != 0.0:
                    for j in range(start, end):
                        b = residuals.equation_monomial[j]
                        total += work.design[member, a] * work.design[other, b] * work.among[a, b]
            if member < size:
                work.matrix[0, member, other] = total
            else:
                work.vector[1, other] = total
    return cholesky.factor(work.matrix[0], size)


@compiled
def least_squares(tables, outcome, square, work):
    """Sum of squares of z about its fit, given `cross_products`; L^-1 X'(z + given part), to `work.vector[0]`."""
    transformations, residuals = tables.transformations, tables.residuals
    equation = transformations.equation[outcome]
    start, end = residuals.monomial_start[equation], residuals.monomial_start[equation + 1]
    size = transformations.member_start[outcome + 1] - transformations.member_start[outcome]
    total = square + work.vector[1, size]
    for member in range(size + 1):
        value = 0.0
        for k in range(start, end):
            monomial = residuals.equation_monomial[k]
            value += work.design[member, monomial] * work.cross[monomial]
        if member < size:
            work.vector[0, member] = value + work.vector[1, member]
        else:
            total += 2.0 * value
    cholesky.solve_lower(work.matrix[0], size, work.vector[0])
    for member in range(size):
        total -= work.vector[0, member] * work.vector[0, member]
    return total


@compiled
def log_density(tables, index, power, state, work):
    """Log density of lambda up to a constant, after `prepare`; sets the transformed values of the rows."""
    transformations, residuals, rows = tables.transformations, tables.residuals, tables.rows
    value = log_prior(tables.priors, transformations.parameter[index], power)
    if value == -math.inf:
        return value
    for outcome in range(transformations.start[index], transformations.start[index + 1]):
        transform_rows(tables, outcome, power, state)
        square = cross_products(tables, outcome, state, work)
        equation = transformations.equation[outcome]
        group = residuals.equation_group[equation]
        logarithms = state.columns[transformations.logarithm[outcome]]
        total = 0.0
        for c in range(rows.class_start.size - 1):
            if rows.set_has_class[residuals.group_set[group], c]:
                for i in range(rows.class_start[c], rows.class_start[c + 1]):
                    total += logarithms[i]
        value += power * total
        if transformations.collapsed[outcome]:
            rest = least_squares(tables, outcome, square, work)
            scale = transformations.scale[outcome] + 0.5 * rest
            if not scale > 0.0:
                return -math.inf
            value -= posterior_shape(tables, outcome) * math.log(scale)
        else:
            start, end = residuals.group_start[group], residuals.group_start[group + 1]
            own = transformations.monomial[outcome]
            value -= 0.5 * state.precision[group, equation - start, equation - start] * square
            for other in range(start, end):
                weight = state.precision[group, equation - start, other - start]
                for k in range(residuals.monomial_start[other], residuals.monomial_start[other + 1]):
                    monomial = residuals.equation_monomial[k]
                    if monomial != own:
                        value -= weight * state.coefficient[other, monomial] * work.cross[monomial]
    return value if not math.isnan(value) else -math.inf


@compiled
def posterior_shape(tables, outcome):
    """Shape of the residual variance given lambda, coefficients integrated out."""
    transformations = tables.transformations
    size = transformations.member_start[outcome + 1] - transformations.member_start[outcome]
    group = tables.residuals.equation_group[transformations.equation[outcome]]
    return transformations.shape[outcome] + 0.5 * (tables.residuals.group_rows[group] - size)


@compiled
def draw_parameters(tables, outcome, square, state, work):
    """Draw variance and coefficients given lambda; False when they have no proper distribution."""
    transformations, residuals = tables.transformations, tables.residuals
    equation = transformations.equation[outcome]
    first = transformations.member_start[outcome]
    size = transformations.member_start[outcome + 1] - first
    rest = least_squares(tables, outcome, square, work)
    shape, scale = posterior_shape(tables, outcome), transformations.scale[outcome] + 0.5 * rest
    if not (shape > 0.0 and scale > 0.0):
        return False
    variance = scale / gamma(state.generator, shape)
    state.theta[residuals.variance[equation]] = variance
    deviation = math.sqrt(variance)
    for member in range(size):
        work.vector[0, member] = deviation * normal(state.generator) - work.vector[0, member]
    cholesky.solve_upper(work.matrix[0], size, work.vector[0])
    for member in range(size):
        state.theta[transformations.member[first + member]] = work.vector[0, member]
    refresh_equation(residuals, equation, state.theta, state.coefficient)
    group = residuals.equation_group[equation]
    return refresh_covariance(
        residuals, group, state.theta, state.covariance, state.precision, state.log_determinant, work.matrix[1]
    )


@compiled
def update(tables, state, work, adapting):
    """Draw every lambda; returns -1, or the parameter for which that failed."""
    transformations = tables.transformations
    bracket = work.bracket
    for index in range(transformations.parameter.size):
        parameter = transformations.parameter[index]
        if not transformations.drawn[index]:
            continue
        if not prepare(tables, index, state, work):
            return parameter
        old = state.theta[parameter]
        current = log_density(tables, index, old, state, work)
        if not current > -math.inf:
            return parameter
        x = slice_sampling.begin(
            bracket,
            state.generator,
            old,
            current,
            state.widths[parameter, 0],
            tables.priors.lower[parameter],
            tables.priors.upper[parameter],
        )
        while bracket[slice_sampling.PHASE] < slice_sampling.DONE:
            x = slice_sampling.proceed(bracket, state.generator, log_density(tables, index, x, state, work))
        if bracket[slice_sampling.PHASE] != slice_sampling.DONE:
            return parameter
        # The last value tried is the draw: the transformed values are its.
        state.theta[parameter] = x
        if adapting:
            slice_sampling.adapt(state.widths, parameter, x - old)
        first = transformations.start[index]
        if transformations.collapsed[first]:
            square = cross_products(tables, first, state, work)
            if not draw_parameters(tables, first, square, state, work):
                return parameter
    return -1
