"""Scripts a hundred times as long as real ones: their time grows with their length, and no faster."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.resolve import resolve

N = 3000
SCRIPTS = {
    "unknown names": "MODEL: x0 ~ " + " ".join(f"unknown{i}q" for i in range(N)) + ";",
    "copies of a loop": "MODEL: { i in 1:5000 } : x0 ~ x1;",
    "unknown names in a loop": f"MODEL: {{ i in 1:{N} }} : x0 ~ x[i];",
    "tests": "MODEL: x0 ~ x1@b; " + "WALDTEST: b = 0;\n" * N,
    "statements that cannot be read": "MODEL: " + "x0 ~ ~ x1;\n" * N,
    "priors": "MODEL: x0 ~ x1@b; PARAMETERS: " + "b ~ normal(0, 1);\n" * N,
    "numbers stated again": "".join(f"SEED: {i + 2};\n" for i in range(N)) + "MODEL: x0 ~ x1;",
    "unknown results": "SAVE: " + "".join(f"r{i} = a.csv;\n" for i in range(N)) + "MODEL: x0 ~ x1;",
    "latent variables": "LATENT: f0:f299; MODEL: "
    + "".join(f"f{i} -> v{i} v{i + 1} v{i + 2};\n" for i in range(300)),
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_long_scripts_take_about_a_second_at_most(name: str) -> None:
    rng = np.random.default_rng(1)
    columns = [f"x{i}" for i in range(20)] + [f"v{i}" for i in range(302)]
    data = pd.DataFrame(rng.normal(size=(30, len(columns))), columns=columns)
    began = time.process_time()
    try:
        resolve(f"SEED: 1; {SCRIPTS[name]}", data)
    except BlimpError as mistake:
        assert str(mistake)
    # a tenth of a second to one second; where something is quadratic, three to six
    assert time.process_time() - began < 2
