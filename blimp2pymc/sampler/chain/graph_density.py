"""The log density of some parameters given everything else, with its gradient: from the PyMC graph, as machine code.

The graph is that of the emitted source; PyTensor takes its terms that depend on these parameters and compiles them
with their gradient. Everything else is read from a chain's own parameters and completed columns, on their natural
scales, so that the loop of a chain can call the result between two kernels. Imports PyMC; reached only for a plan
with parameters that NUTS draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from blimp2pymc.joint_model.ir import Column, Form, JointBlock
from blimp2pymc.pymc_source.build import build
from blimp2pymc.pymc_source.facts import CATEGORICAL, codes_in_order, family_of
from blimp2pymc.pymc_source.names import (
    Names,
    block_order,
    has_free_correlations,
    member_pairs,
    pair_parameter,
    python_names,
)
from blimp2pymc.sampler.plan.inverses import cell_columns
from blimp2pymc.sampler.tables.column_values import initial_columns
from blimp2pymc.sampler.tables.layout import Layout


@dataclass(frozen=True, eq=False)
class GraphDensity:
    """A compiled log density with its gradient."""

    function: Callable[..., Any]
    """Values of the parameters, all parameters, completed columns -> log density, gradient."""
    callback: Any
    """The same for compiled code; lives as long as its address is used."""

    @property
    def address(self) -> int:
        """Where `addresses.call_density` finds it."""
        return int(self.callback.address)

    def log_density(self, values: np.ndarray, theta: np.ndarray, columns: np.ndarray) -> float:
        """Log density at values of the parameters, up to a constant."""
        return float(self.function(values, theta, columns)[0])


def graph_density(form: Layout, parameters: Sequence[str]) -> GraphDensity:
    """Compile the log density of some parameters of a model, as a function of them and of a chain's state.

    Parameters
    ----------
    form
        Tables of the model.
    parameters
        Free parameters; the gradient has their order.

    Notes
    -----
    Latent responses are integrated out as in the graph, except where they predict something: there they are given.
    """
    import numba
    import pytensor
    import pytensor.tensor as pt
    from numba import carray, types
    from pymc.pytensorf import compile as compile_graph
    from pymc.pytensorf import rewrite_pregrad
    from pytensor.compile.mode import get_mode

    values, theta, columns = pt.dvector("values"), pt.dvector("theta"), pt.dmatrix("columns")
    total = sum(_terms(form, parameters, values, theta, columns))
    total = rewrite_pregrad(total)
    outputs = [total, pytensor.grad(total, values)]
    # PyMC compiles what is outside a support to minus infinity, where PyTensor alone raises an exception.
    # One of PyTensor's rewrites (3.3.7) takes missing values of the data for those that replace them: NaN.
    mode = get_mode("NUMBA").excluding("fuse_indexed_into_elemwise")
    function: Any = compile_graph(
        [values, theta, columns], outputs, mode=mode, trust_input=True, on_unused_input="ignore"
    )
    assert len(function.maker.fgraph.inputs) == 3, "the graph holds shared data"
    compiled = function.vm.jit_fn
    size, n_theta = len(parameters), len(form.parameters)
    n_columns, n_rows = initial_columns(form).shape
    place = types.CPointer(types.float64)

    @numba.cfunc(types.float64(place, place, place, place))
    def callback(at, gradient, theta, columns):
        try:
            given = carray(theta, (n_theta,)), carray(columns, (n_columns, n_rows))
            found, slope = compiled(carray(at, (size,)), given[0], given[1])
            out = carray(gradient, (size,))
            for i in range(size):
                out[i] = slope[i]
            return found.item()
        except Exception:
            return -np.inf

    return GraphDensity(function, callback)


def _terms(form: Layout, parameters: Sequence[str], values: Any, theta: Any, columns: Any) -> list[Any]:
    """Terms of the graph's log density that depend on the parameters, as functions of the chain's state."""
    import pymc as pm
    from pymc.distributions.multivariate import LKJCorrRV
    from pytensor.graph.replace import graph_replace
    from pytensor.graph.traversal import ancestors
    from pytensor.scalar.basic import autocast_float_as

    graph, names = build(form.model), python_names(form.model)
    state = _State(form, names, parameters, values, theta, columns)
    own = {graph[names.parameters[each].variable] for each in parameters if names.parameters[each].variable
           in graph.named_vars} | {graph[name] for name, block in state.matrices.items()
                                  if set(parameters) & set(block.correlations.values())}  # fmt: skip
    given = {graph[name]: column for name, column in state.responses() if name in graph.named_vars}
    free = [each for each in graph.free_RVs if each not in own]
    with autocast_float_as("float64"):
        terms = [
            pm.logp(each, graph.rvs_to_values[each] if each in graph.observed_RVs else each, warn_rvs=False).sum()
            for each in graph.basic_RVs
            if not isinstance(each.owner.op, LKJCorrRV)
            and (each in own or own & set(ancestors(each.owner.inputs, blockers=[*free, *given])))
        ]
        terms += [each.sum() for each in graph.potentials if own & set(ancestors([each], blockers=[*free, *given]))]
        needed = set(ancestors(terms, blockers=[*graph.free_RVs, *given]))
        known = {each: state.response(column) for each, column in given.items() if each in needed}
        known |= {each: state.value(each.name).astype(each.dtype) for each in graph.free_RVs if each in needed}
        return graph_replace(terms, {each: each.type.filter_variable(at) for each, at in known.items()}, strict=False)


@dataclass(frozen=True, eq=False)
class _State:
    """Free variables of a graph as functions of a chain's parameters and columns."""

    form: Layout
    names: Names
    parameters: Sequence[str]
    values: Any
    theta: Any
    columns: Any

    @property
    def matrices(self) -> Mapping[str, JointBlock]:
        """Variable that is the Cholesky factor of a correlation matrix -> its block."""
        model = self.form.model
        return {
            self.names.blocks[block.members, "correlation_cholesky"]: block
            for block in model.blocks
            if len(block.members) > 2 and has_free_correlations(block, model)
        }

    def parameter(self, name: str) -> Any:
        """A parameter: one of those that the density is a function of, or one of the chain's."""
        if name in self.parameters:
            return self.values[list(self.parameters).index(name)]
        return self.theta[self.form.parameters[name]]

    def value(self, variable: str) -> Any:
        """Natural value of a free variable."""
        import pytensor.tensor as pt

        for name, drawn in self.names.drawn.items():
            if drawn == variable:
                return self._cells(name)
        if variable in self.matrices:
            return self._cholesky_factor(self.matrices[variable])
        held = self.names.vectors[variable]
        if self.names.parameters[held[0]].index is None:
            return self.parameter(held[0])
        return pt.stack([self.parameter(name) for name in held])

    def _cells(self, name: str) -> Any:
        import pytensor.tensor as pt

        model, rows = self.form.model, self.form.incomplete_rows
        found = np.flatnonzero(model.missing(name)[rows])
        cells = self.columns[self.form.columns[cell_columns(model)[name]]][found[np.argsort(rows[found])]]
        if family_of(model, name) not in CATEGORICAL:
            return cells
        codes = np.array(codes_in_order(model, name), float)
        return pt.eq(cells[:, None], codes).argmax(axis=1)

    def _cholesky_factor(self, block: JointBlock) -> Any:
        import pytensor.tensor as pt

        members = block_order(block, self.form.model)
        rows = [[pt.constant(1.0) for _ in members] for _ in members]
        for i, j in member_pairs(len(members)):
            name = pair_parameter(block, members[i], members[j])
            assert name is not None
            rows[i][j] = rows[j][i] = self.parameter(name)
        return pt.linalg.cholesky(pt.stack([pt.stack(row) for row in rows]), lower=True)

    def responses(self) -> list[tuple[str, Column]]:
        """Names in the graph of latent responses, where it writes them."""
        drawn = (each.outcome for each in self.form.plan.structure.latent_responses)
        return [(self.names.columns[each], each) for each in drawn if each in self.names.columns]

    def response(self, column: Column) -> Any:
        """Latent responses of all rows, in the model's order."""
        assert column.form is Form.LATENT_RESPONSE and not len(self.form.complete_rows)
        return self.columns[self.form.columns[column]][np.argsort(self.form.incomplete_rows)]
