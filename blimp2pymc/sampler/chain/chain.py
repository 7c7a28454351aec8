"""Chains: start, run in threads, stop, and gather what was drawn.

The compiled loop releases the GIL, so that each chain is a thread. It is called for about a tenth of a
second at a time; between calls chains look for a stop. Numbers depend on the seed and the chain alone.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

import numpy as np

from blimp2pymc.errors import error
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.sampler.plan.rules import Plan
from blimp2pymc.sampler.plan.rules import plan as make_plan

Progress = Callable[[int, int, float], None]
"""Called with iterations done and in total, over all chains, and seconds since the start."""

DEFAULT_CHAINS, DEFAULT_BURN, DEFAULT_ITERATIONS, DEFAULT_IMPUTATIONS = 4, 1000, 10000, 20
BATCH_SECONDS = 0.1
LARGE = 3e8
"""Bytes of draws and completed data from which on a run says how many it needs."""
START_TRIES = 20


def sample(
    model: Model,
    plan: Plan | None = None,
    *,
    draws: int | None = None,
    burn: int | None = None,
    chains: int | None = None,
    seed: int | None = None,
    cores: int | None = None,
    n_imputations: int | None = None,
    log_likelihood: bool = True,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> Draws:
    """Sample a model's posterior.

    Parameters
    ----------
    model
        A resolved model; its settings are the defaults of what follows.
    plan
        What to draw by which kernel; made from the model when not given.
    draws
        Kept draws of each chain; by default the script's ITERATIONS over CHAINS, rounded up.
    burn
        Burn-in iterations of each chain.
    chains
        Number of chains, 4 by default.
    seed
        Seed; the numbers drawn depend on it, the model, and the machine, not on `cores`.
    cores
        Number of threads; by default one per chain, as far as there are processors.
    n_imputations
        Number of completed data sets to keep, over all chains.
    log_likelihood
        Whether to accumulate each row's log-likelihood.
    progress
        Told how far the run is, a few times a second.
    note
        Told, before sampling begins, how much memory a large run needs, and what has to be compiled for this model.

    Raises
    ------
    BlimpError
        When the model has no sampler, the draws do not fit into memory, or sampling breaks down; it names the
        equation.
    """
    from blimp2pymc.sampler.chain.runs import ChainRun, gather, memory
    from blimp2pymc.sampler.tables.assembly import lay_out

    settings = model.settings
    chains = chains or settings.chains or DEFAULT_CHAINS
    if draws is None:
        draws = math.ceil((settings.iterations or DEFAULT_ITERATIONS) / chains)
    burn = burn if burn is not None else settings.burn if settings.burn is not None else DEFAULT_BURN
    if draws < 1 or burn < 0 or chains < 1:
        raise error("draws and chains must be at least 1, and burn-in at least 0")
    if seed is None:
        seed = settings.seed if settings.seed is not None else int(np.random.SeedSequence().entropy % 2**31)  # type: ignore[operator]
    n_imputations = n_imputations if n_imputations is not None else settings.n_imputations
    if n_imputations is None:
        n_imputations = min(DEFAULT_IMPUTATIONS, draws * chains)
    elif n_imputations > draws * chains:
        raise error(
            f"{n_imputations} completed data sets cannot be kept from {draws * chains} draws, one from each at most",
            hint="more ITERATIONS, or a smaller NIMPS",
        )
    plan = plan or make_plan(model)
    form = lay_out(model, plan)
    size = (
        f"{memory(form, draws, burn, chains, n_imputations) / 1e9:,.1f} GB of memory for {draws * chains:,} draws "
        f"and {n_imputations:,} completed data sets"
    )
    if note is not None and memory(form, draws, burn, chains, n_imputations) > LARGE:
        note(f"This run takes about {size}.")
    if note is not None:
        for each in plan.compiled_first:
            note(each)
    try:
        runs = ChainRun.make_all(
            model, plan, draws, burn, chains, seed, n_imputations, log_likelihood, form=form
        )  # fmt: skip
    except MemoryError:
        raise error(f"this run would take about {size}", hint="fewer ITERATIONS, or a smaller NIMPS") from None
    runs[0].compile()
    started = time.perf_counter()
    interrupted = _run_threads(runs, min(chains, cores or os.cpu_count() or 1), progress, started)
    seconds = time.perf_counter() - started
    if interrupted and min(run.kept for run in runs) == 0:
        raise KeyboardInterrupt
    return gather(runs, seconds, seed, interrupted)


def _run_threads(runs: list, cores: int, progress: Progress | None, started: float) -> bool:
    """Advance all chains to their end, a batch at a time, and say whether Ctrl-C ended that early."""
    stop = threading.Event()
    waiting, lock = list(runs), threading.Lock()
    total = sum(run.iterations for run in runs)
    interrupted = False
    with ThreadPoolExecutor(cores, thread_name_prefix="chain") as pool:
        futures: list[Future] = [pool.submit(_advance, waiting, lock, stop) for _ in range(cores)]
        pending = set(futures)
        try:
            while pending:
                finished, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
                if any(each.exception() is not None for each in finished):
                    stop.set()
                if progress is not None:
                    progress(sum(run.done for run in runs), total, time.perf_counter() - started)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            stop.set()
    for future in futures:
        future.result()
    return interrupted


def _advance(waiting: list, lock: threading.Lock, stop: threading.Event) -> None:
    """Give a batch to the chain that is furthest behind, again and again, until none is waiting.

    With fewer threads than chains all chains grow together, so that a run that is ended early has draws of
    every one of them. A chain that a thread holds goes back to `waiting` unless it is finished; there are
    never fewer threads than unfinished chains that are held.
    """
    while not stop.is_set():
        with lock:
            if not waiting:
                return
            run = min(waiting, key=lambda each: each.done)
            waiting.remove(run)
        if run.done == 0:
            run.start()
        started = time.perf_counter()
        count = 1
        while run.done < run.iterations and time.perf_counter() - started < BATCH_SECONDS and not stop.is_set():
            before = time.perf_counter()
            run.advance(min(count, run.iterations - run.done))
            spent = max(time.perf_counter() - before, 1e-9)
            count = max(1, min(10 * count, int(count * BATCH_SECONDS / spent)))
        if run.done < run.iterations:
            with lock:
                waiting.append(run)
