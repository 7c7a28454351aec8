"""Why a slope of latint-5 differs: an independent sampler says what Blimp draws.

With the product of the factor and the last dummy held at its current value while the factor is drawn, a sampler in
numpy has Blimp's numbers; with the conditionals of the joint density it has ours.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from reference.agreement import REFERENCE
from reference.nominal_moderator_gibbs import Array, sample

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample as draw
from blimp2pymc.sampler.plan.rules import plan

CASE = REFERENCE / "latint-5"
FIRST, SECOND = (tuple(f"{stem}{i}" for i in range(1, n + 1)) for stem, n in (("consci", 10), ("cwb", 23)))

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CASE.exists(), reason="no reference cases")]


@cache
def _model() -> Model:
    return resolve(CASE / "model.imp")


@cache
def _gibbs(last_product_is_held: bool) -> dict[str, Array]:
    data = _model().data
    first, second = (np.stack([data[name] for name in names], axis=1) for names in (FIRST, SECOND))
    group = data["cat_org"].astype(int) - 1
    # Of the second only a slope is looked at, which mixes better than the loadings do.
    draws, burn = (4000, 1500) if last_product_is_held else (2000, 700)
    return sample(first, second, group, draws=draws, burn=burn, seed=1, last_product_is_held=last_product_is_held)


def _printed() -> pd.DataFrame:
    """Slopes of the second and third group, explained variance, and loadings, in this order."""
    table = pd.read_csv(CASE / "posterior.csv").set_index(["block", "outcome", "section", "parameter"])
    slopes = table.loc[[each for each in table.index if each[0] == "conditional" and each[3] == "Slope"]].iloc[1:3]
    lines = [("outcome", "cwb", "Proportion Variance Explained", "by Coefficients")]
    lines += [("outcome", name, "Coefficients", "consci") for name in FIRST]
    lines += [("outcome", name, "Coefficients", "cwb") for name in SECOND]
    return pd.concat([slopes, table.loc[lines]])[["median", "sd"]].astype(float)


def _medians(draws: dict[str, Array]) -> Array:
    return np.concatenate([np.median(draws[each], axis=0).ravel() for each in ("slopes", "explained", "loadings")])[1:]


def test_a_product_that_is_held_gives_the_printed_numbers() -> None:
    printed = _printed()
    distance = (_medians(_gibbs(last_product_is_held=True)) - printed["median"]) / printed["sd"]
    assert np.abs(distance).max() < 0.4


def test_without_that_the_slope_of_the_third_group_is_ours() -> None:
    found, printed = _gibbs(last_product_is_held=False), _printed()
    distance = (_medians(found) - printed["median"]) / printed["sd"]
    assert distance.iloc[1] < -1.5
    model = _model()
    ours = draw(model, plan(model), draws=2000, burn=500, chains=2, seed=1, log_likelihood=False)
    slope = ours.parameter("cwb ~ consci") + ours.parameter("cwb ~ consci*cat_org.3")
    assert np.median(slope) == pytest.approx(np.median(found["slopes"][:, 2]), abs=0.015)
