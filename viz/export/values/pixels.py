"""Pixels of any kind of numbers and order of axes, as the bytes that files of pictures hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy

__all__ = ["as_bytes", "as_pictures", "grid", "ordered"]

_BRIGHTEST, _DARKEST = 1.5, -0.1  # floats that are pixels of 0 to 1, with some noise
_COLUMNS = 8  # of a grid
Tell = Callable[[str], None]


def as_pictures(pixels: numpy.ndarray, channels_first: bool, tell: Tell) -> numpy.ndarray:
    """Bytes of shape (number, height, width, 1 to 4).

    Args:
        pixels: as `viz.SummaryWriter.images` takes them.
        channels_first: the channels stand before height and width.
        tell: is told what can't be shown as it is.

    Raises:
        ValueError: for another shape.
    """
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
    if high > _BRIGHTEST:
        tell(
            'numbers beyond 1 are cut off, and shown white; of pixels from 0 to 255 make bytes: pixels.astype("uint8")'
        )
    elif low < _DARKEST:
        tell("numbers below 0 are cut off, and shown black; of pixels from -1 to 1 make (pixels + 1) / 2")
    return (numpy.nan_to_num(numbers, nan=0.0).clip(0, 1) * 255).round().astype("uint8")


def _about_channels(given: numpy.ndarray, channels_first: bool) -> str:
    if channels_first:
        return " with channels first"
    is_first = given.ndim in (3, 4) and given.shape[-3] in (1, 2, 3, 4)
    ways = [". If these are gray pictures, pass pixels[..., None]"] if given.ndim == 3 else []
    ways += [". If these are channels, height and width, pass channels_first=True"] if is_first else []
    return "".join(ways)


def ordered(pixels: numpy.ndarray, dataformats: str, what: str) -> numpy.ndarray:
    """One picture (height, width, channels) of any order of axes; of several a grid.

    Args:
        pixels: any numbers.
        dataformats: a letter for each axis: N for the number of pictures, H, W, and C for channels.
        what: the call, for errors.

    Raises:
        ValueError: for other letters, or another number of axes or channels.
    """
    letters = dataformats.upper()
    if len(set(letters)) != len(letters) or not {*"HW"} <= {*letters} <= {*"NCHW"}:
        raise ValueError(f"{what}: dataformats={dataformats!r} has letters for other axes than N, C, H and W")
    if pixels.ndim != len(letters):
        kind = "CHW" if pixels.ndim == 3 else "HW" if pixels.ndim == 2 else "NCHW"
        hint = f", or pass dataformats={kind!r} or the like" if pixels.ndim in (2, 3, 4) else ""
        raise ValueError(f"{what}: expected the axes {letters}; got an array of shape {pixels.shape}{hint}")
    missing = [letter for letter in "NHWC" if letter not in letters]
    whole = pixels.transpose([letters.index(letter) for letter in "NHWC" if letter in letters])
    for letter in missing:
        whole = numpy.expand_dims(whole, "NHWC".index(letter))
    if whole.shape[-1] not in (1, 2, 3, 4):
        last = f"dataformats={letters.replace('C', '') + 'C'!r}"
        raise ValueError(
            f"{what}: expected 1 to 4 channels; got {whole.shape[-1]} in an array of shape {pixels.shape}, whose axes "
            f"are taken for {letters}. If the channels come last, pass {last}"
        )
    return grid(whole, _COLUMNS)


def grid(pictures: numpy.ndarray, columns: int) -> numpy.ndarray:
    """Pictures beside and below each other, with black where none is left: (height, width, channels).

    Args:
        pictures: (number, height, width, channels).
        columns: how many stand beside each other at most.

    >>> grid(np.ones((3, 1, 1, 1), "uint8"), 2)[:, :, 0].tolist()
    [[1, 1], [1, 0]]
    """
    count, height, width, channels = pictures.shape
    across = max(min(count, columns), 1)
    down = -(-count // across)
    whole = numpy.zeros((down * across, height, width, channels), pictures.dtype)
    whole[:count] = pictures
    tiles = whole.reshape(down, across, height, width, channels).swapaxes(1, 2)
    return tiles.reshape(down * height, across * width, channels)
