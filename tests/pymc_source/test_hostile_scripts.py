"""Scripts and data files that would like to be Python: names, labels, blocks, comments and files stay what they are."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from pymc_source.test_build import assert_harmless

from blimp2pymc.errors import BlimpError, Source
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.emit import translate

WORDS = ("import", "lambda", "class", "None", "print", "exec", "eval", "open", "__import__", "__builtins__", "pm", "np",
         "pt", "pd", "data", "model", "coords", "os", "sigma2_y", "y_coefficient", "y_missing", "_")  # fmt: skip
"""Keywords, builtins, and names that the emitted source uses itself."""

FILES = ("a'b.csv", 'a"b.csv', "a{y}.csv", "a%s.csv", "a\\b.csv", "__import__('os').csv", "$(touch hit).csv",
         "a' + __import__('os') + '.csv", "caf\u00e9\u202e.csv")  # fmt: skip

COMMENTS = (
    "'''",
    '"""',
    "\\",
    "{__import__('os')}",
    "\u2028import os",
    "%s %d",
    "-*- coding: rot13 -*-",
    "\x0cimport os",
)

HEADERS = ("\"__import__('os')\"", '"x\nimport os"', '"x\'""]"', '"{y}"', "import", "\u202ex")


def source_of(text: str, folder: Path) -> str:
    """The source emitted for a script in a folder, harmless or the test fails."""
    model = resolve(Source(str(folder / "model.imp"), text))
    source = translate(model)
    assert_harmless(source)
    assert all(line.isprintable() for line in source.split("\n"))
    return source


def write_data(file: Path, header: str = "y,x,z", rows: int = 40) -> None:
    width = len(header.split(",")) if '"' not in header else header.count(",") + 1
    lines = [",".join(str((row * (3 + k)) % 7 + 0.5 * k) for k in range(width)) for row in range(rows)]
    lines[3] = "NA" + lines[3][lines[3].index(",") :]
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


@pytest.mark.parametrize("word", WORDS)
def test_word_of_python_as_a_name(word: str, tmp_path: Path) -> None:
    write_data(tmp_path / "d.csv", f"y,{word},z")
    source_of(f"DATA: d.csv; MISSING: NA; MODEL: y ~ {word} z {word}*z;", tmp_path)


@pytest.mark.parametrize("word", WORDS)
def test_word_of_python_as_label_block_definition_and_quantity(word: str, tmp_path: Path) -> None:
    write_data(tmp_path / "d.csv")
    head = "DATA: d.csv; MISSING: NA; "
    for script in (
        f"MODEL: y ~ x@{word}; WALDTEST: {word} = 0;",
        f"MODEL: {word}: y ~ x;",
        f"MODEL: {word} = x + z; y ~ {word};",
        f"MODEL: y ~ x@b; PARAMETERS: {word} = 2*b;",
        f"LATENT: {word}; MODEL: {word} -> y x z;",
    ):
        try:
            source_of(head + script, tmp_path)
        except BlimpError as refusal:
            # Some words mean something in Blimp too; then they are refused at their place.
            assert all(each.span is not None for each in refusal.findings)


@pytest.mark.parametrize("name", FILES)
def test_file_name(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    write_data(file)
    source = source_of(f"DATA: {name}; MISSING: NA; MODEL: y ~ x;", tmp_path)
    strings = [each.value for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Constant)]
    assert any(isinstance(each, str) and each.endswith(name) for each in strings)


@pytest.mark.parametrize("comment", COMMENTS)
def test_comment(comment: str, tmp_path: Path) -> None:
    write_data(tmp_path / "d.csv")
    source_of(
        f"# {comment}\nDATA: d.csv; MISSING: NA; # {comment}\nMODEL: # {comment}\n y ~ # {comment}\n x;", tmp_path
    )


@pytest.mark.parametrize("header", HEADERS)
def test_header_of_a_data_file(header: str, tmp_path: Path) -> None:
    """The column is not used; the ones beside it are."""
    write_data(tmp_path / "d.csv", f"y,x,{header}")
    try:
        source = source_of("DATA: d.csv; MISSING: NA; MODEL: y ~ x;", tmp_path)
    except BlimpError as refusal:
        assert "d.csv" in str(refusal)
    else:
        assert "import os" not in [line.strip() for line in source.splitlines()]
