"""Names of the graph: identifiers, unique, and looked up both ways without PyMC."""

from __future__ import annotations

import keyword
import subprocess
import sys

import hand_built
import pytest
from pymc_source import cases

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.build import build
from blimp2pymc.pymc_source.facts import DISCRETE, family_of, has_missing_categories
from blimp2pymc.pymc_source.names import RESERVED, Place, identifier, python_names


def test_places_of_the_interaction_model() -> None:
    names = python_names(hand_built.interaction())
    assert {name: str(place) for name, place in names.parameters.items()} == {
        "y ~ Intercept": "y_intercept",
        "b1": "b1",
        "y ~ x2": "y_coefficient[0]",
        "y ~ d": "y_coefficient[1]",
        "y ~ x1*x2": "y_coefficient[2]",
        "y residual variance": "y_residual_variance",
        "x1 mean": "x1_mean",
        "x1 ~ d": "x1_coefficient[0]",
        "x1 residual variance": "x1_residual_variance",
        "x2 mean": "x2_mean",
        "x2 ~ d": "x2_coefficient[0]",
        "x2 residual variance": "x2_residual_variance",
        "x1 ~~ x2": "x1_x2_correlation",
    }
    assert names.parameters["y ~ d"] == Place("y_coefficient", 1, "d")
    assert names.parameter_at["y_coefficient", 1] == "y ~ d"
    assert names.vectors["y_coefficient"] == ("y ~ x2", "y ~ d", "y ~ x1*x2")
    assert names.coords["y_term"] == ("x2", "d", "x1*x2")
    assert names.quantities == {"twice": "twice"}
    assert names.missing == {"y": "y_missing", "x1": "x1_missing", "x2": "x2_missing"}


@pytest.mark.parametrize("name", cases.NAMES)
def test_names_agree_with_the_graph(name: str) -> None:
    model = cases.case(name)
    names, graph = python_names(model), build(model)
    for parameter, place in names.parameters.items():
        assert names.parameter_at[place.variable, place.index] == parameter
        assert place.variable in graph.named_vars
    for variable, dims in names.dims.items():
        assert variable in graph.named_vars_to_dims or variable in names.missing.values(), variable
        if variable not in graph.named_vars_to_dims:
            continue
        assert graph.named_vars_to_dims[variable] == dims
    for dim, labels in names.coords.items():
        if dim in graph.coords:
            assert tuple(graph.coords[dim]) == labels
    unwritten = {each for each in model.incomplete if family_of(model, each) in DISCRETE}
    unwritten -= {each for each in unwritten if has_missing_categories(model, each)}
    missing = {variable for each, variable in names.missing.items() if each not in unwritten}
    assert missing | set(names.quantities.values()) <= set(graph.named_vars)


def test_names_that_are_no_identifiers_are_changed_and_remembered() -> None:
    table = cases.simulated().rename(columns={"x1": "m.1", "x2": "m_1", "x3": "pm", "w": "lambda", "d": "model"})
    model = resolve(
        "FIXED: lambda; MODEL: m.1 ~ lambda; y ~ m.1@print m_1 pm lambda model; PARAMETERS: y_mean = print*2;", table
    )
    names = python_names(model)
    columns = {column.variable: name for column, name in names.columns.items()}
    assert columns == {"y": "y", "m_1": "m_1", "m.1": "m_1_2", "pm": "pm_", "lambda": "lambda_", "model": "model_"}
    assert names.originals["m_1_2"] == "m.1"
    assert str(names.parameters["print"]) == "print_"
    assert names.quantities == {"y_mean": "y_mean"}
    assert names.columns[Column("m.1")] == "m_1_2"
    build(model)


@pytest.mark.parametrize("text", ["", "1x", "a b", "é", "__class__", "def", "None", "np", 'x"]; import os', "match"])
def test_identifiers_are_safe(text: str) -> None:
    name = identifier(text)
    assert name.isidentifier() and name.isascii()
    assert not keyword.iskeyword(name) and name not in RESERVED and not name.startswith("__")


def test_names_and_source_need_no_pymc() -> None:
    code = """
import sys
import hand_built
from blimp2pymc.pymc_source.names import python_names
from blimp2pymc.pymc_source.emit import translate
python_names(hand_built.interaction()), translate(hand_built.interaction())
print([name for name in ("pymc", "pytensor", "arviz", "numba", "scipy") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="tests")
    assert run.stdout.strip() == "[]"
