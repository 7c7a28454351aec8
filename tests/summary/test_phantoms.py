"""Residuals without their phantom variables, and the printed lines of correlations from phantom variables."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from joint_model.simulated import resolved

from blimp2pymc.joint_model.ir import Role
from blimp2pymc.summary.outcome_rows import covariance_rows
from blimp2pymc.summary.residual_correlations import residual_correlation_rows, unique_products

N_ROWS, SIZE = 80, 20_000
LOADINGS = np.array([[0.6, 0.4, 0.0], [0.5, 0.0, 0.7], [0.0, -0.3, 0.5]])
"""Standardised, of m1, m2 and y on the phantom variables of (m1, m2), (m1, y) and (m2, y)."""
VARIANCES = np.array([1.5, 2.0, 0.8])


def constant_draws(products: np.ndarray) -> SimpleNamespace:
    """Draws that are all the same, of a model in which m1, m2 and y are correlated by phantom variables."""
    correlation = LOADINGS @ LOADINGS.T
    values = {f"{name} residual variance": each for name, each in zip(("m1", "m2", "y"), VARIANCES, strict=True)}
    for column, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
        first, second = np.array(["m1", "m2", "y"])[[i, j]]
        values[f"{first} ~~ {second}"] = correlation[i, j]
        for place, name in ((i, first), (j, second)):
            values[f"phantom {first} {second} loading of {name}"] = LOADINGS[place, column]
    places = {"m1": 0, "m2": 1, "y": 2}
    full = lambda value: np.full((1, SIZE), value)  # noqa: E731
    return SimpleNamespace(
        n_chains=1, n_draws=SIZE, seed=3, parameter=lambda name: full(values[name]),
        statistic=lambda kind, a, b: full(products[places[a.variable], places[b.variable]]),
    )  # fmt: skip


def test_cross_products_without_phantom_variables_are_those_of_drawn_rows() -> None:
    model, rng = resolved("OPTIONS: use_phantom; MODEL: m1 ~~ m2; m1 m2 ~~ y;"), np.random.default_rng(1)
    assert model.frame.n_rows == N_ROWS
    loading = LOADINGS * np.sqrt(VARIANCES)[:, None]
    unique = np.diag(VARIANCES * (1 - (LOADINGS**2).sum(axis=1)))
    covariance = loading @ loading.T + unique
    rows = rng.normal(size=(N_ROWS, 3)) @ np.linalg.cholesky(covariance).T
    equations = sorted((each for each in model.equations if each.role is Role.OUTCOME), key=lambda each: each.name)
    ours = unique_products(model, constant_draws(rows.T @ rows), equations, rng)[0]

    weights = loading.T @ np.linalg.inv(covariance)
    factor = np.linalg.cholesky(np.eye(3) - weights @ loading)
    left = rows - (rows @ weights.T + rng.normal(size=(4000, N_ROWS, 3)) @ factor.T) @ loading.T
    expected = np.einsum("dni,dnj->dij", left, left)
    for i, j in zip(*np.tril_indices(3), strict=True):
        spread = expected[:, i, j].std()
        assert ours[:, i, j].mean() == pytest.approx(expected[:, i, j].mean(), abs=0.08 * spread)
        assert ours[:, i, j].std() == pytest.approx(spread, rel=0.06)


def test_lines_of_correlations() -> None:
    model = resolved("OPTIONS: use_phantom; MODEL: m1 ~~ m2; m1 m2 ~~ y;")
    (block,) = model.blocks
    found = covariance_rows(model, constant_draws(np.eye(3)), block)
    assert [(each.outcome, each.section) for each in found] == [
        (f"{pair[0]} <-> {pair[1]}", "Phantom Correlations") for pair in (("m1", "m2"), ("m1", "y"), ("m2", "y"))
    ]
    assert [each.draws[0, 0] for each in found] == pytest.approx([0.3, -0.12, 0.35])


def test_nothing_is_left_apart_where_others_of_the_block_have_no_phantom_variable() -> None:
    model = resolved("OPTIONS: use_phantom; MODEL: m1 ~~ m2@r; m1 ~~ y@r; m2 ~~ y;")
    assert model.blocks[0].parameterisation == "phantom"
    assert not residual_correlation_rows(model, constant_draws(np.eye(3)))
    model = resolved("OPTIONS: use_phantom; MODEL: m1 ~~ m2@0; m1 ~~ y@0; m2 ~~ y;")
    assert len(residual_correlation_rows(model, constant_draws(np.eye(3)))) == 3
