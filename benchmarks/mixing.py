"""How well every reference case mixes: the smallest effective number of draws beside the one Blimp printed.

    python benchmarks/mixing.py [--write] [--burn 1000] [--draws 10000] [--cases NAME ...]

Cases of one-level models lie beside the repository and are no part of it. Each runs with four chains; every printed
quantity that varies counts, means of predictors and derived quantities too. Effective draws are Blimp's N_Eff as the
tables print it, per 1,000 kept draws of all chains; Blimp's figure is that of the case's index.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from sections import table, write_section

import blimp2pymc as bp

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"
STAGES = ("1", "3", "4")
"""Values of the column `stage` of the index: models of one level."""
CHAINS = 4


def main() -> None:
    """Run every case and print the table, or write it to `results.md`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the section of results.md")
    parser.add_argument("--burn", type=int, default=1_000, help="iterations of each chain")
    parser.add_argument("--draws", type=int, default=10_000, help="kept draws of all chains together")
    parser.add_argument("--cases", nargs="*", help="only these")
    options = parser.parse_args()
    rows, ratios = [], {}
    for case in cases():
        name = case["case"]
        if options.cases and name not in options.cases:
            continue
        try:
            smallest, where, seconds = smallest_effective(name, options.burn, options.draws // CHAINS)
        except bp.BlimpError as refusal:
            print(f"{name}: {refusal.findings[0].message}")
            continue
        printed = case["min_neff_per_1000"]
        if printed:
            ratios[name] = smallest / float(printed)
        rows.append(
            [name, f"{smallest:.1f}", where, printed, f"{ratios[name]:.1f}" if printed else "", f"{seconds:.1f}"]
        )
        print(" | ".join(rows[-1]), flush=True)
    if not rows:
        return
    heading = ["case", "smallest ESS per 1,000", "of", "Blimp's smallest", "ratio", "seconds"]
    lines = [
        f"{CHAINS} chains, {options.burn:,} iterations of burn-in each, {options.draws:,} kept draws in all.",
        "",
        table(heading, rows),
    ]
    if ratios:
        below = sorted(name for name, ratio in ratios.items() if ratio < 1)
        lines += [
            "",
            f"Of {len(ratios)} cases the median ratio to Blimp's smallest is {np.median(list(ratios.values())):.1f}; "
            f"below Blimp's: {', '.join(below) or 'none'}.",
        ]
    print("\n".join(lines[-1:]))
    if options.write:
        write_section("mixing.py", "\n".join(lines))


def cases() -> list[dict[str, str]]:
    """Rows of the index of the reference cases; none where there is no index."""
    index = REFERENCE / "index.csv"
    if not index.exists():
        return []
    with index.open(encoding="utf-8", newline="") as stream:
        return [each for each in csv.DictReader(stream) if each["stage"] in STAGES]


def smallest_effective(case: str, burn: int, draws: int) -> tuple[float, str, float]:
    """Smallest effective draws per 1,000 of a case, what has it, and seconds of sampling."""
    fit = bp.fit(REFERENCE / case / "model.imp", draws=draws, tune=burn, chains=CHAINS, cores=2, progressbar=False)
    estimates = fit.estimates
    varying = estimates[(estimates["sd"].fillna(0) > 0.0005) & ~estimates["block"].isin(["fit", "wald"])]
    worst = varying.loc[varying["n_eff"].idxmin()]
    names = (str(worst[each]) for each in ("outcome", "section", "parameter"))
    where = ", ".join(dict.fromkeys(each.replace("|", "/") for each in names if each not in ("", "nan")))
    return 1000 * float(worst["n_eff"]) / (draws * CHAINS), where, fit.draws.seconds


if __name__ == "__main__":
    main()
