"""Check of thresholds and latent responses, with the density of what the PyMC graph integrates out."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Column, Equation, Form, Model, Term
from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.draws import cell_name
from blimp2pymc.sampler.kernels.sliced_responses import OBSERVED
from blimp2pymc.sampler.numerics.moments import CHUNK
from blimp2pymc.sampler.plan.described import described_column
from blimp2pymc.sampler.tables.centers import centered
from blimp2pymc.sampler.verification.single_cell_density import inside

if TYPE_CHECKING:
    from blimp2pymc.sampler.verification.point import Changes, Point


def response_log_density(run: ChainRun, explicit: Container[Column], drawn: Container[str]) -> float:
    """Log density of the latent responses that the graph integrates out, given parameters, predictors and categories.

    It is normal, between the limits of the category. Written on the model's terms, apart from the tables of the
    sampler.

    Parameters
    ----------
    run
        A chain; its state is looked at.
    explicit
        Responses the graph knows.
    drawn
        Variables whose missing categories the graph knows; others have responses without limits there.
    """
    model, values = run.layout.model, run.completed()
    theta = centered(run.layout, run.state.theta)
    parameters = {name: float(theta[k]) for name, k in run.layout.parameters.items()}
    columns = {column: values[name] for column in run.layout.columns if (name := cell_name(column)) in values}
    columns |= _dummies(model, values)
    by_variable: dict[str, list[np.ndarray]] = {}
    total = 0.0
    for response in run.layout.plan.structure.latent_responses:
        equation = run.layout.model.equation_of[response.equation.outcome]
        if response.outcome in explicit:
            continue
        mean = np.zeros(model.frame.n_rows)
        for term in equation.terms:
            mean = mean + parameters[term.coefficient] * evaluate(term.expression, columns, parameters)
        if response.outcome.category is not None:
            by_variable.setdefault(equation.name, []).append(mean)
            continue
        mean, spread = _given_block(model, equation, parameters, columns, mean)
        deviation = (columns[response.outcome] - mean) / spread
        total -= (0.5 * np.log(2 * np.pi) + np.log(spread) + 0.5 * deviation**2).sum()
        rows = ~model.missing(equation.name) | (equation.name in drawn)
        bounds = np.array([-np.inf, *(parameters[name] for name in equation.thresholds), np.inf])
        category = np.searchsorted(model.variables[equation.name].categories, values[equation.name][rows])
        here = columns[response.outcome][rows]
        if (here < bounds[category] - 1e-9).any() or (here > bounds[category + 1] + 1e-9).any():
            return -np.inf
        limits = ((bounds[category + shift] - mean[rows]) / spread for shift in (0, 1))
        total -= log_interval(*limits).sum()
    for name, means in by_variable.items():
        own = [each.outcome for each in run.layout.plan.structure.differences if each.outcome.variable == name]
        deviations = np.array([columns[column] - mean for column, mean in zip(own, means, strict=True)])
        precision = np.linalg.inv(0.5 * (np.eye(len(own)) + 1))
        total -= 0.5 * np.einsum("ir,ij,jr->", deviations, precision, deviations)
        rows = ~model.missing(name) | (name in drawn)
        codes = [model.variables[name].reference, *(column.category for column in own)]
        category = np.array([codes.index(code) for code in values[name][rows]])
        total -= np.log(largest_probability(np.array([np.zeros(len(means[0])), *means])[:, rows], category)).sum()
    return float(total)


def _given_block(
    model: Model,
    equation: Equation,
    parameters: Mapping[str, float],
    columns: Mapping[Column, np.ndarray],
    mean: np.ndarray,
) -> tuple[np.ndarray, float]:
    """Mean and standard deviation of a response given the other members of its block, which the graph knows."""
    block = model.block_of.get(equation.outcome)
    if block is None:
        return mean, 1.0
    members = [model.equation_of[member] for member in block.members]
    correlation = np.eye(len(members))
    for (i, j), name in block.correlations.items():
        correlation[i, j] = correlation[j, i] = parameters[name]
    own = block.members.index(equation.outcome)
    others = [k for k in range(len(members)) if k != own]

    def total(terms: Sequence[Term]) -> np.ndarray:
        return sum(
            (parameters[t.coefficient] * evaluate(t.expression, columns, parameters) for t in terms), np.zeros(1)
        )

    residuals = [
        (columns[described_column(members[k])] - total(members[k].terms)) / _deviation(members[k], parameters, total)
        for k in others
    ]
    slopes = np.linalg.solve(correlation[np.ix_(others, others)], correlation[others, own])
    variance = 1.0 - correlation[own, others] @ slopes
    # A covariance matrix that is not positive definite has no density.
    return mean + slopes @ np.array(residuals), float(np.sqrt(variance)) if variance > 0 else np.nan


def _deviation(
    equation: Equation, parameters: Mapping[str, float], total: Callable[[Sequence[Term]], np.ndarray]
) -> np.ndarray:
    """Residual standard deviation, of rows where it has predictors."""
    if equation.variance_terms:
        return np.exp(0.5 * total(equation.variance_terms))
    return np.sqrt(np.array(parameters[str(equation.residual_variance)]))


def _dummies(model: Model, values: Mapping[str, np.ndarray]) -> dict[Column, np.ndarray]:
    """Dummies that the equations hold, of completed categories and of those that no part of the sampler draws."""
    terms = (term for each in model.equations for term in (*each.terms, *each.variance_terms))
    held = {column for term in terms for column in columns_in(term.expression) if column.form is Form.DUMMY}
    return {
        column: (values.get(column.variable, model.data[column.variable]) == column.category).astype(float)
        for column in held
    }


def log_interval(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Log probability that a standard normal variate lies between two limits."""
    from scipy.special import log_ndtr

    lower, upper = np.where(lower > 0, -upper, lower), np.where(lower > 0, -lower, upper)
    return log_ndtr(upper) + np.log1p(-np.exp(log_ndtr(lower) - log_ndtr(upper)))


def largest_probability(utility: np.ndarray, category: np.ndarray) -> np.ndarray:
    """Probability that a category's utility is the largest: independent ones with variance 1/2, by quadrature."""
    from scipy.special import ndtr

    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    own = utility[category, np.arange(len(category))]
    margins = np.sqrt(2) * (own - utility)
    margins[category, np.arange(len(category))] = np.inf
    inside = ndtr(margins[:, :, None] + nodes).prod(axis=0)
    return inside @ (weights / np.sqrt(2 * np.pi))


def threshold_changes(point: Point) -> Changes:
    """Changes of the densities with the thresholds of each variable, and all that is drawn with them.

    The kernel integrates the responses out: log p(thresholds) = log p(thresholds, responses) less the log density
    of the responses given the thresholds, at responses that fit either. A change of scale has its Jacobian, written
    down here from what is multiplied.
    """
    from scipy.stats import truncnorm

    responses, state = point.tables.responses, point.state
    steps = {each.response: each for each in point.form.plan.response_steps}
    for variable, response in enumerate(point.form.plan.structure.responses):
        step = steps[response.outcome]
        if not step.targets and step.scale is None:
            continue
        if responses.is_sliced[variable]:
            yield from _carried_changes(point, variable)
            continue
        own = slice(responses.threshold_start[variable], responses.threshold_start[variable + 1])
        drawn = responses.threshold[own][responses.is_drawn[own]]
        column = state.columns[responses.column[variable]]

        def conditional() -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
            """The kernel's density; rows, means and deviations of the responses, their limits in these units."""
            n = entries.response_conditional(*point.compiled, variable)  # noqa: B023
            density = entries.threshold_log_density(*point.compiled, variable, n)  # noqa: B023
            start = responses.category_start[variable]  # noqa: B023
            mean, root = point.work.response_mean[:n].copy(), point.work.response_root[:n].copy()
            bounds = np.array([-np.inf, *state.theta[responses.threshold[own]], np.inf])  # noqa: B023
            category = state.category[start : start + n]
            limits = ((bounds[category + shift] - mean) * root for shift in (0, 1))
            return density, responses.row[start : start + n], mean, 1.0 / root, *limits

        def integrated(rows: np.ndarray, mean: np.ndarray, deviation: np.ndarray, *limits: np.ndarray) -> float:
            units = (column[rows] - mean) / deviation  # noqa: B023
            density = point.log_density(cuts=False, collapsed=True) - _without_category(point, variable)  # noqa: B023
            return density + float((0.5 * units**2 + log_interval(*limits)).sum())

        at_old, *known = conditional()
        before = integrated(*known)
        old = state.theta[responses.threshold[own]].copy()
        for size in (0.3, 0.1, 0.03, 0.01):
            state.theta[drawn] *= np.exp(size * point.random.normal(size=len(drawn)))
            if (np.diff(state.theta[responses.threshold[own]]) > 0).all():
                break
            state.theta[responses.threshold[own]] = old
        for k in range(responses.slope_start[variable], responses.slope_start[variable + 1]):
            _move_slope(point, responses.slope[k], lambda: conditional()[2])
        powers, t = 0.0, 0.0
        if step.scale is not None:
            t = 0.1 * point.random.normal()
            powers = sum(value for _, value in step.scale.parameters)
            powers += sum(value for _, value in step.scale.columns) * point.model.frame.n_rows
            at_old += entries.response_scale_density(*point.compiled, variable, 0.0)
            with_scale = entries.response_scale_density(*point.compiled, variable, t)
            entries.change_response_scale(*point.compiled, variable, t)
        point.refresh()
        at_new, *known = conditional()
        if step.scale is not None:
            at_new += with_scale
        rows, mean, deviation, lower, upper = known
        column[rows] = mean + truncnorm.rvs(lower, upper, random_state=point.random) * deviation
        point.refresh()
        yield at_new - at_old, integrated(*known) - before + powers * t
        point.restore()


def _move_slope(point: Point, place: int, means: Callable[[], np.ndarray]) -> None:
    """Move a coefficient by a tenth of the responses' standard deviation, which is 1, or less.

    Further out there may be rows without any probability left to compare.
    """
    theta, priors, old = point.state.theta, point.tables.priors, point.state.theta[place]
    before = means()
    theta[place] = old + 1.0
    point.refresh()
    unit = max(1.0, float(np.sqrt(np.mean((means() - before) ** 2))))
    new = old + 0.1 * point.random.normal() / unit
    theta[place] = inside(point.random, new, priors.lower[place], priors.upper[place])
    point.refresh()


def _without_category(point: Point, variable: int) -> float:
    """Log density of a variable's responses given all else in rows without a category, where they are cells.

    Coefficients are drawn with these integrated out as well, and the cells anew afterwards.
    """
    responses, total = point.tables.responses, 0.0
    for block in responses.redrawn[responses.redrawn_start[variable] : responses.redrawn_start[variable + 1]]:
        members = point.members(block)
        own = int(np.flatnonzero(members == responses.column[variable])[0])
        for low, n in point.chunks(block):
            precision, linear = point.normal(block, low, n)
            values = point.state.columns[members, low : low + n].T
            root = np.sqrt(precision[:, own, own])
            others = np.einsum("nj,nj->n", precision[:, own], values) - root**2 * values[:, own]
            units = root * values[:, own] - (linear[:, own] - others) / root
            total += (np.log(root) - 0.5 * units**2).sum()
    return float(total)


def _carried_changes(point: Point, variable: int) -> Changes:
    """Change of the densities with thresholds that responses follow, with the Jacobian of what these do.

    That is known from their places in the truncated normal distributions before and after, which are the same.
    """
    from scipy.stats import truncnorm

    responses, state = point.tables.responses, point.state
    own = slice(responses.threshold_start[variable], responses.threshold_start[variable + 1])
    places = slice(responses.category_start[variable], responses.category_start[variable + 1])
    n = entries.response_conditional(*point.compiled, variable)
    mean, root = point.work.response_mean[:n].copy(), point.work.response_root[:n].copy()
    rows, category = responses.row[places], state.category[places].copy()

    def distribution() -> tuple[np.ndarray, np.ndarray]:
        """Log densities and places of the responses in their truncated normal distributions."""
        bounds = np.array([-np.inf, *state.theta[responses.threshold[own]], np.inf])
        known = [(bounds[category + shift] - mean) * root for shift in (0, 1)]
        values = (state.columns[responses.column[variable], rows] - mean) * root
        return truncnorm.logpdf(values, *known), truncnorm.cdf(values, *known)

    before, (density, at) = point.log_density(cuts=False, collapsed=True), distribution()
    drawn = responses.is_drawn[own]
    old = state.theta[responses.threshold[own]]
    for size in (0.1, 0.03, 0.01, 0.003):
        new = old + size * drawn * point.random.normal(size=len(old))
        if (np.diff(new) > 0).all():
            break
    kernel = entries.move_thresholds(*point.compiled, variable, new)
    point.refresh()
    new_density, new_at = distribution()
    change = point.log_density(cuts=False, collapsed=True) - before
    yield kernel, change + float((density - new_density).sum())
    yield float(np.abs(new_at - at).max()), 0.0
    point.restore()


def sliced_changes(point: Point) -> Changes:
    """Changes of the densities with responses that are drawn by slice sampling, and with the categories that follow."""
    table, responses, state = point.tables.nonlinear, point.tables.responses, point.state
    for index in np.flatnonzero(table.kind >= OBSERVED):
        rows = table.low[index] + point.random.permutation(int(table.high[index] - table.low[index]))[:CHUNK]
        own = slice(*responses.threshold_start[table.variable[index] :][:2])
        bounds = np.array([-np.inf, *state.theta[responses.threshold[own]], np.inf])
        width = state.widths[table.width[index], 0]
        before, kernel = point.log_density(cuts=False, collapsed=True), 0.0
        for row in rows:
            old = float(state.columns[table.column[index], row])
            k = state.category[table.place[index] + row - table.low[index]]
            limits = bounds[k : k + 2] if table.kind[index] == OBSERVED else (-np.inf, np.inf)
            at_old = entries.sliced_log_density(*point.compiled, index, row, old)
            for size in (0.5, 0.1, 0.0):
                new = float(inside(point.random, old + size * width * point.random.normal(), *limits))
                at_new = entries.sliced_log_density(*point.compiled, index, row, new)
                if np.isfinite(at_new):
                    break
            kernel += at_new - at_old
        point.refresh()
        yield kernel, point.log_density(cuts=False, collapsed=True) - before
        point.restore()


def response_changes(point: Point) -> Changes:
    """Changes of the densities with the responses of each variable."""
    responses, state, work = point.tables.responses, point.state, point.work
    for variable in np.flatnonzero(~responses.is_sliced):
        n = entries.response_conditional(*point.compiled, variable)
        mean, root = work.response_mean[:n].copy(), work.response_root[:n].copy()
        own = slice(responses.block_start[variable], responses.block_start[variable + 1])
        rows = np.concatenate([np.arange(*each) for each in point.stretches(responses.block[own])])
        column = state.columns[responses.column[variable]]
        before, old = point.log_density(cuts=False, collapsed=True), column[rows].copy()
        entries.redraw_responses(*point.compiled)
        new = column[rows].copy()
        point.restore()
        column[rows] = new
        point.refresh()
        kernel = -0.5 * (((new - mean) * root) ** 2 - ((old - mean) * root) ** 2).sum()
        yield kernel, point.log_density(cuts=False, collapsed=True) - before
        point.restore()
