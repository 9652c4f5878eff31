"""Columns of plain text, which are tables in notebooks."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from html import escape
from importlib import import_module
from typing import Any

from viz.facts.lines.room import folded, padded, room, shortened, visible, width

__all__ = ["Columns", "Text", "table", "wide"]

_CELL = "padding:2px 7px;text-align:{};color:inherit;background:transparent;white-space:{}"
_LONG = 20  # signs of a cell, which stay together; where there is no room, a longer one goes on below, or is cut
_PARTS = re.compile(r"(?<=[/_])(?![/_])|(?<=[,:] )|(?= \()")  # of a long cell: none of them is parted
_PART = '<span style="white-space:nowrap">{}</span>'
_LINE = '<div style="white-space:pre-wrap">{}</div>'
_SPACE = "\u2003"  # for what indents a cell, which HTML would leave out


_PLACE = re.compile(r":\d+$")
_LENGTHS = re.compile(r"\d[×x]\d|^\d+ [a-z]\w+$|^scalar\b")  # shapes, which aren't cut as they are numbers
_CLASSED = re.compile(r"(.+) \(\w+\)((?: ×\d+)?)")  # a layer and its class, which is left out first
_HARD = 8  # how narrow columns of text become where none may be left out
_SHORT = 16  # a column of words no longer than this stays as it is


class Columns(str):
    """A table as text, or a list as one, which remembers its cells."""

    __slots__ = ("heads", "least", "lines", "right", "total")

    heads: Sequence[str]
    lines: Sequence[Sequence[str]]
    right: Sequence[bool]
    total: bool
    least: Sequence[str] | None  # None: a list, whose lines are sentences

    @classmethod
    def of_list(cls, lines: Sequence[str], heads: Sequence[str], cells: Sequence[Sequence[str]]) -> Columns:
        """Lines of a text that are a table in a notebook."""
        found = cls("\n".join(lines))
        found.heads, found.lines, found.right, found.total = heads, cells, [False] * len(heads), False
        found.least = None
        return found

    def fitted(self, places: int | None, plain: Callable[[str], str]) -> str:
        """As text that fits into lines of so many signs."""
        if self.least is None:
            return folded(plain(str.__str__(self)), places)
        heads, lines = list(map(plain, self.heads)), [list(map(plain, line)) for line in self.lines]
        chosen, mark = fit(heads, lines, self.right, self.least, places), plain("…")
        cut = [[fitted_cell(line[i], size, mark) for i, size in chosen.items()] for line in lines]
        kept = [fitted_cell(heads[i], size, mark) for i, size in chosen.items()]
        shown = _shown(kept, cut, list(chosen.values()), [self.right[i] for i in chosen], self.total)
        left_out = [head for i, head in enumerate(heads) if i not in chosen and self._says_something(i)]
        if left_out:
            shown.append(folded(f"(no room for: {', '.join(left_out)})", places))
        return plain("\n".join(shown))

    def _says_something(self, i: int) -> bool:
        return self.heads[i] not in ("", "→") and any(line[i] for line in self.lines)

    def html(self) -> str:
        """The table as HTML without scripts; everything in it is escaped."""
        sides = ["right" if right else "left" for right in self.right]
        cells = [("th", self.heads), *[("td", line) for line in self.lines]]
        rows = ["".join([_cell(kind, cell, side) for cell, side in zip(row, sides)]) for kind, row in cells]
        if self.total:
            rows[-1] = rows[-1].replace('<td style="', '<td style="border-top:1px solid;font-weight:600;')
        body = "".join([f"<tr>{row}</tr>" for row in rows[1:]])
        style = "border-collapse:collapse;font-size:inherit"
        return f'<table style="{style}"><thead><tr>{rows[0]}</tr></thead><tbody>{body}</tbody></table>'


def _cell(kind: str, text: str, side: str) -> str:
    inner = text.lstrip(" ")
    parts = [part for part in _PARTS.split(inner) if part] if len(inner) > _LONG and side == "left" else [inner]
    style = _CELL.format(side, "normal" if len(parts) > 1 else "nowrap")
    shown = "<wbr/>".join([_PART.format(escape(part)) for part in parts]) if len(parts) > 1 else escape(inner)
    return f'<{kind} style="{style}">{_SPACE * ((len(text) - len(inner)) // 2)}{shown}</{kind}>'


class Text(str):
    """Text that shows itself as it is, also at a prompt and in notebooks; `print` never fails for its signs.

    >>> Text.of(["two rows:", table(["name", "size"], [["a", "1"], ["b", "2"]])])
    two rows:
    name  size
    ──────────
    a        1
    b        2
    """

    __slots__ = ("parts",)

    parts: Sequence[str]

    @classmethod
    def of(cls, parts: Sequence[str]) -> Text:
        """Text of lines and tables, one below the other; in notebooks tables don't depend on the width of letters."""
        text = cls("\n".join(parts))
        text.parts = tuple(parts)
        return text

    def __str__(self) -> str:
        """As it is printed: in signs that the output has, and in a terminal no wider than that."""
        plain = _printable
        places = room()
        parts = getattr(self, "parts", (str.__str__(self),))
        shown = [
            part.fitted(places, plain) if isinstance(part, Columns) else folded(plain(str.__str__(part)), places)
            for part in parts
        ]
        return "\n".join(shown)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        parts = getattr(self, "parts", ())
        if not any(isinstance(part, Columns) for part in parts):
            shown: str = import_module("eagerflow.base.notebook").pre(self)
            return shown
        inner = [part.html() if isinstance(part, Columns) else _LINE.format(escape(part)) for part in parts]
        return wide("".join(inner), "padding:4px 0;font-family:system-ui,-apple-system,sans-serif;font-size:13px")


def _printable(text: str) -> str:
    """The text as the output can show it; where that is all of it, nothing of eagerflow is loaded."""
    text = visible(text)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        plain: str = import_module("eagerflow.base.output").printable(text)
        return plain
    return text


def wide(content: str, style: str = "") -> str:
    """HTML that can be moved where there is no room for it."""
    return f'<div style="overflow:auto;max-width:100%;{style}">{content}</div>'


def table(heads: Sequence[str], lines: Sequence[Sequence[str]], total: bool = False, least: str = "") -> Columns:
    """Columns of text, numbers on the right; the last line set apart with `total`.

    Where it is printed with less room than it takes, names and places lose a part, sentences go on in the next line,
    and then columns are left out. Numbers are never cut.

    Args:
        heads: of the columns.
        lines: of the table, a text for each column.
        total: is the last line a sum?
        least: heads of columns that may be left out, with commas between them, the least important first; one that is
            called "→" goes with the one before it.
    """
    columns = list(zip(heads, *lines))
    right = [_is_numeric(column[1:]) for column in columns]
    found = Columns("\n".join(_shown(heads, lines, [max(map(width, column)) for column in columns], right, total)))
    found.heads, found.lines, found.right, found.total = heads, lines, right, total
    found.least = least.split(",") if least else []
    return found


def _is_numeric(cells: Iterable[Any]) -> bool:
    given = [cell for cell in cells if cell]
    return bool(given) and all(cell[0].isdigit() and "×" not in cell for cell in given)


def _shown(
    heads: Sequence[str], lines: Sequence[Sequence[str]], widths: Sequence[int], right: Sequence[bool], total: bool
) -> list[str]:
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    shown = [_joined(line, widths, right) for line in lines]
    head = [_joined(heads, widths, right), rule] if any(heads) else []
    return [*head, *shown[:-1], rule, shown[-1]] if total else [*head, *shown]


def _joined(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    """A line; more than one where a cell holds several."""
    parts = [cell.split("\n") for cell in cells]
    rows = itertools.zip_longest(*parts, fillvalue="")
    return "\n".join(["  ".join([padded(*each) for each in zip(row, widths, right)]).rstrip() for row in rows])


def fit(
    heads: Sequence[str],
    lines: Sequence[Sequence[str]],
    right: Sequence[bool],
    least: Sequence[str],
    places: int | None,
) -> dict[int, int]:
    """The columns to show, by their positions, and their widths; numbers, on the right, are never cut."""
    cells = list(zip(*lines)) or [()] * len(heads)
    full = {i: max(map(width, (head, *column))) for i, (head, column) in enumerate(zip(heads, cells))}
    if places is None or _whole(full) <= places:
        return full
    whole = {i for i in full if right[i] or any(map(_LENGTHS.search, cells[i])) or (i and full[i] <= _SHORT)}
    chosen, waiting = [i for i in full if any(cell.strip() for cell in cells[i])], list(least)
    most = _LONG
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
    return sum(widths.values()) + 2 * (len(widths) - 1)
