"""Between our state and a point of the graph.

Our state is natural: parameters by name, missing cells in row order, those of a transformed outcome on the scale
of its equation. PyMC's points hold transformed
values (`y_residual_variance_log__`). The check of the sampler and the PyMC step cross here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, JointBlock, Model
from blimp2pymc.pymc_source.facts import CATEGORICAL, codes_in_order, family_of
from blimp2pymc.pymc_source.names import (
    Names,
    block_order,
    has_free_correlations,
    member_pairs,
    pair_parameter,
    python_names,
)
from blimp2pymc.pymc_source.response_point import ResponsePoint, response_point

if TYPE_CHECKING:
    import pymc as pm

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Crossing:
    """The two-way map of one model and its graph, compiled once."""

    model: Model
    names: Names
    matrices: Mapping[str, JointBlock]
    """Variable that is the Cholesky factor of a correlation matrix -> its block."""
    value_names: Mapping[str, str]
    """Free variable of the graph -> its entry in a point."""
    transformed: tuple[str, ...]
    """Free variables whose values in a point are transformed: arguments of the functions below."""
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    response_point: ResponsePoint

    def value_point(
        self,
        parameters: Mapping[str, float],
        cells: Mapping[str, Array],
        responses: Mapping[Column, Array] | None = None,
    ) -> dict[str, Array]:
        """Point of the graph at a state of ours; see the function `value_point`."""
        natural = self._all_natural(parameters, cells)
        natural |= self.response_point.quantiles(natural, responses)[0]
        changed = self.forward(*(natural[variable] for variable in self.transformed))
        values = natural | dict(zip(self.transformed, changed, strict=True))
        return {name: np.asarray(values[variable]) for variable, name in self.value_names.items()}

    def response_log_density(
        self, parameters: Mapping[str, float], cells: Mapping[str, Array], responses: Mapping[Column, Array]
    ) -> float:
        """Log density of explicit latent responses given their categories and everything else.

        The graph's own log density is that of categories and uniform quantiles; with this added, it is that of
        categories and latent responses: minus infinity where a response is outside its category's limits.
        """
        return self.response_point.quantiles(self._all_natural(parameters, cells), responses)[1]

    def responses(self, point: Mapping[str, Array]) -> dict[Column, Array]:
        """Latent responses that the graph writes explicitly, of all rows, at a point of it."""
        return self.response_point.responses(self._natural_values(point))

    def natural_state(self, point: Mapping[str, Array]) -> tuple[dict[str, float], dict[str, Array]]:
        """State of ours at a point of the graph; see the function `natural_state`."""
        natural = self._natural_values(point)
        found: dict[str, float] = {}
        cells: dict[str, Array] = {}
        variable_of = {drawn: variable for variable, drawn in self.names.drawn.items()}
        for variable, value in natural.items():
            if variable in variable_of:
                name = variable_of[variable]
                codes = np.array(codes_in_order(self.model, name))
                cells[name] = codes[value] if self._is_category(name) else np.asarray(value)
            elif variable in self.response_point.variables:
                continue
            elif variable in self.matrices:
                found.update(_correlations(self.matrices[variable], self.model, np.asarray(value)))
            else:
                for name in self.names.vectors[variable]:
                    index = self.names.parameters[name].index
                    found[name] = float(value if index is None else value[index])
        return self._completed(found), cells

    def _natural_values(self, point: Mapping[str, Array]) -> dict[str, Array]:
        changed = self.backward(*(point[self.value_names[variable]] for variable in self.transformed))
        natural = {variable: point[name] for variable, name in self.value_names.items()}
        return natural | dict(zip(self.transformed, changed, strict=True))

    def _all_natural(self, parameters: Mapping[str, float], cells: Mapping[str, Array]) -> dict[str, Array]:
        """Values of all free variables but the quantiles of latent responses."""
        wanted = self.response_point.conditions
        return {variable: self._natural(variable, parameters, cells) for variable in wanted}

    def _is_category(self, name: str) -> bool:
        return family_of(self.model, name) in CATEGORICAL

    def _natural(self, variable: str, parameters: Mapping[str, float], cells: Mapping[str, Array]) -> Array:
        for name, drawn in self.names.drawn.items():
            if drawn == variable and self._is_category(name):
                codes = codes_in_order(self.model, name)
                return np.array([codes.index(each) for each in cells[name]], int)
            if drawn == variable:
                kind = int if family_of(self.model, name) == "negative_binomial" else float
                return np.asarray(cells[name], kind)
        if variable in self.matrices:
            return _cholesky_factor(self.matrices[variable], self.model, parameters)
        held = self.names.vectors[variable]
        if self.names.parameters[held[0]].index is None:
            return np.asarray(parameters[held[0]], float)
        return np.array([parameters[name] for name in held], float)

    def _completed(self, free: Mapping[str, float]) -> dict[str, float]:
        """All parameters in the model's order: fixed and defined ones added."""
        found = dict(free)
        waiting = {}
        for name, parameter in self.model.parameters.items():
            if parameter.fixed is not None:
                found[name] = parameter.fixed
            elif parameter.definition is not None:
                waiting[name] = parameter.definition
        while waiting:
            for name, definition in list(waiting.items()):
                try:
                    found[name] = float(evaluate(definition, {}, found))
                except KeyError:
                    continue
                del waiting[name]
        return {name: found[name] for name in self.model.parameters if name in found}


def crossing(model: Model, graph: pm.Model, *, interpreted: bool = True) -> Crossing:
    """Make the map between states of a model and points of the graph built from it.

    Parameters
    ----------
    model, graph
        A resolved model and the graph `build` made of it.
    interpreted
        False compiles the transforms: seconds at first, then five times as fast. For thousands of points.
    """
    import pytensor
    from pytensor.compile.mode import Mode

    names = python_names(model)
    naturals: list[Any] = []
    values: list[Any] = []
    forwards: list[Any] = []
    backwards: list[Any] = []
    value_names: dict[str, str] = {}
    transformed: list[str] = []
    for variable in graph.free_RVs:
        value_names[variable.name] = graph.rvs_to_values[variable].name
        transform = graph.rvs_to_transforms[variable]
        if transform is None:
            continue
        transformed.append(variable.name)
        value = graph.rvs_to_values[variable].type()
        natural = variable.type()
        inputs = variable.owner.inputs
        naturals.append(natural)
        values.append(value)
        forwards.append(transform.forward(natural, *inputs))
        backwards.append(transform.backward(value, *inputs))
    mode = Mode(linker="py", optimizer=None) if interpreted else None
    compiled: Any = pytensor.function
    options: Any = {"mode": mode, "on_unused_input": "ignore"}
    return Crossing(
        model=model,
        names=names,
        matrices={
            names.blocks[block.members, "correlation_cholesky"]: block
            for block in model.blocks
            if len(block.members) > 2 and has_free_correlations(block, model)
        },
        value_names=value_names,
        transformed=tuple(transformed),
        forward=compiled(naturals, forwards, **options),
        backward=compiled(values, backwards, **options),
        response_point=response_point(model, graph, names, mode),
    )


def value_point(
    model: Model,
    graph: pm.Model,
    parameters: Mapping[str, float],
    cells: Mapping[str, Array],
    responses: Mapping[Column, Array] | None = None,
) -> dict[str, Array]:
    """The graph's point at a state of ours.

    Parameters
    ----------
    model, graph
        A resolved model and the graph `build` made of it.
    parameters
        Every free parameter by name, on its natural scale; others are ignored.
    cells
        Incomplete variable -> values of its missing cells in row order, codes of variables with categories. Those
        of variables whose missing categories are no variables of the graph are ignored.
    responses
        Column of a latent response -> its values in all rows, for those the graph writes explicitly
        (`Crossing.response_point.columns`). By default the median of each given its category and everything else.

    Returns
    -------
    Entry of `graph.value_vars` -> value, as `log_density` and PyMC's steps take it.

    Notes
    -----
    For many states make one `crossing(model, graph)` and use its method of the same name.
    """
    return crossing(model, graph).value_point(parameters, cells, responses)


def natural_state(
    model: Model, graph: pm.Model, point: Mapping[str, Array]
) -> tuple[dict[str, float], dict[str, Array]]:
    """Parameters (fixed and defined ones included) and missing cells at a point of the graph."""
    return crossing(model, graph).natural_state(point)


def log_density(
    graph: pm.Model, *, without: Collection[str] = (), mode: str | None = None
) -> Callable[[Mapping[str, Array]], float]:
    """Compile the graph's log density on the natural scale, up to a constant.

    Parameters
    ----------
    graph
        A graph made by `build`.
    without
        Variables whose own density is left out; they stay conditions of the others.
    mode
        PyTensor's: the default compiles (seconds, then microseconds a call), `FAST_COMPILE` interprets
        (about a second, then milliseconds a call).

    Notes
    -----
    Without the Jacobians of PyMC's transforms: a difference between two points is the difference of
    the joint log densities at the two states. `LKJCorr(eta=1)` is left out, because it is constant in
    the correlations; PyMC states it for the Cholesky factor instead.
    """
    from pymc.distributions.multivariate import LKJCorrRV
    from pytensor.scalar.basic import autocast_float_as

    variables = [
        each for each in graph.basic_RVs if each.name not in without and not isinstance(each.owner.op, LKJCorrRV)
    ]
    # one output a term: an interpreted sum cannot have more than 32
    with autocast_float_as("float64"):
        terms: Any = graph.logp(vars=[*variables, *graph.potentials], jacobian=False, sum=False)
    compiled: Any = graph.compile_fn(
        [each.sum() for each in terms], inputs=graph.value_vars, on_unused_input="ignore", mode=mode
    )
    return lambda point: float(sum(compiled(point)))


def _cholesky_factor(block: JointBlock, model: Model, parameters: Mapping[str, float]) -> Array:
    members = block_order(block, model)
    matrix = np.eye(len(members))
    for i, j in member_pairs(len(members)):
        name = pair_parameter(block, members[i], members[j])
        assert name is not None
        matrix[i, j] = matrix[j, i] = parameters[name]
    return np.linalg.cholesky(matrix)


def _correlations(block: JointBlock, model: Model, factor: Array) -> dict[str, float]:
    members = block_order(block, model)
    matrix = factor @ factor.T
    found = {}
    for i, j in member_pairs(len(members)):
        name = pair_parameter(block, members[i], members[j])
        assert name is not None
        found[name] = float(matrix[i, j])
    return found
