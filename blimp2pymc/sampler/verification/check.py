"""Check of the sampler against the PyMC graph: every conditional, kernel by kernel.

A kernel is right when the log density it draws from changes by as much as the graph's, whatever its
targets and whatever the rest. What a kernel integrates out is taken out of the graph's density by the
conditional it is later drawn from: log p(a) = log p(a, b) - log p(b | a).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.resolve import Data, resolve
from blimp2pymc.sampler.chain.graph_point import cut_parameters
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.plan.inverses import power_names
from blimp2pymc.sampler.plan.rules import Update, plan
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.parameter_tables import KERNEL_CODES
from blimp2pymc.sampler.verification.block_changes import block_changes
from blimp2pymc.sampler.verification.covariance_changes import covariance_changes
from blimp2pymc.sampler.verification.density_changes import CELLS, PARAMETERS
from blimp2pymc.sampler.verification.interweaving_changes import interweaving_changes
from blimp2pymc.sampler.verification.item_changes import item_changes
from blimp2pymc.sampler.verification.marginal_changes import MARGINALS
from blimp2pymc.sampler.verification.move_changes import location_changes, scale_changes
from blimp2pymc.sampler.verification.point import SWEEPS, Changes, Point
from blimp2pymc.sampler.verification.trajectory_changes import trajectory_changes
from blimp2pymc.sampler.verification.transformation_changes import transformation_changes

if TYPE_CHECKING:
    from pathlib import Path

    import pymc as pm

    from blimp2pymc.blimp.tree import Script

TOLERANCE = 1e-6
"""Largest difference of two changes of a log density, relative to their size where that is above one."""


@dataclass(frozen=True)
class Comparison:
    """One update of the sampler and how far its density is from the graph's."""

    kernel: str
    targets: tuple[str, ...]
    compared: int
    """Number of changes of the log density that were compared."""
    difference: float
    """Largest difference, relative to the change where that is above one; infinite where only one is finite."""
    note: str = ""
    """What is integrated out, moves along, or is a cut."""

    @property
    def passed(self) -> bool:
        """Whether something was compared and all of it agreed."""
        return self.compared > 0 and self.difference <= TOLERANCE


@dataclass(frozen=True)
class Verification:
    """Result of `verify`: one row per update, in the order of a sweep."""

    rows: tuple[Comparison, ...]
    states: int
    """Number of states at which every kernel was compared."""
    uncovered: tuple[str, ...] = ()
    """Parameters and incomplete variables of the graph that nothing draws."""

    @property
    def passed(self) -> bool:
        """Whether every row passed and everything is drawn."""
        return not self.uncovered and all(each.passed for each in self.rows)

    def __str__(self) -> str:
        head = ("kernel", "draws", "compared", "difference", "")
        lines = [(each.kernel, _listed(each.targets), str(each.compared), f"{each.difference:.1e}",
                  "agrees" if each.passed else "DIFFERS") for each in self.rows]  # fmt: skip
        widths = [max(len(line[k]) for line in (head, *lines)) for k in range(5)]
        out = []
        for line, note in zip((head, *lines), ("", *(each.note for each in self.rows)), strict=True):
            cells = [line[0].ljust(widths[0]), line[1].ljust(widths[1])]
            cells += [line[2].rjust(widths[2]), line[3].rjust(widths[3]), line[4]]
            out.append("  ".join(cells).rstrip())
            if note:
                out.append(f"{'':{widths[0]}}  ({note})")
        out += [f"nothing draws '{name}'" for name in self.uncovered]
        n_failed = sum(not each.passed for each in self.rows)
        verdict = f"{n_failed} of {len(self.rows)} updates differ from" if n_failed else "all updates agree with"
        out.append(f"{verdict} the PyMC model's log density, at {self.states} random states")
        return "\n".join(out)


def verify(source: str | Path | Script | Model, data: Data = None, *, states: int = 5, seed: int = 0) -> Verification:
    """Compare every conditional the sampler draws from with the log density of the emitted PyMC model.

    Parameters
    ----------
    source
        A resolved model, or a script as `resolve` takes it.
    data
        Data in place of the script's, as in `resolve`.
    states
        Number of states at which to compare: each some sweeps after random starting values, and then
        perturbed. Every update is compared at every state.
    seed
        Seed of states and changes.

    Returns
    -------
    One row per update of the plan; `str` of it is a table.

    Raises
    ------
    BlimpError
        When the model has no sampler, no PyMC source, or no starting values.
    """
    from blimp2pymc.pymc_source.build import build

    model = source if isinstance(source, Model) else resolve(source, data)
    run = ChainRun.make_all(model, plan(model), 1, SWEEPS, 1, seed, 0, False)[0]
    return compare(run, build(model), states=states, seed=seed)


def compare(run: ChainRun, graph: pm.Model, *, states: int = 5, seed: int = 0) -> Verification:
    """Compare the kernels of a chain with the log density of a graph; see `verify`."""
    model, form = run.layout.model, run.layout
    point = Point(run, graph, np.random.default_rng(seed))
    updates = [(each.kernel, each.targets, _note(form, each)) for each in form.plan.updates]
    for name, moves in (("scale", form.plan.scale_moves), ("location", form.plan.location_moves)):
        updates += [(name, each.names, "a move, with its Jacobian") for each in moves]
    updates += [("trajectory", each.names, "a move, on observed values") for each in form.plan.trajectories]
    integrated = "a move, coefficients of what it predicts integrated out"
    updates += [("interweaving", each.names, integrated) for each in form.plan.interweavings]
    updates += [("items", each.names, "a move, places given indicators held") for each in form.plan.item_moves]
    updates += [("whole", each.names, "a proposal, with its Jacobian") for each in form.plan.covariance_moves]
    differences: list[list[float]] = [[] for _ in updates]
    run.compile()
    for _ in range(states):
        point.next_state()
        for found, changes in zip(differences, _changes(point), strict=True):
            for kernel, target in changes:
                point.restore()
                # Both without density: a proposal outside the support, about which the two agree.
                if np.isfinite(kernel) or np.isfinite(target):
                    found.append(
                        abs(kernel - target) / max(1.0, abs(target)) if np.isfinite(kernel - target) else np.inf
                    )
    rows = tuple(
        Comparison(name, targets, len(found), max(found, default=np.inf), note)
        for (name, targets, note), found in zip(updates, differences, strict=True)
    )
    drawn = {name for each in form.plan.updates for name in each.targets}
    free = [name for name, each in model.parameters.items() if each.is_free]
    return Verification(rows, states, tuple(name for name in (*free, *model.unknown) if name not in drawn))


def _changes(point: Point) -> Iterator[Changes]:
    """Changes of a kernel's and of the graph's log density, for every update of the plan and every move."""
    form = point.run.layout
    steps = zip(form.tables.step_kernel, form.tables.step_index, strict=True)
    counts: dict[object, int] = {}
    powers, blocks = power_names(form.model), iter(range(len(point.run.blocks)))
    for update in form.plan.updates:
        if update.kernel == "transformations":
            yield transformation_changes(point, powers.index(update.targets[0]))
        elif update.kernel == "nuts":
            yield block_changes(point, next(blocks))
        elif update.kernel in KERNEL_CODES:
            code, index = next(steps)
            yield PARAMETERS[code](point, int(index))
        elif update.kernel in MARGINALS:
            kind = MARGINALS[update.kernel]
            counts[kind] = counts.get(kind, -1) + 1
            yield kind(point, counts[kind])
        else:
            yield CELLS[update.kernel](point)
    for index in range(len(form.plan.scale_moves)):
        yield scale_changes(point, index)
    for index in range(len(form.plan.location_moves)):
        yield location_changes(point, index)
    for index in range(len(form.plan.trajectories)):
        yield trajectory_changes(point, index)
    for index in range(len(form.plan.interweavings)):
        yield interweaving_changes(point, index)
    for index in range(len(form.plan.item_moves)):
        yield item_changes(point, index)
    for index in range(len(form.plan.covariance_moves)):
        yield covariance_changes(point, index)


def _note(form: Layout, update: Update) -> str:
    notes = []
    if update.kernel in ("cells", "nonlinear"):
        notes += [
            f"imputed as if '{name}' were no function of the column: its Means Model is a cut"
            for name in _informed_cuts(form)
        ]
    if cut_parameters(form.model) & set(update.targets):
        notes.append("Means Model, a cut: compared given the completed column, which it does not inform")
    if update.shifts:
        moved = dict.fromkeys(target for shift in update.shifts for _, target, _ in shift.entries)
        notes.append(f"moves along: {_listed(tuple(moved))}")
    return "; ".join(notes)


def _informed_cuts(form: Layout) -> list[str]:
    """Means of Means Models that other equations inform, as their coefficients cannot move along."""
    moved = {(shift.mean, shift.group) for each in form.plan.updates for shift in each.shifts}
    groups = form.plan.structure.groups
    return [
        name
        for name in form.model.parameters
        if name in cut_parameters(form.model)
        and any(
            name in group.parameters and not group.is_cut and (name, k) not in moved for k, group in enumerate(groups)
        )
    ]


def _listed(names: tuple[str, ...], width: int = 48) -> str:
    text = ", ".join(names)
    return text if len(text) <= width else text[: width - 4] + " ..."
