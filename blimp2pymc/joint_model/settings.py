"""What a script says about the run: seed, iterations, chains, options and files to save.

The parser has checked each command by itself; here they are read together, and what the script does
not say is stated as a note.
"""

from __future__ import annotations

from collections.abc import Mapping

from blimp2pymc.blimp import tree
from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model.ir import Settings

DEFAULT_BURN = 1_000
"""Iterations per chain before draws are kept."""
DEFAULT_ITERATIONS = 10_000
"""Draws kept, over all chains."""
DEFAULT_CHAINS = 4

NUMBERS = {
    "SEED": "seed", "BURN": "burn", "ITERATIONS": "iterations", "CHAINS": "chains", "THIN": "thin",
    "NIMPS": "n_imputations",
}  # fmt: skip
"""Command of one whole number -> field of `Settings`."""

EXCLUSIVE = (("prior1", "prior2", "prior3"), ("hev", "hov"), ("latent", "manifest"), ("xprior1", "xprior2", "xprior3"))
"""Options of which at most one can hold."""

EXCLUSIVE_COMMANDS = (
    ("MODEL", "FCS", "MODEL for an analysis, FCS to impute without one"),
    ("DATA", "SIMULATE", "DATA for a file, SIMULATE to generate the data"),
)
"""Commands of which a script has at most one, and how to choose."""

IMPUTATIONS = ("stacked", "stacked0", "separate")
"""Kinds of SAVE that write imputed data sets."""


def read_settings(script: tree.Script, priors: str = "blimp") -> tuple[Settings, tuple[Finding, ...]]:
    """Read the settings of a script.

    Parameters
    ----------
    script
        Parsed script.
    priors
        `blimp` or `proper`.

    Returns
    -------
    Settings and findings: errors (for the caller to raise with its own), warnings, and notes that state
    every default.
    """
    findings: list[Finding] = []
    numbers = {field: _number(script, command, findings) for command, field in NUMBERS.items()}
    options = frozenset(str(word).lower() for word in script.statements("OPTIONS"))
    save = tuple((statement.kind.lower(), statement.file) for statement in script.statements("SAVE"))
    for group in EXCLUSIVE:
        chosen = [option for option in group if option in options]
        if len(chosen) > 1:
            findings.append(Finding(f"the options {' and '.join(chosen)} exclude each other", _span(script, "OPTIONS"),
                                    f"OPTIONS: {chosen[0]};", "exclusive-options"))  # fmt: skip
    _check_commands(script, findings)
    _check_iterations(script, numbers, findings)
    _check_imputations(script, numbers, findings)
    _check_files(script, findings)
    for command in script.all("OUTPUT"):
        findings.append(Finding("OUTPUT has no effect here: all columns are printed", command.span, "", "idle-output",
                                "warning"))  # fmt: skip
    findings.extend(_default_notes(numbers))
    family = next((int(option[-1]) for option in EXCLUSIVE[0] if option in options), 2)
    predictor_family = next((int(option[-1]) for option in EXCLUSIVE[-1] if option in options), 1)
    settings = Settings(
        **numbers, options=options, prior_family=family, predictor_prior_family=predictor_family, priors=priors,
        save=save,
    )  # fmt: skip
    return settings, tuple(findings)


def _number(script: tree.Script, name: str, findings: list[Finding]) -> int | None:
    value: int | None = None
    for command in script.all(name):
        span = command.body_span or command.span
        assert isinstance(command.body, int)
        if value is not None and value != command.body:
            findings.append(Finding(f"{name} is stated twice, as {value} and as {command.body}", span,
                                    f"one {name} command", "stated-twice"))  # fmt: skip
        value = command.body
    return value


def _check_commands(script: tree.Script, findings: list[Finding]) -> None:
    for first, second, hint in EXCLUSIVE_COMMANDS:
        if script.all(first) and script.all(second):
            later = max((*script.all(first), *script.all(second)), key=lambda each: each.span.start if each.span else 0)
            other = second if later.name == first else first
            findings.append(Finding(f"{later.name} and {other} exclude each other", later.span, hint,
                                    "exclusive-commands"))  # fmt: skip


def _check_iterations(script: tree.Script, numbers: Mapping[str, int | None], findings: list[Finding]) -> None:
    iterations, chains = numbers["iterations"], numbers["chains"] or DEFAULT_CHAINS
    if iterations is not None and iterations < chains:
        told = f"the {chains} CHAINS" if numbers["chains"] else f"the {chains} chains run by default"
        findings.append(
            Finding(f"ITERATIONS is the total over all chains, and {iterations} is fewer than {told}",
                    _span(script, "ITERATIONS"), f"ITERATIONS: {DEFAULT_ITERATIONS};", "too-few-iterations")
        )  # fmt: skip


def _check_imputations(script: tree.Script, numbers: Mapping[str, int | None], findings: list[Finding]) -> None:
    for statement in script.statements("SAVE"):
        if statement.kind.lower() == "separate" and "*" not in statement.file:
            findings.append(Finding("the file name of 'separate' needs a * where the number of the imputation goes",
                                    statement.span, "separate = imputation*.csv;", "separate-star"))  # fmt: skip
    saves = any(statement.kind.lower() in IMPUTATIONS for statement in script.statements("SAVE"))
    if numbers["n_imputations"] is not None and not saves:
        findings.append(Finding("NIMPS writes no file, because SAVE asks for no imputed data; they are kept for Python",
                                _span(script, "NIMPS"), "SAVE: stacked = imputations.csv;", "idle-nimps",
                                "warning"))  # fmt: skip


def _check_files(script: tree.Script, findings: list[Finding]) -> None:
    """No two results go to one file."""
    seen: dict[str, str] = {}
    for statement in script.statements("SAVE"):
        kind, file = statement.kind.lower(), statement.file
        if seen.get(file, kind) != kind:
            findings.append(Finding(f"SAVE writes both '{seen[file]}' and '{kind}' to {file}", statement.span,
                                    "a file name for each", "same-file"))  # fmt: skip
        seen.setdefault(file, kind)


def _default_notes(numbers: Mapping[str, int | None]) -> list[Finding]:
    defaults = {
        "seed": ("SEED", "one is drawn for the run and printed"),
        "burn": ("BURN", f"{DEFAULT_BURN:,} iterations per chain"),
        "iterations": ("ITERATIONS", f"{DEFAULT_ITERATIONS:,} over all chains"),
        "chains": ("CHAINS", f"{DEFAULT_CHAINS}"),
    }
    return [
        # Without a seed nobody can repeat the run, which is worth more than a note.
        Finding(
            f"the script states no {name}: {default}",
            None,
            "SEED: 90291;" if field == "seed" else "",
            f"default-{field}",
            "warning" if field == "seed" else "note",
        )
        for field, (name, default) in defaults.items()
        if numbers[field] is None
    ]


def _span(script: tree.Script, name: str) -> Span | None:
    commands = script.all(name)
    return (commands[-1].body_span or commands[-1].span) if commands else None
