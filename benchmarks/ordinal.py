"""Factors with ordinal indicators: effective draws beside Blimp's, and effective draws per second beside nutpie's.

    python benchmarks/ordinal.py [--quick] [--write] [--without-nutpie]

Two correlated factors, seven items of four and six of six categories, 275 rows: simulated, and, where the reference
folder lies beside the repository, the same model of its pain data. nutpie samples the emitted PyMC model in the same
run, shorter. Then models of the reference folder, at the length of their scripts: effective draws per draw of
thresholds, loadings, intercepts and factor variances in units of those Blimp printed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sections import table, write_section

import blimp2pymc as bp
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.summary.fit import Fit

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"
SCRIPT = "ORDINAL: dep1:dep7 disab1:disab6; LATENT: dep disab; MODEL: dep ~~ disab; {}"
MEASUREMENT = "dep -> dep1:dep7; disab -> disab1:disab6;"
PAIN = """DATA: {}; MISSING: 999;
VARIABLES: id f1 male f2:f6 severity anxiety stress control f7 f8 f9 dep1:dep7 pint1:pint6 disab1:disab6;
"""
CASES = ("workshop-8", "guide-5.13", "book-6.7-mod4", "bench-6", "bench-14")
"""Models of the reference folder; those without printed estimates only say how long they take."""
GROUPS = ("thresholds", "loadings", "intercepts", "factor variances")
CHAINS = 2


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
    parser.add_argument("--repeats", type=int, default=3, help="runs of our sampler, of which the median counts")
    parser.add_argument("--without-nutpie", action="store_true")
    parser.add_argument("--cases", nargs="*", default=CASES, help="models of the reference folder")
    options = parser.parse_args()
    share = 50 if options.quick else 1
    ours, nuts = Length(1_000 // share, 10_000 // share), Length(max(20, 500 // share), max(20, 500 // share))
    repeats = 1 if options.quick else options.repeats
    models = {"simulated": bp.resolve(SCRIPT.format(MEASUREMENT), simulate(275))}
    pain = REFERENCE / "data" / "workshop-pain.dat"
    if pain.exists():
        models["pain data"] = bp.resolve(PAIN.format(pain) + SCRIPT.format(MEASUREMENT))
    parts = [against_nutpie(models, ours, None if options.without_nutpie else nuts, repeats)]
    found = [against_blimp(case, share) for case in options.cases if (REFERENCE / case / "model.imp").exists()]
    if found:
        heading = ["model", "draws", "seconds", "smallest ESS per 1,000"]
        heading += [f"{group}: median (smallest) to Blimp's" for group in GROUPS] + ["smallest to Blimp's smallest"]
        parts.append(
            "Effective draws per draw in units of Blimp's N_Eff per draw, parameter by parameter, at the length of "
            "the scripts; seconds of sampling include burn-in.\n\n" + table(heading, found)
        )
    text = "\n\n".join(parts)
    print(text)
    if options.write:
        write_section("ordinal.py", text)


def against_nutpie(models: Mapping[str, Model], ours: Length, nuts: Length | None, repeats: int) -> str:
    """Effective draws per 1,000 draws and per second by kind of parameter."""
    rows = []
    for name, model in models.items():
        runs = [
            sample(model, draws=ours.draws, burn=ours.burn, chains=CHAINS, seed=seed, cores=2)
            for seed in range(1, repeats + 1)
        ]
        found = [by_group(our_draws(model, run)) for run in runs]
        seconds = statistics.median(run.seconds for run in runs)
        other = nutpie_rates(model, nuts) if nuts else {}
        for group in GROUPS:
            median, smallest = (statistics.median(each[group][k] for each in found) for k in (0, 1))
            cells = [name, group] + [f"{1000 * each / (CHAINS * ours.draws):.0f}" for each in (median, smallest)]
            cells.append(f"{median / seconds:,.0f} ({smallest / seconds:,.0f})")
            if group in other:
                rate = other[group]
                cells.append(f"{rate[0]:,.0f} ({rate[1]:,.0f})")
                cells.append(f"{median / seconds / rate[0]:.1f} ({smallest / seconds / rate[1]:.1f})")
            else:
                cells += ["", ""]
            rows.append(cells)
        if other:
            few = statistics.median(min(each[group][1] for group in GROUPS) for each in found) / seconds
            rows.append([name, "all", "", "", f"({few:,.0f})", f"({min(each[1] for each in other.values()):,.0f})",
                         f"({few / min(each[1] for each in other.values()):.1f})"])  # fmt: skip
        print(f"{name}: {seconds:.2f} s", flush=True)
    heading = [
        "data",
        "parameters",
        "median ESS per 1,000",
        "smallest",
        "ESS/s: median (smallest)",
        "nutpie's",
        "ratio",
    ]
    length = f"{CHAINS} chains of {ours.burn:,} + {ours.draws:,} iterations, medians of {repeats} runs"
    if nuts:
        length += f"; nutpie {nuts.burn} + {nuts.draws}, compilation not counted"
    return f"Two factors, 13 items, 275 rows. {length}. Seconds include burn-in.\n\n" + table(heading, rows)


def against_blimp(case: str, share: int) -> list[str]:
    """A row of the table of models that Blimp has printed estimates of."""
    model = bp.resolve(REFERENCE / case / "model.imp")
    settings = model.settings
    chains, burn, kept = settings.chains, settings.burn // share, settings.iterations // settings.chains // share
    fit = bp.fit(model, draws=kept, tune=burn, cores=2, progressbar=False)
    estimates = keyed(fit.estimates)
    ours = 1000 * estimates["n_eff"] / (kept * chains)
    cells = [case, f"{kept * chains:,}", f"{fit.draws.seconds:.1f}", f"{ours.min():.1f}"]
    printed = REFERENCE / case / "posterior.csv"
    if not printed.exists() or printed.stat().st_size == 0:
        return [*cells, *[""] * (len(GROUPS) + 1)]
    theirs = keyed(pd.read_csv(printed, keep_default_na=False, na_values=[""]))
    theirs = 1000 * theirs["n_eff"] / settings.iterations
    ratio = (ours / theirs).dropna()
    kinds = pd.Series({key: kind(fit, key) for key in ratio.index})
    for group in GROUPS:
        own = ratio[kinds == group]
        cells.append(f"{own.median():.1f} ({own.min():.1f})" if len(own) else "")
    print(" ".join(cells), flush=True)
    return [*cells, f"{ours[ratio.index].min() / theirs[ratio.index].min():.1f}"]


def keyed(estimates: pd.DataFrame) -> pd.DataFrame:
    """Rows of estimates that vary, under (block, outcome, section, parameter) without blanks and capitals."""
    varying = estimates[(estimates["sd"].fillna(0) > 0.0005) & ~estimates["block"].isin(["fit", "wald"])]
    names = varying[["block", "outcome", "section", "parameter"]].fillna("").astype(str)
    keys = [tuple(cell.replace(" ", "").rstrip(":").lower() for cell in row) for row in names.to_numpy()]
    return varying.set_axis(pd.Index(keys, tupleize_cols=False), axis=0).groupby(level=0).first()


def kind(fit: Fit, key: tuple[str, ...]) -> str:
    """What sort of parameter a row of estimates is."""
    _, outcome, section, parameter = key
    latent = {name.lower() for name in fit.model.latent}
    items = {each.name.lower() for each in fit.model.equations if each.thresholds and each.name.lower() not in latent}
    if section == "thresholds":
        return "thresholds"
    if section == "coefficients" and outcome in items:
        return "intercepts" if parameter == "intercept" else "loadings" if parameter in latent else ""
    return "factor variances" if section == "variances" and outcome in latent else ""


# ---------------------------------------------------------------- samplers


def our_draws(model: Model, run) -> dict[str, dict[str, np.ndarray]]:
    """Free parameters of our run by kind, each (chain, draw)."""
    found: dict[str, dict[str, np.ndarray]] = {group: {} for group in GROUPS}
    for name, each in model.parameters.items():
        if each.is_free:
            kinds = {" threshold ": "thresholds", "~ Intercept": "intercepts", "variance": "factor variances"}
            group = next((group for part, group in kinds.items() if part in name), "loadings" if " ~ " in name else "")
            if group:
                found[group][name] = run.parameter(name)
    return found


def nutpie_rates(model: Model, length: Length) -> dict[str, tuple[float, float]]:
    """Median and smallest effective draws per second of nutpie by kind, burn-in included, compilation not."""
    import nutpie

    compiled = nutpie.compile_pymc_model(bp.build(model))
    start = time.perf_counter()
    idata = nutpie.sample(
        compiled, draws=length.draws, tune=length.burn, chains=CHAINS, cores=2, seed=1, progress_bar=False
    )
    seconds = time.perf_counter() - start
    posterior = idata["posterior"].dataset
    endings = dict(zip(GROUPS, ("_threshold", "_coefficient", "_intercept", "_residual_variance"), strict=True))
    draws: dict[str, dict[str, np.ndarray]] = {group: {} for group in GROUPS}
    for group, ending in endings.items():
        for name in (each for each in posterior.data_vars if each.endswith(ending)):
            values = posterior[name].to_numpy().reshape(CHAINS, length.draws, -1)
            draws[group] |= {f"{name}[{k}]": values[..., k] for k in range(values.shape[2])}
    print(f"nutpie: {seconds:.1f} s", flush=True)
    return {group: (each[0] / seconds, each[1] / seconds) for group, each in by_group(draws).items()}


def by_group(draws: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, tuple[float, float]]:
    """Median and smallest rank-normalised bulk effective sample size of every kind of parameter."""
    import arviz as az

    found = {}
    for group, parameters in draws.items():
        values = [float(az.ess(np.ascontiguousarray(each), method="bulk")) for each in parameters.values()]
        found[group] = (float(np.median(values)), min(values))
    return found


def simulate(n_rows: int) -> pd.DataFrame:
    """Two correlated factors with four-category items, easy to very hard, and six-category items; 2 % missing."""
    rng = np.random.default_rng(3)
    factors = rng.multivariate_normal([0, 0], [[1.5, 0.8], [0.8, 2.0]], n_rows).T
    loadings = (1, 1.2, 0.9, 1.1, 0.8, 1.3, 0.7)
    items = {}
    for k in range(7):
        response = 0.2 * k - 1 + loadings[k] * factors[0] + rng.normal(size=n_rows)
        items[f"dep{k + 1}"] = 1.0 + np.digitize(response, [0, 1.2, 2.2])
    for k in range(6):
        response = 0.2 * k + 0.5 + loadings[k] * factors[1] + rng.normal(size=n_rows)
        items[f"disab{k + 1}"] = 1.0 + np.digitize(response, [0, 0.6, 1.2, 1.9, 2.6])
    data = pd.DataFrame(items)
    return data.mask(rng.random(data.shape) < 0.02)


if __name__ == "__main__":
    main()
