"""Execute the emitted source: the only way a graph is made from a model.

The text is compiled as it is and registered in `linecache`, so that tracebacks show its lines. The
analysed rows go in as the DataFrame `data`, which the text takes in place of its file.
"""

from __future__ import annotations

import hashlib
import linecache
from typing import TYPE_CHECKING, Any

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.pymc_source.emit import translate
from blimp2pymc.pymc_source.wrangling import data_frame

if TYPE_CHECKING:
    import pandas as pd
    import pymc as pm


def build(model: Model, *, augmented: bool = False, marginal: bool = False) -> pm.Model:
    """Make the PyMC model of a resolved model by executing exactly the text of `translate(model)`.

    `augmented` writes the latent responses of all probit outcomes explicitly, `marginal` integrates latent variables
    and missing cells out, as in `translate`.

    Raises
    ------
    BlimpError
        As `translate` does, for what has no PyMC source yet.
    """
    return execute(translate(model, augmented=augmented, marginal=marginal), data_frame(model))


def execute(source: str, data: pd.DataFrame) -> pm.Model:
    """Execute emitted source with its data provided, and return the `pm.Model` it leaves.

    Parameters
    ----------
    source
        Text of `translate`.
    data
        Rows and variables to analyse; the index gives the rows their labels.
    """
    name = f"<blimp2pymc {hashlib.sha256(source.encode()).hexdigest()[:12]}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": "blimp2pymc_source", "data": data}
    from pytensor.scalar.basic import autocast_float_as

    # PyTensor holds constants such as the 2.0 in PyMC's invprobit in single precision, and their square root too:
    # harmless for sampling, but too coarse to compare log densities.
    with autocast_float_as("float64"):
        exec(compile(source, name, "exec"), namespace)
    _name_variables(namespace)
    return namespace["model"]


def _name_variables(namespace: dict[str, Any]) -> None:
    """Let nodes of the graph that have no name be called as in the source: printed graphs then read like it."""
    from pytensor.graph.basic import Variable

    for name, value in namespace.items():
        if isinstance(value, Variable) and value.name is None:
            value.name = name
