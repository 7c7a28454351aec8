"""Orientation of latent variables: signs are changed where a loading that is to be positive is negative.

Parameters and latent variables change sign together in a way that leaves every density as it is, so that
draws are those of the posterior with the loading restricted to positive values.
"""

from __future__ import annotations

from blimp2pymc.sampler.compilation.compiled import compiled


@compiled
def orient(reflections, state):
    """Change signs in parameters and columns; whether any were changed."""
    changed = False
    for index in range(reflections.anchor.size):
        if state.theta[reflections.anchor[index]] >= 0.0:
            continue
        changed = True
        for k in range(reflections.parameter_start[index], reflections.parameter_start[index + 1]):
            parameter = reflections.parameter[k]
            state.theta[parameter] = -state.theta[parameter]
        for k in range(reflections.column_start[index], reflections.column_start[index + 1]):
            values = state.columns[reflections.column[k]]
            for i in range(values.size):
                values[i] = -values[i]
    return changed
