"""Scripts put together at random from every kind of variable: each resolves, or its mistakes are told in words."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from joint_model.simulated import table

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.describe import describe, html
from blimp2pymc.joint_model.latex import latex
from blimp2pymc.joint_model.resolve import resolve

NAMES = ("y", "y2", "x1", "x3", "b", "o", "g", "n", "c", "count", "d", "f")
OUTCOMES = ("{}",) * 12 + ("logit({})", "probit({})")
TERMS = ("{}",) * 12 + ("{}.latent", "{}.2", "{}^2", "{}*x3", "{}*b", "({} - 1)", "{}@lab", "{}@0")
DECLARATIONS = "ORDINAL: b o d; NOMINAL: g n; COUNT: c count; LATENT: f; "


def data() -> pd.DataFrame:
    frame = table()
    rng = np.random.default_rng(3)
    for place, (name, codes) in enumerate({"b": 2, "o": 4, "g": 3, "c": 5}.items()):
        frame[name] = rng.integers(1, codes + 1, len(frame)).astype(float)
        frame.loc[place::9, name] = np.nan
    return frame


def statement(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.7:
        terms = (rng.choice(TERMS).format(rng.choice(NAMES)) for _ in range(rng.randint(1, 4)))
        return f"{rng.choice(OUTCOMES).format(rng.choice(NAMES))} ~ {' '.join(terms)};"
    if kind < 0.8:
        return f"{rng.choice(NAMES)} ~~ {rng.choice(NAMES)};"
    if kind < 0.9:
        return f"f -> {' '.join(rng.sample(NAMES, 3))};"
    return f"{rng.choice(NAMES)}@{rng.choice('12v')};"


def script(rng: random.Random) -> str:
    center = f"CENTER: {rng.choice((*NAMES, 'b.latent', 'g.2'))}; " if rng.random() < 0.5 else ""
    fixed = f"FIXED: {rng.choice(('d', 'n', 'count', 'x3'))}; " if rng.random() < 0.3 else ""
    test = f" WALDTEST: {rng.choice(NAMES)} ~ x3;" if rng.random() < 0.2 else ""
    part = f" PARAMETERS: q = {rng.choice(NAMES)}.totalvar;" if rng.random() < 0.2 else ""
    model = " ".join(statement(rng) for _ in range(rng.randint(1, 3)))
    return f"{DECLARATIONS}{center}{fixed}MODEL: {model}{part}{test}"


@pytest.mark.parametrize("seed", range(4))
def test_random_scripts_resolve_or_are_told_their_mistakes(seed: int) -> None:
    rng = random.Random(seed)
    frame = data()
    resolved = 0
    for _ in range(60):
        try:
            model = resolve(script(rng), frame, priors=rng.choice(("blimp", "proper")))
        except BlimpError as mistakes:
            assert all(each.message and each.code for each in mistakes.findings)
            continue
        resolved += 1
        assert describe(model)
        assert latex(model)
        assert html(model)
    assert resolved > 5
