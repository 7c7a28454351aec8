"""A script in whatever form the user hands it over: a path, a text, or a parsed script."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.parse import parse
from blimp2pymc.errors import Source, error

TEXT = re.compile(r"\s*[A-Za-z]+\s*:[^;]*;.*:")
"""The text of a script on one line, its last `;` forgotten."""


def read_script(source: str | PathLike[str] | Source | tree.Script) -> tree.Script:
    """Parse a script given as text, path, or tree.

    Raises
    ------
    BlimpError
        When there is no such file, it is no text, or it cannot be parsed.
    """
    if isinstance(source, tree.Script):
        return source
    if isinstance(source, Source):
        return parse(source.text, source.name)
    if isinstance(source, str) and not source.strip():
        raise error("the script is empty", hint="DATA: study.csv; MODEL: y ~ x;", code="empty-script")
    if isinstance(source, str) and ("\n" in source or source.rstrip().endswith(";") or TEXT.match(source)):
        return parse(source)
    if not isinstance(source, str | PathLike):
        raise error(f"a script is a text, a path or a parsed script, not a {type(source).__name__}",
                    code="no-script")  # fmt: skip
    path = Path(source)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        hint = "';' at the end, if this is the text of a script" if "~" in str(source) else ""
        raise error(f"there is no script '{path}'", hint=hint, code="no-script") from None
    except UnicodeDecodeError:
        raise error(f"'{path}' is not a text file in UTF-8", hint="save it as plain text", code="no-script") from None
    except (OSError, ValueError) as mistake:
        reason = getattr(mistake, "strerror", None) or mistake
        raise error(f"the script '{path}' cannot be read: {reason}", code="no-script") from None
    return parse(text, str(path))
