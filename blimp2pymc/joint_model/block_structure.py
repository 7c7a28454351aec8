"""Covariance blocks once everything about their elements is known: which prior, and whether they can exist.

A block whose elements are all free and parameters of their own keeps its inverse Wishart prior,
restricted to the bounds that PARAMETERS states. Any other block is structured: its variances keep the
univariate priors they would have without `~~`, its free correlations are uniform, and the density is
zero where the matrix is not positive definite. A block with a variance that has a model, `var(y) ~ x`, is
structured: its correlations are those of the standardized residuals, the same in all rows, and a covariance differs
from row to row with the standard deviations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from blimp2pymc.errors import Finding
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.priors import VARIANCE

UNIT_POWER = 1.0
"""With all variances of a block fixed, the density of its correlations is |R| to this power (LKJ with eta 2).
Blimp draws the whole matrix as if it were free and rescales it, which no density of the correlations
reproduces exactly; for two variables powers between 1 and 2 come close, and 1 is the simplest of them."""

CORRELATION = ir.Prior("uniform", (-1.0, 1.0))
"""Free correlations of a structured block, where the matrix is positive definite."""

SMALLEST_EIGENVALUE = 1e-6
"""Fixed correlations must leave a correlation matrix with eigenvalues above this."""


def settle_blocks(
    equations: Sequence[ir.Equation],
    blocks: Sequence[ir.JointBlock],
    parameters: Mapping[str, ir.Parameter],
    prior_family: int,
    findings: list[Finding],
) -> tuple[dict[str, ir.Parameter], tuple[ir.JointBlock, ...]]:
    """Give the elements of every block their priors.

    Parameters
    ----------
    equations, blocks, parameters
        The structure of a model; definitions and priors of PARAMETERS are in `parameters`.
    prior_family
        1, 2 or 3 (PRIOR1, PRIOR2, PRIOR3).
    findings
        Notes on structured blocks, and blocks that no values can make positive definite.
    """
    variance_of = {each.outcome: each.residual_variance for each in equations if each.role is not ir.Role.MEANS}
    uses = Counter(each.residual_variance for each in equations)
    uses.update(name for block in blocks for name in set(block.correlations.values()))
    changed = dict(parameters)
    settled = []
    for block in blocks:
        modelled = [member for member in block.members if variance_of[member] is None]
        variances = [name for member in block.members if (name := variance_of[member]) is not None]
        pairs = list(block.correlations.values())
        own = {
            name
            for name in (*variances, *pairs)
            if uses[name] == 1
            and pairs.count(name) <= 1
            and parameters[name].is_free
            and parameters[name].prior.distribution == "block"
        }
        free_pairs = [name for name in pairs if parameters[name].fixed is None]
        size = len(block.members)
        if not modelled and own.issuperset((*variances, *pairs)) and len(pairs) == size * (size - 1) // 2:
            settled.append(block)
        elif (
            not modelled
            and all(parameters[name].fixed is not None for name in variances)
            and own.issuperset(free_pairs)
        ):
            power = -(size + 1.0) - 2.0 * UNIT_POWER
            settled.append(replace(block, scale=(0.0,) * size, degrees_of_freedom=power))
            if free_pairs:
                findings.append(_note_on_unit_variances(block))
        else:
            settled.append(block)
            if modelled:
                findings.append(_note_on_modelled_variances(block, modelled))
            elif block.parameterisation == "wishart":
                findings.append(_note_on_structure(block, _reasons(block, variances, parameters, uses)))
            for name in variances:
                _separate(changed, name, VARIANCE[prior_family])
            for name in pairs:
                _separate(changed, name, CORRELATION)
        values = [changed[name].fixed for name in pairs]
        in_range = all(each is None or -1 < each < 1 for each in values)
        if in_range and starting_correlations(block, changed) is None:
            findings.append(Finding(
                f"the values stated for correlations of {_names(block)} belong to no positive definite matrix",
                block.span, "values nearer to 0, or wider bounds", "not-positive-definite",
            ))  # fmt: skip
    return changed, tuple(settled)


def has_own_density(block: ir.JointBlock, parameters: Mapping[str, ir.Parameter], variances: Sequence[str]) -> bool:
    """Whether a block has a prior density of its own: some of its elements leave their prior to it."""
    names = (*variances, *block.correlations.values())
    return any(parameters[name].is_free and parameters[name].prior.distribution == "block" for name in names)


def starting_correlations(block: ir.JointBlock, parameters: Mapping[str, ir.Parameter]) -> dict[str, float] | None:
    """Values of a block's free correlations at which its matrix is positive definite; None where there are none.

    Zero, or the middle of the bounds, where that will do. Otherwise projected in turn on the matrices
    with eigenvalues above a small number and on those with the fixed, equal and bounded elements of the
    block. Correlations set by a definition are taken as free: their values are not known here.
    """
    size = len(block.members)
    places: dict[str, list[tuple[int, int]]] = {}
    matrix = np.eye(size)
    for pair, name in block.correlations.items():
        fixed = parameters[name].fixed
        if fixed is None:
            places.setdefault(name, []).append(pair)
            matrix[pair] = matrix[pair[::-1]] = _inside(parameters[name], 0.0)
        else:
            matrix[pair] = matrix[pair[::-1]] = fixed
    constant = matrix.copy()
    for _ in range(2000):
        roots, vectors = np.linalg.eigh(matrix)
        if roots[0] > SMALLEST_EIGENVALUE:
            return {name: float(matrix[pairs[0]]) for name, pairs in places.items()}
        raised = (vectors * np.maximum(roots, 0.01)) @ vectors.T
        matrix = constant.copy()
        for name, pairs in places.items():
            value = _inside(parameters[name], float(np.mean([raised[pair] for pair in pairs])))
            for pair in pairs:
                matrix[pair] = matrix[pair[::-1]] = value
    return None


def _inside(parameter: ir.Parameter, value: float) -> float:
    """The value, or the nearest one well within the bounds of a correlation."""
    lower, upper = max(-1.0, parameter.prior.lower), min(1.0, parameter.prior.upper)
    margin = 0.05 * (upper - lower)
    return min(max(value, lower + margin), upper - margin)


def _separate(parameters: dict[str, ir.Parameter], name: str, default: ir.Prior) -> None:
    """Replace a prior left to the block, keeping bounds."""
    prior = parameters[name].prior
    if parameters[name].is_free and prior.distribution == "block":
        own = replace(default, lower=prior.lower, upper=prior.upper, source=prior.source)
        parameters[name] = replace(parameters[name], prior=own)


def _reasons(
    block: ir.JointBlock,
    variances: Sequence[str],
    parameters: Mapping[str, ir.Parameter],
    uses: Mapping[str | None, int],
) -> str:
    """What keeps a block from having one prior for the whole matrix, in words."""
    size, pairs = len(block.members), list(block.correlations.values())
    names = dict.fromkeys((*variances, *pairs))
    kinds = {
        "zero": len(pairs) < size * (size - 1) // 2 or any(parameters[name].fixed == 0 for name in pairs),
        "fixed": any(parameters[name].fixed for name in names),
        "defined": any(parameters[name].definition is not None for name in names),
        "equal": any(uses[name] > 1 or pairs.count(name) > 1 for name in names if parameters[name].is_free),
    }
    found = [kind for kind, is_found in kinds.items() if is_found]
    elements = " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
    has_priors = any(parameters[name].is_free and parameters[name].prior.distribution != "block" for name in names)
    return " and ".join([f"{elements} elements"] * bool(found) + ["elements with priors of their own"] * has_priors)


def _note_on_structure(block: ir.JointBlock, reasons: str) -> Finding:
    return Finding(
        f"the covariance matrix of {_names(block)} has {reasons}: "
        "its free variances have univariate priors, its free correlations are uniform where the matrix is positive "
        "definite", block.span, code="structured-block", severity="note",
    )  # fmt: skip


def _note_on_unit_variances(block: ir.JointBlock) -> Finding:
    density = "1 - r^2" if len(block.members) == 2 else "the determinant of the correlation matrix"
    power = "" if UNIT_POWER == 1 else f", to the power {UNIT_POWER:g}"
    return Finding(
        f"the variances of {_names(block)} are fixed, so the prior density of the correlations is proportional to "
        f"{density}{power}", block.span, code="unit-variances", severity="note",
    )  # fmt: skip


def _note_on_modelled_variances(block: ir.JointBlock, modelled: Sequence[ir.Column]) -> Finding:
    variances = (
        f"variance of {modelled[0].variable} has" if len(modelled) == 1 else f"variances of {_listed(modelled)} have"
    )
    return Finding(
        f"the residual {variances} predictors, so that '~~' of {_names(block)} means the correlation of standardized "
        "residuals, the same in all rows, uniform where the matrix is positive definite", block.span,
        code="row-covariances", severity="note",
    )  # fmt: skip


def _names(block: ir.JointBlock) -> str:
    return _listed(block.members)


def _listed(members: Sequence[ir.Column]) -> str:
    names = [member.variable for member in members]
    return f"{', '.join(names[:-1])} and {names[-1]}"
