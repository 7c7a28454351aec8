"""Python and commands of the pages run as they are written, in a folder with the examples."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from blimp2pymc import cli, parse

ROOT = Path(__file__).parent.parent
PAGES = (
    "README.md", "docs/getting-started.md", "docs/results.md", "docs/path-diagrams.md", "docs/pooling.md",
    "docs/verification.md", "docs/categorical.md", "docs/data.md", "docs/language.md",
)  # fmt: skip
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^    blimp2pymc (.*examples/.*)$", re.MULTILINE)
COMMANDS = {
    str(page.relative_to(ROOT)): found
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if (found := COMMAND.findall(page.read_text(encoding="utf-8")))
}
SCRIPTS = {
    str(page.relative_to(ROOT)): found
    for page in sorted((ROOT / "docs").glob("*.md"))
    if (found := re.findall(r"```blimp\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
}
SHORT = ("--burn", "50", "--iter", "200", "--chains", "2", "--cores", "1", "--quiet")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert blocks
    (tmp_path / "study.imp").write_text("DATA: study.csv; MODEL: y ~ x1; SEED: 1;")
    names: dict[str, object] = {"frame": readers_own()}
    for block in blocks:
        exec(compile(block, page, "exec"), names)


def readers_own() -> pd.DataFrame:
    """What the pages call `frame`."""
    frame = pd.read_csv("examples/interaction.csv", na_values="NA")
    rng = np.random.default_rng(1)
    numbers = pd.DataFrame(rng.normal(size=(len(frame), 3)), columns=["y", "x1", "x2"])
    chosen = pd.Categorical(rng.choice(["east", "north", "south"], len(frame)))
    return frame.join(numbers).assign(
        smoker=rng.integers(0, 2, len(frame)), visits=rng.poisson(2, len(frame)), region=chosen
    )


def test_source_of_the_translation_page_is_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "translation.md").read_text(encoding="utf-8")
    script, source = re.findall(r"```text\n(.*?)```\n\nbecomes\n\n```python\n(.*?)```", text, re.DOTALL)[0]
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame(np.random.default_rng(1).normal(size=(30, 3)).round(3), columns=["sleep", "stress", "age"])
    table.loc[:2, "sleep"] = table.loc[2:5, "stress"] = 999
    table.to_csv("sleep.csv", index=False)
    Path("model.imp").write_text(script)
    assert cli.main(["translate", "model.imp", "-o", "model.py"]) == 0
    assert Path("model.py").read_text() == source
    [loading, _, from_python] = BLOCK.findall(text)
    exec(compile(loading, "translation.md", "exec"), {"table": pd.read_csv("sleep.csv", na_values=[999])})
    exec(compile(from_python, "translation.md", "exec"), {})


@pytest.mark.parametrize("page", SCRIPTS)
def test_scripts_are_read(page: str) -> None:
    for text in SCRIPTS[page]:
        parse(text, page)


@pytest.mark.slow
@pytest.mark.parametrize("page", COMMANDS)
def test_commands_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    for command in COMMANDS[page]:
        arguments = shlex.split(command, comments=True)
        assert cli.main([*arguments, *(SHORT if arguments[0] == "run" else ())]) == 0, command


def test_synopsis_is_that_of_the_parser() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    synopsis = "\n".join(re.findall(r"^    .*$", text, re.MULTILINE))
    stated = {}
    for each in synopsis.split("blimp2pymc ")[1:]:
        stated[each.split()[0]] = set(re.findall(r"--[a-z-]+", each))
    [commands] = [each for each in cli._parser()._actions if isinstance(each, argparse._SubParsersAction)]
    for name, parser in commands.choices.items():
        known = {max(each.option_strings, key=len) for each in parser._actions if each.option_strings}
        known = {each for each in known if each not in ("--help", "--output")}
        assert stated[name] == known, name
