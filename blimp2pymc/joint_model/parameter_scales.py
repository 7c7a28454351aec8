"""On which scale each parameter lives, in words: what one unit of it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from blimp2pymc.joint_model import ir

SCALES: Mapping[str, Callable[[ir.Equation], str]] = {
    "normal": lambda equation: equation.written or equation.name,
    "probit": lambda equation: f"{equation.name}.latent",
    "multinomial_probit": lambda equation: f"{equation.outcome.name}.latent",
    "logit": lambda equation: f"log odds of {equation.outcome.name}",
    "negative_binomial": lambda equation: f"log of mean {equation.name}",
}
"""Family -> scale of the linear predictor."""


def parameter_scales(model: ir.Model) -> dict[str, str]:
    """Parameter -> its scale; of a parameter that occurs in several equations, that of the first."""
    scales: dict[str, str] = {}
    for equation in sorted(model.equations, key=lambda each: each.order):
        linear = SCALES[equation.family](equation)
        own: dict[str | None, str] = {term.coefficient: linear for term in equation.terms}
        own |= {term.coefficient: f"log of variance of {linear}" for term in equation.variance_terms}
        own |= dict.fromkeys(equation.thresholds, linear)
        own[equation.residual_variance] = f"variance of {linear}"
        own[equation.dispersion] = f"variance of {equation.name} per squared mean"
        if equation.transform is not None:
            own[equation.transform.parameter] = f"power of {equation.name}"
        for name, scale in own.items():
            if name is not None:
                scales.setdefault(name, scale)
    for block in model.blocks:
        for name in block.correlations.values():
            scales.setdefault(name, "correlation")
    return scales
