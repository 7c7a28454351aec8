"""Changes of scale that leave most residuals as they are: read off the model, carried out after the parameters.

A Gibbs sampler is slow where a column without known values (a latent variable, a latent response) and what is
estimated with it only change together: y*, its thresholds and its coefficients; a factor, its loadings and its
marker. A move multiplies each of them by a power of one factor g. The powers solve linear equations, one for every
product in a residual; they are found by following these from one column. Where a loading is fixed, as that of a
marker, the residual of its equation changes, and the density says by how much it may. Linear predictors of outcomes
that are not normal keep their size. Where the variance of a column is modelled, the intercept of its logarithm takes
up the change, and where that is fixed the other coefficients do, as far as they can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.ir import Column, Form, Model, Product
from blimp2pymc.sampler.plan.residuals import Structure, depends_on


@dataclass(frozen=True)
class ScaleMove:
    """Columns and parameters that are multiplied by powers of one factor."""

    columns: tuple[tuple[Column, float], ...]
    """Latent variables and latent responses, with their powers."""
    parameters: tuple[tuple[str, float], ...]
    shifts: tuple[tuple[str, float], ...] = ()
    """Intercepts of log variances, to which the logarithm of the factor is added, times this."""
    spread: tuple[str, ...] = ()
    """Coefficients of the log variance of `spread_column`: they change by what fits the change of scale best."""
    spread_column: Column | None = None
    held: tuple[tuple[int, frozenset[tuple[Column, ...]]], ...] = ()
    """Residuals that change, where coefficients are fixed: their place among all, and the columns of these products."""

    @property
    def targets(self) -> frozenset[str]:
        """Names of the parameters that change."""
        return frozenset((*(name for name, _ in (*self.parameters, *self.shifts)), *self.spread))

    @property
    def names(self) -> tuple[str, ...]:
        """Variables whose columns change, and parameters."""
        columns = tuple(column.variable for column, _ in self.columns)
        return (*columns, *(name for name, _ in (*self.parameters, *self.shifts)), *self.spread)

    def __str__(self) -> str:
        names = [f"'{each.variable}'" for each, _ in self.columns]
        listed = " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
        count = len(self.targets)
        return f"the scale of {listed} moves together with {count} parameter{'s' * (count > 1)}"


@dataclass(frozen=True)
class Constraint:
    """Unknowns whose powers add up to the power of the outcome."""

    outcome: Column
    columns: tuple[Column, ...]
    parameters: tuple[str, ...]
    multiple: int = 1
    """2 for a residual variance: its power is twice that of the outcome."""
    place: int = -1
    """Of the residual, where the constraint is that of a product with a fixed coefficient and need not hold."""


def scale_moves(model: Model, form: Structure) -> tuple[ScaleMove, ...]:
    """Find the changes of scale of a model, at most one that begins with each latent variable and response."""
    latent = [Column(name) for name in model.latent]
    seeds = [*latent, *(each.outcome for each in form.responses)]
    computed = {origin for name in form.definitions for origin in depends_on(form, name)}
    free = {name for name, each in model.parameters.items() if each.is_free} - computed
    constraints = list(_constraints(model, form))
    fixed_columns = _immovable(form)
    found: dict[frozenset, ScaleMove] = {}
    for seed in seeds:
        if seed in fixed_columns:
            continue
        followed = _follow(seed, set(seeds) - fixed_columns, free, constraints, may_hold=seed in latent)
        if followed is not None:
            powers, held = followed
            columns = [each for each in seeds if powers.get(each)]
            intercepts = {each: name for each in columns if (name := log_variance_intercept(form, each)) in free}
            move = ScaleMove(
                tuple((each, float(powers[each])) for each in columns),
                tuple((name, float(powers[name])) for name in model.parameters if powers.get(name)),
                tuple((name, 2.0 * float(powers[each])) for each, name in intercepts.items()),
                *_spread(form, [each for each in columns if each not in intercepts], free - powers.keys()),
                held,
            )
            # Where most loadings are fixed the scale is known from these.
            n_changed = sum(len(products) for _, products in held)
            if move.parameters and (not held or sum(power < 0 for _, power in move.parameters) > n_changed):
                found.setdefault(frozenset(powers.items()), move)
    return tuple(found.values())


def _constraints(model: Model, form: Structure) -> Iterator[Constraint]:
    zero = {name for name, each in model.parameters.items() if each.fixed == 0.0}
    fixed = {name for name, each in model.parameters.items() if each.fixed is not None}
    groups = [group for group in form.groups for _ in group.residuals]
    for place, (group, residual) in enumerate(zip(groups, form.residuals, strict=True)):
        is_plain = group.family == "normal" and not (group.is_cut or group.is_weighted or group.powers)
        alone = Counter(product.columns for product in residual.products)
        for product in residual.products:
            if not zero & set(product.parameters):
                is_fixed = not set(product.parameters) - fixed
                may_change = is_plain and is_fixed and alone[product.columns] == 1 and not product.functions
                yield Constraint(
                    residual.working, product.columns, product.parameters, place=place if may_change else -1
                )
        if residual.models_variance:
            continue
        variance = residual.equation.residual_variance
        if variance is not None and model.parameters[variance].fixed is None:
            yield Constraint(residual.outcome, (), (variance,), 2)
        if residual.outcome.form is Form.LATENT_RESPONSE:
            for name in residual.equation.thresholds:
                if name not in zero:
                    yield Constraint(residual.outcome, (), (name,))


def log_variance_intercept(form: Structure, column: Column) -> str:
    """The intercept of a column's log variance, if it has one that occurs nowhere else; otherwise nothing."""
    found = (name for name, product in _log_variance(form, column) if not product.columns and product.constant == -1.0)
    return next(found, "")


def _log_variance(form: Structure, column: Column) -> Iterator[tuple[str, Product]]:
    """Coefficients of a column's log variance that occur once, each with its product."""
    holders = Counter(name for each in form.residuals for product in each.products for name in product.parameters)
    for residual in form.residuals:
        if residual.models_variance and residual.outcome == column:
            for product in residual.products:
                if len(product.parameters) == 1 and not product.functions and holders[product.parameters[0]] == 1:
                    yield product.parameters[0], product


def _spread(form: Structure, columns: list[Column], free: set[str]) -> tuple[tuple[str, ...], Column | None]:
    """Coefficients that take up the change of the one column whose log variance has no intercept to do it."""
    found = {each: names for each in columns
             if (names := tuple(name for name, _ in _log_variance(form, each) if name in free))}  # fmt: skip
    return next(((names, each) for each, names in found.items()), ((), None)) if len(found) == 1 else ((), None)


def _immovable(form: Structure) -> set[Column]:
    """Columns in functions, in Means Models, and outcomes of a block with modelled variances."""
    found: set[Column] = set()
    for group in form.groups:
        if group.is_cut:
            found |= group.columns
        if group.roots:
            found.update(group.outcomes)
        for residual in group.residuals:
            for product in residual.products:
                found |= {column for function in product.functions for column in columns_in(function)}
    return found


def _follow(
    seed: Column, movable: set[Column], free: set[str], constraints: list[Constraint], may_hold: bool
) -> tuple[dict[Column | str, Fraction], tuple[tuple[int, frozenset[tuple[Column, ...]]], ...]] | None:
    """Powers that satisfy the constraints with 1 for the seed, and residuals of those that need not and do not hold.

    None where following them comes to a contradiction.
    """
    powers: dict[Column | str, Fraction] = {seed: Fraction(1)}
    held: list[Constraint] = []
    settled = False
    while not settled:
        settled = True
        for each in constraints:
            total = _excess(each, powers)
            if total == 0 or each in held:
                continue
            settled = False
            open_parameters = [name for name in each.parameters if name in free and name not in powers]
            open_columns = [column for column in each.columns if column in movable and column not in powers]
            if open_parameters:
                powers[open_parameters[0]] = -total / each.parameters.count(open_parameters[0])
            elif each.outcome in movable and each.outcome not in powers:
                powers[each.outcome] = total / each.multiple
            elif open_columns:
                powers[open_columns[0]] = -total / each.columns.count(open_columns[0])
            elif may_hold and each.place >= 0:
                held.append(each)
            else:
                return None
    products: dict[int, frozenset[tuple[Column, ...]]] = {}
    for each in held:
        if _excess(each, powers) != 0:
            products[each.place] = products.get(each.place, frozenset()) | {each.columns}
    return powers, tuple(sorted(products.items()))


def _excess(constraint: Constraint, powers: Mapping[Column | str, Fraction]) -> Fraction:
    """What the powers of a product add up to, less that of the outcome."""
    unknowns: tuple[Column | str, ...] = (*constraint.columns, *constraint.parameters)
    total = sum((powers.get(unknown, Fraction(0)) for unknown in unknowns), Fraction(0))
    return total - constraint.multiple * powers.get(constraint.outcome, Fraction(0))
