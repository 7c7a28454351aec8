"""Numerical values of resolved expressions.

One interpreter serves rows of data (TRANSFORM, FILTER, constant columns) and draws of parameters
(derived quantities): arrays broadcast, and a missing input gives a missing result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blimp2pymc.joint_model.ir import (
    Apply,
    Column,
    Constant,
    Expression,
    ImpliedVariance,
    ParameterReference,
)

Array = NDArray[np.float64]


def evaluate(
    expression: Expression,
    columns: Mapping[Column, ArrayLike],
    parameters: Mapping[str, ArrayLike] | None = None,
    implied: Mapping[ImpliedVariance, ArrayLike] | None = None,
) -> Array:
    """Evaluate an expression; the result has the broadcast shape of its leaves.

    Parameters
    ----------
    expression
        Resolved expression.
    columns
        Values of the columns it refers to, NaN where missing.
    parameters
        Values of the parameters it refers to, scalars or one per draw.
    implied
        Values of the model-implied variances it refers to.

    Raises
    ------
    KeyError
        When a leaf has no value.

    Notes
    -----
    Comparisons give 1 or 0. A missing operand makes a result missing, except where the other operand
    settles it (`0 and .`, `1 or .`), in the branch `ifelse` does not take, and in `missing(c, x)`, which
    is x unless c is known to be true. Outside a function's domain (`ln(-1)`, `1/0`) the result is not
    finite; the caller decides what that means.
    """
    with np.errstate(all="ignore"):
        return _evaluate(expression, columns, parameters or {}, implied or {})


def _evaluate(
    expression: Expression,
    columns: Mapping[Column, ArrayLike],
    parameters: Mapping[str, ArrayLike],
    implied: Mapping[ImpliedVariance, ArrayLike],
) -> Array:
    match expression:
        case Constant(value):
            return np.asarray(value, float)
        case Column():
            return np.asarray(columns[expression], float)
        case ParameterReference(name):
            return np.asarray(parameters[name], float)
        case ImpliedVariance():
            return np.asarray(implied[expression], float)
        case Apply(function, arguments):
            return VALUES[function](*(_evaluate(each, columns, parameters, implied) for each in arguments))
    raise TypeError(f"no value of {expression!r}")


def _comparison(compare: Callable[[Array, Array], NDArray[np.bool_]]) -> Callable[[Array, Array], Array]:
    def compared(left: Array, right: Array) -> Array:
        return np.where(np.isnan(left) | np.isnan(right), np.nan, compare(left, right))

    return compared


def _and(left: Array, right: Array) -> Array:
    known_false = (left == 0) | (right == 0)
    return np.where(known_false, 0.0, np.where(np.isnan(left) | np.isnan(right), np.nan, 1.0))


def _or(left: Array, right: Array) -> Array:
    known_true = (~np.isnan(left) & (left != 0)) | (~np.isnan(right) & (right != 0))
    return np.where(known_true, 1.0, np.where(np.isnan(left) | np.isnan(right), np.nan, 0.0))


def _ifelse(condition: Array, yes: Array, no: Array) -> Array:
    return np.where(np.isnan(condition), np.nan, np.where(condition != 0, yes, no))


def _missing(condition: Array, value: Array) -> Array:
    return np.where(~np.isnan(condition) & (condition != 0), np.nan, value)


def _phi(z: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(z), float)


def _iphi(probability: Array) -> Array:
    from scipy.special import ndtri

    return np.asarray(ndtri(probability), float)


ZERO, ONE = np.asarray(0.0), np.asarray(1.0)


def _normal_pdf(x: Array, mean: Array = ZERO, variance: Array = ONE) -> Array:
    return np.exp(-0.5 * (x - mean) ** 2 / variance) / np.sqrt(2 * np.pi * variance)


def _round(x: Array) -> Array:
    """Nearest whole number, halves away from zero, as people round."""
    return np.sign(x) * np.floor(np.abs(x) + 0.5)


def yeo_johnson(u: Array, power: Array) -> Array:
    """Yeo-Johnson transform T(u; power), unnormalised; limits at powers 0 and 2.

    ((u+1)^l - 1)/l for u >= 0, -((1-u)^(2-l) - 1)/(2-l) for u < 0, through expm1 so that powers
    near the limits lose no digits.
    """
    up, down = np.log1p(np.maximum(u, 0.0)), np.log1p(np.maximum(-u, 0.0))
    return np.where(np.isnan(u), np.nan, np.where(u >= 0, _box_cox(up, power), -_box_cox(down, 2.0 - power)))


def inverse_yeo_johnson(z: Array, power: Array) -> Array:
    """The u with T(u; power) = z; NaN where there is none."""
    up = np.expm1(_inverse_box_cox(np.maximum(z, 0.0), power))
    down = -np.expm1(_inverse_box_cox(np.maximum(-z, 0.0), 2.0 - power))
    return np.where(np.isnan(z), np.nan, np.where(z >= 0, up, down))


def _box_cox(log_value: Array, power: Array) -> Array:
    divisor = np.where(power == 0, 1.0, power)
    return np.where(power == 0, log_value, np.expm1(power * log_value) / divisor)


def _inverse_box_cox(z: Array, power: Array) -> Array:
    divisor = np.where(power == 0, 1.0, power)
    return np.where(power == 0, z, np.log1p(power * z) / divisor)


def _mean(*values: Array) -> Array:
    return reduce(np.add, values) / len(values)


VALUES: Mapping[str, Callable[..., Array]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power, "neg": np.negative,
    "==": _comparison(np.equal), "!=": _comparison(np.not_equal),
    "<": _comparison(np.less), ">": _comparison(np.greater),
    "<=": _comparison(np.less_equal), ">=": _comparison(np.greater_equal),
    "and": _and, "or": _or, "ifelse": _ifelse, "missing": _missing,
    "ismissing": lambda x: np.isnan(x).astype(float),
    "exp": np.exp, "ln": np.log, "sqrt": np.sqrt, "abs": np.abs, "round": _round, "mod": np.mod,
    "phi": _phi, "iphi": _iphi, "normal_pdf": _normal_pdf,
    "min": lambda *values: reduce(np.minimum, values),
    "max": lambda *values: reduce(np.maximum, values),
    "mean": _mean, "yjt": yeo_johnson, "iyjt": inverse_yeo_johnson,
}  # fmt: skip
"""How each function of `algebra.FUNCTIONS` is computed."""
