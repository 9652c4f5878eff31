"""Columns of plain text, which are tables in notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib import import_module
from typing import Any

__all__ = ["Columns", "Text", "table", "wide"]

_CELL = "padding:2px 7px;text-align:{};color:inherit;background:transparent;white-space:nowrap"
# The masks of what is seen of something wide: at its beginning, in between, and at its end.
_LEFT, _RIGHT = "transparent,#000 28px", "#000 calc(100% - 28px),transparent"
_FADING = (
    ("0%,0.4%", f"linear-gradient(to right,{_RIGHT})"),
    ("0.5%,99.5%", f"linear-gradient(to right,{_LEFT},{_RIGHT})"),
    ("99.6%,100%", f"linear-gradient(to right,{_LEFT})"),
)
_LINE = '<div style="white-space:pre-wrap">{}</div>'
_SPACE = "\u2003"  # for what indents a cell, which HTML would leave out


class Columns(str):
    """A table as text, or a list as one, which remembers its cells."""

    __slots__ = ("heads", "lines", "right", "total")

    heads: Sequence[str]
    lines: Sequence[Sequence[str]]
    right: Sequence[bool]
    total: bool

    @classmethod
    def of_list(cls, lines: Sequence[str], heads: Sequence[str], cells: Sequence[Sequence[str]]) -> Columns:
        """Lines of a text that are a table in a notebook.

        Args:
            lines: as they stand in the text.
            heads: of the table's columns.
            cells: of each line.
        """
        found = cls("\n".join(lines))
        found.heads, found.lines, found.right, found.total = heads, cells, [False] * len(heads), False
        return found

    def html(self) -> str:
        """The table as HTML without scripts; everything in it is escaped."""
        sides = ["right" if right else "left" for right in self.right]
        cells = [("th", self.heads), *[("td", line) for line in self.lines]]
        rows = ["".join([_cell(kind, cell, side) for cell, side in zip(row, sides)]) for kind, row in cells]
        if self.total:
            rows[-1] = rows[-1].replace('style="', 'style="border-top:1px solid;font-weight:600;')
        body = "".join([f"<tr>{row}</tr>" for row in rows[1:]])
        style = "border-collapse:collapse;font-size:inherit"
        return f'<table style="{style}"><thead><tr>{rows[0]}</tr></thead><tbody>{body}</tbody></table>'


def _cell(kind: str, text: str, side: str) -> str:
    inner = text.lstrip(" ")
    return f'<{kind} style="{_CELL.format(side)}">{_SPACE * ((len(text) - len(inner)) // 2)}{escape(inner)}</{kind}>'


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
        """Text of lines and tables, one below the other; in a notebook a table doesn't depend on the width of letters.

        Args:
            parts: lines, and what `table` gives.
        """
        text = cls("\n".join(parts))
        text.parts = tuple(parts)
        return text

    def __str__(self) -> str:
        shown: str = import_module("eagerflow.base.output").printable(str.__str__(self))
        return shown

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        parts = getattr(self, "parts", ())
        if not any(isinstance(part, Columns) for part in parts):
            shown: str = import_module("eagerflow.base.notebook").pre(self)
            return shown
        inner = [part.html() if isinstance(part, Columns) else _LINE.format(escape(part)) for part in parts]
        return wide("".join(inner), "padding:4px 0;font-family:system-ui,-apple-system,sans-serif;font-size:13px")


def wide(content: str, style: str = "") -> str:
    """HTML that can be moved where there is no room for it, and fades at an edge behind which it goes on.

    Args:
        content: HTML.
        style: more of CSS.
    """
    # Steps, not a slow change: a gradient with other stops is another picture, and no browser finds one in between.
    rules = "".join([f"{when}{{-webkit-mask-image:{mask};mask-image:{mask}}}" for when, mask in _FADING])
    moves = "animation:eagerflow-goes-on 1s linear;animation-timeline:scroll(self inline)"  # without overflow: nothing
    sheet = f"<style>@keyframes eagerflow-goes-on{{{rules}}}</style>"
    return f'<div style="overflow:auto;max-width:100%;{moves};{style}">{sheet}{content}</div>'


def table(heads: Sequence[str], lines: Sequence[Sequence[str]], total: bool = False) -> Columns:
    """Columns of text, numbers on the right; the last line set apart with `total`."""
    columns = list(zip(heads, *lines))
    widths = [max([len(cell) for cell in column]) for column in columns]
    right = [_is_numeric(column[1:]) for column in columns]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    shown = [_joined(heads, widths, right), rule, *[_joined(line, widths, right) for line in lines]]
    if total:
        shown.insert(-1, rule)
    found = Columns("\n".join(shown))
    found.heads, found.lines, found.right, found.total = heads, lines, right, total
    return found


def _is_numeric(cells: Iterable[Any]) -> bool:
    given = [cell for cell in cells if cell]
    return bool(given) and all(cell[0].isdigit() and "×" not in cell for cell in given)


def _joined(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    return "  ".join([c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right)]).rstrip()
