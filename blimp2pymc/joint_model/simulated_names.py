"""The names of SIMULATE: what it makes, and what its formulas and VARIABLES say that it does not make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.ranges import expand_range, listed_names
from blimp2pymc.errors import Finding

SUFFIX = re.compile(r"(?i)\.(?:lag[0-9]*|time)\Z")
"""What may stand behind a simulated name: an earlier row, or the counter within a level."""

MOST_SHOWN = 8
"""Names of VARIABLES that a hint repeats."""


def simulated_names(script: tree.Script) -> tuple[str, ...]:
    """Every name that SIMULATE gives a value: variables, constants, and levels."""
    names: dict[str, None] = {}
    for draw in script.statements("SIMULATE"):
        if draw.operator != "~~":
            names.update(dict.fromkeys(each.name for each in _names_of(draw.left)))
    return tuple(names)


def check_simulation(script: tree.Script) -> Iterator[Finding]:
    """Names in SIMULATE, and in its VARIABLES, that nothing makes."""
    known = simulated_names(script)
    if not known:
        return
    for draw in script.statements("SIMULATE"):
        sides = [*_names_of(draw.left), *_names_of(draw.other)] if draw.operator == "~~" and draw.other else []
        for node in (*sides, *_names_of(draw.right)):
            if node.name not in known and SUFFIX.sub("", node.name) not in known:
                yield Finding(f"'{node.name}' is made by no statement of SIMULATE", node.span,
                              nearest(node.name, known), "undeclared-name")  # fmt: skip
    for item in listed_names(script.statements("VARIABLES")):
        if item.name not in known and SUFFIX.sub("", item.name) not in known:
            yield Finding(f"'{item.name}' in VARIABLES is made by no statement of SIMULATE", item.span,
                          nearest(item.name, known), "undeclared-name")  # fmt: skip


def say_what_is_not_kept(script: tree.Script, finding: Finding) -> Finding:
    """A finding about an unknown name; where SIMULATE makes it, the reason is that VARIABLES does not list it."""
    kept = [item.name for item in listed_names(script.statements("VARIABLES"))]
    name = finding.span.text if finding.span is not None else ""
    if finding.code != "undeclared-name" or not kept or name in kept or name not in simulated_names(script):
        return finding
    shown = kept if len(kept) <= MOST_SHOWN else ["..."]
    return replace(finding, message=f"'{name}' is made by SIMULATE, but VARIABLES does not keep it",
                   hint=f"VARIABLES: {' '.join([*shown, name])};", code="not-kept")  # fmt: skip


def _names_of(node: object) -> Iterator[tree.Name]:
    for each in tree.walk(node):
        match each:
            case tree.Name():
                yield each
            case tree.Range(first, last) | tree.SumRange(first, last):
                yield from (tree.Name(name, each.span) for name in expand_range(first, last, each.span))
            case tree.Call(function, (tree.Number(),)) if isinstance(node, tree.Side):
                yield tree.Name(function, each.span)
