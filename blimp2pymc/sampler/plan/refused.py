"""Why a model cannot be sampled, for `check`, which has no time for a plan where none is needed to know."""

from __future__ import annotations

from dataclasses import replace

from blimp2pymc.errors import BlimpError, Finding
from blimp2pymc.joint_model.inside_functions import inside
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.plan.unsupported import unsupported


def refused(model: Model) -> list[Finding]:
    """What can be translated but not sampled, as warnings.

    Parameters without a kernel of their own, inside functions of variables or as lambda beside a modelled variance,
    are the only ones that a plan refuses; it is made for models that have such.
    """
    found = unsupported(model)
    if not found and _needs_plan(model):
        from blimp2pymc.sampler.plan.rules import plan

        try:
            plan(model)
        except BlimpError as trouble:
            found = list(trouble.findings)
    text = "this can be translated, but not sampled: {}"
    return [replace(each, message=text.format(each.message), severity="warning", code=each.code or "not-sampled")
            for each in found]  # fmt: skip


def _needs_plan(model: Model) -> bool:
    return any(each.transform is not None and each.transform.parameter for each in model.equations) or any(
        True for _ in inside(model)
    )
