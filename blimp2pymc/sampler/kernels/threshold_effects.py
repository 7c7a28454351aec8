"""What changes with the thresholds of a variable, beside the probabilities of its categories.

Equations that hold an expected score the thresholds are part of: their log density, without a gradient. None of them
holds the latent response, which is integrated out; their moments are current, as they are computed just before.
And latent responses that cannot be integrated out: they follow (`sliced_responses`).
"""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled, inlined
from blimp2pymc.sampler.kernels import sliced_responses
from blimp2pymc.sampler.kernels.log_variances import set_dependent
from blimp2pymc.sampler.kernels.row_densities import log_density_of_rows
from blimp2pymc.sampler.numerics.evaluator import set_parameters
from blimp2pymc.sampler.numerics.moments import log_density_of_group, refresh_equation


@compiled
def has_scores(responses, variable):
    """Whether the thresholds of a variable are part of expected scores that other equations hold."""
    return responses.dependent_group_start[variable + 1] > responses.dependent_group_start[variable]


@compiled
def log_density_of_scores(tables, variable, bounds, state, work):
    """Log density of the equations that hold expected scores, at thresholds `bounds`; sets what depends on these."""
    responses, first, total = tables.responses, tables.responses.threshold_start[variable], 0.0
    if not has_scores(responses, variable):
        return 0.0
    for k in range(first, responses.threshold_start[variable + 1]):
        state.theta[responses.threshold[k]] = bounds[k - first + 1]
    set_parameters(tables.definitions, state.theta, state.columns, work.stack)
    for k in range(responses.dependent_equation_start[variable], responses.dependent_equation_start[variable + 1]):
        refresh_equation(tables.residuals, responses.dependent_equation[k], state.theta, state.coefficient)
    for k in range(responses.dependent_group_start[variable], responses.dependent_group_start[variable + 1]):
        group = responses.dependent_group[k]
        if responses.dependent_is_scored[k]:
            total += log_density_of_rows(tables, group, state, False, work)
        else:
            total += log_density_of_group(
                tables.residuals, group, state.coefficient, state.precision, state.log_determinant, state.sums
            )
    return total if not math.isnan(total) else -math.inf


@inlined
def follow(tables, variable, state, work):
    """Change what depends on thresholds from `work.bounds[0]` to `work.bounds[1]`; returns the log ratio it adds."""
    ratio = -log_density_of_scores(tables, variable, work.bounds[0], state, work)
    ratio += log_density_of_scores(tables, variable, work.bounds[1], state, work)
    if tables.responses.is_sliced[variable]:
        ratio += sliced_responses.carry(tables, variable, state, work)
    return ratio


@inlined
def undo(tables, variable, state, work):
    """Undo `follow`."""
    log_density_of_scores(tables, variable, work.bounds[0], state, work)
    if tables.responses.is_sliced[variable]:
        sliced_responses.put_back(tables, variable, state, work)


@inlined
def settle(tables, variable, state, work):
    """Set modelled variances whose equations hold expected scores, once thresholds are drawn."""
    responses = tables.responses
    for k in range(responses.dependent_group_start[variable], responses.dependent_group_start[variable + 1]):
        if responses.dependent_is_scored[k]:
            set_dependent(tables, responses.dependent_group[k], state, work)
