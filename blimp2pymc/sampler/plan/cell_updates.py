"""Which kernel draws missing cells, latent responses and weights."""

from __future__ import annotations

from blimp2pymc.joint_model.ir import Column, Form, Model
from blimp2pymc.sampler.plan.blocking import (
    discrete_columns,
    left_out_groups,
    missing_patterns,
    nonlinear_columns,
    sliced_responses,
    used_categories,
)
from blimp2pymc.sampler.plan.residuals import Structure
from blimp2pymc.sampler.plan.update import Update, equations_of

CELL_RULES: dict[str, str] = {
    "weights": "weights that turn two categories into normal responses: Polya-Gamma, given the linear predictor",
    "nonlinear": "missing values that enter by a power or inside a function: slice sampling, cell by cell",
    "sliced_responses": "latent responses that enter by a power, inside a function or an equation that is not normal: "
    "slice sampling between the category's thresholds, a missing category following its response",
    "cells": "missing values, linear in normal equations: jointly normal where no product holds two of a row",
    "categories": "missing categories that predict something: drawn with their latent responses integrated out, "
    "then the responses",
    "codes": "missing categories of logit equations that predict something: drawn from the probabilities of all codes",
    "counts": "missing counts that predict something: slice sampling on whole numbers, cell by cell",
    "differences": "latent differences of observed nominal categories: normal given the rest, the largest being the "
    "category's own",
    "responses": "latent responses of observed categories: normal given the rest, between the category's thresholds",
    "predictions": "missing outcomes that predict nothing: integrated out, then drawn after the parameters",
}
"""Missing values: kernel -> reason."""


def weight_updates(form: Structure) -> list[Update]:
    """Polya-Gamma weights of logit equations with two categories."""
    names = tuple(dict.fromkeys(group.name for group in form.groups if group.family == "logit"))
    return [Update(names, "weights", names, CELL_RULES["weights"])] if names else []


def cell_updates(model: Model, form: Structure, collapsed: bool) -> list[Update]:
    """Missing cells and latent responses, every variable under the kernels that draw it in some pattern of rows."""
    drawn: dict[str, set[str]] = {kernel: set() for kernel in CELL_RULES if kernel != "weights"}
    scores = {Column(each.variable) for each in form.described}
    drawn["sliced_responses"] = {column.variable for column in sliced_responses(form)}
    drawn["responses"] = {each.outcome.variable for each in form.responses} - drawn["sliced_responses"]
    drawn["differences"] = {each.outcome.variable for each in form.differences}
    for missing, _ in missing_patterns(model, form):
        inactive = left_out_groups(form, missing, collapsed)
        active = [group for index, group in enumerate(form.groups) if index not in inactive and not group.is_cut]
        predicted = {column for index in inactive for column in form.groups[index].outcomes}
        nonlinear = nonlinear_columns(active)
        categories = used_categories(form, active, missing)
        discrete = discrete_columns(form, [k for k in range(len(form.groups)) if k not in inactive], missing)
        for column, own in discrete.items():
            is_count = form.groups[own[0]].family == "negative_binomial"
            drawn["counts" if is_count else "codes"].add(column.variable)
        drawn["categories"] |= categories - drawn["sliced_responses"]
        for column in missing - scores:
            if column.form is Form.LATENT_RESPONSE and column.variable in categories:
                continue
            if column.form is Form.WORKING_RESPONSE and Column(column.variable) in discrete:
                continue
            kernel = "predictions" if column in predicted else "nonlinear" if column in nonlinear else "cells"
            drawn[kernel].add(column.variable)
    updates = []
    for kernel, names in drawn.items():
        order = model.variables if kernel in ("responses", "sliced_responses", "differences") else model.unknown
        targets = tuple(name for name in order if name in names)
        if targets:
            groups = {
                index
                for index, group in enumerate(form.groups)
                if not group.is_cut and names & {column.variable for column in group.columns}
            }
            updates.append(Update(targets, kernel, equations_of(form, groups), CELL_RULES[kernel]))
    return updates
