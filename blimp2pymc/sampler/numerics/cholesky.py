"""Cholesky factors, triangular systems and inverses of small matrices, in place and without allocation.

The matrices are those of parameters (coefficients of an equation, residual covariances): their order
is a few dozen at most, where a call into LAPACK costs more than the arithmetic.
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled

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


@compiled
def invert_square(matrix, n, inverse):
    """Write the inverse of any square matrix to `inverse` and return log |det|, NaN if singular; overwrites `matrix`.

    Gauss-Jordan elimination with row pivots.
    """
    log_determinant = 0.0
    for i in range(n):
        for j in range(n):
            inverse[i, j] = 1.0 if i == j else 0.0
    for column in range(n):
        pivot = column
        for i in range(column + 1, n):
            if abs(matrix[i, column]) > abs(matrix[pivot, column]):
                pivot = i
        value = matrix[pivot, column]
        if not abs(value) > 0.0:
            return math.nan
        log_determinant += math.log(abs(value))
        for j in range(n):
            matrix[pivot, j], matrix[column, j] = matrix[column, j], matrix[pivot, j] / value
            inverse[pivot, j], inverse[column, j] = inverse[column, j], inverse[pivot, j] / value
        for i in range(n):
            factor = matrix[i, column]
            if i != column and factor != 0.0:
                for j in range(n):
                    matrix[i, j] -= factor * matrix[column, j]
                    inverse[i, j] -= factor * inverse[column, j]
    return log_determinant


@compiled
def sweep(matrix, n, k):
    """Sweep a covariance matrix on element k (goodnight 1979) and return the logarithm of the pivot.

    Swept on some elements, it holds minus their inverse, the regression of the others on them, and the
    covariance of the others given them; the pivots multiply to the determinant.
    """
    pivot = matrix[k, k]
    for i in range(n):
        if i != k:
            for j in range(n):
                if j != k:
                    matrix[i, j] -= matrix[i, k] * matrix[k, j] / pivot
    for i in range(n):
        if i != k:
            matrix[i, k] /= pivot
            matrix[k, i] /= pivot
    matrix[k, k] = -1.0 / pivot
    return math.log(pivot)
