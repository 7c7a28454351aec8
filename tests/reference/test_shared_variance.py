"""Why the residual's share of variance differs where a label makes variances equal: the draw of a numerator.

The printed share has the spread of `variance of the draw before / (explained variance + variance)`, and
not that of a share that adds to 1 with the coefficients'.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from reference.agreement import REFERENCE

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.draws import StatisticKind
from blimp2pymc.sampler.plan.rules import plan

CASE = REFERENCE / "book-6.9-mod2"


@pytest.mark.slow
@pytest.mark.skipif(not CASE.exists(), reason="no reference cases")
def test_printed_shares_have_the_variance_of_the_draw_before_in_the_numerator() -> None:
    printed = pd.read_csv(CASE / "posterior.csv").set_index(["outcome", "parameter"])["sd"]
    model = resolve(CASE / "model.imp")
    # Full conditionals alone, so that one draw resembles the draw before as much as in the printed chains.
    conditionals = plan(model, collapsed=False)
    found = sample(model, conditionals, draws=50_000, burn=3_000, chains=2, seed=1, log_likelihood=False)
    variance = found.parameter("evar")
    ratios = []
    for wave in range(4):
        name = f"severity{wave}"
        total = found.statistic(StatisticKind.PREDICTOR_VARIANCE, Column(name)) + variance
        shown = printed[name, "by Residual Variation"]
        ratios.append([(np.roll(variance, 1, axis=1) / total).std() / shown, (variance / total).std() / shown])
    before, same = np.array(ratios).T
    assert np.abs(before - 1).max() < 0.06
    assert same.min() < 0.78
    assert (same < before).all()
