"""Prints how closely every reference case agrees, at the end of the run, passed or failed.

It stands here and not beside those tests, because with several workers the process that prints collects nothing.
"""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Lines that the tests recorded as `agreement`, whichever process they ran in."""
    reports = [each for outcome in ("passed", "failed") for each in terminalreporter.stats.get(outcome, [])]
    lines = sorted(
        str(value)
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "agreement" and report.when == "call"
    )
    if lines:
        terminalreporter.section("agreement with the reference cases")
        for line in lines:
            terminalreporter.write_line(line)
