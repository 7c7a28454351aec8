"""Algebra on resolved expressions: expand to products, ask what is linear in what.

The sampler's one rule, *draw exactly whatever enters linearly*, is decided here symbolically.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from blimp2pymc.joint_model.ir import (
    Apply,
    Column,
    Constant,
    Equation,
    Expression,
    ImpliedVariance,
    ParameterReference,
    Product,
    Term,
)

FUNCTIONS: Mapping[str, int | None] = {
    # function: number of arguments, None = any number
    "+": 2, "-": 2, "*": 2, "/": 2, "^": 2, "neg": 1,
    "==": 2, "!=": 2, "<": 2, ">": 2, "<=": 2, ">=": 2, "and": 2, "or": 2,
    "exp": 1, "ln": 1, "sqrt": 1, "abs": 1, "phi": 1, "iphi": 1, "normal_pdf": None,
    "ifelse": 3, "ismissing": 1, "missing": 2, "min": None, "max": None, "mean": None,
    "round": 1, "mod": 2, "yjt": 2, "iyjt": 2,
}  # fmt: skip
"""Functions that may occur in an `Apply`, by number of arguments."""

MAX_POWER = 8
"""Whole powers up to this one are expanded to products; higher ones stay functions."""


def columns_in(expression: Expression) -> frozenset[Column]:
    """The columns an expression refers to."""
    return frozenset(leaf for leaf in leaves(expression) if isinstance(leaf, Column))


def parameters_in(expression: Expression) -> frozenset[str]:
    """Names of the parameters an expression refers to."""
    return frozenset(leaf.name for leaf in leaves(expression) if isinstance(leaf, ParameterReference))


def leaves(expression: Expression) -> Iterator[Constant | Column | ParameterReference | ImpliedVariance]:
    """The leaves of an expression, left to right, with repetition."""
    if isinstance(expression, Apply):
        for argument in expression.arguments:
            yield from leaves(argument)
    else:
        yield expression


def substitute(expression: Expression, replacements: Mapping[Expression, Expression]) -> Expression:
    """Replace every sub-expression that is a key of `replacements` (outermost first, once)."""
    if expression in replacements:
        return replacements[expression]
    if isinstance(expression, Apply):
        return Apply(expression.function, tuple(substitute(each, replacements) for each in expression.arguments))
    return expression


@lru_cache(maxsize=4096)
def expand(expression: Expression) -> tuple[Product, ...]:
    """Write an expression as a sum of products; what is no polynomial stays as a function factor.

    >>> x, mu = Column("x"), ParameterReference("x mean")
    >>> for each in expand(Apply("*", (Column("z"), Apply("-", (x, mu))))):
    ...     print(each.constant, each.parameters, [c.variable for c in each.columns])
    1.0 () ['x', 'z']
    -1.0 ('x mean',) ['z']
    """
    return _collect(_expand(expression))


def expand_term(term: Term) -> tuple[Product, ...]:
    """`coefficient * expression` as a sum of products."""
    return expand(Apply("*", (ParameterReference(term.coefficient), term.expression)))


def expand_equation(equation: Equation) -> tuple[Product, ...]:
    """The whole linear predictor of an equation's mean as a sum of products."""
    return _collect([product for term in equation.terms for product in expand_term(term)])


def degree(product: Product, column: Column) -> int | None:
    """Power of `column` in `product`; None when it sits inside a function."""
    if any(column in columns_in(function) for function in product.functions):
        return None
    return product.columns.count(column)


def is_linear_in(products: tuple[Product, ...], targets: frozenset[Column] | frozenset[str]) -> bool:
    """Whether no product holds two of `targets` (columns or parameter names), nor one inside a function."""
    for product in products:
        factors = (*product.columns, *product.parameters)
        if sum(factor in targets for factor in factors) > 1:
            return False
        inside: set[object] = set()
        for function in product.functions:
            inside |= columns_in(function) | parameters_in(function)
        if inside & targets:
            return False
    return True


def _expand(expression: Expression) -> list[Product]:
    match expression:
        case Constant(value):
            return [Product(float(value))]
        case Column():
            return [Product(1.0, columns=(expression,))]
        case ParameterReference(name):
            return [Product(1.0, parameters=(name,))]
        case Apply("+", (left, right)):
            return _expand(left) + _expand(right)
        case Apply("-", (left, right)):
            return _expand(left) + [_scale(each, -1.0) for each in _expand(right)]
        case Apply("neg", (operand,)):
            return [_scale(each, -1.0) for each in _expand(operand)]
        case Apply("*", (left, right)):
            return [_multiply(a, b) for a in _expand(left) for b in _expand(right)]
        case Apply("/", (left, Constant(value))) if value != 0:
            return [_scale(each, 1.0 / value) for each in _expand(left)]
        case Apply("^", (base, Constant(power))) if power == int(power) and 0 <= power <= MAX_POWER:
            products = [Product(1.0)]
            for _ in range(int(power)):
                products = list(_collect([_multiply(a, b) for a in products for b in _expand(base)]))
            return products
        case Apply():
            return [Product(1.0, functions=(expression,))]
    raise TypeError(f"no products of {expression!r}")


def _collect(products: list[Product]) -> tuple[Product, ...]:
    sums: dict[tuple, float] = {}
    for each in products:
        key = (each.parameters, each.columns, each.functions)
        sums[key] = sums.get(key, 0.0) + each.constant
    return tuple(Product(constant, *key) for key, constant in sums.items() if constant != 0.0)


def _scale(product: Product, factor: float) -> Product:
    return Product(product.constant * factor, product.parameters, product.columns, product.functions)


def _multiply(left: Product, right: Product) -> Product:
    return Product(
        left.constant * right.constant,
        tuple(sorted(left.parameters + right.parameters)),
        tuple(sorted(left.columns + right.columns)),
        tuple(sorted(left.functions + right.functions, key=repr)),
    )
