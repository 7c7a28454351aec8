"""Terms of a linear predictor: what stands between `~` and `;`, with everything after `@`.

Ranges and NOMINAL variables become several terms here, `x@b_j` becomes a product, and names become
columns, defined variables, or labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from math import comb

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.ranges import expand_range
from blimp2pymc.errors import BlimpError, Finding, Span, collected, error
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import MAX_POWER, columns_in, parameters_in
from blimp2pymc.joint_model.drafts import FREE, DraftTerm, Setting
from blimp2pymc.joint_model.expressions import resolve_expression
from blimp2pymc.joint_model.names import Names
from blimp2pymc.joint_model.refusals import refuse
from blimp2pymc.joint_model.term_names import term_name

FORM_REFUSALS: Mapping[ir.Form, str] = {
    ir.Form.CLUSTER_MEAN: "cluster-mean",
    ir.Form.CLUSTER_PROBABILITY: "cluster-mean",
}
"""Forms of a variable that cannot be drawn yet."""

MOST_PRODUCTS = 20_000
"""A term that multiplies out to more is refused: it would take minutes to prepare."""


@dataclass(frozen=True)
class Multiplier:
    """A variable after `@`."""

    name: str
    expression: ir.Expression


@dataclass(frozen=True)
class Predictor:
    """A term for an equation; `term` is None for the plain intercept."""

    term: DraftTerm | None
    setting: Setting
    span: Span | None
    replaces_intercept: bool = False
    """`1@b_j`: the intercept is a variable."""

    def adjusted(self, setting: Setting, multipliers: list[Multiplier]) -> Predictor:
        """The predictor with what stands behind an outcome of `->`."""
        chosen = setting if setting.says_something else self.setting
        if self.term is None:
            if not multipliers:
                return Predictor(None, chosen, self.span)
            one = DraftTerm("", ir.Constant(1.0), chosen, self.span)
            return Predictor(_multiplied(one, multipliers), chosen, self.span, replaces_intercept=True)
        changed = replace(self.term, setting=chosen)
        return replace(self, term=_multiplied(changed, multipliers), setting=chosen)


def _with_label_hint(finding: Finding, written: tree.Expression) -> Finding:
    """`b*x` with an unknown b is how other programs label the coefficient of x."""
    match written:
        case tree.Operation("*", (tree.Name(label, span), tree.Name(name))) if (
            finding.code == "undeclared-name" and not finding.hint and finding.span == span
        ):
            return replace(finding, hint=f"{name}@{label}, if {label} is to label the coefficient of {name}")
    return finding


@dataclass
class TermReader:
    """Reads terms, and resolves the expressions of MODEL."""

    names: Names
    definitions: Mapping[str, tree.Definition]
    """Defined variables of MODEL, as written."""
    labels: frozenset[str]
    """Every label of MODEL and name of PARAMETERS."""
    findings: list[Finding]
    defined: dict[str, ir.Expression] = field(default_factory=dict)
    """Defined variables, resolved."""
    _open: list[str] = field(default_factory=list)
    """Definitions being resolved, for loops among them."""
    _failed: dict[str, BlimpError] = field(default_factory=dict)

    # ------------------------------------------------------------ predictors

    def predictors(self, side: tree.Side) -> list[Predictor]:
        """Every term of a side; mistakes are added to the findings."""
        found: list[Predictor] = []
        for term in side.terms:
            try:
                found.extend(self.predictor(term))
            except BlimpError as mistake:
                self.findings.extend(_with_label_hint(each, term.expression) for each in mistake.findings)
        return found

    def predictor(self, term: tree.Term) -> Iterator[Predictor]:
        """The terms that one written term stands for."""
        setting, multipliers = self.settings(term.settings)
        mistakes: list[Finding] = []
        for written in self._with_dummies(term.expression):
            with collected(mistakes):
                if isinstance(written, tree.Number):
                    yield self._intercept(written, setting, multipliers, term)
                else:
                    yield self._slope(written, setting, multipliers, term)
        if mistakes:
            raise BlimpError(*mistakes)

    def _slope(
        self, written: tree.Expression, setting: Setting, multipliers: list[Multiplier], term: tree.Term
    ) -> Predictor:
        expression = self.resolve(written)
        name = term_name(self._as_printed(written))
        is_defined = isinstance(written, tree.Name) and written.name in self.definitions
        if multipliers and is_defined:
            name = f"({name})"
        self._check_term(expression, written, setting, term)
        is_product = is_defined or not isinstance(written, (tree.Name, tree.AtLevel))
        is_loading = isinstance(expression, ir.Column) and self.names.is_latent(expression)
        draft = DraftTerm(name, expression, setting, term.span, is_product, is_loading)
        return Predictor(_multiplied(draft, multipliers), setting, term.span)

    def _as_printed(self, expression: tree.Expression) -> tree.Expression:
        """Names as they are printed: `y.lag` is `y.lag1`, `x.mean` has its level behind it."""
        match expression:
            case tree.Name(name):
                column = self.names.find(name)
                if column is not None and column.lag:
                    return tree.Name(f"{column.variable}.lag{column.lag}")
                if column is not None and column.form is ir.Form.CLUSTER_MEAN:
                    level = self.names.declarations.cluster_identifiers[column.level - 2]
                    return tree.Name(f"{column.variable}.mean[{level}]")
            case tree.Operation(operator, operands):
                return tree.Operation(operator, tuple(self._as_printed(each) for each in operands))
            case tree.Call(function, arguments):
                return tree.Call(function, tuple(self._as_printed(each) for each in arguments))
        return expression

    def _intercept(
        self, number: tree.Number, setting: Setting, multipliers: list[Multiplier], term: tree.Term
    ) -> Predictor:
        if number.value == 0 and not term.settings:
            return Predictor(None, Setting(0.0, span=term.span), term.span)
        if number.value != 1:
            raise error(f"{number.value:g} is no predictor", term.span, "1 for the intercept, 0 for none",
                        "number-as-predictor")  # fmt: skip
        if not multipliers:
            return Predictor(None, setting, term.span)
        one = DraftTerm("", ir.Constant(1.0), setting, term.span)
        return Predictor(_multiplied(one, multipliers), setting, term.span, replaces_intercept=True)

    def _check_term(
        self, expression: ir.Expression, written: tree.Expression, setting: Setting, term: tree.Term
    ) -> None:
        text = term_name(written)
        if product_count(expression) > MOST_PRODUCTS:
            raise error(f"'{text}' multiplies out to more than {MOST_PRODUCTS:,} products", term.span,
                        "TRANSFORM, to compute it as a column of its own", "too-many-products")  # fmt: skip
        if columns_in(expression) or setting.fixed is not None:
            return
        if parameters_in(expression):
            raise error(f"'{text}' is a parameter and no variable, so it cannot have a slope", term.span,
                        f"x@{text} to give the slope of x that name", "parameter-as-predictor")  # fmt: skip
        raise error(f"'{text}' is constant and no predictor", term.span, "1 for the intercept", "number-as-predictor")

    def _with_dummies(self, expression: tree.Expression) -> list[tree.Expression]:
        """A list entry written out: ranges, and a NOMINAL factor as one term per dummy."""
        return [each for one in written_out(expression) for each in self._dummies(one)]

    def _dummies(self, expression: tree.Expression) -> list[tree.Expression]:
        match expression:
            case tree.Name(name):
                column = self.names.find(name)
                if column is None or column.form is not ir.Form.SCORE:
                    return [expression]
                dummies = self.names.dummies(column)
                return [tree.Name(each, expression.span) for each in dummies] if dummies else [expression]
            case tree.Operation("*", operands):
                expanded = [self._dummies(each) for each in operands]
                return [tree.Operation("*", tuple(each), expression.span) for each in product(*expanded)]
        return [expression]

    # ------------------------------------------------------------ settings after @

    def settings(self, settings: tuple[tree.Number | tree.Name, ...]) -> tuple[Setting, list[Multiplier]]:
        """Number, label, and variables behind `@`."""
        multipliers: list[Multiplier] = []
        stated: list[Setting] = []
        for each in settings:
            if isinstance(each, tree.Number):
                stated.append(Setting(each.value, span=each.span))
            elif self.names.find(each.name) is not None or each.name in self.definitions:
                multipliers.append(Multiplier(each.name, self.resolve(each)))
                self._note_column_as_coefficient(each)
            else:
                stated.append(Setting(label=each.name, span=each.span))
        if len(stated) > 1:
            raise error("two settings with '@' for one parameter", stated[1].span, "one number or one label",
                        "two-settings")  # fmt: skip
        if not stated and multipliers:
            stated.append(Setting(1.0))
        return (stated[0] if stated else FREE), multipliers

    def _note_column_as_coefficient(self, setting: tree.Name) -> None:
        column = self.names.find(setting.name)
        if column is not None and not self.names.is_latent(column):
            self.findings.append(Finding(
                f"'{setting.name}' is a column of the data, so '@{setting.name}' multiplies by it and is no label",
                setting.span, "another name, if you mean a label", "column-as-coefficient", "warning"))  # fmt: skip

    def parameter_setting(self, settings: tuple[tree.Number | tree.Name, ...]) -> Setting:
        """Number or label behind the `@` of a variance or correlation."""
        setting, multipliers = self.settings(settings)
        if multipliers:
            raise error(f"'{multipliers[0].name}' is a variable; a variance or correlation can be a number or a label",
                        settings[0].span, "another name, if a label is meant; var(y) ~ x, if it depends on x",
                        "variable-as-variance")  # fmt: skip
        return setting

    # ------------------------------------------------------------ names

    def resolve(self, expression: tree.Expression) -> ir.Expression:
        """Resolve an expression of MODEL; its columns are uncentered."""
        resolved = resolve_expression(expression, self._lookup)
        for column in sorted(numbers_in(resolved)):
            if self.names.dummies(column):
                name, (dummy, *_) = column.variable, self.names.dummies(column)
                raise error(f"'{name}' is NOMINAL, so its codes are no numbers to compute with", expression.span,
                            f"{dummy}, or ({name} == {dummy.rpartition('.')[2]})", "nominal-as-number")  # fmt: skip
        return resolved

    def _lookup(self, node: tree.Name | tree.ParameterName | tree.AtLevel) -> ir.Expression:
        if isinstance(node, tree.AtLevel):
            mean = self.names.at_level(node)
            self.findings.append(refuse("cluster-mean", node.span, name=term_name(node)))
            return mean
        if isinstance(node, tree.ParameterName):
            if node.name not in self.labels:
                near = nearest(node.name, self.labels)
                raise error(f"'{node.name}' is no parameter: no '@{node.name}' gives one that name", node.span,
                            f"&{near}" if near else "", "undeclared-name")  # fmt: skip
            return ir.ParameterReference(node.name)
        column = self.names.find(node.name)
        if column is not None:
            if column.form in FORM_REFUSALS:
                self.findings.append(refuse(FORM_REFUSALS[column.form], node.span, name=node.name))
            if column.lag:
                self.findings.append(refuse("lag", node.span, name=node.name))
            return column
        if node.name in self.definitions:
            return self.definition(node.name)
        if node.name in self.labels:
            return ir.ParameterReference(node.name)
        raise self.unknown(node.name, node.span)

    def definition(self, name: str) -> ir.Expression:
        """The resolved expression of a defined variable."""
        if name in self.defined:
            return self.defined[name]
        if name in self._failed:
            raise self._failed[name]
        try:
            self.defined[name] = self._resolve_definition(name)
        except BlimpError as mistake:
            self._failed[name] = mistake
            raise
        return self.defined[name]

    def _resolve_definition(self, name: str) -> ir.Expression:
        definition = self.definitions[name]
        if name in self._open:
            loop = " -> ".join([*self._open[self._open.index(name) :], name])
            raise error(f"the definition of '{name}' leads back to itself: {loop}",
                        definition.name_span or definition.span, f"a definition without '{name}'",
                        "circular-definition")  # fmt: skip
        self._open.append(name)
        try:
            expression = self.resolve(definition.expression)
        finally:
            self._open.pop()
        if product_count(expression) > MOST_PRODUCTS:
            raise error(f"the definition of '{name}' multiplies out to more than {MOST_PRODUCTS:,} products",
                        definition.span, "TRANSFORM, to compute it as a column of its own",
                        "too-many-products")  # fmt: skip
        return expression

    def unknown(self, name: str, span: Span | None) -> BlimpError:
        """The error for a name that is no variable in MODEL."""
        if name in self.definitions:
            where = self.definitions[name].name_span
            line = f" (line {where.line})" if where else ""
            return error(f"'{name}' is defined with '='{line}, so it has no equation of its own", span,
                         "a variable on this side", "no-variable")  # fmt: skip
        if name in self.labels:
            return error(f"'{name}' is the name of a parameter, and here stands a variable", span,
                         "another name for one of the two", "no-variable")  # fmt: skip
        return self.names.unknown(name, span, [*self.definitions, *self.labels])


def written_out(expression: tree.Expression) -> list[tree.Expression]:
    """Ranges as their names; `f(x1:x3)` is one call per name."""
    match expression:
        case tree.Range(first, last):
            return [tree.Name(each, expression.span) for each in expand_range(first, last, expression.span)]
        case tree.Call(function, (tree.Range() as inner, *others)):
            each_name = written_out(inner)
            return [tree.Call(function, (each, *others), expression.span) for each in each_name]
    return [expression]


def numbers_in(expression: ir.Expression) -> frozenset[ir.Column]:
    """Columns whose values an expression computes with, and does not only compare."""
    match expression:
        case ir.Column():
            return frozenset((expression,))
        case ir.Apply("==" | "!=", arguments) if any(isinstance(each, ir.Constant) for each in arguments):
            return frozenset()
        case ir.Apply(_, arguments):
            return frozenset().union(*(numbers_in(each) for each in arguments))
    return frozenset()


def _multiplied(term: DraftTerm, multipliers: list[Multiplier]) -> DraftTerm:
    """`x@b_j`: the product x*b_j, printed `x*b_j`."""
    expression, parts = term.expression, [term.name] if term.name else []
    for each in multipliers:
        is_one = expression == ir.Constant(1.0)
        expression = each.expression if is_one else ir.Apply("*", (expression, each.expression))
        parts.append(each.name)
    is_product = term.is_product or len(parts) > 1
    return DraftTerm("*".join(parts), expression, term.setting, term.span, is_product, term.is_loading)


def product_count(expression: ir.Expression) -> int:
    """Upper bound of the products an expression multiplies out to; counting stops a little above `MOST_PRODUCTS`."""
    most = MOST_PRODUCTS + 1
    match expression:
        case ir.Apply("+" | "-", (left, right)):
            first = product_count(left)
            return first if first >= most else min(most, first + product_count(right))
        case ir.Apply("neg", (operand,)):
            return product_count(operand)
        case ir.Apply("*", (left, right)):
            first = product_count(left)
            return first if first >= most else min(most, first * product_count(right))
        case ir.Apply("^", (base, ir.Constant(power))) if power == int(power) and 0 <= power <= MAX_POWER:
            return min(most, comb(product_count(base) + int(power) - 1, int(power)))
        case ir.Apply(_, arguments):
            # A function is one factor, but its arguments have to be written and computed too.
            return min(most, 1 + sum(product_count(each) for each in arguments))
    return 1
