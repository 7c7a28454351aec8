"""Small resolved models, built by hand, for unit tests of the stages behind the resolver."""

from __future__ import annotations

import numpy as np

from blimp2pymc.joint_model.ir import (
    FLAT,
    Apply,
    Column,
    Constant,
    Equation,
    Frame,
    JointBlock,
    Kind,
    Model,
    ModeratorGrid,
    ModeratorValues,
    Origin,
    Parameter,
    ParameterKind,
    ParameterReference,
    PrintedEquation,
    Prior,
    Quantity,
    Role,
    Settings,
    SimpleEffect,
    Term,
    Variable,
    WaldTest,
)

PREDICTOR_VARIANCE = Prior("inverse_gamma", (1.0, 0.5))
OUTCOME_VARIANCE = Prior("inverse_gamma", (-1.0, 0.0))


def _parameter(name: str, kind: ParameterKind, prior: Prior = FLAT, label: str = "") -> Parameter:
    return Parameter(name, kind, prior, label=label)


def _variable(name: str, values: np.ndarray, kind: Kind = Kind.CONTINUOUS) -> Variable:
    codes = tuple(np.unique(values[~np.isnan(values)])) if kind is not Kind.CONTINUOUS else ()
    return Variable(name, kind, Origin.DATA, categories=codes, n_missing=int(np.isnan(values).sum()))


def interaction(n: int = 120, seed: int = 1, missing: float = 0.15) -> Model:
    """CENTER: x1 x2; FIXED: d; MODEL: y ~ x1@b1 x2 d x1*x2; x1, x2 and y are incomplete.

    Also PARAMETERS: twice = 2*b1; SIMPLE: x1 | x2; WALDTEST: b1 = 0.
    """
    rng = np.random.default_rng(seed)
    d = rng.binomial(1, 0.4, n).astype(float)
    x1 = 5 + 0.5 * d + rng.normal(size=n)
    x2 = 2 + 0.4 * (x1 - 5) + rng.normal(size=n)
    y = 1 + 0.5 * x1 + 0.3 * x2 - 0.4 * d + 0.3 * (x1 - 5) * (x2 - 2) + rng.normal(size=n)
    for column in (x1, x2, y):
        column[rng.random(n) < missing] = np.nan
    data = {"y": y, "x1": x1, "x2": x2, "d": d}
    parameters = [
        _parameter("y ~ Intercept", ParameterKind.INTERCEPT),
        _parameter("b1", ParameterKind.SLOPE, label="b1"),
        _parameter("y ~ x2", ParameterKind.SLOPE),
        _parameter("y ~ d", ParameterKind.SLOPE),
        _parameter("y ~ x1*x2", ParameterKind.SLOPE),
        _parameter("y residual variance", ParameterKind.RESIDUAL_VARIANCE, OUTCOME_VARIANCE),
        _parameter("x1 mean", ParameterKind.MEAN),
        _parameter("x1 ~ d", ParameterKind.SLOPE),
        _parameter("x1 residual variance", ParameterKind.RESIDUAL_VARIANCE, Prior("block")),
        _parameter("x2 mean", ParameterKind.MEAN),
        _parameter("x2 ~ d", ParameterKind.SLOPE),
        _parameter("x2 residual variance", ParameterKind.RESIDUAL_VARIANCE, Prior("block")),
        _parameter("x1 ~~ x2", ParameterKind.CORRELATION, Prior("block")),
    ]
    x1c = Apply("-", (Column("x1"), ParameterReference("x1 mean")))
    x2c = Apply("-", (Column("x2"), ParameterReference("x2 mean")))
    dc = Apply("-", (Column("d"), Constant(float(d.mean()))))
    one = Constant(1.0)
    equations = (
        Equation(Column("x1"), "normal", (Term("Intercept", "x1 mean", one), Term("d", "x1 ~ d", dc)),
                 "x1 residual variance", role=Role.PREDICTOR, order=1),
        Equation(Column("x2"), "normal", (Term("Intercept", "x2 mean", one), Term("d", "x2 ~ d", dc)),
                 "x2 residual variance", role=Role.PREDICTOR, order=2),
        Equation(Column("y"), "normal", (
            Term("Intercept", "y ~ Intercept", one),
            Term("x1", "b1", x1c),
            Term("x2", "y ~ x2", x2c),
            Term("d", "y ~ d", Column("d")),
            Term("x1*x2", "y ~ x1*x2", Apply("*", (x1c, x2c))),
        ), "y residual variance", block="focal", order=0),
    )  # fmt: skip
    block = JointBlock((Column("x1"), Column("x2")), {(0, 1): "x1 ~~ x2"}, (1.0, 1.0), 1.0, role=Role.PREDICTOR)
    return Model(
        frame=Frame(np.arange(n)),
        variables={name: _variable(name, values, Kind.ORDINAL if name == "d" else Kind.CONTINUOUS)
                   for name, values in data.items()},
        data=data,
        parameters={each.name: each for each in parameters},
        equations=equations,
        blocks=(block,),
        quantities=(Quantity("twice", Apply("*", (Constant(2.0), ParameterReference("b1")))),),
        simple_effects=(SimpleEffect(Column("x1"), "x1", (
            ModeratorValues(Column("x2"), "x2", ModeratorGrid.STANDARD_DEVIATIONS, centered=True),)),),
        wald_tests=(WaldTest("b1 = 0", (ParameterReference("b1"),)),),
        settings=Settings(seed=1, burn=500, iterations=4000, chains=2),
        printed=(PrintedEquation("focal", "y ~ Intercept x1 x2 d x1*x2"),),
        fixed_predictors=("d",),
        centered={Column("x1"): ParameterReference("x1 mean"), Column("x2"): ParameterReference("x2 mean")},
    )  # fmt: skip


def correlated_mediators(n: int = 150, seed: int = 2, missing: float = 0.1) -> Model:
    """MODEL: m1 ~ x@a1; m2 ~ x@a2; m1 ~~ m2@r; y ~ x m1@b m2@b; with missing cells in all but x.

    The label `b` on two slopes is an equality. x is complete and uncentered, hence fixed.
    PARAMETERS: indirect = a1*b.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    shared = rng.normal(size=n)
    m1 = 0.5 * x + 0.6 * shared + rng.normal(size=n)
    m2 = 0.3 * x + 0.6 * shared + rng.normal(size=n)
    y = 0.2 * x + 0.4 * m1 + 0.4 * m2 + rng.normal(size=n)
    for column in (m1, m2, y):
        column[rng.random(n) < missing] = np.nan
    data = {"x": x, "m1": m1, "m2": m2, "y": y}
    names = [
        ("m1 ~ Intercept", ParameterKind.INTERCEPT, FLAT, ""),
        ("a1", ParameterKind.SLOPE, FLAT, "a1"),
        ("m1 residual variance", ParameterKind.RESIDUAL_VARIANCE, Prior("block"), ""),
        ("m2 ~ Intercept", ParameterKind.INTERCEPT, FLAT, ""),
        ("a2", ParameterKind.SLOPE, FLAT, "a2"),
        ("m2 residual variance", ParameterKind.RESIDUAL_VARIANCE, Prior("block"), ""),
        ("y ~ Intercept", ParameterKind.INTERCEPT, FLAT, ""),
        ("y ~ x", ParameterKind.SLOPE, FLAT, ""),
        ("b", ParameterKind.SLOPE, FLAT, "b"),
        ("y residual variance", ParameterKind.RESIDUAL_VARIANCE, OUTCOME_VARIANCE, ""),
        ("r", ParameterKind.CORRELATION, Prior("block"), "r"),
    ]
    parameters = {name: _parameter(name, kind, prior, label) for name, kind, prior, label in names}
    one = Constant(1.0)

    def equation(outcome: str, terms: list[tuple[str, str]], order: int) -> Equation:
        first = Term("Intercept", f"{outcome} ~ Intercept", one)
        rest = tuple(Term(column, coefficient, Column(column)) for column, coefficient in terms)
        return Equation(Column(outcome), "normal", (first, *rest), f"{outcome} residual variance", order=order)

    return Model(
        frame=Frame(np.arange(n)),
        variables={name: _variable(name, values) for name, values in data.items()},
        data=data,
        parameters=parameters,
        equations=(
            equation("m1", [("x", "a1")], 0),
            equation("m2", [("x", "a2")], 1),
            equation("y", [("x", "y ~ x"), ("m1", "b"), ("m2", "b")], 2),
        ),
        blocks=(JointBlock((Column("m1"), Column("m2")), {(0, 1): "r"}, (0.0, 0.0), -3.0, order=3),),
        quantities=(Quantity("indirect", Apply("*", (ParameterReference("a1"), ParameterReference("b")))),),
        simple_effects=(),
        wald_tests=(),
        settings=Settings(seed=2, burn=500, iterations=4000, chains=2),
        printed=tuple(
            PrintedEquation("", line)
            for line in ("m1 ~ Intercept x", "m2 ~ Intercept x", "y ~ Intercept x m1 m2", "m1 m2 <-> m1 m2")
        ),
        fixed_predictors=("x",),
    )
