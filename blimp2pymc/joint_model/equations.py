"""Statements of MODEL -> drafts of equations, in one pass that keeps every mistake it meets.

Each statement is read by itself; a mistake in one does not hide the mistakes in the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.errors import BlimpError, Finding, Span, error
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.drafts import INTERCEPT, DraftEquation, Drafts, DraftTerm, Pair, RandomTerm, Setting
from blimp2pymc.joint_model.names import Names
from blimp2pymc.joint_model.outcomes import OutcomeForm, read_outcome
from blimp2pymc.joint_model.random_effects import check_random_effects
from blimp2pymc.joint_model.terms import Predictor, TermReader, written_out


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
    known = labels | (model_labels(statements, names) - definitions.keys())
    reader = _Reader(
        TermReader(names, definitions, known, findings),
        {label: place for place, label in enumerate(dict.fromkeys(each.block for each in statements))},
    )
    for each in statements:
        try:
            reader.read(each)
        except BlimpError as mistake:
            findings.extend(mistake.findings)
    reader.drafts.defined = reader.terms.defined
    reader.add_latent_equations()
    findings.extend(reader.add_latent_intercepts())
    check_random_effects(statements, reader.terms)
    return reader.drafts


def check_log_variances(drafts: Drafts) -> Iterator[Finding]:
    """Residual variances with a model that are stated in another way too."""
    for draft in drafts.equations.values():
        if draft.log_variance is None:
            continue
        name, span = draft.outcome.variable, draft.log_variance.span
        if draft.variance.says_something:
            yield Finding(f"the residual variance of '{name}' is stated twice, by '@' and by var({name})",
                          draft.variance.span or span, f"leave out '{name}@...'", "variance-stated-twice")  # fmt: skip


def parameter_names(script: tree.Script) -> frozenset[str]:
    """Names that PARAMETERS defines or gives a prior."""
    statements = script.statements("PARAMETERS")
    defined = (each.name for each in statements if isinstance(each, tree.Definition))
    return frozenset([*defined, *(each.label for each in statements if isinstance(each, tree.PriorStatement))])


def model_labels(statements: tuple[tree.ModelStatement, ...], names: Names) -> frozenset[str]:
    """Names after `@`, and second arguments of `yjt()` around an outcome, that are no variables."""
    written = [*_names_after_at(statements), *_names_of_powers(statements)]
    return frozenset(name for name in written if names.find(name) is None)


def _names_of_powers(statements: tuple[tree.ModelStatement, ...]) -> Iterator[str]:
    for statement in statements:
        if not isinstance(statement, tree.Relation):
            continue
        side = statement.right if statement.operator == "->" else statement.left
        for node in tree.walk(side):
            match node:
                case tree.Call("yjt", (_, tree.Name(label))):
                    yield label


def _names_after_at(statements: tuple[tree.ModelStatement, ...]) -> Iterator[str]:
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

    terms: TermReader
    blocks: Mapping[str, int]
    """Block label -> its place in the script."""
    drafts: Drafts = field(default_factory=Drafts)
    first_uses: dict[ir.Column, DraftEquation] = field(default_factory=dict)
    """Latent predictor -> the equation that holds it first."""

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
                setting = self.terms.parameter_setting(term.settings)
                for each in self._plain_outcomes(term.expression):
                    self._equation(each, statement, is_stated=False).set_variance(setting)
            case tree.Definition(name):
                if name in self.terms.definitions:
                    self.terms.definition(name)
            case _:
                raise TypeError(f"no statement of MODEL: {statement!r}")

    def add_latent_equations(self) -> None:
        """Give every latent predictor without an equation one without terms: mean 0 and a variance of its own."""
        for column, user in self.first_uses.items():
            is_latent = self.terms.names.variables[column.variable].origin is ir.Origin.LATENT
            if is_latent and column not in self.drafts.equations:
                self.drafts.equations[column] = DraftEquation(
                    column, column.variable, has_intercept=False, block=user.block, block_place=user.block_place,
                    is_latent=True, span=self.terms.names.variables[column.variable].span,
                )  # fmt: skip

    def add_latent_intercepts(self) -> Iterator[Finding]:
        """Give latent variables of clusters that serve as coefficients an intercept, as Blimp does; and say so."""
        used = {
            factor: term.span
            for draft in self.drafts.equations.values()
            for term in draft.terms.values()
            if term.replaces_intercept or (term.is_product and term.setting.fixed == 1)
            for factor in _factors(term.expression)
            if isinstance(factor, ir.Column)
        }
        for column, span in used.items():
            draft = self.drafts.equations.get(column)
            if draft is None or not draft.is_latent or self.terms.names.variables[column.variable].level == 1:
                continue
            if not draft.has_intercept and not any(term.replaces_intercept for term in draft.terms.values()):
                draft.has_intercept = True
                yield Finding(f"'{draft.name}' is used as a coefficient and has no intercept, so it gets one", span,
                              f"{draft.name} ~ 1; to say so", "latent-intercept", "warning")  # fmt: skip

    def _random(self, statement: tree.Relation) -> tuple[RandomTerm, ...] | None:
        """What stands behind `|`."""
        if statement.random is None:
            return None
        found = []
        for term in statement.random:
            inner, level = term.expression, ""
            if isinstance(inner, tree.AtLevel):
                level, inner = inner.level, inner.expression
                self._check_level(level, term)
            suffix = f"[{level}]" if level else ""
            for each in self.terms.predictors(tree.Side((replace(term, expression=inner),), span=term.span)):
                if each.term is None:
                    found.append(RandomTerm(INTERCEPT + suffix, ir.Constant(1.0), each.setting, level, each.span))
                else:
                    name = each.term.name + suffix
                    found.append(RandomTerm(name, each.term.expression, each.setting, level, each.span))
        return tuple(found)

    def _check_level(self, level: str, term: tree.Term) -> None:
        identifiers = self.terms.names.declarations.cluster_identifiers
        if level not in identifiers:
            self.terms.findings.append(Finding(
                f"'{level}' is no level: CLUSTERID does not list it", term.span,
                " or ".join(identifiers) or f"CLUSTERID: {level};", "unknown-level"))  # fmt: skip

    def _regression(self, left: tree.Side, right: tree.Side, statement: tree.Relation) -> None:
        predictors = self.terms.predictors(right)
        _refuse_settings(left, "'@' belongs behind a predictor, not behind an outcome", "y ~ x@b, or y@v alone")
        outcomes = [(term, each) for term in left.terms for each in self._outcomes(term.expression)]
        equations = [self._equation(form, statement, is_stated=True) for _, form in outcomes]
        random = self._random(statement)
        for place, equation in enumerate(equations):
            if not left.braces and outcomes[place][1].role == "mean":
                for term, form in outcomes[place + 1 :]:
                    if form.role == "mean":
                        name = tree.Name(form.column.variable, term.span)
                        self._extend(equation, list(self.terms.predictor(tree.Term(name, (), term.span))))
            self._extend(equation, predictors)
            if random is not None:
                equation.add_random(random)

    def _arrow(self, left: tree.Side, right: tree.Side, statement: tree.Relation) -> None:
        if (undeclared := self._undeclared_factor(left)) is not None:
            self.terms.findings.append(undeclared)
            for term in right.terms:
                self._outcomes(term.expression)
            return
        predictors = self.terms.predictors(left)
        random = self._random(statement)
        fixes_next = self._is_measurement(left)
        for term in right.terms:
            setting, multipliers = self.terms.settings(term.settings)
            if term.settings and len(predictors) != 1:
                raise error("'@' behind an outcome of '->' is ambiguous with several predictors on the other side",
                            term.settings[0].span or term.span, "one predictor, or '@' behind the predictors",
                            "ambiguous-setting")  # fmt: skip
            if term.settings and left.terms[0].settings:
                raise error("'@' stands on both sides of '->', and both mean the same coefficient",
                            term.settings[0].span or term.span, "one of the two", "two-settings")  # fmt: skip
            for form in self._outcomes(term.expression):
                equation = self._equation(form, statement, is_stated=True)
                # The first item of a factor sets its scale, unless the user says something about it.
                here = Setting(1.0, span=term.span, is_default=True) if fixes_next and not term.settings else setting
                fixes_next = False
                self._extend(equation, [each.adjusted(here, multipliers) for each in predictors])
                if random is not None:
                    equation.add_random(random)

    def _is_measurement(self, side: tree.Side) -> bool:
        """Whether a latent variable stands alone before `->`."""
        if len(side.terms) != 1 or side.terms[0].settings or not isinstance(side.terms[0].expression, tree.Name):
            return False
        column = self.terms.names.find(side.terms[0].expression.name)
        return column is not None and self.terms.names.is_latent(column)

    def _undeclared_factor(self, side: tree.Side) -> Finding | None:
        """The finding for a name alone before `->` that is like no declared one: most likely a latent variable."""
        expression = side.terms[0].expression
        if len(side.terms) != 1 or not isinstance(expression, tree.Name):
            return None
        name, known = expression.name, {*self.terms.names.variables, *self.terms.definitions, *self.terms.labels}
        if "." in name or name in known or nearest(name, known):
            return None
        return Finding(f"'{name}' is not declared", expression.span, f"LATENT: {name}; if it is a latent variable",
                       "undeclared-name")  # fmt: skip

    def _covariance(self, left: tree.Side, right: tree.Side, statement: tree.Relation) -> None:
        _refuse_settings(left, "'@' belongs behind the right-hand side of '~~'", "a ~~ b@label")
        firsts = [each for term in left.terms for each in self._plain_outcomes(term.expression)]
        seconds = [(term, each) for term in right.terms for each in self._plain_outcomes(term.expression)]
        if len(firsts) == len(seconds) == 1 and firsts[0].column == seconds[0][1].column:
            equation = self._equation(firsts[0], statement, is_stated=False)
            if seconds[0][0].settings:
                equation.set_variance(self.terms.parameter_setting(seconds[0][0].settings))
            return
        for form in (*firsts, *(form for _, form in seconds)):
            self._equation(form, statement, is_stated=False)
        for first, (term, second) in product(firsts, seconds):
            setting = self.terms.parameter_setting(term.settings)
            if first.column != second.column:
                self._add_pair(first.column, second.column, setting, statement)
            elif setting.says_something:
                raise error(f"'@' is ambiguous here: it would fix the variance of '{first.name}' and correlations",
                            setting.span or statement.span, f"{first.name} ~~ {first.name}@v in a statement of its own",
                            "ambiguous-setting")  # fmt: skip

    def _add_pair(self, first: ir.Column, second: ir.Column, setting: Setting, statement: tree.Relation) -> None:
        key = frozenset((first, second))
        earlier = self.drafts.pairs.get(key)
        if earlier is None:
            place = self.blocks[statement.block]
            self.drafts.pairs[key] = Pair(first, second, setting, statement.block, place, statement.span)
        elif setting.says_something:
            self.drafts.pairs[key] = replace(earlier, setting=setting, span=statement.span)

    def _outcomes(self, expression: tree.Expression) -> list[OutcomeForm]:
        """The outcomes an expression on the outcome side stands for; mistakes are kept, not raised."""
        forms = []
        findings = self.terms.findings
        try:
            for each in written_out(expression):
                form = read_outcome(each, self.terms.names, self.terms.unknown)
                forms.append(form)
        except BlimpError as mistake:
            findings.extend(mistake.findings)
        return forms

    def _plain_outcomes(self, expression: tree.Expression) -> list[OutcomeForm]:
        """Outcomes with a variance of their own: not var(y)."""
        forms = self._outcomes(expression)
        for form in forms:
            if form.role == "variance":
                raise error(f"'var({form.name})' stands on the left of '~'", form.span or expression.span,
                            f"var({form.name}) ~ x, or {form.name}@v", "misplaced-variance")  # fmt: skip
        return forms

    def _equation(self, form: OutcomeForm, statement: tree.ModelStatement, is_stated: bool) -> DraftEquation:
        """The draft of an outcome, begun when it is mentioned for the first time."""
        place, span = self.blocks[statement.block], form.span or statement.span
        draft = self.drafts.equations.get(form.column)
        if draft is None:
            is_latent = self.terms.names.is_latent(form.column)
            draft = DraftEquation(
                form.column, form.name, form.family, not is_latent, transform=form.transform, block=statement.block,
                block_place=place, is_latent=is_latent, span=span,
            )  # fmt: skip
            self.drafts.equations[form.column] = draft
        if is_stated and form.role == "mean" and not draft.is_stated:
            # The first regression decides where an outcome is printed, not an earlier `~~`.
            draft.is_stated, draft.span = True, span
            draft.block, draft.block_place = statement.block, place
        if form.is_chosen:
            draft.name, draft.family = form.name, form.family
        if form.transform is not None:
            _set_transform(draft, form, span)
        return draft.set_log_variance(span, statement.block, place) if form.role == "variance" else draft

    def _extend(self, equation: DraftEquation, terms: list[Predictor]) -> None:
        for each in terms:
            if each.term is None:
                equation.set_intercept(each.setting, each.span)
            else:
                if each.replaces_intercept:
                    equation.has_intercept = False
                self._note_replaced(equation, each.term)
                equation.add(replace(each.term, replaces_intercept=each.replaces_intercept))
                for column in sorted(columns_in(each.term.expression)):
                    if self.terms.names.is_latent(column):
                        self.first_uses.setdefault(column, equation)

    def _note_replaced(self, equation: DraftEquation, term: DraftTerm) -> None:
        """Say so where one `@` of the user replaces another."""
        earlier = equation.terms.get(term.key)
        if earlier is None or not (earlier.setting.says_something and term.setting.says_something):
            return
        if earlier.setting != term.setting and not earlier.setting.is_default:
            first, last = (f"@{each.label or f'{each.fixed:g}'}" for each in (earlier.setting, term.setting))
            self.terms.findings.append(Finding(
                f"'{term.name}' of '{equation.name}' is stated with {first} before and with {last} here: the last one "
                "counts", term.setting.span or term.span, "one of the two", "replaced-setting", "warning"))  # fmt: skip


def _factors(expression: ir.Expression) -> Iterator[ir.Expression]:
    """The factors of a product; an expression that is none is its own."""
    if isinstance(expression, ir.Apply) and expression.function == "*":
        for each in expression.arguments:
            yield from _factors(each)
    else:
        yield expression


def _set_transform(draft: DraftEquation, form: OutcomeForm, span: Span | None) -> None:
    """Note the transform of an outcome; said again, it is the same."""
    assert form.transform is not None
    if draft.transform is not None and draft.transform != form.transform:
        raise error(f"'{draft.outcome.variable}' is transformed in two ways, as '{draft.name}' and as '{form.name}'",
                    span, "one of the two", "two-transforms")  # fmt: skip
    draft.name, draft.transform = form.name, form.transform
    if form.power.says_something:
        draft.power = form.power


def _refuse_settings(side: tree.Side, message: str, hint: str) -> None:
    for term in side.terms:
        if term.settings:
            raise error(message, term.settings[0].span or term.span, hint, "setting-on-outcome")
