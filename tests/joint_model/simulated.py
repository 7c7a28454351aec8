"""One small table of simulated data that the tests of the resolver share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.resolve import resolve

INCOMPLETE = ("y", "y2", "x1", "x2", "m1", "m2", "i")
"""Columns with missing cells; x3, x4, d, n and count are complete."""


def table(n: int = 80, seed: int = 7) -> pd.DataFrame:
    """Columns y y2 x1:x4 m1 m2 (continuous), d i (0/1), n (1, 2, 3), count, `m.1` (continuous)."""
    rng = np.random.default_rng(seed)
    columns = {name: rng.normal(size=n) for name in ("y", "y2", "x1", "x2", "x3", "x4", "m1", "m2", "m.1")}
    columns["x1"] += 5
    columns["d"] = (np.arange(n) % 2).astype(float)
    columns["i"] = (np.arange(n) % 3 == 0).astype(float)
    columns["n"] = 1.0 + np.arange(n) % 3
    columns["count"] = rng.poisson(2, n).astype(float)
    for place, name in enumerate(INCOMPLETE):
        columns[name][place::9] = np.nan
    return pd.DataFrame(columns)


def resolved(script: str, **options: str) -> Model:
    """The script's model of that table."""
    return resolve(script if script.endswith(";") else script + ";", table(), **options)
