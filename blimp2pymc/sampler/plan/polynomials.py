"""Terms as polynomials, with derivatives, and one polynomial as a combination of others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blimp2pymc.joint_model.algebra import expand
from blimp2pymc.joint_model.ir import Column, Term

type Polynomial = dict[tuple, float]
"""Products (parameters, columns, functions) -> constant."""

INTERCEPT: Polynomial = {((), (), ()): 1.0}


def polynomial(term: Term) -> Polynomial:
    """The expression of a term, without its coefficient."""
    return {(each.parameters, each.columns, each.functions): each.constant for each in expand(term.expression)}


def derivative(expansion: Polynomial, variable: str | Column) -> Polynomial:
    """Derivative with respect to a parameter or a column that no function holds."""
    found: Polynomial = {}
    for (parameters, columns, functions), constant in expansion.items():
        factors: dict[bool, list] = {True: list(parameters), False: list(columns)}
        own = factors[isinstance(variable, str)]
        power = own.count(variable)
        if power:
            own.remove(variable)
            key = (tuple(factors[True]), tuple(factors[False]), functions)
            found[key] = found.get(key, 0.0) + power * constant
    return found


def combination(wanted: Polynomial, design: Sequence[Polynomial]) -> list[float] | None:
    """Weights with which polynomials add up to another one; None where they cannot."""
    keys = sorted({*wanted, *(key for each in design for key in each)}, key=repr)
    matrix = np.array([[each.get(key, 0.0) for each in design] for key in keys])
    values = np.array([wanted.get(key, 0.0) for key in keys])
    weights = np.linalg.lstsq(matrix, values, rcond=None)[0]
    if not np.allclose(matrix @ weights, values, atol=1e-9):
        return None
    return [round(float(each), 12) for each in weights]
