"""Pictures whose numbers were put in another order by `reshape`, where the axes should have changed places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from viz.doctor import thresholds as limits

__all__ = ["torn"]

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
