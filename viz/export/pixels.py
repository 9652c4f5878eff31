"""Pixels of any kind of numbers and order of axes, as the bytes that files of pictures hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy

__all__ = ["NOISE", "as_bytes", "as_pictures"]

NOISE = 0.1  # so far beyond their range, pixels and sounds are cut off without a word
Tell = Callable[[str], None]


def as_pictures(pixels: numpy.ndarray, channels_first: bool, tell: Tell) -> numpy.ndarray:
    """Bytes of shape (number, height, width, 1 to 4)."""
    found = given = pixels
    if found.ndim == 2:
        found = found[numpy.newaxis, :, :, numpy.newaxis]
    else:
        if found.ndim == 3:
            found = found[numpy.newaxis]
        found = numpy.moveaxis(found, 1, -1) if channels_first and found.ndim == 4 else found
    if found.ndim != 4 or (found.size and found.shape[-1] not in (1, 2, 3, 4)):
        raise ValueError(
            "images(): expected (height, width), (height, width, channels) or (number, height, width, channels), with "
            "1 to 4 channels"
            f"; got {given.shape}{_about_channels(given, channels_first)}"
        )
    return as_bytes(found, tell)


def as_bytes(pixels: numpy.ndarray, tell: Tell) -> numpy.ndarray:
    """Whole numbers from 0 to 255, floats and truth values from 0 to 1, as bytes.

    Args:
        pixels: of any shape.
        tell: is told what is cut off, and how to show it.
    """
    if pixels.dtype == numpy.uint8 or not pixels.size:
        return pixels.astype("uint8")
    if pixels.dtype.kind in "iu":  # of other integers, too, 255 is white; of a mask, 1
        white = 255 if pixels.max() <= 1 else 1
        return (pixels.clip(0, 255) * white).astype("uint8")
    numbers = pixels.astype("float64")
    finite = numpy.isfinite(numbers)
    if not finite.all():
        tell(
            f"{finite.size - int(finite.sum()):,} of {finite.size:,} numbers of a picture are NaN or infinite: NaN is "
            "shown black, and what is infinite as the brightest or the darkest; viz.find_nonfinite() tells where such "
            "numbers come from"
        )
    low, high = numbers.min(where=finite, initial=0.0), numbers.max(where=finite, initial=0.0)
    if high > 1 + NOISE:
        tell(
            'numbers beyond 1 are cut off, and shown white; of pixels from 0 to 255 make bytes: pixels.astype("uint8")'
        )
    elif low < -NOISE:
        tell("numbers below 0 are cut off, and shown black; of pixels from -1 to 1 make (pixels + 1) / 2")
    return (numpy.nan_to_num(numbers, nan=0.0).clip(0, 1) * 255).round().astype("uint8")


def _about_channels(given: numpy.ndarray, channels_first: bool) -> str:
    if channels_first:
        return " with channels first"
    is_first = given.ndim in (3, 4) and given.shape[-3] in (1, 2, 3, 4)
    ways = [". If these are gray pictures, pass pixels[..., None]"] if given.ndim == 3 else []
    ways += [". If these are channels, height and width, pass channels_first=True"] if is_first else []
    return "".join(ways)
