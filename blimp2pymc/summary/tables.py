"""The table of estimates: every printed line as a row of numbers, in Blimp's print order."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.conditional_effects import conditional_expression_rows
from blimp2pymc.summary.diagnostics import chi_square_tail, diagnose
from blimp2pymc.summary.model_fit import fit_rows
from blimp2pymc.summary.outcome_rows import outcome_rows
from blimp2pymc.summary.predictor_rows import predictor_rows
from blimp2pymc.summary.quantities import additional_rows, quantity_rows
from blimp2pymc.summary.residual_correlations import residual_correlation_rows
from blimp2pymc.summary.rows import Row
from blimp2pymc.summary.wald import wald_rows

COLUMNS = (
    "block", "outcome", "section", "parameter",
    "median", "sd", "lo", "hi", "psr", "n_eff", "statistic", "df", "p", "fixed",
    "group", "model_block", "ess_bulk", "ess_tail", "r_hat",
)  # fmt: skip
"""Columns of the table of estimates."""
MOST_THREADS = 4
"""Threads that summarise lines."""


def rows(model: Model, draws: Draws) -> list[Row]:
    """Every line of the tables with its draws, in print order."""
    return [
        *fit_rows(model, draws),
        *wald_rows(model, draws),
        *residual_correlation_rows(model, draws),
        *outcome_rows(model, draws),
        *conditional_expression_rows(model, draws),
        *additional_rows(model, draws),
        *quantity_rows(model, draws),
        *predictor_rows(model, draws),
    ]


def estimates(model: Model, draws: Draws) -> pd.DataFrame:
    """Posterior summaries of everything that is printed.

    Parameters
    ----------
    model, draws
        A resolved model and its draws.

    Returns
    -------
    DataFrame
        One row per printed line with the columns of `COLUMNS`. `median`, `sd`, `lo` and `hi` (2.5 % and
        97.5 %) pool the chains; `n_eff` is the effective sample size of the mean over all chains, `psr` the
        split-chain reduction factor, `r_hat` the rank-normalised one; `statistic` is (mean / sd)^2 and `p`
        its upper tail on one degree of freedom, or a Wald test with `df`. What is constant by construction
        has sd 0 and no `n_eff`; what the script fixes has `fixed` 1 and no sd.
    """
    return summarise(rows(model, draws))


def summarise(lines: list[Row]) -> pd.DataFrame:
    """Turn lines into the table of estimates."""
    # Sorting and Fourier transforms let go of the GIL.
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as threads:
        summaries = list(threads.map(_summary, lines))
    table = pd.DataFrame(summaries, columns=list(COLUMNS))
    return table.astype({"fixed": int})


def _summary(row: Row) -> dict[str, object]:
    summary: dict[str, object] = dict.fromkeys(COLUMNS, float("nan"))
    summary |= {
        "block": row.block, "outcome": row.outcome, "section": row.section, "parameter": row.parameter,
        "median": row.value, "fixed": 0, "group": "", "model_block": row.model_block,
    }  # fmt: skip
    if row.degrees_of_freedom is not None:
        tail = chi_square_tail(row.statistic, row.degrees_of_freedom)
        return summary | {"statistic": row.statistic, "df": row.degrees_of_freedom, "p": tail}
    if row.fixed is not None:
        return summary | {"median": row.fixed, "fixed": 1}
    if row.draws is None:
        return summary
    return summary | _posterior(row.draws, row.is_tested)


def _posterior(draws: np.ndarray, is_tested: bool) -> dict[str, float]:
    lo, median, hi = np.quantile(draws, (0.025, 0.5, 0.975))
    if draws.size and draws.min() == draws.max():
        return {"median": median, "sd": 0.0, "lo": lo, "hi": hi}
    sd = draws.std(ddof=1)
    found = diagnose(draws)
    numbers = {
        "median": median, "sd": sd, "lo": lo, "hi": hi,
        "psr": found.psr, "n_eff": found.ess_mean,
        "ess_bulk": found.ess_bulk, "ess_tail": found.ess_tail, "r_hat": found.r_hat,
    }  # fmt: skip
    if is_tested:
        statistic = float((draws.mean() / sd) ** 2)
        numbers |= {"statistic": statistic, "p": chi_square_tail(statistic, 1)}
    return numbers
