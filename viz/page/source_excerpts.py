"""The lines of code around those that a recording names, as far as the files can still be read."""

from __future__ import annotations

import linecache
import os
from collections.abc import Sequence

from viz.facts.schema import Frame

__all__ = ["excerpts"]

_AROUND = 3
_MOST_LINES = 4_000
_LONGEST = 300


def excerpts(frames: Sequence[Frame]) -> dict[str, dict[str, str]]:
    """For each file, the texts of lines by number: three before and after each frame's line.

    A file is only quoted where its line still is what was recorded. So a changed file isn't shown as if it had
    run, and a recording from elsewhere can't bring other files of this machine into a page.
    """
    linecache.checkcache()
    found: dict[str, dict[str, str]] = {}
    count = 0
    for frame in frames:
        if count > _MOST_LINES or not _is_unchanged(frame):
            continue
        lines = found.setdefault(frame.file, {})
        for number in range(max(1, frame.line - _AROUND), frame.line + _AROUND + 1):
            text = linecache.getline(frame.file, number)
            if text and str(number) not in lines:
                whole = text.rstrip()
                lines[str(number)] = (whole if len(whole) <= _LONGEST else whole[:_LONGEST] + "…").expandtabs(4)
                count += 1
    return found


def _is_unchanged(frame: Frame) -> bool:
    if not frame.code or not os.path.isabs(frame.file):
        return False
    return linecache.getline(frame.file, frame.line).strip()[:500] == frame.code
