"""Every kernel against the emitted PyMC graph; wrong kernels are found out."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import hand_built
import numpy as np
import pandas as pd
import pytest
from sampler import checked

from blimp2pymc.joint_model.ir import Column
from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.build import build
from blimp2pymc.sampler.chain import entries
from blimp2pymc.sampler.chain.runs import ChainRun
from blimp2pymc.sampler.kernels.categories import CHANGING
from blimp2pymc.sampler.plan import incomplete
from blimp2pymc.sampler.plan.cell_updates import CELL_RULES
from blimp2pymc.sampler.plan.rules import MARGINAL_RULES, RULES, plan
from blimp2pymc.sampler.verification.check import Verification, compare, verify
from blimp2pymc.sampler.verification.point import SWEEPS


@pytest.fixture(autouse=True)
def _fewer_missing_cells_are_enough(monkeypatch):
    # Cells are missing in about 15 % of the rows: that all kinds of parameters occur must not depend on more or less.
    monkeypatch.setattr(incomplete, "LEAST_MISSING", 0.1)


def _run(model, collapsed=True):
    return ChainRun.make_all(model, plan(model, collapsed=collapsed), 1, SWEEPS, 1, 0, 0, False)[0]


def test_every_rule_has_a_case():
    needed = frozenset().union(*(kernels for _, kernels in checked.SCRIPTS.values()))
    every = {rule.kernel for rule in RULES} | set(CELL_RULES) | {"transformations"}
    assert every <= needed <= every | set(MARGINAL_RULES)


@pytest.mark.parametrize("name", checked.SCRIPTS)
def test_kernels_agree_with_the_graph(name):
    model = checked.case(name)
    result = verify(model)
    kernels = [row.kernel for row in result.rows]
    beside = {"scale", "location", "trajectory", "interweaving", "items", "whole"}
    assert set(kernels) - beside == checked.SCRIPTS[name][1]
    moves = plan(model)
    assert kernels.count("scale") == len(moves.scale_moves)
    assert kernels.count("location") == len(moves.location_moves)
    assert kernels.count("trajectory") == len(moves.trajectories)
    assert kernels.count("whole") == len(moves.covariance_moves)
    assert kernels.count("interweaving") == len(moves.interweavings)
    assert kernels.count("items") == len(moves.item_moves)
    assert result.passed, str(result)
    assert max(row.difference for row in result.rows) < 1e-8
    assert min(row.compared for row in result.rows) >= 2


@pytest.mark.parametrize("addition", ["OPTIONS: prior1;", "OPTIONS: prior3;"])
@pytest.mark.parametrize(
    "name",
    ["interaction of centered predictors", "structured zero", "three correlated outcomes",
     "equal variances of correlated outcomes", "correlations that are also slopes", "mean of a centered outcome"],
)  # fmt: skip
def test_kernels_agree_under_other_prior_families(name, addition):
    result = verify(checked.case(name, addition), states=3)
    assert result.passed, str(result)


@pytest.mark.parametrize("name", checked.SCRIPTS)
def test_kernels_agree_under_proper_priors(name):
    result = verify(checked.case(name, priors="proper"), states=2)
    assert result.passed, str(result)


@pytest.mark.parametrize("make", [hand_built.interaction, hand_built.correlated_mediators])
@pytest.mark.parametrize("collapsed", [True, False])
def test_plain_and_collapsed_plans_agree_with_the_same_graph(make, collapsed):
    model = make()
    result = compare(_run(model, collapsed), build(model), states=3)
    assert result.passed, str(result)
    assert ("predictions" in {row.kernel for row in result.rows}) == collapsed


def _scale_a_prior(tables):
    tables.priors.second[tables.priors.kind == 1] *= 1.01


def _shift_a_shape(tables):
    tables.variances.shape[:] += 0.5


def _scale_of_a_block(tables):
    tables.priors.group_scale[tables.priors.group_has_block] += 0.5


def _change_a_product(tables):
    # The last product of the last equation, in every place where it is read.
    tables.residuals.product_constant[-1] *= 1.1


def _move_too_far(tables):
    tables.coefficients.move_factor[:] *= 1.05


def _change_a_definition(tables):
    tables.definitions.constant[:] += 0.05


def _forget_a_factor(phase):
    def change(tables):
        cells = tables.cells
        for block in np.flatnonzero(cells.phase == phase):
            low, high = cells.segment_start[block], cells.segment_start[block + 1]
            for entry in range(cells.entry_start[low], cells.entry_start[high]):
                if cells.entry_rest[entry] != 0:
                    _take_for_a_constant(cells, block, entry)
                    return
        raise AssertionError("no entry to change")

    return change


def _take_for_a_constant(cells, block, entry):
    cells.entry_rest[entry] = 0
    if cells.entry_place[entry] >= 0:
        # Slopes that are the same in all rows: what is added to the linear part is listed by block.
        cells.pulling[cells.pulling_start[block] + cells.entry_place[entry]] = 0


def _forget_a_power(tables):
    tables.nonlinear.entry_monomial[-1] = 0


def _forget_the_code(tables):
    # One is taken for the other category.
    tables.families.code[tables.families.kind == 1] += 1.0


def _forget_a_covariate(tables):
    group = int(np.flatnonzero(tables.families.kind == 3)[0])
    product = tables.residuals.product_start[tables.families.equation[group] + 1] - 1
    tables.residuals.product_constant[product] *= 1.1


def _change_a_category(tables):
    # Every row of the first variable, which has thresholds to draw, gets that of the next.
    tables.responses.category_start[0] += 1


def _leave_out_the_intercept(tables):
    # Of the means of responses, the constant is left out and not the response itself.
    tables.responses.monomial[:] = 0


def _forget_a_predictor_of_a_category(tables):
    table = tables.categories
    entry = int(np.flatnonzero((table.entry_kind == CHANGING) & (table.entry_rest != 0))[0])
    table.entry_rest[entry] = 0


def _forget_what_a_cell_predicts(kind):
    def change(tables):
        table = tables.nonlinear
        for index in np.flatnonzero(table.kind == kind):
            for segment in range(table.segment_start[index], table.segment_start[index + 1]):
                changes, end = table.entry_changes[segment], table.entry_start[segment + 1]
                if changes < end:
                    table.entry_monomial[changes:end] = 0
                    return
        raise AssertionError("no entry to change")

    return change


def _forget_what_else_a_response_is_about(tables):
    table = tables.nonlinear
    index = int(np.flatnonzero(table.kind == 3)[0])
    for segment in range(table.segment_start[index], table.segment_start[index + 1]):
        table.entry_monomial[table.entry_start[segment] : table.entry_changes[segment]] = 0


def _forget_a_predictor_of_a_difference(tables):
    cells = tables.cells
    for block in tables.differences.block:
        low, high = cells.segment_start[block], cells.segment_start[block + 1]
        for entry in range(cells.entry_start[low], cells.entry_start[high]):
            if cells.entry_rest[entry] != 0:
                _take_for_a_constant(cells, block, entry)
                return
    raise AssertionError("no entry to change")


BROKEN = {
    "coefficients": ("normal prior", _scale_a_prior),
    "bounded": ("truncated priors", _scale_a_prior),
    "variances": ("fixed values", _shift_a_shape),
    "covariances": ("interaction of centered predictors", _scale_of_a_block),
    "means": ("interaction of centered predictors", _move_too_far),
    "slice": ("standardised group difference", _change_a_definition),
    "cells": ("interaction of centered predictors", _forget_a_factor(0)),
    "predictions": ("interaction of centered predictors", _forget_a_factor(1)),
    "nonlinear": ("square and exponential", _forget_a_power),
    "weights": ("two categories", _forget_the_code),
    "scoring": ("counts", _forget_a_covariate),
    "thresholds": ("ordinal outcomes", _change_a_category),
    "responses": ("ordinal outcomes", _leave_out_the_intercept),
    "sliced_responses": (
        "latent responses that predict counts, nominal categories and a variance",
        _forget_what_else_a_response_is_about,
    ),
    "categories": ("incomplete categorical predictors", _forget_a_predictor_of_a_category),
    "differences": ("incomplete categorical predictors", _forget_a_predictor_of_a_difference),
    "codes": ("categories and counts that predict", _forget_what_a_cell_predicts(2)),
    "counts": ("categories and counts that predict", _forget_what_a_cell_predicts(1)),
}
"""Kernel -> case, and a change of the tables that makes the kernel wrong."""


def test_every_rule_is_broken_once():
    # NUTS has no table of its own that could be wrong: its density is compiled from the graph.
    assert set(BROKEN) == {rule.kernel for rule in RULES} - {"nuts"} | set(CELL_RULES)


@pytest.mark.parametrize("kernel", BROKEN)
def test_a_wrong_kernel_is_found(kernel):
    name, change = BROKEN[kernel]
    model = checked.case(name)
    run = _run(model)
    change(run.layout.tables)
    result = compare(run, build(model), states=3)
    assert not result.passed
    assert kernel in {row.kernel for row in result.rows if not row.passed}, str(result)
    assert "DIFFERS" in str(result)


def test_a_wrong_coefficient_is_found():
    model = checked.case("interaction of centered predictors")
    run = _run(model)
    _change_a_product(run.layout.tables)
    result = compare(run, build(model), states=2)
    assert {row.kernel for row in result.rows if not row.passed} >= {"cells", "coefficients", "variances"}


def test_a_parameter_that_nothing_draws_is_found():
    model = checked.case("normal prior")
    run = _run(model)
    full = run.layout.plan
    run.layout.plan = replace(full, updates=tuple(each for each in full.updates if each.kernel != "predictions"))
    result = compare(run, build(model), states=1)
    assert all(row.passed for row in result.rows)
    assert not result.passed
    assert result.uncovered
    assert f"nothing draws '{result.uncovered[0]}'" in str(result)


def test_an_update_without_comparisons_does_not_pass():
    rows = verify(checked.case("normal prior"), states=1).rows
    assert Verification(rows, 1).passed
    assert not Verification((replace(rows[0], compared=0), *rows[1:]), 1).passed
    assert not Verification((replace(rows[0], difference=np.inf), *rows[1:]), 1).passed


def test_predictions_see_functions_of_other_predictions():
    # Both outcomes are missing in a third of the rows, and the second depends on a function of the first.
    rng = np.random.default_rng(0)
    w = rng.normal(size=300)
    a = 0.5 * w + rng.normal(size=300)
    b = 2 * np.exp(a / 2) + 0.5 * rng.normal(size=300)
    a[:100] = b[:100] = np.nan
    model = resolve("MODEL: a ~ w; b ~ (exp(a/2));", pd.DataFrame({"w": w, "a": a, "b": b}))
    run = ChainRun.make_all(model, plan(model), 10, 50, 1, 1, 0, False)[0]
    run.start()
    run.advance(60)
    completed = run.completed()
    theta = dict(zip(model.parameters, run.state.theta, strict=False))
    intercept, slope = (theta[term.coefficient] for term in model.equation_of[Column("b")].terms)
    residuals = completed["b"] - intercept - slope * np.exp(completed["a"] / 2)
    assert residuals[:100].var() == pytest.approx(theta["b residual variance"], rel=0.6)


def test_predictions_see_categories_of_other_predictions():
    # Both outcomes are missing in a third of the rows, and the second depends on the category of the first.
    rng = np.random.default_rng(0)
    w = rng.normal(size=300)
    a = np.digitize(0.5 * w + rng.normal(size=300), [-0.5, 0.5]).astype(float)
    b = 3 * a + 0.3 * rng.normal(size=300)
    c = np.array([2.0, 5.0, 7.0])[rng.integers(3, size=300)]
    d = 3 * (c == 5) + 0.3 * rng.normal(size=300)
    a[:100] = b[:100] = c[:100] = d[:100] = np.nan
    script = "ORDINAL: a; NOMINAL: c; MODEL: a ~ w; b ~ a; probit(c) ~ w; d ~ c;"
    model = resolve(script, pd.DataFrame({"w": w, "a": a, "b": b, "c": c, "d": d}))
    run = ChainRun.make_all(model, plan(model), 10, 50, 1, 1, 0, False)[0]
    run.start()
    run.advance(60)
    completed = run.completed()
    theta = dict(zip(model.parameters, run.state.theta, strict=False))
    means = {
        "b": theta["b ~ Intercept"] + theta["b ~ a"] * completed["a"],
        "d": theta["d ~ Intercept"] + sum(theta[f"d ~ c.{k}"] * (completed["c"] == k) for k in (5, 7)),
    }
    for name, mean in means.items():
        residuals = completed[name] - mean
        assert residuals[:100].var() == pytest.approx(theta[f"{name} residual variance"], rel=0.6)


def test_the_table_names_kernels_and_notes():
    text = str(verify(checked.case("mean of a centered outcome"), states=2))
    assert "Means Model, a cut" in text
    assert "moves along: " in text
    assert text.endswith("all updates agree with the PyMC model's log density, at 2 random states")


def test_a_mean_that_other_equations_inform_is_noted():
    noted = [verify(checked.case(name), states=1).rows[0].note for name in
             ("mean of a centered outcome", "mean that its slopes cannot follow")]  # fmt: skip
    assert noted == ["", "imputed as if 'm mean' were no function of the column: its Means Model is a cut"]


def test_verify_takes_a_script_and_repeats_itself():
    script = "SEED: 1; " + checked.SCRIPTS["fixed values"][0]
    first, second = (verify(script, checked.simulated(), states=2, seed=5) for _ in range(2))
    assert first == second
    assert first.passed


def test_every_entry_is_compiled():
    functions = [
        each for each in ast.parse(Path(entries.__file__).read_text()).body if isinstance(each, ast.FunctionDef)
    ]
    assert functions
    assert all([ast.unparse(mark) for mark in each.decorator_list] == ["entry"] for each in functions)


def test_fixed_nominal_predictor_of_a_latent_response() -> None:
    """Its dummies belong to no part of the sampler that draws, and the densities of responses need them."""
    script = "ORDINAL: o high; NOMINAL: group; FIXED: group; MODEL: y1 ~ o high group*o; high ~ group;"
    result = verify(resolve(script, checked.simulated()), states=2)
    assert result.passed, str(result)
