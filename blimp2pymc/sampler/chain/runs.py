"""One chain's run, and the draws of all chains put together.

Reached only when sampling begins.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.errors import BlimpError, Finding
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.ir import Column, Form, Model
from blimp2pymc.sampler.chain import sweep
from blimp2pymc.sampler.chain.faults import FAULTS
from blimp2pymc.sampler.chain.nuts_runs import compile_densities, new_blocks
from blimp2pymc.sampler.chain.start import column_data, new_state, new_work, outcome_groups, set_directions, set_start
from blimp2pymc.sampler.compilation.references import Reference
from blimp2pymc.sampler.draws import ColumnSummary, Draws, Imputations, LogLikelihood, StatisticKind, cell_name
from blimp2pymc.sampler.kernels.trajectories import ACCEPTED, PROPOSED
from blimp2pymc.sampler.numerics.generator import generator_states
from blimp2pymc.sampler.plan.rules import Plan
from blimp2pymc.sampler.tables.assembly import lay_out
from blimp2pymc.sampler.tables.column_values import initial_columns
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.parameter_tables import KERNEL_CODES
from blimp2pymc.sampler.tables.ragged import integers
from blimp2pymc.sampler.tables.recorded import quantile_keys, recorded_statistics

if TYPE_CHECKING:
    from blimp2pymc.sampler.chain.graph_density import GraphDensity

KEPT_BURN_IN = 2000
"""Burn-in draws kept per chain at most."""
LOG_LIKELIHOOD_DRAWS = (200, 1000)
"""Draws of a chain in the log-likelihood: fewer the more rows there are."""
QUANTILE_DRAWS, SUMMARY_DRAWS = 1000, 250
"""Draws of a chain in recorded quantiles and in column summaries at most; in between, quantiles repeat the last."""
START_TRIES = 20
EARLY = 50
"""Iterations in which a chain whose covariances degenerate begins again from other starting values."""


class ChainRun:
    """A chain: its tables, its state, and what it has recorded."""

    def __init__(
        self,
        form: Layout,
        data: Reference,
        record: Reference,
        generator: np.ndarray,
        seed: np.random.SeedSequence,
        densities: Sequence[GraphDensity] = (),
    ):
        self.layout = form
        self.data = data
        self.record = record
        self.state = new_state(form, generator)
        self.work = new_work(form)
        self.references = (form.tables, data, self.state, self.work, record)
        """What the compiled loop takes."""
        self.densities = densities
        self.blocks = new_blocks(form, self.state, densities)
        """What NUTS draws: kept here because the loop knows only the address."""
        self.random = np.random.default_rng(seed)
        self.restarts = 0

    @staticmethod
    def make_all(
        model: Model,
        plan: Plan,
        draws: int,
        burn: int,
        chains: int,
        seed: int,
        n_imputations: int,
        log_likelihood: bool,
        form: Layout | None = None,
    ) -> list[ChainRun]:
        """Make the chains of a run; they share the tables, those of `form` if given, and the complete rows."""
        form = form or lay_out(model, plan)
        data = column_data(form)
        states = generator_states(seed, chains)
        seeds = np.random.SeedSequence(seed).spawn(chains)
        densities = compile_densities(form)
        return [
            ChainRun(
                form,
                data,
                _new_record(
                    form, data, draws, burn, _snapshot_draws(model, draws, chains, n_imputations, k), log_likelihood
                ),
                states[k],
                seeds[k],
                densities,
            )
            for k in range(chains)
        ]

    @property
    def iterations(self) -> int:
        """Iterations of the whole run, burn-in included."""
        return int(self.record.counts[0]) + len(self.record.parameters)

    @property
    def done(self) -> int:
        """Iterations carried out."""
        return int(self.record.counts[4])

    @property
    def kept(self) -> int:
        """Draws kept."""
        return max(0, self.done - int(self.record.counts[0]))

    def compile(self) -> None:
        """Load or compile the loop."""
        sweep.run(*self.references, 0)

    def start(self) -> None:
        """Set starting values.

        Raises
        ------
        BlimpError
            When none were found.
        """
        for _ in range(START_TRIES):
            set_start(self.layout, self.state, self.random)
            set_directions(self.layout.tables, self.state)
            for block in self.blocks:
                block.step[:] = 0.0
            self.state.fault[:] = 0
            if sweep.run(*self.references, -1) == 0:
                return
        raise self.failure("at the start")

    def prepare(self) -> bool:
        """Compute coefficients, covariances and moments from the state's parameters and columns.

        For callers that set a state themselves, such as a comparison of kernels with a density. False when
        a covariance is not positive definite.
        """
        return sweep.run(*self.references, -2) == 0

    def completed(self) -> dict[str, np.ndarray]:
        """Current values of all data, latent variables and latent responses (`y.latent`), in the model's row order."""
        completed = {}
        for column in self.layout.shown:
            index = self.layout.columns[column]
            known = self.layout.model.data.get(column.variable) if column.form is Form.SCORE else None
            values = np.zeros(self.layout.model.frame.n_rows) if known is None else known.astype(float)
            values[self.layout.incomplete_rows] = self.state.columns[index]
            completed[cell_name(column)] = values
        return completed

    def advance(self, iterations: int) -> None:
        """Carry out iterations.

        Raises
        ------
        BlimpError
            When a draw cannot be made.
        """
        end = self.done + iterations
        while True:
            left = end - self.done
            if sweep.run(*self.references, left) == left:
                return
            degenerate = self.state.fault[0] in (sweep.COVARIANCES, sweep.MARGINALS)
            if not degenerate or self.kept or self.done >= EARLY or self.restarts == START_TRIES:
                raise self.failure(f"in iteration {self.done + 1}")
            # Far from the posterior a correlation may come too close to one: begin elsewhere.
            self.restarts += 1
            self.start()

    def failure(self, when: str) -> BlimpError:
        """The error for the fault noted in the state."""
        code, place = (int(each) for each in self.state.fault)
        text, hint = FAULTS[code]
        span = None
        if code in (sweep.NOT_FINITE, sweep.TRANSFORMATIONS):
            names: Sequence[str] = (list(self.layout.parameters)[place],)
        elif code == sweep.CELLS:
            names = (list(self.layout.columns)[place].variable,)
        elif code == sweep.MARGINALS:
            marginal = self.layout.plan.marginals[place]
            names = [column.variable for column in (*marginal.latent, *marginal.cells)]
        elif code == sweep.START:
            names = ()
        elif code == sweep.BLOCKS:
            names = [each for each in self.layout.plan.updates if each.kernel == "nuts"][place].targets
        else:
            steps = [each for each in self.layout.plan.updates if each.kernel in KERNEL_CODES]
            names = steps[place].targets
            by_outcome = {each.name: each for each in self.layout.model.equations}
            span = by_outcome[steps[place].equations[0]].span
            latent = _latent_predictors(self.layout.model, names)
            if latent and code == sweep.COEFFICIENTS:
                hint = f"look for a variance near 0 or a correlation near 1 of {', '.join(map(repr, latent))}: "
                hint += "flat priors do not keep them away from there; OPTIONS: prior1; or priors in PARAMETERS do"
        listed = ", ".join(f"'{name}'" for name in names)
        return BlimpError(Finding(f"sampling stopped {when}: " + text.format(names=listed), span, hint, "sampling"))


def _latent_predictors(model: Model, coefficients: Collection[str]) -> list[str]:
    """Latent variables that coefficients belong to."""
    terms = [term for each in model.equations for term in each.terms if term.coefficient in coefficients]
    found = {column.variable for term in terms for column in columns_in(term.expression)}
    return [name for name in model.latent if name in found]


def _snapshot_draws(model: Model, draws: int, chains: int, wanted: int, chain: int) -> np.ndarray:
    count = min(draws, wanted // chains + (chain < wanted % chains))
    thin = model.settings.thin
    if thin and count * thin <= draws:
        return integers((k + 1) * thin - 1 for k in range(count))
    return integers((k + 1) * draws // count - 1 for k in range(count))


def _new_record(
    form: Layout, data: Reference, draws: int, burn: int, snapshot_draws: np.ndarray, log_likelihood: bool
) -> Reference:
    n_parameters = len(form.model.parameters)
    n_rows = form.model.frame.n_rows
    n_cells = int(data.cell_start[-1])
    burn_thin = max(1, -(-burn // KEPT_BURN_IN))
    fewest, most = LOG_LIKELIHOOD_DRAWS
    log_draws = int(np.clip(2e7 / n_rows, fewest, most))
    keys = quantile_keys(form)
    thin = [max(1, -(-draws // each)) for each in (QUANTILE_DRAWS, log_draws, SUMMARY_DRAWS)]
    counts = [burn, burn_thin, thin[0], thin[1], 0, 0, 0, 0, thin[2]]
    log_moments = np.zeros((4, n_rows if log_likelihood else 0))
    log_moments[2] = -np.inf
    scratch_rows = n_rows if len(form.tables.row_statistics.kind) else 0
    return Reference(
        sweep.Record(
            burn=np.zeros((burn // burn_thin, n_parameters)),
            parameters=np.zeros((draws, n_parameters)),
            statistics=np.zeros((draws, len(recorded_statistics(form)))),
            snapshot_draws=snapshot_draws,
            snapshots=np.zeros((len(snapshot_draws), n_cells)),
            totals=np.zeros((len(form.shown), 2)),
            scratch=np.zeros(max([scratch_rows, *(int(each) for each in np.diff(data.cell_start[data.run_start]))])),
            cell_mean=np.zeros(n_cells),
            cell_squares=np.zeros(n_cells),
            quantile_column=integers(form.columns[column] for column, _ in keys),
            quantile_probability=np.array([probability for _, probability in keys], np.float64),
            summary_total=np.zeros((len(form.shown), 5)),
            log_groups=outcome_groups(form) if log_likelihood else integers([]),
            log_moments=log_moments,
            counts=integers(counts),
        )
    )


def memory(form: Layout, draws: int, burn: int, chains: int, n_imputations: int) -> int:
    """Bytes that a run needs at its end: draws and snapshots twice, while `gather` puts the chains' records together,
    and the completed data of its chains.
    """
    responses = {each.outcome for each in form.plan.structure.latent_responses}
    n_cells = sum(len(pattern.rows) * len(pattern.missing | responses) for pattern in form.patterns)
    width = len(form.model.parameters) + len(recorded_statistics(form))
    numbers = 2 * chains * (draws * width + min(burn, KEPT_BURN_IN) * len(form.model.parameters))
    numbers += 2 * n_imputations * n_cells
    columns = initial_columns(form).size
    numbers += chains * (4 * n_cells + columns + 4 * form.model.frame.n_rows) + 2 * columns
    return 8 * numbers


def gather(runs: list[ChainRun], seconds: float, seed: int, interrupted: bool) -> Draws:
    """Put the chains' records together, cut to the length of the shortest."""
    form, data = runs[0].layout, runs[0].data
    n = min(run.kept for run in runs)
    names = recorded_statistics(form)
    statistics = np.stack([run.record.statistics[:n] for run in runs])
    parameters = np.stack([run.record.parameters[:n] for run in runs])
    cells = _cell_places(form, data)
    weights = np.array([run.kept for run in runs], float)
    means = np.stack([run.record.cell_mean for run in runs])
    squares = np.stack([run.record.cell_squares for run in runs])
    mean, variance = _pool(weights, means, squares)
    burn = int(runs[0].record.counts[0])
    return Draws(
        parameter_names=tuple(form.model.parameters),
        parameters=parameters,
        statistics_names=names,
        statistics=statistics,
        burn_in=np.stack([run.record.burn for run in runs]),
        burn_in_thin=int(runs[0].record.counts[1]),
        burn=burn,
        log_likelihood=_log_likelihood(runs),
        imputations=_imputations(runs, cells, n),
        cell_mean={name: mean[order] for name, order in cells.items()},
        cell_variance={name: variance[order] for name, order in cells.items()},
        column_summaries=_column_summaries(runs, names, statistics),
        acceptance=_acceptance(runs),
        seconds=seconds,
        seed=seed,
        interrupted=interrupted,
    )


def _acceptance(runs: list[ChainRun]) -> dict[str, np.ndarray]:
    counts = np.stack([run.state.accepted for run in runs])
    found = {}
    for k, step in enumerate(runs[0].layout.plan.response_steps):
        if counts[:, k, 1].all():
            kind = "thresholds" if step.thresholds else "coefficients"
            found[f"{kind} of {step.response.variable}"] = counts[:, k, 0] / counts[:, k, 1]
    proposals = np.stack([run.state.proposals for run in runs])
    scored = (each for each in runs[0].layout.plan.updates if each.kernel == "scoring")
    for k, update in enumerate(scored):
        if proposals[:, k, 1].all():
            name = update.targets[0] if len(update.targets) == 1 else f"{update.targets[0]} ..."
            found[name] = proposals[:, k, 0] / proposals[:, k, 1]
    moved = np.stack([run.state.trajectory[:, (ACCEPTED, PROPOSED)] for run in runs])
    for k, move in enumerate(runs[0].layout.plan.trajectories):
        if moved[:, k, 1].all():
            found[f"trajectories: {move.parameters[0]} ..."] = moved[:, k, 0] / moved[:, k, 1]
    for k, update in enumerate(each for each in runs[0].layout.plan.updates if each.kernel == "nuts"):
        transitions = np.stack([run.blocks[k].counts for run in runs])
        if transitions[:, 0].all():
            found[f"NUTS: {update.targets[0]}"] = transitions[:, 1] / transitions[:, 0]
            if transitions[:, 3].any():
                found[f"NUTS: {update.targets[0]}, divergent"] = transitions[:, 3] / transitions[:, 0]
    return found


def _cell_places(form: Layout, data: Reference) -> dict[str, np.ndarray]:
    # Where the missing cells of each variable are in the vector of all cells, in row order.
    rows = form.incomplete_rows
    places = {}
    for column in form.shown:
        index = form.columns[column]
        runs = range(data.run_start[index], data.run_start[index + 1])
        if runs:
            where = np.concatenate([np.arange(data.cell_start[k], data.cell_start[k + 1]) for k in runs])
            source = np.concatenate(
                [rows[data.cell_row[k] : data.cell_row[k] + data.cell_start[k + 1] - data.cell_start[k]] for k in runs]
            )
            places[cell_name(column)] = where[np.argsort(source)]
    return places


def _pool(weights: np.ndarray, means: np.ndarray, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Mean and variance over all draws of all chains, from each chain's mean and sum of squared deviations.
    total = weights.sum()
    mean = weights @ means / total
    between = weights @ (means - mean) ** 2
    return mean, (squares.sum(axis=0) + between) / max(1.0, total - 1.0)


def _log_likelihood(runs: list[ChainRun]) -> LogLikelihood | None:
    counts = np.array([run.record.counts[7] for run in runs], float)
    if runs[0].record.log_groups.size == 0 or counts.min() == 0:
        return None
    form = runs[0].layout
    moments = np.stack([run.record.log_moments for run in runs])
    mean, variance = _pool(counts, moments[:, 0], moments[:, 1])
    largest = moments[:, 2].max(axis=0)
    summed = (moments[:, 3] * np.exp(moments[:, 2] - largest)).sum(axis=0)
    log_mean_exp = largest + np.log(summed) - np.log(counts.sum())
    order = np.argsort(np.concatenate([form.complete_rows, form.incomplete_rows]))
    return LogLikelihood(int(counts.sum()), mean[order], variance[order], log_mean_exp[order])


def _imputations(runs: list[ChainRun], cells: dict[str, np.ndarray], n: int) -> Imputations:
    taken = [int((run.record.snapshot_draws < n).sum()) for run in runs]
    values = np.concatenate([run.record.snapshots[:count] for run, count in zip(runs, taken, strict=True)])
    return Imputations(
        chain=np.repeat(np.arange(len(runs)), taken),
        draw=np.concatenate([run.record.snapshot_draws[:count] for run, count in zip(runs, taken, strict=True)]),
        values={name: values[:, order] for name, order in cells.items()},
    )


def _column_summaries(runs: list[ChainRun], names: tuple, statistics: np.ndarray) -> dict[Column, ColumnSummary]:
    form = runs[0].layout
    total = sum(run.record.summary_total for run in runs) / sum(int(run.record.counts[6]) for run in runs)
    place = {(name.kind, name.key): k for k, name in enumerate(names)}
    summaries = {}
    for column in form.shown:
        if column.form is Form.LATENT_RESPONSE:
            continue
        index = form.columns[column]
        mean = statistics[:, :, place[StatisticKind.COLUMN_MEAN, (column,)]].mean()
        deviation = np.sqrt(statistics[:, :, place[StatisticKind.COLUMN_VARIANCE, (column,)]]).mean()
        low, middle, high, minimum, maximum = (float(each) for each in total[index])
        summaries[column] = ColumnSummary(float(mean), float(deviation), (low, middle, high), minimum, maximum)
    return summaries
