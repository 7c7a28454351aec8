"""Models put together by hand for path diagrams: equations as in a script, without data to speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from blimp2pymc.joint_model.ir import (
    FLAT,
    Apply,
    Column,
    Constant,
    Equation,
    Expression,
    Frame,
    JointBlock,
    Kind,
    Model,
    Origin,
    Parameter,
    ParameterKind,
    ParameterReference,
    Prior,
    Settings,
    Term,
    Variable,
)

ONE = Constant(1.0)
BLOCK = Prior("block")


def drawn_model(
    equations: Mapping[str, Sequence[str]],
    *,
    latent: Sequence[str] = (),
    loadings: Mapping[str, Sequence[str]] | None = None,
    covariances: Sequence[tuple[str, str]] = (),
    defined: Mapping[str, Expression] | None = None,
) -> Model:
    """A model with outcome -> predictors (`x`, `x*m`, a defined variable, `x@1` or `x@label`) and factor -> indicators.

    Covariances are pairs of outcomes. Variables that own no equation are fixed.
    """
    defined = dict(defined or {})
    parameters: dict[str, Parameter] = {}
    rows: dict[str, list[Term]] = {}

    def add(outcome: str, text: str, kind: ParameterKind) -> None:
        name, _, stated = text.partition("@")
        value = float(stated) if stated.replace(".", "").isdigit() else None
        parameter = stated if stated and value is None else f"{outcome} ~ {name}"
        label = stated if value is None else ""
        parameters.setdefault(parameter, Parameter(parameter, kind, FLAT, value, label=label))
        expression: Expression = ONE
        for place, each in enumerate(name.split("*")):
            factor = defined.get(each, Column(each))
            expression = factor if place == 0 else Apply("*", (expression, factor))
        rows[outcome].append(Term(name, parameter, expression))

    outcomes = [*equations, *(item for items in (loadings or {}).values() for item in items)]
    outcomes += [name for pair in covariances for name in pair] + list(latent)
    for outcome in dict.fromkeys(name.partition("@")[0] for name in outcomes):
        intercept = f"{outcome} ~ Intercept"
        parameters[intercept] = Parameter(intercept, ParameterKind.INTERCEPT, FLAT, 0.0 if outcome in latent else None)
        rows[outcome] = [Term("Intercept", intercept, ONE)]
    for factor, items in (loadings or {}).items():
        for item in items:
            outcome, _, stated = item.partition("@")
            add(outcome, f"{factor}@{stated}" if stated else factor, ParameterKind.LOADING)
    for outcome, predictors in equations.items():
        for each in predictors:
            add(outcome, each, ParameterKind.SLOPE)
    for outcome in rows:
        name = f"{outcome} residual variance"
        parameters[name] = Parameter(name, ParameterKind.RESIDUAL_VARIANCE, FLAT)
    blocks = []
    for a, b in covariances:
        parameters[f"{a} ~~ {b}"] = Parameter(f"{a} ~~ {b}", ParameterKind.CORRELATION, BLOCK)
        blocks.append(JointBlock((Column(a), Column(b)), {(0, 1): f"{a} ~~ {b}"}, (0.0, 0.0), -3.0, order=len(rows)))
    names = list(rows)
    for terms in rows.values():
        for term in terms:
            names += [name for name in _columns(term.expression) if name not in names]
    data = {name: np.zeros(4) for name in names if name not in latent}
    return Model(
        frame=Frame(np.arange(4)),
        variables={
            name: Variable(name, Kind.CONTINUOUS, Origin.LATENT if name in latent else Origin.DATA) for name in names
        },
        data=data,
        parameters=parameters,
        equations=tuple(
            Equation(Column(name), "normal", tuple(terms), f"{name} residual variance", order=order)
            for order, (name, terms) in enumerate(rows.items())
        ),
        blocks=tuple(blocks),
        quantities=(),
        simple_effects=(),
        wald_tests=(),
        settings=Settings(),
        fixed_predictors=tuple(name for name in names if name not in rows),
        defined=defined,
    )


def deviation(outcome: str, intercept: str, factor: str) -> Expression:
    """`outcome - (intercept + factor)`."""
    return Apply("-", (Column(outcome), Apply("+", (ParameterReference(intercept), Column(factor)))))


def _columns(expression: Expression) -> list[str]:
    match expression:
        case Column(variable):
            return [variable]
        case Apply(_, arguments):
            return [name for each in arguments for name in _columns(each)]
    return []


def _items(name: str, count: int) -> list[str]:
    return [f"{name}1@1", *(f"{name}{k}" for k in range(2, count + 1))]


def gallery() -> dict[str, Model]:
    """Models whose diagrams have to be readable."""
    waves = range(1, 6)
    deviations = {f"r{v}{t}": deviation(f"{v}{t}", f"c{v}{t}", f"eta{v}") for v in "xy" for t in range(1, 5)}
    panel = {f"{v}{t}": [f"eta{v}@1", *((f"rx{t - 1}", f"ry{t - 1}") if t > 1 else ())] for t in waves for v in "xy"}
    growth = {f"{v}.{t + 1}": [f"I_{v}@1", f"S_{v}@{t}"] for v in "my" for t in range(4)}
    products = ["X", "I_m", "S_m", "X*I_m", "X*S_m", "I_m*S_m", "X*I_m*S_m"]
    return {
        "interaction": drawn_model({"y": ["x1", "x2", "x1*x2"]}),
        "quadratic": drawn_model({"y": ["x", "x*x", "m", "x*x*m"]}),
        "mediation": drawn_model({"m": ["x@a"], "y": ["x", "m@b"]}),
        "parallel mediation": drawn_model(
            {"m1": ["x@a1"], "m2": ["x@a2"], "m3": ["x@a3"], "y": ["x", "m1@b1", "m2@b2", "m3@b3"]},
            covariances=[("m1", "m2"), ("m1", "m3"), ("m2", "m3")],
        ),
        "two factors": drawn_model(
            {}, latent=["eta_x", "eta_y"], loadings={"eta_x": _items("x", 4), "eta_y": _items("y", 4)},
            covariances=[("eta_x", "eta_y"), ("x3", "x4")],
        ),
        "three factors": drawn_model(
            {}, latent=["visual", "textual", "speed"],
            loadings={"visual": _items("v", 3), "textual": _items("t", 3), "speed": _items("s", 3)},
            covariances=[("visual", "textual"), ("visual", "speed"), ("textual", "speed")],
        ),
        "second order": drawn_model(
            {"f1": ["g@1"], "f2": ["g"], "f3": ["g"]}, latent=["g", "f1", "f2", "f3"],
            loadings={"f1": _items("a", 3), "f2": _items("b", 3), "f3": _items("c", 3)},
        ),
        "latent mediation": drawn_model(
            {"eta_m": ["eta_x@a"], "eta_y": ["eta_x", "eta_m@b", "eta_x*eta_m@c"]},
            latent=["eta_x", "eta_m", "eta_y"],
            loadings={f"eta_{v}": _items(v, 4) for v in "xmy"},
        ),
        "parallel growth": drawn_model(
            {"I_y": products, "S_y": products, **growth}, latent=["I_m", "S_m", "I_y", "S_y"],
            covariances=[("I_m", "S_m"), ("I_y", "S_y")],
        ),
        "panel": drawn_model(
            panel, latent=["etax", "etay"], defined=deviations,
            covariances=[("etax", "etay"), *((f"x{t}", f"y{t}") for t in waves)],
        ),
    }  # fmt: skip
