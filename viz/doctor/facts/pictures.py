"""Pictures whose axes are in another order than layers take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.facts.host_arrays import number

__all__ = ["colours_first", "torn", "words_of_torn"]

_TORN = 1.3  # times as rough as in another order: neighbours are unlike each other where pictures were torn apart
_PICTURES = 64  # that are looked at


def torn(images: numpy.ndarray) -> tuple[float, float] | None:
    """How rough pictures are, and in the order with the colours first, where that makes them much smoother; else None.

    Neighbours in a picture are much alike. Where a file holds all red numbers first, then all green ones, and these are
    cut into (height, width, colours), next to each other lie numbers that have nothing to do with each other.

    >>> smooth = numpy.add.outer(numpy.arange(4.0), numpy.add.outer(numpy.arange(16.0), numpy.arange(16.0) ** 1.5))
    >>> pictures = numpy.stack([smooth, smooth, 2 * smooth], -1)
    >>> torn(pictures), torn(pictures.transpose(0, 3, 1, 2).reshape(pictures.shape)) is None
    (None, False)
    """
    if images.ndim != 4 or images.shape[-1] not in (3, 4) or min(images.shape[1:3]) < limits.PICTURE:
        return None
    some = images[:_PICTURES].astype("float32")
    count, height, width, colours = some.shape
    given = _rough(some, (1, 2))
    other = _rough(some.reshape(count, colours, height, width), (2, 3))
    return (given, other) if given > _TORN * other > 0 else None


def _rough(images: numpy.ndarray, axes: Sequence[int]) -> float:
    """How much neighbours differ."""
    return float(sum(numpy.abs(numpy.diff(images, axis=axis)).mean(dtype="float64") for axis in axes))


def words_of_torn(shape: Sequence[int], given: float, other: float) -> str:
    """That pictures were cut up, in words; see `torn`."""
    _, height, width, colours = shape
    return (
        f"the pictures of {tuple(shape)} look torn: neighbouring pixels differ by {number(given)} on average, and by "
        f"{number(other)} if the same numbers are read as {colours} colours of {height}×{width} each, one after the "
        "other: they were stored so, and reshape doesn't move axes"
    )


def colours_first(layer: Any, shape: Sequence[int]) -> bool:
    """Is a layer given square pictures whose colours come before their rows? Others may well be meant so.

    Args:
        layer: a convolution.
        shape: that of its inputs.
    """
    if len(shape) != 4 or getattr(layer, "data_format", None) != "channels_last":
        return False
    _, colours, height, width = shape
    return colours in (1, 3, 4) and height == width >= limits.PICTURE
