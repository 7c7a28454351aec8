"""TRANSFORM and FILTER: new columns computed row by row, and the rows to keep.

Both work on the table before anything else looks at it, so that what they make can be declared
ORDINAL, centered, or left out like any column of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.ranges import ListedName, listed_names
from blimp2pymc.data.table import Table
from blimp2pymc.errors import BlimpError, Finding, error
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.expressions import COLUMN_STATISTICS, Lookup, resolve_expression
from blimp2pymc.joint_model.ir import Apply, Column, Constant, Expression

STATISTICS: Mapping[str, Callable[[NDArray[np.float64]], np.float64]] = {
    "min": lambda values: values.min(),
    "max": lambda values: values.max(),
    "mean": lambda values: values.mean(),
}
"""How `expressions.COLUMN_STATISTICS` are computed."""


def transform_table(script: tree.Script, table: Table) -> Table:
    """Apply every TRANSFORM statement in order, then every FILTER.

    Raises
    ------
    BlimpError
        Unknown names and functions, a result that is infinite or undefined although its inputs are
        observed, or no row left by FILTER.
    """
    findings: list[Finding] = []
    for statement in script.statements("TRANSFORM"):
        try:
            table = _transformed(table, statement, script)
        except BlimpError as mistake:
            findings.extend(mistake.findings)
            # Later statements may use the name: they shall not be blamed for it.
            table = table.with_column(statement.name, np.full(table.n_rows, np.nan))
    if findings:
        raise BlimpError(*findings)
    for command in script.all("FILTER"):
        table = _filtered(table, command, script)
    return table


def _transformed(table: Table, statement: tree.Definition, script: tree.Script) -> Table:
    expression = _resolved(statement.expression, table, script)
    columns = _columns(table, expression)
    values = np.array(np.broadcast_to(evaluate(expression, columns), table.n_rows), float)
    undefined = _undefined(expression, columns, values)
    if undefined.any():
        row = int(np.flatnonzero(undefined)[0])
        count = int(undefined.sum())
        rows = "1 row" if count == 1 else f"{count:,} rows"
        raise error(
            f"'{statement.name}' has no value in {rows}, first in {table.place(row)}, although its parts are observed",
            statement.expression.span or statement.span,
            f"{statement.name} = missing(condition, ...) to make those cells missing",
            "undefined-value",
        )
    if statement.name in table.values:
        note = f"TRANSFORM replaces the column '{statement.name}'"
        table = table.with_notes(Finding(note, statement.name_span or statement.span, code="replaced-column",
                                         severity="note"))  # fmt: skip
    return table.with_column(statement.name, values)


def _undefined(
    expression: Expression, columns: Mapping[Column, NDArray[np.float64]], values: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Rows where the value is infinite, or a function was asked outside its domain."""
    return np.isinf(values) | _outside_domain(expression, columns, len(values))


def _outside_domain(
    expression: Expression, columns: Mapping[Column, NDArray[np.float64]], n_rows: int
) -> NDArray[np.bool_]:
    """Rows where some function of observed arguments is NaN, in a branch that counts."""
    outside = np.zeros(n_rows, bool)
    if not isinstance(expression, Apply):
        return outside
    inside = [_outside_domain(each, columns, n_rows) for each in expression.arguments]
    values = [np.broadcast_to(evaluate(each, columns), n_rows) for each in expression.arguments]
    if expression.function == "ifelse":
        condition = values[0] != 0
        return inside[0] | np.where(condition, inside[1], inside[2])
    if expression.function == "missing":
        hidden = ~np.isnan(values[0]) & (values[0] != 0)
        return inside[0] | (inside[1] & ~hidden)
    for each in inside:
        outside |= each
    observed = ~np.any([np.isnan(each) for each in values], axis=0)
    result = np.broadcast_to(evaluate(expression, columns), n_rows)
    return outside | (observed & np.isnan(result))


def _filtered(table: Table, command: tree.Command, script: tree.Script) -> Table:
    assert isinstance(command.body, tree.Expression)
    condition = _resolved(command.body, table, script)
    kept = np.broadcast_to(evaluate(condition, _columns(table, condition)), table.n_rows)
    unknown = int(np.isnan(kept).sum())
    keep = ~np.isnan(kept) & (kept != 0)
    if not keep.any():
        raise error(f"FILTER keeps none of the {table.n_rows:,} rows", command.body_span or command.span, "",
                    "no-rows")  # fmt: skip
    because = f" ({unknown:,} of them because the condition is missing there)" if unknown else ""
    note = f"FILTER keeps {int(keep.sum()):,} of {table.n_rows:,} rows and drops {int((~keep).sum()):,}{because}"
    return table.rows(keep).with_notes(Finding(note, command.span, code="filter", severity="note"))


def _columns(table: Table, expression: Expression) -> dict[Column, NDArray[np.float64]]:
    """The columns that an expression is computed from."""
    return {column: table.values[column.variable] for column in columns_in(expression)}


def _resolved(expression: tree.Expression, table: Table, script: tree.Script) -> Expression:
    """The expression with statistics of whole columns (`min(x)`) computed."""
    resolved = resolve_expression(expression, _lookup(table, script), column_statistics=True)
    return _with_statistics(resolved, _columns(table, resolved))


def _with_statistics(expression: Expression, columns: Mapping[Column, NDArray[np.float64]]) -> Expression:
    if not isinstance(expression, Apply):
        return expression
    arguments = tuple(_with_statistics(each, columns) for each in expression.arguments)
    if expression.function in COLUMN_STATISTICS and len(arguments) == 1:
        values = np.atleast_1d(evaluate(arguments[0], columns))
        observed = values[~np.isnan(values)]
        if not observed.size:
            return Constant(np.nan)
        return Constant(float(STATISTICS[expression.function](observed)))
    return Apply(expression.function, arguments)


def _made_later(script: tree.Script) -> dict[str, str]:
    """Names that have no value yet where TRANSFORM and FILTER work, and what can be done about it."""
    latent = {each.name for group in script.statements("LATENT") for item in group.items for each in _listed(item)}
    hints = {name: f"an expression in MODEL: '{name}' is latent" for name in latent}
    for each in script.statements("TRANSFORM"):
        line = f" (line {each.name_span.line})" if each.name_span else ""
        hints[each.name] = f"its own TRANSFORM{line} further up"
    return hints


def _listed(item: tree.NameItem) -> list[ListedName]:
    try:
        return listed_names([item])
    except BlimpError:
        return []


def _lookup(table: Table, script: tree.Script) -> Lookup:
    def lookup(node: tree.Name | tree.ParameterName | tree.AtLevel) -> Expression:
        if isinstance(node, tree.Name) and node.name in table.values:
            return Column(node.name)
        if isinstance(node, tree.AtLevel):
            raise error("TRANSFORM and FILTER work row by row: they know no levels", node.span, "", "no-level")
        if isinstance(node, tree.ParameterName):
            raise error(f"TRANSFORM and FILTER know no parameter '&{node.name}'", node.span,
                        f"{node.name}, if it is a column", "no-parameter")  # fmt: skip
        if node.name in table.unreadable:
            raise error(f"the column '{node.name}' is not numeric: {table.unreadable[node.name]}", node.span,
                        table.numbers_hint(node.name), "not-numeric")  # fmt: skip
        hint = nearest(node.name, table.columns)
        if node.name in (names := _made_later(script)):
            hint = names[node.name]
        elif re.fullmatch(r"(?i)(?:lag[0-9]*|mean|latent)", node.name.rpartition(".")[2]) and "." in node.name:
            hint = f"'{node.name}' in MODEL: TRANSFORM and FILTER work row by row"
        raise error(f"'{node.name}' is no column of {table.name}, nor made by an earlier TRANSFORM", node.span, hint,
                    "undeclared-name")  # fmt: skip

    return lookup
