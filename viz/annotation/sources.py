"""The user's files, with what their lines cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from viz.annotation.costs import Costs, LineCost
from viz.facts.lines.quoted_files import lines_of

__all__ = ["SourceLine", "source_lines"]

_AROUND = 2  # lines without costs that are shown before and after one that has some
_MOST = 20_000


class SourceLine(NamedTuple):
    """A line that is shown: its number (None for a gap), its text, and what it costs."""

    number: int | None
    text: str
    cost: LineCost | None


def source_lines(costs: Costs, file: str, whole: bool) -> Iterator[SourceLine]:
    """The lines of a file, as far as it still is what ran; else those alone that the recording holds.

    So a file that was changed isn't shown as if it had run, and a recording from elsewhere can't bring other files of
    this machine into a page, see `lines_of`.
    """
    known = costs.lines[file]
    texts = lines_of(file)[:_MOST]
    if not all(cost.code and _text(texts, number) == cost.code for number, cost in known.items()):
        for number in sorted(known):
            yield SourceLine(number, known[number].code, known[number])
        return
    near = {n + by for n in known for by in range(-_AROUND, _AROUND + 1)}
    gap = False
    for number, text in enumerate(texts, 1):
        if whole or number in near:
            if gap:
                yield SourceLine(None, "⋮", None)
            gap = False
            yield SourceLine(number, text.rstrip().expandtabs(4)[:300], known.get(number))
        else:
            gap = True


def _text(texts: list[str], number: int) -> str:
    return "".join(texts[number - 1 : number]).strip()[:500]
