"""From a grammar's failure to a sentence in the user's words."""

from __future__ import annotations

import re

from pyparsing import ParseBaseException

from blimp2pymc.blimp.commands import Form
from blimp2pymc.blimp.expressions import NAME, NUMBER
from blimp2pymc.blimp.pieces import Piece
from blimp2pymc.errors import Finding

_TOKEN = re.compile(rf"{NAME}|{NUMBER}|->|<->|<-|~~|=~|\S")


def explain(failure: ParseBaseException, piece: Piece, form: Form) -> list[Finding]:
    """What is wrong at the place where the grammar gave up."""
    where = failure.loc
    while where < len(piece) and piece[where].isspace():
        where += 1
    match = _TOKEN.match(piece, where)
    found = f"'{match[0]}'" if match else "the end of the statement"
    span = piece.span(where, match.end()) if match else piece.span(max(0, len(piece) - 1), len(piece))
    expected = failure.msg.removeprefix("Expected ")
    return [Finding(f"expected {expected}, found {found}", span, form.example, "syntax")]
