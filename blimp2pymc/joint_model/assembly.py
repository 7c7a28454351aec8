"""Drafts -> equations, joint blocks and parameters, in print order and in topological order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blimp2pymc.errors import Finding
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.centering import means_models
from blimp2pymc.joint_model.covariances import DraftBlock, print_order
from blimp2pymc.joint_model.drafts import DraftEquation, Drafts
from blimp2pymc.joint_model.frame import AnalysedRows
from blimp2pymc.joint_model.order import topological
from blimp2pymc.joint_model.outcome_equations import EquationMaker
from blimp2pymc.joint_model.parameters import ParameterList
from blimp2pymc.joint_model.predictor_model import predictor_model
from blimp2pymc.joint_model.predictors import Predictors


@dataclass(frozen=True)
class Assembly:
    """The structure of a model."""

    equations: tuple[ir.Equation, ...]
    """Topological."""
    blocks: tuple[ir.JointBlock, ...]
    parameters: dict[str, ir.Parameter]

    @property
    def families(self) -> dict[str, str]:
        """Variable -> family of its equation; Means Models do not count."""
        return {each.name: each.family for each in self.equations if each.role is not ir.Role.MEANS}


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
    maker = EquationMaker(
        ParameterList(findings), rows, means, tuple(drafts.defined.values()), prior_family, predictor_prior_family
    )
    members = {column for block in draft_blocks for column in block.members}
    ordered: list[DraftEquation | DraftBlock] = sorted([*drafts.equations.values(), *draft_blocks], key=print_order)
    equations: dict[ir.Column, list[ir.Equation]] = {}
    blocks: list[ir.JointBlock] = []
    for order, each in enumerate(ordered):
        if isinstance(each, DraftBlock):
            blocks.append(maker.block(each, order))
            continue
        equations[each.outcome] = maker.equations(each, order, each.outcome in members)
        if each.family == "multinomial_probit":
            blocks += maker.differences(equations[each.outcome], order)
    outcomes = [equation for column in drafts.equations for equation in equations[column]]
    implied, predictor_blocks = predictor_model(maker, predictors, len(ordered))
    start = len(ordered) + len(predictors.modelled) + 1
    cuts = [maker.means_model(column, start + place) for place, column in enumerate(means_models(drafts, means))]
    return Assembly(
        equations=topological([*outcomes, *implied, *cuts], findings),
        blocks=(*blocks, *predictor_blocks),
        parameters=maker.parameters.parameters,
    )
