"""Which columns of a table there is room for, and how wide each of them is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from viz.facts.lines.room import folded, shortened, width

__all__ = ["fit", "fitted_cell"]

_PLACE = re.compile(r":\d+$")
_LENGTHS = re.compile(r"\d[×x]\d|^\d+ [a-z]\w+$|^scalar\b")  # shapes, which aren't cut as they are numbers
_CLASSED = re.compile(r"(.+) \(\w+\)((?: ×\d+)?)")  # a layer and its class, which is left out first
_LEAST, _HARD = 20, 8  # how narrow columns of text become before one of them is left out; and where none may be
_SHORT = 16  # a column of words no longer than this stays as it is
_BETWEEN = 2  # blanks


def fit(
    heads: Sequence[str],
    lines: Sequence[Sequence[str]],
    right: Sequence[bool],
    least: Sequence[str],
    places: int | None,
) -> dict[int, int]:
    """The columns to show, by their positions, and their widths.

    Args:
        heads: of the columns.
        lines: of the table.
        right: which columns hold numbers, which are never cut.
        least: heads of columns that may be left out, the least important first.
        places: how many signs a line may have; None for no bound.
    """
    cells = list(zip(*lines)) or [()] * len(heads)
    full = {i: max(map(width, (head, *column))) for i, (head, column) in enumerate(zip(heads, cells))}
    if places is None or _whole(full) <= places:
        return full
    whole = {i for i in full if right[i] or any(map(_LENGTHS.search, cells[i])) or (i and full[i] <= _SHORT)}
    chosen, waiting = [i for i in full if any(cell.strip() for cell in cells[i])], list(least)
    most = _LEAST
    while True:
        found = {i: full[i] if i in whole else min(full[i], max(most, min(width(heads[i]), 10))) for i in chosen}
        if _whole(found) <= places or most == _HARD:
            break
        if waiting:
            chosen = [i for i in chosen if i not in _with_what_follows(heads, waiting[0])]
            waiting = waiting[1:]
        else:
            most = _HARD
    for _ in range(places - _whole(found)):  # what is left goes to the columns that lack most
        wanting = max(chosen, key=lambda i: full[i] - found[i])
        found[wanting] += full[wanting] > found[wanting]
    return found


def fitted_cell(cell: str, places: int, mark: str) -> str:
    """A cell in so many places: lists go on in further lines, other texts lose a part."""
    if width(cell) <= places:
        return cell
    if ", " in cell or "\n" in cell or cell.strip().count(" ") > 2:
        lines = folded(cell, places).split("\n")
        return "\n".join([shortened(line.strip(), places, mark=mark) for line in lines])
    classed = _CLASSED.fullmatch(cell)
    is_place = bool(_PLACE.search(cell))
    return shortened(f"{classed[1]}{classed[2]}" if classed else cell, places, is_place, mark)


def _with_what_follows(heads: Sequence[str], head: str) -> list[int]:
    """The column of this name, with those behind it that are called "→"; nothing where there is none."""
    if head not in heads:
        return []
    last = first = list(heads).index(head)
    while last + 1 < len(heads) and heads[last + 1] in ("→", ">"):
        last += 1
    return list(range(first, last + 1))


def _whole(widths: dict[int, int]) -> int:
    return sum(widths.values()) + _BETWEEN * (len(widths) - 1)
