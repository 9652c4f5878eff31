"""Which columns of a table there is room for, and how wide each of them is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from viz.facts.lines.room import folded, shortened, width

__all__ = ["fit", "made_fit"]

_PLACE = re.compile(r":\d+$")
_LENGTHS = re.compile(r"\d[×x]\d|^\d+ [a-z]\w+$|^scalar\b")  # shapes, which aren't cut as they are numbers
# How narrow columns may become, by what they hold, before one of them is left out; and where none may be.
_LEAST = {"name": (20, 8), "place": (16, 10), "words": (20, 12)}
_SHORT = 16  # a column of words no longer than this stays as it is
_PARTS = re.compile(r", | \(")  # of words: each on one line, where it may be
_CLASSED = re.compile(r"(.+) \(\w+\)((?: ×\d+)?)")  # a layer and its class, which is left out first
_FIRST = 22  # the first column says what a line is about
_BETWEEN = 2  # blanks


def fit(
    heads: Sequence[str],
    lines: Sequence[Sequence[str]],
    right: Sequence[bool],
    least: Iterable[str],
    places: int | None,
) -> tuple[dict[int, str], list[int]]:
    """The columns to show, with what they hold, and the widths of all.

    Args:
        heads: of the columns.
        lines: of the table.
        right: which columns hold numbers.
        least: heads of columns that may be left out, the least important first.
        places: how many signs a line may have; None for no bound.
    """
    cells = list(zip(*lines)) or [()] * len(heads)
    full = [max(map(width, (head, *column))) for head, column in zip(heads, cells)]
    kinds = {i: _kind(i, column, right[i]) for i, column in enumerate(cells)}
    if places is None or _whole(full, kinds) <= places:
        return kinds, full
    empty = {i for i, column in enumerate(cells) if not any(cell.strip() for cell in column)}
    kinds = {i: kind for i, kind in kinds.items() if i not in empty}
    waiting = [i for head in least for i in _with_what_follows(heads, head)]
    for hard in (False, True):
        chosen, left = dict(kinds), list(waiting)
        while True:
            narrow = _narrowest(chosen, cells, full, heads, hard)
            if _whole(narrow, chosen) <= places:
                return chosen, _shared_out(narrow, full, chosen, places)
            if not left:
                break
            group = left.pop(0)
            for i in group:
                chosen.pop(i, None)
    return chosen, narrow


def made_fit(cell: str, places: int, kind: str, mark: str) -> str:
    """What stands in a column of this width; sentences become several lines."""
    if kind not in _LEAST or width(cell) <= places:
        return cell
    if kind == "words":
        return "\n".join([shortened(line.strip(), places, mark=mark) for line in folded(cell, places).split("\n")])
    classed = _CLASSED.fullmatch(cell)
    return shortened(f"{classed[1]}{classed[2]}" if classed else cell, places, kind == "place", mark)


def _kind(position: int, cells: Sequence[str], is_right: bool) -> str:
    """What a column holds: numbers, shapes and short words are never cut."""
    given = [cell.strip() for cell in cells if cell.strip()]
    if is_right:
        return "number"
    if given and position and all(_PLACE.search(cell) or cell.startswith("(") for cell in given):
        return "place"
    if position and any(", " in cell or cell.count(" ") > 2 for cell in given):
        return "words"
    if any(map(_LENGTHS.search, given)) or (position and max(map(width, given), default=0) <= _SHORT):
        return "whole"
    return "name"


def _with_what_follows(heads: Sequence[str], head: str) -> list[list[int]]:
    """The column of this name, with those behind it that are called "→"; nothing where there is none."""
    if head not in heads:
        return []
    first = last = list(heads).index(head)
    while last + 1 < len(heads) and heads[last + 1] in ("→", ">"):
        last += 1
    return [list(range(first, last + 1))]


def _narrowest(
    chosen: dict[int, str], cells: Sequence[Sequence[str]], full: Sequence[int], heads: Sequence[str], hard: bool
) -> list[int]:
    found = list(full)
    for i, kind in chosen.items():
        if kind not in _LEAST:
            continue
        most = _LEAST[kind][hard]
        if not i and not hard:
            most = _FIRST
        if kind == "words" and not hard:
            most = max(most, min(_FIRST, max([width(part) for cell in cells[i] for part in _PARTS.split(cell)])))
        found[i] = min(full[i], max(most, min(width(heads[i]), 10)))
    return found


def _whole(widths: Sequence[int], chosen: Iterable[int]) -> int:
    kept = [widths[i] for i in chosen]
    return sum(kept) + _BETWEEN * (len(kept) - 1)


def _shared_out(narrow: list[int], full: Sequence[int], chosen: Iterable[int], places: int) -> list[int]:
    """The widths with the room that is left, given to those columns that lack most."""
    found, chosen = list(narrow), list(chosen)
    for _ in range(places - _whole(found, chosen)):
        wanting = max(chosen, key=lambda i: full[i] - found[i])
        if full[wanting] == found[wanting]:
            break
        found[wanting] += 1
    return found
