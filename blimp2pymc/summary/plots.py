"""Figures: chains, posteriors, imputed against observed values, conditional effects.

Matplotlib is imported when a figure is asked for; figures are returned, never shown, and belong to no
global state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.errors import error
from blimp2pymc.joint_model.ir import Column, Model
from blimp2pymc.pymc_source.names import python_names
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.diagnostics import FloatArray
from blimp2pymc.summary.plotted_values import predictor_values, typical_value
from blimp2pymc.summary.printed_names import check_names, outcome_heading
from blimp2pymc.summary.quantities import quantity_values
from blimp2pymc.summary.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = (4.2, 2.6)
"""Width and height of a panel in inches."""
COLUMNS = 3
POINTS = 50
"""Points of a line."""
MOST_POINTS = 2_000
"""Iterations drawn per chain; longer chains are thinned."""


def plot_trace(model: Model, draws: Draws, parameters: Sequence[str] = ()) -> Figure:
    """One panel per parameter, one line per chain."""
    chosen = _chosen(model, draws, parameters)
    figure, panels = panels_of(len(chosen))
    step = ceil(draws.n_draws / MOST_POINTS)
    for panel, (name, values) in zip(panels, chosen.items(), strict=True):
        for chain in values:
            panel.plot(np.arange(0, draws.n_draws, step), chain[::step], linewidth=0.5, alpha=0.8)
        panel.set_title(name)
        panel.set_xlabel("iteration")
    return figure


def plot_posterior(model: Model, draws: Draws, parameters: Sequence[str] = ()) -> Figure:
    """One histogram per parameter with its median and 95 % interval."""
    chosen = _chosen(model, draws, parameters)
    figure, panels = panels_of(len(chosen))
    for panel, (name, values) in zip(panels, chosen.items(), strict=True):
        lower, median, upper = np.quantile(values, (0.025, 0.5, 0.975))
        panel.hist(values.ravel(), bins=50, density=True, color="tab:blue", alpha=0.5)
        panel.axvline(median, color="black")
        panel.axvspan(lower, upper, color="black", alpha=0.1)
        panel.set_title(f"{name}\n{median:.3f} [{lower:.3f}, {upper:.3f}]", fontsize="medium")
        panel.set_yticks([])
    return figure


def plot_imputations(model: Model, draws: Draws, variables: Sequence[str] = ()) -> Figure:
    """Distribution of observed values, and of imputed ones pooled over the kept snapshots; bars of categories."""
    imputed = draws.imputations.values
    known = [name for name in model.incomplete if name in imputed]
    if not known:
        raise error("there is nothing to plot: the run has kept no imputations")
    check_names(variables, known, "an incomplete variable")
    names = list(variables) or known
    figure, panels = panels_of(len(names))
    for panel, name in zip(panels, names, strict=True):
        observed = model.data[name][~model.missing(name)]
        values = (observed, imputed[name].ravel())
        codes = model.variables[name].categories
        edges = np.histogram_bin_edges(np.concatenate(values), bins=30)
        for place, (each, label) in enumerate(zip(values, ("observed", "imputed"), strict=True)):
            if codes:
                shares = [float(np.mean(each == code)) for code in codes]
                panel.bar(np.arange(len(codes)) + 0.4 * place, shares, 0.4, alpha=0.5, label=label)
            else:
                panel.hist(each, bins=edges.tolist(), density=True, alpha=0.5, label=label)
        if codes:
            panel.set_xticks(np.arange(len(codes)) + 0.2, [f"{code:g}" for code in codes])
        panel.set_title(f"{name}: {model.variables[name].n_missing} of {model.frame.n_rows} missing")
        panel.set_yticks([])
        panel.legend()
    return figure


def plot_conditional_effects(model: Model, draws: Draws, lines: Iterable[Row], outcome: str | None = None) -> Figure:
    """Line of every conditional effect with its 95 % band, one panel per outcome and focal variable.

    Lines run over two standard deviations of the focal variable about its mean, or from code to code, on the scale of
    the equation: a centered variable minus its mean.
    """
    effects: dict[tuple[str, str], dict[str, dict[str, FloatArray]]] = {}
    for line in lines:
        code, _, part = line.parameter.rpartition(" ~ ")
        if line.block == "conditional" and line.draws is not None and part in ("Intercept", "Slope"):
            focal, _, values = line.section.partition(" | ")
            name = f"{line.outcome}: {code}" if code else line.outcome
            effect = effects.setdefault((name, focal), {}).setdefault(values, {})
            effect[part] = line.draws.ravel()
    if not effects:
        raise error("there are no conditional effects to plot", hint="SIMPLE: focal | moderator; in the script")
    if outcome is not None:
        about = {key: each for key, each in effects.items() if _is_about(model, key[0], outcome)}
        if not about:
            check_names([outcome], [name for name, _ in effects], "an outcome with conditional effects")
        effects = about
    figure, panels = panels_of(len(effects))
    for panel, ((name, focal), values_of) in zip(panels, effects.items(), strict=True):
        x = _focal_values(model, draws, focal)
        for values, effect in values_of.items():
            lower, middle, upper = np.quantile(
                effect["Intercept"][:, None] + effect["Slope"][:, None] * x, (0.025, 0.5, 0.975), axis=0
            )
            [drawn] = panel.plot(x, middle, label=values, marker="o" if len(x) < POINTS else "")
            panel.fill_between(x, lower, upper, color=drawn.get_color(), alpha=0.15)
        panel.set_xlabel(focal)
        panel.set_ylabel(name)
        panel.legend(fontsize="small")
    return figure


def _chosen(model: Model, draws: Draws, wanted: Sequence[str]) -> dict[str, FloatArray]:
    """Draws by the name they were asked for: Blimp's, PyMC's, or a derived quantity's."""
    values = {name: draws.parameter(name) for name, each in model.parameters.items() if each.fixed is None}
    if not wanted:
        return {name: each for name, each in values.items() if model.parameters[name].is_free}
    values |= quantity_values(model, draws)
    names = python_names(model)
    for name, place in names.parameters.items():
        label = place.variable if place.index is None else f"{place.variable}[{place.coordinate}]"
        values.setdefault(label, values[name])
    check_names(wanted, list(values), "a parameter")
    return {name: values[name] for name in wanted}


def panels_of(count: int) -> tuple[Figure, list[Axes]]:
    """A figure and as many panels."""
    from matplotlib.figure import Figure

    columns = min(count, COLUMNS)
    rows = ceil(count / columns)
    figure = Figure(figsize=(PANEL[0] * columns, PANEL[1] * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    panels = list(grid.ravel())
    for unused in panels[count:]:
        unused.set_visible(False)
    return figure, panels[:count]


def _focal_values(model: Model, draws: Draws, focal: str) -> FloatArray:
    """Values of a focal variable, on the scale of the equations."""
    column = next((each.focal for each in model.simple_effects if each.name == focal), None)
    if not isinstance(column, Column):
        return np.linspace(-2, 2, POINTS)
    values = predictor_values(model, draws, column, POINTS)
    return values - typical_value(model, draws, column) if column in model.centered else values


def _is_about(model: Model, printed: str, outcome: str) -> bool:
    """Whether a printed outcome, `y`, `logit(y)` or `y: y.2`, is the one meant by `y` or by its printed form."""
    headings = {outcome_heading(model, each) for each in model.equations if each.name == outcome}
    return printed == outcome or printed.partition(": ")[0] in {outcome, *headings}
