"""Facts of a model that several parts of its source depend on: what is used where, how categories are counted.

A category is written as its place 0, 1, ... in the order of the codes, a nominal variable's reference first, because
that is what PyMC's distributions of categories are about. Needs no PyMC.
"""

from __future__ import annotations

from blimp2pymc.joint_model.algebra import leaves
from blimp2pymc.joint_model.ir import Column, Equation, Form, Kind, Model, Role

CATEGORICAL = frozenset({"probit", "multinomial_probit", "logit"})
"""Families whose outcomes are categories."""

DISCRETE = CATEGORICAL | {"negative_binomial"}
"""Families whose outcomes are no continuous numbers."""


def used_later(model: Model) -> frozenset[Column]:
    """Columns that some term refers to, or whose mean a Means Model needs."""
    found: set[Column] = set()
    for equation in model.equations:
        if equation.role is Role.MEANS:
            found.add(equation.outcome)
        for term in (*equation.terms, *equation.variance_terms):
            if model.parameters[term.coefficient].fixed != 0.0:
                found.update(leaf for leaf in leaves(term.expression) if isinstance(leaf, Column))
    return frozenset(found)


def equations_of(model: Model, variable: str) -> tuple[Equation, ...]:
    """Equations of a variable: one, or of a nominal variable one per code but the reference."""
    return tuple(each for column, each in model.equation_of.items() if column.variable == variable)


def family_of(model: Model, variable: str) -> str:
    """Family of a variable's equations; empty for a variable without one."""
    return next((each.family for each in equations_of(model, variable)), "")


def codes_in_order(model: Model, variable: str) -> tuple[float, ...]:
    """Codes in the order of their places: ascending, the reference of a nominal variable first."""
    declared = model.variables[variable]
    if declared.kind is not Kind.NOMINAL or declared.reference is None:
        return declared.categories
    return (declared.reference, *(each for each in declared.categories if each != declared.reference))


def score_is_used(model: Model, variable: str) -> bool:
    """Whether the category, as score or as dummies, predicts something or has a Means Model."""
    return any(column.variable == variable and column.form in (Form.SCORE, Form.DUMMY) for column in used_later(model))


def has_missing_categories(model: Model, variable: str) -> bool:
    """Whether missing categories or counts are variables of the graph: only where something else depends on them."""
    return family_of(model, variable) in DISCRETE and variable in model.incomplete and score_is_used(model, variable)


def written_responses(model: Model, *, augmented: bool = False) -> tuple[Column, ...]:
    """Outcomes whose latent responses are written explicitly: where the model uses them, or all on request."""
    used = used_later(model)
    found = []
    for outcome, equation in model.equation_of.items():
        if equation.family not in ("probit", "multinomial_probit"):
            continue
        if augmented or response_column(outcome) in used or _is_conditioned_on(model, equation):
            found.append(outcome)
    return tuple(found)


def response_column(outcome: Column) -> Column:
    """The latent response of an outcome with categories."""
    return Column(outcome.variable, Form.LATENT_RESPONSE, category=outcome.category, level=outcome.level)


def _is_conditioned_on(model: Model, equation: Equation) -> bool:
    """Whether a later member of the same block is written given this one's latent response."""
    block = model.block_of.get(equation.outcome)
    if equation.family != "probit" or block is None or not block.correlations:
        return False
    return [each for each in model.equation_of if each in block.members][-1] != equation.outcome
