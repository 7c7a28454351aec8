"""Building executes exactly the emitted text, and nothing a script holds is executed with it."""

from __future__ import annotations

import ast
import linecache
import traceback
from dataclasses import replace

import hand_built
import numpy as np
import pandas as pd
import pytest
from pymc_source import cases

from blimp2pymc.errors import BlimpError, Source, Span
from blimp2pymc.joint_model.ir import (
    FLAT,
    Column,
    Constant,
    Equation,
    Frame,
    Kind,
    Model,
    Origin,
    Parameter,
    ParameterKind,
    ParameterReference,
    Quantity,
    Settings,
    Term,
    Variable,
)
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.build import build, execute
from blimp2pymc.pymc_source.emit import translate
from blimp2pymc.pymc_source.names import python_names
from blimp2pymc.pymc_source.transformed_outcomes import INVERSE, LOG_DENSITY, YEO_JOHNSON
from blimp2pymc.pymc_source.wrangling import data_frame

HOSTILE = [
    'x"]; import os; os.system("echo") #',
    "'''\nimport os\n'''",
    "\\",
    '\\"',
    "a\u2028import os",
    "\u202ex",
    "{y}",
    "__import__('os')",
    "pm",
    "%s",
    "x\r\nimport os",
]
"""Texts that would do harm, or break the file, if they came into the source unescaped."""

CALLS = {
    "globals", "print", "pd.read_csv", "pd.DataFrame", "np.isnan", "np.log", "np.nanmean", "np.nanvar", "np.mean",
    "np.var", "np.sqrt", "np.eye", "np.zeros", "np.tril_indices", "np.array", "az.summary", "pm.Model", "pm.sample",
    "pm.Flat", "pm.HalfFlat", "pm.Uniform", "pm.Normal", "pm.TruncatedNormal", "pm.InverseGamma", "pm.Gamma",
    "pm.Beta", "pm.Cauchy", "pm.HalfCauchy", "pm.Truncated", "pm.Beta.dist", "pm.Gamma.dist", "pm.Cauchy.dist",
    "pm.LKJCorr", "pm.Potential",
    "pm.Deterministic", "pm.math.invprobit", "pt.sqrt", "pt.log", "pt.exp", "pt.sum", "pt.mean", "pt.var", "pt.eq",
    "pt.gt", "pt.lt", "pt.and_", "pt.switch", "pt.stack", "pt.diagonal", "pt.as_tensor", "pt.set_subtensor",
    "np.exp", "np.nan_to_num", "np.cumsum", "pm.CustomDist", "pm.logp", "pm.Normal.dist", "pt.ge", "yeo_johnson",
    "len", "map", "fillna", "isna", "astype", "np.where", "np.arange", "np.diag", "np.polynomial.hermite_e.hermegauss",
    "pm.Bernoulli", "pm.Categorical", "pm.OrderedProbit", "pm.NegativeBinomial", "pm.HalfNormal", "pm.math.probit",
    "enumerate", "all", "any", "set", "np.flatnonzero", "np.unique", "pm.MvNormal", "pt.linalg.inv",
    "pt.concatenate", "pt.where", "pt.sort", "pt.zeros", "pt.prod", "pt.take_along_axis",
    "inverse_yeo_johnson", "pt.linalg.cholesky", "pt.linalg.solve_triangular", "to_numpy", "mean",
}  # fmt: skip
"""Every call the emitted source of these models may hold; methods by their last name."""

IMPORTS = {"numpy", "pandas", "pymc", "pytensor.tensor", "arviz"}


def hostile_model(text: str) -> Model:
    """y ~ x with the text as name of everything a name can be given to."""
    values = {text: np.array([1.0, np.nan, 2.0, 0.5]), "y": np.array([1.0, 2.0, np.nan, 3.0])}
    span = Span(Source(text, f"{text} ~ x # {text}\n{text}"), 0, 2 * len(text) + 8)
    one = Constant(1.0)
    names = {
        "x mean": (ParameterKind.MEAN, ""),
        "x variance": (ParameterKind.RESIDUAL_VARIANCE, text + "v"),
        "y mean": (ParameterKind.INTERCEPT, ""),
        "slope": (ParameterKind.SLOPE, text),
        "other slope": (ParameterKind.SLOPE, ""),
        "y variance": (ParameterKind.RESIDUAL_VARIANCE, ""),
    }
    x = Column(text)
    return Model(
        frame=Frame(np.arange(4)),
        variables={name: Variable(name, Kind.CONTINUOUS, Origin.DATA, n_missing=1) for name in values},
        data=values,
        parameters={name: Parameter(name, kind, FLAT, label=label, span=span) for name, (kind, label) in names.items()},
        equations=(
            Equation(x, "normal", (Term("Intercept", "x mean", one),), "x variance", span=span, block=text),
            Equation(
                Column("y"),
                "normal",
                (Term("Intercept", "y mean", one), Term(text, "slope", x), Term(text, "other slope", x)),
                "y variance",
                span=span,
                block=text + "\nimport os",
            ),
        ),
        blocks=(),
        quantities=(Quantity(text + "q", ParameterReference("slope"), span),),
        simple_effects=(),
        wald_tests=(),
        settings=Settings(),
        defined={text + "d": x},
    )


def called(node: ast.expr) -> str:
    """Dotted name of what a call calls; of a method, its last part."""
    if isinstance(node, ast.Attribute):
        inner = called(node.value) if isinstance(node.value, (ast.Name, ast.Attribute)) else ""
        return f"{inner}.{node.attr}" if inner.split(".")[0] in ("pm", "pt", "np", "pd", "az") else node.attr
    assert isinstance(node, ast.Name)
    return node.id


def assert_harmless(text: str) -> None:
    """Only known calls, known imports, no private attributes, no functions but those we always write alike."""
    for definition in (YEO_JOHNSON, INVERSE, LOG_DENSITY):
        text = text.replace(definition, "")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            assert called(node.func) in CALLS, ast.unparse(node)
        elif isinstance(node, ast.Import):
            assert {each.name for each in node.names} <= IMPORTS
        elif isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_")
        elif isinstance(node, ast.Name):
            assert not node.id.startswith("__") or node.id == "__name__"
        assert not isinstance(node, (ast.ImportFrom, ast.Lambda, ast.FunctionDef, ast.ClassDef, ast.Delete))


@pytest.mark.parametrize("name", cases.NAMES)
def test_source_holds_only_known_calls(name: str) -> None:
    assert_harmless(translate(cases.case(name)))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text: str) -> None:
    model = hostile_model(text)
    source = translate(model, data_file=text)
    assert_harmless(source)
    assert all(line.isprintable() for line in source.split("\n"))
    graph = build(model)
    assert [python_names(model).missing[text] in graph.named_vars]
    assert "import os" not in [line.strip() for line in source.splitlines()]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_labels_of_categories_stay_texts(text: str) -> None:
    table = cases.simulated_categories()[["y", "w"]].copy()
    labels = pd.Categorical(np.array([text, "b", "c"])[np.arange(len(table)) % 3], [text, "b", "c"])
    table[text], table["g"] = np.arange(len(table)) % 4 + 1.0, labels
    model = resolve("ORDINAL: y_; NOMINAL: g; MODEL: y_ ~ w; g ~ w; y ~ g;", table.rename(columns={text: "y_"}))
    variables = {text if name == "y_" else name: each for name, each in model.variables.items()}
    data = {text if name == "y_" else name: values for name, values in model.data.items()}
    renamed = tuple(
        replace(each, outcome=Column(text)) if each.outcome == Column("y_") else each for each in model.equations
    )
    variables[text] = replace(variables[text], name=text)
    for augmented in (False, True):
        changed = replace(model, variables=variables, data=data, equations=renamed)
        source = translate(changed, data_file=text, augmented=augmented)
        assert_harmless(source)
        assert all(line.isprintable() for line in source.split("\n"))
        assert "import os" not in [line.strip() for line in source.splitlines()]


def test_what_is_executed_is_what_translate_writes() -> None:
    model = hand_built.interaction()
    build(model)
    texts = {"".join(lines) for key, (_, _, lines, _) in _cached().items() if key.startswith("<blimp2pymc")}
    assert translate(model) in texts


def test_tracebacks_show_the_line() -> None:
    model = hand_built.interaction()
    source = translate(model).replace("pm.HalfFlat(", "pm.NoSuchThing(", 1)
    with pytest.raises(AttributeError) as caught:
        execute(source, data_frame(model))
    assert "pm.NoSuchThing(" in "".join(traceback.format_tb(caught.tb))


def test_what_cannot_be_written_is_refused_by_name() -> None:
    model = hand_built.interaction()
    equations = tuple(
        Equation(each.outcome, "negative binomial", each.terms, each.residual_variance) for each in model.equations
    )
    changed = Model(**{**_fields(model), "equations": equations})
    with pytest.raises(BlimpError) as caught:
        translate(changed)
    assert len(caught.value.findings) == 3
    assert "a negative binomial outcome such as 'x1'" in caught.value.findings[0].message


def _cached() -> dict:
    return {key: entry for key, entry in linecache.cache.items() if len(entry) == 4}


def _fields(model: Model) -> dict:
    return {name: getattr(model, name) for name in model.__dataclass_fields__}
