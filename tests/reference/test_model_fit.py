"""DIC2 and WAIC are those Blimp prints, family by family; of counts it adds up probabilities, not their logarithms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reference.agreement import REFERENCE, read_table
from scipy.stats import nbinom

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.draws import Draws, LogLikelihood
from blimp2pymc.summary.imputations import data_sets
from blimp2pymc.summary.model_fit import dic2, waic
from blimp2pymc.summary.predictions import predictions

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not REFERENCE.exists(), reason="no reference cases")]

FAMILIES = {
    "guide-4.3": "normal", "guide-5.1": "two normal equations", "guide-4.11a": "probit", "guide-4.13a": "logit",
    "guide-4.14": "multinomial", "guide-4.20b": "Yeo-Johnson", "guide-5.8a": "items and a latent variable",
}  # fmt: skip
COUNTS = {"guide-4.15": "y", "book-3.4-mod2": "hdd"}
TOLERANCE = 0.002
"""Of the printed values, which have a Monte Carlo error of their own."""


@pytest.mark.parametrize("case", FAMILIES)
def test_as_printed(case: str) -> None:
    # With two chains WAIC of `guide-4.11a` has a Monte Carlo standard error of 3, of which the tolerance is 4.4.
    found = drawn(case, 2_000, chains=8)
    assert found.log_likelihood is not None
    expected = printed(case)
    assert dic2(found.log_likelihood) == pytest.approx(expected["DIC2"], rel=TOLERANCE)
    assert waic(found.log_likelihood) == pytest.approx(expected["WAIC"], rel=TOLERANCE)


@pytest.mark.parametrize("case", COUNTS)
def test_counts_with_probabilities_in_place_of_their_logarithms(case: str) -> None:
    model, found = resolve(REFERENCE / case / "model.imp"), drawn(case, 2_000, n_imputations=400)
    assert found.log_likelihood is not None
    outcome, expected = COUNTS[case], printed(case)
    masses = np.empty((len(found.imputations.chain), model.frame.n_rows))
    for k, data in enumerate(data_sets(model, found)):
        mean = predictions(model, found, k)[f"{outcome}.predicted"]
        size = 1 / found.parameter(f"{outcome} dispersion")[found.imputations.chain[k], found.imputations.draw[k]]
        masses[k] = nbinom.pmf(data[outcome].to_numpy(), size, size / (size + mean))
    mistaken = moments(masses)
    assert dic2(mistaken) == pytest.approx(expected["DIC2"], rel=0.01)
    assert waic(mistaken) == pytest.approx(expected["WAIC"], rel=0.01)
    assert dic2(moments(np.log(masses))) == pytest.approx(dic2(found.log_likelihood), rel=0.01)
    assert dic2(found.log_likelihood) > 0 > expected["DIC2"]


def drawn(case: str, draws: int, n_imputations: int | None = None, chains: int = 2) -> Draws:
    model = resolve(REFERENCE / case / "model.imp")
    return sample(model, draws=draws, burn=1_000, chains=chains, seed=1, n_imputations=n_imputations)


def printed(case: str) -> dict[str, float]:
    """The conditional measures of a case."""
    table = read_table(Path(REFERENCE) / case / "posterior.csv")
    table = table[(table["block"] == "fit") & (table["section"] == "Conditional Likelihood")]
    return dict(zip(table["parameter"], table["median"], strict=True))


def moments(densities: np.ndarray) -> LogLikelihood:
    """What the sampler keeps of rows' log densities, from all of them: (draw, row)."""
    log_mean = np.logaddexp.reduce(densities, axis=0) - np.log(len(densities))
    return LogLikelihood(len(densities), densities.mean(axis=0), densities.var(axis=0, ddof=1), log_mean)
