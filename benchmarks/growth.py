"""Parallel growth with a three-way latent interaction: this sampler beside published figures, nutpie and JAGS.

    python benchmarks/growth.py [--quick] [--write] [--only scaling]

Two processes with four waves; intercept and slope of the second are regressed on an observed moderator, intercept and
slope of the first, and all their products. 500 simulated rows; 2 chains of 10,000 burn-in iterations and 20,000 kept
draws. nutpie samples the emitted PyMC model and JAGS (Debian's `jags`) a formulation in which every full
conditional is normal or gamma, both shorter, both in the same run. The last table is the cost of a row. Published
figures are read from beside the repository and left out where they are absent; they come from another machine.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import jags
import numpy as np
import pandas as pd
from row_cost import cost_by_rows
from sections import published_tables, table, write_section

import blimp2pymc as bp
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.plan.rules import plan

SCRIPT = """
LATENT: i_m s_m i_y s_y;
MODEL:
  { i_m s_m } ~ intercept x;
  i_m ~~ s_m;
  { i_y s_y } ~ intercept x i_m s_m x*i_m x*s_m i_m*s_m x*i_m*s_m;
  i_y ~~ s_y;
  { t in 0:3 } : m[t] ~ 1@0 i_m@1 s_m@[t];
  { t in 0:3 } : y[t] ~ 1@0 i_y@1 s_y@[t];
  m0:m3@vm;
  y0:y3@vy;
SEED: 1;
"""
TERMS = ("Intercept", "x", "i_m", "s_m", "x*i_m", "x*s_m", "i_m*s_m", "x*i_m*s_m")
PUBLISHED_TERMS = ("Intercept", "X", "I_m", "S_m", "I_m*X", "S_m*X", "I_m*S_m (printed I_m*I_m)", "I_m*S_m*X")
OUTCOMES = ("i_y", "s_y")
CHAINS = 2
PUBLISHED_SECONDS = 36.0
"""Blimp's time for this design, as published; another machine."""
PUBLISHED_DRAWS = 20_000
"""Kept draws of each chain behind the published effective sample sizes."""


@dataclass(frozen=True)
class Length:
    """Iterations per chain."""

    burn: int
    draws: int


def main() -> None:
    """Measure everything and print it, or write it to `results.md`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the length: to see that it runs")
    parser.add_argument("--write", action="store_true", help="write the section of results.md")
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3, help="runs of our sampler, of which the median counts")
    parser.add_argument("--scaling", type=int, nargs="*", default=[5_000, 500_000], help="rows of the last table")
    parser.add_argument("--only", choices=("samplers", "scaling"), help="a part of it")
    options = parser.parse_args()
    share = 50 if options.quick else 1
    ours, nuts, bugs = (Length(n // share, m // share) for n, m in ((10_000, 20_000), (500, 500), (1_000, 4_000)))
    data = simulate(options.rows)
    parts = []
    if options.only != "scaling":
        parts.append(against_published(data, ours, 1 if options.quick else options.repeats))
        parts.append(against_samplers(data, ours, nuts, bugs))
    if options.scaling and options.only != "samplers":
        parts.append(cost_by_rows(SCRIPT, simulate, [n // share for n in options.scaling], 20, options.repeats))
    text = "\n\n".join(parts)
    print(text)
    if options.write:
        write_section("growth.py", text)


def against_published(data: pd.DataFrame, length: Length, repeats: int) -> str:
    """Seconds of sampling and of a whole process; effective draws of every coefficient."""
    model = bp.resolve(SCRIPT, data)
    sampled(model, Length(10, 10), 0)
    runs = [sampled(model, length, seed) for seed in range(1, repeats + 1)]
    plain = sampled(model, length, 1, integrated=False)
    seconds = statistics.median(run.seconds for run in runs)
    whole = statistics.median(process_seconds(data, length) for _ in range(repeats))
    ess = [effective(draws_of(run)) for run in runs]
    without = effective(draws_of(plain))
    published = next((rows for rows in published_tables() if rows and "I_y Blimp" in rows[0]), [])
    printed = {row["term"]: row for row in published}
    heading = ["effective draws", "i_y", "without integrating", "to Blimp", "s_y", "without integrating", "to Blimp"]
    rows = []
    ratios = []
    for term, label in zip((*TERMS, "residual variance"), (*PUBLISHED_TERMS, "Residual variance"), strict=True):
        cells = [f"`{term}`"]
        for outcome, column in zip(OUTCOMES, ("I_y Blimp", "S_y Blimp"), strict=True):
            mine = statistics.median(each[outcome, term] for each in ess)
            ratio = mine / length.draws / (float(printed[label][column]) / PUBLISHED_DRAWS) if printed else float("nan")
            ratios.append(ratio)
            cells += [f"{mine:,.0f}", f"{without[outcome, term]:,.0f}", f"{ratio:.2f}"]
        rows.append(cells)
    coefficients = ratios[:-2]
    lines = [
        f"{len(data)} rows, {CHAINS} chains of {length.burn:,} + {length.draws:,} iterations; medians of {repeats}.",
        f"Sampling took {seconds:.2f} s, a whole process from the command line {whole:.2f} s: "
        f"{PUBLISHED_SECONDS / seconds:.1f} and {PUBLISHED_SECONDS / whole:.1f} times less than the 36 s published for "
        f"Blimp (another machine). Without integrating latent variables out, sampling took {plain.seconds:.2f} s.",
        "",
        table(heading, rows),
        "",
        "The ratio to Blimp's effective draws is per kept draw, if the published 20,000 are those of each chain; it is",
        "half of that if they are the total.",
        f"Of the coefficients: median {np.median(coefficients):.2f}, smallest {min(coefficients):.2f}.",
    ]
    return "\n".join(lines)


def against_samplers(data: pd.DataFrame, ours: Length, nuts: Length, bugs: Length) -> str:
    """Effective draws per second of the structural parameters: ours, nutpie's, JAGS's."""
    rates = {}
    run = sampled(bp.resolve(SCRIPT, data), ours, 4)
    rates["blimp2pymc"] = {name: value / run.seconds for name, value in effective(draws_of(run)).items()}
    draws, seconds = nutpie_draws(data, nuts)
    rates["nutpie"] = {name: value / seconds for name, value in effective(draws).items()}
    times = f"nutpie {nuts.burn} + {nuts.draws}: {seconds:.1f} s, compilation not counted"
    if shutil.which("jags"):
        draws, seconds = jags.sample(data, TERMS, bugs.burn, bugs.draws, CHAINS)
        rates["JAGS"] = {name: value / seconds for name, value in effective(draws).items()}
        times += f"; JAGS {bugs.burn} + {bugs.draws}: {seconds:.1f} s with its start"
    else:
        times += "; JAGS is not installed here"
    rows = []
    for name, rate in rates.items():
        ratio = {each: rates["blimp2pymc"][each] / rate[each] for each in rate}
        cells = [f"{np.median(list(rate.values())):,.1f}", f"{min(rate.values()):,.1f}"]
        cells += [f"{np.median(list(ratio.values())):,.0f}", f"{min(ratio.values()):,.0f}"]
        rows.append([name, *cells, f"{min(ratio[each] for each in ratio if each[1] in TERMS):,.0f}"])
    heading = ["effective draws per second", "median", "smallest", "ours to it: median", "smallest", "of coefficients"]
    return f"Burn-in included, {CHAINS} chains, same run ({times}).\n\n" + table(heading, rows)


# ---------------------------------------------------------------- samplers


def sampled(model: Model, length: Length, seed: int, *, integrated: bool = True):
    """Draws of this package's sampler; `seconds` is the time of burn-in and draws."""
    how = plan(model, integrated=integrated)
    return sample(model, how, draws=length.draws, burn=length.burn, chains=CHAINS, seed=seed, cores=2)


def draws_of(run) -> dict[tuple[str, str], np.ndarray]:
    """Structural parameters of our run, each (chain, draw)."""
    found = {(outcome, term): run.parameter(f"{outcome} ~ {term}") for outcome in OUTCOMES for term in TERMS}
    return found | {
        (outcome, "residual variance"): run.parameter(f"{outcome} residual variance") for outcome in OUTCOMES
    }


def nutpie_draws(data: pd.DataFrame, length: Length) -> tuple[dict[tuple[str, str], np.ndarray], float]:
    """Structural parameters and seconds of nutpie on the emitted model."""
    import nutpie

    compiled = nutpie.compile_pymc_model(bp.build(bp.resolve(SCRIPT, data)))
    start = time.perf_counter()
    idata = nutpie.sample(
        compiled, draws=length.draws, tune=length.burn, chains=CHAINS, cores=2, seed=1, progress_bar=False
    )
    seconds = time.perf_counter() - start
    posterior = idata["posterior"].dataset
    found = {}
    for outcome in OUTCOMES:
        found[outcome, "Intercept"] = posterior[f"{outcome}_intercept"].to_numpy()
        found[outcome, "residual variance"] = posterior[f"{outcome}_residual_variance"].to_numpy()
        for k, term in enumerate(TERMS[1:]):
            found[outcome, term] = posterior[f"{outcome}_coefficient"].to_numpy()[..., k]
    return found, seconds


def process_seconds(data: pd.DataFrame, length: Length) -> float:
    """Wall-clock seconds of `blimp2pymc run`, from start to written tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data.to_csv(folder / "growth.csv", index=False)
        (folder / "growth.imp").write_text("DATA: growth.csv;\n" + SCRIPT, encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "blimp2pymc",
            "run",
            str(folder / "growth.imp"),
            "--quiet",
            "--chains",
            str(CHAINS),
        ]
        command += ["--burn", str(length.burn), "--iter", str(CHAINS * length.draws), "--out", str(folder / "out")]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def effective(draws: dict[tuple[str, str], np.ndarray]) -> dict[tuple[str, str], float]:
    """Rank-normalised bulk effective sample sizes, over all chains."""
    import arviz as az

    return {name: float(az.ess(np.ascontiguousarray(values), method="bulk")) for name, values in draws.items()}


def simulate(n_rows: int) -> pd.DataFrame:
    """Data of the model; the deck does not give its population, so the values are ours."""
    rng = np.random.default_rng(9)
    x = rng.normal(size=n_rows)
    i_m, s_m = rng.multivariate_normal([0, 0], [[1.0, 0.15], [0.15, 0.3]], n_rows).T
    i_m, s_m = i_m + 0.3 * x, 0.5 + s_m + 0.1 * x
    errors = rng.multivariate_normal([0, 0], [[0.8, 0.1], [0.1, 0.25]], n_rows).T
    i_y = 1 + 0.3 * x + 0.4 * i_m + 0.3 * s_m + 0.15 * x * i_m + 0.1 * x * s_m + 0.1 * i_m * s_m + 0.1 * x * i_m * s_m
    s_y = 0.4 + 0.1 * x + 0.2 * i_m + 0.2 * s_m + 0.1 * x * i_m + 0.1 * x * s_m + 0.1 * i_m * s_m + 0.1 * x * i_m * s_m
    waves = {f"m{t}": i_m + t * s_m + rng.normal(0, 0.5, n_rows) for t in range(4)}
    waves |= {f"y{t}": i_y + errors[0] + t * (s_y + errors[1]) + rng.normal(0, 0.5, n_rows) for t in range(4)}
    return pd.DataFrame({**waves, "x": x})


if __name__ == "__main__":
    main()
