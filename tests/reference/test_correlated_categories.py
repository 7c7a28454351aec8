"""Why thresholds of correlated categorical outcomes differ: an independent sampler says what Blimp draws.

Two shortcuts together give all of Blimp's numbers: thresholds are drawn as if the latent response had variance 1 given
the other members of its `~~` block, though it has less, and the covariance matrix is drawn with free variances and
scaled to 1 afterwards, without its responses and thresholds. Without the shortcuts thresholds are those of the observed
shares of the categories, as they have to be where nothing predicts them, and as ours are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from reference.agreement import REFERENCE
from reference.ordinal_block_gibbs import sample
from scipy.special import ndtri

from blimp2pymc.joint_model.resolve import resolve

CASE = REFERENCE / "guide-4.2"
MEMBERS = ("d1", "o1", "x1", "y1")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CASE.exists(), reason="no reference cases")]


def _data() -> np.ndarray:
    model = resolve(CASE / "model.imp")
    return np.stack([model.data[name] for name in MEMBERS], axis=1)


def _printed() -> pd.DataFrame:
    table = pd.read_csv(CASE / "posterior.csv").set_index(["block", "outcome", "section", "parameter"])
    lines = [("outcome", name, "Coefficients", "Intercept") for name in ("d1", "o1")]
    lines += [("outcome", "o1", "Thresholds", f"Tau {k}") for k in range(2, 7)]
    pairs = [(a, b) for i, a in enumerate(MEMBERS) for b in MEMBERS[i + 1 :]]
    lines += [("covariance", " ".join(MEMBERS), "Correlations", f"Cor({a},{b})") for a, b in pairs]
    return table.loc[lines, ["median", "sd"]].astype(float)


def test_two_shortcuts_give_the_printed_numbers() -> None:
    found = sample(_data(), draws=2_500, burn=700, seed=1, shortcuts=True)
    printed = _printed()
    distance = (np.median(found, axis=0) - printed["median"]) / printed["sd"]
    assert np.abs(distance).max() < 0.5


def test_without_them_thresholds_are_those_of_the_shares() -> None:
    data = _data()
    found = sample(data, draws=2_500, burn=700, seed=1, shortcuts=False)
    codes = data[~np.isnan(data[:, 1]), 1]
    places = ndtri([np.mean(codes <= code) for code in np.unique(codes)[:-1]])
    expected = np.concatenate([[-places[0]], places[1:] - places[0]])
    printed = _printed()
    middle, spread = np.median(found, axis=0)[1:7], found.std(axis=0)[1:7]
    assert np.abs((middle - expected) / spread).max() < 0.75
    assert ((printed["median"].to_numpy()[1:7] - expected) / spread).min() > 1.2
