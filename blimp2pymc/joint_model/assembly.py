"""Drafts -> equations, joint blocks and parameters, in print order and in topological order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush

from blimp2pymc.errors import Finding
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.centering import centered_expression, mean_name, means_models
from blimp2pymc.joint_model.covariances import DraftBlock, print_order
from blimp2pymc.joint_model.drafts import FREE, INTERCEPT, DraftEquation, Drafts, Setting
from blimp2pymc.joint_model.families import COEFFICIENTS, UNIT_VARIANCE, threshold_name
from blimp2pymc.joint_model.frame import AnalysedRows
from blimp2pymc.joint_model.parameters import ParameterList
from blimp2pymc.joint_model.predictors import Predictors, observed_mean
from blimp2pymc.joint_model.priors import (
    COEFFICIENT,
    COVARIANCE,
    IN_BLOCK,
    PREDICTOR_COVARIANCE,
    PREDICTOR_VARIANCE,
    VARIANCE,
)

ONE = ir.Constant(1.0)


@dataclass(frozen=True)
class Assembly:
    """The structure of a model."""

    equations: tuple[ir.Equation, ...]
    """Topological."""
    blocks: tuple[ir.JointBlock, ...]
    parameters: dict[str, ir.Parameter]


def assemble(
    drafts: Drafts,
    draft_blocks: list[DraftBlock],
    *,
    predictors: Predictors,
    means: Mapping[ir.Column, ir.Expression],
    rows: AnalysedRows,
    prior_family: int,
    predictor_prior_family: int,
    findings: list[Finding],
) -> Assembly:
    """Make the equations of a model.

    Parameters
    ----------
    drafts, draft_blocks
        What MODEL says.
    predictors
        Which predictors are conditioned on, and which get the default joint model.
    means
        Centered column -> what is subtracted.
    rows
        The analysed rows; observed means of fixed predictors are taken from them.
    prior_family
        1, 2 or 3 (PRIOR1, PRIOR2, PRIOR3).
    predictor_prior_family
        1, 2 or 3 (XPRIOR1, XPRIOR2, XPRIOR3), for predictors without an equation and Means Models.
    findings
        Label clashes and cycles are added here.
    """
    maker = _Maker(
        ParameterList(findings), means, tuple(drafts.defined.values()), VARIANCE[prior_family], predictor_prior_family,
        rows,
    )  # fmt: skip
    members = {column for block in draft_blocks for column in block.members}
    ordered: list[DraftEquation | DraftBlock] = sorted([*drafts.equations.values(), *draft_blocks], key=_print_place)
    equations: dict[ir.Column, ir.Equation] = {}
    blocks: list[ir.JointBlock] = []
    for order, each in enumerate(ordered):
        if isinstance(each, DraftEquation):
            equations[each.outcome] = maker.equation(each, order, each.outcome in members)
        else:
            blocks.append(maker.block(each, order, prior_family, equations))
    outcomes = [equations[column] for column in drafts.equations]
    implied, predictor_block = maker.predictor_model(predictors, rows, len(ordered))
    start = len(ordered) + len(predictors.modelled) + 1
    cuts = [maker.means_model(column, start + place) for place, column in enumerate(means_models(drafts, means))]
    if predictor_block is not None:
        blocks.append(predictor_block)
    return Assembly(
        equations=topological([*outcomes, *implied, *cuts], findings),
        blocks=tuple(blocks),
        parameters=maker.parameters.parameters,
    )


def _print_place(item: DraftEquation | DraftBlock) -> tuple:
    if isinstance(item, DraftEquation):
        place, *rest = print_order(item)
        return (place, False, *rest)
    return (item.block_place, True, False, item.members[0].variable.casefold(), "")


class _Maker:
    """Makes equations and keeps the list of their parameters."""

    def __init__(
        self,
        parameters: ParameterList,
        means: Mapping[ir.Column, ir.Expression],
        defined: tuple[ir.Expression, ...],
        variance_prior: ir.Prior,
        predictor_family: int,
        rows: AnalysedRows,
    ) -> None:
        self.parameters = parameters
        self.means = means
        self.defined = defined
        self.variance_prior = variance_prior
        self.predictor_family = predictor_family
        self.rows = rows

    def equation(self, draft: DraftEquation, order: int, in_block: bool) -> ir.Equation:
        """An equation of MODEL with its parameters."""
        # `var(y) ~ 1@0` alone: the logarithm of the variance is 0 in every row.
        log_variance = draft.log_variance.all_terms if draft.log_variance is not None else ()
        variance = None
        if not log_variance:
            variance = self.parameters.add(
                f"{draft.name} residual variance", ir.ParameterKind.RESIDUAL_VARIANCE,
                IN_BLOCK if in_block else self.variance_prior, self._variance_setting(draft), draft.span,
            )  # fmt: skip
        terms = self._terms(draft, COEFFICIENTS[draft.family])
        variance_terms = self._terms(draft.log_variance, COEFFICIENT) if draft.log_variance is not None else ()
        thresholds = self._thresholds(draft.outcome.variable) if draft.family == "probit" else ()
        return ir.Equation(
            draft.outcome, draft.family, terms, variance, variance_terms, thresholds, transform=draft.transform,
            block=draft.block, order=order, level=draft.outcome.level, span=draft.span,
        )  # fmt: skip

    def _terms(self, draft: DraftEquation, prior: ir.Prior) -> tuple[ir.Term, ...]:
        """The terms of a linear predictor and their coefficients."""
        terms = []
        for term in draft.all_terms:
            kind = ir.ParameterKind.LOADING if term.is_loading else ir.ParameterKind.SLOPE
            if term.expression == ONE:
                kind = ir.ParameterKind.INTERCEPT
            name = self.parameters.add(f"{draft.name} ~ {term.name}", kind, prior, term.setting, term.span)
            expression = centered_expression(term.expression, self.means, self.defined)
            terms.append(ir.Term(term.name, name, expression, term.span, term.replaces_intercept))
        return tuple(terms)

    def _variance_setting(self, draft: DraftEquation) -> Setting:
        """What `@` says about the residual variance; that of a latent response is 1 by convention."""
        if draft.log_variance is not None:
            return Setting(1.0)
        if draft.family not in UNIT_VARIANCE:
            return draft.variance
        if draft.variance.label or draft.variance.fixed not in (None, 1.0):
            self.parameters.findings.append(Finding(
                f"'{draft.name}' is ORDINAL: the residual variance of its latent response is fixed at 1, which sets "
                "its scale", draft.variance.span or draft.span, f"{draft.name}@1, or nothing",
                "unit-residual-variance"))  # fmt: skip
        return Setting(1.0, span=draft.variance.span)

    def _thresholds(self, variable: str) -> tuple[str, ...]:
        """Thresholds of an ordinal variable with C observed codes: C - 1, the first fixed at 0."""
        number = max(1, len(self.rows.variables[variable].categories) - 1)
        return tuple(
            self.parameters.add(
                threshold_name(variable, place),
                ir.ParameterKind.THRESHOLD,
                ir.FLAT,
                Setting(0.0) if place == 1 else FREE,
            )
            for place in range(1, number + 1)
        )

    def block(
        self, draft: DraftBlock, order: int, prior_family: int, equations: Mapping[ir.Column, ir.Equation]
    ) -> ir.JointBlock:
        """A block of `~~` with its correlations."""
        correlations = {}
        for (first, second), pair in sorted(draft.pairs.items()):
            name = f"{draft.members[first].variable} ~~ {draft.members[second].variable}"
            correlations[first, second] = self.parameters.add(
                name, ir.ParameterKind.CORRELATION, IN_BLOCK, pair.setting, pair.span
            )
        scale, degrees_of_freedom = COVARIANCE[prior_family]
        size = len(draft.members)
        return ir.JointBlock(
            draft.members, correlations, (scale,) * size, degrees_of_freedom(size), block=draft.block, order=order,
            level=draft.members[0].level, span=draft.span,
        )  # fmt: skip

    def predictor_model(
        self, predictors: Predictors, rows: AnalysedRows, order: int
    ) -> tuple[list[ir.Equation], ir.JointBlock | None]:
        """The default joint model of predictors, linear in the fixed ones, which are centered at observed means."""
        names = predictors.modelled
        given = [
            (name, ir.Apply("-", (column, ir.Constant(mean))))
            for fixed in predictors.fixed
            for name, column, mean in _fixed_columns(rows.variables[fixed], rows)
        ]
        prior = PREDICTOR_VARIANCE[self.predictor_family] if len(names) == 1 else IN_BLOCK
        equations = []
        for place, name in enumerate(names):
            mean = self.parameters.add(mean_name(name), ir.ParameterKind.MEAN, COEFFICIENT, FREE)
            terms = [ir.Term(INTERCEPT, mean, ONE)]
            for fixed, expression in given:
                slope = self.parameters.add(f"{name} ~ {fixed}", ir.ParameterKind.SLOPE, COEFFICIENT, FREE)
                terms.append(ir.Term(fixed, slope, expression))
            variance = self.parameters.add(f"{name} residual variance", ir.ParameterKind.RESIDUAL_VARIANCE, prior, FREE)
            outcome = ir.Column(name)
            equation = ir.Equation(outcome, "normal", tuple(terms), variance, role=ir.Role.PREDICTOR)
            equations.append(replace(equation, order=order + place))
        if len(names) < 2:
            return equations, None
        correlations = {}
        for first in range(len(names)):
            for second in range(first + 1, len(names)):
                correlations[first, second] = self.parameters.add(
                    f"{names[first]} ~~ {names[second]}", ir.ParameterKind.CORRELATION, IN_BLOCK, FREE
                )
        scale, degrees_of_freedom = PREDICTOR_COVARIANCE[self.predictor_family]
        block = ir.JointBlock(
            tuple(each.outcome for each in equations), correlations, (scale,) * len(names),
            degrees_of_freedom(len(names)), role=ir.Role.PREDICTOR, order=order + len(names),
        )  # fmt: skip
        return equations, block

    def means_model(self, column: ir.Column, order: int) -> ir.Equation:
        """The intercept-only model that supplies the mean of a centered outcome."""
        name = column.variable
        mean = self.parameters.add(mean_name(name), ir.ParameterKind.MEAN, COEFFICIENT, FREE)
        variance = self.parameters.add(
            f"{name} mean variance", ir.ParameterKind.RESIDUAL_VARIANCE, PREDICTOR_VARIANCE[self.predictor_family],
            FREE,
        )  # fmt: skip
        return ir.Equation(column, "normal", (ir.Term(INTERCEPT, mean, ONE),), variance, role=ir.Role.MEANS,
                           order=order, level=column.level)  # fmt: skip


def _fixed_columns(variable: ir.Variable, rows: AnalysedRows) -> list[tuple[str, ir.Column, float]]:
    """Name, column and observed mean of a fixed predictor, or of each of its dummies."""
    values = rows.data[variable.name]
    if variable.kind is not ir.Kind.NOMINAL:
        return [(variable.name, ir.Column(variable.name), observed_mean(values))]
    return [
        (f"{variable.name}.{code:g}", ir.Column(variable.name, ir.Form.DUMMY, code), observed_mean(values == code))
        for code in variable.categories
        if code != variable.reference
    ]


# ---------------------------------------------------------------- order


def topological(equations: list[ir.Equation], findings: list[Finding]) -> tuple[ir.Equation, ...]:
    """Order equations so that each follows those of its predictors; ties keep the given order.

    A cycle is added to `findings`; its equations then come last, in the given order.
    """
    owners = {each.outcome: place for place, each in enumerate(equations) if each.role is not ir.Role.MEANS}
    means = {each.terms[0].coefficient: place for place, each in enumerate(equations) if each.role is ir.Role.MEANS}
    needs: list[set[int]] = []
    for each in equations:
        if each.role is ir.Role.MEANS:
            needs.append({owners[each.outcome]} if each.outcome in owners else set())
            continue
        wanted: set[int] = set()
        for term in (*each.terms, *each.variance_terms):
            wanted |= {owners[column] for column in map(_score, columns_in(term.expression)) if column in owners}
            wanted |= {means[name] for name in parameters_in(term.expression) if name in means}
        needs.append(wanted)
    waiting = [len(each) for each in needs]
    wanted_by: dict[int, list[int]] = {}
    for place, wanted in enumerate(needs):
        for needed in wanted:
            wanted_by.setdefault(needed, []).append(place)
    ready = [place for place, count in enumerate(waiting) if count == 0]
    heapify(ready)
    ordered: list[int] = []
    while ready:
        place = heappop(ready)
        ordered.append(place)
        for other in wanted_by.get(place, ()):
            waiting[other] -= 1
            if waiting[other] == 0:
                heappush(ready, other)
    left = [place for place in range(len(equations)) if waiting[place] > 0]
    if left:
        _report_cycle(equations, needs, set(left), findings)
    return tuple(equations[place] for place in [*ordered, *left])


def _score(column: ir.Column) -> ir.Column:
    """The column whose equation a reference depends on: `n.2` and `x.latent` depend on n and x, lags on nothing."""
    if column.lag:
        return column
    return replace(column, form=ir.Form.SCORE, category=None)


def _report_cycle(equations: list[ir.Equation], needs: list[set[int]], left: set[int], findings: list[Finding]) -> None:
    place = min(left)
    path: list[int] = []
    while place not in path:
        path.append(place)
        place = min(needs[place] & left)
    cycle = path[path.index(place) :]
    start = cycle.index(min(cycle))
    cycle = cycle[start:] + cycle[:start]
    names = list(dict.fromkeys(equations[each].name for each in cycle))
    span = equations[cycle[0]].span
    if len(names) == 1:
        findings.append(Finding(f"'{names[0]}' predicts itself", span, "", "cycle"))
        return
    arrows = " <- ".join([*names, names[0]])
    findings.append(Finding(f"the equations form a cycle: {arrows}", span,
                            "one of these arrows turned round, or '~~' for a correlation", "cycle"))  # fmt: skip
