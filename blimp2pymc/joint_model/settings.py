"""What a script says about the run: seed, iterations, chains, options and files to save."""

from __future__ import annotations

from collections.abc import Mapping

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.nearest import nearest
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
"""Command of one positive whole number -> field of `Settings`."""

OPTIONS = (
    "prior1", "prior2", "prior3", "xprior1", "xprior2", "xprior3", "hov", "hev", "use_phantom", "latent", "manifest",
    "pinfo", "labels", "tuneinfo", "allpatterns", "nodrop", "savelatent", "saveresidual", "savepredicted",
    "savevarnames",
)  # fmt: skip
"""Keywords of OPTIONS; `refusals` says which are not available."""

EXCLUSIVE = (("prior1", "prior2", "prior3"), ("hev", "hov"), ("latent", "manifest"), ("xprior1", "xprior2", "xprior3"))
"""Options of which at most one can hold."""

SAVE_KINDS = (
    "stacked", "separate", "dataset", "estimates", "iterations", "psr", "avgimp", "varimp", "waldtest", "simple",
)  # fmt: skip
"""What SAVE can write."""

LARGEST_SEED = 2**63 - 1


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
    options = _options(script, findings)
    save = _save(script, findings)
    _check_iterations(script, numbers, findings)
    if numbers["n_imputations"] is not None and not any(kind in ("stacked", "separate") for kind, _ in save):
        findings.append(_warning("NIMPS has no effect: SAVE asks for no imputed data", _span(script, "NIMPS"),
                                 "SAVE: stacked = imputations.csv;", "idle-nimps"))  # fmt: skip
    for command in script.all("OUTPUT"):
        findings.append(_warning("OUTPUT has no effect: all columns are printed", command.span, "", "idle-output"))
    if not any(each.severity == "error" for each in findings):
        findings.extend(_default_notes(numbers))
    family = next((int(option[-1]) for option in ("prior1", "prior2", "prior3") if option in options), 2)
    settings = Settings(**numbers, options=frozenset(options), prior_family=family, priors=priors, save=tuple(save))
    return settings, tuple(findings)


def _number(script: tree.Script, command_name: str, findings: list[Finding]) -> int | None:
    value = None
    for command in script.all(command_name):
        span = command.body_span or command.span
        new = command.body
        if not isinstance(new, int | float) or new != int(new) or new <= 0:
            findings.append(Finding(f"{command_name} must be a positive whole number, not {new}", span,
                                    f"{command_name}: 1000;", "not-positive"))  # fmt: skip
            continue
        if command_name == "SEED" and new > LARGEST_SEED:
            findings.append(Finding("SEED is too large", span, f"at most {LARGEST_SEED}", "seed-too-large"))
            continue
        if value is not None and value != int(new):
            findings.append(Finding(f"{command_name} is stated twice, as {value} and as {new}", span,
                                    f"one {command_name} command", "stated-twice"))  # fmt: skip
        value = int(new)
    return value


def _options(script: tree.Script, findings: list[Finding]) -> list[str]:
    options: list[str] = []
    for command in script.all("OPTIONS"):
        for written in command.body if isinstance(command.body, tuple) else ():
            option = str(written).lower()
            span = command.body_span or command.span
            if option not in OPTIONS:
                findings.append(_warning(f"OPTIONS knows no '{option}': it has no effect", span,
                                         nearest(option, OPTIONS), "unknown-option"))  # fmt: skip
            options.append(option)
    for group in EXCLUSIVE:
        chosen = [each for each in group if each in options]
        if len(chosen) > 1:
            findings.append(Finding(f"OPTIONS {' and '.join(chosen)} exclude each other", _span(script, "OPTIONS"),
                                    chosen[0], "exclusive-options"))  # fmt: skip
    return options


def _save(script: tree.Script, findings: list[Finding]) -> list[tuple[str, str]]:
    save: list[tuple[str, str]] = []
    for statement in script.statements("SAVE"):
        kind = statement.kind.lower()
        if kind not in SAVE_KINDS:
            near = nearest(kind, SAVE_KINDS)
            hint = f"{near} = {statement.file};" if near else "one of " + ", ".join(SAVE_KINDS)
            findings.append(Finding(f"SAVE cannot write '{statement.kind}'", statement.span, hint, "unknown-save"))
        elif kind == "separate" and "*" not in statement.file:
            findings.append(Finding("the file of 'separate' needs a * for the number of the imputation",
                                    statement.span, "separate = imputation*.csv;", "separate-star"))  # fmt: skip
        save.append((kind, statement.file))
    return save


def _check_iterations(script: tree.Script, numbers: Mapping[str, int | None], findings: list[Finding]) -> None:
    iterations = numbers["iterations"]
    chains = numbers["chains"] or DEFAULT_CHAINS
    if iterations is not None and iterations < chains:
        told = "CHAINS" if numbers["chains"] else "the default number of chains"
        findings.append(
            Finding(f"ITERATIONS ({iterations}) is smaller than {told} ({chains}): it is the total over all chains",
                    _span(script, "ITERATIONS"), f"ITERATIONS: {DEFAULT_ITERATIONS};", "too-few-iterations")
        )  # fmt: skip


def _default_notes(numbers: Mapping[str, int | None]) -> list[Finding]:
    notes = []
    if numbers["seed"] is None:
        notes.append(_note("SEED is not stated: one is drawn for the run and printed", "default-seed"))
    if numbers["burn"] is None:
        notes.append(_note(f"BURN is not stated: {DEFAULT_BURN:,} iterations per chain", "default-burn"))
    if numbers["iterations"] is None:
        text = f"ITERATIONS is not stated: {DEFAULT_ITERATIONS:,} over all chains"
        notes.append(_note(text, "default-iterations"))
    if numbers["chains"] is None:
        notes.append(_note(f"CHAINS is not stated: {DEFAULT_CHAINS} chains", "default-chains"))
    return notes


def _note(message: str, code: str) -> Finding:
    return Finding(message, None, "", code, "note")


def _warning(message: str, span: Span | None, hint: str, code: str) -> Finding:
    return Finding(message, span, hint, code, "warning")


def _span(script: tree.Script, name: str) -> Span | None:
    commands = script.all(name)
    return (commands[-1].body_span or commands[-1].span) if commands else None
