"""Priors: Blimp's defaults as tables, and which densities are proper.

`inverse_gamma` (a, b) has density proportional to v^(-a-1) exp(-b/v); an inverse Wishart (S, d) on a
p x p matrix has density proportional to |T|^(-(d+p+1)/2) exp(-tr(S T^-1)/2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from blimp2pymc.joint_model import ir

VARIANCE: Mapping[int, ir.Prior] = {
    1: ir.Prior("inverse_gamma", (1.0, 0.5)),
    2: ir.Prior("inverse_gamma", (-1.0, 0.0)),
    3: ir.Prior("inverse_gamma", (0.0, 0.0)),
}
"""Residual variances by prior family: PRIOR1; PRIOR2, flat on the variance; PRIOR3, flat on its logarithm."""

COVARIANCE: Mapping[int, tuple[float, Callable[[int], float]]] = {
    1: (1.0, lambda p: p + 1.0),
    2: (0.0, lambda p: -(p + 1.0)),
    3: (0.0, lambda p: 0.0),
}
"""Covariance matrices of `~~` by prior family: diagonal of the scale matrix, degrees of freedom for p members."""

PREDICTOR_VARIANCE = VARIANCE
"""The Means Model of a centered outcome: XPRIOR1 (the default), XPRIOR2, XPRIOR3."""

PREDICTOR_COVARIANCE: Mapping[int, tuple[float, Callable[[int], float]]] = {
    1: (1.0, lambda p: 3.0 - p),
    2: (0.0, lambda p: -(p + 1.0)),
    3: (0.0, lambda p: 1.0 - p),
}
"""The joint model of p predictors, latent responses counted. With d = 2a + 1 - p the variance of each given the
others has the posterior that separate regressions with flat slopes and inverse gamma (a, b) variances give it; one
predictor has that inverse gamma itself."""


def continuous_predictors(family: int, n_continuous: int, n_responses: int) -> tuple[float, float]:
    """Scale and degrees of freedom of the continuous predictors' covariance beside latent responses.

    The joint covariance is that of all members, |T|^(-(d+p+1)/2). Written as the covariance C of the continuous
    ones and m regressions of latent responses on them, dT is |C|^m dC times the rest, so that C has
    the same form with d - m degrees of freedom: the slopes of continuous predictors on responses cost as many.
    One member alone has a variance that is inverse gamma (d/2, scale/2).
    """
    scale, degrees_of_freedom = PREDICTOR_COVARIANCE[family]
    return scale, degrees_of_freedom(n_continuous + n_responses) - n_responses


COEFFICIENT = ir.FLAT
"""Intercepts, slopes, loadings and means of normal equations."""

DISPERSION = ir.Prior("flat", lower=0.0)
"""Dispersion of negative binomial equations: variance = mean + dispersion * mean^2."""

YEO_JOHNSON = ir.Prior("uniform", (0.0, 2.0))
"""Lambda of Yeo-Johnson."""

IN_BLOCK = ir.Prior("block")
"""Variances and correlations that a joint block draws together."""


def is_proper(prior: ir.Prior) -> bool:
    """Whether the density of one parameter has a finite integral; that of a block is not looked at."""
    match prior.distribution:
        case "flat":
            return bool(np.isfinite(prior.lower) and np.isfinite(prior.upper))
        case "uniform":
            lower, upper = prior.arguments
            return bool(np.isfinite(max(lower, prior.lower)) and np.isfinite(min(upper, prior.upper)))
        case "inverse_gamma":
            a, b = prior.arguments
            return (b > 0 or a < 0 or prior.lower > 0) and (a > 0 or bool(np.isfinite(prior.upper)))
    return True
