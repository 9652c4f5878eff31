"""An array of numbers as an image of colours."""

from __future__ import annotations

import numpy

from viz.export.png import png_address
from viz.picture.palette import LIGHT, heat

__all__ = ["heat_map", "picture"]

_FONT = 'font-family="sans-serif" font-size="13"'


def heat_map(shares: numpy.ndarray, side: int) -> str:
    """The address of an image, for an SVG's `<image>`.

    Args:
        shares: of shape (rows, columns), from 0, which is white, to 1.
        side: how large it is drawn.
    """
    colors = [[bytes.fromhex(heat(float(share), LIGHT)[1:7]) for share in row] for row in shares]
    pixels = numpy.frombuffer(b"".join(map(b"".join, colors)), "uint8").reshape(*shares.shape, 3)
    return png_address(pixels, side)


def picture(width: float, height: float, content: str) -> str:
    """An SVG on white ground."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'{_FONT}><rect width="{width}" height="{height}" fill="#fff"/>{content}</svg>'
    )
