"""`use_phantom`: loadings and variances have the density of flat loadings and flat unique variances."""

from __future__ import annotations

import numpy as np
import pytest
from joint_model.simulated import resolved
from scipy import stats

from blimp2pymc.joint_model.evaluate import evaluate
from blimp2pymc.joint_model.ir import Model, Prior

THREE = "OPTIONS: use_phantom; MODEL: m1 ~~ m2; m1 m2 ~~ y;"


def values(model: Model, free: dict[str, float]) -> dict[str, float]:
    """Free parameters and what is computed from them."""
    found = dict(free)
    # Correlations come before the loadings they are computed from.
    for name, parameter in reversed(model.parameters.items()):
        if parameter.definition is not None:
            found[name] = float(evaluate(parameter.definition, {}, found))
    return found


def free_values(model: Model, rng: np.random.Generator, member: str) -> dict[str, float]:
    """Random values of a member's variance and coordinates, and of all others."""
    found = {}
    for name, parameter in model.parameters.items():
        if parameter.is_free:
            lower, upper = max(parameter.prior.lower, -1.0), min(parameter.prior.upper, 1.0)
            if parameter.prior.distribution == "uniform":
                lower = parameter.prior.arguments[0]
            found[name] = float(rng.uniform(lower + 0.05, upper - 0.05))
    found[f"{member} residual variance"] = float(rng.uniform(0.5, 2.0))
    return found


def log_prior(prior: Prior, value: float) -> float:
    match prior.distribution:
        case "uniform":
            return 0.0
        case "beta":
            return float(stats.beta.logpdf(value, *prior.arguments))
        case "inverse_gamma":
            a, b = prior.arguments
            return -(a + 1) * np.log(value) - b / value
    raise AssertionError(prior)


@pytest.mark.parametrize("member", ["m1", "m2", "y"])
def test_the_density_is_that_of_flat_loadings_and_unique_variances(member: str) -> None:
    model, rng = resolved(THREE), np.random.default_rng(4)
    own = [name for name, each in model.parameters.items() if each.is_free and name.endswith(f"coordinate of {member}")]
    loadings = [name.replace("coordinate", "loading") for name in own]
    variance = f"{member} residual variance"
    assert len(own) == 2
    differences = []
    for _ in range(5):
        free = free_values(model, rng, member)

        def raw(point: np.ndarray, free: dict[str, float] = free) -> np.ndarray:
            found = values(model, {**free, **dict(zip([*own, variance], point, strict=True))})
            standardised = np.array([found[name] for name in loadings])
            return np.append(standardised * np.sqrt(point[2]), point[2] * (1 - (standardised**2).sum()))

        point = np.array([free[name] for name in (*own, variance)])
        step = 1e-6
        jacobian = [(raw(point + step * each) - raw(point - step * each)) / (2 * step) for each in np.eye(3)]
        stated = sum(log_prior(model.parameters[name].prior, free[name]) for name in (*own, variance))
        differences.append(np.linalg.slogdet(np.array(jacobian))[1] - stated)
    np.testing.assert_allclose(differences, differences[0], atol=1e-6)


def test_correlations_are_products_of_loadings_and_always_possible() -> None:
    model, rng = resolved(THREE), np.random.default_rng(5)
    (block,) = model.blocks
    assert block.parameterisation == "phantom"
    for _ in range(50):
        found = values(model, free_values(model, rng, "y"))
        matrix = np.eye(3)
        for (i, j), name in block.correlations.items():
            first, second = block.members[i].name, block.members[j].name
            loadings = [found[f"phantom {first} {second} loading of {each}"] for each in (first, second)]
            matrix[i, j] = matrix[j, i] = found[name]
            assert found[name] == pytest.approx(loadings[0] * loadings[1])
            assert loadings[0] > 0
        assert np.linalg.eigvalsh(matrix)[0] > 0


def test_a_pair_needs_no_coordinates() -> None:
    model = resolved("OPTIONS: use_phantom; MODEL: m1 ~~ m2@r; m1@1;")
    assert model.parameters["r"].definition is not None
    names = [f"phantom m1 m2 loading of {member}" for member in ("m1", "m2")]
    assert [model.parameters[name].prior for name in names] == [
        Prior("uniform", (0.0, 1.0), 0.0, 1.0), Prior("uniform", (-1.0, 1.0), -1.0, 1.0)]  # fmt: skip
    assert model.parameters["m2 residual variance"].prior == Prior("inverse_gamma", (-1.5, 0.0))
    assert "phantom" in {each.code for each in model.notes}


def test_what_the_script_says_of_a_correlation_stays() -> None:
    model = resolved("""OPTIONS: use_phantom; MODEL: m1 ~~ m2@r; m1 ~~ y@.3; m2 ~~ y; m1@v;
        PARAMETERS: r ~ truncate(0, 1); v ~ invgamma(2, 1);""")
    assert model.parameters["r"].prior == Prior("uniform", (-1.0, 1.0), 0.0, 1.0, "user")
    assert model.parameters["m1 ~~ y"].fixed == 0.3
    assert model.parameters["m2 ~~ y"].definition is not None
    assert model.parameters["v"].prior == Prior("inverse_gamma", (2.0, 1.0), source="user")


def test_predictors_keep_their_joint_covariance() -> None:
    model = resolved("OPTIONS: use_phantom; MODEL: y ~ x1 x2;")
    assert all(each.parameterisation == "wishart" for each in model.blocks)


def test_the_note_names_the_pairs_that_have_phantom_variables() -> None:
    def note(script: str) -> str:
        (found,) = [each.message for each in resolved(script).notes if each.code == "phantom"]
        return found

    assert note(THREE).startswith("the correlations of m1 m2 y come from phantom variables with")
    equal = "OPTIONS: use_phantom; MODEL: m1 ~~ m2@r; m1 ~~ y@r; m2 ~~ y;"
    assert note(equal).startswith("the correlation of m2 and y comes from a phantom variable with two flat loadings, ")
