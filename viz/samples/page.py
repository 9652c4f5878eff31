"""The samples of a training as a page: pictures, rows of numbers and text, the hardest first."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy

from viz.attribution.drawing import pixels
from viz.export.png import png_address
from viz.reports.page import report_page
from viz.samples.row_keys import HOLDS
from viz.samples.sample_set import Sample, Samples

__all__ = ["page"]

_STYLE = """
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(132px,1fr));gap:14px}
.card{border:1px solid var(--frame);border-radius:6px;padding:8px;font-size:12px;overflow:hidden}
.card.wrong{border-color:#b3261e;background:#fff4f2}.card.twice{border-color:#a68a00;background:#fdf9e6}
.card img{width:100%;image-rendering:pixelated;display:block;border-radius:3px;margin-bottom:6px}
.card b{font-size:13px}.mark{color:#b3261e}.quiet{color:var(--quiet)}
.numbers,.words{font-family:ui-monospace,monospace;font-size:11px;max-height:96px;overflow:hidden;margin-bottom:6px}
@media(prefers-color-scheme:dark){.card.wrong{background:#3a1a17}.card.twice{background:#33300f}.mark{color:#ff8a7d}}
"""
_NUMBERS = 12


def page(samples: Samples) -> str:
    """The page as text; it shows as many samples as have pictures."""
    pairs = list(zip(samples.samples, samples.pictures))
    sections = [("Samples that hold NaN or infinity", HOLDS)]
    sections += [("Labels that are likely wrong", "label likely"), ("Duplicates", "duplicate")]
    parts = []
    for title, word in sections:
        found = [pair for pair in pairs if any(mark.startswith(word) for mark in pair[0].marks)]
        parts += [_section(title, found)] if found else []
    parts.append(_section("The hardest" if samples.is_ranked else "The first, in no order", pairs))
    remarks = [samples.head(), samples.met, *[f"note: {note}" for note in samples.notes]]
    return report_page(f"{samples.model}: samples", remarks, parts, _STYLE)


def _section(title: str, pairs: list[tuple[Sample, Any]]) -> str:
    cards = "\n".join([_card(sample, value) for sample, value in pairs])
    return f'<h2>{escape(title)}</h2><div class="cards">\n{cards}\n</div>'


def _card(sample: Sample, value: Any) -> str:
    wrong = any(mark.startswith(("label", "far", HOLDS)) or "another" in mark for mark in sample.marks)
    kind = " wrong" if wrong else " twice" if sample.marks else ""
    marks = "".join([f'<div class="mark">{escape(mark)}</div>' for mark in sample.marks])
    gradient = "" if sample.gradient is None else f" · |g| {sample.gradient:.2g}"
    return (
        f'<div class="card{kind}">{_shown(value)}<b>{escape(sample.label)}</b> '
        f'<span class="quiet">predicted</span> <b>{escape(sample.predicted)}</b>{marks}'
        f'<div class="quiet">row {sample.row} · loss {sample.loss:.3g} · mean {sample.mean_loss:.3g}{gradient}'
        "</div></div>"
    )


def _shown(value: Any) -> str:
    """A picture, text, or numbers."""
    if isinstance(value, str):
        return f'<div class="words">{escape(value[:400])}</div>'
    array = numpy.asarray(value)
    if array.ndim in (2, 3) and min(sorted(array.shape)[-2:]) >= 4:
        return f'<img alt="" src="{png_address(numpy.ascontiguousarray(pixels(array)))}">'
    flat = array.reshape(-1)
    told = " ".join([f"{each:.3g}" if flat.dtype.kind == "f" else str(each) for each in flat[:_NUMBERS]])
    more = f" … {flat.size - _NUMBERS} more" if flat.size > _NUMBERS else ""
    return f'<div class="numbers">{escape(told)}{more}</div>'
