"""Passes over the rows: every cell is drawn once, moments are those of the columns, locations follow; quantiles."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest
from sampler import chains, test_latent, test_responses

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain import row_passes
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.kernels import location_moves
from blimp2pymc.sampler.numerics import quantiles
from blimp2pymc.sampler.numerics.moments import LARGE
from blimp2pymc.sampler.plan.rules import plan

GROWTH = """LATENT: i s j; MODEL: { i s } ~ intercept z; i ~~ s; j ~ z i s z*i i*s;
{ t in 0:2 } : m[t] ~ 1@0 i@1 s@[t]; m0:m2@v; j -> y0@1 y1 y2; w ~ z i;"""
MANY = 15_000


def growth(n: int) -> pd.DataFrame:
    """Three waves and three indicators, some values of which are missing, in five patterns."""
    rng = np.random.default_rng(3)
    z, i, s = rng.normal(size=(3, n))
    j = 0.4 * i + 0.3 * s + 0.2 * z * i + rng.normal(size=n)
    data = {f"m{t}": i + t * s + rng.normal(size=n) for t in range(3)}
    data |= {f"y{t}": 1 + 0.8 * j + rng.normal(size=n) for t in range(3)}
    data |= {"z": z, "w": i + rng.normal(size=n)}
    frame = pd.DataFrame(data)
    for k, name in enumerate(("m1", "y2", "w", "z")):
        frame.loc[rng.choice(n, n // (6 + k), replace=False), name] = np.nan
    return frame


CASES = {
    "few rows": (GROWTH, lambda: growth(80)),
    "many rows": (GROWTH, lambda: growth(MANY)),
    "responses": (test_responses.INDICATORS, lambda: test_responses._indicators(60)),
    "square": ("LATENT: f; MODEL: f -> x1 x2 x3; y ~ f f^2;", lambda: test_latent.factors(60)),
}


def _run(name: str) -> ChainRun:
    script, data = CASES[name]
    model = resolve(script, data())
    run = ChainRun.make_all(model, plan(model), 10, 5, 1, 1, 2, False)[0]
    run.start()
    return run


def _needed(run: ChainRun, groups: Iterable[int]) -> list[tuple[int, int, int]]:
    """Moments that parameters of some groups look at: set and monomials."""
    residuals = run.layout.tables.residuals
    found = []
    for group in groups:
        first, last = residuals.group_start[group : group + 2]
        monomials = residuals.equation_monomial[residuals.monomial_start[first] : residuals.monomial_start[last]]
        found += [(residuals.group_set[group], a, b) for a in monomials for b in monomials]
    return found


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sweeps", [3, 8])
def test_moments_are_those_of_the_columns(name, sweeps):
    run = _run(name)
    assert (run.state.columns.size > LARGE) == (name == "many rows")
    run.advance(sweeps)
    found = run.state.sums.copy()
    assert run.prepare()
    for place in _needed(run, range(len(run.layout.tables.residuals.group_set))):
        assert found[place] == pytest.approx(run.state.sums[place], rel=1e-9, abs=1e-7)


def test_every_cell_is_drawn():
    run = _run("many rows")
    state, cells, work = run.state, run.layout.tables.cells, run.work
    assert len({int(each) for each in cells.low}) > 3
    update = chains.callable_kernel(row_passes.update)
    for phase in (0, 3):
        before = state.columns.copy()
        update(run.layout.tables, state, work, phase, row_passes.NO_MOMENTS, 0)
        drawn = np.zeros(state.columns.shape, bool)
        for block in np.flatnonzero(cells.phase == phase):
            members = cells.member[cells.member_start[block] : cells.member_start[block + 1]]
            drawn[members, cells.low[block] : cells.high[block]] = True
        assert drawn.any()
        assert np.array_equal(state.columns != before, drawn)
        assert np.isfinite(state.columns).all()


@pytest.mark.parametrize("name", ["few rows", "square"])
def test_rows_and_moments_follow_a_change_of_location(name):
    run = _run(name)
    moves = run.layout.tables.location_moves
    run.advance(3)
    assert run.prepare()
    update, shift = (chains.callable_kernel(each) for each in (location_moves.update, location_moves.shift_rows))
    before = run.state.columns.copy()
    update(run.layout.tables, run.state, run.work)
    offset = run.work.offset.copy()
    assert len(offset) and offset.all()
    shift(moves, 0, before.shape[1], run.state, run.work)
    expected = before.copy()
    expected[moves.column] += offset[:, None]
    assert np.allclose(run.state.columns, expected)
    found = run.state.sums.copy()
    assert run.prepare()
    for place in _needed(run, set(moves.group)):
        assert found[place] == pytest.approx(run.state.sums[place], rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("n_known", [0, 1, 7, 40])
@pytest.mark.parametrize("n_drawn", [0, 1, 2, 33])
def test_quantiles_of_known_and_other_values(n_known, n_drawn):
    if n_known + n_drawn == 0:
        return
    quantile, add_summary = (chains.callable_kernel(each) for each in (quantiles.quantile, quantiles.add_summary))
    rng = np.random.default_rng(n_known + 100 * n_drawn)
    for digits in (0, 8):
        known, drawn = (np.round(rng.normal(size=n), digits) for n in (n_known, n_drawn))
        whole = np.concatenate([known, drawn])
        known.sort()
        low = first = 0
        for probability in (0.0, 0.16, 0.25, 0.5, 0.75, 1.0, 0.3):
            value, low, first = quantile(known, drawn, probability, low, first)
            assert value == pytest.approx(np.quantile(whole, probability), abs=1e-12)
        total = np.ones(5)
        add_summary(known, drawn, total)
        assert total - 1 == pytest.approx([*np.quantile(whole, [0.25, 0.5, 0.75]), whole.min(), whole.max()], abs=1e-12)
