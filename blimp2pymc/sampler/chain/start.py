"""Memory of a chain, and dispersed starting values.

Missing cells start at values observed elsewhere in the column, latent variables near what their indicators
suggest; variances at the outcome's variance times a random factor; coefficients are then drawn given those,
hence scattered around least squares.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from blimp2pymc.joint_model.algebra import parameters_in
from blimp2pymc.joint_model.block_structure import starting_correlations
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Form, Role
from blimp2pymc.sampler.chain.latent_start import latent_scores
from blimp2pymc.sampler.chain.response_start import fit_responses, set_following, start_responses
from blimp2pymc.sampler.chain.scored_start import starting_coefficients
from blimp2pymc.sampler.chain.statistics import Columns
from blimp2pymc.sampler.compilation.references import Reference
from blimp2pymc.sampler.kernels.directions import FIRST_WIDTH, FIRST_WINDOW
from blimp2pymc.sampler.kernels.integrated import MATRICES
from blimp2pymc.sampler.kernels.trajectories import LONGEST
from blimp2pymc.sampler.numerics.evaluator import STACK
from blimp2pymc.sampler.numerics.moments import CHUNK, LISTED
from blimp2pymc.sampler.numerics.slice_sampling import SIZE as BRACKET_SIZE
from blimp2pymc.sampler.plan.inverses import cell_columns, power_names, with_fixed_power
from blimp2pymc.sampler.tables.chain_state import State, Work
from blimp2pymc.sampler.tables.column_values import initial_columns
from blimp2pymc.sampler.tables.item_tables import ItemMoves
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers
from blimp2pymc.sampler.tables.response_tables import Responses
from blimp2pymc.sampler.tables.scale_tables import n_pairs
from blimp2pymc.sampler.tables.transformation_tables import transformed_values


def column_data(layout: Layout) -> Reference:
    """Observed values of every column, and where its missing cells are."""
    observed = [np.sort(observed_values(layout, column)) for column in layout.shown]
    drawn = cell_columns(layout.model)
    reference = np.array([each.mean() if each.size else 0.0 for each in observed])
    runs = [
        [
            (layout.columns[column], pattern.low, len(pattern.rows))
            for pattern in layout.patterns
            if drawn.get(column.variable) in pattern.missing or column.form is Form.LATENT_RESPONSE
        ]
        for column in layout.shown
    ]
    flat = [run for each in runs for run in each]
    return Reference(
        Columns(
            reference=reference,
            total=np.array(
                [
                    ((each - center).sum(), ((each - center) ** 2).sum())
                    for each, center in zip(observed, reference, strict=True)
                ]
            ),
            cell_start=integers(np.cumsum([0, *(count for *_, count in flat)])),
            cell_column=integers(run[0] for run in flat),
            cell_row=integers(run[1] for run in flat),
            run_start=integers(np.cumsum([0, *map(len, runs)])),
            observed_start=integers(np.cumsum([0, *map(len, observed)])),
            observed=np.concatenate(observed),
        )
    )


def observed_values(layout: Layout, column: Column) -> np.ndarray:
    """Observed values of a column; none of a latent variable or response."""
    values = layout.model.data.get(column.variable, np.empty(0)) if column.form is Form.SCORE else np.empty(0)
    return values[~np.isnan(values)]


def new_state(layout: Layout, generator: np.ndarray) -> Reference:
    """Memory of a chain; values are set by `set_start`."""
    tables = layout.tables
    residuals = tables.residuals
    n_groups, size = len(residuals.group_set), tables.priors.group_scale.shape[1]
    n_equations, n_monomials = len(residuals.equation_group), tables.base.shape[1]
    most = _largest_step(tables.responses)
    n_blocks = sum(each.kernel == "nuts" for each in layout.plan.updates)
    sizes = np.diff(tables.trajectories.member_start)
    known = np.einsum("sc,cab->sab", tables.rows.set_has_class.astype(float), tables.base)
    return Reference(
        State(
            theta=np.zeros(len(layout.parameters)),
            columns=np.zeros((len(tables.complete), len(layout.incomplete_rows))),
            coefficient=np.zeros((n_equations, n_monomials)),
            covariance=np.zeros((n_groups, size, size)),
            precision=np.zeros((n_groups, size, size)),
            log_determinant=np.zeros(n_groups),
            moments=tables.base.copy(),
            sums=np.concatenate([known, np.zeros((len(tables.weighted.column), n_monomials, n_monomials))]),
            generator=generator.copy(),
            widths=np.zeros((tables.marginals.width[-1], 2)),
            learned=np.zeros(tables.item_moves.learned[-1]),
            proposals=np.zeros((len(tables.scoring.block), 2)),
            evaluations=np.zeros(4),
            category=tables.responses.category.copy(),
            damping=np.tile([0.3, 0.0], (len(tables.responses.column), 1)),
            information=np.zeros((len(tables.responses.column), most, most)),
            factor=np.zeros((len(tables.responses.column), most, most)),
            accepted=np.zeros((len(tables.responses.column), 2)),
            trajectory=np.tile([np.log(LONGEST), 0.0, 0.0, 0.0, 0.0], (len(sizes), 1)),
            metric=np.zeros((len(sizes), 2, max(sizes, default=1), max(sizes, default=1))),
            blocks=np.zeros((n_blocks, 2), np.int64),
            overrelaxation=np.array([0.0, layout.plan.overrelaxation]),
            fault=np.zeros(2, np.int64),
        )
    )


def _largest_step(responses: Responses) -> int:
    """Most that is drawn together with a latent response integrated out: thresholds, coefficients, a scale."""
    return max(np.diff(responses.threshold_start) + np.diff(responses.slope_start), default=0) + 1


def _most_lines(moves: ItemMoves) -> int:
    """Most equations that are kept as linear functions of one latent variable."""
    n_normal, sizes = len(moves.normal), np.diff(moves.line_start)
    pairs = zip(itertools.pairwise(moves.normal_start), itertools.pairwise(moves.outcome_start), strict=True)
    return max(
        (
            sizes[low:high].sum() + sizes[n_normal + first : n_normal + last].sum()
            for (low, high), (first, last) in pairs
        ),
        default=0,
    )


def new_work(layout: Layout) -> Reference:
    """Scratch space of a chain."""
    tables = layout.tables
    size, n_monomials = tables.priors.group_scale.shape[1], tables.base.shape[1]
    block = max(np.diff(tables.cells.member_start), default=1)
    members = max(np.diff(tables.coefficients.member_start), default=1)
    marginals = tables.marginals
    entries = max((*np.diff(tables.coefficients.entry_start), *np.diff(marginals.entry_start)), default=1)
    drawn_together = (*np.diff(marginals.parameter_start), *np.diff(marginals.moved_start))
    integrated = max((*drawn_together, *np.diff(tables.transformations.member_start)), default=1)
    moved = max(np.diff(tables.location_moves.drawn_start), default=0) + 1
    trajectories = tables.trajectories
    together = max(np.diff(trajectories.member_start), default=0)
    equations, used = (max(np.diff(each), default=0) for each in (trajectories.equation_start, trajectories.used_start))
    weighted = len(tables.weighted.column) > 0
    moving = (tables.interweavings, tables.item_moves)
    following = max((size for each in moving for size in np.diff(each.parameter_start)), default=0)
    spread = max(np.diff(tables.scale_moves.spread_start), default=0)
    square = max(size, members, integrated, moved, together, following, spread, 1)
    joint = max((*np.diff(marginals.equation_start), *np.diff(tables.implied.start)), default=0)
    parts = max(np.diff(marginals.part_start), default=0)
    rows = max(np.diff(tables.responses.category_start), default=1)
    coded = (tables.responses, tables.nonlinear, tables.categories)
    codes = [count for each in coded for count in np.diff(each.code_start)]
    categories = max(codes, default=1)
    return Reference(
        Work(
            residual=np.zeros((size, CHUNK)),
            slope=np.zeros((size, block, CHUNK)),
            slope_kind=np.zeros((size, block), np.int64),
            rate=np.zeros((2, size, block)),
            constant=np.zeros((block, block)),
            varies=np.zeros((block, block), np.bool_),
            factor=np.zeros((block, block)),
            pull=np.zeros((block, max(np.diff(tables.cells.pulling_start), default=1))),
            ahead=np.zeros(LISTED + len(tables.complete), np.int64),
            offset=np.zeros(len(tables.location_moves.column)),
            precision=np.zeros((block, block, CHUNK)),
            linear=np.zeros((block, CHUNK)),
            normals=np.zeros(CHUNK),
            values=np.zeros((max(n_monomials, spread), CHUNK)),
            product=np.zeros(CHUNK),
            derivative=np.zeros(entries),
            matrix=np.zeros((3, square, square)),
            vector=np.zeros((3, max(square + 1, len(layout.parameters)))),
            by_equation=np.zeros((4, len(tables.residuals.equation_group))),
            options=np.zeros((6, max(categories, 2))),
            eta=np.zeros((max(2, max(np.diff(tables.families.sibling_start)) + 1), CHUNK)),
            densities=np.zeros(CHUNK),
            likelihood=np.zeros(CHUNK),
            proposal=np.zeros((4, max(square, len(layout.parameters)))),
            quadratic=np.zeros(max(n_pairs(tables.scale_moves), n_pairs(tables.response_scales), 1)),
            response_mean=np.zeros(rows),
            response_root=np.zeros(rows),
            below=np.zeros((2, rows)),
            inside=np.zeros((2, rows)),
            bounds=np.zeros((2, categories + 1)),
            slope_sums=np.zeros((2, 2, categories)),
            upper_slope=np.zeros((2, rows)),
            mean_slope=np.zeros((2, rows)),
            response_design=np.zeros((max(np.diff(tables.responses.slope_start), default=0) + 1, rows)),
            proposed_mean=np.zeros(rows),
            carried=np.zeros(rows),
            standardized=np.zeros(len(layout.incomplete_rows) if weighted or len(tables.item_moves.column) else 0),
            squares=np.zeros(len(layout.incomplete_rows) if weighted else 0),
            item_lines=np.zeros((2, _most_lines(tables.item_moves), CHUNK)),
            item_rows=np.zeros((5, CHUNK)),
            step=np.zeros((4, _largest_step(tables.responses))),
            joint=np.zeros((MATRICES + parts, joint, joint)),
            place=np.zeros(len(tables.residuals.equation_group), np.int64),
            cross=np.zeros(n_monomials),
            among=np.zeros((n_monomials, n_monomials)),
            design=np.zeros((integrated + 1, n_monomials)),
            predictor=np.zeros((equations, CHUNK)),
            score=np.zeros((equations, CHUNK)),
            pair_information=np.zeros((equations, equations, CHUNK)),
            margins=np.zeros((4, equations + 1)),
            score_sums=np.zeros((trajectories.equation_start[-1], used)),
            information_sums=np.zeros((equations, equations, used, used)),
            entry_value=np.zeros(max(np.diff(trajectories.entry_start), default=0)),
            bracket=np.zeros(BRACKET_SIZE),
            stack=np.zeros(STACK),
        )
    )


def set_start(layout: Layout, state: Reference, random: np.random.Generator) -> None:
    """Set parameters and missing cells to random values."""
    model = layout.model
    powers = starting_powers(layout, random)
    thresholds, responses = start_responses(layout, random)
    columns, deviations = _starting_columns(layout, powers, responses, random)
    state.columns[...] = columns
    outcome_of = {each.residual_variance: each.scale for each in model.equations}
    given = {**thresholds, **starting_coefficients(layout, deviations)}
    given |= {name: (value, 0.2) for name, value in powers.items()}
    for block in model.blocks:
        correlations = starting_correlations(block, model.parameters) or {}
        given |= {name: (value, 0.2) for name, value in correlations.items()}
    for name, parameter in model.parameters.items():
        index = layout.parameters[name]
        width = 1.0
        if parameter.fixed is not None:
            value = parameter.fixed
        elif name in outcome_of:
            # Of a dummy, which is no column of the sampler, half the range.
            variance = deviations.get(outcome_of[name], 0.5) ** 2
            value, width = variance * np.exp(0.5 * random.normal()), variance
        elif name in given:
            value, width = given[name]
        elif parameter.prior.distribution == "normal":
            mean, variance = parameter.prior.arguments
            value, width = mean + 0.5 * min(1.0, variance**0.5) * random.normal(), min(1.0, variance**0.5)
        else:
            value = 0.3 * random.normal()
        lower, upper = layout.tables.priors.lower[index], layout.tables.priors.upper[index]
        if parameter.is_free and not lower < value < upper:
            if np.isfinite(lower) and np.isfinite(upper):
                value = lower + (upper - lower) * random.uniform(0.25, 0.75)
            else:
                value = lower + 0.1 + abs(value) if np.isfinite(lower) else upper - 0.1 - abs(value)
        state.theta[index] = value
        state.widths[index] = (width, 0.0)
    for column, index in layout.columns.items():
        state.widths[len(layout.parameters) + index] = (deviations[column], 0.0)
    # The widths table is indexed by the layout's own numbering of the columns drawn by slice sampling.
    named = list(layout.columns)
    for index, place in zip(layout.tables.nonlinear.column, layout.tables.nonlinear.width, strict=True):
        state.widths[place] = (deviations[named[index]], 0.0)
    fit_responses(layout, state)
    set_following(layout, state)


def _starting_columns(
    layout: Layout,
    powers: Mapping[str, float],
    responses: Mapping[Column, np.ndarray],
    random: np.random.Generator,
) -> tuple[np.ndarray, dict[Column, float]]:
    """Completed columns, and standard deviations of those that are variables or transformed values."""
    model = layout.model
    deviations: dict[Column, float] = {}
    columns = initial_columns(layout)
    start_transformed(layout, columns, powers)
    everywhere = {column: model.data[column.variable] for column in layout.shown if column.variable in model.data}
    everywhere |= transformed_values(model, everywhere | {Column(name): np.empty(0) for name in model.latent}, powers)
    for column, index in layout.columns.items():
        observed = everywhere.get(column, np.empty(0))
        observed = observed[np.isfinite(observed)]
        if observed.size:
            deviations[column] = float(observed.std()) or 1.0
            missing = np.isnan(columns[index])
            columns[index, missing] = random.choice(observed, missing.sum())
    for column, values in responses.items():
        columns[layout.columns[column]] = values
        deviations[column] = float(values.std()) or 1.0
    if model.latent:
        completed = {column: columns[index] for column, index in layout.columns.items() if column in deviations}
        completed |= {each.outcome: completed[each.scale] for each in model.equations if each.scale in completed}
        # Indicators with two categories speak by their dummies, or by their latent responses.
        completed |= {
            each.outcome: (columns[layout.columns[Column(each.name)]] == each.outcome.category).astype(float)
            for each in model.equations
            if each.outcome.form is Form.DUMMY
        }
        completed |= {Column(column.variable): values for column, values in responses.items()}
        for column, scores in latent_scores(model, completed, random).items():
            columns[layout.columns[column]] = scores
            deviations[column] = float(scores.std()) or 1.0
        for column, scores in starting_scales(layout, columns, powers, random).items():
            columns[layout.columns[column]] = scores
            deviations[column] = float(scores.std()) or 1.0
    rows = {column: columns[index] for column, index in layout.columns.items()}
    for function, index in layout.functions.items():
        # Those of other parameters are computed with the sampler's first refresh.
        columns[index] = 0.0 if parameters_in(function) - powers.keys() else evaluate(function, rows, powers)
    return columns, deviations


def starting_powers(layout: Layout, random: np.random.Generator) -> dict[str, float]:
    """Starting values of lambda, around 1, where values are not transformed."""
    powers = {}
    for name in power_names(layout.model):
        place, priors = layout.parameters[name], layout.tables.priors
        lower, upper = priors.lower[place], priors.upper[place]
        middle = min(max(1.0, lower + 0.2 * (upper - lower)), upper - 0.2 * (upper - lower))
        powers[name] = float(np.clip(middle + 0.15 * random.normal(), lower + 0.01, upper - 0.01))
    return powers


def start_transformed(layout: Layout, columns: np.ndarray, powers: Mapping[str, float]) -> None:
    """Set transformed values of the rows of a chain where the outcome is observed and lambda is drawn."""
    model = layout.model
    rows = {column: columns[layout.columns[column]] for column in layout.shown}
    values = transformed_values(model, rows, powers)
    for equation in model.equations:
        if equation.transform is not None and equation.outcome in layout.logarithms:
            columns[layout.columns[equation.scale]] = values[equation.scale]
            argument = evaluate(equation.transform.expression, {equation.outcome: rows[equation.outcome]})
            logarithm = np.sign(argument) * np.log1p(np.abs(argument))
            columns[layout.logarithms[equation.outcome]] = np.nan_to_num(logarithm)


def starting_scales(
    layout: Layout, columns: np.ndarray, powers: Mapping[str, float], random: np.random.Generator
) -> dict[Column, np.ndarray]:
    """Transformed values of latent variables, from their starting scores where those can be transformed."""
    model = layout.model
    scales = {}
    for equation in model.equations:
        if equation.transform is None or equation.name not in model.latent:
            continue
        rows = {equation.outcome: columns[layout.columns[equation.outcome]]}
        forward = with_fixed_power(model, equation.transform.forward)
        values = np.array(evaluate(forward, rows, powers), float)
        lower, upper = equation.transform.lower, equation.transform.upper
        usable = np.isfinite(values) & (values > lower) & (values < upper)
        middle = lower + 1.0 if np.isfinite(lower) else upper - 1.0 if np.isfinite(upper) else 0.0
        values[~usable] = middle + 0.3 * random.uniform(-1.0, 1.0, (~usable).sum())
        scales[equation.scale] = values
    return scales


def set_directions(tables: Reference, state: Reference) -> None:
    """Directions along the axes, to be learned anew."""
    marginals, following = tables.marginals, (tables.interweavings, tables.item_moves)
    state.widths[marginals.width[0] :] = (FIRST_WIDTH, 0.0)
    for path, size in enumerate(np.diff(marginals.moved_start)):
        if marginals.is_learned[path]:
            learned = state.learned[marginals.learned[path] : marginals.learned[path + 1]]
            learned[...] = 0.0
            learned[1] = FIRST_WINDOW
            learned[2 + size + size * size :: size + 1] = 1.0
    for low, high in (each for moves in following for each in itertools.pairwise(moves.learned)):
        state.learned[low:high] = 0.0
        state.learned[low + 1] = FIRST_WINDOW


def outcome_groups(layout: Layout) -> np.ndarray:
    """Groups whose densities make up the log-likelihood."""
    groups = layout.plan.structure.groups
    return integers(
        k
        for k, group in enumerate(groups)
        if group.residuals[0].equation.role is Role.OUTCOME and not group.residuals[0].models_variance
    )
