"""The example in the documentation is what the package writes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.emit import translate

PAGE = Path(__file__).parents[2] / "docs" / "translation.md"


def test_the_documented_source_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text()
    (script,) = re.findall(r"```(?:text|blimp)\n(DATA:.*?)```", text, re.DOTALL)
    (source,) = re.findall(r"```python\n(# PyMC version.*?)```", text, re.DOTALL)
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"sleep": rng.normal(size=30), "stress": rng.normal(size=30), "age": rng.normal(size=30)})
    table.loc[3:6, "stress"] = 999
    table.loc[5:9, "sleep"] = 999
    monkeypatch.chdir(tmp_path)
    table.to_csv("sleep.csv", index=False)
    Path("model.imp").write_text(script)
    assert translate(resolve("model.imp")) == source
