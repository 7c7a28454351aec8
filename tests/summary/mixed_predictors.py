"""A model of mixed predictors put together by hand, and draws of its parameters.

Two continuous members x1 and x2, an ordinal one d with three codes, a nominal one n with three codes, and perhaps a
second nominal one, given the fixed predictor w: the sequence in which a resolved model states their joint distribution.
"""

from __future__ import annotations

import numpy as np

from blimp2pymc.joint_model.ir import (
    FLAT,
    NO_PRIOR,
    Apply,
    Column,
    Constant,
    Equation,
    Form,
    Frame,
    JointBlock,
    Kind,
    Model,
    Origin,
    Parameter,
    ParameterKind,
    ParameterReference,
    Role,
    Settings,
    Term,
    Variable,
)
from blimp2pymc.sampler.draws import Draws, Imputations

ONE = Constant(1.0)
CODES = {"d": (1.0, 2.0, 3.0), "n": (1.0, 2.0, 3.0), "m": (0.0, 4.0)}


def mixed_predictors(nominal: tuple[str, ...] = ("n",)) -> Model:
    """Predictors x1, x2, d and the nominal ones; variables in the order n, x1, d, w, x2, m."""
    parameters: dict[str, Parameter] = {}
    equations: list[Equation] = []
    before: list[tuple[str, Column, str]] = []

    def add(name: str, kind: ParameterKind, fixed: float | None = None) -> str:
        parameters[name] = Parameter(name, kind, FLAT if fixed is None else NO_PRIOR, fixed)
        return name

    def equation(outcome: Column, label: str, family: str, given: list[tuple[str, Column, str]]) -> Equation:
        mean = add(f"{label} mean", ParameterKind.MEAN)
        terms = [Term("Intercept", mean, ONE)]
        w = Apply("-", (Column("w"), Constant(0.5)))
        terms.append(Term("w", add(f"{label} ~ w", ParameterKind.SLOPE), w))
        for other, column, center in given:
            deviation = Apply("-", (column, ParameterReference(center)))
            terms.append(Term(other, add(f"{label} ~ {other}", ParameterKind.SLOPE), deviation))
        variance = add(
            f"{label} residual variance", ParameterKind.RESIDUAL_VARIANCE, None if family == "normal" else 1.0
        )
        thresholds = ()
        if family == "probit":
            thresholds = tuple(
                add(f"{label} threshold {k}", ParameterKind.THRESHOLD, 0.0 if k == 1 else None)
                for k in range(1, len(CODES[label]))
            )
        return Equation(outcome, family, tuple(terms), variance, thresholds=thresholds, role=Role.PREDICTOR)

    for name in ("x1", "x2"):
        equations.append(equation(Column(name), name, "normal", []))
        before.append((name, Column(name), f"{name} mean"))
    correlation = add("x1 ~~ x2", ParameterKind.CORRELATION)
    blocks = [JointBlock((Column("x1"), Column("x2")), {(0, 1): correlation}, (1.0, 1.0), 1.0, Role.PREDICTOR)]
    equations.append(equation(Column("d"), "d", "probit", before))
    before.append(("d", Column("d", Form.LATENT_RESPONSE), "d mean"))
    for name in nominal:
        codes = CODES[name][1:]
        outcomes = [Column(name, Form.DUMMY, code) for code in codes]
        labels = [f"{name}.{code:g}" for code in codes]
        equations += [
            equation(outcome, label, "multinomial_probit", before)
            for outcome, label in zip(outcomes, labels, strict=True)
        ]
        if len(codes) > 1:
            half = add(f"{labels[0]} ~~ {labels[1]}", ParameterKind.CORRELATION, 0.5)
            blocks.append(JointBlock(tuple(outcomes), {(0, 1): half}, (1.0, 1.0), 1.0, Role.PREDICTOR))
        before = before + [
            (label, Column(name, Form.LATENT_RESPONSE, code), f"{label} mean")
            for label, code in zip(labels, codes, strict=True)
        ]
    names = ["n", "x1", "d", "w", "x2", "m"]
    kinds = {"d": Kind.ORDINAL, "n": Kind.NOMINAL, "m": Kind.NOMINAL}
    present = [name for name in names if name in ("x1", "x2", "d", "w", *nominal)]
    placed = sorted(equations, key=lambda each: names.index(each.name))
    order = {each.outcome: place for place, each in enumerate(placed)}
    return Model(
        frame=Frame(np.arange(6)),
        variables={
            name: Variable(
                name, kinds.get(name, Kind.CONTINUOUS), Origin.DATA, categories=CODES.get(name, ()),
                reference=CODES[name][0] if kinds.get(name) is Kind.NOMINAL else None,
            )
            for name in present
        },
        data={name: np.resize(np.array(CODES.get(name, (0.1, 0.5, 0.9))), 6) for name in present},
        parameters=parameters,
        equations=tuple(
            Equation(
                each.outcome, each.family, each.terms, each.residual_variance, thresholds=each.thresholds,
                role=each.role, order=order[each.outcome],
            )
            for each in equations
        ),
        blocks=tuple(blocks),
        quantities=(),
        simple_effects=(),
        wald_tests=(),
        settings=Settings(),
        fixed_predictors=("w",),
    )  # fmt: skip


def drawn_parameters(model: Model, chains: int = 2, draws: int = 4, seed: int = 3) -> Draws:
    """Draws of all parameters; nothing else is recorded."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 0.6, (chains, draws, len(model.parameters)))
    for k, (name, each) in enumerate(model.parameters.items()):
        if each.fixed is not None:
            values[..., k] = each.fixed
        elif each.kind is ParameterKind.RESIDUAL_VARIANCE:
            values[..., k] = np.exp(values[..., k])
        elif each.kind is ParameterKind.CORRELATION:
            values[..., k] = np.tanh(values[..., k])
        elif name.endswith("threshold 2"):
            values[..., k] = 0.4 + np.abs(values[..., k])
    return Draws(
        parameter_names=tuple(model.parameters), parameters=values, statistics_names=(),
        statistics=np.empty((chains, draws, 0)), burn_in=values[:, :2], burn_in_thin=1, burn=2, log_likelihood=None,
        imputations=Imputations(np.empty(0, int), np.empty(0, int), {}), cell_mean={}, cell_variance={},
        column_summaries={},
    )  # fmt: skip
