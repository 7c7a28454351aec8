"""What is drawn together with the thresholds of a variable, its latent responses integrated out: read off the model.

Coefficients of its equation, where they occur nowhere else and nothing else looks at the response. And where a factor
has its scale from this variable, because its loading here is fixed: the factor's scale. That is the change of scale
which `scale_moves` finds for the factor, less the response, thresholds and coefficients of this equation: the
factor's values are multiplied by g, other loadings divided by g, its variance multiplied by g^2. Nothing changes
then but the means of the responses, by the part of them that has no coefficient of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from blimp2pymc.joint_model.ir import Column, Form, Model, Product
from blimp2pymc.sampler.plan.residuals import Residual, Structure
from blimp2pymc.sampler.plan.scale_moves import ScaleMove, log_variance_intercept


@dataclass(frozen=True)
class ResponseStep:
    """What is drawn for one latent response, which is integrated out."""

    response: Column
    thresholds: tuple[str, ...]
    coefficients: tuple[str, ...] = ()
    scale: ScaleMove | None = None
    """Change of scale of a factor, with power 1 for the part of the mean that `scaled` says."""
    scaled: tuple[Product, ...] = ()
    """Products of the response's residual that are multiplied by the factor of `scale`."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the parameters of the variable's own equation."""
        return (*self.thresholds, *self.coefficients)

    def without(self, left: Set[str]) -> ResponseStep:
        """The step that leaves parameters as they are."""
        keeps_scale = self.scale is None or self.scale.targets & left
        return replace(
            self,
            thresholds=tuple(name for name in self.thresholds if name not in left),
            coefficients=tuple(name for name in self.coefficients if name not in left),
            scale=None if keeps_scale else self.scale,
            scaled=() if keeps_scale else self.scaled,
        )


def response_steps(
    model: Model, form: Structure, chosen: Mapping[str, str], moves: tuple[ScaleMove, ...], collapsed: bool
) -> tuple[ResponseStep, ...]:
    """Find what is drawn with the thresholds of each latent response; not `collapsed`: nothing."""
    zero = {name for name, each in model.parameters.items() if each.fixed == 0.0}
    occurrences = Counter(
        (name, k)
        for k, residual in enumerate(form.residuals)
        for name in {name for product in residual.products for name in product.parameters}
    )
    equations = Counter(name for name, _ in occurrences)
    found = []
    for each in form.responses:
        thresholds = tuple(name for name in each.equation.thresholds if chosen.get(name) == "thresholds")
        step = ResponseStep(each.outcome, thresholds)
        if collapsed and _is_own(form, each):
            own = {name for name in each.parameters if equations[name] == 1}
            step = ResponseStep(each.outcome, thresholds, _linear(each, own, chosen))
            step = _with_scale(form, each, own, zero, moves, step)
        found.append(step)
    return tuple(found)


def _is_own(form: Structure, response: Residual) -> bool:
    """Whether no other residual holds the response, so that its mean given all else follows its equation's."""
    groups = [group for group in form.groups if response in group.residuals]
    holders = [each for each in form.residuals if response.outcome in each.columns]
    return holders == [response] and all(group.weight is None and group.family == "normal" for group in groups)


def _linear(response: Residual, own: set[str], chosen: Mapping[str, str]) -> tuple[str, ...]:
    """Coefficients of an equation in which its mean is linear, given everything that is not among them."""
    drawn = [name for name in dict.fromkeys(name for product in response.products for name in product.parameters)
             if name in own and chosen.get(name) in ("coefficients", "bounded")]  # fmt: skip
    for product in response.products:
        among = [name for name in product.parameters if name in drawn]
        # The first of several in a product stays: the others are known while it is drawn.
        drawn = [name for name in drawn if name not in among[1:]]
        if len(among) > 1 and among[0] == among[1]:
            drawn = [name for name in drawn if name != among[0]]
    return tuple(drawn)


def _with_scale(
    form: Structure, response: Residual, own: set[str], zero: set[str], moves: tuple[ScaleMove, ...], step: ResponseStep
) -> ResponseStep:
    """Add the change of scale of a factor whose scale comes from this response, if there is one."""
    for move in moves:
        if [column for column, _ in move.columns if column.form is Form.LATENT_RESPONSE] != [response.outcome]:
            continue
        unit = dict(move.columns)[response.outcome]
        columns = tuple((column, power / unit) for column, power in move.columns if column != response.outcome)
        before = {name: power / unit for name, power in move.parameters}
        moved_here = {name: power for name, power in before.items() if name in response.parameters}
        if not columns or any(power != 1 or name not in own for name, power in moved_here.items()):
            continue
        left = {name for name in before if name in moved_here or name in response.equation.thresholds}
        reduced = ScaleMove(
            columns,
            tuple((name, power) for name, power in before.items() if name not in left),
            tuple((name, rate / unit) for name, rate in move.shifts),
        )
        mean = [each for each in response.products
                if each.columns != (response.outcome,) and not zero & set(each.parameters)]  # fmt: skip
        scaled = tuple(each for each in mean if not set(each.parameters) & set(moved_here))
        powers = {each: _power(each, reduced) for each in mean}
        fits = scaled and all(power == (1.0 if each in scaled else 0.0) for each, power in powers.items())
        if fits and _only_here(form, response, reduced):
            return ResponseStep(step.response, step.thresholds, step.coefficients, reduced, scaled)
    return step


def _power(product: Product, move: ScaleMove) -> float:
    columns, parameters = dict(move.columns), dict(move.parameters)
    return sum(columns.get(each, 0.0) for each in product.columns) + sum(
        parameters.get(name, 0.0) for name in product.parameters
    )


def _only_here(form: Structure, response: Residual, move: ScaleMove) -> bool:
    """Whether every other residual keeps its size in units of its standard deviation."""
    columns, parameters, shifts = dict(move.columns), dict(move.parameters), dict(move.shifts)
    return all(
        columns.get(each.outcome, 0.0)
        == 0.5 * parameters.get(each.equation.residual_variance or "", 0.0)
        + 0.5 * shifts.get(log_variance_intercept(form, each.outcome), 0.0)
        for each in form.residuals
        if each != response and not each.models_variance
    )
