"""Whether Keras has a name too, with the same signature: from the table that docs/keras.md is written from."""

from __future__ import annotations

from functools import cache
from html import escape

from tools.keras_table import Row, compare, judge
from tools.site.names import Public


@cache
def rows() -> dict[str, Row]:
    """Keras' names, by their path below `keras`."""
    return {row.path: row for row in compare()}


def badge(one: Public) -> str:
    """A badge for the page of a name, or "" where Keras has none like it."""
    found = [(name, row) for name in (one.path, *one.aliases) if (row := rows().get(name.removeprefix("eagerflow.")))]
    if not found or one.path.startswith("viz"):
        return ""
    name, row = found[0]
    keras = f"keras.{name.removeprefix('eagerflow.')}"
    kind, reason = judge(row)
    if kind == "here":
        return _span("same", "Keras has it with the same names, order and defaults of arguments", f"same as {keras}")
    told = reason.replace("`", "")
    shown = _span("differs", told, f"{keras}, with a difference")
    return f'{shown}<span class="keras-difference">{escape(told)}</span>'


def _span(kind: str, told: str, text: str) -> str:
    return f'<span class="keras-name {kind}" title="{escape(told, quote=True)}">{text}</span>'
