"""Canonical layout of a script's own text: comments, loops, spellings and the author's line breaks stay.

Unlike `write`, which starts from the tree, this starts from the tokens of the text. Formatting twice changes
nothing, and the formatted text parses to the same tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from blimp2pymc.blimp.expressions import NUMBER
from blimp2pymc.blimp.parse import parse
from blimp2pymc.blimp.pieces import COMMENT, plain_code, whole
from blimp2pymc.blimp.sections import Section, shares_stem, split
from blimp2pymc.errors import Source

WIDTH = 100
"""Lines get no longer than this where a blank allows a break."""

STEP = 2
"""Blanks of indentation for statements, and again for statements of a block."""

TOKEN = re.compile(rf"#[^\n\r]*|{NUMBER}|[\w.]+|<->|->|<-|=~|~~|:\+:|:=|==|!=|<=|>=|\*\*|&&|\|\||\S")
WORD = re.compile(r"[\w.]")

SPELLINGS = {
    "=~": "->", "<->": "~~", "**": "^", "\u2192": "->", "\u2190": "<-", "\u2194": "~~",
    "&&": "and", "||": "or", "\u2264": "<=", "\u2265": ">=", "\u2260": "!=",
}  # fmt: skip
"""Operators with a plainer spelling."""

FORMULAS = ("MODEL", "PARAMETERS", "TRANSFORM", "FILTER", "SIMPLE", "WALDTEST", "SIMULATE")
LOWER_IN = {"and": FORMULAS, "or": FORMULAS, "intercept": ("MODEL", "RANDOMEFFECT", "WALDTEST")}
"""Words written in lower case, and the commands in which they are no names."""

TIGHT = {"*", "/", "^", "@", ":+:", "&"}
"""Tokens without blanks around them."""

RELATIONS = {"~", "~~", "->", "<-", "=", ":="}
"""Tokens behind which the lines that follow are aligned."""

BREAKABLE = {"*", "/"}
"""Tight tokens that may still begin a line where the author broke it."""


@dataclass
class Token:
    """A token of a statement, or a comment inside it."""

    text: str
    start: int
    end: int
    line_breaks: int
    """Line breaks between the token before and this one."""
    is_in_index: bool = False
    """Whether it stands inside `[ ]`."""

    @property
    def is_comment(self) -> bool:
        """Whether it is a comment."""
        return self.text.startswith("#")


@dataclass
class Item:
    """What gets lines of its own: a `header`, `label`, `statement`, or `comment`."""

    kind: str
    text: str = ""
    tokens: list[Token] = field(default_factory=list)
    after: str = ""
    """Comment behind it on the same line."""
    has_blank_before: bool = False


def format_script(text: str, filename: str = "<model>") -> str:
    """Lay a script out canonically, keeping its comments, loops and line breaks inside statements.

    Parameters
    ----------
    text
        The script.
    filename
        The name under which mistakes are reported.

    Returns
    -------
    str
        The formatted script; formatting it again changes nothing.

    Raises
    ------
    BlimpError
        When the script cannot be read.

    Examples
    --------
    >>> print(format_script("seed:1;model:y~x ;"), end="")
    SEED: 1;
    MODEL: y ~ x;
    """
    parse(text, filename)
    source = Source(filename, text)
    sections, _ = split(whole(source, plain_code(text)))
    items = _items(text, sections)
    return "".join(f"{line}\n" for line in _lines(items, sections))


# ---------------------------------------------------------------- text to items


def _items(text: str, sections: list[Section]) -> list[Item]:
    """Headers, labels, statements and comments in the order of the text."""
    headers = {each.span.start: each for each in sections}
    statements = {
        piece.span(0, 1).start: (piece.span(0, len(piece)).end, section)
        for section in sections
        for piece in section.statements
    }
    items: list[Item] = []
    is_open = False
    statement_end = 0
    for token in _tokens(text, statements):
        if token.is_comment:
            if is_open:
                items[-1].tokens.append(token)
            elif token.line_breaks or not items:
                items.append(Item("comment", token.text, has_blank_before=token.line_breaks > 1))
            else:
                items[-1].after = f"{items[-1].after}  {token.text}" if items[-1].after else token.text
        elif token.start in statements:
            items.append(Item("statement", tokens=[token], has_blank_before=token.line_breaks > 1))
            is_open, statement_end = True, max(statements[token.start][0], token.end)
        elif is_open and token.start < statement_end:
            items[-1].tokens.append(token)
        elif token.text == ";":
            is_open = False
        elif token.start in headers:
            items.append(Item("header", headers[token.start].name, has_blank_before=token.line_breaks > 1))
            is_open = False
        elif token.text != ":":
            items.append(Item("label", token.text, has_blank_before=token.line_breaks > 1))
            is_open = False
    return [part for item in items for part in _with_comments_behind(item)]


def _tokens(text: str, statements: dict[int, tuple[int, Section]]) -> Iterator[Token]:
    """Tokens of a script; a file name or missing code is one token, as written."""
    code = _with_comments(plain_code(text), text)
    at, command, depth, before = 0, "", 0, ""
    while match := TOKEN.search(code, at):
        start = match.start()
        breaks = len(re.findall(r"\r\n?|\n", code[at:start]))
        end, section = statements.get(start, (0, None))
        command, depth = (section.name, 0) if section else (command, depth)
        kind = section.form.kind if section and section.form else ""
        if kind == "text":
            yield Token(text[start:end], start, end, breaks)
            at = end
        elif kind == "files":
            yield from _file_tokens(text, start, end, breaks)
            at = end
        elif match[0] == "<-" and code[:start].count("(") > code[:start].count(")"):
            yield Token("<", start, start + 1, breaks)
            at = start + 1
        else:
            depth += (match[0] == "(") - (match[0] == ")")
            is_word = _is_word(match[0].lower(), command, is_term=not depth and before != "@")
            yield Token(match[0].lower() if is_word else SPELLINGS.get(match[0], match[0]), start, match.end(), breaks)
            at, before = match.end(), match[0]


def _file_tokens(text: str, start: int, end: int, line_breaks: int) -> Iterator[Token]:
    """`kind`, `=`, and a file name as written, with the comments between them."""
    code = plain_code(text)[:end]
    equals = code.index("=", start)
    file = equals + 1 + len(code[equals + 1 :]) - len(code[equals + 1 :].lstrip())
    yield Token(code[start:equals].rstrip(), start, equals, line_breaks)
    yield from _comments_between(text, start, equals)
    yield Token("=", equals, equals + 1, 0)
    yield from _comments_between(text, equals, file)
    yield Token(text[file:end], file, end, 0)


def _comments_between(text: str, start: int, end: int) -> Iterator[Token]:
    for comment in COMMENT.finditer(text, start, end):
        yield Token(comment[0].rstrip(), comment.start(), comment.end(), 0)


def _is_word(text: str, command: str, *, is_term: bool) -> bool:
    """Whether a token, in lower case, is a word of the language; `intercept` is one only as a term."""
    return command in LOWER_IN.get(text, ()) and (is_term or text != "intercept")


def _with_comments(code: str, text: str) -> str:
    parts, at = [], 0
    for comment in COMMENT.finditer(text):
        parts += [code[at : comment.start()], comment[0].rstrip()]
        at = comment.start() + len(parts[-1])
    return "".join([*parts, code[at:]])


def _with_comments_behind(item: Item) -> Iterator[Item]:
    """A statement whose last comments stand behind its semicolon."""
    behind: list[Token] = []
    while item.tokens and item.tokens[-1].is_comment:
        behind.insert(0, item.tokens.pop())
    if behind and not behind[0].line_breaks:
        comment = behind.pop(0).text
        item.after = f"{comment}  {item.after}" if item.after else comment
    yield item
    for token in behind:
        yield Item("comment", token.text, has_blank_before=token.line_breaks > 1)


# ---------------------------------------------------------------- items to lines


def _lines(items: list[Item], sections: list[Section]) -> list[str]:
    lines: list[str] = []
    has_block = False
    kinds = iter([each.form.kind if each.form else "" for each in sections])
    at = 0
    while at < len(items):
        item = items[at]
        if item.has_blank_before and lines and items[at - 1].kind not in ("header", "label"):
            lines.append("")
        if item.kind == "header":
            has_block = False
            inline = _inline(items, at, next(kinds))
            if inline:
                at += 1
                lines += _with_comment(inline, items[at].after)
            else:
                lines += _with_comment([f"{item.text}:"], item.after)
        elif item.kind == "label":
            has_block = True
            lines += _with_comment([f"{' ' * STEP}{item.text}:"], item.after)
        elif item.kind == "statement":
            lines += _with_comment(_statement_lines(item, " " * (2 * STEP if has_block else STEP)), item.after)
        else:
            lines.append(" " * _comment_indent(items, at, has_block) + item.text)
        at += 1
    return lines


def _inline(items: list[Item], at: int, kind: str) -> list[str]:
    """The lines of a command that stands on one line with its only statement; none when it does not."""
    following = [each.kind for each in items[at + 1 :]]
    until_next = following[: following.index("header")] if "header" in following else following
    if items[at].after or until_next[:1] != ["statement"] or "statement" in until_next[1:] or "label" in until_next:
        return []
    statement = items[at + 1]
    lines = _statement_lines(statement, f"{items[at].text}: ", is_list=kind not in ("statements", "files"))
    if kind in ("statements", "files") and (len(lines) > 1 or len(lines[0]) > WIDTH):
        return []
    return lines


def _with_comment(lines: list[str], comment: str) -> list[str]:
    return [*lines[:-1], f"{lines[-1]}  {comment}"] if comment else lines


def _comment_indent(items: list[Item], at: int, has_block: bool) -> int:
    """A comment on a line of its own is indented like what follows it."""
    for item in items[at + 1 :]:
        if item.kind == "header":
            return 0
        if item.kind == "label":
            return STEP
        if item.kind == "statement":
            return 2 * STEP if has_block else STEP
    return 0


def _statement_lines(item: Item, head: str, is_list: bool = False) -> list[str]:
    """A statement behind `head`, with a `;` at its end."""
    lines: list[str] = []
    line = head
    aligned = len(head) if is_list else 0
    indent = len(head) - len(head.lstrip()) + 2 * STEP
    gap = ""
    depth = 0
    for place, token in enumerate(item.tokens):
        token.is_in_index = depth > 0
        depth += (token.text == "[") - (token.text == "]")
        if place and not (lines and line.strip() in BREAKABLE):
            gap = _gap(item.tokens, place)
        elif place:
            gap = " "
        if place and _breaks(item.tokens, place, gap, len(line)):
            if not lines and 0 < aligned <= WIDTH // 3:
                indent = aligned
            lines.append(line)
            line = " " * indent + token.text
        elif token.is_comment:
            line = f"{line}  {token.text}"
        else:
            line += gap + token.text
        if token.text in RELATIONS and not aligned and not lines:
            aligned = len(line) + 1
    return [*lines, f"{line};"]


def _breaks(tokens: list[Token], place: int, gap: str, length: int) -> bool:
    """Whether a line ends before a token: because of a comment, the author, or its length."""
    token = tokens[place]
    if tokens[place - 1].is_comment:
        return True
    if gap != " " and token.text not in BREAKABLE:
        return False
    is_long = gap == " " and not token.is_comment and length + len(token.text) + 2 > WIDTH
    return token.line_breaks > 0 or is_long


def _gap(tokens: list[Token], place: int) -> str:
    """What stands between a token and the one before it: nothing or a blank. First match wins."""
    if place == 0:
        return ""
    before, token = tokens[place - 1], tokens[place]
    left, right = before.text, token.text
    was_tight = before.end == token.start
    if left.startswith("#") or right.startswith("#"):
        return " "
    if token.is_in_index or right in (",", ")", "]") or left in ("(", "["):
        return ""
    if right == ":" or left == ":":
        return _colon_gap(tokens, place)
    if left in TIGHT or right in TIGHT - {"&"} or _is_unary(tokens, place - 1):
        return ""
    touches = right in ("[", "(") or left == "]"
    if touches and (WORD.match(left) or left == "]") and (WORD.match(right) or right in ("[", "(")):
        return "" if was_tight else " "
    return " "


def _colon_gap(tokens: list[Token], place: int) -> str:
    """Around `:` there are no blanks in a range, one on both sides behind a loop, one behind a label."""
    colon = place if tokens[place].text == ":" else place - 1
    before = tokens[colon - 1].text if colon else ""
    after = tokens[colon + 1].text if colon + 1 < len(tokens) else ""
    if before == "}":
        return " "
    if place == colon:
        return ""
    is_index = before.isdigit() and after.isdigit()
    return "" if is_index or shares_stem(before, after) or before == "]" or after == "[" else " "


def _is_unary(tokens: list[Token], place: int) -> bool:
    """Whether a token is a sign."""
    if tokens[place].text not in ("-", "+"):
        return False
    if place == 0:
        return True
    before = tokens[place - 1].text
    return not (WORD.match(before) and before not in ("and", "or")) and before not in (")", "]", "}")
