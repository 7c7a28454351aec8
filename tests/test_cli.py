"""The command line: exit status, what goes to stdout and stderr, what is written and what is not."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from blimp2pymc import __version__, cli

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPT = str(EXAMPLES / "mediation.imp")
COMMANDS = ("run", "translate", "explain", "diagram", "check", "format", "verify")
SHORT = ("--burn", "50", "--iter", "200", "--chains", "2", "--seed", "3", "--cores", "1", "--quiet")

WRONG = """\
DATA: mediation.csv;
MISSING: NA;
MODEL: performance ~ trainig confidence;
SEED: 1;
"""


@pytest.fixture
def wrong_script(tmp_path: Path) -> Path:
    (tmp_path / "mediation.csv").write_text((EXAMPLES / "mediation.csv").read_text())
    script = tmp_path / "wrong.imp"
    script.write_text(WRONG)
    return script


def _usage_status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return int(ended.value.code or 0)


# ---------------------------------------------------------------- usage


def test_version_names_the_stack(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"blimp2pymc {__version__} ")
    assert "(not found)" not in shown
    import numpy as np

    assert f"numpy {np.__version__}" in shown


def test_module_and_script_are_the_same() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "blimp2pymc", "--version"], check=True, capture_output=True, text=True
    )
    assert ended.stdout == cli.version() + "\n"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert _usage_status("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"    {command}" in shown for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("smaple", SCRIPT),
        ("run",),
        ("run", SCRIPT, "--iter", "0"),
        ("run", SCRIPT, "--burn", "-1"),
        ("run", SCRIPT, "--chains", "two"),
        ("run", SCRIPT, "--priors", "flat"),
        ("format", SCRIPT, "--check", "-o", "x.imp"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert _usage_status(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("usage: ")
    assert not captured.out


def test_bare_script_means_run(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(cli, "run", lambda arguments: seen.append(arguments) or 0)
    assert cli.main([SCRIPT, "--seed", "5"]) == 0
    assert (seen[0].file, seen[0].seed) == (SCRIPT, 5)


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize("command", COMMANDS)
def test_missing_file_is_one_message(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([command, str(EXAMPLES / "mediatoin.imp")]) == 1
    captured = capsys.readouterr()
    message = captured.out if command == "check" else captured.err
    assert "mediatoin.imp" in message
    assert f"try: {SCRIPT}" in message
    assert "Traceback" not in message


@pytest.mark.parametrize("command", ["run", "translate", "explain", "verify"])
def test_mistake_points_and_writes_nothing(
    command: str, wrong_script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = {"run": ["--out", str(wrong_script.parent / "out")], "translate": ["-o", str(wrong_script.parent / "m.py")]}
    before = set(wrong_script.parent.iterdir())
    assert cli.main([command, str(wrong_script), *extra.get(command, [])]) == 1
    captured = capsys.readouterr()
    assert not captured.out
    assert f"{wrong_script}:3:22: " in captured.err
    assert "^^^^^^^" in captured.err
    assert "training" in captured.err
    assert set(wrong_script.parent.iterdir()) == before


def test_check_lists_findings(wrong_script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(wrong_script)]) == 1
    assert ":3:22: " in capsys.readouterr().out
    assert cli.main(["check", SCRIPT]) == 0


def test_check_lists_warnings_beside_mistakes(wrong_script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = wrong_script.read_text()
    wrong_script.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("SEED")))
    assert cli.main(["check", str(wrong_script)]) == 1
    printed = capsys.readouterr().out
    assert printed.index("trainig") < printed.index("warning: the script states no SEED")


def test_check_writes_json(wrong_script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--json", str(wrong_script)]) == 1
    findings = json.loads(capsys.readouterr().out)
    errors = [each for each in findings if each["severity"] == "error"]
    assert [(each["line"], each["column"], each["text"]) for each in errors] == [(3, 22, "trainig")]
    assert [(each["end_line"], each["end_column"]) for each in errors] == [(3, 29)]


def test_json_says_where_a_place_of_several_lines_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.imp").write_text("MODEL:\n  y foo\n  x;\n")
    assert cli.main(["check", "--json", str(tmp_path / "m.imp")]) == 1
    (finding,) = json.loads(capsys.readouterr().out)
    assert (finding["line"], finding["column"], finding["end_line"], finding["end_column"]) == (2, 3, 3, 4)


# ---------------------------------------------------------------- reading and writing


def test_translate_writes_a_file_or_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["translate", SCRIPT, "-o", str(tmp_path / "model.py")]) == 0
    assert capsys.readouterr().out == ""
    assert cli.main(["translate", SCRIPT]) == 0
    source = capsys.readouterr().out
    assert source == (tmp_path / "model.py").read_text()
    compile(source, "model.py", "exec")


def test_flavours_of_the_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "model.imp"
    table = pd.DataFrame({"y": [0, 1, 1, 0, 1, 0.0], "x": [0.1, 0.8, -0.4, 1.2, 0.3, 0.5]})
    table.to_csv(tmp_path / "data.csv", index=False)
    script.write_text("DATA: data.csv; ORDINAL: y; MODEL: y ~ x;")
    assert cli.main(["translate", str(script), "--augmented"]) == 0
    assert "y_latent_response" in capsys.readouterr().out
    assert cli.main(["translate", str(script), "--marginal"]) == 1
    assert "'y' is a probit outcome" in capsys.readouterr().err
    script.write_text("DATA: data.csv; MODEL: y ~ x;")
    assert cli.main(["translate", str(script), "--marginal"]) == 0
    assert "pm.MvNormal" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(["translate", str(script), "--marginal", "--augmented"])


def test_script_from_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(EXAMPLES)
    monkeypatch.setattr(sys, "stdin", io.StringIO(Path(SCRIPT).read_text()))
    assert cli.main(["check", "-"]) == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("MODEL: y ~ ;;; ~"))
    assert cli.main(["format", "-"]) == 1
    assert "<stdin>:1:" in capsys.readouterr().err


def test_data_option_replaces_the_file(tmp_path: Path) -> None:
    table = pd.read_csv(EXAMPLES / "mediation.csv")
    table.iloc[:50].to_csv(tmp_path / "other.csv", index=False, na_rep="NA")
    assert cli.main(["check", SCRIPT, "--data", str(tmp_path / "other.csv")]) == 0
    assert cli.main(["check", SCRIPT, "--data", str(tmp_path / "absent.csv")]) == 1


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.imp")), ids=lambda each: each.stem)
def test_format_is_idempotent(script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = tmp_path / "again.imp"
    assert cli.main(["format", str(script), "-o", str(again)]) == 0
    assert cli.main(["format", str(again), "--check"]) == 0
    comments = [each.strip() for each in script.read_text().splitlines() if each.startswith("#")]
    assert all(each in again.read_text() for each in comments)
    again.write_text(again.read_text().replace("DATA:", "DATA :  ", 1))
    assert cli.main(["format", str(again), "--check"]) == 1
    assert "laid out differently" in capsys.readouterr().err


def test_explain_names_model_and_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", SCRIPT]) == 0
    shown = capsys.readouterr().out
    assert "confidence" in shown
    assert "residual variance" in shown


@pytest.mark.slow
def test_verify_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", SCRIPT]) == 0
    assert "performance" in capsys.readouterr().out


# ---------------------------------------------------------------- run


@pytest.mark.slow
def test_run_prints_to_stdout_only(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", SCRIPT, *SHORT]) == 0
    captured = capsys.readouterr()
    assert "indirect" in captured.out
    assert "\x1b" not in captured.out
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_run_fills_its_folder_and_is_repeatable(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for folder, cores in (("a", "1"), ("b", "2")):
        assert cli.main(["run", SCRIPT, *SHORT, "--cores", cores, "--out", str(tmp_path / folder)]) == 0
    first, second = tmp_path / "a", tmp_path / "b"
    assert {each.name for each in first.iterdir()} >= {"output.txt", "estimates.csv", "draws.nc", "model.py"}
    assert (first / "estimates.csv").read_bytes() == (second / "estimates.csv").read_bytes()
    import xarray as xr

    with xr.open_datatree(first / "draws.nc", engine="h5netcdf") as idata:
        assert idata["posterior"].sizes["chain"] == 2
        assert idata["posterior"].sizes["draw"] == 100


@pytest.mark.slow
def test_run_writes_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", SCRIPT, *SHORT, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"] | {"seconds": 0} == {
        "chains": 2, "burn": 50, "draws": 100, "seed": 3, "seconds": 0, "interrupted": False,
    }  # fmt: skip
    assert {"error", "warning", "note"} >= {each["severity"] for each in found["notes"]}
    [indirect] = [each for each in found["estimates"] if each["parameter"] == "indirect"]
    assert indirect["lo"] < indirect["median"] < indirect["hi"]
    assert next(each["sd"] for each in found["estimates"] if each["block"] == "fit") is None


@pytest.mark.slow
def test_interrupt_reports_the_draws_so_far(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "blimp2pymc", "run", SCRIPT, "--burn", "200", "--iter", "3000000"]
    command += ["--cores", "1", "--quiet"]
    # The kernels are compiled here, not while the clock runs; interrupted too early all the same, try again later.
    assert cli.main(["run", SCRIPT, *SHORT]) == 0
    for pause in (8, 16, 32):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(pause)
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=180)
        finally:
            process.kill()
        if process.returncode == 0:
            break
        assert process.returncode == 1
        assert "Interrupted before there was anything to report." in err
    assert process.returncode == 0, err
    assert "indirect" in out
    assert "nterrupted" in out + err


def test_diagram_with_estimates_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", SCRIPT, *SHORT, "--out", str(tmp_path / "results")]) == 0
    capsys.readouterr()
    file = tmp_path / "diagram.svg"
    table = pd.read_csv(tmp_path / "results" / "estimates.csv")
    slopes = table[(table["section"] == "Coefficients") & (table["parameter"] != "Intercept")]["median"]
    for place in ("results", "results/estimates.csv"):
        assert cli.main(["diagram", SCRIPT, "--estimates", str(tmp_path / place), "-o", str(file)]) == 0
        assert all(f">{each:.2f}".replace("-", "\u2212") in file.read_text("utf-8") for each in slopes)
    assert capsys.readouterr().out == ""


def test_diagram_of_a_script_is_svg(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diagram", SCRIPT]) == 0
    assert capsys.readouterr().out.startswith("<svg")


def test_diagram_with_estimates_of_another_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "estimates.csv"
    other.write_text("block,outcome,section,parameter,median,lo,hi\noutcome,z,Coefficients,w,1,0,2\n")
    assert cli.main(["diagram", SCRIPT, "--estimates", str(other)]) == 1
    assert "belongs to another model" in capsys.readouterr().err


def test_explain_lists_the_models_of_what_cannot_be_sampled_yet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "d.csv").write_text(
        "id,y,x,w\n" + "".join(f"{i // 4},{i % 5},{i % 3},{i // 4 % 2}\n" for i in range(40))
    )
    script = f"DATA: {tmp_path / 'd.csv'};\nCLUSTERID: id;\nMODEL: y ~ x w | x;\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(script))
    assert cli.main(["explain", "-"]) == 1
    printed = capsys.readouterr()
    assert "[1]  y ~ Intercept x w | Intercept x\n" in printed.out
    assert re.search(r"^w +continuous +2 +0$", printed.out, re.MULTILINE)
    assert "multilevel models (CLUSTERID) are not sampled yet" in printed.err


def test_explain_lists_the_models_of_data_to_be_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.imp").write_text("SIMULATE: n = 50; n: x = normal(0, 1); y = normal(x, 1);\nMODEL: y ~ x;\n")
    assert cli.main(["explain", str(tmp_path / "m.imp")]) == 1
    assert "[1]  y ~ Intercept x\n" in capsys.readouterr().out


def test_explain_of_a_mistake_lists_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "d.csv").write_text("id,y,x\n0,1,2\n0,2,3\n1,3,4\n")
    (tmp_path / "m.imp").write_text("DATA: d.csv;\nCLUSTERID: id;\nMODEL: y ~ z;\n")
    assert cli.main(["explain", str(tmp_path / "m.imp")]) == 1
    printed = capsys.readouterr()
    assert not printed.out
    assert "'z' is not declared" in printed.err


def test_check_says_what_cannot_be_sampled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.DataFrame({"o": [0, 1, 2] * 20, "w": range(60), "y": range(0, 120, 2)})
    frame.to_csv(tmp_path / "d.csv", index=False)
    script = tmp_path / "m.imp"
    script.write_text(
        "DATA: d.csv; ORDINAL: o; MODEL: o ~ exp(w*rate); y ~ o.latent; PARAMETERS: rate ~ normal(0, 1); SEED: 1;"
    )
    assert cli.main(["check", str(script)]) == 0
    printed = capsys.readouterr().out
    assert "warning: this can be translated, but not sampled: no kernel can draw 'rate'" in printed
