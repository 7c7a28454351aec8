"""Which kernel draws the coefficients of equations that are not normal: effective draws per second of each.

    python benchmarks/not_normal.py [--rows 500] [--draws 4000] [--repeats 3]

One Markdown table for a logit, a multinomial, a count, a `var(y)` and a `yjt(y)` equation, each once with complete
predictors and once with an incomplete one. Kernels: `weights` (Polya-Gamma, then a joint normal draw), `scoring` (joint
Metropolis steps from a normal approximation), `slice` (one coefficient after the other), `trajectory` (what the plan
does: Hamiltonian steps of all coefficients beside one of the former, `kernels.trajectories`), `integrated` (lambda with
coefficients and variance integrated out, `kernels.transformations`), `nuts` (all parameters of the equation jointly, on
the log density that PyTensor compiles; compiling is not counted). The smallest effective number of draws
of the equation's parameters is divided by processor time, so that other work on the machine does not matter.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pandas as pd

import blimp2pymc as bp
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.plan import rules as plan_module
from blimp2pymc.sampler.plan.residuals import Structure, structure

SCRIPTS = {
    "logit": "ORDINAL: b; MODEL: logit(b) ~ x w u;",
    "multinomial, 3 groups": "NOMINAL: g; MODEL: g ~ x w u;",
    "negative binomial": "COUNT: c; MODEL: c ~ x w u;",
    "var(y)": "MODEL: y ~ x w u; var(y) ~ x w u;",
    "yjt(y)": "MODEL: yjt(y - 1) ~ x w u;",
    "yjt(y) and var(y)": "MODEL: yjt(y - 1) ~ x w u; var(y) ~ x w u;",
}
EQUATIONS = ("logit(", "g.", "c ", "y ", "var(", "yjt(")
"""What names of an equation's parameters begin with."""
KERNELS = {
    "logit": ("trajectory", "weights", "scoring", "slice", "nuts"),
    "multinomial, 3 groups": ("trajectory", "scoring", "slice", "nuts"),
    "negative binomial": ("trajectory", "scoring", "slice", "nuts"),
    "var(y)": ("scoring", "slice", "nuts"),
    "yjt(y)": ("integrated", "nuts"),
    "yjt(y) and var(y)": ("nuts",),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--draws", type=int, default=4000, help="kept draws of the one chain; a tenth as many burn-in")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kernels", nargs="+", help="only these")
    options = parser.parse_args()
    print(f"{options.rows} rows, {options.draws} draws, medians of {options.repeats} runs\n")
    print("| equation | predictors | kernel | smallest ESS per 1,000 draws | us a sweep | smallest ESS/s |")
    print("|---|---|---|---:|---:|---:|")
    for name, script in SCRIPTS.items():
        for incomplete in (False, True):
            model = bp.resolve(f"MISSING: NA; SEED: 1; {script}", simulated(options.rows, incomplete))
            for kernel in (each for each in KERNELS[name] if each in (options.kernels or KERNELS[name])):
                found = [effort(model, kernel, options.draws, seed) for seed in range(options.repeats)]
                each, sweep, per_second = (statistics.median(column) for column in zip(*found, strict=True))
                what = "one incomplete" if incomplete else "complete"
                print(f"| {name} | {what} | {kernel} | {each:.0f} | {sweep:.0f} | {per_second:,.0f} |", flush=True)


def simulated(n: int, incomplete: bool) -> pd.DataFrame:
    """Three correlated predictors and an outcome of every kind."""
    rng = np.random.default_rng(5)
    w = rng.normal(size=n)
    x = 0.5 * w + rng.normal(size=n)
    u = 0.4 * x + rng.normal(size=n)
    eta = 0.2 + 0.6 * x - 0.4 * w + 0.3 * u
    table = pd.DataFrame({"x": x, "w": w, "u": u})
    table["b"] = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    utilities = np.array([0 * eta, eta, -0.5 * eta]) + rng.gumbel(size=(3, n))
    table["g"] = utilities.argmax(axis=0) + 1.0
    table["c"] = rng.poisson(np.exp(eta) * rng.gamma(2.0, 0.5, n)).astype(float)
    table["y"] = eta + np.exp(0.25 * eta) * rng.normal(size=n)
    if incomplete:
        table.loc[rng.random(n) < 0.2, "x"] = np.nan
    return table


@contextmanager
def drawn_by(kernel: str) -> Iterator[None]:
    """Plans made inside draw coefficients by this kernel."""

    def without_weights(model: Model) -> Structure:
        form = structure(model)
        groups = (replace(each, family="multinomial") if each.family == "logit" else each for each in form.groups)
        return replace(form, groups=tuple(groups))

    rules = tuple(each for each in plan_module.RULES if kernel != "slice" or each.kernel != "scoring")
    if kernel == "slice":
        slow = next(each for each in rules if each.kernel == "slice")
        first = replace(slow, applies=lambda facts: facts.is_scored and facts.has_density)
        rules = (first, *rules)
    made = structure if kernel in ("weights", "trajectory") else without_weights
    with patch.object(plan_module, "RULES", rules), patch.object(plan_module, "structure", made):
        yield


def effort(model: Model, kernel: str, draws: int, seed: int) -> tuple[float, float, float]:
    """Smallest effective draws per 1,000, microseconds a sweep, smallest effective draws a second."""
    from arviz_stats.base import array_stats

    own = [name for name, each in model.parameters.items() if each.is_free and name.startswith(EQUATIONS)]
    with drawn_by(kernel):
        made = plan_module.plan(model, moves=kernel == "trajectory", nuts=own if kernel == "nuts" else ())
    burn = draws // 10
    (run,) = ChainRun.make_all(model, made, draws, burn, 1, seed, 0, False)
    run.compile()
    started = time.process_time()
    run.start()
    run.advance(burn + draws)
    seconds = time.process_time() - started
    drawn = dict(zip(run.layout.parameters, run.record.parameters.T, strict=False))
    effective = [array_stats.ess(drawn[name][None], chain_axis=0, draw_axis=1) for name in own]
    return min(effective) * 1000 / draws, seconds / (draws + burn) * 1e6, min(effective) / seconds


if __name__ == "__main__":
    main()
