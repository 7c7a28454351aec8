"""`.totalvar`, `.coefvar` and `.residvar` in constraints: functions of parameters where the predictors are known.

The variance that predictors explain is the sample variance of the linear predictor, b'Sb with S the covariance of the
terms. With complete predictors S is a matrix of numbers, and `v = 1 - y.coefvar` a function of coefficients. With
incomplete or latent predictors it would tie parameters to values of all rows, which is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in, expand_term, leaves, parameters_in, substitute
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.refusals import refuse

Data = Mapping[str, np.ndarray]


def with_known_variances(
    definitions: Mapping[str, ir.Expression],
    equations: Sequence[ir.Equation],
    data: Data,
    spans: Mapping[str, Span | None],
    findings: list[Finding],
) -> dict[str, ir.Expression]:
    """Write implied variances in definitions of parameters as functions of parameters.

    Parameters
    ----------
    definitions
        Parameter of MODEL -> the function it is set to.
    equations, data
        The model's equations, and values of its data variables, NaN where missing.
    spans
        Places of the definitions.
    findings
        A refusal for every definition with a variance that depends on unknown values.
    """
    equation_of = {each.name: each for each in equations if each.role is not ir.Role.MEANS}
    changed = {}
    for name, expression in definitions.items():
        replacements: dict[ir.Expression, ir.Expression] = {}
        for leaf in dict.fromkeys(leaves(expression)):
            if isinstance(leaf, ir.ImpliedVariance):
                found = _variance(equation_of[leaf.variable], leaf.part, data)
                if found is None:
                    findings.append(refuse("implied-variance-constraint", spans.get(name), name=name,
                                           other=leaf.variable))  # fmt: skip
                else:
                    replacements[leaf] = found
        changed[name] = substitute(expression, replacements)
    return changed


def _variance(equation: ir.Equation, part: ir.VariancePart, data: Data) -> ir.Expression | None:
    if equation.residual_variance is None:
        return None
    residual = ir.ParameterReference(equation.residual_variance)
    if part is ir.VariancePart.RESIDUAL:
        return residual
    explained = _explained(equation, data)
    if explained is None or part is ir.VariancePart.COEFFICIENTS:
        return explained
    return ir.Apply("+", (explained, residual))


def _explained(equation: ir.Equation, data: Data) -> ir.Expression | None:
    """Sample variance of the linear predictor; None where it depends on unknown values."""
    weights: dict[ir.Expression, list[ir.Expression]] = {}
    for term in equation.terms:
        if term.replaces_intercept:
            return None
        for product in expand_term(term):
            factors: list[ir.Expression] = [*product.columns, *product.functions]
            if not factors:
                continue
            values = _joined("*", factors)
            parameters: list[ir.Expression] = [ir.ParameterReference(each) for each in product.parameters]
            if product.constant != 1 or not parameters:
                parameters.insert(0, ir.Constant(product.constant))
            weight = _joined("*", parameters)
            weights.setdefault(values, []).append(weight)
    if not weights:
        return ir.Constant(0.0)
    rows = [_rows(each, data) for each in weights]
    if any(each is None for each in rows):
        return None
    covariance = np.atleast_2d(np.cov(np.array(rows)))
    sums = [_joined("+", each) for each in weights.values()]
    terms = [
        ir.Apply("*", (ir.Constant(float(covariance[i, j]) * (1.0 if i == j else 2.0)),
                       ir.Apply("*", (sums[i], sums[j]))))
        for i in range(len(sums))
        for j in range(i + 1)
    ]  # fmt: skip
    return _joined("+", terms)


def _rows(expression: ir.Expression, data: Data) -> np.ndarray | None:
    """Values of an expression in all rows; None where they are not known."""
    if parameters_in(expression):
        return None
    columns = {}
    for column in columns_in(expression):
        values = data.get(column.variable)
        if values is None or np.isnan(values).any() or column.lag or column.level != 1:
            return None
        if column.form is ir.Form.DUMMY:
            values = (values == column.category).astype(float)
        elif column.form is not ir.Form.SCORE:
            return None
        columns[column] = values
    return np.asarray(evaluate(expression, columns), float)


def _joined(operator: str, parts: Sequence[ir.Expression]) -> ir.Expression:
    whole, *rest = parts
    for each in rest:
        whole = ir.Apply(operator, (whole, each))
    return whole
