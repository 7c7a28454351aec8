"""The printed results: sections in Blimp's order, tables in its columns, all other words our own."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from blimp2pymc.errors import render
from blimp2pymc.joint_model.ir import Model, Role
from blimp2pymc.joint_model.settings import IMPUTATIONS
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.burn_in import BurnIn, burn_in, parameter_numbers
from blimp2pymc.summary.category_shares import share_lines
from blimp2pymc.summary.convergence import convergence_warnings
from blimp2pymc.summary.imputed_summaries import imputed_summaries
from blimp2pymc.summary.printed_names import outcome_heading
from blimp2pymc.summary.report_model import (
    centered_in,
    data_information,
    model_information,
    predictor_title,
    prior_text,
)
from blimp2pymc.summary.report_tables import columns_of_text, number, outcome_lines, plain_lines, predictor_lines
from blimp2pymc.summary.rows import Row
from blimp2pymc.summary.saved_files import extra_columns
from blimp2pymc.summary.tables import rows
from blimp2pymc.summary.versions import package_versions

if TYPE_CHECKING:
    from blimp2pymc.sampler.plan.rules import Plan

WIDTH = 78
PRIOR_FAMILIES = {
    1: "PRIOR1: inverse gamma and Wishart of one unit",
    2: "PRIOR2: flat on variances and covariances",
    3: "PRIOR3: Jeffreys",
}
PREDICTOR_PRIOR_FAMILIES = {
    1: "inverse gamma (1, .5) or inverse Wishart for predictors",
    2: "XPRIOR2: flat on variances and covariances of predictors",
    3: "XPRIOR3: Jeffreys for predictors",
}


def report(
    model: Model,
    plan: Plan | None,
    draws: Draws,
    table: pd.DataFrame,
    *,
    lines: Sequence[Row] | None = None,
    history: BurnIn | None = None,
) -> str:
    """Write the results as text.

    Parameters
    ----------
    model, plan, draws
        What was sampled, how, and the outcome.
    table
        Estimates, from `tables.estimates`.
    lines, history
        The lines behind the table and R-hat over burn-in, when they are at hand.
    """
    lines = rows(model, draws) if lines is None else lines
    history = burn_in(model, draws) if history is None else history
    numbers = parameter_numbers(model, lines)
    is_additional = table["section"] == "Additional Parameters"
    parts: list[tuple[str, list[str]]] = [
        ("ALGORITHMIC OPTIONS SPECIFIED", _options(model, plan, draws)),
        ("BURN-IN POTENTIAL SCALE REDUCTION (PSR) OUTPUT", _psr(history, numbers, draws)),
        ("METROPOLIS-HASTINGS ACCEPTANCE RATES", _acceptance(draws)),
        ("DATA INFORMATION", data_information(model)),
        ("MODEL INFORMATION", model_information(model, _free_predictor_lines(table))),
        ("PARAMETER LABELS", _labels(model, numbers, history)),
        ("WARNING MESSAGES", _warnings(model, draws, table)),
        ("MODEL FIT", _fit(table)),
        ("WALD TESTS", _wald(table)),
        ("IMPUTED DATA SUMMARIES", _imputed(model, draws)),
        ("CORRELATIONS AMONG RESIDUALS", _correlations(table)),
        ("OUTCOME MODEL ESTIMATES", _outcomes(model, draws, table)),
        ("ADDITIONAL PARAMETERS", _if_any(table[is_additional], "generated", plain_lines)),
        ("GENERATED PARAMETERS", _if_any(table[~is_additional], "generated", plain_lines)),
        (
            "PREDICTOR MODEL ESTIMATES",
            _if_any(table, "predictor", lambda part: predictor_lines(part, lambda name: predictor_title(model, name))),
        ),
        ("VARIABLE ORDER IN IMPUTED DATA", _variable_order(model, draws)),
    ]
    text = _banner()
    for title, body in parts:
        if body:
            text += [f"{title}:", "", *_without_trailing_blanks(body), "", ""]
    return "\n".join(each.rstrip() for each in text).rstrip() + "\n"


# ---------------------------------------------------------------- about the run


def _banner() -> list[str]:
    versions = package_versions()
    own = versions.pop("blimp2pymc", "")
    below = [f"Python {platform.python_version()}", *(f"{name} {each}" for name, each in versions.items())]
    text = ", ".join(each.replace(" ", "\N{NO-BREAK SPACE}") for each in below)
    lines = [each.replace("\N{NO-BREAK SPACE}", " ") for each in _wrapped(text, "")]
    return ["-" * WIDTH, f"blimp2pymc {own}".rstrip(), *lines, "-" * WIDTH, ""]


def _options(model: Model, plan: Plan | None, draws: Draws) -> list[str]:
    total = draws.n_chains * draws.n_draws
    settings = model.settings
    predictors = PREDICTOR_PRIOR_FAMILIES[settings.predictor_prior_family]
    priors = "proper" if settings.priors == "proper" else f"{PRIOR_FAMILIES[settings.prior_family]}; {predictors}"
    if any(each.family != "normal" for each in model.equations):
        priors += "; normal (0, 5), 5 being the variance, on coefficients of categorical and count variables"
    updates = "" if plan is None else f", {len(plan.updates)} updates an iteration"
    facts = [
        ("Method", f"Gibbs sampling{updates}"),
        ("Default priors", priors),
        ("Burn-in", f"{draws.burn} iterations in each chain"),
        ("Iterations", f"{total} in {draws.n_chains} chains, {draws.n_draws} each"),
        ("Seed", str(draws.seed)),
        ("Time", f"{draws.seconds:.1f} seconds"),
    ]
    if draws.interrupted:
        kept = f"{draws.n_draws} draws of each chain and {len(draws.imputations.chain)} completed data sets"
        facts.append(("Interrupted", f"the run was stopped early; results are from what was kept until then, {kept}"))
    lines = [line for name, text in facts for line in _wrapped(text, f"  {name:<18}")]
    notes = [each.message for each in model.notes if each.severity == "note"]
    notes += [] if plan is None else [*plan.compiled_first, *map(str, plan.reflections)]
    if notes:
        lines += ["", "  Decided for you:", ""]
        lines += [line for each in notes for line in _wrapped(each, "    - ")]
    return lines


def _free_predictor_lines(table: pd.DataFrame) -> int:
    """Number of lines of predictor tables that vary: variances of latent responses and first thresholds do not."""
    return int(((table["block"] == "predictor") & (table["fixed"] == 0) & (table["sd"] > 0)).sum())


def _psr(history: BurnIn, numbers: dict[str, int], draws: Draws) -> list[str]:
    if draws.n_chains < 2 or not history.windows:
        return []
    found = [("Iterations", "Highest PSR", "Number", "Parameter")]
    for window in history.windows:
        if window.worst is not None:
            name = history.parameters[window.worst]
            place = f"{window.first} to {window.last}"
            found.append((place, number(window.r_hat[window.worst]), str(numbers[name]), name))
    lines = columns_of_text([row[:3] for row in found])
    return [
        "  Rank-normalised split R-hat of the free parameters, over the second half of",
        f"  the first iterations of {draws.n_chains} chains.",
        "",
        *(f"{line}   {row[3]}" for line, row in zip(lines, found, strict=True)),
    ]


def _acceptance(draws: Draws) -> list[str]:
    if not draws.acceptance:
        return []
    every = [(name, *(f"{each:.3f}" for each in rates)) for name, rates in draws.acceptance.items()]
    return columns_of_text([("Update", *(f"Chain {k + 1}" for k in range(draws.n_chains))), *every])


def _labels(model: Model, numbers: dict[str, int], history: BurnIn) -> list[str]:
    options = model.settings.options
    if not options & {"pinfo", "labels"}:
        return []
    by_number = sorted(numbers.items(), key=lambda each: each[1])
    if "pinfo" not in options:
        return columns_of_text([("Parameter", "Number"), *((name, str(place)) for name, place in by_number)])
    last = history.windows[-5:]
    table = [("Parameter", "Number", "Prior", *(f"PSR {each.last}" for each in last))]
    for name, place in by_number:
        column = history.parameters.index(name) if name in history.parameters else None
        values = () if column is None else tuple(number(each.r_hat[column]) for each in last)
        table.append((name, str(place), prior_text(model, model.parameters[name]), *values))
    return columns_of_text(table)


def _warnings(model: Model, draws: Draws, table: pd.DataFrame) -> list[str]:
    stated = [each for each in model.notes if each.severity == "warning"]
    lines = [f"  {line}" for each in stated for line in render(each).splitlines()]
    found = convergence_warnings(table, draws.n_chains)
    return [*lines, *([""] if lines and found else []), *(line for each in found for line in _wrapped(each, "  "))]


# ---------------------------------------------------------------- results


def _fit(table: pd.DataFrame) -> list[str]:
    part = table[table["block"] == "fit"]
    lines: list[str] = []
    for section in dict.fromkeys(part["section"]):
        lines += ["", f"  {section}"] if lines else [f"  {section}"]
        values = part[part["section"] == section]
        lines += [f"    {row['parameter']:<10}{number(row['median']):>14}" for _, row in values.iterrows()]
    return lines


def _wald(table: pd.DataFrame) -> list[str]:
    lines: list[str] = []
    for _, row in table[table["block"] == "wald"].iterrows():
        lines += [""] if lines else []
        lines += [
            f"  {row['parameter']}: {row['outcome']}",
            f"    Wald statistic (chi-square){number(row['statistic']):>12}",
            f"    Degrees of freedom         {row['df']:>12.0f}",
            f"    Probability                {number(row['p']):>12}",
        ]
    return lines


def _imputed(model: Model, draws: Draws) -> list[str]:
    if not draws.column_summaries:
        return []
    found: list[tuple[str, ...]] = [("Variable", "Mean", "StdDev", "25%", "50%", "75%", "Min", "Max")]
    for name, each in imputed_summaries(model, draws).items():
        values = (each.mean, each.standard_deviation, *each.quantiles, each.minimum, each.maximum)
        found.append((name, *map(number, values)))
    return ["  Averages over completed data sets.", "", *columns_of_text(found), *share_lines(model, draws)]


def _correlations(table: pd.DataFrame) -> list[str]:
    part = table[table["block"] == "correlation"]
    if part.empty:
        return ["  No residual correlations: there is one equation, or the model has them all."]
    return plain_lines(part)


def _outcomes(model: Model, draws: Draws, table: pd.DataFrame) -> list[str]:
    part = table[table["block"].isin(["outcome", "covariance", "conditional"])]

    variable = {outcome_heading(model, each): each.name for each in model.equations if each.role is Role.OUTCOME}

    def title(outcome: str) -> list[str]:
        centered = centered_in(model, variable.get(outcome, outcome))
        kind = "Latent Variable" if outcome in model.latent else "Outcome Variable"
        return [f"{kind}: {outcome}", *([f"Grand mean centered: {' '.join(centered)}"] if centered else [])]

    total = draws.n_chains * draws.n_draws
    head = f"  Medians and intervals of {total} iterations in {draws.n_chains} chains."
    return [head, "", *outcome_lines(part, title)]


def _if_any(table: pd.DataFrame, block: str, write: Callable[[pd.DataFrame], list[str]]) -> list[str]:
    part = table[table["block"] == block]
    return [] if part.empty else write(part)


def _variable_order(model: Model, draws: Draws) -> list[str]:
    imputed = [(kind, file) for kind, file in model.settings.save if kind in IMPUTATIONS]
    columns = list(model.table.columns) if model.table is not None else list(model.data)
    lines: list[str] = []
    for kind, file in imputed:
        extra = list(extra_columns(model, draws, 0)) if len(draws.imputations.chain) else []
        names = [*columns, *extra] if kind == "separate" else ["imp#", *columns, *extra]
        lines += [f"  {kind} = {file}", *_wrapped(" ".join(names), "    ")]
    return lines


def _wrapped(text: str, start: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start), break_long_words=False)


def _without_trailing_blanks(lines: list[str]) -> list[str]:
    last = np.flatnonzero([bool(each.strip()) for each in lines])
    return lines[: int(last[-1]) + 1] if len(last) else []
