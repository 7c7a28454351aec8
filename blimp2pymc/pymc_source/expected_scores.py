"""Expected scores: what a centered variable with categories is centered at, a function of its model's parameters."""

from __future__ import annotations

from collections.abc import Iterator

from blimp2pymc.joint_model.algebra import substitute
from blimp2pymc.joint_model.ir import Apply, Constant, Equation, Expression
from blimp2pymc.pymc_source.page import Page, applications
from blimp2pymc.pymc_source.printer import Text


def write_expected_score(page: Page, equation: Equation) -> None:
    """`x_expected_score`, once the parameters it is a function of are there; later lines refer to it by name."""
    expected = page.model.centered.get(equation.outcome)
    if equation.family != "probit" or not isinstance(expected, Apply):
        return
    # Outermost first: the first root is the standard deviation of the latent response.
    root = next((each for each in applications(expected) if each.function == "sqrt"), None)
    if root is not None and root not in page.shorthand:
        _name_sums(page, equation, root.arguments[0])
        variance = page.local(equation.outcome, "latent_variance")
        page.assign(variance, page.summands(_with_squares(root.arguments[0])))
        page.shorthand[root] = Text(f"pt.sqrt({variance})")
    name = page.local(equation.outcome, "expected_score")
    page.assign(name, page.summands(expected))
    page.shorthand[expected] = Text(name)


def _name_sums(page: Page, equation: Equation, variance: Expression) -> None:
    """Effects of a predictor by itself and through others, sums that are factors in the variance, get names."""
    factors = [each for product in _products(variance) for each in product.arguments]
    sums = dict.fromkeys(each for each in factors if isinstance(each, Apply) and each.function == "+")
    for place, each in enumerate(sums, 1):
        if each not in page.shorthand:
            name = f"{page.local(equation.outcome, 'total_effect')}_{place}"
            page.assign(name, page.summands(each))
            page.shorthand[each] = Text(name)


def _with_squares(expression: Expression) -> Expression:
    """The expression with a product of something and itself written as a square."""
    squares: dict[Expression, Expression] = {
        each: Apply("^", (each.arguments[0], Constant(2.0)))
        for each in _products(expression)
        if each.arguments[0] == each.arguments[1]
    }
    return substitute(expression, squares)


def _products(expression: Expression) -> Iterator[Apply]:
    return (each for each in applications(expression) if each.function == "*")
