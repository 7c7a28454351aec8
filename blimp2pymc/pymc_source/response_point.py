"""Between latent responses and the quantiles the source writes them with.

The graph knows a category and a uniform quantile of the response between the category's limits; the sampler knows
the response. Given everything else one is a function of the other, row by row, and their densities differ by a
Jacobian, which is stated here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from blimp2pymc.joint_model.ir import Column, Model
from blimp2pymc.pymc_source.facts import codes_in_order, equations_of, response_column
from blimp2pymc.pymc_source.names import Names

if TYPE_CHECKING:
    import pymc as pm

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ResponsePoint:
    """The quantiles of one graph as functions of latent responses and all other free variables."""

    model: Model
    names: Names
    single: tuple[Column, ...]
    """Outcomes with one latent response: ORDINAL ones, and nominal ones with two codes."""
    nominal: tuple[str, ...]
    """Nominal variables with latent differences."""
    conditions: tuple[str, ...]
    """Free variables of the graph that are no quantiles: first arguments of `compiled`."""
    compiled: Callable[..., list[Array]]
    """Conditions and responses -> lower and upper limit, mean and standard deviation per `single`, utilities per
    `nominal`."""
    evaluated: Callable[..., list[Array]]
    """Conditions and quantiles -> responses, in the order of `columns`."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Latent responses the graph writes explicitly."""
        found = [response_column(each) for each in self.single]
        for name in self.nominal:
            found += [response_column(each.outcome) for each in equations_of(self.model, name)]
        return tuple(found)

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables of the graph that are quantiles."""
        single = [self.names.locals[response_column(each), "quantile"] for each in self.single]
        return (*single, *(self.names.locals[self._own(each), "difference_quantile"] for each in self.nominal))

    def quantiles(
        self, natural: Mapping[str, Array], responses: Mapping[Column, Array] | None
    ) -> tuple[dict[str, Array], float]:
        """Quantiles at some responses, and log density of the responses given their categories and all else.

        Without `responses` all quantiles are 1/2.
        """
        n = self.model.frame.n_rows
        if responses is None:
            shapes = [n] * len(self.single) + [(n, len(codes_in_order(self.model, each)) - 1) for each in self.nominal]
            return {name: np.full(shape, 0.5) for name, shape in zip(self.variables, shapes, strict=True)}, np.nan
        if not self.variables:
            return {}, 0.0
        given = [natural[name] for name in self.conditions]
        found = iter(self.compiled(*given, *(np.asarray(responses[each], float) for each in self.columns)))
        values = [*self._single(found, responses), *self._nominal(found, natural, responses)]
        quantiles = {name: quantile for name, (quantile, _) in zip(self.variables, values, strict=True)}
        return quantiles, float(sum(density for _, density in values))

    def responses(self, natural: Mapping[str, Array]) -> dict[Column, Array]:
        """Latent responses at values of all free variables of the graph, quantiles included."""
        names = (*self.conditions, *self.variables)
        return dict(zip(self.columns, self.evaluated(*(natural[each] for each in names)), strict=True))

    def _single(self, found: Iterator[Array], responses: Mapping[Column, Array]) -> Iterator[tuple[Array, float]]:
        from scipy.special import ndtr

        for outcome in self.single:
            lower, upper, mean, deviation = (np.broadcast_to(next(found), self.model.frame.n_rows) for _ in range(4))
            z = (responses[response_column(outcome)] - mean) / deviation
            side = np.where(lower > 0, -1.0, 1.0)
            below, above, here = ndtr(side * lower), ndtr(side * upper), ndtr(side * z)
            density = -0.5 * np.log(2 * np.pi) - 0.5 * z**2 - np.log(deviation) - np.log(np.abs(above - below))
            inside = ((z > lower) & (z <= upper)).all()
            yield (here - below) / (above - below), float(density.sum()) if inside else -np.inf

    def _nominal(
        self, found: Iterator[Array], natural: Mapping[str, Array], responses: Mapping[Column, Array]
    ) -> Iterator[tuple[Array, float]]:
        from scipy.special import log_ndtr

        for name in self.nominal:
            utility, codes = next(found), codes_in_order(self.model, name)
            n, size = utility.shape
            values, rows = self.model.data[name], np.arange(n)
            places = np.array([codes.index(each) if each in codes else -1 for each in values])
            if (places < 0).any():
                places[places < 0] = natural[self.names.missing[name]]
            relative = np.zeros((n, size))
            for equation in equations_of(self.model, name):
                code = equation.outcome.category
                assert code is not None
                relative[:, codes.index(code)] = responses[response_column(equation.outcome)]
            others = np.array([[j for j in range(size) if j != k] for k in range(size)])[places]
            distance = utility[rows[:, None], others] - utility[rows, places][:, None]
            excess = relative[rows[:, None], others] - relative[rows, places][:, None]
            deviations = excess - distance
            density, quantiles = 0.0, np.empty((n, size - 1))
            for s in range(size - 1):
                center = deviations[:, :s].sum(axis=1) / (s + 1)
                scale = np.sqrt((s + 2) / (2 * (s + 1)))
                limit, z = -(distance[:, s] + center) / scale, (deviations[:, s] - center) / scale
                quantiles[:, s] = np.exp(log_ndtr(z) - log_ndtr(limit))
                own = -0.5 * np.log(2 * np.pi) - 0.5 * z**2 - np.log(scale)
                density += float((own - log_ndtr(limit)).sum())
            yield quantiles, density if (excess < 0).all() else -np.inf

    def _own(self, variable: str) -> Column:
        return Column(variable, level=self.model.variables[variable].level)


def response_point(model: Model, graph: pm.Model, names: Names, mode: Any) -> ResponsePoint:
    """Compile the way between responses and quantiles of a graph made by `build`."""
    import pytensor
    from pytensor.graph.replace import graph_replace

    single, nominal = _written(model, graph, names)
    shell = ResponsePoint(model, names, single, nominal, (), lambda *_: [], lambda *_: [])
    quantiles = set(shell.variables)
    conditions = [each for each in graph.free_RVs if each.name not in quantiles]
    inputs = {each: each.type() for each in conditions}
    written = [graph[names.columns[each]] for each in shell.columns]
    given = {each: each.type() for each in written}
    outputs: list[Any] = []
    for outcome, response in zip(single, written, strict=False):
        column = response_column(outcome)
        found = {each: _named(response, names.locals[column, each]) for each in ("lower", "upper", "latent_residual")}
        # a Deterministic is a view of the expression it was given
        inner, residual = response.owner.inputs[0], found["latent_residual"]
        mean, above = (graph_replace(inner, {residual: fill(residual)}) for fill in _fills())
        outputs += [found["lower"], found["upper"], mean, above - mean]
    for name in nominal:
        first = graph[names.columns[response_column(equations_of(model, name)[0].outcome)]]
        outputs.append(_named(first, names.locals[shell._own(name), "utility"]))
    compiled: Any = pytensor.function
    options: Any = {"mode": mode, "on_unused_input": "ignore"}
    replaced = graph_replace(outputs, {**inputs, **given}, strict=False) if outputs else []
    free = {**inputs, **{graph[each]: graph[each].type() for each in shell.variables}}
    values = graph_replace(written, free, strict=False) if written else []
    return ResponsePoint(
        model, names, single, nominal, tuple(each.name for each in conditions),
        compiled([*inputs.values(), *given.values()], replaced, **options),
        compiled(list(free.values()), values, **options),
    )  # fmt: skip


def _written(model: Model, graph: pm.Model, names: Names) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    single: list[Column] = []
    nominal: dict[str, None] = {}
    for outcome, equation in model.equation_of.items():
        column = response_column(outcome)
        if column not in names.columns or names.columns[column] not in graph.named_vars:
            continue
        if equation.family == "multinomial_probit" and len(equations_of(model, outcome.variable)) > 1:
            nominal[outcome.variable] = None
        else:
            single.append(outcome)
    return tuple(single), tuple(nominal)


def _fills() -> Sequence[Callable[[Any], Any]]:
    import pytensor.tensor as pt

    return (pt.zeros_like, pt.ones_like)


def _named(variable: Any, name: str) -> Any:
    from pytensor.graph.traversal import ancestors

    return next(each for each in ancestors([variable]) if each.name == name)
