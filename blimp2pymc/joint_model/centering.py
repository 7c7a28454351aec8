"""CENTER: what is subtracted from a predictor, and the Means Models that supply some of the means.

Centering is for columns that are predictors themselves. Inside a defined variable they stay as they
are: `dep = x1:+:x7` with CENTER: x1:x7 is the sum of the raw items, and the intercept of an equation
with `dep` belongs to `dep` = 0 (decided by the reference output of such a sum score).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import substitute
from blimp2pymc.joint_model.drafts import Drafts
from blimp2pymc.joint_model.expected_scores import MOST_CENTERED, expected_score, latent_response_variance
from blimp2pymc.joint_model.families import mean_name, share_name
from blimp2pymc.joint_model.frame import AnalysedRows
from blimp2pymc.joint_model.names import Names
from blimp2pymc.joint_model.predictors import Predictors, observed_mean


def centered_columns(
    drafts: Drafts, names: Names, predictors: Predictors, rows: AnalysedRows, findings: list[Finding]
) -> dict[ir.Column, ir.Expression]:
    """Decide what is subtracted from every centered column that some equation uses as predictor.

    Returns
    -------
    Column -> its mean: a parameter of the variable's model, or for FIXED variables the observed mean.
    """
    used = drafts.columns_on_the_right
    means: dict[ir.Column, ir.Expression] = {}
    for column, centering in names.declarations.centered.items():
        name = column.variable
        targets = [each for each in used if each == column or _is_dummy_of(each, column)]
        for each in targets:
            places = ", ".join(f"'{place}'" for place in drafts.definitions_with(each))
            if not places:
                continue
            findings.append(Finding(f"'{name}' is not centered inside the defined variable {places}", centering.span,
                                    f"'({name} - &mean)' in the definition, with the label of a mean",
                                    "uncentered-definition", "warning"))  # fmt: skip
        if not targets:
            if name in names.variables and column not in means:
                findings.append(Finding(f"'{name}' is centered, but no equation has it as predictor", centering.span,
                                        f"leave '{name}' out of CENTER", "idle-centering", "warning"))  # fmt: skip
            continue
        for target in targets:
            if name in predictors.fixed:
                values = rows.data[name]
                if target.form is ir.Form.DUMMY:
                    values = (values == target.category).astype(float)
                means[target] = ir.Constant(observed_mean(values))
            else:
                is_outcome = replace(column, form=ir.Form.SCORE) in drafts.equations
                mean = _modelled_mean(target, predictors, rows.variables, is_outcome, centering.span, findings)
                if mean is not None:
                    means[target] = mean
        if name in predictors.fixed:
            findings.append(Finding(f"'{name}' is FIXED, so it is centered at its observed mean", centering.span,
                                    code="observed-mean", severity="warning"))  # fmt: skip
    return means


def _modelled_mean(
    target: ir.Column,
    predictors: Predictors,
    variables: Mapping[str, ir.Variable],
    is_outcome: bool,
    span: Span | None,
    findings: list[Finding],
) -> ir.Expression | None:
    """The mean of a column that has a model: its default model, or a Means Model if it is an outcome."""
    name = target.variable
    variable = variables[name]
    if variable.kind is ir.Kind.NOMINAL:
        return ir.ParameterReference(share_name(target.name))
    if variable.kind is not ir.Kind.ORDINAL or target.form is ir.Form.LATENT_RESPONSE or not variable.categories:
        if is_outcome and target.form is ir.Form.LATENT_RESPONSE:
            findings.append(Finding(f"'{target.name}' cannot be centered, because '{name}' has an equation of its own",
                                    span, f"leave '{target.name}' out of CENTER", "centered-response"))  # fmt: skip
            return None
        return ir.ParameterReference(mean_name(name))
    if is_outcome:
        return ir.ParameterReference(mean_name(name))
    earlier = [each for each in predictors.sequence if variables[each].kind is ir.Kind.ORDINAL]
    if name in earlier[MOST_CENTERED:]:
        findings.append(Finding(f"more than {MOST_CENTERED} ORDINAL predictors with models of their own are centered",
                                span, f"FIXED: {name}; to center it at its observed mean",
                                "too-many-centered"))  # fmt: skip
        return None
    return expected_score(variable, latent_response_variance(name, predictors.sequence, variables))


def with_observed_means(
    expression: ir.Expression,
    means: Mapping[ir.Column, ir.Expression],
    observed: Callable[[ir.Column], float | None],
) -> ir.Expression:
    """The expression with observed means, where there are any, in place of estimated ones."""
    replacements: dict[ir.Expression, ir.Expression] = {}
    for column, mean in means.items():
        value = observed(column)
        if value is not None:
            constant = ir.Constant(value)
            replacements[ir.Apply("-", (column, mean))] = ir.Apply("-", (column, constant))
            if isinstance(mean, ir.ParameterReference):
                replacements[mean] = constant
    return substitute(expression, replacements)


def _is_dummy_of(column: ir.Column, nominal: ir.Column) -> bool:
    return column.form is ir.Form.DUMMY and nominal.form is ir.Form.SCORE and column.variable == nominal.variable


def centered_expression(
    expression: ir.Expression, means: Mapping[ir.Column, ir.Expression], defined: Iterable[ir.Expression] = ()
) -> ir.Expression:
    """The expression with every centered column written out as column minus mean, defined variables left alone."""
    replacements: dict[ir.Expression, ir.Expression] = {
        column: ir.Apply("-", (column, mean)) for column, mean in means.items()
    }
    return substitute(expression, replacements | {each: each for each in defined if isinstance(each, ir.Apply)})


def means_models(drafts: Drafts, means: Mapping[ir.Column, ir.Expression]) -> tuple[ir.Column, ...]:
    """Centered columns that are outcomes, and dummies: an intercept-only model of their own supplies the mean.

    The expected share of a nominal variable's code has no closed form under its model.
    """
    estimated = (column for column, mean in means.items() if isinstance(mean, ir.ParameterReference))
    return tuple(each for each in estimated if each in drafts.equations or each.form is ir.Form.DUMMY)
