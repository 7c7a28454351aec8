"""Draws made up for a hand-built model: independent parameters, random completed data, honest statistics.

What a sampler would record is computed here row by row from the completed data of every draw, by other
means than the package uses, so that tables can be compared with it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Equation, Form, Kind, Model, ModeratorGrid, ParameterKind, Role
from blimp2pymc.sampler.draws import ColumnSummary, Draws, Imputations, LogLikelihood, Statistic, StatisticKind
from blimp2pymc.summary.printed_names import column_name

WEIGHT = 0.2
"""Polya-Gamma weight of every row of logit equations."""

PROBABILITIES = {ModeratorGrid.QUARTILES: (0.25, 0.5, 0.75), ModeratorGrid.QUANTILES: (0.16, 0.5, 0.84)}


def synthetic_draws(model: Model, chains: int = 2, draws: int = 60, spread: float = 0.1, seed: int = 0) -> Draws:
    """Draws around plausible values; `spread` 0 makes every parameter constant."""
    rng = np.random.default_rng(seed)
    names = tuple(model.parameters)
    parameters = np.empty((chains, draws, len(names)))
    for k, name in enumerate(names):
        parameters[..., k] = _center(model, name) + spread * rng.normal(size=(chains, draws))
    for k, name in enumerate(names):
        if model.parameters[name].kind is ParameterKind.RESIDUAL_VARIANCE:
            parameters[..., k] = np.abs(parameters[..., k])
        if model.parameters[name].fixed is not None:
            parameters[..., k] = model.parameters[name].fixed
    cells = {name: _cells(model, name, chains * draws, rng) for name in model.incomplete}
    cells |= {name: rng.normal(size=(chains * draws, model.frame.n_rows)) for name in model.latent}
    responses = {
        f"{column_name(each.outcome)}.latent": rng.normal(size=(chains * draws, model.frame.n_rows))
        for each in model.equations
        if each.family in ("probit", "multinomial_probit")
    }
    statistics = [
        _statistics(model, dict(zip(names, parameters[c, d], strict=True)), _completed(model, cells, c * draws + d))
        for c in range(chains)
        for d in range(draws)
    ]
    keys = tuple(statistics[0])
    values = np.array([[each[key] for key in keys] for each in statistics]).reshape(chains, draws, len(keys))
    log_densities = rng.normal(-2, 0.3, (chains * draws, model.frame.n_rows))
    chosen = np.arange(0, chains * draws, max(1, draws // 2))
    return Draws(
        parameter_names=names,
        parameters=parameters,
        statistics_names=keys,
        statistics=values,
        burn_in=parameters[:, : draws // 2] + 0.01 * rng.normal(size=(chains, draws // 2, len(names))),
        burn_in_thin=1,
        burn=draws // 2,
        log_likelihood=LogLikelihood(
            chains * draws,
            log_densities.mean(axis=0),
            log_densities.var(axis=0, ddof=1),
            np.log(np.exp(log_densities).mean(axis=0)),
        ),
        imputations=Imputations(
            chosen // draws, chosen % draws, {name: each[chosen] for name, each in (cells | responses).items()}
        ),
        cell_mean={name: each.mean(axis=0) for name, each in cells.items()},
        cell_variance={name: each.var(axis=0, ddof=1) for name, each in cells.items()},
        column_summaries={
            Column(name): ColumnSummary(*(_number(completed) for completed in (values_of.mean(), values_of.std())),
                                        tuple(np.quantile(values_of, (0.25, 0.5, 0.75)).tolist()),
                                        _number(values_of.min()), _number(values_of.max()))
            for name, values_of in ((name, _completed(model, cells, 0)[Column(name)]) for name in model.data)
        },
        acceptance={"missing x1": np.full(chains, 0.48)} if "x1" in model.incomplete else {},
        seconds=1.5,
        seed=11,
    )  # fmt: skip


def constant_parameters(model: Model, draws: Draws, **values: float) -> Draws:
    """The same draws with some parameters at stated values (names with blanks as `y__residual_variance`)."""
    parameters = draws.parameters.copy()
    for name, value in values.items():
        parameters[..., draws.parameter_names.index(name)] = value
    return replace(draws, parameters=parameters)


def _number(value: object) -> float:
    return float(np.asarray(value))


def _center(model: Model, name: str) -> float:
    parameter = model.parameters[name]
    if parameter.kind is ParameterKind.RESIDUAL_VARIANCE:
        return 1.5
    if parameter.kind is ParameterKind.CORRELATION:
        return 0.3
    if parameter.kind is ParameterKind.THRESHOLD:
        return float(name.rsplit(maxsplit=1)[-1]) - 1.0
    if parameter.kind is ParameterKind.DISPERSION:
        return 0.8
    if parameter.kind is ParameterKind.MEAN:
        values = model.data.get(name.removesuffix(" mean"))
        return 0.3 if values is None else float(np.nanmean(values))
    return 0.2 + 0.1 * list(model.parameters).index(name)


def _cells(model: Model, name: str, size: int, rng: np.random.Generator) -> np.ndarray:
    observed = model.data[name][~model.missing(name)]
    if model.variables[name].kind is not Kind.CONTINUOUS:
        return rng.choice(np.unique(observed), (size, int(model.missing(name).sum())))
    return rng.normal(observed.mean(), observed.std(), (size, int(model.missing(name).sum())))


def _completed(model: Model, cells: dict[str, np.ndarray], draw: int) -> dict[Column, np.ndarray]:
    columns = {}
    for name, values in model.data.items():
        completed = values.copy()
        if name in cells:
            completed[model.missing(name)] = cells[name][draw]
        columns[Column(name)] = completed
        if model.variables[name].kind in (Kind.ORDINAL, Kind.NOMINAL):
            for code in model.variables[name].categories:
                columns[Column(name, Form.DUMMY, code)] = (completed == code).astype(float)
        columns[Column(name, Form.LATENT_RESPONSE)] = completed - completed.mean()
    return columns | {Column(name): cells[name][draw] for name in model.latent}


def _mean(equation: Equation, parameters: dict[str, float], columns: dict[Column, np.ndarray]) -> np.ndarray:
    terms = [parameters[term.coefficient] * evaluate(term.expression, columns, parameters) for term in equation.terms]
    return np.broadcast_to(sum(terms), next(iter(columns.values())).shape)


def _statistics(
    model: Model, parameters: dict[str, float], columns: dict[Column, np.ndarray]
) -> dict[Statistic, float]:
    found: dict[Statistic, float] = {}
    outcomes = [each for each in model.equations if each.role is Role.OUTCOME]
    for equation in outcomes:
        found[Statistic(StatisticKind.PREDICTOR_VARIANCE, (equation.outcome,))] = np.var(
            _mean(equation, parameters, columns), ddof=1
        )
        if equation.variance_terms:
            terms = [parameters[each.coefficient] * evaluate(each.expression, columns, parameters)
                     for each in equation.variance_terms]  # fmt: skip
            variances = np.broadcast_to(np.exp(sum(terms)), (model.frame.n_rows,))
            found[Statistic(StatisticKind.ROW_VARIANCE_MEAN, (equation.outcome,))] = np.mean(variances)
            for probability in (0.25, 0.5, 0.75):
                key = (equation.outcome, probability)
                found[Statistic(StatisticKind.ROW_VARIANCE_QUANTILE, key)] = np.quantile(variances, probability)
        if equation.family == "logit":
            # Any positive weights do: what is made of the statistic is tested, not the sampler's weights.
            weighted = np.sqrt(WEIGHT) * _mean(equation, parameters, columns)
            found[Statistic(StatisticKind.WEIGHTED_PREDICTOR_VARIANCE, (equation.outcome,))] = np.var(weighted, ddof=1)
        for term in equation.terms:
            if columns_in(term.expression):
                values = evaluate(term.expression, columns, parameters)
                found[Statistic(StatisticKind.TERM_VARIANCE, (equation.outcome, term.name))] = np.var(values, ddof=1)
    for effect in model.simple_effects:
        for moderator in effect.moderators:
            if moderator.column not in columns:
                continue
            values = columns[moderator.column]
            found[Statistic(StatisticKind.COLUMN_MEAN, (moderator.column,))] = np.mean(values)
            found[Statistic(StatisticKind.COLUMN_VARIANCE, (moderator.column,))] = np.var(values, ddof=1)
            for probability in PROBABILITIES.get(moderator.grid, ()):
                key = (moderator.column, probability)
                found[Statistic(StatisticKind.COLUMN_QUANTILE, key)] = np.quantile(values, probability)
    residuals = {each.outcome: columns[each.outcome] - _mean(each, parameters, columns) for each in outcomes}
    for i, first in enumerate(outcomes):
        for second in outcomes[i:]:
            key = (first.outcome, second.outcome)
            found[Statistic(StatisticKind.RESIDUAL_PRODUCT, key)] = residuals[key[0]] @ residuals[key[1]]
    return found
