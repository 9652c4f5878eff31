"""Explanations as SVG: pictures under their heat, tokens on coloured ground, numbers with bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

import numpy

from viz.attribution.part import Part
from viz.export.png import png_address
from viz.geometry.text_sizes import text_width
from viz.picture.palette import Theme, theme_named
from viz.picture.svg_document import document, text_at

__all__ = ["drawn"]

_SIDE, _MARGIN, _WIDTH = 132, 16, 640
_BARS = 10  # of the strongest numbers
_AGAINST, _FOR = (0, 114, 178), (213, 94, 0)  # of Okabe and Ito
_TOKENS = 120


def drawn(title: str, parts: Sequence[Part], rows: Sequence[int], heads: Sequence[str], words: Any, theme: str) -> str:
    """Explanations of some rows, one below the other (pictures side by side)."""
    look = theme_named(theme)
    body: list[str] = []
    y = 40.0
    for part in parts:
        if len(parts) > 1:
            body.append(text_at(_MARGIN, y + 10, part.name, look.ink, 12))
            y += 22
        draw = {"picture": _pictures, "tokens": _tokens}.get(part.kind, _bars)
        lines, y = draw(part, rows, heads, words, look, y)
        body += lines
    body.append(text_at(_MARGIN, y + 8, _legend(parts), look.muted, 10))
    height = y + 24
    return document(title, _WIDTH, height, look, [text_at(_MARGIN, 24, title, look.ink, 14), *body])


def _legend(parts: Sequence[Part]) -> str:
    if not any(part.signed for part in parts):
        return "the darker, the more it counts"
    if any(part.method == "gradient" for part in parts):
        return "orange: a larger number here raises the answer; blue: it lowers it"
    return "orange speaks for the answer, blue against it"


def _scaled(values: numpy.ndarray) -> numpy.ndarray:
    """The values of a row, from -1 to 1."""
    finite = numpy.where(numpy.isfinite(values), values, 0.0).astype("float64")
    largest = numpy.abs(finite).max(initial=0.0)
    return finite / largest if largest else finite


def _tint(value: float, look: Theme) -> str:
    """The colour of a number from -1 to 1 on the page's ground."""
    ground = (255, 255, 255) if look.page == "white" else (18, 24, 31)
    color, share = (_FOR if value > 0 else _AGAINST), min(1.0, abs(value)) * 0.85
    return "#" + "".join([f"{round(g + (c - g) * share):02x}" for g, c in zip(ground, color)])


# ---------------------------------------------------------------------- pictures


def _pictures(
    part: Part, rows: Sequence[int], heads: Sequence[str], words: Any, look: Theme, y: float
) -> tuple[list[str], float]:
    lines = []
    pair = 2 * _SIDE + 4
    across = (_WIDTH - _MARGIN) // (pair + _MARGIN)
    for number, row in enumerate(rows):
        x = _MARGIN + (number % across) * (pair + _MARGIN)
        top = y + (number // across) * (_SIDE + 30)
        image = pixels(part.data[row])
        lines.append(text_at(x, top + 10, heads[row], look.muted, 11))
        lines.append(_image(x, top + 16, image))
        lines.append(_image(x + _SIDE + 4, top + 16, _under_heat(image, _scaled(part.places[row]))))
    return lines, y + -(-len(rows) // across) * (_SIDE + 30)


def pixels(values: numpy.ndarray, span: tuple[float, float] | None = None) -> numpy.ndarray:
    """A picture's numbers as bytes (height, width, 3), from the least to the greatest of a span, its own for None."""
    found = values.astype("float64")
    if found.ndim == 3 and found.shape[-1] not in (1, 3, 4) and found.shape[0] in (1, 3, 4):
        found = numpy.moveaxis(found, 0, -1)
    if found.ndim == 2:
        found = found[..., None]
    if found.shape[-1] not in (1, 3):
        found = found[..., :3] if found.shape[-1] == 4 else found.mean(axis=-1, keepdims=True)
    finite = found[numpy.isfinite(found)]
    low, high = span or ((finite.min(), finite.max()) if finite.size else (0.0, 1.0))
    scaled = numpy.nan_to_num((found - low) / (high - low or 1.0) * 255, nan=0.0, posinf=255.0, neginf=0.0)
    return numpy.broadcast_to(scaled.astype("uint8"), (*found.shape[:2], 3))


def _under_heat(image: numpy.ndarray, heat: numpy.ndarray) -> numpy.ndarray:
    """The picture, pale, with the heat on it."""
    pale = 255 - (255 - image.mean(axis=-1, keepdims=True)) * 0.35
    color = numpy.where(heat[..., None] > 0, numpy.array(_FOR), numpy.array(_AGAINST))
    share = numpy.abs(heat)[..., None] ** 0.8 * 0.9
    found: numpy.ndarray = (pale + (color - pale) * share).astype("uint8")
    return found


def _image(x: float, y: float, image: numpy.ndarray) -> str:
    data = png_address(numpy.ascontiguousarray(image), _SIDE)
    return f'<image x="{x:.1f}" y="{y:.1f}" width="{_SIDE}" height="{_SIDE}" href="{data}"/>'


# ---------------------------------------------------------------------- tokens


def _tokens(
    part: Part, rows: Sequence[int], heads: Sequence[str], words: Any, look: Theme, y: float
) -> tuple[list[str], float]:
    lines, name = [], _namer(words)
    for row in rows:
        lines.append(text_at(_MARGIN, y + 10, heads[row], look.muted, 11))
        x, y = float(_MARGIN), y + 18
        places, ids = part.places[row].reshape(-1), None if part.ids is None else part.ids[row].reshape(-1)
        heat = _scaled(places)
        for at in range(min(len(places), _TOKENS)):
            word = name(int(ids[at])) if ids is not None and len(ids) == len(places) else str(at)
            width = text_width(word, 11) + 10
            if x + width > _WIDTH - _MARGIN:
                x, y = float(_MARGIN), y + 22
            lines.append(
                f'<g><title>{escape(word)}: {places[at]:+.4g}</title><rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                f'height="18" rx="3" fill="{_tint(heat[at], look)}"/>{text_at(x + 5, y + 13, word, look.ink, 11)}</g>'
            )
            x += width + 3
        if len(places) > _TOKENS:
            lines.append(text_at(x, y + 13, f"… {len(places) - _TOKENS} more", look.muted, 11))
        y += 32
    return lines, y


def _namer(words: Any) -> Callable[[int], str]:
    if callable(words):
        return lambda number: str(words(number))
    if words is None:
        return str
    return lambda number: str(words[number]) if 0 <= number < len(words) else str(number)


# ---------------------------------------------------------------------- numbers, series, volumes


def _bars(
    part: Part, rows: Sequence[int], heads: Sequence[str], words: Any, look: Theme, y: float
) -> tuple[list[str], float]:
    lines: list[str] = []
    name = _namer(words)
    for row in rows:
        lines.append(text_at(_MARGIN, y + 10, heads[row], look.muted, 11))
        y += 18
        places = part.places[row]
        drawn_lines = list(_bars_of(part, row, numpy.atleast_1d(places), name, look, y))
        lines += drawn_lines
        y += 18 * len(drawn_lines) + 12
    return lines, y


def _bars_of(
    part: Part, row: int, places: numpy.ndarray, name: Callable[[int], str], look: Theme, y: float
) -> Iterator[str]:
    """The strongest, in the order of their places; numbers with what they are, too."""
    heat = _scaled(places).reshape(-1)
    strongest = sorted(numpy.argsort(-numpy.abs(heat), kind="stable")[:_BARS].tolist())
    half = (_WIDTH - 2 * _MARGIN - 190) / 2
    middle = _MARGIN + 190 + (half if part.signed else 0)
    length = half if part.signed else 2 * half
    for line, at in enumerate(strongest):
        where = ",".join([name(int(i)) for i in numpy.unravel_index(at, places.shape)])
        number = part.data[row].reshape(-1)
        value = f" = {number[at]:.4g}" if number.size == heat.size else ""
        top, size = y + 18 * line, abs(heat[at]) * length
        left = middle - size if heat[at] < 0 else middle
        yield (
            f"<g><title>{places.reshape(-1)[at]:+.4g}</title>"
            f"{text_at(_MARGIN + 182, top + 11, f'{where}{value}', look.ink, 11, 'end')}"
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(size, 1):.1f}" height="14" rx="2" '
            f'fill="{_tint(1.0 if heat[at] > 0 else -1.0, look)}"/></g>'
        )
