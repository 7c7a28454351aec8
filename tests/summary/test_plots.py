"""Figures show what they say, and mistakes are explained."""

from __future__ import annotations

import numpy as np
import pytest
from hand_built import correlated_mediators, interaction
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.errors import BlimpError
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.summary.fit import Fit, fit

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def result() -> Fit:
    model = interaction()
    return Fit(model, plan(model), synthetic_draws(model))


def titles(figure) -> list[str]:
    """Titles of the visible panels."""
    return [each.get_title().splitlines()[0] for each in figure.axes if each.get_visible()]


def test_trace_of_all_free_parameters(result):
    assert titles(result.plot_trace()) == list(result.model.parameters)


def test_parameters_by_either_name(result):
    figure = result.plot_trace("y ~ x2", "y_coefficient[x2]", "twice")
    assert titles(figure) == ["y ~ x2", "y_coefficient[x2]", "twice"]
    lines = [panel.lines[0].get_ydata() for panel in figure.axes[:2]]
    np.testing.assert_array_equal(*lines)
    np.testing.assert_array_equal(lines[0], result.draws.parameter("y ~ x2")[0])


def test_posterior_states_median_and_interval(result):
    [panel] = result.plot_posterior("b1").axes
    values = result.draws.parameter("b1")
    assert f"{np.median(values):.3f}" in panel.get_title()


def test_imputations(result):
    figure = result.plot_imputations("x1")
    assert titles(figure) == ["x1: 15 of 120 missing"]
    assert len(titles(result.plot_imputations())) == 3


def test_conditional_effects(result):
    [panel] = result.plot_conditional_effects().axes
    assert [each.get_label() for each in panel.lines] == ["x2 @ +1 SD", "x2 @ 0", "x2 @ -1 SD"]
    middle = panel.lines[1]
    x, y = middle.get_data()
    b0, b1 = (result.draws.parameter(name).ravel() for name in ("y ~ Intercept", "b1"))
    np.testing.assert_allclose(y, np.median(b0[:, None] + b1[:, None] * x, axis=0))


BINARY_FOCAL = """
ORDINAL: b g;  NOMINAL: n;
MODEL: logit(b) ~ g w g*w; n ~ g w g*w;
SIMPLE: g | w;
SEED: 1;  BURN: 50;  ITERATIONS: 100;  CHAINS: 2;
"""


def test_conditional_effects_of_a_category_go_from_code_to_code():
    rng = np.random.default_rng(0)
    data = {
        "w": rng.normal(size=90),
        "g": np.arange(90) % 2.0,
        "b": rng.integers(0, 2, 90),
        "n": rng.integers(1, 4, 90),
    }
    drawn = fit(BINARY_FOCAL, data, progressbar=False)
    assert len(drawn.plot_conditional_effects().axes) == 3
    for name, labels in (("b", ["logit(b)"]), ("logit(b)", ["logit(b)"]), ("n", ["n: n.2", "n: n.3"])):
        panels = drawn.plot_conditional_effects(name).axes
        assert [each.get_ylabel() for each in panels] == labels
        assert list(panels[0].lines[0].get_xdata()) == [0, 1]
    with pytest.raises(BlimpError, match="'w' is not an outcome with conditional effects"):
        drawn.plot_conditional_effects("w")


def test_mistakes(result):
    with pytest.raises(BlimpError, match="'b9' is not a parameter"):
        result.plot_posterior("b9")
    with pytest.raises(BlimpError, match="'d' is not an incomplete variable"):
        result.plot_imputations("d")
    model = correlated_mediators()
    with pytest.raises(BlimpError, match="no conditional effects"):
        Fit(model, plan(model), synthetic_draws(model)).plot_conditional_effects()
