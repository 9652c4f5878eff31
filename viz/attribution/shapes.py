"""What the axes of an input stand for, and values brought onto its places."""

from __future__ import annotations

import numpy

from viz.attribution.question import Source

__all__ = ["axes_of", "channel_axis", "interpolated", "kind_of"]

_COLORS = (1, 3, 4)


def kind_of(source: Source) -> str:
    """`"tokens"`, `"picture"`, `"series"`, `"numbers"` or `"volume"`."""
    shape = source.data.shape[1:]
    if source.ids is not None:
        return "tokens"
    if len(shape) < 2:
        return "numbers"
    if len(shape) == 2:
        return "picture" if shape[0] == shape[1] > 1 else "series"
    return "picture" if len(shape) == 3 else "volume"


def channel_axis(source: Source) -> int | None:
    """Which axis of a row counts channels, None for none."""
    shape = source.data.shape[1:]
    kind = kind_of(source)
    if kind == "numbers" or (kind == "picture" and len(shape) == 2):
        return None
    if kind == "picture" and shape[-1] not in _COLORS and shape[0] in _COLORS:
        return 0
    return len(shape) - 1


def axes_of(source: Source) -> list[int]:
    """The axes of a row that are places: height and width, time, tokens, columns."""
    channels = channel_axis(source)
    return [axis for axis in range(source.data.ndim - 1) if axis != channels]


def interpolated(values: numpy.ndarray, lengths: tuple[int, ...]) -> numpy.ndarray:
    """`values` (rows, places) stretched to other lengths, straight lines between the middles of the places."""
    found = values
    for axis, length in enumerate(lengths, 1):
        have = found.shape[axis]
        at = numpy.clip((numpy.arange(length) + 0.5) * have / max(1, length) - 0.5, 0, have - 1)
        low = numpy.floor(at).astype(int)
        high = numpy.minimum(low + 1, have - 1)
        share = (at - low).reshape(-1, *[1] * (found.ndim - axis - 1))
        found = numpy.take(found, low, axis) * (1 - share) + numpy.take(found, high, axis) * share
    return found
