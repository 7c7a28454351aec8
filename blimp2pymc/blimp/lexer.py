"""Colours for Blimp code in documents and notebooks: a Pygments lexer.

The only module that imports Pygments, which finds it through the package's entry point.
"""

from __future__ import annotations

import re
from typing import ClassVar

from pygments.lexer import RegexLexer, bygroups, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Text, Whitespace

from blimp2pymc.blimp.commands import CANONICAL, COMMANDS, SAVE_KINDS
from blimp2pymc.blimp.expressions import FUNCTIONS, NAME
from blimp2pymc.blimp.pieces import REPAIRS
from blimp2pymc.blimp.statements import INTERCEPT

_TEXT_COMMANDS = [name for name, form in COMMANDS.items() if form.kind == "text"]
_KEYWORDS = (INTERCEPT, "grandmean", "groupmean", "cgm", "cwc", "quartile", "quartiles", "quantile", "quantiles", "inf")
_DISTRIBUTIONS = ("truncate", "trunc", "gamma", "invgamma", "inverse_gamma", "beta", "cauchy")
_TYPOGRAPHIC = "".join(re.escape(chr(code)) for code, plain in REPAIRS.items() if plain in "-~*^")
"""Signs as word processors write them."""


class BlimpLexer(RegexLexer):
    """Pygments lexer of Blimp scripts."""

    name = "Blimp"
    aliases: ClassVar[list[str]] = ["blimp", "imp"]
    filenames: ClassVar[list[str]] = ["*.imp"]

    flags = re.IGNORECASE
    tokens: ClassVar[dict] = {
        "root": [
            (r"\s+", Whitespace),
            (r"#[^\n\r]*", Comment.Single),
            (
                rf"({'|'.join(_TEXT_COMMANDS)})(\s*)(:)(\s*)([^;#\n]*)",
                bygroups(Keyword.Declaration, Whitespace, Punctuation, Whitespace, String),
            ),
            (
                rf"({'|'.join(sorted(CANONICAL, key=len, reverse=True))})(\s*)(:)(?![+=])",
                bygroups(Keyword.Declaration, Whitespace, Punctuation),
            ),
            (
                rf"({'|'.join(SAVE_KINDS)})(\s*)(=)(?!=)(\s*)([^;#\n]*)",
                bygroups(Keyword, Whitespace, Operator, Whitespace, String),
            ),
            (r"(\{)(\s*)([A-Za-z_][\w.]*)(\s+)(in)\b", bygroups(Punctuation, Text, Name.Variable, Text, Keyword)),
            (rf"({NAME})(:)(?=\s*[\r\n#])", bygroups(Name.Label, Punctuation)),
            (rf"({NAME}|[0-9]+)(:)(?=\s+[\w{{])", bygroups(Name.Label, Punctuation)),
            (rf"(@)(\s*)({NAME})", bygroups(Operator, Whitespace, Name.Variable)),
            (rf"(&)({NAME})", bygroups(Operator, Name.Variable)),
            (words((*FUNCTIONS, *_DISTRIBUTIONS), prefix=r"(?<![\w.])", suffix=r"(?=\s*\()"), Name.Function),
            (words(_KEYWORDS, prefix=r"(?<![\w.])", suffix=r"(?![\w.])"), Keyword.Constant),
            (words(("and", "or"), prefix=r"(?<![\w.])", suffix=r"(?![\w.])"), Operator.Word),
            (NAME, Name),
            (r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?", Number),
            (r"<->|->|<-|=~|~~|~|:\+:|:=|==|!=|<=|>=|\*\*|[-+*/^=<>@|&]", Operator),
            (rf"[{_TYPOGRAPHIC}\u2190\u2192\u2194\u2264\u2265\u2260]", Operator),
            (r"[;:,(){}\[\]]", Punctuation),
            (r"\.[\w.]+", Name),  # behind the bracket of a loop: y[t].lag
            (r".", Text),
        ],
    }
