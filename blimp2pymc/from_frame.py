"""`model`: a model for people who start from a DataFrame and not from a script file.

The keywords become the commands of a script, which takes the same way as any other: parsed, then
resolved with the DataFrame as its data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from blimp2pymc.blimp.commands import COMMANDS
from blimp2pymc.blimp.expressions import NAME
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.errors import BlimpError, Finding, Source, error
from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.resolve import resolve

LISTED = re.compile(rf"{NAME}(:{NAME})?(\(\s*-?[0-9.]+\s*\))?")
"""A name in a list command: `x1`, `x1:x4`, `n(2)`."""

Names = str | Iterable[str]


def model(
    text: str,
    data: pd.DataFrame | Mapping[str, object],
    *,
    ordinal: Names = (),
    nominal: Names | Mapping[str, float | str] = (),
    count: Names = (),
    fixed: Names = (),
    center: Names = (),
    latent: Names = (),
    parameters: str | Mapping[str, str] | None = None,
    wald_tests: str | Iterable[str] = (),
    simple: str | Iterable[str] = (),
    seed: int | None = None,
    burn: int | None = None,
    iterations: int | None = None,
    chains: int | None = None,
    priors: str = "blimp",
) -> Model:
    """Make a model from MODEL statements and a DataFrame.

    Parameters
    ----------
    text
        Statements of MODEL, separated by semicolons; terms are separated by blanks: `y ~ x1 x2 x1*x2`.
        Further commands may follow, each under its name: `y ~ x; WALDTEST: b1 = 0;`.
    data
        Columns of numbers, booleans or categories.
    ordinal, nominal, count, fixed, center, latent
        Names for the commands of the same name: a list, or one string with blanks. `nominal` may map a name
        to its reference code, or to the label of a pandas category. `center` means the grand mean.
    parameters
        Statements of PARAMETERS, or a mapping from names to expressions.
    wald_tests
        Constraints, one joint test each: `["b1:b3 = 0", "b1 = b2"]`.
    simple
        Conditional effects: `["x1 | x2"]`.
    seed, burn, iterations, chains
        Settings of the run; `burn` is per chain, `iterations` the total over chains.
    priors
        `blimp` or `proper`.

    Raises
    ------
    BlimpError
        Whatever is wrong with the names, the statements or the data.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame(rng.normal(size=(50, 3)), columns=["y", "x1", "x2"])
    >>> made = model("y ~ x1 x2 x1*x2", frame, center=["x1", "x2"], seed=1)
    >>> [term.name for term in made.equation_of[made.equations[-1].outcome].terms]
    ['Intercept', 'x1', 'x2', 'x1*x2']
    """
    if not isinstance(text, str) or not text.strip():
        raise error("the model is a text of MODEL statements", None, 'model("y ~ x1 x2", data)', "no-model")
    written = script_text(
        text,
        _columns(data),
        names={"ORDINAL": ordinal, "NOMINAL": _references(nominal, data), "COUNT": count, "FIXED": fixed,
               "CENTER": center, "LATENT": latent},
        statements={"PARAMETERS": _definitions(parameters), "SIMPLE": _strings(simple)},
        tests=_strings(wald_tests),
        numbers={"SEED": seed, "BURN": burn, "ITERATIONS": iterations, "CHAINS": chains},
    )  # fmt: skip
    return resolve(Source("<model>", written), data, priors=priors)


def script_text(
    text: str,
    columns: tuple[str, ...],
    *,
    names: Mapping[str, Names | Mapping[str, float | str]],
    statements: Mapping[str, Iterable[str]],
    tests: Iterable[str],
    numbers: Mapping[str, int | None],
) -> str:
    """Write the script that the keywords of `model` stand for.

    Parameters
    ----------
    text
        Statements of MODEL.
    columns
        Columns of the data, for hints.
    names, statements, numbers
        Command -> its names, statements, or number; empty ones are left out.
    tests
        One WALDTEST each.

    Raises
    ------
    BlimpError
        A listed name that no script can hold.
    """
    findings: list[Finding] = []
    lines = []
    for command, listed in names.items():
        checked = list(_checked(command, listed, columns, findings))
        if checked:
            lines.append(f"{command}: {' '.join(checked)};")
    if findings:
        raise BlimpError(*findings)
    lines.append(text.strip() if _starts_with_command(text) else f"MODEL:\n{text.strip()}")
    lines[-1] += "" if lines[-1].endswith(";") else ";"
    for command, each in statements.items():
        body = "\n".join(f"  {one.strip().rstrip(';')};" for one in each)
        if body:
            lines.append(f"{command}:\n{body}")
    lines.extend(f"WALDTEST: {one.strip().rstrip(';')};" for one in tests)
    lines.extend(f"{command}: {number};" for command, number in numbers.items() if number is not None)
    return "\n".join(lines) + "\n"


def _references(nominal: Names | Mapping[str, float | str], data: object) -> Names | Mapping[str, float | str]:
    """NOMINAL with reference categories as codes: labels of pandas categories are looked up."""
    if not isinstance(nominal, Mapping):
        return nominal
    codes: dict[str, float | str] = {}
    findings: list[Finding] = []
    for name, reference in nominal.items():
        labels = _labels(data, name)
        if reference in labels:
            codes[name] = float(labels.index(reference))
        elif labels:
            findings.append(Finding(f"'{name}' has no category {reference!r} to serve as reference", None,
                                    ", ".join(str(each) for each in labels), "no-category"))  # fmt: skip
        else:
            codes[name] = reference
    if findings:
        raise BlimpError(*findings)
    return codes


def _labels(data: object, name: str) -> list[object]:
    """Labels of a pandas categorical in the order of their codes; empty where the values are the codes."""
    if not isinstance(data, pd.DataFrame | Mapping) or name not in data:
        return []
    dtype = getattr(data[name], "dtype", None)
    if not isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_numeric_dtype(dtype.categories.dtype):
        return []
    return list(dtype.categories)


def _columns(data: pd.DataFrame | Mapping[str, object]) -> tuple[str, ...]:
    if not isinstance(data, pd.DataFrame | Mapping):
        raise error(f"data must be a DataFrame, not {type(data).__name__}", None,
                    'blimp2pymc.fit("model.imp") for a script that names its own file', "no-data-frame")  # fmt: skip
    return tuple(str(each) for each in data)


def _checked(
    command: str, listed: Names | Mapping[str, float | str], columns: tuple[str, ...], findings: list[Finding]
) -> Iterable[str]:
    """Names that may stand in a script; the others become findings."""
    if isinstance(listed, Mapping):
        listed = [f"{name}({code})" for name, code in listed.items()]
    # A column called "age group" handed over as one string is one bad name, not two good ones.
    for each in listed.split() if isinstance(listed, str) and listed not in columns else _strings(listed):
        if LISTED.fullmatch(str(each)):
            yield str(each)
            continue
        near = nearest(str(each), columns)
        start = f"the column '{near}'" if near == str(each) else f"'{each}'"
        better = re.sub(r"\W+", "_", str(each)).strip("_") or "x"
        better = better if better[0].isalpha() else f"x{better}"
        findings.append(Finding(
            f"{start} in {command.lower()} is no name a script can hold: letters, digits, '_' and '.' only, and no "
            "digit first", None, f'data.rename(columns={{"{each}": "{better}"}})', "not-a-name",
        ))  # fmt: skip


def _strings(given: str | Iterable[str]) -> list[str]:
    if isinstance(given, str):
        return [given]
    if not isinstance(given, Iterable):
        raise error(f"{given!r} is neither a text nor a list of texts", None, '["x1", "x2"]', "not-a-list")
    return [str(each) for each in given]


def _definitions(parameters: str | Mapping[str, str] | None) -> list[str]:
    if not parameters:
        return []
    if isinstance(parameters, Mapping):
        return [f"{name} = {expression}" for name, expression in parameters.items()]
    return _strings(parameters)


def _starts_with_command(text: str) -> bool:
    names = {name for command, form in COMMANDS.items() for name in (command, *form.aliases)}
    header = re.match(r"\s*([A-Z]+)\s*:", text)
    return header is not None and header[1] in names
