"""Rows in which missing outcomes are drawn although nothing depends on them, so that classes of rows are few.

Where latent variables are integrated out, rows with the same equations left out have a matrix Q of their own (see
`marginals`): a density costs as many matrices as there are such classes of rows. With values missing here and there
most classes are small. In their rows missing outcomes are drawn like other cells, and no equation is left out: these
rows join the complete ones. Latent variables are integrated out in them all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.sampler.plan.blocking import left_out_groups, missing_patterns
from blimp2pymc.sampler.plan.conditions import ParameterFacts
from blimp2pymc.sampler.plan.marginals import FEW_OUTCOMES, MOST_CLASSES, MOST_MATRICES, Marginal, marginals
from blimp2pymc.sampler.plan.residuals import Structure

MOST_ROWS = 0.7
"""Share of the rows that has to remain as it is."""


def with_few_classes(model: Model, form: Structure, facts: Mapping[str, ParameterFacts]) -> Structure:
    """Keep all equations in the rows of small classes, where classes are too many for moves along directions.

    Only where everything moves along them, as in growth models.
    """
    patterns = {missing: len(rows) for missing, rows in missing_patterns(model, form) if len(rows)}
    class_of = {missing: left_out_groups(form, missing, True) for missing in patterns}
    sizes = {each: sum(patterns[missing] for missing in patterns if class_of[missing] == each)
             for each in class_of.values()}  # fmt: skip
    joined = marginals(model, replace(form, kept=frozenset(patterns)), facts)
    n_directions = max((_n_directions(each) for each in joined if _has_few_outcomes(form, each)), default=0)
    if not n_directions or (len(sizes) <= MOST_CLASSES and len(sizes) * n_directions <= MOST_MATRICES):
        return form
    others = sorted((each for each in sizes if each), key=lambda each: (-sizes[each], sorted(each)))
    frequent = {frozenset(), *others[: max(MOST_MATRICES // n_directions - 1, 0)]}
    if sum(sizes.get(each, 0) for each in frequent) < MOST_ROWS * model.frame.n_rows:
        return form
    return replace(form, kept=frozenset(missing for missing in patterns if class_of[missing] not in frequent))


def _n_directions(marginal: Marginal) -> int:
    return sum(1 if each.weights else len(each.parameters) for each in marginal.paths)


def _has_few_outcomes(form: Structure, marginal: Marginal) -> bool:
    n_outcomes = sum(len(form.groups[k].outcomes) for k in marginal.groups) - len(marginal.latent)
    return n_outcomes <= FEW_OUTCOMES * len(marginal.latent)
