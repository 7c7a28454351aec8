"""Which layer everything in a path diagram belongs to, and in what order: causes left of what they explain.

Works on names and arrows alone, before anything has a size; `path_layout` uses it.

Source of the method: Sugiyama, Tagawa and Toda (1981), IEEE Transactions on Systems, Man, and Cybernetics 11,
109-125: longest paths give layers, lines across several layers get a stand-in in each, medians order the layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

Edge = tuple[str, str]

SWEEPS = 12
"""Passes over the layers in search of an order with few crossings."""


def layers(names: Sequence[str], edges: Iterable[Edge]) -> dict[str, int] | None:
    """Length of the longest way to every name; None when the edges go round in a circle."""
    before: dict[str, set[str]] = {each: set() for each in names}
    for source, target in edges:
        if source != target:
            before[target].add(source)
    found: dict[str, int] = {}
    while len(found) < len(names):
        ready = [each for each in names if each not in found and all(other in found for other in before[each])]
        if not ready:
            return None
        for each in ready:
            found[each] = max((found[other] + 1 for other in before[each]), default=0)
    return found


def with_stand_ins(
    names: Sequence[str], edges: Iterable[Edge], layer: Mapping[str, int]
) -> tuple[list[list[str]], list[Edge]]:
    """Members of every layer, and edges between neighbouring layers only.

    An edge that skips layers is cut into pieces at stand-ins, whose names begin with a blank. Edges from one source
    across a layer share a stand-in.
    """
    members: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for each in names:
        members[layer[each]].append(each)
    pieces: dict[Edge, None] = {}
    for source, target in edges:
        way = [source]
        for number in range(layer[source] + 1, layer[target]):
            stand_in = f" {source} > {target} @ {number}"
            if stand_in not in members[number]:
                members[number].append(stand_in)
            way.append(stand_in)
        pieces |= dict.fromkeys(pairwise([*way, target]))
    return members, [each for each in pieces if each[0] != each[1]]


def ordered(members: Sequence[Sequence[str]], edges: Sequence[Edge]) -> list[list[str]]:
    """Order every layer so that few edges cross; the order given is kept where it does not matter."""
    after: dict[str, list[str]] = {}
    before: dict[str, list[str]] = {}
    for source, target in edges:
        after.setdefault(source, []).append(target)
        before.setdefault(target, []).append(source)
    current = [list(each) for each in members]
    best, fewest = current, crossings(current, edges)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        neighbours = before if forward else after
        current = [list(each) for each in current]
        numbers = range(1, len(current)) if forward else range(len(current) - 2, -1, -1)
        for number in numbers:
            fixed = current[number - 1 if forward else number + 1]
            place = {name: k / max(1, len(fixed) - 1) for k, name in enumerate(fixed)}
            own = {name: k / max(1, len(current[number]) - 1) for k, name in enumerate(current[number])}
            wanted = {
                name: _mean([place[other] for other in neighbours.get(name, [])], own[name]) for name in current[number]
            }
            current[number].sort(key=lambda name: (round(wanted[name], 9), own[name]))
        _swap_neighbours(current, edges)
        count = crossings(current, edges)
        if count < fewest:
            best, fewest = current, count
    return best


def crossings(members: Sequence[Sequence[str]], edges: Sequence[Edge]) -> int:
    """Number of pairs of edges that cross, were the layers drawn as straight columns."""
    place = {name: (number, k) for number, each in enumerate(members) for k, name in enumerate(each)}
    count = 0
    for number in range(len(members) - 1):
        ends = [(place[a][1], place[b][1]) for a, b in edges if place[a][0] == number]
        count += sum((a - c) * (b - d) < 0 for k, (a, b) in enumerate(ends) for c, d in ends[:k])
    return count


def _swap_neighbours(current: list[list[str]], edges: Sequence[Edge]) -> None:
    count = crossings(current, edges)
    for each in current:
        for k in range(len(each) - 1):
            each[k], each[k + 1] = each[k + 1], each[k]
            swapped = crossings(current, edges)
            if swapped < count:
                count = swapped
            else:
                each[k], each[k + 1] = each[k + 1], each[k]


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def spread(wanted: Sequence[float], separations: Sequence[float]) -> list[float]:
    """Positions nearest to the wanted ones (least squares) with at least these distances between neighbours.

    Pools adjacent violators, as in isotonic regression on the positions less the distances before them.
    """
    offsets = [0.0] if wanted else []
    for each in separations:
        offsets.append(offsets[-1] + each)
    pools: list[list[float]] = []
    for position, offset in zip(wanted, offsets, strict=True):
        pools.append([position - offset, 1.0])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, n), (b, m) = pools[-2:]
            pools[-2:] = [[(a * n + b * m) / (n + m), n + m]]
    level = [value for value, size in pools for _ in range(int(size))]
    return [value + offset for value, offset in zip(level, offsets, strict=True)]
