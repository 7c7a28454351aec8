"""What the language can say and the sampler cannot draw yet: refused by name, never ignored.

One table holds a sentence per construct. Most constructs are seen in the script alone and are found
here; the others are refused where they are recognised, through `refuse`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blimp2pymc.blimp import tree
from blimp2pymc.errors import Finding, Span

REFUSALS: Mapping[str, str] = {
    # whole analyses
    "simulate": "generating data with SIMULATE is not available yet",
    "fcs": "imputation with FCS is not available yet",
    "by-group": "separate analyses with BYGROUP are not available yet",
    "weights": "sampling weights (WEIGHT) are not available yet",
    # levels and time
    "multilevel": "multilevel models (CLUSTERID) are not sampled yet",
    "random-effects": "random effects after '|' are not sampled yet",
    "named-random-effects": "named random effects (RANDOMEFFECT) are not sampled yet",
    "group-centering": "centering at cluster means is not sampled yet",
    "cluster-mean": "the cluster mean '{name}' is not sampled yet",
    "time": "time within clusters (TIMEID) is not available yet",
    "lag": "the lagged variable '{name}' is not sampled yet",
    "dropout": "dropout indicators (DROPOUT) are not available yet",
    # priors
    "implied-variance-constraint": "'{name}' is a label of MODEL set through a variance of '{other}' that depends on "
        "incomplete or latent variables or differs between rows, which is not sampled yet",
    # options and files
    "option": "the option {name} is not available yet",
    "save-kind": "saving '{name}' is not available yet",
}  # fmt: skip
"""Construct -> what to tell the user; `{name}` and `{other}` are filled in."""

COMMANDS: Mapping[str, str] = {
    "SIMULATE": "simulate",
    "FCS": "fcs",
    "BYGROUP": "by-group",
    "WEIGHT": "weights",
    "CLUSTERID": "multilevel",
    "RANDOMEFFECT": "named-random-effects",
    "TIMEID": "time",
    "DROPOUT": "dropout",
}
"""Commands refused as a whole."""

OPTIONS: Mapping[str, str] = {
    "nodrop": "dropout",
    "hev": "option",
    "manifest": "option",
}
"""Options refused by name."""

SAVED = frozenset({
    "estimates", "iterations", "stacked", "stacked0", "separate", "avgimp", "varimp", "psr", "waldtest", "simple",
})  # fmt: skip
"""Kinds of SAVE that are written."""

GROUP_CENTERING = frozenset({"groupmean", "cwc"})


def refuse(code: str, span: Span | None = None, *, name: str = "", other: str = "", hint: str = "") -> Finding:
    """Make the finding that refuses a construct.

    Parameters
    ----------
    code
        Key of `REFUSALS`.
    span
        Where the construct stands.
    name, other
        What its sentence is about.
    hint
        What the user can do instead.
    """
    return Finding(REFUSALS[code].format(name=name, other=other), span, hint, code)


def is_refusal(finding: Finding) -> bool:
    """Whether a finding only says that something cannot be sampled yet."""
    return finding.code in REFUSALS


def refused_by_script(script: tree.Script) -> list[Finding]:
    """Every refusal that needs neither data nor names, in the order of the script."""
    found = [finding for command in script.commands for finding in _refused_by_command(command)]
    return list({(each.code, each.message): each for each in reversed(found)}.values())[::-1]


def _refused_by_command(command: tree.Command) -> Iterator[Finding]:
    body = command.body if isinstance(command.body, tuple) else ()
    if command.name in COMMANDS:
        yield refuse(COMMANDS[command.name], command.span)
    elif command.name == "OPTIONS":
        for option in body:
            if option in OPTIONS:
                yield refuse(OPTIONS[option], command.body_span or command.span, name=option)
    elif command.name == "SAVE":
        for statement in body:
            if statement.kind not in SAVED:
                yield refuse("save-kind", statement.span, name=statement.kind)
    elif command.name == "CENTER":
        for group in body:
            if group.key.lower() in GROUP_CENTERING:
                yield refuse("group-centering", group.key_span or group.span)
    elif command.name == "MODEL":
        for statement in body:
            if isinstance(statement, tree.Relation) and statement.random is not None:
                yield refuse("random-effects", statement.span)
