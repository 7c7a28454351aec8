"""One equation of every family on two complete predictors, put together by hand."""

from __future__ import annotations

import numpy as np

from blimp2pymc.errors import Source, Span
from blimp2pymc.joint_model.ir import (
    FLAT,
    NO_PRIOR,
    Column,
    Constant,
    Equation,
    Expression,
    Form,
    Frame,
    Kind,
    Model,
    Origin,
    Parameter,
    ParameterKind,
    Prior,
    Settings,
    Term,
    Variable,
)

WEAK = Prior("normal", (0.0, 5.0))
KINDS = {"normal": Kind.CONTINUOUS, "probit": Kind.ORDINAL, "logit": Kind.ORDINAL, "multinomial": Kind.NOMINAL,
         "negative_binomial": Kind.COUNT}  # fmt: skip
CODES = {"probit": (1.0, 2.0, 5.0), "logit": (0.0, 1.0), "multinomial": (1.0, 2.0, 4.0)}


def one_outcome(family: str, n: int = 40, written_as: str = "y") -> Model:
    """MODEL: y ~ x g; with y of the family (`multinomial`: a logit equation for each code but 1); g is 0 or 1."""
    rng = np.random.default_rng(5)
    x, g = rng.normal(size=n), np.arange(n) % 2.0
    codes = CODES.get(family, ())
    y = (
        rng.choice(codes, n)
        if codes
        else (rng.poisson(2.0, n) if family == "negative_binomial" else rng.normal(size=n))
    )
    y = np.asarray(y, float)
    y[3] = np.nan
    source = Source("<model>", f"MODEL: {written_as} ~ x g;")
    span = Span(source, 7, 7 + len(written_as))
    parameters: dict[str, Parameter] = {}
    columns = [Column("y", Form.DUMMY, code) for code in codes[1:]] if family == "multinomial" else [Column("y")]
    equations = []
    for order, outcome in enumerate(columns):
        label = "y" if outcome.category is None else f"y.{outcome.category:g}"
        terms = []
        predictors: dict[str, Expression] = {"Intercept": Constant(1.0), "x": Column("x"), "g": Column("g")}
        for name, expression in predictors.items():
            kind = ParameterKind.INTERCEPT if name == "Intercept" else ParameterKind.SLOPE
            parameters[f"{label} ~ {name}"] = Parameter(f"{label} ~ {name}", kind, WEAK)
            terms.append(Term(name, f"{label} ~ {name}", expression))
        variance, dispersion, thresholds = None, None, ()
        if family in ("normal", "probit"):
            variance = f"{label} residual variance"
            fixed = 1.0 if family == "probit" else None
            prior = FLAT if fixed is None else NO_PRIOR
            parameters[variance] = Parameter(variance, ParameterKind.RESIDUAL_VARIANCE, prior, fixed)
        if family == "probit":
            thresholds = tuple(f"y threshold {k}" for k in range(1, len(codes)))
            for k, name in enumerate(thresholds):
                parameters[name] = Parameter(name, ParameterKind.THRESHOLD, FLAT, None if k else 0.0)
        if family == "negative_binomial":
            dispersion = "y dispersion"
            parameters[dispersion] = Parameter(dispersion, ParameterKind.DISPERSION, FLAT)
        equations.append(
            Equation(
                outcome, "logit" if family == "multinomial" else family, tuple(terms), variance, order=order,
                thresholds=thresholds, dispersion=dispersion, span=span,
            )
        )  # fmt: skip
    kind = KINDS[family]
    return Model(
        frame=Frame(np.arange(n)),
        variables={
            "y": Variable("y", kind, Origin.DATA, categories=codes, n_missing=1,
                          reference=codes[0] if kind is Kind.NOMINAL else None),
            "x": Variable("x", Kind.CONTINUOUS, Origin.DATA),
            "g": Variable("g", Kind.ORDINAL, Origin.DATA, categories=(0.0, 1.0)),
        },
        data={"y": y, "x": x, "g": g},
        parameters=parameters,
        equations=tuple(equations),
        blocks=(),
        quantities=(),
        simple_effects=(),
        wald_tests=(),
        settings=Settings(),
        fixed_predictors=("x", "g"),
    )  # fmt: skip
