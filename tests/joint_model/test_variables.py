"""Lookup of written names: full names, suffixes, dummy codes, and what is proposed for unknown ones."""

from __future__ import annotations

import numpy as np
import pytest

from blimp2pymc.blimp.parse import parse
from blimp2pymc.data import read_table
from blimp2pymc.errors import Finding, Source, Span
from blimp2pymc.joint_model.declarations import declare
from blimp2pymc.joint_model.ir import Column, Form, ImpliedVariance, VariancePart
from blimp2pymc.joint_model.variables import Declarations

DATA = {
    "y": [1.0, 2.0, 3.0, np.nan], "x1": [1, 2, 3, 4], "d": [0, 1, 1, 0], "n": [1, 2, 3, 3], "n.3": [0, 0, 1, 1],
    "school": [1, 1, 2, 2], "id": [1, 2, 3, 4], "Time": [1, 2, 1, 2], "word": list("abcd"),
}  # fmt: skip
SCRIPT = "ORDINAL: d; NOMINAL: n(2); LATENT: eta; MODEL: y ~ x1;"
MULTILEVEL = "ORDINAL: d; CLUSTERID: school id; TIMEID: Time; LATENT: school = b0; MODEL: y ~ x1;"


def declared(script: str = SCRIPT) -> Declarations:
    parsed = parse(script)
    declarations = declare(parsed, read_table(parsed, DATA))
    assert declarations.findings == ()
    return declarations


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("y", Column("y")),
        ("eta", Column("eta")),
        ("d.latent", Column("d", Form.LATENT_RESPONSE)),
        ("d.LATENT", Column("d", Form.LATENT_RESPONSE)),
        ("y.missing", Column("y", Form.MISSINGNESS)),
        ("n.1", Column("n", Form.DUMMY, category=1.0)),
        ("n.3", Column("n.3")),  # the column wins over the dummy code
        ("n.3.missing", Column("n.3", Form.MISSINGNESS)),
        ("y.totalvar", ImpliedVariance("y", VariancePart.TOTAL)),
        ("y.coefvar", ImpliedVariance("y", VariancePart.COEFFICIENTS)),
        ("eta.residvar", ImpliedVariance("eta", VariancePart.RESIDUAL)),
    ],
)
def test_lookup(name: str, expected: Column | ImpliedVariance) -> None:
    assert declared().lookup(name) == expected


@pytest.mark.parametrize(
    ("name", "level", "expected"),
    [
        ("b0", None, Column("b0", level=3)),
        ("y.lag", None, Column("y", lag=1)),
        ("y.lag1", None, Column("y", lag=1)),
        ("y.lag2", None, Column("y", lag=2)),
        ("y.mean", None, Column("y", Form.CLUSTER_MEAN, level=2)),
        ("y.mean", "school", Column("y", Form.CLUSTER_MEAN, level=3)),
        ("y.mean", "id", Column("y", Form.CLUSTER_MEAN, level=2)),
    ],
)
def test_lookup_with_levels(name: str, level: str | None, expected: Column) -> None:
    declarations = declared(MULTILEVEL)
    assert declarations.cluster_identifiers == ("id", "school")  # four ids within two schools
    assert declarations.lookup(name, level=level) == expected


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("Y", "'Y' is not declared", "y (a column of DataFrame; upper and lower case differ)"),
        ("time", "'time' is not declared", "Time (a column of DataFrame; upper and lower case differ)"),
        ("scool", "'scool' is not declared", "school (a column of DataFrame)"),
        ("etaa", "'etaa' is not declared", "eta (LATENT)"),
        ("slope", "'slope' is not declared", "slope_1"),
        ("qqqqqq", "'qqqqqq' is not declared", ""),
        ("word", "the column 'word' is not numeric: it holds text ('a' in row 0)", 'data["word"].astype("category")'),
        ("y.latent", "'y.latent': 'y' is not ORDINAL, so it has no latent response", "ORDINAL: y;"),
        ("n.latent", "'n.latent': 'n' is not ORDINAL, so it has no latent response", "ORDINAL: n;"),
        ("y.lag", "'y.lag' is the previous occasion, and no TIMEID orders the occasions", "TIMEID: name;"),
        ("y.mean", "'y.mean' is a cluster mean, and no CLUSTERID names the clusters", "CLUSTERID: name;"),
        ("eta.missing", "'eta.missing': 'eta' is no column of the data, so it cannot be missing", ""),
        ("n.2", "'n.2': category 2 is the reference of 'n'", "NOMINAL: n(code) with another reference"),
        ("n.7", "'n.7': 'n' has no category 7", "its categories are 1, 2, 3"),
        ("d.1", "'d.1' would be a dummy code, and 'd' is not NOMINAL", "NOMINAL: d;"),
        ("y.latnt", "'y.latnt' is not declared, and '.latnt' is no form of 'y'", "y.latent"),
        ("x1.totalvr", "'x1.totalvr' is not declared, and '.totalvr' is no form of 'x1'", "x1.totalvar"),
    ],
)
def test_unknown_names(name: str, message: str, hint: str) -> None:
    span = Span(Source("s", name), 0, len(name))
    found = declared().lookup(name, span, also=["slope_1"])
    assert isinstance(found, Finding)
    assert (found.message, found.hint, found.span) == (message, hint, span)


@pytest.mark.parametrize(
    ("name", "level", "message"),
    [
        ("y.lag0", None, "'y.lag0': a lag counts from 1"),
        ("y.mean", "scool", "'scool' is no level: CLUSTERID does not list it"),
    ],
)
def test_unknown_lags_and_levels(name: str, level: str | None, message: str) -> None:
    found = declared(MULTILEVEL).lookup(name, level=level)
    assert isinstance(found, Finding)
    assert found.message == message


def test_few_names_are_all_proposed() -> None:
    parsed = parse("MODEL: y ~ x;")
    declarations = declare(parsed, read_table(parsed, {"y": [1.0], "x": [2.0]}))
    assert declarations.nearest("qqq") == "y, x"
