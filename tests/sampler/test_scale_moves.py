"""Changes of scale: which there are, their density against the joint density, and posteriors with and without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sampler import chains, joint_density, test_latent, test_responses

from blimp2pymc.joint_model.ir import ParameterKind, Prior
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.draws import cell_name
from blimp2pymc.sampler.kernels import scale_moves
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.sampler.verification.check import verify

FACTORS = "LATENT: f g; MODEL: f@1; g ~ f; g@v; f -> x1@a x2 x3; g -> m1 m2 m3; y ~ f g f*g;"
CORRELATED = "ORDINAL: y0:y2 b; LATENT: f g; MODEL: f -> y0 y1; g -> y2 b; f ~~ g; x ~ f g;"
MARKERS = "LATENT: f g; MODEL: f -> x1:x3 y; g -> m1:m3 y; f ~~ g; x1 ~~ m1; f ~ w;"
CASES = {
    # With fewer rows the factor may all but vanish, and a chain without moves seldom gets there and back.
    "marker and items": (test_responses.INDICATORS, lambda: test_responses._indicators(200)),
    "correlated factors": (CORRELATED, lambda: test_responses._indicators(60)),
    "inverse Wishart": (f"OPTIONS: prior1; {CORRELATED}", lambda: test_responses._indicators(60)),
    "standardised factor": (FACTORS, lambda: test_latent.factors(60)),
    "markers with values": (MARKERS, lambda: test_latent.factors(200)),
    "markers and products": (f"{test_latent.MEASUREMENT} y ~ f g f*g;", lambda: test_latent.factors(60)),
}


def _moves(script, data):
    return [
        ({cell_name(column): power for column, power in each.columns}, dict(each.parameters))
        for each in plan(resolve(script, data)).scale_moves
    ]


def test_moves_of_indicators():
    first, *others = _moves(*_case("marker and items"))
    assert first == (
        {"f": 1, "y0.latent": 1},
        {"f residual variance": 2, "y0 ~ Intercept": 1, "y0 threshold 2": 1, "y1 ~ f": -1, "y2 ~ f": -1, "x ~ f": -1,
         "b ~ f": -1},
    )  # fmt: skip
    assert [columns for columns, _ in others] == [{"y1.latent": 1}, {"y2.latent": 1}, {"b.latent": 1}]
    assert others[0][1] == {"y1 ~ Intercept": 1, "y1 ~ f": 1, "y1 threshold 2": 1}


def _case(name):
    script, data = CASES[name]
    return script, data()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        # A factor that is integrated out while its loadings are drawn.
        ("LATENT: f; MODEL: f -> x1:x3;", []),
        # The residuals of a marker with values change.
        (
            "LATENT: f; MODEL: f -> x1:x3 y; f ~ w;",
            [{"f residual variance": 2, "x2 ~ f": -1, "x3 ~ f": -1, "y ~ f": -1, "f ~ w": 1}],
        ),
        # Half of the loadings fixed: the scale is known.
        ("LATENT: f; MODEL: f -> x1@1 x2@1 x3; y ~ f*w;", []),
        ("LATENT: f; MODEL: f@1; f -> x1@a x2;", [{"a": -1, "x2 ~ f": -1}]),
        ("LATENT: f; MODEL: f@1; f -> x1@a x2@a; y ~ f^2;", [{"a": -1, "y ~ f^2": -2}]),
        # What is computed from a loading, and functions of a factor, hold the scale.
        ("LATENT: f; MODEL: f@1; f -> x1@a x2@b; PARAMETERS: b = 2*a + 1;", []),
        ("LATENT: f; MODEL: f@1; f -> x1@a x2; y ~ (exp(f));", []),
        ("LATENT: f; MODEL: f@1; f ~ y; f -> x1@a x2;", [{"a": -1, "x2 ~ f": -1, "f ~ y": 1}]),
    ],
)
def test_moves_are_those_the_equations_allow(script, expected):
    assert [parameters for _, parameters in _moves(script, test_latent.factors(40))] == expected


WEIGHTED = {
    "modelled variance": "ORDINAL: o b; LATENT: f; MODEL: f ~ w; var(f) ~ 1 w; f -> o b x;",
    "categories and counts": """ORDINAL: o b; COUNT: c; LATENT: f; MODEL: f -> o x; logit(b) ~ f; c ~ f w;
        y ~ w; var(y) ~ f;""",
    "fixed intercept": """ORDINAL: o; LATENT: f; MODEL: f ~ w; var(f) ~ 1@0 w g; f -> o@a x;
        PARAMETERS: a ~ truncate(0, Inf);""",
}


def _weighted(name):
    rng = np.random.default_rng(5)
    w = rng.normal(size=80)
    f = 0.4 * w + np.exp(0.2 * w) * rng.normal(size=80)
    table = pd.DataFrame({"w": w, "g": np.resize([0.0, 1.0, 1.0], 80), "x": f + rng.normal(size=80)})
    table["y"] = rng.normal(size=80) * np.exp(0.2 * f)
    table["o"] = 1.0 + np.digitize(f + rng.normal(size=80), [-0.5, 0.6])
    table["b"] = (f + rng.logistic(size=80) > 0).astype(float)
    table["c"] = rng.poisson(np.exp(0.3 + 0.3 * np.clip(f, -3, 3))).astype(float)
    return resolve(f"FIXED: w g; SEED: 1; {WEIGHTED[name]}", table)


def test_moves_with_weights():
    scale = {name: plan(_weighted(name)).scale_moves[0] for name in WEIGHTED}
    assert scale["modelled variance"].shifts == (("var(f) ~ Intercept", 2.0),)
    assert {"f ~ w": 1.0, "b ~ f": -1.0, "x ~ f": -1.0}.items() <= dict(scale["modelled variance"].parameters).items()
    assert {"logit(b) ~ f": -1.0, "c ~ f": -1.0, "var(y) ~ f": -1.0, "f residual variance": 2.0}.items() <= dict(
        scale["categories and counts"].parameters
    ).items()
    assert scale["fixed intercept"].shifts == ()
    assert scale["fixed intercept"].spread == ("var(f) ~ w", "var(f) ~ g")
    assert dict(scale["fixed intercept"].parameters) == {"f ~ w": 1.0, "a": -1.0, "x ~ f": -1.0}
    steps = {each.response.variable: each.scale for each in plan(_weighted("modelled variance")).response_steps}
    assert steps["o"].shifts == (("var(f) ~ Intercept", 2.0),)
    assert steps["b"] is None


@pytest.mark.parametrize("name", WEIGHTED)
def test_density_of_moves_with_weights(name):
    result = verify(_weighted(name), states=3)
    rows = [row for row in result.rows if row.kernel == "scale"]
    assert rows
    assert result.passed, str(result)
    assert max(row.difference for row in rows) < 1e-8
    run = ChainRun.make_all(_weighted(name), plan(_weighted(name)), 40, 20, 1, 3, 0, False)[0]
    run.start()
    run.advance(30)
    kept = [run.state.coefficient.copy(), run.state.columns.copy()]
    assert run.prepare()
    for old, new in zip(kept, (run.state.coefficient, run.state.columns), strict=True):
        assert np.allclose(old, new, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_density_of_moves(name):
    model = resolve(*_case(name))
    run = chains.chain(model)
    tables, state, work = run.layout.tables, run.state, run.work
    conditional, density = (chains.callable_kernel(each) for each in (scale_moves.conditional, scale_moves.log_density))
    carry_out = chains.callable_kernel(scale_moves.carry_out)
    assert run.layout.plan.scale_moves
    for index, move in enumerate(run.layout.plan.scale_moves):
        conditional(tables, index, state, work)
        for t in (0.2, -0.1):
            conditional(tables, index, state, work)
            change = density(tables, tables.scale_moves, index, t, state, work)
            change -= density(tables, tables.scale_moves, index, 0.0, state, work)
            before = joint_density.log_joint(model, chains.free_parameters(run), run.completed())
            assert carry_out(tables, tables.scale_moves, index, t, state, work)
            after = joint_density.log_joint(model, chains.free_parameters(run), run.completed())
            powers = sum(value for _, value in move.parameters)
            powers += sum(value * model.frame.n_rows for _, value in move.columns)
            assert change == pytest.approx(after - before + powers * t, abs=1e-6)
            # Everything that depends on the state has moved with it.
            kept = [state.sums.copy(), state.coefficient.copy(), state.precision.copy(), state.log_determinant.copy()]
            assert run.prepare()
            for old, new in zip(kept, (state.sums, state.coefficient, state.precision, state.log_determinant),
                                strict=True):  # fmt: skip
                assert np.allclose(old, new, rtol=1e-9, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["marker and items", "inverse Wishart", "standardised factor", "markers with values"])
def test_moves_leave_the_posterior_as_it_is(name):
    script, data = CASES[name]
    model = resolve(f"{script} PARAMETERS: a ~ truncate(0, Inf);" if "@a" in script else script, data())
    runs = [
        sample(model, plan(model, moves=on), draws=30_000, burn=1000, chains=2, seed=seed, log_likelihood=False)
        for on, seed in ((True, 1), (False, 2))
    ]
    chains.assert_same_posterior(model, *runs)


def _with_proper_priors(model):
    # Flat ones leave a factor with this few rows and items no scale to stay at.
    priors = {
        kind: Prior("normal", (0.0, 0.7))
        for kind in (ParameterKind.INTERCEPT, ParameterKind.SLOPE, ParameterKind.LOADING)
    }
    priors[ParameterKind.RESIDUAL_VARIANCE] = Prior("inverse_gamma", (4.0, 4.0))
    parameters = {
        name: replace(each, prior=priors.get(each.kind, each.prior)) if each.is_free else each
        for name, each in model.parameters.items()
    }
    return replace(model, parameters=parameters)


@pytest.mark.slow
@pytest.mark.parametrize("name", WEIGHTED)
def test_moves_with_weights_leave_the_posterior_as_it_is(name):
    model = _with_proper_priors(_weighted(name))
    how = plan(model)
    apart = tuple(replace(each, scale=None, scaled=()) for each in how.response_steps)
    plans = (how, plan(model, moves=False), replace(how, scale_moves=()), replace(how, response_steps=apart))
    full, *others = (
        sample(model, each, draws=20_000, burn=1000, chains=2, seed=seed, log_likelihood=False)
        for seed, each in enumerate(plans)
    )
    for other in others:
        chains.assert_same_posterior(model, full, other)
