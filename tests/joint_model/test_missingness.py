"""`y.missing`: an indicator of missing values that the script need not make."""

from __future__ import annotations

import numpy as np
import pytest
from joint_model.simulated import resolved, table

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import Column, Kind
from blimp2pymc.pymc_source.emit import translate


def test_indicator_is_an_ordinal_outcome_that_its_own_variable_may_predict() -> None:
    model = resolved("MODEL: y ~ x3; y.missing ~ y x3;")
    np.testing.assert_array_equal(model.data["y.missing"], table()["y"].isna())
    assert model.variables["y.missing"].kind is Kind.ORDINAL
    equation = model.equation_of[Column("y.missing")]
    assert equation.family == "probit"
    assert [term.name for term in equation.terms] == ["Intercept", "y", "x3"]


def test_it_says_the_same_as_a_transform() -> None:
    written = resolved("TRANSFORM: y.missing = ismissing(y); ORDINAL: y.missing; MODEL: y ~ x3; y.missing ~ y x3;")
    assert translate(written) == translate(resolved("MODEL: y ~ x3; y.missing ~ y x3;"))


def test_script_is_written_back_as_it_was() -> None:
    text = "MODEL:\n  y ~ x3;\n  y.missing ~ y x3;\n"
    assert resolved(text).to_blimp() == text


def test_indicator_as_predictor_and_of_a_transformed_column() -> None:
    model = resolved("TRANSFORM: r = x1 + x2; CENTER: y.missing; MODEL: x3 ~ y.missing r.missing;")
    expected = (table()["x1"] + table()["x2"]).isna()
    np.testing.assert_array_equal(model.data["r.missing"], expected)
    assert Column("y.missing") in model.centered


def test_a_column_of_that_name_is_that_column() -> None:
    from blimp2pymc.joint_model.resolve import resolve

    frame = table().rename(columns={"x4": "y.missing"})
    model = resolve("MODEL: y.missing ~ x3;", frame)
    assert model.variables["y.missing"].kind is Kind.CONTINUOUS


def test_indicator_of_a_complete_column_is_refused() -> None:
    with pytest.raises(BlimpError, match="'x3' has no missing values"):
        resolved("MODEL: y ~ x3; x3.missing ~ y;")
