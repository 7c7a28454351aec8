"""Which latent variables are integrated out while parameters are drawn, and which parameters those are.

A latent variable that enters every equation by itself, times a coefficient, has the same conditional precision
in every row. It can be integrated out exactly, together with all others of that kind that meet it in an
equation, and what is left of the density of the parameters needs moment matrices only:

    sum over rows of log N(u; 0, Q^-1),   Q = W - W S (S' W S)^-1 S' W,

u the residuals without these variables, S their coefficients, W the residual precision. Parameters drawn from
that density do not wait for the latent variables to follow; these are drawn right after them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.ir import Column, Model, ParameterKind
from blimp2pymc.sampler.plan.blocking import left_out_groups, missing_patterns, separate
from blimp2pymc.sampler.plan.conditions import ParameterFacts
from blimp2pymc.sampler.plan.implied_covariances import ImpliedEquation, implied_equations
from blimp2pymc.sampler.plan.residuals import Group, Structure

MOST_CLASSES = 32
"""Classes of rows with different equations left out up to which integrating pays: each has a matrix Q of its own."""
MOST_DIRECTIONS = 24
"""Parameters that are moved along directions at most, about five densities each."""
MOST_MATRICES = 64
"""Directions times classes at most, those of scales included."""
FEW_OUTCOMES = 3
"""Outcomes per latent variable up to which everything is moved along directions. More of them measure latent
variables so well that given these, too, what belongs to single outcomes moves freely."""
SHARE = 0.25
"""Share of the sweeps in which paths are followed where other latent variables, which are not integrated out, are drawn
in every sweep: these set the pace of what mixes slowly then."""

ONE_ELLIPSE, ALONG = 8, 0.25
"""Parameters for which one ellipse in a sweep will do; share of the sweeps in which directions are followed beside."""

IDENTITY, LOGARITHM, CORRELATION = range(3)
"""Coordinates in which a parameter moves: itself, log |p| with its sign kept, atanh p."""


@dataclass(frozen=True)
class Follower:
    """A coefficient that changes by a factor times the change of another one.

    Where a latent variable f has the mean a + b x, a change d of its coefficient changes the mean of the outcome by
    d a + d b x, which the outcome's own intercept and coefficient of x take back.
    """

    source: str
    target: str
    factor: str
    """Coefficient in the latent variable's own equation; empty: 1."""
    constant: float


@dataclass(frozen=True)
class Path:
    """Parameters that a slice sampler moves together, in coordinates without bounds."""

    parameters: tuple[str, ...]
    coordinates: tuple[int, ...]
    weights: tuple[float, ...] = ()
    """The direction; empty: as many directions as parameters, learned in burn-in."""
    latent: Column | None = None
    """The latent variable whose scale the direction changes."""
    followers: tuple[Follower, ...] = ()
    """Coefficients that move along, so that means stay where they are."""
    ellipses: int = 0
    """Ellipses around which everything moves in a sweep, as well; none where the direction is given."""
    along: float = 1.0
    """Share of the sweeps in which directions are followed once ellipses are."""
    implied: tuple[ImpliedEquation, ...] = ()
    """Equations whose parameters move as the covariances they imply, after those that tell these."""


@dataclass(frozen=True)
class Marginal:
    """Latent variables or missing cells that are integrated out together, and what is drawn then."""

    latent: tuple[Column, ...]
    groups: tuple[int, ...]
    """Every group they occur in."""
    blocks: tuple[tuple[str, ...], ...]
    """Coefficients that are jointly normal."""
    paths: tuple[Path, ...]
    share: float = 1.0
    """Share of the sweeps in which paths are followed, once their directions are known."""
    cells: tuple[Column, ...] = ()
    """Incomplete variables whose missing cells are integrated out; see `incomplete`."""
    patterns: frozenset[frozenset[Column]] = frozenset()
    """Those of them that are missing, in the rows in which that is done; elsewhere cells are given."""
    multipliers: Mapping[Column, frozenset[Column]] = field(default_factory=dict)
    """Complete variables with few values that multiply them."""

    def integrated(self, form: Structure, missing: frozenset[Column], left_out: Collection[int]) -> frozenset[Column]:
        """Cells that are integrated out in rows with these cells missing and these groups left out."""
        found = missing_cells(form, self.cells, missing, left_out)
        return found if found in self.patterns else frozenset()

    def multiplying(self, cells: Iterable[Column]) -> frozenset[Column]:
        """Variables whose values the density of rows with these cells integrated out depends on."""
        return frozenset().union(*(self.multipliers.get(each, ()) for each in cells))


def marginals(model: Model, form: Structure, facts: Mapping[str, ParameterFacts]) -> tuple[Marginal, ...]:
    """Find what can be drawn with latent variables integrated out.

    Parameters
    ----------
    model
        A resolved model.
    form
        Its residuals.
    facts
        Facts of its free parameters.
    """
    latent = tuple(each for each in additive(model, form) if not is_well_measured(model, form, each))
    n_classes = _n_classes(model, form) if latent else 0
    if not latent or n_classes > MOST_CLASSES:
        return ()
    most = min(MOST_DIRECTIONS, MOST_MATRICES // n_classes)
    found = []
    for columns, groups in components(form, latent):
        inside = [each for each in facts.values() if _is_inside(each, set(groups))]
        multiplying = {name for k in groups for name in _multiplying(form.groups[k], columns)}
        normal = [each.name for each in inside if each.is_normal and not each.shift and each.name not in multiplying]
        blocks = tuple(separate(normal, _conflicts(form, groups)))
        scales = _scales(form, columns, groups, inside)
        scales = scales if len(scales) <= most else []
        paths = (*scales, *_directions(form, columns, groups, inside, multiplying, most - len(scales), normal))
        if blocks or paths:
            share = 1.0 if len(latent) == len(model.latent) else SHARE
            found.append(Marginal(columns, groups, blocks, paths, share))
    return tuple(found)


def additive(model: Model, form: Structure) -> tuple[Column, ...]:
    """Latent variables that enter no product, power or function, and no equation other than normal ones."""
    transformed = {each.name for each in model.equations if each.transform is not None}
    latent = {Column(name) for name in model.latent if name not in transformed}
    for group in form.groups:
        for residual in group.residuals:
            if group.is_cut or group.is_weighted or residual.equation.family != "normal":
                latent -= residual.columns
                continue
            for product in residual.products:
                if len(product.columns) > 1 or product.functions:
                    latent -= set(product.columns)
                    latent -= {column for function in product.functions for column in columns_in(function)}
    return tuple(Column(name) for name in model.latent if Column(name) in latent)


def is_well_measured(model: Model, form: Structure, column: Column) -> bool:
    """Whether parameters move freely given a latent variable: it has many outcomes of its own, with free loadings.

    What the data say about its values leaves little to wait for. Overrelaxed draws of it and of all that depends on
    it, changes of its scale and location included, are then worth more than draws without it, which cost far more.
    Where loadings are fixed, as those of growth factors and random intercepts, its variance has much to wait for.
    """
    fixed = {name for name, each in model.parameters.items() if each.fixed is not None}
    free: list[bool] = []
    for residual in form.residuals:
        holding = [each for each in residual.products if each.columns == (column,)]
        if holding and residual.outcome.variable not in model.latent:
            free.append(all(set(each.parameters) - fixed for each in holding))
    return len(free) > FEW_OUTCOMES and 2 * sum(free) > len(free)


def missing_cells(
    form: Structure, cells: Collection[Column], missing: frozenset[Column], left_out: Collection[int]
) -> frozenset[Column]:
    """Those of some columns that are missing, and no predictions."""
    return frozenset(cells) & missing - {column for k in left_out for column in form.groups[k].outcomes}


def components(form: Structure, latent: Sequence[Column]) -> list[tuple[tuple[Column, ...], tuple[int, ...]]]:
    """Split variables that are integrated out into sets that meet in no equation, with the groups of each."""
    found: list[tuple[set[Column], set[int]]] = []
    for index, group in enumerate(form.groups):
        columns, groups = group.columns & set(latent), {index}
        if not columns:
            continue
        apart = []
        for component in found:
            if component[0] & columns:
                columns, groups = columns | component[0], groups | component[1]
            else:
                apart.append(component)
        found = [*apart, (set(columns), groups)]
    return [(tuple(each for each in latent if each in columns), tuple(sorted(groups))) for columns, groups in found]


def _n_classes(model: Model, form: Structure) -> int:
    return len({left_out_groups(form, missing, True) for missing, rows in missing_patterns(model, form) if len(rows)})


def _conflicts(form: Structure, groups: Iterable[int]) -> set[frozenset]:
    """Pairs of parameters that are multiplied with each other."""
    return {
        frozenset((a, b))
        for k in groups
        for residual in form.groups[k].residuals
        for product in residual.products
        for a in product.parameters
        for b in product.parameters
        if a != b
    }


def _is_inside(facts: ParameterFacts, groups: set[int]) -> bool:
    """Whether a parameter occurs in these groups only, and nothing but them depends on it."""
    used = {*facts.mean_groups, *facts.covariance_groups}
    return bool(used) and used <= groups and not facts.feeds and facts.has_density and not facts.shift


def _multiplying(group: Group, columns: Iterable[Column]) -> set[str]:
    return {
        name
        for residual in group.residuals
        for product in residual.products
        if set(product.columns) & set(columns)
        for name in product.parameters
    }


def _directions(
    form: Structure,
    columns: Sequence[Column],
    groups: Sequence[int],
    inside: Sequence[ParameterFacts],
    multiplying: set[str],
    most: int,
    normal: Sequence[str],
) -> list[Path]:
    """Variances and correlations of the latent variables; with few outcomes also what else is not normal."""
    own = {
        name
        for k in groups
        if set(form.groups[k].outcomes) & set(columns)
        for name in form.groups[k].covariance_parameters
    }
    stages = (
        [each for each in inside if each.name in own],
        [each for each in inside if each.name not in own and each.covariance_groups],
        [each for each in inside if each.name in multiplying],
    )
    n_outcomes = sum(len(form.groups[k].outcomes) for k in groups) - len(columns)
    chosen: dict[str, ParameterFacts] = {}
    for stage in stages if n_outcomes <= FEW_OUTCOMES * len(columns) else stages[:1]:
        more = {each.name: each for each in stage if each.name not in chosen}
        if len(chosen) + len(more) > most:
            break
        chosen |= more
    if not chosen:
        return []
    implied = implied_equations(form, columns, groups, chosen)
    # What changes means comes first: columns of a Cholesky factor leave all before them as they are, so that
    # most directions leave the means alone, which are dear to compute.
    shaping = frozenset().union(*(each.depends for each in implied if each.turned))
    ordered = sorted(chosen.values(), key=lambda each: not each.mean_groups and each.name not in shaping)
    return [
        Path(
            tuple(each.name for each in ordered),
            tuple(coordinate(each) for each in ordered),
            followers=_followers(form, columns, groups, tuple(chosen), normal),
            ellipses=1 + len(ordered) // ONE_ELLIPSE,
            along=ALONG,
            implied=implied,
        )
    ]


def _followers(
    form: Structure, columns: Sequence[Column], groups: Sequence[int], sources: Sequence[str], normal: Sequence[str]
) -> tuple[Follower, ...]:
    """Coefficients among `normal` that take back what a change of `sources` does to means."""
    residuals = [residual for k in groups for residual in form.groups[k].residuals]
    factors = Counter(name for each in residuals for product in each.products for name in product.parameters)
    own = {each.outcome: each for each in residuals if each.outcome in columns}
    found = []
    for residual in residuals:
        alone = {
            each.columns: each
            for each in residual.products
            if len(each.parameters) == 1 and not each.functions
            and each.parameters[0] in normal and factors[each.parameters[0]] == 1
        }  # fmt: skip
        for product in residual.products:
            if product.parameters[:1] not in [(name,) for name in sources] or factors[product.parameters[0]] != 1:
                continue
            if len(product.parameters) != 1 or product.columns[0] not in own or residual.outcome in columns:
                continue
            for term in own[product.columns[0]].products:
                target = alone.get(term.columns)
                is_simple = len(term.parameters) < 2 and not term.functions and not set(term.parameters) & set(sources)
                if target is not None and is_simple:
                    constant = product.constant * term.constant / target.constant
                    found.append(
                        Follower(product.parameters[0], target.parameters[0], "".join(term.parameters), constant)
                    )
    return tuple(found)


def coordinate(facts: ParameterFacts) -> int:
    """The coordinate in which a parameter moves without bounds."""
    if facts.mean_groups:
        return IDENTITY
    return CORRELATION if facts.parameter.kind is ParameterKind.CORRELATION else LOGARITHM


def _scales(
    form: Structure, columns: Sequence[Column], groups: Sequence[int], inside: Sequence[ParameterFacts]
) -> list[Path]:
    """For every latent variable with mostly free loadings, the direction in which it is multiplied by a constant.

    Times g: its loadings are divided by g, the coefficients of its own equation multiplied by g and its residual
    variance by g^2. Any subset of these is a direction, so that what is fixed or shared with others just stays.
    """
    names = {each.name for each in inside}
    paths = []
    for column in columns:
        weights: dict[str, list[float]] = {}
        n_fixed = 0
        for group in (form.groups[k] for k in groups):
            for residual in group.residuals:
                own = residual.equation.outcome == column
                for product in residual.products:
                    n_fixed += not own and product.columns == (column,) and not set(product.parameters) & names
                    for name in product.parameters:
                        if own and product.columns != (column,):
                            weights.setdefault(name, []).append(1.0)
                        elif not own:
                            weights.setdefault(name, []).append(-1.0 if product.columns == (column,) else 0.0)
                if own:
                    weights.setdefault(residual.equation.residual_variance or "", []).append(2.0)
        moved = {name: each[0] for name, each in weights.items() if name in names and len(set(each)) == 1 and each[0]}
        if list(moved.values()).count(-1.0) > n_fixed:
            paths.append(Path(tuple(moved), (LOGARITHM,) * len(moved), tuple(moved.values()), column))
    return paths
