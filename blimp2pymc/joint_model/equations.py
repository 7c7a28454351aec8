"""Statements of MODEL -> drafts of equations, in one pass that keeps every mistake it meets.

Each statement is read by itself; a mistake in one does not hide the mistakes in the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.ranges import expand_range
from blimp2pymc.errors import BlimpError, Finding, Span, error
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in, parameters_in
from blimp2pymc.joint_model.drafts import FREE, DraftEquation, Drafts, DraftTerm, Pair, Setting
from blimp2pymc.joint_model.expressions import resolve_expression
from blimp2pymc.joint_model.names import Names
from blimp2pymc.joint_model.outcomes import OutcomeForm, read_outcome
from blimp2pymc.joint_model.refusals import refuse
from blimp2pymc.joint_model.term_names import term_name

FORM_REFUSALS: Mapping[ir.Form, str] = {
    ir.Form.LATENT_RESPONSE: "latent-response",
    ir.Form.MISSINGNESS: "missingness-indicator",
    ir.Form.CLUSTER_MEAN: "cluster-mean",
    ir.Form.CLUSTER_PROBABILITY: "cluster-mean",
}
"""Forms of a variable that cannot be drawn yet."""


def draft_equations(
    statements: tuple[tree.ModelStatement, ...], names: Names, labels: frozenset[str], findings: list[Finding]
) -> Drafts:
    """Read the statements of MODEL.

    Parameters
    ----------
    statements
        Statements of every MODEL command, in order.
    names
        The declared variables.
    labels
        Names that PARAMETERS declares; they may occur inside expressions, as the labels of MODEL may.
    findings
        Mistakes and refusals are added here.
    """
    definitions: dict[str, tree.Definition] = {}
    for each in statements:
        if isinstance(each, tree.Definition):
            _declare_definition(each, names, definitions, findings)
    known = labels | {name for name in _labels_of(statements) if names.find(name) is None and name not in definitions}
    blocks = {label: place for place, label in enumerate(dict.fromkeys(each.block for each in statements))}
    reader = _Reader(names, definitions, known, blocks, findings)
    for each in statements:
        try:
            reader.read(each)
        except BlimpError as mistake:
            findings.extend(mistake.findings)
    return reader.drafts


def model_labels(statements: tuple[tree.ModelStatement, ...], names: Names) -> frozenset[str]:
    """Names after `@` that are no variables."""
    return frozenset(name for name in _labels_of(statements) if names.find(name) is None)


def _labels_of(statements: tuple[tree.ModelStatement, ...]) -> Iterator[str]:
    for node in tree.walk(statements):
        if isinstance(node, tree.Term):
            for setting in node.settings:
                if isinstance(setting, tree.Name):
                    yield setting.name


def _declare_definition(
    definition: tree.Definition, names: Names, definitions: dict[str, tree.Definition], findings: list[Finding]
) -> None:
    name, span = definition.name, definition.name_span or definition.span
    if names.find(name) is not None:
        findings.append(Finding(f"'{name}' is already a variable and cannot be defined again", span,
                                f"another name, such as {name}_new", "name-taken"))  # fmt: skip
    elif name in definitions:
        findings.append(Finding(f"'{name}' is defined twice in MODEL", span, "one definition", "name-taken"))
    else:
        definitions[name] = definition


@dataclass
class _Reader:
    """What is known while statements are read."""

    names: Names
    definitions: Mapping[str, tree.Definition]
    labels: frozenset[str]
    blocks: Mapping[str, int]
    findings: list[Finding]
    drafts: Drafts = field(default_factory=Drafts)
    _open: list[str] = field(default_factory=list)
    """Definitions being resolved, for loops among them."""

    # ------------------------------------------------------------ statements

    def read(self, statement: tree.ModelStatement) -> None:
        match statement:
            case tree.Relation(left, "~", right):
                self._regression(left, right, statement)
            case tree.Relation(left, "->", right):
                self._arrow(left, right, statement)
            case tree.Relation(left, "<-", right):
                self._arrow(right, left, statement)
            case tree.Relation(left, "~~", right):
                self._covariance(left, right, statement)
            case tree.VarianceStatement(term):
                setting = self._parameter_setting(term.settings)
                for each in self._outcomes(term.expression):
                    self._equation(each, statement, is_stated=False).set_variance(setting)
            case tree.Definition(name):
                self._definition(name)
            case _:
                raise TypeError(f"no statement of MODEL: {statement!r}")

    def _regression(self, left: tree.Side, right: tree.Side, statement: tree.Relation) -> None:
        for term in left.terms:
            if term.settings:
                raise error("a setting with '@' belongs to a predictor or to 'y ~~ y@v', not to an outcome",
                            term.settings[0].span or term.span, code="setting-on-outcome")  # fmt: skip
        written = [(term, each) for term in left.terms for each in self._outcomes(term.expression)]
        equations = [self._equation(form, statement, is_stated=True) for _, form in written]
        right_terms = self._predictors(right)
        for place, equation in enumerate(equations):
            later = [] if left.braces else written[place + 1 :]
            chain = [tree.Term(tree.Name(form.column.variable, term.span), (), term.span) for term, form in later]
            role = written[place][1].role
            self._extend(equation, [each for term in chain for each in self._predictor(term)], role)
            self._extend(equation, right_terms, role)

    def _arrow(self, predictors: tree.Side, outcomes: tree.Side, statement: tree.Relation) -> None:
        right_terms = self._predictors(predictors)
        fixes_first = self._is_measurement(predictors)
        is_first = True
        for term in outcomes.terms:
            setting, multipliers = self._settings(term.settings)
            if term.settings and len(right_terms) != 1:
                raise error("'@' behind an outcome of '->' is ambiguous with several predictors on the other side",
                            term.settings[0].span or term.span, "one predictor, or the '@' behind the predictors",
                            "ambiguous-setting")  # fmt: skip
            for form in self._outcomes(term.expression):
                equation = self._equation(form, statement, is_stated=True)
                here = setting
                if fixes_first and is_first and not term.settings:
                    here = Setting(1.0, span=term.span)
                is_first = False
                adjusted = [_with(each, here, multipliers) for each in right_terms]
                self._extend(equation, adjusted, form.role)

    def _is_measurement(self, side: tree.Side) -> bool:
        if len(side.terms) != 1 or side.terms[0].settings or not isinstance(side.terms[0].expression, tree.Name):
            return False
        column = self.names.find(side.terms[0].expression.name)
        return column is not None and self.names.is_latent(column)

    def _covariance(self, left: tree.Side, right: tree.Side, statement: tree.Relation) -> None:
        firsts = [(term, each) for term in left.terms for each in self._outcomes(term.expression)]
        seconds = [(term, each) for term in right.terms for each in self._outcomes(term.expression)]
        for term, _ in firsts:
            if term.settings:
                raise error("'@' belongs behind the right-hand side of '~~'", term.settings[0].span or term.span,
                            "a ~~ b@label", "setting-on-outcome")  # fmt: skip
        if len(firsts) == len(seconds) == 1 and firsts[0][1].column == seconds[0][1].column:
            equation = self._equation(firsts[0][1], statement, is_stated=False)
            if seconds[0][0].settings:
                equation.set_variance(self._parameter_setting(seconds[0][0].settings))
            return
        for _, form in (*firsts, *seconds):
            self._equation(form, statement, is_stated=False)
        for (_, first), (term, second) in product(firsts, seconds):
            if first.column == second.column:
                continue
            setting = self._parameter_setting(term.settings)
            self._add_pair(first.column, second.column, setting, statement)

    def _add_pair(self, first: ir.Column, second: ir.Column, setting: Setting, statement: tree.Relation) -> None:
        key = frozenset((first, second))
        earlier = self.drafts.pairs.get(key)
        if earlier is None or setting.says_something:
            block, place = (statement.block, self.blocks[statement.block])
            if earlier is not None:
                block, place = earlier.block, earlier.block_place
            self.drafts.pairs[key] = Pair(first, second, setting, block, place, statement.span)

    # ------------------------------------------------------------ outcomes

    def _outcomes(self, expression: tree.Expression) -> list[OutcomeForm]:
        """The outcomes an expression on the outcome side stands for."""
        forms = []
        for each in _written_out(expression):
            form = read_outcome(each, self.names, self._unknown)
            self.findings.extend(form.refusals)
            forms.append(form)
        return forms

    def _equation(self, form: OutcomeForm, statement: tree.ModelStatement, is_stated: bool) -> DraftEquation:
        draft = self.drafts.equations.get(form.column)
        span = form.span or statement.span
        if draft is None:
            is_latent = self.names.is_latent(form.column)
            draft = DraftEquation(
                form.column, form.name, form.family, not is_latent, transform=form.transform, is_latent=is_latent
            )
            draft.block, draft.block_place, draft.span = statement.block, self.blocks[statement.block], span
            self.drafts.equations[form.column] = draft
        if is_stated and form.role == "mean" and not draft.is_stated:
            draft.is_stated, draft.span = True, span
            draft.block, draft.block_place = statement.block, self.blocks[statement.block]
            if form.transform is not None:
                draft.name, draft.family, draft.transform = form.name, form.family, form.transform
        return draft

    def _extend(self, equation: DraftEquation, terms: list[_Predictor], role: str) -> None:
        for each in terms:
            if role == "variance":
                if each.term is not None:
                    equation.variance_terms.setdefault(each.term.key, each.term)
            elif each.term is None:
                equation.set_intercept(each.setting, each.span)
            else:
                if each.replaces_intercept:
                    equation.has_intercept = False
                equation.add(_copy(each.term))

    # ------------------------------------------------------------ predictors

    def _predictors(self, side: tree.Side) -> list[_Predictor]:
        found: list[_Predictor] = []
        for term in side.terms:
            try:
                found.extend(self._predictor(term))
            except BlimpError as mistake:
                self.findings.extend(mistake.findings)
        return found

    def _predictor(self, term: tree.Term) -> Iterator[_Predictor]:
        setting, multipliers = self._settings(term.settings)
        for written in self._with_dummies(term.expression):
            if isinstance(written, tree.Number):
                yield self._intercept(written, setting, multipliers, term)
                continue
            expression = self.resolve(written)
            name = term_name(written)
            if multipliers and isinstance(written, tree.Name) and written.name in self.definitions:
                name = f"({name})"
            self._check_term(expression, written, setting, term)
            draft = DraftTerm(name, expression, setting, term.span,
                              is_product=isinstance(written, (tree.Operation, tree.Call, tree.SumRange)),
                              is_loading=isinstance(expression, ir.Column) and self.names.is_latent(expression),
                              )  # fmt: skip
            yield _Predictor(_multiplied(draft, multipliers), setting, term.span)

    def _intercept(
        self, number: tree.Number, setting: Setting, multipliers: list[_Multiplier], term: tree.Term
    ) -> _Predictor:
        if number.value == 0 and not term.settings:
            return _Predictor(None, Setting(0.0, span=term.span), term.span)
        if number.value != 1:
            raise error(f"{number.value:g} is no predictor", term.span, "1 for the intercept, 0 for none",
                        "number-as-predictor")  # fmt: skip
        if not multipliers:
            return _Predictor(None, setting, term.span)
        one = DraftTerm("", ir.Constant(1.0), setting, term.span)
        return _Predictor(_multiplied(one, multipliers), setting, term.span, replaces_intercept=True)

    def _check_term(
        self, expression: ir.Expression, written: tree.Expression, setting: Setting, term: tree.Term
    ) -> None:
        if columns_in(expression) or setting.fixed is not None:
            return
        text = term_name(written)
        if parameters_in(expression):
            raise error(f"'{text}' is a parameter and no variable, so it cannot have a slope", term.span,
                        f"x@{text} to give the slope of x that name", "parameter-as-predictor")  # fmt: skip
        raise error(f"'{text}' is constant and no predictor", term.span, "1 for the intercept", "number-as-predictor")

    def _with_dummies(self, expression: tree.Expression) -> list[tree.Expression]:
        """A list entry written out: ranges, and a NOMINAL factor as one term per dummy."""
        return [each for one in _written_out(expression) for each in self._dummies(one)]

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

    def _settings(self, settings: tuple[tree.Number | tree.Name, ...]) -> tuple[Setting, list[_Multiplier]]:
        multipliers: list[_Multiplier] = []
        stated: list[Setting] = []
        for each in settings:
            if isinstance(each, tree.Number):
                stated.append(Setting(each.value, span=each.span))
            elif self.names.find(each.name) is not None or each.name in self.definitions:
                multipliers.append(_Multiplier(each.name, self.resolve(each)))
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

    def _parameter_setting(self, settings: tuple[tree.Number | tree.Name, ...]) -> Setting:
        setting, multipliers = self._settings(settings)
        if multipliers:
            raise error(f"'{multipliers[0].name}' is a variable; a variance or correlation can be a number or a label",
                        settings[0].span, "var(y) ~ x for a variance that depends on x",
                        "variable-as-variance")  # fmt: skip
        return setting

    # ------------------------------------------------------------ names

    def resolve(self, expression: tree.Expression) -> ir.Expression:
        """Resolve an expression of MODEL; its columns are uncentered."""
        return resolve_expression(expression, self._lookup)

    def _lookup(self, node: tree.Name | tree.ParameterName | tree.AtLevel) -> ir.Expression:
        if isinstance(node, tree.AtLevel):
            self.findings.append(refuse("cluster-mean", node.span, name=term_name(node)))
            inner = node.expression
            return self.resolve(inner) if isinstance(inner, tree.Name) else ir.Constant(1.0)
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
            return self._definition(node.name)
        if node.name in self.labels:
            return ir.ParameterReference(node.name)
        raise self._unknown(node.name, node.span)

    def _definition(self, name: str) -> ir.Expression:
        if name in self.drafts.defined:
            return self.drafts.defined[name]
        definition = self.definitions[name]
        if name in self._open:
            loop = " -> ".join([*self._open[self._open.index(name) :], name])
            raise error(f"the definition of '{name}' leads back to itself: {loop}", definition.span,
                        code="circular-definition")  # fmt: skip
        self._open.append(name)
        try:
            self.drafts.defined[name] = self.resolve(definition.expression)
        finally:
            self._open.pop()
        return self.drafts.defined[name]

    def _unknown(self, name: str, span: Span | None) -> BlimpError:
        return self.names.unknown(name, span, [*self.definitions, *self.labels])


@dataclass(frozen=True)
class _Multiplier:
    """A variable after `@`."""

    name: str
    expression: ir.Expression


@dataclass(frozen=True)
class _Predictor:
    """A term for an equation; `term` is None for the plain intercept."""

    term: DraftTerm | None
    setting: Setting
    span: Span | None
    replaces_intercept: bool = False


def _written_out(expression: tree.Expression) -> list[tree.Expression]:
    """Ranges as their names; `f(x1:x3)` is one call per name."""
    match expression:
        case tree.Range(first, last):
            return [tree.Name(each, expression.span) for each in expand_range(first, last, expression.span)]
        case tree.Call(function, (tree.Range() as inner, *others)):
            each_name = _written_out(inner)
            return [tree.Call(function, (each, *others), expression.span) for each in each_name]
    return [expression]


def _multiplied(term: DraftTerm, multipliers: list[_Multiplier]) -> DraftTerm:
    """`x@b_j`: the product x*b_j, printed `x*b_j`."""
    expression, parts = term.expression, [term.name] if term.name else []
    for each in multipliers:
        is_one = expression == ir.Constant(1.0)
        expression = each.expression if is_one else ir.Apply("*", (expression, each.expression))
        parts.append(each.name)
    is_product = term.is_product or len(parts) > 1
    return DraftTerm("*".join(parts), expression, term.setting, term.span, is_product, term.is_loading)


def _with(predictor: _Predictor, setting: Setting, multipliers: list[_Multiplier]) -> _Predictor:
    """The predictor with the setting an outcome of `->` carries."""
    if not setting.says_something and not multipliers:
        return predictor
    chosen = setting if setting.says_something else predictor.setting
    if predictor.term is None:
        if not multipliers:
            return _Predictor(None, chosen, predictor.span)
        one = DraftTerm("", ir.Constant(1.0), chosen, predictor.span)
        return _Predictor(_multiplied(one, multipliers), chosen, predictor.span, replaces_intercept=True)
    changed = _copy(predictor.term)
    changed.setting = chosen
    return _Predictor(_multiplied(changed, multipliers), chosen, predictor.span)


def _copy(term: DraftTerm) -> DraftTerm:
    """Each equation owns its terms: a later setting for one must not reach the others."""
    return DraftTerm(term.name, term.expression, term.setting, term.span, term.is_product, term.is_loading)
