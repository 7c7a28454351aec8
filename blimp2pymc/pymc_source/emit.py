"""Write a resolved model as one standalone PyMC file.

The text is the model: `build` executes it to make the graph, people read and run it as it is. From
top to bottom: the data, the coordinates, then one section per block of the script in an order in
which every name is known before it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from blimp2pymc.blimp.tree import Script
from blimp2pymc.errors import BlimpError, Finding, error
from blimp2pymc.joint_model.algebra import columns_in, leaves, parameters_in
from blimp2pymc.joint_model.ir import Column, Equation, Form, ImpliedVariance, Model, Role, VariancePart
from blimp2pymc.pymc_source.discrete_outcomes import data_lines
from blimp2pymc.pymc_source.equations import WRITERS, write_equation
from blimp2pymc.pymc_source.facts import (
    equations_of,
    family_of,
    has_missing_categories,
    written_responses,
)
from blimp2pymc.pymc_source.linear_predictor import mean_terms
from blimp2pymc.pymc_source.marginal import data_lines as joint_data_lines
from blimp2pymc.pymc_source.marginal import not_jointly_normal, write_effects, write_head, write_tail
from blimp2pymc.pymc_source.names import python_names
from blimp2pymc.pymc_source.page import IMPLIED, INDENT, Page, is_by_row, observed_centerings, sum_text, wrap_call
from blimp2pymc.pymc_source.printer import SUM, Text, comment, string
from blimp2pymc.pymc_source.priors import declare
from blimp2pymc.pymc_source.transformed_outcomes import function_definitions, write_transformed_data
from blimp2pymc.pymc_source.wrangling import write_data

IMPORTS = (
    ("pathlib", "import pathlib\n"),
    ("np", "import numpy as np"),
    ("pd", "import pandas as pd"),
    ("pm", "import pymc as pm"),
    ("pt", "import pytensor.tensor as pt"),
)
"""Modules the text may import, each where it is used."""

FORMS = (Form.SCORE, Form.DUMMY, Form.LATENT_RESPONSE)
"""Forms of a column that can be written."""

QUADRATURE = (
    "# nodes and weights of Gauss-Hermite quadrature: means over a standard normal variable",
    "quadrature_node, quadrature_weight = np.polynomial.hermite_e.hermegauss(40)",
    "quadrature_weight /= np.sqrt(2 * np.pi)",
)
"""What probabilities of nominal variables need."""


def translate(
    model: Model, *, data_file: str | PurePath | None = None, augmented: bool = False, marginal: bool = False
) -> str:
    """Write a model as PyMC source that runs on its own.

    Parameters
    ----------
    model
        A resolved model.
    data_file
        What the text calls the data file; by default the script's own, as seen from the current folder. A PurePath
        is taken from the folder in which the text itself is saved.
    augmented
        Whether to write the latent responses of all probit outcomes explicitly, and not only those that the model
        uses. The posterior is the same.
    marginal
        Whether to integrate latent variables and missing cells out: what is observed of a row is then multivariate
        normal, and only parameters are sampled. Only for models in which all variables are jointly normal.

    Returns
    -------
    Python source. Executed with a DataFrame called `data` in its namespace it uses that; else it reads
    the file. Either way it leaves a `pm.Model` called `model`. The DataFrame holds the analysed rows and
    variables, indexed by their 0-based row in the file.

    Raises
    ------
    BlimpError
        For every construct that has no PyMC source yet.
    """
    if not isinstance(model, Model):
        raise error(f"a resolved model is needed here, not a {type(model).__name__}",
                    hint="blimp2pymc.resolve(script, data)", code="no-model")  # fmt: skip
    findings = list(refusals(model))
    if marginal and not findings:
        findings = list(not_jointly_normal(model))
        if augmented:
            findings.append(Finding("latent responses cannot be both written and integrated out", None,
                                    "either augmented or marginal", "two-flavours"))  # fmt: skip
    if findings:
        raise BlimpError(*findings)
    names = python_names(model)
    centered = {each: Text(f"{d} - {mean}", SUM) for each, (d, mean) in observed_centerings(model, names).items()}
    responses = frozenset(written_responses(model, augmented=augmented))
    page = Page(model, names, shorthand=centered, responses=responses, is_marginal=marginal)
    _write_body(page)
    body = page.lines
    page.lines, page.indent = [], ""
    write_data(page, data_file)
    _write_columns(page)
    _write_coords(page)
    page.lines.append("with pm.Model(coords=coords) as model:")
    text = "\n".join([*page.lines, *body, "", *_ending()])
    imports = [line for name, line in IMPORTS if re.search(rf"\b{name}\.", text)]
    functions = "".join(f"\n\n{each}" for each in function_definitions(text))
    functions += "\n" if functions else ""
    return "\n".join([*_heading(model), "", *imports, functions, text, ""])


def refusals(model: Model) -> Iterator[Finding]:
    """What in a model has no PyMC source yet, each named and with its place."""

    def refuse(what: str, equation: Equation) -> Finding:
        return Finding(f"{what} cannot be written as PyMC source yet", equation.span, code="not-written-yet")

    for equation in model.equations:
        if equation.family not in WRITERS:
            yield refuse(f"a {equation.family} outcome such as '{equation.name}'", equation)
        if equation.level != 1:
            yield refuse(f"the level-{equation.level} outcome '{equation.name}'", equation)
        terms = (*equation.terms, *equation.variance_terms)
        columns = {equation.outcome}.union(*(columns_in(term.expression) for term in terms))
        for column in sorted(columns):
            if column.variable not in model.data and column.variable not in model.latent:
                yield refuse(f"the random effect '{column.variable}'", equation)
            elif column.form not in FORMS:
                yield refuse(f"the {column.form.value} of '{column.variable}'", equation)
            elif column.lag or column.level != 1:
                yield refuse(f"a lagged or higher-level form of '{column.variable}'", equation)
            elif not equations_of(model, column.variable) and model.missing(column.variable).any():
                yield refuse(f"the incomplete variable '{column.variable}' without a model of its own", equation)
            elif column.form is Form.LATENT_RESPONSE and not family_of(model, column.variable).endswith("probit"):
                yield refuse(f"the latent response of '{column.variable}', which has no probit equation,", equation)


def _heading(model: Model) -> list[str]:
    name = model.script.source.name if isinstance(model.script, Script) else ""
    origin = f" of {comment(name)}" if name and not name.startswith("<") else ""
    return [f"# PyMC version{origin}, written by blimp2pymc."]


def _write_columns(page: Page) -> None:
    """Arrays of the data, masks of their missing cells, observed means of centered fixed variables."""
    page.blank()
    own = [each for each in page.names.columns if each.variable in page.model.data]
    columns = [each for each in own if not page.is_discrete(each.variable) and _is_used(page, each)]
    masks: list[str] = []
    for column in own:
        if page.is_discrete(column.variable) and column == Column(column.variable, level=column.level):
            lines, masked = data_lines(page, column.variable)
            masks += masked
            for line in lines:
                page.line(line)
        if column not in columns:
            continue
        source = f"data[{string(column.variable)}]"
        if column.form is Form.DUMMY:
            page.line(f"{page.column(column)} = ({source} == {column.category:g}).to_numpy(float)")
        elif page.is_incomplete(column):
            page.line(f"{page.local(column, 'data')} = {source}.to_numpy(float)")
        else:
            page.line(f"{page.column(column)} = {source}.to_numpy(float)")
    for column in columns:
        if page.is_incomplete(column) and not page.is_marginal:
            page.line(f"{page.local(column, 'is_missing')} = np.isnan({page.local(column, 'data')})")
    write_transformed_data(page)
    for line in masks:
        page.line(line)
    if page.is_marginal:
        for line in joint_data_lines(page):
            page.line(line)
    if any(
        each.family == "multinomial_probit" and len(equations_of(page.model, each.name)) > 1
        for each in page.model.equations
    ):
        for line in QUADRATURE:
            page.line(line)
    for name, mean in dict(observed_centerings(page.model, page.names).values()).items():
        page.line(f"{mean} = {name}.mean()")


def _is_used(page: Page, column: Column) -> bool:
    model = page.model
    if column in model.equation_of:
        return True
    terms = (term for each in model.equations for term in (*each.terms, *each.variance_terms))
    return any(column in columns_in(term.expression) for term in terms)


def _write_coords(page: Page) -> None:
    page.blank()
    entries = []
    names = page.names
    if page.is_marginal:
        pass
    elif page.responses or any(equation.name not in page.model.incomplete for equation in page.model.equations):
        entries.append('"row": data.index')
    for equation in page.model.equations:
        column = Column(equation.name, level=equation.level)
        is_first = equation is next((each for each in equations_of(page.model, equation.name)), None)
        if equation.role is not Role.MEANS and is_first and page.is_incomplete(column) and not page.is_marginal:
            mask = page.local(column, "is_missing")
            if not page.is_discrete(equation.name) or has_missing_categories(page.model, equation.name):
                entries.append(f"{string(page.local(column, 'missing_row'))}: data.index[{mask}]")
            entries.append(f"{string(page.local(column, 'observed_row'))}: data.index[~{mask}]")
        for suffix in ("term", "log_variance_term", "cut"):
            dim = page.local(equation.outcome, suffix)
            if dim in names.coords and equation.role is not Role.MEANS:
                entries.extend(_list_entry(dim, names.coords[dim]))
    for block in page.model.blocks:
        dim = names.blocks[block.members, "pair"]
        if dim in names.coords:
            entries.extend(_list_entry(dim, names.coords[dim]))
    page.lines.append("coords = {" if entries else "coords = {}")
    if entries:
        page.lines.extend(f"{INDENT}{each}" if each.endswith(("[", " ")) else each for each in _with_commas(entries))
        page.lines.append("}")
    page.blank()


def _list_entry(dim: str, labels: tuple) -> list[str]:
    return ["\n".join(wrap_call(INDENT, f"{string(dim)}: [", [string(str(each)) for each in labels], "]"))]


def _with_commas(entries: list[str]) -> Iterator[str]:
    for entry in entries:
        yield f"{entry}," if entry.startswith(INDENT) else f"{INDENT}{entry},"


def _write_body(page: Page) -> None:
    """One section per block label; the heading is repeated where a block is taken up again."""
    current = ""
    if page.is_marginal:
        write_head(page)
    for equation in page.model.equations:
        title = _title(equation)
        if title != current and equation.role is not Role.MEANS:
            page.blank()
            page.comment(f"---- {title or 'outcomes'} ----")
            current = title
        page.blank()
        write_equation(page, equation, write_effects if page.is_marginal else None)
    if page.is_marginal:
        write_tail(page)
    if page.model.quantities:
        page.blank()
        page.comment("---- PARAMETERS ----")
        page.blank()
    _write_implied_variances(page)
    for quantity in page.model.quantities:
        name = page.names.quantities[quantity.name]
        if name in page.declared:
            continue
        if quantity.name in page.model.parameters:
            declare(page, quantity.name)
            continue
        for each in sorted(parameters_in(quantity.expression)):
            declare(page, each)
        page.declared.add(name)
        if quantity.span is not None:
            page.comment(quantity.span.text.rstrip("; ") + ";")
        page.deterministic(name, quantity.expression)
    while page.lines and not page.lines[0]:
        page.lines.pop(0)


def _write_implied_variances(page: Page) -> None:
    """Explained and total variances that a quantity refers to; explained ones are of the completed rows."""
    wanted = {leaf for each in page.model.quantities for leaf in leaves(each.expression)}
    for column, equation in page.model.equation_of.items():
        explained, total = page.local(column, "explained_variance"), page.local(column, "total_variance")
        parts = [part for part in IMPLIED if ImpliedVariance(column.variable, part) in wanted]
        if parts:
            part = replace(equation, terms=tuple(each for each in equation.terms if not each.replaces_intercept))
            code = page.predicted[column].code if part == equation else sum_text(mean_terms(page, part))
            page.line(f"{explained} = " + (f"pt.var({code}, ddof=1)" if is_by_row(part, page.model) else "0"))
        if VariancePart.TOTAL in parts:
            residual = page.implied(ImpliedVariance(column.variable, VariancePart.RESIDUAL)).code
            page.line(f"{total} = {explained} + {residual}")


def _title(equation: Equation) -> str:
    if equation.block:
        return equation.block
    return "predictors" if equation.role is Role.PREDICTOR else ""


def _ending() -> list[str]:
    return [
        'if __name__ == "__main__":',
        f"{INDENT}import arviz as az",
        "",
        f"{INDENT}with model:",
        f'{INDENT * 2}idata = pm.sample(nuts_sampler="pymc")',
        f"{INDENT}print(az.summary(idata))",
    ]
