"""Residuals of all equations as sums of products, gathered in groups with correlated residuals.

The one form of the model that plan and layout read: a residual is `outcome - mean`, expanded to
products `constant * parameters * columns`. Defined parameters that are polynomials of others are
substituted; what is no polynomial becomes a named function, of columns only or of parameters only.

Probit equations become normal ones here: their outcome is the latent response `Column(y, LATENT_RESPONSE)`,
a column without a known value, and their residual variance is a parameter fixed at 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace

from blimp2pymc.errors import raise_all
from blimp2pymc.joint_model.algebra import columns_in, expand, parameters_in, substitute
from blimp2pymc.joint_model.ir import (
    Apply,
    Column,
    Constant,
    Equation,
    Expression,
    Form,
    JointBlock,
    Model,
    ParameterReference,
    Product,
    Role,
    Term,
)
from blimp2pymc.sampler.plan.definitions import dummies, ordered_definitions
from blimp2pymc.sampler.plan.described import WORKING_FAMILIES, described_column
from blimp2pymc.sampler.plan.inverses import power_names, turned_outcomes
from blimp2pymc.sampler.plan.unsupported import unsupported

SCORED_FAMILIES = ("multinomial", "negative_binomial", "log_variance", "joint_log_variance")
"""Families of groups that are no weighted normal equations, whatever they are conditioned on."""

type Replacements = dict[Expression, Expression]


@dataclass(frozen=True)
class Residual:
    """`outcome - mean` of one equation, as a sum of products."""

    equation: Equation
    """As it is drawn: expected scores at which predictors are centered have names, or are 0."""
    outcome: Column
    """What the mean is the mean of: the equation's outcome, or its latent response."""
    products: tuple[Product, ...]
    """Functions of columns are in `functions`; functions of parameters are parameters named `=...`."""
    explained: tuple[Product, ...]
    """The part of the mean that explains variance: every term but latent intercepts (`1@b_j`)."""
    terms: tuple[tuple[Product, ...], ...]
    """The expression of each term as the model has it, without its coefficient."""
    predictors: tuple[Product, ...] = ()
    """The part that explains variance, without the intercept."""
    models_variance: bool = False
    """Whether this is the log-linear predictor of the equation's residual variance, not of its mean."""
    root: Column | None = None
    """Of a member of a block with a modelled variance: column of reciprocal standard deviations, in all products."""

    @property
    def stated(self) -> tuple[Term, ...]:
        """The terms of the linear predictor."""
        return self.equation.variance_terms if self.models_variance else self.equation.terms

    @property
    def working(self) -> Column:
        """Column of the working response."""
        if self.models_variance:
            return replace(self.outcome, form=Form.WORKING_RESPONSE)
        return self.outcome

    @property
    def parameters(self) -> frozenset[str]:
        """Names of the parameters in the mean, those behind a name `=...` not included."""
        return frozenset(name for product in self.products for name in product.parameters)

    @property
    def columns(self) -> frozenset[Column]:
        """Outcome and predictors, those inside functions included."""
        found: set[Column] = set()
        for product in self.products:
            found.update(product.columns)
            for function in product.functions:
                found |= columns_in(function)
        return frozenset(found)


@dataclass(frozen=True)
class Group:
    """Equations whose residuals are jointly normal; most groups hold one equation."""

    residuals: tuple[Residual, ...]
    block: JointBlock | None
    family: str = "normal"
    """`normal`, `logit` (two categories), `multinomial` (one of several), `negative_binomial`, `log_variance`, or
    `joint_log_variance`: that of a residual in a block."""
    standardized: JointBlock | None = None
    """Of a `joint_log_variance`, the block."""

    @property
    def is_scored(self) -> bool:
        """Whether it has densities of its own, row by row, in place of a normal one."""
        return self.family in SCORED_FAMILIES

    @property
    def weight(self) -> Column | None:
        """Column of the rows' precisions, where they differ."""
        first = self.residuals[0]
        if self.roots:
            return None
        if self.family != "normal":
            # The mean and the variance of an outcome have weights of their own.
            return replace(first.working, form=Form.WORKING_WEIGHT)
        return replace(first.outcome, form=Form.PRECISION) if first.equation.variance_terms else None

    @property
    def roots(self) -> tuple[Column, ...]:
        """Columns of the reciprocal standard deviations of residuals whose variances are modelled, in a block."""
        return tuple(each.root for each in self.residuals if each.root is not None)

    @property
    def is_weighted(self) -> bool:
        """Whether its rows have precisions of their own, and hence a moment matrix that no other group shares."""
        return self.weight is not None or bool(self.roots)

    @property
    def is_cut(self) -> bool:
        """Whether it describes a column without being a factor of its density (Means Model)."""
        return self.residuals[0].equation.role is Role.MEANS

    @property
    def outcomes(self) -> tuple[Column, ...]:
        """Outcomes in the order of the equations."""
        return tuple(residual.outcome for residual in self.residuals)

    @property
    def columns(self) -> frozenset[Column]:
        """All columns of all residuals."""
        return frozenset().union(*(residual.columns for residual in self.residuals))

    @property
    def parameters(self) -> frozenset[str]:
        """Parameters of the means."""
        return frozenset().union(*(residual.parameters for residual in self.residuals))

    @property
    def inside(self) -> frozenset[str]:
        """Parameters inside functions of variables."""
        products = [product for residual in self.residuals for product in residual.products]
        return frozenset().union(*(parameters_in(function) for each in products for function in each.functions))

    @property
    def powers(self) -> tuple[str, ...]:
        """Parameters that the outcomes are transformed with."""
        transforms = (residual.equation.transform for residual in self.residuals)
        return tuple(each.parameter for each in transforms if each is not None and each.parameter is not None)

    @property
    def covariance_parameters(self) -> tuple[str, ...]:
        """Residual variances, then correlations; of counts the dispersion."""
        if self.residuals[0].models_variance:
            return ()
        variances = [residual.equation.residual_variance or residual.equation.dispersion for residual in self.residuals]
        correlations = self.block.correlations.values() if self.block else ()
        return (*(name for name in variances if name is not None), *correlations)

    @property
    def name(self) -> str:
        """The outcome, or the outcomes of a block."""
        return " ".join(column.variable for column in self.outcomes)


@dataclass(frozen=True)
class Structure:
    """Groups of a model, and the functions of parameters they refer to."""

    groups: tuple[Group, ...]
    definitions: Mapping[str, Expression]
    """Parameter set in every iteration, or `=...`, a factor of a mean -> its expression, sources first."""
    powers: tuple[str, ...] = ()
    """Lambda of Yeo-Johnson outcomes, where it is drawn: their transformed values change with it in every row."""
    kept: frozenset[frozenset[Column]] = frozenset()
    """Patterns of missing cells in whose rows no equation is left out; see `few_classes`."""

    @property
    def residuals(self) -> tuple[Residual, ...]:
        """Residuals of all equations, groups one after the other."""
        return tuple(residual for group in self.groups for residual in group.residuals)

    @property
    def latent_responses(self) -> tuple[Residual, ...]:
        """Residuals of equations whose outcome is a latent response, of ordered or of nominal categories."""
        return tuple(each for each in self.residuals if each.outcome.form is Form.LATENT_RESPONSE)

    @property
    def described(self) -> tuple[Column, ...]:
        """Latent and working responses, which stand for outcomes."""
        found = (each.outcome for each in self.residuals if each.outcome.form not in (Form.SCORE, Form.TRANSFORMED))
        return tuple(dict.fromkeys(found))

    @property
    def rows_change(self) -> bool:
        """Whether every row has a value that changes in every sweep, so that none is complete."""
        weighted = any(group.is_weighted for group in self.groups)
        return weighted or bool(self.described or self.powers or any(group.inside for group in self.groups))

    @property
    def responses(self) -> tuple[Residual, ...]:
        """Those of ordered categories."""
        return tuple(each for each in self.latent_responses if each.outcome.category is None)

    @property
    def differences(self) -> tuple[Residual, ...]:
        """Those of nominal categories: one for each code but the reference."""
        return tuple(each for each in self.latent_responses if each.outcome.category is not None)

    @property
    def scores(self) -> frozenset[Column]:
        """Columns of codes that follow from latent responses."""
        return frozenset(Column(each.outcome.variable) for each in self.latent_responses)


def expected_scores(model: Model) -> dict[Expression, str]:
    """Centers of predictors that are no polynomials of parameters, and the names they get."""
    return {
        center: f"expected score of {column.name}"
        for column, center in model.centered.items()
        if any(product.functions for product in expand(center))
    }


def structure(model: Model, uncentered: Container[str] = ()) -> Structure:
    """Write a model as groups of residuals.

    Parameters
    ----------
    model
        A resolved model.
    uncentered
        Expected scores to take as 0 (see `expected_scores`).

    Raises
    ------
    BlimpError
        With one finding for every part of the model that has no sampler.
    """
    raise_all(unsupported(model))
    centers = expected_scores(model)
    definitions = ordered_definitions(model) | {name: center for center, name in centers.items()}
    references = {name: ParameterReference(name) for name in centers.values()}
    named: Replacements = {center: references[name] for center, name in centers.items()}
    drawn: Replacements = {references[name]: Constant(0.0) for name in references if name in uncentered}
    polynomials: dict[Expression, Expression] = dummies(model)
    polynomials.update(turned_outcomes(model).items())
    for name, expression in definitions.items():
        written_out = substitute(expression, polynomials)
        if not any(product.functions for product in expand(written_out)):
            polynomials[ParameterReference(name)] = written_out
    hidden: dict[str, Expression] = {}
    stated = {id(each): _with(each, named) for each in model.equations}
    # Mean and variance of an outcome share one equation, by which they are known to belong together.
    equations = {name: _with(each, drawn) for name, each in stated.items()}
    residuals = {
        id(each): _residual(equations[id(each)], stated[id(each)], polynomials, hidden) for each in model.equations
    }
    variances = {
        id(each): _log_variance(equations[id(each)], polynomials, hidden)
        for each in model.equations
        if each.variance_terms
    }
    groups = _grouped(model, residuals, variances)
    return Structure(groups, {**definitions, **hidden}, tuple(power_names(model)))


def depends_on(structure: Structure, name: str) -> frozenset[str]:
    """Parameters that a parameter is computed from, itself included."""
    if name not in structure.definitions:
        return frozenset((name,))
    found = {name}
    for each in parameters_in(structure.definitions[name]):
        found |= depends_on(structure, each)
    return frozenset(found)


def _with(equation: Equation, replacements: Replacements) -> Equation:
    """The equation with parts of its terms replaced."""
    if not replacements:
        return equation
    terms, variance_terms = (
        tuple(replace(each, expression=substitute(each.expression, replacements)) for each in stated)
        for stated in (equation.terms, equation.variance_terms)
    )
    return replace(equation, terms=terms, variance_terms=variance_terms)


def _residual(equation: Equation, stated: Equation, polynomials: Mapping, hidden: dict[str, Expression]) -> Residual:
    mean = _sum_of(equation.terms, polynomials)
    outcome = described_column(equation)
    value = substitute(outcome, polynomials)
    residual: Expression = value if mean is None else Apply("-", (value, mean))
    explaining = [each for each in equation.terms if not each.replaces_intercept]
    explained = _sum_of(explaining, polynomials)
    sloped = _sum_of((each for each in explaining if each.expression != Constant(1.0)), polynomials)
    return Residual(
        equation,
        outcome,
        _products(residual, hidden),
        () if explained is None else _products(explained, hidden),
        tuple(_products(substitute(each.expression, polynomials), hidden) for each in stated.terms),
        () if sloped is None else _products(sloped, hidden),
    )


def _log_variance(equation: Equation, polynomials: Mapping, hidden: dict[str, Expression]) -> Residual:
    mean = _sum_of(equation.variance_terms, polynomials)
    working = replace(equation.outcome, form=Form.WORKING_RESPONSE)
    residual: Expression = working if mean is None else Apply("-", (working, mean))
    products = _products(residual, hidden)
    return Residual(equation, equation.scale, products, (), (), models_variance=True)


def _standardized(residual: Residual) -> Residual:
    """A residual in units of its standard deviation, where that has predictors: what a block's correlations are of."""
    if not residual.equation.variance_terms:
        return residual
    root = replace(residual.outcome, form=Form.ROOT_PRECISION)
    products = tuple(replace(each, columns=(*each.columns, root)) for each in residual.products)
    return replace(residual, products=products, root=root)


def _sum_of(terms: Iterable[Term], polynomials: Mapping) -> Expression | None:
    total: Expression | None = None
    for term in terms:
        coefficient = polynomials.get(ParameterReference(term.coefficient), ParameterReference(term.coefficient))
        each = Apply("*", (coefficient, substitute(term.expression, polynomials)))
        total = each if total is None else Apply("+", (total, each))
    return total


def _products(expression: Expression, hidden: dict[str, Expression]) -> tuple[Product, ...]:
    """Write an expression as products, functions of parameters alone named as parameters.

    Those of columns may hold parameters as well: their values are computed anew where one of these changes.
    """
    products = []
    for product in expand(expression):
        functions = []
        parameters = list(product.parameters)
        for function in product.functions:
            if not columns_in(function):
                name = "=" + repr(function)
                hidden[name] = function
                parameters.append(name)
            else:
                functions.append(function)
        products.append(Product(product.constant, tuple(parameters), product.columns, tuple(functions)))
    return tuple(products)


def _grouped(model: Model, residuals: Mapping[int, Residual], variances: Mapping[int, Residual]) -> tuple[Group, ...]:
    groups: list[Group] = []
    done: set[int] = set()
    categories = Counter(each.name for each in model.equations if each.family == "logit")
    for equation in model.equations:
        if id(equation) in done:
            continue
        block = next(
            (
                each
                for each in model.blocks
                if equation.outcome in each.members and (each.role is Role.MEANS) == (equation.role is Role.MEANS)
            ),
            None,
        )
        members = [equation]
        if block is not None:
            by_outcome = {
                each.outcome: each
                for each in model.equations
                if (each.role is Role.MEANS) == (equation.role is Role.MEANS)
            }
            members = [by_outcome[column] for column in block.members]
        done.update(id(each) for each in members)
        family = equation.family if equation.family in WORKING_FAMILIES else "normal"
        if family == "logit" and categories[equation.name] > 1:
            family = "multinomial"
        joint = block if block is not None and len(members) > 1 else None
        own = tuple(residuals[id(each)] for each in members)
        groups.append(Group(own if joint is None else tuple(map(_standardized, own)), block, family))
        groups += [
            Group((variances[id(each)],), None, "log_variance" if joint is None else "joint_log_variance", joint)
            for each in members
            if each.variance_terms
        ]
    return tuple(groups)
