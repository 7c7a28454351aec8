"""How often every category of an incomplete variable occurs: among the observed cells and in completed data sets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blimp2pymc.joint_model.ir import Kind, Model
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.report_tables import columns_of_text, number


class CategoryShare(NamedTuple):
    """Shares of one category."""

    variable: str
    code: float
    observed: float
    """Among the observed cells."""
    completed: float
    """In the completed data, averaged over the kept data sets."""


def category_shares(model: Model, draws: Draws) -> list[CategoryShare]:
    """Shares of all categories of the incomplete ordinal and nominal variables, in the order of the variables."""
    shares = []
    for name in model.incomplete:
        variable = model.variables[name]
        imputed = draws.imputations.values.get(name)
        if variable.kind not in (Kind.ORDINAL, Kind.NOMINAL) or imputed is None or not imputed.size:
            continue
        observed = model.data[name][~model.missing(name)]
        weight = variable.n_missing / model.frame.n_rows
        for code in variable.categories:
            share = float(np.mean(observed == code))
            completed = (1 - weight) * share + weight * float(np.mean(imputed == code))
            shares.append(CategoryShare(name, code, share, completed))
    return shares


def share_lines(model: Model, draws: Draws) -> list[str]:
    """The shares as printed; no line where there are none."""
    shares = category_shares(model, draws)
    if not shares:
        return []
    rows = [("Variable", "Category", "Observed", "Completed")]
    rows += [(each.variable, f"{each.code:g}", number(each.observed), number(each.completed)) for each in shares]
    return ["", "  Shares of the categories of incomplete variables.", "", *columns_of_text(rows)]
