"""A plan as text: draws with their kernels and reasons, then what moves together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from blimp2pymc.joint_model.text_lines import filled
from blimp2pymc.sampler.plan.update import Update


def in_words(updates: Sequence[Update], moves: Iterable[object]) -> str:
    """Lines of readable width; neighbouring draws of one kind share their reason, with `;` between them."""
    width = max(len(each.kernel) for each in updates)
    indent = " " * (width + 2)
    lines = []
    for (kernel, reason), found in groupby(updates, key=lambda each: (each.kernel, each.reason)):
        draws = [each.targets for each in found]
        # A separator stands behind a name, so that lines break between names only.
        names = [
            f"{name}{'' if last and draw is draws[-1] else ';' if last else ','}"
            for draw in draws
            for name, last in zip(draw, (*[False] * (len(draw) - 1), True), strict=True)
        ]
        lines += filled(names, " ", start=f"{kernel:<{width}}  ", indent=indent)
        text = reason if len(draws) == 1 else f"{reason}; {len(draws)} draws, one after the other"
        lines += filled(text.split(" "), " ", start=indent, indent=indent)
    for each in moves:
        lines += filled(str(each).split(" "), " ", indent="  ")
    return "\n".join(lines)
