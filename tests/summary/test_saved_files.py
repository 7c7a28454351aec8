"""What SAVE writes, and that it writes nowhere else."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hand_built import interaction
from summary.synthetic_draws import synthetic_draws
from summary.test_imputations import with_table

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.summary.burn_in import burn_in
from blimp2pymc.summary.imputations import data_sets
from blimp2pymc.summary.report import report
from blimp2pymc.summary.saved_files import saved_files, source_files, targets, write_files
from blimp2pymc.summary.tables import rows, summarise


def saved(*save: tuple[str, str], options: tuple[str, ...] = (), n_imputations: int | None = None, code="999"):
    """Model, draws, and the text of the files that these SAVE statements ask for."""
    model = with_table(interaction(), code)
    settings = replace(model.settings, save=save, options=frozenset(options), n_imputations=n_imputations)
    model = replace(model, settings=settings)
    draws = synthetic_draws(model)
    lines = rows(model, draws)
    return model, draws, saved_files(model, draws, lines, summarise(lines), burn_in(model, draws))


def test_stacked():
    model, draws, files = saved(("stacked", "imps.csv"), n_imputations=2)
    [*lines] = files["imps.csv"].splitlines()
    n = model.frame.n_rows
    assert len(lines) == 2 * n
    cells = [line.split(",") for line in lines]
    assert [row[0] for row in cells] == ["1"] * n + ["2"] * n
    first = data_sets(model, draws, 2)[0]
    row = int(np.flatnonzero(model.missing("y") & ~model.missing("x2"))[0])
    assert cells[row][3] == f"{first['y'][row]:.4f}"
    assert float(cells[row][2]) == model.data["x2"][row]
    assert cells[row][1] == f"{10 * (row + 1)}"
    unused = int(np.flatnonzero(np.isnan(model.table.values["unused"][1:]))[0])
    assert cells[unused][4] == "999"


def test_stacked_behind_the_incomplete_data():
    options = ("saveresidual",)
    model, _, files = saved(("stacked0", "imps.csv"), options=options, n_imputations=1)
    _, _, plain = saved(("stacked", "imps.csv"), options=options, n_imputations=1)
    n = model.frame.n_rows
    lines = files["imps.csv"].splitlines()
    assert lines[n:] == plain["imps.csv"].splitlines()
    incomplete = [line.split(",") for line in lines[:n]]
    assert {row[0] for row in incomplete} == {"0"}
    y = np.array([float(row[3]) for row in incomplete])
    assert ((y == 999) == model.missing("y")).all()
    # Fifteen digits are written.
    assert np.allclose(y[~model.missing("y")], model.data["y"][~model.missing("y")], rtol=1e-13)
    assert {len(row) for row in incomplete} == {len(line.split(",")) for line in lines}
    assert {row[-1] for row in incomplete} == {"999"}


def test_run_that_was_stopped_early_saves_what_it_has():
    model = with_table(interaction(), "999")
    model = replace(model, settings=replace(model.settings, save=(("separate", "imp*.csv"),), n_imputations=50))
    draws = replace(synthetic_draws(model), interrupted=True)
    lines = rows(model, draws)
    table, history = summarise(lines), burn_in(model, draws)
    assert len(saved_files(model, draws, lines, table, history)) == len(draws.imputations.chain) < 50
    assert f"and {len(draws.imputations.chain)} completed data sets" in " ".join(
        report(model, None, draws, table, lines=lines, history=history).split()
    )


def test_blanks_unless_csv_and_names_on_request():
    model, _, files = saved(("stacked", "imps.dat"), options=("savevarnames",), n_imputations=1)
    lines = files["imps.dat"].splitlines()
    assert lines[0] == "imp# id x2 y unused x1 d"
    assert len(lines) == model.frame.n_rows + 1
    assert all(len(line.split(" ")) == 7 for line in lines)


def test_separate_files_have_no_number_column():
    model, _, files = saved(("separate", "imp*.csv"), n_imputations=3)
    assert list(files) == ["imp1.csv", "imp2.csv", "imp3.csv"]
    assert all(len(text.splitlines()) == model.frame.n_rows for text in files.values())
    assert all(line.count(",") == 5 for line in files["imp2.csv"].splitlines())


def test_residuals_and_predictions():
    model, draws, files = saved(
        ("stacked", "imps.csv"), options=("saveresidual", "savepredicted", "savevarnames"), n_imputations=1
    )
    head, *lines = (line.split(",") for line in files["imps.csv"].splitlines())
    assert head[-2:] == ["y.residual", "y.predicted"]
    [frame] = data_sets(model, draws, 1)
    for k, line in enumerate(lines):
        assert float(line[-2]) + float(line[-1]) == pytest.approx(frame["y"][k], abs=2e-4)


def test_means_and_variances_of_cells():
    model, draws, files = saved(("avgimp", "mean.csv"), ("varimp", "variance.csv"))
    mean, variance = ([line.split(",") for line in files[name].splitlines()] for name in ("mean.csv", "variance.csv"))
    missing = np.flatnonzero(model.missing("x1"))
    assert [float(mean[row][4]) for row in missing] == pytest.approx(draws.cell_mean["x1"], abs=1e-4)
    assert [float(variance[row][4]) for row in missing] == pytest.approx(draws.cell_variance["x1"], abs=1e-4)
    observed = int(np.flatnonzero(~model.missing("x1"))[0])
    assert float(mean[observed][4]) == pytest.approx(model.data["x1"][observed], rel=1e-12)
    assert variance[observed][4] == "0.0000"


def test_iterations_are_the_draws():
    model, draws, files = saved(("iterations", "draws.csv"))
    values = np.array([[float(cell) for cell in line.split(",")] for line in files["draws.csv"].splitlines()])
    assert len(values) == draws.n_chains * draws.n_draws
    sampled = [each for each in rows(model, draws) if each.draws is not None]
    assert values.shape[1] == len(sampled)
    np.testing.assert_allclose(values[:, 2], draws.parameter("b1").ravel(), rtol=1e-9)


def test_tables(tmp_path: Path):
    _, draws, files = saved(("estimates", "e.csv"), ("waldtest", "w.csv"), ("simple", "s.csv"), ("psr", "p.csv"))
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    tables = {name: pd.read_csv(tmp_path / name) for name in files}
    assert tables["w.csv"]["parameter"].tolist() == ["Test #1"]
    assert set(tables["s.csv"]["block"]) == {"conditional"}
    assert len(tables["e.csv"]) > len(tables["s.csv"])
    psr = tables["p.csv"]
    assert list(psr.columns[2:]) == list(draws.parameter_names)
    assert psr["last"].iloc[-1] == draws.burn


def test_missing_code_is_NA_when_none_is_stated():
    _, _, files = saved(("stacked", "imps.csv"), n_imputations=1, code=None)
    assert ",NA," in files["imps.csv"]


@pytest.mark.parametrize("file", ["../out.csv", "/tmp/out.csv", "a/../../b.csv", "C:\\out.csv", "..\\out.csv"])
def test_paths_that_leave_the_folder_are_refused(file: str, tmp_path: Path):
    model = interaction()
    model = replace(model, settings=replace(model.settings, save=(("estimates", file),)))
    folder = tmp_path / "results"
    with pytest.raises(BlimpError, match="outside the folder"):
        write_files(model, folder, {"fine.csv": "1", file: "2"})
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_links_that_leave_the_folder_are_refused(tmp_path: Path):
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(BlimpError, match="outside the folder"):
        targets(interaction(), folder, ["link/out.csv"])


def test_model_file_finds_its_data_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"y": rng.normal(size=900), "x": rng.normal(size=900), "z": rng.normal(size=900)})
    (tmp_path / "scripts").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "scripts")
    table.to_csv("d.csv", index=False)
    Path("m.imp").write_text("DATA: d.csv; MODEL: y ~ x z; SEED: 1;")
    for number, model in enumerate([resolve("m.imp"), resolve("MODEL: y ~ x z; SEED: 1;", table)]):
        folder = Path(f"out{number}")
        write_files(model, folder, source_files(model, folder))
        file = folder.resolve() / "model.py"
        with monkeypatch.context() as moved:
            moved.chdir(tmp_path / "elsewhere")
            graph = runpy.run_path(str(file))["model"]
        assert graph.rvs_to_values[graph.observed_RVs[0]].data.shape == (900,)
        assert (folder / "model_data.csv").exists() == (number == 1)
        assert str(tmp_path) not in file.read_text()
    # Folders that move together still belong together.
    moved_to = (tmp_path / "scripts").rename(tmp_path / "moved")
    monkeypatch.chdir(moved_to)
    for number in range(2):
        runpy.run_path(str(moved_to / f"out{number}" / "model.py"))
    pd.testing.assert_frame_equal(pd.read_csv("out1/model_data.csv", index_col=0), table)


def test_folders_inside_are_made(tmp_path: Path):
    [place] = write_files(interaction(), tmp_path / "new", {"sub/out.csv": "1\n"})
    assert place.read_text() == "1\n"


def test_data_and_script_are_not_overwritten(tmp_path: Path):
    (tmp_path / "d.csv").write_text("y,x\n" + "".join(f"{row % 7},{row % 5}\n" for row in range(30)))
    (tmp_path / "m.imp").write_text(
        "DATA: d.csv; MODEL: y ~ x; SAVE: estimates = d.csv; iterations = m.imp; stacked = new.csv;"
    )
    model = resolve(tmp_path / "m.imp")
    with pytest.raises(BlimpError) as caught:
        targets(model, tmp_path, [file for _, file in model.settings.save])
    assert [each.span.text for each in caught.value.findings if each.span] == [
        "estimates = d.csv",
        "iterations = m.imp",
    ]
    assert len(targets(model, tmp_path / "out", [file for _, file in model.settings.save])) == 3
