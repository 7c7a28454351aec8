"""A chain at a random state, for tests of single kernels."""

from __future__ import annotations

from functools import cache

import numpy as np

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.compilation.compiled import entry
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.sampler.plan.rules import plan


@cache
def callable_kernel(function):
    """A kernel as Python can call it."""
    return entry(function)


def chain(model: Model, *, collapsed: bool = False, seed: int = 1, sweeps: int = 5) -> ChainRun:
    """A chain after a few sweeps, with everything computed from its current parameters and columns."""
    run = ChainRun.make_all(model, plan(model, collapsed=collapsed), 10, sweeps, 1, seed, 2, True)[0]
    run.start()
    run.advance(sweeps)
    assert run.prepare()
    return run


def assert_everything_follows(model: Model, *, burn: int, sweeps: int) -> None:
    """What depends on parameters and columns is, after some sweeps, what it is when computed anew."""
    run = ChainRun.make_all(model, plan(model), sweeps, burn, 1, 3, 0, False)[0]
    run.start()
    run.advance(sweeps)
    state = run.state
    kept = [state.coefficient.copy(), state.precision.copy(), state.columns.copy()]
    assert run.prepare()
    for old, new in zip(kept, (state.coefficient, state.precision, state.columns), strict=True):
        assert np.allclose(old, new, rtol=1e-9, atol=1e-9)


def free_parameters(run: ChainRun) -> dict[str, float]:
    """Current values of the free parameters."""
    model = run.layout.model
    return {
        name: float(run.state.theta[run.layout.parameters[name]]) for name, p in model.parameters.items() if p.is_free
    }


def steps(run: ChainRun, *kernels: str):
    """Updates of these kernels, each with its index among the tables of its kind."""
    counts: dict[str, int] = {}
    kinds = {"means": "coefficients", "bounded": "coefficients"}
    for update in run.layout.plan.updates:
        kind = kinds.get(update.kernel, update.kernel)
        index = counts.get(kind, 0)
        counts[kind] = index + 1
        if update.kernel in kernels:
            yield index, update


def within(estimate: float, expected: float, standard_error: float, bound: float = 4.5) -> bool:
    """Whether an estimate is as far from what is expected as its standard error allows."""
    return bool(abs(estimate - expected) < bound * standard_error)


def autocovariance_error(draws: np.ndarray) -> float:
    """Standard error of the mean of (chain, draw) values, by batch means."""
    chains, n = draws.shape
    size = max(1, int(n**0.5))
    batches = draws[:, : n - n % size].reshape(chains, -1, size).mean(axis=2).ravel()
    return float(batches.std(ddof=1) / np.sqrt(batches.size))


def assert_same_posterior(model: Model, first: Draws, second: Draws) -> None:
    """Mean and variance of every free parameter agree in two runs, as far as their Monte Carlo errors tell."""
    for name in (name for name, each in model.parameters.items() if each.is_free):
        # Variances and loadings of few rows have long tails: compare them where moments are finite.
        one, other = (np.arctan(run.parameter(name)) for run in (first, second))
        error = np.hypot(autocovariance_error(one), autocovariance_error(other))
        assert within(one.mean(), other.mean(), error), name
        squares = [(each - one.mean()) ** 2 for each in (one, other)]
        error = np.hypot(*(autocovariance_error(each) for each in squares))
        assert within(squares[0].mean(), squares[1].mean(), error), name
