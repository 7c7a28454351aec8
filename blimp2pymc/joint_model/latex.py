"""Density and equations of a model as LaTeX, in lines that fit on a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.formulas import Formulas

PAGE_WIDTH = 72
"""Letters of a formula that fit beside each other on a page."""

BREAKS = (r", \quad ", r",\ ", " + ")
"""Where a long formula may go on in the next line: behind a comma, before a plus."""

UNSEEN = re.compile(r"\\(mathit|textit|text|operatorname|frac|left|right)\b|\\[ ,;]|[{}&_^$]|\\(?=[_&%#])")
"""What of a formula's source is not printed."""


def latex(model: ir.Model) -> str:
    """The joint density and the numbered equations as LaTeX (needs amsmath).

    Parameters
    ----------
    model
        A resolved model.

    Returns
    -------
    A `gather*` and an `align` environment. A long equation goes on in lines without a number.
    """
    formulas = Formulas(model, latex=True)
    symbols = formulas.symbols()
    density = _filled(formulas.factors(), r" \; ")
    rows = [formulas.equation(number, each, symbols) for number, each in enumerate(formulas.equations(), 1)]
    rows += formulas.definitions(symbols)
    equations = [line for row in rows for line in _broken(row)]
    return "".join(
        f"\\begin{{{name}}}\n" + " \\\\\n".join(lines) + f"\n\\end{{{name}}}\n"
        for name, lines in (("gather*", density), ("align", equations))
    )


def printed_width(formula: str) -> int:
    r"""How many letters wide a formula is, about.

    >>> printed_width(r"\mathit{x\_1} + \beta_{1, 2}")
    11
    """
    return len(re.sub(r"\\[A-Za-z]+", "x", UNSEEN.sub("", formula)))


def _filled(pieces: Iterable[str], separator: str) -> list[str]:
    """Lines of as many pieces as fit; a piece that is too long by itself is broken at its commas."""
    lines: list[str] = []
    for piece in pieces:
        if lines and printed_width(lines[-1] + separator + piece) <= PAGE_WIDTH:
            lines[-1] += separator + piece
        elif printed_width(piece) <= PAGE_WIDTH:
            lines.append(piece)
        else:
            first, *rest = _filled_at_commas(piece)
            lines += [first, *rest]
    return lines


def _filled_at_commas(piece: str) -> list[str]:
    lines = [""]
    for part in re.split(r"(?<=, )", piece):
        if lines[-1] and printed_width(lines[-1] + part) > PAGE_WIDTH:
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines]


def _broken(row: str) -> list[str]:
    """An equation in lines, all but the first indented and without a number."""
    if printed_width(row) <= PAGE_WIDTH:
        return [row]
    lines = [""]
    for part in _parts(row):
        if lines[-1] and printed_width(lines[-1] + part) > PAGE_WIDTH:
            lines.append("")
        lines[-1] += part
    lines = [re.sub(r",(\\ | \\quad )$", ",", line).rstrip() for line in lines]
    return [lines[0], *(rf"&\quad {line.lstrip()} \notag" for line in lines[1:])]


def _parts(row: str) -> Iterator[str]:
    """Pieces between the places where a formula may be broken; never inside brackets."""
    depth = start = position = 0
    while position < len(row):
        depth += (row[position] in "({") - (row[position] in ")}")
        sign = next((each for each in BREAKS if row.startswith(each, position)), None) if not depth else None
        if sign is None:
            position += 1
            continue
        # A comma ends a line, a plus opens one.
        end = position + (len(sign) if sign[0] == "," else 0)
        yield row[start:end]
        start, position = end, position + len(sign)
    yield row[start:]
