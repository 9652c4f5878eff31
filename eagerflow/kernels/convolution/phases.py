"""The gradient of a strided convolution as several convolutions of stride 1.

With stride s along an axis, the elements a, a + s, a + 2s ... of the (padded) input meet only the elements a, a + s,
... of the kernel. For each such phase the gradient is a plain convolution of the output's gradient with that part of
the kernel, turned around.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from eagerflow.ops.windows.geometry import Geometry

__all__ = ["Phase", "phases"]


class Phase(NamedTuple):
    """One of them.

    Attributes:
        targets: where its results lie in the gradient of the input, per spatial axis.
        taps: which elements of the kernel it has, per spatial axis, already turned around.
        given: which part of the output's gradient it reads.
        geometry: of the convolution over that part; None where no element of the kernel arrives: a zero gradient.
    """

    targets: tuple[slice, ...]
    taps: tuple[slice, ...]
    given: tuple[slice, ...]
    geometry: Geometry | None


class _Along(NamedTuple):
    """The same along one axis."""

    target: slice
    taps: slice
    given: slice
    size: int
    before: int
    after: int
    length: int
    outputs: int


def phases(geometry: Geometry) -> Iterator[Phase] | None:
    """All phases; None for strides with dilation, which isn't split into phases."""
    if any(s > 1 and d > 1 for s, d in zip(geometry.strides, geometry.dilation)):
        return None
    return _phases(geometry)


def _phases(geometry: Geometry) -> Iterator[Phase]:
    for offsets in itertools.product(*map(range, geometry.strides)):
        found = [_along(geometry, axis, a) for axis, a in enumerate(offsets)]
        targets, taps, given, sizes, before, after, lengths, outputs = zip(*found)
        if 0 in outputs:
            continue
        inner = None
        if 0 not in sizes and 0 not in lengths:
            ones = (1,) * len(sizes)
            inner = Geometry(sizes, ones, geometry.dilation, before, after, lengths, outputs)
        yield Phase(targets, taps, given, inner)


def _along(geometry: Geometry, axis: int, a: int) -> _Along:
    """Phase `a` of an axis: input elements a + v * stride of the padded axis, for v from `first` to `last`."""
    stride, dilation, size = (of[axis] for of in (geometry.strides, geometry.dilation, geometry.sizes))
    front, length, windows = (of[axis] for of in (geometry.before, geometry.lengths, geometry.outputs))
    first = -(-(front - a) // stride)
    last = (front + length - 1 - a) // stride
    count = len(range(a, size, stride))
    reach = (count - 1) * dilation
    start, stop = first - reach, last  # the first and the last window that arrives
    low, high = max(0, start), max(0, min(windows - 1, stop) + 1)
    begin = a + first * stride - front
    return _Along(
        slice(begin, begin + max(0, last - first) * stride + 1, stride),
        _turned(a, size, stride),
        slice(low, high),
        count,
        low - start,
        stop + 1 - high,
        max(0, high - low),
        max(0, last - first + 1),
    )


def _turned(a: int, size: int, stride: int) -> slice:
    """`range(a, size, stride)` backwards, as a slice."""
    places = range(a, size, stride)[::-1]
    if not places:
        return slice(0, 0)
    return slice(places.start, None if places.stop < 0 else places.stop, places.step)
