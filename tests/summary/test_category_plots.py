"""Curves of category probabilities, shares of categories, and bars of imputed categories."""

from __future__ import annotations

import numpy as np
import pytest
from summary.families import one_outcome
from summary.synthetic_draws import synthetic_draws

from blimp2pymc import fit
from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import Column
from blimp2pymc.summary.category_plots import plot_category_probabilities
from blimp2pymc.summary.category_probabilities import category_probabilities, category_table
from blimp2pymc.summary.category_shares import category_shares, share_lines
from blimp2pymc.summary.plots import plot_imputations

pytest.importorskip("matplotlib")


def test_ordinal_probabilities_over_a_predictor() -> None:
    stats = pytest.importorskip("scipy.stats")
    model = one_outcome("probit")
    draws = synthetic_draws(model)
    x = np.array([-1.0, 0.5])
    found = category_probabilities(model, draws, model.equations, {Column("x"): x})
    assert list(found) == [1.0, 2.0, 5.0]
    b0, bx, bg, tau = (
        draws.parameter(name).reshape(-1, 1) for name in ("y ~ Intercept", "y ~ x", "y ~ g", "y threshold 2")
    )
    eta = b0 + bx * x + bg * model.data["g"].mean()
    np.testing.assert_allclose(found[1.0], stats.norm.cdf(-eta))
    np.testing.assert_allclose(found[5.0], stats.norm.sf(tau - eta))
    np.testing.assert_allclose(sum(found.values()), 1.0)


@pytest.mark.parametrize("family", ["logit", "multinomial"])
def test_logit_probabilities_over_a_predictor(family: str) -> None:
    model = one_outcome(family)
    draws = synthetic_draws(model)
    x = np.array([0.0, 1.0])
    found = category_probabilities(model, draws, model.equations, {Column("g"): x})
    labels = ["y"] if family == "logit" else ["y.2", "y.4"]
    odds = []
    for label in labels:
        b0, bx, bg = (draws.parameter(f"{label} ~ {name}").reshape(-1, 1) for name in ("Intercept", "x", "g"))
        odds.append(np.exp(b0 + bx * model.data["x"].mean() + bg * x))
    assert list(found) == list(model.variables["y"].categories)
    for code, each in zip(model.variables["y"].categories, [1.0, *odds], strict=True):
        np.testing.assert_allclose(found[code], each / (1 + sum(odds)))


def test_figure_has_a_panel_for_each_predictor_and_a_curve_for_each_category() -> None:
    model = one_outcome("probit")
    draws = synthetic_draws(model)
    panels = [each for each in plot_category_probabilities(model, draws, "y").axes if each.get_visible()]
    assert [each.get_xlabel() for each in panels] == ["g", "x"]
    assert [line.get_label() for line in panels[0].lines] == ["y = 1", "y = 2", "y = 5"]
    assert list(panels[0].lines[0].get_xdata()) == [0.0, 1.0]
    [panel] = plot_category_probabilities(model, draws, "y", "x").axes
    center, spread = model.data["x"].mean(), model.data["x"].std(ddof=1)
    assert panel.lines[0].get_xdata()[[0, -1]] == pytest.approx([center - 2 * spread, center + 2 * spread])


def test_table_has_codes_and_deviations_from_the_mean() -> None:
    model = one_outcome("probit")
    draws = synthetic_draws(model)
    table = category_table(model, draws, "y")
    x = model.data["x"]
    assert list(dict.fromkeys(table.index.get_level_values("predictor"))) == ["g", "x"]
    assert list(dict.fromkeys(table.loc["g"].index.get_level_values("value"))) == [0, 1]
    values = list(dict.fromkeys(table.loc["x"].index.get_level_values("value")))
    assert values == pytest.approx([x.mean() - x.std(ddof=1), x.mean(), x.mean() + x.std(ddof=1)])
    found = category_probabilities(model, draws, model.equations, {Column("g"): np.array([1.0])})
    for code, each in found.items():
        row = table.loc["g", 1.0, code]
        assert list(row) == pytest.approx([np.median(each), each.std(ddof=1), *np.quantile(each, (0.025, 0.975))])
    assert table.loc["x"].equals(category_table(model, draws, "y", "x").loc["x"])


def test_nominal_predictors_have_their_codes() -> None:
    script = "ORDINAL: y; NOMINAL: n(2); MODEL: y ~ n w; SEED: 1; BURN: 20; ITERATIONS: 40; CHAINS: 2;"
    rng = np.random.default_rng(0)
    data = {"y": rng.integers(0, 2, 90), "n": rng.integers(1, 4, 90), "w": rng.normal(size=90)}
    drawn = fit(script, data, progressbar=False)
    table = drawn.category_probabilities("y", "n")
    assert list(table.loc["n"].index.unique("value")) == [1, 2, 3]
    b0, b1, w = (drawn.draws.parameter(f"y ~ {name}").ravel() for name in ("Intercept", "n.1", "w"))
    stats = pytest.importorskip("scipy.stats")
    for code, eta in ((2.0, b0), (1.0, b0 + b1)):
        expected = np.median(stats.norm.cdf(eta + w * data["w"].mean()))
        assert table.loc[("n", code, 1.0), "median"] == pytest.approx(expected)
    [panel] = drawn.plot_category_probabilities("y", "n").axes
    assert [each.get_text() for each in panel.get_xticklabels()] == ["1", "2", "3"]


def test_mistakes_are_named() -> None:
    model = one_outcome("probit")
    draws = synthetic_draws(model)
    with pytest.raises(BlimpError, match="'x' is not an outcome with categories"):
        plot_category_probabilities(model, draws, "x")
    with pytest.raises(BlimpError, match="'z' is not a predictor of 'y'"):
        plot_category_probabilities(model, draws, "y", "z")


def test_shares_of_observed_and_completed_cells() -> None:
    model = one_outcome("multinomial")
    draws = synthetic_draws(model)
    shares = category_shares(model, draws)
    assert [(each.variable, each.code) for each in shares] == [("y", 1.0), ("y", 2.0), ("y", 4.0)]
    observed = model.data["y"][~np.isnan(model.data["y"])]
    imputed = draws.imputations.values["y"]
    for each in shares:
        assert each.observed == pytest.approx(np.mean(observed == each.code))
        total = np.sum(observed == each.code) + np.mean(np.sum(imputed == each.code, axis=1))
        assert each.completed == pytest.approx(total / len(model.data["y"]))
    assert sum(each.completed for each in shares) == pytest.approx(1)
    assert len(share_lines(model, draws)) == 4 + len(shares)
    assert share_lines(one_outcome("normal"), synthetic_draws(one_outcome("normal"))) == []


def test_imputed_categories_are_drawn_as_bars() -> None:
    model = one_outcome("probit")
    [panel] = plot_imputations(model, synthetic_draws(model)).axes
    assert [each.get_text() for each in panel.get_xticklabels()] == ["1", "2", "5"]
    heights = [bar.get_height() for bar in panel.patches]
    assert sum(heights[:3]) == pytest.approx(1)
    assert sum(heights[3:]) == pytest.approx(1)
