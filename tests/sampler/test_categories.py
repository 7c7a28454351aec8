"""Missing categories that predict something: their conditional against integrals of the joint density."""

from __future__ import annotations

import numpy as np
import pytest
from sampler import joint_density, small_models
from sampler.small_models import ONE, times
from scipy.stats import kstest, truncnorm

from blimp2pymc.joint_model.ir import Column, Form, Model, Prior
from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.draws import cell_name
from blimp2pymc.sampler.kernels.categories import CODE, LOWER, MEAN, ROOT, UPPER, WEIGHT
from blimp2pymc.sampler.plan.rules import plan


def predictors(n: int = 24) -> Model:
    """An ordinal and a nominal predictor with missing values, alone, in products and as a latent response."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=n)
    u = 1.0 + np.digitize(0.5 * x + rng.normal(size=n), [0.0, 0.9])
    group = rng.choice([1.0, 2.0, 4.0], n)
    y = 0.4 * u + 0.7 * (group == 2) - 0.3 * u * x + rng.normal(size=n)
    small_models.holes(rng, x, u, group, share=0.3)
    response = Column("u", Form.LATENT_RESPONSE)
    second, third = (Column("n", Form.DUMMY, code) for code in (2.0, 4.0))
    return small_models.build(
        {"x": x, "u": u, "n": group, "y": y},
        [
            ("x", [("x0", ONE)]),
            ("u", [("u0", ONE), ("ux", Column("x"))]),
            ("n.2", [("a0", ONE), ("ax", Column("x")), ("au", response)]),
            ("n.4", [("b0", ONE), ("bx", Column("x"))]),
            ("y", [("y0", ONE), ("yu", Column("u")), ("yux", times(Column("u"), Column("x"))), ("yn2", second),
                   ("yn4", third), ("yun", times(Column("u"), second)), ("yr", times(response, Column("x")))]),
        ],
        # Priors keep the state where every category has some probability.
        priors=dict.fromkeys(
            ("x0", "u0", "ux", "a0", "ax", "au", "b0", "bx", "y0", "yu", "yux", "yn2", "yn4", "yun", "yr"),
            Prior("normal", (0.0, 0.5)),
        ) | {"u2": Prior("normal", (0.0, 1.0))},
        ordinal={"u": 3},
        nominal={"n": (1.0, 2.0, 4.0)},
    )  # fmt: skip


def _log_joint(run: ChainRun) -> float:
    model, form = run.layout.model, run.layout
    data = {}
    for column, index in form.columns.items():
        known = model.data.get(column.variable) if column.form is Form.SCORE else None
        values = np.zeros(model.frame.n_rows) if known is None else known.copy()
        values[form.incomplete_rows] = run.state.columns[index]
        data[cell_name(column)] = values
    theta = dict(zip(form.parameters, run.state.theta, strict=True))
    free = {name: theta[name] for name, each in model.parameters.items() if each.is_free}
    return joint_density.log_joint(model, free, data)


@pytest.fixture(scope="module", params=[False, True], ids=["one difference at a time", "all differences"])
def chain(request) -> ChainRun:
    model = predictors()
    run = ChainRun.make_all(model, plan(model, moves=request.param), 1, 20, 1, 5, 0, False)[0]
    assert (run.layout.tables.categories.part >= 0).any() == request.param
    run.start()
    run.advance(20)
    return run


def test_categories_have_the_weight_of_their_interval(chain):
    tables, _, state, work, _ = chain.references
    table = chain.layout.tables.categories
    nodes, weights = np.polynomial.legendre.leggauss(40)
    assert set(table.is_nominal) == {True, False}
    for index in range(len(table.score)):
        if table.part[index] >= 0:
            # Integrated over all differences: compared with the PyMC graph by `verify`.
            continue
        row = int(table.low[index])
        before = chain.state.columns[:, row].copy()
        n = entries.category_conditional(tables, state, work, index, row)
        options = chain.work.options[:, :n].copy()
        found = []
        for k in range(n):
            mean, spread = options[MEAN, k], 1 / options[ROOT, k]
            low, high = max(options[LOWER, k], mean - 9 * spread), min(options[UPPER, k], mean + 9 * spread)
            if low >= high:
                found.append(-np.inf)
                continue
            chain.state.columns[table.score[index], row] = options[CODE, k]
            values = []
            for place in low + (high - low) * (nodes + 1) / 2:
                chain.state.columns[table.response[index], row] = place
                values.append(_log_joint(chain))
            top = max(values)
            found.append(top + np.log((high - low) / 2 * weights @ np.exp(np.array(values) - top)))
        chain.state.columns[:, row] = before
        expected = np.array(found) - found[0]
        weight = options[WEIGHT] - options[WEIGHT, 0]
        seen = np.isfinite(expected) & (expected > -20)
        assert seen.sum() > 1
        assert weight[seen] == pytest.approx(expected[seen], abs=1e-6)


def test_codes_and_responses_belong_together(chain):
    form, state = chain.layout, chain.state
    assert state.columns.shape[1] == form.model.frame.n_rows
    chain.advance(0)
    entries.sweeps(*(chain.references[k] for k in (0, 2, 3)), 5, False)
    response = state.columns[form.columns[Column("u", Form.LATENT_RESPONSE)]]
    bounds = [state.theta[form.parameters[name]] for name in ("u1", "u2")]
    assert np.array_equal(state.columns[form.columns[Column("u")]], 1.0 + np.digitize(response, bounds))
    differences = [state.columns[form.columns[Column("n", Form.LATENT_RESPONSE, code)]] for code in (2.0, 4.0)]
    largest = np.argmax([np.zeros(len(response)), *differences], axis=0)
    assert np.array_equal(state.columns[form.columns[Column("n")]], np.array([1.0, 2.0, 4.0])[largest])


def test_dummies_follow_the_code(chain):
    form, state = chain.layout, chain.state
    codes = state.columns[form.columns[Column("n")]]
    for function, index in form.functions.items():
        assert np.array_equal(state.columns[index], (codes == function.arguments[1].value).astype(float))


def test_differences_are_normal_between_their_rivals(chain):
    form, state = chain.layout, chain.state
    references = tuple(chain.references[k] for k in (0, 2, 3))
    table, cells = form.tables.differences, form.tables.cells
    first = int(table.block[0])
    entries.cell_conditional(*references, first, int(cells.low[first]), 1)
    mean = chain.work.linear[0, 0] / chain.work.precision[0, 0, 0]
    spread = 1 / np.sqrt(chain.work.precision[0, 0, 0])
    row, column = int(cells.low[first]), int(table.column[0])
    category = int(table.category[table.category_start[0]])
    rivals = [state.columns[each, row] for each in table.rival[table.rival_start[0] : table.rival_start[1]]]
    lower, upper = -np.inf, 0.0
    if category == column:
        lower, upper = max(0.0, *rivals), np.inf
    elif category >= 0:
        upper = state.columns[category, row]
    before, drawn = state.columns.copy(), []
    for _ in range(4000):
        state.columns[...] = before
        entries.redraw_differences(*references)
        drawn.append(state.columns[column, row])
    state.columns[...] = before
    expected = truncnorm((lower - mean) / spread, (upper - mean) / spread, mean, spread)
    assert kstest(drawn, expected.cdf).pvalue > 1e-3
