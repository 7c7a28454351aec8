"""Small resolved models for the kernels that the models of `hand_built` do not reach."""

from __future__ import annotations

import numpy as np

from blimp2pymc.joint_model.ir import (
    FLAT,
    NO_PRIOR,
    Apply,
    Column,
    Constant,
    Equation,
    Expression,
    Form,
    Frame,
    JointBlock,
    Kind,
    Model,
    Origin,
    Parameter,
    ParameterKind,
    ParameterReference,
    Prior,
    Role,
    Settings,
    Term,
    Variable,
)

FLAT_VARIANCE = Prior("inverse_gamma", (-1.0, 0.0))
ONE = Constant(1.0)


def build(
    data: dict[str, np.ndarray],
    equations: list[tuple[str, list[tuple[str, Expression]]]],
    priors: dict[str, Prior] | None = None,
    fixed: dict[str, float] | None = None,
    definitions: dict[str, Expression] | None = None,
    blocks: tuple[JointBlock, ...] = (),
    roles: dict[int, Role] | None = None,
    variances: dict[int, str] | None = None,
    ordinal: dict[str, int] | None = None,
    nominal: dict[str, tuple[float, ...]] | None = None,
) -> Model:
    """Build a model; each equation is its outcome and (coefficient, expression) pairs, intercept included.

    `ordinal`: variables with codes 1, 2, ... and their number; as outcomes they have thresholds `y1`, `y2`, ...,
    the first of them fixed at 0. `nominal`: variables and their codes, the reference first; their outcomes are
    written `n.2`, the code behind the point.
    """
    ordinal, nominal = ordinal or {}, nominal or {}
    priors, definitions = priors or {}, definitions or {}
    fixed = dict(fixed or {})
    for name in ordinal:
        fixed |= {f"{name} residual variance": 1.0, f"{name}1": 0.0}
    for name, codes in nominal.items():
        dummies = tuple(Column(name, Form.DUMMY, code) for code in codes[1:])
        pairs = {(i, j): f"{name} correlation" for j in range(len(dummies)) for i in range(j)}
        blocks = (*blocks, JointBlock(dummies, pairs, (0.0,) * len(dummies), 0.0, role=Role.PREDICTOR))
        fixed |= {f"{name} correlation": 0.5}
        fixed |= {f"{name}.{code:g} residual variance": 1.0 for code in codes[1:]}
    names: dict[str, ParameterKind] = {}
    made = []
    for k, (outcome, terms) in enumerate(equations):
        variance = (variances or {}).get(k, f"{outcome} residual variance")
        for coefficient, _ in terms:
            names.setdefault(coefficient, ParameterKind.SLOPE)
        names.setdefault(variance, ParameterKind.RESIDUAL_VARIANCE)
        thresholds = tuple(f"{outcome}{place}" for place in range(1, ordinal.get(outcome, 1)))
        names |= dict.fromkeys(thresholds, ParameterKind.THRESHOLD)
        variable, _, code = outcome.partition(".")
        made.append(
            Equation(
                Column(variable, Form.DUMMY, float(code)) if code else Column(outcome),
                "probit" if outcome in ordinal else "multinomial_probit" if code else "normal",
                tuple(Term(coefficient, coefficient, expression) for coefficient, expression in terms),
                variance,
                thresholds=thresholds,
                role=(roles or {}).get(k, Role.PREDICTOR if code else Role.OUTCOME),
                order=k,
            )
        )
    for block in blocks:
        for name in block.correlations.values():
            names.setdefault(name, ParameterKind.CORRELATION)
    for name in {*priors, *definitions}:
        names.setdefault(name, ParameterKind.SLOPE)
    blocked = {
        made_equation.residual_variance
        for made_equation in made
        if any(made_equation.outcome in b.members for b in blocks)
    }
    blocked |= {name for block in blocks for name in block.correlations.values()}

    def prior(name: str, kind: ParameterKind) -> Prior:
        if name in fixed or name in definitions:
            return NO_PRIOR
        if name in priors:
            return priors[name]
        if name in blocked:
            return Prior("block")
        return FLAT_VARIANCE if kind is ParameterKind.RESIDUAL_VARIANCE else FLAT

    parameters = {
        name: Parameter(name, kind, prior(name, kind), fixed.get(name), definitions.get(name))
        for name, kind in names.items()
    }
    return Model(
        frame=Frame(np.arange(len(next(iter(data.values()))))),
        variables={
            name: Variable(
                name,
                Kind.ORDINAL if name in ordinal else Kind.NOMINAL if name in nominal else Kind.CONTINUOUS,
                Origin.DATA,
                categories=nominal.get(name, tuple(np.arange(1.0, ordinal.get(name, 0) + 1))),
                reference=nominal[name][0] if name in nominal else None,
                n_missing=int(np.isnan(values).sum()),
            )
            for name, values in data.items()
        },
        data=data,
        parameters=parameters,
        equations=tuple(made),
        blocks=blocks,
        quantities=(),
        simple_effects=(),
        wald_tests=(),
        settings=Settings(seed=3, burn=200, iterations=2000, chains=2),
    )


def holes(rng: np.random.Generator, *columns: np.ndarray, share: float = 0.15) -> None:
    """Make cells missing at random, in place."""
    for column in columns:
        column[rng.random(column.size) < share] = np.nan


def times(*factors: Expression) -> Expression:
    """Product of expressions."""
    result = factors[0]
    for each in factors[1:]:
        result = Apply("*", (result, each))
    return result


def powers(n: int = 80, seed: int = 5) -> Model:
    """Regress y on x, x^2, w and exp(w); x and w have missing cells and equations of their own."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n)
    x = 0.5 * w + rng.normal(size=n)
    y = 0.3 * x + 0.4 * x**2 + 0.2 * w - 0.2 * np.exp(w) + rng.normal(size=n)
    holes(rng, w, x, y)
    return build(
        {"w": w, "x": x, "y": y},
        [
            ("w", [("w0", ONE)]),
            ("x", [("x0", ONE), ("xw", Column("w"))]),
            ("y", [
                ("y0", ONE),
                ("yx", Column("x")),
                ("yx2", Apply("^", (Column("x"), Constant(2.0)))),
                ("yw", Column("w")),
                ("yew", Apply("exp", (Column("w"),))),
            ]),
        ],
    )  # fmt: skip


def definitions(n: int = 90, seed: int = 6) -> Model:
    """A slope that is d * sqrt(residual variance), a bounded slope, a normal prior, a product of two parameters."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    y = 0.5 * x + 0.3 * z + rng.normal(size=n)
    u = 0.6 * x + 0.2 * y + rng.normal(size=n)
    holes(rng, x, y, u)
    d, v = ParameterReference("d"), ParameterReference("y residual variance")
    return build(
        {"x": x, "z": z, "y": y, "u": u},
        [
            ("x", [("x0", ONE), ("xz", Column("z"))]),
            ("y", [("y0", ONE), ("yx", Column("x")), ("yz", Column("z"))]),
            ("u", [("u0", ONE), ("p", times(ParameterReference("q"), Column("x"))), ("uy", Column("y"))]),
        ],
        priors={
            "d": Prior("flat"),
            "yz": Prior("flat", lower=0.0),
            "q": Prior("normal", (0.5, 1.0)),
            "p": Prior("normal", (1.0, 0.5)),
            "u residual variance": Prior("inverse_gamma", (2.0, 1.0), lower=0.0, upper=1.2),
        },
        definitions={"yx": Apply("*", (d, Apply("sqrt", (v,))))},
    )


def structured(n: int = 100, seed: int = 7) -> Model:
    """Three outcomes: correlations a-b and b-c share a label, a-c is zero, and the variance of c is fixed."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    errors = rng.multivariate_normal(np.zeros(3), [[1, 0.4, 0], [0.4, 1, 0.4], [0, 0.4, 1]], n).T
    a, b, c = (0.3 * x + each for each in errors)
    holes(rng, a, b, c)
    members = (Column("a"), Column("b"), Column("c"))
    block = JointBlock(members, {(0, 1): "r", (1, 2): "r"}, (0.0, 0.0, 0.0), -4.0)
    return build(
        {"x": x, "a": a, "b": b, "c": c},
        [(each, [(f"{each}0", ONE), ("slope", Column("x"))]) for each in "abc"],
        blocks=(block,),
        fixed={"c residual variance": 1.0},
    )


def shared_variance(n: int = 60, seed: int = 8) -> Model:
    """Two outcomes with one residual variance and one slope; proper priors throughout."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y1 = 0.5 * x + rng.normal(size=n)
    y2 = 0.5 * x + 0.5 * y1 + rng.normal(size=n)
    holes(rng, x, y1, y2)
    unit = Prior("normal", (0.0, 1.0))
    return build(
        {"x": x, "y1": y1, "y2": y2},
        [
            ("x", [("x0", ONE)]),
            ("y1", [("a1", ONE), ("b", Column("x"))]),
            ("y2", [("a2", ONE), ("b", Column("x")), ("c", times(Column("y1"), Column("x")))]),
        ],
        priors={name: unit for name in ("x0", "a1", "a2", "b", "c")}
        | {name: Prior("inverse_gamma", (3.0, 2.0)) for name in ("v", "x residual variance")},
        variances={1: "v", 2: "v"},
    )


def ordinal(n: int = 90, seed: int = 10, missing: float = 0.15) -> Model:
    """A continuous mediator between an ordinal and two ordinal outcomes, one binary; cells are missing in all but w."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n)
    u = 1 + np.digitize(0.4 * w + rng.normal(size=n), [0.0, 0.8]).astype(float)
    m = 0.5 * w + rng.normal(size=n)
    y = 1 + np.digitize(0.3 + 0.6 * m + rng.normal(size=n), [0.0, 0.5, 1.4]).astype(float)
    b = 1.0 + (-0.2 + 0.5 * m + 0.3 * w * m + rng.normal(size=n) > 0)
    holes(rng, m, u, y, b, share=missing)
    return build(
        {"w": w, "m": m, "u": u, "y": y, "b": b},
        [
            ("m", [("m0", ONE), ("mw", Column("w"))]),
            ("u", [("u0", ONE), ("uw", Column("w"))]),
            ("y", [("y0", ONE), ("ym", Column("m"))]),
            ("b", [("b0", ONE), ("bm", Column("m")), ("bmw", times(Column("m"), Column("w")))]),
        ],
        priors={name: Prior("normal", (0.0, 5.0)) for name in ("u0", "uw", "y0", "ym", "b0", "bm", "bmw")},
        ordinal={"u": 3, "y": 4, "b": 2},
    )


def centered_outcome(n: int = 80, seed: int = 9) -> Model:
    """y on x and x*w, both centered at means of Means Models; x is itself regressed on w."""
    rng = np.random.default_rng(seed)
    w = 2 + rng.normal(size=n)
    x = 3 + 0.5 * w + rng.normal(size=n)
    y = 0.5 * x + 0.3 * (x - 4) * (w - 2) + rng.normal(size=n)
    holes(rng, w, x, y)
    xc = Apply("-", (Column("x"), ParameterReference("x mean")))
    wc = Apply("-", (Column("w"), ParameterReference("w mean")))
    return build(
        {"w": w, "x": x, "y": y},
        [
            ("w", [("w0", ONE)]),
            ("x", [("x0", ONE), ("xw", Column("w"))]),
            ("y", [("y0", ONE), ("yx", xc), ("yw", wc), ("yxw", times(xc, wc))]),
            ("x", [("x mean", ONE)]),
            ("w", [("w mean", ONE)]),
        ],
        roles={3: Role.MEANS, 4: Role.MEANS},
        variances={3: "x variance", 4: "w variance"},
    )
