"""Settings: values, defaults that are told, contradictions."""

from __future__ import annotations

import pytest
from marked import unmark

from blimp2pymc.blimp.parse import parse
from blimp2pymc.joint_model.ir import Settings
from blimp2pymc.joint_model.settings import read_settings

COMPLETE = "SEED: 5; BURN: 100; ITER: 400; CHAINS: 2; "


def test_values() -> None:
    script = parse(
        COMPLETE + "THIN: 3; NIMPS: 20; OPTIONS: Prior1 pinfo; OPTIONS: labels; SAVE: Stacked = a.csv; "
        "estimates = b.csv; MODEL: y ~ x;"
    )
    settings, findings = read_settings(script, "proper")
    assert settings == Settings(
        seed=5, burn=100, iterations=400, chains=2, thin=3, n_imputations=20,
        options=frozenset({"prior1", "pinfo", "labels"}), prior_family=1, priors="proper",
        save=(("stacked", "a.csv"), ("estimates", "b.csv")),
    )  # fmt: skip
    assert findings == ()


def test_defaults_are_told() -> None:
    settings, findings = read_settings(parse("MODEL: y ~ x;"))
    assert settings == Settings()
    assert [(each.code, each.severity) for each in findings] == [
        ("default-seed", "warning"),
        ("default-burn", "note"),
        ("default-iterations", "note"),
        ("default-chains", "note"),
    ]
    assert "10,000 over all chains" in findings[2].message


@pytest.mark.parametrize(("option", "family"), [("prior1", 1), ("prior2", 2), ("prior3", 3), ("pinfo", 2)])
def test_prior_family(option: str, family: int) -> None:
    assert read_settings(parse(f"OPTIONS: {option}; MODEL: y ~ x;"))[0].prior_family == family


@pytest.mark.parametrize(
    ("marked", "message", "severity"),
    [
        (
            "SEED: 1; BURN: 1; CHAINS: 4; ITER: <(3)>;",
            "ITERATIONS is the total over all chains, and 3 is fewer than the 4 CHAINS",
            "error",
        ),
        (COMPLETE + "SEED: <(6)>;", "SEED is stated twice, as 5 and as 6", "error"),
        (COMPLETE + "OPTIONS: <(prior1 prior3)>;", "the options prior1 and prior3 exclude each other", "error"),
        (
            COMPLETE + "SAVE: <(separate = imps.csv)>;",
            "the file name of 'separate' needs a * where the number of the imputation goes",
            "error",
        ),
        (
            COMPLETE + "NIMPS: <(20)>;",
            "NIMPS writes no file, because SAVE asks for no imputed data; they are kept for Python",
            "warning",
        ),
        (COMPLETE + "<(OUTPUT)>: psr;", "OUTPUT has no effect here: all columns are printed", "warning"),
    ],
)
def test_contradictions_point(marked: str, message: str, severity: str) -> None:
    text, places = unmark(marked)
    _, findings = read_settings(parse(text + " MODEL: y ~ x;"))
    (finding,) = findings
    assert (finding.message, finding.severity) == (message, severity)
    assert finding.span is not None
    assert [(finding.span.start, finding.span.end)] == places


def test_iterations_are_compared_with_the_default_number_of_chains() -> None:
    _, findings = read_settings(parse("SEED: 1; BURN: 1; ITER: 3; MODEL: y ~ x;"))
    assert "the 4 chains run by default" in next(each for each in findings if each.severity == "error").message


def test_the_same_number_twice_is_fine() -> None:
    settings, findings = read_settings(parse(COMPLETE + "SEED: 5; MODEL: y ~ x;"))
    assert settings.seed == 5
    assert findings == ()
