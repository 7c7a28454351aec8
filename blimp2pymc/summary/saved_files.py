"""The files SAVE asks for: what is in them, and where they may be written.

Numbers are written as Blimp's files have them: observed cells as they were read, imputed ones with four
decimals, a comma between fields in files that end in `.csv` and a blank in others.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import numpy as np
import pandas as pd

from blimp2pymc.errors import Finding, Span, error, raise_all
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.settings import IMPUTATIONS
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.summary.burn_in import BurnIn
from blimp2pymc.summary.imputations import chosen_snapshots, data_set
from blimp2pymc.summary.predictions import predictions, residuals, transformed
from blimp2pymc.summary.rows import Row

ROWS_FILE = "model_data.csv"
"""The analysed rows, beside `model.py` where that does not read them from the script's data file."""

RESULT_FILES = ("output.txt", "estimates.csv", "model.py", ROWS_FILE, "draws.nc")
"""What `Fit.save` writes beside the files of SAVE."""

DEFAULT_MISSING_CODE = "NA"
"""Written for a missing value when the script states no code."""


def saved_files(
    model: Model, draws: Draws, lines: Sequence[Row], table: pd.DataFrame, history: BurnIn
) -> dict[str, str]:
    """File name, as the script states it -> text, for everything in SAVE.

    Parameters
    ----------
    lines, table
        The lines of the tables with their draws, and the table of estimates made from them.
    history
        R-hat over burn-in, for `psr`.
    """
    files: dict[str, str] = {}
    for kind, file in model.settings.save:
        if kind in IMPUTATIONS:
            files |= _imputed(model, draws, file, kind)
        elif kind in ("avgimp", "varimp"):
            files[file] = _moments(model, draws, file, kind)
        elif kind == "iterations":
            sampled = [each.draws.ravel() for each in lines if each.draws is not None]
            rows = (_numbers(row) for row in np.stack(sampled, axis=-1)) if sampled else ()
            files[file] = _text(file, rows)
        elif kind == "psr":
            header = ["first", "last", *history.parameters]
            rows = ([str(each.first), str(each.last), *_numbers(each.r_hat)] for each in history.windows)
            files[file] = _text(file, [header, *rows])
        elif kind in ("estimates", "waldtest", "simple"):
            block = {"waldtest": "wald", "simple": "conditional"}.get(kind)
            wanted = table if block is None else table[table["block"] == block]
            files[file] = _text(file, [list(wanted.columns), *wanted.astype(object).fillna("").to_numpy().tolist()])
        else:
            raise error(f"SAVE {kind} is not available yet", _span(model, kind), code="not-available")
    return files


def targets(model: Model, folder: Path, files: Iterable[str]) -> dict[str, Path]:
    """Where each file goes, inside the folder.

    Raises
    ------
    BlimpError
        For every absolute name, name with `..`, or name that leaves the folder through a link, and for a
        name under which the data or the script would be overwritten.
    """
    findings, places = [], {}
    read = {Path(model.frame.file).resolve()} if model.frame.file else set()
    read |= {Path(model.script.source.name).resolve()} if model.script is not None else set()
    for file in files:
        span = next((_span(model, kind) for kind, stated in model.settings.save if stated == file), None)
        parts = [*PurePosixPath(file).parts, *PureWindowsPath(file).parts]
        outside = PurePosixPath(file).is_absolute() or PureWindowsPath(file).anchor or ".." in parts
        place = folder / file
        if outside or not place.resolve().is_relative_to(folder.resolve()):
            findings.append(
                Finding(
                    f"SAVE would write {file}, outside the folder of the results",
                    span,
                    PurePosixPath(file.replace("\\", "/")).name,
                    "unsafe-path",
                )
            )
        elif place.resolve() in read:
            findings.append(
                Finding(f"SAVE would overwrite {file}, which is read", span, "another file name", "unsafe-path")
            )
        places[file] = place
    raise_all(findings)
    return places


def check_results_folder(model: Model, folder: Path) -> None:
    """Refuse a folder in which the files of SAVE and `RESULT_FILES` cannot stand side by side.

    Raises
    ------
    BlimpError
        For every file of SAVE that has the name of a result or of another file, or that `targets` refuses.
    """
    asked = [file for _, file in model.settings.save]
    targets(model, folder, [*asked, *RESULT_FILES])
    taken = [(folder / each).resolve() for each in RESULT_FILES]
    findings = []
    for kind, file in model.settings.save:
        place = (folder / file).resolve()
        if place in taken:
            findings.append(Finding(f"SAVE names {file}, which is written already", _span(model, kind),
                                    "another file name", "same-file"))  # fmt: skip
        taken.append(place)
    raise_all(findings)


def source_files(model: Model, folder: Path) -> dict[str, str]:
    """`model.py`, and the rows it needs when there is no data file it could read them from.

    The source looks for its data from its own folder, so that it runs from everywhere and names no folder above
    what the two have in common.
    """
    from blimp2pymc.pymc_source.emit import translate
    from blimp2pymc.pymc_source.wrangling import asks_for_rows, data_frame

    if asks_for_rows(model):
        source = translate(model, data_file=PurePath(ROWS_FILE))
        return {"model.py": source, ROWS_FILE: data_frame(model).to_csv(lineterminator="\n")}
    file = model.frame.file
    return {"model.py": translate(model, data_file=_seen_from(folder, Path(file)) if file else None)}


def _seen_from(folder: Path, file: Path) -> str | PurePath:
    """A file relative to a folder; its absolute path where there is no such thing, as across Windows drives."""
    try:
        return PurePath(os.path.relpath(file.resolve(), folder.resolve()))
    except ValueError:
        return str(file.resolve())


def write_files(model: Model, folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write files into a folder, which is made if need be; nothing is written when one name is refused."""
    places = targets(model, folder, files)
    for file, place in places.items():
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(files[file], encoding="utf-8", newline="\n")
        except OSError as trouble:
            raise error(f"{place} cannot be written: {trouble.strerror}") from None
    return list(places.values())


# ---------------------------------------------------------------- contents


def _imputed(model: Model, draws: Draws, file: str, kind: str) -> dict[str, str]:
    """Imputed data sets: one file with their number first, or one file each.

    `stacked0` is our reading of a kind that the reference does not list: the incomplete data come first, as number 0.
    """
    sets = []
    names: list[str] = []
    # A run that was stopped early may have kept fewer than were asked for; the report says so.
    wanted = model.settings.n_imputations
    is_short = draws.interrupted and wanted is not None and wanted > len(draws.imputations.chain)
    for snapshot in chosen_snapshots(draws, None if is_short else wanted):
        cells = {name: values[snapshot] for name, values in draws.imputations.values.items()}
        completed = data_set(model, cells)
        extra = extra_columns(model, draws, snapshot)
        names = [*completed.columns, *extra]
        columns = [*_as_read(model, completed), *([f"{value:.4f}" for value in each] for each in extra.values())]
        sets.append([list(row) for row in zip(*columns, strict=True)])
    if kind == "separate":
        head = [names] if "savevarnames" in model.settings.options else []
        return {file.replace("*", str(number)): _text(file, [*head, *rows]) for number, rows in enumerate(sets, 1)}
    head = [["imp#", *names]] if "savevarnames" in model.settings.options else []
    first = 1
    if kind == "stacked0":
        holes = {name: np.full(int(model.missing(name).sum()), np.nan) for name in (*model.data, *model.latent)}
        incomplete = _as_read(model, data_set(model, holes))
        empty = [[_missing_code(model)] * model.frame.n_rows for _ in names[len(incomplete) :]]
        sets.insert(0, [list(row) for row in zip(*incomplete, *empty, strict=True)])
        first = 0
    return {file: _text(file, [*head, *([number, *row] for number, rows in enumerate(sets, first) for row in rows)])}


def extra_columns(model: Model, draws: Draws, snapshot: int) -> dict[str, np.ndarray]:
    """Columns behind the data of an imputed data set, by name, that OPTIONS ask for."""
    options = model.settings.options
    extra: dict[str, np.ndarray] = {}
    if "savelatent" in options:
        cells = {name: values[snapshot] for name, values in draws.imputations.values.items()}
        extra |= {f"{name}.latent": cells[name] for name in model.latent}
        extra |= {name: values for name, values in cells.items() if name.endswith(".latent") and name not in model.data}
        extra |= transformed(model, draws, snapshot)
    if "saveresidual" in options:
        extra |= residuals(model, draws, snapshot)
    if "savepredicted" in options:
        extra |= predictions(model, draws, snapshot)
    return extra


def _moments(model: Model, draws: Draws, file: str, kind: str) -> str:
    """One data set with the posterior mean of every missing cell, or with every cell's variance."""
    if kind == "avgimp":
        return _text(file, zip(*_as_read(model, data_set(model, draws.cell_mean)), strict=True))
    completed = data_set(model, draws.cell_variance)
    columns = []
    for name in completed.columns:
        values = completed[name].to_numpy()
        if name in model.data:
            values = np.where(np.isnan(model.data[name]), values, 0.0)
        else:
            values = np.where(np.isnan(values), np.nan, 0.0)
        columns.append([_missing_code(model) if np.isnan(each) else f"{each:.4f}" for each in values])
    return _text(file, zip(*columns, strict=True))


def _as_read(model: Model, completed: pd.DataFrame) -> list[list[str]]:
    """Columns as text: observed cells in full, imputed ones with four decimals, the rest as the missing code."""
    code = _missing_code(model)
    columns = []
    for name in completed.columns:
        imputed = np.isnan(model.data[name]) if name in model.data else np.zeros(len(completed), bool)
        values = completed[name].to_numpy()
        columns.append(
            [
                code if np.isnan(value) else (f"{value:.4f}" if is_imputed else f"{value:.15g}")
                for value, is_imputed in zip(values, imputed, strict=True)
            ]
        )
    return columns


def _missing_code(model: Model) -> str:
    stated = model.table.missing_code if model.table is not None else None
    return stated or DEFAULT_MISSING_CODE


def _numbers(values: Iterable[float]) -> list[str]:
    return [f"{value:.10g}" for value in values]


def _text(file: str, rows: Iterable[Iterable[object]]) -> str:
    stream = io.StringIO()
    delimiter = "," if file.lower().endswith(".csv") else " "
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def _span(model: Model, kind: str) -> Span | None:
    statements = model.script.statements("SAVE") if model.script is not None else ()
    return next((each.span for each in statements if each.kind.lower() == kind), None)
