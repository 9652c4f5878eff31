"""A finding as HTML, for notebooks: as the doctor's look there, with the numbers as a table."""

from __future__ import annotations

from html import escape

from viz.facts import formatting
from viz.nonfinite import report
from viz.nonfinite.evidence import Evidence, TensorFacts

__all__ = ["html"]

_HEADS = ("", "name", "shape", "min", "max", "mean", "std", "not finite")
_RED = "#c62828"
_CELL = "text-align:left;padding:1px 12px 1px 0"


def html(found: Evidence) -> str:
    """Everything that is known, in the colours of whatever is around it."""
    said = dict(report.lines(found))
    rows = [_row("input", each) for each in found.inputs] + [_row("output", each) for each in found.outputs]
    heads = "".join([f'<th style="{_CELL}">{head}</th>' for head in _HEADS])
    code = "".join([f"<div><code>{escape(line)}</code></div>" for line in said["line"]])
    examples = "".join([f"<div>example: {escape(line)}</div>" for line in said["example"]])
    return (
        f'<div><b style="color:{_RED}">NaN or infinity</b> <code>{escape(said["where"][0])}</code>'
        f"<div>{escape(report.sentence(found))}</div>{code}"
        f'<table style="margin:.4em 0;border-collapse:collapse"><tr>{heads}</tr>{"".join(rows)}</table>'
        f'{examples}<div style="opacity:.75">{escape(said["fix"][0])}</div></div>'
    )


def _row(what: str, facts: TensorFacts) -> str:
    name = formatting.clean(facts.path or facts.name, 60)
    shape = f"{formatting.shape(facts.shape)} {formatting.dtype(facts.dtype)}"
    numbers = ["" if each is None else f"{each:.4g}" for each in (facts.min, facts.max, facts.mean, facts.std)]
    flawed = report.flaws(facts) if facts.nan or facts.inf else "" if facts.measured else "not measured"
    colour = f";color:{_RED}" if facts.nan or facts.inf else ""
    cells = [what, name, shape, *numbers]
    shown = "".join([f'<td style="{_CELL}">{escape(cell)}</td>' for cell in cells])
    return f'<tr>{shown}<td style="{_CELL}{colour}">{escape(flawed)}</td></tr>'
