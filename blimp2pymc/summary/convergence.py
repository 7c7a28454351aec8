"""Warnings about draws that are too few or chains that disagree, with the quantity's name."""

from __future__ import annotations

import pandas as pd

LOW_ESS_PER_CHAIN = 100
"""Bulk or tail effective draws per chain below which a quantity is named."""
HIGH_R_HAT = 1.01
NOT_CONVERGED = 1.05
FEWEST_CHAINS = 4
DERIVED_SECTIONS = (
    "Standard Deviations", "Standardized Coefficients", "Proportion Variance Explained", "Residual Correlations",
)  # fmt: skip
"""Functions of parameters that are named themselves; left out, like conditional effects."""
MOST_NAMED = 8
"""Quantities named before the rest is only counted."""


def convergence_warnings(table: pd.DataFrame, n_chains: int) -> list[str]:
    """One sentence for each kind of trouble; none when all is well.

    Parameters
    ----------
    table
        Estimates, from `tables.estimates`.
    """
    is_derived = table["section"].isin(DERIVED_SECTIONS) | (table["block"] == "conditional")
    varies = table[(table["sd"] > 0) & table["n_eff"].notna() & ~is_derived]
    warnings = []
    high = varies[varies["r_hat"] > HIGH_R_HAT].sort_values("r_hat", ascending=False)
    if len(high):
        worst = high["r_hat"].iloc[0]
        verdict = "the chains have not converged" if worst > NOT_CONVERGED else "a longer burn-in may be needed"
        named = _named(high, [f"{value:.3f}" for value in high["r_hat"]])
        warnings.append(f"R-hat is above {HIGH_R_HAT} ({verdict}) for {named}.")
    fewest = varies[["ess_bulk", "ess_tail"]].min(axis=1)
    low = varies.assign(fewest=fewest)[fewest < LOW_ESS_PER_CHAIN * n_chains].sort_values("fewest")
    if len(low):
        named = _named(low, [f"{value:.0f}" for value in low["fewest"]])
        warnings.append(
            f"There are fewer than {LOW_ESS_PER_CHAIN} effective draws per chain for {named}. More ITERATIONS help."
        )
    if n_chains < FEWEST_CHAINS and len(varies):
        chains = "chain does" if n_chains == 1 else "chains do"
        warnings.append(f"{n_chains} {chains} not show convergence well: use at least {FEWEST_CHAINS}.")
    return warnings


def quantity_name(row: pd.Series) -> str:
    """A line of the tables in words: `y | Coefficients | x1`."""
    parts = (row["outcome"], row["section"], row["parameter"])
    return " | ".join(dict.fromkeys(each for each in parts if each))


def _named(rows: pd.DataFrame, values: list[str]) -> str:
    names = [f"{quantity_name(row)} ({value})" for (_, row), value in zip(rows.iterrows(), values, strict=True)]
    left = len(names) - MOST_NAMED
    return "; ".join(names[:MOST_NAMED]) + (f"; and {left} more" if left > 0 else "")
