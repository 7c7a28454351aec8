"""Factors with ordinal indicators: effective draws beside Blimp's, and effective draws per second beside nutpie's.

    python benchmarks/ordinal.py [--quick] [--write] [--without-nutpie] [--only NAME ...] [--budget SECONDS]

Two correlated factors, seven items of four and six of six categories, 275 rows: simulated, and, where the reference
folder lies beside the repository, the same model of its pain data. nutpie samples the emitted PyMC model in the same
run, shorter. Then models of the reference folder: effective draws per draw of thresholds, loadings, intercepts, factor
variances and correlations in units of those Blimp printed, and, where a time is published, the time of the published
length beside it. Comparisons do not depend on each other: each is printed when it is done, and those that would begin
after the budget is used up are left out, which the text says.
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
from sections import published_tables, table, write_section

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
FACTORS = ("simulated", "pain-data")
"""Models that nutpie samples, too."""
TIMED = {"bench-6": "6", "bench-14": "14"}
"""Models of the reference folder with a published time, and their numbers there."""
PRINTED = {"workshop-8": 5_000, "guide-5.13": 10_000, "book-6.7-mod4": 4_000}
"""Models of the reference folder with printed estimates, and how many draws of each chain are kept."""
GROUPS = ("thresholds", "loadings", "intercepts", "factor variances", "correlations")
CHAINS = 2


@dataclass(frozen=True)
class Length:
    """Iterations per chain."""

    burn: int
    draws: int


def main() -> None:
    """Measure everything and print it, or write it to `results.md`."""
    names = (*FACTORS, *TIMED, *PRINTED)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the length: to see that it runs")
    parser.add_argument("--write", action="store_true", help="write the section of results.md")
    parser.add_argument("--repeats", type=int, default=3, help="runs of our sampler beside nutpie's; medians count")
    parser.add_argument("--nuts", type=int, default=300, help="burn-in and kept draws of nutpie, each")
    parser.add_argument("--without-nutpie", action="store_true")
    parser.add_argument("--only", nargs="*", default=names, choices=names, help="comparisons to make")
    parser.add_argument("--budget", type=float, default=900.0, help="seconds after which no comparison begins")
    options = parser.parse_args()
    share = 50 if options.quick else 1
    nuts = None if options.without_nutpie else max(20, options.nuts // share)
    begun, left_out = time.perf_counter(), []
    rows: dict[str, list[list[str]]] = {"factors": [], "timed": [], "printed": []}
    for name in options.only:
        if name not in FACTORS and not (REFERENCE / name / "model.imp").exists():
            continue
        if time.perf_counter() - begun > options.budget:
            left_out.append(name)
        elif name in TIMED:
            rows["timed"].append(against_published_time(name, share))
            print(" | ".join(rows["timed"][-1]), flush=True)
        elif name in PRINTED:
            rows["printed"].append(against_blimp(name, share))
            print(" | ".join(rows["printed"][-1]), flush=True)
        elif (model := two_factors(name)) is not None:
            found = against_nutpie(name, model, nuts, share, 1 if options.quick else options.repeats)
            rows["factors"] += found
            print("\n".join(" | ".join(each) for each in found), flush=True)
    text = "\n\n".join(described(rows, nuts, options.repeats, left_out))
    print(text)
    if options.write:
        write_section("ordinal.py", text)


def described(rows: Mapping[str, list[list[str]]], nuts: int | None, repeats: int, left_out: list[str]) -> list[str]:
    """Paragraphs and tables of what was measured."""
    parts = []
    if rows["factors"]:
        length = f"{CHAINS} chains of 1,000 + 10,000 iterations, medians of {repeats} runs"
        if nuts:
            length += f"; nutpie {nuts} + {nuts}, compilation not counted"
        heading = ["data", "parameters", "median ESS per 1,000", "smallest"]
        heading += ["ESS/s: median (smallest)", "nutpie's", "ratio"]
        parts.append(f"Two factors, 13 items, 275 rows. {length}. Seconds include burn-in.")
        parts.append(table(heading, rows["factors"]))
    if rows["timed"]:
        parts += [
            "Length and chains as published; the published medians are of another machine.",
            table(["model", "seconds of sampling", "smallest ESS per 1,000", "Blimp's time to ours"], rows["timed"]),
        ]
    if rows["printed"]:
        heading = ["model", "draws", "seconds", "smallest ESS per 1,000"]
        heading += [*GROUPS, "all that is printed", "smallest to Blimp's smallest"]
        parts += [
            "Effective draws per draw in units of Blimp's N_Eff per draw, parameter by parameter: median (smallest). "
            f"{CHAINS} chains, 2,000 iterations of burn-in.",
            table(heading, rows["printed"]),
        ]
    if left_out:
        parts.append("Not measured, as the time was used up: " + ", ".join(left_out) + ".")
    return parts


# ---------------------------------------------------------------- beside nutpie


def two_factors(name: str) -> Model | None:
    """The model with two factors, of simulated or of pain data; None where these are absent."""
    if name == "simulated":
        return bp.resolve(SCRIPT.format(MEASUREMENT), simulate(275))
    pain = REFERENCE / "data" / "workshop-pain.dat"
    return bp.resolve(PAIN.format(pain) + SCRIPT.format(MEASUREMENT)) if pain.exists() else None


def against_nutpie(name: str, model: Model, nuts: int | None, share: int, repeats: int) -> list[list[str]]:
    """Effective draws per 1,000 draws and per second by kind of parameter: rows of a table."""
    ours = Length(1_000 // share, 10_000 // share)
    # Loading machine code is not part of sampling.
    sample(model, draws=10, burn=10, chains=CHAINS, seed=0, cores=2)
    runs = [
        sample(model, draws=ours.draws, burn=ours.burn, chains=CHAINS, seed=seed, cores=2)
        for seed in range(1, repeats + 1)
    ]
    found = [by_group(our_draws(model, run)) for run in runs]
    seconds = statistics.median(run.seconds for run in runs)
    print(f"{name}: {seconds:.2f} s, {1e6 * seconds / (ours.burn + ours.draws):.0f} us a sweep", flush=True)
    other = nutpie_rates(model, Length(nuts, nuts)) if nuts else {}
    rows = []
    for group in GROUPS:
        median, smallest = (statistics.median(each[group][k] for each in found) for k in (0, 1))
        cells = [name, group] + [f"{1000 * each / (CHAINS * ours.draws):.0f}" for each in (median, smallest)]
        cells.append(f"{median / seconds:,.0f} ({smallest / seconds:,.0f})")
        if other:
            rate = other[group]
            cells.append(f"{rate[0]:,.0f} ({rate[1]:,.1f})")
            cells.append(f"{median / seconds / rate[0]:.1f} ({smallest / seconds / rate[1]:.1f})")
        else:
            cells += ["", ""]
        rows.append(cells)
    few = statistics.median(min(each[group][1] for group in GROUPS) for each in found)
    cells = [name, "all", "", f"{1000 * few / (CHAINS * ours.draws):.0f}", f"({few / seconds:,.0f})", "", ""]
    if other:
        rate = min(each[1] for each in other.values())
        cells[-2:] = [f"({rate:,.1f})", f"({few / seconds / rate:.1f})"]
    return [*rows, cells]


# ---------------------------------------------------------------- beside Blimp


def against_published_time(case: str, share: int) -> list[str]:
    """A row of the table of models whose time is published."""
    model = bp.resolve(REFERENCE / case / "model.imp")
    published = {row["model"]: row for rows in published_tables() for row in rows if "model" in row}
    length = Length(10_000 // share, 10_000 // share)
    sample(model, draws=10, burn=10, chains=CHAINS, seed=0, cores=2)
    run = sample(model, draws=length.draws, burn=length.burn, chains=CHAINS, seed=1, cores=2)
    values = {str(k): run.parameters[:, :, k] for k in range(run.parameters.shape[2])}
    smallest = by_group({"all": {name: each for name, each in values.items() if each.std() > 0}})["all"][1]
    cells = [case, f"{run.seconds:.2f}", f"{1000 * smallest / (CHAINS * length.draws):.0f}"]
    theirs = published.get(TIMED[case], {}).get("Blimp", "-")
    return [*cells, "" if theirs == "-" else f"{float(theirs) / run.seconds / share:.1f}"]


def against_blimp(case: str, share: int) -> list[str]:
    """A row of the table of models that Blimp has printed estimates of."""
    model = bp.resolve(REFERENCE / case / "model.imp")
    kept = PRINTED[case] // share
    fit = bp.fit(model, draws=kept, tune=2_000 // share, chains=CHAINS, cores=2, progressbar=False)
    estimates = keyed(fit.estimates)
    ours = 1000 * estimates["n_eff"] / (kept * CHAINS)
    theirs = keyed(pd.read_csv(REFERENCE / case / "posterior.csv", keep_default_na=False, na_values=[""]))
    theirs = 1000 * theirs["n_eff"] / model.settings.iterations
    ratio = (ours / theirs).dropna()
    kinds = pd.Series({key: kind(fit, key) for key in ratio.index})
    cells = [case, f"{kept * CHAINS:,}", f"{fit.draws.seconds:.1f}", f"{ours[ratio.index].min():.1f}"]
    for group in GROUPS:
        own = ratio[kinds == group]
        cells.append(f"{own.median():.1f} ({own.min():.1f})" if len(own) else "")
    cells.append(f"{ratio.median():.1f} ({ratio.min():.1f})")
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
    if section == "variances" and outcome in latent:
        return "factor variances"
    return "correlations" if section.startswith("correlation") or key[0] == "correlation" else ""


# ---------------------------------------------------------------- samplers


def our_draws(model: Model, run) -> dict[str, dict[str, np.ndarray]]:
    """Free parameters of our run by kind, each (chain, draw)."""
    found: dict[str, dict[str, np.ndarray]] = {group: {} for group in GROUPS}
    for name, each in model.parameters.items():
        if each.is_free:
            kinds = {" threshold ": "thresholds", "~ Intercept": "intercepts", "variance": "factor variances"}
            kinds |= {"~~": "correlations", "correlation": "correlations"}
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
    endings = ("_threshold", "_coefficient", "_intercept", "_residual_variance", "_correlation")
    draws: dict[str, dict[str, np.ndarray]] = {group: {} for group in GROUPS}
    for group, ending in zip(GROUPS, endings, strict=True):
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
