"""What has no sampler yet, refused by name and place before anything is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blimp2pymc.errors import Finding
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.families import LATENT_RESPONSES
from blimp2pymc.joint_model.ir import Column, Equation, Form, JointBlock, Model, Origin, Role
from blimp2pymc.sampler.plan.described import WORKING_FAMILIES, described_column

if TYPE_CHECKING:
    from blimp2pymc.sampler.plan.residuals import Structure

HOW = {
    "multinomial": "a logit with several categories",
    "negative_binomial": "the mean of a count",
    "log_variance": "a residual variance",
    "joint_log_variance": "a residual variance",
}
"""Family of a group without normal equations -> how a predictor enters it."""


def _has_values(model: Model, column: Column) -> bool:
    """Whether the sampler knows or draws the values that a reference means."""
    if column.form is Form.LATENT_RESPONSE:
        return any(described_column(each) == column != each.outcome for each in model.equations)
    if column.form is Form.DUMMY:
        nominal = ("multinomial_probit", "logit")
        drawn = any(each.name == column.variable and each.family in nominal for each in model.equations)
        return drawn or not model.missing(column.variable).any()
    return column.form is Form.SCORE


def bent_responses(form: Structure) -> list[Finding]:
    """Latent responses in whose density a category's interval is not all that keeps them from being normal.

    They are drawn as truncated normal variables, which what they predict has to allow: linearly, in a normal equation
    or in one that is normal given weights.
    """
    findings = []
    for response in form.responses:
        column = response.outcome
        for group in form.groups:
            where = [each for each in group.residuals if column in each.columns]
            if not where or where == [response]:
                continue
            products = [product for each in where for product in each.products]
            inside = any(column in columns_in(function) for product in products for function in product.functions)
            if group.is_scored or inside or any(product.columns.count(column) > 1 for product in products):
                how = "a power or a function" if not group.is_scored else HOW[group.family]
                findings.append(Finding(
                    f"the latent response '{column.name}' enters the equation of '{where[0].equation.name}' by {how}: "
                    "there is no sampler for this yet", where[0].equation.span,
                    f"'{column.variable}' in place of '{column.name}', for its score", "unsupported-response",
                ))  # fmt: skip
    return findings


def unsupported(model: Model) -> list[Finding]:
    """One finding for every part of a model that cannot be drawn."""
    findings: list[Finding] = []

    def refuse(what: str, equation: Equation | JointBlock | None, code: str) -> None:
        span = equation.span if equation else None
        findings.append(Finding(f"{what}: there is no sampler for this yet", span, "", code))

    for equation in model.equations:
        if equation.family not in ("normal", *LATENT_RESPONSES, *WORKING_FAMILIES):
            refuse(f"'{equation.name}' has family '{equation.family}'", equation, "unsupported-family")
        terms = (*equation.terms, *equation.variance_terms)
        columns = {described_column(equation)}.union(*(columns_in(term.expression) for term in terms))
        for column in sorted(columns):
            if column == described_column(equation) and equation.outcome.form in (Form.SCORE, Form.DUMMY):
                continue
            if column.level != 1 or column.lag or not _has_values(model, column):
                refuse(
                    f"the equation of '{equation.name}' refers to '{column.variable}' at another level or occasion, "
                    f"or as its {column.form.value}",
                    equation,
                    "unsupported-column",
                )
            variable = model.variables.get(column.variable)
            if variable is not None and variable.origin is Origin.RANDOM_EFFECT:
                refuse(f"'{column.variable}' is a random effect", equation, "unsupported-random-effect")
    owned = {equation.outcome.variable for equation in model.equations if equation.role is not Role.MEANS}
    for name in model.unknown:
        if name not in owned:
            what = "is latent" if name in model.latent else "has missing values"
            findings.append(
                Finding(f"'{name}' {what}, but no equation says how it is distributed", model.variables[name].span)
            )
    return findings
