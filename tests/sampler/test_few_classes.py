"""Missing outcomes are drawn in rows of small classes, so that latent variables are integrated out in few classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sampler.chains import assert_same_posterior, autocovariance_error

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.plan import few_classes, marginals
from blimp2pymc.sampler.plan.blocking import left_out_groups, missing_patterns
from blimp2pymc.sampler.plan.residuals import structure
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.sampler.verification.check import verify

GROWTH = "LATENT: a b; MODEL: 1 -> a b; a ~~ b; { t in 0:5 } : y[t] ~ 1@0 a@1 b@[t];"
FACTORS = "LATENT: f; MODEL: f -> y0:y5;"


def waves(missing: float, n: int = 200, seed: int = 5) -> pd.DataFrame:
    """Six waves that grow at almost the same rate, values missing here and there."""
    rng = np.random.default_rng(seed)
    level, change = rng.normal(3, 1, n), rng.normal(0.5, 0.2, n)
    data = pd.DataFrame({f"y{t}": level + t * change + rng.normal(0, 0.8, n) for t in range(6)})
    return data.mask(rng.random(data.shape) < missing)


def classes(model: Model) -> dict[frozenset[int], int]:
    """Equations left out -> number of rows."""
    form, found = plan(model).structure, {}
    for missing, rows in missing_patterns(model, form):
        left_out = left_out_groups(form, missing, True)
        found[left_out] = found.get(left_out, 0) + len(rows)
    return found


def test_rows_of_small_classes_join_the_complete_ones() -> None:
    model = resolve(GROWTH, waves(0.12))
    n_patterns = len(missing_patterns(model, structure(model)))
    found = classes(model)
    assert n_patterns > 15 and len(found) == 7
    assert all(len(left_out) < 2 for left_out in found)
    (growth,) = plan(model).marginals
    assert {"b residual variance", "a ~~ b", "y0 residual variance"} <= set(growth.paths[0].parameters)


@pytest.mark.parametrize(("script", "missing"), [(GROWTH, 0.0), (GROWTH, 0.35), (FACTORS, 0.12)])
def test_other_models_stay_as_they_are(script: str, missing: float) -> None:
    assert not plan(resolve(script, waves(missing))).structure.kept


def test_full_conditionals_only_leave_nothing_out() -> None:
    model = resolve(GROWTH, waves(0.12))
    assert not plan(model, integrated=False).structure.kept and not plan(model, collapsed=False).structure.kept


def test_densities_agree_with_the_graph() -> None:
    result = verify(resolve(GROWTH, waves(0.12)))
    assert result.passed
    drawn = {each.kernel: each.targets for each in result.rows if each.kernel in ("cells", "predictions")}
    assert set(drawn["predictions"]) < set(drawn["cells"])


def test_posterior_is_the_same_with_classes_apart_and_the_slope_moves_freely(monkeypatch: pytest.MonkeyPatch) -> None:
    model = resolve(GROWTH, waves(0.12))
    together = sample(model, plan(model), draws=6000, burn=1000, chains=2, seed=1, log_likelihood=False)
    monkeypatch.setattr(few_classes, "MOST_ROWS", 2.0)
    waiting = sample(model, plan(model), draws=6000, burn=1000, chains=2, seed=3, log_likelihood=False)
    monkeypatch.setattr(few_classes, "MOST_MATRICES", 1000)
    monkeypatch.setattr(marginals, "MOST_MATRICES", 1000)
    apart = sample(model, plan(model), draws=6000, burn=1000, chains=2, seed=2, log_likelihood=False)
    assert_same_posterior(model, together, apart)
    errors = [autocovariance_error(np.log(each.parameter("b residual variance"))) for each in (together, waiting)]
    assert errors[1] > 2 * errors[0]
