"""Columns of plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

__all__ = ["Text", "table"]


class Text(str):
    """Text that shows itself as it is, also at a prompt and in notebooks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        shown: str = import_module("eagerflow.base.notebook").pre(self)
        return shown


def table(heads: Sequence[str], lines: Sequence[Sequence[str]], total: bool = False) -> str:
    """Columns of text, numbers on the right; the last line set apart with `total`."""
    columns = list(zip(heads, *lines))
    widths = [max([len(cell) for cell in column]) for column in columns]
    right = [_is_numeric(column[1:]) for column in columns]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    shown = [_joined(heads, widths, right), rule, *[_joined(line, widths, right) for line in lines]]
    if total:
        shown.insert(-1, rule)
    return "\n".join(shown)


def _is_numeric(cells: Iterable[Any]) -> bool:
    given = [cell for cell in cells if cell]
    return bool(given) and all(cell[0].isdigit() and "×" not in cell for cell in given)


def _joined(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    return "  ".join([c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right)]).rstrip()
