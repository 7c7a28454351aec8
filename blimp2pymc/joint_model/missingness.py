"""`y.missing`, the indicator of a missing value: a column of the data like any other, ORDINAL with codes 0 and 1.

A script that names it says the same as one with `TRANSFORM: y.missing = ismissing(y);` and `ORDINAL: y.missing;`, so
that is what it becomes, before names are looked up.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from blimp2pymc.blimp import tree
from blimp2pymc.data.table import Table
from blimp2pymc.errors import Finding

SUFFIX = ".missing"


def with_missingness(script: tree.Script, table: Table, findings: list[Finding]) -> tuple[tree.Script, Table]:
    """Script and data with the indicators that the script names, and a finding for each that says nothing.

    Parameters
    ----------
    script
        Parsed script.
    table
        Its data, TRANSFORM and FILTER applied.
    findings
        Added to.
    """
    for node in tree.walk(script.commands):
        if not isinstance(node, tree.Name) or not node.name.lower().endswith(SUFFIX) or node.name in table.values:
            continue
        own = node.name[: -len(SUFFIX)]
        if own not in table.values:
            continue
        absent = np.isnan(table.values[own])
        if absent.all() or not absent.any():
            what = "has no missing values" if not absent.any() else "is missing in every row"
            findings.append(Finding(f"'{own}' {what}, so there is nothing that '{node.name}' could tell apart",
                                    node.span, f"leave '{node.name}' out", "constant-missingness"))  # fmt: skip
            absent = np.arange(len(absent)) % 2 == 0
        table = table.with_column(node.name, absent.astype(float))
        name = tree.Name(node.name, node.span)
        indicator = tree.Call("ismissing", (tree.Name(own, node.span),), node.span)
        definition = tree.Definition(node.name, indicator, name_span=node.span, span=node.span)
        added = (
            tree.Command("TRANSFORM", (definition,), node.span, node.span, is_implied=True),
            tree.Command("ORDINAL", (tree.NameItem(name, span=node.span),), node.span, node.span, is_implied=True),
        )
        script = replace(script, commands=(*script.commands, *added))
    return script, table
