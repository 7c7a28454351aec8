"""Tables of what moves as covariances and variances that it implies; `plan.implied_covariances` says what that is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.sampler.plan.implied_covariances import ImpliedEquation
from blimp2pymc.sampler.plan.marginals import Path
from blimp2pymc.sampler.plan.residuals import Structure
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers, ragged


class ImpliedCovariances(NamedTuple):
    """Equations of the recursive system of each path of `Marginals`, each after those of its predictors."""

    start: np.ndarray
    """Equations of each path; (paths + 1,)."""
    equation: np.ndarray
    place: np.ndarray
    """Place of the equation in its group."""
    member: np.ndarray
    """Number of the outcome among the latent variables of the system, in the order of the equations, or -1."""
    changes: np.ndarray
    """Whether its group's covariance changes with the path, told of the first of its equations."""
    predictor_start: np.ndarray
    predictor: np.ndarray
    """Number of each latent predictor."""
    monomial: np.ndarray
    """Monomial that is this predictor."""
    turned_start: np.ndarray
    """Coefficients that move as covariances, of each equation."""
    turned: np.ndarray
    """Place of what each multiplies among the predictors of its equation."""
    position: np.ndarray
    """Place of the coefficient in the path."""
    constant: np.ndarray
    """What multiplies it in the residual."""
    variance: np.ndarray
    """Place in the path of a residual variance that moves as a variance, or -1."""


def implied_table(result: Layout) -> ImpliedCovariances:
    """Equations of all paths, as indices."""
    form = result.plan.structure
    paths = [path for each in result.plan.marginals for path in each.paths]
    first = np.cumsum([0, *(len(group.residuals) for group in form.groups)])
    start, flat = ragged([(path, each) for each in path.implied] for path in paths)
    members = [_members(path) for path, _ in flat]
    predictor_start, predictors = ragged(
        [members[k][each] for each in step.predictors] for k, (_, step) in enumerate(flat)
    )
    turned_start, turned = ragged(
        [
            (step.predictors.index(each.predictor), path.parameters.index(each.coefficient), each.constant)
            for each in step.turned
        ]
        for path, step in flat
    )
    return ImpliedCovariances(
        start=start,
        equation=integers(first[step.group] + step.place for _, step in flat),
        place=integers(step.place for _, step in flat),
        member=integers(members[k].get(step.outcome, -1) for k, (_, step) in enumerate(flat)),
        changes=np.array([_changes(form, path, step) for path, step in flat], np.bool_),
        predictor_start=predictor_start,
        predictor=integers(predictors),
        monomial=integers(result.monomials[(result.columns[each],)] for _, step in flat for each in step.predictors),
        turned_start=turned_start,
        turned=integers(each[0] for each in turned),
        position=integers(each[1] for each in turned),
        constant=np.array([each[2] for each in turned], np.float64),
        variance=integers(path.parameters.index(step.variance) if step.variance else -1 for path, step in flat),
    )


def _changes(form: Structure, path: Path, step: ImpliedEquation) -> bool:
    first = next(each for each in path.implied if each.group == step.group)
    return step is first and bool(set(path.parameters) & set(form.groups[step.group].covariance_parameters))


def _members(path: Path) -> dict[Column, int]:
    """Latent variables that predict something in the system, numbered."""
    predicting = {each for step in path.implied for each in step.predictors}
    return {each: k for k, each in enumerate(step.outcome for step in path.implied if step.outcome in predicting)}
