"""What plain `pm.sample()` compiles, log density and gradient in PyTensor's default mode, is what the source says.

PyTensor 3.3.7 (`fuse_indexed_into_elemwise`) may fuse setting values into an array with adding a gradient to another
at the same places, and then does the same at both: values added to the NaN of missing data, or a gradient overwritten.
The source must give it no occasion: missing values are set as they are drawn, which leaves nothing to fuse. That is
seen without compiling. What is compiled, which takes up to ten seconds a model, is one model for each kind of computed
values that are set; some of these, and functions of missing values, are compiled another way too and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pymc as pm
import pytest
from pymc.blocking import DictToArrayBijection
from pymc_source import cases
from pymc_source.test_marginal import NAMES as MARGINAL
from pymc_source.test_marginal import model_of
from pytensor.compile.mode import get_default_mode
from pytensor.graph.traversal import ancestors
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.rewriting.fused_elemwise import FusedElemwise
from pytensor.tensor.subtensor import AdvancedIncSubtensor, IncSubtensor

from blimp2pymc.joint_model.resolve import resolve
from blimp2pymc.pymc_source.build import build

SCRIPTS = {
    "item_response": """ORDINAL: o a b; LATENT: f; MODEL: f@1; f -> o@l1 a@l2 b@l3;
        PARAMETERS: l1 ~ truncate(0, Inf); d = l1 / 2;""",
    "sum_score": "ORDINAL: o a; CENTER: x; MODEL: o ~ w; a ~ o; t = a + o; y ~ t x; v ~ t*x (o + a) x;",
    "factor_and_nominal": "ORDINAL: o a b; NOMINAL: g; LATENT: f; MODEL: f -> o a b; f ~ w; y ~ f f*g;",
    "variance_of_categories": "ORDINAL: b; MODEL: y ~ b x; var(y) ~ b x;",
    "transform_and_categories": "ORDINAL: b; CENTER: y; MODEL: b ~ w; yjt(y) ~ b w; v ~ y b y*b;",
    "codes": "ORDINAL: o u; NOMINAL: g; MODEL: y ~ o u g x*g;",
}
"""Further constructs, on `cases.simulated_categories`."""

TRANSFORMED = {
    "centered_logarithm": "FIXED: d; CENTER: x1; MODEL: ln(x1+20) ~ w; y ~ x1 d;",
    "centered_root": "FIXED: d; CENTER: m; MODEL: sqrt(m+20) ~ w; m ~~ w; y ~ m d;",
    "centered_yeo_johnson": "FIXED: d; CENTER: m; MODEL: yjt(m) ~ w; m ~~ w; y ~ m d m*d;",
}
"""Missing values that are computed from others, on `cases.simulated`."""

type Make = Callable[[], pm.Model]


def graphs() -> Iterator[tuple[str, Make]]:
    """Every form of the source: a name, and what makes its graph."""
    for name in cases.NAMES:
        yield name, lambda name=name: build(cases.case(name))
    for name, script in SCRIPTS.items():
        yield name, lambda script=script: build(resolve(f"SEED: 1; {script}", cases.simulated_categories()))
    for name, script in TRANSFORMED.items():
        yield name, lambda script=script: build(resolve(f"SEED: 1; {script}", cases.simulated()))
    for name in cases.CATEGORY_SCRIPTS:
        yield f"{name}, augmented", lambda name=name: build(cases.case(name), augmented=True)
    for name in MARGINAL:
        yield f"{name}, marginal", lambda name=name: build(model_of(name), marginal=True)


GRAPHS = dict(graphs())
COMPARED = (
    "centered_yeo_johnson", "transformed_outcomes", "variance_models", "sum_score", "latent_responses",
    "nominal_predictor, augmented", "measurement, marginal",
)  # fmt: skip
COMPILED = (
    *COMPARED, "yeo_johnson", "correlated_variance_models", "ordinal_outcomes", "binary_logit, augmented",
    "ordinal_predictors, augmented", "centered_ordinals", "codes", "two_nominal_predictors", "discrete_mediators",
    "centered_nominals", "growth, marginal", "second_order, marginal", "no_predictors, marginal", "sequence, marginal",
    "structured, marginal", "equal_variances, marginal",
)  # fmt: skip


@cache
def computed_values(name: str) -> frozenset[str]:
    """What makes the values that a graph sets into arrays, where it is not the drawing of a variable as it is."""
    model = GRAPHS[name]()
    found = set()
    for variable in ancestors([*model.basic_RVs, *model.potentials, *model.deterministics]):
        made = variable.owner
        if made is None or not isinstance(made.op, IncSubtensor | AdvancedIncSubtensor):
            continue
        if not made.op.set_instead_of_inc:
            continue
        value = made.inputs[1]
        while value.owner is not None and isinstance(value.owner.op, DimShuffle):
            value = value.owner.inputs[0]
        if value in model.rvs_to_transforms:
            transform = model.rvs_to_transforms[value]
            found |= {type(transform).__name__} if transform is not None else set()
        elif value.owner is not None:
            found.add(str(value.owner.op))
    return frozenset(found)


@cache
def compiled(name: str) -> tuple[pm.Model, object]:
    """A graph and its log density with gradient, as `pm.sample()` compiles them."""
    graph = GRAPHS[name]()
    return graph, graph.logp_dlogp_function(ravel_inputs=True)


@pytest.mark.parametrize("name", GRAPHS)
def test_only_values_as_they_are_drawn_are_set_unless_compiling_looks_at_it(name: str) -> None:
    assert not computed_values(name) or computed_values(name) in {computed_values(each) for each in COMPILED}


def test_computed_values_are_told_from_drawn_ones() -> None:
    assert computed_values("sequence") == frozenset()
    assert "LogTransform" in computed_values("pair, marginal")
    assert "Add" in computed_values("two_nominal_predictors")


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPILED)
def test_no_value_is_set_where_a_gradient_is_added(name: str) -> None:
    _, function = compiled(name)
    for node in function._pytensor_function.maker.fgraph.apply_nodes:
        groups = node.op.indexed_outputs if isinstance(node.op, FusedElemwise) else ()
        for places, *_ in (each for each in groups if each is not None):
            writes = [node.op.fgraph.outputs[place].owner.op for place in places]
            assert len({each.set_instead_of_inc for each in writes}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPARED)
def test_density_and_gradient_are_those_without_fusion(name: str) -> None:
    graph, fused = compiled(name)
    start, rng = graph.initial_point(), np.random.default_rng(1)
    # Interpreting is no way round: NumPy's functions take 32 operands.
    plain = get_default_mode().excluding("fusion", "fuse_indexed_into_elemwise")
    apart = graph.logp_dlogp_function(ravel_inputs=True, mode=plain)
    for spread in (0.0, 0.3, 0.3):
        point = {
            name: value + spread * rng.normal(size=np.shape(value)) if np.asarray(value).dtype.kind == "f" else value
            for name, value in start.items()
        }
        found = []
        for function in (fused, apart):
            function.set_extra_values(point)
            free = DictToArrayBijection.map({each.name: point[each.name] for each in function._grad_vars})
            density, gradient = function(free.data)
            found.append((float(density), np.array(gradient)))
        assert np.isfinite(found[0][0])
        assert found[0][0] == pytest.approx(found[1][0], rel=1e-9)
        np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-6, atol=1e-7)
