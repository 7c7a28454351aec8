"""Every predictor's regression on all the others, derived from the joint distribution in every draw.

The model states the joint distribution of the predictors without an equation as a sequence: continuous members
jointly, then latent responses of the categorical ones, each given the members before it. With z the members, A the
identity minus the slopes among them and S their residual covariance, the precision given the fixed predictors is
P = A' S^-1 A. A group G of members (one variable; all comparisons of a nominal one) has, given the others O, the
covariance C = P_GG^-1, the slopes -C P_GO, and on a fixed predictor B_G - slopes B_O with B = A^-1 F.

The scale of a latent response is a convention. It is set so that the variance given all others is 1: means and
thresholds of the member are divided by the root of C, slopes by its ratio to the root of the predictor's. The
comparisons of a nominal variable share one scale, as no other leaves the category with the largest comparison the
same; it makes the mean variance of the whitened comparisons 1. Where the nominal variable is the last of the sequence,
as the only one always is, C is 1 on and .5 off the diagonal already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.ir import Column, Equation, JointBlock, Model, Term
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.rows import parameter_values

INTERCEPT = "Intercept"

LATENT = ("probit", "multinomial_probit")
"""Families whose members are latent responses."""

Member = tuple[str, float | None]
"""Variable, and the code of a nominal one's comparison."""


@dataclass(frozen=True, eq=False)
class Regression:
    """The regression of one variable on all other predictors, on the printed scale."""

    equations: tuple[Equation, ...]
    """Of the variable; one per comparison of a nominal one."""
    scale: FloatArray
    """What a latent response of the model is multiplied by, shape (chain, draw)."""
    slopes: Mapping[Column, FloatArray]
    """Predictor, fixed or modelled -> slopes, shape (chain, draw, equation); latent responses by their outcome."""
    covariance: FloatArray
    """Given all others, shape (chain, draw, equation, equation)."""


def regressions(
    model: Model, draws: Draws, equations: Sequence[Equation], blocks: Sequence[JointBlock] = ()
) -> list[Regression]:
    """Derive the regressions of jointly distributed predictors.

    Parameters
    ----------
    equations
        All members of the joint distribution, in any order.
    blocks
        Those that hold correlations of residuals of members.
    """
    place = {_member(each.outcome): k for k, each in enumerate(equations)}
    size, shape = len(equations), (draws.n_chains, draws.n_draws)
    among = np.zeros((*shape, size, size))
    fixed: dict[Column, FloatArray] = {}
    for k, equation in enumerate(equations):
        values = parameter_values(model, draws, dict.fromkeys(term.coefficient for term in equation.terms))
        for term in equation.terms:
            if term.name == INTERCEPT:
                continue
            column = _predictor(term)
            if _member(column) in place:
                among[..., k, place[_member(column)]] = values[term.coefficient]
            else:
                fixed.setdefault(column, np.zeros((*shape, size)))[..., k] = values[term.coefficient]
    arrows = np.eye(size) - among
    precision = np.swapaxes(arrows, -1, -2) @ np.linalg.solve(block_covariance(model, draws, equations, blocks), arrows)
    total = {column: np.linalg.solve(arrows, slope[..., None])[..., 0] for column, slope in fixed.items()}
    groups = _groups(equations)
    covariances = [np.linalg.inv(precision[..., group, :][..., group]) for group in groups]
    scale = np.ones((*shape, size))
    for group, covariance in zip(groups, covariances, strict=True):
        scale[..., group] = _scale(equations[group[0]], covariance)[..., None]
    found = []
    for group, covariance in zip(groups, covariances, strict=True):
        others = [k for k in range(size) if k not in group]
        slopes = -covariance @ precision[..., group, :][..., others]
        own = scale[..., group]
        printed = {equations[k].outcome: slopes[..., j] * own / scale[..., [k]] for j, k in enumerate(others)}
        for column, by_member in total.items():
            through = (slopes @ by_member[..., others, None])[..., 0]
            printed[column] = (by_member[..., group] - through) * own
        found.append(
            Regression(
                tuple(equations[k] for k in group),
                own[..., 0],
                printed,
                _constant_to_last_digits(covariance * (own[..., :, None] * own[..., None, :])),
            )
        )
    return found


def block_covariance(
    model: Model, draws: Draws, equations: Sequence[Equation], blocks: Sequence[JointBlock] = ()
) -> FloatArray:
    """Residual covariance matrix of equations, shape (chain, draw, member, member); zero between different blocks."""
    place = {each.outcome: k for k, each in enumerate(equations)}
    pairs = {
        (place[block.members[i]], place[block.members[j]]): name
        for block in blocks
        for (i, j), name in block.correlations.items()
    }
    variances = [each.residual_variance or "" for each in equations]
    values = parameter_values(model, draws, dict.fromkeys([*filter(None, variances), *pairs.values()]))
    values[""] = np.ones((draws.n_chains, draws.n_draws))
    covariance = np.zeros((draws.n_chains, draws.n_draws, len(equations), len(equations)))
    for k, name in enumerate(variances):
        covariance[..., k, k] = values[name]
    for (i, j), name in pairs.items():
        product = values[name] * np.sqrt(values[variances[i]] * values[variances[j]])
        covariance[..., i, j] = covariance[..., j, i] = product
    return covariance


def comparison_covariance(size: int) -> FloatArray:
    """Covariance of the comparisons of a nominal variable: 1 on and .5 off the diagonal."""
    return 0.5 * (np.eye(size) + 1.0)


def _constant_to_last_digits(values: FloatArray) -> FloatArray:
    """The values, those that equal the first draw's up to rounding replaced by it."""
    return np.where(np.abs(values - values[:1, :1]) <= 1e-12 * np.abs(values[:1, :1]), values[:1, :1], values)


def _member(column: Column) -> Member:
    return column.variable, column.category


def _predictor(term: Term) -> Column:
    columns = columns_in(term.expression)
    assert len(columns) == 1, f"the predictor model has the term {term.name}"
    return next(iter(columns))


def _groups(equations: Sequence[Equation]) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for k, equation in enumerate(equations):
        groups.setdefault(equation.name, []).append(k)
    return list(groups.values())


def _scale(equation: Equation, covariance: FloatArray) -> FloatArray:
    if equation.family not in LATENT:
        return np.ones(covariance.shape[:2])
    size = covariance.shape[-1]
    whitened = np.linalg.solve(comparison_covariance(size), covariance)
    return np.sqrt(size / np.trace(whitened, axis1=-2, axis2=-1))
