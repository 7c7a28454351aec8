"""Trajectories: which there are, gradients, draws of what they integrate out, posteriors with and without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sampler import chains

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.kernels import trajectories
from blimp2pymc.sampler.numerics.generator import generator_states
from blimp2pymc.sampler.numerics.largest import draw_largest, log_largest
from blimp2pymc.sampler.plan.rules import plan

CASES = {
    "logit": "ORDINAL: b; CENTER: x; MODEL: logit(b) ~ x w x*w;",
    "bounds": """ORDINAL: b; MODEL: logit(b) ~ x@k w@e; PARAMETERS: k ~ truncate(0, Inf); e ~ normal(0, 1);
        e ~ truncate(-Inf, 0.3);""",
    "multinomial": "NOMINAL: g; MODEL: g ~ x w;",
    "count": "COUNT: c; MODEL: c ~ x w;",
    "differences": "NOMINAL: g; FIXED: w; MODEL: y ~ g x w;",
    "one difference": "NOMINAL: b; FIXED: w; MODEL: y ~ b w;",
    # Coefficients that occur once are drawn with the thresholds.
    "ordered": "ORDINAL: o b; MODEL: o ~ x@a w@e; b ~ x@a w@e; y ~ o;",
    "a label": "COUNT: c; ORDINAL: b; MODEL: c ~ x@a w; logit(b) ~ x@a;",
}


def table(n: int = 80) -> pd.DataFrame:
    """Predictors and an outcome of every kind, some missing."""
    rng = np.random.default_rng(3)
    x, w = rng.normal(size=(2, n))
    x += 0.5 * w
    utilities = np.array([0 * x, 0.5 * x - 0.2, 0.3 * w]) + 0.7 * rng.normal(size=(3, n))
    frame = pd.DataFrame({"x": x, "w": w, "g": utilities.argmax(axis=0) + 1.0})
    frame["b"] = (x + rng.logistic(size=n) > 0).astype(float)
    frame["c"] = rng.poisson(np.exp(0.3 + 0.4 * w)).astype(float)
    frame["o"] = np.searchsorted([-0.5, 0.6], 0.5 * x + rng.normal(size=n)).astype(float)
    frame["y"] = 0.4 * x + (frame["g"] == 2) + 0.5 * frame["o"] + rng.normal(size=n)
    for name in ("x", "g", "b", "o", "y"):
        frame.loc[rng.random(n) < 0.12, name] = np.nan
    return frame


def _chain(name: str, **more):
    return chains.chain(resolve("MISSING: NA; SEED: 1; " + CASES[name], table()), collapsed=True, **more)


def _found(script: str):
    return plan(resolve("MISSING: NA; SEED: 1; " + script, table())).trajectories


def test_all_coefficients_of_a_nominal_outcome_move_together():
    (found,) = _found(CASES["multinomial"])
    assert found.targets == {f"g.{code} ~ {name}" for code in (2, 3) for name in ("Intercept", "x", "w")}
    assert str(found) == "6 coefficients of 'g' move together on the density of the observed values"


def test_outcomes_that_share_a_label_move_together():
    (found,) = _found(CASES["a label"])
    assert set(found.outcomes) == {"b", "c"}
    assert "a" in found.targets


@pytest.mark.parametrize(
    "script",
    [
        "MODEL: y ~ x;",
        # Others look at the latent response or difference itself.
        "ORDINAL: o; FIXED: w; MODEL: o ~ w; y ~ o.latent;",
        "ORDINAL: o b; FIXED: w; MODEL: o b ~ w; o ~~ b;",
        # An equation that is normal.
        "ORDINAL: b; FIXED: w; MODEL: logit(b) ~ 1@a w@e; y ~ 1@a w@e;",
    ],
)
def test_what_does_not_move(script):
    assert not _found(script)


def test_none_where_nothing_is_integrated_out():
    model = resolve("MISSING: NA; SEED: 1; " + CASES["differences"], table())
    assert plan(model).trajectories
    assert not plan(model, collapsed=False).trajectories
    assert not plan(model, moves=False).trajectories


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_the_derivative_of_the_density(name):
    run = _chain(name)
    tables, state, work = run.layout.tables, run.state, run.work
    density = chains.callable_kernel(trajectories.log_density)
    moved = tables.trajectories.member
    assert moved.size
    for index in range(len(tables.trajectories.part_start) - 1):
        own = moved[tables.trajectories.member_start[index] : tables.trajectories.member_start[index + 1]]
        gradient, matrix = np.zeros(len(own)), np.zeros((len(own), len(own)))
        density(tables, index, True, state, work, gradient, matrix)
        other, second = np.zeros((2, len(own))), np.zeros((len(own), len(own)))
        for k, parameter in enumerate(own):
            values = []
            for sign, place in ((1.0, 0), (-1.0, 1)):
                state.theta[parameter] += sign * 1e-5
                assert run.prepare()
                values.append(density(tables, index, False, state, work, other[place], matrix))
                state.theta[parameter] -= sign * 1e-5
            assert run.prepare()
            assert (values[0] - values[1]) / 2e-5 == pytest.approx(gradient[k], rel=1e-5, abs=1e-4)
            second[k] = (other[1] - other[0]) / 2e-5
        density(tables, index, True, state, work, gradient, matrix)
        assert np.allclose(matrix, matrix.T)
        assert np.linalg.eigvalsh(matrix).min() > 0
        # Expected information: that of logit equations is the second derivative, elsewhere it is near it.
        exact = name in ("logit", "bounds", "multinomial")
        assert np.allclose(matrix, second, rtol=1e-3, atol=1e-3 if exact else 0.4 * np.abs(np.diag(matrix)).max())


MARGINS = (
    (0.3,), (-9.0,), (1.0, -0.4), (-3.0, -1.0), (-4.9, 5.0), (-0.1, 8.0), (-6.0, -3.0), (-6.0, 2.0, 0.1), (12.0, 11.0),
    (-7.0, -7.5, -6.0),
)  # fmt: skip


@pytest.mark.parametrize("margins", MARGINS)
def test_probability_of_the_largest(margins):
    from scipy.integrate import quad
    from scipy.special import ndtr

    def integrand(z):
        return np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) * ndtr(z + np.array(margins)).prod()

    points = [max(0.0, -0.5 * min(margins))]
    exact = quad(integrand, -12, 15, points=points, epsabs=0, epsrel=1e-12, limit=500)[0]
    a, slopes, scratch = np.array(margins), np.zeros(len(margins)), np.zeros(len(margins))
    value = chains.callable_kernel(log_largest)(a, len(a), slopes, scratch)
    assert value == pytest.approx(np.log(exact), abs=1e-9)
    for j in range(len(a)):
        near = [a + sign * 1e-5 * np.eye(len(a))[j] for sign in (1, -1)]
        above, below = (chains.callable_kernel(log_largest)(each, len(a), np.zeros(len(a)), scratch) for each in near)
        assert slopes[j] == pytest.approx((above - below) / 2e-5, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("margins", [(0.3,), (1.0, -0.4), (-1.5, 0.5, 0.0)])
def test_draws_given_the_largest(margins):
    rng = np.random.default_rng(1)
    normals = rng.normal(size=(400_000, len(margins) + 1))
    kept = normals[(normals[:, 1:] < normals[:, :1] + np.array(margins)).all(axis=1)]
    (generator,) = generator_states(5, 1)
    out = np.zeros(len(margins))
    drawn = []
    for _ in range(20_000):
        own = chains.callable_kernel(draw_largest)(generator, np.array(margins), len(margins), out)
        drawn.append([own, *out])
    found = np.array(drawn)
    for moment in (1, 2, 3):
        error = np.hypot((found**moment).std(axis=0) / len(found) ** 0.5, (kept**moment).std(axis=0) / len(kept) ** 0.5)
        assert (np.abs((found**moment).mean(axis=0) - (kept**moment).mean(axis=0)) < 4.5 * error).all()
    assert np.abs(np.corrcoef(found.T) - np.corrcoef(kept.T)).max() < 0.03


def test_differences_have_the_category_as_the_largest():
    run = _chain("differences")
    table, state = run.layout.tables.trajectories, run.state
    (part,) = np.flatnonzero(table.kind == 2)
    index = int(np.searchsorted(table.part_start, part, side="right")) - 1
    chains.callable_kernel(trajectories.redraw)(run.layout.tables, index, state, run.work)
    equations = slice(table.equation_start[part], table.equation_start[part + 1])
    rows = np.arange(table.run_low[table.run_start[part]], table.run_high[table.run_start[part + 1] - 1])
    differences = state.columns[table.response[equations]][:, rows]
    codes = np.array([1.0, *table.code[table.code_start[part] : table.code_start[part + 1]]])
    largest = np.argmax([np.zeros(len(rows)), *differences], axis=0)
    assert (codes[largest] == state.columns[table.outcome[part], rows]).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_trajectories_leave_the_posterior_as_it_is(name):
    model = resolve("MISSING: NA; SEED: 1; " + CASES[name], table(60))
    how = plan(model)
    assert how.trajectories
    runs = [
        sample(model, each, draws=20_000, burn=1000, chains=2, seed=seed, log_likelihood=False)
        for each, seed in ((how, 1), (replace(how, trajectories=()), 2))
    ]
    chains.assert_same_posterior(model, *runs)
