"""Wrapping text to the width of the terminal."""

from __future__ import annotations

import re
import textwrap

from eagerflow.base.output import columns, places

__all__ = ["folded", "in_parts"]

_TWO_COLUMNS = re.compile(r"( +\S.*? {2,})\S")  # an example, and what is said of it


def folded(text: str, room: int | None = None) -> str:
    """Lines that fit into the terminal; where something is said of what stands on the left, it goes on below that.

    Args:
        text: lines.
        room: how many signs a line may have; default: the terminal's width, and no bound in pipes and files.

    >>> print(folded("  launch -n 4 train.py    four ranks on this machine, one per core", 50))
      launch -n 4 train.py    four ranks on this
                              machine, one per core
    """
    room = columns() if room is None else room
    if room is None:
        return text
    return "\n".join([part for line in text.split("\n") for part in _folded(line, room)])


def in_parts(line: str, joint: str = " - ") -> str:
    """A line of parts, such as a training's numbers: where the terminal has no room it goes on behind a part."""
    room = columns()
    if room is None or places(line) <= room:
        return line
    lines: list[str] = []
    for part in line.split(joint):
        if lines and places(lines[-1] + joint + part) <= room:
            lines[-1] += joint + part
        else:
            lines.append(part if not lines else f"  {part}")
    return "\n".join(lines)


def _folded(line: str, room: int) -> list[str]:
    if places(line) <= room:
        return [line]
    left = _TWO_COLUMNS.match(line)
    indent = len(left[1]) if left is not None else 0
    if left is not None and indent > room // 2:  # what is said stands below
        deep = " " * (len(line) - len(line.lstrip()) + 4)
        return [*_wrapped(left[1].rstrip(), room, len(deep)), *_wrapped(deep + line[indent:], room, len(deep))]
    return _wrapped(line, room, indent or 4 * line.startswith(" "))


def _wrapped(line: str, room: int, indent: int) -> list[str]:
    """Words in lines; what has no blank, such as a command or an address, stays whole."""
    wrapper = textwrap.TextWrapper(room, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
    return wrapper.wrap(line) or [line]
