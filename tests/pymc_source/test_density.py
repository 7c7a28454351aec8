"""The graph of the emitted source has the density the resolved model stands for."""

from __future__ import annotations

import hand_built
import numpy as np
import pytest
from pymc_source import cases
from pymc_source.category_density import random_responses
from pymc_source.joint_density import completed_columns, log_joint, random_state

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.pymc_source.build import build
from blimp2pymc.pymc_source.point import crossing, log_density

MODELS = {
    "interaction": hand_built.interaction,
    "correlated_mediators": hand_built.correlated_mediators,
    **{name: lambda name=name: cases.case(name) for name in cases.NAMES},
}


@pytest.mark.parametrize("name", MODELS)
def test_differences_between_random_states_equal_the_formula(name: str) -> None:
    model: Model = MODELS[name]()
    graph = build(model)
    ours, both_ways = log_density(graph, mode="FAST_COMPILE"), crossing(model, graph)
    to_point = both_ways.value_point
    rng = np.random.default_rng(7)
    states = [random_state(model, rng) for _ in range(4)]
    states = [(*state, responses_at(model, rng, *state)) for state in states]
    graph_values = [ours(to_point(*state)) + both_ways.response_log_density(*state) for state in states]
    formula_values = [log_joint(model, *state) for state in states]
    assert np.all(np.isfinite(graph_values))
    np.testing.assert_allclose(np.diff(graph_values), np.diff(formula_values), rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize("name", MODELS)
def test_states_survive_the_way_to_the_graph_and_back(name: str) -> None:
    model: Model = MODELS[name]()
    graph = build(model)
    both_ways = crossing(model, graph)
    parameters, cells = random_state(model, np.random.default_rng(8))
    responses = responses_at(model, np.random.default_rng(9), parameters, cells)
    point = both_ways.value_point(parameters, cells, responses)
    assert point.keys() == {each.name for each in graph.value_vars}
    found, found_cells = both_ways.natural_state(point)
    assert found == pytest.approx(parameters)
    assert list(found) == [name for name in model.parameters if name in found]
    assert found_cells.keys() == cells.keys()
    for name_of_cells, values in cells.items():
        np.testing.assert_allclose(found_cells[name_of_cells], values)
    found_responses = both_ways.responses(point)
    assert found_responses.keys() == responses.keys()
    for column, values in responses.items():
        np.testing.assert_allclose(found_responses[column], values, rtol=1e-6)


def responses_at(
    model: Model, rng: np.random.Generator, parameters: dict, cells: dict, *, augmented: bool = False
) -> dict:
    """Latent responses the source writes, inside the limits of their categories."""
    return random_responses(model, rng, parameters, completed_columns(model, cells), augmented=augmented)


@pytest.mark.parametrize(
    "name", ["ordinal_outcomes", "ordinal_predictors", "polychoric", "nominal_predictor", "two_nominal_predictors"]
)
def test_explicit_latent_responses_are_normal_and_cut_into_categories(name: str) -> None:
    model = cases.case(name)
    graph = build(model, augmented=True)
    ours, both_ways = log_density(graph, mode="FAST_COMPILE"), crossing(model, graph)
    rng = np.random.default_rng(11)
    states = [random_state(model, rng) for _ in range(3)]
    full = [(*state, responses_at(model, rng, *state, augmented=True)) for state in states]
    graph_values = [ours(both_ways.value_point(*each)) + both_ways.response_log_density(*each) for each in full]
    np.testing.assert_allclose(np.diff(graph_values), np.diff([log_joint(model, *each) for each in full]), rtol=1e-8)
    for parameters, cells, responses in full:
        found = both_ways.responses(both_ways.value_point(parameters, cells, responses))
        assert found.keys() == responses.keys()
        for column, values in responses.items():
            np.testing.assert_allclose(found[column], values, rtol=1e-7, atol=1e-9)


def test_a_response_outside_its_category_has_no_density() -> None:
    model = cases.case("latent_responses")
    both_ways = crossing(model, build(model))
    parameters, cells = random_state(model, np.random.default_rng(12))
    responses = responses_at(model, np.random.default_rng(13), parameters, cells)
    assert np.isfinite(both_ways.response_log_density(parameters, cells, responses))
    for column, values in responses.items():
        row = np.flatnonzero(~np.isnan(model.data[column.variable]))[0]
        outside = values.copy()
        is_lowest = model.data[column.variable][row] == model.variables[column.variable].categories[0]
        outside[row] = 40.0 if is_lowest else -40.0
        assert both_ways.response_log_density(parameters, cells, {**responses, column: outside}) == -np.inf
