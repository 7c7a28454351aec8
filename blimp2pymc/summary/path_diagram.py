"""A model as a path diagram in SVG, with estimates when there are some; no other program is needed.

The conventions of structural equation models: circles are latent, boxes observed; an arrow is a regression or a
loading, a double-headed curve a correlation, a short arrow a residual with its variance, a dot a product of the
variables whose lines meet in it. `path_graph` says what there is to draw, `path_layout` where, `path_routes` how.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import atan2, ceil, cos, sin
from pathlib import Path as FilePath
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pandas as pd

from blimp2pymc.errors import error
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.path_graph import Graph, Shape, path_graph
from blimp2pymc.summary.path_labels import labels
from blimp2pymc.summary.path_layout import FONT_SIZE, SMALL_FONT_SIZE, Box, place, text_width
from blimp2pymc.summary.path_routes import Curve, Line, Point, routes

MARGIN = 18.0
HEAD_LENGTH, HEAD_WIDTH = 9.0, 7.0

STYLES: Mapping[str, tuple[str, str, int]] = {
    # kind of line: colour, other attributes, number of heads
    "path": ("#000", "", 1),
    "factor": ("#000", "", 0),
    "definition": ("#777", ' stroke-dasharray="4 3"', 0),
    "default": ("#aaa", ' stroke-width="0.9"', 1),
    "covariance": ("#000", "", 2),
    "default-covariance": ("#aaa", ' stroke-width="0.9"', 2),
    "residual": ("#000", "", 1),
    "intercept": ("#000", "", 1),
}


@dataclass(frozen=True, repr=False)
class PathDiagram:
    """A path diagram; notebooks show it.

    Attributes
    ----------
    svg
        The text of the picture.
    """

    svg: str

    def save(self, file: str | FilePath) -> FilePath:
        """Write the picture to a file that ends in `.svg`.

        Raises
        ------
        BlimpError
            When the file is of another kind or cannot be written.
        """
        place_of = FilePath(file)
        if place_of.suffix.lower() != ".svg":
            raise error(f"a path diagram is an SVG file, and {place_of} is not", hint=f"{place_of.with_suffix('.svg')}")
        try:
            place_of.write_text(self.svg, encoding="utf-8", newline="\n")
        except OSError as trouble:
            raise error(f"{place_of} cannot be written: {trouble.strerror or trouble}") from None
        return place_of

    def _repr_svg_(self) -> str:
        return self.svg

    def __str__(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<PathDiagram: {self.svg.count('class="node')} variables; .save('diagram.svg')>"


def path_diagram(
    model: Model,
    results: Draws | pd.DataFrame | None = None,
    *,
    estimates: str = "median",
    intercepts: bool = False,
    predictors: bool = True,
) -> PathDiagram:
    """Draw the path diagram of a model.

    Parameters
    ----------
    model
        A resolved model.
    results
        Its draws, or its table of estimates; without either, lines carry the labels and fixed values of the script.
    estimates
        `median`, `interval` (the median above the 2.5 % and 97.5 % quantiles) or `none`.
    intercepts
        Whether to show intercepts, as triangles.
    predictors
        Whether to show, in grey, the relations among predictors that own no equation.

    Raises
    ------
    BlimpError
        When `estimates` is none of the above, or the table is of another model.
    """
    label = labels(model, results, estimates)
    graph = path_graph(model, predictors=predictors)
    places = place(graph, label, intercepts=intercepts)
    lines = routes(graph, places, label, intercepts=intercepts)
    return PathDiagram(_picture(graph, places, lines))


# ---------------------------------------------------------------- svg


def _picture(graph: Graph, places: Mapping[str, Box], lines: list[Line]) -> str:
    corners = np.array(list(_extent(places.values(), lines)))
    left, top = corners.min(axis=0) - MARGIN
    right, bottom = corners.max(axis=0) + MARGIN
    notes = _notes(graph.definitions, left + MARGIN, bottom, right - left - 2 * MARGIN)
    if notes:
        bottom = max(y for _, y, _ in notes) + MARGIN
        right = max(right, *(x + text_width(each, SMALL_FONT_SIZE) + MARGIN for x, _, each in notes))
    width, height = right - left, bottom - top
    names = ", ".join(node.label for node in graph.nodes.values() if node.label)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{left:.1f} {top:.1f} {width:.1f} {height:.1f}" role="img" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="{FONT_SIZE:g}">',
        f"<title>{escape(f'Path diagram of {names}')}</title>",
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="#fff"/>',
    ]
    order = ("default", "default-covariance", "definition")
    parts += [_line(each) for each in sorted(lines, key=lambda each: each.kind not in order)]
    parts += [_node(graph, key, one) for key, one in places.items()]
    parts += [_label(each) for each in lines if each.label is not None]
    parts += [
        f'<text class="definition" x="{x:.1f}" y="{y:.1f}" font-size="{SMALL_FONT_SIZE:g}" fill="#555">'
        f"{escape(each)}</text>"
        for x, y, each in notes
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _notes(texts: Sequence[str], left: float, top: float, width: float) -> list[tuple[float, float, str]]:
    """Lines below the picture, in as many columns as fit."""
    column = max((text_width(each, SMALL_FONT_SIZE) for each in texts), default=0.0) + 2 * MARGIN
    n_rows = ceil(len(texts) / max(1, int((width + 2 * MARGIN) // column))) if texts else 1
    return [
        (left + k // n_rows * column, top + k % n_rows * (SMALL_FONT_SIZE + 5), each) for k, each in enumerate(texts)
    ]


def _extent(boxes: Iterable[Box], lines: Iterable[Line]) -> Iterable[Point]:
    labels = (each.label.box for each in lines if each.label is not None)
    for one in (*boxes, *labels):
        yield one.x - one.width / 2, one.y - one.height / 2
        yield one.x + one.width / 2, one.y + one.height / 2
    for each in lines:
        yield from map(tuple, each.curve.points().tolist())


def _node(graph: Graph, key: str, one: Box) -> str:
    node = graph.nodes[key]
    name = f'class="node {node.shape.value}" data-name={quoteattr(node.label)}'
    if node.shape is Shape.PRODUCT:
        return f'<circle {name} cx="{one.x:.1f}" cy="{one.y:.1f}" r="{one.width / 2:.1f}"/>'
    if one.is_round:
        dashes = ' stroke-dasharray="4 3"' if node.shape is Shape.VARIANCE else ""
        outline = (
            f'<ellipse {name} cx="{one.x:.1f}" cy="{one.y:.1f}" rx="{one.width / 2:.1f}" ry="{one.height / 2:.1f}" '
            f'fill="#fff" stroke="#000" stroke-width="1.3"{dashes}/>'
        )
    else:
        rounded = ' rx="8" stroke-dasharray="4 3"' if node.shape is Shape.DERIVED else ""
        outline = (
            f'<rect {name} x="{one.x - one.width / 2:.1f}" y="{one.y - one.height / 2:.1f}" '
            f'width="{one.width:.1f}" height="{one.height:.1f}" fill="#fff" stroke="#000" stroke-width="1.3"{rounded}/>'
        )
    baseline = one.y + FONT_SIZE * 0.35
    return f'{outline}<text x="{one.x:.1f}" y="{baseline:.1f}" text-anchor="middle">{escape(node.label)}</text>'


def _line(line: Line) -> str:
    colour, attributes, heads = STYLES[line.kind]
    curve = line.curve
    points = curve.points()
    pieces = []
    if heads:
        pieces.append(_head(points, colour))
    if heads == 2:
        pieces.append(_head(points[::-1], colour))
    if line.kind == "intercept":
        pieces.append(_triangle(points))
    width = "" if "stroke-width" in attributes else ' stroke-width="1.2"'
    shown = _shortened(curve, heads)
    return f'<path class="line {line.kind}" d="{shown}" fill="none" stroke="{colour}"{width}{attributes}/>' + "".join(
        pieces
    )


def _shortened(curve: Curve, heads: int) -> str:
    """The path's data, ending inside the heads, so that their points stay sharp."""
    points = curve.points()
    ends = [_back(points[::-1]) if heads == 2 else curve.start, _back(points) if heads else curve.end]
    (a, b), (c, d) = ends
    if curve.is_straight:
        return f"M{a:.1f} {b:.1f} L{c:.1f} {d:.1f}"
    (x, y), (u, v) = curve.control, curve.other_control
    return f"M{a:.1f} {b:.1f} C{x:.1f} {y:.1f} {u:.1f} {v:.1f} {c:.1f} {d:.1f}"


def _direction(points: np.ndarray) -> float:
    """Direction in which a line arrives at its last point, seen over the length of a head."""
    far = np.hypot(*(points - points[-1]).T) >= HEAD_LENGTH
    near = points[np.flatnonzero(far)[-1]] if far.any() else points[0]
    return atan2(points[-1][1] - near[1], points[-1][0] - near[0])


def _back(points: np.ndarray) -> Point:
    angle = _direction(points)
    x, y = points[-1]
    return float(x - 0.7 * HEAD_LENGTH * cos(angle)), float(y - 0.7 * HEAD_LENGTH * sin(angle))


def _head(points: np.ndarray, colour: str) -> str:
    angle = _direction(points)
    x, y = points[-1]
    base = x - HEAD_LENGTH * cos(angle), y - HEAD_LENGTH * sin(angle)
    dx, dy = -sin(angle) * HEAD_WIDTH / 2, cos(angle) * HEAD_WIDTH / 2
    corners = ((x, y), (base[0] + dx, base[1] + dy), (base[0] - dx, base[1] - dy))
    return f'<polygon points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in corners)}" fill="{colour}"/>'


def _triangle(points: np.ndarray) -> str:
    x, y = points[0]
    corners = ((x, y - 6), (x - 6, y + 5), (x + 6, y + 5))
    return (
        f'<polygon class="constant" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in corners)}" '
        'fill="#fff" stroke="#000" stroke-width="1.1"/>'
    )


def _label(line: Line) -> str:
    assert line.label is not None
    label = line.label
    room = label.box
    lines = label.text.split("\n")
    first = label.y + SMALL_FONT_SIZE * 0.35 - (len(lines) - 1) * (SMALL_FONT_SIZE + 2) / 2
    texts = "".join(
        f'<text class="label" x="{label.x:.1f}" y="{first + k * (SMALL_FONT_SIZE + 2):.1f}" text-anchor="middle" '
        f'font-size="{SMALL_FONT_SIZE:g}">{escape(each)}</text>'
        for k, each in enumerate(lines)
    )
    return (
        f'<rect x="{room.x - room.width / 2:.1f}" y="{room.y - room.height / 2 + 1:.1f}" width="{room.width:.1f}" '
        f'height="{room.height - 2:.1f}" fill="#fff"/>{texts}'
    )
