"""The table of imputed data: what every variable looks like in completed data sets, on average.

As Blimp prints it: latent variables first, NOMINAL variables as their dummies, FIXED variables that are centered after
centering, all others on the scale of the data.
"""

from __future__ import annotations

import numpy as np

from blimp2pymc.joint_model.ir import Column, Constant, Form, Kind, Model, Variable
from blimp2pymc.sampler.draws import ColumnSummary, Draws
from blimp2pymc.summary.predictions import cells_of, with_cells
from blimp2pymc.summary.printed_names import column_name
from blimp2pymc.summary.report_model import summarised_columns


def imputed_summaries(model: Model, draws: Draws) -> dict[str, ColumnSummary]:
    """Printed name -> posterior means of the sample's summaries, in print order."""
    summaries: dict[str, ColumnSummary] = {}
    for column in summarised_columns(model, list(draws.column_summaries)):
        variable = model.variables.get(column.variable)
        if variable is not None and variable.kind is Kind.NOMINAL and column.form is Form.SCORE:
            summaries |= _dummies(model, draws, variable)
        else:
            center = model.centered.get(column)
            origin = center.value if isinstance(center, Constant) else 0.0
            summaries[column_name(column)] = _shifted(draws.column_summaries[column], origin)
    return summaries


def _dummies(model: Model, draws: Draws, variable: Variable) -> dict[str, ColumnSummary]:
    """Of every code but the reference, averaged over the kept data sets."""
    kept = range(len(draws.imputations.chain)) if variable.n_missing else range(1)
    sets = [with_cells(model, variable.name, cells_of(draws, each) if variable.n_missing else {}) for each in kept]
    reference = variable.categories[0] if variable.reference is None else variable.reference
    codes = [code for code in variable.categories if code != reference]
    found = {}
    for code in codes if sets else []:
        dummies = [(each == code).astype(float) for each in sets]
        low, middle, high, minimum, maximum = np.mean(
            [np.quantile(each, (0.25, 0.5, 0.75, 0.0, 1.0)) for each in dummies], axis=0
        )
        mean, deviation = float(np.mean(dummies)), float(np.mean([each.std(ddof=1) for each in dummies]))
        name = column_name(Column(variable.name, Form.DUMMY, code))
        found[name] = ColumnSummary(mean, deviation, (low, middle, high), minimum, maximum)
    return found


def _shifted(summary: ColumnSummary, origin: float) -> ColumnSummary:
    low, middle, high = (each - origin for each in summary.quantiles)
    return ColumnSummary(
        summary.mean - origin, summary.standard_deviation, (low, middle, high),
        summary.minimum - origin, summary.maximum - origin,
    )  # fmt: skip
