"""The model as integer and float tables: what compiled code reads.

Ragged lists are stored as one array of items and one of starts: items of `k` are
`items[start[k]:start[k + 1]]`. Integers are int64, numbers float64, everything C-contiguous.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blimp2pymc.sampler.numerics.evaluator import Programs
from blimp2pymc.sampler.tables.covariance_tables import CovarianceMoves
from blimp2pymc.sampler.tables.implied_tables import ImpliedCovariances
from blimp2pymc.sampler.tables.interweaving_tables import Interweavings
from blimp2pymc.sampler.tables.item_tables import ItemMoves
from blimp2pymc.sampler.tables.marginal_tables import Marginals
from blimp2pymc.sampler.tables.response_tables import Categories, Differences, Responses
from blimp2pymc.sampler.tables.row_tables import (
    Families,
    Outcomes,
    RowStatistics,
    Scoring,
    Trajectories,
    Transformations,
    Weighted,
)
from blimp2pymc.sampler.tables.scale_tables import ScaleMoves


class Residuals(NamedTuple):
    """Residuals of all equations: sum over monomials of columns, coefficients polynomials of parameters."""

    group_start: np.ndarray
    """Equations of a group are consecutive; shape (groups + 1,)."""
    group_set: np.ndarray
    """Moment set of each group: groups that look at the same rows share one."""
    group_rows: np.ndarray
    """Number of rows each group looks at, as a float."""
    weight: np.ndarray
    """Column of the rows' weights of each group, -1 where all rows have the same precision."""
    root: np.ndarray
    """Column of reciprocal standard deviations that the residual of each equation is multiplied by, or -1."""
    equation_group: np.ndarray
    product_start: np.ndarray
    """Products of an equation are consecutive; shape (equations + 1,)."""
    product_equation: np.ndarray
    product_monomial: np.ndarray
    product_constant: np.ndarray
    factor_start: np.ndarray
    """Parameters of each product; shape (products + 1,)."""
    factor_parameter: np.ndarray
    monomial_start: np.ndarray
    """Monomials of each equation; shape (equations + 1,)."""
    equation_monomial: np.ndarray
    column_start: np.ndarray
    """Columns of each monomial, reduced ones behind those of the residuals; shape (monomials + 1,)."""
    monomial_column: np.ndarray
    variance: np.ndarray
    """Parameter that is the residual variance of each equation; -1: the variance is 1, or in the rows' weights."""
    correlation: np.ndarray
    """Parameter that is the correlation of two equations of a group, or -1; (groups, size, size)."""
    computed_equation: np.ndarray
    """Equations whose residual contains a parameter that is computed by a program."""
    computed_group: np.ndarray
    """Groups whose covariance contains one."""


class Priors(NamedTuple):
    """Priors of the parameters and of the covariance blocks."""

    kind: np.ndarray
    """Codes of `PRIOR_CODES`: 0 flat or block, 1 normal, 2 inverse gamma, 3 gamma, 4 beta, 5 Cauchy; (parameters,)."""
    first: np.ndarray
    second: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    group_has_block: np.ndarray
    """Whether a group's covariance has an inverse Wishart prior."""
    group_scale: np.ndarray
    """Diagonal of its scale matrix; (groups, size)."""
    group_degrees: np.ndarray
    group_free_pair: np.ndarray
    """Whether a correlation is free, so that the covariance it stands for counts; (groups, size, size)."""


class Rows(NamedTuple):
    """Which rows contribute to which moments."""

    class_start: np.ndarray
    """First incomplete row of each class, and the end: patterns with the same groups active are neighbours."""
    set_has_class: np.ndarray
    """Whether a moment set includes a class; (sets, classes)."""
    class_rows: np.ndarray
    """Rows per class, complete rows (class 0) included."""
    pair_start: np.ndarray
    """Pairs of monomials, per class, that change from sweep to sweep, in four lists: of those that change with what
    is drawn last, after the draws with latent variables integrated out, those that parameters need, and all that
    statistics need as well; of the others these two, and in both those that the draws in between need; and a list of
    those that change when latent variables follow their coefficients."""
    pair_first: np.ndarray
    pair_second: np.ndarray
    used_start: np.ndarray
    """Monomials that occur in those pairs; same starts as pairs, (5 * classes + 1,)."""
    used_monomial: np.ndarray
    used_column_start: np.ndarray
    """Columns of these monomials, and those that the cells drawn in the same pass look at; same starts."""
    used_column: np.ndarray
    sum_start: np.ndarray
    """Pairs that change in one of the classes of a moment set; (sets + 1,)."""
    sum_first: np.ndarray
    sum_second: np.ndarray


class Cells(NamedTuple):
    """Blocks of missing cells with a joint normal full conditional."""

    phase: np.ndarray
    """0: before the parameters; 1: predictions, after them; 2: responses, each between its thresholds; 3: before the
    parameters, but after those that are drawn with latent variables or cells of the block integrated out."""
    low: np.ndarray
    high: np.ndarray
    member_start: np.ndarray
    member: np.ndarray
    """Columns of each block."""
    overrelaxed: np.ndarray
    """Position in its block of the first member behind those that something is drawn without."""
    segment_start: np.ndarray
    """Groups each block looks at."""
    segment_group: np.ndarray
    entry_start: np.ndarray
    """Entries of each segment."""
    entry_equation: np.ndarray
    entry_monomial: np.ndarray
    """Monomial of the residual, which gives the coefficient."""
    entry_rest: np.ndarray
    """The same monomial without the member."""
    entry_member: np.ndarray
    """Position of the member in its block, or -1 when the monomial has none."""
    entry_place: np.ndarray
    """Position of the monomial in `pulling` of its block, or -1."""
    segment_is_constant: np.ndarray
    """Whether the members' slopes in a group, which is not weighted, are the same in all rows."""
    column_start: np.ndarray
    """Columns that are read or drawn for each block."""
    column: np.ndarray
    pulling_start: np.ndarray
    """Monomials without a member in such groups, for each block."""
    pulling: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    """Possible values of the member of a block that is a prediction."""


class Nonlinear(NamedTuple):
    """Columns with missing cells drawn one by one: by slice sampling, or from the probabilities of codes."""

    column: np.ndarray
    low: np.ndarray
    high: np.ndarray
    width: np.ndarray
    """Index of the adaptive width, one per column."""
    lower: np.ndarray
    upper: np.ndarray
    """Possible values."""
    segment_start: np.ndarray
    segment_group: np.ndarray
    is_scored: np.ndarray
    """Whether a segment only gives linear predictors, its group having a density that is not normal."""
    density_start: np.ndarray
    density_group: np.ndarray
    """Groups with such densities."""
    entry_start: np.ndarray
    """Entries of each segment; monomials that do not change with the cell come first."""
    entry_changes: np.ndarray
    """First entry of each segment that changes with the cell."""
    entry_equation: np.ndarray
    entry_monomial: np.ndarray
    program_start: np.ndarray
    """Functions of the column."""
    program: np.ndarray
    kind: np.ndarray
    """0 for any number, 1 for counts, 2 for codes; latent responses in rows with a category: 3 where it is observed, 4
    where it follows from the response."""
    own: np.ndarray
    """Group of the count's or the code's own equation, the first of several; -1 for any number."""
    code_start: np.ndarray
    code: np.ndarray
    """Codes that are possible."""
    variable: np.ndarray
    """Variable of `Responses` that a latent response belongs to; else -1."""
    place: np.ndarray
    """Place of the first row among its categories."""


class Coefficients(NamedTuple):
    """Blocks of coefficients with a joint normal full conditional, and what moves along with them."""

    member_start: np.ndarray
    member: np.ndarray
    """Parameters of each block."""
    entry_start: np.ndarray
    entry_member: np.ndarray
    """Position of the parameter in its block."""
    entry_product: np.ndarray
    """Product of a residual that contains it."""
    bounded: np.ndarray
    """Whether the block is one parameter with bounds."""
    repeated: np.ndarray
    """Whether all of the block is drawn with latent variables integrated out, too."""
    equation_start: np.ndarray
    equation: np.ndarray
    """Equations to refresh after the draw."""
    shift_start: np.ndarray
    """Moves along with a block."""
    shift_mean: np.ndarray
    """Position in the block of the mean that moves."""
    move_start: np.ndarray
    move_source: np.ndarray
    move_target: np.ndarray
    move_factor: np.ndarray


class Variances(NamedTuple):
    """Residual variances with an inverse gamma full conditional."""

    parameter: np.ndarray
    shape: np.ndarray
    scale: np.ndarray
    equation_start: np.ndarray
    equation: np.ndarray


class Slices(NamedTuple):
    """Parameters drawn by slice sampling."""

    parameter: np.ndarray
    equation_start: np.ndarray
    equation: np.ndarray
    """Equations whose coefficients change with the parameter."""
    group_start: np.ndarray
    group: np.ndarray
    """Groups in the full conditional."""
    is_scored: np.ndarray
    """Per entry of `group`, whether its density is not normal."""
    covariance_changes: np.ndarray
    """Per entry of `group`, whether its covariance changes with the parameter."""
    is_block_element: np.ndarray
    """Whether priors of blocks change with it."""
    response: np.ndarray
    """Of a threshold, place of its variable in `Responses`; -1 for others."""
    place: np.ndarray
    """Of a threshold, the last category below it."""


class Statistics(NamedTuple):
    """What is recorded beside the parameters."""

    kind: np.ndarray
    """0 variance of a sum of monomials, 1 column mean, 2 column variance, 3 residual product."""
    first: np.ndarray
    """First product of the sum, column, or equation."""
    second: np.ndarray
    """End of the products, or equation."""
    monomial: np.ndarray
    constant: np.ndarray
    factor_start: np.ndarray
    factor_parameter: np.ndarray


class Reflections(NamedTuple):
    """Changes of sign that keep latent variables in one orientation."""

    anchor: np.ndarray
    """Parameter that is kept positive."""
    parameter_start: np.ndarray
    parameter: np.ndarray
    """Parameters that change sign with it."""
    column_start: np.ndarray
    column: np.ndarray
    """Latent variables that change sign with it."""


class Centers(NamedTuple):
    """Expected scores at which coefficients are centered when a draw is recorded."""

    score: np.ndarray
    """Parameter that holds the expected score."""
    move_start: np.ndarray
    move_source: np.ndarray
    move_target: np.ndarray
    move_factor: np.ndarray
    """As in `Coefficients`."""


class LocationMoves(NamedTuple):
    """Constants that are added to latent variables, and the coefficients that change with them."""

    column: np.ndarray
    """Column of each move."""
    move_start: np.ndarray
    move_source: np.ndarray
    move_target: np.ndarray
    move_factor: np.ndarray
    """As in `Coefficients`."""
    equation_start: np.ndarray
    equation: np.ndarray
    """Equations to refresh."""
    group_start: np.ndarray
    group: np.ndarray
    """Groups whose residuals change with each move."""
    kept: np.ndarray
    """Monomials of the groups of all moves, and those they turn into: their moments change with each move."""
    shift_start: np.ndarray
    shift_monomial: np.ndarray
    shift_rest: np.ndarray
    shift_factor: np.ndarray
    shift_power: np.ndarray
    """What is added to a monomial with a step: a factor times a power of the step times a monomial with lower power of
    the column, that of the highest power first."""
    rate: np.ndarray
    """What is known of the change of each residual, for a step of 1; (moves, equations)."""
    rate_start: np.ndarray
    rate_equation: np.ndarray
    rate_source: np.ndarray
    rate_factor: np.ndarray
    """Coefficients, times factors, that are subtracted from it."""
    own_equation: np.ndarray
    drawn_start: np.ndarray
    drawn: np.ndarray
    """Coefficients of the variable's own equation that are drawn with the constant."""
    drawn_monomial: np.ndarray
    drawn_constant: np.ndarray
    """Monomial and number that each is multiplied with in the residual."""


class Tables(NamedTuple):
    """Everything that stays the same during a run."""

    residuals: Residuals
    priors: Priors
    rows: Rows
    cells: Cells
    nonlinear: Nonlinear
    responses: Responses
    categories: Categories
    differences: Differences
    coefficients: Coefficients
    variances: Variances
    covariance: np.ndarray
    """Groups whose covariance is inverse Wishart."""
    slices: Slices
    scoring: Scoring
    families: Families
    weighted: Weighted
    outcomes: Outcomes
    row_statistics: RowStatistics
    marginals: Marginals
    implied: ImpliedCovariances
    reflections: Reflections
    centers: Centers
    scale_moves: ScaleMoves
    response_scales: ScaleMoves
    """Changes of scale that are drawn together with thresholds, latent responses integrated out."""
    location_moves: LocationMoves
    trajectories: Trajectories
    interweavings: Interweavings
    item_moves: ItemMoves
    covariance_moves: CovarianceMoves
    statistics: Statistics
    definitions: Programs
    functions: Programs
    inverses: Programs
    """Variables with a transform and missing values, as functions of their transformed values."""
    transformations: Transformations
    step_kernel: np.ndarray
    """Parameter updates in order: kernel code of `layout.KERNEL_CODES`."""
    step_index: np.ndarray
    base: np.ndarray
    """What does not change of the moments: those of complete rows, and of pairs that are observed in a whole class
    of rows; (classes, monomials, monomials)."""
    complete: np.ndarray
    """Complete rows, (columns, rows)."""
