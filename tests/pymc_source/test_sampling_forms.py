"""Every kind of emitted model runs under `pm.sample`: a few draws of each are finite."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
from pymc_source.test_default_mode import GRAPHS

FORMS = (
    "functions", "factors", "variance_models", "centered_logarithm", "centered_yeo_johnson", "ordinal_predictors",
    "item_response", "nominal_predictor",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMS)
def test_a_few_draws_are_finite(name: str) -> None:
    with GRAPHS[name]() as graph:
        idata = pm.sample(
            15, tune=30, chains=1, cores=1, random_seed=1, progressbar=False, compute_convergence_checks=False
        )
    posterior = idata["posterior"]
    for variable in [*graph.free_RVs, *graph.deterministics]:
        values = posterior[variable.name].to_numpy()
        assert np.isfinite(values).all(), variable.name
    moving = [each.name for each in graph.free_RVs if np.ptp(posterior[each.name].to_numpy(), axis=1).max() > 0]
    assert len(moving) > len(graph.free_RVs) / 2
