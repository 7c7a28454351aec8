"""The compiled sweep as a PyMC step, for `pm.sample(step=...)`, alone or beside PyMC's own steps.

Imports PyMC: the one module of the sampler that does when it is loaded. A step takes everything from the
point it is given and keeps nothing but its generator and the widths of its slice samplers, so that points
may be changed by other steps, and chains may run one after the other or in processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pymc as pm
from pymc.step_methods.arraystep import BlockedStep
from pymc.step_methods.compound import StepMethodState
from pymc.step_methods.state import dataclass_state
from pymc.util import get_random_generator

from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.errors import error
from blimp2pymc.joint_model.ir import Form, Model
from blimp2pymc.pymc_source.point import Crossing, crossing
from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.chain.graph_point import cell_places, point_of
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.plan.cell_updates import CELL_RULES
from blimp2pymc.sampler.plan.inverses import cell_columns
from blimp2pymc.sampler.plan.rules import MARGINAL_RULES, RULES, Plan, plan
from blimp2pymc.sampler.plan.update import Update
from blimp2pymc.sampler.tables.centers import centered
from blimp2pymc.sampler.verification.category_density import set_categories


@dataclass_state
class CompoundGibbsState(StepMethodState):
    """What a chain changes in the step."""

    tune: bool
    generator: np.ndarray
    widths: np.ndarray
    learned: np.ndarray


class CompoundGibbs(BlockedStep):
    """Gibbs sweeps over the parameters and missing values of a model built by `build`.

    Parameters
    ----------
    model
        The resolved model the graph was built from.
    leave
        Parameters to leave to other steps, by the names of script or graph; `left` holds their variables.
        Coefficients that move along with the mean of a centered variable still do. What no kernel draws (`plan` says
        NUTS) is always left.
    sweeps
        Sweeps per draw. Several cost little beside PyMC's own work for a draw.
    graph
        Graph of the model; by default the model whose `with` block this is.

    Examples
    --------
    >>> with build(model) as graph:                                               # doctest: +SKIP
    ...     step = CompoundGibbs(model, leave=["y_residual_variance"], sweeps=5)
    ...     idata = pm.sample(step=[step, pm.NUTS(step.left)], initvals=starting_points(model, graph, chains=4))
    """

    name = "compound_gibbs"
    default_tune_steps = 500
    stats_dtypes_shapes: ClassVar[dict[str, Any]] = {"sweeps": (np.int64, [])}
    _state_class = CompoundGibbsState

    def __new__(cls, model: Model, *, graph: pm.Model | None = None, **options: Any) -> CompoundGibbs:
        """Make one step for all variables; PyMC's steps take the graph as `model`, which is another thing here."""
        return super().__new__(cls, model=pm.modelcontext(graph))

    def __init__(
        self,
        model: Model,
        *,
        leave: Iterable[str] = (),
        sweeps: int = 1,
        graph: pm.Model | None = None,
        rng: Any = None,
    ) -> None:
        if sweeps < 1:
            raise error("the number of sweeps per draw must be at least 1")
        self.graph = pm.modelcontext(graph)
        self.resolved, self.sweeps = model, sweeps
        held = _held(crossing(model, self.graph))
        self._left = _resolve_left(
            model, held, (*([leave] if isinstance(leave, str) else leave), *_undrawn(model, held))
        )
        left = [variable for variable, names in held.items() if set(names) & self._left]
        self.left = [self.graph[variable] for variable in left]
        self.vars = [self.graph.rvs_to_values[each] for each in self.graph.free_RVs if each.name not in left]
        self.rng = get_random_generator(rng)
        self.tune = True
        self._prepare()

    def _prepare(self) -> None:
        self._crossing = crossing(self.resolved, self.graph, interpreted=False)
        whole = plan(self.resolved)
        if self._left:
            _check_responses(whole, self._crossing)
        # Widths and addresses belong to the process: a step that was pickled is prepared anew.
        self._run = ChainRun.make_all(self.resolved, without(whole, self._left), 1, 1, 1, 0, 0, False)[0]
        self._run.start()
        self._first_widths, self._first_learned = self._run.state.widths.copy(), self._run.state.learned.copy()
        tables, _, state, work, _ = self._run.references
        self._compiled = (tables, state, work)
        self._cells = cell_places(self._run)
        self._columns = cell_columns(self.resolved)
        moved = {target for each in whole.updates for shift in each.shifts for _, target, _ in shift.entries}
        written = [variable for variable, names in _held(self._crossing).items() if set(names) - (self._left - moved)]
        written += (*self._crossing.names.drawn.values(), *self._crossing.response_point.variables)
        self._written = [self._crossing.value_names[each] for each in written if each in self._crossing.value_names]

    @property
    def generator(self) -> np.ndarray:
        """State of the random number generator."""
        return self._run.state.generator

    @generator.setter
    def generator(self, value: np.ndarray) -> None:
        """Set it in place: compiled code knows its address."""
        self._run.state.generator[...] = value

    @property
    def widths(self) -> np.ndarray:
        """Adaptive widths of the slice samplers."""
        return self._run.state.widths

    @widths.setter
    def widths(self, value: np.ndarray) -> None:
        """Set them in place."""
        self._run.state.widths[...] = value

    @property
    def learned(self) -> np.ndarray:
        """Directions of the slice samplers."""
        return self._run.state.learned

    @learned.setter
    def learned(self, value: np.ndarray) -> None:
        """Set them in place."""
        self._run.state.learned[...] = value

    def setup_chain(self, rng: Any, tune: int, draws: int) -> None:
        """Begin a chain: its own random numbers, widths as at the start."""
        super().setup_chain(rng, tune, draws)
        self.tune = tune > 0
        self.generator = self.rng.integers(0, 2**64, size=4, dtype=np.uint64)
        self.widths, self.learned = self._first_widths, self._first_learned

    def reset_tuning(self) -> None:
        """Adapt widths again, from the start."""
        self.tune = True
        self.widths, self.learned = self._first_widths, self._first_learned

    def step(self, point: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
        """Carry out the sweeps of one draw."""
        state, form = self._run.state, self._run.layout
        parameters, cells = self._crossing.natural_state(point)
        state.theta[: len(self.resolved.parameters)] = [parameters[name] for name in self.resolved.parameters]
        state.theta[...] = centered(form, state.theta, -1.0)
        for name, rows in self._cells.items():
            if name in cells:
                state.columns[form.columns[self._columns[name]], rows] = cells[name]
        if self._crossing.response_point.variables:
            for column, responses in self._crossing.responses(point).items():
                state.columns[form.columns[column]] = responses[form.incomplete_rows]
        set_categories(self._run)
        state.fault[:] = 0
        if not entries.sweeps(*self._compiled, self.sweeps, self.tune):
            raise self._run.failure("in a step of CompoundGibbs")
        values = point_of(self._run, self._crossing, self._cells)
        return {**point, **{name: values[name] for name in self._written}}, [{"sweeps": self.sweeps}]

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.resolved,), {"graph": self.graph}

    def __getstate__(self) -> dict[str, Any]:
        local = ("_crossing", "_run", "_first_widths", "_first_learned", "_compiled", "_cells", "_columns", "_written")
        return {name: value for name, value in self.__dict__.items() if name not in local} | {
            "adapted": (self.generator.copy(), self.widths.copy(), self.learned.copy())
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        generator, widths, learned = state.pop("adapted")
        self.__dict__.update(state)
        self._prepare()
        self.generator, self.widths, self.learned = generator, widths, learned


def starting_points(model: Model, graph: pm.Model, *, chains: int = 4, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Dispersed starting values, one point per chain, for `pm.sample(initvals=...)`.

    PyMC disperses starting values only where NUTS draws everything; without them all chains would begin at
    the same point, and R-hat would have nothing to tell.
    """
    across = crossing(model, graph)
    points = []
    for run in ChainRun.make_all(model, plan(model), 1, 1, chains, seed, 0, False):
        run.start()
        points.append(point_of(run, across, cell_places(run)))
    return points


def without(whole: Plan, left: frozenset[str]) -> Plan:
    """A plan that leaves parameters as they are."""
    if not left:
        return whole
    updates: list[Update] = []
    reasons = {rule.kernel: rule.reason for rule in RULES}
    for each in whole.updates:
        targets = tuple(name for name in each.targets if name not in left)
        if each.kernel in MARGINAL_RULES or each.kernel == "nuts":
            continue
        if each.kernel in CELL_RULES or targets == each.targets or (each.kernel == "transformations" and targets):
            updates.append(each)
        elif each.kernel == "covariances":
            updates += [Update((name,), "slice", each.equations, reasons["slice"]) for name in targets]
        elif targets:
            shifts = tuple(shift for shift in each.shifts if shift.mean not in left)
            kernel = each.kernel if shifts or each.kernel != "means" else "coefficients"
            updates.append(replace(each, targets=targets, shifts=shifts, kernel=kernel, reason=reasons[kernel]))
    variances = {each.equation.outcome: each.equation.residual_variance for each in whole.structure.residuals}
    drawn_with = {
        outcome: tuple(name for name in names if name not in left)
        for outcome, names in whole.drawn_with_power.items()
        if variances[outcome] not in left
    }
    scales = tuple(each for each in whole.scale_moves if not each.targets & left)
    locations = tuple(each for each in whole.location_moves if not each.targets & left)
    together = tuple(each for each in whole.trajectories if not each.targets & left)
    kept = replace(whole, updates=tuple(updates), marginals=(), drawn_with_power=drawn_with)
    steps = tuple(each.without(left) for each in whole.response_steps)
    wholes = tuple(each for each in whole.covariance_moves if not each.targets & left)
    following = tuple(each for each in whole.interweavings if not each.targets & left)
    items = tuple(each for each in whole.item_moves if not each.targets & left)
    return replace(
        kept,
        scale_moves=scales,
        location_moves=locations,
        trajectories=together,
        response_steps=steps,
        covariance_moves=wholes,
        interweavings=following,
        item_moves=items,
    )


def _held(across: Crossing) -> dict[str, Sequence[str]]:
    """Variable of the graph -> parameters in it; those of missing cells are left out."""
    held: dict[str, Sequence[str]] = {}
    for variable in across.value_names:
        if variable in across.matrices:
            held[variable] = tuple(across.matrices[variable].correlations.values())
        elif variable not in (*across.names.drawn.values(), *across.response_point.variables):
            held[variable] = across.names.vectors[variable]
    return held


def _undrawn(model: Model, held: Mapping[str, Sequence[str]]) -> list[str]:
    """Variables of the graph with parameters that have no kernel."""
    alone = plan(model).nuts
    return [variable for variable, names in held.items() if alone & set(names)]


def _check_responses(whole: Plan, across: Crossing) -> None:
    """Refuse other steps beside responses that no single draw renews: they would be those of other parameters.

    Responses are redrawn one variable at a time, which is an exact draw of them where they are independent.
    """
    explicit = across.response_point.columns
    for group in whole.structure.groups:
        responses = [each for each in group.outcomes if each.form is Form.LATENT_RESPONSE and each not in explicit]
        if responses and (len(group.outcomes) > 1 or responses[0].category is not None):
            raise error(
                f"the graph leaves out the latent responses of '{responses[0].variable}', so that other steps cannot "
                "draw parameters beside them",
                hint="build(model, augmented=True)",
                code="implicit-responses",
            )


def _resolve_left(model: Model, held: Mapping[str, Sequence[str]], leave: Iterable[str]) -> frozenset[str]:
    left: set[str] = set()
    free = [name for name, each in model.parameters.items() if each.is_free]
    for name in leave:
        if name in held:
            left.update(held[name])
        elif name in free:
            left.add(name)
        else:
            hint = nearest(name, [*held, *free])
            raise error(f"'{name}' is no parameter that can be left to another step", hint=hint, code="undeclared-name")
    for variable, names in held.items():
        missing = [name for name in names if name in free and name not in left]
        if missing and left & set(names):
            raise error(
                f"'{variable}' is one variable of the graph: leave all of it or nothing",
                hint=", ".join(missing),
                code="part-of-a-variable",
            )
    if left == set(free):
        raise error("there are no parameters left to draw", code="nothing-to-draw")
    return frozenset(left)
