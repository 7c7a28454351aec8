"""Every small script of the corpus, and every reference script that is there, through parser, writer and formatter."""

from __future__ import annotations

from pathlib import Path

import pytest
from blimp.corpus import BAD, CANONICAL_TEXTS, GOOD, MESSAGES, REFERENCE, canonical_text, message, read, recorded
from marked import load_marked

from blimp2pymc.blimp.format import format_script
from blimp2pymc.blimp.parse import parse
from blimp2pymc.blimp.tree import Script, walk
from blimp2pymc.blimp.write import write
from blimp2pymc.errors import BlimpError, Span

SCRIPTS = [*GOOD, *REFERENCE]
CANONICAL = recorded(CANONICAL_TEXTS)
TOLD = recorded(MESSAGES)


def _name(path: Path) -> str:
    return path.stem if path.parent.name in ("good", "syntax") else f"{path.parent.name}/{path.stem}"


def test_every_script_is_recorded_and_no_other() -> None:
    assert set(CANONICAL) == {path.stem for path in GOOD}
    assert set(TOLD) == {path.stem for path in BAD}


def test_reference_scripts_are_read() -> None:
    if not REFERENCE:
        pytest.skip("the reference folder is not here")
    assert len(REFERENCE) > 100


@pytest.mark.parametrize("path", GOOD, ids=_name)
def test_good_script_gives_the_recorded_text(path: Path) -> None:
    assert canonical_text(path) == CANONICAL[path.stem]


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_written_script_gives_the_same_tree(path: Path) -> None:
    script = parse(read(path))
    written = write(script)
    assert parse(written) == script
    assert write(parse(written)) == written


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_formatted_script_gives_the_same_tree_and_is_final(path: Path) -> None:
    text = read(path)
    formatted = format_script(text)
    assert parse(formatted) == parse(text)
    assert format_script(formatted) == formatted
    assert formatted.count("#") == text.count("#")


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_every_span_lies_in_the_text(path: Path) -> None:
    text = read(path)
    script = parse(text)
    for node in walk(script):
        if isinstance(node, Script):
            continue
        span = node.span
        assert isinstance(span, Span), node
        assert span.source.text == text
        assert 0 <= span.start < span.end <= len(text)
        assert span.text.strip("\ufeff") == span.text.strip("\ufeff").strip()


@pytest.mark.parametrize("path", BAD, ids=_name)
def test_bad_script_is_told_what_is_recorded(path: Path) -> None:
    assert message(path) == TOLD[path.stem]


@pytest.mark.parametrize("path", BAD, ids=_name)
def test_bad_script_is_pointed_at_where_it_is_marked(path: Path) -> None:
    text, places = load_marked(path)
    with pytest.raises(BlimpError) as caught:
        parse(text)
    assert [(each.span.start, each.span.end) for each in caught.value.findings if each.span] == places


@pytest.mark.parametrize("path", BAD, ids=_name)
def test_every_finding_has_a_code_and_plain_words(path: Path) -> None:
    text, _ = load_marked(path)
    with pytest.raises(BlimpError) as caught:
        parse(text)
    for finding in caught.value.findings:
        assert finding.code
        assert "Re:(" not in str(finding)
        assert not finding.message.endswith(".")
