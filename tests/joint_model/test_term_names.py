"""Equations as they are printed: fixed values behind `@`, and intercepts that are 0."""

from __future__ import annotations

import pytest
from joint_model.simulated import resolved

from blimp2pymc.joint_model.term_names import terms_text


@pytest.mark.parametrize(
    ("script", "outcome", "text"),
    [
        ("MODEL: y ~ x3 x4@.5;", "y", "Intercept x3 x4@0.5"),
        ("MODEL: y ~ 1@0 x3;", "y", "Intercept@0 x3"),
        ("MODEL: y ~ x3*x4 1@-3;", "y", "Intercept@-3 x3*x4"),
        ("LATENT: f; MODEL: f -> x1 x2 y;", "f", "Intercept@0"),
        ("LATENT: f; MODEL: f -> x1 x2 y;", "x1", "Intercept f@1"),
        ("LATENT: f; MODEL: f ~ x3; f -> x1 x2 y;", "f", "x3"),
        ("LATENT: f; MODEL: f ~ 1; x1 ~ 1@f; x2 ~ 1@f; y ~ f;", "x1", "f@1"),
    ],
)
def test_right_side(script: str, outcome: str, text: str) -> None:
    model = resolved(script)
    [equation] = [each for each in model.equations if each.name == outcome]
    assert terms_text(model, equation) == text
