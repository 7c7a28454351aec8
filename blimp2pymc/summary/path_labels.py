"""What is written along the lines of a path diagram: estimates from draws or from a table, else the script's labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from blimp2pymc.errors import error
from blimp2pymc.joint_model.ir import Model, Role
from blimp2pymc.joint_model.term_names import number_name
from blimp2pymc.sampler.draws import Draws

ESTIMATES = ("median", "interval", "none")
"""What is written when there are results."""

Summary = tuple[float, float, float]
"""2.5 % quantile, median, 97.5 % quantile."""


def labels(model: Model, results: Draws | pd.DataFrame | None, estimates: str) -> Callable[[str], str]:
    """A function from parameter names to labels: fixed value, estimate, or the user's label.

    Parameters
    ----------
    results
        Draws, a table as `Fit.estimates`, or None.
    estimates
        One of `ESTIMATES`.

    Raises
    ------
    BlimpError
        When `estimates` is none of them, or the table is of another model.
    """
    if estimates not in ESTIMATES:
        raise error(f"estimates={estimates!r} is not known", hint=", ".join(ESTIMATES))
    if results is None or estimates == "none":
        summary: Callable[[str], Summary | None] = lambda name: None  # noqa: E731
    elif isinstance(results, Draws):
        summary = lambda name: tuple(np.quantile(results.parameter(name), (0.025, 0.5, 0.975)))  # noqa: E731
    else:
        summary = table_summaries(model, results).get

    def label(name: str) -> str:
        parameter = model.parameters[name]
        if parameter.fixed is not None:
            return number_name(parameter.fixed).replace("-", "−")
        found = summary(name)
        if found is None:
            return parameter.label
        low, median, high = map(decimal, found)
        return median if estimates == "median" else f"{median}\n[{low}, {high}]"

    return label


def table_summaries(model: Model, table: pd.DataFrame) -> dict[str, Summary]:
    """Estimates of a model's parameters, by name, from a table of estimates.

    Raises
    ------
    BlimpError
        When no line of the table belongs to the model.
    """
    lines = {
        (str(row["block"]), str(row["outcome"]), str(row["section"]), str(row["parameter"])): (
            float(row["lo"]),
            float(row["median"]),
            float(row["hi"]),
        )
        for _, row in table.iterrows()
    }
    wanted: dict[str, tuple[str, str, str, str]] = {}
    for equation in model.equations:
        if equation.role is Role.OUTCOME:
            for term in equation.terms:
                wanted.setdefault(term.coefficient, ("outcome", equation.name, "Coefficients", term.name))
            if equation.residual_variance is not None:
                line = ("outcome", equation.name, "Variances", "Residual Var.")
                wanted.setdefault(equation.residual_variance, line)
    for block in model.blocks:
        names = [each.variable for each in block.members]
        for (i, j), name in block.correlations.items():
            line = ("covariance", " ".join(names), "Correlations", f"Cor({names[i]},{names[j]})")
            wanted.setdefault(name, line)
    found = {name: lines[line] for name, line in wanted.items() if line in lines}
    if not found:
        raise error("the table of estimates belongs to another model", hint="estimates.csv of a run of this script")
    return found


def decimal(value: float) -> str:
    """A number with two decimals and a proper minus sign.

    >>> decimal(-0.004), decimal(-1.5)
    ('0.00', '−1.50')
    """
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")
