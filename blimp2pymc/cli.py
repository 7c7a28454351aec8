"""The command line: one function per command, over the same stages that Python users call.

Last stage of the pipeline. Results go to stdout, messages to stderr; exit status 0 done, 1 a
mistake in script, data or sampling, 2 usage. Nothing is imported before a command needs it.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in `blimp2pymc/__init__.py`: `typing` is not imported to print a version
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from blimp2pymc.errors import Source
    from blimp2pymc.joint_model.ir import Model
    from blimp2pymc.summary.fit import Fit

STACK = ("pymc", "pytensor", "arviz", "numba", "numpy", "pandas")
"""Packages whose versions decide the results, named by `--version`."""

SCRIPT_SUFFIXES = (".imp", ".blimp")
"""A first argument that ends so is a script to run."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Parameters
    ----------
    argv
        Arguments without the program's name; those of the process when None.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        print(version())
        return 0
    if arguments and arguments[0].lower().endswith(SCRIPT_SUFFIXES):
        arguments.insert(0, "run")
    parsed = _parser().parse_args(arguments)
    from blimp2pymc.errors import BlimpError

    try:
        status = parsed.command(parsed)
        sys.stdout.flush()
        return status
    except BlimpError as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted before there was anything to report.", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of a pipe (`| head`) has seen enough; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def version() -> str:
    """Versions of this package, of Python, and of the packages below it, found without importing them."""
    from blimp2pymc import __version__

    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue
        for entry in entries:
            name, dash, rest = entry.partition("-")
            if dash and rest.endswith(".dist-info") and name in STACK:
                found.setdefault(name, rest.removesuffix(".dist-info"))
    python = ".".join(map(str, sys.version_info[:3]))
    below = ", ".join(f"{name} {found.get(name, '(not found)')}" for name in STACK)
    return f"blimp2pymc {__version__} (Python {python}, {below})"


# ---------------------------------------------------------------- commands


def run(arguments: argparse.Namespace) -> int:
    """`run`: sample the model of a script and print its results."""
    from pathlib import Path

    from blimp2pymc.errors import error
    from blimp2pymc.pymc_source.emit import translate
    from blimp2pymc.summary.fit import fit
    from blimp2pymc.summary.saved_files import check_results_folder, targets, write_files

    folder = Path(arguments.out or ".")
    if folder.exists() and not folder.is_dir():
        raise error(f"--out {folder} is a file", hint="name a folder; it is made when it does not exist")
    model = _with_settings(_resolve(arguments), arguments)
    # What cannot be written is refused before any time is spent on sampling.
    targets(model, folder, [file for _, file in model.settings.save])
    if arguments.out:
        check_results_folder(model, folder)
        translate(model)
    result = fit(model, cores=arguments.cores, align=not arguments.no_align, progressbar=not arguments.quiet)
    _write(arguments.output, _as_json(result) if arguments.json else result.text)
    sys.stdout.flush()
    if arguments.out:
        result.save(folder)
    elif model.settings.save:
        files = write_files(model, folder, result.saved())
        print(f"SAVE wrote {', '.join(map(str, files))} into the current folder.", file=sys.stderr)
    return 0


def translate(arguments: argparse.Namespace) -> int:
    """`translate`: write the model of a script as PyMC source."""
    from blimp2pymc.pymc_source.emit import translate as write_source

    source = write_source(_resolve(arguments), augmented=arguments.augmented, marginal=arguments.marginal)
    _write(arguments.output, source)
    return 0


def explain(arguments: argparse.Namespace) -> int:
    """`explain`: say which model a script stands for and how it is sampled."""
    from blimp2pymc.errors import BlimpError
    from blimp2pymc.joint_model.describe import describe, describe_refused
    from blimp2pymc.joint_model.latex import latex
    from blimp2pymc.joint_model.resolve import resolve
    from blimp2pymc.sampler.plan.rules import plan

    source = _source(arguments)
    try:
        model = resolve(source, arguments.data, priors=arguments.priors)
    except BlimpError as trouble:
        if not arguments.latex:
            print(describe_refused(source, trouble, arguments.data), end="")
        raise
    if arguments.latex:
        print(latex(model))
        return 0
    print(describe(model))
    print("\nHow it is sampled\n-----------------")
    print(plan(model))
    return 0


def check(arguments: argparse.Namespace) -> int:
    """`check`: list every mistake and warning of a script; status 1 when there is a mistake."""
    from blimp2pymc.errors import BlimpError, as_record, render
    from blimp2pymc.sampler.plan.refused import refused

    try:
        model = _resolve(arguments)
        findings = (*model.notes, *refused(model))
    except BlimpError as trouble:
        findings = (*trouble.findings, *trouble.beside)
    if arguments.json:
        import json

        print(json.dumps([as_record(each) for each in findings], indent=2))
    else:
        for each in findings:
            print(render(each))
    n_errors = sum(each.severity == "error" for each in findings)
    if not arguments.json and not n_errors:
        print(f"{arguments.file}: no mistakes, {len(findings)} note(s)", file=sys.stderr)
    return 1 if n_errors else 0


def format_script(arguments: argparse.Namespace) -> int:
    """`format`: write a script in the canonical layout, or ask whether it already is."""
    from blimp2pymc.blimp.format import format_script as lay_out

    name, text = _read(arguments.file)
    formatted = lay_out(text, name)
    if not arguments.check:
        _write(arguments.output, formatted)
        return 0
    if formatted == text:
        return 0
    print(f"{name} would be laid out differently", file=sys.stderr)
    return 1


def verify(arguments: argparse.Namespace) -> int:
    """`verify`: compare every conditional the sampler draws from with the PyMC model's log density."""
    from blimp2pymc.sampler.verification.check import verify as compare

    result = compare(_resolve(arguments))
    print(result)
    return 0 if result.passed else 1


def diagram(arguments: argparse.Namespace) -> int:
    """`diagram`: draw the path diagram of a script's model as SVG."""
    from pathlib import Path

    from blimp2pymc.summary.path_diagram import path_diagram

    model = _resolve(arguments)
    table = None
    if arguments.estimates:
        from blimp2pymc.summary.comparison import read_estimates

        file = Path(arguments.estimates)
        table = read_estimates(file / "estimates.csv" if file.is_dir() else file)
    drawn = path_diagram(
        model,
        table,
        estimates="interval" if arguments.intervals else "median",
        intercepts=arguments.intercepts,
        predictors=not arguments.no_predictors,
    )
    _write(arguments.output, drawn.svg)
    return 0


# ---------------------------------------------------------------- reading


def _read(file: str) -> tuple[str, str]:
    """Name and text of a script, `-` being stdin."""
    from blimp2pymc.errors import error

    if file == "-":
        return "<stdin>", sys.stdin.read()
    try:
        with open(file, encoding="utf-8-sig", newline="") as stream:
            return file, stream.read()
    except FileNotFoundError:
        raise error(f"there is no file {file}", hint=_nearest_file(file)) from None
    except UnicodeDecodeError:
        raise error(f"{file} is not a text file in UTF-8", hint="save it as plain text") from None
    except OSError as trouble:
        raise error(f"{file} cannot be read: {trouble.strerror}") from None


def _resolve(arguments: argparse.Namespace) -> Model:
    from blimp2pymc.joint_model.resolve import resolve

    return resolve(_source(arguments), arguments.data, priors=arguments.priors)


def _source(arguments: argparse.Namespace) -> Source:
    from blimp2pymc.errors import Source

    return Source(*_read(arguments.file))


def _with_settings(model: Model, arguments: argparse.Namespace) -> Model:
    from dataclasses import replace

    given = {"burn": arguments.burn, "iterations": arguments.iter, "chains": arguments.chains, "seed": arguments.seed}
    settings = {name: value for name, value in given.items() if value is not None}
    return replace(model, settings=replace(model.settings, **settings))


def _nearest_file(file: str) -> str:
    from difflib import get_close_matches

    folder, name = os.path.split(file)
    try:
        scripts = [each for each in os.listdir(folder or ".") if each.lower().endswith(SCRIPT_SUFFIXES)]
    except OSError:
        return ""
    return "".join(os.path.join(folder, each) for each in get_close_matches(name, scripts, n=1))


# ---------------------------------------------------------------- writing


def _write(file: str | Path, text: str) -> None:
    """Write `text` to a file, or to stdout when `file` is `-`."""
    from blimp2pymc.errors import error

    text = text if text.endswith("\n") else text + "\n"
    if file == "-":
        sys.stdout.write(text)
        return
    try:
        with open(file, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as trouble:
        raise error(f"{file} cannot be written: {trouble.strerror}") from None


def _as_json(result: Fit) -> str:
    """Notes, settings and every line of the tables; what does not exist is null."""
    import json

    from blimp2pymc.errors import as_record

    estimates = json.loads(result.estimates.to_json(orient="records", double_precision=15))
    drawn = result.draws
    settings = {"chains": drawn.n_chains, "burn": drawn.burn, "draws": drawn.n_draws, "seed": drawn.seed,
                "seconds": round(drawn.seconds, 3), "interrupted": drawn.interrupted}  # fmt: skip
    return json.dumps(
        {"settings": settings, "notes": [as_record(each) for each in result.notes], "estimates": estimates}, indent=2
    )


# ---------------------------------------------------------------- arguments


def _parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="blimp2pymc",
        description="Run Blimp scripts in Python: read, translate to PyMC source, sample, print the results.",
        epilog="`blimp2pymc model.imp` is `blimp2pymc run model.imp`. A file name of - means stdin or stdout.",
    )
    parser.add_argument("--version", action="version", version=version())
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, command: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        each = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        each.add_argument("file", metavar="model.imp", help="the Blimp script, or - for stdin")
        each.set_defaults(command=command)
        return each

    def add_model(name: str, command: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        each = add(name, command, text)
        each.add_argument("--data", metavar="FILE", help="data file to use in place of the script's")
        each.add_argument(
            "--priors", choices=("blimp", "proper"), default="blimp", help="default priors (default: blimp)"
        )
        return each

    sampling = add_model("run", run, "sample the model and print its results")
    sampling.add_argument("-o", "--output", metavar="FILE", default="-", help="write the printed results there instead")
    sampling.add_argument("--out", metavar="DIR", help="folder for results, draws, PyMC source and SAVE files")
    sampling.add_argument("--burn", type=_at_least(0), metavar="N", help="burn-in iterations of each chain")
    sampling.add_argument("--iter", type=_at_least(1), metavar="N", help="iterations after burn-in, over all chains")
    sampling.add_argument("--chains", type=_at_least(1), metavar="N", help="number of chains")
    sampling.add_argument("--seed", type=_at_least(0), metavar="N", help="seed of the random numbers")
    sampling.add_argument("--cores", type=_at_least(1), metavar="N", help="chains that run at the same time")
    sampling.add_argument("--no-align", action="store_true", help="leave the signs of latent variables as drawn")
    sampling.add_argument("--json", action="store_true", help="estimates and notes as JSON in place of the tables")
    sampling.add_argument("--quiet", action="store_true", help="no progress bar and no notes on stderr")
    writing = add_model("translate", translate, "write the model as one standalone PyMC file")
    writing.add_argument("-o", "--output", metavar="FILE", default="-", help="file to write (default: stdout)")
    flavour = writing.add_mutually_exclusive_group()
    flavour.add_argument("--augmented", action="store_true", help="write all latent responses explicitly")
    flavour.add_argument("--marginal", action="store_true", help="integrate latent variables and missing cells out")
    telling = add_model("explain", explain, "say what the script's model is, its priors, and how it is sampled")
    telling.add_argument("--latex", action="store_true", help="only the density and the equations, as LaTeX")
    drawing = add_model("diagram", diagram, "draw the model as a path diagram (SVG)")
    drawing.add_argument("-o", "--output", metavar="FILE", default="-", help="file to write (default: stdout)")
    drawing.add_argument("--estimates", metavar="FILE", help="estimates.csv of a run, or the folder --out left it in")
    drawing.add_argument("--intervals", action="store_true", help="95 %% intervals below the estimates")
    drawing.add_argument("--intercepts", action="store_true", help="intercepts too, as triangles")
    drawing.add_argument(
        "--no-predictors", action="store_true", help="no relations among predictors without an equation"
    )
    checking = add_model("check", check, "list every mistake and warning of a script")
    checking.add_argument("--json", action="store_true", help="as JSON, one object per finding")
    layout = add("format", format_script, "write the script in canonical layout, comments kept")
    either = layout.add_mutually_exclusive_group()
    either.add_argument("-o", "--output", metavar="FILE", default="-", help="file to write (default: stdout)")
    either.add_argument("--check", action="store_true", help="write nothing; status 1 when the layout differs")
    add_model("verify", verify, "compare what the sampler draws from with the PyMC model's log density")
    return parser


def _at_least(lowest: int) -> Callable[[str], int]:
    def whole_number(text: str) -> int:
        import argparse

        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < lowest:
            raise argparse.ArgumentTypeError(f"{text} is less than {lowest}")
        return value

    return whole_number


if __name__ == "__main__":
    sys.exit(main())
