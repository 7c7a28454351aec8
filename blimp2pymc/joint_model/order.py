"""The order of equations: each after those of its predictors, cycles reported."""

from __future__ import annotations

from dataclasses import replace
from heapq import heapify, heappop, heappush

from blimp2pymc.errors import Finding
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in, parameters_in


def topological(equations: list[ir.Equation], findings: list[Finding]) -> tuple[ir.Equation, ...]:
    """Order equations so that each follows those of its predictors; ties keep the given order.

    A cycle is added to `findings`; its equations then come last, in the given order.
    """
    owners: dict[ir.Column, set[int]] = {}
    for place, each in enumerate(equations):
        if each.role is not ir.Role.MEANS:
            owners.setdefault(_owner(each.outcome), set()).add(place)
    means = {each.terms[0].coefficient: place for place, each in enumerate(equations) if each.role is ir.Role.MEANS}
    needs: list[set[int]] = []
    for each in equations:
        if each.role is ir.Role.MEANS:
            needs.append(owners.get(_owner(each.outcome), set()))
            continue
        wanted: set[int] = set()
        for term in (*each.terms, *each.variance_terms):
            wanted = wanted.union(*(owners.get(_score(column), set()) for column in columns_in(term.expression)))
            wanted |= {means[name] for name in parameters_in(term.expression) if name in means}
        needs.append(wanted)
    waiting = [len(each) for each in needs]
    wanted_by: dict[int, list[int]] = {}
    for place, wanted in enumerate(needs):
        for needed in wanted:
            wanted_by.setdefault(needed, []).append(place)
    ready = [place for place, count in enumerate(waiting) if count == 0]
    heapify(ready)
    ordered: list[int] = []
    while ready:
        place = heappop(ready)
        ordered.append(place)
        for other in wanted_by.get(place, ()):
            waiting[other] -= 1
            if waiting[other] == 0:
                heappush(ready, other)
    left = [place for place in range(len(equations)) if waiting[place] > 0]
    if left:
        _report_cycle(equations, needs, set(left), findings)
    return tuple(equations[place] for place in [*ordered, *left])


def _owner(outcome: ir.Column) -> ir.Column:
    """The column an outcome provides: the equations of all codes of n together provide n."""
    return _score(outcome) if outcome.form is ir.Form.DUMMY else outcome


def _score(column: ir.Column) -> ir.Column:
    """The column whose equation a reference depends on: `n.2` and `x.latent` depend on n and x, lags on nothing."""
    if column.lag:
        return column
    return replace(column, form=ir.Form.SCORE, category=None)


def _report_cycle(equations: list[ir.Equation], needs: list[set[int]], left: set[int], findings: list[Finding]) -> None:
    place = min(left)
    path: list[int] = []
    while place not in path:
        path.append(place)
        place = min(needs[place] & left)
    cycle = path[path.index(place) :]
    start = cycle.index(min(cycle))
    cycle = cycle[start:] + cycle[:start]
    names = list(dict.fromkeys(equations[each].name for each in cycle))
    first = equations[cycle[0]]
    span = first.span
    if len(names) == 1:
        own = _owner(first.outcome)
        terms = (*first.terms, *first.variance_terms)
        places = [each.span for each in terms if own in map(_score, columns_in(each.expression)) and each.span]
        findings.append(Finding(f"'{names[0]}' predicts itself", places[0] if places else span, "another predictor",
                                "cycle"))  # fmt: skip
        return
    arrows = " <- ".join([*names, names[0]])
    findings.append(Finding(f"the equations form a cycle: {arrows}", span,
                            "one of these arrows turned round, or '~~' for a correlation", "cycle"))  # fmt: skip
