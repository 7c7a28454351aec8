"""Python names for everything a model names: parameters, columns, dimensions, helper quantities.

One table for the emitted source, the graph built from it and the ArviZ groups, so that all three
speak of the same things. Names are checked identifiers, whatever a script or a table header holds.
Needs no PyMC.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from blimp2pymc.joint_model.ir import (
    Column,
    Equation,
    Form,
    JointBlock,
    Model,
    Parameter,
    ParameterKind,
    Role,
    Term,
)
from blimp2pymc.pymc_source.facts import equations_of, response_column

MODULES = ("az", "np", "pd", "pm", "pt")
DEFINED = ("inverse_yeo_johnson", "yeo_johnson", "yeo_johnson_logp")
RESERVED = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *MODULES, *DEFINED}) | frozenset(
    {
        "chain", "coords", "data", "draw", "idata", "model", "row", "sample",
        "quadrature_node", "quadrature_weight",
        "observed_values", "is_observed", "observed_patterns", "direct_effect", "total_effect", "residual_covariance",
        "constants", "implied_mean", "implied_covariance", "pattern_of_row", "pattern_pairs", "pattern_covariance",
    }
)  # fmt: skip
"""Names that a script's own names never take."""


@dataclass(frozen=True)
class Place:
    """Where a parameter lives in the graph: a scalar variable, or an element of a vector."""

    variable: str
    index: int | None = None
    coordinate: str = ""
    """Label of the element, as Blimp prints it; empty for a scalar."""

    def __str__(self) -> str:
        return self.variable if self.index is None else f"{self.variable}[{self.index}]"


@dataclass(frozen=True, eq=False)
class Names:
    """Two-way lookup between a model's names and those of its PyMC source."""

    parameters: Mapping[str, Place]
    """Parameter -> its place, for every free or defined parameter; fixed ones are written as numbers."""
    quantities: Mapping[str, str]
    """Derived quantity -> variable."""
    defined: Mapping[str, str]
    """Defined variable of MODEL -> name."""
    columns: Mapping[Column, str]
    """Column -> name of its complete values: the data, or the data joined with the missing cells."""
    missing: Mapping[str, str]
    """Incomplete variable -> variable of its missing cells (`x_missing`); latent variable -> its own name."""
    drawn: Mapping[str, str]
    """The same for the free variables of the graph: missing cells of a transformed outcome are drawn on the scale of
    its equation (`y_transformed_missing`)."""
    locals: Mapping[tuple[Column, str], str]
    """(outcome, suffix) -> name such as `y_predicted`, for the suffixes of `SUFFIXES`."""
    blocks: Mapping[tuple[tuple[Column, ...], str], str]
    """(members of a block, suffix) -> name such as `m1_m2_correlation`, for `BLOCK_SUFFIXES`."""
    dims: Mapping[str, tuple[str, ...]]
    """Variable of the graph -> its dimensions; scalars are not listed."""
    coords: Mapping[str, tuple]
    """Dimension -> labels: printed term names, or 0-based rows of the data file."""
    originals: Mapping[str, str] = field(default_factory=dict)
    """Variable whose name had to change -> the name in the script."""

    @cached_property
    def parameter_at(self) -> Mapping[tuple[str, int | None], str]:
        """(variable, index) -> parameter."""
        return {(place.variable, place.index): name for name, place in self.parameters.items()}

    @cached_property
    def vectors(self) -> Mapping[str, tuple[str, ...]]:
        """Variable -> the parameters it holds, in order; scalars hold one."""
        held: dict[str, list[str]] = {}
        for name, place in self.parameters.items():
            held.setdefault(place.variable, []).append(name)
        return {variable: tuple(sorted(names, key=self._index)) for variable, names in held.items()}

    def _index(self, parameter: str) -> int:
        return self.parameters[parameter].index or 0


SUFFIXES = (
    "data", "is_missing", "missing", "missing_row", "observed", "observed_row", "predicted", "sd",
    "residual", "given_mean", "given_sd", "z", "explained_variance", "total_variance", "term",
    "coefficient", "intercept", "mean", "mean_variance", "residual_variance", "observed_mean", "log_variance",
    "log_variance_intercept", "log_variance_coefficient", "log_variance_term", "threshold", "cut", "cutpoints",
    "dispersion", "expected_score", "latent_variance", "total_effect", "argument", "lambda", "missing_density",
    "constant", "share", "share_variance",
)  # fmt: skip
"""What a name derived from an outcome's may end in."""

VARIABLE_SUFFIXES = (
    "data", "is_missing", "missing", "missing_row", "observed", "observed_row", "observed_mean",
    "category", "category_data", "lowest", "highest", "logit", "utility", "margin", "probability",
    "others", "distance", "difference_quantile", "deviation", "limit", "relative_utility", "choice",
)  # fmt: skip
"""What a name derived from a variable's own may end in."""

RESPONSE_SUFFIXES = ("limits", "lower", "upper", "side", "below", "above", "quantile", "latent_residual")
"""What a name derived from an outcome's, for its latent response, may end in."""

BLOCK_SUFFIXES = (
    "correlation", "correlation_cholesky", "correlation_matrix", "pair", "variances", "scale",
    "inverse_cholesky", "covariance_prior",
)  # fmt: skip
"""What a name derived from the members of a block may end in."""


def identifier(text: str) -> str:
    """The nearest Python identifier: `m.1` becomes `m_1`.

    >>> identifier("m.1"), identifier("2nd"), identifier("lambda"), identifier("pm")
    ('m_1', 'v2nd', 'lambda_', 'pm_')
    """
    name = re.sub(r"[^0-9A-Za-z_]", "_", text) or "v"
    if name[0].isdigit() or name.startswith("__") or not name.strip("_"):
        name = f"v{name}"
    return f"{name}_" if name in RESERVED else name


def python_names(model: Model) -> Names:
    """Give every parameter, column and quantity of a model its name in Python.

    The same model always gets the same names. Names that are identifiers already are served first;
    others take a numbered suffix where two would coincide.
    """
    taken: set[str] = set(RESERVED)
    wanted = [("variable", each) for each in model.variables]
    wanted += [("label", each.label) for each in model.parameters.values() if each.label]
    wanted += [("quantity", each.name) for each in model.quantities if each.name not in model.parameters]
    wanted += [("defined", each) for each in model.defined]
    given: dict[tuple[str, str], str] = {}
    for kind, name in sorted(dict.fromkeys(wanted), key=lambda each: identifier(each[1]) != each[1]):
        given[kind, name] = _free(identifier(name), taken)

    columns = {column: _column_name(column, given, taken) for column in _columns(model)}
    local: dict[tuple[Column, str], str] = {}
    for outcome in dict.fromkeys(each.outcome for each in model.equations):
        stem = columns[outcome]
        for suffix in SUFFIXES:
            local[outcome, suffix] = _free(f"{stem}_{suffix}", taken)
    for column, stem in columns.items():
        is_response = column.form is Form.LATENT_RESPONSE
        for suffix in RESPONSE_SUFFIXES if is_response else VARIABLE_SUFFIXES:
            if (column, suffix) not in local:
                local[column, suffix] = _free(f"{stem.removesuffix('_latent_response')}_{suffix}", taken)

    dims: dict[str, tuple[str, ...]] = {}
    coords: dict[str, tuple] = {"row": tuple(model.frame.source_row.tolist())}
    named = [each for each in model.parameters.values() if each.label and each.fixed is None]
    parameters = {each.name: Place(given["label", each.label]) for each in named}
    places = _Places(parameters, dims, coords)
    for equation in model.equations:
        _place_equation(equation, model, local, places)
    blocks: dict[tuple[tuple[Column, ...], str], str] = {}
    for block in model.blocks:
        names = _block_names(block, model, columns, taken)
        blocks.update({(block.members, suffix): name for suffix, name in names.items()})
        _place_block(block, model, names, places)
    for name, parameter in model.parameters.items():
        if name not in parameters and parameter.fixed is None:
            text = name.replace(" ~~ ", "_") + (" correlation" if " ~~ " in name else "")
            parameters[name] = Place(_free(identifier(text.replace(" ", "_")), taken))

    missing = {}
    for name in model.incomplete:
        column = Column(name, level=model.variables[name].level)
        missing[name] = variable = local[column, "missing"]
        mask = model.missing(name)
        dims[variable] = (local[column, "missing_row"],)
        coords[local[column, "missing_row"]] = tuple(model.frame.source_row[mask].tolist())
        if equations_of(model, name):
            dims[local[column, "observed"]] = (local[column, "observed_row"],)
            coords[local[column, "observed_row"]] = tuple(model.frame.source_row[~mask].tolist())

    for name in model.latent:
        column = Column(name, level=model.variables[name].level)
        missing[name] = columns[column]
        dims[columns[column]] = ("row",)

    quantities = {
        each.name: parameters[each.name].variable if each.name in parameters else given["quantity", each.name]
        for each in model.quantities
    }
    return Names(
        parameters={name: parameters[name] for name in model.parameters if name in parameters},
        quantities=quantities,
        defined={each: given["defined", each] for each in model.defined},
        columns=columns,
        missing=missing,
        drawn=_drawn(model, columns, local, missing, dims),
        locals=local,
        blocks=blocks,
        dims=dims,
        coords=coords,
        originals={new: old for (_, old), new in given.items() if new != old},
    )


def _drawn(
    model: Model,
    columns: Mapping[Column, str],
    local: Mapping[tuple[Column, str], str],
    missing: Mapping[str, str],
    dims: dict[str, tuple[str, ...]],
) -> Mapping[str, str]:
    drawn = dict(missing)
    for equation in model.equations:
        name = equation.name
        if equation.transform is not None and name in missing:
            drawn[name] = columns[equation.scale] if name in model.latent else local[equation.scale, "missing"]
            dims[drawn[name]] = dims[missing[name]]
    return drawn


def block_order(block: JointBlock, model: Model) -> tuple[Column, ...]:
    """Members of a block in the order of their equations, which is the order they are written in."""
    position = {each.outcome: place for place, each in enumerate(model.equations) if each.role is not Role.MEANS}
    return tuple(sorted(block.members, key=position.__getitem__))


def member_pairs(n_members: int) -> tuple[tuple[int, int], ...]:
    """Pairs i < j of a block's members, in the order (0, 1), (0, 2), (1, 2), ...: a lower triangle by rows."""
    return tuple((i, j) for j in range(n_members) for i in range(j))


def pair_parameter(block: JointBlock, left: Column, right: Column) -> str | None:
    """Name of the correlation parameter of two members, or None where it is zero."""
    i, j = sorted((block.members.index(left), block.members.index(right)))
    return block.correlations.get((i, j))


def has_free_correlations(block: JointBlock, model: Model) -> bool:
    """Whether every pair has its own free correlation under the block's prior: then the matrix is LKJ(1)."""
    names = list(block.correlations.values())
    n_pairs = len(block.members) * (len(block.members) - 1) // 2
    return len(set(names)) == n_pairs and all(
        model.parameters[each].is_free
        and model.parameters[each].prior.distribution == "block"
        and model.parameters[each].prior.lower <= -1
        and model.parameters[each].prior.upper >= 1
        for each in names
    )


def slopes(terms: Sequence[Term], model: Model) -> tuple[tuple[str, Parameter], ...]:
    """(term name, parameter) of the slopes a linear predictor keeps in its vector, such as `y_coefficient`.

    Free parameters without a label of the user's, under one kind of prior; others are scalars.
    """
    found: dict[str, tuple[str, Parameter]] = {}
    for term in terms:
        parameter = model.parameters[term.coefficient]
        if parameter.kind in (ParameterKind.INTERCEPT, ParameterKind.MEAN) or parameter.label:
            continue
        if parameter.is_free and np.isinf(parameter.prior.lower) and np.isinf(parameter.prior.upper):
            found.setdefault(parameter.name, (term.name, parameter))
    same = {parameter.prior.distribution for _, parameter in found.values()}
    return tuple(found.values()) if len(same) == 1 else ()


@dataclass(frozen=True)
class _Places:
    """What placing parameters adds to, equation by equation."""

    parameters: dict[str, Place]
    dims: dict[str, tuple[str, ...]]
    coords: dict[str, tuple]


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name)
    return name


def _columns(model: Model) -> Sequence[Column]:
    from blimp2pymc.joint_model.algebra import columns_in

    found = [Column(each.name, level=each.level) for each in model.variables.values()]
    for equation in model.equations:
        found += [equation.outcome, equation.scale]
        if equation.family in ("probit", "multinomial_probit"):
            found.append(response_column(equation.outcome))
        for term in (*equation.terms, *equation.variance_terms):
            found.extend(sorted(columns_in(term.expression)))
    return list(dict.fromkeys(found))


def _column_name(column: Column, given: Mapping[tuple[str, str], str], taken: set[str]) -> str:
    stem = given.get(("variable", column.variable)) or _free(identifier(column.variable), taken)
    if column.form is Form.SCORE and column.lag == 0:
        return stem
    suffix = column.form.value.replace(" ", "_")
    if column.category is not None:
        code = f"{column.category:g}"
        suffix = code if column.form is Form.DUMMY else f"{code}_{suffix}"
    if column.lag:
        suffix = f"lag{column.lag}"
    return _free(identifier(f"{stem}_{suffix}"), taken)


def _place_equation(equation: Equation, model: Model, local: Mapping[tuple[Column, str], str], places: _Places) -> None:
    parameters, dims, coords = places.parameters, places.dims, places.coords
    name: Callable[[str], str] = lambda suffix: local[equation.outcome, suffix]  # noqa: E731
    for terms, prefix in ((equation.terms, ""), (equation.variance_terms, "log_variance_")):
        vector = {parameter.name: (index, term) for index, (term, parameter) in enumerate(slopes(terms, model))}
        for term in terms:
            parameter = model.parameters[term.coefficient]
            if parameter.name in parameters or parameter.fixed is not None:
                continue
            if equation.role is Role.MEANS:
                parameters[parameter.name] = Place(name(_mean_suffix(equation)))
            elif parameter.kind is ParameterKind.MEAN:
                parameters[parameter.name] = Place(name("mean"))
            elif parameter.kind is ParameterKind.INTERCEPT:
                parameters[parameter.name] = Place(name(f"{prefix}intercept"))
            elif parameter.name in vector:
                index, label = vector[parameter.name]
                parameters[parameter.name] = Place(name(f"{prefix}coefficient"), index, label)
        if vector:
            dims[name(f"{prefix}coefficient")] = (name(f"{prefix}term"),)
            coords[name(f"{prefix}term")] = tuple(label for _, label in vector.values())
    free = [each for each in equation.thresholds if model.parameters[each].fixed is None]
    for index, threshold in enumerate(free):
        if threshold not in parameters:
            label = f"Tau {equation.thresholds.index(threshold) + 1}"
            variable, dim = name("threshold"), name("cut")
            parameters[threshold] = Place(variable, index, label)
            dims[variable] = (dim,)
            coords[dim] = (*coords.get(dim, ()), label)
    dispersion = equation.dispersion
    if dispersion is not None and dispersion not in parameters and model.parameters[dispersion].fixed is None:
        parameters[dispersion] = Place(name("dispersion"))
    power = equation.transform.parameter if equation.transform is not None else None
    if power is not None and power not in parameters and model.parameters[power].fixed is None:
        parameters[power] = Place(name("lambda"))
    variance = equation.residual_variance
    if variance is not None and variance not in parameters and model.parameters[variance].fixed is None:
        suffix = f"{_mean_suffix(equation)}_variance" if equation.role is Role.MEANS else "residual_variance"
        parameters[variance] = Place(name(suffix))


def _mean_suffix(equation: Equation) -> str:
    """What the mean of a Means Model is called: of a dummy, whose latent difference has a mean too, it is a share."""
    return "share" if equation.outcome.form is Form.DUMMY else "mean"


def _block_names(block: JointBlock, model: Model, columns: Mapping[Column, str], taken: set[str]) -> Mapping[str, str]:
    members = block_order(block, model)
    stem = "_".join(columns[each] for each in members[:3]) + ("_etc" if len(members) > 3 else "")
    if block.role is Role.PREDICTOR and len(members) > 2:
        stem = "predictor"
    return {suffix: _free(f"{stem}_{suffix}", taken) for suffix in BLOCK_SUFFIXES}


def _place_block(block: JointBlock, model: Model, names: Mapping[str, str], places: _Places) -> None:
    parameters, dims, coords = places.parameters, places.dims, places.coords
    members = block_order(block, model)
    unplaced: dict[str, str] = {}
    for i, j in member_pairs(len(members)):
        name = pair_parameter(block, members[i], members[j])
        if name is None or name in parameters or model.parameters[name].fixed is not None:
            continue
        # One that is computed is a scalar of its own.
        if len(members) == 2 or model.parameters[name].definition is None:
            unplaced.setdefault(name, f"{members[i].variable} ~~ {members[j].variable}")
    variable = names["correlation"]
    if len(members) == 2:
        parameters.update({name: Place(variable) for name in unplaced})
    elif unplaced:
        dims[variable] = (names["pair"],)
        coords[names["pair"]] = tuple(unplaced.values())
        for index, (name, label) in enumerate(unplaced.items()):
            parameters[name] = Place(variable, index, label)
