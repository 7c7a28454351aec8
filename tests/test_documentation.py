"""The Python of the pages that can be followed along runs as it is written, in a folder with the examples."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent
PAGES = (
    "README.md", "docs/getting-started.md", "docs/results.md", "docs/path-diagrams.md", "docs/pooling.md",
    "docs/verification.md",
)  # fmt: skip
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert blocks
    # `frame` is what the pages call a DataFrame of the reader's own.
    names: dict[str, object] = {"frame": pd.read_csv("examples/interaction.csv", na_values="NA")}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
