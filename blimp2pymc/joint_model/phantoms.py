"""`use_phantom`: every correlation of a `~~` block comes from a phantom variable that two residuals share.

For members a and b a standard normal f with e_a = l_a f + ..., e_b = l_b f + ..., both loadings flat. Only the
covariances say anything about f, so that it is integrated out: with loadings in units of the residual's standard
deviation, m_a = l_a / sqrt(v_a), the correlation is m_a m_b. A member of k pairs leaves 1 - sum of m^2 of its variance
to itself, hence its m are uniform on the unit ball of dimension k, and v has the density v^(k/2) times its own prior.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from blimp2pymc.errors import Finding
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.priors import VARIANCE

ONE, TWO = ir.Constant(1.0), ir.Constant(2.0)


def with_phantoms(
    equations: Sequence[ir.Equation],
    blocks: Sequence[ir.JointBlock],
    parameters: Mapping[str, ir.Parameter],
    prior_family: int,
    findings: list[Finding],
) -> tuple[dict[str, ir.Parameter], tuple[ir.JointBlock, ...]]:
    """Set the correlations of `~~` to products of loadings on phantom variables.

    Parameters
    ----------
    equations, blocks, parameters
        The structure of a model; definitions and priors of PARAMETERS are in `parameters`. Correlations that are
        fixed, defined, equal to others or have a prior or bounds of their own stay as they are, and so do those of
        residuals whose variance has a model.
    prior_family
        1, 2 or 3 (PRIOR1, PRIOR2, PRIOR3): prior of variances.
    findings
        A note for every block.
    """
    variance_of = {each.outcome: each.residual_variance for each in equations if each.role is not ir.Role.MEANS}
    uses = Counter(name for block in blocks for name in block.correlations.values())
    changed = dict(parameters)
    n_loadings: Counter[str] = Counter()
    found = []
    for block in blocks:
        modelled = any(variance_of[member] is None for member in block.members)
        pairs = {
            pair: name
            for pair, name in block.correlations.items()
            if block.role is ir.Role.OUTCOME
            and not modelled
            and uses[name] == 1
            and _is_left_to_its_block(parameters[name])
        }
        if not pairs:
            found.append(block)
            continue
        for pair, name in pairs.items():
            loadings = [_loading(changed, block, pair, member, pairs) for member in pair]
            product = ir.Apply("*", (loadings[0], loadings[1]))
            changed[name] = replace(parameters[name], definition=product, prior=ir.NO_PRIOR)
            n_loadings.update(variance_of[block.members[member]] or "" for member in pair)
        found.append(replace(block, parameterisation="phantom"))
        findings.append(_note(block, list(pairs)))
    for name, count in n_loadings.items():
        prior = changed[name].prior
        if changed[name].is_free and prior.distribution in ("block", "inverse_gamma") and prior.source == "default":
            a, b = VARIANCE[prior_family].arguments
            changed[name] = replace(changed[name], prior=replace(
                prior, distribution="inverse_gamma", arguments=(a - count / 2, b)))  # fmt: skip
    return changed, tuple(found)


def _note(block: ir.JointBlock, pairs: Sequence[tuple[int, int]]) -> Finding:
    """A note on a block; it names the pairs where others do without phantom variables."""
    source = "phantom variables with two flat loadings each"
    what = f"the correlations of {' '.join(each.name for each in block.members)} come"
    listed = ", ".join(" and ".join(block.members[each].name for each in pair) for pair in pairs)
    if len(pairs) == 1:
        what, source = f"the correlation of {listed} comes", "a phantom variable with two flat loadings"
    elif len(pairs) < len(block.correlations):
        what = f"the correlations of {listed} come"
    if len(pairs) < len(block.correlations):
        source += ", unlike others of the block"
    return Finding(f"{what} from {source}, which favours correlations near 0; every variance has its own prior",
                   block.span, code="phantom", severity="note")  # fmt: skip


def phantom_loadings(
    block: ir.JointBlock, parameters: Mapping[str, ir.Parameter]
) -> dict[tuple[int, int], tuple[str, str]]:
    """Pairs of members with a phantom variable, and the names of its two standardised loadings."""
    names = {pair: (_name(block, pair, pair[0], "loading"), _name(block, pair, pair[1], "loading"))
             for pair in block.correlations}  # fmt: skip
    return {pair: each for pair, each in names.items() if each[0] in parameters}


def _is_left_to_its_block(parameter: ir.Parameter) -> bool:
    prior = parameter.prior
    return parameter.is_free and prior.distribution == "block" and prior.lower <= -1 and prior.upper >= 1


def _loading(
    parameters: dict[str, ir.Parameter],
    block: ir.JointBlock,
    pair: tuple[int, int],
    member: int,
    pairs: Mapping[tuple[int, int], str],
) -> ir.Expression:
    """A standardised loading; it and what it is computed from are added to the parameters.

    Uniform on a ball: the first loading x of a member has the density (1 - x^2)^((k - 1)/2), and the others the same
    form with one dimension less, in units of what is left, sqrt(1 - x^2). The sign of both loadings of a phantom
    variable is arbitrary: the first one is positive.
    """
    own = sorted(each for each in pairs if member in each)
    place = own.index(pair)
    n_later = len(own) - place - 1
    lower = 0.0 if member == pair[0] else -1.0
    name = _name(block, pair, member, "loading")
    span = parameters[block.correlations[pair]].span
    if len(own) == 1:
        parameters[name] = ir.Parameter(name, ir.ParameterKind.PHANTOM_LOADING, _uniform(lower), span=span)
        return ir.ParameterReference(name)
    inner = _name(block, pair, member, "coordinate")
    # (1 + x)/2 is beta distributed.
    prior = _uniform(lower) if n_later == 0 else ir.Prior("beta", (n_later / 2 + 1,) * 2, (1 + lower) / 2, 1.0)
    parameters[inner] = ir.Parameter(inner, ir.ParameterKind.PHANTOM_LOADING, prior, span=span)
    value = _coordinate(block, pair, member, n_later)
    for earlier in own[:place]:
        before = _coordinate(block, earlier, member, len(own) - own.index(earlier) - 1)
        left = ir.Apply("-", (ONE, ir.Apply("^", (before, TWO))))
        value = ir.Apply("*", (value, ir.Apply("sqrt", (left,))))
    parameters[name] = ir.Parameter(name, ir.ParameterKind.PHANTOM_LOADING, ir.NO_PRIOR, definition=value, span=span)
    return ir.ParameterReference(name)


def _uniform(lower: float) -> ir.Prior:
    return ir.Prior("uniform", (lower, 1.0), lower, 1.0)


def _name(block: ir.JointBlock, pair: tuple[int, int], member: int, what: str) -> str:
    first, second = (block.members[each].name for each in pair)
    return f"phantom {first} {second} {what} of {block.members[member].name}"


def _coordinate(block: ir.JointBlock, pair: tuple[int, int], member: int, n_later: int) -> ir.Expression:
    reference = ir.ParameterReference(_name(block, pair, member, "coordinate"))
    return reference if n_later == 0 else ir.Apply("-", (ir.Apply("*", (TWO, reference)), ONE))
