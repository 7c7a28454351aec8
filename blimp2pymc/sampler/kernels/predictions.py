"""Missing outcomes that predict nothing that is observed: drawn given the parameters, one equation after the other.

An outcome may predict others that are missing in the same row. Where it is described by latent responses, they look at
its category, which therefore follows each draw of the responses.
"""

from __future__ import annotations

from blimp2pymc.sampler.compilation.compiled import compiled
from blimp2pymc.sampler.kernels import categories, cells, outcomes, responses


@compiled
def update(tables, state, work):
    """Draw all predictions in the order of the equations."""
    table, ordered, nominal = tables.cells, tables.responses, tables.differences
    discrete = tables.outcomes
    for block in range(table.phase.size):
        if table.phase[block] != 1:
            continue
        for index in range(discrete.group.size):
            if discrete.block[index] == block:
                outcomes.predict(tables, index, state, work)
        cells.update_block(tables, block, state, work)
        low, high = table.low[block], table.high[block]
        member = table.member[table.member_start[block]]
        for variable in range(ordered.column.size):
            if ordered.column[variable] == member:
                responses.set_scores_of_rows(ordered, variable, low, high, state)
        for run in range(nominal.missing_low.size):
            if nominal.missing_low[run] == low and nominal.member[nominal.member_start[run]] == member:
                categories.set_codes_of_run(nominal, run, state)
    for index in range(discrete.group.size):
        if discrete.block[index] == table.phase.size:
            outcomes.predict(tables, index, state, work)
    outcomes.set_weights(tables, state, work)
