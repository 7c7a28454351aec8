"""Pairs of `~~` -> joint blocks: which residuals are jointly normal, and which pairs are left at zero."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.drafts import DraftEquation, Drafts, Pair
from blimp2pymc.joint_model.families import FAMILY_WORDS


@dataclass(frozen=True)
class DraftBlock:
    """Members of one joint block and the pairs stated among them."""

    members: tuple[ir.Column, ...]
    pairs: Mapping[tuple[int, int], Pair]
    """(i, j) with i < j; an absent pair is zero."""
    block: str
    block_place: int
    span: Span | None


def print_order(item: DraftEquation | DraftBlock) -> tuple:
    """Place in print: blocks as in the script; inside a block latents, other variables, covariances, each by name.

    `yjt(x2)` stands where x2 would, `var(y)` behind y.
    """
    if isinstance(item, DraftBlock):
        return (item.block_place, True, False, name_order(item.members[0].variable), False)
    return (item.block_place, False, not item.is_latent, name_order(item.outcome.variable), item.is_variance)


def name_order(name: str) -> tuple:
    """Alphabetical order in which x2 comes before x10.

    >>> sorted(["x10", "x2", "X1", "x"], key=name_order)
    ['x', 'X1', 'x2', 'x10']
    """
    parts = re.split("([0-9]+)", name.casefold())
    return (tuple(int(part) if place % 2 else part for place, part in enumerate(parts)), name)


def draft_blocks(drafts: Drafts, findings: list[Finding]) -> list[DraftBlock]:
    """Join the pairs of `~~` to blocks.

    Variables connected by pairs are one block, printed under the last label of their equations. Where
    some of its pairs are not stated, those correlations are zero and a note says so. `a ~~ b@0` leaves
    the pair out.

    Parameters
    ----------
    drafts
        Equations and pairs of MODEL; each member already has an equation.
    findings
        Mistakes and notes are added here.
    """
    stated = [
        pair for pair in drafts.pairs.values() if pair.setting.fixed != 0 and _has_residuals(pair, drafts, findings)
    ]
    _check_values(stated, findings)
    blocks = []
    for group in _connected(stated):
        members = tuple(sorted(group, key=lambda column: name_order(column.variable)))
        inside = [pair for pair in stated if pair.first in group]
        places = {column: place for place, column in enumerate(members)}
        pairs = {_ordered(places[pair.first], places[pair.second]): pair for pair in inside}
        last = max((drafts.equations[member] for member in members), key=lambda draft: draft.block_place)
        blocks.append(DraftBlock(members, pairs, last.block, last.block_place, inside[0].span))
        _note_zeros(members, pairs, inside[0].span, findings)
    return blocks


def _has_residuals(pair: Pair, drafts: Drafts, findings: list[Finding]) -> bool:
    """Whether both members have normal residuals, or latent responses that have."""
    drafted = [drafts.equations[member] for member in (pair.first, pair.second)]
    without = [each for each in drafted if each.family not in ("normal", "probit")]
    for each in without:
        findings.append(Finding(
            f"'{each.outcome.variable}' cannot be part of '~~': a {FAMILY_WORDS[each.family]} equation has no residual "
            "to correlate", pair.span, f"a predictor in place of '~~', or ORDINAL: {each.outcome.variable};",
            "no-residual"))  # fmt: skip
    return not without


def _ordered(first: int, second: int) -> tuple[int, int]:
    return (min(first, second), max(first, second))


def _connected(pairs: list[Pair]) -> list[set[ir.Column]]:
    """Sets of variables connected by pairs, in order of appearance."""
    groups: list[set[ir.Column]] = []
    for pair in pairs:
        touched = [group for group in groups if pair.first in group or pair.second in group]
        merged = {pair.first, pair.second}.union(*touched)
        place = groups.index(touched[0]) if touched else len(groups)
        groups = [group for group in groups if group not in touched]
        groups.insert(min(place, len(groups)), merged)
    return groups


def _check_values(pairs: list[Pair], findings: list[Finding]) -> None:
    for pair in pairs:
        value = pair.setting.fixed
        if value is not None and not -1 < value < 1:
            findings.append(Finding(
                f"a correlation is fixed at {value:g}; correlations lie between -1 and 1",
                pair.setting.span or pair.span, "the covariance divided by both standard deviations",
                "correlation-out-of-range"))  # fmt: skip


def _note_zeros(
    members: tuple[ir.Column, ...], pairs: Mapping[tuple[int, int], Pair], span: Span | None, findings: list[Finding]
) -> None:
    absent = [
        f"{members[first].variable} and {members[second].variable}"
        for first, second in combinations(range(len(members)), 2)
        if (first, second) not in pairs
    ]
    if absent:
        shown = ", ".join(absent[:3]) + (" and others" if len(absent) > 3 else "")
        findings.append(Finding(
            f"the residuals of {shown} are not correlated by the script, so these correlations are fixed at zero",
            span, code="zero-correlations", severity="note"))  # fmt: skip
