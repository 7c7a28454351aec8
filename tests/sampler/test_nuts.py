"""Parameters that NUTS draws: which they are, their density against the graph's, their draws against the posterior."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import numpy as np
import pandas as pd
import pytest
from sampler import chains

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.sampler.verification.block_changes import block_changes
from blimp2pymc.sampler.verification.point import Point

DECAY = "MODEL: m ~ t@rate; y ~ 1@low exp(-rate*t)@height;"
POWER = "MODEL: yjt(y - 1) ~ t; var(y) ~ t;"


def simulated(n: int = 120, missing: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    t = rng.uniform(0.0, 3.0, n)
    table = pd.DataFrame({"t": t, "w": rng.normal(size=n), "m": 0.8 * t + rng.normal(size=n)})
    table["y"] = 1.0 + 2.0 * np.exp(-0.8 * t) + 0.4 * rng.normal(size=n)
    table["o"] = 1.0 + (table.m > 0) + (table.m > 2)
    if missing:
        table.loc[rng.random(n) < 0.15, "t"] = np.nan
        table.loc[rng.random(n) < 0.1, "y"] = np.nan
    return table


@cache
def model(script: str, missing: bool = True) -> Model:
    return resolve(f"MISSING: NA; SEED: 1; {script}", simulated(missing=missing))


def nuts_updates(made: Model, **options: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [each.targets for each in plan(made, **options).updates if each.kernel == "nuts"]


def test_parameters_inside_functions_go_to_nuts_with_their_coefficients() -> None:
    assert nuts_updates(model(DECAY)) == [("rate", "low", "height")]
    drawn = [each.targets for each in plan(model(DECAY)).updates if each.kernel == "coefficients"]
    assert ("low", "height") in drawn and not any("rate" in each for each in drawn)
    reason = plan(model(DECAY)).updates[0].reason
    assert "'rate' has no kernel of its own" in reason and "PyTensor compiles" in reason


def test_lambda_of_an_outcome_with_modelled_variance_goes_to_nuts() -> None:
    (targets,) = nuts_updates(model(POWER))
    assert targets[0] == "yjt(y-1) lambda"
    assert {"yjt(y-1) ~ t", "var(y) ~ t"} < set(targets)


def test_other_models_have_no_such_blocks() -> None:
    assert nuts_updates(model("MODEL: yjt(y - 1) ~ t; m ~ y t; var(m) ~ t;")) == []
    assert nuts_updates(model("ORDINAL: o; MODEL: o ~ t; m ~ o exp(t);")) == []


def test_any_parameter_can_be_given_to_nuts() -> None:
    made = model("MODEL: y ~ t; m ~ t; y ~~ m;")
    names = ("y ~ t", "y residual variance")
    assert set(nuts_updates(made, nuts=names)[0]) == set(names)
    others = {name: each.kernel for each in plan(made, nuts=names).updates for name in each.targets}
    assert others["m residual variance"] == "slice"
    with pytest.raises(BlimpError, match="'y ~ u' is no free parameter"):
        plan(made, nuts=("y ~ u",))


@pytest.mark.parametrize(
    ("script", "hint"),
    [
        ("CENTER: m; MODEL: m ~ t; y ~ exp(m);", "center it by hand"),
        ("ORDINAL: o; MODEL: m ~ t@rate; o ~ exp(-rate*t); w ~ t; o ~~ w;", "latent responses"),
        ("ORDINAL: o; MODEL: m ~ t@rate; o ~ exp(-rate*t); y ~ o.latent;", "latent responses"),
    ],
)
def test_what_nuts_cannot_draw_is_refused_by_name(script: str, hint: str) -> None:
    with pytest.raises(BlimpError, match="no kernel can draw") as caught:
        plan(model(script))
    assert hint in caught.value.findings[0].hint


def test_a_plan_with_blocks_needs_no_pymc() -> None:
    code = f"""
import sys, numpy as np, pandas as pd, blimp2pymc as bp
table = pd.DataFrame({{"t": np.arange(9.0), "m": np.arange(9.0) % 4, "y": np.arange(9.0) % 5}})
print(bp.plan(bp.resolve({DECAY!r}, table)))
assert not {{"pymc", "pytensor", "numba"}} & set(sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout.startswith("nuts")


# ---------------------------------------------------------------- the density


FORCED = {
    "decay": (DECAY, ()),
    "yeo-johnson with var()": (POWER, ()),
    "block": (
        "ORDINAL: o; MODEL: m ~ t; y ~ t o; m ~~ y; o ~ t;",
        ("y ~ t", "y ~ o", "y residual variance", "o ~ t"),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FORCED)
def test_density_is_the_graphs_and_the_gradient_its_derivative(name: str) -> None:
    from blimp2pymc.pymc_source.build import build

    script, forced = FORCED[name]
    made = model(script)
    correlations = [each for block in made.blocks if forced for each in block.correlations.values()]
    run = ChainRun.make_all(made, plan(made, nuts=(*forced, *correlations)), 1, 20, 1, 3, 0, False)[0]
    run.start()
    run.advance(20)
    assert run.blocks
    point = Point(run, build(made), np.random.default_rng(4))
    point.save()
    for index, (block, density) in enumerate(zip(run.blocks, run.densities, strict=True)):
        largest = np.zeros(1 + len(block.parameter))
        for _ in range(3):  # a single step may be short
            for place, (kernel, graph) in enumerate(block_changes(point, index)):
                point.restore()
                assert abs(kernel - graph) < 1e-6 * max(1.0, abs(graph))
                largest[place] = max(largest[place], abs(graph))
        assert largest.min() > 1e-3
        values = run.state.theta[block.parameter].copy()
        gradient = density.function(values, run.state.theta, run.state.columns)[1].copy()
        for k in range(len(values)):
            step = np.zeros(len(values))
            step[k] = 1e-5 * max(1.0, abs(values[k]))
            ends = [density.log_density(values + s * step, run.state.theta, run.state.columns) for s in (1, -1)]
            slope = (ends[0] - ends[1]) / (2 * step[k])
            assert abs(gradient[k] - slope) < 1e-5 * max(1.0, abs(slope))


# ---------------------------------------------------------------- draws


@pytest.mark.slow
def test_draws_by_nuts_and_by_kernels_have_one_posterior() -> None:
    made = model("MODEL: y ~ t; m ~ t; y ~~ m; PARAMETERS: bound ~ truncate(-.5, 0.2); MODEL: m ~ w@bound;")
    free = [name for name, each in made.parameters.items() if each.is_free and "t " not in name]
    forced = [name for name in free if name.startswith(("y", "m", "bound"))]
    drawn = [
        sample(made, each, draws=3000, burn=500, chains=2, seed=5) for each in (plan(made), plan(made, nuts=forced))
    ]
    for name in free:
        for power in (1, 2):
            ours, theirs = (each.parameter(name) ** power for each in drawn)
            error = np.hypot(chains.autocovariance_error(ours), chains.autocovariance_error(theirs))
            assert chains.within(ours.mean(), theirs.mean(), error), (name, power)


@pytest.mark.slow
def test_a_rate_of_decay_has_its_posterior() -> None:
    """Given the rate the equation is a regression: its other parameters are integrated out in closed form."""
    table = simulated(missing=False)
    made = resolve(f"SEED: 1; {DECAY} PARAMETERS: rate ~ truncate(.2, 1.6);", table)
    drawn = sample(made, draws=4000, burn=1000, chains=2, seed=2)

    def log_marginal(outcome: np.ndarray, design: np.ndarray) -> float:
        # Flat coefficients and a flat variance.
        precision = design.T @ design
        rest = outcome - design @ np.linalg.solve(precision, design.T @ outcome)
        n, p = design.shape
        return -0.5 * np.linalg.slogdet(precision)[1] - 0.5 * (n - p - 2) * np.log(rest @ rest)

    rates = np.linspace(0.2, 1.6, 1401)[1:-1]
    ones = np.ones(len(table))
    t, m, y = (table[name].to_numpy() for name in "tmy")
    density = np.array(
        [log_marginal(m - rate * t, ones[:, None]) + log_marginal(y, np.column_stack([ones, np.exp(-rate * t)]))
         for rate in rates]
    )  # fmt: skip
    weight = np.exp(density - density.max())
    weight /= weight.sum()
    for power in (1, 2):
        values = drawn.parameter("rate") ** power
        assert chains.within(values.mean(), float(weight @ rates**power), chains.autocovariance_error(values))


@pytest.mark.slow
def test_parameters_without_data_keep_their_prior() -> None:
    """All outcomes are drawn from the parameters and inform them in turn (geweke 2004)."""
    table = simulated(30, missing=False)
    script = """
    LATENT: eta zeta;
    MODEL: zeta ~ t@rate; zeta ~ 1@0; zeta ~~ zeta@1; eta ~ 1@low exp(-rate*t)@height; eta ~~ eta@spread;
    PARAMETERS: rate ~ normal(0, .25); low ~ normal(0, 1); height ~ normal(1, .25); spread ~ invgamma(5, 4);
    """
    made = resolve(f"SEED: 3; {script}", table)
    drawn = sample(made, draws=12000, burn=1000, chains=2, seed=6)
    rng = np.random.default_rng(0)
    priors = {
        "rate": 0.5 * rng.normal(size=40_000),
        "low": rng.normal(size=40_000),
        "height": 1 + 0.5 * rng.normal(size=40_000),
        "spread": 4 / rng.gamma(5.0, size=40_000),
    }
    for name, prior in priors.items():
        for power in (1, 2):
            ours, expected = np.tanh(drawn.parameter(name)) ** power, np.tanh(prior) ** power
            error = np.hypot(chains.autocovariance_error(ours), expected.std() / 200)
            assert chains.within(ours.mean(), expected.mean(), error), (name, power)
