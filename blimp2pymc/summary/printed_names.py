"""How outcomes and columns are called in the printed tables: `logit(y)`, `y.2 ~ x`, `n.2`, `d.latent`.

One place for these words, so that tables, report, diagrams and saved files speak of the same things.
"""

from __future__ import annotations

from collections.abc import Sequence

from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.errors import BlimpError, Finding
from blimp2pymc.joint_model.ir import Column, Equation, Form, JointBlock, Kind, Model


def column_name(column: Column) -> str:
    """Name of a column: a variable, `n.2` of a dummy, `d.latent` or `n.2.latent` of a latent response.

    >>> column_name(Column("n", Form.DUMMY, 2.0)), column_name(Column("d", Form.LATENT_RESPONSE))
    ('n.2', 'd.latent')
    """
    code = "" if column.category is None else f".{column.category:g}"
    return f"{column.variable}{code}{'.latent' if column.form is Form.LATENT_RESPONSE else ''}"


def outcome_heading(model: Model, equation: Equation) -> str:
    """Name a table of an equation stands under: the outcome as the script writes it."""
    if equation.transform is not None:
        return equation.written or equation.name
    if equation.family == "logit" and (not _is_nominal(model, equation) or _is_written_as(equation, "logit(")):
        return f"logit({equation.name})"
    return equation.name


def variance_heading(model: Model, equation: Equation) -> str:
    """Name the table of a modelled residual variance stands under: `var(y)`."""
    return f"var({outcome_heading(model, equation)})"


def phantom_heading(block: JointBlock, pair: tuple[int, int]) -> str:
    """Name a correlation from a phantom variable stands under: `a <-> b`."""
    first, second = (block.members[place].variable for place in pair)
    return f"{first} <-> {second}"


def line_prefix(model: Model, equation: Equation) -> str:
    """What stands before the terms of a table that several equations of one nominal outcome share: `y.2 ~ `."""
    return f"{column_name(equation.outcome)} ~ " if _is_nominal(model, equation) else ""


def residual_name(model: Model, equation: Equation) -> str:
    """Name of an equation's residual in the correlations among residuals."""
    if equation.family in ("logit", "multinomial_probit"):
        return column_name(equation.outcome) if _is_nominal(model, equation) else equation.name
    return outcome_heading(model, equation)


def _is_nominal(model: Model, equation: Equation) -> bool:
    variable = model.variables.get(equation.name)
    return variable is not None and variable.kind is Kind.NOMINAL


def _is_written_as(equation: Equation, start: str) -> bool:
    return equation.span is not None and equation.span.text.replace(" ", "").lower().startswith(start)


def check_names(wanted: Sequence[str], known: Sequence[str], kind: str) -> None:
    """Refuse names that are not known: '<name> is not <kind>'."""
    unknown = [each for each in wanted if each not in known]
    if unknown:
        raise BlimpError(
            *(Finding(f"'{each}' is not {kind}", hint=nearest(each, known) or ", ".join(known[:8])) for each in unknown)
        )
