"""The default joint model of mixed predictors: its sequence, its priors, and the means predictors are centered at."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from joint_model.simulated import table

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.algebra import parameters_in
from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Apply, Column, Constant, Form, Model, ParameterReference, Prior, Role, Term
from blimp2pymc.joint_model.resolve import resolve

ONE = Constant(1.0)
WEAK = Prior("normal", (0.0, 5.0))


def data() -> pd.DataFrame:
    """The shared table; `b`, `o` (codes 1, 2, 4) and `g` (codes 1, 2, 3) have missing cells and are unrelated."""
    frame = table()
    rng = np.random.default_rng(1)
    frame["b"] = rng.integers(0, 2, len(frame)).astype(float)
    frame["o"] = rng.choice([1.0, 2.0, 4.0], len(frame))
    frame["g"] = rng.integers(1, 4, len(frame)).astype(float)
    for place, name in enumerate("bog"):
        frame.loc[place::10, name] = np.nan
    return frame


def resolved(script: str, **options: str) -> Model:
    return resolve(script, data(), **options)


def deviation(column: Column, mean: str) -> Apply:
    return Apply("-", (column, ParameterReference(mean)))


def latent(name: str, category: float | None = None) -> Column:
    return Column(name, Form.LATENT_RESPONSE, category)


def notes(model: Model, code: str) -> list[str]:
    return [each.message for each in model.notes if each.code == code]


MIXED = "ORDINAL: b o; NOMINAL: g; MODEL: y ~ g o x1 b x2;"


def test_continuous_members_come_first_and_jointly() -> None:
    model = resolved(MIXED)
    block = next(each for each in model.blocks if each.members[0].form is Form.SCORE)
    assert block.members == (Column("x1"), Column("x2"))
    # 3 - 6 members, less one for each of the four latent responses.
    assert (block.scale, block.degrees_of_freedom, block.role) == ((1.0, 1.0), -7.0, Role.PREDICTOR)
    assert model.equation_of[Column("x1")].terms == (Term("Intercept", "x1 mean", ONE),)


def test_ordinal_members_follow_given_what_comes_before() -> None:
    model = resolved(MIXED)
    first = model.equation_of[Column("b")]
    assert (first.family, first.role, first.thresholds) == ("probit", Role.PREDICTOR, ("b threshold 1",))
    assert first.terms == (
        Term("Intercept", "b mean", ONE),
        Term("x1", "b ~ x1", deviation(Column("x1"), "x1 mean")),
        Term("x2", "b ~ x2", deviation(Column("x2"), "x2 mean")),
    )
    second = model.equation_of[Column("o")]
    assert [term.name for term in second.terms] == ["Intercept", "x1", "x2", "b.latent"]
    assert second.terms[-1] == Term("b.latent", "o ~ b.latent", deviation(latent("b"), "b mean"))
    assert {model.parameters[term.coefficient].prior for term in second.terms} == {WEAK}
    assert model.parameters["o residual variance"].fixed == 1.0


def test_nominal_members_come_last_as_differences_with_fixed_correlations() -> None:
    model = resolved(MIXED)
    equations = [model.equation_of[Column("g", Form.DUMMY, code)] for code in (2.0, 3.0)]
    assert {each.family for each in equations} == {"multinomial_probit"}
    assert [term.name for term in equations[0].terms] == ["Intercept", "x1", "x2", "b.latent", "o.latent"]
    assert [each.terms[0].coefficient for each in equations] == ["g.2 mean", "g.3 mean"]
    block = model.block_of[equations[0].outcome]
    assert block.members == tuple(each.outcome for each in equations)
    assert [model.parameters[name].fixed for name in block.correlations.values()] == [0.5]
    assert block.name == "g.2 g.3 <-> g.2 g.3"


def test_second_nominal_member_is_given_the_differences_of_the_first() -> None:
    model = resolved("NOMINAL: g n; MODEL: y ~ g n;")
    # n comes first in the data.
    terms = model.equation_of[Column("g", Form.DUMMY, 3.0)].terms
    assert [term.name for term in terms] == ["Intercept", "n.2.latent", "n.3.latent"]
    assert terms[1].expression == deviation(latent("n", 2.0), "n.2 mean")


def test_everything_is_given_the_fixed_variables_centered_at_their_observed_means() -> None:
    frame = data()
    model = resolve("FIXED: x3 d; ORDINAL: b d; MODEL: y ~ b x3 d;", frame)
    assert model.fixed_predictors == ("x3", "d")
    _, first, second = model.equation_of[Column("b")].terms
    assert first == Term("x3", "b ~ x3", Apply("-", (Column("x3"), Constant(float(frame["x3"].mean())))))
    assert second.expression == Apply("-", (Column("d"), Constant(0.5)))


def test_print_order_is_that_of_the_data_and_equations_follow_what_they_need() -> None:
    model = resolved(MIXED)
    predictors = [each for each in model.equations if each.role is Role.PREDICTOR]
    assert [each.name for each in predictors] == ["x1", "x2", "b", "o", "g", "g"]
    in_print = sorted(predictors, key=lambda each: each.order)
    assert [each.name for each in in_print] == ["x1", "x2", "b", "o", "g", "g"]
    reversed_data = resolve(MIXED, data()[["g", "o", "b", "x2", "x1", "y"]])
    in_print = sorted(
        (each for each in reversed_data.equations if each.role is Role.PREDICTOR), key=lambda each: each.order
    )
    assert [each.name for each in in_print] == ["g", "g", "o", "b", "x2", "x1"]


def test_note_says_which_predictors_have_latent_responses() -> None:
    (note,) = notes(resolved(MIXED), "predictor-model")
    assert "with latent responses for b, o and g, because x1, x2, b, o and g are incomplete" in note


def test_complete_categories_are_fixed_as_long_as_nothing_needs_a_model() -> None:
    assert resolved("ORDINAL: d; NOMINAL: n; MODEL: y ~ d n x3;").fixed_predictors == ("x3", "d", "n")


def test_latent_response_of_a_complete_predictor_needs_a_model() -> None:
    model = resolved("ORDINAL: d; MODEL: y ~ d.latent;")
    assert model.equation_of[Column("d")].family == "probit"
    assert model.equation_of[Column("y")].terms[1] == Term("d.latent", "y ~ d.latent", latent("d"))
    assert "a predictor through the latent response" in notes(model, "predictor-model")[0]


def test_complete_count_is_conditioned_on() -> None:
    model = resolved("COUNT: count; MODEL: y ~ count x1;")
    assert model.fixed_predictors == ("count",)
    assert "'count' is COUNT and complete" in notes(model, "fixed-automatically")[0]
    centered = resolved("COUNT: count; CENTER: count; MODEL: y ~ count;")
    assert centered.centered[Column("count")] == Constant(float(data()["count"].mean()))


def test_incomplete_count_with_an_equation_may_be_a_predictor() -> None:
    text = "TRANSFORM: events = missing(x3 > 1, count); COUNT: events; MODEL: y ~ events; events ~ 1;"
    assert resolved(text).equation_of[Column("events")].family == "negative_binomial"


# ---------------------------------------------------------------- centering


def test_binary_predictor_alone_is_centered_at_its_probability() -> None:
    model = resolved("ORDINAL: b; CENTER: b; MODEL: y ~ b;")
    assert model.centered[Column("b")] == Apply("phi", (ParameterReference("b mean"),))
    assert model.equation_of[Column("y")].terms[1].expression == Apply(
        "-", (Column("b"), model.centered[Column("b")])
    )  # fmt: skip


def values_of(model: Model, seed: int) -> dict[str, float]:
    """Some value for every parameter of the predictors' model, the fixed ones included."""
    rng = np.random.default_rng(seed)
    values = {name: float(rng.normal()) for name in model.parameters}
    for name, parameter in model.parameters.items():
        if name.endswith("residual variance"):
            values[name] = float(rng.uniform(0.5, 2.0))
        if "~~" in name:
            values[name] = float(rng.uniform(-0.5, 0.5))
        if parameter.fixed is not None:
            values[name] = parameter.fixed
    for name in ("o", "b"):
        thresholds = [each for each in model.parameters if each.startswith(f"{name} threshold")]
        for place, each in enumerate(thresholds):
            values[each] = 0.7 * place
    return values


@pytest.mark.parametrize("seed", [1, 2])
def test_expected_scores_are_those_of_the_joint_model(seed: int) -> None:
    """Against many rows drawn from the sequence of equations itself."""
    model = resolved("ORDINAL: b o i; CENTER: o b; MODEL: y ~ x1 x2 b o i;")
    values = values_of(model, seed)
    rng = np.random.default_rng(seed)
    n = 400_000
    deviations = {}
    roots = [np.sqrt(values[f"{name} residual variance"]) for name in ("x1", "x2")]
    correlation = values["x1 ~~ x2"]
    z = rng.normal(size=(2, n))
    deviations["x1"] = roots[0] * z[0]
    deviations["x2"] = roots[1] * (correlation * z[0] + np.sqrt(1 - correlation**2) * z[1])
    responses = {}
    for name in ("b", "o"):
        response = values[f"{name} mean"] + rng.normal(size=n)
        for each, moved in deviations.items():
            response = response + values[f"{name} ~ {each}"] * moved
        deviations[f"{name}.latent"] = response - values[f"{name} mean"]
        responses[name] = response
    expected = {
        "b": np.mean(responses["b"] > 0),
        "o": np.mean(1.0 + (responses["o"] > 0) + 2 * (responses["o"] > values["o threshold 2"])),
    }
    for name, score in expected.items():
        centered = model.centered[Column(name)]
        assert parameters_in(centered) <= model.parameters.keys()
        assert float(evaluate(centered, {}, values)) == pytest.approx(score, abs=0.01)


def test_centered_ordinal_members_come_before_the_others() -> None:
    model = resolved("ORDINAL: b o i; CENTER: o; MODEL: y ~ b o i;")
    ordinal = [each.name for each in model.equations if each.family == "probit"]
    assert ordinal[0] == "o"
    assert parameters_in(model.centered[Column("o")]) == {"o mean", "o threshold 2"}


def test_fixed_categories_are_centered_at_observed_means() -> None:
    model = resolved("ORDINAL: d; NOMINAL: n; FIXED: d n; CENTER: d n; MODEL: y ~ d n;")
    assert model.centered[Column("d")] == Constant(0.5)
    assert model.centered[Column("n", Form.DUMMY, 2.0)] == Constant(pytest.approx(27 / 80))


@pytest.mark.parametrize("equation", ["b ~ x3", "logit(b) ~ x3"])
def test_centered_outcome_has_a_means_model_of_its_scores(equation: str) -> None:
    model = resolved(f"ORDINAL: b; CENTER: b; MODEL: {equation}; y ~ b;")
    means = next(each for each in model.equations if each.role is Role.MEANS)
    assert (means.outcome, means.family, means.thresholds) == (Column("b"), "normal", ())
    assert model.parameters["b mean variance"].is_free
    assert model.centered[Column("b")] == ParameterReference("b mean")


def test_latent_response_is_centered_at_its_mean() -> None:
    model = resolved("ORDINAL: b; CENTER: b.latent; MODEL: y ~ b.latent x1;")
    assert model.centered[latent("b")] == ParameterReference("b mean")
    with pytest.raises(BlimpError, match="cannot be centered"):
        resolved("ORDINAL: b; CENTER: b.latent; MODEL: y ~ b.latent; b ~ x1;")


def test_many_centered_ordinal_predictors_are_refused() -> None:
    frame = data()
    rng = np.random.default_rng(3)
    names = [f"b{k}" for k in range(1, 9)]
    for name in names:
        frame[name] = rng.integers(0, 2, len(frame)).astype(float)
    script = "ORDINAL: b1:b8; CENTER: b1:b8; MODEL: y ~ b1:b8;"
    with pytest.raises(BlimpError, match="more than 6 ORDINAL predictors"):
        resolve(script, frame)
    resolve(script.replace("CENTER: b1:b8", "CENTER: b1:b6"), frame)
