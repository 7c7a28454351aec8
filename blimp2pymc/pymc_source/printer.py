"""Expressions as Python text: a resolved expression in, the line a person would write out.

Second step of the translation, used by `emit`. Text is made from numbers, from names that `names`
has checked, and from escaped strings; nothing of a script reaches the source any other way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from blimp2pymc.errors import error
from blimp2pymc.joint_model.algebra import leaves
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Apply, Column, Constant, Expression, ImpliedVariance, ParameterReference

ATOM, POWER, UNARY, PRODUCT, SUM, COMPARISON = 6, 5, 4, 3, 2, 1
"""Binding strengths of Python's operators, strongest first."""

OPERATORS: Mapping[str, tuple[str, int, int, int]] = {
    # function: (symbol, own strength, least strength of the left operand, of the right operand)
    "+": (" + ", SUM, SUM, SUM),
    "-": (" - ", SUM, SUM, PRODUCT),
    "*": (" * ", PRODUCT, PRODUCT, UNARY),
    "/": (" / ", PRODUCT, PRODUCT, UNARY),
}

COMPARISONS: Mapping[str, str] = {
    "==": "pt.eq",
    "!=": "pt.neq",
    "<": "pt.lt",
    ">": "pt.gt",
    "<=": "pt.le",
    ">=": "pt.ge",
}
"""Elementwise comparisons; their results are true or false, not yet 1 or 0."""

FUNCTIONS: Mapping[str, str] = {
    "exp": "pt.exp({0})",
    "ln": "pt.log({0})",
    "sqrt": "pt.sqrt({0})",
    "abs": "pt.abs({0})",
    "phi": "pm.math.invprobit({0})",
    "iphi": "pm.math.probit({0})",
    "mod": "pt.mod({0}, {1})",
    "yjt": "yeo_johnson({0}, {1})",
    "iyjt": "inverse_yeo_johnson({0}, {1})",
    "round": 'pt.round({0}, mode="half_away_from_zero")',
}
"""Function -> template of its call."""

FOLDS: Mapping[str, str] = {"min": "pt.minimum", "max": "pt.maximum"}
"""Functions of any number of arguments, written as nested calls of two."""


@dataclass(frozen=True)
class Text:
    """Python text and how strongly its outermost operator binds."""

    code: str
    strength: int = ATOM
    is_condition: bool = False
    """A truth value, to be made 1 or 0 where a number is wanted."""

    def at_least(self, strength: int) -> str:
        """The text, in parentheses where it binds more weakly than `strength`."""
        return self.code if self.strength >= strength else f"({self.code})"


@dataclass(frozen=True)
class Vocabulary:
    """How leaves are written."""

    column: Callable[[Column], str]
    parameter: Callable[[str], Text]
    implied: Callable[[ImpliedVariance], Text]
    fixed: Callable[[str], float | None]
    """Value of a parameter that is a number throughout; None for others."""
    shorthand: Mapping[Expression, Text]
    """Expressions that have a name of their own, such as the observed mean of a fixed variable."""


def number(value: float) -> str:
    """A number as Python text, whole numbers without a decimal point.

    >>> number(2.0), number(-0.5), number(float("inf"))
    ('2', '-0.5', 'np.inf')
    """
    value = float(value)
    if math.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    if math.isnan(value):
        return "np.nan"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def string(text: str) -> str:
    """A Python string literal in double quotes, everything unprintable escaped.

    >>> print(string('a "b"'), string("it's"))
    "a \\"b\\"" "it's"
    """
    escaped = repr(text + "'")[1:-2] if '"' not in text else repr(text)[1:-1]
    if '"' in text:
        escaped = escaped.replace("\\'", "'").replace('"', '\\"')
    return f'"{escaped}"'


def comment(text: str, length: int = 100) -> str:
    """Text made safe for a comment: one line, printable characters, at most `length` of them.

    >>> comment("y ~ x\\n  z;")
    'y ~ x z;'
    """
    line = "".join(each if each.isprintable() else " " for each in text)
    line = " ".join(line.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."


def write_expression(expression: Expression, vocabulary: Vocabulary) -> Text:
    """Write an expression with as few parentheses as Python needs.

    Raises
    ------
    BlimpError
        For a function that the emitted source has no counterpart of.
    """
    if expression in vocabulary.shorthand:
        return vocabulary.shorthand[expression]
    match expression:
        case Constant(value):
            return Text(number(value), ATOM if value >= 0 else UNARY)
        case Column():
            return Text(vocabulary.column(expression))
        case ParameterReference(name):
            return vocabulary.parameter(name)
        case ImpliedVariance():
            return vocabulary.implied(expression)
        case Apply(function, arguments):
            known = constant_value(expression, vocabulary.fixed)
            if known is not None and not math.isfinite(known):
                return Text(number(known), UNARY)
            return _write_call(function, arguments, vocabulary)
    raise TypeError(f"no text for {expression!r}")


def constant_value(expression: Expression, fixed: Callable[[str], float | None]) -> float | None:
    """The value of an expression of numbers and fixed parameters; None when something in it varies."""
    values: dict[str, float] = {}
    for leaf in leaves(expression):
        value = fixed(leaf.name) if isinstance(leaf, ParameterReference) else None
        if isinstance(leaf, ParameterReference) and value is not None:
            values[leaf.name] = value
        elif not isinstance(leaf, Constant):
            return None
    return float(evaluate(expression, {}, values))


def multiply(*factors: Text) -> Text:
    """The product of texts, left to right, as people write it: a * b * c, whatever the grouping was."""
    if len(factors) == 1:
        return factors[0]
    return Text(" * ".join(each.at_least(PRODUCT) for each in factors), PRODUCT)


def power(base: Text, exponent: Text) -> Text:
    """`base**exponent`, spaced where an operand is more than a name or a number."""
    left, right = base.at_least(ATOM), exponent.at_least(UNARY)
    simple = all(re.fullmatch(r"-?[\w.]+", each) for each in (left, right))
    return Text(f"{left}**{right}" if simple else f"{left} ** {right}", POWER)


def as_number(text: Text) -> Text:
    """The text with a truth value made 1 or 0."""
    return Text(f"{text.at_least(ATOM)}.astype(float)") if text.is_condition else text


def _as_condition(text: Text) -> str:
    return text.code if text.is_condition else f"pt.neq({text.code}, 0)"


def _write_call(function: str, arguments: tuple[Expression, ...], vocabulary: Vocabulary) -> Text:
    texts = [write_expression(each, vocabulary) for each in arguments]
    if function == "*":
        return multiply(*(_product_factor(texts, each) for each in texts))
    if function in COMPARISONS:
        left, right = (as_number(each).code for each in texts)
        return Text(f"{COMPARISONS[function]}({left}, {right})", is_condition=True)
    if function in ("and", "or"):
        left, right = (_as_condition(each) for each in texts)
        return Text(f"pt.{function}_({left}, {right})", is_condition=True)
    if function == "ifelse":
        yes, no = (as_number(each).code for each in texts[1:])
        return Text(f"pt.switch({_as_condition(texts[0])}, {yes}, {no})")
    texts = [as_number(each) for each in texts]
    if function in OPERATORS:
        symbol, strength, on_left, on_right = OPERATORS[function]
        return Text(f"{texts[0].at_least(on_left)}{symbol}{texts[1].at_least(on_right)}", strength)
    if function == "^":
        return power(*texts)
    if function == "neg":
        return Text(f"-{texts[0].at_least(UNARY)}", UNARY)
    if function in FUNCTIONS:
        return Text(FUNCTIONS[function].format(*(each.code for each in texts)))
    if function in FOLDS:
        folded = texts[0].code
        for each in texts[1:]:
            folded = f"{FOLDS[function]}({folded}, {each.code})"
        return Text(folded)
    if function == "mean":
        return Text(f"({' + '.join(each.at_least(SUM) for each in texts)}) / {len(texts)}", PRODUCT)
    if function == "normal_pdf":
        mean, variance = (*(each.code for each in texts[1:]), *("0", "1")[len(texts) - 1 :])[:2]
        return Text(f"pt.exp(pm.logp(pm.Normal.dist({mean}, pt.sqrt({variance})), {texts[0].code}))")
    raise error(f"{function}() inside a model cannot be written as PyMC source yet", code="not-written-yet")


def _product_factor(texts: list[Text], text: Text) -> Text:
    # two truth values multiplied stay a truth value in PyTensor: make them numbers first
    return as_number(text) if all(each.is_condition for each in texts) else text
