"""Expected scores: what an ORDINAL predictor is centered at, as a function of the parameters of its model.

The score of a variable with codes a_1 < ... < a_C and thresholds tau_k is, on average,
a_1 + sum over k of (a_{k+1} - a_k) * phi((mean - tau_k) / sd), with mean and standard deviation of its
latent response. In the joint model of predictors the latter follows from the sequence of regressions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from blimp2pymc.joint_model.families import mean_name, threshold_name
from blimp2pymc.joint_model.ir import Apply, Constant, Expression, Kind, ParameterReference, Variable

ONE = Constant(1.0)

MOST_CENTERED = 6
"""More centered ORDINAL members are refused: with each of them the expressions get twice as long."""


def expected_score(variable: Variable, variance: Expression = ONE) -> Expression:
    """Mean of an ordinal variable's score.

    Parameters
    ----------
    variable
        The variable; its codes are the values averaged.
    variance
        Variance of its latent response.
    """
    mean = ParameterReference(mean_name(variable.name))
    total: Expression = Constant(variable.categories[0])
    for place, (lower, upper) in enumerate(zip(variable.categories[:-1], variable.categories[1:], strict=True), 1):
        distance: Expression = mean
        if place > 1:
            distance = Apply("-", (mean, ParameterReference(threshold_name(variable.name, place))))
        if variance != ONE:
            distance = Apply("/", (distance, Apply("sqrt", (variance,))))
        total = _plus(total, _times(Constant(upper - lower), Apply("phi", (distance,))))
    return total


def latent_response_variance(name: str, sequence: Sequence[str], variables: Mapping[str, Variable]) -> Expression:
    """Variance of an ordinal member's latent response in the joint model of predictors, given the fixed ones.

    Each member is written as a sum of the continuous members' deviations and of the residuals of the
    latent responses up to it, which have variance 1 and are independent of all else.

    Parameters
    ----------
    name
        The member.
    sequence, variables
        Members of the joint model in sequence, and what they are.
    """
    continuous = [each for each in sequence if variables[each].kind is Kind.CONTINUOUS]
    ordinal = [each for each in sequence if variables[each].kind is Kind.ORDINAL]
    effects: dict[str, dict[str, Expression]] = {}
    for each in ordinal[: ordinal.index(name) + 1]:
        total: dict[str, Expression] = {
            predictor: ParameterReference(f"{each} ~ {predictor}") for predictor in continuous
        }
        for earlier, passed in effects.items():
            slope = ParameterReference(f"{each} ~ {earlier}.latent")
            for source, effect in passed.items():
                path = _times(slope, effect)
                total[source] = _plus(total[source], path) if source in total else path
        total[each] = ONE
        effects[each] = total
    own = effects[name]
    parts = [
        _times(_times(own[first], own[second]), _covariance(first, second))
        for first in continuous for second in continuous if continuous.index(first) <= continuous.index(second)
    ]  # fmt: skip
    parts += [_times(own[earlier], own[earlier]) for earlier in effects]
    return reduce(_plus, parts)


def _covariance(first: str, second: str) -> Expression:
    """Variance of one continuous member, or twice the covariance of two."""
    variances = [ParameterReference(f"{each} residual variance") for each in (first, second)]
    if first == second:
        return variances[0]
    correlation = ParameterReference(f"{first} ~~ {second}")
    return _times(Constant(2.0), _times(correlation, Apply("sqrt", (Apply("*", tuple(variances)),))))


def _plus(left: Expression, right: Expression) -> Expression:
    return right if left == Constant(0.0) else Apply("+", (left, right))


def _times(left: Expression, right: Expression) -> Expression:
    if left == ONE:
        return right
    if left == right:
        return Apply("^", (left, Constant(2.0)))
    return left if right == ONE else Apply("*", (left, right))
