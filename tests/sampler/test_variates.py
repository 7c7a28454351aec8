"""Random variates, slice sampling and the evaluator of functions, by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from sampler import chains

from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Apply, Column, Constant, ParameterReference
from blimp2pymc.sampler.numerics import evaluator, generator, slice_sampling


def test_slice_sampling_of_a_bimodal_density():
    begin, proceed = chains.callable_kernel(slice_sampling.begin), chains.callable_kernel(slice_sampling.proceed)

    def density(x):
        return np.logaddexp(-0.5 * (x + 1.5) ** 2, -0.5 * (x - 1.5) ** 2 + np.log(0.5))

    state = generator.generator_states(9, 1)[0]
    bracket, x = np.zeros(slice_sampling.SIZE), 0.0
    draws = np.zeros((1, 40_000))
    for k in range(draws.size):
        point = begin(bracket, state, x, density(x), 2.0, -np.inf, np.inf)
        while bracket[slice_sampling.PHASE] < slice_sampling.DONE:
            point = proceed(bracket, state, density(point))
        x = draws[0, k] = point
    left = (draws < 0).astype(float)
    from scipy.stats import norm

    expected = 2 / 3 * norm.cdf(1.5) + 1 / 3 * norm.cdf(-1.5)
    assert chains.within(left.mean(), expected, chains.autocovariance_error(left))
    assert chains.within(draws.mean(), -0.5, chains.autocovariance_error(draws))


def test_evaluator_equals_numpy():
    x, p = Column("x"), ParameterReference("p")
    two = Constant(2.0)
    expressions = [
        *(Apply(each, (x, two)) for each in ("+", "-", "*", "/", "^", "mod", "and", "or")),
        *(Apply(each, (x, two)) for each in ("==", "!=", "<", ">", "<=", ">=")),
        *(Apply(each, (Apply("abs", (x,)),)) for each in ("exp", "ln", "sqrt", "neg", "phi", "round")),
        Apply("iphi", (Apply("phi", (x,)),)),
        Apply("ifelse", (Apply(">", (x, p)), Apply("*", (x, p)), Constant(-1.0))),
        Apply("yjt", (x, Constant(0.7))), Apply("iyjt", (x, Constant(0.7))),
        Apply("min", (x, p, Constant(0.0))), Apply("max", (x, p)), Apply("normal_pdf", (x, p, two)),
    ]  # fmt: skip
    programs = evaluator.assemble([(0, each) for each in expressions], {"p": 0}, {x: 0})
    run = chains.callable_kernel(evaluator.evaluate)
    for value in (-1.3, 0.4, 2.0):
        columns, theta = np.array([[value]]), np.array([0.25])
        for k, expression in enumerate(expressions):
            expected = float(evaluate(expression, {x: np.array(value)}, {"p": 0.25}))
            found = run(programs, k, theta, columns, 0, np.zeros(evaluator.STACK))
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True), expression


def test_normal_variates():
    from scipy import stats

    state = generator.generator_states(10, 1)[0]
    filled = np.empty(200_000)
    chains.callable_kernel(generator.fill_normal)(state, filled)
    assert stats.kstest(filled, stats.norm.cdf).pvalue > 1e-4
    assert np.abs(filled).max() > 3.8
    lag = np.corrcoef(filled[:-1], filled[1:])[0, 1]
    assert abs(lag) < 4.5 / np.sqrt(filled.size)


@pytest.mark.parametrize("bounds", [(-np.inf, -2.0), (3.0, np.inf), (-0.3, 0.2), (2.0, 2.5), (-1.0, 4.0), (-6.0, -5.9)])
def test_truncated_normal_variates(bounds):
    from scipy import stats

    state = generator.generator_states(11, 1)[0]
    kernel = chains.callable_kernel(generator.truncated_normal)
    draws = [kernel(state, 1.0, 2.0, *bounds) for _ in range(20_000)]
    a, b = ((bound - 1.0) / 2.0 for bound in bounds)
    assert stats.kstest(draws, stats.truncnorm(a, b, 1.0, 2.0).cdf).pvalue > 1e-4
