"""Blocks that NUTS draws in a run: their densities, compiled once, and the memory of each chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from blimp2pymc.sampler.compilation.references import Reference
from blimp2pymc.sampler.kernels import nuts
from blimp2pymc.sampler.tables.chain_state import Block
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.ragged import integers

if TYPE_CHECKING:
    from blimp2pymc.sampler.chain.graph_density import GraphDensity


def compile_densities(form: Layout) -> tuple[GraphDensity, ...]:
    """Log densities of the blocks of a plan; PyMC is imported only where there are any."""
    drawn = [each.targets for each in form.plan.updates if each.kernel == "nuts"]
    if not drawn:
        return ()
    from blimp2pymc.sampler.chain.graph_density import graph_density

    return tuple(graph_density(form, targets) for targets in drawn)


def new_blocks(form: Layout, state: Reference, densities: Sequence[GraphDensity]) -> tuple[Reference, ...]:
    """Memory of a chain's blocks; their addresses are written to its state."""
    drawn = [each.targets for each in form.plan.updates if each.kernel == "nuts"]
    blocks = tuple(_new_block(form, state, names, each) for names, each in zip(drawn, densities, strict=True))
    for place, block in enumerate(blocks):
        state.blocks[place] = nuts.draw_block.address(block), block.address
    return blocks


def _new_block(form: Layout, state: Reference, names: Sequence[str], density: GraphDensity) -> Reference:
    places = integers(form.parameters[name] for name in names)
    lower, upper = form.tables.priors.lower[places], form.tables.priors.upper[places]
    size = len(places)
    return Reference(
        Block(
            theta=state.theta,
            columns=state.columns,
            generator=state.generator,
            parameter=places,
            coordinate=integers(np.isfinite(lower) + 2 * np.isfinite(upper)),
            lower=lower,
            upper=upper,
            density=integers([density.address]),
            values=np.zeros(size),
            gradient=np.zeros(size),
            origin=np.zeros(size),
            factor=np.zeros((size, size)),
            matrix=np.zeros((size, size + 1)),
            rows=np.zeros((nuts.N_ROWS, size)),
            learned=np.zeros(2 + 2 * size + 2 * size * size),
            step=np.zeros(nuts.STEP_FIELDS),
            counts=np.zeros(4),
        )
    )
