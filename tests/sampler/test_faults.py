"""What is said when a chain stops."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from joint_model.simulated import resolved

from blimp2pymc.sampler.chain import sweep
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.plan.rules import plan
from blimp2pymc.sampler.tables.parameter_tables import KERNEL_CODES


@pytest.mark.parametrize(
    ("script", "hint"),
    [
        ("LATENT: f g; MODEL: f -> x1:x3; g -> m1 m2 m.1; f ~~ g; y ~ f g", "near 1 of 'f', 'g': flat priors"),
        ("MODEL: y ~ x3 x4", "look for predictors that are constant"),
    ],
)
def test_latent_predictors_are_named_where_coefficients_have_no_distribution(script: str, hint: str) -> None:
    model = resolved(script)
    chosen = plan(model)
    steps = [each for each in chosen.updates if each.kernel in KERNEL_CODES]
    (place,) = (k for k, each in enumerate(steps) if each.kernel == "coefficients" and each.equations == ("y",))
    stopped = SimpleNamespace(
        layout=SimpleNamespace(plan=chosen, model=model), state=SimpleNamespace(fault=(sweep.COEFFICIENTS, place))
    )
    (finding,) = ChainRun.failure(stopped, "in iteration 3").findings  # type: ignore[arg-type]
    assert hint in finding.hint
    assert finding.span is not None and finding.span.text.startswith("y")
