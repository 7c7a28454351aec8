"""The resolved model: the joint density a script stands for, ready to be written or sampled.

    joint density = product of Equations (or of JointBlocks of equations) x priors

Frozen dataclasses, made once by `resolve` and read by everything after it. Three ideas keep
special cases out: a `Column` says which form of a variable at which lag and level it means; every
linear predictor is a sum of terms over resolved expressions, so parameters, latents, missing cells
and random coefficients meet one linearity rule (`algebra.expand`); everything that is jointly
normal is a `JointBlock`, which owns its members' covariance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

import numpy as np

from blimp2pymc.blimp.tree import Script
from blimp2pymc.data.table import Table
from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model.columns import (  # noqa: F401  (passed on: one place to import from)
    Apply,
    Column,
    Constant,
    Expression,
    Form,
    ImpliedVariance,
    Kind,
    Origin,
    ParameterReference,
    Product,
    Transform,
    Variable,
    VariancePart,
)

# ---------------------------------------------------------------- parameters


class ParameterKind(Enum):
    """What a parameter does in its equation."""

    INTERCEPT = "intercept"
    SLOPE = "slope"
    LOADING = "loading"
    THRESHOLD = "threshold"
    RESIDUAL_VARIANCE = "residual variance"
    CORRELATION = "correlation"
    DISPERSION = "dispersion"
    TRANSFORMATION = "transformation"
    PHANTOM_LOADING = "phantom loading"
    """Of a residual on a variable that gives it a correlation (`use_phantom`); in units that `phantoms` explains."""
    MEAN = "mean"
    """Mean of a predictor that owns no equation, or of a Means Model."""


@dataclass(frozen=True)
class Prior:
    """A prior density on the parameter's own scale, restricted to (lower, upper).

    `distribution`: `flat`; `normal` (mean, variance); `inverse_gamma` (a, b), density v^(-a-1) exp(-b/v), improper
    members included (`(-1, 0)` is flat); `uniform` (lower, upper); `gamma` (shape, rate); `beta` (a, b);
    `cauchy` (location, scale); `block`: given by the JointBlock that owns the parameter; `none`: fixed or defined.
    """

    distribution: str
    arguments: tuple[float, ...] = ()
    lower: float = -np.inf
    upper: float = np.inf
    source: str = "default"
    """`default`, or `user` when PARAMETERS states it."""


FLAT = Prior("flat")
NO_PRIOR = Prior("none")


@dataclass(frozen=True)
class Parameter:
    """One scalar parameter; the same label on several places is one Parameter."""

    name: str
    """Unique: the user's label, else `y ~ x`, `y ~ Intercept`, `y residual variance`, `a ~~ b`, `x mean`."""
    kind: ParameterKind
    prior: Prior
    fixed: float | None = None
    """Value of a parameter the script or the identification rules fix."""
    definition: Expression | None = None
    """PARAMETERS sets it to this function of other parameters in every iteration."""
    label: str = ""
    """The user's label, or empty."""
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def is_free(self) -> bool:
        """Whether the sampler has to draw it."""
        return self.fixed is None and self.definition is None


# ---------------------------------------------------------------- equations


class Role(Enum):
    """Why an equation is in the model."""

    OUTCOME = "outcome"
    """Stated in MODEL (also the intercept-only equation of a member of `~~`)."""
    PREDICTOR = "predictor"
    """Member of the default joint model of predictors without an equation."""
    MEANS = "means"
    """Means Model of a centered outcome; a cut (spec: centering)."""


@dataclass(frozen=True)
class Term:
    """`coefficient * expression`, as the user wrote it."""

    name: str
    """As Blimp prints it: `Intercept`, `x1`, `x*m`, `ry1`."""
    coefficient: str
    """Name of its Parameter (a fixed one for `@1`, `@0`)."""
    expression: Expression
    """Centering, defined variables and dummies written out; Constant(1) for the intercept."""
    span: Span | None = field(default=None, compare=False, repr=False)
    replaces_intercept: bool = False
    """`1@b_j`: an intercept that differs between rows, which is no part of the explained variance."""


@dataclass(frozen=True)
class Equation:
    """One factor f(outcome | predictors)."""

    outcome: Column
    family: str
    """`normal`, `probit`, `multinomial_probit`, `logit` or `negative_binomial`."""
    terms: tuple[Term, ...]
    """Linear predictor of the mean; the intercept, when there is one, comes first."""
    residual_variance: str | None
    """Parameter name; None where the family has none (or `variance_terms` model it)."""
    variance_terms: tuple[Term, ...] = ()
    """`var(y) ~`: the logarithm of the residual variance is the sum of these; there is at least one."""
    thresholds: tuple[str, ...] = ()
    dispersion: str | None = None
    transform: Transform | None = None
    role: Role = Role.OUTCOME
    block: str = ""
    """The user's block label, or empty."""
    order: int = 0
    """Place in Blimp's print order."""
    level: int = 1
    span: Span | None = field(default=None, compare=False, repr=False)
    written: str = ""
    """The outcome as the script has it, `logit(y)`; empty when that is the variable's name."""

    @property
    def name(self) -> str:
        """The outcome's variable."""
        return self.outcome.variable

    @property
    def scale(self) -> Column:
        """The outcome on the scale the equation is stated for: its transformed value where there is a transform."""
        return self.outcome if self.transform is None else replace(self.outcome, form=Form.TRANSFORMED)


@dataclass(frozen=True)
class JointBlock:
    """Equations whose residuals are jointly normal: `~~`, or the default predictor model.

    The covariance of members i and j is `correlation * sqrt(variance_i * variance_j)`; a pair without an entry in
    `correlations` is 0. Variances are the members' `residual_variance` parameters. Where no element has the prior
    `block`, their own priors are the whole prior, and `scale` and `degrees_of_freedom` do not count.
    """

    members: tuple[Column, ...]
    correlations: Mapping[tuple[int, int], str]
    """(i, j) with i < j -> parameter name."""
    scale: tuple[float, ...]
    """Inverse Wishart IW(S = diag(scale), d = degrees_of_freedom), density |T|^(-(d+p+1)/2) exp(-tr(S T^-1)/2)."""
    degrees_of_freedom: float
    role: Role = Role.OUTCOME
    parameterisation: str = "wishart"
    """`wishart`, or `phantom`: correlations are set to products of loadings (`use_phantom`)."""
    level: int = 1
    block: str = ""
    order: int = 0
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """`a b c <-> a b c`."""
        names = " ".join(member.name for member in self.members)
        return f"{names} <-> {names}"


# ---------------------------------------------------------------- quantities


@dataclass(frozen=True)
class Quantity:
    """A derived quantity of PARAMETERS."""

    name: str
    expression: Expression
    span: Span | None = field(default=None, compare=False, repr=False)


class ModeratorGrid(Enum):
    """How the values of a moderator are chosen in a conditional effect."""

    STANDARD_DEVIATIONS = "+1 SD, 0, -1 SD"
    MEAN_AND_STANDARD_DEVIATIONS = "Mean + 1 SD, Mean, Mean - 1 SD"
    CODES = "codes"
    QUARTILES = "quartiles"
    QUANTILES = "quantiles"
    VALUE = "value"


@dataclass(frozen=True)
class ModeratorValues:
    """A moderator of SIMPLE and where it is evaluated."""

    column: Column
    name: str
    grid: ModeratorGrid
    centered: bool = False
    values: tuple[float, ...] = ()
    """Codes, or the one value of `@ value`."""


@dataclass(frozen=True)
class SimpleEffect:
    """One statement of SIMPLE: a focal variable, or an expression of labels, at moderator values."""

    focal: Column | Expression
    name: str
    moderators: tuple[ModeratorValues, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class WaldTest:
    """Joint test that every contrast is zero."""

    text: str
    contrasts: tuple[Expression, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


# ---------------------------------------------------------------- data frame and settings


@dataclass(frozen=True, eq=False)
class Level:
    """A level above the rows: clusters and the rows that belong to them."""

    identifier: str
    labels: tuple
    """Identifier values, one per cluster."""
    parent: np.ndarray
    """For every row of the level below, the index of its cluster."""


@dataclass(frozen=True, eq=False)
class Frame:
    """The rows analysed."""

    source_row: np.ndarray
    """0-based row of the data file for each analysed row; -1 = inserted for a time gap."""
    levels: tuple[Level, ...] = ()
    file: str = ""
    """Path of the data file as it was opened; empty when the data were a DataFrame."""

    @property
    def n_rows(self) -> int:
        """Number of analysed rows."""
        return len(self.source_row)


@dataclass(frozen=True)
class Settings:
    """What the script says about the run; None where it says nothing."""

    seed: int | None = None
    burn: int | None = None
    iterations: int | None = None
    """Total over chains."""
    chains: int | None = None
    thin: int | None = None
    n_imputations: int | None = None
    options: frozenset[str] = frozenset()
    prior_family: int = 2
    predictor_prior_family: int = 1
    """1, 2 or 3: PRIOR1, PRIOR2, PRIOR3 and XPRIOR1, XPRIOR2, XPRIOR3."""
    priors: str = "blimp"
    """`blimp` or `proper`."""
    save: tuple[tuple[str, str], ...] = ()
    """(kind, file) of SAVE."""


# ---------------------------------------------------------------- the model


@dataclass(frozen=True)
class PrintedEquation:
    """One line of Blimp's list of models: `y ~ Intercept x m@1`, `a b <-> a b`."""

    block: str
    """Label it stands under."""
    text: str


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A resolved model with its data."""

    frame: Frame
    variables: Mapping[str, Variable]
    """Every variable of the model (not unused columns)."""
    data: Mapping[str, np.ndarray]
    """Values of every data variable, float, NaN where missing, one per row of its level."""
    parameters: Mapping[str, Parameter]
    """Every parameter, fixed and defined ones included, in print order."""
    equations: tuple[Equation, ...]
    """Topological: an equation comes after those of its predictors (stable by the user's order)."""
    blocks: tuple[JointBlock, ...]
    quantities: tuple[Quantity, ...]
    simple_effects: tuple[SimpleEffect, ...]
    wald_tests: tuple[WaldTest, ...]
    settings: Settings
    fixed_predictors: tuple[str, ...] = ()
    """Conditioned on: FIXED, or complete by the automatic rule."""
    centered: Mapping[Column, Expression] = field(default_factory=dict)
    """Centered column -> what is subtracted (a mean parameter, or a Constant for FIXED)."""
    defined: Mapping[str, Expression] = field(default_factory=dict)
    """Defined variables of MODEL, resolved."""
    notes: tuple[Finding, ...] = ()
    """What was decided for the user, and warnings, in order."""
    printed: tuple[PrintedEquation, ...] = ()
    """The list of models as Blimp prints it."""
    script: Script | None = None
    table: Table | None = field(default=None, repr=False)
    """The whole table, TRANSFORM and FILTER applied, unused columns included; saved data sets are made from it."""

    @cached_property
    def equation_of(self) -> Mapping[Column, Equation]:
        """Outcome -> its equation (Means Models excluded)."""
        return {each.outcome: each for each in self.equations if each.role is not Role.MEANS}

    @cached_property
    def block_of(self) -> Mapping[Column, JointBlock]:
        """Member -> the joint block it belongs to."""
        return {member: block for block in self.blocks for member in block.members}

    def missing(self, variable: str) -> np.ndarray:
        """Mask of the variable's missing cells, bool, one per row of its level; all of a latent variable's."""
        if variable not in self.data:
            return np.ones(self.frame.n_rows, bool)
        return np.isnan(self.data[variable])

    @cached_property
    def incomplete(self) -> tuple[str, ...]:
        """Data variables of the model with missing cells, in the order of `variables`."""
        return tuple(name for name, each in self.variables.items() if each.n_missing and name in self.data)

    @cached_property
    def latent(self) -> tuple[str, ...]:
        """Latent variables of the model, in the order of `variables`."""
        return tuple(name for name, each in self.variables.items() if each.origin is Origin.LATENT)

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """Variables with values to draw: incomplete ones, then latent ones, which are missing in every row."""
        return (*self.incomplete, *self.latent)

    def to_blimp(self) -> str:
        """The script the model was resolved from, in canonical layout."""
        from blimp2pymc.blimp.write import write

        assert self.script is not None, "a model put together by hand has no script"
        written = tuple(each for each in self.script.commands if not each.is_implied)
        return write(replace(self.script, commands=written))

    def __repr__(self) -> str:
        outcomes = ", ".join(each.name for each in self.equations if each.role is Role.OUTCOME)
        return f"<Model of {outcomes}: {self.frame.n_rows} rows, {len(self.parameters)} parameters>"

    def __str__(self) -> str:
        from blimp2pymc.joint_model.describe import describe

        return describe(self)

    def _repr_html_(self) -> str:
        from blimp2pymc.joint_model.describe import html

        return html(self)
