"""Transformed outcomes: lambda and imputed values against densities integrated on grids."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from blimp2pymc.joint_model.evaluate import inverse_yeo_johnson, yeo_johnson
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.sampler.plan.rules import plan


def skewed(n: int = 150, seed: int = 4) -> pd.DataFrame:
    """An outcome that is normal given x after Yeo-Johnson with lambda .4, in a scale far from 1."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return pd.DataFrame({"x": x, "y": 9 + inverse_yeo_johnson(4 + 2 * x + 2 * rng.normal(size=n), np.asarray(0.4))})


def drawn(script: str, data: pd.DataFrame, *, collapsed: bool = True, draws: int = 3000) -> Draws:
    model = resolve(f"SEED: 5; {script}", data)
    return sample(model, plan(model, collapsed=collapsed), draws=draws, burn=500, chains=2, log_likelihood=False)


def lambda_on_a_grid(data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Grid of lambda, its posterior probabilities, and the slope's posterior mean at each, flat priors throughout."""
    grid = np.linspace(0.001, 1.999, 4001)
    u = data["y"].to_numpy() - 9
    design = np.column_stack([np.ones(len(u)), data["x"]])
    z = np.array([yeo_johnson(u, np.asarray(power)) for power in grid]).T
    coefficients, squares, *_ = np.linalg.lstsq(design, z, rcond=None)
    # a flat variance: IG(-1, 0)
    log_density = grid * (np.sign(u) * np.log1p(np.abs(u))).sum() - (0.5 * (len(u) - 2) - 1) * np.log(squares)
    probability = np.exp(log_density - log_density.max())
    return grid, probability / probability.sum(), coefficients[1]


def test_lambda_has_the_posterior_of_the_grid() -> None:
    data = skewed()
    grid, probability, slopes = lambda_on_a_grid(data)
    result = drawn("MODEL: yjt(y - 9, power) ~ x;", data)
    power, slope = result.parameter("power"), result.parameter("yjt(y-9,power) ~ x")
    mean, slope_mean = probability @ grid, probability @ slopes
    deviation = np.sqrt(probability @ (grid - mean) ** 2)
    assert power.mean() == pytest.approx(mean, abs=0.1 * deviation)
    assert power.std() == pytest.approx(deviation, rel=0.07)
    assert slope.mean() == pytest.approx(slope_mean, abs=0.1 * slope.std())


def test_integrating_out_draws_from_the_same_posterior_and_faster() -> None:
    data = skewed()
    grid, probability, _ = lambda_on_a_grid(data)
    plain = drawn("MODEL: yjt(y - 9, power) ~ x;", data, collapsed=False, draws=20000).parameter("power")
    mean = probability @ grid
    deviation = np.sqrt(probability @ (grid - mean) ** 2)
    assert plain.mean() == pytest.approx(mean, abs=0.4 * deviation)
    together = drawn("MODEL: yjt(y - 9, power) ~ x;", data).parameter("power")
    assert _lag_correlation(together) < 0.35
    assert _lag_correlation(plain) > 0.6


def _lag_correlation(draws: np.ndarray) -> float:
    return float(np.mean([np.corrcoef(chain[:-1], chain[1:])[0, 1] for chain in draws]))


@pytest.mark.parametrize(
    ("outcome", "turned", "lower"),
    [
        ("ln(y)", np.exp, -8.0),
        ("sqrt(y)", np.square, 0.0),
        ("1/(y + 1)", lambda z: 1 / z - 1, 0.0),
        ("yjt(y, 0.3)", lambda z: inverse_yeo_johnson(z, np.asarray(0.3)), -8.0),
    ],
)
def test_imputed_values_that_predict_have_the_posterior_of_a_grid(outcome, turned, lower) -> None:
    u = np.linspace(-1.0, 3.0, 5)
    table = pd.DataFrame({"y": [*np.full(5, np.nan), 0.4, 0.9, 1.3, 2.0, 3.1], "u": [*u, 1.0, 0.2, 1.4, 0.8, 2.2]})
    # v gives the chain something to draw beside the missing values
    fixed = drawn(f"MODEL: {outcome} ~ 1@.6; y@.5; u ~ 1@.2 y@.5; u@.5; v ~ 1;", table.assign(v=np.arange(10.0)))
    z = np.linspace(lower, 8.0, 40001)[1:]
    y = turned(z)
    for cell, value in enumerate(u):
        density = np.exp(-0.5 * (z - 0.6) ** 2 / 0.5 - 0.5 * (value - 0.2 - 0.5 * y) ** 2 / 0.5)
        density /= density.sum()
        mean = density @ np.nan_to_num(y)
        deviation = np.sqrt(density @ (np.nan_to_num(y) - mean) ** 2)
        assert fixed.cell_mean["y"][cell] == pytest.approx(mean, abs=0.1 * deviation)
        assert fixed.cell_variance["y"][cell] == pytest.approx(deviation**2, rel=0.2)


def test_an_imputed_outcome_that_predicts_nothing_is_a_prediction() -> None:
    table = pd.DataFrame({"y": [np.nan, np.nan, 1.0, 2.0, 3.0], "x": [0.0, 1.0, 0.0, 1.0, 2.0]})
    result = drawn("MODEL: ln(y) ~ 1@.2 x@.3; y@.25; w ~ 1;", table.assign(w=np.arange(5.0)), draws=20000)
    means = np.exp(0.2 + 0.3 * np.array([0.0, 1.0]) + 0.25 / 2)
    np.testing.assert_allclose(result.cell_mean["y"], means, rtol=0.02)
    np.testing.assert_allclose(result.cell_variance["y"], means**2 * np.expm1(0.25), rtol=0.08)


def test_missing_outcomes_within_limits_say_nothing_about_parameters() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=60)
    y = np.square(1.0 + 0.4 * x + 0.4 * rng.normal(size=60))
    some = pd.DataFrame({"x": x, "y": y})
    more = pd.concat([some, pd.DataFrame({"x": rng.normal(-1.0, 1.0, 60), "y": np.nan})], ignore_index=True)
    script = "FIXED: x; MODEL: sqrt(y) ~ x;"
    fitted = [drawn(script, data, collapsed=collapsed, draws=6000) for data, collapsed in
              ((some, True), (more, True), (more, False))]  # fmt: skip
    for name in ("sqrt(y) ~ Intercept", "sqrt(y) ~ x", "sqrt(y) residual variance"):
        expected, *others = (each.parameter(name) for each in fitted)
        for each in others:
            assert each.mean() == pytest.approx(expected.mean(), abs=0.07 * expected.std())
            assert each.std() == pytest.approx(expected.std(), rel=0.05)


def test_an_imputed_outcome_within_limits_is_a_truncated_prediction() -> None:
    table = pd.DataFrame({"y": [np.nan, np.nan, 1.0, 2.0, 3.0], "x": [0.0, 1.0, 0.0, 1.0, 2.0]})
    result = drawn("MODEL: sqrt(y) ~ 1@.1 x@.3; y@.5; w ~ 1;", table.assign(w=np.arange(5.0)), draws=20000)
    root = np.linspace(0.0, 6.0, 20001)
    for cell, mean in enumerate((0.1, 0.4)):
        density = np.exp(-0.5 * (root - mean) ** 2 / 0.5)
        expected = density @ root**2 / density.sum()
        assert result.cell_mean["y"][cell] == pytest.approx(expected, rel=0.03)


def test_outcome_that_is_centered_elsewhere() -> None:
    data = skewed()
    data["z"] = data["y"] + np.random.default_rng(1).normal(size=len(data))
    result = drawn("CENTER: y; MODEL: yjt(y - 9) ~ x; z ~ y;", data, draws=1500)
    [name] = [each for each in result.parameter_names if each.startswith("y") and each.endswith("mean")]
    mean = result.parameter(name)
    assert mean.mean() == pytest.approx(data["y"].mean(), abs=0.15 * mean.std())
    assert mean.std() == pytest.approx(data["y"].std() / np.sqrt(len(data)), rel=0.1)
