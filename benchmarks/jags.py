"""JAGS on the growth model of `growth.py`: model, data and script are written to files, draws read from CODA."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

MODEL = """
model {
  for (i in 1:N) {
    for (t in 1:4) {
      m[i, t] ~ dnorm(im[i] + (t - 1) * sm[i], tm)
      y[i, t] ~ dnorm(iy[i] + (t - 1) * sy[i], ty)
    }
    im[i] ~ dnorm(a[1] + a[2] * x[i], pm[1])
    sm[i] ~ dnorm(a[3] + a[4] * x[i] + a[5] * im[i], pm[2])
    iy[i] ~ dnorm(b[1] + b[2] * x[i] + b[3] * im[i] + b[4] * sm[i] + b[5] * x[i] * im[i] + b[6] * x[i] * sm[i]
                  + b[7] * im[i] * sm[i] + b[8] * x[i] * im[i] * sm[i], py[1])
    sy[i] ~ dnorm(c[1] + c[2] * x[i] + c[3] * im[i] + c[4] * sm[i] + c[5] * x[i] * im[i] + c[6] * x[i] * sm[i]
                  + c[7] * im[i] * sm[i] + c[8] * x[i] * im[i] * sm[i] + d * iy[i], py[2])
  }
  for (k in 1:5) { a[k] ~ dnorm(0, 1.0E-6) }
  for (k in 1:8) {
    b[k] ~ dnorm(0, 1.0E-6)
    c[k] ~ dnorm(0, 1.0E-6)
    s[k] <- c[k] + d * b[k]
  }
  d ~ dnorm(0, 1.0E-6)
  for (k in 1:2) { pm[k] ~ dgamma(0.001, 0.001) }
  for (k in 1:2) { py[k] ~ dgamma(0.001, 0.001) }
  tm ~ dgamma(0.001, 0.001)
  ty ~ dgamma(0.001, 0.001)
  v[1] <- 1 / py[1]
  v[2] <- 1 / py[2] + d * d / py[1]
}
"""
"""Correlated pairs as one variable given the other, so that all full conditionals are normal or gamma."""


def sample(
    data: pd.DataFrame, terms: Sequence[str], burn: int, draws: int, chains: int
) -> tuple[dict[tuple[str, str], np.ndarray], float]:
    """Structural parameters, each (chain, draw), and the seconds of JAGS from start to end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "growth.bug").write_text(MODEL)
        waves = {process: data[[f"{process}{t}" for t in range(4)]].to_numpy() for process in "my"}
        lines = [f"N <- {len(data)}", f"x <- c({_listed(data['x'])})"]
        lines += [
            f"{process} <- structure(c({_listed(values.T.ravel())}), .Dim = c({len(data)}, 4))"
            for process, values in waves.items()
        ]
        (folder / "data.R").write_text("\n".join(lines) + "\n")
        # From its own starting values JAGS wanders off to loadings of hundreds and does not come back.
        start_values = "\n".join(
            f"{latent} <- c({_listed(values)})"
            for process, (level, slope) in {"m": ("im", "sm"), "y": ("iy", "sy")}.items()
            for latent, values in zip((level, slope), _lines(waves[process]), strict=True)
        )
        script = ["load glm", "model in growth.bug", "data in data.R", f"compile, nchains({chains})"]
        for k in range(chains):
            generator = f'".RNG.name" <- "base::Mersenne-Twister"\n".RNG.seed" <- {k + 1}\n'
            (folder / f"start{k}.R").write_text(generator + start_values + "\n")
            script.append(f"parameters in start{k}.R, chain({k + 1})")
        script += ["initialize", f"update {burn}", "monitor b", "monitor s", "monitor v", f"update {draws}", "coda *"]
        (folder / "script.cmd").write_text("\n".join(script) + "\n")
        start = time.perf_counter()
        subprocess.run(["jags", "script.cmd"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        values = [np.loadtxt(folder / f"CODAchain{k + 1}.txt")[:, 1] for k in range(chains)]
        index = [line.split() for line in (folder / "CODAindex.txt").read_text().splitlines()]
        places = {variable: int(first) - 1 for variable, first, _ in index}
    found = {}
    for variable, outcome, number in (("b", "i_y", 1), ("s", "s_y", 2)):
        for k, term in enumerate(terms, 1):
            place = places[f"{variable}[{k}]"]
            found[outcome, term] = np.stack([each[place : place + draws] for each in values])
        place = places[f"v[{number}]"]
        found[outcome, "residual variance"] = np.stack([each[place : place + draws] for each in values])
    return found, seconds


def _lines(waves: np.ndarray) -> np.ndarray:
    """Intercept and slope of the least squares line through every row, (2, row)."""
    times = np.column_stack([np.ones(waves.shape[1]), np.arange(waves.shape[1])])
    return np.linalg.lstsq(times, waves.T, rcond=None)[0]


def _listed(values: object) -> str:
    return ", ".join(repr(float(each)) for each in values)  # type: ignore[attr-defined]
