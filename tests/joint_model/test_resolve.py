"""The driver: what a script and its data may be given as, and what is raised together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from joint_model.simulated import table

from blimp2pymc.blimp.parse import parse
from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.resolve import resolve

TEXT = "DATA: table.csv; MISSING: NA; MODEL: y ~ x1 x3; SEED: 1;"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table().to_csv(tmp_path / "table.csv", index=False, na_rep="NA")
    (tmp_path / "model.imp").write_text(TEXT)
    return tmp_path


def test_path_and_data_beside_it(folder: Path) -> None:
    for source in (folder / "model.imp", str(folder / "model.imp")):
        model = resolve(source)
        assert model.frame.n_rows == len(table())
        assert model.settings.seed == 1
        assert model.script is not None
        assert model.script.source.name == str(folder / "model.imp")


def test_text_tree_and_path_give_the_same_model(folder: Path) -> None:
    expected = resolve(folder / "model.imp").equations
    assert resolve(TEXT, table()).equations == expected
    assert resolve(TEXT.rstrip(";") + "\n", table()).equations == expected
    assert resolve(parse(TEXT), table()).equations == expected
    assert resolve(TEXT, folder / "table.csv").equations == expected


def test_byte_order_mark_is_no_part_of_the_script(folder: Path) -> None:
    (folder / "marked.imp").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert resolve(folder / "marked.imp").equations == resolve(folder / "model.imp").equations


@pytest.mark.parametrize(
    ("source", "told"),
    [("nowhere.imp", "there is no script"), ("MODEL: y ~ x", "';' at the end"), ("a\0b", "cannot be read")],
)
def test_script_that_cannot_be_read(source: str, told: str) -> None:
    with pytest.raises(BlimpError, match=told):
        resolve(source, table())


def test_folder_and_binary_file_in_place_of_a_script(folder: Path) -> None:
    (folder / "binary.imp").write_bytes(b"\xff\xfe\x00\x01")
    for path in (folder, folder / "binary.imp"):
        with pytest.raises(BlimpError):
            resolve(path)


def test_mistakes_of_all_commands_come_together_in_the_order_of_the_script() -> None:
    script = "ORDINAL: nope;\nMODEL: y ~ xx;\nPARAMETERS: p = bb;\nWALDTEST: cc = 0;\n"
    with pytest.raises(BlimpError) as caught:
        resolve(script, table())
    assert [each.span.text for each in caught.value.findings if each.span] == ["nope", "xx", "bb", "cc"]


def test_unreadable_data_do_not_hide_a_refusal() -> None:
    with pytest.raises(BlimpError) as caught:
        resolve("DATA: nowhere.csv; CLUSTERID: team; MODEL: y ~ x1;")
    assert "multilevel" in {each.code for each in caught.value.findings}


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (
            "DATA: nowhere.csv; VARIABLES: y x;\nMODEL: y ~ x zz;\nPARAMETERS: p = bb;",
            ["nowhere.csv", "zz", "bb"],
        ),
        ("DATA: nowhere.csv; VARIABLES: y x;\nMODEL: y ~ x +;\nx ~ zz;", ["nowhere.csv", "+", "zz"]),
        ("DATA: nowhere.csv;\nMODEL: y ~ x zz;", ["nowhere.csv"]),
        ("DATA: text.csv; NOMINAL: x; MODEL: y ~ x zz; x ~ x.2;", ["zz", "foo"]),
        ("DATA: text.csv; VARIABLES: y x; FIXED: zz; MODEL: y ~ x;", ["y,x", "zz"]),
    ],
)
def test_mistakes_of_script_and_data_come_together(folder: Path, script: str, told: list[str]) -> None:
    (folder / "text.csv").write_text("y,x\n1,2\n2,foo\n3,1\n")
    (folder / "wrong.imp").write_text(script)
    with pytest.raises(BlimpError) as caught:
        resolve(folder / "wrong.imp")
    assert sorted(each.span.text for each in caught.value.findings if each.span) == sorted(told)


def test_mistakes_of_transform_do_not_hide_those_of_model() -> None:
    with pytest.raises(BlimpError) as caught:
        resolve("TRANSFORM: q = ln(xx); MODEL: y ~ q x3 zz; CENTER: hh;", table())
    assert [each.span.text for each in caught.value.findings if each.span] == ["xx", "zz", "hh"]


@pytest.mark.parametrize("command", ["ORDINAL", "NOMINAL"])
def test_identifier_is_not_categorical(command: str) -> None:
    data = pd.DataFrame({"y": np.linspace(0.0, 1.0, 60) ** 2, "person": np.arange(60.0)})
    with pytest.raises(BlimpError, match="60 different codes"):
        resolve(f"{command}: person; MODEL: y ~ person;", data)


def test_unknown_set_of_priors() -> None:
    with pytest.raises(BlimpError, match="no priors 'wide'"):
        resolve("MODEL: y ~ x3;", table(), priors="wide")


def test_runaway_definitions_are_refused_quickly() -> None:
    doubling = " ".join(f"a{k} = a{k - 1} + a{k - 1};" for k in range(1, 60))
    with pytest.raises(BlimpError, match="multiplies out"):
        resolve(f"MODEL: a0 = x3 + x4; {doubling} y ~ a59;", table())


def test_long_chain_of_definitions_is_no_crash() -> None:
    chain = " ".join(f"a{k} = a{k + 1} + 1;" for k in range(3000))
    with pytest.raises(BlimpError):
        resolve(f"MODEL: {chain} a3000 = x3; y ~ a0;", table())
