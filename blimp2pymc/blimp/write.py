"""Syntax tree to canonical Blimp text; `parse(write(script))` gives the same tree again."""

from __future__ import annotations

from collections.abc import Iterable

from blimp2pymc.blimp.commands import COMMANDS
from blimp2pymc.blimp.expressions import ASSOCIATIVE, STRENGTH
from blimp2pymc.blimp.tree import (
    AtLevel,
    Call,
    Command,
    ConditionalEffect,
    Constraint,
    Definition,
    Draw,
    Expression,
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
    Script,
    Side,
    SumRange,
    Term,
    VarianceStatement,
)

WIDTH = 100
"""Lists of names are wrapped before they get longer than this."""

SPACED = {"+", "-", "==", "!=", "<", ">", "<=", ">=", "and", "or"}
"""Operators written with blanks around them."""


def write(script: Script) -> str:
    """Write a script in canonical layout: one command after the other, one statement a line.

    Loops have been unrolled and comments are gone; `format_script` rewrites a text that keeps both.

    Examples
    --------
    >>> from blimp2pymc.blimp.parse import parse
    >>> print(write(parse("seed:1;model:y~intercept x ;")), end="")
    SEED: 1;
    MODEL: y ~ 1 x;
    """
    return "".join(f"{write_command(each)}\n" for each in script.commands)


def write_command(command: Command) -> str:
    """Write one command, without a line break at its end."""
    form = COMMANDS[command.name]
    body = command.body
    match form.kind:
        case "text":
            return f"{command.name}: {quoted(str(body))};"
        case "integer":
            return f"{command.name}: {body};"
        case "expression":
            return f"{command.name}: {expression_text(body)};"  # type: ignore[arg-type]
        case "words":
            return wrapped(f"{command.name}:", body)  # type: ignore[arg-type]
        case "names":
            return wrapped(f"{command.name}:", (item_text(each) for each in body))  # type: ignore[attr-defined]
    return _block(command.name, body)  # type: ignore[arg-type]


def _block(name: str, statements: tuple) -> str:
    if len(statements) == 1 and not getattr(statements[0], "block", ""):
        line = f"{name}: {statement_text(statements[0])};"
        if len(line) <= WIDTH:
            return line
    lines = [f"{name}:"]
    block = ""
    for statement in statements:
        # A prior belongs to no block, so it never changes the current one.
        own = getattr(statement, "block", block)
        if own != block:
            assert own, "a statement without a block cannot follow a block"
            lines.append(f"  {own}:")
            block = own
        lines.append(f"{'    ' if block else '  '}{statement_text(statement)};")
    return "\n".join(lines)


def wrapped(head: str, words: Iterable[str]) -> str:
    """`head word word ...;` with lines of at most `WIDTH` characters, aligned behind the head."""
    lines, line = [], head
    for word in words:
        if len(line) + 1 + len(word) + 1 > WIDTH and line.strip() and line != head:
            lines.append(line)
            line = " " * len(head)
        line += f" {word}"
    return "\n".join([*lines, f"{line};"])


def quoted(text: str) -> str:
    """A raw text as it must be written to be read back: quoted when it has quotes of its own around it."""
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        quote = "'" if text[0] == '"' else '"'
        return f"{quote}{text}{quote}"
    return text


def statement_text(statement: object) -> str:
    """One statement, without its block label and semicolon."""
    match statement:
        case Relation(left, operator, right, random):
            tail = f" | {_terms(random)}" if random is not None else ""
            return f"{side_text(left)} {operator} {side_text(right)}{tail}"
        case VarianceStatement(term):
            return term_text(term)
        case Definition(name, value):
            return f"{name} = {expression_text(value)}"
        case PriorStatement(label, distribution, arguments):
            return f"{label} ~ {distribution}({', '.join(expression_text(each) for each in arguments)})"
        case Constraint(left, right):
            return f"{_compared(left)} = {_compared(right)}"
        case ConditionalEffect(focal, moderators):
            return f"{expression_text(focal)} | {' and '.join(_moderator(each) for each in moderators)}"
        case NameGroup(key, items):
            names = " ".join(item_text(each) for each in items)
            return f"{key} = {names}" if key else names
        case RandomEffectStatement(name, outcome, term, level):
            return f"{name} = {outcome} | {expression_text(term)}[{level}]"
        case SaveStatement(kind, file):
            return f"{kind} = {quoted(file)}"
        case Draw(left, "~~", right, other):
            assert other is not None
            return f"{side_text(left)} ~~ {side_text(other)} := {expression_text(right)}"
        case Draw(left, operator, right):
            return f"{side_text(left)} {operator} {expression_text(right)}"
    raise TypeError(f"no statement: {statement!r}")


def item_text(item: NameItem) -> str:
    """An entry of a list of names."""
    code = "" if item.reference is None else f"({number_text(item.reference)})"
    return f"{expression_text(item.expression)}{code}"


def side_text(side: Side) -> str:
    """One side of a relation."""
    return f"{{ {_terms(side.terms)} }}" if side.braces else _terms(side.terms)


def term_text(term: Term) -> str:
    """A term with its settings."""
    node = term.expression
    is_loose = isinstance(node, Operation) and (STRENGTH[node.operator] < STRENGTH["*"] or node.operator == "neg")
    text = f"({expression_text(node)})" if is_loose else expression_text(node, signs=False)
    return text + "".join(f"@{expression_text(each)}" for each in term.settings)


def expression_text(node: Expression, *, signs: bool = True) -> str:
    """An expression with the parentheses it needs.

    Parameters
    ----------
    node
        The expression.
    signs
        Whether a minus sign may stand first without parentheses; not in a list of terms.
    """
    match node:
        case Number(value):
            return number_text(value)
        case Name(name):
            return name
        case ParameterName(name):
            return f"&{name}"
        case AtLevel(inner, level):
            return f"{expression_text(inner)}[{level}]"
        case Range(first, last):
            return f"{first}:{last}"
        case SumRange(first, last):
            return f"{first}:+:{last}"
        case Call(function, arguments):
            return f"{function}({', '.join(expression_text(each) for each in arguments)})"
        case Operation("neg", (operand,)):
            return f"-{_operand(operand, 'neg', 0, signs=False)}"
        case Operation(operator, operands):
            blank = " " if operator in SPACED else ""
            texts = [_operand(each, operator, place, signs) for place, each in enumerate(operands)]
            return f"{blank}{operator}{blank}".join(texts)
    raise TypeError(f"no expression: {node!r}")


def number_text(value: float) -> str:
    """A number as short as it can be read back exactly."""
    if value in (float("inf"), float("-inf")):
        return "Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _operand(node: Expression, operator: str, place: int, signs: bool) -> str:
    """An operand, in parentheses where the grammar would otherwise group it differently."""
    if isinstance(node, SumRange) and operator != "+":
        return f"({expression_text(node)})"
    if not isinstance(node, Operation):
        text = expression_text(node)
        return f"({text})" if text.startswith("-") and (place or operator in ("^", "neg")) else text
    inner, outer = STRENGTH[node.operator], STRENGTH[operator]
    if node.operator == "neg":
        bare = signs and place == 0 and outer <= inner and operator != "neg"
    elif operator == "^":
        bare = inner > outer or (inner == outer and place == 1)
    elif operator == "neg":
        bare = inner > outer
    else:
        continues = place == 0 and not (node.operator == operator and operator in ASSOCIATIVE)
        bare = inner > outer or (inner == outer and continues)
    text = expression_text(node, signs=signs and place == 0 and bare)
    return text if bare else f"({expression_text(node)})"


def _terms(terms: Iterable[Term]) -> str:
    return " ".join(term_text(each) for each in terms)


def _compared(side: tuple[Expression, ...]) -> str:
    texts = [expression_text(each) for each in side]
    if len(side) > 1:
        texts = [f"({text})" if isinstance(each, Operation) else text for each, text in zip(side, texts, strict=True)]
    return " ".join(texts)


def _moderator(moderator: Moderator) -> str:
    name = moderator.name.name
    if moderator.at is None:
        return name
    return f"{name} @ {moderator.at if isinstance(moderator.at, str) else number_text(moderator.at)}"
