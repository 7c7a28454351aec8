"""A model as the parts of a path diagram: what is drawn, before it has a place.

Between the resolved model and `path_layout`, which gives every part its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.formulas import Formulas
from blimp2pymc.joint_model.ir import (
    Apply,
    Column,
    Constant,
    Equation,
    Expression,
    Form,
    Kind,
    Model,
    Origin,
    Role,
    Term,
)
from blimp2pymc.summary.printed_names import column_name

ONE = Constant(1.0)
UNOBSERVED = (Form.LATENT_RESPONSE, Form.CLUSTER_MEAN, Form.CLUSTER_PROBABILITY)
"""Forms of a data variable that nobody has seen."""


class Shape(Enum):
    """What a node stands for, hence how it looks."""

    OBSERVED = "observed"
    LATENT = "latent"
    DERIVED = "derived"
    """A function of other variables: a defined variable, a power, a deviation."""
    PRODUCT = "product"
    """The dot where the arrows of an interaction meet."""
    VARIANCE = "variance"
    """A residual variance that has predictors."""


@dataclass(frozen=True)
class Node:
    """Something that arrows go to or come from."""

    key: str
    label: str
    shape: Shape


class Style(Enum):
    """How a path is drawn."""

    PATH = "path"
    """A regression or a loading: arrow."""
    FACTOR = "factor"
    """From a variable to the dot of a product: line without a head."""
    DEFINITION = "definition"
    """From a variable to what is computed from it: dashed line."""
    DEFAULT = "default"
    """Regression in the default model of predictors: thin arrow without a label."""


@dataclass(frozen=True)
class Path:
    """A line from one node to another."""

    source: str
    target: str
    style: Style = Style.PATH
    parameter: str = ""
    """Name of the coefficient."""
    occurrence: int = 0
    """0, 1, ...: which of several lines between the same two nodes (`x*x`)."""


@dataclass(frozen=True)
class Covariance:
    """A double-headed curve between two nodes."""

    first: str
    second: str
    parameter: str = ""
    is_default: bool = False
    """Whether it belongs to the default model of predictors."""


@dataclass(frozen=True)
class Graph:
    """All parts of a path diagram, in the order of the script; printed tables are in alphabetical order."""

    nodes: dict[str, Node] = field(default_factory=dict)
    paths: list[Path] = field(default_factory=list)
    covariances: list[Covariance] = field(default_factory=list)
    residuals: dict[str, str] = field(default_factory=dict)
    """Node -> name of its residual variance."""
    intercepts: dict[str, str] = field(default_factory=dict)
    """Node -> name of its intercept."""
    definitions: list[str] = field(default_factory=list)
    """What the derived nodes stand for, `r1 = y1 - eta`."""

    def predictors(self, key: str) -> list[str]:
        """Nodes with a line to this one, without repetition."""
        return list(dict.fromkeys(each.source for each in self.paths if each.target == key))


def path_graph(model: Model, *, predictors: bool = True) -> Graph:
    """Find the nodes and lines of a model's path diagram.

    Parameters
    ----------
    model
        A resolved model.
    predictors
        Whether to include the relations among predictors that own no equation.
    """
    reader = _Reader(model, predictors)
    for equation in model.equations:
        reader.equation(equation)
    reader.covariances()
    return reader.graph


class _Reader:
    def __init__(self, model: Model, predictors: bool) -> None:
        self.model = model
        self.with_predictors = predictors
        self.formulas = Formulas(model)
        self.symbols = {**dict.fromkeys(model.parameters, ""), **self.formulas.symbols()}
        self.names = {expression: name for name, expression in model.defined.items()}
        self.responses = {
            column
            for each in model.equations
            if each.role is Role.OUTCOME
            for term in (*each.terms, *each.variance_terms)
            for column in columns_in(term.expression)
            if column.form is Form.LATENT_RESPONSE
        }
        self.graph = Graph()

    # ------------------------------------------------------------ equations

    def equation(self, equation: Equation) -> None:
        if equation.role is Role.MEANS:
            return
        if equation.role is Role.PREDICTOR:
            target = self.column(equation.outcome)
            if self.with_predictors:
                for term in equation.terms:
                    for column in sorted(columns_in(term.expression)):
                        self.add(Path(self.column(self.member(column)), target, Style.DEFAULT))
            return
        target = self.outcome(equation)
        for term in equation.terms:
            self.term(term, target)
        if equation.variance_terms:
            variance = self.node(f"variance of {target}", f"var({self.graph.nodes[target].label})", Shape.VARIANCE)
            for term in equation.variance_terms:
                self.term(term, variance)
            self.add(Path(variance, target))
        elif equation.residual_variance is not None:
            self.graph.residuals[target] = equation.residual_variance

    def outcome(self, equation: Equation) -> str:
        """Node of an outcome: its latent response where the model has that among the predictors, and then the score
        follows from it."""
        response = replace(equation.outcome, form=Form.LATENT_RESPONSE)
        if response not in self.responses:
            return self.column(equation.outcome)
        target = self.column(response)
        self.add(Path(target, self.column(equation.outcome), Style.DEFINITION))
        return target

    def member(self, column: Column) -> Column:
        """The column of a predictor in the default model, whose latent response is not drawn apart from it."""
        if column.form is not Form.LATENT_RESPONSE:
            return column
        return replace(column, form=Form.SCORE if column.category is None else Form.DUMMY)

    def term(self, term: Term, target: str) -> None:
        if term.expression == ONE:
            self.graph.intercepts[target] = term.coefficient
            return
        factors = self.factors(term.expression, term.name)
        source = factors[0] if len(factors) == 1 else self.product(factors)
        self.add(Path(source, target, Style.PATH, term.coefficient))

    def factors(self, expression: Expression, name: str = "") -> list[str]:
        """Nodes whose product an expression is; a single derived node when it is no product of variables."""
        if expression not in self.names:
            match expression:
                case Column():
                    return [self.column(expression)]
                case Apply("-", (Column() as column, mean)) if self.model.centered.get(column) == mean:
                    return [self.column(column)]
                case Apply("*", (left, right)) if all(map(columns_in, (left, right))):
                    return self.factors(left) + self.factors(right)
                case Apply("^", (base, Constant(power))) if power in (2, 3) and columns_in(base):
                    return self.factors(base) * int(power)
        return [self.derived(expression, name)]

    def product(self, factors: Sequence[str]) -> str:
        known = set(self.graph.nodes)
        ordered = sorted(factors)
        key = self.node(f"product of {ordered}", "", Shape.PRODUCT)
        if key not in known:
            for place, each in enumerate(ordered):
                self.add(Path(each, key, Style.FACTOR, occurrence=ordered[:place].count(each)))
        return key

    # ------------------------------------------------------------ nodes

    def node(self, key: str, label: str, shape: Shape) -> str:
        self.graph.nodes.setdefault(key, Node(key, label, shape))
        return key

    def column(self, column: Column) -> str:
        variable = self.model.variables.get(column.variable)
        if column.form is Form.DUMMY and variable is not None and variable.kind is Kind.ORDINAL:
            column = replace(column, form=Form.SCORE, category=None)
        is_latent = variable is not None and variable.origin in (Origin.LATENT, Origin.RANDOM_EFFECT)
        shape = Shape.LATENT if is_latent or column.form in UNOBSERVED else Shape.OBSERVED
        is_response = column.form is Form.LATENT_RESPONSE
        label = column_name(column) if is_response else self.formulas.variable(column)
        return self.node(f"column {label}", label, shape)

    def derived(self, expression: Expression, name: str) -> str:
        label = self.names.get(expression, "") or name.strip() or self.text(expression)
        if label.startswith("(") and label.endswith(")") and label.count("(") == 1:
            label = label[1:-1]
        key = f"derived {label}"
        if key not in self.graph.nodes:
            self.node(key, label, Shape.DERIVED)
            for column in sorted(columns_in(expression)):
                self.add(Path(self.column(column), key, Style.DEFINITION))
            text = self.text(expression)
            if text.replace(" ", "") != label.replace(" ", ""):
                self.graph.definitions.append(f"{label} = {text}")
        return key

    def text(self, expression: Expression) -> str:
        parameters = {name: parameter.label or name for name, parameter in self.model.parameters.items()}
        return self.formulas.expression(expression, parameters)

    # ------------------------------------------------------------ lines

    def add(self, path: Path) -> None:
        if path not in self.graph.paths:
            self.graph.paths.append(path)

    def covariances(self) -> None:
        for block in sorted(self.model.blocks, key=lambda each: each.order):
            is_default = block.role is Role.PREDICTOR
            if block.role is Role.MEANS or (is_default and not self.with_predictors):
                continue
            if self.model.equation_of[block.members[0]].family == "multinomial_probit":
                # Comparisons of one nominal variable: a convention, no relation.
                continue
            for (i, j), name in sorted(block.correlations.items()):
                first, second = self.column(block.members[i]), self.column(block.members[j])
                self.graph.covariances.append(Covariance(first, second, name, is_default))
