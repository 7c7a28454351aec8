"""Information criteria from the running moments of the rows' log likelihood.

With lppd = sum_i log mean_s exp(l_is) and Dbar = -2 mean_s sum_i l_is: DIC2 = 2 Dbar + 2 lppd (the DIC3 of
Celeux, Forbes, Robert and Titterington 2006), WAIC = -2 (lppd - sum_i var_s l_is) (Watanabe 2010).
"""

from __future__ import annotations

from blimp2pymc.joint_model.ir import Model, Origin
from blimp2pymc.sampler.draws import Draws, LogLikelihood
from blimp2pymc.summary.rows import Row


def fit_rows(model: Model, draws: Draws) -> list[Row]:
    """DIC2 and WAIC; marginal and conditional are the same where nothing is integrated out."""
    if draws.log_likelihood is None:
        return []
    likelihoods = ["Conditional Likelihood"]
    if all(each.origin in (Origin.DATA, Origin.TRANSFORM) and each.level == 1 for each in model.variables.values()):
        likelihoods.insert(0, "Marginal Likelihood")
    values = {"DIC2": dic2(draws.log_likelihood), "WAIC": waic(draws.log_likelihood)}
    return [Row("fit", "", section, name, value=value) for section in likelihoods for name, value in values.items()]


def dic2(log_likelihood: LogLikelihood) -> float:
    """Deviance information criterion from the posterior predictive density."""
    return float(-4 * log_likelihood.mean.sum() + 2 * log_likelihood.log_mean_exp.sum())


def waic(log_likelihood: LogLikelihood) -> float:
    """Widely applicable information criterion, on the deviance scale."""
    return float(-2 * (log_likelihood.log_mean_exp.sum() - log_likelihood.variance.sum()))
