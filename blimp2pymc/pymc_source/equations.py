"""One equation as PyMC lines: its parameters, its mean, its observed and its missing cells.

`WRITERS` has a row per family. A missing cell is a random variable of its own; it is joined with
the observed ones only where the completed column is used again further down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from blimp2pymc.joint_model.algebra import parameters_in
from blimp2pymc.joint_model.ir import Equation, Form, ParameterKind, Role
from blimp2pymc.joint_model.term_names import terms_text
from blimp2pymc.pymc_source.covariances import (
    declare_block,
    given_others,
    needed_by_block,
    write_innovation,
    write_standard_deviation,
)
from blimp2pymc.pymc_source.discrete_outcomes import (
    write_logit,
    write_multinomial_probit,
    write_negative_binomial,
    write_probit,
)
from blimp2pymc.pymc_source.expected_scores import write_expected_score
from blimp2pymc.pymc_source.facts import used_later
from blimp2pymc.pymc_source.linear_predictor import write_log_variance, write_mean
from blimp2pymc.pymc_source.names import has_free_correlations
from blimp2pymc.pymc_source.page import Page, differs_between_rows
from blimp2pymc.pymc_source.printer import number, string
from blimp2pymc.pymc_source.priors import declare, starting_log_variance
from blimp2pymc.pymc_source.transformed_outcomes import TransformedLaw, write_transformed_cells


def write_equation(page: Page, equation: Equation, writer: Callable[[Page, Equation], None] | None = None) -> None:
    """Write one factor of the joint density: priors not declared yet, then what `writer` or `WRITERS` says."""
    block = page.model.block_of.get(equation.outcome) if equation.role is not Role.MEANS else None
    if block is not None and equation.family != "multinomial_probit":
        declare_block(page, block)
    page.blank()
    _declare_referenced_blocks(page, equation)
    for line in statement_lines(page, equation):
        page.comment(line)
    if equation.role is Role.MEANS:
        _write_means(page, equation)
        return
    for term in equation.terms:
        for name in (term.coefficient, *sorted(parameters_in(term.expression))):
            declare(page, name, equation.outcome)
    for term in equation.variance_terms:
        is_intercept = page.model.parameters[term.coefficient].kind is ParameterKind.INTERCEPT
        declare(page, term.coefficient, start=starting_log_variance(page, equation.outcome) if is_intercept else "")
        for name in sorted(parameters_in(term.expression)):
            declare(page, name)
    (writer or WRITERS[equation.family])(page, equation)
    write_expected_score(page, equation)


def statement_lines(page: Page, equation: Equation) -> list[str]:
    """The script's lines an equation stands on, each written once; where it needs more, what the equation says.

    It needs more when no line of the script is left to write, and when one stands for several equations.
    """
    if equation.role is Role.MEANS:
        name = equation.outcome.name
        why = "" if equation.outcome.form is Form.DUMMY else " (it is centered and an outcome)"
        return [f"mean of {name}, from its completed values alone{why}"]
    lines = page.lines_of(equation)
    fresh = [each for each in lines if each not in page.stated]
    page.stated.update(fresh)
    if fresh and all(page.n_equations_of[each] == 1 for each in lines):
        return fresh
    outcome = equation.outcome
    name = equation.name if outcome.category is None else f"{equation.name}.{outcome.category:g}"
    said = [f"{name} ~ {terms_text(page.model, equation)}"]
    if equation.variance_terms:
        said.append(f"var({equation.name}) ~ {' '.join(term.name for term in equation.variance_terms)}")
    return [*fresh, *said]


def _write_normal(page: Page, equation: Equation) -> None:
    outcome = equation.outcome
    if equation.residual_variance is not None:
        declare(page, equation.residual_variance, outcome)
    write_mean(page, equation)
    if equation.variance_terms:
        write_log_variance(page, equation)
    write_standard_deviation(page, equation)
    mean, by_row, deviation = given_others(page, equation)
    deviation_by_row = differs_between_rows(equation.variance_terms, page.model)
    if equation.transform is not None:
        law = TransformedLaw(mean.code, by_row, deviation.code, deviation_by_row)
        write_transformed_cells(page, equation, law)
        write_innovation(page, equation, mean, deviation)
        return
    _write_cells(page, equation, Law("pm.Normal", mean.code, by_row, (deviation.code,), deviation_by_row))
    write_innovation(page, equation, mean, deviation)


@dataclass(frozen=True)
class Law:
    """The distribution of an outcome's cells: a PyMC call, its mean, its other arguments."""

    call: str
    mean: str
    is_by_row: bool
    others: tuple[str, ...]
    others_are_by_row: bool = False


def _write_cells(page: Page, equation: Equation, law: Law) -> None:
    outcome, call, others = equation.outcome, law.call, law.others
    column = page.column(outcome)
    if outcome.variable in page.model.latent:
        page.call(f"{column} = {call}(", [string(column), law.mean, *others, 'dims="row"'])
        return
    if not page.is_incomplete(outcome):
        arguments = [law.mean, *others, f"observed={column}", 'dims="row"']
        page.call(f"{call}(", [string(column), *arguments])
        return
    mask, values = page.local(outcome, "is_missing"), page.local(outcome, "data")
    missing, missing_row = page.local(outcome, "missing"), page.local(outcome, "missing_row")
    observed, observed_row = page.local(outcome, "observed"), page.local(outcome, "observed_row")

    def rows(which: str) -> list[str]:
        by_row = (law.is_by_row, *(law.others_are_by_row for _ in others))
        return [f"{text}[{which}]" if each else text for text, each in zip((law.mean, *others), by_row, strict=True)]

    page.call(f"{missing} = {call}(", [string(missing), *rows(mask), f"dims={string(missing_row)}"])
    page.call(
        f"{call}(",
        [string(observed), *rows(f"~{mask}"), f"observed={values}[~{mask}]", f"dims={string(observed_row)}"],
    )
    if outcome in used_later(page.model) or needed_by_block(page, outcome):
        page.line(f"{column} = pt.set_subtensor(pt.as_tensor({values})[{mask}], {missing})")


def _write_means(page: Page, equation: Equation) -> None:
    """Posterior of mean and variance given the completed column: a cut, so nothing flows back.

    With a flat mean and prior IG(a, b), n rows, sum of squares S about the column's mean m:
    variance ~ IG(a + (n - 1)/2, b + S/2), mean ~ N(m, variance/n).
    """
    (term,) = equation.terms
    assert equation.residual_variance is not None
    prior = page.model.parameters[equation.residual_variance].prior
    a, b = prior.arguments if prior.distribution == "inverse_gamma" else (-1.0, 0.0)
    n = page.model.frame.n_rows
    column = page.column(equation.outcome)
    mean = page.names.parameters[term.coefficient].variable
    variance = page.names.parameters[equation.residual_variance].variable
    page.declared.update((mean, variance))
    squares = f"pt.sum(({column} - pt.mean({column})) ** 2) / 2"
    beta = f"{number(b)} + {squares}" if b else squares
    page.call(f"{variance} = pm.InverseGamma(", [string(variance), f"alpha={number(a + (n - 1) / 2)}", f"beta={beta}"])
    deviation = f"pt.sqrt({variance} / {n})"
    page.call(f"{mean} = pm.Normal(", [string(mean), f"pt.mean({column})", deviation])


def _declare_referenced_blocks(page: Page, equation: Equation) -> None:
    # a correlation that is part of a matrix comes with its block
    terms = (*equation.terms, *equation.variance_terms)
    wanted = {equation.residual_variance, *(term.coefficient for term in terms)}
    for term in terms:
        wanted |= parameters_in(term.expression)
    names = {name for each in wanted if each for name in _defined_by(page, each)}
    for block in page.model.blocks:
        if len(block.members) > 2 and has_free_correlations(block, page.model):
            in_block = names & set(block.correlations.values())
            if any(page.model.parameters[each].kind is ParameterKind.CORRELATION for each in in_block):
                declare_block(page, block)


def _defined_by(page: Page, name: str) -> frozenset[str]:
    parameter = page.model.parameters.get(name)
    if parameter is None or parameter.definition is None:
        return frozenset({name})
    inner = parameters_in(parameter.definition)
    return frozenset({name}).union(*(_defined_by(page, each) for each in inner))


WRITERS: Mapping[str, Callable[[Page, Equation], None]] = {
    "normal": _write_normal,
    "probit": write_probit,
    "multinomial_probit": write_multinomial_probit,
    "logit": write_logit,
    "negative_binomial": write_negative_binomial,
}
"""Family -> how its equations are written."""
