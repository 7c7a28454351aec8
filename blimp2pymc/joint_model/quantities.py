"""PARAMETERS and WALDTEST: functions of parameters, and tests of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.ranges import expand_range
from blimp2pymc.errors import BlimpError, Finding, Span, error
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import leaves, parameters_in, substitute
from blimp2pymc.joint_model.assembly import Assembly
from blimp2pymc.joint_model.expressions import resolve_expression
from blimp2pymc.joint_model.families import FAMILY_WORDS
from blimp2pymc.joint_model.names import Names
from blimp2pymc.joint_model.term_names import expression_name

LARGEST_WRITTEN = 2_000
"""A parameter of MODEL is set to a formula of at most so many parts."""


@dataclass(frozen=True)
class Derived:
    """What PARAMETERS defines."""

    quantities: tuple[ir.Quantity, ...]
    definitions: Mapping[str, ir.Expression]
    """Parameter of MODEL -> the function it is set to."""
    spans: Mapping[str, Span | None]
    """Places of all definitions."""


@dataclass
class ParameterNames:
    """Lookup of names in PARAMETERS, WALDTEST and SIMPLE: labels, then derived quantities."""

    names: Names
    labels: frozenset[str]
    """Labels of MODEL, as written."""
    families: Mapping[str, str]
    """Variable with an equation -> its family, for `.totalvar`."""
    later: Mapping[str, Span | None] = field(default_factory=dict)
    """Quantities defined somewhere, with their places."""
    earlier: set[str] = field(default_factory=set)
    """Quantities defined so far."""

    def lookup(self, node: tree.Name | tree.ParameterName | tree.AtLevel) -> ir.Expression:
        """Resolve one name."""
        if isinstance(node, tree.AtLevel):
            raise error("a level in brackets belongs into MODEL", node.span, code="no-level")
        if node.name in self.labels or node.name in self.earlier:
            return ir.ParameterReference(node.name)
        if node.name in self.later:
            where = self.later[node.name]
            line = f" (line {where.line})" if where else ""
            raise error(f"'{node.name}' is used before it is defined", node.span, f"its definition{line} further up",
                        "used-before-defined")  # fmt: skip
        found = self.names.declarations.lookup(node.name, node.span)
        if isinstance(found, ir.ImpliedVariance):
            family = self.families.get(found.variable)
            if family in ("logit", "multinomial_probit", "negative_binomial"):
                raise error(f"'{node.name}': '{found.variable}' has a {FAMILY_WORDS[family]} equation, which has no "
                            "residual variance", node.span, code="no-residual-variance")  # fmt: skip
            if family is None:
                raise error(f"'{node.name}' needs an equation of '{found.variable}', and MODEL has none", node.span,
                            f"{found.variable} ~ 1;", "no-equation")  # fmt: skip
            return found
        if isinstance(found, ir.Column):
            raise error(f"'{node.name}' is a variable; here only parameters can stand", node.span,
                        f"a label that is no name of a variable, given in MODEL as '{node.name}@b'",
                        "variable-in-parameters")  # fmt: skip
        if "." in node.name and found.code == "undeclared-name" and found.hint.startswith(node.name.split(".")[0]):
            raise BlimpError(found)
        near = nearest(node.name, [*self.labels, *self.earlier])
        raise error(f"'{node.name}' is no label of MODEL and no quantity defined before", node.span,
                    near or "a label, given in MODEL as 'x@label'", "undeclared-name")  # fmt: skip


def derive(statements: Iterable[tree.Definition], lookup: ParameterNames, findings: list[Finding]) -> Derived:
    """Read the definitions of PARAMETERS.

    A definition whose name is a label of MODEL sets that parameter; any other is a derived quantity.

    Parameters
    ----------
    statements
        Definitions in order.
    lookup
        Names; each quantity is added to it once it is defined.
    findings
        Mistakes are added here.
    """
    quantities: list[ir.Quantity] = []
    definitions: dict[str, ir.Expression] = {}
    spans: dict[str, Span | None] = {}
    statements = list(statements)
    lookup.later = {each.name: each.name_span or each.span for each in reversed(statements)}
    for each in statements:
        span = each.name_span or each.span
        if each.name in spans:
            findings.append(Finding(f"'{each.name}' is defined twice in PARAMETERS", span, "one definition",
                                    "name-taken"))  # fmt: skip
            continue
        spans[each.name] = span
        try:
            expression = resolve_expression(each.expression, lookup.lookup)
        except BlimpError as mistake:
            findings.extend(mistake.findings)
            expression = ir.Constant(0.0)
        if each.name not in lookup.labels:
            quantities.append(ir.Quantity(each.name, expression, each.span))
            lookup.earlier.add(each.name)
        else:
            definitions[each.name] = expression
    check_loops(definitions, {each.name: each.expression for each in quantities}, spans, findings)
    # A definition refers to parameters only: quantities it is computed from are written out.
    written: dict[ir.Expression, ir.Expression] = {}
    sizes: dict[str, int] = {}
    for quantity in quantities if definitions else ():
        sizes[quantity.name] = _written_size(quantity.expression, sizes)
        if sizes[quantity.name] <= LARGEST_WRITTEN:
            written[ir.ParameterReference(quantity.name)] = substitute(quantity.expression, written)
    for name, expression in definitions.items():
        if _written_size(expression, sizes) > LARGEST_WRITTEN:
            findings.append(Finding(f"the definition of '{name}', written out, has more than {LARGEST_WRITTEN:,} parts",
                                    spans[name], "a shorter formula", "expression-too-long"))  # fmt: skip
        else:
            definitions[name] = substitute(expression, written)
    return Derived(tuple(quantities), definitions, spans)


def _written_size(expression: ir.Expression, sizes: Mapping[str, int]) -> int:
    """Parts of an expression once the quantities it is computed from are written out."""
    match expression:
        case ir.ParameterReference(name):
            return sizes.get(name, 1)
        case ir.Apply(_, arguments):
            return sum(_written_size(each, sizes) for each in arguments)
    return 1


def check_loops(
    definitions: Mapping[str, ir.Expression],
    quantities: Mapping[str, ir.Expression],
    spans: Mapping[str, Span | None],
    findings: list[Finding],
) -> None:
    """Report parameters that are defined through themselves."""
    everything = {**definitions, **quantities}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            loop = " -> ".join([*path[path.index(name) :], name])
            findings.append(Finding(f"the definition of '{name}' leads back to itself: {loop}", spans[name],
                                    f"a definition without '{name}'", "circular-definition"))  # fmt: skip
            return
        if name in done:
            return
        for other in sorted(parameters_in(everything[name])):
            if other in everything:
                visit(other, (*path, name))
        done.add(name)

    for name in definitions:
        visit(name, ())


def implied_variances(quantities: Iterable[ir.Quantity]) -> frozenset[ir.ImpliedVariance]:
    """Implied variances that derived quantities refer to."""
    return frozenset(
        leaf for each in quantities for leaf in leaves(each.expression) if isinstance(leaf, ir.ImpliedVariance)
    )


# ---------------------------------------------------------------- WALDTEST


def wald_tests(
    commands: Iterable[tree.Command], lookup: ParameterNames, assembly: Assembly, findings: list[Finding]
) -> tuple[ir.WaldTest, ...]:
    """Read every WALDTEST: one joint test per command."""
    tests = []
    for command in commands:
        texts: list[str] = []
        contrasts: list[ir.Expression] = []
        for statement in command.body if isinstance(command.body, tuple) else ():
            try:
                if isinstance(statement, tree.Constraint):
                    pairs = _constraints(statement, lookup)
                    texts.append("; ".join(text for text, _ in pairs))
                    contrasts.extend(contrast for _, contrast in pairs)
                else:
                    text, dropped = _nested(statement, lookup, assembly)
                    texts.append(text)
                    contrasts.extend(dropped)
            except BlimpError as mistake:
                findings.extend(mistake.findings)
        findings.extend(_contradiction(contrasts, command))
        tests.append(ir.WaldTest("; ".join(texts), tuple(contrasts), command.span))
    return tuple(tests)


def _contradiction(contrasts: Iterable[ir.Expression], command: tree.Command) -> list[Finding]:
    """Two constraints of one test that set the same parameter to different numbers."""
    values: dict[ir.Expression, float] = {}
    for contrast in contrasts:
        match contrast:
            case ir.Apply("-", (tested, ir.Constant(value))):
                pass
            case _:
                tested, value = contrast, 0.0
        if values.setdefault(tested, value) != value:
            return [Finding("the constraints of this test cannot hold together", command.body_span or command.span,
                            "a WALDTEST command for each", "contradictory-test")]  # fmt: skip
    return []


def _constraints(statement: tree.Constraint, lookup: ParameterNames) -> list[tuple[str, ir.Expression]]:
    left, right = _listed(statement.left), _listed(statement.right)
    if len(left) > 1 and len(right) > 1 and len(left) != len(right):
        raise error(f"{len(left)} names on the left and {len(right)} on the right of '='", statement.span,
                    "as many on both sides, or a single one on one of them", "unequal-lists")  # fmt: skip
    longest = max(len(left), len(right))
    found = []
    for one, other in zip(left * (longest // len(left)), right * (longest // len(right)), strict=True):
        contrast = resolve_expression(one, lookup.lookup)
        if other != tree.Number(0.0):
            contrast = ir.Apply("-", (contrast, resolve_expression(other, lookup.lookup)))
        if one == other:
            raise error("this constraint compares a parameter with itself", statement.span, "b1 = b2", "no-parameter")
        if not parameters_in(contrast):
            raise error("this constraint holds no parameter", statement.span, "b1 = 0", "no-parameter")
        found.append((f"{expression_name(one)} = {expression_name(other)}", contrast))
    return found


def _listed(expressions: tuple[tree.Expression, ...]) -> list[tree.Expression]:
    listed: list[tree.Expression] = []
    for each in expressions:
        if isinstance(each, tree.Range):
            listed.extend(tree.Name(name, each.span) for name in expand_range(each.first, each.last, each.span))
        else:
            listed.append(each)
    return listed


def _nested(statement: tree.Relation, lookup: ParameterNames, assembly: Assembly) -> tuple[str, list[ir.Expression]]:
    """The nested-model form: what the smaller equation leaves out is tested against zero."""
    outcome = statement.left.terms[0].expression
    name = expression_name(outcome)
    # A nominal outcome has an equation for every code but the reference, all with the same terms.
    equations = [
        each for each in assembly.equations if each.role is ir.Role.OUTCOME and name in (each.name, each.written)
    ]
    is_variable = isinstance(outcome, tree.Name) and name not in lookup.labels and lookup.names.find(name) is not None
    if statement.operator == "~" and is_variable and not equations:
        raise error(f"'{name}' has no equation in MODEL that could be tested", outcome.span, "b1 = 0", "bad-test")
    if statement.operator != "~" or len(statement.left.terms) != 1 or not equations:
        raise error("WALDTEST needs constraints, or a smaller version of an equation of MODEL", statement.span,
                    "b1 = 0; or y ~ x1;", "bad-test")  # fmt: skip
    equation = equations[0]
    by_name = {frozenset(each.name.split("*")): each for each in equation.terms}
    kept = {"Intercept"}
    for term in statement.right.terms:
        for text in _term_names(term.expression, lookup.names):
            found = by_name.get(frozenset(text.split("*")))
            if text == "1":
                continue
            if found is None:
                known = [each.name for each in equation.terms]
                near = nearest(text, known) or f"one of {', '.join(known)}"
                raise error(f"'{text}' is no term of the equation of '{name}'", term.span, near, "no-such-term")
            kept.add(found.name)
    dropped = [
        ir.ParameterReference(each.coefficient)
        for one in equations
        for each in one.terms
        if each.name not in kept and assembly.parameters[each.coefficient].fixed is None
    ]
    if not dropped:
        raise error(f"nothing is left to test: this is the whole equation of '{name}'", statement.span,
                    "an equation with fewer terms", "bad-test")  # fmt: skip
    terms = " ".join(each.name for each in equation.terms if each.name in kept)
    return f"restricted: {name} ~ {terms}", list(dropped)


def _term_names(expression: tree.Expression, names: Names) -> list[str]:
    if isinstance(expression, tree.Range):
        return list(expand_range(expression.first, expression.last, expression.span))
    if isinstance(expression, tree.Name):
        column = names.find(expression.name)
        dummies = names.dummies(column) if column is not None else ()
        return list(dummies) if dummies else [expression.name]
    return [expression_name(expression)]
