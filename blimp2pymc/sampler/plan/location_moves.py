"""Changes of location that leave most residuals as they are: read off the model, carried out before the parameters.

A factor and the intercepts of its indicators only change slowly given each other: the mean of the factor's values
is known from its indicators up to their intercepts. A move adds a constant to a latent variable in every row, and
changes the coefficients of the equations it predicts by what leaves their linear predictors as they are: intercepts,
and the slopes of what it is multiplied with. Where an equation has no intercept to change, its residual moves. The
coefficients of the variable's own equation are drawn together with the constant: without an intercept there, they
could change the variable's mean only by as much as its values allow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass

from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.ir import Column, Model, Term
from blimp2pymc.sampler.plan.conditions import ParameterFacts
from blimp2pymc.sampler.plan.marginals import Marginal
from blimp2pymc.sampler.plan.polynomials import INTERCEPT, combination, derivative, polynomial
from blimp2pymc.sampler.plan.residuals import Residual, Structure


@dataclass(frozen=True)
class LocationMove:
    """A latent variable to which a constant is added, and the coefficients that change with it."""

    column: Column
    entries: tuple[tuple[str, str, float], ...]
    """(source coefficient, target coefficient, factor) as in `Shift`: the targets change by -step * factor * source."""
    rates: tuple[tuple[int, float, tuple[tuple[str, float], ...]], ...]
    """Residuals that change, where no intercept can take it up: their place among all of them, and by how much for a
    step of 1: a number less a sum of coefficients, each times a factor."""
    drawn: tuple[str, ...] = ()
    """Coefficients of the latent variable's own equation that are drawn jointly with the constant."""

    @property
    def targets(self) -> frozenset[str]:
        """Names of the parameters that change."""
        return frozenset({*(target for _, target, _ in self.entries), *self.drawn})

    @property
    def names(self) -> tuple[str, ...]:
        """The latent variable and the parameters that change."""
        return (self.column.variable, *self.drawn, *dict.fromkeys(target for _, target, _ in self.entries))

    def __str__(self) -> str:
        count = len(self.targets)
        return f"the location of '{self.column.variable}' moves together with {count} coefficient{'s' * (count > 1)}"


def location_moves(
    model: Model, form: Structure, facts: Mapping[str, ParameterFacts], integrated: tuple[Marginal, ...]
) -> tuple[LocationMove, ...]:
    """Find the changes of location of a model, one for each latent variable that allows one.

    A latent variable that is integrated out while its coefficients are drawn needs none.
    """
    done = {column for each in integrated for column in each.latent}
    transformed = {each.name for each in model.equations if each.transform is not None}
    found = []
    for column in (Column(name) for name in model.latent if name not in transformed):
        move = _move(model, form, facts, column) if column not in done else None
        if move is not None and move.entries:
            found.append(move)
    return tuple(found)


def _move(model: Model, form: Structure, facts: Mapping[str, ParameterFacts], column: Column) -> LocationMove | None:
    entries: list[tuple[str, str, float]] = []
    rates: list[tuple[int, float, tuple[tuple[str, float], ...]]] = []
    groups = [group for group in form.groups for _ in group.residuals]
    for place, (group, residual) in enumerate(zip(groups, form.residuals, strict=True)):
        if column not in residual.columns:
            continue
        own = residual.outcome == column
        absorbed = None if group.is_cut else _absorbed(model, residual, facts, column)
        if absorbed is None:
            return None
        more, rest = absorbed
        entries += more
        if own or rest:
            if group.family != "normal" or residual.models_variance or group.roots:
                return None
            rates.append((place, float(own), rest))
    sources, targets = {source for source, _, _ in entries}, {target for _, target, _ in entries}
    # Where a target is a source as well, what follows it is no linear function of the step.
    behind = {target for source, target, _ in entries if source in targets}
    flat = all(model.parameters[name].prior.distribution == "flat" for name in behind)
    linear = not targets & {name for _, _, rest in rates for name, _ in rest}
    known = all(model.parameters[name].definition is None for name in sources)
    if not (flat and linear and known):
        return None
    elsewhere = sources | targets | {name for _, _, rest in rates for name, _ in rest}
    return LocationMove(column, tuple(entries), tuple(rates), _drawn(form, facts, column, elsewhere))


def _drawn(
    form: Structure, facts: Mapping[str, ParameterFacts], column: Column, elsewhere: Set[str]
) -> tuple[str, ...]:
    """Coefficients of a latent variable's own equation that occur once, by themselves."""
    factors = Counter(name for each in form.residuals for product in each.products for name in product.parameters)
    return tuple(
        product.parameters[0]
        for residual in form.residuals
        if residual.outcome == column and not residual.models_variance
        for product in residual.products
        if len(product.parameters) == 1
        and product.columns != (column,)
        and factors[product.parameters[0]] == 1
        and product.parameters[0] not in elsewhere
        and product.parameters[0] in facts
        and facts[product.parameters[0]].is_normal
        and not facts[product.parameters[0]].shift
    )


def _absorbed(
    model: Model, residual: Residual, facts: Mapping[str, ParameterFacts], column: Column
) -> tuple[list[tuple[str, str, float]], tuple[tuple[str, float], ...]] | None:
    """Coefficients that take up a change of a column, and those that leave a constant; None if impossible."""
    terms = [term for term in residual.stated if model.parameters[term.coefficient].fixed != 0.0]
    expansions = [polynomial(term) for term in terms]
    if any(column in columns_in(function) for each in expansions for *_, inside in each for function in inside):
        return None
    targets = [(term.coefficient, each) for term, each in zip(terms, expansions, strict=True)
               if _is_movable(model, term, facts)]  # fmt: skip
    if residual.outcome == column:
        # The outcome itself changes: its intercept would have to follow whatever the coefficients are.
        targets = [each for each in targets if each[1] != INTERCEPT]
    has_intercept = any(each == INTERCEPT for _, each in targets)
    design = [each for _, each in targets] + ([] if has_intercept else [INTERCEPT])
    entries, rest = [], []
    for term, expansion in zip(terms, expansions, strict=True):
        change = derivative(expansion, column)
        if not change:
            continue
        weights = combination(change, design)
        if weights is None:
            return None
        own = term.coefficient
        entries += [(own, name, weight) for (name, _), weight in zip(targets, weights, strict=False) if weight]
        rest += [(own, weight) for weight in weights[len(targets) :] if weight]
    return (entries, tuple(rest)) if all(source != target for source, target, _ in entries) else None


def _is_movable(model: Model, term: Term, facts: Mapping[str, ParameterFacts]) -> bool:
    """Whether a coefficient is free, linear, without bounds, and occurs in this place only."""
    name = term.coefficient
    each = facts.get(name)
    if each is None or not each.is_normal or len(each.mean_groups) != 1:
        return False
    terms = [other for equation in model.equations for other in (*equation.terms, *equation.variance_terms)]
    return (
        sum(other.coefficient == name for other in terms) == 1
        and not any(name in parameters_in(other.expression) for other in terms)
        and not any(name in parameters_in(other.definition) for other in model.parameters.values() if other.definition)
    )
