"""What may stand on the outcome side of a statement: `y`, `logit(y)`, `var(y)`, `yjt(y - 9)`, `ln(y + 1)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from blimp2pymc.blimp import tree
from blimp2pymc.errors import BlimpError, Span, error
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.drafts import FREE, Setting
from blimp2pymc.joint_model.expressions import resolve_expression
from blimp2pymc.joint_model.families import FAMILY_OF_KIND
from blimp2pymc.joint_model.names import Names
from blimp2pymc.joint_model.term_names import expression_name

Unknown = Callable[[str, Span | None], BlimpError]


@dataclass(frozen=True)
class OutcomeForm:
    """An outcome as written."""

    column: ir.Column
    name: str
    """As printed."""
    family: str
    role: str = "mean"
    """`mean`, or `variance` for `var(y) ~`."""
    is_chosen: bool = False
    """Whether the script names the family, with `logit()` or `probit()`."""
    transform: ir.Transform | None = None
    power: Setting = FREE
    """What is said about lambda of `yjt`."""
    span: Span | None = None


def read_outcome(expression: tree.Expression, names: Names, unknown: Unknown) -> OutcomeForm:
    """Read one outcome.

    Parameters
    ----------
    expression
        As written, ranges already listed.
    names
        The declared variables.
    unknown
        Makes the error for a name that is no variable.

    Raises
    ------
    BlimpError
        When the expression is no outcome.
    """
    match expression:
        case tree.Name(name):
            column = _column(name, expression.span, names, unknown)
            kind = names.kind(column)
            if column.form is not ir.Form.SCORE or column.lag:
                raise error(f"'{name}' cannot be an outcome", expression.span, column.variable, "no-outcome")
            return OutcomeForm(column, name, FAMILY_OF_KIND[kind], span=expression.span)
        case tree.Call("logit" | "probit" as link, (tree.Name() as inner,)):
            plain = read_outcome(inner, names, unknown)
            if names.kind(plain.column) not in (ir.Kind.ORDINAL, ir.Kind.NOMINAL):
                word = "COUNT" if names.kind(plain.column) is ir.Kind.COUNT else _kind_word(names, plain)
                raise error(f"'{link}()' needs a categorical outcome, and '{inner.name}' is {word}",
                            expression.span, f"ORDINAL: {inner.name};", "link-on-continuous")  # fmt: skip
            return _linked(plain, link, expression, names)
        case tree.Call("var", (tree.Name() as inner,)):
            column = _column(inner.name, inner.span, names, unknown)
            if names.kind(column) is not ir.Kind.CONTINUOUS or column.form is not ir.Form.SCORE or column.lag:
                raise error(f"'var()' needs a continuous variable, and '{inner.name}' is none", expression.span,
                            code="variance-of-categories")  # fmt: skip
            return OutcomeForm(column, inner.name, "normal", "variance", span=expression.span)
        case tree.Call("yjt", (argument, *power)):
            form = _transformed(expression, argument, "yjt", names, unknown)
            return replace(form, power=_power(power[0], names) if power else FREE)
        case tree.Call() | tree.Operation():
            return _transformed(expression, expression, "identity", names, unknown)
        case tree.AtLevel():
            column = names.at_level(expression)
            raise error(f"'{expression_name(expression)}' cannot be an outcome", expression.span, column.variable,
                        "no-outcome")  # fmt: skip
    raise error(f"'{expression_name(expression)}' cannot be an outcome", expression.span, "a variable", "no-outcome")


def _linked(plain: OutcomeForm, link: str, expression: tree.Expression, names: Names) -> OutcomeForm:
    """A categorical outcome with the family it is written with."""
    variable = names.variables[plain.column.variable]
    if link == "logit" and variable.kind is ir.Kind.ORDINAL and len(variable.categories) > 2:
        raise error(f"'{variable.name}' is ORDINAL with {len(variable.categories)} categories, and a logit equation is "
                    "for two", expression.span, f"NOMINAL: {variable.name}; or {variable.name} without 'logit()'",
                    "logit-of-several")  # fmt: skip
    family = link
    if link == "probit" and variable.kind is ir.Kind.NOMINAL:
        family = "multinomial_probit"
    is_plain = FAMILY_OF_KIND[variable.kind] == family
    name = plain.name if is_plain and link == "probit" else expression_name(expression)
    return replace(plain, name=name, family=family, is_chosen=True, span=expression.span)


def _transformed(
    expression: tree.Expression, argument: tree.Expression, function: str, names: Names, unknown: Unknown
) -> OutcomeForm:
    def lookup(node: tree.Name | tree.ParameterName | tree.AtLevel) -> ir.Expression:
        if isinstance(node, tree.Name):
            return _column(node.name, node.span, names, unknown)
        raise error(f"'{expression_name(node)}' cannot be an outcome", node.span, "a variable", "no-outcome")

    resolved = resolve_expression(argument, lookup)
    columns = columns_in(resolved)
    if len(columns) != 1:
        raise error(f"'{expression_name(expression)}' cannot be an outcome: it holds {len(columns)} variables",
                    expression.span, "a function of one variable, such as ln(y+1)", "no-outcome")  # fmt: skip
    (column,) = columns
    name = expression_name(expression)
    if names.kind(column) is not ir.Kind.CONTINUOUS or column.form is not ir.Form.SCORE or column.lag:
        raise error(f"'{name}' cannot be an outcome: only continuous variables can be transformed", expression.span,
                    "", "no-outcome")  # fmt: skip
    return OutcomeForm(column, name, "normal", transform=ir.Transform(function, resolved), span=expression.span)


def _power(expression: tree.Expression, names: Names) -> Setting:
    """The second argument of `yjt`: a label of lambda, or its value."""
    match expression:
        case tree.Name(label) if names.find(label) is not None:
            raise error(f"'{label}' is a variable; the second argument of yjt() is a new name for lambda",
                        expression.span, "yjt(y, lambda)", "bad-power")  # fmt: skip
        case tree.Name(label):
            return Setting(label=label, span=expression.span)
        case tree.Number(value) if 0 < value < 2:
            return Setting(value, span=expression.span)
    raise error("the second argument of yjt() is the name of lambda, or a number between 0 and 2", expression.span,
                "yjt(y, lambda)", "bad-power")  # fmt: skip


def _column(name: str, span: Span | None, names: Names, unknown: Unknown) -> ir.Column:
    column = names.find(name)
    if column is None:
        raise unknown(name, span)
    return column


def _kind_word(names: Names, form: OutcomeForm) -> str:
    return names.kind(form.column).value
