"""Model and plan as tables: names become indices, residuals become products over monomials.

Rows are sorted by pattern of missing cells. Patterns in which the same groups say something, and the same cells are
integrated out while parameters are drawn, form a class; moments are kept per class, and those of a group are the sum
over the classes in which it is active. Moments of complete rows do not change and are computed here, once, for all
chains.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from blimp2pymc.joint_model.ir import Column, Model
from blimp2pymc.sampler.compilation.references import Reference
from blimp2pymc.sampler.numerics.evaluator import assemble
from blimp2pymc.sampler.plan.blocking import left_out_groups, missing_patterns, rows_by_value, used_categories
from blimp2pymc.sampler.plan.inverses import power_names, turned_outcomes
from blimp2pymc.sampler.plan.rules import Plan
from blimp2pymc.sampler.tables.category_tables import category_table, difference_table, response_table
from blimp2pymc.sampler.tables.cell_tables import cell_table, nonlinear_table
from blimp2pymc.sampler.tables.centers import center_table
from blimp2pymc.sampler.tables.column_values import column_values
from blimp2pymc.sampler.tables.covariance_tables import covariance_move_table
from blimp2pymc.sampler.tables.family_tables import add_working_columns, family_table, outcome_table
from blimp2pymc.sampler.tables.implied_tables import implied_table
from blimp2pymc.sampler.tables.interweaving_tables import interweaving_table
from blimp2pymc.sampler.tables.item_tables import item_table
from blimp2pymc.sampler.tables.layout import Layout, Pattern
from blimp2pymc.sampler.tables.marginal_tables import marginal_table
from blimp2pymc.sampler.tables.move_tables import location_move_table, reflection_table
from blimp2pymc.sampler.tables.parameter_tables import prior_table, update_tables
from blimp2pymc.sampler.tables.recorded import statistics_table
from blimp2pymc.sampler.tables.residual_tables import residual_table
from blimp2pymc.sampler.tables.row_classes import known_moments, row_classes, row_table
from blimp2pymc.sampler.tables.row_statistics import row_statistics_table
from blimp2pymc.sampler.tables.scale_tables import scale_move_table
from blimp2pymc.sampler.tables.tables import Tables
from blimp2pymc.sampler.tables.trajectory_tables import trajectory_table
from blimp2pymc.sampler.tables.transformation_tables import transformation_table


def lay_out(model: Model, plan: Plan) -> Layout:
    """Turn a model and its plan into tables."""
    form = plan.structure
    result = Layout(model, plan)
    for name in (*model.parameters, *(each for each in form.definitions if each not in model.parameters)):
        result.parameters[name] = len(result.parameters)
    for name in (*model.data, *model.latent):
        result.columns[Column(name)] = len(result.columns)
    for residual in form.latent_responses:
        result.columns[residual.outcome] = len(result.columns)
    result.shown = tuple(result.columns)
    for equation in model.equations:
        if equation.transform is not None:
            result.columns[equation.scale] = len(result.columns)
    for group in form.groups:
        for residual in group.residuals:
            for product in residual.products:
                for function in product.functions:
                    if function not in result.functions:
                        result.functions[function] = len(result.columns) + len(result.functions)
    add_working_columns(result)
    for equation in model.equations:
        if equation.transform is not None and equation.transform.parameter in power_names(model):
            n_known = len(result.columns) + len(result.functions) + len(result.working)
            result.logarithms[equation.outcome] = n_known + len(result.logarithms)
    result.monomials[()] = 0
    for group in form.groups:
        for residual in group.residuals:
            for product in residual.products:
                result.monomials.setdefault(result.monomial(product), len(result.monomials))
    _arrange_rows(result)
    statistics, extra_pairs = statistics_table(result)
    by_row = row_statistics_table(result, len(statistics.kind))
    n_monomials = result.n_moments = len(result.monomials)
    cells = cell_table(result)
    responses = response_table(result, cells)
    nonlinear = nonlinear_table(result, cells, responses)
    categories = category_table(result, cells, responses)
    classes = row_classes(result)
    items = item_table(result, list(classes))
    rows, weighted, set_of_group, group_rows = row_table(result, classes, extra_pairs, cells)
    residuals = residual_table(result)._replace(group_set=set_of_group, group_rows=group_rows)
    complete = column_values(result, result.complete_rows)
    families = family_table(result)
    marginals = marginal_table(result, list(classes), rows.class_rows)
    following = interweaving_table(result, list(families.moments), marginals.learned[-1])
    kernels, indices, coefficients, variances, covariance, slices, scoring = update_tables(result)
    tables = Tables(
        residuals=residuals,
        priors=prior_table(result),
        rows=rows,
        cells=cells,
        nonlinear=nonlinear,
        responses=responses,
        categories=categories,
        differences=difference_table(result, cells),
        coefficients=coefficients,
        variances=variances,
        covariance=covariance,
        slices=slices,
        scoring=scoring,
        families=families,
        weighted=weighted,
        outcomes=outcome_table(result, cells),
        row_statistics=by_row,
        marginals=marginals,
        implied=implied_table(result),
        reflections=reflection_table(result),
        centers=center_table(result),
        scale_moves=scale_move_table(result, residuals, plan.scale_moves),
        response_scales=scale_move_table(
            result, residuals, [each.scale for each in plan.response_steps if each.scale is not None]
        ),
        location_moves=location_move_table(result, residuals),
        trajectories=trajectory_table(result),
        covariance_moves=covariance_move_table(result),
        interweavings=following,
        item_moves=items._replace(learned=following.learned[-1] + items.learned),
        statistics=statistics,
        definitions=assemble(
            [(result.parameters[name], each) for name, each in form.definitions.items()], result.parameters, {}
        ),
        functions=assemble(
            [(index, each) for each, index in result.functions.items()], result.parameters, result.columns
        ),
        inverses=assemble(
            [(result.columns[column], each) for column, each in turned_outcomes(model).items()],
            result.parameters,
            result.columns,
        ),
        transformations=transformation_table(result),
        step_kernel=kernels,
        step_index=indices,
        base=known_moments(result, classes, complete, n_monomials),
        complete=complete,
    )
    result.tables = Reference(tables)
    return result


def _arrange_rows(result: Layout) -> None:
    form = result.plan.structure
    (_, result.complete_rows), *found = missing_patterns(result.model, form)
    patterns: list[Pattern] = []
    for missing, rows in found:
        inactive = left_out_groups(form, missing, result.plan.collapsed)
        active = [group for index, group in enumerate(form.groups) if index not in inactive and not group.is_cut]
        used = used_categories(form, active, missing)
        cells = [each.integrated(form, missing, inactive) for each in result.plan.marginals]
        multiplying = [each.multiplying(own) for each, own in zip(result.plan.marginals, cells, strict=True)]
        for values, same in rows_by_value(result.model, frozenset().union(*multiplying), rows):
            patterns.append(Pattern(missing, same, 0, inactive, frozenset().union(*cells), values, used))
    # Rows of a class are neighbours. The first class is that of the complete rows.
    patterns.sort(
        key=lambda each: (
            len(each.inactive),
            sorted(each.inactive),
            sorted(column.variable for column in each.integrated),
            each.values,
        )
    )
    lows = np.cumsum([0, *(len(each.rows) for each in patterns)])
    patterns = [replace(each, low=int(low)) for each, low in zip(patterns, lows[:-1], strict=True)]
    result.patterns = tuple(patterns)
