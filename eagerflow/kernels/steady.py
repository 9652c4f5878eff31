"""Whether numbers are of one size, so that transforms may mix them.

Winograd's transforms add and subtract numbers of a tile that no single output sees together. What one output sees is
then rounded by the size of what another one sees: by the largest of the tile. Where that is far larger than the rest,
an infinity, or NaN, the work is left to a plain sum of products.

Looking must cost next to nothing beside the work. A number far larger than the others shows in all outputs that see
it: of a kernel of 3x3, a ninth of the pixels is enough to meet it, and of those some filters. To the gradient of a
kernel it does no harm inside an image, where all elements of the kernel meet it, but at the borders.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy

__all__ = ["has_steady_borders", "peak", "wild_images"]

_SAMPLE = 512  # numbers looked at for the usual size
_USUAL = 0.97  # the part of them, without the largest, of which the mean square is taken
_MOST = 32.0  # times the usual size
_FILTERS = 16  # looked at, of which one at least has weights that show it
_MIDDLE, _MOST_OUTPUT = 0.7, 16.0  # outputs are compared to the one at this place in order of size
_FEW = 1024  # numbers of an image, which are too few to tell its own usual size
_TYPES: dict[int, Any] = {4: (numpy.int32, numpy.uint32), 8: (numpy.int64, numpy.uint64)}


def peak(a: Any) -> Any:
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


def wild_images(out: Any, steps: tuple[int, ...], groups: int) -> list[int]:
    """The numbers of the images whose outputs (batch, *spatial, filters) show a number far larger than the others.

    Args:
        out: the outputs of a fast algorithm, also with a bias added and relu applied.
        steps: along each axis, how many outputs at least see the same input.
        groups: of filters, none of which sees what another sees.
    """
    if not out.size:
        return []
    filters = slice(_FILTERS if groups == 1 else None)
    ends = itertools.product(*[
        (slice(None, None, step), slice(-1, None)) if (n - 1) % step else (slice(None, None, step),)
        for n, step in zip(out.shape[1:-1], steps, strict=True)
    ])  # fmt: skip
    parts = [out[(slice(None), *end, filters)].reshape(len(out), -1) for end in ends]
    sizes = numpy.abs(numpy.concatenate(parts, axis=1) if len(parts) > 1 else parts[0])
    most = sizes.max()
    usual = _middle(sizes)
    if most <= _MOST_OUTPUT * usual:
        return []
    few = sizes.shape[1] < _FEW
    return [
        i for i, own in enumerate(sizes) if not own.max() <= _MOST_OUTPUT * (usual if few else _middle(own))
    ]


def _middle(sizes: Any) -> Any:
    sample = _sample(sizes)
    sample.sort()
    return sample[int(len(sample) * _MIDDLE)]


def has_steady_borders(a: Any) -> bool:
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


def _sample(a: Any) -> Any:
    """Some numbers of an array, in which all channels have their turn."""
    step = max(1, a.size // _SAMPLE)
    while step > 1 and math.gcd(step, a.shape[-1]) > 1:
        step -= 1
    return a.reshape(-1)[::step].copy()
