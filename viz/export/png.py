"""PNG files from arrays, without any imaging package."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy

__all__ = ["png", "png_address"]


_KINDS = {1: 0, 2: 4, 3: 2, 4: 6}  # the format's numbers for so many channels


def png(pixels: numpy.ndarray) -> bytes:
    """A PNG file.

    Args:
        pixels: bytes of shape (height, width, channels): one is grey, three are red, green and blue; one more, the
            second or the fourth, says how opaque a pixel is.
    """
    height, width, colors = pixels.shape
    rows = numpy.zeros((height, 1 + width * colors), dtype=numpy.uint8)  # each row begins with filter type 0
    rows[:, 1:] = pixels.reshape(height, width * colors)
    header = struct.pack(">IIBBBBB", width, height, 8, _KINDS[colors], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join([_chunk(kind, content) for kind, content in parts])


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_address(pixels: numpy.ndarray, side: int = 0) -> str:
    """The same as the address of an image inside a page or a picture.

    Args:
        pixels: as in `png`.
        side: how large it is drawn. Smaller images are enlarged to twice that, pixel by pixel: many programs blur them
            otherwise.
    """
    times = -(-2 * side // max(pixels.shape[:2]))
    if times > 2:
        pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode("ascii")
