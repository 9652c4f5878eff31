"""Pictures as files hold them, decoded and encoded by Pillow: `tf.io.decode_jpeg`, `tf.image.decode_png`, ..."""

from __future__ import annotations

import io
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.base.typing import ColorMode
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor, text_tensor
from eagerflow.preprocessing.pictures import array_to_img, load_img

__all__ = ["decode_bmp", "decode_gif", "decode_image", "decode_jpeg", "decode_png", "encode_jpeg", "encode_png"]

_MODES: dict[int, ColorMode] = {1: "grayscale", 3: "rgb", 4: "rgba"}


def decode_image(
    contents: Any,
    channels: int | None = None,
    dtype: Any = "uint8",
    name: str | None = None,
    expand_animations: bool = True,
) -> Tensor:
    """A picture of any kind from the bytes of its file: (height, width, channels).

    Raises:
        ImportError: without Pillow.
        ValueError: for bytes that hold no picture, or another number of channels.
    """
    encoded = text_tensor(contents).numpy()
    if not isinstance(encoded, bytes):
        raise ValueError(f"decode_image: expected the bytes of one file; got shape {text_tensor(contents).shape}.")
    if channels and channels not in _MODES:
        raise ValueError(f"decode_image(channels={channels}): expected 1, 3 or 4.")
    mode = _MODES[channels] if channels else _own_mode(encoded)
    pixels = numpy.asarray(load_img(io.BytesIO(encoded), mode))
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    found = ops.convert_to_tensor(numpy.array(pixels.astype("uint8")))
    return found if numpy.dtype(dtype) == "uint8" else ops.cast(found, dtype) / 255


def _own_mode(encoded: bytes) -> ColorMode:
    """How many channels the file has."""
    count = _colors_of(encoded)
    if count is not None:
        return _MODES[count]
    picture = load_img(io.BytesIO(encoded), "rgba")
    red, green, blue, alpha = numpy.moveaxis(numpy.asarray(picture), -1, 0)
    if (alpha < 255).any():
        return "rgba"
    return "grayscale" if (red == green).all() and (green == blue).all() else "rgb"


def _colors_of(encoded: bytes) -> int | None:
    """The number of channels that the header of a PNG or JPEG names; None where it isn't plain to see."""
    if encoded[:8] == b"\x89PNG\r\n\x1a\n":
        return {0: 1, 2: 3, 3: 3, 4: 4, 6: 4}.get(encoded[25])
    if encoded[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 < len(encoded) and encoded[at] == 0xFF:
        kind, size = encoded[at + 1], int.from_bytes(encoded[at + 2 : at + 4], "big")
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return {1: 1}.get(encoded[at + 9], 3)
        at += 2 + size
    return None


def decode_jpeg(contents: Any, channels: int = 0, name: str | None = None, **kwargs: Any) -> Tensor:
    """A picture from the bytes of a JPEG file."""
    return decode_image(contents, channels)


def decode_png(contents: Any, channels: int = 0, dtype: Any = "uint8", name: str | None = None) -> Tensor:
    """A picture from the bytes of a PNG file."""
    return decode_image(contents, channels, dtype)


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Tensor:
    """A picture from the bytes of a BMP file."""
    return decode_image(contents, channels)


def decode_gif(contents: Any, name: str | None = None) -> Tensor:
    """The first picture of a GIF file: (1, height, width, 3)."""
    return ops.expand_dims(decode_image(contents, 3), 0)


def encode_jpeg(image: Any, format: str = "", quality: int = 95, name: str | None = None, **kwargs: Any) -> TextTensor:
    """The bytes of a JPEG file with this picture."""
    return _encoded(image, "JPEG", quality=quality)


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> TextTensor:
    """The bytes of a PNG file with this picture."""
    return _encoded(image, "PNG")


def _encoded(image: Any, kind: str, **settings: Any) -> TextTensor:
    pixels = ops.convert_to_numpy(image)
    if pixels.dtype != numpy.uint8:
        raise ValueError(f"encode_{kind.lower()}: expected uint8 from 0 to 255; got {pixels.dtype}. Use tf.cast.")
    stream = io.BytesIO()
    array_to_img(pixels, "channels_last", scale=False).save(stream, kind, **settings)
    return text_tensor(stream.getvalue())
