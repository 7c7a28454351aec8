"""Declaring commands: what each name becomes, and every contradiction between them."""

from __future__ import annotations

import numpy as np
import pytest
from marked import unmark

from blimp2pymc.blimp.parse import parse
from blimp2pymc.data import read_table
from blimp2pymc.joint_model.declarations import declare
from blimp2pymc.joint_model.ir import Column, Form, Kind, Origin, Variable
from blimp2pymc.joint_model.transform import transform_table
from blimp2pymc.joint_model.variables import Declarations

DATA = {
    "y": [1.0, 2.0, 3.0, np.nan], "x1": [1.0, 2, 3, 4], "x2": [1.0, 2, 3, 4], "d": [0, 1, 1, np.nan],
    "n": [3, 5, 8, 3], "school": [1, 1, 2, 2], "w": [1, 1, 1, 1], "word": list("abcd"),
}  # fmt: skip

ALL = "y, x1, x2, d, n, school, w"


def declared(script: str) -> Declarations:
    parsed = parse(script)
    return declare(parsed, transform_table(parsed, read_table(parsed, DATA)))


def test_variables() -> None:
    declarations = declared(
        "TRANSFORM: big = x1 > 2; ORDINAL: d big; NOMINAL: n; COUNT: x2; LATENT: eta; MODEL: y ~ d;"
    )
    assert declarations.findings == ()
    assert declarations.variables == {
        "y": Variable("y", Kind.CONTINUOUS, Origin.DATA, n_missing=1),
        "x1": Variable("x1", Kind.CONTINUOUS, Origin.DATA),
        "x2": Variable("x2", Kind.COUNT, Origin.DATA),
        "d": Variable("d", Kind.ORDINAL, Origin.DATA, categories=(0.0, 1.0), n_missing=1),
        "n": Variable("n", Kind.NOMINAL, Origin.DATA, categories=(3.0, 5.0, 8.0), reference=3.0),
        "school": Variable("school", Kind.CONTINUOUS, Origin.DATA),
        "w": Variable("w", Kind.CONTINUOUS, Origin.DATA),
        "big": Variable("big", Kind.ORDINAL, Origin.TRANSFORM, categories=(0.0, 1.0)),
        "eta": Variable("eta", Kind.CONTINUOUS, Origin.LATENT),
    }
    assert declarations.declared_in["big"] == "TRANSFORM"


def test_other_commands() -> None:
    declarations = declared(
        "ORDINAL: d; ORDINAL: d; NOMINAL: n(5); FIXED: x1:x2; CENTER: x1 d; CENTER: groupmean = x2; CLUSTERID: school; "
        "LATENT: school = b0; RANDOMEFFECT: b1 = y | x1 [school]; WEIGHT: w; BYGROUP: n; MODEL: y ~ x1;"
    )
    assert declarations.findings == ()
    assert list(declarations.fixed) == ["x1", "x2"]
    assert {column.variable: each.mean for column, each in declarations.centered.items()} == {
        "x1": "grandmean", "d": "grandmean", "x2": "groupmean",
    }  # fmt: skip
    assert declarations.variables["n"].reference == 5.0
    assert declarations.cluster_identifiers == ("school",)
    assert declarations.variables["b0"].level == 2
    assert (declarations.variables["b1"].origin, declarations.variables["b1"].level) == (Origin.RANDOM_EFFECT, 2)
    assert declarations.weights == ("w",)
    assert declarations.group == "n"


def test_center_of_a_cluster_mean() -> None:
    declarations = declared("CLUSTERID: school; CENTER: x1.mean; MODEL: y ~ x1;")
    assert list(declarations.centered) == [Column("x1", Form.CLUSTER_MEAN, level=2)]


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        ("ORDINAL: <(dd)>;", "'dd' in ORDINAL is not in the data", "d (a column of DataFrame)"),
        ("VARIABLES: y x1 d; ORDINAL: <(D)>;", "'D' in ORDINAL is not in the data",
         "d (VARIABLES; upper and lower case differ)"),
        ("NOMINAL: <(word)>;", "the column 'word' in NOMINAL is not numeric: it holds text ('a' in row 0)",
         'data["word"].astype("category")'),
        ("COUNT: <(x1:x3)>;", "'x3' in COUNT is not in the data", "x2 (a column of DataFrame)"),
        ("LATENT: eta; ORDINAL: <(eta)>;", "'eta' in ORDINAL is declared by LATENT and is no column of the data",
         "leave 'eta' out of ORDINAL"),
        ("ORDINAL: d; NOMINAL: <(d)>;", "'d' is declared both ORDINAL and NOMINAL", "one of the two"),
        ("ORDINAL: d n; COUNT: <(n)>;", "'n' is declared both ORDINAL and COUNT", "one of the two"),
        ("NOMINAL: <(n(4))>;", "'n' has no category 4 to serve as reference", "one of 3, 5, 8"),
        ("LATENT: <(y)>;", "'y' in LATENT is declared already: a column of DataFrame", "another name"),
        ("CLUSTERID: school; LATENT: eta; LATENT: school = <(eta)>;", "'eta' in LATENT is declared already: LATENT",
         "another name"),
        ("LATENT: <(school)> = b0;", "'school' in LATENT is no level: CLUSTERID does not list it",
         "CLUSTERID: school;"),
        ("FIXED: <(z)>;", "'z' in FIXED is not in the data", ALL),
        ("LATENT: eta; FIXED: <(eta)>;", "'eta' in FIXED is declared by LATENT and is no column of the data",
         "leave 'eta' out of FIXED"),
        ("CENTER: <(z)>;", "'z' is not declared", ALL + ", word"),
        ("CENTER: <(x1.mean)>;", "'x1.mean' is a cluster mean, and no CLUSTERID names the clusters",
         "CLUSTERID: name;"),
        ("CENTER: <(y.totalvar)>;", "CENTER cannot center 'y.totalvar'", ""),
        ("CLUSTERID: school; CENTER: grandmean = x1; groupmean = <(x1)>;", "CENTER states both means for 'x1'",
         "grandmean or groupmean"),
        ("CENTER: <(groupmean)> = x1;", "CENTER groupmean needs clusters, and no CLUSTERID names them",
         "CLUSTERID: name;"),
        ("CLUSTERID: <(scool)>;", "'scool' in CLUSTERID is not in the data", "school (a column of DataFrame)"),
        ("TIMEID: <(tme)>;", "'tme' in TIMEID is not in the data", ALL),
        ("BYGROUP: <(grp)>;", "'grp' in BYGROUP is not in the data", ALL),
        ("WEIGHT: <(ww)>;", "'ww' in WEIGHT is not in the data", "w (a column of DataFrame)"),
    ],
)  # fmt: skip
def test_contradictions_point(marked: str, message: str, hint: str) -> None:
    text, places = unmark(marked)
    (finding,) = declared(text + " MODEL: y ~ x1;").findings
    assert (finding.message, finding.hint) == (message, hint)
    assert finding.span is not None
    assert [(finding.span.start, finding.span.end)] == places


def test_all_mistakes_are_collected() -> None:
    text, places = unmark("ORDINAL: <(a1)> d <(a2)>; CENTER: <(a3)>; FIXED: <(a4)>; LATENT: <(y)>; MODEL: y ~ x1;")
    findings = declared(text).findings
    assert sorted((each.span.start, each.span.end) for each in findings) == places
