"""The progress bar says how far a run is, how long it took and what is left."""

from __future__ import annotations

import sys

import pytest

from blimp2pymc.sampler.chain.progress import progress_bar


def test_bar_tells_iterations_and_both_times(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_bar(True) as advance:
        assert advance is not None
        advance(1500, 4000, 2.0)
    shown = capsys.readouterr().err
    assert "1,500 of 4,000 iterations" in shown and "| left" in shown
    assert "left" not in shown.partition("Sampling")[0]


def test_no_bar_where_nobody_looks_or_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with progress_bar(True) as advance:
        assert advance is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress_bar(False) as advance:
        assert advance is None
