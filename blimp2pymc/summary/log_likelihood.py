"""Pointwise log likelihood of the observed cells, computed by the PyMC graph: what `az.loo` and `az.compare` need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blimp2pymc.errors import error
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.pymc_source.build import build
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.inference_data import with_missing

if TYPE_CHECKING:
    import xarray as xr

FEWEST = 100
"""Draws below which cross-validation says nothing."""
ENOUGH = 1_000
"""Draws that the hint asks for."""


def with_log_likelihood(model: Model, draws: Draws, tree: xr.DataTree) -> xr.DataTree:
    """The draws at the kept snapshots, with missing cells and latent variables, and the group `log_likelihood`.

    Where the graph has neither missing cells nor latent variables, all draws, thinned to about `ENOUGH`.

    Parameters
    ----------
    tree
        Made by `inference_data` from the same draws.

    Raises
    ------
    BlimpError
        When fewer than `FEWEST` snapshots were kept, or the graph has latent responses of its own.
    """
    import pymc as pm

    graph: Any = build(model)
    needed = {each.name for each in graph.free_RVs}
    if needed <= set(tree["posterior"].data_vars):
        step = max(1, draws.n_chains * draws.n_draws // ENOUGH)
        chosen = tree.copy()
        chosen["posterior"] = tree["posterior"].isel(draw=slice(step - 1, None, step))
    elif len(draws.imputations.chain) < FEWEST:
        raise error(
            f"the log likelihood needs draws of missing cells and latent variables, and the run has kept "
            f"{len(draws.imputations.chain)}",
            hint=f"fit(..., n_imputations={ENOUGH})",
        )
    else:
        chosen = with_missing(model, draws, tree)
    responses = sorted(needed - set(chosen["posterior"].data_vars))
    if responses:
        raise error(
            f"the log likelihood of explicit latent responses ({', '.join(responses)}) is not available yet",
            code="not-available",
        )
    # PyMC copies the graph here, and does not copy graphs with starting values.
    graph.rvs_to_initial_values.update(dict.fromkeys(graph.rvs_to_initial_values))
    with graph:
        return pm.compute_log_likelihood(chosen, progressbar=False)
