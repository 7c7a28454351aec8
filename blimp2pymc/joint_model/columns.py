"""Variables, references to their values, and the expressions made of them: the leaves of a resolved model.

Everything of `ir` that needs no parameter and no equation; `ir` passes these names on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from blimp2pymc.errors import Span

# ---------------------------------------------------------------- variables


class Kind(Enum):
    """Measurement scale of a variable."""

    CONTINUOUS = "continuous"
    ORDINAL = "ordinal"
    NOMINAL = "nominal"
    COUNT = "count"


class Origin(Enum):
    """Where a variable's values come from."""

    DATA = "data"
    TRANSFORM = "transform"
    LATENT = "latent"
    RANDOM_EFFECT = "random effect"


class Form(Enum):
    """Which values of a variable a reference means."""

    SCORE = "score"
    LATENT_RESPONSE = "latent response"
    DUMMY = "dummy"
    MISSINGNESS = "missingness"
    CLUSTER_MEAN = "cluster mean"
    CLUSTER_PROBABILITY = "cluster probability"
    TRANSFORMED = "transformed"
    """Value of an outcome on the scale its equation is stated for: `ln(y+1) ~`, `yjt(y) ~`."""
    WORKING_RESPONSE = "working response"
    """Of an outcome that is not normal: the normal variable that stands for it, in the sampler alone."""
    WORKING_WEIGHT = "working weight"
    """Its precision."""
    PRECISION = "precision"
    """Inverse residual variance, row by row, of an outcome with `var(y) ~`; in the sampler alone."""
    ROOT_PRECISION = "root of the precision"
    """Its root, where the residual is correlated with others."""


SUFFIXES = {
    Form.LATENT_RESPONSE: "latent",
    Form.MISSINGNESS: "missing",
    Form.CLUSTER_MEAN: "mean",
    Form.CLUSTER_PROBABILITY: "probability",
}
"""How a form is written behind the name."""


@dataclass(frozen=True)
class Column:
    """A reference to values, one per row of a level: `Column("x")` is x itself, row by row."""

    variable: str
    form: Form = Form.SCORE
    category: float | None = None
    """Code of a dummy (`n.2`), or of the latent difference a dummy is cut from."""
    lag: int = 0
    level: int = 1
    """1 = rows, 2 and 3 = clusters."""

    @property
    def name(self) -> str:
        """As a script writes it: `x`, `n.2`, `y.latent`, `n.2.latent`, `y.lag1`, `y.missing`."""
        parts = [self.variable, f"{self.category:g}" if self.category is not None else "", SUFFIXES.get(self.form, "")]
        return ".".join(part for part in (*parts, f"lag{self.lag}" if self.lag else "") if part)

    def __lt__(self, other: Column) -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple:
        return (self.variable, self.form.value, self.category or 0.0, self.lag, self.level)


@dataclass(frozen=True)
class Variable:
    """What a name is."""

    name: str
    kind: Kind
    origin: Origin
    level: int = 1
    categories: tuple[float, ...] = ()
    """Observed codes in ascending order; empty for continuous variables."""
    reference: float | None = None
    """Reference code of a nominal variable."""
    n_missing: int = 0
    span: Span | None = field(default=None, compare=False, repr=False)


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True)
class Constant:
    """A number."""

    value: float


@dataclass(frozen=True)
class ParameterReference:
    """The current value of the parameter, or derived quantity, of that name."""

    name: str


class VariancePart(Enum):
    """`v.totalvar`, `v.coefvar`, `v.residvar`."""

    TOTAL = "totalvar"
    COEFFICIENTS = "coefvar"
    RESIDUAL = "residvar"


@dataclass(frozen=True)
class ImpliedVariance:
    """Model-implied variance of an outcome; only in PARAMETERS."""

    variable: str
    part: VariancePart


@dataclass(frozen=True)
class Apply:
    """A function or operator applied to expressions.

    `function` is a key of `algebra.FUNCTIONS`: `+ - * / ^ neg`, comparisons (1 or 0), `and or`,
    `exp ln sqrt abs phi iphi normal_pdf ifelse min max mean round mod ismissing missing`.
    """

    function: str
    arguments: tuple[Expression, ...]


Expression = Constant | Column | ParameterReference | ImpliedVariance | Apply


@dataclass(frozen=True)
class Product:
    """`constant * parameters * columns * functions`, each factor as often as it is listed (sorted)."""

    constant: float
    parameters: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    functions: tuple[Apply, ...] = ()
    """Factors that are no polynomial: `exp(x)`, `(time == 1)`, `x^.5`."""


@dataclass(frozen=True)
class Transform:
    """Monotone transform of an outcome, `ln(y+1) ~` or `yjt(y - c) ~`: its equation is about the transformed value.

    The density of the outcome is that of its transformed value times the derivative of the transform.
    """

    function: str
    """`identity`: the expression is the whole transform; `yjt`: Yeo-Johnson of the expression."""
    expression: Expression
    """In terms of the outcome's Column."""
    parameter: str | None = None
    """Name of the parameter lambda of Yeo-Johnson."""
    inverse: Expression | None = None
    """The outcome in terms of its Column of form TRANSFORMED; None where no formula turns the transform round,
    which only an outcome without missing values allows."""
    lower: float = -np.inf
    upper: float = np.inf
    """The transformed value lies between these."""

    @property
    def forward(self) -> Expression:
        """The transformed value in terms of the outcome's Column."""
        if self.function == "identity":
            return self.expression
        assert self.parameter is not None, "Yeo-Johnson has a parameter"
        return Apply("yjt", (self.expression, ParameterReference(self.parameter)))

    @property
    def is_bounded(self) -> bool:
        """Whether there are values the transform cannot take, such as negative ones of a square root."""
        return self.lower > -np.inf or self.upper < np.inf
