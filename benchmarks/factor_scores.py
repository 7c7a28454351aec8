"""Latent interaction from imputed factor scores: bias and coverage of `fit.pool` in simulated data.

    python benchmarks/factor_scores.py [--replications 120] [--rows 400] [--data-sets 100] [--write]

The workflow of the workshop deck: fit the latent variable model, keep copies of the scores, run a linear regression on
each copy, pool by Rubin's rules. Beside the pooled estimates stand the model's own (posterior median, 95 % interval) in
the same data sets, and the deck's figures for both. Three factors with three items each, loadings 1, .8 and .8,
residual variances .36, a tenth of the items missing.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sections import published_lines, table, write_section

import blimp2pymc as bp

SCRIPT = """
LATENT: eta_x eta_m eta_y;
MODEL:
  structural:
    eta_y ~ eta_x eta_m eta_x*eta_m;
    eta_x ~~ eta_m;
  measurement:
    eta_x -> x1:x3;
    eta_m -> m1:m3;
    eta_y -> y1:y3;
"""
SLOPES = {"eta_x": 0.4, "eta_m": 0.3, "eta_x*eta_m": 0.2}
CORRELATION = 0.3
RESIDUAL_VARIANCE = 0.6
LOADING, ITEM_VARIANCE = 0.8, 0.36
MISSING = 0.1


@dataclass(frozen=True)
class Estimate:
    """One estimate in one data set."""

    value: float
    lower: float
    upper: float


def main() -> None:
    """Simulate, analyse, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=120)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--data-sets", type=int, default=100, help="copies of the scores")
    parser.add_argument("--draws", type=int, default=1500, help="kept draws of each of 4 chains; half as many burn-in")
    parser.add_argument("--write", action="store_true", help="put the table into results.md")
    options = parser.parse_args()
    found = [replication(options, seed) for seed in range(1, options.replications + 1)]
    text = report(found, options)
    print(text)
    if options.write:
        write_section("factor_scores.py", text)


def simulated(n: int, seed: int) -> pd.DataFrame:
    """Items of three factors of variance 1; the first loading is 1, as in the script."""
    rng = np.random.default_rng(seed)
    x, m = rng.multivariate_normal([0, 0], [[1, CORRELATION], [CORRELATION, 1]], n).T
    y = SLOPES["eta_x"] * x + SLOPES["eta_m"] * m + SLOPES["eta_x*eta_m"] * x * m
    y = y + rng.normal(0, RESIDUAL_VARIANCE**0.5, n)
    items = {
        f"{name}{k}": (1.0 if k == 1 else LOADING) * factor + rng.normal(0, ITEM_VARIANCE**0.5, n)
        for name, factor in {"x": x, "m": m, "y": y}.items()
        for k in (1, 2, 3)
    }
    frame = pd.DataFrame(items)
    return frame.mask(rng.random(frame.shape) < MISSING)


def replication(options: argparse.Namespace, seed: int) -> dict[str, tuple[Estimate, Estimate]]:
    """Term -> its pooled and its Bayesian estimate, in one data set."""
    fit = bp.fit(
        SCRIPT, simulated(options.rows, seed), draws=options.draws, tune=options.draws // 2, chains=4,
        random_seed=seed, n_imputations=options.data_sets, progressbar=False,
    )  # fmt: skip
    pooled = fit.pool("eta_y ~ eta_x*eta_m").table
    own = fit.summary("eta_y").xs("Coefficients", level="section").droplevel("outcome")
    return {
        term: (
            Estimate(*pooled.loc[term.replace("*", ":"), ["estimate", "2.5%", "97.5%"]]),
            Estimate(*own.loc[term, ["Estimate", "2.5%", "97.5%"]]),
        )
        for term in SLOPES
    }


def report(found: list[dict[str, tuple[Estimate, Estimate]]], options: argparse.Namespace) -> str:
    """The table, with what the deck prints below."""
    rows = []
    for term, truth in SLOPES.items():
        errors = {}
        for k, kind in enumerate(("pooled", "Bayes")):
            estimates = [each[term][k] for each in found]
            values = np.array([each.value for each in estimates])
            covered = np.mean([each.lower <= truth <= each.upper for each in estimates])
            errors[kind] = float(np.sqrt(np.mean((values - truth) ** 2)))
            bias, spread = 100 * (values.mean() / truth - 1), 100 * values.std(ddof=1) / truth / len(values) ** 0.5
            rows.append([f"{term}, {kind}", f"{truth}", f"{bias:+.1f} ({spread:.1f})", f"{covered:.3f}", ""])
        rows[-2][-1] = f"{errors['pooled'] / errors['Bayes']:.3f}"
    heading = ["term, estimate", "true", "bias in % (Monte Carlo error)", "coverage of 95 % intervals", "RMSE ratio"]
    error = (0.95 * 0.05 / len(found)) ** 0.5
    return "\n".join(
        [
            f"{len(found)} simulated data sets of {options.rows} rows, {options.data_sets} copies of the scores each, "
            f"4 chains of {options.draws} draws; Monte Carlo error of a coverage of .95: {error:.3f}.",
            "",
            table(heading, rows),
            *published_lines("Latent interaction from imputed factor scores"),
        ]
    )


if __name__ == "__main__":
    main()
