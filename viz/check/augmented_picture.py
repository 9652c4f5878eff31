"""A picture of the first rows of a batch, before and after augmentation."""

from __future__ import annotations

import base64
import struct
import zlib
from xml.sax.saxutils import escape

import numpy

__all__ = ["picture"]

_ROWS, _SIDE, _GAP, _LEFT, _TOP = 8, 72, 8, 64, 28
_STYLE = 'font-family="DejaVu Sans,Verdana,Arial,sans-serif" font-size="11" fill="#333"'


def picture(before: numpy.ndarray, after: numpy.ndarray) -> str:
    """An SVG document with both, one below the other; rows that are no pictures are drawn as stripes.

    Args:
        before: rows as inference sees them.
        after: the same rows as training sees them.

    >>> import numpy as np
    >>> picture(np.zeros((3, 4, 4, 1)), np.ones((3, 4, 4, 1))).count("<image ")
    6
    """
    count = min(_ROWS, len(before))
    low, high = float(min(before.min(), after.min())), float(max(before.max(), after.max()))
    width, height = _LEFT + count * (_SIDE + _GAP), _TOP + 2 * (_SIDE + _GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="8" y="18" {_STYLE}>{escape(f"the first {count} rows, from {low:.3g} to {high:.3g}")}</text>',
    ]
    for line, (name, rows) in enumerate((("before", before), ("after", after))):
        top = _TOP + line * (_SIDE + _GAP)
        lines.append(f'<text x="8" y="{top + _SIDE / 2:.0f}" {_STYLE}>{name}</text>')
        for i in range(count):
            data = base64.b64encode(_png(_pixels(rows[i], low, high))).decode("ascii")
            lines.append(
                f'<image x="{_LEFT + i * (_SIDE + _GAP)}" y="{top}" width="{_SIDE}" height="{_SIDE}" '
                f'preserveAspectRatio="none" style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
            )
    return "\n".join([*lines, "</svg>"]) + "\n"


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


def _png(pixels: numpy.ndarray) -> bytes:
    height, width, _ = pixels.shape
    raw = b"".join([b"\0" + numpy.ascontiguousarray(line).tobytes() for line in pixels])

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
