"""Which latent variables the model leaves without orientation, and what changes sign with each.

Where no value, bound or prior of the script orients a latent variable, its sign can be changed together with
the signs of some parameters without changing any density. Such reflections are the solutions of linear
equations over the field of two elements, one for every product in a residual.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.ir import Column, Equation, Model, Parameter, ParameterKind, Term
from blimp2pymc.sampler.plan.residuals import Structure, depends_on


@dataclass(frozen=True)
class Reflection:
    """A change of signs that leaves the posterior as it is."""

    anchor: str
    """The parameter that is kept positive: a free loading of the latent variable."""
    parameters: tuple[str, ...]
    """Parameters that change sign, the anchor among them."""
    latent: tuple[Column, ...]
    """Latent variables that change sign."""

    def __str__(self) -> str:
        names = " and ".join(f"'{each.variable}'" for each in self.latent)
        return f"nothing in the model orients {names}, so '{self.anchor}' is kept positive"


def reflections(model: Model, form: Structure) -> tuple[Reflection, ...]:
    """Find the reflections of a model, one per latent variable (or set of them) without orientation.

    Each has a free loading that no other of them changes. It is the first one, in print order, of an
    outcome that only latent variables predict; where there is none, the first of any outcome.
    """
    transformed = {each.name for each in model.equations if each.transform is not None}
    latent = [Column(name) for name in model.latent if name not in transformed]
    free = [each.name for each in model.parameters.values() if _may_change_sign(each)]
    unknown: list[Column | str] = [*latent, *free]
    place = {each: k for k, each in enumerate(unknown)}
    rows = []
    for terms in _constraints(model, form):
        row = np.zeros(len(unknown), np.bool_)
        for each in terms:
            if each in place:
                row[place[each]] ^= True
        rows.append(row)
    generators = [each for each in _null_space(rows, len(unknown)) if each[: len(latent)].any()]
    generators = _independent(generators, range(len(latent)))
    anchors = []
    wanted = [place[name] for name in _loadings(model) if name in place]
    for k, generator in enumerate(generators):
        anchor = next((each for each in wanted if generator[each]), None)
        anchors.append(anchor)
        if anchor is not None:
            for other, vector in enumerate(generators):
                if other != k and vector[anchor]:
                    generators[other] = vector ^ generator
    return tuple(
        Reflection(
            free[anchor - len(latent)],
            tuple(name for name in free if generator[place[name]]),
            tuple(column for column in latent if generator[place[column]]),
        )
        for generator, anchor in zip(generators, anchors, strict=True)
        if anchor is not None
    )


def _may_change_sign(parameter: Parameter) -> bool:
    prior = parameter.prior
    if not parameter.is_free or parameter.kind is ParameterKind.RESIDUAL_VARIANCE or prior.lower != -prior.upper:
        return False
    if prior.distribution == "uniform":
        lower, upper = prior.arguments or (-np.inf, np.inf)
        return lower == -upper
    return prior.distribution in ("flat", "block") or (
        prior.distribution in ("normal", "cauchy") and prior.arguments[0] == 0
    )


def _constraints(model: Model, form: Structure) -> Iterator[Sequence[Column | str]]:
    """Lists of unknowns of which an even number must change sign."""
    for group in form.groups:
        for residual in group.residuals:
            own = residual.outcome
            for product in residual.products:
                yield [own, *product.columns, *product.parameters]
                # A function is left as it is.
                for function in product.functions:
                    yield from ([column] for column in columns_in(function))
                    yield from ([name] for name in parameters_in(function))
        if group.block is not None:
            for (i, j), name in group.block.correlations.items():
                yield [group.outcomes[i], group.outcomes[j], name]
        # What is computed and not written out as products is left as it is, with all it is computed from.
        computed = {*group.parameters, *group.covariance_parameters} & form.definitions.keys()
        yield from ([origin] for name in sorted(computed) for origin in sorted(depends_on(form, name)))


def _loadings(model: Model) -> list[str]:
    """Coefficients of latent variables, those of outcomes that only latent variables predict first."""
    outcomes = [each for each in model.equations if each.name not in model.latent]
    ordered = sorted(outcomes, key=lambda each: (not _is_measurement(model, each), each.order))
    ordered += sorted((each for each in model.equations if each.name in model.latent), key=lambda each: each.order)
    return [term.coefficient for each in ordered for term in each.terms if _is_latent(model, term)]


def _is_measurement(model: Model, equation: Equation) -> bool:
    columns = {column for term in equation.terms for column in columns_in(term.expression)}
    return all(column.variable in model.latent for column in columns)


def _is_latent(model: Model, term: Term) -> bool:
    return isinstance(term.expression, Column) and term.expression.variable in model.latent


def _null_space(rows: Sequence[np.ndarray], size: int) -> list[np.ndarray]:
    """Basis of the solutions of linear equations over the field of two elements."""
    reduced: dict[int, np.ndarray] = {}
    for given in rows:
        row = given.copy()
        for pivot, other in reduced.items():
            if row[pivot]:
                row ^= other
        if not row.any():
            continue
        pivot = int(np.argmax(row))
        reduced = {place: each ^ row if each[pivot] else each for place, each in reduced.items()} | {pivot: row}
    basis = []
    for k in range(size):
        if k not in reduced:
            solution = np.zeros(size, np.bool_)
            solution[k] = True
            for pivot, row in reduced.items():
                solution[pivot] = row[k]
            basis.append(solution)
    return basis


def _independent(vectors: Sequence[np.ndarray], places: range) -> list[np.ndarray]:
    """Combinations of the vectors that are independent, and reduced, in the given places."""
    left = [each.copy() for each in vectors]
    found: list[np.ndarray] = []
    for place in places:
        chosen = next((each for each in left if each[place]), None)
        if chosen is None:
            continue
        left = [each for each in left if each is not chosen]
        for others in (left, found):
            for k, each in enumerate(others):
                if each[place]:
                    others[k] = each ^ chosen
        found.append(chosen)
    return found
