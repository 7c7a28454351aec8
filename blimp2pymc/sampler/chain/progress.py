"""The progress bar of sampling: iterations done and time left, on stderr.

Beside `chain`, which only reports numbers. A bar is shown to people, at a terminal or in a notebook;
logs and pipes get nothing. Rich is imported when a bar is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(is_wanted: bool) -> Iterator[Callable[[int, int, float], None] | None]:
    """Show a bar while the body runs.

    Parameters
    ----------
    is_wanted
        Whether to show one at all.

    Yields
    ------
    What `chain.sample` takes as `progress`: a function of iterations done, iterations in total and seconds,
    or None when there is nobody to see a bar.
    """
    in_notebook = "ipykernel" in sys.modules
    if not is_wanted or not (sys.stderr.isatty() or in_notebook):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
        TimeRemainingColumn(),
        console=Console(stderr=not in_notebook),
        transient=True,
    )
    with bar:
        task = bar.add_task("Preparing", total=None, count="", left="")

        def advance(done: int, total: int, seconds: float) -> None:
            count = f"{done:,} of {total:,} iterations"
            bar.update(task, description="Sampling", completed=done, total=total, count=count, left="| left")

        yield advance
