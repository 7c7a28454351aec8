"""Text files: values in every layout, and one clear place for everything that can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from marked import unmark

from blimp2pymc.data.table import Table
from blimp2pymc.data.text_file import read_text_file
from blimp2pymc.errors import BlimpError, Source, Span

NAN = np.nan
SCRIPT = Source("model.imp", "DATA: data; VARIABLES: y x;")
DATA_SPAN, NAMES_SPAN = Span(SCRIPT, 6, 10), Span(SCRIPT, 12, 21)


def read(path: Path, names: str | None = None, missing: str | None = None) -> Table:
    return read_text_file(path, None if names is None else tuple(names.split()), missing, DATA_SPAN, NAMES_SPAN)


@pytest.mark.parametrize(
    ("file", "content", "names", "missing"),
    [
        ("d.csv", "y,x\n1,2\n3,NA\n-.5,1e3\n", None, "NA"),
        ("d.csv", '"y","x"\n"1","2"\n3,"NA"\n-.5,1e3\n', None, "NA"),
        ("d.CSV", "y , x\n 1, 2 \n3 , NA\n -.5 ,1e3", None, "NA"),
        ("d.csv", "\ufeffy,x\r\n1,2\r\n3,.\r\n-0.5,1000.0\r\n", None, "."),
        ("d.csv", "y,x\r1,2\r3,999\r-0.5,1000\r", None, "999"),
        ("d.csv", "1,2\n3,999.00\n-0.5,1000\n", "y x", "999"),
        ("d.csv", "y,x\n\n1,2\n   \n3,-99\n-0.5,1000\n\n", None, "-99"),
        ("d.dat", "1 2\n3 999\n-0.5 1000\n", "y x", "999"),
        ("d.dat", "  1\t2\n\t3   NA  \n-0.5 +1e+3\n", "y x", "NA"),
        ("d.txt", "y\tx\n1\t2\n3\t.\n-0.5\t1000\n", None, "."),
        ("d.txt", "\ufeff  1   2\n   3 999\n-0.5 1000", "y x", "999"),
        ("d", "y x\n1 2\n3 NA\n-0.5 1000\n", None, "NA"),
    ],
)
def test_values(tmp_path: Path, file: str, content: str, names: str | None, missing: str) -> None:
    (tmp_path / file).write_bytes(content.encode())
    table = read(tmp_path / file, names, missing)
    assert table.name == file
    assert table.columns == ("y", "x")
    np.testing.assert_array_equal(table.values["y"], [1.0, 3.0, -0.5])
    np.testing.assert_array_equal(table.values["x"], [2.0, NAN, 1000.0])
    np.testing.assert_array_equal(table.source_row, [0, 1, 2])
    assert table.missing_code == missing
    assert table.notes == ()


def test_utf_16(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes("größe,x\n1,2\n".encode("utf-16"))
    assert read(tmp_path / "d.csv").columns == ("größe", "x")


def test_line_numbers_count_header_and_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("y,x\n1,2\n\n3,4\n")
    table = read(tmp_path / "d.csv")
    np.testing.assert_array_equal(table.lines, [2, 4])
    np.testing.assert_array_equal(table.source_row, [0, 1])
    assert table.place(1) == "d.csv line 4"


def test_category_codes_stay(tmp_path: Path) -> None:
    (tmp_path / "d.dat").write_text("3 0\n7 1\n3 1\n")
    table = read(tmp_path / "d.dat", "n d")
    assert np.unique(table.values["n"]).tolist() == [3.0, 7.0]
    assert np.unique(table.values["d"]).tolist() == [0.0, 1.0]


def test_numbers_are_read_to_the_last_digit(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=400)
    (tmp_path / "d.csv").write_text("y\n" + "\n".join(map(repr, values.tolist())))
    np.testing.assert_allclose(read(tmp_path / "d.csv").values["y"], values, rtol=4e-16)


def test_empty_cells_are_missing_and_counted(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("y,x,z\n1,,3\n,5, \n7,8,9\n")
    table = read(tmp_path / "d.csv")
    np.testing.assert_array_equal(np.column_stack([table.values[name] for name in "yxz"]),
                                  [[1, NAN, 3], [NAN, 5, NAN], [7, 8, 9]])  # fmt: skip
    (note,) = table.notes
    assert note.message == "3 empty cells of d.csv were read as missing"
    assert (note.severity, note.code) == ("note", "empty-cells")


def test_code_of_text_and_number_do_not_mix(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("y,x\n1,999\n9990,0\n")
    table = read(tmp_path / "d.csv", missing="999")
    np.testing.assert_array_equal(table.values["x"], [NAN, 0.0])
    np.testing.assert_array_equal(table.values["y"], [1.0, 9990.0])


def test_compiled_and_careful_reading_agree(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    values = generator.normal(size=(50, 4)).round(3)
    values[generator.random(values.shape) < 0.2] = NAN
    text = "\n".join(" ".join("NA" if np.isnan(cell) else f"{cell}" for cell in row) for row in values)
    (tmp_path / "fast.dat").write_text(text)
    # A blank behind the comma-separated code sends the same numbers through the careful path.
    (tmp_path / "careful.csv").write_text(text.replace(" ", ",").replace("NA", "NA "))
    names = "a b c d"
    fast, careful = read(tmp_path / "fast.dat", names, "NA"), read(tmp_path / "careful.csv", names, "NA")
    for place, name in enumerate(names.split()):
        np.testing.assert_array_equal(fast.values[name], values[:, place])
        np.testing.assert_array_equal(careful.values[name], values[:, place])


SHORT = "a cell for each column: the code of MISSING where there is no value"
LONG = "as many cells as there are columns"
SEMICOLONS = "commas between the columns and decimal points; in R, write.csv in place of write.csv2"

WRONG = [
    # file, content with the place marked, names, missing, message, hint, code
    ("d.csv", "y,x\n1,2\n3,<(abc)>\n", None, None, "column 2 (x): 'abc' is not a number",
     "a number as the code of each category, and ORDINAL or NOMINAL to name the column", "not-a-number"),
    ("d.dat", "1 2\n<(1.2.3)> 4\n", "y x", None, "column 1 (y): '1.2.3' is not a number",
     "digits with at most one decimal point", "not-a-number"),
    ("d.csv", "y,x\n1,<(NA)>\n", None, None, "column 2 (x): 'NA' is not a number", "MISSING: NA;", "not-a-number"),
    ("d.dat", "1 <(.)>\n", "y x", "999", "column 2 (x): '.' is not a number",
     "one code for all missing values; MISSING states 999", "not-a-number"),
    ("d.dat", "1 <(3,5)>\n", "y x", None, "column 2 (x): '3,5' is not a number",
     "a decimal point instead of the comma", "not-a-number"),
    ("d.csv", "y,x\n1,<(inf)>\n", None, None, "column 2 (x): 'inf' is not a number",
     "a finite number, or the code of MISSING", "not-a-number"),
    ("d.csv", "y,x\n1,<(nan)>\n", None, None, "column 2 (x): 'nan' is not a number", "MISSING: nan;", "not-a-number"),
    ("d.csv", "y,x\n1,<(1_000)>\n", None, None, "column 2 (x): '1_000' is not a number",
     "digits with at most one decimal point", "not-a-number"),
    ("d.csv", "y,x\n1,<(TRUE)>\n", None, None, "column 2 (x): 'TRUE' is not a number",
     "1 for true and 0 for false", "not-a-number"),
    ("d.csv", "y,x\r\n\r\n1,2\r\n  1, <(\"a b\")>\r\n", None, None, "column 2 (x): 'a b' is not a number",
     "a number as the code of each category, and ORDINAL or NOMINAL to name the column", "not-a-number"),
    ("d.csv", "y,x\n1,2\n<(3)>\n", None, None, "this line has 1 column, the first has 2", SHORT, "ragged-rows"),
    ("d.csv", "y,x\n1,2\n<(3,4,5)>\n", None, None, "this line has 3 columns, the first has 2", LONG, "ragged-rows"),
    ("d.dat", "1 2\n<(3)>\n4 5\n", "y x", "NA", "this line has 1 column, the first has 2", SHORT, "ragged-rows"),
    ("d.dat", "1 2\n<(3 4 5)>\n", "y x", None, "this line has 3 columns, the first has 2", LONG, "ragged-rows"),
    ("d.csv", "y,x\n1,NA\n<(NA)>\n", None, "NA", "this line has 1 column, the first has 2", SHORT, "ragged-rows"),
    ("d.csv", "y,x\n<(1,3,4)>\n", None, None, "this line has 3 columns, the first has 2",
     "a name for the first column as well; in R, write.csv(data, row.names = FALSE)", "ragged-rows"),
    ("d.csv", 'y,x\n1,<("1,000")>\n', None, None, "column 2 (x): '1,000' is not a number",
     "a number without commas", "not-a-number"),
    ("d.csv", "y,<(y)>\n1,2\n", None, None, "two columns are called 'y'", "a name of its own for each column",
     "duplicate-column"),
    ("d.csv", "<(1,2)>\n3,4\n", None, None,
     "the first line of d.csv holds numbers, and the script has no VARIABLES command that names its 2 columns",
     "VARIABLES: names of the columns in order;", "no-header"),
    ("d.csv", "<(y,x)>\n3,4\n", "y x", None, "the first line of d.csv holds names, but VARIABLES names the columns "
     "already", "remove the VARIABLES command, or that line of the file", "header-and-variables"),
    ("d.dat", "<(y x)>\n3 4\n", "y x", "NA", "the first line of d.dat holds names, but VARIABLES names the columns "
     "already", "remove the VARIABLES command, or that line of the file", "header-and-variables"),
    ("d.dat", "<(1,2)>\n3,4\n", "y x", None, "d.dat is separated by commas, but its name does not end in .csv",
     "rename it to d.csv", "separator"),
    ("d.csv", "<(1 2)>\n3 4\n", "y x", None, "the name of d.csv ends in .csv, but it has no commas",
     "commas between the columns; or blanks, and the name d.dat", "separator"),
    ("d.csv", "<(y;x)>\n3;4\n", None, None, "d.csv is separated by semicolons", SEMICOLONS, "separator"),
    ("d.csv", "<(3,5;4)>\n", "y x", None, "d.csv is separated by semicolons", SEMICOLONS, "separator"),
    ("d.dat", "<(3;4)>\n", "y x", None, "d.dat is separated by semicolons", SEMICOLONS, "separator"),
    ("d.csv", 'y,x\n<("1)>,2\n', None, None, "column 1 (y): '\"1' is not a number", "a second quotation mark, or none",
     "not-a-number"),
    ("d.csv", "y,x\n<(1.5D3)>,2\n", None, None, "column 1 (y): '1.5D3' is not a number",
     "E in place of D before the exponent", "not-a-number"),
    ("d.dat", "<(y,x)>\n3,4\n", None, None, "d.dat is separated by commas, but its name does not end in .csv",
     "rename it to d.csv", "separator"),
]  # fmt: skip


@pytest.mark.parametrize("case", WRONG, ids=[repr(each[1]) for each in WRONG])
def test_wrong_file(tmp_path: Path, case: tuple) -> None:
    file, content, names, missing, message, hint, code = case
    text, places = unmark(content)
    (tmp_path / file).write_bytes(text.encode())
    with pytest.raises(BlimpError) as caught:
        read(tmp_path / file, names, missing)
    (finding,) = caught.value.findings
    assert (finding.message, finding.hint, finding.code) == (message, hint, code)
    span = finding.span
    assert span is not None and span.source.name == file
    start, end = places[0]
    # Line ends are unified on reading, so places are compared as line, column and text.
    before = text[:start].replace("\r\n", "\n")
    assert span.line == before.count("\n") + 1
    assert span.column == len(before) - (before.rfind("\n") + 1) + 1
    assert span.text == text[start:end]


@pytest.mark.parametrize(
    ("content", "counts"), [("1 2 3\n4 5 6\n", "2 columns, but line 1 of d.dat has 3"),
                            ("\n1\n", "2 columns, but line 2 of d.dat has 1")],
)  # fmt: skip
def test_wrong_number_of_columns_points_at_variables(tmp_path: Path, content: str, counts: str) -> None:
    (tmp_path / "d.dat").write_text(content)
    with pytest.raises(BlimpError) as caught:
        read(tmp_path / "d.dat", "y x")
    (finding,) = caught.value.findings
    assert finding.message == f"VARIABLES names {counts}"
    assert finding.span == NAMES_SPAN


def test_comma_at_the_end_of_lines_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("1,2,\n3,4,\n")
    with pytest.raises(BlimpError) as caught:
        read(tmp_path / "d.csv", "y x")
    assert caught.value.findings[0].hint == "lines of the file without the comma at their end"


def test_lines_below_a_header_without_row_names_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text('"y","x"\n' + "".join(f'"{row}",1,2\n' for row in range(20)))
    with pytest.raises(BlimpError) as caught:
        read(tmp_path / "d.csv")
    assert [each.message for each in caught.value.findings] == [
        "this line has 3 columns, the first has 2", "and 19 more places like these in d.csv",
    ]  # fmt: skip


def test_a_file_of_another_name_but_the_same_ending_is_not_proposed(tmp_path: Path) -> None:
    (tmp_path / "abc.csv").write_text("y\n1\n")
    with pytest.raises(BlimpError) as caught:
        read(tmp_path / "xyz.csv")
    assert caught.value.findings[0].hint == "the path as seen from the script's folder"


def test_many_wrong_cells_are_counted(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("y,x\n" + "a,b\n" * 10)
    with pytest.raises(BlimpError) as caught:
        read(tmp_path / "d.csv")
    findings = caught.value.findings
    assert [(each.span.line, each.span.column) for each in findings[:-1]] == [(2, 1), (2, 3)]
    assert findings[-1].message == "and 18 more places like these in d.csv"


def test_missing_file_points_at_data_and_proposes_a_neighbour(tmp_path: Path) -> None:
    (tmp_path / "study.csv").write_text("y\n1\n")
    with pytest.raises(BlimpError) as caught:
        read(tmp_path / "studdy.csv")
    (finding,) = caught.value.findings
    assert finding.message == f"there is no data file '{tmp_path / 'studdy.csv'}'"
    assert finding.hint == "study.csv"
    assert finding.span == DATA_SPAN


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "d.csv is empty"),
        (b" \n\n", "d.csv is empty"),
        (b"y,x\n", "d.csv has a header and no data"),
        (b"PK\x03\x04rest", "d.csv is a spreadsheet or archive, not a text file"),
        (b"$FL2@(#)", "d.csv is an SPSS file, not a text file"),
        (b"\x1f\x8b\x08\x00", "d.csv is a compressed file, not a text file"),
        (b"y,x\n1,\x00\n", "d.csv is not a text file"),
    ],
)
def test_no_data_in_file(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "d.csv").write_bytes(content)
    with pytest.raises(BlimpError) as caught:
        read(tmp_path / "d.csv")
    (finding,) = caught.value.findings
    assert finding.message == message
    assert finding.hint
    assert finding.span == DATA_SPAN


@pytest.mark.parametrize(
    ("path", "what"), [("/dev/zero", "no ordinary file"), ("folder", "a folder"), ("a\0b.csv", "cannot be read")]
)
def test_only_ordinary_files_are_read(tmp_path: Path, path: str, what: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(BlimpError, match=what):
        read(tmp_path / path)


@pytest.mark.parametrize(
    ("cell", "hint"), [("1e400", "a number below 1e308"), ("na", "NA, as MISSING states it"), ("-", "one code")]
)
def test_cells_that_are_almost_numbers(tmp_path: Path, cell: str, hint: str) -> None:
    (tmp_path / "d.csv").write_text(f"y,x\n1,NA\n2,{cell}\n")
    with pytest.raises(BlimpError) as caught:
        read(tmp_path / "d.csv", missing="NA")
    (finding,) = caught.value.findings
    assert finding.message == f"column 2 (x): '{cell}' is not a number"
    assert finding.hint.startswith(hint)
