"""The list of models as Blimp prints it: by rule, and against the tables Blimp printed for every reference case."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.printed_equations import lines_of_text, printed_equations
from blimp2pymc.joint_model.refusals import is_refusal
from blimp2pymc.joint_model.resolve import resolve

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference"
FOLDERS = sorted(each.parent.name for each in REFERENCE.glob("*/model.imp"))
CASES = [each for each in FOLDERS if (REFERENCE / each / "posterior.csv").exists()]

LABELS = {"random.intercept": "random.intercepts"}
"""Labels of a script that the run called otherwise."""
HEADINGS = {"guide-4.14": {"y": "logit(y)"}, "guide-4.13b": {"y": "logit(y)"}}
"""Outcomes of a script that the run wrote otherwise."""
SINGLE = re.compile(r"[\w.]+(\[\w+\])?")

frame = pd.DataFrame({
    "school": np.repeat([1, 2, 3, 4], 3), "time": np.tile([1, 2, 3], 4), "y": np.arange(12.0), "x": np.arange(12.0) % 5,
    "m": np.arange(12) % 3, "w": np.repeat([2.0, 5.0, 1.0, 4.0], 3), "d": np.arange(12) % 2, "x10": np.arange(12.0) % 7,
    "x9": np.arange(12.0) % 4,
})  # fmt: skip


def listed(text: str, data: pd.DataFrame | None = frame) -> list[str]:
    return [each.text for each in printed_equations(text + "\n", data)]


# ---------------------------------------------------------------- by rule


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("MODEL: y ~ x*m x m;", ["y ~ Intercept x m x*m"]),
        ("NOMINAL: m; MODEL: y ~ x m x*m;", ["y ~ Intercept x m.1 m.2 x*m.1 x*m.2"]),
        ("NOMINAL: m; MODEL: m ~ x;", ["m ~ Intercept x"]),
        ("ORDINAL: d; MODEL: logit(d) ~ x;", ["logit(d) ~ Intercept x"]),
        ("MODEL: y ~ 1@0 x@.5;", ["y ~ Intercept@0 x@0.5"]),
        ("MODEL: y ~ 1@2 x@b;", ["y ~ Intercept@2 x"]),
        ("MODEL: y x m ~ d;", ["m ~ Intercept d", "x ~ Intercept m d", "y ~ Intercept x m d"]),
        ("MODEL: { y x } ~ d;", ["x ~ Intercept d", "y ~ Intercept d"]),
        ("MODEL: x10 ~ d; x9 ~ d;", ["x9 ~ Intercept d", "x10 ~ Intercept d"]),
        ("MODEL: yjt(x) ~ d; w ~ d; y ~ d;", ["w ~ Intercept d", "yjt(x) ~ Intercept d", "y ~ Intercept d"]),
        ("MODEL: y ~ x; var(y) ~ d;", ["y ~ Intercept x", "var(y) ~ Intercept d"]),
        ("LATENT: f; MODEL: f -> y x; f@1;", ["f ~ Intercept@0", "x ~ Intercept f", "y ~ Intercept f@1"]),
        ("LATENT: f; MODEL: f ~ d; f -> y x;", ["f ~ d", "x ~ Intercept f", "y ~ Intercept f@1"]),
        ("MODEL: y ~~ x m; x ~~ m;", ["m ~ Intercept", "x ~ Intercept", "y ~ Intercept", "m x y <-> m x y"]),
        ("MODEL: y ~~ x; m ~~ x;", ["m ~ Intercept", "x ~ Intercept", "y ~ Intercept", "m <-> x", "x <-> y"]),
        ("MODEL: y ~~ x@0;", ["x ~ Intercept", "y ~ Intercept"]),
        ("MODEL: c = x - 3; y ~ c x;", ["y ~ Intercept x c"]),
        ("MODEL: { i in 9:10 } : x[i] ~ d;", ["x9 ~ Intercept d", "x10 ~ Intercept d"]),
        ("MODEL: y ~ (x - &b)*d x; d ~ 1@b;", ["d ~ Intercept", "y ~ Intercept x (x-b)*d"]),
    ],
)  # fmt: skip
def test_single_level_models(script: str, lines: list[str]) -> None:
    assert listed(script) == lines


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("MODEL: y ~ x;", ["y ~ Intercept x | Intercept"]),
        ("MODEL: y ~ x | x;", ["y ~ Intercept x | Intercept x"]),
        ("MODEL: y ~ x | 0;", ["y ~ Intercept x"]),
        ("MODEL: y ~ x | 1@0;", ["y ~ Intercept x"]),
        ("MODEL: y ~ x | 1[school] x[school];", ["y ~ Intercept x | Intercept[school] x[school]"]),
        ("MODEL: w ~ x.mean;", ["w ~ Intercept x.mean[school]"]),
        ("MODEL: y ~ x x.mean[school];", ["y ~ Intercept x x.mean[school] | Intercept"]),
        ("NOMINAL: m; MODEL: y ~ m | m;", ["y ~ Intercept m.1 m.2 | Intercept m.1 m.2"]),
        ("LATENT: school = b0 b1; MODEL: b0 ~ 1@g w; b1 ~ 1; y ~ 1@b0 x@b1;",
         ["b0 ~ Intercept w", "b1 ~ Intercept", "y ~ b0@1 x*b1@1"]),
        ("LATENT: school = b0 b1; MODEL: y ~ 1@b0 x*b1@1;", ["b0 ~ Intercept", "b1 ~ Intercept", "y ~ b0@1 x*b1@1"]),
        ("LATENT: school = f; MODEL: f -> y x;", ["f ~ Intercept@0", "x ~ Intercept f | Intercept",
                                                  "y ~ Intercept f@1 | Intercept"]),
        ("TIMEID: time; MODEL: y ~ y.lag x;", ["y ~ Intercept y.lag1 x | Intercept"]),
        ("TIMEID: time; DROPOUT: gone = y; MODEL: y ~ x; gone ~ x | 0;",
         ["gone ~ Intercept x", "y ~ Intercept x | Intercept"]),
        ("RANDOMEFFECT: u = y | x [school]; MODEL: y ~ x | x; w ~ u;",
         ["w ~ Intercept u", "y ~ Intercept x | Intercept x"]),
    ],
)  # fmt: skip
def test_multilevel_models(script: str, lines: list[str]) -> None:
    assert listed("CLUSTERID: school; " + script) == lines


def test_blocks_come_in_the_order_of_the_script_and_covariances_under_the_last_of_their_equations() -> None:
    script = "MODEL: two: y ~ x; one: m ~ x; pairs: y ~~ m;\n"
    assert list(lines_of_text(printed_equations(script, frame))) == [
        "two block", "[1]  y ~ Intercept x", "one block", "[2]  m ~ Intercept x", "[3]  m y <-> m y",
    ]  # fmt: skip


def test_modelled_variance_stands_in_its_own_block() -> None:
    script = "MODEL: mean: y ~ x; variance: var(y) ~ d;\n"
    blocks = [(each.block, each.text) for each in printed_equations(script, frame)]
    assert blocks == [("mean", "y ~ Intercept x"), ("variance", "var(y) ~ Intercept d")]


def test_phantom_correlations_are_lines_of_their_own() -> None:
    lines = listed("OPTIONS: use_phantom; MODEL: y ~~ x m; x ~~ m;")
    assert lines[3:] == ["m <-> x", "m <-> y", "x <-> y"]


def test_latent_variable_of_a_resolved_model_has_no_intercept_of_its_own() -> None:
    model = resolve("LATENT: f; MODEL: y ~ x f; f -> m@a x9; f@1;\n", frame)
    assert model.printed[0].text == "f ~ Intercept@0"


def test_without_data_the_names_are_enough() -> None:
    script = "DATA: absent.dat; VARIABLES: y x n; NOMINAL: n; MODEL: y ~ n x*n x.missing;"
    assert listed(script, None) == ["y ~ Intercept n x.missing x*n"]


def test_without_data_every_code_may_be_one() -> None:
    script = "DATA: absent.dat; VARIABLES: y x n; NOMINAL: n(2); MODEL: y ~ x n.1 n.3 x*n.3;"
    assert listed(script, None) == ["y ~ Intercept x n.1 n.3 x*n.3"]


def test_simulated_variables_are_names_too() -> None:
    script = "SIMULATE: n = 50; n: x = normal(0, 1); y = normal(x, 1); MODEL: y ~ x;"
    assert listed(script, None) == ["y ~ Intercept x"]


def test_mistakes_are_told() -> None:
    with pytest.raises(BlimpError, match="'z' is not declared"):
        listed("CLUSTERID: school; MODEL: y ~ x | z;")
    with pytest.raises(BlimpError, match="'class' is no level"):
        listed("CLUSTERID: school; MODEL: y ~ x | x[class];")


# ---------------------------------------------------------------- as printed


def attested(case: str) -> Iterator[tuple[str, str, list[tuple[str, float | None]], list[str]]]:
    """Label, outcome, coefficients with the values of fixed ones, and random effects, in the order printed."""
    with (REFERENCE / case / "posterior.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["block"] in ("outcome", "covariance")]
    for block, outcome in dict.fromkeys((row["block"], row["outcome"]) for row in rows):
        own = [row for row in rows if (row["block"], row["outcome"]) == (block, outcome)]
        terms: dict[str, float | None] = {}
        random = []
        for row in own:
            name = row["parameter"].rpartition(" ~ ")[2]
            if row["section"] == "Coefficients":
                terms[name] = float(row["median"]) if not row["sd"] else None
            elif effect := re.fullmatch(r"L\d: Var\((.*)\)", name):
                random.append(effect[1])
        if block == "covariance" and "<->" not in outcome:
            yield own[0]["model_block"], f"{outcome} <-> {outcome}", [], []
        else:
            yield own[0]["model_block"], outcome, list(terms.items()), random


@pytest.mark.parametrize("case", CASES)
def test_equations_are_those_of_the_printed_tables(case: str) -> None:
    printed = list(attested(case))
    ours = printed_equations(REFERENCE / case / "model.imp")
    heads = []
    for each in ours:
        outcome = each.text.partition(" ~ ")[0]
        heads.append((LABELS.get(each.block, each.block), HEADINGS.get(case, {}).get(outcome, outcome)))
    assert heads == [(label, outcome) for label, outcome, _, _ in printed]
    for each, (_, _, terms, random) in zip(ours, printed, strict=True):
        right, _, behind_bar = each.text.partition(" ~ ")[2].partition(" | ")
        written = [(name, float(value) if value else None)
                   for name, _, value in (term.partition("@") for term in right.split())]  # fmt: skip
        written = [term for term in written if term != ("Intercept", 0.0)]
        assert sorted(written, key=str) == sorted(terms, key=str)
        # The scripts list predictors in another order than the runs did; single variables come first in both.
        for names in ([name for name, _ in written], [name for name, _ in terms]):
            is_single = [SINGLE.fullmatch(name) is not None for name in names]
            assert is_single == sorted(is_single, reverse=True)
        assert behind_bar.split() == random


@pytest.mark.parametrize("file", [f"{each.parent.name}/{each.name}" for each in sorted(REFERENCE.glob("*/*.imp"))])
def test_every_reference_script_has_its_list(file: str) -> None:
    script = REFERENCE / file
    text = script.read_text(encoding="utf-8-sig")
    assert bool(printed_equations(script)) == bool(re.search(r"(?im)^\s*MODEL\s*:", text))


@pytest.mark.parametrize("case", FOLDERS)
def test_a_resolved_model_keeps_the_list(case: str) -> None:
    script = REFERENCE / case / "model.imp"
    try:
        model = resolve(script)
    except BlimpError as refusal:
        if not all(map(is_refusal, refusal.findings)):
            raise
        pytest.skip("refused by name")
    assert model.printed == printed_equations(script)
