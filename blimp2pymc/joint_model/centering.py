"""CENTER: what is subtracted from a predictor, and the Means Models that supply some of the means.

Centering is for columns that are predictors themselves. Inside a defined variable they stay as they
are: `dep = x1:+:x7` with CENTER: x1:x7 is the sum of the raw items, and the intercept of an equation
with `dep` belongs to `dep` = 0 (decided by the reference output of such a sum score).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from blimp2pymc.errors import Finding
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import substitute
from blimp2pymc.joint_model.drafts import Drafts
from blimp2pymc.joint_model.frame import AnalysedRows
from blimp2pymc.joint_model.names import Names
from blimp2pymc.joint_model.predictors import Predictors, observed_mean


def mean_name(variable: str) -> str:
    """Name of the mean parameter of a variable."""
    return f"{variable} mean"


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
                means[target] = ir.ParameterReference(mean_name(name))
        if name in predictors.fixed:
            findings.append(Finding(f"'{name}' is FIXED, so it is centered at its observed mean", centering.span,
                                    code="observed-mean", severity="warning"))  # fmt: skip
    return means


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
    """Centered columns that are outcomes: an intercept-only model of their own supplies the mean."""
    return tuple(column for column in means if column in drafts.equations)
