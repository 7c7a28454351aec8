"""The PyMC step: agrees with the sampler, alone and beside NUTS; repeats itself; keeps to its variables."""

from __future__ import annotations

from functools import cache

import cloudpickle
import hand_built
import numpy as np
import pandas as pd
import pymc as pm
import pytest
from sampler import chains, checked

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.build import build
from blimp2pymc.pymc_source.names import python_names
from blimp2pymc.pymc_source.point import crossing
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.sampler.step import CompoundGibbs, starting_points, without
from blimp2pymc.sampler.verification.check import compare
from blimp2pymc.sampler.verification.point import SWEEPS

OPTIONS = {"progressbar": False, "quiet": True, "compute_convergence_checks": False, "random_seed": 11}


@cache
def _interaction():
    model = hand_built.interaction()
    return model, build(model)


def _step(**options):
    model, graph = _interaction()
    return CompoundGibbs(model, graph=graph, **options)


def _equal(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_a_step_draws_everything_and_leaves_its_point_alone():
    _, graph = _interaction()
    point = graph.initial_point()
    before = {name: value.copy() for name, value in point.items()}
    new, statistics = _step().step(point)
    assert _equal(point, before)
    assert list(new) == list(point)
    assert all(not np.any(new[name] == point[name]) for name in point)
    assert statistics == [{"sweeps": 1}]
    assert np.isfinite(graph.compile_logp()(new))


def test_restored_state_repeats_the_step():
    _, graph = _interaction()
    step = _step(sweeps=2)
    step.setup_chain(np.random.default_rng(1), 10, 10)
    point, _ = step.step(graph.initial_point())
    kept = step.sampling_state
    first, _ = step.step(point)
    further, _ = step.step(first)
    step.sampling_state = kept
    again, _ = step.step(point)
    assert _equal(first, again)
    assert not _equal(first, further)


def test_pickled_step_goes_on_the_same():
    _, graph = _interaction()
    step = _step(leave=["y_residual_variance"])
    step.setup_chain(np.random.default_rng(2), 10, 10)
    point, _ = step.step(graph.initial_point())
    copy = cloudpickle.loads(cloudpickle.dumps(step))
    assert _equal(step.step(point)[0], copy.step(point)[0])
    assert [each.name for each in copy.vars] == [each.name for each in step.vars]


def test_chains_in_one_process_or_two_give_the_same_numbers():
    model, graph = _interaction()
    found = []
    for cores in (1, 2):
        with graph:
            found.append(
                pm.sample(
                    40, tune=10, chains=2, cores=cores, step=CompoundGibbs(model),
                    initvals=starting_points(model, graph, chains=2), **OPTIONS,
                )["posterior"]
            )  # fmt: skip
    one, two = found
    assert all(np.array_equal(one[name], two[name]) for name in one.data_vars)
    assert not np.array_equal(one["b1"][0], one["b1"][1])


@pytest.mark.parametrize(
    "leave",
    [["y_residual_variance"], ["y residual variance", "b1"], ["x1_x2_correlation"], ["x2 mean", "x1_coefficient"]],
)
def test_what_is_left_keeps_its_value(leave):
    _, graph = _interaction()
    step = _step(leave=leave)
    point = graph.initial_point()
    new, _ = step.step(point)
    left = {graph.rvs_to_values[each].name for each in step.left}
    assert left | {each.name for each in step.vars} == set(point)
    assert left.isdisjoint(each.name for each in step.vars)
    # Coefficients move along with a centered mean wherever they are drawn.
    assert all(np.array_equal(new[name], point[name]) == (name != "b1") for name in left)
    assert all(not np.array_equal(new[each.name], point[each.name]) for each in step.vars)


@pytest.mark.parametrize(
    ("leave", "words"),
    [
        (["y_residual_varience"], "is no parameter that can be left"),
        (["x1_missing"], "is no parameter that can be left"),
        (["y ~ x2"], "'y_coefficient' is one variable of the graph"),
        (list(hand_built.interaction().parameters), "no parameters left"),
    ],
)
def test_what_cannot_be_left_is_refused(leave, words):
    with pytest.raises(BlimpError, match=words):
        _step(leave=leave)


def test_sweeps_are_counted_from_one():
    with pytest.raises(BlimpError, match="at least 1"):
        _step(sweeps=0)


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("three correlated outcomes", {"y1 residual variance", "y3 ~ w"}),
        ("equal slopes of correlated outcomes", {"b"}),
        ("mean of a centered outcome", {"m mean", "y1 ~ m"}),
        ("truncated priors", {"a", "e"}),
        ("predictors of a latent variance", {"var(f) ~ w"}),
    ],
)
def test_what_remains_of_a_plan_agrees_with_the_graph(name, left):
    model = checked.case(name)
    rest = without(plan(model), frozenset(left))
    targets = {target for each in rest.updates for target in each.targets}
    assert not left & targets
    assert {each for each, parameter in model.parameters.items() if parameter.is_free} - left <= targets
    run = ChainRun.make_all(model, rest, 1, SWEEPS, 1, 0, 0, False)[0]
    result = compare(run, build(model), states=2)
    assert all(row.passed for row in result.rows), str(result)
    assert set(result.uncovered) == left


def test_starting_points_are_dispersed_and_possible():
    model, graph = _interaction()
    points = starting_points(model, graph, chains=3, seed=4)
    assert len(points) == 3
    assert all(np.isfinite(graph.compile_logp()(point)) for point in points)
    assert not np.array_equal(points[0]["y_coefficient"], points[1]["y_coefficient"])
    assert _equal(points[2], starting_points(model, graph, chains=3, seed=4)[2])


def _agree(model, posterior, draws):
    """Means and standard deviations of every parameter, within Monte Carlo error."""
    names = python_names(model)
    for name, parameter in model.parameters.items():
        if parameter.fixed is not None:
            continue
        place = names.parameters[name]
        values = posterior[place.variable].values
        values = values if place.index is None else values[..., place.index]
        center = draws.parameter(name).mean()
        for power in (1, 2):
            one, other = (values - center) ** power, (draws.parameter(name) - center) ** power
            error = np.hypot(chains.autocovariance_error(one), chains.autocovariance_error(other))
            assert chains.within(one.mean(), other.mean(), error), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "leave"),
    [
        ("interaction of centered predictors", None),
        ("interaction of centered predictors", ["y1_residual_variance", "x_mean"]),
        ("equal variances of correlated outcomes", None),
        ("equal variances of correlated outcomes", ["r"]),
        ("mean of a centered outcome", None),
        ("square of a centered predictor", None),
        ("square of a centered predictor", ["y1_coefficient"]),
    ],
)
def test_agrees_with_the_sampler(name, leave):
    model = checked.case(name)
    draws = sample(model, draws=10_000, burn=500, chains=2, seed=3)
    graph = build(model)
    with graph:
        gibbs = CompoundGibbs(model, leave=leave or (), sweeps=3)
        steps = [gibbs, pm.NUTS(gibbs.left)] if leave else gibbs
        n, tune = (1500, 500) if leave else (4000, 200)
        posterior = pm.sample(
            n, tune=tune, chains=2, cores=2, step=steps, initvals=starting_points(model, graph, chains=2), **OPTIONS
        )["posterior"]
    _agree(model, posterior, draws)


ORDINAL = "ORDINAL: o; MODEL: x ~ z; o ~ x z; y ~ o.latent x;"


def _ordinal_model():
    rng = np.random.default_rng(8)
    n = 150
    z = rng.normal(size=n)
    x = 0.5 * z + rng.normal(size=n)
    response = 0.3 + 0.7 * x - 0.4 * z + rng.normal(size=n)
    table = pd.DataFrame({"z": z, "x": x, "o": 1.0 + np.digitize(response, [0.0, 0.8])})
    table["y"] = 0.5 * response + 0.3 * x + rng.normal(size=n)
    table.loc[rng.random(n) < 0.1, "o"] = np.nan
    table.loc[rng.random(n) < 0.1, "x"] = np.nan
    return resolve(f"MISSING: NA; SEED: 1; {ORDINAL}", table)


def test_explicit_latent_responses_are_read_and_written():
    model = _ordinal_model()
    graph = build(model)
    step = CompoundGibbs(model, graph=graph)
    across = crossing(model, graph, interpreted=False)
    assert across.response_point.variables
    point = starting_points(model, graph, chains=1)[0]
    new, _ = step.step(point)
    names = [across.value_names[each] for each in across.response_point.variables]
    assert all(not np.any(new[name] == point[name]) for name in names)
    state, form = step._run.state, step._run.layout
    for column, values in across.responses(new).items():
        assert np.allclose(state.columns[form.columns[column]], values[form.incomplete_rows], atol=1e-6)
    # What a step knows of responses is what the point says, not what it drew last.
    other = starting_points(model, graph, chains=2, seed=5)[1]
    step.setup_chain(np.random.default_rng(1), 0, 10)
    step.step(other)
    step.setup_chain(np.random.default_rng(1), 0, 10)
    first, _ = step.step(point)
    step.setup_chain(np.random.default_rng(1), 0, 10)
    assert _equal(first, step.step(point)[0])


@pytest.mark.slow
def test_with_nuts_beside_it_an_ordinal_model_agrees_with_the_sampler():
    model = _ordinal_model()
    names = [name for name, each in model.parameters.items() if each.is_free]
    ours = sample(model, draws=4000, burn=500, chains=2, seed=4)
    with build(model) as graph:
        step = CompoundGibbs(model, leave=["y_coefficient", "y_residual_variance"], sweeps=2)
        found = pm.sample(
            1500, tune=500, chains=2, cores=1, step=[step, pm.NUTS(step.left)],
            initvals=starting_points(model, graph, chains=2), **OPTIONS,
        )  # fmt: skip
    places = python_names(model).parameters
    for name in names:
        place = places[name]
        theirs = found.posterior[place.variable].to_numpy()
        theirs = theirs if place.index is None else theirs[..., place.index]
        for power in (1, 2):
            first, second = ours.parameter(name) ** power, theirs**power
            error = np.hypot(chains.autocovariance_error(first), chains.autocovariance_error(second))
            assert chains.within(first.mean(), second.mean(), error), (name, power)


def test_other_steps_beside_implicit_responses_without_one_draw_are_refused():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"x": rng.normal(size=60), "a": rng.integers(1, 4, 60), "b": rng.integers(1, 3, 60)})
    model = resolve("ORDINAL: a b; SEED: 1; MODEL: a ~ x; b ~ x; a ~~ b;", table)
    with pytest.raises(BlimpError, match="leaves out the latent responses") as caught:
        CompoundGibbs(model, graph=build(model), leave=["a ~ x"])
    assert "augmented" in caught.value.findings[0].hint


def test_what_has_no_kernel_is_left_to_other_steps():
    rng = np.random.default_rng(3)
    t = rng.uniform(0, 3, 60)
    table = pd.DataFrame(
        {"t": t, "m": 0.5 * t + rng.normal(size=60), "y": np.exp(-0.5 * t) + 0.3 * rng.normal(size=60)}
    )
    model = resolve("SEED: 1; MODEL: m ~ t@rate; y ~ 1@low exp(-rate*t)@height;", table)
    step = CompoundGibbs(model, graph=build(model))
    assert [each.name for each in step.left] == ["rate"]
