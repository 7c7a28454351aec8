"""The state of a chain as a point of the PyMC graph: what the check and the PyMC step need."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from blimp2pymc.joint_model.ir import Column, Model, Role
from blimp2pymc.pymc_source.point import Crossing
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.draws import cell_name
from blimp2pymc.sampler.plan.inverses import cell_columns
from blimp2pymc.sampler.tables.centers import centered


def cell_places(run: ChainRun) -> dict[str, np.ndarray]:
    """Where the cells to draw of each variable are in the table of incomplete rows, in row order."""
    rows = run.layout.incomplete_rows
    places = {}
    for name in run.layout.model.unknown:
        found = np.flatnonzero(run.layout.model.missing(name)[rows])
        places[name] = found[np.argsort(rows[found])]
    return places


def point_of(run: ChainRun, across: Crossing, places: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The graph's point at the state of a chain."""
    form = run.layout
    parameters = dict(zip(form.model.parameters, centered(form, run.state.theta).tolist(), strict=False))
    return across.value_point(parameters, current_cells(run, places), response_columns(run))


def current_cells(run: ChainRun, places: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Values of the cells to draw, in row order."""
    columns = cell_columns(run.layout.model)
    return {name: run.state.columns[run.layout.columns[columns[name]], rows] for name, rows in places.items()}


def response_columns(run: ChainRun) -> dict[Column, np.ndarray]:
    """Latent responses of all rows, in the model's row order."""
    values = run.completed()
    return {each.outcome: values[cell_name(each.outcome)] for each in run.layout.plan.structure.latent_responses}


def cut_parameters(model: Model) -> frozenset[str]:
    """Means and variances of Means Models."""
    return frozenset(
        name
        for each in model.equations
        if each.role is Role.MEANS
        for name in (*(term.coefficient for term in each.terms), each.residual_variance)
        if name is not None and model.parameters[name].is_free
    )
