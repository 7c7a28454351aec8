"""The Pygments lexer: registered, lossless, and without error tokens on every script."""

from __future__ import annotations

from pathlib import Path

import pytest

pygments = pytest.importorskip("pygments")
from blimp.corpus import GOOD, REFERENCE, read  # noqa: E402
from pygments.token import Comment, Error, Keyword, Name, String, Text  # noqa: E402

from blimp2pymc.blimp.lexer import BlimpLexer  # noqa: E402


@pytest.mark.parametrize("path", [*GOOD, *REFERENCE], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_character_is_kept_and_known(path: Path) -> None:
    text = read(path).lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    tokens = list(pygments.lex(text, BlimpLexer(stripnl=False, ensurenl=False)))
    assert "".join(value for _, value in tokens) == text
    # What no rule knows is Text, so that nothing is lost: there must be none of it here.
    assert not [value for kind, value in tokens if kind in Error or (kind is Text and value.strip())]


def test_kinds_of_tokens() -> None:
    text = "SAVE: stacked = out/imps.csv;\nDATA: a/b.csv; # note\nmodel:\n  focal:\n    y ~ Intercept exp(x)@b1 | 1;\n"
    found = {value: kind for kind, value in pygments.lex(text, BlimpLexer())}
    assert found["DATA"] is Keyword.Declaration
    assert found["model"] is Keyword.Declaration
    assert found["a/b.csv"] is String
    assert found["stacked"] is Keyword
    assert found["out/imps.csv"] is String
    assert found["# note"] is Comment.Single
    assert found["focal"] is Name.Label
    assert found["Intercept"] is Keyword.Constant
    assert found["exp"] is Name.Function
    assert found["b1"] is Name.Variable


def test_it_is_found_by_name() -> None:
    from importlib.metadata import entry_points

    registered = [each.value for each in entry_points(group="pygments.lexers") if each.name == "blimp"]
    if not registered:
        pytest.skip("installed before the lexer was registered")
    assert registered == ["blimp2pymc.blimp.lexer:BlimpLexer"]
