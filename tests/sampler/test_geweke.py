"""Joint distribution tests (geweke 2004): forward simulation and successive-conditional simulation agree.

Data are drawn from the model given parameters, parameters by a sweep given the data, in turns; whatever is
wrong in any kernel, or in the order of a sweep, shows in the marginal distribution of the parameters, which
must stay the prior.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sampler import chains, family_models, joint_density, small_models
from sampler.forward_simulation import draw_outcomes, draw_prior
from sampler.small_models import ONE, times

from blimp2pymc.joint_model.ir import (
    Apply,
    Column,
    Constant,
    Form,
    JointBlock,
    Model,
    Origin,
    ParameterReference,
    Prior,
)
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.compilation.references import Reference
from blimp2pymc.sampler.plan.rules import Plan, plan
from blimp2pymc.sampler.tables.assembly import lay_out
from blimp2pymc.sampler.tables.category_tables import difference_table, response_table
from blimp2pymc.sampler.tables.column_values import column_values
from blimp2pymc.sampler.tables.layout import Layout
from blimp2pymc.sampler.tables.row_classes import known_moments, row_classes

UNIT = Prior("normal", (0.0, 0.5))
VARIANCE = Prior("inverse_gamma", (4.0, 4.0))
TUNED = ("widths", "learned", "damping", "information", "factor", "trajectory", "metric")
"""What a chain learns in burn-in and keeps afterwards."""

DATA_SETS, VISITS = 2000, 8
"""Data sets that are drawn, and times that parameters are looked at between them, two sweeps apart.

New data take most of the time. Several looks at each tell as much as twice as many data sets do with one, and a kernel
that is wrong has gone further astray by then.
"""
COMPARED = 3
"""Data sets whose tables are made anew too, and compared."""


def _with_holes(names: tuple[str, ...], n: int = 8) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    data = {name: rng.normal(size=n) for name in names}
    for k, name in enumerate(names[1:]):
        data[name][k::4] = np.nan
    return data


def single_equations() -> Model:
    """Coefficients, bounded ones, variances, cells in products and powers, predictions."""
    return small_models.build(
        _with_holes(("z", "w", "x", "y")),
        [
            ("w", [("w0", ONE), ("wz", Column("z"))]),
            ("x", [("x0", ONE), ("xw", Column("w"))]),
            ("y", [("y0", ONE), ("yx", Column("x")), ("yxw", times(Column("x"), Column("w"))),
                   ("yw2", Apply("^", (Column("w"), Constant(2.0))))]),
        ],
        priors={name: UNIT for name in ("w0", "wz", "x0", "y0", "yx", "yxw", "yw2")}
        | {"xw": Prior("normal", (0.0, 0.5), lower=0.0)}
        | {f"{name} residual variance": VARIANCE for name in "wxy"},
    )  # fmt: skip


def blocks() -> Model:
    """An inverse Wishart block, a structured one, and a slope that is a function of parameters."""
    members = (Column("a"), Column("b"))
    others = (Column("c"), Column("e"))
    return small_models.build(
        _with_holes(("z", "a", "b", "c", "e")),
        [
            ("a", [("a0", ONE)]),
            ("b", [("b0", ONE), ("slope", Column("z"))]),
            ("c", [("c0", ONE), ("ca", Column("a"))]),
            ("e", [("e0", ONE), ("slope", Column("z"))]),
        ],
        priors={name: UNIT for name in ("a0", "b0", "c0", "e0", "slope", "d")},
        blocks=(
            JointBlock(members, {(0, 1): "r"}, (4.0, 4.0), 7.0),
            JointBlock(others, {(0, 1): "s"}, (4.0, 4.0), 7.0),
        ),
        definitions={
            "ca": Apply("*", (ParameterReference("d"), Apply("sqrt", (ParameterReference("c residual variance"),))))
        },
    )  # fmt: skip


def families() -> Model:
    """Outcomes of every family that is not normal, and a residual variance with predictors, on incomplete x."""
    data = _with_holes(("z", "x", "v", "b", "g", "c"), 12)
    model = small_models.build(
        data,
        [
            ("x", [("x0", ONE), ("xz", Column("z"))]),
            ("v", [("v0", ONE), ("vx", Column("x"))]),
            ("b", [("b0", ONE), ("bx", Column("x"))]),
            ("g", [("g0", ONE), ("gx", Column("x"))]),
            ("g", [("h0", ONE), ("hx", Column("x"))]),
            ("c", [("c0", ONE), ("cx", Column("x"))]),
        ],
        priors={name: UNIT for name in ("x0", "xz", "v0", "vx", "b0", "bx", "g0", "gx", "h0", "hx", "c0", "cx")}
        | {"x residual variance": VARIANCE},
    )
    model = family_models.with_variance(model, "v", [("s0", ONE), ("sx", Column("x"))])
    model = family_models.with_family(model, "b", "logit", (1.0,), (0.0, 1.0))
    model = family_models.with_family(model, "g", "logit", (2.0, 5.0), (1.0, 2.0, 5.0))
    model = family_models.with_family(model, "c", "negative_binomial")
    priors = {"s0": UNIT, "sx": UNIT, "c dispersion": Prior("gamma", (3.0, 6.0), lower=0.0)}
    parameters = {name: replace(each, prior=priors.get(name, each.prior)) for name, each in model.parameters.items()}
    return replace(model, parameters=parameters)


def correlated_variances() -> Model:
    """Correlated residuals with log variances on incomplete x, and on an outcome of the same block."""
    model = small_models.build(
        _with_holes(("z", "x", "a", "b", "c", "e"), 12),
        [
            ("x", [("x0", ONE), ("xz", Column("z"))]),
            ("a", [("a0", ONE), ("ax", Column("x"))]),
            ("b", [("b0", ONE)]),
            ("c", [("c0", ONE), ("cz", Column("z"))]),
            ("e", [("e0", ONE), ("eb", Column("b"))]),
        ],
        priors={name: UNIT for name in ("x0", "xz", "a0", "ax", "b0", "c0", "cz", "e0", "eb")}
        | {f"{name} residual variance": VARIANCE for name in "xe"}
        | {name: Prior("uniform", (-1.0, 1.0)) for name in ("r", "s")},
        blocks=(
            JointBlock((Column("a"), Column("b")), {(0, 1): "r"}, (1.0, 1.0), 4.0),
            JointBlock((Column("c"), Column("e")), {(0, 1): "s"}, (1.0, 1.0), 4.0),
        ),
    )  # fmt: skip
    model = family_models.with_variance(model, "a", [("v0", ONE), ("vx", Column("x"))])
    model = family_models.with_variance(model, "b", [("s0", ONE), ("sa", Column("a"))])
    model = family_models.with_variance(model, "c", [("t0", ONE), ("tx", Column("x"))])
    wanted = {name: UNIT for name in ("v0", "s0", "t0")}
    # Wide slopes make variances of 10^-100 now and then, whose residuals cannot be computed with.
    wanted |= {"vx": Prior("normal", (0.0, 0.1)), "tx": Prior("normal", (0.0, 0.1)), "sa": Prior("normal", (0.0, 0.05))}
    parameters = {name: replace(each, prior=wanted.get(name, each.prior)) for name, each in model.parameters.items()}
    return replace(model, parameters=parameters)


def discrete_predictors() -> Model:
    """Categories of logit outcomes and counts that predict, in products, all of them incomplete."""
    data = _with_holes(("z", "x", "b", "g", "c", "y", "u"), 12)
    for name, share in (("b", 0), ("g", 1), ("c", 2)):
        data[name][share::3] = np.nan
    names = (
        "x0",
        "b0",
        "bx",
        "g0",
        "gb",
        "h0",
        "hb",
        "c0",
        "cx",
        "c2",
        "y0",
        "yb",
        "yc",
        "y5",
        "ybx",
        "ycc",
        "u0",
        "uc",
        "ubg",
    )
    priors = {name: UNIT for name in names} | {f"{name} residual variance": VARIANCE for name in "xy"}
    # A wide slope makes counts of 10^8 now and then, whose squares predict y: nothing is left of its residuals.
    priors["cx"] = Prior("normal", (0.0, 0.05))
    model = family_models.with_discrete_predictors(data, priors)
    dispersion = replace(model.parameters["c dispersion"], prior=Prior("gamma", (3.0, 6.0), lower=0.0))
    return replace(model, parameters=model.parameters | {"c dispersion": dispersion})


def categories() -> Model:
    """Ordered categories with missing values, as outcomes of a variable that is incomplete too."""
    data = _with_holes(("z", "x", "y", "u"))
    for name in "yu":
        data[name] = np.where(np.isnan(data[name]), np.nan, 1.0)
    return small_models.build(
        data,
        [
            ("x", [("x0", ONE)]),
            ("y", [("y0", ONE), ("yx", Column("x")), ("yz", Column("z"))]),
            ("u", [("u0", ONE), ("ux", times(Column("x"), Column("z")))]),
        ],
        priors={name: UNIT for name in ("x0", "y0", "yx", "yz", "u0", "ux")}
        | {"y2": Prior("normal", (0.0, 1.0)), "y3": Prior("normal", (0.0, 1.0)), "x residual variance": VARIANCE},
        ordinal={"y": 4, "u": 2},
    )


def categories_that_predict() -> Model:
    """Incomplete ordinal and nominal predictors, in products, with a latent response as a predictor."""
    data = _with_holes(("z", "x", "u", "n", "y"))
    for name in ("u", "n"):
        data[name] = np.where(np.isnan(data[name]), np.nan, 1.0)
    u, response = Column("u"), Column("u", Form.LATENT_RESPONSE)
    second, third = (Column("n", Form.DUMMY, code) for code in (2.0, 4.0))
    return small_models.build(
        data,
        [
            ("x", [("x0", ONE)]),
            ("u", [("u0", ONE), ("ux", Column("x"))]),
            ("n.2", [("a0", ONE), ("ax", Column("x")), ("au", response)]),
            ("n.4", [("b0", ONE), ("bx", Column("x"))]),
            ("y", [("y0", ONE), ("yu", u), ("yux", times(u, Column("x"))), ("y2", second),
                   ("y4z", times(third, Column("z"))), ("yul", response)]),
        ],
        priors={name: UNIT for name in ("x0", "u0", "ux", "a0", "ax", "au", "b0", "bx", "y0", "yu", "yux", "y2",
                                        "y4z", "yul")}
        | {"u2": Prior("normal", (0.0, 1.0)), "x residual variance": VARIANCE, "y residual variance": VARIANCE},
        ordinal={"u": 3},
        nominal={"n": (1.0, 2.0, 4.0)},
    )  # fmt: skip


def responses_in_every_role() -> Model:
    """A latent response in a square, a count, a multinomial logit and a log variance, with its score beside it."""
    data = _with_holes(("z", "u", "y", "v", "g", "c"), 12)
    data["u"] = np.where(np.isnan(data["u"]), np.nan, 1.0)
    response = Column("u", Form.LATENT_RESPONSE)
    names = ("u0", "uz", "y0", "yu", "yuu", "v0", "g0", "gu", "h0", "c0", "s0", "su")
    model = small_models.build(
        data,
        [
            ("u", [("u0", ONE), ("uz", Column("z"))]),
            ("y", [("y0", ONE), ("yu", Column("u")), ("yuu", Apply("^", (response, Constant(2.0))))]),
            ("v", [("v0", ONE)]),
            ("g", [("g0", ONE), ("gu", response)]),
            ("g", [("h0", ONE)]),
            ("c", [("c0", ONE), ("cu", response)]),
        ],
        priors={name: UNIT for name in names}
        | {"cu": Prior("normal", (0.0, 0.1)), "y residual variance": VARIANCE}
        | {name: Prior("normal", (0.0, 1.0)) for name in ("u2", "u3")},
        ordinal={"u": 4},
    )
    model = family_models.with_variance(model, "v", [("s0", ONE), ("su", response)])
    model = family_models.with_family(model, "g", "logit", (2.0, 5.0), (1.0, 2.0, 5.0))
    model = family_models.with_family(model, "c", "negative_binomial")
    priors = {"s0": UNIT, "su": UNIT, "c dispersion": Prior("gamma", (3.0, 6.0), lower=0.0)}
    parameters = {name: replace(each, prior=priors.get(name, each.prior)) for name, each in model.parameters.items()}
    return replace(model, parameters=parameters)


def indicators_of_every_family() -> Model:
    """A latent variable with normal, binary, nominal and count indicators, one loading fixed, all but z incomplete."""
    data = _with_holes(("z", "f", "x", "b", "g", "c"), 12)
    names = ("fz", "x0", "xf", "b0", "g0", "gf", "h0", "hf", "hz", "c0", "cf")
    model = small_models.build(
        data,
        [
            ("f", [("fz", Column("z"))]),
            ("x", [("x0", ONE), ("xf", Column("f"))]),
            ("b", [("b0", ONE), ("bf", Column("f"))]),
            ("g", [("g0", ONE), ("gf", Column("f"))]),
            ("g", [("h0", ONE), ("hf", Column("f")), ("hz", times(Column("f"), Column("z")))]),
            ("c", [("c0", ONE), ("cf", Column("f"))]),
        ],
        priors={name: UNIT for name in names}
        | {"cf": Prior("normal", (0.0, 0.1)), "f residual variance": VARIANCE, "x residual variance": VARIANCE},
        fixed={"bf": 1.0},
    )
    model = family_models.with_family(model, "b", "logit", (1.0,), (0.0, 1.0))
    model = family_models.with_family(model, "g", "logit", (2.0, 5.0), (1.0, 2.0, 5.0))
    model = family_models.with_family(model, "c", "negative_binomial")
    priors = {"c dispersion": Prior("gamma", (3.0, 6.0), lower=0.0)}
    parameters = {name: replace(each, prior=priors.get(name, each.prior)) for name, each in model.parameters.items()}
    variables = model.variables | {"f": replace(model.variables["f"], origin=Origin.LATENT, n_missing=12)}
    data = {name: values for name, values in model.data.items() if name != "f"}
    return replace(model, parameters=parameters, variables=variables, data=data)


MODELS = {
    "single equations": single_equations,
    "blocks": blocks,
    "families": families,
    "correlated variances": correlated_variances,
    "discrete predictors": discrete_predictors,
    "categories": categories,
    "categories that predict": categories_that_predict,
    "responses in every role": responses_in_every_role,
    "indicators of every family": indicators_of_every_family,
}


def _set_ellipses(run: ChainRun) -> None:
    """Ellipses of what latent variables follow: burn-in, which there is none of, would have learned them."""
    form = run.layout
    for k, move in enumerate(form.plan.item_moves):
        learned = run.state.learned[slice(*form.tables.item_moves.learned[k : k + 2])]
        size = len(move.parameters)
        factor = 2 + size + size**2
        # A window that has been learned from, and one that never ends.
        learned[1] = 1e9
        learned[factor : factor + size**2] = np.diag([0.6] * size).ravel()


def _with_data(form: Layout | None, model: Model, plans: Plan) -> Layout:
    """Tables with the model's present data: those of other data, where they can be changed, else new ones."""
    if form is None or any(each.family == "negative_binomial" for each in model.equations):
        return lay_out(model, plans)
    complete = column_values(form, form.complete_rows)
    form.tables.complete[...] = complete
    form.tables.base[...] = known_moments(form, row_classes(form), complete, form.n_moments)
    form.tables.responses.category[...] = response_table(form, form.tables.cells).category
    form.tables.differences.category[...] = difference_table(form, form.tables.cells).category
    return form


def _assert_same(first: Reference, second: Reference) -> None:
    for name, value in first.fields.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, second.fields[name], err_msg=name)
        else:
            _assert_same(value, second.fields[name])


@pytest.mark.slow
@pytest.mark.parametrize("collapsed", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_parameters_keep_their_prior(name, collapsed):
    model = MODELS[name]()
    rng = np.random.default_rng(17)
    missing = {variable: np.isnan(values) for variable, values in model.data.items()}
    names = [each for each, parameter in model.parameters.items() if parameter.is_free]
    free = draw_prior(model, rng)
    data = draw_outcomes(model, free, rng)
    kept = np.zeros((1, DATA_SETS * VISITS, len(names)))
    plans = plan(model, collapsed=collapsed)
    run, form = None, None
    for k in range(DATA_SETS):
        for variable, holes in missing.items():
            model.data[variable][~holes] = data[Column(variable)][~holes]
        form = _with_data(form, model, plans)
        if k < COMPARED:
            _assert_same(form.tables, lay_out(model, plans).tables)
        # The chain goes on from its parameters, missing cells and tuning. Tuning is not
        # started anew: the shape of a proposal that depends on where the chain is would need its own reversal.
        seed = int(rng.integers(2**31))
        previous, run = run, ChainRun.make_all(model, plans, 2 * VISITS, 0, 1, seed, 0, False, form)[0]
        for each, value in joint_density.all_parameters(model, free).items():
            run.state.theta[run.layout.parameters[each]] = value
        for each in range(len(run.layout.parameters) + len(run.layout.columns)):
            run.state.widths[each] = (0.7, 600.0)
        _set_ellipses(run)
        if previous is not None:
            for tuned in TUNED:
                getattr(run.state, tuned)[...] = getattr(previous.state, tuned)
        rows = run.layout.incomplete_rows
        for column, index in run.layout.columns.items():
            run.state.columns[index] = data[column][rows]
        assert run.prepare()
        for visit in range(VISITS):
            run.advance(2)
            free = {each: float(run.state.theta[run.layout.parameters[each]]) for each in names}
            kept[0, k * VISITS + visit] = list(free.values())
        data = draw_outcomes(model, free, rng)
    prior = np.array([[values[each] for each in names] for values in (draw_prior(model, rng) for _ in range(20_000))])
    for k, each in enumerate(names):
        for power in (1, 2):
            drawn, expected = np.tanh(kept[:, :, k]) ** power, np.tanh(prior[:, k]) ** power
            drawn = drawn.reshape(1, DATA_SETS, VISITS).mean(axis=2)
            error = np.hypot(chains.autocovariance_error(drawn), expected.std() / np.sqrt(len(prior)))
            assert chains.within(drawn.mean(), expected.mean(), error), (each, power)
