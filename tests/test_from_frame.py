"""`model`: the script it writes, what it refuses, and that it equals the script written by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import blimp2pymc as bp
from blimp2pymc.errors import BlimpError
from blimp2pymc.from_frame import script_text
from blimp2pymc.joint_model.ir import Column

FRAME = pd.DataFrame(
    np.random.default_rng(1).normal(size=(60, 5)), columns=["y", "x1", "x2", "age group", "2nd"]
).assign(d=np.arange(60) % 2, group=pd.Categorical(["a", "b", "c"] * 20))


def text(formula: str, **given) -> str:
    names = {"ORDINAL": (), "NOMINAL": (), "CENTER": ()}
    parts = {"names": names, "statements": {}, "tests": (), "numbers": {}} | given
    return script_text(formula, tuple(FRAME), **parts)


def test_script() -> None:
    written = text(
        "y ~ x1@b1 x2",
        names={"ORDINAL": "d e1:e3", "NOMINAL": {"group": 2, "n": 1}, "CENTER": ["x1", "x2"], "COUNT": ()},
        statements={"PARAMETERS": ["twice = 2*b1"], "SIMPLE": ["x1 | x2;", "x2 | x1"]},
        tests=["b1 = 0", "b1 = 2;"],
        numbers={"SEED": 5, "BURN": None, "CHAINS": 2},
    )
    assert written == (
        "ORDINAL: d e1:e3;\nNOMINAL: group(2) n(1);\nCENTER: x1 x2;\nMODEL:\ny ~ x1@b1 x2;\n"
        "PARAMETERS:\n  twice = 2*b1;\nSIMPLE:\n  x1 | x2;\n  x2 | x1;\n"
        "WALDTEST: b1 = 0;\nWALDTEST: b1 = 2;\nSEED: 5;\nCHAINS: 2;\n"
    )


def test_equals_the_script_written_by_hand() -> None:
    made = bp.model(
        "y ~ x1@b1 x2 x1*x2 d", FRAME, center="x1 x2", fixed=["d"], parameters={"twice": "2*b1"},
        wald_tests=["b1 = 0"], simple="x1 | x2", seed=3, burn=10, iterations=100, chains=2,
    )  # fmt: skip
    hand = bp.resolve(
        "CENTER: x1 x2; FIXED: d; MODEL: y ~ x1@b1 x2 x1*x2 d; PARAMETERS: twice = 2*b1; WALDTEST: b1 = 0; "
        "SIMPLE: x1 | x2; SEED: 3; BURN: 10; ITER: 100; CHAINS: 2;",
        FRAME,
    )
    assert made.equations == hand.equations
    assert made.parameters == hand.parameters
    assert made.quantities == hand.quantities
    assert made.wald_tests == hand.wald_tests
    assert made.simple_effects == hand.simple_effects
    assert made.settings == hand.settings
    assert made.fixed_predictors == hand.fixed_predictors


@pytest.mark.parametrize("formula", ["y ~ x1", "y ~ x1;", "MODEL: y ~ x1;", "CENTER: x1; MODEL: y ~ x1", "  y ~ x1; ;"])
def test_forms_of_the_formula(formula: str) -> None:
    made = bp.model(formula, FRAME, seed=1)
    assert [term.name for term in made.equations[-1].terms] == ["Intercept", "x1"]


def test_commands_may_follow_the_formula() -> None:
    made = bp.model("y ~ x1@b x2; WALDTEST: b = 0", FRAME)
    assert [each.text for each in made.wald_tests] == ["b = 0"]


def test_mapping_as_data_and_proper_priors() -> None:
    made = bp.model("y ~ x1", {"y": FRAME.y, "x1": FRAME.x1}, priors="proper")
    assert made.settings.priors == "proper"


@pytest.mark.parametrize(
    ("command", "name", "renamed"),
    [
        ("ordinal", "age group", "age_group"),
        ("fixed", "2nd", "x2nd"),
        ("center", "x1; SEED: 3", "x1_SEED_3"),
        ("nominal", "grö ße", "grö_ße"),
        ("count", "", "x"),
        ("latent", "a-b", "a_b"),
    ],
)
def test_names_no_script_can_hold(command: str, name: str, renamed: str) -> None:
    with pytest.raises(BlimpError) as caught:
        bp.model("y ~ x1", FRAME, **{command: [name]})
    (finding,) = caught.value.findings
    assert f"in {command} is no name a script can hold" in finding.message
    assert finding.hint == f'data.rename(columns={{"{name}": "{renamed}"}})'


def test_several_bad_names_at_once() -> None:
    with pytest.raises(BlimpError) as caught:
        bp.model("y ~ x1", FRAME, ordinal=["age group"], fixed=["2nd", "x1"])
    assert len(caught.value.findings) == 2


@pytest.mark.parametrize(
    ("formula", "given", "message", "line"),
    [
        ("y ~ x1 + x2", {}, "terms are separated by blanks", "y ~ x1 + x2;"),
        ("y ~ x3", {}, "'x3' is not declared", "y ~ x3;"),
        ("y ~ x1", {"ordinal": "dd"}, "'dd' in ORDINAL is not in the data", "ORDINAL: dd;"),
        ("y ~ x1", {"seed": -1}, "SEED takes a whole number", "SEED: -1;"),
        ("y ~ x1", {"iterations": 2, "chains": 4}, "ITERATIONS is the total", "ITERATIONS: 2;"),
        ("y ~ x1", {"parameters": "b = c"}, "'c'", "  b = c;"),
    ],
)
def test_mistakes_point_into_the_written_script(formula: str, given: dict, message: str, line: str) -> None:
    with pytest.raises(BlimpError) as caught:
        bp.model(formula, FRAME, **given)
    (finding,) = caught.value.findings
    assert message in finding.message
    assert finding.span is not None
    assert finding.span.source.line(finding.span.line) == line


def test_data_must_be_a_frame() -> None:
    with pytest.raises(BlimpError, match="data must be a DataFrame, not list"):
        bp.model("y ~ x1", [[1, 2]])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: bp.model(5, FRAME), "text of MODEL statements"),
        (lambda: bp.model(" ", FRAME), "text of MODEL statements"),
        (lambda: bp.model("y ~ x1", FRAME, center=5), "neither a text nor a list"),
        (lambda: bp.model("y ~ x1", FRAME, parameters=5), "neither a text nor a list"),
        (lambda: bp.model("y ~ x1", FRAME, simple=5), "neither a text nor a list"),
        (lambda: bp.model("y ~ x1", FRAME, nominal={"x1": "a"}), "is no name a script can hold"),
        (lambda: bp.model("y ~ x1", {"y": [1, 2], "x1": [1]}), "make no table"),
        (lambda: bp.model("y ~ x1", [[1, 2]]), "must be a DataFrame"),
        (lambda: bp.resolve(5), "not a int"),
        (lambda: bp.resolve("MODEL: y ~ x1;", [1]), "not a list"),
        (lambda: bp.translate("MODEL: y ~ x1;"), "a resolved model is needed"),
    ],
)
def test_wrong_types_are_mistakes_with_a_message(make, what: str) -> None:
    with pytest.raises(BlimpError, match=what):
        make()


def test_letters_beyond_ascii() -> None:
    table = FRAME.rename(columns={"x1": "größe"})
    assert Column("größe") in bp.model("y ~ größe", table, center="größe").centered


@pytest.mark.parametrize("reference", ["d", 1])
def test_reference_of_a_pandas_categorical_is_one_of_its_labels(reference: object) -> None:
    with pytest.raises(BlimpError, match="no category") as caught:
        bp.model("y ~ group", FRAME, nominal={"group": reference})
    assert caught.value.findings[0].hint == "a, b, c"


def test_families_of_outcomes_and_mixed_predictors() -> None:
    frame = FRAME.drop(columns=["age group", "2nd"]).assign(events=np.arange(60) % 4)
    frame.loc[::7, "d"] = np.nan
    made = bp.model(
        "f -> y x1; events ~ f d; group ~ x2; d ~ x2", frame, ordinal=["d"], nominal={"group": "b"}, count="events",
        latent="f", seed=1,
    )  # fmt: skip
    families = {each.outcome.name: each.family for each in made.equations}
    assert families == {
        "f": "normal", "y": "normal", "x1": "normal", "events": "negative_binomial", "d": "probit",
        "group.0": "logit", "group.2": "logit",
    }  # fmt: skip
    mixed = bp.model("y ~ x1 d group", frame, ordinal="d", nominal="group", center=["x1", "d"])
    assert {each.family for each in mixed.equations} == {"normal", "probit", "multinomial_probit"}
