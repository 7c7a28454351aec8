"""The table of imputed data: dummies of nominal variables, fixed and centered variables after centering."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from blimp2pymc import Fit, fit
from blimp2pymc.summary.imputed_summaries import imputed_summaries

SCRIPT = """
NOMINAL: n(2) m;  FIXED: w m;  CENTER: w x;
MODEL: y ~ n m w x;
SEED: 1;  BURN: 20;  ITERATIONS: 100;  CHAINS: 2;
"""


@pytest.fixture(scope="module")
def result() -> Fit:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"w": rng.normal(7, 2, 80), "x": rng.normal(5, 1, 80), "m": rng.integers(1, 3, 80)})
    data["n"] = pd.Series(rng.integers(1, 4, 80)).astype(float).mask(rng.random(80) < 0.2)
    data["y"] = data["x"] + rng.normal(size=80)
    data.loc[:9, "x"] = np.nan
    return fit(SCRIPT, data, progressbar=False)


def test_nominal_variables_are_dummies(result: Fit) -> None:
    found = imputed_summaries(result.model, result.draws)
    assert {"n.1", "n.3", "m.2"} == {name for name in found if "." in name}
    sets = result.imputations()
    assert found["n.3"].mean == pytest.approx(np.mean([(each["n"] == 3).mean() for each in sets]))
    assert found["n.3"].standard_deviation == pytest.approx(np.mean([(each["n"] == 3).std() for each in sets]))
    assert (found["n.3"].minimum, found["n.3"].maximum) == (0, 1)
    assert found["m.2"].mean == pytest.approx((result.model.data["m"] == 2).mean())


def test_fixed_variables_are_shown_after_centering_others_before(result: Fit) -> None:
    found = imputed_summaries(result.model, result.draws)
    w = result.model.data["w"]
    assert found["w"].mean == pytest.approx(0, abs=1e-12)
    assert found["w"].maximum == pytest.approx(w.max() - w.mean())
    assert found["w"].quantiles[1] == pytest.approx(np.median(w) - w.mean())
    assert found["x"].mean == pytest.approx(5, abs=0.5)
    assert "n.3" in result.text
