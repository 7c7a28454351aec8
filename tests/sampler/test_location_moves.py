"""Changes of location: which there are, their density against the joint density, and posteriors with and without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sampler import chains, joint_density, test_latent, test_responses

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.kernels import location_moves
from blimp2pymc.sampler.plan.rules import plan

PRODUCTS = """ORDINAL: y0:y2 b; FIXED: x; LATENT: f g; MODEL: f ~ x; f@1; f -> y0@lead y1; g@1; g -> y2@other b;
g ~ f x f*x; PARAMETERS: lead ~ truncate(0, Inf); other ~ truncate(0, Inf);"""
MODERATED = """ORDINAL: y0:y2 b; FIXED: x; LATENT: f; MODEL: f ~ x; f@1; f -> y0@lead y1 y2; b ~ f x f*x;
PARAMETERS: lead ~ truncate(0, Inf);"""


def _with_complete_x(n: int):
    return test_responses._indicators(n).fillna({"x": 0.0})


CASES = {
    "indicators": (test_responses.INDICATORS, lambda: test_responses._indicators(60)),
    "correlated factors": (
        "ORDINAL: y0:y2 b; LATENT: f g; MODEL: f -> y0 y1; g -> y2 b; f ~~ g; x ~ f g f*g;",
        lambda: test_responses._indicators(60),
    ),
    "products": (PRODUCTS, lambda: _with_complete_x(60)),
    "square": ("LATENT: f; MODEL: f -> x1 x2 x3; y ~ f f^2;", lambda: test_latent.factors(60)),
}


def _moves(script, data):
    return {each.column.variable: each for each in plan(resolve(script, data)).location_moves}


def test_moves_of_indicators():
    (move,) = _moves(*_case("indicators")).values()
    assert move.targets == {f"{name} ~ Intercept" for name in ("y0", "y1", "y2", "x", "b")}
    assert move.drawn == ()
    assert {source for source, _, _ in move.entries} > {"y1 ~ f", "y2 ~ f", "x ~ f", "b ~ f"}
    assert [(constant, rest) for _, constant, rest in move.rates] == [(1.0, ())]


def test_slopes_take_up_what_the_latent_variable_is_multiplied_with():
    move = _moves(*_case("products"))["f"]
    assert ("g ~ f*x", "g ~ x", 1.0) in move.entries
    assert move.drawn == ("f ~ x",)
    # Without an intercept the residual of g changes by the slope.
    assert [(constant, rest) for _, constant, rest in move.rates] == [(1.0, ()), (0.0, (("g ~ f", 1.0),))]


def test_square_moves_slope_and_intercept():
    move = _moves(*_case("square"))["f"]
    assert {("y ~ f", "y ~ Intercept", 1.0), ("y ~ f^2", "y ~ f", 2.0)} < set(move.entries)


@pytest.mark.parametrize(
    "script",
    [
        # Integrated out while the intercepts are drawn.
        "LATENT: f; MODEL: f -> x1:x3;",
        # No slope of x3 takes up the product, or it is held by a label, a bound, a definition or a function.
        "LATENT: f; MODEL: f -> x1 x2; y ~ f f*x3;",
        "LATENT: f; MODEL: f -> x1 x2; y ~ f x3@a f*x3; m1 ~ x3@a;",
        "LATENT: f; MODEL: f -> x1 x2; y ~ f x3@a f*x3; PARAMETERS: a ~ truncate(0, Inf);",
        "LATENT: f; MODEL: f -> x1 x2; y ~ (exp(f));",
    ],
)
def test_what_holds_the_location(script):
    assert not _moves(script, test_latent.factors(40))


def _case(name):
    script, data = CASES[name]
    return script, data()


@pytest.mark.parametrize("name", CASES)
def test_density_of_moves(name):
    model = resolve(*_case(name))
    run = chains.chain(model)
    tables, state, work = run.layout.tables, run.state, run.work
    conditional, carry_out = (chains.callable_kernel(each) for each in (location_moves.conditional,
                                                                        location_moves.carry_out))  # fmt: skip
    assert run.layout.plan.location_moves
    for index, move in enumerate(run.layout.plan.location_moves):
        for scale in (0.7, -1.3):
            size = conditional(tables, index, state, work)
            assert size == 1 + len(move.drawn)
            matrix, linear = work.matrix[0, :size, :size].copy(), work.vector[0, :size].copy()
            matrix = np.tril(matrix) + np.tril(matrix, -1).T
            step = np.zeros(work.vector.shape[1])
            step[:size] = scale * np.linspace(1.0, 0.4, size)
            before = joint_density.log_joint(model, chains.free_parameters(run), run.completed())
            values = run.completed()[move.column.variable]
            carry_out(tables, index, step, state, work)
            assert run.completed()[move.column.variable] == pytest.approx(values + scale)
            after = joint_density.log_joint(model, chains.free_parameters(run), run.completed())
            step = step[:size]
            assert linear @ step - 0.5 * step @ matrix @ step == pytest.approx(after - before, abs=1e-6)
            kept = state.coefficient.copy()
            assert run.prepare()
            assert np.allclose(kept, state.coefficient, rtol=1e-9, atol=1e-9)


@pytest.mark.slow
def test_moves_leave_the_posterior_as_it_is():
    model = resolve(MODERATED, _with_complete_x(150))
    how = plan(model)
    runs = [
        sample(model, each, draws=15_000, burn=1000, chains=2, seed=seed, log_likelihood=False)
        for each, seed in ((how, 1), (replace(how, location_moves=()), 2))
    ]
    chains.assert_same_posterior(model, *runs)
