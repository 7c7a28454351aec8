"""Means Models of ordinal variables are printed as intercept-only probit models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.summary.predictor_rows import predictor_rows


def tables(codes: list[float], missing: int = 0):
    rng = np.random.default_rng(3)
    d = rng.choice(codes, 400, p=np.arange(1.0, len(codes) + 1) / sum(range(len(codes) + 1)))
    d[:missing] = np.nan
    data = pd.DataFrame({"y": rng.normal(size=400), "x": rng.normal(size=400), "d": d})
    model = resolve("ORDINAL: d; CENTER: d; MODEL: y ~ d x; d ~ x; SEED: 1;", data)
    draws = synthetic_draws(model, draws=400, spread=0.01)
    return model, draws, {(each.section, each.parameter): each.draws for each in predictor_rows(model, draws)}


def test_mean_of_two_codes_is_a_normal_quantile() -> None:
    model, draws, found = tables([1.0, 2.0])
    [means] = [each for each in model.equations if each.role.name == "MEANS"]
    share = draws.parameter(means.terms[0].coefficient) - 1
    np.testing.assert_allclose(found["Grand Mean", "Grand Mean"], ndtri(np.clip(share, 1e-6, 1 - 1e-6)))
    assert list(found) == [("Grand Mean", "Grand Mean"), ("Level 1", "Residual Var."), ("Thresholds", "Tau 1")]
    assert np.ptp(found["Level 1", "Residual Var."]) == 0 and np.ptp(found["Thresholds", "Tau 1"]) == 0


@pytest.mark.parametrize("missing", [0, 40])
def test_mean_and_thresholds_of_three_codes_give_their_shares(missing: int) -> None:
    model, draws, found = tables([0.0, 1.0, 2.0], missing)
    mean, threshold = found["Grand Mean", "Grand Mean"], found["Thresholds", "Tau 2"]
    observed = model.data["d"][missing:]
    if missing:
        observed = np.concatenate([np.tile(observed, len(draws.imputations.chain)),
                                   draws.imputations.values["d"].ravel()])  # fmt: skip
    shares = [np.mean(observed == code) for code in (0, 1, 2)]
    assert ndtr(-mean).mean() == pytest.approx(shares[0], abs=0.01)
    assert ndtr(mean - threshold).mean() == pytest.approx(shares[2], abs=0.01)
    if not missing:
        assert ndtr(-mean).std() == pytest.approx(np.sqrt(shares[0] * (1 - shares[0]) / 400), rel=0.1)
