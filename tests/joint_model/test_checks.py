"""Checks of the data against the model: what makes a posterior improper is found and named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hand_built import correlated_mediators, interaction
from marked import unmark

from blimp2pymc.blimp.parse import parse
from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.checks import check_model
from blimp2pymc.joint_model.resolve import resolve


def data(n: int = 40, seed: int = 1) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(generator.normal(size=(n, 4)), columns=["y", "x1", "x2", "z"])
    frame["sum"] = frame.x1 + frame.x2
    frame["twice"] = 2 * frame.x1 + 3
    frame["one"] = 1.0
    frame["a"] = np.arange(n) % 3 == 0
    frame["b"] = np.arange(n) % 3 == 1
    frame["c"] = np.arange(n) % 3 == 2
    frame["y2"] = 4 - frame.y
    frame["none"] = np.nan
    frame["hole"] = frame.z.where(np.arange(n) > 5)
    late = np.arange(n) >= n // 2
    frame["late"] = frame.y.where(late)
    frame["early"] = frame.z.where(~late, 2.5)
    frame["same"] = frame.z.where(~late, 2 * frame.x1)
    frame["group"] = np.where(late, 1.0 + 2 * (np.arange(n) % 2), 2.0)
    frame["seen"] = frame.same.where(np.arange(n) < n - 2)
    frame["sumhole"] = (frame.hole + frame.x1).where(np.arange(n) < n - 5)
    return frame


def test_models_that_are_fine() -> None:
    assert check_model(interaction()) == []
    assert check_model(correlated_mediators()) == []


BAD = [
    ("MODEL: y ~ x1 <(none)>;", "'none', a predictor of 'y', has no observed value", "all-missing"),
    ("MODEL: <(none)> ~ x1;", "'none' has no observed value", "all-missing"),
    ("FIXED: <(hole)>; MODEL: y ~ hole;", "'hole', a predictor of 'y', is FIXED, but has 6 missing values",
     "fixed-incomplete"),
    ("MODEL: y ~ x1 <(one)>;", "the predictor 'one' of 'y' is constant: all its observed values are 1",
     "constant-predictor"),
    ("CENTER: one; MODEL: y ~ x1 <(one)>;", "the predictor 'one' of 'y' is constant: all its observed values are 1",
     "constant-predictor"),
    ("MODEL: y ~ x1 <((x1 > 9))>;", "the predictor '(x1>9)' of 'y' is constant: all its observed values are 0",
     "constant-predictor"),
    ("MODEL: late ~ x1 <(early)>;", "the predictor 'early' of 'late' does not vary in the rows with 'late'",
     "constant-predictor"),
    ("NOMINAL: group; MODEL: late ~ x1 <(group)>;",
     "the predictor 'group.2' of 'late' does not vary in the rows with 'late'", "constant-predictor"),
    ("MODEL: late ~ x1 <(same)>;", "the predictor 'same' of 'late' carries the same information as 'x1' in the rows "
     "with 'late'", "collinear-predictors"),
    ("MODEL: y ~ x1 x2 <(sum)>;", "the predictor 'sum' of 'y' is an exact combination of 'x1' and 'x2'",
     "collinear-predictors"),
    ("MODEL: y ~ sum x1 z <(x2)>;", "the predictor 'x2' of 'y' is an exact combination of 'sum' and 'x1'",
     "collinear-predictors"),
    ("MODEL: y ~ x1 z <(twice)>;", "the predictor 'twice' of 'y' carries the same information as 'x1'",
     "collinear-predictors"),
    ("CENTER: x1 twice; MODEL: y ~ x1 z <(twice)>;",
     "the predictor 'twice' of 'y' carries the same information as 'x1'", "collinear-predictors"),
    ("MODEL: y ~ a b <(c)>;", "the predictor 'c' of 'y' is an exact combination of 'a' and 'b'",
     "collinear-predictors"),
    ("MODEL: y ~ x1 hole <(sumhole)>;", "the predictor 'sumhole' of 'y' is an exact combination of 'x1' and 'hole'",
     "collinear-predictors"),
    ("MODEL: y ~ x1 x1*z <(twice*z)> z;",
     "the predictor 'twice*z' of 'y' is an exact combination of 'z' and 'x1*z'", "collinear-predictors"),
    ("MODEL: <(one)> ~ x1;", "the outcome 'one' is constant: all its observed values are 1", "constant-outcome"),
    ("MODEL: <(y)> ~ x1 y2;", "the outcome 'y' is given exactly by 'y2', so its residual variance is 0",
     "determined-outcome"),
    ("MODEL: <(y)> ~ y2@-1;", "the outcome 'y' is given exactly by 'y2', so its residual variance is 0",
     "determined-outcome"),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "message", "code"), BAD, ids=[each[0] for each in BAD])
def test_bad_data_point_at_the_term(marked: str, message: str, code: str) -> None:
    text, places = unmark(marked)
    with pytest.raises(BlimpError) as caught:
        resolve(parse(text), data())
    (finding,) = caught.value.findings
    assert (finding.message, finding.code) == (message, code)
    assert finding.span is not None
    assert [(finding.span.start, finding.span.end)] == places


FINE = [
    "MODEL: y ~ 1@0 x1 one;",  # a constant beside no intercept is an intercept
    "MODEL: y ~ 1@0 a b c;",
    "MODEL: y ~ x1 x2 sum@0;",
    "MODEL: y ~ x1 x2 sum@0.5;",
    "MODEL: y ~ x1 z; x2 ~ twice;",
    "CENTER: x1 z; MODEL: y ~ x1 z x1*z x1^2;",
    "MODEL: y ~ x1@k x2@k z;",
    "MODEL: late ~ x1 early; x2 ~ late;",  # where late is missing, x2 says something about it
    "MODEL: late ~ x1 early@k; z ~ early@k;",
    "MODEL: late ~ x1 seen;",  # values that are imputed differ
    "ORDINAL: group; MODEL: group ~ z late;",
    "MODEL: y ~ x1@k x2@k x1*x2; z ~ sum@k x1 x2;",  # the label ties sum to the other equation
]


@pytest.mark.parametrize("text", FINE)
def test_fine(text: str) -> None:
    resolve(parse(text), data())


@pytest.mark.parametrize("marked", ["y ~ x1 <(ln(x2))>;", "y ~ x1; var(y) ~ <(sqrt(x2))>;", "y ~ <((1/(x2 > 0)))>;"])
def test_function_without_a_value(marked: str) -> None:
    text, places = unmark(f"MODEL: {marked}")
    with pytest.raises(BlimpError) as caught:
        resolve(parse(text), data())
    (finding,) = caught.value.findings
    row = int(np.flatnonzero(data()["x2"] <= 0)[0])
    assert finding.code == "undefined-predictor"
    assert f"has no value where 'x2' is {data()['x2'][row]:g}" in finding.message
    assert finding.message.endswith(f"(DataFrame row {row})")
    assert finding.span is not None
    assert [(finding.span.start, finding.span.end)] == places


FACTOR = "LATENT: f; MODEL: f -> x1 x2 z;"


@pytest.mark.parametrize("term", ["ln(f)", "sqrt(f)", "f^0.5", "ln(1/f)"])
def test_functions_of_a_factor_with_mean_zero_that_are_undefined_below_it_are_refused(term: str) -> None:
    with pytest.raises(BlimpError) as caught:
        resolve(f"{FACTOR} y ~ x1 {term};", data())
    (finding,) = caught.value.findings
    assert finding.code == "undefined-predictor" and "'f' has mean 0" in finding.message
    assert finding.span.text == term


@pytest.mark.parametrize("rest", ["y ~ exp(f) ln(f^2 + 1) 1/(f + 2);", "y ~ ln(f); f ~ 1; x1 ~ 0;"])
def test_other_functions_of_factors_are_read(rest: str) -> None:
    resolve(f"{FACTOR} {rest}", data())


def test_function_without_a_value_at_a_row_that_is_left_out() -> None:
    resolve("FILTER: x2 > 0; MODEL: y ~ x1 ln(x2);", data())


def test_shared_label_sums_columns() -> None:
    text, places = unmark("MODEL: y ~ x1@k x2@k <(sum)>;")
    with pytest.raises(BlimpError) as caught:
        resolve(parse(text), data())
    (finding,) = caught.value.findings
    assert finding.message == "the predictor 'sum' of 'y' carries the same information as 'x1 + x2'"
    assert [(finding.span.start, finding.span.end)] == places


def test_a_prior_turns_collinearity_into_a_warning() -> None:
    model = resolve(parse("MODEL: y ~ x1 x2 sum@k; PARAMETERS: k ~ normal(0, 1);"), data())
    (warning,) = [each for each in model.notes if each.code == "collinear-predictors"]
    assert warning.severity == "warning"
    assert resolve(parse("MODEL: y ~ x1 x2 sum;"), data(), priors="proper") is not None


def test_a_prior_holds_what_does_not_vary_beside_the_outcome() -> None:
    model = resolve(parse("MODEL: late ~ x1 early@k; PARAMETERS: k ~ normal(0, 1);"), data())
    (warning,) = [each for each in model.notes if each.code == "constant-predictor"]
    assert warning.severity == "warning"


def test_chance_among_few_complete_rows_is_no_collinearity() -> None:
    frame = data(60)
    # a and b agree in the rows where z is observed, and differ elsewhere.
    frame["a"] = (np.arange(60) % 2).astype(float)
    frame["b"] = frame["a"].where(np.arange(60) < 20, 1 - frame["a"])
    frame["late"] = frame.z.where(np.arange(60) < 20)
    resolve(parse("FIXED: a b; MODEL: y ~ late a b;"), frame)


def test_near_collinearity_is_left_to_the_user() -> None:
    frame = data()
    frame["near"] = frame.x1 + 1e-5 * frame.z
    resolve(parse("MODEL: y ~ x1 near;"), frame)


def test_columns_of_any_scale_are_judged_alike() -> None:
    frame = data(200)
    for scale in (1e-12, 1e12):
        frame["scaled"] = frame.x1 * scale
        with pytest.raises(BlimpError, match="'scaled' of 'y' carries the same information as 'x1'"):
            resolve(parse("MODEL: y ~ x1 scaled;"), frame)
        frame["other"] = frame.z * scale
        resolve(parse("MODEL: y ~ x1 other;"), frame)


def test_a_large_mean_is_not_taken_for_a_constant() -> None:
    frame = data(200)
    frame["year"] = 2000.0 + np.arange(200) % 5
    frame["time"] = 1.7e9 + 3600 * (np.arange(200) % 7)
    resolve(parse("MODEL: y ~ year time x1;"), frame)


@pytest.mark.parametrize(
    ("n", "script", "needed"),
    [
        # p coefficients and variance prior v^0: n > p + 2
        (4, "MODEL: y ~ x1;", 5),
        (5, "MODEL: y ~ x1;", None),
        (5, "MODEL: y ~ x1 x2;", 6),
        (6, "MODEL: y ~ x1 x2;", None),
        # PRIOR1, v^(-2) exp(-1/(2v)), is proper: any number
        (4, "MODEL: y ~ x1; OPTIONS: prior1;", None),
        # PRIOR3, 1/v: n > p
        (3, "MODEL: y ~ x1 x2; OPTIONS: prior3;", 4),
        (4, "MODEL: y ~ x1 x2; OPTIONS: prior3;", None),
    ],
)
def test_rows_a_proper_posterior_needs(n: int, script: str, needed: int | None) -> None:
    frame = data(n)[["y", "x1", "x2"]]
    if needed is None:
        resolve(parse(script), frame)
        return
    with pytest.raises(BlimpError) as caught:
        resolve(parse(script), frame)
    (finding,) = caught.value.findings
    assert finding.message == (
        f"'y' has {n} observed values, and its equation needs at least {needed} with flat priors"
    )
    assert finding.span is not None and finding.span.text == "y"


def test_missing_outcomes_do_not_count_as_rows() -> None:
    frame = data(30)
    frame.loc[4:, "y"] = np.nan
    with pytest.raises(BlimpError, match="'y' has 4 observed values"):
        resolve(parse("MODEL: y ~ x1;"), frame)


def test_several_problems_at_once() -> None:
    with pytest.raises(BlimpError) as caught:
        resolve(parse("MODEL: y ~ x1 one; z ~ x1 x2 sum; x2 ~ none;"), data())
    assert [each.code for each in caught.value.findings] == [
        "constant-predictor", "collinear-predictors", "all-missing",
    ]  # fmt: skip


@pytest.mark.parametrize(("factor", "size"), [(1e300, "large"), (1e-300, "small")])
def test_numbers_that_cannot_be_computed_with(factor: float, size: str) -> None:
    values = np.sin(np.arange(30.0))
    with pytest.raises(BlimpError, match=f"the values of 'x' are too {size} to compute with"):
        resolve("MODEL: y ~ x;", pd.DataFrame({"y": np.cos(np.arange(30.0)), "x": factor * values}))
