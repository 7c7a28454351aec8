"""Latent variables in the sampler: exact scores, recovery, orientation, starting values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sampler.chains import chain, free_parameters
from sampler.joint_density import log_joint

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.sampler.plan.rules import plan


def factors(n: int = 300, seed: int = 3, missing: float = 0.1) -> pd.DataFrame:
    """Two correlated factors with three items each (x1:x3, m1:m3), their product, and outcomes y, z1:z3."""
    rng = np.random.default_rng(seed)
    f = rng.normal(size=n)
    g = 0.5 * f + np.sqrt(0.75) * rng.normal(size=n)
    columns = {f"x{k}": 1 + size * f + rng.normal(0, 0.6, n) for k, size in zip((1, 2, 3), (1, 0.8, 1.2), strict=True)}
    columns |= {f"m{k}": size * g + rng.normal(0, 0.6, n) for k, size in zip((1, 2, 3), (0.9, -0.7, 1.1), strict=True)}
    columns["y"] = 2 + 0.5 * f + 0.3 * g + 0.4 * f * g + rng.normal(size=n)
    columns["w"] = rng.normal(size=n)
    for name in ("x2", "m3", "y"):
        columns[name][rng.random(n) < missing] = np.nan
    return pd.DataFrame({**columns, "true_f": f, "true_g": g})


MEASUREMENT = "LATENT: f g; MODEL: f ~~ g; f -> x1:x3; g -> m1:m3;"


def draws_of(script: str, data: pd.DataFrame, **options: int) -> tuple[Model, Draws]:
    model = resolve(script, data)
    settings = {"draws": 1500, "burn": 500, "chains": 2, "seed": 5} | options
    return model, sample(model, plan(model), **settings)


# ---------------------------------------------------------------- exact results


def test_scores_are_the_regression_scores_when_parameters_are_known() -> None:
    data = factors(40, missing=0.0)
    data.loc[3, ["x1", "x3"]] = np.nan
    data.loc[7, ["x1", "x2", "x3"]] = np.nan
    script = "LATENT: f; MODEL: f@2; x1 ~ 1@1 f@1; x2 ~ 1@1 f@.8; x3 ~ 1@1 f@1.2; x1@.4; x2@.5; x3@.3; y ~ 1;"
    _, found = draws_of(script, data, draws=4000, burn=10)
    loadings, errors, center = np.array([1, 0.8, 1.2]), np.array([0.4, 0.5, 0.3]), 1.0
    for row in range(len(data)):
        values = data.loc[row, ["x1", "x2", "x3"]].to_numpy(float)
        seen = ~np.isnan(values)
        precision = 1 / 2.0 + np.sum(loadings[seen] ** 2 / errors[seen])
        mean = np.sum(loadings[seen] * (values[seen] - center) / errors[seen]) / precision
        assert abs(found.cell_mean["f"][row] - mean) < 5 / np.sqrt(precision * 8000 / 3)
        assert found.cell_variance["f"][row] == pytest.approx(1 / precision, rel=0.15)


def test_estimates_recover_an_interaction_of_latent_variables() -> None:
    data = factors(1500, seed=11)
    _, found = draws_of(f"{MEASUREMENT} y ~ f g f*g;", data, draws=3000, burn=500)
    true = {
        "f residual variance": 1.0, "g residual variance": 0.81, "f ~~ g": 0.5, "x2 ~ f": 0.8, "x3 ~ f": 1.2,
        "m2 ~ g": -0.7 / 0.9, "m3 ~ g": 1.1 / 0.9, "y ~ Intercept": 2.0, "y ~ f": 0.5, "y ~ g": 0.3 / 0.9,
        "y ~ f*g": 0.4 / 0.9, "y residual variance": 1.0, "x1 residual variance": 0.36,
    }  # fmt: skip
    for name, value in true.items():
        values = found.parameter(name)
        assert abs(values.mean() - value) < 4 * values.std(), name
    assert np.corrcoef(found.cell_mean["f"], data["true_f"])[0, 1] > 0.9
    assert np.abs(found.parameter("f ~~ g")[0].mean() - found.parameter("f ~~ g")[1].mean()) < 0.02


def test_growth_is_recovered() -> None:
    rng = np.random.default_rng(2)
    n = 800
    level, change = rng.normal(3, 1, n), rng.normal(0.5, 0.5, n)
    data = pd.DataFrame({f"y{t}": level + t * change + rng.normal(0, 0.7, n) for t in range(4)})
    data.loc[rng.random(n) < 0.2, "y3"] = np.nan
    script = "LATENT: a b; MODEL: 1 -> a b; a ~~ b; { t in 0:3 } : y[t] ~ 1@0 a@1 b@[t]; y0:y3@v;"
    _, found = draws_of(script, data, draws=4000)
    for name, value in {
        "a ~ Intercept": 3.0, "b ~ Intercept": 0.5, "a residual variance": 1.0, "b residual variance": 0.25, "v": 0.49,
        "a ~~ b": 0.0,
    }.items():  # fmt: skip
        values = found.parameter(name)
        assert abs(values.mean() - value) < 4 * values.std(), name


# ---------------------------------------------------------------- orientation


@pytest.mark.parametrize("seed", range(20))
def test_no_chain_starts_in_a_mirror_image(seed: int) -> None:
    """The bounded loading away from zero, and the item with a negative loading negative, from every seed."""
    script = (
        "LATENT: f g; MODEL: f@1; g@1; f ~~ g; f -> x1@lf x2 x3; g -> m1@lg m2 m3; y ~ f g f*g;"
        "PARAMETERS: lf ~ truncate(0, Inf); lg ~ truncate(0, Inf);"
    )
    model, found = draws_of(script, factors(), draws=150, burn=150, chains=1, seed=seed)
    assert model.parameters["lf"].prior.lower == 0
    for name, sign in (("lf", 1), ("lg", 1), ("x2 ~ f", 1), ("m2 ~ g", -1), ("m3 ~ g", 1), ("f ~~ g", 1)):
        assert (sign * found.parameter(name)).mean() > 0.2, name


@pytest.mark.parametrize("seed", range(4))
def test_factor_without_bounds_is_oriented_by_its_first_loading(seed: int) -> None:
    script = "LATENT: g f; MODEL: f@1; g@1; f ~~ g; f -> x1@a x2 x3; g -> m2@c m1 m3; y ~ f g f*g;"
    model, found = draws_of(script, factors(), draws=200, burn=100, chains=1, seed=seed)
    anchors = {each.anchor for each in plan(model).reflections}
    assert anchors == {"a", "m1 ~ g"}
    for anchor in anchors:
        assert found.parameter(anchor).min() > 0
    assert found.parameter("c").mean() < -0.2
    assert found.parameter("f ~~ g").mean() > 0.2
    assert np.corrcoef(found.cell_mean["g"], factors()["true_g"])[0, 1] > 0.8


@pytest.mark.parametrize(
    "script, expected",
    [
        ("LATENT: f; MODEL: f -> x1:x3;", []),
        ("LATENT: f; MODEL: f@1; f -> x1@a x2 x3; PARAMETERS: a ~ truncate(0, Inf);", []),
        ("LATENT: f; MODEL: f@1; f -> x1@a x2 x3; PARAMETERS: a ~ normal(1, 4);", []),
        ("LATENT: f; MODEL: f@1; f -> x1@a x2 x3; PARAMETERS: a ~ normal(0, 4);", [("a", {"a", "x2 ~ f", "x3 ~ f"})]),
        ("LATENT: f; MODEL: f@1; f -> x1@a x2 x3; f ~ w;", [("a", {"a", "x2 ~ f", "x3 ~ f", "f ~ w"})]),
        (
            "LATENT: f g; MODEL: f@1; f -> x1@a x2 x3; g -> m1:m3; f ~~ g; y ~ f g f*g f^2;",
            [("a", {"a", "x2 ~ f", "x3 ~ f", "f ~~ g", "y ~ f", "y ~ f*g"})],
        ),
        ("LATENT: f g; MODEL: f@1; f -> x1@a x2 x3; g ~ f@1; g -> m1@c m2 m3;",
         [("c", {"a", "x2 ~ f", "x3 ~ f", "c", "m2 ~ g", "m3 ~ g"})]),
    ],
)  # fmt: skip
def test_reflections_are_those_that_change_no_density(script: str, expected: list) -> None:
    found = plan(resolve(script, factors())).reflections
    assert [(each.anchor, set(each.parameters)) for each in found] == expected


def test_reflection_leaves_the_joint_density_as_it_is() -> None:
    script = (
        "LATENT: f g; MODEL: f@1; f -> x1@a x2 x3; g@1; g -> m1@c m2 m3; f ~~ g; y ~ f g f*g f^2 w w*f; w ~ 1; f ~ w;"
    )
    run = chain(resolve(script, factors(60)))
    model, values = run.layout.model, run.completed()
    parameters = free_parameters(run)
    before = log_joint(model, parameters, values)
    assert len(run.layout.plan.reflections) == 2
    for each in run.layout.plan.reflections:
        turned = {name: -value if name in each.parameters else value for name, value in parameters.items()}
        flipped = {
            name: -value if name in {c.variable for c in each.latent} else value for name, value in values.items()
        }
        assert log_joint(model, turned, flipped) == pytest.approx(before, rel=1e-10)
        some = {name: -value if name == each.anchor else value for name, value in parameters.items()}
        assert log_joint(model, some, values) != pytest.approx(before, rel=1e-6)
    assert plan(model, aligned=False).reflections == ()
