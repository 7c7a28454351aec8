"""Drafts of MODEL -> equations, joint blocks and Means Models with their parameters.

One draft is one equation, except that of a variable with several codes to tell from its reference:
it becomes one equation per code, which share their terms and not their coefficients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from blimp2pymc.errors import Finding
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.centering import centered_expression
from blimp2pymc.joint_model.covariances import DraftBlock
from blimp2pymc.joint_model.drafts import FREE, INTERCEPT, DraftEquation, Setting
from blimp2pymc.joint_model.families import (
    BY_CODE,
    COEFFICIENTS,
    DIFFERENCE_CORRELATION,
    FAMILY_WORDS,
    UNIT_VARIANCE,
    mean_name,
    share_name,
    threshold_name,
)
from blimp2pymc.joint_model.frame import AnalysedRows
from blimp2pymc.joint_model.parameters import ParameterList
from blimp2pymc.joint_model.priors import COVARIANCE, DISPERSION, IN_BLOCK, PREDICTOR_VARIANCE, VARIANCE, YEO_JOHNSON
from blimp2pymc.joint_model.transformed_outcomes import settle_transform, with_power

ONE = ir.Constant(1.0)


@dataclass(frozen=True, eq=False)
class EquationMaker:
    """Makes the equations of MODEL and keeps the list of their parameters."""

    parameters: ParameterList
    rows: AnalysedRows
    means: Mapping[ir.Column, ir.Expression]
    """Centered column -> what is subtracted."""
    defined: tuple[ir.Expression, ...]
    prior_family: int
    predictor_family: int

    # ------------------------------------------------------------ equations

    def equations(self, draft: DraftEquation, order: int, in_block: bool) -> list[ir.Equation]:
        """The equations of one outcome: one, or one per code but the reference."""
        if draft.family not in BY_CODE:
            return [self._equation(draft, draft.outcome, draft.name, order, in_block)]
        variable = self.rows.variables[draft.outcome.variable]
        columns = code_columns(variable, draft.outcome)
        self._check_labels(draft, columns)
        named = variable.kind is ir.Kind.NOMINAL
        return [
            self._equation(draft, column, column.name if named else draft.name, order, in_block) for column in columns
        ]

    def _equation(self, draft: DraftEquation, outcome: ir.Column, name: str, order: int, in_block: bool) -> ir.Equation:
        # `var(y) ~ 1@0` alone: the logarithm of the variance is 0 in every row.
        log_variance = draft.log_variance.all_terms if draft.log_variance is not None else ()
        variance = None if log_variance else self._variance(draft, name, in_block)
        terms = self._terms(draft, name, COEFFICIENTS[draft.family])
        variance_terms: tuple[ir.Term, ...] = ()
        if draft.log_variance is not None:
            variance_terms = self._terms(draft.log_variance, draft.log_variance.name, COEFFICIENTS["normal"])
        thresholds = self.thresholds(outcome.variable, name) if draft.family == "probit" else ()
        dispersion = None
        if draft.family == "negative_binomial":
            dispersion = self.parameters.add(f"{name} dispersion", ir.ParameterKind.DISPERSION, DISPERSION, FREE)
        return ir.Equation(
            outcome, draft.family, terms, variance, variance_terms, thresholds, dispersion, self._transform(draft),
            block=draft.block, order=order, level=outcome.level, span=draft.span,
            written=draft.name if draft.name != outcome.variable else "",
        )  # fmt: skip

    def _transform(self, draft: DraftEquation) -> ir.Transform | None:
        """The transform of an outcome with its parameter and its inverse."""
        if draft.transform is None:
            return None
        data = self.rows.data.get(draft.outcome.variable)
        transform, findings = settle_transform(draft.transform, draft.outcome, draft.name, data, draft.span)
        self.parameters.findings.extend(findings)
        if transform.function != "yjt":
            return transform
        kind = ir.ParameterKind.TRANSFORMATION
        return with_power(
            transform, self.parameters.add(f"{draft.name} lambda", kind, YEO_JOHNSON, draft.power, draft.span)
        )

    def _terms(self, draft: DraftEquation, name: str, prior: ir.Prior) -> tuple[ir.Term, ...]:
        """The terms of a linear predictor and their coefficients."""
        terms = []
        for term in draft.all_terms:
            kind = ir.ParameterKind.LOADING if term.is_loading else ir.ParameterKind.SLOPE
            if term.expression == ONE:
                kind = ir.ParameterKind.INTERCEPT
            coefficient = self.parameters.add(f"{name} ~ {term.name}", kind, prior, term.setting, term.span)
            expression = centered_expression(term.expression, self.means, self.defined)
            terms.append(ir.Term(term.name, coefficient, expression, term.span, term.replaces_intercept))
        return tuple(terms)

    def _check_labels(self, draft: DraftEquation, columns: tuple[ir.Column, ...]) -> None:
        """A label would make the coefficients of different codes equal, which nobody means by it."""
        if len(columns) < 2:
            return
        outcomes = " and ".join(column.name for column in columns)
        for term in draft.all_terms:
            if term.setting.label:
                self.parameters.findings.append(Finding(
                    f"the label '{term.setting.label}' would name {len(columns)} coefficients of '{term.name}', those "
                    f"of {outcomes}", term.setting.span or term.span,
                    f"leave '@{term.setting.label}' out", "label-of-several"))  # fmt: skip

    def _variance(self, draft: DraftEquation, name: str, in_block: bool) -> str | None:
        """The residual variance; that of a latent response is 1, and odds and counts have none."""
        setting = draft.variance if draft.log_variance is None else Setting(1.0)
        if draft.family in ("logit", "negative_binomial"):
            if setting.says_something:
                self.parameters.findings.append(Finding(
                    f"'{draft.name}' has a {FAMILY_WORDS[draft.family]} equation, which has no residual variance",
                    setting.span or draft.span, f"leave '{draft.outcome.variable}@...' out",
                    "no-residual-variance"))  # fmt: skip
            return None
        prior = IN_BLOCK if in_block else VARIANCE[self.prior_family]
        if draft.family in UNIT_VARIANCE:
            if setting.label or setting.fixed not in (None, 1.0):
                self.parameters.findings.append(Finding(
                    f"'{draft.name}' has categories: the residual variance of its latent response is fixed at 1, which "
                    "sets its scale", setting.span or draft.span, f"{draft.name}@1, or nothing",
                    "unit-residual-variance"))  # fmt: skip
            setting = Setting(1.0, span=setting.span)
        kind = ir.ParameterKind.RESIDUAL_VARIANCE
        return self.parameters.add(f"{name} residual variance", kind, prior, setting, draft.span)

    def thresholds(self, variable: str, name: str = "") -> tuple[str, ...]:
        """Thresholds of an ordinal variable with C observed codes: C - 1, the first fixed at 0.

        A missingness indicator, whose variable need not have codes, has one.
        """
        number = max(1, len(self.rows.variables[variable].categories) - 1)
        first = Setting(0.0)
        return tuple(
            self.parameters.add(threshold_name(name or variable, place), ir.ParameterKind.THRESHOLD, ir.FLAT,
                                first if place == 1 else FREE)
            for place in range(1, number + 1)
        )  # fmt: skip

    # ------------------------------------------------------------ blocks and means

    def block(self, draft: DraftBlock, order: int) -> ir.JointBlock:
        """A block of `~~` with its correlations."""
        correlations = {}
        for (first, second), pair in sorted(draft.pairs.items()):
            name = f"{draft.members[first].variable} ~~ {draft.members[second].variable}"
            correlations[first, second] = self.parameters.add(
                name, ir.ParameterKind.CORRELATION, IN_BLOCK, pair.setting, pair.span
            )
        scale, degrees_of_freedom = COVARIANCE[self.prior_family]
        size = len(draft.members)
        return ir.JointBlock(
            draft.members, correlations, (scale,) * size, degrees_of_freedom(size), block=draft.block, order=order,
            level=draft.members[0].level, span=draft.span,
        )  # fmt: skip

    def differences(self, equations: Iterable[ir.Equation], order: int) -> list[ir.JointBlock]:
        """The block of a nominal variable's latent differences: correlations fixed at one half."""
        members = tuple(each.outcome for each in equations)
        if len(members) < 2:
            return []
        correlations = {}
        for first in range(len(members)):
            for second in range(first + 1, len(members)):
                correlations[first, second] = self.parameters.add(
                    f"{members[first].name} ~~ {members[second].name}", ir.ParameterKind.CORRELATION, IN_BLOCK,
                    Setting(DIFFERENCE_CORRELATION),
                )  # fmt: skip
        role = next(iter(equations)).role
        block = ir.JointBlock(members, correlations, (0.0,) * len(members), 0.0, role=role, order=order)
        return [replace(block, level=members[0].level)]

    def means_model(self, column: ir.Column, order: int) -> ir.Equation:
        """The intercept-only model that supplies the mean of a centered outcome: of its scores, whatever its family.

        It only tells the mean of completed values, with its uncertainty, and that is normal for categories too.
        """
        own = mean_name(column.name) if column.form is ir.Form.SCORE else share_name(column.name)
        mean = self.parameters.add(own, ir.ParameterKind.MEAN, COEFFICIENTS["normal"], FREE)
        variance = self.parameters.add(
            f"{own} variance", ir.ParameterKind.RESIDUAL_VARIANCE, PREDICTOR_VARIANCE[self.predictor_family],
            FREE,
        )  # fmt: skip
        return ir.Equation(column, "normal", (ir.Term(INTERCEPT, mean, ONE),), variance, role=ir.Role.MEANS,
                           order=order, level=column.level)  # fmt: skip


def code_columns(variable: ir.Variable, column: ir.Column) -> tuple[ir.Column, ...]:
    """The dummy columns of a variable: one per code but the reference, which is the lowest unless stated."""
    reference = variable.reference if variable.reference is not None else next(iter(variable.categories), None)
    return tuple(
        ir.Column(variable.name, ir.Form.DUMMY, code, level=column.level)
        for code in variable.categories
        if code != reference
    )
