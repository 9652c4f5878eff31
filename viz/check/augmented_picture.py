"""A picture of the first rows of a batch, before and after augmentation."""

from __future__ import annotations

import numpy

from viz.export.png import png_address
from viz.picture.palette import theme_named
from viz.picture.svg_document import document, text_at

__all__ = ["picture"]

_ROWS, _SIDE, _GAP, _LEFT, _TOP = 8, 72, 8, 64, 28


def picture(before: numpy.ndarray, after: numpy.ndarray) -> str:
    """An SVG document with both, one below the other; rows that are no pictures are drawn as stripes.

    >>> import numpy as np
    >>> picture(np.zeros((3, 4, 4, 1)), np.ones((3, 4, 4, 1))).count("<image ")
    6
    """
    count = min(_ROWS, len(before))
    low, high = float(min(before.min(), after.min())), float(max(before.max(), after.max()))
    width, height = _LEFT + count * (_SIDE + _GAP), _TOP + 2 * (_SIDE + _GAP)
    look = theme_named("light")
    title = f"the first {count} rows, from {low:.3g} to {high:.3g}"
    lines = [text_at(8, 18, title, look.ink, 11)]
    for line, (name, rows) in enumerate((("before", before), ("after", after))):
        top = _TOP + line * (_SIDE + _GAP)
        lines.append(text_at(8, top + _SIDE / 2, name, look.ink, 11))
        for i in range(count):
            data = png_address(_pixels(rows[i], low, high), _SIDE)
            lines.append(
                f'<image x="{_LEFT + i * (_SIDE + _GAP)}" y="{top}" width="{_SIDE}" height="{_SIDE}" '
                f'preserveAspectRatio="none" href="{data}"/>'
            )
    return document(title, width, height, look, lines)


def _pixels(row: numpy.ndarray, low: float, high: float) -> numpy.ndarray:
    """Bytes of a picture: rows × columns × 3."""
    scaled = (numpy.nan_to_num(row.astype("float64")) - low) / ((high - low) or 1.0)
    levels = (scaled.clip(0, 1) * 255).astype("uint8")
    if levels.ndim == 3 and levels.shape[-1] in (1, 3, 4):
        return numpy.broadcast_to(levels[..., :3], (*levels.shape[:2], 3))
    plane = levels if levels.ndim == 2 else levels.reshape(1, -1) if levels.ndim < 2 else levels[..., 0]
    while plane.ndim > 2:
        plane = plane[..., 0]
    return numpy.repeat(plane[:, :, None], 3, axis=2)
