"""Trees of the core grammar, compared by value; spans; what is collected and what is warned of."""

from __future__ import annotations

import pytest

from blimp2pymc.blimp.parse import parse
from blimp2pymc.blimp.tree import (
    AtLevel,
    Call,
    ConditionalEffect,
    Constraint,
    Definition,
    Draw,
    Moderator,
    Name,
    NameGroup,
    NameItem,
    Number,
    Operation,
    ParameterName,
    PriorStatement,
    RandomEffectStatement,
    Range,
    Relation,
    SaveStatement,
    Side,
    SumRange,
    Term,
    VarianceStatement,
)
from blimp2pymc.errors import BlimpError

X, Y, Z = Name("x"), Name("y"), Name("z")


def side(*parts: object, braces: bool = False) -> Side:
    return Side(tuple(part if isinstance(part, Term) else Term(part) for part in parts), braces)  # type: ignore[arg-type]


def statement(text: str, command: str = "MODEL") -> object:
    (found,) = parse(f"{command}: {text};").commands[0].body  # type: ignore[misc]
    return found


def expression(text: str) -> object:
    return statement(f"q = {text}").expression  # type: ignore[attr-defined]


def op(operator: str, *operands: object) -> Operation:
    return Operation(operator, operands)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("x + y - z", op("-", op("+", X, Y), Z)),
        ("x - y + z + 1", op("+", op("-", X, Y), Z, Number(1))),
        ("(x + y) + z", op("+", op("+", X, Y), Z)),
        ("x + y*z", op("+", X, op("*", Y, Z))),
        ("x*y*z", op("*", X, Y, Z)),
        ("x/y/z", op("/", op("/", X, Y), Z)),
        ("x/y*z", op("*", op("/", X, Y), Z)),
        ("x^y^z", op("^", X, op("^", Y, Z))),
        ("x**2", op("^", X, Number(2))),
        ("-x^2", op("neg", op("^", X, Number(2)))),
        ("-x*y", op("*", op("neg", X), Y)),
        ("x - -y", op("-", X, op("neg", Y))),
        ("- -x", X),
        ("x^-y", op("^", X, op("neg", Y))),
        ("2*-x + y", op("+", op("*", Number(2), op("neg", X)), Y)),
        ("x > 1 and y <= 2 or z", op("or", op("and", op(">", X, Number(1)), op("<=", Y, Number(2))), Z)),
        ("x AND y and z", op("and", X, Y, Z)),
        ("x == y + 1", op("==", X, op("+", Y, Number(1)))),
        ("x<-1", op("<", X, op("neg", Number(1)))),
        ("SQRT( x )", Call("sqrt", (X,))),
        ("max(x, y + 1, z)", Call("max", (X, op("+", Y, Number(1)), Z))),
        ("mean(x1:x3)", Call("mean", (Range("x1", "x3"),))),
        ("x1:+:x3/3", op("/", SumRange("x1", "x3"), Number(3))),
        ("x - &mu", op("-", X, ParameterName("mu"))),
        ("x.mean[school]", AtLevel(Name("x.mean"), "school")),
        (".5e1", Number(5)),
    ],
)
def test_expression(text: str, tree: object) -> None:
    assert expression(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("y ~ x z", Relation(side(Y), "~", side(X, Z))),
        ("y ~ Intercept x@b1", Relation(side(Y), "~", side(Number(1), Term(X, (Name("b1"),))))),
        (
            "y ~ 1@-3 x@0@b",
            Relation(side(Y), "~", side(Term(Number(1), (Number(-3),)), Term(X, (Number(0), Name("b"))))),
        ),
        ("x y ~ (x - z)*x", Relation(side(X, Y), "~", side(op("*", op("-", X, Z), X)))),
        ("{ x y } ~ 1", Relation(side(X, Y, braces=True), "~", side(Number(1)))),
        ("x =~ y1:y3", Relation(side(X), "->", side(Range("y1", "y3")))),
        ("x <-> y", Relation(side(X), "~~", side(Y))),
        ("y <- x", Relation(side(Y), "<-", side(X))),
        (
            "y ~ x | 1[id] x[id]",
            Relation(side(Y), "~", side(X), (Term(AtLevel(Number(1), "id")), Term(AtLevel(X, "id")))),
        ),
        ("y ~ x | 0", Relation(side(Y), "~", side(X), (Term(Number(0)),))),
        ("y ~ x (z == 1)", Relation(side(Y), "~", side(X, op("==", Z, Number(1))))),
        ("y ~ exp(x) exp (z)", Relation(side(Y), "~", side(Call("exp", (X,)), Call("exp", (Z,))))),
        ("yjt(y - 3) ~ x", Relation(side(Call("yjt", (op("-", Y, Number(3)),))), "~", side(X))),
        ("y@v", VarianceStatement(Term(Y, (Name("v"),)))),
        ("y1:y3@v", VarianceStatement(Term(Range("y1", "y3"), (Name("v"),)))),
        ("q := x", Definition("q", X)),
        ("block.1: y ~ x", Relation(side(Y), "~", side(X), block="block.1")),
        ("1: y ~ x", Relation(side(Y), "~", side(X), block="1")),
    ],
)
def test_model_statement(text: str, tree: object) -> None:
    assert statement(text) == tree


@pytest.mark.parametrize(
    ("command", "text", "tree"),
    [
        ("PARAMETERS", "b ~ Trunc(-inf, 0)", PriorStatement("b", "truncate", (Number(float("-inf")), Number(0)))),
        ("PARAMETERS", "b = 2*c", Definition("b", op("*", Number(2), Name("c")))),
        ("WALDTEST", "b1:b3 = 0", Constraint((Range("b1", "b3"),), (Number(0),))),
        ("TEST", "y ~ x", Relation(side(Y), "~", side(X))),
        ("SIMPLE", "x | z @ -1 and y@Quartiles",
         ConditionalEffect(X, (Moderator(Z, -1.0), Moderator(Y, "quartile")))),
        ("SIMPLE", "(a + b*z)*c | z",
         ConditionalEffect(op("*", op("+", Name("a"), op("*", Name("b"), Z)), Name("c")), (Moderator(Z),))),
        ("NOMINAL", "x(2)", NameItem(X, 2.0)),
        ("NOMINAL", "x1:x3(-1)", NameItem(Range("x1", "x3"), -1.0)),
        ("CENTER", "CGM = x", NameGroup("grandmean", (NameItem(X),))),
        ("CENTER", "x y", NameGroup("", (NameItem(X), NameItem(Y)))),
        ("LATENT", "school = x", NameGroup("school", (NameItem(X),))),
        ("DROPOUT", "z = y", NameGroup("z", (NameItem(Y),))),
        ("RANDOMEFFECT", "u = y | intercept [id]", RandomEffectStatement("u", "y", Number(1), "id")),
        ("SAVE", "Stacked = my imps.csv", SaveStatement("stacked", "my imps.csv")),
        ("SIMULATE", "Lev1(1) = 10", Draw(side(Call("Lev1", (Number(1),))), "=", Number(10))),
        ("SIMULATE", "x ~ normal(0, 1)", Draw(side(X), "=", Call("normal", (Number(0), Number(1))))),
        ("SIMULATE", "x := .5", Draw(side(X), ":=", Number(0.5))),
        ("SIMULATE", "x ~~ y = .5", Draw(side(X), "~~", Number(0.5), side(Y))),
    ],
)  # fmt: skip
def test_other_statement(command: str, text: str, tree: object) -> None:
    assert statement(text, command) == tree


@pytest.mark.parametrize(
    ("text", "name", "body"),
    [
        ("data: a b/c.csv;", "DATA", "a b/c.csv"),
        ("MISSING: . ;", "MISSING", "."),
        ("ITER: 0100;", "ITERATIONS", 100),
        ("OPTIONS: Prior1 pinfo;", "OPTIONS", ("prior1", "pinfo")),
        ("FILTER: x > 1;", "FILTER", op(">", X, Number(1))),
    ],
)
def test_other_body(text: str, name: str, body: object) -> None:
    (command,) = parse(text).commands
    assert (command.name, command.body) == (name, body)


def test_loop_copies_point_into_the_script() -> None:
    text = "MODEL: { i in 2:3 } : y[i] ~ y[i-1]@b[i] (x - [i]);"
    first, second = parse(text).statements("MODEL")
    assert first == statement("y2 ~ y1@b2 (x - 2)")
    assert second == statement("y3 ~ y2@b3 (x - 3)")
    for copy in (first, second):
        assert copy.span.text == "y[i] ~ y[i-1]@b[i] (x - [i])"
        assert copy.left.span.text == "y[i]"
        term, formula = copy.right.terms
        assert term.expression.span.text == "y[i-1]"
        assert term.settings[0].span.text == "b[i]"
        assert formula.expression.operands[1].span.text == "[i]"


def test_spans_of_an_ordinary_statement() -> None:
    text = "MODEL: y ~ 1@b0   # here\n  (x - 2)*z[id]@b | x;"
    (relation,) = parse(text).statements("MODEL")
    one, product = relation.right.terms
    assert one.span.text == "1@b0"
    assert product.span.text == "(x - 2)*z[id]@b"
    assert product.expression.operands[0].span.text == "(x - 2)"
    assert product.expression.operands[1].span.text == "z[id]"
    assert product.expression.operands[1].expression.span.text == "z"
    assert product.settings[0].span.text == "b"
    assert relation.random[0].span.text == "x"
    assert relation.span.line == 1
    assert product.span.line == 2


def test_blocks_end_with_their_command() -> None:
    script = parse("MODEL: a: y ~ x; x ~ z; MODEL: z ~ w; b: w ~ 1;")
    assert [each.block for each in script.statements("MODEL")] == ["a", "a", "", "b"]


def test_label_behind_a_loop_holds_for_what_follows() -> None:
    script = parse("MODEL: a: y ~ x; { v in p q } : b[v]: [v] ~ x; y ~ z; a: z ~ w; w ~ 1;")
    assert [each.block for each in script.statements("MODEL")] == ["a", "bp", "bq", "bq", "a", "a"]


def test_loop_that_only_repeats_is_warned_about() -> None:
    (finding,) = parse("MODEL: { i in 1:3, j in 1:2 } : y[i] ~ x;").warnings
    assert finding.code == "idle-index"
    assert "'j'" in finding.message
    assert parse("MODEL: { i in 1:3, j in 2:2 } : y[i-1] ~ x;").warnings == ()


@pytest.mark.parametrize("text", [5, None, b"MODEL: y ~ x;", ["MODEL: y ~ x;"]])
def test_what_is_no_text(text: object) -> None:
    with pytest.raises(BlimpError, match="a script is a text, not a"):
        parse(text)  # type: ignore[arg-type]


def test_command_alone_on_its_line_without_colon() -> None:
    with pytest.raises(BlimpError, match="a ':' is missing behind WALDTEST"):
        parse("MODEL: y ~ x;\nWALDTEST\n  b1 = 0;")


def test_formula_among_labels_in_a_test() -> None:
    with pytest.raises(BlimpError, match="a formula in a test stands alone"):
        parse("WALDTEST: b1 b2 - b3 = 0;")
    parse("WALDTEST: b2 - b3 = 0;")


def test_unreadable_filter_is_left_out() -> None:
    with pytest.raises(BlimpError) as caught:
        parse("FILTER: (x > 1; MODEL: y ~ x;")
    assert [each.name for each in caught.value.script.commands] == ["MODEL"]


def test_mistakes_are_collected_in_order() -> None:
    with pytest.raises(BlimpError) as caught:
        parse("SEED: x; MODLE: y; MODEL: y ~ +; z ~ (; w ~ x; SAVE: foo = f;")
    codes = [each.code for each in caught.value.findings]
    assert codes == ["not-an-integer", "unknown-command", "bare-sum", "unbalanced", "unknown-save"]


def test_warnings_do_not_stop_and_are_carried() -> None:
    script = parse("MODEL: y ~ x; data: x ~ z; OPTIONS: priorl;")
    assert [each.code for each in script.warnings] == ["label-like-command", "unknown-option"]
    assert [each.severity for each in script.warnings] == ["warning", "warning"]
    assert script.warnings[1].hint == "prior1"
    assert script.statements("MODEL")[1].block == "data"


def test_same_text_in_another_layout_is_equal() -> None:
    assert parse("model:y~x1*x2@b;") == parse("MODEL:\n  y ~ x1 * x2 @ b  # all\n;\n")


def test_empty_script() -> None:
    with pytest.raises(BlimpError, match="holds no command"):
        parse("  # nothing\n")


def test_long_script_is_read_in_reasonable_time() -> None:
    import time

    line = "y{0} ~ 1@b{0} x{0} z{0}*x{0}@c{0} (x{0} - (mu + w))@d{0} | x{0};"
    text = "MODEL:\n" + "\n".join(line.format(number) for number in range(2000))
    began = time.process_time()
    assert len(parse(text).statements("MODEL")) == 2000
    assert time.process_time() - began < 10  # generous: it takes a fraction of a second


def test_deep_nesting_is_read_or_refused() -> None:
    for depth in (5, 25, 40, 5000):
        text = f"MODEL: q = {'(' * depth}x{')' * depth};"
        if depth < 30:
            assert parse(text).statements("MODEL") == (Definition("q", X),)
        else:
            with pytest.raises(BlimpError, match="nested too deeply"):
                parse(text)
    with pytest.raises(BlimpError, match="more than"):
        parse(f"MODEL: q = {'x^' * 5000}x;")
    with pytest.raises(BlimpError, match="more than"):
        parse(f"MODEL: q = {'x - '.join([''] * 5000)}x;")


def test_text_that_is_no_script_for_its_length() -> None:
    with pytest.raises(BlimpError, match="too long for a script"):
        parse("1 2 3\n" * 200_000)


def test_range_of_numbers_too_large_to_count_with() -> None:
    with pytest.raises(BlimpError, match="its numbers are too large"):
        parse(f"MODEL: y ~ x{'1' * 5000}:x{'2' * 5000};")


def test_settings_before_an_arrow() -> None:
    one, slope = statement("1@m x@0 -> y y2").left.terms  # type: ignore[attr-defined]
    assert (one, slope) == (Term(Number(1), (Name("m"),)), Term(X, (Number(0),)))
