"""How much room a line has where it is printed, and texts that fit into it.

`eagerflow/base/output.py` and `eagerflow/cli/wrapping.py` do so for eagerflow. They aren't called from here: commands
that only read a recording load nothing of eagerflow, which would take longer than what they do.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import unicodedata
from typing import Any

__all__ = ["beginning", "folded", "line_length", "padded", "room", "shortened", "visible", "width"]

# Control characters but line ends and tabs; and those that change the direction of what follows.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

_TWO_COLUMNS = re.compile(r"( +\S.*? {2,})\S")  # `  viz top a.efz     what costs most`
_LEAST_WORDS = 24  # signs of a second column that are worth an indentation


def room(stream: Any = None) -> int | None:
    """How many signs a line may have: the width of the terminal, or what COLUMNS says; None for pipes and files.

    COLUMNS says nothing of pipes: test runners and others set it for programs whose output they read.
    """
    stream = sys.stdout if stream is None else stream
    told = os.environ.get("COLUMNS", "")
    try:
        if not stream.isatty():
            return None
        return int(told) if told.isdecimal() and int(told) else os.get_terminal_size(stream.fileno()).columns or None
    except (AttributeError, OSError, ValueError):  # no stream, or one that only says that it is a terminal
        return None


def line_length(most: int) -> int:
    """How long lines of sentences are: as is usual for a text, or as there is room for."""
    return max(40, min(most, room() or most))


def width(text: str) -> int:
    """How many places a text takes in a terminal.

    >>> width("conv"), width("畳み込み")
    (4, 8)
    """
    return len(text) if text.isascii() else sum(map(_places, text))


@functools.lru_cache(maxsize=4096)
def _places(sign: str) -> int:
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):  # they stand on the sign before
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def visible(text: str) -> str:
    r"""The text with control characters as JSON writes them.

    >>> visible("a\x1b[2J\n")
    'a\\u001b[2J\n'
    """
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def padded(text: str, places: int, right: bool = False) -> str:
    """The text with blanks, so that it takes so many places."""
    blanks = " " * (places - width(text))
    return blanks + text if right else text + blanks


def shortened(text: str, places: int, at_start: bool = False, mark: str = "…") -> str:
    """The text without what is in its middle, or, as of a place in a file, at its beginning, if it is too long.

    >>> shortened("attention_weights", 9), shortened("/home/me/project/train.py:12", 15, at_start=True)
    ('atte…ghts', '…ct/train.py:12')
    """
    if width(text) <= places:
        return text
    inner = text.lstrip(" ")
    indent = " " * min(len(text) - len(inner), places // 3)
    left = places - len(indent)
    if width(inner) <= left:
        return indent + inner
    end = left - width(mark) if at_start else (left - width(mark)) // 2
    return indent + beginning(inner, left - width(mark) - end) + mark + _end(inner, end)


def beginning(text: str, places: int) -> str:
    """As much of the beginning of a text as there is room for."""
    return _end(text[::-1], places)[::-1]


def _end(text: str, places: int) -> str:
    """As much of the end of a text as there is room for."""
    first, taken = len(text), 0
    while first > 0 and taken + width(text[first - 1]) <= places:
        first -= 1
        taken += width(text[first])
    return text[first:]


def folded(text: str, places: int | None) -> str:
    """Lines that go on in the next one where there is no room: further to the right, below a second column if any.

    >>> print(folded("  run      run a script and record what it computes, with times", 40))
      run      run a script and record what
               it computes, with times
    """
    if places is None or all(width(line) <= places for line in text.split("\n")):
        return text
    return "\n".join([part for line in text.split("\n") for part in _fold(line, places)])


def _fold(line: str, places: int) -> list[str]:
    if width(line) <= places:
        return [line]
    columns = _TWO_COLUMNS.match(line)
    indent = len(line) - len(line.lstrip(" "))
    start = line[:indent]
    if columns is not None:
        rest, left = line[len(columns[1]) :], places - width(columns[1])
        if left < _LEAST_WORDS or max(map(width, rest.split())) > left:  # it has no room beside the first
            second = " " * (indent + 4)
            return [*_fold(columns[1].rstrip(), places), *_wrapped(rest, second, len(second), places)]
        start, indent = columns[1], width(columns[1])
    elif indent:
        indent += 2
    return _wrapped(line[len(start) :], start, min(indent, places // 3 * 2), places)


def _wrapped(text: str, start: str, indent: int, places: int) -> list[str]:
    """Words in lines, the first of which begins so."""
    lines, is_empty = [start], True
    for word in text.split():
        if not is_empty and width(lines[-1]) + 1 + width(word) > places:
            lines, is_empty = [*lines, " " * indent], True
        lines[-1] += word if is_empty else f" {word}"
        is_empty = False
    return lines
