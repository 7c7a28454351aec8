"""Cholesky factors and triangular systems of small matrices, in place and without allocation.

The matrices are those of parameters (coefficients of an equation, residual covariances): their order
is a few dozen at most, where a call into LAPACK costs more than the arithmetic.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compiled import compiled

SMALLEST_PIVOT = 1e-13
"""A pivot below this share of its diagonal element counts as zero."""


@compiled
def factor(matrix, n):
    """Overwrite the lower triangle by the Cholesky factor; False when not positive definite."""
    for j in range(n):
        pivot = matrix[j, j]
        diagonal = pivot
        for k in range(j):
            pivot -= matrix[j, k] * matrix[j, k]
        if not (pivot > SMALLEST_PIVOT * diagonal and diagonal > 0.0 and pivot < math.inf):
            return False
        root = math.sqrt(pivot)
        matrix[j, j] = root
        for i in range(j + 1, n):
            t = matrix[i, j]
            for k in range(j):
                t -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = t / root
    return True


@compiled
def solve_lower(lower, n, vector):
    """Overwrite b by L^-1 b."""
    for i in range(n):
        t = vector[i]
        for k in range(i):
            t -= lower[i, k] * vector[k]
        vector[i] = t / lower[i, i]


@compiled
def solve_upper(lower, n, vector):
    """Overwrite b by L'^-1 b."""
    for i in range(n - 1, -1, -1):
        t = vector[i]
        for k in range(i + 1, n):
            t -= lower[k, i] * vector[k]
        vector[i] = t / lower[i, i]


@compiled
def invert(lower, n, inverse):
    """Write (L L')^-1 to `inverse` and return log |L L'|."""
    log_determinant = 0.0
    for j in range(n):
        log_determinant += 2.0 * math.log(lower[j, j])
        column = inverse[j]
        for i in range(n):
            column[i] = 1.0 if i == j else 0.0
        solve_lower(lower, n, column)
        solve_upper(lower, n, column)
    return log_determinant
