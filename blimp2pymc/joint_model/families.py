"""Outcome families: which belongs to which kind of variable, and what its parameters have as defaults.

Blimp gives every coefficient of an equation on a latent-response or log scale a normal prior with mean
0 and variance 5, intercepts and the means of categorical predictors included.
"""

from __future__ import annotations

from collections.abc import Mapping

from blimp2pymc.joint_model import ir

FAMILY_OF_KIND: Mapping[ir.Kind, str] = {
    ir.Kind.CONTINUOUS: "normal",
    ir.Kind.ORDINAL: "probit",
    ir.Kind.NOMINAL: "logit",
    ir.Kind.COUNT: "negative_binomial",
}
"""Family of an outcome by its kind, where the script does not name another."""

WEAK = ir.Prior("normal", (0.0, 5.0))

COEFFICIENTS: Mapping[str, ir.Prior] = {
    "normal": ir.FLAT,
    "probit": WEAK,
    "multinomial_probit": WEAK,
    "logit": WEAK,
    "negative_binomial": WEAK,
}
"""Default prior of intercepts, slopes, loadings and means by family."""

UNIT_VARIANCE = frozenset({"probit", "multinomial_probit"})
"""Families whose residual variance, that of the latent response, is fixed at 1."""

BY_CODE = frozenset({"multinomial_probit", "logit"})
"""Families with one equation per code but the reference."""

DIFFERENCE_CORRELATION = 0.5
"""Correlation of the latent differences of a nominal variable: what two differences from a common reference have
when all latent utilities are independent with equal variances."""

LATENT_RESPONSES = UNIT_VARIANCE
"""Families that cut a normal latent response into categories."""


FAMILY_WORDS: Mapping[str, str] = {
    "normal": "normal",
    "probit": "probit",
    "multinomial_probit": "multinomial probit",
    "logit": "logit",
    "negative_binomial": "negative binomial",
}
"""Families in words."""


def share_name(dummy: str) -> str:
    """Parameter that is the mean of a centered dummy; its latent difference has a mean of its own."""
    return f"{dummy} share"


def mean_name(variable: str) -> str:
    """Name of the mean parameter of a predictor or of a Means Model; that of categories is a latent response's."""
    return f"{variable} mean"


def threshold_name(variable: str, number: int) -> str:
    """Name of the threshold between categories `number` and `number + 1`, counted from 1."""
    return f"{variable} threshold {number}"
