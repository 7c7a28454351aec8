"""Why quantities with the intercept of a count differ: in PARAMETERS Blimp adds the logarithm of the dispersion to it.

Effects exp(intercept + ...) are then multiplied by the dispersion, draw by draw. Multiplied so, ours have the printed
posteriors; as they are, they have not.
"""

from __future__ import annotations

from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pytest
from reference.agreement import REFERENCE, cases, compared, read_table
from reference.known_differences import COUNT_INTERCEPT, KNOWN_DIFFERENCES

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.summary.quantities import quantity_values

CASES = [each for each in cases(("4",)) if KNOWN_DIFFERENCES.get(each["case"]) is COUNT_INTERCEPT]


@pytest.mark.slow
@pytest.mark.parametrize("case", [pytest.param(each, id=each["case"]) for each in CASES])
def test_printed_effects_are_ours_times_the_dispersion(case: dict[str, str], tmp_path: Path) -> None:
    model = resolve(REFERENCE / case["case"] / "model.imp")
    found = sample(model, draws=6_000, burn=1_000, chains=2, seed=1, log_likelihood=False)
    ours, dispersion = quantity_values(model, found), found.parameter("y dispersion")
    printed = read_table(REFERENCE / case["case"] / "posterior.csv")
    printed[printed["parameter"].isin(COUNT_INTERCEPT.parameters)].to_csv(tmp_path / "printed.csv", index=False)
    for is_multiplied in (True, False):
        rows = [_row(name, ours[name] * (dispersion if is_multiplied else 1.0)) for name in COUNT_INTERCEPT.parameters]
        pd.DataFrame(rows).to_csv(tmp_path / "ours.csv", index=False)
        table = compared(tmp_path / "printed.csv", tmp_path / "ours.csv", "--floor", case["floor"])
        assert list(table["status"]) == ["ok" if is_multiplied else "outside"] * 2


def _row(name: str, values: np.ndarray) -> dict[str, object]:
    lo, median, hi = np.quantile(values, (0.025, 0.5, 0.975))
    return {
        "block": "generated", "outcome": "", "section": "Generated Parameters", "parameter": name,
        "median": median, "sd": values.std(), "lo": lo, "hi": hi, "n_eff": float(az.ess(values)), "fixed": 0,
    }  # fmt: skip
