"""What is written along the lines of a path diagram: estimates from draws or from a table, else the script's labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from blimp2pymc.errors import error
from blimp2pymc.joint_model.ir import Model, Role
from blimp2pymc.joint_model.term_names import number_name
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.printed_names import line_prefix, outcome_heading, phantom_heading, variance_heading

ESTIMATES = ("median", "interval", "none")
"""What is written when there are results."""

NEEDED = ("block", "outcome", "section", "parameter", "lo", "median", "hi")
"""Columns of a table of estimates that are read."""

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
    found: dict[str, Summary] = {}
    if estimates != "none" and isinstance(results, Draws):
        free = [name for name, each in model.parameters.items() if each.fixed is None]
        found = {name: _summary(results.parameter(name)) for name in free}
    elif estimates != "none" and results is not None:
        found = table_summaries(model, results)

    def label(name: str) -> str:
        parameter = model.parameters[name]
        if parameter.fixed is not None:
            return number_name(parameter.fixed).replace("-", "−")
        if name not in found:
            return parameter.label
        low, median, high = map(decimal, found[name])
        return median if estimates == "median" else f"{median}\n[{low}, {high}]"

    return label


def table_summaries(model: Model, table: pd.DataFrame) -> dict[str, Summary]:
    """Estimates of a model's parameters, by name, from a table of estimates.

    Raises
    ------
    BlimpError
        When no line of the table belongs to the model.
    """
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise error(f"the table of estimates has no column {', '.join(missing)}", hint="a table from Fit.estimates")
    known = table.dropna(subset=["median", "lo", "hi"])
    lines = {
        (str(block), str(outcome), str(section), str(parameter)): (float(low), float(median), float(high))
        for block, outcome, section, parameter, low, median, high in known[list(NEEDED)].itertuples(index=False)
    }
    wanted: dict[str, tuple[str, str, str, str]] = {}
    for equation in model.equations:
        if equation.role is Role.OUTCOME:
            heading, prefix = outcome_heading(model, equation), line_prefix(model, equation)
            for term in equation.terms:
                wanted.setdefault(term.coefficient, ("outcome", heading, "Coefficients", prefix + term.name))
            for term in equation.variance_terms:
                line = ("outcome", variance_heading(model, equation), "Coefficients", term.name)
                wanted.setdefault(term.coefficient, line)
            if equation.residual_variance is not None:
                line = ("outcome", heading, "Variances", "Residual Var.")
                wanted.setdefault(equation.residual_variance, line)
    for block in model.blocks:
        names = [each.variable for each in block.members]
        for (i, j), name in block.correlations.items():
            line = ("covariance", " ".join(names), "Correlations", f"Cor({names[i]},{names[j]})")
            if block.parameterisation == "phantom":
                title = phantom_heading(block, (i, j))
                line = ("covariance", title, "Phantom Correlations", title)
            wanted.setdefault(name, line)
    found = {name: lines[line] for name, line in wanted.items() if line in lines}
    if not found:
        raise error("the table of estimates belongs to another model", hint="estimates.csv of a run of this script")
    return found


def _summary(draws: np.ndarray) -> Summary:
    low, median, high = np.quantile(draws, (0.025, 0.5, 0.975)).tolist()
    return low, median, high


def decimal(value: float) -> str:
    """A number with two decimals and a proper minus sign.

    >>> decimal(-0.004), decimal(-1.5)
    ('0.00', '−1.50')
    """
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")
