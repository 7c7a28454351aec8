"""Why a chain may stop, in words: fault codes of the compiled loop."""

from __future__ import annotations

from blimp2pymc.sampler.chain import sweep

FAULTS = {
    sweep.COEFFICIENTS: (
        "the coefficients {names} have no proper distribution: their precision matrix is not positive definite",
        "look for predictors that are constant, collinear, or more numerous than the data can tell apart",
    ),
    sweep.VARIANCES: (
        "the variance {names} has no proper distribution given the residuals",
        "look for an outcome that its predictors explain without error, or for too few observations",
    ),
    sweep.COVARIANCES: (
        "the covariance matrix of {names} is not positive definite",
        "look for variables that are linear combinations of each other, or for too few observations",
    ),
    sweep.SLICES: (
        "the density of {names} is zero or not a number at its current value",
        "look at its prior and bounds",
    ),
    sweep.CELLS: (
        "the density of a missing value of {names} is zero or not a number",
        "a function of an incomplete variable may be undefined for some of its values",
    ),
    sweep.SCORING: (
        "the coefficients {names} have no density, or no curvature, at their current values",
        "look for predictors that are constant, collinear, very large, or that separate the categories completely",
    ),
    sweep.MARGINALS: (
        "{names} cannot be integrated out: their precision given the data is not positive definite",
        "look for a latent variable that no indicator measures, or for parameters that the data do not determine",
    ),
    sweep.TRANSFORMATIONS: (
        "lambda of a Yeo-Johnson transform, {names}, has no proper distribution",
        "look for an outcome whose values are nearly all equal, or that its predictors explain without error",
    ),
    sweep.BLOCKS: (
        "the density of {names}, drawn by NUTS, is zero or not a number at the current values",
        "a function of variables and parameters may be undefined or too large for some values; give the parameters "
        "priors that keep them away from these",
    ),
    sweep.START: ("no starting values were found: a residual covariance matrix is not positive definite", ""),
    sweep.NOT_FINITE: ("the draws of {names} are not finite", "look for a parameter that the data do not determine"),
}
"""Fault code -> what happened, what to look at."""
