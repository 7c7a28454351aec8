"""Models of a published benchmark: time beside the published medians, effective draws per second beside nutpie.

    python benchmarks/published.py [--quick] [--write]

Models 2 (latent mediator), 3 (correlated latent and observed predictors), 6 (factor with ordinal indicators, nominal
predictor), 13 (growth with autoregressive residuals), 14 (sum score) and 21 (random-intercept cross-lagged panel), as
scripts and data beside the repository; those that are absent are skipped. Iterations and chains as published. The
published times come from another machine. nutpie samples the emitted PyMC model in the same run, shorter.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from sections import published_tables, table, write_section

import blimp2pymc as bp
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.plan.rules import plan

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"
MODELS = {
    **dict.fromkeys(("2", "3", "6"), (10_000, 10_000)),
    "13": (20_000, 20_000),
    "14": (10_000, 10_000),
    "21": (20_000, 20_000),
}
"""Published model -> burn-in iterations and kept draws of each chain."""
CHAINS = 2


def main() -> None:
    """Measure every model and print the table, or write it to `results.md`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the length: to see that it runs")
    parser.add_argument("--write", action="store_true", help="write the section of results.md")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--nuts", type=int, default=500, help="burn-in and kept draws of nutpie, each")
    parser.add_argument("--without-nutpie", action="store_true")
    options = parser.parse_args()
    share, repeats = (50, 1) if options.quick else (1, options.repeats)
    medians = {row["model"]: row for rows in published_tables() for row in rows if "model" in row}
    rows, ratios = [], []
    for number, (burn, draws) in MODELS.items():
        script = REFERENCE / f"bench-{number}" / "model.imp"
        if not script.exists():
            print(f"model {number} is not there: skipped")
            continue
        model = bp.resolve(script)
        sample(model, draws=10, burn=10, chains=CHAINS, seed=0)
        runs = [sample_with(model, burn // share, draws // share, seed) for seed in range(1, repeats + 1)]
        seconds = statistics.median(run.seconds for run in runs)
        effective = [smallest_and_median(run) for run in runs]
        few, middle = (statistics.median(each) for each in zip(*effective, strict=True))
        plain = sample_with(model, burn // share, draws // share, 1, integrated=False)
        cells = [number, f"{seconds:.2f}", f"{few:,.0f}", f"{middle:,.0f}"]
        cells += [f"{plain.seconds:.2f}", f"{smallest_and_median(plain)[0]:,.0f}"]
        for program in ("Blimp", "Mplus", "blavaan"):
            median = medians.get(number, {}).get(program, "-")
            cells.append("" if median == "-" else f"{float(median) / seconds / share:.1f}")
            if program == "Blimp" and median != "-":
                ratios.append(float(median) / seconds / share)
        if options.without_nutpie:
            cells.append("")
        else:
            nuts_few, nuts_middle = nutpie_rates(model, max(20, options.nuts // share))
            cells.append(f"{few / seconds / nuts_few:,.0f} / {middle / seconds / nuts_middle:,.0f}")
        rows.append(cells)
        print(" ".join(cells), flush=True)
    if not rows:
        return
    heading = ["model", "seconds of sampling", "smallest ESS", "median ESS"]
    heading += ["seconds without integrating", "smallest ESS", "Blimp's time to ours", "Mplus's", "blavaan's"]
    heading += ["ESS/s to nutpie's: smallest / median"]
    mean = float(np.exp(np.mean(np.log(ratios)))) if ratios else float("nan")
    geometric = f"Geometric mean of Blimp's published time to ours: {mean:.1f}."
    text = "\n\n".join(
        (
            f"{CHAINS} chains, iterations as published, medians of {repeats} runs; ESS over all chains and free "
            "parameters. The published medians are of another machine; blavaan ran 500 + 1,000.",
            table(heading, rows),
            geometric,
        )
    )
    print(text)
    if options.write:
        write_section("published.py", text)


def sample_with(model: Model, burn: int, draws: int, seed: int, *, integrated: bool = True):
    """Draws of this package's sampler."""
    how = plan(model, integrated=integrated)
    return sample(model, how, draws=draws, burn=burn, chains=CHAINS, seed=seed, cores=2)


def smallest_and_median(run) -> tuple[float, float]:
    """Smallest and median bulk effective sample size of what varies."""
    import arviz as az

    values = [run.parameters[:, :, k] for k in range(run.parameters.shape[2])]
    found = [float(az.ess(np.ascontiguousarray(each), method="bulk")) for each in values if each.std() > 0]
    return min(found), float(np.median(found))


def nutpie_rates(model: Model, length: int) -> tuple[float, float]:
    """Smallest and median effective draws per second of nutpie, burn-in included, compilation not."""
    import arviz as az
    import nutpie

    graph = bp.build(model)
    unknown = {f"{name}_missing" for name in model.unknown} | set(model.latent)
    names = [each.name for each in graph.free_RVs if each.name not in unknown and not each.name.endswith("_missing")]
    compiled = nutpie.compile_pymc_model(graph)
    start = time.perf_counter()
    idata = nutpie.sample(compiled, draws=length, tune=length, chains=CHAINS, cores=2, seed=1, progress_bar=False)
    seconds = time.perf_counter() - start
    ess = az.ess(idata["posterior"].dataset[names], method="bulk")
    # Explicit latent responses have a value in every row.
    found = np.concatenate([ess[name].to_numpy().ravel() for name in names if ess[name].size < model.frame.n_rows])
    return float(np.nanmin(found)) / seconds, float(np.nanmedian(found)) / seconds


if __name__ == "__main__":
    main()
