"""What the report says before the estimates about the data and the model."""

from __future__ import annotations

from collections import Counter

import numpy as np

from blimp2pymc.errors import Span
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.ir import Column, Equation, JointBlock, Kind, Model, Parameter, Role
from blimp2pymc.joint_model.printed_equations import lines_of_text
from blimp2pymc.summary.outcome_rows import in_print_order
from blimp2pymc.summary.predictor_rows import predictor_equations
from blimp2pymc.summary.printed_names import column_name
from blimp2pymc.summary.report_tables import columns_of_text

MOST_PATTERNS = 10
"""Missing-data patterns printed without OPTIONS allpatterns."""


def data_information(model: Model) -> list[str]:
    """Sample size, missing cells of each variable, and the patterns of missing cells."""
    n = model.frame.n_rows
    lines = [f"  Sample size: {n}", "", *_nominal(model)]
    names = [name for name in _outcomes_first(model) if model.variables[name].n_missing]
    if not names:
        return [*lines, "  No missing data.", ""]
    variables = [model.variables[name] for name in names]
    rates = [(each.name, each.kind.value, str(each.n_missing), f"{100 * each.n_missing / n:.2f} %")
             for each in variables]  # fmt: skip
    lines += ["  Missing cells:", "", *columns_of_text([("Variable", "Type", "Missing", "Share"), *rates]), ""]
    return [*lines, *_patterns(model, names)]


def model_information(model: Model, n_predictor_rows: int) -> list[str]:
    """Counts of parameters, predictors by kind, the numbered equations, generated parameters and priors."""
    outcome = _outcome_parameters(model)
    counts = [("Outcome models:", len(outcome))]
    if model.quantities:
        counts.append(("Generated parameters:", len(model.quantities)))
    counts.append(("Predictor models:", n_predictor_rows))
    lines = ["  Number of parameters", *(f"    {name:<24}{count:>5}" for name, count in counts), ""]
    lines += _predictors(model)
    if model.centered:
        means = [column_name(each) for each in model.centered]
        lines += ["  Centered at the grand mean", f"    {' '.join(means)}", ""]
    if model.printed:
        lines += ["  MODELS", "", *(f"    {line}" for line in lines_of_text(model.printed)), ""]
    if model.quantities:
        lines += ["  GENERATED PARAMETERS", ""]
        lines += [f"    [{k}]  {_statement(each.name, each.span)}" for k, each in enumerate(model.quantities, 1)]
        lines.append("")
    stated = [each for each in model.parameters.values() if each.prior.source == "user"]
    if stated:
        lines += ["  PRIORS SPECIFIED", ""]
        lines += [f"    [{k}]  {each.name} ~ {prior_text(model, each)}" for k, each in enumerate(stated, 1)]
        lines.append("")
    return lines


def prior_text(model: Model, parameter: Parameter) -> str:
    """A parameter's prior, in the notation of the printed tables."""
    prior = parameter.prior
    if parameter.definition is not None:
        return "set by PARAMETERS"
    if parameter.fixed is not None:
        return f"@ {parameter.fixed:g}"
    bounds = "" if np.isinf((prior.lower, prior.upper)).all() else f" truncated to ({prior.lower:g}, {prior.upper:g})"
    numbers = ", ".join(f"{each:g}" for each in prior.arguments)
    if prior.distribution == "block":
        block = _block_of(model, parameter.name)
        return "block" if block is None else f"IW({_scale(block)}, {block.degrees_of_freedom:g})"
    names = {"flat": "N(0, Inf)", "normal": f"N({numbers})", "inverse_gamma": f"IG({numbers})"}
    return names.get(prior.distribution, f"{prior.distribution}({numbers})") + bounds


def centered_in(model: Model, outcome: str) -> list[str]:
    """Centered variables among the predictors of an outcome."""
    for equation in model.equations:
        if equation.role is Role.OUTCOME and equation.name == outcome:
            present = {column for term in equation.terms for column in columns_in(term.expression)}
            return [column_name(column) for column in model.centered if column in present]
    return []


def predictor_title(model: Model, name: str) -> str:
    """`Missing predictor:`, `Complete predictor:` or `Means Model:`, and the name."""
    [equation] = [each for each in predictor_equations(model) if each.name == name][:1]
    if equation.role is Role.MEANS:
        return f"Means Model: {name}"
    return f"{'Missing' if model.variables[name].n_missing else 'Complete'} predictor: {name}"


def _outcome_parameters(model: Model) -> set[str]:
    names: set[str] = set()
    for each in in_print_order(model):
        if isinstance(each, JointBlock):
            names |= set(each.correlations.values())
        else:
            names |= {term.coefficient for term in (*each.terms, *each.variance_terms)} | set(each.thresholds)
            names |= {name for name in (each.residual_variance, each.dispersion) if name is not None}
    return {name for name in names if model.parameters[name].fixed is None}


def _outcomes_first(model: Model) -> list[str]:
    outcomes = [each.name for each in in_print_order(model) if isinstance(each, Equation)]
    return list(dict.fromkeys(name for name in [*outcomes, *model.variables] if name in model.data))


def _nominal(model: Model) -> list[str]:
    """Reference and dummies of the nominal variables."""
    rows = [
        (
            each.name,
            f"{each.reference:g}",
            " ".join(f"{each.name}.{code:g}" for code in each.categories if code != each.reference),
        )
        for each in model.variables.values()
        if each.kind is Kind.NOMINAL and each.reference is not None
    ]
    if not rows:
        return []
    return ["  Nominal variables:", "", *columns_of_text([("Variable", "Reference", "Dummies"), *rows]), ""]


def _patterns(model: Model, names: list[str]) -> list[str]:
    """Grid of missing-data patterns, most frequent first; `-` is a missing cell."""
    masks = np.stack([model.missing(name) for name in names], axis=1)
    counts = Counter(map(bytes, masks))
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    shown = ordered if "allpatterns" in model.settings.options else ordered[:MOST_PATTERNS]
    rows = [("Pattern", "Rows", "Share", *names)]
    for number, (pattern, count) in enumerate(shown, 1):
        cells = ("-" if is_missing else "O" for is_missing in pattern)
        rows.append((str(number), str(count), f"{100 * count / len(masks):.2f} %", *cells))
    lines = ["  Missing-data patterns (O observed, - missing):", "", *columns_of_text(rows)]
    if len(shown) < len(ordered):
        left = sum(count for _, count in ordered[len(shown) :])
        lines.append(f"  and {len(ordered) - len(shown)} more with {left} rows (OPTIONS allpatterns lists them)")
    return [*lines, ""]


def _predictors(model: Model) -> list[str]:
    # A nominal variable has an equation for each of its dummies.
    modelled = dict.fromkeys(each.name for each in predictor_equations(model) if each.role is Role.PREDICTOR)
    kinds = {
        "Fixed predictors": list(model.fixed_predictors),
        "Complete predictors": [name for name in modelled if not model.variables[name].n_missing],
        "Incomplete predictors": [name for name in modelled if model.variables[name].n_missing],
    }
    lines = []
    for title, names in kinds.items():
        if names:
            lines.append(f"  {title}")
            for kind in Kind:
                of_kind = [name for name in names if name in model.variables and model.variables[name].kind is kind]
                if of_kind:
                    lines.append(f"    {kind.value + ':':<13}{' '.join(of_kind)}")
            lines.append("")
    return lines


def _statement(name: str, span: Span | None) -> str:
    return name if span is None else " ".join(span.text.rstrip("; \n").split())


def _block_of(model: Model, name: str) -> JointBlock | None:
    for block in model.blocks:
        variances = {model.equation_of[member].residual_variance for member in block.members}
        if name in variances or name in block.correlations.values():
            return block
    return None


def _scale(block: JointBlock) -> str:
    if all(each == 0 for each in block.scale):
        return "0"
    return "I" if all(each == 1 for each in block.scale) else f"diag({', '.join(f'{each:g}' for each in block.scale)})"


def summarised_columns(model: Model, columns: list[Column]) -> list[Column]:
    """Columns of the imputed-data table: latent variables first, then the others as the model has them."""
    place = {name: k for k, name in enumerate(dict.fromkeys((*model.latent, *model.variables)))}
    return sorted(columns, key=lambda column: (place.get(column.variable, len(place)), column.category or 0.0))
