"""A resolved model in words and formulas: what is assumed, what is missing, which prior everything has.

`describe` is what `explain` prints, `html` the same for notebooks; `latex.latex` writes the formulas for papers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from blimp2pymc.errors import BlimpError, Finding, Source
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.defaults import default_lines
from blimp2pymc.joint_model.formulas import Formulas
from blimp2pymc.joint_model.parameter_scales import parameter_scales
from blimp2pymc.joint_model.printed_equations import Data, draft_script, lines_of_text, list_equations
from blimp2pymc.joint_model.refusals import is_refusal
from blimp2pymc.joint_model.term_names import number_name
from blimp2pymc.joint_model.text_lines import filled

FLAT_VARIANCES = {(-1.0, 0.0): "flat on the variance", (0.0, 0.0): "flat on the log of the variance"}
"""Improper inverse gammas, in words."""

ARGUMENTS = {
    "normal": ("mean", "variance"),
    "uniform": ("from", "to"),
    "gamma": ("shape", "rate"),
    "beta": ("a", "b"),
    "cauchy": ("location", "scale"),
}
"""What the two numbers of a prior are."""


def describe(model: ir.Model) -> str:
    """Explain a model as plain text.

    Parameters
    ----------
    model
        A resolved model.

    Returns
    -------
    Sections: factorisation, equations, variables, parameters with priors, derived quantities and tests,
    decisions made for the user.
    """
    sections = [
        ("Joint density", _density(model)),
        ("Models as Blimp prints them", list(lines_of_text(model.printed))),
        ("Equations", _equations(model)),
        ("Variables", _aligned(variable_rows(model))),
        ("Parameters", _aligned(parameter_rows(model))),
        ("Derived quantities, tests, conditional effects", _quantities(model)),
        ("Defaults", _listed(default_lines(model))),
        ("Decisions and warnings", _listed(_note(each) for each in model.notes)),
    ]
    return _sections(sections)


def describe_refused(source: Source, trouble: BlimpError, data: Data = None) -> str:
    """Models and variables of a script that the sampler does not support yet; nothing where there are mistakes too.

    Parameters
    ----------
    source, data
        As for `resolve`.
    trouble
        Why the script does not resolve.
    """
    if not all(is_refusal(each) for each in trouble.findings if each.severity == "error"):
        return ""
    drafted = draft_script(source, data)
    equations = list_equations(drafted.drafts, drafted.blocks, drafted.names, drafted.options)
    if not equations:
        return ""
    return _sections([
        ("Models as Blimp prints them", list(lines_of_text(equations))),
        ("Variables", _aligned(drafted.variable_rows())),
    ]) + "\n"  # fmt: skip


def _sections(sections: Iterable[tuple[str, list[str]]]) -> str:
    blocks = ["\n".join([title, "-" * len(title), *lines]) for title, lines in sections if lines]
    return "\n\n".join(blocks) + "\n"


def _listed(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in filled(text.split(" "), start="- ", indent="  ")]


def _density(model: ir.Model) -> list[str]:
    lines = filled(Formulas(model).factors(), " * ", indent="  ")
    if model.fixed_predictors:
        lines.append(f"given {', '.join(model.fixed_predictors)}")
    cuts = [each.outcome.name for each in model.equations if each.role is ir.Role.MEANS]
    if cuts:
        means = "means of {} are" if len(cuts) > 1 else "mean of {} is"
        lines.append(
            f"centering: the {means.format(', '.join(cuts))} estimated from the completed values, without feeding "
            "back into their imputation"
        )
    return lines


def _equations(model: ir.Model) -> list[str]:
    formulas = Formulas(model)
    symbols = formulas.symbols()
    lines: list[str] = []
    heading = None
    for number, equation in enumerate(formulas.equations(), 1):
        if _heading(equation) != heading:
            heading = _heading(equation)
            if heading:
                lines.append(f"{heading}:")
        text = formulas.equation(number, equation, symbols)
        lines += filled(_parts(text), start=f"  {number}. ", indent=" " * 6)
    definitions = formulas.definitions(symbols)
    return [*lines, *(["where", *_definition_lines(definitions)] if definitions else [])]


def _parts(formula: str) -> list[str]:
    """Where a formula may go on in the next line: before a plus, and behind the commas between its statements."""
    return re.split(r" (?=\+ )|(?<=[,;] ) ", formula)


def _definition_lines(definitions: Iterable[str]) -> list[str]:
    return [line for each in definitions for line in filled(_parts(each), start="  ", indent=" " * 6)]


def _heading(equation: ir.Equation) -> str:
    if equation.role is ir.Role.PREDICTOR:
        return "predictors without an equation"
    if equation.role is ir.Role.MEANS:
        return "means of centered outcomes"
    return equation.block


def variable_rows(model: ir.Model) -> list[tuple[str, ...]]:
    """Table of variables, header first: kind, level, categories, missing cells, what imputes them."""
    rows: list[tuple[str, ...]] = [("variable", "kind", "level", "categories", "missing", "imputed from")]
    for name, variable in model.variables.items():
        categories = ", ".join(number_name(code) for code in variable.categories)
        missing = str(variable.n_missing) if name in model.data else "all"
        rows.append((name, variable.kind.value, str(variable.level), categories, missing, _imputed_by(model, name)))
    return rows


def _imputed_by(model: ir.Model, name: str) -> str:
    """The equations whose densities a missing value of the variable is drawn from."""
    variable = model.variables[name]
    if not variable.n_missing and name in model.data:
        return ""
    own = next((each for column, each in model.equation_of.items() if column.variable == name), None)
    uses = dict.fromkeys(
        each.name
        for each in model.equations
        if each.role is not ir.Role.MEANS
        and each.name != name
        and any(
            column.variable == name
            for term in (*each.terms, *each.variance_terms)
            for column in columns_in(term.expression)
        )
    )
    parts = []
    if own is not None:
        parts.append("its own model" if own.role is ir.Role.PREDICTOR else "its own equation")
        block = model.block_of.get(own.outcome)
        if block is not None:
            others = dict.fromkeys(member.variable for member in block.members if member.variable != name)
            parts[0] += f" with {', '.join(others)}" if others else ""
    if uses:
        parts.append(f"the equation{'s' if len(uses) > 1 else ''} of {', '.join(uses)}")
    return " and ".join(parts)


def parameter_rows(model: ir.Model) -> list[tuple[str, ...]]:
    """Table of parameters, header first: symbol, kind, scale, prior."""
    symbols, scales = Formulas(model).symbols(), parameter_scales(model)
    rows: list[tuple[str, ...]] = [("symbol", "parameter", "kind", "scale", "prior")]
    for name, parameter in model.parameters.items():
        kind, scale = parameter.kind.value, scales.get(name, "")
        rows.append((symbols.get(name, ""), name, kind, scale, prior_text(model, parameter)))
    return rows


def prior_text(model: ir.Model, parameter: ir.Parameter) -> str:
    """A prior in words, on the parameter's own scale."""
    if parameter.fixed is not None:
        return f"fixed at {number_name(parameter.fixed)}"
    if parameter.definition is not None:
        return f"set to {Formulas(model).expression(parameter.definition, {})}"
    prior = parameter.prior
    if prior.distribution == "block":
        return _block_prior(model, parameter.name)
    text = prior.distribution
    if parameter.kind is ir.ParameterKind.THRESHOLD:
        text += " on the ordered values"
    if prior.distribution in ARGUMENTS:
        named = zip(ARGUMENTS[prior.distribution], prior.arguments, strict=True)
        text = f"{prior.distribution}({', '.join(f'{word} {value:.6g}' for word, value in named)})"
    elif prior.distribution == "inverse_gamma":
        arguments = ", ".join(f"{each:.6g}" for each in prior.arguments)
        words = FLAT_VARIANCES.get(prior.arguments)  # type: ignore[arg-type]
        text = f"inverse gamma({arguments})" + (f", {words}" if words else "")
    if prior.lower > float("-inf") or prior.upper < float("inf"):
        text += f", between {number_name(prior.lower)} and {number_name(prior.upper)}"
    return text + (" (stated in PARAMETERS)" if prior.source == "user" else "")


def _block_prior(model: ir.Model, name: str) -> str:
    for block in model.blocks:
        variances = {model.equation_of[member].residual_variance for member in block.members}
        if name in variances or name in block.correlations.values():
            scale = ", ".join(f"{each:.6g}" for each in block.scale)
            members = " ".join(member.variable for member in block.members)
            if not any(block.scale) and all(model.parameters[each or ""].fixed is not None for each in variances):
                power = -(block.degrees_of_freedom + len(block.members) + 1) / 2
                exponent = "" if power == 1 else f" to the power {power:g}"
                return f"proportional to the determinant of the correlation matrix of {members}{exponent}"
            is_flat = not any(block.scale) and block.degrees_of_freedom == -(len(block.members) + 1)
            return (f"inverse Wishart(S = diag({scale}), d = {block.degrees_of_freedom:g}) "
                    f"of {members}{', flat on the matrix' if is_flat else ''}")  # fmt: skip
    return "given by its block"


def _quantities(model: ir.Model) -> list[str]:
    formulas = Formulas(model)
    lines = [f"{each.name} = {formulas.expression(each.expression, {})}" for each in model.quantities]
    lines += [f"Wald test: {each.text}" for each in model.wald_tests]
    for effect in model.simple_effects:
        moderators = " and ".join(f"{each.name} @ {_grid(each)}" for each in effect.moderators)
        lines.append(f"conditional effect: {effect.name} | {moderators}")
    return lines


def _grid(values: ir.ModeratorValues) -> str:
    if values.values:
        return ", ".join(number_name(each) for each in values.values)
    return values.grid.value


def _note(note: Finding) -> str:
    place = f" (line {note.span.line})" if note.span is not None else ""
    label = "warning: " if note.severity == "warning" else ""
    return f"{label}{note.message}{place}"


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Columns padded to equal width; empty columns are left out."""
    columns = [place for place in range(len(rows[0])) if any(row[place] for row in rows[1:])]
    widths = [max(len(row[place]) for row in rows) for place in columns]
    padded = [[row[place].ljust(width) for place, width in zip(columns, widths, strict=True)] for row in rows]
    return ["  ".join(row).rstrip() for row in padded]


# ---------------------------------------------------------------- HTML


def html(model: ir.Model) -> str:
    """The explanation as a fragment of HTML, for notebooks."""
    formulas = Formulas(model)
    symbols = formulas.symbols()
    equations = "".join(
        f"<li>{escape(formulas.equation(number, each, symbols))}</li>"
        for number, each in enumerate(formulas.equations(), 1)
    )
    definitions = ", ".join(escape(each) for each in formulas.definitions(symbols))
    where = f"<p>where {definitions}</p>" if definitions else ""
    defaults = "".join(f"<li>{escape(each)}</li>" for each in default_lines(model))
    notes = "".join(f"<li>{escape(_note(each))}</li>" for each in model.notes)
    given = f" given {escape(', '.join(model.fixed_predictors))}" if model.fixed_predictors else ""
    return (
        f"<h4>Joint density</h4><p><code>{escape(' * '.join(formulas.factors()))}</code>{given}</p>"
        f"<h4>Models as Blimp prints them</h4><pre>{escape(chr(10).join(lines_of_text(model.printed)))}</pre>"
        f"<h4>Equations</h4><ol>{equations}</ol>{where}"
        f"<h4>Variables</h4>{_html_table(variable_rows(model))}"
        f"<h4>Parameters</h4>{_html_table(parameter_rows(model))}"
        + (f"<h4>Defaults</h4><ul>{defaults}</ul>" if defaults else "")
        + (f"<h4>Decisions and warnings</h4><ul>{notes}</ul>" if notes else "")
    )


def _html_table(rows: list[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
