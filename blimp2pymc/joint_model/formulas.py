"""A model as formulas: densities, numbered equations, expressions; as plain text or as LaTeX.

Coefficients without a label are called by equation and place (`b2.1`), so that a formula stays
readable; `symbols` says which parameter each stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.algebra import columns_in, substitute
from blimp2pymc.joint_model.densities import WHOLE, cut, latent_response
from blimp2pymc.joint_model.families import LATENT_RESPONSES

STRENGTH: Mapping[str, int] = {
    "or": 1, "and": 2, "==": 3, "!=": 3, "<": 3, ">": 3, "<=": 3, ">=": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "neg": 6, "^": 7,
}  # fmt: skip

LATEX_OPERATORS = {"*": r" \cdot ", "==": " = ", "!=": r" \neq ", "<=": r" \leq ", ">=": r" \geq ",
                   "and": r" \land ", "or": r" \lor "}  # fmt: skip

WORDS: Mapping[str, str] = {
    "a": "alpha", "b": "beta", "e": "error", "g": "gamma", "lambda": "power", "t": "tau", "v": "variance",
}  # fmt: skip
"""Letter of a symbol -> what stands in its place where the script has such a name itself, as a factor `e1`."""

ONE = ir.Constant(1.0)


@dataclass(frozen=True)
class Formulas:
    """Writes the parts of one model, in text or LaTeX."""

    model: ir.Model
    latex: bool = False

    # ------------------------------------------------------------ names

    def symbols(self) -> dict[str, str]:
        """Parameter -> symbol used in formulas: its label, or its place."""
        found: dict[str, str] = {}
        for number, equation in enumerate(self.equations(), 1):
            for place, term in enumerate(equation.terms):
                first = 0 if term.expression == ONE else None
                has_intercept = equation.terms[0].expression == ONE
                index = first if first is not None else place + (0 if has_intercept else 1)
                self._add(found, term.coefficient, self._indexed("b", r"\beta", number, index))
            for place, term in enumerate(equation.variance_terms):
                has_intercept = equation.variance_terms[0].expression == ONE
                index = place + (0 if has_intercept else 1)
                self._add(found, term.coefficient, self._indexed("g", r"\gamma", number, index))
            if equation.transform is not None and equation.transform.parameter is not None:
                self._add(found, equation.transform.parameter, self._indexed("lambda", r"\lambda", number))
            if equation.residual_variance is not None:
                self._add(found, equation.residual_variance, self._indexed("v", r"\sigma^2", number))
            for place, threshold in enumerate(equation.thresholds, 1):
                self._add(found, threshold, self._indexed("t", r"\tau", number, place))
            if equation.dispersion is not None:
                self._add(found, equation.dispersion, self._indexed("a", r"\alpha", number))
        for block in self.model.blocks:
            for (first, second), name in block.correlations.items():
                pair = ", ".join(self.variable(block.members[place]) for place in (first, second))
                self._add(found, name, rf"\rho_{{{pair}}}" if self.latex else f"r({pair})")
        for column, mean in self.model.centered.items():
            name = mean.name if isinstance(mean, ir.ParameterReference) else f"mean({column.name})"
            found[name] = rf"\mu_{{{self.variable(column)}}}" if self.latex else f"mean({column.name})"
            response = self.variable(replace(column, form=ir.Form.LATENT_RESPONSE))
            found[f"sd({column.name})"] = rf"\sigma_{{{response}}}" if self.latex else f"sd({response})"
        return found

    def _add(self, found: dict[str, str], name: str, symbol: str) -> None:
        label = self.model.parameters[name].label
        found.setdefault(name, (_italic(label) if self.latex else label) if label else symbol)

    def _indexed(self, text: str, latex: str, *numbers: int) -> str:
        joined = (", " if self.latex else ".").join(str(each) for each in numbers)
        if self.latex:
            return f"{latex}_{{{joined}}}"
        return f"{WORDS[text] if (text, len(numbers)) in self._taken else text}{joined}"

    @cached_property
    def _taken(self) -> frozenset[tuple[str, int]]:
        """Letters, with their number of indices, that names of the script are made of."""
        labels = (each.label for each in self.model.parameters.values())
        quantities = (each.name for each in self.model.quantities)
        found = (re.fullmatch(r"([a-z]+)([0-9]+)(\.[0-9]+)?", each)
                 for each in (*self.model.variables, *self.model.defined, *labels, *quantities))  # fmt: skip
        return frozenset((each[1], 2 if each[3] else 1) for each in found if each is not None)

    def variable(self, column: ir.Column) -> str:
        """Name of a column."""
        if self.latex and column.form is ir.Form.LATENT_RESPONSE:
            return latent_response(self, replace(column, form=ir.Form.SCORE))
        return _italic(column.name) if self.latex else column.name

    # ------------------------------------------------------------ densities

    def equations(self) -> list[ir.Equation]:
        """Equations in print order."""
        return sorted(self.model.equations, key=lambda each: each.order)

    def factors(self) -> list[str]:
        """The densities whose product is the joint density, each after those of the variables it predicts."""
        written: list[str] = []
        done: set[ir.Column] = set()
        for equation in self.model.equations:
            if equation.role is ir.Role.MEANS or equation.outcome in done:
                continue
            block = self.model.block_of.get(equation.outcome)
            members = block.members if block is not None else _codes_of(self.model, equation.outcome)
            done |= set(members)
            given = _predictors([self.model.equation_of[member] for member in members])
            left = ", ".join(dict.fromkeys(self.variable(ir.Column(member.variable)) for member in members))
            bar = r" \mid " if self.latex else " | "
            right = bar + ", ".join(self.variable(each) for each in given) if given else ""
            written.append(f"f({left}{right})")
        return written[::-1]

    # ------------------------------------------------------------ equations

    def equation(self, number: int, equation: ir.Equation, symbols: Mapping[str, str]) -> str:
        """One equation with its distribution."""
        mean = self._sum(equation.terms, symbols)
        if equation.family in WHOLE:
            return WHOLE[equation.family](self, equation, mean, symbols)
        is_cut = equation.family in LATENT_RESPONSES
        outcome = latent_response(self, equation.outcome) if is_cut else self.variable(equation.outcome)
        if equation.transform is not None:
            outcome = self.expression(equation.transform.forward, symbols)
        categories = cut(self, equation, symbols) if is_cut else ""
        variance = symbols.get(equation.residual_variance or "", "1")
        if equation.variance_terms:
            exponent = self._sum(equation.variance_terms, symbols)
            variance = rf"\exp({exponent})" if self.latex else f"exp({exponent})"
        if is_cut:
            variance = "1"
        block = self.model.block_of.get(equation.outcome) if equation.role is not ir.Role.MEANS else None
        error = self._indexed("e", r"\varepsilon", number)
        joint = ""
        if block is not None:
            others = [self.variable(each) for each in block.members if each != equation.outcome]
            words = r",\ \text{correlated with that of } " if self.latex else ", correlated with that of "
            joint = words + ", ".join(others)
        if self.latex:
            return rf"{outcome} &= {mean} + {error}, \quad {error} \sim N(0, {variance}){joint}{categories}"
        return f"{outcome} = {mean} + {error},  {error} ~ normal(0, {variance}){joint}{categories}"

    def _named(self) -> dict[ir.Expression, ir.Expression]:
        """Defined variables and expected scores -> a stand-in with their name."""
        named: dict[ir.Expression, ir.Expression] = {
            mean: ir.ParameterReference(f"mean({column.name})")
            for column, mean in self.model.centered.items()
            if isinstance(mean, ir.Apply)
        }
        for name, expression in self.model.defined.items():
            if isinstance(expression, ir.Apply):
                named[expression] = ir.ParameterReference(name)
        return named

    def definitions(self, symbols: Mapping[str, str]) -> list[str]:
        """What the defined variables stand for."""
        equals = " &= " if self.latex else " = "
        terms = [term for each in self.model.equations for term in (*each.terms, *each.variance_terms)]
        used = {part for term in terms for part in self._parts(term.expression)}
        spreads = self._standard_deviations()
        written = {expression: name for expression, name in self._named().items() if expression in used}
        written |= {spread: name for mean, (spread, name) in spreads.items() if mean in written}
        short = dict(spreads.values())
        return [
            self.expression(name, symbols)
            + equals
            + self.expression(expression if expression in short else substitute(expression, short), symbols)
            for expression, name in written.items()
        ]

    def _standard_deviations(self) -> dict[ir.Expression, tuple[ir.Expression, ir.Expression]]:
        """Expected score -> standard deviation of the latent response in it, and a stand-in with its name."""
        found: dict[ir.Expression, tuple[ir.Expression, ir.Expression]] = {}
        for column, mean in self.model.centered.items():
            for part in self._parts(mean):
                if isinstance(part, ir.Apply) and part.function == "sqrt" and mean not in found:
                    found[mean] = (part, ir.ParameterReference(f"sd({column.name})"))
        return found

    def _parts(self, expression: ir.Expression) -> Iterator[ir.Expression]:
        yield expression
        if isinstance(expression, ir.Apply):
            for each in expression.arguments:
                yield from self._parts(each)

    def _sum(self, terms: tuple[ir.Term, ...], symbols: Mapping[str, str]) -> str:
        parts = []
        for term in terms:
            parameter = self.model.parameters[term.coefficient]
            coefficient = symbols[term.coefficient] if parameter.fixed is None else f"{parameter.fixed:g}"
            if term.expression == ONE:
                parts.append(coefficient)
                continue
            values = self.expression(substitute(term.expression, self._named()), symbols, STRENGTH["*"])
            times = r" \, " if self.latex else "*"
            parts.append(values if coefficient == "1" else f"{coefficient}{times}{values}")
        return " + ".join(parts) or "0"

    def expression(self, expression: ir.Expression, symbols: Mapping[str, str], strength: int = 0) -> str:
        """An expression; in parentheses when it binds less tightly than `strength`."""
        match expression:
            case ir.Constant(value):
                return f"{value:.6g}" if value >= 0 or not strength else f"({value:.6g})"
            case ir.Column():
                return self.variable(expression)
            case ir.ParameterReference(name):
                return symbols.get(name, _italic(name) if self.latex else name)
            case ir.ImpliedVariance(variable, part):
                return _italic(f"{variable}.{part.value}") if self.latex else f"{variable}.{part.value}"
            case ir.Apply("neg", (operand,)):
                text, own = "-" + self.expression(operand, symbols, STRENGTH["neg"]), STRENGTH["neg"]
            case ir.Apply("^", (base, power)) if self.latex:
                text = f"{self.expression(base, symbols, 8)}^{{{self.expression(power, symbols)}}}"
                own = STRENGTH["^"]
            case ir.Apply("/", (left, right)) if self.latex:
                return rf"\frac{{{self.expression(left, symbols)}}}{{{self.expression(right, symbols)}}}"
            case ir.Apply(operator, (left, right)) if operator in STRENGTH:
                own = STRENGTH[operator]
                sign = LATEX_OPERATORS.get(operator, f" {operator} ") if self.latex else f" {operator} "
                sign = sign.strip() if operator in ("*", "^") and not self.latex else sign
                left_text = self.expression(left, symbols, own + (operator == "^"))
                text = left_text + sign + self.expression(right, symbols, own + (operator not in ("+", "*", "^")))
            case ir.Apply("sqrt", (operand,)) if self.latex:
                return rf"\sqrt{{{self.expression(operand, symbols)}}}"
            case ir.Apply("phi", (operand,)) if self.latex:
                return rf"\Phi\left({self.expression(operand, symbols)}\right)"
            case ir.Apply(function, arguments):
                inside = ", ".join(self.expression(each, symbols) for each in arguments)
                return rf"\operatorname{{{_escaped(function)}}}({inside})" if self.latex else f"{function}({inside})"
        return f"({text})" if own < strength else text


def _codes_of(model: ir.Model, outcome: ir.Column) -> tuple[ir.Column, ...]:
    """The outcomes that one density is of: all codes of a nominal variable."""
    if outcome.form is not ir.Form.DUMMY:
        return (outcome,)
    return tuple(column for column in model.equation_of if column.variable == outcome.variable)


def _predictors(equations: list[ir.Equation]) -> list[ir.Column]:
    """Columns on the right of some equations, in order of appearance."""
    found: dict[ir.Column, None] = {}
    for equation in equations:
        for term in (*equation.terms, *equation.variance_terms):
            for column in sorted(columns_in(term.expression)):
                found.setdefault(column)
    return list(found)


def _italic(name: str) -> str:
    """A name in a formula; letters beyond ASCII have a place in text only."""
    return rf"\mathit{{{_escaped(name)}}}" if name.isascii() else rf"\textit{{{_escaped(name)}}}"


def _escaped(name: str) -> str:
    return re.sub(r"([_&%$#{}])", r"\\\1", name)
