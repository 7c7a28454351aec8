"""What is sampled and how long: the arguments of `fit` laid over what the script says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from blimp2pymc.blimp.tree import Script
from blimp2pymc.errors import Finding, error, raise_all
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.resolve import Data, resolve
from blimp2pymc.joint_model.settings import DEFAULT_CHAINS


def model_of(source: str | Path | Script | Model, data: Data, priors: str) -> Model:
    """The resolved model of a script, or the model itself."""
    if not isinstance(source, Model):
        return resolve(source, data, priors=priors)
    if data is not None:
        raise error("a resolved model has its data already", hint="resolve(script, data)")
    if priors not in ("blimp", source.settings.priors):
        raise error("a resolved model has its priors already", hint=f"resolve(script, priors='{priors}')")
    return source


def with_settings(
    model: Model,
    draws: int | None,
    tune: int | None,
    chains: int | None,
    random_seed: int | None,
    n_imputations: int | None = None,
    cores: int | None = None,
) -> Model:
    """The model with what the caller says about the run in place of what the script says."""
    lowest = {
        "draws": (draws, 1), "tune": (tune, 0), "chains": (chains, 1), "random_seed": (random_seed, 0),
        "n_imputations": (n_imputations, 1), "cores": (cores, 1),
    }  # fmt: skip
    raise_all(
        Finding(f"{name} is {value!r}", hint=f"a whole number of at least {least}")
        for name, (value, least) in lowest.items()
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least)
    )
    settings = model.settings
    if random_seed is not None:
        settings = replace(settings, seed=int(random_seed))
    elif settings.seed is None:
        settings = replace(settings, seed=int(np.random.SeedSequence().generate_state(1)[0]))
    if tune is not None:
        settings = replace(settings, burn=int(tune))
    if chains is not None:
        settings = replace(settings, chains=int(chains))
    if n_imputations is not None:
        settings = replace(settings, n_imputations=int(n_imputations))
    if draws is not None:
        settings = replace(settings, iterations=int(draws) * (settings.chains or DEFAULT_CHAINS))
    if settings.iterations is not None and settings.iterations < (settings.chains or DEFAULT_CHAINS):
        raise error(f"{settings.iterations} iterations cannot be shared by {settings.chains or DEFAULT_CHAINS} chains")
    return replace(model, settings=settings)
