"""Functions of variables or parameters in compiled code: expressions as programs of a stack machine.

Everything that is a polynomial is in the tables of products; only the rest comes here (`exp(x)`,
`(time == 1)`, a parameter defined as `d * sqrt(v)`). One compiled machine serves all models.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from blimp2pymc.joint_model.ir import Apply, Column, Constant, Expression, ParameterReference
from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.numerics.normal_table import normal_score

PUSH_CONSTANT, PUSH_PARAMETER, PUSH_COLUMN = 0, 1, 2
CODES: Mapping[str, int] = {
    "+": 3, "-": 4, "*": 5, "/": 6, "^": 7, "neg": 8,
    "==": 9, "!=": 10, "<": 11, ">": 12, "<=": 13, ">=": 14, "and": 15, "or": 16,
    "exp": 17, "ln": 18, "sqrt": 19, "abs": 20, "phi": 21, "ifelse": 22, "min": 23, "max": 24,
    "mean": 25, "round": 26, "mod": 27, "iphi": 28, "normal_pdf": 29, "yjt": 30, "iyjt": 31,
}  # fmt: skip
"""Function -> operation code. `min`, `max` and `mean` take any number of arguments."""
VARIADIC = ("min", "max", "mean", "normal_pdf")
STACK = 64


class Programs(NamedTuple):
    """Programs one after the other."""

    target: np.ndarray
    """Where the result of each goes: a parameter or a column; shape (programs,)."""
    start: np.ndarray
    """First instruction of each, and the end; shape (programs + 1,)."""
    operation: np.ndarray
    argument: np.ndarray
    """Index of the parameter or column, or the number of arguments."""
    constant: np.ndarray


def assemble(
    expressions: Sequence[tuple[int, Expression]], parameters: Mapping[str, int], columns: Mapping[Column, int]
) -> Programs:
    """Translate expressions, each with its target, to programs.

    Raises
    ------
    KeyError
        For a function the machine does not have.
    """
    operations: list[tuple[int, int, float]] = []
    starts = [0]

    def emit(expression: Expression) -> None:
        match expression:
            case Constant(value):
                operations.append((PUSH_CONSTANT, 0, float(value)))
            case ParameterReference(name):
                operations.append((PUSH_PARAMETER, parameters[name], 0.0))
            case Column():
                operations.append((PUSH_COLUMN, columns[expression], 0.0))
            case Apply(function, arguments):
                for each in arguments:
                    emit(each)
                operations.append((CODES[function], len(arguments), 0.0))
            case _:
                raise KeyError(repr(expression))

    for _, expression in expressions:
        emit(expression)
        starts.append(len(operations))
    return Programs(
        np.array([target for target, _ in expressions], np.int64),
        np.array(starts, np.int64),
        np.array([each[0] for each in operations], np.int64),
        np.array([each[1] for each in operations], np.int64),
        np.array([each[2] for each in operations], np.float64),
    )


@compiled
def normal_quantile(p):
    """Inverse of the standard normal distribution function (`normal_score` with one step of halley)."""
    if not 0.0 < p < 1.0:
        return -math.inf if p == 0.0 else math.inf if p == 1.0 else math.nan
    x = normal_score(p)
    error = 0.5 * math.erfc(-x / math.sqrt(2.0)) - p
    u = error * math.sqrt(2.0 * math.pi) * math.exp(0.5 * x * x)
    return x - u / (1.0 + 0.5 * x * u)


@compiled
def yeo_johnson(y, power):
    """Yeo-Johnson transform, unnormalised."""
    if y >= 0.0:
        return math.log1p(y) if abs(power) < 1e-12 else (math.exp(power * math.log1p(y)) - 1.0) / power
    rest = 2.0 - power
    return -math.log1p(-y) if abs(rest) < 1e-12 else -(math.exp(rest * math.log1p(-y)) - 1.0) / rest


@compiled
def inverse_yeo_johnson(z, power):
    """Value whose Yeo-Johnson transform is `z`."""
    if z >= 0.0:
        return math.expm1(z) if abs(power) < 1e-12 else math.exp(math.log1p(power * z) / power) - 1.0
    rest = 2.0 - power
    return -math.expm1(-z) if abs(rest) < 1e-12 else 1.0 - math.exp(math.log1p(-rest * z) / rest)


@compiled
def _binary(code, a, b):
    if code == 3:
        return a + b
    if code == 4:
        return a - b
    if code == 5:
        return a * b
    if code == 6:
        return a / b
    if code == 7:
        return a**b
    if code == 9:
        return 1.0 if a == b else 0.0
    if code == 10:
        return 1.0 if a != b else 0.0
    if code == 11:
        return 1.0 if a < b else 0.0
    if code == 12:
        return 1.0 if a > b else 0.0
    if code == 13:
        return 1.0 if a <= b else 0.0
    if code == 14:
        return 1.0 if a >= b else 0.0
    if code == 15:
        return 1.0 if a != 0.0 and b != 0.0 else 0.0
    if code == 16:
        return 1.0 if a != 0.0 or b != 0.0 else 0.0
    if code == 27:
        return a - b * math.floor(a / b)
    if code == 30:
        return yeo_johnson(a, b)
    return inverse_yeo_johnson(a, b)


@compiled
def _unary(code, a):
    if code == 8:
        return -a
    if code == 17:
        return math.exp(a)
    if code == 18:
        return math.log(a) if a > 0.0 else (-math.inf if a == 0.0 else math.nan)
    if code == 19:
        return math.sqrt(a) if a >= 0.0 else math.nan
    if code == 20:
        return abs(a)
    if code == 21:
        return 0.5 * math.erfc(-a / math.sqrt(2.0))
    if code == 26:
        return math.copysign(math.floor(abs(a) + 0.5), a)
    return normal_quantile(a)


@compiled
def _many(code, values):
    n = values.size
    if code == 29:
        mean = values[1] if n > 1 else 0.0
        variance = values[2] if n > 2 else 1.0
        return math.exp(-0.5 * (values[0] - mean) ** 2 / variance) / math.sqrt(2.0 * math.pi * variance)
    result = values[0]
    for i in range(1, n):
        if code == 23:
            result = min(result, values[i])
        elif code == 24:
            result = max(result, values[i])
        else:
            result += values[i]
    return result / n if code == 25 else result


@compiled
def evaluate(programs, index, theta, columns, row, stack):
    """Value of one program; `columns` is (columns, rows), and `row` the row it is evaluated for."""
    top = 0
    for k in range(programs.start[index], programs.start[index + 1]):
        code = programs.operation[k]
        n = programs.argument[k]
        if code == 0:
            stack[top] = programs.constant[k]
            top += 1
        elif code == 1:
            stack[top] = theta[n]
            top += 1
        elif code == 2:
            stack[top] = columns[n, row]
            top += 1
        elif code == 22:
            top -= 2
            stack[top - 1] = stack[top] if stack[top - 1] != 0.0 else stack[top + 1]
        elif code in (23, 24, 25, 29):
            top -= n - 1
            stack[top - 1] = _many(code, stack[top - 1 : top - 1 + n])
        elif n == 1:
            stack[top - 1] = _unary(code, stack[top - 1])
        else:
            top -= 1
            stack[top - 1] = _binary(code, stack[top - 1], stack[top])
    return stack[0]


@compiled
def set_parameters(programs, theta, columns, stack):
    """Compute every defined parameter."""
    for k in range(programs.target.size):
        theta[programs.target[k]] = evaluate(programs, k, theta, columns, 0, stack)


@compiled
def set_columns(programs, theta, columns, low, high, stack):
    """Compute every column that is a function of others, for rows low to high."""
    for k in range(programs.target.size):
        target = programs.target[k]
        for row in range(low, high):
            columns[target, row] = evaluate(programs, k, theta, columns, row, stack)
