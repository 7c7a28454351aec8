"""Missing codes of logit outcomes and missing counts that predict: densities, draws, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sampler import chains, family_density, family_models
from scipy import stats

from blimp2pymc.errors import BlimpError
from blimp2pymc.joint_model.ir import Column
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.kernels import discrete, nonlinear, slices
from blimp2pymc.sampler.plan.rules import plan


def _chain():
    run = chains.chain(family_models.discrete_predictors())
    return run, chains.free_parameters(run), run.completed()


def _target(run, free, data):
    # Missing cells of u predict nothing: they are integrated out.
    known = ~np.isnan(run.layout.model.data["u"])
    density = family_density.log_likelihoods(run.layout.model, free, data)["u"][0]
    total = family_density.log_joint(run.layout.model, free, data, completed=True) - density[~known].sum()
    return total + family_density.log_weights(run, free, data)


def _log_density(run, index, row, value):
    state = run.state
    chains.callable_kernel(nonlinear.conditional)(
        run.layout.tables.residuals, run.layout.tables.nonlinear, index, row, state.columns, state.coefficient,
        run.work.by_equation,
    )  # fmt: skip
    return chains.callable_kernel(nonlinear.log_density)(
        run.layout.tables, index, row, value, state.columns, state.theta, state.coefficient, state.precision, run.work
    )


def test_density_of_codes_and_counts():
    run, free, data = _chain()
    table, rows = run.layout.tables.nonlinear, run.layout.incomplete_rows
    names = [column.variable for column in run.layout.columns]
    before, seen = _target(run, free, data), set()
    for index in np.flatnonzero(table.kind > 0):
        name, row = names[table.column[index]], table.low[index]
        old = run.state.columns[table.column[index], row]
        values = {"b": (0.0, 1.0), "g": (1.0, 2.0, 5.0), "c": (0.0, 1.0, 7.0, 40.0)}[name]
        at_old = _log_density(run, index, row, old)
        for value in values:
            changed = {key: each.copy() for key, each in data.items()}
            changed[name][rows[row]] = value
            change = _target(run, free, changed) - before
            assert _log_density(run, index, row, value) - at_old == pytest.approx(change, abs=1e-6)
        _log_density(run, index, row, old)
        seen.add(name)
    assert seen == {"b", "g", "c"}


def test_density_of_dispersion_with_missing_counts():
    run, free, data = _chain()
    before = _target(run, free, data)
    density = chains.callable_kernel(slices.log_density)
    index = next(index for index, update in chains.steps(run, "slice") if update.targets == ("c dispersion",))
    at_old = density(run.layout.tables, index, free["c dispersion"], run.state, run.work)
    for value in (0.05, 0.4, 3.0):
        at_new = density(run.layout.tables, index, value, run.state, run.work)
        assert at_new - at_old == pytest.approx(_target(run, free | {"c dispersion": value}, data) - before, abs=1e-6)


def test_draws_of_codes():
    run, _, _ = _chain()
    table, n = run.layout.tables.nonlinear, 8000
    draw = chains.callable_kernel(discrete.draw_code)
    for index in np.flatnonzero(table.kind == 2)[:4]:
        row, column = table.low[index], table.column[index]
        codes = table.code[table.code_start[index] : table.code_start[index + 1]]
        logs = np.array([_log_density(run, index, row, code) for code in codes])
        expected = np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum()
        found = np.zeros(n)
        for k in range(n):
            assert draw(run.layout.tables, index, row, run.state, run.work)
            found[k] = run.state.columns[column, row]
        for code, share in zip(codes, expected, strict=True):
            assert chains.within((found == code).mean(), share, np.sqrt(share * (1 - share) / n) + 1e-9)


def test_working_response_follows_a_code():
    run, _, _ = _chain()
    tables, state = run.layout.tables, run.state
    (group,) = (k for k, each in enumerate(run.layout.plan.structure.groups) if each.name == "b")
    index = int(np.flatnonzero(tables.nonlinear.own == group)[0])
    row = tables.nonlinear.low[index]
    for _ in range(20):
        chains.callable_kernel(discrete.draw_code)(tables, index, row, state, run.work)
        sign = 0.5 if state.columns[tables.nonlinear.column[index], row] == 1.0 else -0.5
        weight = state.columns[tables.families.weight[group], row]
        assert state.columns[tables.families.response[group], row] == pytest.approx(sign / weight)


def test_draws_of_counts():
    run, _, _ = _chain()
    table = run.layout.tables.nonlinear
    draw = chains.callable_kernel(discrete.draw_count)
    for index in np.flatnonzero(table.kind == 1)[:3]:
        row, column = table.low[index], table.column[index]
        counts = np.arange(400.0)
        logs = np.array([_log_density(run, index, row, each) for each in counts])
        expected = np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum()
        _log_density(run, index, row, counts[np.argmax(expected)])
        found = np.zeros(30_000)
        for k in range(found.size):
            assert draw(run.layout.tables, index, row, run.state, run.work, False)
            found[k] = run.state.columns[column, row]
        # Every eighth draw is as good as independent.
        observed = np.bincount(found[::8].astype(int), minlength=400)
        often = expected * observed.sum() > 8
        observed = np.append(observed[often], observed[~often].sum())
        shares = np.append(expected[often], expected[~often].sum())
        keep = shares * observed.sum() > 1
        assert stats.chisquare(observed[keep], shares[keep] / shares[keep].sum() * observed[keep].sum()).pvalue > 1e-4


def test_plan_names_what_is_drawn():
    found = {each.kernel: each.targets for each in plan(family_models.discrete_predictors()).updates}
    assert found["codes"] == ("b", "g")
    assert found["counts"] == ("c",)
    assert "u" in found["predictions"]


def test_predictions_see_predicted_counts_and_codes():
    # All outcomes are missing in a third of the rows; the last depends on a count and on a dummy.
    rng = np.random.default_rng(0)
    n, x = 300, rng.normal(size=300)
    c = rng.poisson(np.exp(1 + 0.5 * x)).astype(float)
    g = rng.choice([1.0, 2.0, 5.0], n)
    y = 3 * c - 8 * (g == 2) + 0.5 * rng.normal(size=n)
    c[:100] = g[:100] = y[:100] = np.nan
    model = resolve(
        "COUNT: c; NOMINAL: g; MODEL: c ~ x; g ~ x; y ~ c g;", pd.DataFrame({"x": x, "c": c, "g": g, "y": y})
    )
    run = ChainRun.make_all(model, plan(model), 10, 50, 1, 1, 0, False)[0]
    run.start()
    run.advance(60)
    completed, theta = run.completed(), dict(zip(model.parameters, run.state.theta, strict=False))
    intercept, *slopes = (theta[term.coefficient] for term in model.equation_of[Column("y")].terms)
    columns = (completed["c"], completed["g"] == 2, completed["g"] == 5)
    residual = completed["y"] - intercept - sum(b * each for b, each in zip(slopes, columns, strict=True))
    assert residual[:100].var() == pytest.approx(theta["y residual variance"], rel=0.6)


def test_an_incomplete_count_without_an_equation_is_refused_with_a_hint():
    data = pd.DataFrame({"y": [1.0, 2.0, 3.0, 2.5], "c": [0.0, 3.0, np.nan, 1.0]})
    with pytest.raises(BlimpError) as caught:
        resolve("COUNT: c; MODEL: y ~ c;", data)
    (finding,) = caught.value.findings
    assert "c" in finding.message
    assert "c ~" in finding.hint
