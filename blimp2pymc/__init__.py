"""Run Blimp scripts in Python.

The public names, each imported from its stage when it is first used, so that
`import blimp2pymc` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; `typing` would cost more than all the rest of the start
if TYPE_CHECKING:
    from blimp2pymc.blimp.parse import parse
    from blimp2pymc.errors import BlimpError
    from blimp2pymc.from_frame import model
    from blimp2pymc.joint_model.ir import Model
    from blimp2pymc.joint_model.printed_equations import printed_equations
    from blimp2pymc.joint_model.resolve import resolve
    from blimp2pymc.pymc_source.build import build
    from blimp2pymc.pymc_source.emit import translate
    from blimp2pymc.sampler.plan.rules import Plan, plan
    from blimp2pymc.sampler.verification.check import verify
    from blimp2pymc.summary.fit import Fit, fit

__version__ = "0.1.0"

__all__ = [
    "BlimpError",
    "Fit",
    "Model",
    "Plan",
    "build",
    "fit",
    "model",
    "parse",
    "plan",
    "printed_equations",
    "resolve",
    "translate",
    "verify",
]

_MODULES = {
    "BlimpError": "errors",
    "Fit": "summary.fit",
    "Model": "joint_model.ir",
    "Plan": "sampler.plan.rules",
    "build": "pymc_source.build",
    "fit": "summary.fit",
    "model": "from_frame",
    "parse": "blimp.parse",
    "plan": "sampler.plan.rules",
    "printed_equations": "joint_model.printed_equations",
    "resolve": "joint_model.resolve",
    "translate": "pymc_source.emit",
    "verify": "sampler.verification.check",
}
"""Public name -> the module that defines it under the same name."""


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'blimp2pymc' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"blimp2pymc.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
