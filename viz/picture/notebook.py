"""How a recording shows itself in a notebook: its picture and its table of layers."""

from __future__ import annotations

from html import escape

from viz.facts.schema import Record
from viz.facts.tables.summary import columns, describe, rows
from viz.facts.text_table import table, wide
from viz.picture.drawing import Drawing

__all__ = ["html"]


def html(record: Record, drawing: Drawing) -> str:
    """A fragment of HTML without scripts; everything from the program is escaped."""
    layers = wide(table(*columns(rows(record)), total=True).html())
    notes = "".join([f"<p>{escape(note)}</p>" for note in record.notes])
    return (
        '<div style="padding:4px 0;font-family:system-ui,-apple-system,sans-serif;font-size:13px">'
        f"<p>{escape(describe(record))}</p>{notes}"
        f"<details open><summary>graph</summary>{drawing._repr_html_()}</details>"
        f"<details><summary>layers</summary>{layers}</details></div>"
    )
