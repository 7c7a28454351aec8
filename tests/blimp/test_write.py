"""Whatever tree is written is read back as the same tree: random trees, and layout by example."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from blimp2pymc.blimp.expressions import ASSOCIATIVE
from blimp2pymc.blimp.parse import parse
from blimp2pymc.blimp.tree import (
    AtLevel,
    Call,
    Command,
    Constraint,
    Definition,
    Draw,
    Name,
    Number,
    Operation,
    ParameterName,
    Range,
    Relation,
    Script,
    Side,
    SumRange,
    Term,
    VarianceStatement,
)
from blimp2pymc.blimp.write import expression_text, number_text, write

NAMES = st.sampled_from(["x", "y1", "m.2", "y.lag", "_a", "orange", "information", "ex", "e1"])
NUMBERS = st.one_of(st.integers(0, 10**6).map(float), st.floats(0, 1e300, allow_nan=False))
LEAVES = st.one_of(
    NAMES.map(Name),
    NUMBERS.map(Number),
    NAMES.map(ParameterName),
    st.just(Range("x1", "x4")),
    st.just(SumRange("x1", "x4")),
    NAMES.map(lambda name: AtLevel(Name(name), "school")),
)


def _operation(children: st.SearchStrategy) -> st.SearchStrategy:
    binary = st.builds(
        lambda operator, left, right: Operation(operator, (left, right)),
        st.sampled_from(["+", "-", "*", "/", "^", "==", "!=", "<", ">", "<=", ">=", "and", "or"]),
        children,
        children,
    )
    chain = st.builds(
        lambda operator, operands: Operation(operator, tuple(operands)),
        st.sampled_from(ASSOCIATIVE),
        st.lists(children, min_size=3, max_size=4),
    )
    return st.one_of(
        binary,
        chain,
        children.map(lambda child: Operation("neg", (child,))),
        children.map(lambda child: Call("exp", (child,))),
        st.builds(lambda a, b, c: Call("ifelse", (a, b, c)), children, children, children),
    )


EXPRESSIONS = st.recursive(LEAVES, _operation, max_leaves=12)
SETTINGS = st.lists(st.one_of(NAMES.map(Name), NUMBERS.map(Number), NUMBERS.map(lambda x: Number(-x))), max_size=2)
TERMS = st.builds(lambda node, found: Term(node, tuple(found)), EXPRESSIONS, SETTINGS)
SIDES = st.builds(
    lambda terms, braces: Side(tuple(terms), braces), st.lists(TERMS, min_size=1, max_size=4), st.booleans()
)
BARE_SIDES = st.builds(
    lambda nodes, braces: Side(tuple(Term(node) for node in nodes), braces),
    st.lists(EXPRESSIONS, min_size=1, max_size=3),
    st.booleans(),
)


def _read_back(name: str, statement: object) -> None:
    script = Script((Command(name, (statement,)),))
    assert parse(write(script)) == script


@given(EXPRESSIONS)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_definition(node: object) -> None:
    _read_back("MODEL", Definition("q", node))  # type: ignore[arg-type]


@given(BARE_SIDES, SIDES, st.sampled_from(["~", "->", "<-"]), st.sampled_from(["", "block", "7"]))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_relation(left: Side, right: Side, operator: str, block: str) -> None:
    _read_back("MODEL", Relation(left, operator, right, None, block))


@given(BARE_SIDES, SIDES, st.lists(TERMS, min_size=1, max_size=3))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_random_part(left: Side, right: Side, random: list[Term]) -> None:
    _read_back("MODEL", Relation(left, "~", right, tuple(random)))


@given(TERMS.filter(lambda term: term.settings))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_variance(term: Term) -> None:
    _read_back("MODEL", VarianceStatement(term))


@given(EXPRESSIONS)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_draw_and_filter(node: object) -> None:
    _read_back("SIMULATE", Draw(Side((Term(Name("x")),)), "=", node))  # type: ignore[arg-type]
    script = Script((Command("FILTER", node),))
    assert parse(write(script)) == script


@given(EXPRESSIONS.filter(lambda node: not (isinstance(node, Operation) and node.operator == "==")))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_constraint(node: object) -> None:
    _read_back("WALDTEST", Constraint((node,), (Number(0.0),)))  # type: ignore[arg-type]


@given(st.floats(allow_nan=False))
def test_numbers_are_exact(value: float) -> None:
    assert float(number_text(value).lower().replace("inf", "inf")) == value


def test_parentheses_only_where_needed() -> None:
    for text in ("a - b - c", "a - (b - c)", "a*b + c", "(a + b)*c", "a^b^c", "(a^b)^c", "-a^2", "(-a)^2", "a/(b*c)",
                 "-a + b", "a - (-b)", "a > 1 and (b or c)", "exp(-a)"):  # fmt: skip
        node = parse(f"MODEL: q = {text};").statements("MODEL")[0].expression
        assert expression_text(node) == text


def test_lists_are_wrapped() -> None:
    names = " ".join(f"a_long_name_{number}" for number in range(30))
    text = write(parse(f"VARIABLES: {names};"))
    assert all(len(line) <= 100 for line in text.splitlines())
    assert text.splitlines()[1].startswith(" " * len("VARIABLES: ") + "a_long_name_")


def test_quoted_file_names_keep_their_own_quotes() -> None:
    for file in ('"a"', "'a b'", '"', "it's"):
        script = Script((Command("DATA", file),))
        assert parse(write(script)) == script
