"""What a chain changes: its state, and its scratch space."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class State(NamedTuple):
    """What a chain changes."""

    theta: np.ndarray
    """Parameters: those of the model, then functions of parameters."""
    columns: np.ndarray
    """Incomplete rows, completed; (columns, rows)."""
    coefficient: np.ndarray
    """Coefficient of every monomial in every residual; (equations, monomials)."""
    covariance: np.ndarray
    """Residual covariance of every group; (groups, size, size)."""
    precision: np.ndarray
    """Its inverse."""
    log_determinant: np.ndarray
    moments: np.ndarray
    """Cross-products of monomials, per class of rows; (classes, monomials, monomials)."""
    sums: np.ndarray
    """The same per moment set; (sets, monomials, monomials)."""
    generator: np.ndarray
    widths: np.ndarray
    """Adaptive widths of the slice samplers: parameters, columns, directions; (n, 2): width, number of updates."""
    learned: np.ndarray
    """Directions learned in burn-in: of each path, and of what each `Interweaving` and `ItemMove` moves, what
    `kernels.directions` learns."""
    proposals: np.ndarray
    """Accepted and all proposals of each block of `Scoring`."""
    evaluations: np.ndarray
    """Evaluations and draws of the slice samplers of parameters and of cells, shape (4,)."""
    category: np.ndarray
    """Category of every row in the blocks of `Responses`, from 0; those that are missing change."""
    damping: np.ndarray
    """Damping of the proposals of `kernels.response_steps`, and number of sweeps in the information; (variables, 2)."""
    information: np.ndarray
    """Mean information on what is drawn with a response integrated out; (variables, size, size)."""
    factor: np.ndarray
    """Its Cholesky factor."""
    accepted: np.ndarray
    """Sum of acceptance probabilities after burn-in, and number of proposals, per latent response."""
    trajectory: np.ndarray
    """Step size, counters and acceptance, as numbered in `kernels.trajectories`; (trajectories, 5)."""
    metric: np.ndarray
    """Mean information on the coefficients of a trajectory, and its Cholesky factor; (trajectories, 2, size, size)."""
    blocks: np.ndarray
    """Addresses of the code and of the `Block` of every block drawn by NUTS; (blocks, 2)."""
    overrelaxation: np.ndarray
    """Share of their deviation that normal draws put on the other side of the mean: now, and after the start; (2,)."""
    fault: np.ndarray
    """Code, place: 0 when all is well; shape (2,)."""


class Work(NamedTuple):
    """Scratch space of a chain, so that a sweep allocates nothing."""

    residual: np.ndarray
    """(group size, chunk)."""
    slope: np.ndarray
    """(group size, block size, chunk)."""
    slope_kind: np.ndarray
    """0 none, 1 the same in all rows, 2 in `slope`; (group size, block size)."""
    rate: np.ndarray
    """Slopes that are the same in all rows, and these times a precision; (2, group size, block size)."""
    constant: np.ndarray
    """Part of the precision that is the same in all rows; (block size, block size)."""
    varies: np.ndarray
    """Whether there is another part, in `precision`."""
    factor: np.ndarray
    """Cholesky factor that rows have in common; (block size, block size)."""
    pull: np.ndarray
    """Weights of monomials in the linear part; (block size, monomials)."""
    ahead: np.ndarray
    """Rows and columns that will be needed next, as numbered in `numerics.moments`."""
    offset: np.ndarray
    """Changes of location that the rows still have to follow; (moves,)."""
    precision: np.ndarray
    """(block size, block size, chunk)."""
    linear: np.ndarray
    """(block size, chunk)."""
    normals: np.ndarray
    """(chunk,)."""
    values: np.ndarray
    """Products of columns; (monomials, chunk)."""
    product: np.ndarray
    """(chunk,)."""
    derivative: np.ndarray
    """Derivatives of the products of a block."""
    matrix: np.ndarray
    """Square matrices of parameters or outcomes; (3, size, size)."""
    vector: np.ndarray
    """(3, size)."""
    by_equation: np.ndarray
    """(4, equations)."""
    options: np.ndarray
    """What is known of each category a row may have; (6, categories), rows as in `kernels.categories`."""
    eta: np.ndarray
    """Linear predictors of one outcome; (most equations of an outcome + 1, at least 2; chunk)."""
    densities: np.ndarray
    """(chunk,)."""
    likelihood: np.ndarray
    """(chunk,)."""
    proposal: np.ndarray
    """Step, center, noise, parameters before; (4, parameters)."""
    quadratic: np.ndarray
    """Weighted sums of products of residuals, pairs of equations."""
    response_mean: np.ndarray
    """Mean of the current variable's responses, (rows,)."""
    response_root: np.ndarray
    """Root of their precision."""
    below: np.ndarray
    """Probability below each response's category at current and proposed thresholds, (2, rows)."""
    inside: np.ndarray
    """Probability of the category."""
    bounds: np.ndarray
    """Current and proposed thresholds, infinities around them."""
    slope_sums: np.ndarray
    """Sums of derivatives by the thresholds above and below each category, current and proposed; (2, 2, categories)."""
    upper_slope: np.ndarray
    """Derivative of each row's log probability by the threshold above its category, (2, rows)."""
    mean_slope: np.ndarray
    """Derivative by its mean."""
    response_design: np.ndarray
    """Derivatives of the means by what is drawn with the thresholds; (size, rows)."""
    proposed_mean: np.ndarray
    """(rows,)."""
    carried: np.ndarray
    """Latent responses before thresholds moved, (rows,)."""
    standardized: np.ndarray
    """Standardized residuals of a latent variable that follows its coefficients, (rows,)."""
    squares: np.ndarray
    """Weighted squares of residuals, (rows,)."""
    item_lines: np.ndarray
    """Equations as linear functions of a latent variable: offset and slope; (2, equations, chunk)."""
    item_rows: np.ndarray
    """Conditional of a latent variable, as numbered in `kernels.item_moves`; (5, chunk)."""
    step: np.ndarray
    """Gradient, drift, move and scratch of the proposals of `kernels.response_steps`; (4, size)."""
    joint: np.ndarray
    """Matrices of the equations of a marginal; (scratch and parts, equations, equations)."""
    place: np.ndarray
    """Place of each equation in a part, or -1."""
    cross: np.ndarray
    """Cross-products of a transformed outcome with monomials; (monomials,)."""
    among: np.ndarray
    """Cross-products among monomials; (monomials, monomials)."""
    design: np.ndarray
    """Monomials in the derivatives of a residual by coefficients; (coefficients + 1, monomials)."""
    predictor: np.ndarray
    """Linear predictors of an outcome in a trajectory; (equations, chunk)."""
    score: np.ndarray
    """Derivatives of the log densities of rows by these."""
    pair_information: np.ndarray
    """Their information; (equations, equations, chunk)."""
    margins: np.ndarray
    """Of utilities, and scratch of that size; (4, equations + 1)."""
    score_sums: np.ndarray
    """Sums of derivatives times monomials; (equations of all trajectories, monomials)."""
    information_sums: np.ndarray
    """Sums of information times products of monomials; (equations, equations, monomials, monomials)."""
    entry_value: np.ndarray
    """Derivatives of the products of a part of a trajectory."""
    bracket: np.ndarray
    """State of a slice sampler."""
    stack: np.ndarray
    """Stack of the evaluator."""


class Block(NamedTuple):
    """What a chain changes while NUTS draws some parameters; see `kernels.nuts`."""

    theta: np.ndarray
    """The chain's own parameters, as in `State`."""
    columns: np.ndarray
    generator: np.ndarray
    parameter: np.ndarray
    """Parameters of the block."""
    coordinate: np.ndarray
    """How each is written without bounds: 0 as it is, 1 log above a bound, 2 log below one, 3 logit between two."""
    lower: np.ndarray
    upper: np.ndarray
    density: np.ndarray
    """Address of the log density; shape (1,)."""
    values: np.ndarray
    """Parameters at which the density is asked for."""
    gradient: np.ndarray
    """Its gradient there."""
    origin: np.ndarray
    """Unbounded coordinates at the beginning of a transition."""
    factor: np.ndarray
    """Cholesky factor of the metric: coordinates are `origin + factor z`."""
    matrix: np.ndarray
    """Room for another."""
    rows: np.ndarray
    """Positions, momenta, gradients and sums of a trajectory; (rows, parameters)."""
    learned: np.ndarray
    """Counter, end of the window, mean, covariance and factor, as in `kernels.directions`."""
    step: np.ndarray
    """Step size, and the state of dual averaging, as numbered in `kernels.nuts`."""
    counts: np.ndarray
    """After burn-in: transitions, sum of acceptance probabilities, leapfrog steps, divergences."""
