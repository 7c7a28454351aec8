"""Tables of what is different from row to row: weights, outcomes that are not normal, what is recorded of rows.

Part of the tables of a model; see `tables` for how ragged lists are stored.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Families(NamedTuple):
    """Outcome family of each group, and the columns and parameters that belong to it; -1 where it has none."""

    kind: np.ndarray
    """Codes of `family_tables.FAMILY_CODES`."""
    outcome: np.ndarray
    """Column of the observed outcome."""
    code: np.ndarray
    """Category of a logit equation."""
    reference: np.ndarray
    """Reference category of its outcome."""
    equation: np.ndarray
    """First equation of the group."""
    monomial: np.ndarray
    """Monomial that is the working response alone."""
    response: np.ndarray
    """Column of the working response."""
    weight: np.ndarray
    """Column of its weight."""
    precision: np.ndarray
    """Of a log variance: column of the precisions it stands for, or in a block of their roots."""
    dispersion: np.ndarray
    """Parameter."""
    mean: np.ndarray
    """Of a log variance: group of the mean, or of the block of means, it belongs to."""
    residual: np.ndarray
    """Of a log variance: equation of its mean."""
    variance_start: np.ndarray
    """Of a mean, of a block and of a log variance: groups of all log variances of the same outcome or block."""
    variance: np.ndarray
    sibling_start: np.ndarray
    """Groups of the same nominal outcome, the group itself included."""
    sibling: np.ndarray
    above_start: np.ndarray
    """Of counts: number of rows with an observed count above 0, 1, 2, ..."""
    above: np.ndarray
    large_start: np.ndarray
    """Of counts: observed ones that are too large for `above`, and the number of rows with each."""
    large: np.ndarray
    large_rows: np.ndarray
    missing_start: np.ndarray
    """Of counts: runs of rows whose missing counts predict something, and are part of the density."""
    missing_low: np.ndarray
    missing_high: np.ndarray
    moments: np.ndarray
    """Index in `Weighted`."""


class Weighted(NamedTuple):
    """Moment matrices with weights, one for each group that has them."""

    moment_set: np.ndarray
    """Place among the moment sets."""
    column: np.ndarray
    """Column of the weights; -1: all are 1, and columns of the residuals differ in every sweep."""
    has_class: np.ndarray
    """Whether the group says something in a class of rows; (weighted groups, classes)."""
    is_normal: np.ndarray
    """Whether the group is a normal equation given its weights, so that every sweep needs the matrix."""
    pair_start: np.ndarray
    pair_first: np.ndarray
    pair_second: np.ndarray
    used_start: np.ndarray
    used_monomial: np.ndarray


class Outcomes(NamedTuple):
    """Missing categories and counts that predict nothing that is observed: drawn after the parameters."""

    group: np.ndarray
    low: np.ndarray
    high: np.ndarray
    block: np.ndarray
    """Block of `Cells` before which it is drawn, the first prediction of a later equation; their number for none."""


class Scoring(NamedTuple):
    """Blocks of coefficients of equations that are not normal."""

    block: np.ndarray
    """The block's place in `Coefficients`."""
    group_start: np.ndarray
    group: np.ndarray
    """Groups with working responses that hold the block."""
    has_density: np.ndarray
    """Whether the density of such a group's outcome is among the block's: siblings share one."""
    density_start: np.ndarray
    density_group: np.ndarray
    has_mean: np.ndarray
    """Whether the block also enters the mean of the outcome whose variance is modelled."""
    normal_start: np.ndarray
    normal_group: np.ndarray
    """Normal equations that hold the block."""
    in_trajectory: np.ndarray
    """Whether its coefficients belong to a trajectory as well."""


class RowStatistics(NamedTuple):
    """Recorded statistics that need a pass over the rows."""

    kind: np.ndarray
    """0 variance of the weighted predictor, 1 product of residuals, 2 mean and 3 quantile of the rows' variances."""
    place: np.ndarray
    """Place among the recorded statistics."""
    first: np.ndarray
    """Group, or equation of the first residual."""
    second: np.ndarray
    """Equation of the second residual."""
    probability: np.ndarray
    product_start: np.ndarray
    """Products of a predictor, its intercept left out."""
    monomial: np.ndarray
    constant: np.ndarray
    factor_start: np.ndarray
    factor_parameter: np.ndarray


class Transformations(NamedTuple):
    """Yeo-Johnson outcomes whose lambda is drawn; those with the same lambda are neighbours."""

    start: np.ndarray
    """First outcome of each lambda, and the end; (lambdas + 1,)."""
    parameter: np.ndarray
    """Lambda of each of these."""
    drawn: np.ndarray
    """Whether slice sampling draws it, and neither NUTS nor another step of PyMC's."""
    equation: np.ndarray
    """Equation of each outcome."""
    monomial: np.ndarray
    """Monomial that is its transformed value."""
    column: np.ndarray
    """Column of its transformed values."""
    logarithm: np.ndarray
    """Column of sign(u) log(1 + |u|)."""
    collapsed: np.ndarray
    """Whether coefficients and residual variance are integrated out while lambda is drawn."""
    shape: np.ndarray
    scale: np.ndarray
    """Inverse gamma prior of the residual variance."""
    missing_start: np.ndarray
    """Runs of rows whose missing values are drawn given all else, per outcome."""
    missing_low: np.ndarray
    missing_high: np.ndarray
    observed_start: np.ndarray
    """Runs of rows with observed values, per outcome."""
    observed_low: np.ndarray
    observed_high: np.ndarray
    member_start: np.ndarray
    """Coefficients that are integrated out, per outcome."""
    member: np.ndarray
    entry_start: np.ndarray
    """Products that contain one of them, per outcome."""
    entry_member: np.ndarray
    """Position of the coefficient among those of the outcome."""
    entry_product: np.ndarray


class Trajectories(NamedTuple):
    """Coefficients of categories and counts that move together; each outcome is a part of one of them."""

    share: np.ndarray
    """Share of the sweeps, but for the first of burn-in, in which one is followed."""
    member_start: np.ndarray
    member: np.ndarray
    """Parameters that move."""
    refreshed_start: np.ndarray
    refreshed: np.ndarray
    """Equations that change with them."""
    part_start: np.ndarray
    kind: np.ndarray
    """Kind of each part, as numbered in `kernels.predictor_densities`."""
    outcome: np.ndarray
    """Column of the category or count."""
    dispersion: np.ndarray
    """Parameter, or -1."""
    variable: np.ndarray
    """Place among `Responses`, or -1."""
    code_start: np.ndarray
    code: np.ndarray
    """Codes of the equations of a nominal outcome; all codes of an ordered one."""
    threshold_start: np.ndarray
    threshold: np.ndarray
    """Parameters."""
    run_start: np.ndarray
    run_low: np.ndarray
    run_high: np.ndarray
    """Runs of rows in which the outcome says something."""
    used_start: np.ndarray
    used: np.ndarray
    """Monomials in the linear predictors of a part."""
    equation_start: np.ndarray
    equation: np.ndarray
    """Equations of a part."""
    response: np.ndarray
    """Column of the latent response of each equation, or -1."""
    term_start: np.ndarray
    term: np.ndarray
    """Monomials of each equation, as places among those of the part."""
    entry_start: np.ndarray
    entry_member: np.ndarray
    """Products that hold a parameter that moves: its place among these, ..."""
    entry_product: np.ndarray
    entry_equation: np.ndarray
    """... the place of the equation among those of all parts, ..."""
    entry_place: np.ndarray
    """... and the place of the monomial among those of the part."""
