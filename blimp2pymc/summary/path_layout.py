"""Places of the nodes of a path diagram: layers from left to right, indicators beside their factors.

Exogenous factors have their indicators on the left, those of the last layer on the right, those between above or
below; a model of factors alone stands upright, indicators below. Factors of variables in several layers, such as the
random intercepts of a panel, go above or below everything. `path_routes` draws the lines afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from blimp2pymc.summary.path_graph import Graph, Node, Shape, Style
from blimp2pymc.summary.path_layers import Edge, layers, ordered, spread, with_stand_ins

FONT_SIZE = 13.0
SMALL_FONT_SIZE = 11.0

INDICATOR_DISTANCE = 120.0
"""From a factor's centre to its indicators."""
NODE_GAP = 40.0
INDICATOR_GAP = 18.0
STAND_IN_GAP = 36.0
"""Between a node and a line that passes it."""
LAYER_GAP = 64.0
BAND_GAP = 90.0
"""Between the layers and factors above or below them."""

WIDE, NARROW = frozenset("mwMW@%"), frozenset("iljtfrI.,:;'|![]()- ")


@dataclass(frozen=True)
class Box:
    """Centre and size of a node."""

    x: float
    y: float
    width: float
    height: float
    is_round: bool = False

    def moved(self, x: float, y: float) -> Box:
        """The same box elsewhere."""
        return Box(x, y, self.width, self.height, self.is_round)

    def overlaps(self, other: Box, margin: float = 0.0) -> bool:
        """Whether two boxes come nearer than `margin`."""
        return (
            abs(self.x - other.x) < (self.width + other.width) / 2 + margin
            and abs(self.y - other.y) < (self.height + other.height) / 2 + margin
        )


def text_width(text: str, size: float = FONT_SIZE) -> float:
    """Width of a text in a sans-serif font, near enough to leave room for it."""
    return size * sum(
        0.9 if each in WIDE else 0.32 if each in NARROW else 1.0 if ord(each) > 0x2E80 else 0.6 for each in text
    )


def label_size(text: str) -> tuple[float, float]:
    """Width and height of a label, which may have several lines."""
    lines = text.split("\n")
    return max(text_width(each, SMALL_FONT_SIZE) for each in lines) + 4, len(lines) * (SMALL_FONT_SIZE + 2) + 2


def box(node: Node) -> Box:
    """Size of a node, centred at the origin."""
    width = text_width(node.label)
    match node.shape:
        case Shape.PRODUCT:
            return Box(0, 0, 10, 10, True)
        case Shape.LATENT | Shape.VARIANCE:
            return Box(0, 0, max(56.0, width + 26), 48.0 if node.shape is Shape.LATENT else 40.0, True)
    return Box(0, 0, max(44.0, width + 18), 32.0)


# ---------------------------------------------------------------- groups


@dataclass(frozen=True)
class Block:
    """Nodes that move together: factors with the indicators they share, or a single node."""

    members: tuple[str, ...]
    indicators: tuple[str, ...] = ()


def indicators(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Indicators, each with its factors: observed variables that explain nothing and that factors alone explain."""
    sources = {each.source for each in graph.paths if each.style is not Style.DEFAULT}
    found: dict[str, tuple[str, ...]] = {}
    for key, node in graph.nodes.items():
        factors = graph.predictors(key)
        is_measured = all(graph.nodes[each].shape is Shape.LATENT for each in factors)
        if node.shape is Shape.OBSERVED and key not in sources and factors and is_measured:
            found[key] = tuple(factors)
    return found


def blocks(graph: Graph, measured: Mapping[str, Sequence[str]], apart: frozenset[str], together: bool) -> list[Block]:
    """Everything but the nodes `apart`, factors that share indicators in one block (or none, not `together`)."""
    group = {key: key for key in graph.nodes}
    for factors in measured.values():
        for each in factors if together else ():
            old, new = group[each], group[factors[0]]
            group = {key: new if value == old else value for key, value in group.items()}
    found = []
    for leader in dict.fromkeys(group.values()):
        members = tuple(key for key in graph.nodes if group[key] == leader and key not in measured and key not in apart)
        if members:
            own = tuple(key for key, factors in measured.items() if factors[0] in members)
            found.append(Block(members, own))
    return found


def _edges(graph: Graph, found: Sequence[Block], *, without: frozenset[str] = frozenset()) -> list[Edge]:
    """Arrows between blocks, each called by its first member."""
    block_of = {member: each.members[0] for each in found for member in each.members}
    edges = [
        (block_of[each.source], block_of[each.target])
        for each in graph.paths
        if each.style is not Style.DEFAULT
        and each.source in block_of
        and each.target in block_of
        and each.source not in without
    ]
    return [each for each in dict.fromkeys(edges) if each[0] != each[1]]


def spanning_factors(graph: Graph, measured: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Latent variables most of whose observed outcomes are no indicators and lie in several layers."""
    outcomes: dict[str, list[str]] = {}
    for each in graph.paths:
        if (
            each.style is Style.PATH
            and graph.nodes[each.target].shape is Shape.OBSERVED
            and each.target not in measured
        ):
            outcomes.setdefault(each.source, []).append(each.target)
    n_indicators = {key: sum(key in factors for factors in measured.values()) for key in outcomes}
    candidates = frozenset(
        key
        for key, targets in outcomes.items()
        if graph.nodes[key].shape is Shape.LATENT and len(targets) > max(1, n_indicators[key])
    )
    found = [Block((key,)) for key in graph.nodes if key not in measured]
    layer = layers([each.members[0] for each in found], _edges(graph, found, without=candidates)) or {}
    return frozenset(key for key in candidates if len({layer.get(each) for each in outcomes[key]}) > 1)


# ---------------------------------------------------------------- places


@dataclass(frozen=True)
class _Room:
    """What decides how much room there has to be."""

    graph: Graph
    text: Callable[[str], str]
    intercepts: bool

    def widest(self, parameters: Iterable[str]) -> float:
        """Width of the widest label of these parameters."""
        texts = [self.text(each) for each in parameters if each]
        return max((label_size(each)[0] for each in texts if each), default=0.0)

    def extra_height(self) -> float:
        """By how much the tallest label is taller than a single line."""
        names = [*(each.parameter for each in self.graph.paths), *self.graph.residuals.values()]
        single = label_size("0")[1]
        return max((label_size(self.text(each))[1] - single for each in names if each), default=0.0)


def place(graph: Graph, text: Callable[[str], str], *, intercepts: bool = False) -> dict[str, Box]:
    """Give every node its place.

    Parameters
    ----------
    text
        Parameter name -> label; labels widen the gaps.
    intercepts
        Whether there has to be room for intercepts.

    Returns
    -------
    Node -> box; y grows downwards.
    """
    measured = indicators(graph)
    apart = spanning_factors(graph, measured)
    measured = {key: factors for key, factors in measured.items() if not apart.intersection(factors)}
    found = blocks(graph, measured, apart, together=True)
    edges = _edges(graph, found)
    layer = layers([each.members[0] for each in found], edges)
    if layer is None:
        found = blocks(graph, measured, apart, together=False)
        edges = _edges(graph, found)
        layer = layers([each.members[0] for each in found], edges)
        assert layer is not None, "the equations of a model are not circular"
    last = max(layer.values(), default=0)
    for name in layer:
        # Outcomes of factors above and below everything, and of nothing else, stand at the end.
        predictors = graph.predictors(name)
        if predictors and apart.issuperset(predictors) and not any(source == name for source, _ in edges):
            layer[name] = last + 1
    room = _Room(graph, text, intercepts)
    by_name = {each.members[0]: each for each in found}
    if len(set(layer.values())) <= 1:
        places = _row(room, found)
    else:
        columns, pieces = with_stand_ins(list(by_name), edges, layer)
        places = _columns(room, by_name, ordered(columns, pieces), pieces)
    return places | _bands(graph, apart, places)


def _row(room: _Room, found: Sequence[Block]) -> dict[str, Box]:
    """Blocks side by side, indicators below."""
    places: dict[str, Box] = {}
    right = 0.0
    for each in found:
        own = _block(room, each, "below")
        shift = right - min(one.x - one.width / 2 for one in own.values())
        places |= {key: one.moved(one.x + shift, one.y) for key, one in own.items()}
        right = max(one.x + one.width / 2 for key, one in places.items()) + NODE_GAP
    return places


def _columns(
    room: _Room, by_name: Mapping[str, Block], columns: Sequence[Sequence[str]], pieces: Sequence[Edge]
) -> dict[str, Box]:
    """Blocks in columns, near what they are connected with."""
    own = {
        name: _block(room, by_name[name], _side(number, k, columns)) if name in by_name else {}
        for number, column in enumerate(columns)
        for k, name in enumerate(column)
    }
    heights = _heights(columns, pieces, own, room.extra_height())
    places: dict[str, Box] = {}
    x = 0.0
    for number, column in enumerate(columns):
        boxes = [one for name in column for one in own[name].values()]
        left = -min((one.x - one.width / 2 for one in boxes), default=0.0)
        right = max((one.x + one.width / 2 for one in boxes), default=0.0)
        x += left + (_gap(room, by_name, columns[number - 1], column) if number else 0.0)
        for name in column:
            places |= {key: one.moved(one.x + x, one.y + heights[name]) for key, one in own[name].items()}
        x += right
    return places


def _side(number: int, k: int, columns: Sequence[Sequence[str]]) -> str:
    if number == 0:
        return "left"
    if number == len(columns) - 1:
        return "right"
    return "above" if k <= (len(columns[number]) - 1) / 2 else "below"


def _gap(room: _Room, by_name: Mapping[str, Block], left: Sequence[str], right: Sequence[str]) -> float:
    sources = {member for name in left if name in by_name for member in by_name[name].members}
    targets = {member for name in right if name in by_name for member in by_name[name].members}
    paths = [each for each in room.graph.paths if each.source in sources or each.target in targets]
    between = [each for each in paths if each.source in sources and each.target in targets]
    return (
        LAYER_GAP + room.widest(each.parameter for each in between) + min(3.0 * len(paths), 90.0) + room.extra_height()
    )


def _heights(
    columns: Sequence[Sequence[str]], pieces: Sequence[Edge], own: Mapping[str, Mapping[str, Box]], extra: float
) -> dict[str, float]:
    """Heights of blocks and stand-ins: as level with their neighbours as the room allows."""
    neighbours: dict[str, list[str]] = {}
    for source, target in pieces:
        neighbours.setdefault(source, []).append(target)
        neighbours.setdefault(target, []).append(source)
    up = {name: -min((one.y - one.height / 2 for one in each.values()), default=0.0) for name, each in own.items()}
    down = {name: max((one.y + one.height / 2 for one in each.values()), default=0.0) for name, each in own.items()}
    gap = NODE_GAP + min(len(pieces), 30) + extra
    separations = [
        [down[a] + up[b] + _distance(own[a], own[b], gap, extra) for a, b in pairwise(column)] for column in columns
    ]
    heights: dict[str, float] = {}
    for column, distances in zip(columns, separations, strict=True):
        start = spread([0.0] * len(column), distances)
        heights |= dict(zip(column, start, strict=True))
    for sweep in range(40):
        order = range(len(columns)) if sweep % 2 == 0 else range(len(columns) - 1, -1, -1)
        for number in order:
            wanted = [
                sum(heights[other] for other in neighbours.get(name, [name])) / len(neighbours.get(name, [name]))
                for name in columns[number]
            ]
            heights |= dict(zip(columns[number], spread(wanted, separations[number]), strict=True))
    return heights


def _distance(first: Mapping[str, Box], second: Mapping[str, Box], gap: float, extra: float) -> float:
    """Between two neighbours of a column, either of which may be a stand-in."""
    if first and second:
        return gap
    return STAND_IN_GAP + extra if first or second else 10.0 + extra


def _block(room: _Room, block: Block, side: str) -> dict[str, Box]:
    """Members and indicators of a block around the origin."""
    graph = room.graph
    factors = [box(graph.nodes[key]) for key in block.members]
    items = [box(graph.nodes[key]) for key in block.indicators]
    upright = side in ("left", "right")
    line = _line(factors, upright, INDICATOR_DISTANCE if items and len(factors) > 1 else NODE_GAP)
    loadings = [each.parameter for each in graph.paths if each.target in block.indicators]
    label = room.widest(loadings)
    pitch = 0.0
    if not upright:
        pitch = max(label, room.widest(graph.residuals.get(key, "") for key in block.indicators)) + 6
    beside = _line(items, upright, INDICATOR_GAP + 34.0 * room.intercepts, pitch)
    beyond = max((each.width / 2 for each in items), default=0.0) + label if upright else 3 * room.extra_height()
    distance = INDICATOR_DISTANCE + beyond
    dx, dy = {"left": (-1, 0), "right": (1, 0), "above": (0, -1), "below": (0, 1)}[side]
    placed = dict(zip(block.members, line, strict=True))
    return placed | {
        key: each.moved(each.x + distance * dx, each.y + distance * dy)
        for key, each in zip(block.indicators, beside, strict=True)
    }


def _line(boxes: Sequence[Box], upright: bool, gap: float, pitch: float = 0.0) -> list[Box]:
    """Boxes below each other or side by side, centred at the origin, each with room of at least `pitch`."""
    sizes = [max(pitch - gap, each.height if upright else each.width) for each in boxes]
    start = -(sum(sizes) + gap * (len(boxes) - 1)) / 2
    placed = []
    for each, size in zip(boxes, sizes, strict=True):
        middle = start + size / 2
        placed.append(each.moved(0.0, middle) if upright else each.moved(middle, 0.0))
        start += size + gap
    return placed


def _bands(graph: Graph, apart: frozenset[str], places: Mapping[str, Box]) -> dict[str, Box]:
    """Factors of variables in several layers: above or below everything, in the middle of their variables."""
    top = min(each.y - each.height / 2 for each in places.values())
    bottom = max(each.y + each.height / 2 for each in places.values())
    bands: dict[bool, list[tuple[float, str]]] = {True: [], False: []}
    for key in (each for each in graph.nodes if each in apart):
        outcomes = [places[each.target] for each in graph.paths if each.source == key and each.target in places]
        x = sum(each.x for each in outcomes) / len(outcomes)
        y = sum(each.y for each in outcomes) / len(outcomes)
        bands[y <= (top + bottom) / 2 + 1e-6].append((x, key))
    found: dict[str, Box] = {}
    for is_above, members in bands.items():
        boxes = [box(graph.nodes[key]) for _, key in members]
        distances = [(a.width + b.width) / 2 + 2 * NODE_GAP for a, b in pairwise(boxes)]
        for (_, key), one, x in zip(members, boxes, spread([x for x, _ in members], distances), strict=True):
            height = BAND_GAP + one.height / 2
            found[key] = one.moved(x, top - height if is_above else bottom + height)
    return found
