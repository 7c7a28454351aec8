"""Figure of predicted category probabilities: how likely every category of an outcome is over one predictor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.category_probabilities import category_probabilities, outcome_and_predictors
from blimp2pymc.summary.plots import panels_of
from blimp2pymc.summary.plotted_values import predictor_settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 41
"""Points of a curve."""


def plot_category_probabilities(model: Model, draws: Draws, outcome: str, predictor: str | None = None) -> Figure:
    """One panel per predictor, one curve with a 95 % band per category.

    Raises
    ------
    BlimpError
        When the outcome has no categories, or no such predictor.
    """
    equations, by_name = outcome_and_predictors(model, outcome, predictor)
    figure, drawn = panels_of(len(by_name))
    for panel, (name, columns) in zip(drawn, by_name.items(), strict=True):
        x, settings = predictor_settings(model, draws, columns, POINTS)
        are_codes = len(x) < POINTS
        for code, probability in category_probabilities(model, draws, equations, settings).items():
            lower, middle, upper = np.quantile(probability, (0.025, 0.5, 0.975), axis=0)
            [line] = panel.plot(x, middle, label=f"{outcome} = {code:g}", marker="o" if are_codes else "")
            if are_codes:
                panel.vlines(x, lower, upper, color=line.get_color(), alpha=0.5, linewidth=3)
            else:
                panel.fill_between(x, lower, upper, color=line.get_color(), alpha=0.15)
        if are_codes:
            panel.set_xticks(x, [f"{code:g}" for code in x])
        panel.set_ylim(0, 1)
        panel.set_xlabel(name)
        panel.set_ylabel("probability")
        panel.legend(fontsize="small")
    return figure
