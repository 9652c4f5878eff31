"""What is written to the console, a pipe or a log: never an error because its encoding lacks a sign.

Windows gives a program whose output goes into a pipe or a file an old code page, and others have none of the lines that
tables are drawn with. A progress bar that ended a training for that would be a poor one.
"""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from typing import Any

__all__ = ["PLAIN_SIGNS", "columns", "places", "printable", "write"]

# Signs of ours as ASCII, of one width where columns or bars are made of them.
_PLAIN = dict.fromkeys("┏┓┗┛┡┩└┘┌┐├┤┼┴┬┳┻╇╭╮╰╯", "+") | dict.fromkeys("━─–—−‐", "-") | dict.fromkeys("┃│⋮", "|")
_PLAIN |= dict.fromkeys("▏▎▍▌▋▊▉█▁▂▃▄▅▆▇■", "#") | dict.fromkeys("‘’", "'") | dict.fromkeys("“”„", '"')
_PLAIN |= {"…": "...", "×": "x", "⊗": "x", "✗": "x", "✓": "+", "→": ">", "←": "<", "≥": ">=", "≤": "<=", "≈": "~"}
_PLAIN |= {"·": ".", "●": "*", "•": "*", "±": "+-", "µ": "u", "π": "pi", "√": "sqrt", "∞": "inf", "∇": "d"}

PLAIN_SIGNS = "eagerflow.plain"


def _plain(error: UnicodeError) -> tuple[str, int]:
    """For `codecs`: what stands for signs that can't be encoded; letters lose their accents, others become `?`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain_sign, error.object[error.start : error.end])), error.end


def _plain_sign(sign: str) -> str:
    return _PLAIN.get(sign) or unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode("ascii") or "?"


codecs.register_error(PLAIN_SIGNS, _plain)


def printable(text: str, stream: Any = None) -> str:
    """The text as `stream` (the standard output) can show it: signs that its encoding lacks become plain ones.

    >>> import io
    >>> from eagerflow.base.output import printable
    >>> old = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    >>> printable("2 × 3 ─┤ naïve ≥ 1 Ω", old)
    '2 × 3 -+ naïve >= 1 ?'
    """
    encoding = getattr(sys.stdout if stream is None else stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, PLAIN_SIGNS).decode(encoding)
    except LookupError:  # a user's stream may have any name for its encoding
        return _ascii(text)
    return text


def columns() -> int | None:
    """How many signs a printed line may have: the terminal's width, or what COLUMNS says; None for pipes and files."""
    told = os.environ.get("COLUMNS", "")
    try:
        if not sys.stdout.isatty():
            return None
        return (
            int(told) if told.isdecimal() and int(told) else os.get_terminal_size(sys.stdout.fileno()).columns or None
        )
    except (AttributeError, OSError, ValueError):  # no stream, or one that only says that it is a terminal
        return None


def places(text: str) -> int:
    """How many places a text takes in a terminal.

    >>> from eagerflow.base.output import places
    >>> places("conv"), places("畳み込み")
    (4, 8)
    """
    return len(text) if text.isascii() else sum([_places(sign) for sign in text])


def _places(sign: str) -> int:
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):  # they stand on the sign before
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _ascii(text: str) -> str:
    return text.encode("ascii", PLAIN_SIGNS).decode("ascii")


def write(text: str, stream: Any = None) -> None:
    r"""Write to `stream` (the standard output, where there is one) and flush it.

    >>> from eagerflow.base.output import write
    >>> write("1/3 ━━━━\n")
    1/3 ━━━━
    """
    stream = sys.stdout if stream is None else stream
    if stream is None:  # a program without a console has none
        return
    try:
        stream.write(printable(text, stream))
    except UnicodeEncodeError:  # a user's stream that doesn't know its encoding
        stream.write(_ascii(text))
    stream.flush()
