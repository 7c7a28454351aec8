"""One analysis of every completed data set, pooled by Rubin's rules: the last step of multiple imputation.

Completed data sets hold scores of the latent variables as columns, so a regression on factor scores is pooled
like any other. statsmodels (an optional dependency) is imported when a formula is fitted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.errors import BlimpError, error

INSTALL = 'pip install "blimp2pymc[pool]"'
"""What provides statsmodels."""

USUAL_DATA_SETS = 20
"""Completed data sets that are enough for most analyses."""

COLUMNS = ("estimate", "standard_error", "df", "t", "p", "2.5%", "97.5%", "riv", "fmi")
"""Columns of the pooled table."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """Result of one completed data set."""

    estimates: pd.Series
    covariance: pd.DataFrame
    degrees_of_freedom: float = np.inf
    """Residual degrees of freedom, as if the data had been complete."""


@dataclass(frozen=True, eq=False, repr=False)
class Pooled:
    """Estimates pooled over completed data sets.

    With m data sets, W the mean of the covariances and B the covariance of the estimates between data sets
    (divisor m - 1), the pooled covariance is T = W + (1 + 1/m) B. Elementwise on the diagonals:

        riv = (1 + 1/m) B / W                       relative increase in variance
        lambda = (1 + 1/m) B / T
        v_m = (m - 1) / lambda^2
        v_obs = (v + 1) / (v + 3) * v * (1 - lambda)    v: degrees of freedom of complete data
        df = 1 / (1/v_m + 1/v_obs)
        fmi = (riv + 2 / (df + 3)) / (riv + 1)      fraction of missing information

    Sources: Rubin (1987), Multiple Imputation for Nonresponse in Surveys, chapter 3; Barnard and Rubin (1999),
    Biometrika 86, 948-955, for the degrees of freedom.
    """

    estimates: pd.Series
    within: pd.DataFrame
    between: pd.DataFrame
    n_data_sets: int
    complete_degrees_of_freedom: float = np.inf
    title: str = ""

    @property
    def covariance(self) -> pd.DataFrame:
        """Pooled covariance matrix of the estimates, T."""
        return self.within + (1 + 1 / self.n_data_sets) * self.between

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per coefficient, with the columns of `COLUMNS`; intervals and p values are those of t."""
        from scipy.special import stdtr, stdtrit

        within, total = np.diag(self.within), np.diag(self.covariance)
        with np.errstate(divide="ignore", invalid="ignore"):
            increase = (total - within) / within
            share = (total - within) / total
            between_only = (self.n_data_sets - 1) / share**2
            degrees = 1 / (1 / between_only + 1 / _observed(self.complete_degrees_of_freedom, share))
            error_of = np.sqrt(total)
            t = self.estimates.to_numpy() / error_of
            half = stdtrit(degrees, 0.975) * error_of
            columns = (
                self.estimates.to_numpy(), error_of, degrees, t, 2 * stdtr(degrees, -np.abs(t)),
                self.estimates.to_numpy() - half, self.estimates.to_numpy() + half,
                increase, (increase + 2 / (degrees + 3)) / (increase + 1),
            )  # fmt: skip
        return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)), index=self.estimates.index)

    def __repr__(self) -> str:
        return f"{self._heading}\n\n{self._printed.to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._heading)}</p>\n{self._printed.to_html()}"

    @property
    def _heading(self) -> str:
        if not self.title:
            return f"Pooled over {self.n_data_sets} completed data sets"
        return f"{self.title}, pooled over {self.n_data_sets} completed data sets"

    @property
    def _printed(self) -> pd.DataFrame:
        printed = self.table.map("{:.3f}".format)
        return printed.assign(df=self.table["df"].map("{:.1f}".format))


def _observed(complete: float, share: np.ndarray) -> np.ndarray:
    """Degrees of freedom of the observed data."""
    if np.isinf(complete):
        return np.full(share.shape, np.inf)
    return (complete + 1) / (complete + 3) * complete * (1 - share)


# ---------------------------------------------------------------- pooling


def pool(
    data_sets: Sequence[pd.DataFrame],
    analysis: str | Callable[[pd.DataFrame], Any],
    kind: str = "ols",
    *,
    degrees_of_freedom: float | None = None,
) -> Pooled:
    """Analyse every completed data set and pool the results.

    Parameters
    ----------
    data_sets
        Completed data sets, at least two, with the same columns.
    analysis
        A formula as in statsmodels (`y ~ x1*x2`, `y ~ np.log(x)`, `Q("m.1")` for a name with a dot), or a function
        of one data set. The function returns (estimates, covariance matrix), or anything with `params` and
        `cov_params()`, such as the results of statsmodels.
    kind
        How a formula is fitted, one of `KINDS`.
    degrees_of_freedom
        Residual degrees of freedom of the analysis of complete data; known for formulas and for results with
        `df_resid`, otherwise infinite (large samples) when None.

    Raises
    ------
    BlimpError
        When statsmodels is not installed, the formula cannot be read or fitted, or the data sets do not give
        the same coefficients.
    """
    if len(data_sets) < 2:
        raise error(
            "results are pooled over at least 2 completed data sets", hint=f"fit(..., n_imputations={USUAL_DATA_SETS})"
        )
    if degrees_of_freedom is not None and not degrees_of_freedom > 0:
        raise error(f"degrees_of_freedom is {degrees_of_freedom}", hint="a number above 0")
    if kind not in KINDS:
        hint = "a function of your own is the first argument" if callable(kind) else ", ".join(KINDS)
        raise error(f"kind is {kind!r}, which is not a kind of regression", hint=hint)
    if isinstance(analysis, str):
        found = [_fitted(analysis, kind, each, number) for number, each in enumerate(data_sets, 1)]
        title = f"{KINDS[kind]} of {analysis}"
    elif callable(analysis):
        found = [_analysis(analysis(each), number) for number, each in enumerate(data_sets, 1)]
        name = getattr(analysis, "__name__", "")
        title = "Analysis by a function" if name in ("", "<lambda>") else name.strip("<>")
    else:
        raise error(f"{analysis!r} is no analysis", hint='a formula such as "y ~ x", or a function of a data set')
    if degrees_of_freedom is None:
        degrees_of_freedom = min(each.degrees_of_freedom for each in found)
    return pool_analyses(found, degrees_of_freedom, title)


def pool_analyses(analyses: Sequence[Analysis], degrees_of_freedom: float = np.inf, title: str = "") -> Pooled:
    """Pool results by Rubin's rules.

    Raises
    ------
    BlimpError
        When the results do not have the same coefficients.
    """
    names = analyses[0].estimates.index
    for number, each in enumerate(analyses, 1):
        if not each.estimates.index.equals(names):
            other = ", ".join(map(str, each.estimates.index.symmetric_difference(names))) or "another order"
            raise error(
                f"completed data set {number} gives other coefficients than the first: {other}",
                hint="an analysis with the same coefficients in every data set",
            )
    estimates = np.stack([each.estimates.to_numpy(float) for each in analyses])
    within = np.mean([each.covariance.to_numpy(float) for each in analyses], axis=0)
    between = np.atleast_2d(np.cov(estimates, rowvar=False))
    return Pooled(
        pd.Series(estimates.mean(axis=0), index=names, name="estimate"),
        pd.DataFrame(within, index=names, columns=names),
        pd.DataFrame(between, index=names, columns=names),
        len(analyses),
        degrees_of_freedom,
        title,
    )


# ---------------------------------------------------------------- analyses


def _analysis(result: Any, number: int) -> Analysis:
    """What a function of the user returned for data set `number`."""
    degrees = np.inf
    if hasattr(result, "params") and hasattr(result, "cov_params"):
        degrees = float(getattr(result, "df_resid", np.inf))
        result = result.params, result.cov_params()
    if not isinstance(result, tuple) or len(result) != 2:
        raise error(
            f"the function returned {type(result).__name__} for completed data set {number}",
            hint="return estimates, covariance",
        )
    estimates = result[0] if isinstance(result[0], pd.Series) else pd.Series(np.ravel(result[0]))
    covariance = pd.DataFrame(result[1])
    if covariance.shape != (len(estimates), len(estimates)):
        shape = " x ".join(map(str, covariance.shape))
        raise error(
            f"the function returned {len(estimates)} estimates and a covariance matrix of {shape} "
            f"for completed data set {number}"
        )
    if isinstance(result[1], pd.DataFrame) and set(covariance.index) == set(estimates.index) == set(covariance.columns):
        covariance = covariance.loc[estimates.index, estimates.index]
    if not (np.isfinite(estimates.to_numpy(float)).all() and np.isfinite(covariance.to_numpy(float)).all()):
        raise error(f"the function returned numbers that are not finite for completed data set {number}")
    return Analysis(estimates, covariance, degrees)


KINDS: Mapping[str, str] = {"ols": "Linear regression", "logit": "Logistic regression"}
"""Kinds of regression by formula."""


def _fitted(formula: str, kind: str, data: pd.DataFrame, number: int) -> Analysis:
    outcome, predictors = _design(formula, data)
    if np.linalg.matrix_rank(predictors.to_numpy()) < predictors.shape[1]:
        raise error(
            f"'{formula}' has predictors that determine each other in completed data set {number}",
            hint="leave one of them out",
        )
    if len(outcome) <= predictors.shape[1]:
        raise error(f"'{formula}' has {predictors.shape[1]} coefficients for {len(outcome)} rows")
    results = _logistic(formula, outcome, predictors, number) if kind == "logit" else _linear(outcome, predictors)
    return Analysis(results.params, results.cov_params(), float(results.df_resid))


def _linear(outcome: pd.DataFrame, predictors: pd.DataFrame) -> Any:
    from statsmodels.regression.linear_model import OLS

    return OLS(outcome, predictors).fit()


def _logistic(formula: str, outcome: pd.DataFrame, predictors: pd.DataFrame, number: int) -> Any:
    import warnings

    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools.sm_exceptions import PerfectSeparationError, PerfectSeparationWarning

    codes = np.unique(outcome.to_numpy())
    if not set(codes) <= {0.0, 1.0}:
        raise error(
            f"logistic regression needs an outcome of 0 and 1, and '{outcome.columns[0]}' has other values in "
            f"completed data set {number}",
            hint="ORDINAL in the script, so that its missing values are imputed as categories",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", PerfectSeparationWarning)
            results = Logit(outcome, predictors).fit(disp=0, maxiter=100)
        converged = results.mle_retvals["converged"] and np.isfinite(results.cov_params().to_numpy()).all()
    except (np.linalg.LinAlgError, PerfectSeparationError, PerfectSeparationWarning):
        converged = False
    if not converged:
        raise error(
            f"'{formula}' has no finite estimates in completed data set {number}",
            hint="look for predictors that separate the outcome's categories",
        )
    return results


def _design(formula: str, data: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Outcome and predictors of a formula. Names mean columns of the data; `np` is numpy, and nothing else is known."""
    try:
        import statsmodels  # noqa: F401
        from patsy import EvalEnvironment, PatsyError, dmatrices
    except ImportError:
        raise error("formulas are fitted by statsmodels, which is not installed", hint=INSTALL) from None

    try:
        outcome, predictors = dmatrices(
            formula, data, EvalEnvironment([{"np": np}]), NA_action="raise", return_type="dataframe"
        )
    except (PatsyError, SyntaxError) as trouble:
        raise _formula_error(formula, data, trouble) from None
    if outcome.shape[1] != 1:
        raise error(f"'{formula}' has {outcome.shape[1]} outcomes", hint="one outcome left of ~")
    return outcome, predictors


def _formula_error(formula: str, data: pd.DataFrame, trouble: Exception) -> BlimpError:
    """The user's mistake in a formula, in our words where it is known."""
    words = set(re.findall(r"[^\W\d][\w.]*", formula))
    incomplete = [name for name in data.columns if name in words and data[name].isna().any()]
    if incomplete:
        verb = "has" if len(incomplete) == 1 else "have"
        return error(
            f"{', '.join(incomplete)} {verb} missing values that the model does not impute",
            hint=f"use {incomplete[0]} in MODEL, for instance as an auxiliary variable",
        )
    dotted = [name for name in data.columns if "." in name and name in words and f'"{name}"' not in formula]
    if dotted:
        return error(f"{dotted[0]} needs quotes in a formula", hint=f'Q("{dotted[0]}")')
    unknown = re.search(r"name '(\w+)' is not defined", str(trouble))
    if unknown:
        names = list(map(str, data.columns))
        return error(
            f"there is no column '{unknown[1]}' in the completed data sets",
            hint=nearest(unknown[1], names) or ", ".join(names),
        )
    return error(f"the formula cannot be read: {trouble}", hint="y ~ x1 + x2 + x1:x2")
