"""Whether numbers are of one size, so that transforms may mix them.

Winograd's transforms add and subtract numbers of a tile that no single output sees together. What one output sees is
then rounded by the size of what another one sees: by the largest of the tile. Where that is far larger than the rest,
an infinity, or NaN, the work is left to a plain sum of products.

Looking must cost next to nothing beside the work, so outputs are looked at while they are in the cache. A number far
larger than the others shows in all outputs that see it: of a kernel of 3x3, a ninth of the pixels is enough to meet
it, and of those some filters. To the gradient of a kernel it does no harm inside an image, where all elements of the
kernel meet it, but at the borders.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.scratch import scratch

__all__ = ["Look", "Looked", "has_steady_borders", "peak"]

_SAMPLE = 512  # numbers looked at for the usual size
_USUAL = 0.97  # the part of them, without the largest, of which the mean square is taken
_MOST = 32.0  # times the usual size
_FILTERS = 16  # looked at, of which one at least has weights that show it
_MIDDLE, _MOST_OUTPUT = 0.7, 16.0  # outputs are compared to the one at this place in order of size
_FEW = 1024  # numbers of an image, which are too few to tell its own usual size
_TYPES: dict[int, Any] = {4: (numpy.int32, numpy.uint32), 8: (numpy.int64, numpy.uint64)}


def peak(a: ndarray) -> Any:
    """The largest absolute value of floats; NaN where there is one."""
    if not a.size:
        return a.dtype.type(0)
    if not a.flags.c_contiguous:
        return numpy.maximum(a.max(), -a.min())
    signed, unsigned = _TYPES[a.itemsize]
    # As integers, floats are in order; negative ones lie behind the others, in order of their size.
    high, low = a.view(signed).max(), a.view(unsigned).max()
    most = max(int(high), int(low) & numpy.iinfo(signed).max)
    return signed(most).view(a.dtype)


class Looked:
    """What a convolution leaves for its gradients: the algorithm that was chosen, and what it found by the way.

    Attributes:
        algorithm: a row of the table in `algorithms.py`; None before the convolution.
        is_steady: that its input was looked at, and holds no number far larger than the others.
    """

    __slots__ = ("algorithm", "is_steady")

    def __init__(self) -> None:
        self.algorithm: Any = None
        self.is_steady = False


class _Axis(NamedTuple):
    """Which outputs along an axis are looked at: every so many, and the last where they end too early."""

    length: int
    step: int
    first: int
    regular: int  # how many are so many apart
    seen: int

    @classmethod
    def of(cls, length: int, step: int, slack: tuple[int, int]) -> _Axis:
        for first in range(min(step, slack[0] + 1, length)):
            regular = -(-(length - first) // step)
            if length - 1 - slack[1] <= first + (regular - 1) * step:
                return cls(length, step, first, regular, regular)
        regular = -(-length // step)
        return cls(length, step, 0, regular, regular + 1)

    def places(self, start: int, stop: int) -> list[tuple[slice, slice]]:
        """Of the outputs from start to stop, those that are looked at, and their places among all of them."""
        low, high = (max(0, -(-(n - self.first) // self.step)) for n in (start, stop))
        found = [(slice(self.first + low * self.step, stop, self.step), slice(low, high))] if low < high else []
        if self.seen > self.regular and stop >= self.length:
            found.append((slice(self.length - 1, self.length), slice(self.regular, self.seen)))
        return found


class Look:
    """Some outputs of a fast algorithm, which together show every number far larger than the others.

    Blocks of outputs are looked at as they are done, while they are in the cache. One look at a time in each thread:
    what was seen lies in scratch.

    Args:
        shape: of the outputs (batch, *spatial, filters), float32, also with a bias added and relu applied.
        steps: along each axis, how many outputs at least see the same input.
        groups: of filters, none of which sees what another sees.
        slack: along each axis, how many more outputs see the first input than the first does, and the last input.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        steps: tuple[int, ...],
        groups: int = 1,
        slack: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        slack = slack or [(0, 0)] * len(steps)
        self._axes = [_Axis.of(*axis) for axis in zip(shape[1:-1], steps, slack, strict=True)]
        self._whole = [axis.places(0, axis.length) for axis in self._axes]
        self._filters = slice(_FILTERS if groups == 1 else None)
        width = len(range(*self._filters.indices(shape[-1])))
        self._seen = scratch("outliers", (shape[0], *[axis.seen for axis in self._axes], width), numpy.float32)

    def take(self, out: ndarray, images: slice, *ranges: slice) -> None:
        """Look at a block of outputs: some images, of these the ranges along the first axes."""
        axes = [axis.places(some.start, some.stop) for axis, some in zip(self._axes, ranges)]
        for places in itertools.product(*axes, *self._whole[len(axes) :]):
            sources, targets = zip(*places, strict=True)
            self._seen[(images, *targets)] = out[(images, *sources, self._filters)]

    def wild_images(self) -> list[int]:
        """The numbers of the images with a number far larger than the others, after all blocks were looked at."""
        if not self._seen.size:
            return []
        sizes = numpy.abs(self._seen, out=self._seen).reshape(len(self._seen), -1)
        usual = _middle(sizes)
        if sizes.max() <= _MOST_OUTPUT * usual:
            return []
        few = sizes.shape[1] < _FEW
        return [i for i, own in enumerate(sizes) if not own.max() <= _MOST_OUTPUT * (usual if few else _middle(own))]


def _middle(sizes: Any) -> Any:
    sample = _sample(sizes)
    sample.sort()
    return sample[int(len(sample) * _MIDDLE)]


def has_steady_borders(a: ndarray) -> bool:
    """Whether no number (batch, *spatial, channels) at the borders is far larger than is usual inside."""
    most = numpy.float32(0)
    for axis in range(1, a.ndim - 1):
        for end in (0, -1):
            most = numpy.maximum(most, peak(numpy.ascontiguousarray(a[(slice(None),) * axis + (end,)])))
    if not most < numpy.inf:
        return False
    sample = numpy.abs(_sample(a))
    sample.sort()
    usual = sample[: max(1, int(len(sample) * _USUAL))] / max(most, numpy.finfo(a.dtype).tiny)
    return bool(usual.dot(usual) * _MOST * _MOST >= len(usual) or not most)


def _sample(a: ndarray) -> Any:
    """Some numbers of an array, in which all channels have their turn."""
    step = max(1, a.size // _SAMPLE)
    while step > 1 and math.gcd(step, a.shape[-1]) > 1:
        step -= 1
    return a.reshape(-1)[::step].copy()
