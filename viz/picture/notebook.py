"""How a recording shows itself in a notebook: its picture and its table of layers."""

from __future__ import annotations

from html import escape

from viz.facts.schema import Record
from viz.facts.summary_tables import HEADS, Row, cells, describe, rows
from viz.picture.drawing import Drawing

__all__ = ["html"]

_CELL = "padding:2px 10px;text-align:{};color:inherit;background:transparent;white-space:nowrap"


def html(record: Record, drawing: Drawing) -> str:
    """A fragment of HTML without scripts; everything from the program is escaped."""
    head = "".join([f'<th style="{_CELL.format("left")}">{name}</th>' for name in HEADS])
    body = "".join([f"<tr>{_cells(row)}</tr>" for row in rows(record)])
    notes = "".join([f"<p>{escape(note)}</p>" for note in record.notes])
    return (
        '<div style="padding:4px 0;font-family:system-ui,-apple-system,sans-serif;font-size:13px">'
        f"<p>{escape(describe(record))}</p>{notes}"
        f"<details open><summary>graph</summary>{drawing._repr_html_()}</details>"
        f'<details><summary>layers</summary><table style="border-collapse:collapse"><tr>{head}</tr>{body}</table>'
        "</details></div>"
    )


def _cells(row: Row) -> str:
    texts = [escape(cell) for cell in cells(row, "\u2003")]
    sides = ["left", "left", *["right"] * (len(texts) - 2)]
    return "".join([f'<td style="{_CELL.format(side)}">{cell}</td>' for cell, side in zip(texts, sides)])
