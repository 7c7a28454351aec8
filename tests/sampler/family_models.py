"""Small models with outcomes that are not normal, or whose residual variance has predictors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from sampler import small_models
from sampler.small_models import ONE, holes

from blimp2pymc.joint_model.ir import (
    FLAT,
    Column,
    Expression,
    Form,
    JointBlock,
    Kind,
    Model,
    Parameter,
    ParameterKind,
    Prior,
    Term,
)

WEAK = Prior("normal", (0.0, 5.0))


def with_family(
    model: Model, outcome: str, family: str, codes: Sequence[float] = (1.0,), categories: Sequence[float] = ()
) -> Model:
    """Make the equations of an outcome, one for each code, equations of a family; by default with observed codes."""
    parameters = dict(model.parameters)
    equations, waiting = [], list(codes)
    for each in model.equations:
        if each.name != outcome:
            equations.append(each)
            continue
        parameters.pop(each.residual_variance, None)
        for term in each.terms:
            if parameters[term.coefficient].prior == FLAT:
                parameters[term.coefficient] = replace(parameters[term.coefficient], prior=WEAK)
        if family == "logit":
            column = Column(outcome, Form.DUMMY, waiting.pop(0))
            equations.append(replace(each, outcome=column, family=family, residual_variance=None))
        else:
            name = f"{outcome} dispersion"
            parameters[name] = Parameter(name, ParameterKind.DISPERSION, replace(FLAT, lower=0.0))
            equations.append(replace(each, family=family, residual_variance=None, dispersion=name))
    values = model.data[outcome]
    observed = tuple(float(each) for each in np.unique(values[~np.isnan(values)]))
    kind = Kind.NOMINAL if family == "logit" else Kind.COUNT
    categories = tuple(categories or observed) if family == "logit" else ()
    variables = {
        **model.variables,
        outcome: replace(model.variables[outcome], kind=kind, categories=categories),
    }
    return replace(model, parameters=parameters, equations=tuple(equations), variables=variables)


def with_variance(model: Model, outcome: str, terms: Sequence[tuple[str, Expression]], fixed=()) -> Model:
    """Give the residual variance of an outcome a log-linear predictor."""
    parameters = dict(model.parameters)
    equations = []
    for each in model.equations:
        if each.name == outcome:
            parameters.pop(each.residual_variance, None)
            made = tuple(Term(name, name, expression) for name, expression in terms)
            equations.append(replace(each, residual_variance=None, variance_terms=made))
            parameters |= {name: Parameter(name, ParameterKind.SLOPE, FLAT) for name, _ in terms}
        else:
            equations.append(each)
    for name, value in fixed:
        parameters[name] = replace(parameters[name], fixed=value, prior=Prior("none"))
    return replace(model, parameters=parameters, equations=tuple(equations))


def binary(n: int = 90, seed: int = 3, missing: bool = True) -> Model:
    """A binary outcome on incomplete x and w and their product; a normal outcome beside it."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n)
    x = 0.5 * w + rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(-(0.3 + 0.8 * x - 0.5 * w + 0.3 * x * w)))).astype(float)
    u = 0.3 * x + rng.normal(size=n)
    if missing:
        holes(rng, w, x, y, u)
    model = small_models.build(
        {"w": w, "x": x, "u": u, "y": y},
        [
            ("w", [("w0", ONE)]),
            ("x", [("x0", ONE), ("xw", Column("w"))]),
            ("u", [("u0", ONE), ("ux", Column("x"))]),
            ("y", [("y0", ONE), ("yx", Column("x")), ("yw", Column("w")),
                   ("yxw", small_models.times(Column("x"), Column("w")))]),
        ],
    )  # fmt: skip
    return with_family(model, "y", "logit")


def nominal(n: int = 120, seed: int = 4, missing: bool = True) -> Model:
    """Three groups with codes 1, 3, 4 on x and w, x incomplete."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n)
    x = 0.5 * w + rng.normal(size=n)
    eta = np.array([np.zeros(n), 0.3 + 0.8 * x, -0.2 - 0.6 * x + 0.5 * w])
    p = np.exp(eta) / np.exp(eta).sum(axis=0)
    y = np.array([1.0, 3.0, 4.0])[(rng.random(n) > p.cumsum(axis=0)).sum(axis=0)]
    if missing:
        holes(rng, x, y)
    model = small_models.build(
        {"w": w, "x": x, "y": y},
        [
            ("x", [("x0", ONE), ("xw", Column("w"))]),
            ("y", [("a0", ONE), ("ax", Column("x")), ("aw", Column("w"))]),
            ("y", [("b0", ONE), ("bx", Column("x")), ("bw", Column("w"))]),
        ],
    )
    return with_family(model, "y", "logit", (3.0, 4.0))


def counts(n: int = 120, seed: int = 5, missing: bool = True) -> Model:
    """A count on incomplete x and complete w."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n)
    x = 0.5 * w + rng.normal(size=n)
    mean = np.exp(1.0 + 0.4 * x - 0.2 * w)
    y = rng.poisson(mean * rng.gamma(2.0, 0.5, n)).astype(float)
    if missing:
        holes(rng, x, y)
    model = small_models.build(
        {"w": w, "x": x, "y": y},
        [("x", [("x0", ONE), ("xw", Column("w"))]), ("y", [("y0", ONE), ("yx", Column("x")), ("yw", Column("w"))])],
    )
    return with_family(model, "y", "negative_binomial")


def discrete_predictors(n: int = 90, seed: int = 7) -> Model:
    """A binary, a nominal and a count outcome, all incomplete, that predict a normal and a binary one."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    b = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(float)
    g = rng.choice([1.0, 2.0, 5.0], n)
    c = rng.negative_binomial(2, 2 / (2 + np.exp(0.5 + 0.4 * x))).astype(float)
    y = b + 0.5 * c + (g == 2) + 0.3 * x + rng.normal(size=n)
    u = (0.3 * c - 0.5 * b + rng.logistic(size=n) > 0).astype(float)
    holes(rng, x, b, g, c, y, u, share=0.25)
    return with_discrete_predictors({"x": x, "b": b, "g": g, "c": c, "y": y, "u": u})


def with_discrete_predictors(data: dict[str, np.ndarray], priors: Mapping[str, Prior] | None = None) -> Model:
    """The model of `discrete_predictors` for some data."""
    x, b, c = Column("x"), Column("b"), Column("c")
    second, third = (Column("g", Form.DUMMY, code) for code in (2.0, 5.0))
    model = small_models.build(
        data,
        [
            ("x", [("x0", ONE)]),
            ("b", [("b0", ONE), ("bx", x)]),
            ("g", [("g0", ONE), ("gb", b)]),
            ("g", [("h0", ONE), ("hb", b)]),
            ("c", [("c0", ONE), ("cx", x), ("c2", second)]),
            ("y", [("y0", ONE), ("yb", b), ("yc", c), ("y5", third), ("ybx", small_models.times(b, x)),
                   ("ycc", small_models.times(c, c))]),
            ("u", [("u0", ONE), ("uc", c), ("ubg", small_models.times(b, second))]),
        ],
        priors=dict(priors or {}),
    )  # fmt: skip
    model = with_family(model, "b", "logit", (1.0,), (0.0, 1.0))
    model = with_family(model, "g", "logit", (2.0, 5.0), (1.0, 2.0, 5.0))
    model = with_family(model, "c", "negative_binomial")
    return with_family(model, "u", "logit", (1.0,), (0.0, 1.0))


def variances(n: int = 150, seed: int = 6, missing: bool = True) -> Model:
    """The mean and the log variance of y on incomplete x; an outcome z that y predicts."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n)
    x = 0.5 * w + rng.normal(size=n)
    y = 1 + 0.5 * x + np.exp(0.5 * (0.2 + 0.6 * x)) * rng.normal(size=n)
    z = 0.4 * y + rng.normal(size=n)
    if missing:
        holes(rng, x, y, z)
    model = small_models.build(
        {"w": w, "x": x, "y": y, "z": z},
        [
            ("x", [("x0", ONE), ("xw", Column("w"))]),
            ("y", [("y0", ONE), ("yx", Column("x"))]),
            ("z", [("z0", ONE), ("zy", Column("y"))]),
        ],
    )
    return with_variance(model, "y", [("v0", ONE), ("vx", Column("x"))])


def correlated(n: int = 150, seed: int = 9, missing: bool = True) -> Model:
    """Correlated residuals of y, u and z, the log variances of y and u on incomplete x and on w; y predicts q."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n)
    x = 0.5 * w + rng.normal(size=n)
    errors = np.linalg.cholesky([[1.0, 0.5, -0.3], [0.5, 1.0, 0.2], [-0.3, 0.2, 1.0]]) @ rng.normal(size=(3, n))
    y = 1 + 0.5 * x + np.exp(0.5 * (0.2 + 0.6 * x)) * errors[0]
    u = np.exp(0.5 * (-0.5 + 0.5 * w)) * errors[1]
    z = 0.3 * x + 1.5 * errors[2]
    q = 0.4 * y + rng.normal(size=n)
    if missing:
        holes(rng, x, y, u, z, q)
    members = (Column("u"), Column("y"), Column("z"))
    correlation = Prior("uniform", (-1.0, 1.0))
    model = small_models.build(
        {"w": w, "x": x, "y": y, "u": u, "z": z, "q": q},
        [
            ("x", [("x0", ONE), ("xw", Column("w"))]),
            ("y", [("y0", ONE), ("yx", Column("x"))]),
            ("u", [("u0", ONE)]),
            ("z", [("z0", ONE), ("zx", Column("x"))]),
            ("q", [("q0", ONE), ("qy", Column("y"))]),
        ],
        priors={name: correlation for name in ("r uy", "r uz", "r yz")}
        | {"z residual variance": small_models.FLAT_VARIANCE},
        blocks=(JointBlock(members, {(0, 1): "r uy", (0, 2): "r uz", (1, 2): "r yz"}, (0.0,) * 3, -4.0),),
    )
    model = with_variance(model, "y", [("v0", ONE), ("vx", Column("x"))])
    return with_variance(model, "u", [("s0", ONE), ("sw", Column("w"))])
