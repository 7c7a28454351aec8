"""Draws as an ArviZ `DataTree`, under the names of the PyMC source.

Loaded only when asked for: nothing printed waits for ArviZ or xarray.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.joint_model.ir import Column, Model
from blimp2pymc.pymc_source.facts import CATEGORICAL, codes_in_order, family_of, response_column
from blimp2pymc.pymc_source.names import Names, python_names
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.printed_names import column_name
from blimp2pymc.summary.quantities import quantity_values
from blimp2pymc.summary.versions import package_versions

if TYPE_CHECKING:
    import xarray as xr


def inference_data(model: Model, draws: Draws) -> xr.DataTree:
    """Collect draws, burn-in, completed cells and data in ArviZ's groups.

    Returns
    -------
    DataTree
        `posterior` (every free or defined parameter under its PyMC name, dims and coords with the user's
        names; derived quantities), `warmup_posterior` (thinned burn-in), `sample_stats` (acceptance rates),
        `observed_data` (observed cells of outcomes), `constant_data` (fixed predictors), `imputations`
        (missing cells, and latent responses where they are kept, at the kept snapshots). Categories are places
        0, 1, ..., as in the PyMC source; the attribute `codes` of such a variable holds their codes. Attributes:
        script, its hash, seed, versions, engine, seconds, and `labels`, the JSON table from PyMC names to Blimp's
        names (see `blimp_labels`).
    """
    import xarray as xr

    names = python_names(model)
    quantities = quantity_values(model, draws)
    posterior = _variables(names, _by_name(model, draws.parameter_names, draws.parameters))
    posterior |= {
        names.quantities[name]: (("chain", "draw"), values)
        for name, values in quantities.items()
        if names.quantities[name] not in posterior
    }
    warmup = _variables(names, _by_name(model, draws.parameter_names, draws.burn_in))
    groups = {
        "posterior": _dataset(xr, posterior, names, draws.n_chains, np.arange(draws.n_draws)),
        "warmup_posterior": _dataset(
            xr, warmup, names, draws.n_chains, (np.arange(draws.burn_in.shape[1]) + 1) * draws.burn_in_thin - 1
        ),
        "sample_stats": xr.Dataset(
            {f"acceptance {name}": (("chain",), np.asarray(rate)) for name, rate in draws.acceptance.items()},
            coords={"chain": np.arange(draws.n_chains)},
        ),
        "imputations": _imputations(xr, model, draws, names),
        "observed_data": _observed(xr, model, names),
        "constant_data": _predictors(xr, model, names),
    }
    tree = xr.DataTree.from_dict({name: group for name, group in groups.items() if group.data_vars})
    attributes = _attributes(model, draws, names)
    tree.attrs.update(attributes)
    tree["posterior"].attrs.update({"inference_library": "blimp2pymc", "labels": attributes["labels"]})
    return tree


def with_missing(model: Model, draws: Draws, tree: xr.DataTree) -> xr.DataTree:
    """The draws at the kept snapshots only, with the missing cells among the posterior's variables.

    What PyMC's posterior prediction needs from a model whose missing cells are random variables.

    Parameters
    ----------
    tree
        Made by `inference_data` from the same draws.
    """
    import xarray as xr

    kept = draws.imputations
    posterior = tree["posterior"].to_dataset()
    chains, positions = np.unique(kept.chain, return_inverse=True)
    counts = np.bincount(positions)
    size = int(counts.min())
    chosen = np.stack([np.flatnonzero(positions == k)[:size] for k in range(len(chains))])
    rows = xr.DataArray(kept.draw[chosen], dims=("chain", "snapshot"))
    selected = posterior.isel(chain=xr.DataArray(chains, dims="chain"), draw=rows)
    selected = selected.drop_vars("draw").rename(snapshot="draw").assign_coords(draw=np.arange(size))
    snapshots = tree["imputations"].to_dataset() if "imputations" in tree.children else xr.Dataset()
    cells = {
        name: (("chain", "draw", *values.dims[1:]), values.to_numpy()[chosen])
        for name, values in snapshots.data_vars.items()
        if name not in ("chain_of_snapshot", "draw_of_snapshot")
    }
    coords = {name: values for name, values in snapshots.coords.items() if name != "snapshot"}
    copy = tree.copy()
    copy["posterior"] = xr.DataTree(selected.assign(cells).assign_coords(coords))
    return copy


def blimp_labels(tree: xr.DataTree) -> tuple[dict[str, str], dict[str, str]]:
    """Names in both directions: PyMC's to Blimp's, and Blimp's to PyMC's.

    An element of a vector is written `y_coefficient[x1]`.
    """
    to_blimp = dict(json.loads(tree.attrs["labels"]))
    return to_blimp, {blimp: python for python, blimp in to_blimp.items()}


def _by_name(model: Model, names: tuple[str, ...], values: FloatArray) -> dict[str, FloatArray]:
    return {name: values[..., k] for k, name in enumerate(names) if model.parameters[name].fixed is None}


def _variables(names: Names, values: dict[str, FloatArray]) -> dict[str, tuple[tuple[str, ...], FloatArray]]:
    """Scalars and vectors of the graph from its parameters."""
    variables: dict[str, tuple[tuple[str, ...], FloatArray]] = {}
    for variable, held in names.vectors.items():
        if variable in names.dims:
            stacked = np.stack([values[name] for name in held], axis=-1)
            variables[variable] = (("chain", "draw", *names.dims[variable]), stacked)
        else:
            variables[variable] = (("chain", "draw"), values[held[0]])
    return variables


def _dataset(xr, variables: dict, names: Names, n_chains: int, draw: np.ndarray) -> xr.Dataset:
    used = {dim for dims, _ in variables.values() for dim in dims} - {"chain", "draw"}
    coords = {dim: np.asarray(names.coords[dim]) for dim in used}
    return xr.Dataset(variables, coords={"chain": np.arange(n_chains), "draw": draw, **coords})


def _imputations(xr, model: Model, draws: Draws, names: Names) -> xr.Dataset:
    kept = draws.imputations
    responses = {column_name(response_column(each)): response_column(each) for each in model.equation_of}
    variables: dict[str, tuple] = {}
    coords: dict[str, np.ndarray] = {"snapshot": np.arange(len(kept.chain))}
    for name, values in kept.values.items():
        if name in names.missing:
            variable = names.missing[name]
            [dim] = names.dims[variable]
            coords[dim] = np.asarray(names.coords[dim])
            variables[variable] = (("snapshot", dim), *_as_in_graph(model, name, values))
        elif name in responses and responses[name] in names.columns:
            coords["row"] = np.asarray(names.coords["row"])
            variables[names.columns[responses[name]]] = (("snapshot", "row"), values)
    if variables:
        variables["chain_of_snapshot"] = (("snapshot",), kept.chain)
        variables["draw_of_snapshot"] = (("snapshot",), kept.draw)
    return xr.Dataset(variables, coords=coords)


def _observed(xr, model: Model, names: Names) -> xr.Dataset:
    """Observed cells of every outcome, named and labelled as the observed variables of the PyMC source."""
    variables: dict[str, tuple] = {}
    coords: dict[str, np.ndarray] = {}
    for name in dict.fromkeys(column.variable for column in model.equation_of):
        if name not in model.data:
            continue
        own = Column(name, level=model.variables[name].level)
        missing = model.missing(name)
        rows, dim, variable = model.frame.source_row, "row", names.columns[own]
        if missing.any():
            dim, variable = names.locals[own, "observed_row"], names.locals[own, "observed"]
        variables[variable] = ((dim,), *_as_in_graph(model, name, model.data[name][~missing]))
        coords[dim] = rows[~missing]
    return xr.Dataset(variables, coords=coords)


def _as_in_graph(model: Model, name: str, values: FloatArray) -> tuple[np.ndarray, dict[str, object]]:
    """Cells as the graph has them: categories by their places 0, 1, ..., with the codes as an attribute."""
    if family_of(model, name) not in CATEGORICAL:
        return values, {}
    codes = np.array(codes_in_order(model, name))
    ascending = np.argsort(codes)
    places = ascending[np.searchsorted(codes, values, sorter=ascending)]
    return places, {"codes": codes}


def _predictors(xr, model: Model, names: Names) -> xr.Dataset:
    """Predictors the model conditions on, under their names in the PyMC source."""
    outcomes = {column.variable for column in model.equation_of}
    by_name = {column.variable: name for column, name in names.columns.items() if column == Column(column.variable)}
    wanted = [name for name in model.data if name not in outcomes]
    variables = {by_name.get(name, name): (("row",), model.data[name]) for name in wanted}
    return xr.Dataset(variables, coords={"row": model.frame.source_row} if variables else {})


def _attributes(model: Model, draws: Draws, names: Names) -> dict[str, object]:
    text = model.script.source.text if model.script is not None else ""
    labels = {
        f"{place.variable}[{place.coordinate}]" if place.index is not None else place.variable: name
        for name, place in names.parameters.items()
    }
    labels |= {python: name for name, python in names.quantities.items()}
    return {
        "script": text,
        "script_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "seed": str(draws.seed),
        "engine": "blimp2pymc Gibbs sampler",
        "sampling_time": draws.seconds,
        "interrupted": int(draws.interrupted),
        "versions": json.dumps(package_versions()),
        "labels": json.dumps(labels),
    }
