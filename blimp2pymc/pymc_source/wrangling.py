"""The top of the emitted file: from the data file to the analysed rows, in plain pandas.

The lines say what reading, TRANSFORM and FILTER did. Whatever pandas cannot say in a line or two is
not imitated: the file then asks for the analysed rows themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import PurePath

import numpy as np
import pandas as pd

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.ranges import listed_names
from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.expressions import resolve_expression
from blimp2pymc.joint_model.ir import Apply, Column, Constant, Expression, Model
from blimp2pymc.pymc_source.page import INDENT, WIDTH, Page, applications, wrap_call
from blimp2pymc.pymc_source.printer import ATOM, COMPARISON, OPERATORS, SUM, UNARY, Text, number, power, string

MOST_CELLS = 2000
"""A DataFrame of at most so many cells is written into the source."""

COMPARISON_OPERATORS = ("==", "!=", "<", ">", "<=", ">=")
NUMPY_FUNCTIONS = {"exp": "np.exp", "ln": "np.log", "sqrt": "np.sqrt", "abs": "np.abs"}
COLUMN_STATISTICS = ("min", "max", "mean")


class _NotInPandas(Exception):
    """An expression that takes more than a line or two of pandas."""


def data_frame(model: Model) -> pd.DataFrame:
    """The analysed rows and variables of a model, indexed by their 0-based row in the data file."""
    return pd.DataFrame(dict(model.data), index=pd.Index(model.frame.source_row))


def write_data(page: Page, data_file: str | PurePath | None) -> None:
    """Write how `data` comes about, unless whoever executes the text provides it."""
    model = page.model
    n_rows = f"{model.frame.n_rows:,} rows are analysed"
    page.comment(f"The data; {n_rows}. A DataFrame called `data` may be provided instead of the file.")
    page.line('if "data" not in globals():')
    page.indent = INDENT
    file = data_file or (os.path.normpath(model.frame.file) if model.frame.file else "")
    lines = _file_lines(model, file)
    if not lines and _is_small(model):
        lines = list(_literal(model))
    elif not lines:
        page.comment("the analysed rows, saved by blimp2pymc.pymc_source.wrangling.data_frame(model).to_csv(...)")
        lines = [f"{INDENT}data = pd.read_csv({_path(data_file or 'data.csv')}, index_col=0)"]
    page.lines.extend(lines)
    page.indent = ""


def asks_for_rows(model: Model) -> bool:
    """Whether the text reads the analysed rows, as `data_frame` gives them, instead of the script's data file."""
    return not _file_lines(model, model.frame.file) and not _is_small(model)


def _is_small(model: Model) -> bool:
    return model.frame.n_rows * len(model.data) <= MOST_CELLS


def _path(file: str | PurePath) -> str:
    """A file as it is named in the text: a PurePath is relative to the folder of the text itself."""
    if isinstance(file, str):
        return string(file)
    return f"pathlib.Path(__file__).parent / {string(file.as_posix())}"


def _file_lines(model: Model, path: str | PurePath) -> list[str]:
    """Lines that read the data file; none when there is no file or when pandas takes more than a few lines."""
    if not path or not isinstance(model.script, tree.Script):
        return []
    try:
        return list(_reading(model, path))
    except (_NotInPandas, BlimpError):
        return []


def _reading(model: Model, path: str | PurePath) -> Iterator[str]:
    script = model.script
    assert script is not None
    arguments = [_path(path)]
    if not str(path).lower().endswith(".csv"):
        arguments.append(r'sep=r"\s+"')
    if script.all("VARIABLES"):
        items = listed_names(script.statements("VARIABLES"))
        names = [item.name for item in items]
        yield from _long_list("columns = [", [string(each) for each in names])
        arguments += ["header=None", "names=columns"]
    missing = [str(each.body).strip().strip("\"'") for each in script.all("MISSING")][:1]
    arguments += [f"na_values=[{number(float(code)) if _is_number(code) else string(code)}]" for code in missing]
    yield from wrap_call(INDENT, "data = pd.read_csv(", arguments, ")")
    for statement in script.statements("TRANSFORM"):
        value = _value(_resolved(statement.expression)).code
        yield f"{INDENT}data[{string(statement.name)}] = {value}"
    for command in script.all("FILTER"):
        yield f"{INDENT}data = data[{_condition(_resolved(_filter(command))).code}]"
    if any(note.code == "dropped-rows" for note in model.notes):
        yield from wrap_call(
            INDENT, 'data = data.dropna(how="all", subset=[', [string(each) for each in model.data], "])"
        )


def _long_list(head: str, items: list[str]) -> Iterator[str]:
    lines = list(_wrapped(f"{INDENT}{head}", items, "]"))
    yield from lines if len(lines) == 1 else [f"{INDENT}# fmt: off", *lines, f"{INDENT}# fmt: on"]


def _literal(model: Model) -> Iterator[str]:
    yield f"{INDENT}# fmt: off"
    yield f"{INDENT}data = pd.DataFrame({{"
    for name, values in model.data.items():
        yield from _wrapped(f"{INDENT * 2}{string(name)}: [", [number(each) for each in values], "],")
    rows = model.frame.source_row
    if np.array_equal(rows, np.arange(len(rows))):
        yield f"{INDENT}}})"
    else:
        yield from _wrapped(f"{INDENT}}}, index=[", [str(each) for each in rows.tolist()], "])")
    yield f"{INDENT}# fmt: on"


def _wrapped(head: str, items: list[str], tail: str) -> Iterator[str]:
    line = head
    for place, item in enumerate(items):
        piece = f"{item}, " if place + 1 < len(items) else item
        if len(line) + len(piece) > WIDTH - len(tail):
            yield line.rstrip()
            line = INDENT * 3
        line += piece
    yield line + tail


def _is_number(code: str) -> bool:
    try:
        return np.isfinite(float(code))
    except ValueError:
        return False


# ---------------------------------------------------------------- TRANSFORM and FILTER


def _filter(command: tree.Command) -> tree.Expression:
    assert isinstance(command.body, tree.Expression)
    return command.body


def _resolved(expression: tree.Expression) -> Expression:
    def lookup(node: tree.Name | tree.ParameterName | tree.AtLevel) -> Expression:
        if isinstance(node, tree.Name):
            return Column(node.name)
        raise _NotInPandas

    return resolve_expression(expression, lookup, column_statistics=True)


def _value(expression: Expression) -> Text:
    """The expression as floats, missing where an operand is missing."""
    match expression:
        case Constant(value):
            return Text(number(value), ATOM if value >= 0 else UNARY)
        case Column(variable):
            return Text(f"data[{string(variable)}]")
        case Apply("^", (base, exponent)):
            return power(_value(base), _value(exponent))
        case Apply("neg", (operand,)):
            return Text(f"-{_value(operand).at_least(UNARY)}", UNARY)
        case Apply(function, (left, right)) if function in OPERATORS:
            symbol, strength, on_left, on_right = OPERATORS[function]
            return Text(f"{_value(left).at_least(on_left)}{symbol}{_value(right).at_least(on_right)}", strength)
        case Apply(function, (operand,)) if function in NUMPY_FUNCTIONS:
            return Text(f"{NUMPY_FUNCTIONS[function]}({_value(operand).code})")
        case Apply(function, (Column() as column,)) if function in COLUMN_STATISTICS:
            return Text(f"{_value(column).code}.{function}()")
        case Apply("ismissing", (Column() as column,)):
            return Text(f"{_value(column).code}.isna().astype(float)")
        case Apply("missing", (condition, Column() as column)):
            return Text(f"{_value(column).code}.mask({_condition(condition).code})")
        case Apply(function, _) if function in COMPARISON_OPERATORS:
            return Text(f"np.where({_unknown(expression)}, np.nan, {_condition(expression).code})")
        case Apply("ifelse", (Apply(function, _) as condition, yes, no)) if function in COMPARISON_OPERATORS:
            chosen = f"np.where({_condition(condition).code}, {_value(yes).code}, {_value(no).code})"
            return Text(f"np.where({_unknown(condition)}, np.nan, {chosen})")
    raise _NotInPandas


def _condition(expression: Expression) -> Text:
    """The expression as truth values, false where it is missing."""
    match expression:
        case Apply("!=", (left, right)):
            code = f"({_value(left).at_least(SUM)} != {_value(right).at_least(SUM)}) & ~({_unknown(expression)})"
            return Text(code, COMPARISON)
        case Apply(function, (left, right)) if function in COMPARISON_OPERATORS:
            return Text(f"{_value(left).at_least(SUM)} {function} {_value(right).at_least(SUM)}", COMPARISON)
        case Apply("and" | "or" as function, (left, right)):
            symbol = "&" if function == "and" else "|"
            return Text(f"({_condition(left).code}) {symbol} ({_condition(right).code})", COMPARISON)
    raise _NotInPandas


def _unknown(expression: Expression) -> str:
    columns = sorted(columns_in(expression))
    if not columns or any(isinstance(each, Apply) and each.function not in (*OPERATORS, "neg", *COMPARISON_OPERATORS)
                          for each in applications(expression)):  # fmt: skip
        raise _NotInPandas
    return " | ".join(f"data[{string(each.variable)}].isna()" for each in columns)
