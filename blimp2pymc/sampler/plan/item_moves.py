"""Latent variables measured by outcomes that are not normal move with the parameters of their indicators.

Given the values of a latent variable, loadings, intercepts and variances hardly move: the values have been drawn given
these. Where all indicators are normal the variable is integrated out (`marginals`); with categories and counts among
them that has no closed form. But a value is as good as integrated out when what is held is not the value but its place
in a normal approximation of its full conditional, which follows the parameters (papaspiliopoulos, roberts and skoeld
2007, for the limits of such reparametrisations).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.ir import Column, Form, Model
from blimp2pymc.sampler.plan.blocking import PREDICTED_FAMILIES, same_outcome
from blimp2pymc.sampler.plan.conditions import ParameterFacts
from blimp2pymc.sampler.plan.marginals import Marginal
from blimp2pymc.sampler.plan.residuals import Group, Residual, Structure

LINEAR_KERNELS = ("coefficients", "scoring", "bounded")


@dataclass(frozen=True)
class ItemMove:
    """A latent variable that follows the parameters of all that looks at it."""

    column: Column
    coefficients: tuple[str, ...]
    """Parameters that move; all their equations hold the variable."""
    variances: tuple[str, ...]
    """Residual variances that move."""
    normal: tuple[int, ...]
    """Normal groups that hold the variable, its own first."""
    outcomes: tuple[tuple[int, ...], ...]
    """Groups of each outcome that is not normal, all categories included."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """All that move, in the order of the coordinates."""
        return (*self.coefficients, *self.variances)

    @property
    def targets(self) -> frozenset[str]:
        """Names of the parameters that change."""
        return frozenset(self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """The latent variable and the parameters that change."""
        return (self.column.variable, *self.parameters)

    def __str__(self) -> str:
        count = len(self.parameters)
        return f"'{self.column.variable}' moves together with {count} parameters, its place given its indicators held"


def item_moves(
    model: Model,
    form: Structure,
    facts: Mapping[str, ParameterFacts],
    chosen: Mapping[str, str],
    integrated: tuple[Marginal, ...],
) -> tuple[ItemMove, ...]:
    """Find the latent variables of a model with categories or counts among their indicators.

    Parameters
    ----------
    model, form, facts
        The model, its groups, and where its parameters occur.
    chosen
        Kernel of every parameter; only linear coefficients and inverse gamma variances move.
    integrated
        What is integrated out already.
    """
    done = {column for each in integrated for column in each.latent}
    done |= {Column(each.name) for each in model.equations if each.transform is not None}
    latent = (Column(name) for name in model.latent)
    found = (_item_move(form, facts, chosen, column) for column in latent if column not in done)
    return tuple(each for each in found if each is not None)


def _item_move(
    form: Structure, facts: Mapping[str, ParameterFacts], chosen: Mapping[str, str], column: Column
) -> ItemMove | None:
    groups = form.groups
    holders = [k for k, each in enumerate(groups) if column in each.columns]
    if not any(groups[k].family in PREDICTED_FAMILIES for k in holders):
        return None
    own = [k for k in holders if column in groups[k].outcomes]
    if len(own) != 1 or not all(_is_open(groups[k], column) for k in holders):
        return None
    normal = [*own, *(k for k in holders if groups[k].family == "normal" and k not in own)]
    outcomes = dict.fromkeys(
        tuple(j for j, each in enumerate(groups) if j == k or same_outcome(each, groups[k]))
        for k in holders
        if groups[k].family in PREDICTED_FAMILIES
    )
    coefficients = tuple(
        name for name, each in facts.items()
        if chosen.get(name) in LINEAR_KERNELS and not each.shift and each.is_linear and _moves(form, name, column)
    )  # fmt: skip
    variances = tuple(
        name for name, each in facts.items()
        if chosen.get(name) == "variances" and set(each.covariance_groups) <= set(normal)
        and all(_is_held(groups[k].residuals, column) for k in each.covariance_groups)
    )  # fmt: skip
    return ItemMove(column, coefficients, variances, tuple(normal), tuple(outcomes)) if coefficients else None


def _is_open(group: Group, column: Column) -> bool:
    """Whether a group is a linear function of a column, with a density that the move knows."""
    if group.is_cut or group.roots or group.family not in ("normal", *PREDICTED_FAMILIES):
        return False
    if any(column == each.outcome and each.equation.variance_terms for each in group.residuals):
        return False
    products = [product for residual in group.residuals for product in residual.products]
    inside = {each for product in products for function in product.functions for each in columns_in(function)}
    return column not in inside and all(product.columns.count(column) < 2 for product in products)


def _moves(form: Structure, name: str, column: Column) -> bool:
    """Whether all equations with a parameter hold a column.

    Latent responses are given: what they tell of their coefficients leaves no room for these.
    """
    return _is_held([each for each in form.residuals if name in each.parameters], column)


def _is_held(residuals: Iterable[Residual], column: Column) -> bool:
    return all(column in each.columns and each.outcome.form is not Form.LATENT_RESPONSE for each in residuals)
