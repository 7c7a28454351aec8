"""The lines of a path diagram and where their labels go.

Every line has a list of candidates, the plainest first; the one that runs through the fewest nodes, and then crosses
the fewest lines drawn before it, is taken. `path_diagram` draws what is found here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import atan2, cos, hypot, inf, pi, sin, sqrt

import numpy as np

from blimp2pymc.summary.path_graph import Covariance, Graph, Path, Style
from blimp2pymc.summary.path_layout import Box, label_size

Point = tuple[float, float]

RESIDUAL_LENGTH = 24.0
OFF_MIDDLE = 0.28
"""Where double-headed curves begin: so much of a side's length off its middle."""
TRIANGLE = 6.0
"""Half the width of the triangle of an intercept."""
N_POINTS = 25
"""Points at which a curve is looked at."""
THROUGH_NODE, ACROSS_LABEL, ACROSS_LINE = 1000.0, 60.0, 1.0
"""Costs of what a line or label may run into."""


@dataclass(frozen=True)
class Curve:
    """A cubic Bezier curve."""

    start: Point
    control: Point
    other_control: Point
    end: Point

    def points(self) -> np.ndarray:
        """Points along the curve, shape (N_POINTS, 2)."""
        t = np.linspace(0, 1, N_POINTS)[:, None]
        corners = (np.array(each) for each in (self.start, self.control, self.other_control, self.end))
        a, b, c, d = corners
        return (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d

    def length(self) -> float:
        """Length of the curve."""
        return float(np.hypot(*np.diff(self.points(), axis=0).T).sum())

    @property
    def is_straight(self) -> bool:
        """Whether the control points lie on the line between the ends."""
        (x, y), (u, v) = self.start, self.end
        return all(abs((u - x) * (b - y) - (v - y) * (a - x)) < 1e-6 for a, b in (self.control, self.other_control))


@dataclass(frozen=True)
class Label:
    """A text centred at a point; it may have several lines."""

    x: float
    y: float
    text: str

    @property
    def box(self) -> Box:
        """The room it takes."""
        width, height = label_size(self.text)
        return Box(self.x, self.y, width, height)


@dataclass(frozen=True)
class Line:
    """A drawn line: a path, a covariance, or the arrow of a residual or an intercept."""

    curve: Curve
    kind: str
    """`path factor definition default covariance default-covariance residual intercept`."""
    label: Label | None = None


def routes(
    graph: Graph, places: Mapping[str, Box], text: Callable[[str], str], *, intercepts: bool = False
) -> list[Line]:
    """Every line of the diagram with its label.

    Parameters
    ----------
    text
        Parameter name -> label; empty for none.
    """
    router = _Router(graph, places)
    curves: list[tuple[str, Curve, str]] = []
    for path in sorted(graph.paths, key=lambda each: each.style is Style.DEFAULT):
        curves.append((path.style.value, router.path(path), text(path.parameter) if path.parameter else ""))
    for covariance in graph.covariances:
        kind = "default-covariance" if covariance.is_default else "covariance"
        label = "" if covariance.is_default else text(covariance.parameter)
        curves.append((kind, router.covariance(covariance), label))
    labels = router.labels([(curve, label) for _, curve, label in curves])
    lines = [Line(curve, kind, label) for (kind, curve, _), label in zip(curves, labels, strict=True)]
    lines += [router.pointer(key, text(name), "residual") for key, name in graph.residuals.items()]
    if intercepts:
        lines += [router.pointer(key, text(name), "intercept") for key, name in graph.intercepts.items()]
    return lines


class _Router:
    """Remembers what has been drawn."""

    def __init__(self, graph: Graph, places: Mapping[str, Box]) -> None:
        self.graph = graph
        self.places = places
        self.drawn: list[np.ndarray] = []
        self._stack = np.empty((0, 2 * N_POINTS - 1, 2)), np.empty((0, 2)), np.empty((0, 2))
        self.taken: list[Box] = []
        self.tails: list[Point] = []
        """Where short arrows begin: two that meet there would look like one with two heads."""
        self.angles: dict[str, list[float]] = {key: [] for key in places}
        boxes = list(places.values())
        self.middle = (
            (min(each.x for each in boxes) + max(each.x for each in boxes)) / 2,
            (min(each.y for each in boxes) + max(each.y for each in boxes)) / 2,
        )

    # ------------------------------------------------------------ lines

    def path(self, path: Path) -> Curve:
        source, target = self.places[path.source], self.places[path.target]
        if path.style is Style.DEFAULT:
            candidates = list(_arcs(source, target))
        else:
            bows = [0.0, 0.12, -0.12, 0.25, -0.25, 0.4, -0.4, 0.6, -0.6]
            if path.occurrence:
                bows = [0.3 * path.occurrence, -0.3 * path.occurrence]
            elif any(each.source == path.source and each.target == path.target and each.occurrence
                     for each in self.graph.paths):  # fmt: skip
                bows = [-0.15]
            candidates = [bowed(source, target, bow) for bow in bows]
        return self._take(candidates, path.source, path.target, is_thin=path.style is Style.DEFAULT)

    def covariance(self, covariance: Covariance) -> Curve:
        first, second = self.places[covariance.first], self.places[covariance.second]
        return self._take(
            list(_arcs(first, second)), covariance.first, covariance.second, is_thin=covariance.is_default
        )

    def _take(self, candidates: Sequence[Curve], *ends: str, is_thin: bool = False) -> Curve:
        """The cheapest candidate; the first one at once when it is a straight line that meets no node.

        Thin lines may cross others, so that they stay on the outside.
        """
        others = [each for key, each in self.places.items() if key not in ends]
        own = [self.places[key] for key in ends]
        best: tuple[float, Curve, np.ndarray] | None = None
        for place, each in enumerate(candidates):
            points = each.points()
            through = _hits(points, others, 5.0) + _hits(points[3:-3], own, -1.0)
            cost = THROUGH_NODE * through + 0.7 * place
            if not is_thin and not (each.is_straight and through == 0):
                cost += ACROSS_LINE * self._crossed(points)
            if best is None or cost < best[0] - 1e-9:
                best = cost, each, points
            if each.is_straight and through == 0:
                break
        assert best is not None
        _, chosen, points = best
        self.drawn.append(points)
        for key, end in zip(ends, (points[0], points[-1]), strict=True):
            one = self.places[key]
            self.angles[key].append(atan2((end[1] - one.y) / one.height, (end[0] - one.x) / one.width))
        return chosen

    def _crossed(self, points: np.ndarray) -> int:
        if not self.drawn:
            return 0
        low, high = self._stacked()[1:]
        near = ((low <= points.max(axis=0)) & (high >= points.min(axis=0))).all(axis=1)
        return sum(_cross(points, self.drawn[place]) for place in np.flatnonzero(near))

    def _stacked(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points of all lines drawn, and the corners of what encloses each line."""
        if len(self._stack[0]) != len(self.drawn):
            dense = np.stack([_halved(each) for each in self.drawn])
            self._stack = dense, dense.min(axis=1), dense.max(axis=1)
        return self._stack

    # ------------------------------------------------------------ residuals and intercepts

    def pointer(self, key: str, text: str, kind: str) -> Line:
        """A short arrow into a node from where there is room, its label at the tail."""
        one = self.places[key]
        outward = self._outward(key)
        best: tuple[float, Line, float] | None = None
        for step in range(24):
            turn = (step + 1) // 2 * (1 if step % 2 else -1) * pi / 12
            angle = outward + turn
            head = edge_point(one, angle)
            tail = (head[0] + RESIDUAL_LENGTH * cos(angle), head[1] + RESIDUAL_LENGTH * sin(angle))
            label = None
            if text:
                width, height = label_size(text)
                reach = min((width / 2 + 3) / max(abs(cos(angle)), 1e-9), (height / 2 + 2) / max(abs(sin(angle)), 1e-9))
                reach += TRIANGLE * (kind == "intercept")
                label = Label(tail[0] + reach * cos(angle), tail[1] + reach * sin(angle), text)
            curve = straight(tail, head)
            nearest = min((abs(atan2(sin(angle - each), cos(angle - each))) for each in self.angles[key]), default=pi)
            cost = self._room(curve, label, key) + 40 * max(0.0, 0.5 - nearest) + abs(turn) + 0.8 * (step % 6 != 0)
            if best is None or cost < best[0] - 1e-9:
                best = cost, Line(curve, kind, label), angle
        assert best is not None
        self.drawn.append(best[1].curve.points())
        self.tails.append(best[1].curve.start)
        self.angles[key].append(best[2])
        if kind == "intercept":
            x, y = best[1].curve.start
            self.taken.append(Box(x, y, 2 * TRIANGLE, 2 * TRIANGLE))
        if best[1].label is not None:
            self.taken.append(best[1].label.box)
        return best[1]

    def _outward(self, key: str) -> float:
        """Left, right, up or down: away from a node's lines, or from the middle of the picture."""
        one = self.places[key]
        x = sum(cos(each) for each in self.angles[key])
        y = sum(sin(each) for each in self.angles[key])
        if hypot(x, y) > 0.6 * len(self.angles[key]) > 0:
            return round(atan2(-y, -x) / (pi / 2)) * pi / 2
        return -pi / 2 if one.y <= self.middle[1] + 1e-6 else pi / 2

    def _room(self, curve: Curve, label: Label | None, key: str) -> float:
        points = curve.points()
        others = [each for name, each in self.places.items() if name != key]
        cost = THROUGH_NODE * _hits(points, others, 4.0)
        cost += ACROSS_LABEL * _hits(points, self.taken, 1.0)
        cost += 8 * self._crossed(points)
        x, y = curve.start
        cost += ACROSS_LABEL * sum(hypot(x - other[0], y - other[1]) < RESIDUAL_LENGTH / 2 for other in self.tails)
        if label is not None:
            cost += self._hidden(label)
        return cost

    def _hidden(self, label: Label) -> float:
        """Cost of nodes, labels and lines below a label."""
        room = label.box
        cost = THROUGH_NODE * sum(room.overlaps(each, 2.0) for each in self.places.values())
        cost += ACROSS_LABEL * sum(room.overlaps(each, 1.0) for each in self.taken)
        return cost + 8 * self._below(room)

    def _below(self, room: Box) -> int:
        """How many lines run through a box."""
        if not self.drawn:
            return 0
        inside = np.abs(self._stacked()[0] - (room.x, room.y)) < (room.width / 2, room.height / 2)
        return int(inside.all(axis=2).any(axis=1).sum())

    # ------------------------------------------------------------ labels

    def labels(self, wanted: Sequence[tuple[Curve, str]]) -> list[Label | None]:
        """Labels on lines, where they hide neither node, label, head nor other line.

        Each takes the best place left by those before it, short lines first, and then may move once more.
        """
        found: list[Label | None] = [None] * len(wanted)
        by_length = sorted(range(len(wanted)), key=lambda place: round(wanted[place][0].length(), 3))
        for place in (*by_length, *by_length):
            curve, text = wanted[place]
            before = found[place]
            if before is not None:
                self.taken.remove(before.box)
            if text:
                found[place] = self._label(curve, text)
        return found

    def _label(self, curve: Curve, text: str) -> Label:
        points = curve.points()
        best: tuple[float, Label] | None = None
        for place in range(3, N_POINTS - 3):
            label = Label(float(points[place][0]), float(points[place][1]), text)
            cost = self._hidden(label) + 0.1 * abs(place - N_POINTS // 2)
            cost += 25 * _hits(points[[-3, -2, -1]], [label.box], 0.0)
            if best is None or cost < best[0] - 1e-9:
                best = cost, label
        assert best is not None
        self.taken.append(best[1].box)
        return best[1]


# ---------------------------------------------------------------- curves


def edge_point(one: Box, angle: float) -> Point:
    """Where a ray from the centre of a node at this angle leaves it."""
    dx, dy = cos(angle), sin(angle)
    a, b = one.width / 2, one.height / 2
    if one.is_round:
        reach = 1 / hypot(dx / a, dy / b)
    else:
        reach = min(a / abs(dx) if abs(dx) > 1e-12 else inf, b / abs(dy) if abs(dy) > 1e-12 else inf)
    return one.x + reach * dx, one.y + reach * dy


def straight(start: Point, end: Point) -> Curve:
    """A straight line."""
    (x, y), (u, v) = start, end
    return Curve(start, (x + (u - x) / 3, y + (v - y) / 3), (x + 2 * (u - x) / 3, y + 2 * (v - y) / 3), end)


def bowed(source: Box, target: Box, bow: float) -> Curve:
    """From one node to another, bent to one side by `bow` times the distance."""
    dx, dy = target.x - source.x, target.y - source.y
    middle = (source.x + dx / 2 - bow * dy * 4 / 3, source.y + dy / 2 + bow * dx * 4 / 3)
    start = edge_point(source, atan2(middle[1] - source.y, middle[0] - source.x))
    end = edge_point(target, atan2(middle[1] - target.y, middle[0] - target.x))
    if not bow:
        return straight(start, end)
    control = (start[0] + 2 * (middle[0] - start[0]) / 3, start[1] + 2 * (middle[1] - start[1]) / 3)
    other = (end[0] + 2 * (middle[0] - end[0]) / 3, end[1] + 2 * (middle[1] - end[1]) / 3)
    return Curve(start, control, other, end)


def _arcs(first: Box, second: Box) -> Iterator[Curve]:
    """Curves between two nodes that leave both on the same side, and slight bows between their facing sides."""
    distance = hypot(first.x - second.x, first.y - second.y)
    for reach in (0.25, 0.4, 0.6, 0.8):
        bulge = 20 + reach * distance
        if abs(first.x - second.x) < (first.width + second.width) / 2:
            for side in (-1, 1):
                x = min(one.x - one.width / 2 for one in (first, second)) - bulge
                if side > 0:
                    x = max(one.x + one.width / 2 for one in (first, second)) + bulge
                ends = [
                    (one.x + side * _reach(one.width, one, other), one.y + _toward(one.y, other.y, one.height))
                    for one, other in ((first, second), (second, first))
                ]
                yield Curve(ends[0], (x, ends[0][1]), (x, ends[1][1]), ends[1])
        elif abs(first.y - second.y) < (first.height + second.height) / 2:
            for side in (-1, 1):
                y = min(one.y - one.height / 2 for one in (first, second)) - bulge
                if side > 0:
                    y = max(one.y + one.height / 2 for one in (first, second)) + bulge
                ends = [
                    (one.x + _toward(one.x, other.x, one.width), one.y + side * _reach(one.height, one, other))
                    for one, other in ((first, second), (second, first))
                ]
                yield Curve(ends[0], (ends[0][0], y), (ends[1][0], y), ends[1])
    for bow in (0.15, -0.15, 0.3, -0.3, 0.5, -0.5, 0.8, -0.8):
        yield bowed(first, second, bow)


def _toward(here: float, there: float, size: float) -> float:
    """How far off the middle of a side a curve begins, so that a residual or a loading finds room beside it."""
    return 0.0 if here == there else OFF_MIDDLE * size if there > here else -OFF_MIDDLE * size


def _reach(size: float, one: Box, other: Box) -> float:
    """From the centre of a node to where such a curve begins."""
    is_level = one.x == other.x and one.y == other.y
    return size / 2 * (sqrt(1 - 4 * OFF_MIDDLE**2) if one.is_round and not is_level else 1.0)


def _hits(points: np.ndarray, boxes: Sequence[Box], margin: float) -> int:
    """How many of the boxes a line through these points touches."""
    if not boxes:
        return 0
    dense = _halved(points)
    sizes = np.array([(each.x, each.y, each.width / 2 + margin, each.height / 2 + margin) for each in boxes])
    across = np.abs(dense[:, 0, None] - sizes[:, 0]) / sizes[:, 2]
    down = np.abs(dense[:, 1, None] - sizes[:, 1]) / sizes[:, 3]
    is_round = np.array([each.is_round for each in boxes])
    inside = np.where(is_round, across**2 + down**2 < 1, (across < 1) & (down < 1))
    return int(inside.any(axis=0).sum())


def _halved(points: np.ndarray) -> np.ndarray:
    """The points and those half-way between neighbours."""
    return np.concatenate([points, (points[1:] + points[:-1]) / 2])


def _cross(points: np.ndarray, other: np.ndarray) -> bool:
    """Whether two lines, given by points, cross away from their ends."""
    p, q, r, s = points[1:-2, None], points[2:-1, None], other[None, 1:-2], other[None, 2:-1]

    def turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        return (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])

    return bool(((turn(p, q, r) * turn(p, q, s) < 0) & (turn(r, s, p) * turn(r, s, q) < 0)).any())
