"""The lines of code around those that a recording names, as far as the files can still be read."""

from __future__ import annotations

from collections.abc import Sequence

from viz.facts.lines.quoted_files import lines_of
from viz.facts.schema import Frame

__all__ = ["excerpts"]

_AROUND = 3
_MOST_LINES = 4_000
_LONGEST = 300


def excerpts(frames: Sequence[Frame]) -> dict[str, dict[str, str]]:
    """For each file, the texts of lines by number: three before and after each frame's line.

    A file is only quoted where its line still is what was recorded. So a changed file isn't shown as if it had
    run, and a recording from elsewhere can't bring other files of this machine into a page, see `lines_of`.
    """
    found: dict[str, dict[str, str]] = {}
    texts: dict[str, list[str]] = {}
    count = 0
    for frame in frames:
        if count > _MOST_LINES or not frame.code:
            continue
        if frame.file not in texts:
            texts[frame.file] = lines_of(frame.file)
        there = texts[frame.file]
        if "".join(there[frame.line - 1 : frame.line]).strip()[:500] != frame.code:
            continue
        lines = found.setdefault(frame.file, {})
        for number in range(max(1, frame.line - _AROUND), min(frame.line + _AROUND, len(there)) + 1):
            if str(number) not in lines:
                whole = there[number - 1].rstrip()
                lines[str(number)] = (whole if len(whole) <= _LONGEST else whole[:_LONGEST] + "…").expandtabs(4)
                count += 1
    return found
