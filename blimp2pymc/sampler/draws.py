"""What the sampler hands on: draws of every parameter, and what was recorded beside them.

Plain numpy, no ArviZ: results are printed from this; `summary.fit` makes the DataTree on demand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from blimp2pymc.joint_model.ir import Column, Form


class StatisticKind(Enum):
    """Summary of the current completed data, recorded in every kept draw."""

    PREDICTOR_VARIANCE = "variance of the linear predictor"
    """Sample variance over rows of an equation's mean; `key = (outcome,)`."""
    TERM_VARIANCE = "variance of a term"
    """Sample variance of a term's expression (without its coefficient), `key = (outcome, term name)`."""
    COLUMN_MEAN = "mean"
    """`key = (column,)`; raw scale, uncentered."""
    COLUMN_VARIANCE = "variance"
    """`key = (column,)`."""
    COLUMN_QUANTILE = "quantile"
    """`key = (column, probability)`; recorded where a conditional effect asks for it."""
    RESIDUAL_PRODUCT = "cross-product of residuals"
    """Sum over rows of the product of two equations' residuals; `key = (outcome, outcome)`, in
    equation order, diagonal included; equations of role OUTCOME on one level. The residual is that of the
    latent response (probit), or sqrt(w) (z - eta) with Polya-Gamma weights w and working responses z (logit)."""
    WEIGHTED_PREDICTOR_VARIANCE = "variance of the weighted linear predictor"
    """Sample variance over rows of sqrt(w_i) (eta_i - intercept), w_i the current Polya-Gamma weights of a logit
    equation; `key = (outcome,)`."""
    ROW_VARIANCE_MEAN = "mean of the rows' residual variances"
    """Of an equation with `var(y) ~`: mean over rows of the current residual variances; `key = (outcome,)`."""
    ROW_VARIANCE_QUANTILE = "quantile of the rows' residual variances"
    """`key = (outcome, probability)`, probabilities .25, .5 and .75."""


def cell_name(column: Column) -> str:
    """Name under which the cells of a column are kept: the variable's; `y.latent` or `n.2.latent` of a response."""
    if column.form is not Form.LATENT_RESPONSE:
        return column.variable
    return f"{column.variable}.latent" if column.category is None else f"{column.variable}.{column.category:g}.latent"


@dataclass(frozen=True)
class Statistic:
    """Name of one recorded statistic. Sample variances divide by n - 1."""

    kind: StatisticKind
    key: tuple


@dataclass(frozen=True, eq=False)
class LogLikelihood:
    """Running moments, per data row, of l_i = log density of every OUTCOME equation, summed.

    Accumulated over at most about 1,000 kept draws of each chain, chains pooled. Densities follow
    spec output 1.7: latent variables included, predictor models excluded, completed data.
    """

    n_draws: int
    mean: np.ndarray
    """Mean over draws of l_i, shape (rows,)."""
    variance: np.ndarray
    """Variance over draws of l_i (divisor n - 1), shape (rows,)."""
    log_mean_exp: np.ndarray
    """log of the mean over draws of exp(l_i), shape (rows,)."""


@dataclass(frozen=True, eq=False)
class ColumnSummary:
    """Posterior means of sample summaries of one completed variable, for the imputed-data table."""

    mean: float
    standard_deviation: float
    quantiles: tuple[float, float, float]
    """25, 50 and 75 %."""
    minimum: float
    maximum: float


@dataclass(frozen=True, eq=False)
class Imputations:
    """Completed cells at chosen draws, in the order chain 0's snapshots, chain 1's, ..."""

    chain: np.ndarray
    draw: np.ndarray
    values: Mapping[str, np.ndarray]
    """Variable -> (snapshot, missing cell), cells in row order; latent variables: (snapshot, row).

    Latent responses of probit outcomes, where they are kept: `d.latent`, of a nominal variable `n.2.latent`, ..., all
    rows: (snapshot, row).
    """


@dataclass(frozen=True, eq=False)
class Draws:
    """Result of sampling one model."""

    parameter_names: tuple[str, ...]
    """Order of `Model.parameters`; fixed and defined parameters included."""
    parameters: np.ndarray
    """(chain, draw, parameter), natural scale."""
    statistics_names: tuple[Statistic, ...]
    statistics: np.ndarray
    """(chain, draw, statistic)."""
    burn_in: np.ndarray
    """(chain, kept burn-in draw, parameter): every `burn_in_thin`-th burn-in iteration."""
    burn_in_thin: int
    burn: int
    """Burn-in iterations per chain."""
    log_likelihood: LogLikelihood | None
    imputations: Imputations
    cell_mean: Mapping[str, np.ndarray]
    """Variable -> posterior mean of each missing cell (latents: of each row)."""
    cell_variance: Mapping[str, np.ndarray]
    column_summaries: Mapping[Column, ColumnSummary]
    acceptance: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Update -> acceptance rate per chain, for updates that accept or reject."""
    seconds: float = 0.0
    """Wall-clock time of burn-in and draws, compilation excluded."""
    seed: int = 0
    interrupted: bool = False
    """Ctrl-C ended the run early; the draws kept until then are here."""

    @property
    def n_chains(self) -> int:
        """Number of chains."""
        return self.parameters.shape[0]

    @property
    def n_draws(self) -> int:
        """Kept draws per chain."""
        return self.parameters.shape[1]

    def parameter(self, name: str) -> np.ndarray:
        """Draws of one parameter, shape (chain, draw)."""
        return self.parameters[:, :, self.parameter_names.index(name)]

    def statistic(self, kind: StatisticKind, *key: object) -> np.ndarray:
        """Draws of one recorded statistic, shape (chain, draw)."""
        return self.statistics[:, :, self.statistics_names.index(Statistic(kind, key))]
