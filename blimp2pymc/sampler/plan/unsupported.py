"""What has no sampler yet, refused by name and place before anything is drawn."""

from __future__ import annotations

from blimp2pymc.errors import Finding
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.families import LATENT_RESPONSES
from blimp2pymc.joint_model.ir import Column, Equation, Form, JointBlock, Model, Origin, Role
from blimp2pymc.sampler.plan.described import WORKING_FAMILIES, described_column


def _has_values(model: Model, column: Column) -> bool:
    """Whether the sampler knows or draws the values that a reference means."""
    if column.form is Form.LATENT_RESPONSE:
        return any(described_column(each) == column != each.outcome for each in model.equations)
    if column.form is Form.DUMMY:
        nominal = ("multinomial_probit", "logit")
        drawn = any(each.name == column.variable and each.family in nominal for each in model.equations)
        return drawn or not model.missing(column.variable).any()
    return column.form is Form.SCORE


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
