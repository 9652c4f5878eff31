"""Whether numbers are of one size, so that transforms may mix them.

Winograd's transforms add and subtract numbers of a tile that no single output sees together. What one output sees is
then rounded by the size of what another one sees: by the largest of the tile. Where that is far larger than the rest,
an infinity, or NaN, the work is left to a plain sum of products.

Looking must cost next to nothing, so blocks of images are looked at while they are in the cache: their
inputs first, and where these aren't of one size, or mostly zeros, their outputs. A number far larger than the others
shows in all outputs that see it: of a kernel of 3x3, a ninth of the pixels is enough to meet it, and of those some
filters. To the gradient of a kernel it does no harm inside an image, where all elements of the
kernel meet it, but at the borders.
"""

from __future__ import annotations

import functools
import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.scratch import scratch

__all__ = ["Look", "Looked", "has_steady_borders", "peak"]

_SAMPLE = 512  # numbers looked at for the usual size
_USUAL = 0.97  # the part of them, without the largest, of which the mean square is taken
_MOST_BORDER = 32.0  # times the usual size
_FILTERS = 16  # looked at, of which one at least has weights that show it
_MIDDLE, _MOST = 0.7, 16.0  # times the one at this place in order of size
_NOTHING = 1e-6  # of the largest: what transforms leave where there are zeros
_REST = 1 / 8  # of a sample: as many others show what is usual
_SMALL = 1e-4  # of the largest: inputs whose sum may be as small as what transforms leave
_SOME_SMALL = 1 / 4096  # of an image: as many happen to be small among large ones
_FEW = 1024  # numbers of an image, which are too few to tell its own usual size
_TYPES: dict[int, Any] = {4: (numpy.int32, numpy.uint32, 2**31 - 1), 8: (numpy.int64, numpy.uint64, 2**63 - 1)}


def peak(a: ndarray) -> Any:
    """The largest absolute value of floats; NaN where there is one."""
    if not a.size:
        return a.dtype.type(0)
    if not a.flags.c_contiguous:
        return numpy.maximum(a.max(), -a.min())
    signed, unsigned, largest = _TYPES[a.itemsize]
    # As integers, floats are in order; negative ones lie behind the others, in order of their size.
    most = int(a.view(unsigned).max())
    if most > largest:
        most = max(int(a.view(signed).max()), most & largest)
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


class _Places(NamedTuple):
    """Which outputs are looked at, for images of one shape.

    Attributes:
        along: their places along each axis, in order.
        width: filters of a pixel that are looked at. So many lie side by side in a run.
        runs: the numbers of their runs in an image.
    """

    along: tuple[list[int], ...]
    width: int
    runs: ndarray

    def among(self, ranges: Sequence[slice]) -> Any:
        """Which of `runs` lie in these ranges along the first axes, in order."""
        low = [
            [bisect_left(along, some.start), bisect_left(along, some.stop)] for along, some in zip(self.along, ranges)
        ]
        numbers = numpy.arange(self.runs.size).reshape([len(along) for along in self.along])
        return numbers[tuple([slice(*ends) for ends in low])].reshape(-1)


@functools.lru_cache(maxsize=256)
def _places(shape: tuple[int, ...], steps: tuple[int, ...], groups: int, slack: Sequence[tuple[int, int]]) -> _Places:
    """For outputs (*spatial, filters)."""
    *lengths, filters = shape
    along = tuple([_along(*axis) for axis in zip(lengths, steps, slack, strict=True)])
    wide_enough = (n for n in range(_FILTERS, filters) if filters % n == 0)
    width = next(wide_enough, filters) if groups == 1 else filters
    pixels = numpy.ravel_multi_index(numpy.ix_(*along), lengths) if all(lengths) else numpy.empty(0, "intp")
    return _Places(along, width, pixels.reshape(-1) * (filters // max(1, width)))


def _along(length: int, step: int, slack: tuple[int, int]) -> list[int]:
    """The places along an axis: at a constant distance, and the last where they end too early."""
    for first in range(min(step, slack[0] + 1, length)):
        found = list(range(first, length, step))
        if length - 1 - slack[1] <= found[-1]:
            return found
    found = list(range(0, length, step))
    return found if not found or found[-1] == length - 1 else [*found, length - 1]


class Look:
    """Some outputs of a fast algorithm, which together show every number far larger than the others.

    Blocks of outputs are looked at as they are done, while they are in the cache. Images whose inputs are of one size
    (see `is_even`) needn't be looked at. One look at a time in each thread: what was seen lies in scratch.

    Args:
        inputs: the images (batch, *spatial, channels) that the outputs are made from.
        shape: of the outputs (batch, *spatial, filters), float32, contiguous. Best without bias and relu: where relu
            leaves few, the usual size is hard to see.
        steps: along each axis, how many outputs at least see the same input.
        groups: of filters, none of which sees what another sees.
        slack: along each axis, how many more outputs see the first input than the first does, and the last input.
    """

    def __init__(
        self,
        inputs: ndarray,
        shape: tuple[int, ...],
        steps: tuple[int, ...],
        groups: int = 1,
        slack: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        self._inputs = inputs
        self._places = _places(shape[1:], steps, groups, ((0, 0),) * len(steps) if slack is None else tuple(slack))
        self._seen = scratch("outliers", (shape[0], self._places.runs.size, self._places.width), numpy.float32)
        self._images: set[int] = set()  # that were looked at
        self._peaks: list[Any] = []

    @functools.cached_property
    def _most_input(self) -> Any:
        return _MOST * _middle(_sizes(self._inputs)) if self._inputs.size else 0

    def _has_few(self) -> bool:
        """Whether so few outputs of an image are looked at that a single pixel may be a large part of them."""
        return self._seen[:1].size < _FEW

    def is_even(self, images: slice) -> bool:
        """Whether the inputs of some images are all of one size: then their outputs needn't be looked at."""
        return not self._has_few() and bool(0 < self._most_input and peak(self._inputs[images]) <= self._most_input)

    def take(self, out: ndarray, images: slice, *ranges: slice) -> None:
        """Look at a block of outputs: some images, of these the ranges along the first axes."""
        places, block, target = self._places, out[images], self._seen[images]
        if not target.size:
            return
        self._images.update(range(*images.indices(len(out))))
        runs = block.reshape(len(block), -1, places.width)
        if all([some.stop - some.start == length for some, length in zip(ranges, out.shape[1:])]):
            found = runs.take(places.runs, axis=1, out=target, mode="clip")
        else:
            some = places.among(ranges)
            found = target[:, some] = runs.take(places.runs[some], axis=1, mode="clip")
        self._peaks.append(peak(found))

    def wild_images(self) -> list[int]:
        """The numbers of the images with a number far larger than the others, after all blocks were looked at."""
        images = sorted(self._images)
        if not images:
            return []
        every = len(images) == len(self._seen)
        numbers = (self._seen if every else self._seen[images]).reshape(len(images), -1)
        usual = _middle(_sizes(numbers))
        most = _MOST * usual
        if all([some <= most for some in self._peaks]):
            return []
        batch = usual if self._has_few() else None
        return [i for i, own in zip(images, numbers, strict=True) if not _is_even(own, self._inputs[i], batch)]


def _is_even(numbers: ndarray, image: ndarray, usual: Any) -> bool:
    """Whether what was seen of an image is of one size: the `usual` one, or without it its own."""
    most = peak(numbers)
    if usual is not None:
        return bool(most <= _MOST * usual)
    sizes = _sizes(numbers)
    if most <= _MOST * _middle(sizes):
        return True
    # Where an image is blank, transforms leave nothing or rounding, which tells nothing of what is usual in the rest.
    rest = sizes[numpy.searchsorted(sizes, sizes[-1] * _NOTHING, "right") :]
    if len(rest) < _REST * len(sizes) or not most <= _MOST * _middle(rest):
        return False
    return _is_blank_or_large(image)


def _middle(sizes: ndarray) -> Any:
    """The usual one of numbers in order of size."""
    return sizes[int(len(sizes) * _MIDDLE)]


def _sizes(numbers: ndarray) -> Any:
    """Some absolute values, in order."""
    sample = numpy.abs(_sample(numbers))
    sample.sort()
    return sample


def _is_blank_or_large(image: ndarray) -> bool:
    """Whether what is far smaller than the largest number of an image is 0, but for a few."""
    sizes = numpy.abs(image)
    small = numpy.count_nonzero(sizes < sizes.max() * _SMALL) - (sizes.size - numpy.count_nonzero(sizes))
    return bool(small <= _SOME_SMALL * sizes.size)


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
    return bool(usual.dot(usual) * _MOST_BORDER * _MOST_BORDER >= len(usual) or not most)


def _sample(a: ndarray) -> Any:
    """Some numbers of an array, in which all channels have their turn."""
    step = max(1, a.size // _SAMPLE)
    while step > 1 and math.gcd(step, a.shape[-1]) > 1:
        step -= 1
    return a.reshape(-1)[::step].copy()
