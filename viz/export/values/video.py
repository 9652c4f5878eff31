"""Moving pictures, as GIF files."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy

from eagerflow.preprocessing.pictures import animation
from viz.export.values.pixels import as_bytes, grid

__all__ = ["Animation", "animated"]


class Animation(NamedTuple):
    """A file, and what is in it, by the names of TensorBoard's message.

    Attributes:
        height: in pixels.
        width: in pixels.
        colorspace: how many channels there are.
        encoded_image_string: the file.
    """

    height: int
    width: int
    colorspace: int
    encoded_image_string: bytes


def animated(frames: numpy.ndarray, rate: float, what: str, tell: Callable[[str], None]) -> Animation:
    """A GIF file in which all play at once.

    Args:
        frames: (number, frames, channels, height, width).
        rate: frames per second.
        what: the call, for errors.
        tell: is told what can't be shown as it is.

    Raises:
        ValueError: for another shape, or no rate.
        ImportError: without Pillow.
    """
    if frames.ndim != 5 or frames.shape[2] not in (1, 3) or not frames.size:
        raise ValueError(
            f"{what}: expected (number, frames, channels, height, width) with 1 or 3 channels; got {frames.shape}"
        )
    if rate <= 0:
        raise ValueError(f"{what}: fps={rate}: expected frames per second, more than 0")
    pixels = as_bytes(frames.transpose(1, 0, 3, 4, 2), tell)
    down = 2 ** ((len(frames).bit_length() - 1) // 2)
    whole = [grid(each, -(-len(frames) // down)) for each in pixels]
    height, width, channels = whole[0].shape
    return Animation(height, width, channels, animation(whole, 1000 / rate))
