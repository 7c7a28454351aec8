"""Script and data -> resolved model: the pipeline of this stage, and the one place that raises its findings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike

import numpy as np
import pandas as pd

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.expressions import NAME
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.parse import UnreadableScript
from blimp2pymc.data import column_names, read_table
from blimp2pymc.data.table import Table
from blimp2pymc.errors import BlimpError, Finding, Source, error, raise_all, told_once
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import parameters_in, substitute
from blimp2pymc.joint_model.assembly import Assembly, assemble
from blimp2pymc.joint_model.block_structure import settle_blocks
from blimp2pymc.joint_model.centering import centered_columns
from blimp2pymc.joint_model.checks import check_model
from blimp2pymc.joint_model.conditional_effects import simple_effects
from blimp2pymc.joint_model.covariances import draft_blocks
from blimp2pymc.joint_model.declarations import declare
from blimp2pymc.joint_model.drafts import Drafts
from blimp2pymc.joint_model.equations import check_log_variances, draft_equations, model_labels, parameter_names
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.frame import analysed_rows
from blimp2pymc.joint_model.implied_variances import with_known_variances
from blimp2pymc.joint_model.missingness import with_missingness
from blimp2pymc.joint_model.names import Names
from blimp2pymc.joint_model.phantoms import with_phantoms
from blimp2pymc.joint_model.predictors import classify_predictors
from blimp2pymc.joint_model.printed_equations import list_equations
from blimp2pymc.joint_model.proper_priors import proper_priors
from blimp2pymc.joint_model.quantities import Derived, ParameterNames, check_loops, derive, wald_tests
from blimp2pymc.joint_model.read_script import read_script
from blimp2pymc.joint_model.refusals import refused_by_script
from blimp2pymc.joint_model.settings import read_settings
from blimp2pymc.joint_model.simulated_names import check_simulation, say_what_is_not_kept, simulated_names
from blimp2pymc.joint_model.transform import transform_table
from blimp2pymc.joint_model.user_priors import check_prior, with_user_priors
from blimp2pymc.joint_model.warnings import find_warnings

type Data = pd.DataFrame | Mapping[str, object] | str | PathLike[str] | None

NEEDS_NO_DATA = frozenset({
    "undeclared-name", "used-before-defined", "variable-in-parameters", "circular-definition", "name-taken",
    "declared-twice", "two-scales", "unknown-function", "argument-count", "unknown-prior", "label-clash",
    "no-variable", "ambiguous-setting", "setting-on-outcome", "misplaced-variance", "fixed-outcome",
})  # fmt: skip
"""Mistakes that show in a script alone, once the names of the columns are known."""

NO_FILE = frozenset({"no-data-file", "no-text-file"})
"""What is wrong with a data file whatever VARIABLES and MISSING say."""

NO_CALCULATION = ("TRANSFORM", "FILTER")


def resolve(
    source: str | PathLike[str] | Source | tree.Script, data: Data = None, *, priors: str = "blimp"
) -> ir.Model:
    """Turn a script and its data into a model.

    Parameters
    ----------
    source
        A path, or the text of a script (recognised by a line break, or a `;` at its end; a `Source` gives it a name),
        or a parsed script.
    data
        A DataFrame, a mapping of columns, or a file, in place of the file DATA names. DATA itself is
        relative to the script's folder.
    priors
        `blimp` for Blimp's defaults, `proper` for priors that are all proper.

    Returns
    -------
    The model. Its `notes` say what was decided for the user, and what is legal but may not be meant.

    Raises
    ------
    BlimpError
        With every mistake found in script and data, and every construct that cannot be sampled yet.
    """
    if priors not in ("blimp", "proper"):
        raise error(f"there are no priors '{priors}'", hint="blimp or proper")
    try:
        try:
            script = read_script(source)
        except UnreadableScript as mistake:
            raise BlimpError(*_sorted([*mistake.findings, *_unknown_names(mistake, data, priors)])) from None
        return _resolve(script, data, priors)
    except RecursionError:
        raise error("expressions are nested too deeply", hint="define parts of them with TRANSFORM",
                    code="nested-too-deeply") from None  # fmt: skip


def _resolve(script: tree.Script, data: Data | Table, priors: str) -> ir.Model:
    findings = [*script.warnings, *refused_by_script(script)]
    findings.extend(check_simulation(script))
    settings, found = read_settings(script, priors)
    findings.extend(found)
    table = data if isinstance(data, Table) else _read_data(script, data, priors, findings)
    script, table = with_missingness(script, table, findings)
    names = Names(declare(script, table))
    findings.extend(names.declarations.findings)
    statements = script.statements("MODEL")
    if not statements:
        findings.extend(_no_model(script))
        raise_all(_sorted(findings))
    outside = script.statements("PARAMETERS")
    definitions = tuple(each for each in outside if isinstance(each, tree.Definition))
    prior_statements = tuple(each for each in outside if isinstance(each, tree.PriorStatement))

    drafts = draft_equations(statements, names, parameter_names(script), findings)
    printed = list_equations(drafts, draft_blocks(drafts, []), names, settings.options)
    findings.extend(check_log_variances(drafts))
    model_span = script.all("MODEL")[0].span if statements else None
    rows = analysed_rows(names.declarations, _variables_in(drafts), model_span)
    findings.extend(rows.findings)
    blocks = draft_blocks(drafts, findings)
    predictors = classify_predictors(drafts, names, rows, findings)
    findings.extend(_fixed_outcomes(drafts, names))
    means = centered_columns(drafts, names, predictors, rows, findings)
    assembly = assemble(
        drafts, blocks, predictors=predictors, means=means, rows=rows, prior_family=settings.prior_family,
        predictor_prior_family=settings.predictor_prior_family, findings=findings,
    )  # fmt: skip

    labels = model_labels(statements, names)
    labels |= {each.label for each in prior_statements if _is_mentioned(each.label, assembly)}
    lookup = ParameterNames(names, labels, assembly.families)
    derived = derive(definitions, lookup, findings)
    known = with_known_variances(derived.definitions, assembly.equations, rows.data, derived.spans, findings)
    check_loops(known, {}, derived.spans, findings)
    derived = replace(derived, definitions=known)
    parameters = _with_priors(
        assembly, prior_statements, derived=derived, names=names, labels=labels, findings=findings
    )
    own = assembly.blocks
    if "use_phantom" in settings.options:
        parameters, own = with_phantoms(assembly.equations, own, parameters, settings.prior_family, findings)
    parameters, own = settle_blocks(assembly.equations, own, parameters, settings.prior_family, findings)
    if priors == "proper":
        parameters, own = proper_priors(assembly.equations, own, parameters, means, rows.data)
    tests = wald_tests(script.all("WALDTEST"), lookup, assembly, findings)
    used = drafts.columns_on_the_right
    effects = simple_effects(
        script.statements("SIMPLE"),
        lookup,
        used=used,
        defined=drafts.defined,
        centered=means,
        equations=assembly.equations,
        findings=findings,
    )
    equations = _with_constants(assembly.equations, parameters, derived, findings)
    raise_all(_sorted(findings))

    model = ir.Model(
        frame=rows.frame,
        variables=rows.variables,
        data=rows.data,
        parameters=parameters,
        equations=equations,
        blocks=own,
        quantities=derived.quantities,
        simple_effects=effects,
        wald_tests=tests,
        settings=settings,
        fixed_predictors=predictors.fixed,
        centered=means,
        defined=drafts.defined,
        printed=printed,
        script=script,
        table=table,
    )
    findings.extend(check_model(model))
    raise_all(_sorted(findings))
    findings.extend(find_warnings(model))
    return replace(model, notes=tuple(told_once(findings)))


def _unknown_names(mistake: UnreadableScript, data: Data, priors: str) -> list[Finding]:
    """Names unknown in the rest of a script, unless a statement that cannot be read holds them too; no data file."""
    try:
        _resolve(mistake.script, data, priors)
    except BlimpError as further:
        unknown = (each for each in further.findings if each.code == "undeclared-name" and each.span is not None)
        clear = {each for each in unknown if each.span and mistake.unread.isdisjoint(re.findall(NAME, each.span.text))}
        return [each for each in further.findings if each.code in NO_FILE or each in clear]
    return []


def _read_data(script: tree.Script, data: Data, priors: str, findings: list[Finding]) -> Table:
    """The data; when they cannot be read, what is wrong with the script beside them is raised with it."""
    table: Table | None = None
    try:
        table = read_table(script, data)
        return transform_table(script, table)
    except BlimpError as mistake:
        columns = table.columns if table is not None else column_names(script, data)
        if mistake.findings[0].code == "simulate":
            # SIMULATE has been refused already; what it makes stands in for a file.
            columns, mistake = columns or simulated_names(script) or None, BlimpError()
        where = table.name if table is not None else "the data"
        others = _without_data(script, columns, where, priors) if columns is not None else []
        others = [say_what_is_not_kept(script, each) for each in others]
        raise BlimpError(*_sorted([*_errors(findings), *mistake.findings, *others])) from None


def _without_data(script: tree.Script, columns: tuple[str, ...], where: str, priors: str) -> list[Finding]:
    """Mistakes of a script whose data cannot be read: those that the names of the columns are enough for."""
    made = (statement.name for statement in script.statements("TRANSFORM"))
    names = tuple(dict.fromkeys((*columns, *made)))
    numbers = np.arange(60.0)
    table = Table(where, names, {name: (numbers // (1 + k)) % 3.0 for k, name in enumerate(names)},
                  np.arange(len(numbers)))  # fmt: skip
    rest = replace(script, commands=tuple(each for each in script.commands if each.name not in NO_CALCULATION))
    try:
        _resolve(rest, table, priors)
    except BlimpError as mistake:
        # A dummy such as `n.2` is known by the codes in the data.
        return [
            each for each in mistake.findings
            if each.code in NEEDS_NO_DATA and each.span is not None and "." not in each.span.text
        ]  # fmt: skip
    return []


def _no_model(script: tree.Script) -> list[Finding]:
    if any(script.all(name) for name in ("FCS", "SIMULATE")):
        return []
    return [Finding("the script has no MODEL", None, "MODEL: y ~ x;", "no-model")]


def _variables_in(drafts: Drafts) -> list[str]:
    columns = [*drafts.equations, *drafts.columns_on_the_right]
    return [column.variable for column in columns]


def _fixed_outcomes(drafts: Drafts, names: Names) -> list[Finding]:
    return [
        Finding(f"'{column.variable}' is FIXED, so it cannot be an outcome or part of '~~'", draft.span,
                f"remove '{column.variable}' from FIXED", "fixed-outcome")
        for column, draft in drafts.equations.items()
        if column.variable in names.declarations.fixed
    ]  # fmt: skip


def _with_priors(
    assembly: Assembly,
    statements: tuple[tree.PriorStatement, ...],
    *,
    derived: Derived,
    names: Names,
    labels: frozenset[str],
    findings: list[Finding],
) -> dict[str, ir.Parameter]:
    """Parameters with the priors and the definitions of PARAMETERS."""
    quantities = {each.name for each in derived.quantities}
    stated = dict(assembly.parameters)
    known = []
    for each in statements:
        span = each.label_span or each.span
        if each.label in derived.definitions or each.label in quantities:
            findings.append(Finding(f"'{each.label}' has both a definition and a prior", span,
                                    "one of the two", "prior-and-definition"))  # fmt: skip
        elif each.label in stated:
            known.append(each)
        elif _is_mentioned(each.label, assembly):
            stated[each.label] = ir.Parameter(each.label, ir.ParameterKind.SLOPE, ir.FLAT, label=each.label, span=span)
            known.append(each)
        elif each.label not in labels:
            is_column = names.find(each.label) is not None
            hint = f"another label: '{each.label}' is a variable" if is_column else nearest(each.label, labels)
            hint = hint or f"a label, given in MODEL as 'x@{each.label}'"
            findings.append(Finding(f"'{each.label}' is no label of MODEL", span, hint, "undeclared-name"))
            check_prior(each, findings)
    parameters = with_user_priors(stated, tuple(known), findings)
    for name, definition in derived.definitions.items():
        if name in parameters and not parameters_in(definition) and _is_power(parameters[name]):
            value = float(evaluate(definition, {}))
            if not 0 < value < 2:
                findings.append(Finding(f"'{name}' is set to {value:g}, and lambda lies between 0 and 2",
                                        derived.spans.get(name), f"{name} = 0.5;", "bad-power"))  # fmt: skip
            parameters[name] = replace(parameters[name], fixed=value, prior=ir.NO_PRIOR)
        elif name in parameters:
            parameters[name] = replace(parameters[name], definition=definition, prior=ir.NO_PRIOR)
    return parameters


def _is_power(parameter: ir.Parameter) -> bool:
    return parameter.kind is ir.ParameterKind.TRANSFORMATION


def _is_mentioned(name: str, assembly: Assembly) -> bool:
    terms = (term for each in assembly.equations for term in (*each.terms, *each.variance_terms))
    return any(name in parameters_in(term.expression) for term in terms)


def _with_constants(
    equations: tuple[ir.Equation, ...],
    parameters: Mapping[str, ir.Parameter],
    derived: Derived,
    findings: list[Finding],
) -> tuple[ir.Equation, ...]:
    """Equations whose expressions refer to parameters only: derived quantities are written out."""
    quantities: dict[ir.Expression, ir.Expression] = {}
    for each in derived.quantities:
        quantities[ir.ParameterReference(each.name)] = substitute(each.expression, quantities)

    def written_out(terms: tuple[ir.Term, ...]) -> tuple[ir.Term, ...]:
        changed = []
        for term in terms:
            expression = substitute(term.expression, quantities)
            for name in sorted(parameters_in(expression) - parameters.keys()):
                findings.append(Finding(
                    f"'{name}' is no coefficient or variance of MODEL, and PARAMETERS neither defines it nor gives it "
                    "a prior", term.span, f"PARAMETERS: {name} ~ normal(0, 10);", "free-constant"))  # fmt: skip
            changed.append(replace(term, expression=expression))
        return tuple(changed)

    return tuple(
        replace(each, terms=written_out(each.terms), variance_terms=written_out(each.variance_terms))
        for each in equations
    )


def _errors(findings: list[Finding]) -> list[Finding]:
    return [each for each in findings if each.severity == "error"]


def _sorted(findings: list[Finding]) -> list[Finding]:
    """Each finding once, by place, files in the order of their first finding; those without a place come last."""
    once = told_once(findings)
    files = list(dict.fromkeys(each.span.source for each in once if each.span))
    return sorted(
        once, key=lambda each: (files.index(each.span.source), each.span.start) if each.span else (len(files), 0)
    )
