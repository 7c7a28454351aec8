"""Path diagrams: well-formed SVG with every variable and path, nodes apart, labels in place."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hand_built import correlated_mediators, interaction
from joint_model.simulated import resolved
from summary.drawn_models import deviation, drawn_model, gallery
from summary.families import one_outcome
from summary.mixed_predictors import mixed_predictors
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import Apply, Column, Constant, Form, Term
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.summary.fit import Fit
from blimp2pymc.summary.outcome_rows import outcome_rows
from blimp2pymc.summary.path_diagram import path_diagram
from blimp2pymc.summary.path_graph import Shape, Style, path_graph
from blimp2pymc.summary.path_labels import decimal
from blimp2pymc.summary.path_layers import crossings, layers, ordered, spread, with_stand_ins
from blimp2pymc.summary.path_layout import Box, indicators, place, spanning_factors
from blimp2pymc.summary.path_routes import edge_point, routes
from blimp2pymc.summary.tables import summarise

SVG = "{http://www.w3.org/2000/svg}"
MODELS = {**gallery(), "hand-built interaction": interaction(), "correlated mediators": correlated_mediators()}


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(svg).iter(f"{SVG}text")]


def lines(svg: str, kind: str) -> int:
    return sum(each.get("class") == f"line {kind}" for each in ET.fromstring(svg).iter(f"{SVG}path"))


def wide(name: str) -> str:
    """A label of two lines for every parameter, so that room has to be made for it."""
    return "−0.53\n[−0.74, −0.31]"


# ---------------------------------------------------------------- every model of the gallery


@pytest.mark.parametrize("name", MODELS)
def test_every_variable_and_path_is_there(name):
    model = MODELS[name]
    graph = path_graph(model)
    svg = path_diagram(model).svg
    shown = texts(svg)
    assert set(model.variables) <= set(shown)
    outcomes = [each for each in model.equations if each.role.value == "outcome"]
    n_terms = sum(term.name != "Intercept" for each in outcomes for term in each.terms)
    assert lines(svg, "path") == n_terms
    assert lines(svg, "residual") == len(outcomes)
    n_pairs = sum(len(each.correlations) for each in model.blocks)
    assert lines(svg, "covariance") + lines(svg, "default-covariance") == n_pairs
    assert len({each.key for each in graph.nodes.values()}) == len(graph.nodes)


@pytest.mark.parametrize("label", [lambda name: "", wide], ids=["plain", "intervals"])
@pytest.mark.parametrize("name", MODELS)
def test_nodes_do_not_overlap_and_lines_pass_them(name, label):
    graph = path_graph(MODELS[name])
    places = place(graph, label)
    assert set(places) == set(graph.nodes)
    for (a, one), (b, other) in combinations(places.items(), 2):
        assert not one.overlaps(other, margin=4), f"{a} and {b}"
    for line, path in zip(routes(graph, places, label), sorted(graph.paths, key=lambda p: p.style is Style.DEFAULT),
                          strict=False):  # fmt: skip
        for key, one in places.items():
            if key in (path.source, path.target):
                continue
            across, down = (np.abs(line.curve.points() - (one.x, one.y)) / (one.width / 2, one.height / 2)).T
            inside = across**2 + down**2 < 1 if one.is_round else (across < 1) & (down < 1)
            assert not inside.any(), f"{path} runs through {key}"


@pytest.mark.parametrize("name", MODELS)
def test_labels_cover_no_node_and_no_other_label(name):
    graph = path_graph(MODELS[name])
    places = place(graph, lambda parameter: "0.53")
    found = [each.label.box for each in routes(graph, places, lambda parameter: "0.53") if each.label is not None]
    for label in found:
        assert not any(label.overlaps(each) for each in places.values())
    assert not any(one.overlaps(other) for one, other in combinations(found, 2))


@pytest.mark.parametrize("name", ["parallel growth", "panel"])
def test_same_model_same_picture(name):
    assert path_diagram(MODELS[name]).svg == path_diagram(gallery()[name]).svg


@pytest.mark.parametrize("name", MODELS)
def test_everything_is_inside_the_picture(name):
    root = ET.fromstring(path_diagram(MODELS[name], intercepts=True).svg)
    left, top, width, height = map(float, root.get("viewBox").split())
    for each in [*root.iter(f"{SVG}ellipse"), *root.iter(f"{SVG}circle")]:
        assert left < float(each.get("cx")) < left + width and top < float(each.get("cy")) < top + height
    for each in root.iter(f"{SVG}polygon"):
        corners = np.array([pair.split(",") for pair in each.get("points").split()], float)
        assert (corners > (left, top)).all() and (corners < (left + width, top + height)).all()


# ---------------------------------------------------------------- conventions


def test_latent_variables_are_round_and_observed_ones_are_boxes():
    root = ET.fromstring(path_diagram(MODELS["latent mediation"]).svg)
    round_ones = {each.get("data-name") for each in root.iter(f"{SVG}ellipse")}
    boxes = {each.get("data-name") for each in root.iter(f"{SVG}rect")} - {None}
    assert round_ones == {"eta_x", "eta_m", "eta_y"}
    assert boxes == {f"{v}{k}" for v in "xmy" for k in range(1, 5)}


def test_a_product_is_one_dot_with_an_arrow_to_every_outcome():
    graph = path_graph(MODELS["parallel growth"])
    dots = {key for key, each in graph.nodes.items() if each.shape is Shape.PRODUCT}
    assert len(dots) == 4
    for dot in dots:
        assert {each.target for each in graph.paths if each.source == dot} == {"column I_y", "column S_y"}
    factors = sorted(len(graph.predictors(dot)) for dot in dots)
    assert factors == [2, 2, 2, 3]


def test_a_square_has_two_lines_to_its_dot():
    graph = path_graph(MODELS["quadratic"])
    dots = [key for key, each in graph.nodes.items() if each.shape is Shape.PRODUCT]
    ways = [sorted(each.source for each in graph.paths if each.target == dot) for dot in dots]
    assert ways == [["column x", "column x"], ["column m", "column x", "column x"]]
    places = place(graph, lambda name: "")
    to_dot = [each.curve for each in routes(graph, places, lambda name: "") if each.kind == "factor"]
    assert len({tuple(each.points()[12].round(1)) for each in to_dot}) == 5


def test_powers_and_centered_products_are_dots_too():
    model = interaction()
    x = Apply("-", (Column("x1"), model.centered[Column("x1")]))
    equation = model.equations[-1]
    squared = replace(equation, terms=(*equation.terms, Term("x1^2", "b1", Apply("^", (x, Constant(2.0))))))
    graph = path_graph(replace(model, equations=(*model.equations[:-1], squared)))
    assert "product of ['column x1', 'column x1']" in graph.nodes
    assert "product of ['column x1', 'column x2']" in graph.nodes
    assert not [each for each in graph.nodes.values() if each.shape is Shape.DERIVED]


def test_other_functions_are_derived_nodes_with_a_definition():
    svg = path_diagram(MODELS["panel"]).svg
    assert lines(svg, "definition") == 16
    assert "rx1 = x1 - (cx1 + etax)" in texts(svg)


def test_a_modelled_variance_is_a_node():
    model = interaction()
    equation = model.equations[-1]
    changed = replace(equation, residual_variance=None, variance_terms=equation.terms[:2])
    graph = path_graph(replace(model, equations=(*model.equations[:-1], changed)))
    assert graph.nodes["variance of column y"].label == "var(y)"
    assert graph.predictors("variance of column y") == ["column x1"]
    assert "variance of column y" in graph.predictors("column y")
    assert "column y" not in graph.residuals


def test_relations_among_predictors_can_be_left_out():
    with_them, without = path_diagram(interaction()).svg, path_diagram(interaction(), predictors=False).svg
    assert lines(with_them, "default-covariance") == 1 and lines(with_them, "default") == 2
    assert lines(without, "default-covariance") == lines(without, "default") == 0


def test_intercepts_are_triangles():
    root = ET.fromstring(path_diagram(MODELS["mediation"], intercepts=True).svg)
    assert sum(each.get("class") == "constant" for each in root.iter(f"{SVG}polygon")) == 2
    assert 'class="constant"' not in path_diagram(MODELS["mediation"]).svg


# ---------------------------------------------------------------- layout


def test_causes_are_left_of_what_they_explain():
    graph = path_graph(MODELS["latent mediation"])
    places = place(graph, lambda name: "")
    x = {key.removeprefix("column "): each.x for key, each in places.items()}
    assert x["x1"] < x["eta_x"] < x["eta_m"] < x["eta_y"] < x["y1"]
    assert places["column m1"].y < places["column eta_m"].y


def test_factors_alone_stand_upright():
    places = place(path_graph(MODELS["two factors"]), lambda name: "")
    assert places["column eta_x"].y == places["column eta_y"].y < places["column x1"].y


def test_indicators_and_spanning_factors_are_found():
    panel = path_graph(MODELS["panel"])
    assert spanning_factors(panel, indicators(panel)) == {"column etax", "column etay"}
    growth = path_graph(MODELS["parallel growth"])
    assert indicators(growth)["column m.2"] == ("column I_m", "column S_m")
    assert not spanning_factors(growth, indicators(growth))


def test_an_outcome_of_a_factor_and_a_covariate_is_no_indicator():
    model = drawn_model({"eta": ["x"], "y": ["eta", "x"]}, latent=["eta"], loadings={"eta": ["x1@1", "x2", "x3"]})
    graph = path_graph(model)
    assert set(indicators(graph)) == {"column x1", "column x2", "column x3"}
    places = place(graph, lambda name: "")
    assert places["column x"].x < places["column eta"].x < places["column y"].x


def test_a_distal_outcome_of_spanning_factors_does_not_bind_them():
    panel = MODELS["panel"]
    distal = replace(panel.equations[0], outcome=Column("z"), terms=tuple(
        Term(name, f"x1 ~ {name}" if name == "etax" else f"y1 ~ {name}", Column(name)) for name in ("etax", "etay")
    ))  # fmt: skip
    graph = path_graph(replace(panel, equations=(*panel.equations, distal)))
    assert spanning_factors(graph, indicators(graph)) == {"column etax", "column etay"}
    assert len(place(graph, lambda name: "")) == len(graph.nodes)


def test_factors_that_explain_each_other_through_others_do_not_share_a_place():
    growth = {f"m{t}": ["I@1", f"S@{t}"] for t in range(3)}
    model = drawn_model({"z": ["I"], "S": ["z"], **growth}, latent=["I", "S"])
    places = place(path_graph(model), lambda name: "")
    assert places["column I"].x < places["column z"].x < places["column S"].x


def test_layers_are_longest_ways():
    assert layers("abcd", [("a", "b"), ("b", "c"), ("a", "c")]) == {"a": 0, "b": 1, "c": 2, "d": 0}
    assert layers("ab", [("a", "b"), ("b", "a")]) is None


def test_edges_across_layers_get_stand_ins():
    members, pieces = with_stand_ins("abc", [("a", "b"), ("b", "c"), ("a", "c")], {"a": 0, "b": 1, "c": 2})
    assert [len(each) for each in members] == [1, 2, 1]
    assert len(pieces) == 4


def test_order_without_crossings_is_found():
    edges = [("a", "r"), ("b", "q"), ("c", "p")]
    columns = [["a", "b", "c"], ["p", "q", "r"]]
    assert crossings(columns, edges) == 3
    assert crossings(ordered(columns, edges), edges) == 0


def test_spread_is_least_squares_with_distances():
    assert spread([0, 10], [5]) == [0, 10]
    assert spread([0, 0], [4]) == [-2, 2]
    assert spread([0, 0, 9], [4, 4]) == [-2, 2, 9]
    assert spread([], []) == []


@pytest.mark.parametrize("angle", [0.0, 0.7, 1.9, -2.4])
def test_lines_begin_on_the_outline(angle):
    x, y = edge_point(Box(3, 4, 40, 20), angle)
    assert max(abs(x - 3) / 20, abs(y - 4) / 10) == pytest.approx(1)
    x, y = edge_point(Box(3, 4, 40, 20, is_round=True), angle)
    assert ((x - 3) / 20) ** 2 + ((y - 4) / 10) ** 2 == pytest.approx(1)


# ---------------------------------------------------------------- labels


def test_labels_and_fixed_values_without_results():
    shown = texts(path_diagram(MODELS["latent mediation"]).svg)
    assert {"a", "b", "c"} <= set(shown)
    assert shown.count("1") == 3


@pytest.fixture(scope="module")
def result() -> Fit:
    model = correlated_mediators()
    return Fit(model, plan(model), synthetic_draws(model))


def test_estimates_of_a_fit(result):
    shown = texts(result.path_diagram().svg)
    for name in ("a1", "b", "y ~ x", "y residual variance", "r"):
        assert decimal(float(np.median(result.draws.parameter(name)))) in shown


def test_intervals_are_a_second_line(result):
    shown = texts(result.path_diagram(estimates="interval").svg)
    low, median, high = np.quantile(result.draws.parameter("a1"), (0.025, 0.5, 0.975))
    assert shown[shown.index(decimal(median)) + 1].startswith("[")
    assert f"[{decimal(low)}, {decimal(high)}]" in shown


def test_a_table_of_estimates_says_the_same(result):
    assert path_diagram(result.model, result.estimates).svg == result.path_diagram().svg


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("LATENT: f; MODEL: f -> x1:x3; y ~ 1 f; var(y) ~ 1 x4; f ~~ y2;", ("var(y) ~ Intercept", "var(y) ~ x4")),
        ("OPTIONS: use_phantom; MODEL: y ~~ y2;", ("y ~~ y2",)),
    ],
)
def test_modelled_variances_and_phantom_correlations_have_their_estimates_from_a_table_too(script, names):
    model = resolved(script)
    draws = synthetic_draws(model)
    table = summarise(outcome_rows(model, draws))
    diagram = path_diagram(model, table, intercepts=True).svg
    assert diagram == path_diagram(model, draws, intercepts=True).svg
    for name in names:
        assert decimal(float(np.median(draws.parameter(name)))) in texts(diagram)


def test_none_shows_the_labels(result):
    assert result.path_diagram(estimates="none").svg == path_diagram(result.model).svg


# ---------------------------------------------------------------- text, files, mistakes


def test_hostile_names_are_text():
    name = "</text><script>alert('x')</script>&\"<b>"
    model = drawn_model({"y": [name, f"{name}*m"], "z": ["r"]}, defined={"r": deviation(name, "]]>", "m")})
    svg = path_diagram(model).svg
    root = ET.fromstring(svg)
    assert not list(root.iter(f"{SVG}script")) and "<script" not in svg
    assert name in texts(svg)
    assert name in {each.get("data-name") for each in root.iter(f"{SVG}rect")}
    assert f"r = {name} - (]]> + m)" in texts(svg)


def test_notebooks_and_files(result, tmp_path):
    diagram = result.path_diagram()
    assert diagram._repr_svg_() == str(diagram) == diagram.svg
    assert diagram.save(tmp_path / "diagram.svg").read_text("utf-8") == diagram.svg
    assert "4 variables" in repr(diagram)


@pytest.mark.parametrize("file", ["diagram.png", "no_folder/diagram.svg"])
def test_files_that_cannot_be_written(file, tmp_path):
    with pytest.raises(BlimpError, match=file.rpartition("/")[2]):
        path_diagram(MODELS["mediation"]).save(tmp_path / file)


def test_unknown_estimates():
    with pytest.raises(BlimpError, match=r"mean[\s\S]*median, interval, none"):
        path_diagram(MODELS["mediation"], estimates="mean")


def test_table_of_another_model(result):
    with pytest.raises(BlimpError, match="another model"):
        path_diagram(MODELS["two factors"], result.estimates)
    with pytest.raises(BlimpError, match="no column lo, hi"):
        path_diagram(result.model, pd.DataFrame(columns=["block", "outcome", "section", "parameter", "median"]))


# ---------------------------------------------------------------- categories


def test_members_of_the_default_model_are_drawn_once_each():
    graph = path_graph(mixed_predictors())
    labels = {each.key: each.label for each in graph.nodes.values()}
    assert sorted(labels.values()) == ["d", "n.2", "n.3", "w", "x1", "x2"]
    arrows = {(labels[each.source], labels[each.target]) for each in graph.paths}
    assert arrows == (
        {("w", each) for each in ("x1", "x2", "d", "n.2", "n.3")}
        | {(each, "d") for each in ("x1", "x2")}
        | {(each, code) for each in ("x1", "x2", "d") for code in ("n.2", "n.3")}
    )
    assert [(labels[each.first], labels[each.second]) for each in graph.covariances] == [("x1", "x2")]


def test_latent_response_among_the_predictors_is_a_circle_above_its_score():
    model = one_outcome("probit")
    [equation] = model.equations
    response = Column("y", Form.LATENT_RESPONSE)
    z = replace(
        equation, outcome=Column("z"), family="normal", thresholds=(), terms=(Term("y.latent", "y ~ x", response),)
    )
    graph = path_graph(replace(model, equations=(equation, z)))
    nodes = {each.label: each for each in graph.nodes.values()}
    assert nodes["y.latent"].shape is Shape.LATENT
    assert nodes["y"].shape is Shape.OBSERVED
    ends = {(each.source, each.target): each.style for each in graph.paths}
    assert ends[nodes["x"].key, nodes["y.latent"].key] is Style.PATH
    assert ends[nodes["y.latent"].key, nodes["y"].key] is Style.DEFINITION
    assert ends[nodes["y.latent"].key, nodes["z"].key] is Style.PATH
    assert graph.predictors(nodes["y"].key) == [nodes["y.latent"].key]


@pytest.mark.parametrize(("family", "labels"), [("logit", ["y"]), ("multinomial", ["y.2", "y.4"])])
def test_categorical_outcomes_have_a_node_for_each_equation(family: str, labels: list[str]):
    model = one_outcome(family)
    graph = path_graph(model)
    assert [each.label for each in graph.nodes.values() if each.label.startswith("y")] == labels
    assert not graph.residuals
    diagram = path_diagram(model, summarise(outcome_rows(model, synthetic_draws(model))))
    assert lines(diagram.svg, "path") == 2 * len(labels)
