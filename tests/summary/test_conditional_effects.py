"""Conditional effects equal the line worked out by hand from the coefficients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hand_built import correlated_mediators, interaction
from joint_model.simulated import resolved
from summary.synthetic_draws import synthetic_draws

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import (
    Apply,
    Column,
    Form,
    ModeratorGrid,
    ModeratorValues,
    ParameterReference,
    SimpleEffect,
)
from blimp2pymc.sampler.draws import StatisticKind
from blimp2pymc.summary.conditional_effects import conditional_rows
from blimp2pymc.summary.tables import rows

X1, X2, D = Column("x1"), Column("x2"), Column("d")


def with_effects(model, *effects):
    """The model with other statements of SIMPLE, and draws for it."""
    changed = replace(model, simple_effects=effects)
    return changed, synthetic_draws(changed)


def lines(model, draws) -> dict[tuple[str, str, str], np.ndarray]:
    """(outcome, title, parameter) -> draws of the conditional effects, in print order."""
    found = [each for each in rows(model, draws) if each.block == "conditional"]
    return {(each.outcome, each.section, each.parameter): each.draws for each in found}


def coefficients(draws):
    """Intercept, x1, x2, d and x1*x2 of y."""
    names = ("y ~ Intercept", "b1", "y ~ x2", "y ~ d", "y ~ x1*x2")
    return (draws.parameter(name) for name in names)


def test_centered_moderator_at_standard_deviations():
    moderator = ModeratorValues(X2, "x2", ModeratorGrid.STANDARD_DEVIATIONS, centered=True)
    model, draws = with_effects(interaction(), SimpleEffect(X1, "x1", (moderator,)))
    b0, b1, b2, _, b12 = coefficients(draws)
    deviation = np.sqrt(draws.statistic(StatisticKind.COLUMN_VARIANCE, X2))
    found = lines(model, draws)
    assert [title for _, title, _ in found][::2] == ["x1 | x2 @ +1 SD", "x1 | x2 @ 0", "x1 | x2 @ -1 SD"]
    for title, at in (("+1 SD", deviation), ("0", 0.0), ("-1 SD", -deviation)):
        np.testing.assert_allclose(found["y", f"x1 | x2 @ {title}", "Intercept"], b0 + b2 * at)
        np.testing.assert_allclose(found["y", f"x1 | x2 @ {title}", "Slope"], b1 + b12 * at)


@pytest.mark.parametrize(
    ("grid", "points"),
    [
        (ModeratorGrid.QUARTILES, {"Q75": 0.75, "Q50": 0.5, "Q25": 0.25}),
        (ModeratorGrid.QUANTILES, {"Q84": 0.84, "Q50": 0.5, "Q16": 0.16}),
    ],
)
def test_quantiles_of_the_centered_moderator(grid, points):
    model, draws = with_effects(
        interaction(), SimpleEffect(X1, "x1", (ModeratorValues(X2, "x2", grid, centered=True),))
    )
    _, b1, _, _, b12 = coefficients(draws)
    found = lines(model, draws)
    assert list(found)[::2] == [("y", f"x1 | x2 @ {name}", "Intercept") for name in points]
    for name, probability in points.items():
        at = draws.statistic(StatisticKind.COLUMN_QUANTILE, X2, probability) - draws.parameter("x2 mean")
        np.testing.assert_allclose(found["y", f"x1 | x2 @ {name}", "Slope"], b1 + b12 * at)


def test_stated_value_is_on_the_scale_of_the_equation():
    moderator = ModeratorValues(X2, "x2", ModeratorGrid.VALUE, centered=True, values=(-1.5,))
    model, draws = with_effects(interaction(), SimpleEffect(X1, "x1", (moderator,)))
    b0, b1, b2, _, b12 = coefficients(draws)
    found = lines(model, draws)
    np.testing.assert_allclose(found["y", "x1 | x2 @ -1.5", "Intercept"], b0 - 1.5 * b2)
    np.testing.assert_allclose(found["y", "x1 | x2 @ -1.5", "Slope"], b1 - 1.5 * b12)


def test_moderators_are_crossed_and_the_first_changes_fastest():
    codes = ModeratorValues(D, "d", ModeratorGrid.CODES, values=(0.0, 1.0))
    spread = ModeratorValues(X2, "x2", ModeratorGrid.STANDARD_DEVIATIONS, centered=True)
    model, draws = with_effects(interaction(), SimpleEffect(X1, "x1", (codes, spread)))
    b0, b1, b2, b3, b12 = coefficients(draws)
    deviation = np.sqrt(draws.statistic(StatisticKind.COLUMN_VARIANCE, X2))
    found = lines(model, draws)
    assert [title for _, title, _ in found][::2] == [
        f"x1 | d @ {code} and x2 @ {point}" for point in ("+1 SD", "0", "-1 SD") for code in (0, 1)
    ]
    title = "x1 | d @ 1 and x2 @ -1 SD"
    np.testing.assert_allclose(found["y", title, "Intercept"], b0 + b3 - b2 * deviation)
    np.testing.assert_allclose(found["y", title, "Slope"], b1 - b12 * deviation)


def test_uncentered_moderator_and_every_outcome_with_both():
    moderator = ModeratorValues(Column("m1"), "m1", ModeratorGrid.MEAN_AND_STANDARD_DEVIATIONS)
    model, draws = with_effects(correlated_mediators(), SimpleEffect(Column("x"), "x", (moderator,)))
    found = lines(model, draws)
    assert {outcome for outcome, _, _ in found} == {"y"}
    high = draws.statistic(StatisticKind.COLUMN_MEAN, Column("m1")) + np.sqrt(
        draws.statistic(StatisticKind.COLUMN_VARIANCE, Column("m1"))
    )
    expected = draws.parameter("y ~ Intercept") + draws.parameter("b") * high
    np.testing.assert_allclose(found["y", "x | m1 @ Mean + 1 SD", "Intercept"], expected)
    np.testing.assert_allclose(found["y", "x | m1 @ Mean - 1 SD", "Slope"], draws.parameter("y ~ x"))


def test_defined_variable_as_focal_variable():
    score = Apply("+", (X1, X2))
    centers = {column: ParameterReference(f"{column.variable} mean") for column in (X1, X2)}
    deviations = [Apply("-", (column, centers[column])) for column in (X1, X2)]
    model = interaction()
    y = model.equations[2]
    d_times = replace(y.terms[4], name="score*d", expression=Apply("*", (Apply("+", tuple(deviations)), D)))
    main = replace(y.terms[1], name="score", expression=Apply("+", tuple(deviations)))
    changed = replace(y, terms=(y.terms[0], main, y.terms[3], d_times))
    codes = ModeratorValues(D, "d", ModeratorGrid.CODES, values=(0.0, 1.0))
    model = replace(model, equations=(*model.equations[:2], changed), defined={"score": score})
    for focal in (Column("score"), score):
        shown, draws = with_effects(model, SimpleEffect(focal, "score", (codes,)))
        b0, b1, _, b3, b12 = coefficients(draws)
        found = lines(shown, draws)
        np.testing.assert_allclose(found["y", "score | d @ 1", "Intercept"], b0 + b3)
        np.testing.assert_allclose(found["y", "score | d @ 1", "Slope"], b1 + b12)


def test_expression_of_labels_is_evaluated_at_each_value():
    expression = Apply("*", (ParameterReference("b1"), Apply("+", (ParameterReference("y ~ d"), D))))
    codes = ModeratorValues(D, "d", ModeratorGrid.CODES, values=(0.0, 1.0))
    model, draws = with_effects(interaction(), SimpleEffect(expression, "b1*(b3+d)", (codes,)))
    found = lines(model, draws)
    assert list(found) == [("", f"b1*(b3+d) | d @ {code}", "b1*(b3+d)") for code in (0, 1)]
    _, b1, _, b3, _ = coefficients(draws)
    np.testing.assert_allclose(found["", "b1*(b3+d) | d @ 1", "b1*(b3+d)"], b1 * (b3 + 1))


@pytest.mark.parametrize(("code", "dummies"), [(1, (0, 0)), (2, (1, 0)), (3, (0, 1))])
@pytest.mark.parametrize("center", ["", "CENTER: n x3;"])
def test_category_of_a_nominal_moderator(code: int, dummies: tuple[int, int], center: str) -> None:
    model = resolved(f"NOMINAL: n; {center} MODEL: y ~ x3@b n x3*n; SIMPLE: x3 | n @ {code};")
    draws = synthetic_draws(model)
    found = [each for each in conditional_rows(model, draws, model.equation_of[Column("y")])]
    assert [each.parameter for each in found] == ["Intercept", "Slope"]
    assert {each.section for each in found} == {f"x3 | n.2 @ {dummies[0]} and n.3 @ {dummies[1]}"}
    slope = draws.parameter("b")
    for other, value in zip((2.0, 3.0), dummies, strict=True):
        share = model.centered.get(Column("n", Form.DUMMY, other))
        shift = draws.parameter(share.name) if isinstance(share, ParameterReference) else 0.0
        slope = slope + draws.parameter(f"y ~ x3*n.{other:g}") * (value - shift)
    np.testing.assert_allclose(found[1].draws, slope)


@pytest.mark.parametrize(
    ("moderator", "message", "hint"),
    [
        ("n @ 4", "'n' has no category 4", "its categories are 1, 2, 3"),
        ("n @ quartile", "'n' is NOMINAL, so it has no quartile", "n, or n @ 3"),
    ],
)
def test_value_that_is_no_category(moderator: str, message: str, hint: str) -> None:
    with pytest.raises(BlimpError) as caught:
        resolved(f"NOMINAL: n; MODEL: y ~ x3 n x3*n; SIMPLE: x3 | {moderator};")
    (finding,) = caught.value.findings
    assert (finding.message, finding.hint) == (message, hint)
    assert finding.span is not None and finding.span.text == "n"


@pytest.mark.parametrize("center", ["", "CENTER: x4 d;"])
def test_moderators_in_an_expression_of_labels_are_centered_where_they_are_in_the_equation(center: str) -> None:
    script = f"ORDINAL: d; {center} MODEL: y ~ x3@b x4 d x3*x4@c x3*d@e;"
    model = resolved(f"{script} SIMPLE: b + c*x4 + e*d | x4 and d; x3 | x4 and d;")
    draws = synthetic_draws(model)
    effects, slopes = (
        {each.section.split(" | ")[1]: each.draws for each in rows(model, draws)
         if each.block == "conditional" and each.outcome == outcome and each.parameter != "Intercept"}
        for outcome in ("", "y")
    )  # fmt: skip
    assert len(effects) == len(slopes) == 6
    for title, slope in slopes.items():
        np.testing.assert_allclose(effects[title], slope)


@pytest.mark.parametrize("center", ["", "CENTER: x3 d;"])
def test_defined_variables_are_focal_and_moderate(center: str) -> None:
    script = f"{center} MODEL: s = x3 + 2*x4; y ~ 1@a s@b d@c s*d@e; SIMPLE: s | d @ 1; d | s; d | s @ 2;"
    model = resolved(script)
    draws = synthetic_draws(model)
    a, b, c, e = (draws.parameter(name) for name in "abce")
    data = model.data
    s = data["x3"] + 2 * data["x4"]
    middle, deviation = s.mean() - (draws.parameter("x3 mean") if center else 0.0), s.std(ddof=1)
    found = {(each.outcome, each.parameter, each.section): each.draws
             for each in conditional_rows(model, draws, model.equation_of[Column("y")])}  # fmt: skip
    np.testing.assert_allclose(found["y", "Slope", "s | d @ 1"], b + e)
    np.testing.assert_allclose(found["y", "Intercept", "s | d @ 1"], a + c)
    np.testing.assert_allclose(found["y", "Slope", "d | s @ 2"], c + 2 * e)
    np.testing.assert_allclose(found["y", "Slope", "d | s @ Mean + 1 SD"], c + (middle + deviation) * e)
    np.testing.assert_allclose(found["y", "Intercept", "d | s @ Mean"], a + middle * b)
