"""What the linear predictor of an equation is the mean of: the outcome, its latent response or its working response."""

from __future__ import annotations

from dataclasses import replace

from blimp2pymc.joint_model.families import LATENT_RESPONSES
from blimp2pymc.joint_model.ir import Column, Equation, Form

WORKING_FAMILIES = ("logit", "negative_binomial")
"""Families whose linear predictor is the mean of a working response, with a weight of its own in every row."""


def described_column(equation: Equation) -> Column:
    """The column whose mean an equation states: latent or working response, transformed value, or the outcome."""
    if equation.family in LATENT_RESPONSES:
        return replace(equation.outcome, form=Form.LATENT_RESPONSE)
    if equation.family in WORKING_FAMILIES:
        return replace(equation.outcome, form=Form.WORKING_RESPONSE)
    return equation.scale
