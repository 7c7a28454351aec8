"""The graph of the emitted source has the density the resolved model stands for."""

from __future__ import annotations

import hand_built
import numpy as np
import pytest
from pymc_source import cases
from pymc_source.joint_density import log_joint, random_state

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
    ours, to_point = log_density(graph, mode="FAST_COMPILE"), crossing(model, graph).value_point
    rng = np.random.default_rng(7)
    states = [random_state(model, rng) for _ in range(4)]
    graph_values = [ours(to_point(*state)) for state in states]
    formula_values = [log_joint(model, *state) for state in states]
    assert np.all(np.isfinite(graph_values))
    np.testing.assert_allclose(np.diff(graph_values), np.diff(formula_values), rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize("name", MODELS)
def test_states_survive_the_way_to_the_graph_and_back(name: str) -> None:
    model: Model = MODELS[name]()
    graph = build(model)
    both_ways = crossing(model, graph)
    parameters, cells = random_state(model, np.random.default_rng(8))
    point = both_ways.value_point(parameters, cells)
    assert point.keys() == {each.name for each in graph.value_vars}
    found, found_cells = both_ways.natural_state(point)
    assert found == pytest.approx(parameters)
    assert list(found) == [name for name in model.parameters if name in found]
    assert found_cells.keys() == cells.keys()
    for name_of_cells, values in cells.items():
        np.testing.assert_allclose(found_cells[name_of_cells], values)
