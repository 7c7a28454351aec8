"""The interaction model with incomplete predictors: this sampler against `pm.sample` on the emitted model.

    python benchmarks/regression.py [--rows 400] [--draws 1000] [--repeats 3] [--scaling 5000 500000]
    python benchmarks/regression.py --only scaling

First table: effective draws per second of the slowest regression parameter (rank-normalised bulk ESS),
for the Gibbs sampler, PyMC's NUTS and nutpie, all on one posterior, in one process, medians of several
runs. Second table: `row_cost.py`. Both are Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from row_cost import cost_by_rows
from sections import table, write_section

import blimp2pymc as bp
from blimp2pymc.joint_model.ir import Model

SCRIPT = """
MISSING: NA;
ORDINAL: d;
FIXED: d;
CENTER: x z;
MODEL: y ~ x z x*z d;
SEED: 1; CHAINS: 4;
"""
CHAINS = 4


def main() -> None:
    """Measure both tables and print them, or write them to `results.md`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--draws", type=int, default=1000, help="kept draws of each of 4 chains; as many are burn-in")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--scaling", type=int, nargs="*", default=[5_000, 500_000], help="rows of the second table")
    parser.add_argument("--sweeps", type=int, default=300, help="sweeps and draws of the largest model")
    parser.add_argument("--only", choices=("samplers", "scaling"), help="one of the two tables")
    parser.add_argument("--write", action="store_true", help="write the section of results.md")
    options = parser.parse_args()
    parts = []
    if options.only != "scaling":
        parts.append(compare_samplers(options))
    if options.scaling and options.only != "samplers":
        parts.append(cost_by_rows(SCRIPT, simulate, options.scaling, options.sweeps, options.repeats))
    text = "\n\n".join(parts)
    print(text)
    if options.write:
        write_section("regression.py", text)


def compare_samplers(options: argparse.Namespace) -> str:
    """Effective draws per second of every sampler, on one data set."""
    model = bp.resolve(SCRIPT, simulate(options.rows))
    graph = bp.build(model)
    names = [each.name for each in graph.free_RVs if not each.name.endswith("_missing")]
    samplers: dict[str, Callable[[int], tuple[object, float]]] = {
        "blimp2pymc": lambda seed: gibbs(model, options, seed),
        "PyMC NUTS": lambda seed: nuts(graph, "pymc", options, seed),
        "nutpie": lambda seed: nuts(graph, "nutpie", options, seed),
    }
    rows = []
    for name, sample in samplers.items():
        sample(0)  # compiles
        runs = []
        for seed in range(1, options.repeats + 1):
            posterior, seconds = sample(seed)
            ess, rhat = diagnose(posterior, names)
            runs.append((ess, rhat, seconds, ess / seconds))
        ess, rhat, seconds, rate = (statistics.median(each) for each in zip(*runs, strict=True))
        rows.append([name, f"{ess:.0f}", f"{rhat:.3f}", f"{seconds:.2f}", f"{rate:,.0f}"])
    return (
        f"{options.rows} rows, {CHAINS} chains of {options.draws} draws after as many of burn-in, {options.cores} "
        f"cores, medians of {options.repeats} runs; compiling is not counted.\n\n"
    ) + table(["sampler", "smallest bulk ESS", "largest R-hat", "seconds", "effective draws per second"], rows)


def gibbs(model: Model, options: argparse.Namespace, seed: int) -> tuple[object, float]:
    """Posterior and wall-clock seconds of this package's sampler."""
    given = replace(model, settings=replace(model.settings, seed=seed))
    start = time.perf_counter()
    fit = bp.fit(given, draws=options.draws, tune=options.draws, chains=CHAINS, cores=options.cores, progressbar=False)
    seconds = time.perf_counter() - start
    return fit.idata["posterior"].dataset, seconds


def nuts(graph: object, sampler: str, options: argparse.Namespace, seed: int) -> tuple[object, float]:
    """Posterior and seconds of sampling, compilation left out, of a NUTS sampler on the emitted model."""
    import pymc as pm

    if sampler == "nutpie":
        import nutpie

        compiled = nutpie.compile_pymc_model(graph)
        start = time.perf_counter()
        idata = nutpie.sample(
            compiled, draws=options.draws, tune=options.draws, chains=CHAINS, cores=options.cores, seed=seed,
            progress_bar=False,
        )  # fmt: skip
        return idata["posterior"].dataset, time.perf_counter() - start
    with graph:
        idata = pm.sample(
            draws=options.draws, tune=options.draws, chains=CHAINS, cores=options.cores, random_seed=seed,
            nuts_sampler="pymc", progressbar=False, compute_convergence_checks=False,
        )  # fmt: skip
    return idata["posterior"].dataset, float(idata["posterior"].attrs["sampling_time"])


def diagnose(posterior: object, names: list[str]) -> tuple[float, float]:
    """Smallest bulk ESS and largest R-hat over the parameters of the model."""
    import arviz as az

    chosen = posterior[names]
    ess = az.ess(chosen, method="bulk")
    rhat = az.rhat(chosen)
    return min(float(ess[name].min()) for name in names), max(float(rhat[name].max()) for name in names)


def simulate(n_rows: int) -> pd.DataFrame:
    """Data of the model; 15 % of y, x and z are missing."""
    rng = np.random.default_rng(5)
    d = rng.binomial(1, 0.4, n_rows)
    x = 5 + 0.5 * d + rng.normal(size=n_rows)
    z = 2 + 0.4 * (x - 5) + rng.normal(size=n_rows)
    y = 1 + 0.5 * (x - 5) + 0.3 * (z - 2) + 0.3 * (x - 5) * (z - 2) - 0.4 * d + rng.normal(size=n_rows)
    table = pd.DataFrame({"y": y, "x": x, "z": z, "d": d})
    return table.assign(**{name: table[name].mask(rng.random(n_rows) < 0.15) for name in ("y", "x", "z")})


if __name__ == "__main__":
    main()
