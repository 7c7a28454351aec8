"""Which coefficients and residual variances move as the covariances and variances that they imply.

Let b be the coefficients of an outcome on latent variables with covariance V, and s its residual variance. Data know
the outcome's covariances with these variables, c = V b, and its variance t = s + b'V b, better than b and s: where V is
nearly singular, b has hardly any scale along its last eigenvector, a funnel in (b, s) given V. In (c, log t) there is
none. V is that of the latent variables given everything else that predicts them, so that in a recursive system of them
the coordinates are elements of their covariance matrix, equation by equation.

Only where V moves along do these coordinates differ from others that are learned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.sampler.plan.conditions import ParameterFacts
from blimp2pymc.sampler.plan.residuals import Group, Residual, Structure


@dataclass(frozen=True)
class Turned:
    """A coefficient that moves as the covariance of the outcome with what it multiplies."""

    predictor: Column
    coefficient: str
    constant: float
    """What multiplies it in the residual."""


@dataclass(frozen=True)
class ImpliedEquation:
    """An equation of a recursive system: of a latent variable, or of an outcome of latent variables."""

    group: int
    place: int
    """Its place in the group."""
    outcome: Column
    predictors: tuple[Column, ...]
    """Latent variables of the system, known by earlier equations."""
    turned: tuple[Turned, ...] = ()
    variance: str | None = None
    """The residual variance that moves as a variance with the predictors' part in it."""
    depends: frozenset[str] = frozenset()
    """Parameters of the path that the predictors' covariance depends on."""


def implied_equations(
    form: Structure, columns: Sequence[Column], groups: Sequence[int], moved: Mapping[str, ParameterFacts]
) -> tuple[ImpliedEquation, ...]:
    """Find the equations whose parameters move as covariances, after those that tell the covariance of predictors.

    Parameters
    ----------
    form
        Residuals of the model.
    columns, groups
        Latent variables that are integrated out, and the groups they occur in.
    moved
        Parameters of a path.
    """
    counts = Counter(name for each in form.residuals for product in each.products for name in product.parameters)
    counts.update(name for group in form.groups for name in group.covariance_parameters)
    known: dict[Column, frozenset[Column]] = {}
    """Latent variables whose covariance is known, each with those that predict it, itself included."""
    found: list[ImpliedEquation] = []
    waiting = list(groups)
    while ready := [k for k in waiting if _is_ready(form.groups[k], columns, known)]:
        for k in ready:
            group = form.groups[k]
            for place, residual in enumerate(group.residuals):
                predictors = tuple(each for each in known if each in residual.columns)
                system = frozenset().union(*(known[each] for each in predictors))
                depends = _shaping(form, groups, system) & set(moved)
                found.append(_equation(residual, k, place, predictors, depends, moved, counts))
            for residual, each in zip(group.residuals, found[-len(group.residuals) :], strict=True):
                if residual.outcome in columns:
                    known[residual.outcome] = frozenset().union(
                        {residual.outcome}, *(known[one] for one in each.predictors)
                    )
        waiting = [k for k in waiting if k not in ready]
    needed: set[Column] = set()
    kept = []
    for each in reversed(found):
        if each.turned or each.outcome in needed:
            kept.append(each)
            needed |= set(each.predictors)
    return tuple(reversed(kept))


def _is_ready(group: Group, columns: Collection[Column], known: Collection[Column]) -> bool:
    """Whether the latent variables that predict these outcomes are known; never so when they are among the outcomes."""
    return all((each.columns & set(columns)) - {each.outcome} <= set(known) for each in group.residuals)


def _shaping(form: Structure, groups: Sequence[int], system: Collection[Column]) -> frozenset[str]:
    """Parameters that the covariance of the variables of a system depends on."""
    found: set[str] = set()
    for group in (form.groups[k] for k in groups):
        own = {place for place, each in enumerate(group.residuals) if each.outcome in system}
        for residual in (group.residuals[place] for place in own):
            found |= {*residual.parameters, residual.equation.residual_variance or ""}
        if group.block is not None:
            found |= {name for pair, name in group.block.correlations.items() if own.issuperset(pair)}
    return frozenset(found)


def _equation(
    residual: Residual,
    group: int,
    place: int,
    predictors: tuple[Column, ...],
    depends: frozenset[str],
    moved: Mapping[str, ParameterFacts],
    counts: Mapping[str, int],
) -> ImpliedEquation:
    turned = _turned(residual, predictors, moved, counts) if depends else ()
    name = residual.equation.residual_variance
    is_variance = name is not None and name in moved and counts[name] == 1 and moved[name].is_own_variance
    return ImpliedEquation(
        group, place, residual.outcome, predictors, turned, name if turned and is_variance else None, depends
    )


def _turned(
    residual: Residual, predictors: Sequence[Column], moved: Mapping[str, ParameterFacts], counts: Mapping[str, int]
) -> tuple[Turned, ...]:
    found: dict[Column, Turned] = {}
    for product in residual.products:
        if len(product.parameters) != 1 or len(product.columns) != 1 or product.columns[0] not in predictors:
            continue
        (name,), (column,) = product.parameters, product.columns
        if name in moved and counts[name] == 1 and moved[name].mean_groups and not moved[name].covariance_groups:
            found.setdefault(column, Turned(column, name, product.constant))
    return tuple(found.values())
