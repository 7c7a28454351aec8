"""What is computed from other things: parameters set to expressions, and dummies."""

from __future__ import annotations

from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.ir import Apply, Column, Constant, Expression, Form, Model


def dummies(model: Model) -> dict[Expression, Expression]:
    """Dummies, as the comparison that defines them."""
    terms = (term for each in model.equations for term in (*each.terms, *each.variance_terms))
    columns = {column for term in terms for column in columns_in(term.expression)}
    return {
        column: Apply("==", (Column(column.variable), Constant(column.category)))
        for column in columns
        if column.form is Form.DUMMY and column.category is not None
    }


def ordered_definitions(model: Model) -> dict[str, Expression]:
    """Parameter set in every iteration -> its expression, each behind those it refers to."""
    pending = {name: each.definition for name, each in model.parameters.items() if each.definition is not None}
    ordered: dict[str, Expression] = {}
    while pending:
        ready = [name for name, each in pending.items() if not parameters_in(each) & pending.keys()]
        assert ready, f"definitions refer to each other: {sorted(pending)}"
        for name in ready:
            ordered[name] = pending.pop(name)
    return ordered
