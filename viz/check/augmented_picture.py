"""A picture of the first rows of a batch, before and after augmentation."""

from __future__ import annotations

import numpy

from viz.attribution.drawing import pixels
from viz.check.subject import FEW
from viz.export.png import png_address
from viz.picture.palette import theme_named
from viz.picture.svg_document import document, text_at

__all__ = ["picture"]

_SIDE, _GAP = 72, 8


def picture(before: numpy.ndarray, after: numpy.ndarray) -> str:
    """An SVG document with both, one below the other; rows that are no pictures are drawn as stripes.

    >>> import numpy as np
    >>> picture(np.zeros((3, 4, 4, 1)), np.ones((3, 4, 4, 1))).count("<image ")
    6
    """
    count = min(FEW, len(before))
    span = float(min(before.min(), after.min())), float(max(before.max(), after.max()))
    look = theme_named("light")
    title = f"the first {count} rows, from {span[0]:.3g} to {span[1]:.3g}"
    lines = [text_at(_GAP, 18, title, look.ink, 11)]
    for line, (name, rows) in enumerate((("before", before), ("after", after))):
        top = 28 + line * (_SIDE + _GAP)
        lines.append(text_at(_GAP, top + _SIDE / 2, name, look.ink, 11))
        for i in range(count):
            row = rows[i] if rows[i].ndim > 1 else rows[i].reshape(1, -1)
            data = png_address(pixels(row.reshape(*row.shape[:2], -1), span), _SIDE)
            lines.append(
                f'<image x="{(i + 1) * (_SIDE + _GAP)}" y="{top}" width="{_SIDE}" height="{_SIDE}" '
                f'preserveAspectRatio="none" href="{data}"/>'
            )
    return document(title, (count + 1) * (_SIDE + _GAP), 28 + 2 * (_SIDE + _GAP), look, lines)
