"""What is legal but may not be meant: one function per code, in a literal table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations

import numpy as np

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.ranges import expand_range, listed_names
from blimp2pymc.blimp.write import expression_text
from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.category_warnings import CATEGORY_WARNINGS
from blimp2pymc.joint_model.conditional_effects import with_defined
from blimp2pymc.joint_model.coverage_warnings import COVERAGE_WARNINGS
from blimp2pymc.joint_model.inside_functions import FUNCTION_WARNINGS
from blimp2pymc.joint_model.latent_warnings import LATENT_WARNINGS, parameters_in_use
from blimp2pymc.joint_model.prior_warnings import PRIOR_WARNINGS
from blimp2pymc.joint_model.settings import DEFAULT_CHAINS
from blimp2pymc.joint_model.statement_warnings import STATEMENT_WARNINGS

FEW_VALUES = 5
"""A variable with at most this many distinct whole numbers looks categorical."""

USUAL_CODES = frozenset(sign * float(digit * count) for sign in (-1, 1) for digit in "789" for count in range(1, 7))
"""Numbers that often stand for missing values: 9, -99, 888 and so on."""

SHORT_BURN = 200
"""Burn-in iterations per chain below which a run is not to be trusted."""

FEW_DRAWS = 200
"""Draws per chain below which intervals are rough."""

MOST_FACTORS = 6
"""Products of more factors are not asked for their lower-order terms."""

ONE = ir.Constant(1.0)


def find_warnings(model: ir.Model) -> list[Finding]:
    """Everything in a model that is legal but may not be meant.

    Parameters
    ----------
    model
        A resolved model.

    Returns
    -------
    Findings of severity `warning`, each with its code, in the order of `WARNINGS`.
    """
    return [
        Finding(message, span, hint, code, "warning")
        for code, find in WARNINGS.items()
        for message, span, hint in find(model)
    ]


Warnings = Iterator[tuple[str, Span | None, str]]


def _few_values(model: ir.Model) -> Warnings:
    """Outcomes and modelled predictors only: what is conditioned on may take any values."""
    by_codes: dict[tuple[float, ...], list[ir.Variable]] = {}
    for name, variable in model.variables.items():
        if variable.kind is not ir.Kind.CONTINUOUS or name not in model.data or name in model.fixed_predictors:
            continue
        observed = model.data[name][~np.isnan(model.data[name])]
        distinct = np.unique(observed)
        if 1 < len(distinct) <= FEW_VALUES < len(observed) and not (distinct % 1).any():
            by_codes.setdefault(tuple(distinct.tolist()), []).append(variable)
    for codes_seen, variables in by_codes.items():
        names = ", ".join(f"'{each.name}'" for each in variables)
        codes = ", ".join(f"{value:g}" for value in codes_seen)
        verb, kind = ("has", "a continuous variable") if len(variables) == 1 else ("have", "continuous variables")
        yield (f"{names} {verb} only the values {codes}, modelled as {kind}", variables[0].span,
               f"ORDINAL: {variables[0].name}; if these are categories")  # fmt: skip


def _categories_as_numbers(model: ir.Model) -> Warnings:
    """A pandas categorical whose codes, which only name its categories, are computed with."""
    book = model.table.code_book if model.table is not None else {}
    for name, variable in model.variables.items():
        if name in book and name in model.data and variable.kind is ir.Kind.CONTINUOUS:
            codes = ", ".join(f"{code:g} for '{label}'" for code, label in list(book[name].items())[:3])
            more = ", ..." if len(book[name]) > 3 else ""
            yield (f"'{name}' is a categorical of pandas, and its codes are taken for numbers: {codes}{more}",
                   variable.span, f"ORDINAL: {name}; or NOMINAL: {name};")  # fmt: skip


def _suspected_codes(model: ir.Model) -> Warnings:
    """Observed values that look like the code of a missing value which MISSING does not state."""
    by_code: dict[float, list[str]] = {}
    for name, values in model.data.items():
        observed = np.unique(values[~np.isnan(values)])
        for code, others in ((observed[-1:], observed[:-1]), (observed[:1], observed[1:])):
            if len(others) < 2 or float(code[0]) not in USUAL_CODES or np.count_nonzero(values == code[0]) < 2:
                continue
            if np.abs(others - code[0]).min() > np.ptp(others):
                by_code.setdefault(float(code[0]), []).append(name)
    for code_value, names in by_code.items():
        listed = ", ".join(f"'{each}'" for each in names)
        yield (f"{code_value:g} lies far from all other values of {listed} and looks like the code of a missing value",
               model.variables[names[0]].span, f"MISSING: {code_value:g};")  # fmt: skip


def _missing_lower_order(model: ir.Model) -> Warnings:
    for equation in model.equations:
        present = {_multiset(_factors(term.expression)) for term in equation.terms}
        for term in equation.terms:
            factors = _factors(term.expression)
            if not 1 < len(factors) <= MOST_FACTORS or model.parameters[term.coefficient].fixed is not None:
                continue
            if any(isinstance(each, ir.ParameterReference) for each in factors):
                continue
            if not _lower_order(factors) <= present:
                yield (f"the equation of '{equation.name}' has the product '{term.name}' without all its lower-order "
                       "terms", term.span, "y ~ x m x*m, for x*m")  # fmt: skip


def _factors(expression: ir.Expression) -> list[ir.Expression]:
    """Factors of a product; a power is as many of them."""
    match expression:
        case ir.Apply("*", (left, right)):
            return [*_factors(left), *_factors(right)]
        case ir.Apply("^", (base, ir.Constant(power))) if power == int(power) and 1 < power <= MOST_FACTORS:
            return _factors(base) * int(power)
    return [] if isinstance(expression, ir.Constant) else [expression]


def _multiset(factors: Iterable[ir.Expression]) -> frozenset[tuple[ir.Expression, int]]:
    return frozenset(Counter(factors).items())


def _lower_order(factors: list[ir.Expression]) -> set[frozenset[tuple[ir.Expression, int]]]:
    """Products of some, but not all, of the factors."""
    return {_multiset(part) for size in range(1, len(factors)) for part in combinations(factors, size)}


def _repeated_terms(model: ir.Model) -> Warnings:
    """A predictor that one statement names twice: the second statement of it replaces the first."""
    for statement in model.script.statements("MODEL") if model.script is not None else ():
        if not isinstance(statement, tree.Relation) or statement.operator == "~~":
            continue
        side = statement.right if statement.operator == "~" else statement.left
        seen: set[tuple[str, ...]] = set()
        for term in side.terms:
            # A setting that is a variable makes another term of it: `1@b0` is b0.
            factors = [each.name for each in term.settings if isinstance(each, tree.Name)]
            factors = [each for each in factors if each in model.variables]
            for text in _written_terms(term.expression):
                key = (text, *sorted(factors))
                if key in seen:
                    what = "the intercept" if text == "1" else f"'{text}'"
                    yield (f"{what} is stated twice in this regression: the last one counts", term.span, "")
                seen.add(key)


def _written_terms(node: tree.Expression) -> list[str]:
    """A term as text, the same for every order of its factors; one per name of a range."""
    match node:
        case tree.Number(value) if value in (0.0, 1.0):
            return ["1"]
        case tree.Range(first, last):
            return list(expand_range(first, last))
        case tree.Operation("*", operands):
            return ["*".join(sorted(expression_text(each) for each in operands))]
    return [expression_text(node)]


def _idle_labels(model: ir.Model) -> Warnings:
    terms = [term for each in model.equations for term in (*each.terms, *each.variance_terms)]
    places = [term.coefficient for term in terms]
    places += [equation.residual_variance or "" for equation in model.equations]
    places += [name for block in model.blocks for name in block.correlations.values()]
    used = parameters_in_use(model)
    # A loop or a range labels all of its parameters where some are needed.
    used_places = {parameter.span for name, parameter in model.parameters.items() if name in used and parameter.span}
    for name, parameter in model.parameters.items():
        # A label on a loading frees it, which is use enough.
        is_loading = parameter.kind is ir.ParameterKind.LOADING
        is_used = name in used or places.count(name) > 1 or parameter.span in used_places
        if parameter.label and not is_used and not is_loading:
            yield (f"the label '{name}' is never used", parameter.span, "")


def _idle_definitions(model: ir.Model) -> Warnings:
    if model.script is None:
        return
    mentioned = {
        name
        for statement in model.script.statements("MODEL")
        for name in _names_in(statement.expression if isinstance(statement, tree.Definition) else statement)
    }
    for statement in model.script.statements("MODEL"):
        if isinstance(statement, tree.Definition) and statement.name not in mentioned:
            yield f"the defined variable '{statement.name}' is never used", statement.name_span or statement.span, ""


def _names_in(node: object) -> Iterator[str]:
    for each in tree.walk(node):
        if isinstance(each, tree.Name):
            yield each.name
        elif isinstance(each, (tree.Range, tree.SumRange)):
            yield from expand_range(each.first, each.last)


def _idle_fixed(model: ir.Model) -> Warnings:
    if model.script is None:
        return
    for item in listed_names(model.script.statements("FIXED")):
        name = item.name
        if name not in model.variables:
            yield f"'{name}' is FIXED, but is not in MODEL", item.span, f"leave '{name}' out of FIXED"


def _uncentered_focal(model: ir.Model) -> Warnings:
    for effect in model.simple_effects:
        if isinstance(effect.focal, ir.Column) and effect.focal not in model.centered:
            name = effect.focal.variable
            if name not in model.variables:
                continue
            kind = model.variables[name].kind
            if kind is ir.Kind.CONTINUOUS and model.variables[name].origin is not ir.Origin.LATENT:
                yield (f"the focal predictor '{name}' is not centered, so that the intercepts of its conditional "
                       "effects refer to the value 0", effect.span, f"CENTER: {name};")  # fmt: skip


def _no_interaction(model: ir.Model) -> Warnings:
    """Conditional effects that are the same at every value of a moderator."""
    for effect in model.simple_effects:
        if not isinstance(effect.focal, ir.Column):
            continue
        together = [
            expression
            for equation in model.equations
            for term in equation.terms
            if effect.focal in columns_in(expression := _written(model, term.expression, effect.focal))
        ]
        for moderator in {each.name: each for each in effect.moderators}.values():
            column = moderator.column
            if not any(column in columns_in(_written(model, each, column)) for each in together):
                yield (f"no product of '{effect.name}' and '{moderator.name}' is in MODEL, so the effect of "
                       f"'{effect.name}' is the same at every value of '{moderator.name}'", effect.span,
                       f"{effect.name}*{moderator.name} as a predictor")  # fmt: skip


def _written(model: ir.Model, expression: ir.Expression, column: ir.Column) -> ir.Expression:
    return with_defined(expression, column, model.defined, model.centered)


def _correlated_predictor(model: ir.Model) -> Warnings:
    """`y ~ x` with `y ~~ x`: the data tell the slope and the correlation only together."""
    by_column = {each.outcome: each for each in model.equations}
    for block in model.blocks:
        for pair in block.correlations:
            first, second = (block.members[place] for place in pair)
            for outcome, predictor in ((first, second), (second, first)):
                equation = by_column.get(outcome)
                if equation is not None and any(term.expression == predictor for term in equation.terms):
                    yield (f"'{predictor.variable}' predicts '{equation.name}', and their residuals are correlated "
                           "too: the data may not tell the two apart", block.span,
                           f"one of the two, unless something predicts '{predictor.variable}' alone")  # fmt: skip


def _short_run(model: ir.Model) -> Warnings:
    settings = model.settings
    if settings.burn is not None and settings.burn < SHORT_BURN:
        yield (f"BURN is only {settings.burn} iterations per chain", _command(model, "BURN"), "BURN: 1000;")
    chains = settings.chains or DEFAULT_CHAINS
    if settings.iterations is not None and settings.iterations / chains < FEW_DRAWS:
        yield (f"ITERATIONS is the total over all chains: {settings.iterations} are only "
               f"{-(-settings.iterations // chains)} draws in each of {chains} chains",
               _command(model, "ITERATIONS"), "ITERATIONS: 10000;")  # fmt: skip


def _command(model: ir.Model, name: str) -> Span | None:
    commands = model.script.all(name) if model.script is not None else ()
    return (commands[-1].body_span or commands[-1].span) if commands else None


def _variance_only(model: ir.Model) -> Warnings:
    """`x@v` alone makes x a modelled variable without predictors, which is easily written by accident."""
    if model.script is None:
        return
    terms = (term for each in model.equations for term in (*each.terms, *each.variance_terms))
    predictors = {column for term in terms for column in columns_in(term.expression)}
    for statement in model.script.statements("MODEL"):
        if not isinstance(statement, tree.VarianceStatement) or not isinstance(statement.term.expression, tree.Name):
            continue
        name = statement.term.expression.name
        column = ir.Column(name)
        is_plain = column in predictors and column not in model.block_of and name not in model.latent
        if is_plain and not _is_regressed(model.script, name):
            yield (f"'{name}' has a variance but no regression: it is modelled by its mean alone, independent of the "
                   "other predictors", statement.span, f"{name} ~ 1; to say so")  # fmt: skip


def _is_regressed(script: tree.Script, name: str) -> bool:
    for statement in script.statements("MODEL"):
        if isinstance(statement, tree.Relation):
            side = statement.right if statement.operator == "->" else statement.left
            if statement.operator != "~~" and name in _names_in(side):
                return True
    return False


WARNINGS: Mapping[str, Callable[[ir.Model], Warnings]] = {
    "few-values": _few_values,
    "categories-as-numbers": _categories_as_numbers,
    "suspected-missing-code": _suspected_codes,
    "lower-order-terms": _missing_lower_order,
    "repeated-term": _repeated_terms,
    "idle-label": _idle_labels,
    "idle-definition": _idle_definitions,
    "idle-fixed": _idle_fixed,
    **LATENT_WARNINGS,
    **STATEMENT_WARNINGS,
    "uncentered-focal": _uncentered_focal,
    "no-interaction": _no_interaction,
    "correlated-predictor": _correlated_predictor,
    **CATEGORY_WARNINGS,
    **COVERAGE_WARNINGS,
    **PRIOR_WARNINGS,
    **FUNCTION_WARNINGS,
    "short-run": _short_run,
    "variance-only": _variance_only,
}
"""Code -> what finds it."""
